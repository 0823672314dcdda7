"""The further images in a FITS file: their names, from its headers alone, and one of them for reading band by band."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from evenfield.errors import ReadError
from evenfield.model.header import RawHeader
from evenfield.read.access import FileBytes, open_bytes
from evenfield.read.cards import BLOCK, CARD, find_end, parse_cards
from evenfield.read.fits import FIRST_READ
from evenfield.read.formats import Container, container
from evenfield.read.hdu import Hdu, hdu_of

if TYPE_CHECKING:
    from evenfield.read.stored import FileSource

_MOST_HEADER: Final = 1 << 20


def extension_names(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """The names (EXTNAME, upper case) of the 2-D image extensions of a plain FITS file, in file order.

    What `evenfield.read.read_extension` can read. Nothing where the file is packed or no FITS; the search ends where
    the file does, or at bytes that are no FITS.

    Raises
    ------
    ReadError
        If the file cannot be opened.
    """
    where = os.path.abspath(path)
    file = open_bytes(where)
    try:
        return tuple(name for name, _ in _images(file, where))
    except ReadError:
        # A file that is no image has no extensions either; whoever opens it is told so.
        return ()
    finally:
        file.close()


def open_extension(path: str | os.PathLike[str], name: str) -> FileSource | None:
    """Open an image extension of a plain FITS file by its name, for reading band by band; ``None`` where there is none.

    Raises
    ------
    ReadError
        If the file cannot be opened.
    """
    from evenfield.read.decode import fits_format
    from evenfield.read.hashing import ContentHash
    from evenfield.read.stored import FileSource

    where = os.path.abspath(path)
    file = open_bytes(where)
    source: FileSource | None = None
    try:
        hdu = next((one for found, one in _images(file, where) if found == name and not one.compressed), None)
        if hdu is not None:
            header = RawHeader(
                path=where,
                cards=hdu.cards.cards,
                shape=hdu.shape,
                sample=hdu.sample,
                size_bytes=file.size,
                mtime_ns=file.mtime_ns,
                header_hash="",
            )
            how = fits_format(hdu.bitpix, bscale=hdu.bscale, bzero=hdu.bzero, blank=hdu.blank)
            source = FileSource(header, samples=file, how=how, start=hdu.data_start, content_hash=ContentHash("xxh3"))
    except ReadError:
        return None
    finally:
        if source is None:
            file.close()
    return source


def _images(file: FileBytes, where: str) -> Iterator[tuple[str, Hdu]]:
    """Each 2-D image extension of a plain FITS file with its name."""
    if container(file.read(0, FIRST_READ), where) is not Container.PLAIN:
        return
    at, index = 0, 0
    while at < file.size:
        data, searched = file.read(at, FIRST_READ), 0
        while (end := find_end(data, searched)) < 0 and len(data) < _MOST_HEADER:
            searched = len(data) - len(data) % CARD
            if not (more := file.read(at + len(data), FIRST_READ)):
                break
            data += more
        if end < 0 or (index and not data.startswith(b"XTENSION")):
            return
        length = -(-(end + CARD) // BLOCK) * BLOCK
        try:
            hdu = hdu_of(parse_cards(data[:end]), index=index, data_start=at + length)
        except ValueError:
            return
        name = hdu.cards.first().get("EXTNAME")
        if index and hdu.is_image and hdu.planes == 1 and isinstance(name, str) and hdu.data_stop <= file.size:
            yield name.strip().upper(), hdu
        at, index = hdu.end, index + 1
