"""Winsorized: the sigma rejection with Huber's winsorized standard deviation.

Huber, P. J. 1981, "Robust Statistics", Wiley. The samples are clamped at 1.5 standard deviations around the median and
their standard deviation is taken anew, until it settles; 1.134 makes up for the clamping.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from evenfield.kernels.blocks import Results, Samples, Scratch, Terms, new_scratch
from evenfield.kernels.cache import inner
from evenfield.kernels.columns import LEAST_SURVIVORS, finish_column, median, trim
from evenfield.kernels.decoding import load_block, take_column
from evenfield.kernels.sorting import greater, lesser
from evenfield.kernels.whole_rows import finish_rows, median_of_rows, settle_none, sum_rows
from evenfield.model.pixels import Float64Array

CLAMP: Final = 1.5
CORRECTION: Final = 1.134
SETTLED: Final = 5e-4
MOST_ROUNDS: Final = 50


@inner
def accumulate(column: Float64Array, first: int, last: int, center: float, sums: Float64Array) -> None:
    """Fill ``sums`` (2, n + 1) with the running sums of the deviations from ``center`` and of their squares."""
    total = 0.0
    squares = 0.0
    sums[0, first] = 0.0
    sums[1, first] = 0.0
    for k in range(first, last):
        deviation = column[k] - center
        total += deviation
        squares += deviation * deviation
        sums[0, k + 1] = total
        sums[1, k + 1] = squares


@inner
def winsorized_scatter(
    column: Float64Array, kept: tuple[int, int], center: float, floor: float, sums: Float64Array
) -> float:
    """Huber's standard deviation of the sorted samples ``kept`` around ``center``, never below ``floor``.

    The clamped samples are never made: those within the reach are a range of the sorted column, whose sums are
    differences of the running sums, and all others lie at the reach itself.
    """
    first, last = kept
    n = last - first
    accumulate(column, first, last, center, sums)
    total, squares = sums[0, last], sums[1, last]
    scatter = max(math.sqrt(max(squares - total * total / n, 0.0) / (n - 1)), floor)
    reach = np.inf
    low, high = first, last
    for _ in range(MOST_ROUNDS):
        # Clamped samples stay clamped: a reach that grows again changes nothing.
        reach = min(reach, CLAMP * scatter)
        while low < high and center - column[low] > reach:
            low += 1
        while high > low and column[high - 1] - center > reach:
            high -= 1
        n_low, n_high = low - first, last - high
        total = sums[0, high] - sums[0, low] + reach * (n_high - n_low)
        squares = sums[1, high] - sums[1, low]
        if n_low + n_high > 0:
            squares += reach * reach * (n_low + n_high)
        settled = max(CORRECTION * math.sqrt(max(squares - total * total / n, 0.0) / (n - 1)), floor)
        if abs(settled - scatter) <= SETTLED * scatter:
            return settled
        scatter = settled
    return scatter


@inner
def keep_winsorized(
    column: Float64Array, n: int, low: float, high: float, floor: float, sums: Float64Array
) -> tuple[int, int]:
    """The range of the sorted samples that survive."""
    first, last = 0, n
    while last - first > LEAST_SURVIVORS and column[first] < column[last - 1]:
        center = median(column, first, last)
        scatter = winsorized_scatter(column, (first, last), center, floor, sums)
        if scatter == 0.0:
            break
        left = trim(column, (first, last), center, low * scatter, high * scatter)
        if left == (first, last):
            break
        first, last = left
    return first, last


@inner
def settle_winsorized(scratch: Scratch, width: int, low: float, high: float, floor: float) -> None:
    """Settle the columns of which one pass proves that they lose nothing.

    Let ``c`` be the least scatter at which no sample lies beyond its limit, and ``g(s) = 1.134 std(clamp(x, m +- 1.5
    s))``, which grows with ``s``. If ``std >= c`` and ``g(c) >= c``, then every scatter on the way, and so the one that
    settles, is at least ``c``. The same holds where the floor is. Other columns may lose nothing either, but have to
    be looked at one by one.
    """
    n = scratch.rows.shape[0]
    rows, sums, settled = scratch.rows, scratch.sums, scratch.settled
    least, greatest = rows[0, :width], rows[n - 1, :width]
    center, bound = sums[2, :width], sums[3, :width]
    for i in range(width):
        center[i] = median_of_rows(scratch, (0, n), i)
        below, above = (center[i] - least[i]) / low, (greatest[i] - center[i]) / high
        bound[i] = below if below > above else above
        settled[i] = 1 if greatest[i] < np.inf and (n <= LEAST_SURVIVORS or bound[i] <= floor) else 0
    squares = sums[1, :width]
    total, clamped = sums[4, :width], sums[5, :width]
    total[:] = 0.0
    clamped[:] = 0.0
    k = 0
    while k + 4 <= n:
        add_four_clamped(rows[k : k + 4, :width], center, bound, total, clamped)
        k += 4
    while k < n:
        add_clamped(rows[k, :width], center, bound, total, clamped)
        k += 1
    for i in range(width):
        needed = bound[i] * bound[i] * (n - 1)
        found = CORRECTION * CORRECTION * (clamped[i] - total[i] * total[i] / n)
        # The tie rule rejects only what lies 1e-6 beyond a limit: rounding cannot undo this proof.
        proven = squares[i] >= needed and found >= needed and greatest[i] < np.inf
        settled[i] = 1 if proven else settled[i]


@inner
def add_clamped(
    row: Float64Array, center: Float64Array, bound: Float64Array, total: Float64Array, squares: Float64Array
) -> None:
    """Add one row's clamped deviations from the center and their squares."""
    for i in range(row.size):
        reach = CLAMP * bound[i]
        t = greater(lesser(row[i] - center[i], reach), -reach)
        total[i] += t
        squares[i] += t * t


