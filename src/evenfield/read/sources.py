"""Opening an image file for reading: the kind of source that fits how it is stored."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from evenfield.errors import UsageError
from evenfield.model.header import CardValue
from evenfield.model.pixels import Float32Array, Image, Tile, Unit
from evenfield.model.sections import Region
from evenfield.read.access import FileBytes, open_bytes
from evenfield.read.decode import fits_format, in_adu
from evenfield.read.fits import FIRST_READ, parse_file, read_header
from evenfield.read.formats import Container, container
from evenfield.read.hashing import ContentHash
from evenfield.read.stored import FileSource
from evenfield.read.views import CroppedSource

if TYPE_CHECKING:
    from evenfield.read.compressed import CompressedSource
    from evenfield.read.tiled import TiledSource


def open_source(
    path: str | os.PathLike[str], *, hash_kind: str = "xxh3", trim: Region | None = None, scratch: str | None = None
) -> FileSource | TiledSource | CompressedSource | CroppedSource:
    """Open the first image of a FITS or XISF file for reading band by band.

    Parameters
    ----------
    path : path-like
        The file: FITS (plain, tile-compressed or gzipped), XISF, or a camera's raw file (with the extra ``raw``).
    hash_kind : str
        The content hash: "xxh3" (XXH3 of 128 bits) or "sha256".
    trim : tuple of int, optional
        The region to give: (row_start, row_stop, col_start, col_stop), counted from 0, stops exclusive.
    scratch : str, optional
        The folder for what must be unpacked first; the system's own by default.

    Returns
    -------
    PixelSource
        One that also has the file's ``header`` (a `RawHeader`). Close it in the end.

    Raises
    ------
    ReadError
        As `read_header`.
    UsageError
        If ``trim`` leaves the image, or there is no such hash.
    """
    content_hash = ContentHash(hash_kind)
    source = _open(os.path.abspath(path), content_hash, scratch=scratch)
    if trim is None:
        return source
    try:
        return CroppedSource(source, trim)
    except UsageError:
        source.close()
        raise


def _open(path: str, content_hash: ContentHash, *, scratch: str | None) -> FileSource | TiledSource | CompressedSource:
    stored = file = open_bytes(path)
    try:
        start = stored.read(0, FIRST_READ)
        kind = container(start, path)
        if kind is Container.XISF:
            from evenfield.read.xisf_pixels import open_xisf

            return open_xisf(stored, path=path, start=start, content_hash=content_hash, scratch=scratch)
        if kind is Container.RAW:
            from evenfield.read.camera_raw import open_raw

            return open_raw(stored, path=path, start=start, content_hash=content_hash, scratch=scratch)
        if kind is Container.GZIP:
            file, start = _unpacked(stored, content_hash, scratch=scratch), b""
        opened = parse_file(file, stored, path=path, start=start)
        hdu = opened.hdu
        if hdu.compressed:
            from evenfield.read.compressed import open_compressed

            return open_compressed(opened, file, content_hash=content_hash, scratch=scratch)
        if file is stored:
            # The header is hashed as it was read.
            content_hash.feed(file, 0, start[: hdu.data_start] if len(start) >= hdu.data_start else b"")
        how = in_adu(fits_format(hdu.bitpix, bscale=hdu.bscale, bzero=hdu.bzero, blank=hdu.blank), opened.header)
        return FileSource(opened.header, samples=file, how=how, start=hdu.data_start, content_hash=content_hash)
    except BaseException:
        file.close()
        raise
    finally:
        if file is not stored:
            stored.close()


def _unpacked(stored: FileBytes, content_hash: ContentHash, *, scratch: str | None) -> FileBytes:
    """The unpacked bytes of a gzipped file; its hash is complete then."""
    from evenfield.read.unpacked import unpack

    try:
        file = unpack(stored, content_hash, scratch=scratch)
        content_hash.finish(stored)
    except BaseException:
        stored.close()
        raise
    return file


def read_image(path: str | os.PathLike[str]) -> Image:
    """Read a whole image: float32 true values, blank samples NaN, with the file's cards.

    The unit is that of the card BUNIT ("electron", "relative"; anything else counts as ADU).

    Raises
    ------
    ReadError
        As `read_header`.
    """
    source = _open(os.path.abspath(path), ContentHash("xxh3"), scratch=None)
    try:
        pixels = source.read(Tile(start=0, stop=source.shape[0]))
        return Image(pixels=pixels, unit=_unit(source.header.get("BUNIT")), header=source.header.cards)
    finally:
        source.close()


def read_extension(path: str | os.PathLike[str], name: str) -> Float32Array | None:
    """An image extension of a FITS file by its name, float32; ``None`` where there is none, or the file is no FITS.

    Raises
    ------
    ReadError
        If the file cannot be opened.
    """
    where = os.path.abspath(path)
    file = open_bytes(where)
    try:
        if container(file.read(0, FIRST_READ), where) not in (Container.PLAIN, Container.GZIP):
            return None
    finally:
        file.close()
    from astropy.io import fits

    with fits.open(where, memmap=False) as hdus:
        for hdu in hdus:
            if hdu.name == name.upper() and getattr(hdu, "data", None) is not None and hdu.data.ndim == 2:
                return np.ascontiguousarray(hdu.data, dtype=np.float32)
    return None


def read_history(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """The texts of the HISTORY cards of a file, in file order.

    Raises
    ------
    ReadError
        As `read_header`.
    """
    return read_header(path).history


def _unit(text: CardValue) -> Unit:
    word = text.strip().lower() if isinstance(text, str) else ""
    if word in ("electron", "electrons", "e-", "e"):
        return Unit.ELECTRON
    return Unit.RELATIVE if word == "relative" else Unit.ADU
