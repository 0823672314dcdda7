"""FITS files: which HDU holds the image, how its samples are stored, and its header as a `RawHeader`."""

from __future__ import annotations

import dataclasses
import math
import os
from typing import Final, Protocol

import xxhash

from evenfield.errors import DamagedFileError, NotAnImageError, ReadError, UnsupportedError
from evenfield.model.header import RawHeader
from evenfield.read.access import FileBytes, keep_or_close, open_bytes
from evenfield.read.cards import BLOCK, CARD, HeaderCards, find_end, looks_like_text, parse_cards
from evenfield.read.formats import Container, container
from evenfield.read.hdu import Hdu, hdu_of, image_cards
from evenfield.read.refusals import COPY_AGAIN, megabytes, refusal

FIRST_READ: Final = 4 * BLOCK
"""Bytes of the first read: the headers of most cameras fit."""

_MOST_HEADER: Final = 8 << 20  # No camera writes 100 000 cards: what goes on so long is no header.


class Reader(Protocol):
    """Bytes by position."""

    @property
    def size(self) -> int | None:
        """How many bytes there are; None where that is not known before the end (packed files)."""
        ...

    def read(self, at: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``at``; fewer only at the end."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The header of a file and where its image lies."""

    header: RawHeader
    hdu: Hdu


def read_header(path: str | os.PathLike[str]) -> RawHeader:
    """Read the header of the first 2-D image of a FITS file, plain, tile-compressed or gzipped, or of an XISF file.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    RawHeader
        With the absolute path. A third axis of length 1 is left out. ``remarks`` say what was odd.

    Raises
    ------
    NotAnImageError
        If the file is no FITS file, or holds no 2-D image.
    UnsupportedError
        For several planes, and for formats that are known, but not read.
    DamagedFileError
        If the file is empty, cut short (code "truncated") or breaks the format.
    ReadError
        If it is missing or may not be read.
    """
    where = os.path.abspath(path)
    file = open_bytes(where)
    try:
        start = file.read(0, FIRST_READ)
        kind = container(start, where)
        if kind is Container.XISF:
            from evenfield.read.xisf import parse_xisf

            header = parse_xisf(file, path=where, start=start).header
        elif kind is Container.RAW:
            from evenfield.read.camera_raw import read_raw_header

            header = read_raw_header(file, path=where, start=start)
        elif kind is Container.GZIP:
            from evenfield.read.unpacked import GzipReader

            with GzipReader(file) as reader:
                header = parse_file(reader, file, path=where).header
        else:
            header = parse_file(file, file, path=where, start=start).header
    except BaseException:
        file.close()
        raise
    keep_or_close(file)
    return header


def parse_file(reader: Reader, file: FileBytes, *, path: str, start: bytes = b"") -> Opened:
    """Find the first image of a file and parse the headers it needs.

    Parameters
    ----------
    reader : Reader
        The FITS bytes, unpacked.
    file : FileBytes
        The stored file: its size and time are the frame's identity.
    path : str
        The name that errors show.
    start : bytes
        The file's first bytes, if they were read already.
    """
    start = start or reader.read(0, FIRST_READ)
    if container(start, path) is not Container.PLAIN:
        raise refusal(UnsupportedError, path, "packed twice", mend="Unpack it once with gunzip.")
    primary, at, chunks = _read_hdu(reader, 0, start=start, path=path)
    hashed = xxhash.xxh3_128(chunks)
    found, index, seen = primary, 0, [primary.what]
    while not found.is_image:
        if not _exists(reader, found.end):
            raise _no_image(seen, path)
        index += 1
        at = found.end
        found, _, chunks = _read_hdu(reader, at, index=index, path=path)
        seen.append(found.what)
    if index:
        hashed.update(chunks)
    if found.planes > 1:
        raise _too_many_planes(found.planes, path)
    if reader.size is not None and found.data_stop > reader.size:
        raise _cut_short(reader.size, found.data_stop, path)
    remarks = [*primary.cards.remarks, *(found.cards.remarks if index else ())]
    remarks += [*found.remarks, *_remarks_behind(reader, found, path)]
    cards = image_cards(found, primary)
    history = found.cards.history if found is primary else found.cards.history + primary.cards.history
    header = RawHeader(
        path=path,
        cards=cards,
        shape=found.shape,
        sample=found.sample,
        size_bytes=file.size,
        mtime_ns=file.mtime_ns,
        header_hash=hashed.hexdigest(),
        remarks=tuple(remarks),
        history=history,
    )
    return Opened(header=header, hdu=found)


def _read_hdu(reader: Reader, at: int, *, path: str, start: bytes = b"", index: int = 0) -> tuple[Hdu, int, bytes]:
    """The HDU at a position, the position, and the bytes of its header, whole blocks."""
    data = start or reader.read(at, FIRST_READ)
    if index and not data.startswith(b"XTENSION"):
        raise refusal(NotAnImageError, path, "no 2-D image in it before bytes that are no FITS")
    searched = 0
    while (end := find_end(data, searched)) < 0:
        searched = len(data) - len(data) % CARD
        if not looks_like_text(data[-BLOCK:]) or len(data) > _MOST_HEADER:
            mend = "Write it again with the program that made it, or leave it out."
            raise refusal(DamagedFileError, path, "its header has no END card", mend=mend)
        more = reader.read(at + len(data), max(len(data), FIRST_READ))
        if not more:
            reason = f"cut short inside its header, after {at + len(data)} bytes"
            raise refusal(DamagedFileError, path, reason, mend=COPY_AGAIN, code="truncated")
        data += more
    length = math.ceil((end + CARD) / BLOCK) * BLOCK
    block = data[:length]
    cards: HeaderCards = parse_cards(block[:end])
    try:
        return hdu_of(cards, index=index, data_start=at + length), at, block
    except ValueError as error:
        raise refusal(DamagedFileError, path, f"its header breaks FITS: {error}", mend=COPY_AGAIN) from error


def _exists(reader: Reader, at: int) -> bool:
    """Whether there is anything at a position that could be another HDU."""
    if reader.size is not None:
        return at < reader.size
    return len(reader.read(at, CARD)) == CARD


def _remarks_behind(reader: Reader, found: Hdu, path: str) -> list[str]:
    """What is odd behind the image: further images, missing padding, bytes that are no FITS."""
    if reader.size is None or found.end == reader.size:
        return []
    if found.end > reader.size:
        return ["The last block of the file is not filled up."]
    images, at = 0, found
    while at.end < reader.size:
        try:
            at, _, _ = _read_hdu(reader, at.end, path=path, index=at.index + 1)
        except ReadError:
            left = reader.size - at.end
            return [f"{left} bytes behind the last readable HDU are no FITS; they were ignored."]
        images += at.is_image
    return [f"The file holds {images} more image{'s' * (images > 1)}; the first was used."] if images else []


def _no_image(seen: list[str], path: str) -> ReadError:
    kinds = [what for what in dict.fromkeys(seen) if what]
    reason = "no 2-D image in it" + (f", but {' and '.join(kinds)}" if kinds else "")
    return refusal(NotAnImageError, path, reason)


def _too_many_planes(planes: int, path: str) -> UnsupportedError:
    if planes == 3:
        mend = "Use the raw frame before debayering; if the camera is mono, save one plane alone."
        return refusal(UnsupportedError, path, "3 planes", mend=mend, code="three_planes")
    return refusal(UnsupportedError, path, f"{planes} planes", mend="Save the planes as single files.")


def _cut_short(there: int, needed: int, path: str) -> DamagedFileError:
    reason = f"cut short: {megabytes(there, needed)}"
    return refusal(DamagedFileError, path, reason, mend=COPY_AGAIN, code="truncated")
