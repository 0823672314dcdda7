"""Statistics of a whole frame, piece by piece: nothing of its size is made. What is not finite is left out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from evenfield.model.pixels import Float32Array

CHUNK: Final = 1 << 17
"""Samples taken at a time: they stay in the processor's cache."""

GUESS_STRIDE: Final = 257
"""Every so many samples are sorted to guess between which values the median lies: a prime, to meet all columns."""


def count_and_mean(pixels: Float32Array) -> tuple[int, float | None]:
    """How many pixels are finite, and their mean; ``None`` where none is."""
    count, total = 0, 0.0
    for values in _finite_chunks(pixels):
        count += values.size
        total += float(values.sum(dtype=np.float64))
    return count, total / count if count else None


def count_between(pixels: Float32Array, low: float, high: float, *, closed: bool = True) -> int:
    """How many pixels lie above ``low`` (exclusive) and up to ``high``, which counts itself where ``closed``."""
    found = 0
    for values in _chunks(pixels):
        inside = values > low
        inside &= (values <= high) if closed else (values < high)
        found += int(np.count_nonzero(inside))
    return found


def deviation(pixels: Float32Array, count: int, mean: float | None) -> float | None:
    """The standard deviation (ddof 0) of the finite pixels, whose number and mean are given."""
    if not count or mean is None:
        return None
    squares = 0.0
    for values in _finite_chunks(pixels):
        apart = values.astype(np.float64) - mean
        squares += float(np.dot(apart, apart))
    return math.sqrt(squares / count)


def median_of(pixels: Float32Array, count: int) -> float | None:
    """The median of the finite pixels, of which there are ``count``: the mean of the two in the middle.

    A sample of the pixels says between which values it must lie; only what lies there is collected and sorted.
    """
    if not count:
        return None
    low, high = _guess(pixels)
    below, inside = 0, []
    for values in _finite_chunks(pixels):
        below += int(np.count_nonzero(values < low))
        inside.append(values[(values >= low) & (values <= high)])
    middle = np.concatenate(inside)
    first, second = (count - 1) // 2 - below, count // 2 - below
    if first < 0 or second >= middle.size:
        # The sample misled; then all pixels are looked at.
        middle = np.concatenate(list(_finite_chunks(pixels)))
        first, second = (count - 1) // 2, count // 2
    middle = np.partition(middle, (first, second))
    return float(0.5 * (np.float64(middle[first]) + np.float64(middle[second])))


def _guess(pixels: Float32Array) -> tuple[float, float]:
    some = pixels.reshape(-1)[::GUESS_STRIDE]
    some = np.sort(some[np.isfinite(some)])
    if not some.size:
        return -math.inf, math.inf
    # Ten standard errors of the rank on either side.
    reach = math.ceil(5.0 * math.sqrt(some.size)) + 1
    low, high = some.size // 2 - reach, some.size // 2 + reach
    return float(some[low]) if low >= 0 else -math.inf, float(some[high]) if high < some.size else math.inf


def _chunks(pixels: Float32Array) -> Iterator[Float32Array]:
    flat = pixels.reshape(-1)
    for start in range(0, flat.size, CHUNK):
        yield flat[start : start + CHUNK]


def _finite_chunks(pixels: Float32Array) -> Iterator[Float32Array]:
    for values in _chunks(pixels):
        finite = np.isfinite(values)
        yield values if finite.all() else values[finite]
