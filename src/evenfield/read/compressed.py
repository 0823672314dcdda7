"""Tile-compressed images (the FITS convention of fpack): rows of 16-bit integers by `TiledSource`, all else by astropy.

astropy is imported when the first of them is opened, and only one thread is inside of it at a time.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import DamagedFileError, EvenfieldError
from evenfield.model.header import RawHeader
from evenfield.model.pixels import FLOAT32_ENCODING, Encoding, Float32Array, Tile
from evenfield.read.access import ByteStream, FileBytes
from evenfield.read.decode import SampleFormat, adu_of_one
from evenfield.read.fits import Opened
from evenfield.read.hashing import ContentHash
from evenfield.read.refusals import COPY_AGAIN, refusal
from evenfield.read.stored import FileSource, check_band
from evenfield.read.tile_table import tile_places, tile_table
from evenfield.read.tiled import TiledSource
from evenfield.read.unpacked import finished_scratch, scratch_file

TALL_TILES: Final = 64
"""Tiles of more rows than this are unpacked once: else each band would unpack them anew."""

# Catching warnings changes a state of the whole process, and astropy does not promise to be safe between threads.
_astropy_lock = threading.Lock()


class CompressedSource:
    """The pixels of a tile-compressed image as astropy gives them, float32.

    Parameters
    ----------
    opened : Opened
        The parsed header.
    stored : FileBytes
        The file, or the unpacked copy of a gzipped one; it belongs to this object.
    content_hash : ContentHash
        The hash of the stored file.
    """

    def __init__(self, opened: Opened, *, stored: FileBytes, content_hash: ContentHash) -> None:
        self.header: RawHeader = opened.header
        self._stored = stored
        self._hash = content_hash
        self._planes = opened.hdu.naxis - 2
        self._hdus: Any = None
        with _quiet_astropy(self.header.path) as (fits, caught):
            stream = io.BufferedReader(ByteStream(stored))
            self._hdus = fits.open(stream, mode="readonly", memmap=False, lazy_load_hdus=True)
            self._section = self._hdus[opened.hdu.index].section
            if tuple(self._section.shape[-2:]) != opened.header.shape:
                raise ValueError(f"astropy sees {self._section.shape}, the header says {opened.header.shape}")
        self._scale = adu_of_one(opened.header)
        self.remarks = tuple(dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.header.shape

    @property
    def encoding(self) -> Encoding:
        """float32."""
        return FLOAT32_ENCODING

    def read_raw(self, tile: Tile, out: NDArray[np.generic]) -> None:
        """Fill ``out`` (float32) with the band.

        Raises
        ------
        DamagedFileError
            If the compressed data are broken.
        """
        check_band(self, tile, out)
        target = out.reshape(tile.rows, self.shape[1])
        with _quiet_astropy(self.header.path):
            index = (*(0,) * self._planes, slice(tile.start, tile.stop), slice(None))
            values = np.asarray(self._section[index])
            np.copyto(target, values if self._scale == 1.0 else values * self._scale, casting="unsafe")

    def read(self, tile: Tile) -> Float32Array:
        """The band as a new float32 array; blank samples are NaN."""
        out = np.empty((tile.rows, self.shape[1]), dtype=np.float32)
        self.read_raw(tile, out)
        return out

    def content_hash(self) -> str:
        """The hash of the whole stored file."""
        return self._hash.finish(self._stored)

    def close(self) -> None:
        """Close the file."""
        if self._hdus is not None:
            self._hdus.close(output_verify="ignore")
            self._hdus = None
        self._stored.close()

    def __enter__(self) -> Self:
        """Give the source itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the source."""
        self.close()


def open_compressed(
    opened: Opened, stored: FileBytes, *, content_hash: ContentHash, scratch: str | None
) -> TiledSource | CompressedSource | FileSource:
    """Open a tile-compressed image; one with tall tiles is unpacked to a scratch file of float32."""
    table = tile_table(opened.hdu)
    if table is not None:
        places = tile_places(stored, table=table)
        if places is None:
            raise _damage(stored.path, "its table names bytes that are not there")
        return TiledSource(opened, stored=stored, table=table, places=places, content_hash=content_hash)
    source = CompressedSource(opened, stored=stored, content_hash=content_hash)
    if opened.hdu.tile_rows <= TALL_TILES:
        return source
    rows, step = source.shape[0], opened.hdu.tile_rows
    with scratch_file(stored.path, scratch=scratch) as out:
        for row in range(0, rows, step):
            out.write(source.read(Tile(start=row, stop=min(row + step, rows))).data)
        samples = finished_scratch(out, path=stored.path)
    source.content_hash()
    source.close()
    how = SampleFormat(dtype=np.dtype(np.float32))
    return FileSource(opened.header, samples=samples, how=how, start=0, content_hash=content_hash)


@contextmanager
def _quiet_astropy(path: str) -> Iterator[tuple[Any, list[warnings.WarningMessage]]]:
    """Give astropy's FITS module and a list of its warnings; turn its errors into ours."""
    from astropy.io import fits

    with _astropy_lock, warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            yield fits, caught
        except EvenfieldError:
            raise
        except Exception as error:
            # Damaged data raise anything from KeyError to an exception class that is private to astropy's decoders.
            raise _damage(path, f"{type(error).__name__}: {error}") from error


def _damage(path: str, why: str) -> DamagedFileError:
    return refusal(DamagedFileError, path, f"its compressed data cannot be unpacked ({why})", mend=COPY_AGAIN)
