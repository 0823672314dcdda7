"""XISF files (XISF 1.0 Specification, Pleiades Astrophoto 2017): header, keywords and properties, where pixels lie.

A file begins with ``XISF0100``, the length of an XML header and the header itself; its image is a block somewhere
behind, or written out in the header. Images are stored from the top row down.
"""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as Xml

import xxhash

from evenfield.errors import DamagedFileError, NotAnImageError, UnsupportedError
from evenfield.model.header import CardValue, RawHeader
from evenfield.read.access import FileBytes
from evenfield.read.refusals import COPY_AGAIN, megabytes, refusal

PREFIX: Final = 16
"""Bytes before the XML header: the magic, its length in 4 bytes, 4 that are reserved."""

_MOST_HEADER: Final = 64 << 20

_SAMPLES: Final = {
    "UInt8": ("uint8", "u1"),
    "UInt16": ("uint16", "u2"),
    "UInt32": ("uint32", "u4"),
    "Float32": ("float32", "f4"),
    "Float64": ("float64", "f8"),
}
"""sampleFormat -> what a `RawHeader` calls it, and NumPy."""

_KINDS: Final = {
    "bias": "Bias Frame",
    "dark": "Dark Frame",
    "flat": "Flat Field",
    "light": "Light Frame",
    "masterbias": "Master Bias",
    "masterdark": "Master Dark",
    "masterflat": "Master Flat",
    "masterlight": "Master Light",
}
"""imageType (lower case) -> IMAGETYP."""

_PROPERTIES: Final = {
    "Instrument:ExposureTime": ("EXPTIME", 1.0),
    "Instrument:Filter:Name": ("FILTER", None),
    "Instrument:Camera:Name": ("INSTRUME", None),
    "Instrument:Camera:Gain": ("EGAIN", 1.0),
    "Instrument:Camera:ISOSpeed": ("ISOSPEED", 1.0),
    "Instrument:Camera:XBinning": ("XBINNING", 1.0),
    "Instrument:Camera:YBinning": ("YBINNING", 1.0),
    "Instrument:Sensor:Temperature": ("CCD-TEMP", 1.0),
    "Instrument:Sensor:TargetTemperature": ("SET-TEMP", 1.0),
    "Instrument:Telescope:Name": ("TELESCOP", None),
    "Instrument:Telescope:FocalLength": ("FOCALLEN", 1000.0),
    "Observation:Time:Start": ("DATE-OBS", None),
    "Observation:Object:Name": ("OBJECT", None),
    "Observation:Location:Longitude": ("SITELONG", 1.0),
    "Observation:Location:Latitude": ("SITELAT", 1.0),
}
"""Properties of section 11.5 of the specification -> keyword, and the factor to its unit (None: a text)."""

