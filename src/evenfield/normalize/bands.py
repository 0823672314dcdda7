"""The level of a calibrated frame, band by band, without its pixels ever being kept."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import CombineError
from evenfield.model.pixels import Encoding, Float32Array


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BandLevel:
    """What one band, or several, of one frame add to its level.

    Parameters
    ----------
    sum : float
        Sum of ``raw - shift - subtract`` over the samples that are finite and whose raw value is below saturation, ADU.
    count : int
        How many samples that are.
    n_saturated : int
        Samples whose raw value is at or above saturation.
    n_blank : int
        Samples that are not finite, or whose master is not.
    minimum, maximum : float or None
        Least and greatest finite raw value, ADU, saturated ones included; ``None`` where there is none.
    """

    sum: float
    count: int
    n_saturated: int
    n_blank: int
    minimum: float | None
    maximum: float | None

    @property
    def mean(self) -> float | None:
        """The mean level, ADU; ``None`` without samples."""
        return self.sum / self.count if self.count else None


def band_level(
    raw: NDArray[Any],
    *,
    encoding: Encoding,
    shift: float = 0.0,
    subtract: Float32Array | None = None,
    saturation_adu: float | None = None,
) -> BandLevel:
    """Sum the calibrated samples of one band of one frame; releases the interpreter's lock.

    Parameters
    ----------
    raw : int16 or float32 array, any shape
        Raw samples as ``encoding`` says.
    encoding : Encoding
        How they are stored.
    shift : float
        One number to subtract, ADU.
    subtract : float32 array of the same size, optional
        What the dark masters say, ADU.
    saturation_adu : float, optional
        Raw values from here on are left out; ``None`` leaves out none.

    Returns
    -------
    BandLevel
        The same for the same band on every run: one sum in float64, in the order of the pixels.

    Raises
    ------
    CombineError
        If dtypes or sizes do not belong together.
    """
    from evenfield.kernels.blocks import LEVEL_LANES, LEVEL_WIDTH
    from evenfield.kernels.inputs import raw_samples, read_only
    from evenfield.kernels.registry import level_kernel

    samples = raw_samples(raw.reshape(1, -1), encoding)
    if subtract is not None and subtract.size != raw.size:
        raise CombineError(f"The master has {subtract.size} pixels here, the frame {raw.size}.")
    master = np.empty((0, 0), np.float32) if subtract is None else subtract.reshape(1, -1)
    saturation = math.inf if saturation_adu is None else float(saturation_adu)
    room, sums = (np.empty((1, LEVEL_WIDTH)), np.empty(LEVEL_LANES)), np.empty(6)
    level_kernel()(samples, read_only(master, np.float32), float(shift), saturation, *room, sums)
    total, count, saturated, blank, minimum, maximum = sums.tolist()
    return BandLevel(
        sum=total,
        count=int(count),
        n_saturated=int(saturated),
        n_blank=int(blank),
        minimum=minimum if math.isfinite(minimum) else None,
        maximum=maximum if math.isfinite(maximum) else None,
    )


def merge_levels(bands: Iterable[BandLevel]) -> BandLevel:
    """The level of a whole frame from those of its bands, summed in the order given (pass them from top to bottom)."""
    parts = tuple(bands)
    total = 0.0
    for part in parts:
        total += part.sum
    minima = [part.minimum for part in parts if part.minimum is not None]
    maxima = [part.maximum for part in parts if part.maximum is not None]
    return BandLevel(
        sum=total,
        count=sum(part.count for part in parts),
        n_saturated=sum(part.n_saturated for part in parts),
        n_blank=sum(part.n_blank for part in parts),
        minimum=min(minima, default=None),
        maximum=max(maxima, default=None),
    )