@inner
def add_four_clamped(
    rows: Float64Array, center: Float64Array, bound: Float64Array, total: Float64Array, squares: Float64Array
) -> None:
    """Add four rows' clamped deviations from the center and their squares."""
    r0, r1, r2, r3 = rows[0], rows[1], rows[2], rows[3]
    for i in range(total.size):
        middle = center[i]
        reach = CLAMP * bound[i]
        a = greater(lesser(r0[i] - middle, reach), -reach)
        b = greater(lesser(r1[i] - middle, reach), -reach)
        c = greater(lesser(r2[i] - middle, reach), -reach)
        d = greater(lesser(r3[i] - middle, reach), -reach)
        total[i] = total[i] + a + b + c + d
        squares[i] = squares[i] + a * a + b * b + c * c + d * d


def combine(
    samples: Samples,
    terms: Terms,
    weights: Float64Array,
    by_median: bool,
    low: float,
    high: float,
    step: float,
    results: Results,
) -> None:
    """Combine all pixels of a band; see `evenfield.kernels.registry.CombineKernel`."""
    scratch = new_scratch(terms.shifts.size, weights.size > 0)
    width = scratch.valid.size
    sums = np.empty((2, terms.shifts.size + 1), np.float64)
    floor = step / math.sqrt(12.0)
    every = (0, terms.shifts.size)
    n_pixels = results.value.size
    for start in range(0, n_pixels, width):
        stop = min(start + width, n_pixels)
        load_block(samples, terms, start, stop, scratch)
        if weights.size > 0:
            settle_none(scratch, stop - start)
        else:
            sum_rows(scratch, every, stop - start)
            finish_rows(scratch, every, start, stop - start, by_median, results)
            settle_winsorized(scratch, stop - start, low, high, floor)
        for pixel in range(start, stop):
            if scratch.settled[pixel - start] == 0:
                n = take_column(scratch, pixel - start)
                kept = keep_winsorized(scratch.column, n, low, high, floor, sums)
                finish_column(scratch, pixel - start, kept, weights, by_median, pixel, results)
