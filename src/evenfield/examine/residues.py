"""What of bias and dark is left in an image: columns of the bias, hot pixels of the dark."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np

from evenfield.examine.wavelets import robust_scatter
from evenfield.model.pixels import Float32Array, Float64Array

HOT_SCATTERS: Final = 8.0
"""Scatters of the dark by which a pixel stands out of its neighbors to count as hot (as in `defects`)."""

LEAST_HOT: Final = 20
"""Fewer hot pixels say nothing: a few stars may lie on them."""

LEAST_PATTERN: Final = 10.0
"""The columns of a bias must differ by so many times their own noise, else its pattern is not known."""

BESIDE: Final = 3
"""A column is compared with so many on each side."""

HOT_FLOOR: Final = 0.01
"""Error of the share of hot pixels beyond statistics: a sensor that wanders by 0.1 C changes them by so much."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=False)
class Measured:
    """A number and its standard error; for shades, ``size`` is their rms in ADU."""

    value: float
    error: float
    size: float | None = None


def pattern_share(image: Float32Array, *, of: Float32Array, step: int = 1) -> Measured | None:
    """The share of a bias's column pattern that an image holds; ``None`` where the bias shows none.

    Pixels are taken beside the three to the left and right (``step`` apart, of the same color), and columns by their
    medians: stars, dust and hot pixels do not move them, and a master's own noise is small in them.
    """
    ours, theirs = columns_of(image, step), columns_of(of, step)
    known = np.isfinite(ours) & np.isfinite(theirs)
    own_noise = robust_scatter(beside(of, step)) / math.sqrt(of.shape[0]) * 1.25
    scatter = robust_scatter(theirs[known]) if known.any() else 0.0
    if not scatter * math.sqrt(known.sum()) > LEAST_PATTERN * max(own_noise, 1e-6) or scatter < 2.0 * own_noise:
        return None
    ours, theirs = ours[known], theirs[known]
    ours = np.clip(ours, *(np.median(ours) + np.array([-5.0, 5.0]) * max(robust_scatter(ours), 1e-9)))
    square = float((theirs * theirs).sum())
    share = float((ours * theirs).sum()) / square
    left = ours - share * theirs
    # Neighbors share columns, and shades have their own order: what is left is alike in them, as the pattern is.
    lags = range(1, 2 * BESIDE * step + 1)
    alike = sum(float((left[lag:] * left[:-lag]).mean() * (theirs[lag:] * theirs[:-lag]).sum()) for lag in lags)
    plain = float((left * left).mean()) * square
    return Measured(share, math.sqrt(max(plain + 2.0 * alike, 0.5 * plain)) / square)


def columns_of(image: Float32Array, step: int = 1) -> Float64Array:
    """For each column the median of its pixels beside their neighbors in the row; rims of shadows are a few rows."""
    profile = np.full(image.shape[1], np.nan)
    margin = BESIDE * step
    inside = image.shape[1] - 2 * margin
    if inside < 1:
        return profile
    apart = image[:, margin : margin + inside].copy()
    for k in range(1, BESIDE + 1):
        for place in (margin - k * step, margin + k * step):
            apart -= image[:, place : place + inside] * np.float32(0.5 / BESIDE)
    # Few are unknown, stars most of all: in the middle each leaves the median as it is.
    np.nan_to_num(apart, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    profile[margin:-margin] = np.median(apart, axis=0)
    return profile


def beside(image: Float32Array, step: int) -> Float32Array:
    return image[:, step:-step] - np.float32(0.5) * (image[:, : -2 * step] + image[:, 2 * step :])


def hot_share(light: Float32Array, *, dark: Float32Array, step: int = 1) -> Measured | None:
    """The share of a dark's hot pixels that a light holds, each beside its neighbors; ``None`` with too few.

    Parameters
    ----------
    light : float32 array (rows, columns)
        Calibrated as it is used, not flat-fielded; a mean of several dithered ones is best.
    dark : float32 array (rows, columns)
        A master dark of the light's exposure, or another: then the share is of its hot pixels.
    step : int
        Pixels to the next of the same color.
    """
    excess = beside(dark, step)
    scatter = robust_scatter(excess)
    hot = excess > HOT_SCATTERS * max(scatter, 1e-3)
    # Saturated ones do not follow the exposure.
    hot &= excess < 0.5 * float(np.nanmax(dark))
    x, y = excess[hot].astype(np.float64), beside(light, step)[hot].astype(np.float64)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if x.size < LEAST_HOT:
        return None
    weights = 1.0 / (1.0 + x / (HOT_SCATTERS * max(scatter, 1e-3)))
    share, error = 0.0, 0.0
    keep = np.ones(x.size, np.bool_)
    for _ in range(6):
        w = weights * keep
        square = float((w * x * x).sum())
        if not square > 0:
            return None
        share = float((w * x * y).sum()) / square
        left = (y - share * x) * np.sqrt(weights)
        limit = 4.0 * robust_scatter(left[keep])
        keep = np.abs(left) <= max(limit, 1e-9)
        error = math.sqrt(float((w * w * x * x * (y - share * x) ** 2).sum())) / square
    return Measured(share, math.hypot(error, HOT_FLOOR))
