"""Pixels that do not do what their neighbors do: hot and unstable ones in a master dark, cold ones in a master flat."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.model.pixels import Float32Array, PixelFlag

HOT_SCATTERS: Final = 8.0
"""Scatters of the dark by which a hot pixel stands out of its neighbors: 26 million good pixels do not reach them."""

UNSTABLE_TIMES: Final = 4.0
"""Times the usual noise from which on a pixel is unstable, beyond what its own dark signal explains."""

COLD_SHARE: Final = 0.5
"""The share of its neighbors' light below which a pixel is cold."""

MAD_FACTOR: Final = 1.4826
SAMPLE: Final = 1 << 20


def find_defects(
    pixels: Float32Array, *, is_dark: bool, noise: Float32Array | None = None, cfa: str | None = None
) -> NDArray[np.uint8]:
    """Flag the defects that a master shows.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
        The master; NaN is flagged as no data.
    is_dark : bool
        A bias, dark or dark flat: hot and unstable pixels. Else a flat: cold ones.
    noise : float32 array (rows, columns), optional
        The noise of the master's values; without it no pixel is called unstable.
    cfa : str, optional
        The pattern: neighbors are those of the same color.

    Returns
    -------
    uint8 array (rows, columns)
        `PixelFlag` bits: HOT, UNSTABLE, COLD, NO_DATA.
    """
    distance = 1 if cfa in (None, "MONO") else (2 if len(cfa or "") == 4 else 6)
    flags = np.zeros(pixels.shape, np.uint8)
    flags[~np.isfinite(pixels)] |= np.uint8(PixelFlag.NO_DATA)
    with np.errstate(invalid="ignore"):
        around = _around(pixels, distance)
        if is_dark:
            level, scatter = _core(pixels)
            limit = np.float32(HOT_SCATTERS * scatter)
            hot = (pixels - around > limit) & (pixels > level + limit)
            flags[hot] |= np.uint8(PixelFlag.HOT)
            if noise is not None:
                flags[_unstable(pixels, noise, level)] |= np.uint8(PixelFlag.UNSTABLE)
        else:
            flags[(pixels < np.float32(COLD_SHARE) * around) | (pixels <= 0)] |= np.uint8(PixelFlag.COLD)
    return flags


def _around(pixels: Float32Array, distance: int) -> Float32Array:
    """The mean of the two middle ones of four neighbors, up, down, left and right; edges are repeated."""
    padded = np.pad(pixels, distance, mode="reflect" if min(pixels.shape) > distance else "edge")
    rows, columns = pixels.shape
    total = np.zeros(pixels.shape, np.float32)
    least = np.full(pixels.shape, np.inf, np.float32)
    greatest = np.full(pixels.shape, -np.inf, np.float32)
    for y, x in ((0, 1), (2, 1), (1, 0), (1, 2)):
        shifted = padded[y * distance : y * distance + rows, x * distance : x * distance + columns]
        total += shifted
        np.minimum(least, shifted, out=least)
        np.maximum(greatest, shifted, out=greatest)
    found: Float32Array = (total - least - greatest) * np.float32(0.5)
    return found


def _core(pixels: Float32Array) -> tuple[float, float]:
    """Median and scatter of the pixels that are not hot, the scatter from what lies below the median."""
    some = pixels.reshape(-1)[:: max(1, pixels.size // SAMPLE)]
    some = some[np.isfinite(some)]
    if not some.size:
        return 0.0, np.inf
    middle = float(np.median(some))
    below = middle - some[some < middle]
    return middle, max(MAD_FACTOR * float(np.median(below)) if below.size else 0.0, 1e-3)


def _unstable(pixels: Float32Array, noise: Float32Array, level: float) -> NDArray[np.bool_]:
    """Pixels of far more noise than others of their dark signal have.

    The variance of a steady pixel grows with its dark signal by a factor that the whole frame shows: the median over
    hot pixels of (variance - usual variance) / signal.
    """
    usual = float(np.nanmedian(noise.reshape(-1)[:: max(1, noise.size // SAMPLE)]))
    signal = np.maximum(pixels - np.float32(level), np.float32(0.0))
    bright = signal > 20.0 * usual
    slope = float(np.nanmedian((noise[bright] ** 2 - usual**2) / signal[bright])) if bright.sum() >= 50 else 0.0
    expected = np.sqrt(np.float32(usual**2) + np.float32(max(slope, 0.0)) * signal)
    found: NDArray[np.bool_] = noise > np.float32(UNSTABLE_TIMES) * expected
    return found
