"""What is done to one sorted column of a block: its moments and median, what it loses, its results.

A column is named by its place ``i`` in the block, a range of its sorted samples by the first and the last (exclusive)
row, and what is known of a range by its `Moments`.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import Results, Scratch
from evenfield.kernels.cache import inner
from evenfield.model.pixels import Float64Array

BEYOND: Final = 1.0 + 1e-6
"""A sample is rejected only where its deviation exceeds the limit by more than 1e-6 of it."""

MEDIAN_NOISE: Final = math.sqrt(math.pi / 2.0)
"""Standard error of the median of many normal samples in units of that of their mean: 1.2533."""

LEAST_SURVIVORS: Final = 3
"""The repeated rejections stop at this number of survivors."""

LEAST_REST: Final = 1e-5
"""Where taking samples away leaves less than this share of the squares, rounding would show: they are summed anew."""


class Moments(NamedTuple):
    """The sorted samples ``first`` to ``last`` (exclusive), their mean and their squared deviations from it, summed.

    ``summed`` are the squares when they were last summed, before samples were taken away: what rounding is relative to.
    """

    first: int
    last: int
    mean: float
    squares: float
    summed: float


@inner
def median(rows: Float64Array, i: int, first: int, last: int) -> float:
    """The median of the sorted samples ``first`` to ``last`` (exclusive) of column ``i``."""
    middle = (first + last) // 2
    if (last - first) % 2 == 1:
        return rows[middle, i]  # type: ignore[no-any-return]
    return 0.5 * (rows[middle - 1, i] + rows[middle, i])  # type: ignore[no-any-return]


@inner
def moments_of(rows: Float64Array, i: int, first: int, last: int) -> Moments:
    """The moments of a range of at least one sample.

    One pass with the middle sample as pivot: a mean never lies far from it in units of the scatter, so that nothing
    cancels, and a column of equal values has exactly no scatter.
    """
    pivot = rows[(first + last) // 2, i]
    total, squares, other_total, other_squares = 0.0, 0.0, 0.0, 0.0
    even_last = last - (last - first) % 2
    for k in range(first, even_last, 2):
        # Two sums of every other sample each: the processor need not wait for one addition before it begins the next.
        deviation, other = rows[k, i] - pivot, rows[k + 1, i] - pivot
        total += deviation
        squares += deviation * deviation
        other_total += other
        other_squares += other * other
    if even_last < last:
        deviation = rows[even_last, i] - pivot
        total += deviation
        squares += deviation * deviation
    total += other_total
    squares += other_squares
    shift = total / (last - first)
    rest = squares - shift * total
    squares = rest if rest > 0.0 else 0.0
    return Moments(first, last, pivot + shift, squares, squares)


@inner
def moments_of_all(rows: Float64Array, sums: Float64Array, i: int, n: int) -> Moments:
    """The moments of all ``n`` valid samples; from `evenfield.kernels.whole_rows.sum_rows` where it could find them."""
    if n == rows.shape[0]:
        return Moments(0, n, sums[0, i], sums[1, i], sums[1, i])
    if n == 0:
        return Moments(0, 0, np.nan, 0.0, 0.0)
    return moments_of(rows, i, 0, n)


@inner
def without_ends(rows: Float64Array, i: int, whole: Moments, first: int, last: int) -> Moments:
    """The moments of a part of a range, by taking away what lies before ``first`` and from ``last`` on."""
    if last <= first or (first == whole.first and last == whole.last):
        return Moments(first, last, whole.mean, whole.squares, whole.summed)
    total, squares = 0.0, 0.0
    for k in range(whole.first, first):
        deviation = rows[k, i] - whole.mean
        total += deviation
        squares += deviation * deviation
    for k in range(last, whole.last):
        deviation = rows[k, i] - whole.mean
        total += deviation
        squares += deviation * deviation
    n = last - first
    rest = whole.squares - squares - total * total / n
    if rest <= LEAST_REST * whole.summed:
        return moments_of(rows, i, first, last)
    return Moments(first, last, whole.mean - total / n, rest, whole.summed)


@inner
def trim(
    rows: Float64Array, i: int, kept: tuple[int, int], center: float, below: float, above: float
) -> tuple[int, int]:
    """The part of the sorted samples ``kept`` that lies no further than ``below`` and ``above`` from ``center``."""
    first, last = kept
    while first < last and center - rows[first, i] > below * BEYOND:
        first += 1
    while last > first and rows[last - 1, i] - center > above * BEYOND:
        last -= 1
    return first, last


# What is done column by column takes single arrays, never the tuples that hold them: handing over a tuple counts a
# reference to each of its arrays, which takes longer than the work on a column.


@inner
def finish_column(rows: Float64Array, i: int, n: int, kept: Moments, by_median: bool, outcome: Float64Array) -> None:
    """Put the results of column ``i``, of whose ``n`` valid samples ``kept`` survived, into that of ``outcome``.

    The rows of ``outcome`` are value, noise, samples used, rejected low and high. A column without survivors falls back
    to the median of all its valid samples.
    """
    if kept.last <= kept.first:
        by_median = True
        kept = moments_of(rows, i, 0, n) if n > 0 else Moments(0, 0, np.nan, 0.0, 0.0)
    first, last = kept.first, kept.last
    used = last - first
    scatter = math.sqrt(kept.squares / (used - 1)) if used > 1 else np.nan
    noise = scatter / math.sqrt(used)
    value = kept.mean
    if by_median and used > 0:
        value = median(rows, i, first, last)
        noise = MEDIAN_NOISE * noise if used > 2 else noise
    outcome[0, i] = value
    outcome[1, i] = noise
    outcome[2, i] = used
    outcome[3, i] = first
    outcome[4, i] = n - last


@inner
def weigh_column(scratch: Scratch, i: int, kept: Moments, weights: Float64Array) -> None:
    """Make value and noise of a column those of the weighted mean, unless nothing survived."""
    used = kept.last - kept.first
    if used <= 0:
        return
    value, share = weighted_mean(scratch, i, kept.first, kept.last, weights)
    scratch.outcome[0, i] = value
    scratch.outcome[1, i] = math.sqrt(kept.squares / (used - 1)) * share if used > 1 else np.nan


@inner
def write_columns(scratch: Scratch, start: int, width: int, results: Results) -> None:
    """Write the outcome of the columns that are not settled."""
    outcome, settled = scratch.outcome, scratch.settled
    value, noise, used = results.value, results.noise, results.used
    low, high = results.rejected_low, results.rejected_high
    for i in range(width):
        if settled[i] == 0:
            value[start + i] = outcome[0, i]
            noise[start + i] = outcome[1, i]
            used[start + i] = np.uint16(outcome[2, i])
            low[start + i] = np.uint16(outcome[3, i])
            high[start + i] = np.uint16(outcome[4, i])


@inner
def write_places(scratch: Scratch, places: NDArray[np.int64], start: int, count: int, results: Results) -> None:
    """Write the outcome of the first ``count`` columns to their places."""
    outcome = scratch.outcome
    value, noise, used = results.value, results.noise, results.used
    low, high = results.rejected_low, results.rejected_high
    for i in range(count):
        pixel = start + places[i]
        value[pixel] = outcome[0, i]
        noise[pixel] = outcome[1, i]
        used[pixel] = np.uint16(outcome[2, i])
        low[pixel] = np.uint16(outcome[3, i])
        high[pixel] = np.uint16(outcome[4, i])


@inner
def weighted_mean(scratch: Scratch, i: int, first: int, last: int, weights: Float64Array) -> tuple[float, float]:
    """The weighted mean of the survivors, and ``sqrt(sum w^2) / sum w``; NaN where all of them have weight 0.

    The column is sorted and has forgotten its frames, so the survivors are found again in the order of the frames.
    Where only some of several equal samples survive (minmax), equal samples stand in the order of their frames.
    """
    rows = scratch.rows
    least, greatest = rows[first, i], rows[last - 1, i]
    place_low, place_high = first, last - 1
    while place_low > 0 and rows[place_low - 1, i] == least:
        place_low -= 1
    while place_high > 0 and rows[place_high - 1, i] == greatest:
        place_high -= 1
    pivot = rows[(first + last) // 2, i]
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
