"""XISF files (XISF 1.0 Specification, Pleiades Astrophoto 2017): one image, its keywords and properties, its pixels.

Rows are stored in the order of the array. A file holds no time of its making but what the cards say: equal work gives
equal files, and the creation time that the specification asks for is the start of the exposure.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import WriteError
from evenfield.model.header import CardValue
from evenfield.model.pixels import Image
from evenfield.write.atomic import new_file
from evenfield.write.card_text import Card, ascii_text
from evenfield.write.fits_file import checked_pixels, content_cards

XisfSample = Literal["uint16", "uint32", "float32", "float64"]
XisfCodec = Literal["", "zlib", "lz4", "lz4hc", "zstd"]

ALIGNMENT: Final = 4096
"""Blocks begin at a multiple of so many bytes."""

_NAMESPACE: Final = "http://www.pixinsight.com/xisf"
_FORMATS: Final[dict[str, tuple[str, str]]] = {
    "uint16": ("UInt16", "<u2"),
    "uint32": ("UInt32", "<u4"),
    "float32": ("Float32", "<f4"),
    "float64": ("Float64", "<f8"),
}
_IMAGE_TYPES: Final = {
    "MASTER BIAS": "MasterBias",
    "MASTER DARK": "MasterDark",
    "MASTER DARK FLAT": "MasterDark",
    "MASTER FLAT": "MasterFlat",
    "LIGHT": "Light",
    "LIGHT FRAME": "Light",
}
_PROPERTIES: Final = (
    ("DATE-OBS", "Observation:Time:Start", "TimePoint", 1.0),
    ("OBJECT", "Observation:Object:Name", "String", None),
    ("INSTRUME", "Instrument:Camera:Name", "String", None),
    ("XBINNING", "Instrument:Camera:XBinning", "Int32", None),
    ("YBINNING", "Instrument:Camera:YBinning", "Int32", None),
    ("EXPTIME", "Instrument:ExposureTime", "Float32", 1.0),
    ("FILTER", "Instrument:Filter:Name", "String", None),
    ("CCD-TEMP", "Instrument:Sensor:Temperature", "Float32", 1.0),
    ("SET-TEMP", "Instrument:Sensor:TargetTemperature", "Float32", 1.0),
    ("TELESCOP", "Instrument:Telescope:Name", "String", None),
    ("FOCALLEN", "Instrument:Telescope:FocalLength", "Float32", 0.001),
)
"""Keyword, property, its type, and what a number is multiplied with (XISF has metres)."""

_ROWS: Final = 1 << 18
"""Samples converted at a time."""


def write_xisf(
    path: str | os.PathLike[str],
    *,
    image: Image | NDArray[Any],
    cards: Sequence[Card] = (),
    history: Sequence[str] = (),
    sample: XisfSample = "float32",
    scale: float = 1.0,
    codec: XisfCodec = "",
    shuffle: bool = True,
    overwrite: bool = False,
) -> str:
    """Write an image as an XISF file, which appears complete or not at all.

    Parameters
    ----------
    path : path-like
        The file; missing folders are made.
    image : Image or array (rows, columns)
        The pixels; an `Image`'s maps are not written.
    cards : sequence of (keyword, value, comment)
        FITS keywords, as for `evenfield.write.write_image`; what has a property in XISF is written as that too.
    history : sequence of str
        HISTORY keywords, at the end.
    sample : {"float32", "uint16", "uint32", "float64"}
        How pixels are stored; integers are rounded, and refused where they do not fit.
    scale : float
        Pixels are divided by this: 65535 brings ADU to the range 0..1.
    codec : {"", "zlib", "lz4", "lz4hc", "zstd"}
        How the block is packed; lz4 and zstd need the packages ``lz4`` and ``zstandard``. Packed blocks are held in
        memory, and carry a SHA-1 checksum.
    shuffle : bool
        Whether bytes are reordered before packing, which packs better.
    overwrite : bool
        Whether a file of that name may be replaced.

    Returns
    -------
    str
        The absolute path.

    Raises
    ------
    OutputExistsError
        If there is such a file and ``overwrite`` is false.
    WriteError
        If the folder or the disk does not take the file, a codec is not installed, or values do not fit.
    """
    where = os.path.abspath(path)
    pixels = checked_pixels(image, where)
    if sample not in _FORMATS or codec not in ("", "zlib", "lz4", "lz4hc", "zstd"):
        raise WriteError(f"{where} cannot be written as XISF of {sample}, {codec or 'plain'}.")
    if sample.startswith("uint"):
        _check_fits(pixels, where, sample=sample, scale=scale)
    packed, attributes = _packed(pixels, where, sample=sample, scale=scale, codec=codec, shuffle=shuffle)
    size = len(packed) if packed is not None else pixels.size * np.dtype(_FORMATS[sample][1]).itemsize
    known = {keyword: value for keyword, value, _ in reversed(list(content_cards(image, cards)))}
    attributes = {**_image_attributes(pixels, known, sample), **attributes}
    inside = list(_inside(image, cards, history, known))
    header, start = _header(attributes, inside, known, size)
    with new_file(where, overwrite=overwrite) as file:
        file.write(header.ljust(start, b"\0"))
        if packed is not None:
            file.write(packed)
        else:
            for piece in _pieces(pixels, sample=sample, scale=scale):
                file.write(piece.data)
    return where


def _image_attributes(pixels: NDArray[Any], known: dict[str, CardValue], sample: str) -> dict[str, str]:
    rows, columns = pixels.shape
    found = {
        "geometry": f"{columns}:{rows}:1",
        "sampleFormat": _FORMATS[sample][0],
        "colorSpace": "Gray",
    }
    if sample.startswith("float"):
        found["bounds"] = "0:1" if known.get("BUNIT") == "relative" else "0:65535"
    kind = known.get("IMAGETYP")
    if isinstance(kind, str) and kind.upper() in _IMAGE_TYPES:
        found["imageType"] = _IMAGE_TYPES[kind.upper()]
    return found


def _inside(
    image: Image | NDArray[Any], cards: Iterable[Card], history: Iterable[str], known: dict[str, CardValue]
) -> Iterator[str]:
    """The elements inside of the image, as texts."""
    for keyword, value, comment in content_cards(image, cards):
        yield _element("FITSKeyword", name=keyword, value=_keyword_value(value), comment=ascii_text(comment))
    for text in history:
        for row in text.split("\n"):
            yield _element("FITSKeyword", name="HISTORY", value="", comment=ascii_text(row))
    # BAYERPAT is the pattern of the picture's top row, XISF has that of the first stored one.
    pattern = known.get("BAYERPAT")
    if isinstance(pattern, str) and len(pattern) in (4, 36) and known.get("ROWORDER") != "BOTTOM-UP":
        side = "2" if len(pattern) == 4 else "6"
        yield _element("ColorFilterArray", pattern=pattern, width=side, height=side)
    for keyword, name, kind, factor in _PROPERTIES:
        value = known.get(keyword)
        if kind == "String" and isinstance(value, str):
            yield f'<Property id="{name}" type="String">{_escaped(value)}</Property>'
        elif kind == "TimePoint" and isinstance(value, str):
            yield _element("Property", id=name, type=kind, value=_time(value))
        elif isinstance(value, int | float) and not isinstance(value, bool) and kind != "String":
            number = int(value) if factor is None else float(value) * factor
            yield _element("Property", id=name, type=kind, value=repr(number))


def _keyword_value(value: CardValue) -> str:
    """A value as a FITS header would have it: in XISF all of them are texts."""
    if isinstance(value, np.generic):
        value = value.item()  # type: ignore[unreachable]
    if isinstance(value, bool):
        return "T" if value else "F"
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    if isinstance(value, str):
        return "'" + ascii_text(value).replace("'", "''") + "'"
    return repr(value).upper()


def _element(tag: str, **attributes: str) -> str:
    return f"<{tag} " + " ".join(f"{name}={quoteattr(_plain(value))}" for name, value in attributes.items()) + "/>"


def _escaped(text: str) -> str:
    return _plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> str:
    """A text without the characters that XML does not allow."""
    return "".join(char if char >= " " or char in "\t\n" else "?" for char in text if char not in "\ufffe\uffff")


def _time(text: str) -> str:
    return text if text.endswith("Z") else f"{text}Z"


def _header(
    attributes: dict[str, str], inside: Sequence[str], known: dict[str, CardValue], size: int
) -> tuple[bytes, int]:
    """The file's beginning up to the end of its XML, and where the block begins."""
    began = known.get("DATE-OBS")
    created = _time(began) if isinstance(began, str) else "1970-01-01T00:00:00Z"
    metadata = (
        _element("Property", id="XISF:CreationTime", type="TimePoint", value=created)
        + '<Property id="XISF:CreatorApplication" type="String">evenfield</Property>'
    )
    start = ALIGNMENT
    while True:
        image = _element("Image", **attributes, location=f"attachment:{start}:{size}")[:-2] + ">"
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?><xisf version="1.0" xmlns="{_NAMESPACE}">'
            f"{image}{''.join(inside)}</Image><Metadata>{metadata}</Metadata></xisf>"
        ).encode()
        header = b"XISF0100" + len(text).to_bytes(4, "little") + bytes(4) + text
        if len(header) <= start:
            break
        start = -(-len(header) // ALIGNMENT) * ALIGNMENT
    return header, start


def _pieces(pixels: NDArray[Any], *, sample: str, scale: float) -> Iterator[NDArray[Any]]:
    """The pixels as they are stored, a few rows at a time."""
    dtype = np.dtype(_FORMATS[sample][1])
    step = max(1, _ROWS // pixels.shape[1])
    for row in range(0, pixels.shape[0], step):
        band = pixels[row : row + step]
        if sample.startswith("uint"):
            yield np.rint(band / scale if scale != 1.0 else band).astype(dtype)
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            stored = (band / dtype.type(scale) if scale != 1.0 else band).astype(dtype)
        stored[np.isnan(stored)] = np.nan
        yield stored


def _check_fits(pixels: NDArray[Any], path: str, *, sample: str, scale: float) -> None:
    most = float(np.iinfo(np.dtype(_FORMATS[sample][1])).max)
    bad = 0
    step = max(1, _ROWS // pixels.shape[1])
    for row in range(0, pixels.shape[0], step):
        values = np.rint(pixels[row : row + step].astype(np.float64) / scale)
        bad += values.size - int(np.count_nonzero((values >= 0) & (values <= most)))
    if bad:
        text = f"{path} cannot be written as {sample}: {bad} pixels lie outside of 0 to {most:.0f}, or have no value."
        raise WriteError(text, mend="Write float32 (--output-type float32).", code="does_not_fit")


def _packed(
    pixels: NDArray[Any], path: str, *, sample: str, scale: float, codec: str, shuffle: bool
) -> tuple[bytes | None, dict[str, str]]:
    """The packed block with the attributes that say how, or nothing where it is not packed."""
    if not codec:
        return None, {}
    item = np.dtype(_FORMATS[sample][1]).itemsize
    whole = b"".join(piece.tobytes() for piece in _pieces(pixels, sample=sample, scale=scale))
    content = np.frombuffer(whole, np.uint8).reshape(-1, item).T.tobytes() if shuffle else whole
    if codec == "zlib":
        packed = zlib.compress(content, 6)
    elif codec == "zstd":
        packed = bytes(_library("zstandard", path).ZstdCompressor().compress(content))
    else:
        mode = {"mode": "high_compression"} if codec == "lz4hc" else {}
        packed = bytes(_library("lz4.block", path).compress(content, store_size=False, **mode))
    name = f"{codec}+sh:{len(whole)}:{item}" if shuffle else f"{codec}:{len(whole)}"
    digest = hashlib.sha1(packed, usedforsecurity=False).hexdigest()
    return packed, {"compression": name, "checksum": f"sha-1:{digest}"}


def _library(module: str, path: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise WriteError(
            f"{path} cannot be packed: {package} is not installed.", mend=f"python3 -m pip install {package}"
        ) from None
