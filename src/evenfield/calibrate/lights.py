"""One light from raw samples to what is written: a band at a time, in one pass, counted on the way."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.calibrate.frames import check_masters
from evenfield.model.pixels import Encoding, Float32Array, Tile

SAMPLE_PIXELS: Final = 1 << 17
"""The median of larger lights is that of so many of their pixels, evenly spread: within 0.4 % of their scatter."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LightCounts:
    """Numbers of pixels: not finite, negative, with a raw value of zero or less, and beyond what uint16 holds."""

    no_data: int
    negative: int
    low: int
    clipped: int


class LightPass:
    """Calibrates a light: ``(raw - shift - subtract) / divide + pedestal`` in float64, rounded once.

    Where a master or the sample is no number, or ``divide`` is not positive, the value is NaN (0 in uint16). uint16 is
    rounded half to even and cut off at its ends, which is counted.

    Parameters
    ----------
    encoding : Encoding
        How the raw samples are stored.
    shape : tuple of int
        (rows, columns) of the light.
    shift : float
        Subtracted from every sample, ADU.
    pedestal : float
        Added to every value, ADU.
    """

    def __init__(
        self, encoding: Encoding, shape: tuple[int, int], *, shift: float = 0.0, pedestal: float = 0.0
    ) -> None:
        from evenfield.kernels.light_blocks import new_light_room
        from evenfield.kernels.registry import light_kernel

        self._kernel = light_kernel()
        self._encoding = encoding
        self._columns = shape[1]
        self._shift, self._pedestal = float(shift), float(pedestal)
        self._room = new_light_room()
        self._counts = np.zeros(4, np.int64)
        n_pixels = shape[0] * shape[1]
        self._stride = _stride(n_pixels, self._columns)
        self._sample = np.full(-(-n_pixels // self._stride), np.nan, np.float32)

    def band(
        self,
        tile: Tile,
        raw: NDArray[Any],
        out: NDArray[Any],
        *,
        subtract: Float32Array | None = None,
        divide: Float32Array | None = None,
    ) -> None:
        """Calibrate a band of raw samples into ``out``, float32 or uint16 in either byte order.

        Raises
        ------
        UsageError
            If a master's array has not its shape.
        """
        from evenfield.kernels.inputs import raw_samples, read_only
        from evenfield.kernels.light_blocks import LightResults, LightTerms

        check_masters(raw.shape, subtract=subtract, divide=divide)
        bits = out.reshape(-1).view(np.dtype(f"u{out.dtype.itemsize}"))
        none = np.empty(0, np.float32)
        terms = LightTerms(
            read_only(none if subtract is None else subtract.reshape(-1), np.float32),
            read_only(none if divide is None else divide.reshape(-1), np.float32),
            self._shift,
            self._pedestal,
        )
        results = LightResults(
            bits if out.dtype.itemsize == 4 else np.empty(0, np.uint32),
            bits if out.dtype.itemsize == 2 else np.empty(0, np.uint16),
            not out.dtype.isnative,
            self._counts,
            self._sample,
            tile.start * self._columns,
            self._stride,
        )
        self._kernel(raw_samples(raw.reshape(1, -1), self._encoding), terms, results, self._room, out.size)

    @property
    def counts(self) -> LightCounts:
        """What was counted so far."""
        no_data, negative, low, clipped = self._counts.tolist()
        return LightCounts(no_data=no_data, negative=negative, low=low, clipped=clipped)

    def median(self) -> float | None:
        """The median of the finite values without the pedestal, of evenly spread pixels where there are many."""
        found = self._sample[np.isfinite(self._sample)]
        return float(np.median(found)) if found.size else None


def _stride(n_pixels: int, columns: int) -> int:
    """Every so many pixels are looked at: those of all columns and of all colors of a mosaic alike."""
    stride = max(1, n_pixels // SAMPLE_PIXELS)
    while stride > 1 and math.gcd(stride, 6 * columns) > 1:
        stride += 1
    return stride
