"""Hot and unstable pixels of dark frames, counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.examine.cores import core_of
from evenfield.examine.defects import find_defects
from evenfield.model.pixels import Float32Array, PixelFlag

LEAST_FRAMES: Final = 5
"""Frames that tell unstable pixels from cosmic rays."""

FAR: Final = 5.0
"""Standard deviations from which on a value is far off."""

LEAST_TIMES: Final = 2
"""Frames in which an unstable pixel is far off: a cosmic ray hits once."""

WARMTH_ERROR: Final = 0.03
"""The part of its dark signal by which a steady hot pixel may differ between frames: some tenths of a degree."""

BRIGHT: Final = 20.0
"""Times the noise above the level from which on a pixel shows the shot noise of its dark signal."""

LEAST_BRIGHT: Final = 50

MEDIAN_CHI2: Final = 0.4549
"""The median of a chi-square with one degree of freedom."""

MOST_FAR: Final = 0.05
"""A frame of which more is far off differs as a whole, and says nothing of single pixels."""

LEAST_NOISE: Final = 0.3
"""ADU: the noise of whole numbers."""

SAMPLE: Final = 1 << 18


def count_hot(master: Float32Array, *, cfa: str | None) -> int:
    """How many pixels of a master dark stand out of their neighbors by 8 scatters (`find_defects`)."""
    flags = find_defects(master, is_dark=True, cfa=cfa)
    return int(np.count_nonzero(flags & np.uint8(PixelFlag.HOT)))


def count_unstable(frames: Sequence[Float32Array]) -> int | None:
    """How many pixels of a set of dark frames are unstable.

    A pixel is unstable where two frames or more, and a tenth of them, differ from the median of all by more than 5
    standard deviations of a steady pixel of its dark signal: read noise, shot noise (from the hot pixels themselves),
    and 3 % of its signal.

    Parameters
    ----------
    frames : sequence of float32 arrays (rows, columns)
        Of one exposure, ADU; pixels that are NaN are not counted.

    Returns
    -------
    int or None
        ``None`` where fewer than `LEAST_FRAMES` tell.
    """
    if len(frames) < LEAST_FRAMES:
        return None
    # The lower of the two in the middle: a pixel that jumps has one of its levels, never what lies between.
    middle = (len(frames) - 1) // 2
    usual = np.partition(np.stack(frames), middle, axis=0)[middle]
    some = usual.reshape(-1)[:: max(1, usual.size // SAMPLE)]
    signal = np.maximum(usual - np.float32(np.nanmedian(some)), np.float32(0.0))
    noise, slope = _noise(signal, frames)
    variance = np.float32(noise**2) + np.float32(slope) * signal + np.square(np.float32(WARMTH_ERROR) * signal)
    limit = np.float32(FAR) * np.sqrt(variance)
    times, judged = np.zeros(usual.shape, np.uint8), 0
    for frame in frames:
        with np.errstate(invalid="ignore"):
            far = np.abs(_apart(frame, usual)) > limit
        if np.count_nonzero(far) <= MOST_FAR * far.size:
            times += far
            judged += 1
    if judged < LEAST_FRAMES:
        return None
    return int(np.count_nonzero(times >= max(LEAST_TIMES, int(np.ceil(0.1 * judged)))))


def _apart(frame: Float32Array, usual: Float32Array) -> Float32Array:
    """A frame minus what is usual, brought to its level."""
    apart = frame - usual
    some = apart.reshape(-1)[:: max(1, apart.size // SAMPLE)]
    apart -= np.float32(np.nanmedian(some))
    return apart


def _noise(signal: Float32Array, frames: Sequence[Float32Array]) -> tuple[float, float]:
    """The noise of a pixel, ADU, and by how much its variance grows with each ADU of dark signal."""
    middle = len(frames) // 2
    apart = (frames[middle] - frames[middle - 1]) / np.float32(np.sqrt(2.0))
    center, noise = core_of(apart)
    noise = max(noise, LEAST_NOISE)
    bright = (signal > BRIGHT * noise) & np.isfinite(apart)
    if np.count_nonzero(bright) < LEAST_BRIGHT:
        return noise, 0.0
    slope = np.median((np.square(apart[bright] - center) / MEDIAN_CHI2 - noise**2) / signal[bright])
    return noise, max(float(slope), 0.0)
