"""Sources of pixels that are no file of their own: an array, and a cropped view of another source."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import UsageError
from evenfield.model.header import RawHeader
from evenfield.model.pixels import FLOAT32_ENCODING, Encoding, Float32Array, PixelSource, Tile
from evenfield.model.sections import Region
from evenfield.read.decode import PIECE
from evenfield.read.stored import check_band

if TYPE_CHECKING:
    from evenfield.read.tiled import TiledSource


class ArraySource:
    """An array as a source of pixels.

    Parameters
    ----------
    array : numpy array (rows, columns)
        16-bit integers are handed over as integers; any other type becomes float32, NaN staying NaN.
    """

    def __init__(self, array: NDArray[Any]) -> None:
        array = np.asarray(array)
        if array.ndim != 2 or array.size == 0:
            raise UsageError(f"An array of shape {array.shape} is no image.", mend="Give rows and columns.")
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        self._stored: NDArray[np.int16] | Float32Array
        if native.dtype == np.uint16:
            # Turning the top bit subtracts 32768: what FITS stores for unsigned integers.
            self._stored = (native ^ np.uint16(0x8000)).view(np.int16)
            self._encoding = Encoding(dtype="int16", bzero=32768.0)
        elif native.dtype == np.int16:
            self._stored = native
            self._encoding = Encoding(dtype="int16")
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                self._stored = native.astype(np.float32, copy=False)
            self._encoding = FLOAT32_ENCODING

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self._stored.shape[0], self._stored.shape[1]

    @property
    def encoding(self) -> Encoding:
        """How `read_raw` stores its samples."""
        return self._encoding

    def read_raw(self, tile: Tile, out: NDArray[np.generic]) -> None:
        """Fill ``out`` with the band's samples."""
        check_band(self, tile, out)
        out.reshape(tile.rows, self.shape[1])[...] = self._stored[tile.start : tile.stop]

    def read(self, tile: Tile) -> Float32Array:
        """The band as a new float32 array."""
        return true_values(self._stored[tile.start : tile.stop], self._encoding)

    def content_hash(self) -> str:
        """An array is no file: ""."""
        return ""

    def close(self) -> None:
        """Nothing to give back."""


class CroppedSource:
    """A region of another source, which it owns.

    Parameters
    ----------
    source : PixelSource
        The whole image.
    region : tuple of int
        (row_start, row_stop, col_start, col_stop), counted from 0, stops exclusive.

    Raises
    ------
    UsageError
        If the region is empty or leaves the image.
    """

    def __init__(self, source: PixelSource, region: Region) -> None:
        row_start, row_stop, col_start, col_stop = region
        rows, columns = source.shape
        if not (0 <= row_start < row_stop <= rows and 0 <= col_start < col_stop <= columns):
            size = f"{columns} x {rows}"
            raise UsageError(f"The region {region} does not lie in an image of {size}.", mend="Correct the section.")
        self.source = source
        self._region = region

    @property
    def header(self) -> RawHeader | None:
        """The header of the whole image, if it came from a file."""
        return getattr(self.source, "header", None)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the region."""
        row_start, row_stop, col_start, col_stop = self._region
        return row_stop - row_start, col_stop - col_start

    @property
    def encoding(self) -> Encoding:
        """That of the whole image."""
        return self.source.encoding

    def read_raw(self, tile: Tile, out: NDArray[np.generic]) -> None:
        """Fill ``out`` with the band's raw samples; the band counts from the region's first row."""
        check_band(self, tile, out)
        top, _, left, right = self._region
        whole = self.source.shape[1]
        if right - left == whole:
            self.source.read_raw(Tile(start=top + tile.start, stop=top + tile.stop), out)
            return
        dtype = self.encoding.numpy_dtype
        target = out.reshape(tile.rows, right - left)
        step = max(1, PIECE // (whole * dtype.itemsize))
        for row in range(0, tile.rows, step):
            rows = min(step, tile.rows - row)
            # Not the buffer of pieces: the source decodes through that one.
            piece = np.empty((rows, whole), dtype=dtype)
            start = top + tile.start + row
            self.source.read_raw(Tile(start=start, stop=start + rows), piece)
            target[row : row + rows] = piece[:, left:right]

    def read(self, tile: Tile) -> Float32Array:
        """The band as a new float32 array of true values."""
        top, _, left, right = self._region
        whole = self.source.read(Tile(start=top + tile.start, stop=top + tile.stop))
        return whole if right - left == whole.shape[1] else np.ascontiguousarray(whole[:, left:right])

    def content_hash(self) -> str:
        """That of the whole file."""
        return self.source.content_hash()

    def close(self) -> None:
        """Close the whole image."""
        self.source.close()

    def __enter__(self) -> Self:
        """Give the source itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the source."""
        self.close()


class KeptSource:
    """A packed image that keeps in memory what was unpacked once: unpacking again costs far more than reading again.

    Parameters
    ----------
    source : TiledSource
        The packed image, which now belongs to this object.
    """

    def __init__(self, source: TiledSource) -> None:
        self._source = source
        self._rows: NDArray[Any] | None = None
        self._lock = threading.Lock()
        self._there = np.zeros(source.shape[0], np.bool_)

    @property
    def header(self) -> RawHeader:
        """That of the file."""
        return self._source.header

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self._source.shape

    @property
    def encoding(self) -> Encoding:
        """That of the file."""
        return self._source.encoding

    def read_raw(self, tile: Tile, out: NDArray[np.generic]) -> None:
        """Fill ``out`` with the band's raw samples.

        Raises
        ------
        DamagedFileError
            If the compressed data are broken, or the file has shrunk since it was opened.
        """
        check_band(self, tile, out)
        # One thread unpacks at a time: no other may see rows before they are there.
        with self._lock:
            if self._rows is None:
                self._rows = np.empty(self.shape, self.encoding.numpy_dtype)
            kept = self._rows[tile.start : tile.stop]
            if not self._there[tile.start : tile.stop].all():
                self._source.read_raw(tile, kept)
                self._there[tile.start : tile.stop] = True
        out.reshape(kept.shape)[...] = kept

    def read(self, tile: Tile) -> Float32Array:
        """The band as a new float32 array of true values; blank samples are NaN."""
        raw = np.empty((tile.rows, self.shape[1]), self.encoding.numpy_dtype)
        self.read_raw(tile, raw)
        return raw if self.encoding.dtype == "float32" else true_values(raw, self.encoding)

    def content_hash(self) -> str:
        """That of the whole file."""
        return self._source.content_hash()

    def close(self) -> None:
        """Close the file, and forget what was kept."""
        self._rows = None
        self._there[:] = False
        self._source.close()


def true_values(raw: NDArray[Any], encoding: Encoding) -> Float32Array:
    """Raw samples of an encoding as a new float32 array of true values."""
    values = (raw.byteswap() if encoding.swapped else raw).astype(np.float32)
    if encoding.bzero:
        values += np.float32(encoding.bzero)
    return values


def kept_if_packed(source: PixelSource) -> PixelSource:
    """A source that will be read twice: one that has to be unpacked keeps what it gives, any other is what it was."""
    from evenfield.read.tiled import TiledSource

    return KeptSource(source) if isinstance(source, TiledSource) else source
