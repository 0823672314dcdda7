"""Stored samples of any FITS type to float32 true values, in pieces that stay in the processor's cache."""

from __future__ import annotations

import dataclasses
import math
import threading
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.model.header import RawHeader
from evenfield.model.pixels import FLOAT32_ENCODING, Encoding, Float32Array

PIECE: Final = 1 << 19
"""Bytes that are read and decoded at a time."""

_EXACT: Final = 1 << 23
_KINDS: Final = {8: "u1", 16: "i2", 32: "i4", 64: "i8", -32: "f4", -64: "f8"}
_local = threading.local()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SampleFormat:
    """How samples are stored: true value = stored * bscale + bzero, NaN where stored equals ``blank``."""

    dtype: np.dtype[Any]
    bscale: float = 1.0
    bzero: float = 0.0
    blank: int | None = None

    @property
    def encoding(self) -> Encoding:
        """What `read_raw` hands over: 16-bit integers as stored (unsigned ones less 32768), all else as float32."""
        is_whole = self.bzero.is_integer() and abs(self.bzero) <= 65536
        if self.dtype.kind == "i" and self.dtype.itemsize == 2 and self.bscale == 1 and is_whole and self.blank is None:
            return Encoding(dtype="int16", swapped=not self.dtype.isnative, bzero=self.bzero)
        if self.dtype.kind == "u" and self.dtype.itemsize == 2 and self.bscale == 1 and self.bzero == 0:
            return Encoding(dtype="int16", swapped=not self.dtype.isnative, bzero=32768.0)
        return FLOAT32_ENCODING


def in_adu(how: SampleFormat, header: RawHeader) -> SampleFormat:
    """The format that gives ADU again, of a product that was written in the range 0..1 (its card EVFSCALE)."""
    scale = adu_of_one(header)
    if scale == 1.0:
        return how
    return dataclasses.replace(how, bscale=how.bscale * scale, bzero=how.bzero * scale)


def adu_of_one(header: RawHeader) -> float:
    """The ADU that are 1 in a file of floats, by its card EVFSCALE; 1 where it has none."""
    scale = header.get("EVFSCALE")
    if not header.sample.startswith("float") or isinstance(scale, bool) or not isinstance(scale, int | float):
        return 1.0
    return float(scale) if 0 < scale < math.inf else 1.0


def fits_format(bitpix: int, *, bscale: float, bzero: float, blank: int | None) -> SampleFormat:
    """The format of the samples of an image HDU, big-endian as FITS has them."""
    return SampleFormat(dtype=np.dtype(">" + _KINDS[bitpix]), bscale=bscale, bzero=bzero, blank=blank)


def decode_into(stored: NDArray[Any], out: Float32Array, *, how: SampleFormat) -> None:
    """Write the true values of stored samples into ``out``, of the same shape.

    Integers of up to 16 bits with a whole BZERO are exact; all else is computed in float64 and rounded once. Values
    beyond float32 become infinite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if how.bscale == 1 and how.bzero == 0:
            np.copyto(out, stored, casting="unsafe")
        elif how.bscale == 1 and stored.itemsize <= 2 and how.bzero.is_integer() and abs(how.bzero) < _EXACT:
            np.copyto(out, stored, casting="unsafe")
            out += np.float32(how.bzero)
        else:
            wide = stored.astype(np.float64)
            wide *= how.bscale
            wide += how.bzero
            np.copyto(out, wide, casting="unsafe")
    if how.blank is not None:
        out[stored == how.blank] = np.nan


def piece_buffer(count: int) -> NDArray[np.uint8]:
    """``count`` bytes of this thread's own buffer, for reuse: what they hold is undefined."""
    buffer: NDArray[np.uint8] | None = getattr(_local, "buffer", None)
    if buffer is None or buffer.size < count:
        buffer = _local.buffer = np.empty(max(count, PIECE), dtype=np.uint8)
    return buffer[:count]
