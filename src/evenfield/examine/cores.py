"""Middle and scatter of numbers that a converter gave: hot pixels left out, steps of 4 or 16 ADU kept in mind."""

from __future__ import annotations

from typing import Final

import numpy as np

from evenfield.examine.grids import MAD_FACTOR
from evenfield.model.pixels import Float32Array

CLIP: Final = 5.0
"""Scatters from which on a value does not belong to the others."""

ROUNDS: Final = 4
SAMPLE: Final = 1 << 17


def core_of(values: Float32Array) -> tuple[float, float]:
    """Mean and standard deviation of the values within 5 standard deviations of the mean.

    The median and the MAD of values that lie on few steps of a converter are steps themselves; these are not. Values
    that are not finite are left out; of many, every so many are taken. Nothing finite gives (NaN, 0).
    """
    some = values.reshape(-1)[:: max(1, values.size // SAMPLE)]
    some = some[np.isfinite(some)].astype(np.float64)
    if not some.size:
        return np.nan, 0.0
    apart = np.abs(some - np.median(some))
    # Nine of ten lie within 1.64 standard deviations: at least one step, unless nearly all are equal.
    scatter = max(MAD_FACTOR * float(np.median(apart)), float(np.quantile(apart, 0.9)) / 1.64)
    middle = float(np.median(some))
    if scatter == 0.0:
        return middle, float(some[apart <= np.quantile(apart, 0.999)].std())
    for _ in range(ROUNDS):
        kept = some[np.abs(some - middle) <= CLIP * scatter]
        middle, scatter = float(kept.mean()), max(float(kept.std()), 1e-9)
    return middle, scatter
