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


def moments(pixels: Float32Array) -> tuple[int, float | None, float | None]:
    """How many pixels are finite, their mean and standard deviation (ddof 0); ``None`` where none is."""
    count, total, squares = 0, 0.0, 0.0
    # Squares are those of deviations from a value in the midst, so that they lose nothing to the level.
    pivot = _pivot(pixels)
    apart = np.empty(min(CHUNK, pixels.size), np.float64)
    for values in _finite_chunks(pixels):
        chunk = apart[: values.size]
        np.subtract(values, pivot, out=chunk, dtype=np.float64)
        count += values.size
        total += float(chunk.sum())
        # Not by a dot product: it wakes threads that then wait at full speed for more.
        squares += float(np.square(chunk, out=chunk).sum())
    if not count:
        return 0, None, None
    return count, pivot + total / count, math.sqrt(max(squares - total * total / count, 0.0) / count)


def _pivot(pixels: Float32Array) -> float:
    some = pixels.reshape(-1)[::GUESS_STRIDE]
    some = some[np.isfinite(some)]
    return float(np.median(some)) if some.size else 0.0


def count_between(pixels: Float32Array, low: float, high: float, *, closed: bool = True) -> int:
    """How many pixels lie above ``low`` (exclusive) and up to ``high``, which counts itself where ``closed``."""
    found = 0
    for values in _chunks(pixels):
        if values.min() > high:
            # Of most masters nothing lies as low as what is looked for. NaN is above nothing.
            continue
        inside = values > low
        inside &= (values <= high) if closed else (values < high)
        found += int(np.count_nonzero(inside))
    return found


def median_of(pixels: Float32Array, count: int) -> float | None:
    """The median of the finite pixels, of which there are ``count``: the mean of the two in the middle.

    A sample of the pixels says between which values it must lie; only what lies there is collected and sorted.
    """
    if not count:
        return None
    low, high = _guess(pixels)
    below, inside = 0, []
    for values in _finite_chunks(pixels):
        reached = values >= low
        below += values.size - int(np.count_nonzero(reached))
        reached &= values <= high
        inside.append(values[reached])
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
        # A sum that is finite has finite terms, and costs less than to look at each.
        with np.errstate(over="ignore", invalid="ignore"):
            total = float(values.sum())
        if math.isfinite(total):
            yield values
        else:
            yield values[np.isfinite(values)]
