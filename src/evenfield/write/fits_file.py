"""Writing images as plain FITS files, equal bytes for equal work."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import WriteError
from evenfield.model.header import CardValue
from evenfield.model.pixels import Image
from evenfield.write.atomic import new_file
from evenfield.write.card_text import BLOCK, Card, header_bytes

_CHUNK: Final = 1 << 18  # samples that are converted and written at a time: they stay in the processor's cache
_WRITE: Final = 1 << 20  # bytes handed to the system at a time
ROOMS: Final = 2
"""Pieces that are converted before the first of them must have been written."""

_TOP_BIT: Final = np.array(0x8000, ">u2").view(np.uint16)[()]
"""Of a big-endian number, as this machine has it: turning it subtracts 32768."""

Description: TypeAlias = tuple[Sequence[Card], Sequence[str]]
"""Cards, and HISTORY texts."""

_LAYOUT = re.compile(
    r"SIMPLE|XTENSION|EXTEND|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|BSCALE|BZERO|BLANK|CHECKSUM|DATASUM|LONGSTRN|CONTINUE"
    r"|END|HISTORY|ZIMAGE|EXTNAME|EXTVER|EXTLEVEL|INHERIT"
)
"""Cards that say how a file is stored: those of the file that is written are its own."""


def write_image(
    path: str | os.PathLike[str],
    *,
    image: Image | NDArray[Any],
    cards: Sequence[Card] = (),
    history: Sequence[str] = (),
    sample: Literal["float32", "uint16"] = "float32",
    overwrite: bool = False,
) -> str:
    """Write an image as a FITS file, which appears complete or not at all.

    Parameters
    ----------
    path : path-like
        The file; missing folders are made.
    image : Image or array (rows, columns)
        The pixels of an `Image` are written, and each of its maps as an image extension (float32, or uint16 for
        unsigned integers); NaN stays NaN. Its unit goes into BUNIT ("adu", "electron",
        "relative"), unless ``cards`` have that.
    cards : sequence of (keyword, value, comment)
        Written in this order. Of equal keywords the first counts. Cards that say how a file is stored (BITPIX, BZERO,
        ...) are left out. Characters beyond ASCII are written by their likeness ("Hα" as "Ha") or "?".
    history : sequence of str
        Texts of HISTORY cards, at the end; long ones go on in further cards.
    sample : {"float32", "uint16"}
        How pixels are stored. For uint16 they are rounded half to even; nothing is clipped or wrapped.
    overwrite : bool
        Whether a file of that name may be replaced.

    Returns
    -------
    str
        The absolute path. The file holds no time of its making: equal work gives equal files.

    Raises
    ------
    OutputExistsError
        If there is such a file and ``overwrite`` is false.
    WriteError
        If the folder or the disk does not take the file, or (code "does_not_fit") values do not fit into uint16.
    """
    where = os.path.abspath(path)
    pixels = checked_pixels(image, where)
    maps = image.maps if isinstance(image, Image) else {}
    for name, values in maps.items():
        if values.shape != pixels.shape or values.dtype.kind not in "uf" or values.dtype.itemsize > 4:
            raise WriteError(f"{where} cannot be written: map {name} is {values.dtype}, shape {values.shape}.")
    if sample not in ("float32", "uint16"):
        raise WriteError(f"{where} cannot be written as {sample}.", mend="Choose float32 or uint16.")
    if sample == "uint16":
        check_fits_uint16(pixels, where)
    layout = _layout_cards(pixels.shape, sample=sample, extended=bool(maps))
    header = _header(where, [*layout, *content_cards(image, cards)], history)
    size = len(header) + pixels.size * (2 if sample == "uint16" else 4)
    with new_file(where, overwrite=overwrite, size=size) as file:
        file.write(header)
        _write_pixels(file, pixels, sample=sample)
        for name, values in maps.items():
            kind = "uint16" if values.dtype.kind == "u" else "float32"
            file.write(header_bytes(_extension_cards(name, values, sample=kind)))
            _write_pixels(file, values, sample=kind)
    return where


def write_rows(
    path: str | os.PathLike[str],
    rows: Iterable[NDArray[Any]],
    *,
    shape: tuple[int, int],
    describe: Callable[[], Description],
    longest: Description,
    sample: Literal["float32", "uint16"] = "float32",
    overwrite: bool = False,
    durable: bool = True,
) -> str:
    """Write an image whose rows come one band after another, and whose header is known when they have all come.

    Parameters
    ----------
    path : path-like
        The file; missing folders are made.
    rows : iterable of array
        Bands of rows from the first to the last, big-endian float32 or uint16; one is written before the next is asked
        for.
    shape : tuple of int
        (rows, columns) of the whole image.
    describe : callable
        Gives the cards and HISTORY texts, as for `write_image`, after the last band.
    longest : Description
        Cards and texts that take no less room than those: so much is left for the header, and filled up with blank
        cards.
    sample, overwrite
        As for `write_image`.
    durable : bool
        Whether the file is on the disk before it has its name, see `evenfield.write.atomic.new_file`.

    Returns
    -------
    str
        The absolute path.

    Raises
    ------
    OutputExistsError, WriteError
        As `write_image`; also if bands are missing, or the header takes more room.
    """
    where = os.path.abspath(path)
    dtype = np.dtype(">u2" if sample == "uint16" else ">f4")
    layout = list(_layout_cards(shape, sample=sample))
    room = len(_header(where, [*layout, *content_cards(None, longest[0])], longest[1]))
    n_bytes = shape[0] * shape[1] * dtype.itemsize
    with new_file(where, overwrite=overwrite, durable=durable, size=room + n_bytes) as file:
        file.write(b" " * room)
        written = 0
        for band in rows:
            if band.dtype != dtype or band.ndim != 2 or band.shape[1] != shape[1]:
                raise WriteError(f"{where} cannot be written: a band is {band.dtype}, shape {band.shape}.")
            stored = np.bitwise_xor(band.view(np.uint16), _TOP_BIT) if sample == "uint16" else band
            written += _write_whole(file, stored)
        if written != n_bytes:
            raise WriteError(f"{where} cannot be written: {written} bytes of pixels came instead of {n_bytes}.")
        file.write(b"\0" * (-written % BLOCK))
        cards, history = describe()
        header = _header(where, [*layout, *content_cards(None, cards)], history, size=room)
        if len(header) != room:
            raise WriteError(f"{where} cannot be written: its header takes {len(header)} bytes instead of {room}.")
        file.seek(0)
        file.write(header)
    return where


def _write_pixels(file: IO[bytes], pixels: NDArray[Any], *, sample: str) -> None:
    written = 0
    # One piece is written while the next is converted.
    with ThreadPoolExecutor(max_workers=1) as pool:
        pending: list[Future[int]] = []
        for chunk in _stored(pixels, sample=sample):
            pending.append(pool.submit(file.write, chunk.data))
            if len(pending) == ROOMS:
                written += pending.pop(0).result()
        written += sum(one.result() for one in pending)
    file.write(b"\0" * (-written % BLOCK))


def _write_whole(file: IO[bytes], pixels: NDArray[Any]) -> int:
    """Write pixels that are as they are stored; how many bytes those are."""
    whole = pixels.reshape(-1).view(np.uint8).data
    for start in range(0, len(whole), _WRITE):
        file.write(whole[start : start + _WRITE])
    return len(whole)


def _extension_cards(name: str, values: NDArray[Any], *, sample: str) -> Iterator[Card]:
    yield "XTENSION", "IMAGE", "image extension"
    yield "BITPIX", 16 if sample == "uint16" else -32, "bits of a stored pixel; negative: floating point"
    yield "NAXIS", 2, "number of axes"
    yield "NAXIS1", values.shape[1], "columns"
    yield "NAXIS2", values.shape[0], "rows"
    yield "PCOUNT", 0, "no parameters"
    yield "GCOUNT", 1, "one group"
    if sample == "uint16":
        yield "BSCALE", 1, "value = stored * BSCALE + BZERO"
        yield "BZERO", 32768, "unsigned integers"
    yield "EXTNAME", name, "name of this extension"


def checked_pixels(image: Image | NDArray[Any], path: str) -> NDArray[Any]:
    """The pixels to be written.

    Raises
    ------
    WriteError
        If they are no image.
    """
    pixels = image.pixels if isinstance(image, Image) else np.asarray(image)
    if pixels.ndim != 2 or pixels.size == 0 or pixels.dtype.kind not in "buif":
        what = f"an array of {pixels.dtype}, shape {pixels.shape}"
        raise WriteError(f"{path} cannot be written: {what} is no image.", mend="Give rows and columns of numbers.")
    return pixels


def _layout_cards(shape: tuple[int, ...], *, sample: str, extended: bool = False) -> Iterator[Card]:
    """The cards that say how the pixels are stored."""
    rows, columns = shape
    yield "SIMPLE", True, "conforms to FITS standard"
    yield "BITPIX", 16 if sample == "uint16" else -32, "bits of a stored pixel; negative: floating point"
    yield "NAXIS", 2, "number of axes"
    yield "NAXIS1", columns, "columns"
    yield "NAXIS2", rows, "rows"
    if sample == "uint16":
        yield "BSCALE", 1, "value = stored * BSCALE + BZERO"
        yield "BZERO", 32768, "unsigned integers"
    if extended:
        yield "EXTEND", True, "extensions follow"


def _header(path: str, cards: Iterable[Card], history: Sequence[str], *, size: int = 0) -> bytes:
    try:
        return header_bytes(cards, history=history, size=size)
    except ValueError as error:
        mend = "Keywords have up to 8 letters, digits, - or _."
        raise WriteError(f"{path} cannot be written: {error}.", mend=mend) from error


def content_cards(image: Image | NDArray[Any] | None, cards: Iterable[Card]) -> Iterator[Card]:
    """The given cards, but for those of the layout and second ones of a keyword, and BUNIT where none is given."""
    given = [(keyword.upper().strip(), value, comment) for keyword, value, comment in cards]
    seen: set[str] = set()
    if isinstance(image, Image) and all(keyword != "BUNIT" for keyword, _, _ in given):
        yield "BUNIT", image.unit.value, "unit of the pixels"
    for keyword, value, comment in given:
        if _LAYOUT.fullmatch(keyword) or keyword in seen:
            continue
        if keyword != "COMMENT":
            seen.add(keyword)
        yield keyword, _plain_value(value), comment


def _plain_value(value: CardValue) -> CardValue:
    """A value as Python has it: NumPy's own numbers are told apart by their kind."""
    if isinstance(value, np.generic):
        return value.item()  # type: ignore[unreachable]
    return value


