"""What is done to one sorted column: its moments and median before a rejection, its results after it."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from evenfield.kernels.blocks import Results, Scratch
from evenfield.kernels.cache import inner
from evenfield.model.pixels import Float64Array

BEYOND: Final = 1.0 + 1e-6
"""A sample is rejected only where its deviation exceeds the limit by more than 1e-6 of it."""

MEDIAN_NOISE: Final = math.sqrt(math.pi / 2.0)
"""Standard error of the median of many normal samples in units of that of their mean: 1.2533."""

LEAST_SURVIVORS: Final = 3
"""The repeated rejections stop at this number of survivors."""


@inner
def median(column: Float64Array, first: int, last: int) -> float:
    """The median of the sorted samples ``first`` to ``last`` (exclusive)."""
    middle = (first + last) // 2
    if (last - first) % 2 == 1:
        return column[middle]  # type: ignore[no-any-return]
    return 0.5 * (column[middle - 1] + column[middle])  # type: ignore[no-any-return]


@inner
def mean_and_squares(column: Float64Array, first: int, last: int) -> tuple[float, float]:
    """The mean of the sorted samples and the sum of their squared deviations from it.

    One pass with the middle sample as pivot: a mean never lies far from it in units of the scatter, so that nothing
    cancels, and a column of equal values has exactly no scatter.
    """
    pivot = column[(first + last) // 2]
    total, squares, other_total, other_squares = 0.0, 0.0, 0.0, 0.0
    even_last = last - (last - first) % 2
    for k in range(first, even_last, 2):
        # Two sums of every other sample each: the processor need not wait for one addition before it begins the next.
        deviation, other = column[k] - pivot, column[k + 1] - pivot
        total += deviation
        squares += deviation * deviation
        other_total += other
        other_squares += other * other
    if even_last < last:
        deviation = column[even_last] - pivot
        total += deviation
        squares += deviation * deviation
    total += other_total
    squares += other_squares
    shift = total / (last - first)
    return pivot + shift, max(squares - shift * total, 0.0)


@inner
def trim(column: Float64Array, kept: tuple[int, int], center: float, below: float, above: float) -> tuple[int, int]:
    """The part of the sorted samples ``kept`` that lies no further than ``below`` and ``above`` from ``center``."""
    first, last = kept
    while first < last and center - column[first] > below * BEYOND:
        first += 1
    while last > first and column[last - 1] - center > above * BEYOND:
        last -= 1
    return first, last


@inner
def finish_column(
    scratch: Scratch,
    i: int,
    kept: tuple[int, int],
    weights: Float64Array,
    by_median: bool,
    pixel: int,
    results: Results,
) -> None:
    """Write the results of column ``i`` whose survivors are the sorted samples ``kept[0]`` to ``kept[1]``.

    A column without survivors falls back to the median of all its valid samples.
    """
    n = scratch.valid[i]
    first, last = kept
    if last <= first:
        first, last = 0, n
        by_median = True
    used = last - first
    results.used[pixel] = used
    results.rejected_low[pixel] = first
    results.rejected_high[pixel] = n - last
    if used == 0:
        results.value[pixel] = np.nan
        results.noise[pixel] = np.nan
        return
    mean, squares = mean_and_squares(scratch.column, first, last)
    scatter = math.sqrt(squares / (used - 1)) if used > 1 else np.nan
    noise = scatter / math.sqrt(used)
    if by_median:
        results.value[pixel] = median(scratch.column, first, last)
        results.noise[pixel] = MEDIAN_NOISE * noise if used > 2 else noise
    elif weights.size > 0:
        value, share = weighted_mean(scratch, i, first, last, weights)
        results.value[pixel] = value
        results.noise[pixel] = scatter * share
    else:
        results.value[pixel] = mean
        results.noise[pixel] = noise


@inner
def weighted_mean(scratch: Scratch, i: int, first: int, last: int, weights: Float64Array) -> tuple[float, float]:
    """The weighted mean of the survivors, and ``sqrt(sum w^2) / sum w``; NaN where all of them have weight 0.

    The column is sorted and has forgotten its frames, so the survivors are found again in the order of the frames.
    Where only some of several equal samples survive (minmax), equal samples stand in the order of their frames.
    """
    column = scratch.column
    least, greatest = column[first], column[last - 1]
    place_low, place_high = first, last - 1
    while place_low > 0 and column[place_low - 1] == least:
        place_low -= 1
    while place_high > 0 and column[place_high - 1] == greatest:
        place_high -= 1
    pivot = column[(first + last) // 2]
    total, weight, squared_weight = 0.0, 0.0, 0.0
    for frame in range(weights.size):
        sample = scratch.in_order[frame, i]
        survives = least <= sample <= greatest
        if sample == least:
            survives = survives and place_low >= first and place_low < last
            place_low += 1
        if sample == greatest:
            survives = survives and place_high < last
            place_high += 1
        if survives:
            total += weights[frame] * (sample - pivot)
            weight += weights[frame]
            squared_weight += weights[frame] * weights[frame]
    if weight == 0.0:
        return np.nan, np.nan
    return pivot + total / weight, math.sqrt(squared_weight) / weight
