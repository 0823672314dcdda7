"""The noise of a camera, from the scatter of frames that should be equal: photon transfer on a single set."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np

from evenfield.model.pixels import Float64Array

BINS: Final = 24
"""Groups of pixels of like level; each gives one point of the photon transfer curve."""

LEAST_SPAN: Final = 1.25
"""The brightest group must be so many times as bright as the faintest for read and photon noise to be told apart."""


MUCH_MORE: Final = 1.05
"""A group's variance may be so many times what the line says: that much its own noise can do."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NoiseModel:
    """``variance = read_noise_adu^2 + level / egain_e_per_adu`` in raw ADU; ``None``: no photon noise was seen."""

    read_noise_adu: float
    egain_e_per_adu: float | None


def fit_noise(levels: Float64Array, *, variances: Float64Array, egain_e_per_adu: float | None = None) -> NoiseModel:
    """Read noise and e-/ADU from the level and the variance of many pixels.

    Parameters
    ----------
    levels : float64 array (n,)
        Level of each pixel above the bias, raw ADU; 0 or less for dark frames.
    variances : float64 array (n,)
        Variance of a single frame's sample at each pixel, raw ADU squared, outliers left out.
    egain_e_per_adu : float, optional
        What the header says: taken where the levels lie too close together to tell photon from read noise.

    Returns
    -------
    NoiseModel
        The variances' means in groups of like level, fitted with a straight line, weighted with the inverse square
        of the expected variance (Janesick 2007, "Photon Transfer", SPIE). Where the line falls short of a group by
        more than 5 %, it is raised until it does not. Frames with hardly any light have one read noise, the median.

        Without finite values, or where no pixel changes, the read noise is 0: nothing is known.
    """
    usable = np.isfinite(levels) & np.isfinite(variances)
    if not usable.any():
        return NoiseModel(read_noise_adu=0.0, egain_e_per_adu=None)
    order = np.argsort(levels[usable], kind="stable")
    groups = [part for part in np.array_split(order, BINS) if part.size]
    x = np.array([float(np.mean(levels[usable][part])) for part in groups])
    # Means, not medians: the variance of few frames is skew. Hot pixels and drifting ones are the top of each group.
    y = np.array([_mean_without_top(variances[usable][part]) for part in groups])
    typical = float(np.mean(y))
    if typical <= 0:
        return NoiseModel(read_noise_adu=0.0, egain_e_per_adu=None)
    if x[-1] <= 0 or float(np.median(x)) < typical**0.5:
        return NoiseModel(read_noise_adu=float(np.median(y)) ** 0.5, egain_e_per_adu=None)
    if x[0] > 0 and x[-1] >= LEAST_SPAN * x[0]:
        start, slope = _line(x, y)
    else:
        # One level: all of it is photon noise, but for what the header's e-/ADU leaves over.
        level = float(np.mean(x))
        slope = typical / level if egain_e_per_adu is None else 1.0 / max(egain_e_per_adu, level / typical)
        start = max(typical - level * slope, 0.0)
    # Pixels that a line falls short of would lose more than is promised.
    excess = float(np.max(y / (start + slope * np.maximum(x, 0.0) + 1e-6 * typical)))
    more = excess if excess > MUCH_MORE else 1.0
    return NoiseModel(
        read_noise_adu=float(more * start) ** 0.5, egain_e_per_adu=1.0 / float(more * slope) if slope > 0 else None
    )


def _line(x: Float64Array, y: Float64Array) -> tuple[float, float]:
    """Start and slope of the line through the groups, neither below 0."""
    # Saturated pixels have no noise at all, and say nothing about that of the others.
    there = y > 0
    if np.count_nonzero(there) < 2:
        return float(np.max(y)), 0.0
    slope, start = np.polyfit(x[there], y[there], 1, w=1.0 / y[there])
    if slope <= 0:
        return float(np.average(y[there], weights=1.0 / y[there])), 0.0
    if start < 0:
        return 0.0, float(np.average(y[there] / x[there]))
    return float(start), float(slope)


def _mean_without_top(values: Float64Array) -> float:
    """The mean without the top per mille, in which hot pixels lie."""
    kept = np.sort(values)[: max(1, int(values.size * 0.999))]
    return float(np.mean(kept))
