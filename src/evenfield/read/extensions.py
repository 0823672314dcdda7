"""The names of the images in a FITS file, from its headers alone."""

from __future__ import annotations

import os
from typing import Final

from evenfield.errors import ReadError
from evenfield.read.access import open_bytes
from evenfield.read.cards import BLOCK, CARD, find_end, parse_cards
from evenfield.read.fits import FIRST_READ
from evenfield.read.formats import Container, container
from evenfield.read.hdu import hdu_of

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
        if container(file.read(0, FIRST_READ), where) is not Container.PLAIN:
            return ()
        names: list[str] = []
        at, index = 0, 0
        while at < file.size:
            data, searched = file.read(at, FIRST_READ), 0
            while (end := find_end(data, searched)) < 0 and len(data) < _MOST_HEADER:
                searched = len(data) - len(data) % CARD
                if not (more := file.read(at + len(data), FIRST_READ)):
                    break
                data += more
            if end < 0 or (index and not data.startswith(b"XTENSION")):
                break
            length = -(-(end + CARD) // BLOCK) * BLOCK
            try:
                hdu = hdu_of(parse_cards(data[:end]), index=index, data_start=at + length)
            except ValueError:
                break
            name = hdu.cards.first().get("EXTNAME")
            if index and hdu.is_image and hdu.planes == 1 and isinstance(name, str) and hdu.data_stop <= file.size:
                names.append(name.strip().upper())
            at, index = hdu.end, index + 1
        return tuple(names)
    except ReadError:
        # A file that is no image has no extensions either; whoever opens it is told so.
        return ()
    finally:
        file.close()
