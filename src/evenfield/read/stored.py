"""The pixels of an uncompressed image file, read by position.

16-bit integers go straight into the caller's buffer as they are stored; anything else is decoded to float32, band by
band.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import DamagedFileError
from evenfield.model.header import RawHeader
from evenfield.model.pixels import Encoding, Float32Array, PixelSource, Tile
from evenfield.read.access import FileBytes
from evenfield.read.decode import PIECE, SampleFormat, decode_into, piece_buffer
from evenfield.read.hashing import ContentHash
from evenfield.read.refusals import COPY_AGAIN, megabytes, refusal


class FileSource:
    """The pixels of an uncompressed image file, or of an unpacked copy of a packed one.

    Parameters
    ----------
    header : RawHeader
        The parsed header.
    samples : FileBytes
        The file that holds the samples, uncompressed, row after row; it belongs to this object.
    how : SampleFormat
        How they are stored.
    start : int
        The position of the first sample.
    content_hash : ContentHash
        The hash of the stored file; fed while reading, if ``samples`` is that file, else finished already.
    """

    def __init__(
        self, header: RawHeader, *, samples: FileBytes, how: SampleFormat, start: int, content_hash: ContentHash
    ) -> None:
        self.header = header
        self._samples = samples
        self._how = how
        self._start = start
        self._hash = content_hash
        self._encoding = how.encoding
        self._row_bytes = header.shape[1] * how.dtype.itemsize

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
            If the file ends within the band: it has shrunk since it was opened.
        """
        check_band(self, tile, out)
        if self._encoding.dtype == "int16":
            self._fill(out.data.cast("B"), self._start + tile.start * self._row_bytes)
            if self._how.dtype.kind == "u":
                # Turning the top bit subtracts 32768, which BZERO gives back.
                out.view(self._how.dtype)[...] ^= np.uint16(0x8000)
        else:
            self._decode(tile, out)

    def _decode(self, tile: Tile, out: NDArray[Any]) -> None:
        """Read and decode a band in pieces of whole rows."""
        columns = self.shape[1]
        flat = out.reshape(-1)
        step = max(1, PIECE // self._row_bytes)
        for row in range(tile.start, tile.stop, step):
            rows = min(step, tile.stop - row)
            piece = piece_buffer(rows * self._row_bytes)
            self._fill(piece.data, self._start + row * self._row_bytes)
            first = (row - tile.start) * columns
            decode_into(piece.view(self._how.dtype), flat[first : first + rows * columns], how=self._how)

    def _fill(self, view: memoryview, at: int) -> None:
        """Read exactly these bytes, and show them to the hash."""
        count = self._samples.read_into(view, at)
        if count < len(view):
            reason = f"cut short while it was read: {megabytes(at + count, at + len(view))}"
            raise refusal(DamagedFileError, self.header.path, reason, mend=COPY_AGAIN, code="truncated")
        self._hash.feed(self._samples, at, view)

    def read(self, tile: Tile) -> Float32Array:
        """The band as a new float32 array of true values; blank samples are NaN."""
        out = np.empty((tile.rows, self.shape[1]), dtype=np.float32)
        check_band(self, tile, out, dtype=np.dtype(np.float32))
        self._decode(tile, out)
        return out

    def content_hash(self) -> str:
        """The hash of the whole stored file, "xxh3:..." or "sha256:..."; reads what was not read in order."""
        return self._hash.finish(self._samples)

    def close(self) -> None:
        """Close the file, and remove what was unpacked."""
        self._samples.close()

    def __enter__(self) -> Self:
        """Give the source itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the source."""
        self.close()


def check_band(
    source: PixelSource, tile: Tile, out: NDArray[np.generic], *, dtype: np.dtype[Any] | None = None
) -> None:
    """Refuse a band outside of the image, and a buffer that does not fit it.

    Raises
    ------
    ValueError
        A mistake of the calling code, not of the user.
    """
    rows, columns = source.shape
    if not 0 <= tile.start < tile.stop <= rows:
        raise ValueError(f"rows {tile.start}:{tile.stop} are not in an image of {rows} rows")
    wanted = dtype or source.encoding.numpy_dtype
    if out.dtype != wanted or out.size != tile.rows * columns or not out.flags.c_contiguous:
        raise ValueError(
            f"the buffer is {out.dtype} {out.shape}, but must be C-ordered {wanted} of {tile.rows} x {columns}"
        )