_CODEC = re.compile(r"(zlib|lz4|lz4hc|zstd)(\+sh)?")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Where the bytes of an image lie and how they are packed.

    ``inline`` holds them where they stand in the header, else they lie from ``start`` on, ``size`` of them. ``codec``
    is "" for plain bytes, else "zlib", "lz4" or "zstd"; of ``item`` bytes all first ones stand first, then all second
    ones and so on (1: they are not shuffled). ``pieces`` are the (packed, unpacked) sizes of parts packed one by one.
    ``checksum`` is the name of a hash and its digits, "" where there is none.
    """

    start: int
    size: int
    inline: bytes | None
    codec: str
    item: int
    unpacked: int
    pieces: tuple[tuple[int, int], ...]
    checksum: tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class XisfImage:
    """The first image of a file: its header, its block, and how samples are stored (``stored * bscale + bzero``)."""

    header: RawHeader
    block: Block
    dtype: str
    bscale: float
    bzero: float


def parse_xisf(file: FileBytes, *, path: str, start: bytes) -> XisfImage:
    """Parse the header of an XISF file, of which ``start`` are the first bytes.

    Raises
    ------
    DamagedFileError
        If the header is cut short or breaks the format, or the image's block reaches beyond the file.
    NotAnImageError
        If it holds no image.
    UnsupportedError
        For several planes, and for samples and packings that are not read.
    """
    text = _header_text(file, path, start)
    try:
        root = Xml.fromstring(text)
    except Xml.ParseError as error:
        raise refusal(DamagedFileError, path, f"its header is no XML ({error})", mend=COPY_AGAIN) from error
    images = [one for one in root.iter() if _name(one) == "Image"]
    if not images:
        raise refusal(NotAnImageError, path, "no image in it")
    image = images[0]
    rows, columns = _geometry(image, path)
    sample, dtype = _sample(image, path)
    block = _block(image, path)
    there = len(block.inline) if block.inline is not None else file.size
    if block.inline is None and block.start + block.size > file.size:
        reason = f"cut short: {megabytes(there, block.start + block.size)}"
        raise refusal(DamagedFileError, path, reason, mend=COPY_AGAIN, code="truncated")
    wanted = rows * columns * int(dtype[-1])
    if block.unpacked != wanted:
        reason = f"its image has {block.unpacked} bytes where {columns} x {rows} need {wanted}"
        raise refusal(DamagedFileError, path, reason, mend=COPY_AGAIN)
    low, high = _bounds(image, path, dtype)
    # Any other range is brought to 0..1, which is what it stands for.
    plain = dtype in ("u1", "u2") or (dtype[0] == "f" and low == 0.0 and high in (1.0, 65535.0))
    bscale = 1.0 if plain else 1.0 / (high - low)
    remarks = [f"The file holds {len(images) - 1} more images; the first was used."] if len(images) > 1 else []
    header = RawHeader(
        path=path,
        cards=tuple(_cards(image, root, unit=not plain or (dtype[0] == "f" and high == 1.0))),
        shape=(rows, columns),
        sample=sample if plain else "float32",
        size_bytes=file.size,
        mtime_ns=file.mtime_ns,
        header_hash=xxhash.xxh3_128(text).hexdigest(),
        remarks=tuple(remarks),
        history=tuple(value for keyword, value in _keywords(image) if keyword == "HISTORY" and isinstance(value, str)),
    )
    order = ">" if image.get("byteOrder", "little").lower() == "big" else "<"
    return XisfImage(header=header, block=block, dtype=order + dtype, bscale=bscale, bzero=-low * bscale + 0.0)


def _header_text(file: FileBytes, path: str, start: bytes) -> bytes:
    length = int.from_bytes(start[8:12], "little")
    if not 0 < length <= _MOST_HEADER:
        raise refusal(DamagedFileError, path, f"its header claims {length} bytes", mend=COPY_AGAIN)
    text = start[PREFIX : PREFIX + length]
    if len(text) < length:
        text = file.read(PREFIX, length)
    if len(text) < length:
        raise refusal(DamagedFileError, path, "cut short inside its header", mend=COPY_AGAIN, code="truncated")
    return text.rstrip(b"\0")


def _name(element: Xml.Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def _geometry(image: Xml.Element, path: str) -> tuple[int, int]:
    parts = image.get("geometry", "").split(":")
    if len(parts) < 3 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise refusal(DamagedFileError, path, f"its image has the geometry '{image.get('geometry')}'", mend=COPY_AGAIN)
    columns, rows, *more = (int(part) for part in parts[:-1])
    planes = int(parts[-1])
    if more:
        raise refusal(UnsupportedError, path, f"{len(parts) - 1} dimensions", mend="Save the image as a plain plane.")
    if planes == 3:
        mend = "Use the raw frame before debayering; if the camera is mono, save one plane alone."
        raise refusal(UnsupportedError, path, "3 planes", mend=mend, code="three_planes")
    if planes != 1:
        raise refusal(UnsupportedError, path, f"{planes} planes", mend="Save the planes as single files.")
    return rows, columns


def _sample(image: Xml.Element, path: str) -> tuple[str, str]:
    name = image.get("sampleFormat", "")
    if name not in _SAMPLES:
        mend = "Save it with 16-bit or 32-bit samples."
        raise refusal(UnsupportedError, path, f"samples of the format '{name}' are not read", mend=mend)
    return _SAMPLES[name]


def _bounds(image: Xml.Element, path: str, dtype: str) -> tuple[float, float]:
    """The values of black and white; integers without them take their whole range, floats 0 to 1."""
    given = image.get("bounds")
    if given is None:
        return 0.0, 1.0 if dtype[0] == "f" else float((1 << 8 * int(dtype[1])) - 1)
    try:
        low, high = (float(part) for part in given.split(":"))
    except ValueError:
        low, high = 0.0, 0.0
    if not low < high:
        raise refusal(DamagedFileError, path, f"its image has the bounds '{given}'", mend=COPY_AGAIN)
    return low, high


def _block(image: Xml.Element, path: str) -> Block:
    kind, _, where = image.get("location", "").partition(":")
    start = size = 0
    inline = None
    try:
        if kind == "attachment":
            start, size = (int(part) for part in where.split(":"))
        elif kind in ("inline", "embedded"):
            inline = _written_out(image, kind, where)
            size = len(inline)
        else:
            mend = "Save the image and its pixels in one file."
            raise refusal(UnsupportedError, path, f"its pixels lie elsewhere ('{kind}')", mend=mend)
        codec, item, unpacked = _packing(image.get("compression", ""), size)
        pieces = tuple(
            (int(packed), int(whole))
            for packed, _, whole in (part.partition(",") for part in image.get("subblocks", "").split(":") if part)
        )
    except ValueError as error:
        raise refusal(
            DamagedFileError, path, f"its image's block cannot be found ({error})", mend=COPY_AGAIN
        ) from error
    if start < 0 or size <= 0 or (pieces and sum(packed for packed, _ in pieces) != size):
        raise refusal(DamagedFileError, path, "its image's block cannot be found", mend=COPY_AGAIN)
    name, _, digits = image.get("checksum", "").partition(":")
    return Block(
        start=start,
        size=size,
        inline=inline,
        codec=codec,
        item=item,
        unpacked=unpacked,
        pieces=pieces or ((size, unpacked),),
        checksum=(name.lower(), digits.lower()),
    )


def _written_out(image: Xml.Element, kind: str, encoding: str) -> bytes:
    element = image
    if kind == "embedded":
        element = next((one for one in image if _name(one) == "Data"), image)
        encoding = element.get("encoding", "")
        # What packs embedded bytes is said where they stand.
        for name in ("compression", "subblocks", "checksum"):
            if element.get(name) is not None and image.get(name) is None:
                image.set(name, str(element.get(name)))
    text = "".join((element.text or "").split())
    if encoding == "base64":
        return base64.b64decode(text, validate=True)
    if encoding in ("hex", "base16"):
        return bytes.fromhex(text)
    raise ValueError(f"encoding '{encoding}'")


def _packing(text: str, size: int) -> tuple[str, int, int]:
    """Codec, item size and unpacked size of "zlib:1000", "lz4+sh:1000:2" and the like."""
    if not text:
        return "", 1, size
    name, *numbers = text.split(":")
    found = _CODEC.fullmatch(name)
    if found is None or len(numbers) != (2 if found[2] else 1):
        raise ValueError(f"compression '{text}'")
    return found[1].replace("lz4hc", "lz4"), int(numbers[1]) if found[2] else 1, int(numbers[0])


def _keywords(image: Xml.Element) -> Iterator[tuple[str, CardValue]]:
    """The FITS keywords of an image, in their order."""
    for element in image:
        if _name(element) == "FITSKeyword":
            keyword = element.get("name", "").strip().upper()
            value = element.get("value", "")
            if keyword in ("COMMENT", "HISTORY"):
                yield keyword, _text(value) or element.get("comment", "")
            elif keyword:
                yield keyword, _value(value)


def _value(text: str) -> CardValue:
    """The value of a keyword as FITS would have it; in XISF all values are texts."""
    text = text.strip()
    if not text:
        return None
    if text.startswith("'"):
        return _text(text)
    if text in ("T", "F"):
        return text == "T"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _text(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text.startswith("'") and text.endswith("'"):
        text = text[1:-1].replace("''", "'")
    return text.rstrip()


def _cards(image: Xml.Element, root: Xml.Element, *, unit: bool) -> Iterator[tuple[str, CardValue]]:
    """The keywords, then what attributes and properties say beyond them."""
    seen: set[str] = set()
    for keyword, value in _keywords(image):
        if keyword not in ("COMMENT", "HISTORY"):
            seen.add(keyword)
            yield keyword, value
    for keyword, value in _beyond(image, root, unit=unit):
        if keyword not in seen:
            seen.add(keyword)
            yield keyword, value


def _beyond(image: Xml.Element, root: Xml.Element, *, unit: bool) -> Iterator[tuple[str, CardValue]]:
    kind = _KINDS.get(image.get("imageType", "").lower())
    if kind is not None:
        yield "IMAGETYP", kind
    for element in image:
        if _name(element) == "ColorFilterArray" and element.get("pattern"):
            yield "BAYERPAT", str(element.get("pattern")).upper()
    yield "ROWORDER", "TOP-DOWN"
    if unit:
        yield "BUNIT", "relative"
    for element in (*image, *root.iter()):
        if _name(element) == "Property":
            mapped = _PROPERTIES.get(element.get("id", ""))
            text = element.get("value", element.text or "").strip()
            if mapped is not None and text:
                keyword, factor = mapped
                value = text if factor is None else _value(text)
                if isinstance(value, int | float) and factor is not None:
                    value = value * factor if factor != 1.0 else value
                yield keyword, value
        elif _name(element) == "creatorApplication":
            yield "SWCREATE", (element.text or "").strip()