def _stored(pixels: NDArray[Any], *, sample: str) -> Iterator[NDArray[Any]]:
    """The pixels as they are stored, big-endian, a few rows at a time; each is overwritten ``ROOMS`` pieces later."""
    step = max(1, _CHUNK // pixels.shape[1])
    # Touching fresh memory for every piece would cost more than converting it.
    rooms = np.empty((ROOMS, min(step, pixels.shape[0]), pixels.shape[1]), ">i2" if sample == "uint16" else ">f4")
    for piece, row in enumerate(range(0, pixels.shape[0], step)):
        band = pixels[row : row + step]
        stored = rooms[piece % ROOMS, : band.shape[0]]
        if sample == "uint16":
            # 65536 values less 32768 fit int16, which FITS has in the place of uint16.
            stored[...] = _rounded(band).astype(np.int32) - 32768
        else:
            _store_float32(band, stored)
        yield stored


def _store_float32(band: NDArray[Any], stored: NDArray[Any]) -> None:
    """Convert to float32; every NaN gets the same bits: others would depend on how it came about."""
    with np.errstate(over="ignore", invalid="ignore"):
        np.copyto(stored, band, casting="unsafe")
        # A sum that is a number has no NaN in it, and costs less than to look at each.
        whole = not math.isnan(float(band.sum(dtype=np.float32)))
    if not whole:
        stored[np.isnan(band)] = np.nan


def _rounded(band: NDArray[Any]) -> NDArray[Any]:
    return np.rint(band) if band.dtype.kind == "f" else band


def check_fits_uint16(pixels: NDArray[Any], path: str) -> None:
    """Refuse pixels that uint16 cannot hold, with the number of each kind."""
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:
        return
    below = above = nan = 0
    step = max(1, _CHUNK // pixels.shape[1])
    for row in range(0, pixels.shape[0], step):
        band = _rounded(pixels[row : row + step])
        below += int(np.count_nonzero(band < 0))
        above += int(np.count_nonzero(band > 65535))
        nan += int(np.count_nonzero(np.isnan(band)))
    counts = [(below, "below 0"), (above, "above 65535"), (nan, "without a value (NaN)")]
    if below or above or nan:
        reason = ", ".join(f"{count} pixel{'s' * (count != 1)} {what}" for count, what in counts if count)
        message = f"{path} cannot be written as uint16: {reason}."
        raise WriteError(message, mend="Write float32 (--output-type float32).", code="does_not_fit")
