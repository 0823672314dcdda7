"""Tile-compressed images of 16-bit integers, row by row: what fpack and the capture programs write.

Their bytes are read in file order, and decoded by the thread that asks, so that all cores decode at once and nothing is
written beside the file. Any other sort of compression is left to `evenfield.read.compressed`.
"""

from __future__ import annotations

import sys
from typing import Any, Final, Self, cast

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import DamagedFileError
from evenfield.model.header import RawHeader
from evenfield.model.pixels import Encoding, Float32Array, Tile
from evenfield.read.access import FileBytes
from evenfield.read.decode import PIECE, SampleFormat, decode_into, piece_buffer
from evenfield.read.fits import Opened
from evenfield.read.hashing import ContentHash
from evenfield.read.refusals import COPY_AGAIN, megabytes, refusal
from evenfield.read.rice import PADDING, decode_rice
from evenfield.read.stored import check_band
from evenfield.read.tile_table import RICE, TileTable

try:
    from isal import isal_zlib as inflating
except ImportError:  # no wheel of it for this processor
    import zlib as inflating  # type: ignore[no-redef]

_BROKEN: Final = cast("type[Exception]", inflating.error)

_ANY_WRAPPING: Final = 47
"""zlib: 15 bits of window, and gzip or zlib wrapping as the data say."""


class TiledSource:
    """The pixels of an image whose rows are compressed one by one.

    Parameters
    ----------
    opened : Opened
        The parsed header.
    stored : FileBytes
        The file, or the unpacked copy of a gzipped one; it belongs to this object.
    table : TileTable
    places : int64 array (rows, 2)
        Where the bytes of each row begin and end in the file.
    content_hash : ContentHash
        The hash of the stored file.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        stored: FileBytes,
        table: TileTable,
        places: NDArray[np.int64],
        content_hash: ContentHash,
    ) -> None:
        self.header: RawHeader = opened.header
        self._stored = stored
        self._table = table
        self._places = places
        self._hash = content_hash
        hdu = opened.hdu
        # Rice gives integers of this machine, gzip the bytes that FITS would have stored.
        dtype = np.dtype(np.int16 if table.algorithm in RICE else ">i2")
        self._how = SampleFormat(dtype=dtype, bscale=hdu.bscale, bzero=hdu.bzero, blank=hdu.blank)
        self._encoding = self._how.encoding
        self._step = max(1, PIECE // (2 * self.shape[1]))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.header.shape

    @property
    def encoding(self) -> Encoding:
        """How `read_raw` stores its samples."""
        return self._encoding

    def read_raw(self, tile: Tile, out: NDArray[np.generic]) -> None:
        """Fill ``out`` (rows x columns, C order, dtype ``encoding.numpy_dtype``) with the band's raw samples.

        Raises
        ------
        DamagedFileError
            If the compressed data are broken, or the file has shrunk since it was opened.
        """
        check_band(self, tile, out)
        if self._encoding.dtype != "int16":
            self._decode(tile, out)
            return
        target = out.reshape(tile.rows, self.shape[1]).view(np.int16)
        for row in range(tile.start, tile.stop, self._step):
            stop = min(row + self._step, tile.stop)
            self._unpack(row, target[row - tile.start : stop - tile.start])

    def read(self, tile: Tile) -> Float32Array:
        """The band as a new float32 array of true values; blank samples are NaN."""
        out = np.empty((tile.rows, self.shape[1]), dtype=np.float32)
        check_band(self, tile, out, dtype=np.dtype(np.float32))
        self._decode(tile, out)
        return out

    def _decode(self, tile: Tile, out: NDArray[Any]) -> None:
        """Unpack and decode a band in pieces of whole rows."""
        target = out.reshape(tile.rows, self.shape[1])
        piece = np.empty((min(self._step, tile.rows), self.shape[1]), np.int16)
        for row in range(tile.start, tile.stop, self._step):
            rows = min(self._step, tile.stop - row)
            self._unpack(row, piece[:rows])
            first = row - tile.start
            decode_into(piece[:rows].view(self._how.dtype), target[first : first + rows], how=self._how)

    def _unpack(self, row: int, out: NDArray[np.int16]) -> None:
        """Fill ``out`` with the rows from ``row`` on, their bytes as ``self._how`` says."""
        places = self._places[row : row + len(out)]
        data, places = self._coded(places)
        if self._table.algorithm in RICE:
            words = data.view(np.uint64)
            if sys.byteorder == "little":
                words.byteswap(inplace=True)
            starts, stops = np.ascontiguousarray(places[:, 0]), np.ascontiguousarray(places[:, 1])
            if not decode_rice(words, starts=starts, stops=stops, block=self._table.block, out=out):
                raise self._damage(f"the bits of a row from {row} on end early")
            return
        for target, (start, stop) in zip(out, places.tolist(), strict=True):
            target.view(">i2")[...] = self._unzip(data[start:stop], target.size)

    def _coded(self, places: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The coded bytes of rows in this thread's buffer, whole words with padding, and the rows' places in it."""
        first, last = int(places[:, 0].min()), int(places[:, 1].max())
        sizes = places[:, 1] - places[:, 0]
        in_order = last - first <= 2 * int(sizes.sum()) + PIECE
        count = last - first if in_order else int(sizes.sum())
        buffer = piece_buffer(-(-count // 8) * 8 + PADDING)
        buffer[count:] = 0
        if in_order:
            self._fill(buffer[:count], first)
            return buffer, places - first
        stops = np.cumsum(sizes)
        moved = np.stack([stops - sizes, stops], axis=1)
        for (start, stop), (source, _) in zip(moved.tolist(), places.tolist(), strict=True):
            self._fill(buffer[start:stop], source)
        return buffer, moved

    def _fill(self, view: NDArray[np.uint8], at: int) -> None:
        """Read exactly these bytes, and show them to the hash."""
        count = self._stored.read_into(view.data, at)
        if count < view.size:
            reason = f"cut short while it was read: {megabytes(at + count, at + view.size)}"
            raise refusal(DamagedFileError, self.header.path, reason, mend=COPY_AGAIN, code="truncated")
        self._hash.feed(self._stored, at, view.data)

    def _unzip(self, data: NDArray[np.uint8], columns: int) -> NDArray[np.integer[Any]]:
        """A row of integers from its zipped bytes; old programs zipped 16-bit samples as 32-bit ones."""
        most = 4 * columns
        try:
            # Not one byte more is unpacked, whatever the data claim.
            unzipped = np.frombuffer(inflating.decompressobj(_ANY_WRAPPING).decompress(data.data, most + 1), np.uint8)
        except _BROKEN as error:
            raise self._damage(str(error)) from error
        if unzipped.size not in (2 * columns, most):
            raise self._damage(f"a row has {unzipped.size} bytes and needs {2 * columns}")
        if self._table.algorithm == "GZIP_2":
            # All highest bytes of the row stand first.
            unzipped = np.ascontiguousarray(unzipped.reshape(-1, columns).T).reshape(-1)
        return unzipped.view(">i2" if unzipped.size == 2 * columns else ">i4")

    def _damage(self, why: str) -> DamagedFileError:
        reason = f"its compressed data cannot be unpacked ({why})"
        return refusal(DamagedFileError, self.header.path, reason, mend=COPY_AGAIN)

    def content_hash(self) -> str:
        """The hash of the whole stored file; reads what was not read in order."""
        return self._hash.finish(self._stored)

    def close(self) -> None:
        """Close the file."""
        self._stored.close()

    def __enter__(self) -> Self:
        """Give the source itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the source."""
        self.close()
