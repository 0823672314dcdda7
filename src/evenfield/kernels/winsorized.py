"""Winsorized: the sigma rejection with Huber's winsorized standard deviation.

Huber, P. J. 1981, "Robust Statistics", Wiley. The samples are clamped at 1.5 standard deviations around the median and
their standard deviation is taken anew, until it settles; 1.134 makes up for the clamping.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import Results, Samples, Scratch, Terms, new_scratch
from evenfield.kernels.cache import inner
from evenfield.kernels.columns import (
    LEAST_REST,
    LEAST_SURVIVORS,
    Moments,
    finish_column,
    median,
    moments_of_all,
    trim,
    weigh_column,
    without_ends,
    write_columns,
    write_places,
)
from evenfield.kernels.decoding import load_block
from evenfield.kernels.proving import CLAMP, CORRECTION, can_be_proven, leave_unproven, load_places, new_proof
from evenfield.kernels.sorting import greater, lesser
from evenfield.kernels.whole_rows import finish_rows, settle_none, sum_rows
from evenfield.model.pixels import Float64Array

SETTLED: Final = 5e-4
MOST_ROUNDS: Final = 50
FAR_BEYOND: Final = 1.0 + 2e-6
"""A sample beyond its limit by this factor is rejected, whatever rounding does to the tie rule's 1e-6."""


@inner
def range_sums(rows: Float64Array, i: int, first: int, last: int, center: float) -> tuple[float, float]:
    """The sum of the deviations of a range of samples from ``center``, and of their squares."""
    total, squares = 0.0, 0.0
    for k in range(first, last):
        deviation = rows[k, i] - center
        total += deviation
        squares += deviation * deviation
    return total, squares


@inner
def winsorized_scatter(rows: Float64Array, i: int, kept: Moments, center: float, floor: float, enough: float) -> float:
    """Huber's standard deviation of the sorted samples ``kept`` around ``center``, never below ``floor``.

    The clamped samples are never made: those within the reach are a range of the sorted column, whose sums are what is
    left of the sums of all, and all others lie at the reach itself. So only samples beyond the reach are looked at.
    Once it has shrunk it never grows again, so that a value below ``enough`` may be returned before it settles.
    """
    n = kept.last - kept.first
    apart = kept.mean - center
    total, squares = n * apart, kept.squares + n * apart * apart
    scatter = max(math.sqrt(kept.squares / (n - 1)), floor)
    reach = np.inf
    low, high, exact = kept.first, kept.last, kept.summed
    for _ in range(MOST_ROUNDS):
        # Clamped samples stay clamped: a reach that grows again changes nothing.
        reach = min(reach, CLAMP * scatter)
        while low < high and center - rows[low, i] > reach:
            deviation = rows[low, i] - center
            total -= deviation
            squares -= deviation * deviation
            low += 1
        while high > low and rows[high - 1, i] - center > reach:
            deviation = rows[high - 1, i] - center
            total -= deviation
            squares -= deviation * deviation
            high -= 1
        if squares <= LEAST_REST * exact:
            total, squares = range_sums(rows, i, low, high, center)
            exact = squares
        n_low, n_high = low - kept.first, kept.last - high
        whole = total + reach * (n_high - n_low)
        whole_squares = squares + reach * reach * (n_low + n_high)
        settled = max(CORRECTION * math.sqrt(max(whole_squares - whole * whole / n, 0.0) / (n - 1)), floor)
        if abs(settled - scatter) <= SETTLED * scatter or settled < min(scatter, enough):
            return settled
        scatter = settled
    return scatter


@inner
def is_at_least(rows: Float64Array, i: int, kept: Moments, center: float, floor: float, bound: float) -> bool:
    """Whether one round proves that Huber's standard deviation is at least ``bound``; see `settle_winsorized`."""
    if bound <= floor:
        return True
    n = kept.last - kept.first
    needed = bound * bound * (n - 1)
    if kept.squares < needed:
        return False
    apart = kept.mean - center
    total, squares = n * apart, kept.squares + n * apart * apart
    reach = CLAMP * bound
    low, high = kept.first, kept.last
    while low < high and center - rows[low, i] > reach:
        deviation = rows[low, i] - center
        total += -reach - deviation
        squares -= deviation * deviation - reach * reach
        low += 1
    while high > low and rows[high - 1, i] - center > reach:
        deviation = rows[high - 1, i] - center
        total += reach - deviation
        squares -= deviation * deviation - reach * reach
        high -= 1
    return squares > LEAST_REST * kept.summed and CORRECTION * CORRECTION * (squares - total * total / n) >= needed


@inner
def keep_winsorized(rows: Float64Array, i: int, every: Moments, limits: tuple[float, float], floor: float) -> Moments:
    """What survives of a sorted column.

    Most rounds reject nothing or the one sample farthest from the center, and both can be known before the standard
    deviation settles: ``bound`` is the greatest at which that sample goes, ``other`` the greatest at which one more
    would.
    """
    kept = every
    while kept.last - kept.first > LEAST_SURVIVORS and rows[kept.first, i] < rows[kept.last - 1, i]:
        first, last = kept.first, kept.last
        center = median(rows, i, first, last)
        below, above = (center - rows[first, i]) / limits[0], (rows[last - 1, i] - center) / limits[1]
        bound = max(below, above)
        if is_at_least(rows, i, kept, center, floor, bound):
            break
        is_low = below > above
        if is_low:
            other = max((center - rows[first + 1, i]) / limits[0], above)
        else:
            other = max(below, (rows[last - 2, i] - center) / limits[1])
        is_alone = is_at_least(rows, i, kept, center, floor, other)
        enough = bound / FAR_BEYOND if is_alone else 0.0
        scatter = winsorized_scatter(rows, i, kept, center, floor, enough)
        if scatter == 0.0:
            break
        if scatter < enough:
            first, last = (first + 1, last) if is_low else (first, last - 1)
        else:
            first, last = trim(rows, i, (first, last), center, limits[0] * scatter, limits[1] * scatter)
        if first == kept.first and last == kept.last:
            break
        kept = without_ends(rows, i, kept, first, last)
    return kept


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
    for i in range(width):
        center = median(rows, i, 0, n)
        below, above = (center - rows[0, i]) / low, (rows[n - 1, i] - center) / high
        bound = below if below > above else above
        settled[i] = 1 if rows[n - 1, i] < np.inf and (n <= LEAST_SURVIVORS or bound <= floor) else 0
        sums[2, i] = center
        sums[3, i] = CLAMP * bound
        sums[4, i] = 0.0
        sums[5, i] = 0.0
    k = 0
    while k + 4 <= n:
        add_four_clamped(rows, k, width, sums)
        k += 4
    while k < n:
        add_clamped(rows, k, width, sums)
        k += 1
    for i in range(width):
        bound = sums[3, i] / CLAMP
        needed = bound * bound * (n - 1)
        found = CORRECTION * CORRECTION * (sums[5, i] - sums[4, i] * sums[4, i] / n)
        # The tie rule rejects only what lies 1e-6 beyond a limit: rounding cannot undo this proof.
        proven = sums[1, i] >= needed and found >= needed and rows[n - 1, i] < np.inf
        settled[i] = 1 if proven else settled[i]


@inner
def add_clamped(rows: Float64Array, k: int, width: int, sums: Float64Array) -> None:
    """Add row ``k``'s deviations from ``sums[2]``, clamped at ``sums[3]``, and their squares."""
    for i in range(width):
        reach = sums[3, i]
        t = greater(lesser(rows[k, i] - sums[2, i], reach), -reach)
        sums[4, i] += t
        sums[5, i] += t * t


@inner
def add_four_clamped(rows: Float64Array, k: int, width: int, sums: Float64Array) -> None:
    """Add four rows' deviations from ``sums[2]``, clamped at ``sums[3]``, and their squares."""
    for i in range(width):
        center, reach = sums[2, i], sums[3, i]
        a = greater(lesser(rows[k, i] - center, reach), -reach)
        b = greater(lesser(rows[k + 1, i] - center, reach), -reach)
        c = greater(lesser(rows[k + 2, i] - center, reach), -reach)
        d = greater(lesser(rows[k + 3, i] - center, reach), -reach)
        sums[4, i] = sums[4, i] + a + b + c + d
        sums[5, i] = sums[5, i] + a * a + b * b + c * c + d * d


def combine(
    samples: Samples,
    terms: Terms,
    weights: Float64Array,
    by_median: bool,
    low: float,
    high: float,
    step: float,
    steps: NDArray[np.int64],
    results: Results,
) -> None:
    """Combine all pixels of a band; see `evenfield.kernels.registry.CombineKernel`."""
    scratch = new_scratch(terms.shifts.size, weights.size > 0, steps)
    rows, valid, sums, settled, outcome = scratch.rows, scratch.valid, scratch.sums, scratch.settled, scratch.outcome
    width = settled.size
    proof = new_proof(terms.shifts.size, width)
    floor = step / math.sqrt(12.0)
    every = (0, terms.shifts.size)
    n_pixels = results.value.size
    for start in range(0, n_pixels, width):
        stop = min(start + width, n_pixels)
        if can_be_proven(samples, terms, weights, by_median, start, stop - start):
            count = leave_unproven(
                samples, terms, start, stop - start, scratch, proof, (low, high), floor, True, results
            )
            load_places(samples, terms, start, proof.places, count, scratch)
            sum_rows(scratch, every, count)
            for i in range(count):
                kept = keep_winsorized(rows, i, moments_of_all(rows, sums, i, valid[i]), (low, high), floor)
                finish_column(rows, i, valid[i], kept, by_median, outcome)
            write_places(scratch, proof.places, start, count, results)
            continue
        load_block(samples, terms, start, stop - start, scratch)
        sum_rows(scratch, every, stop - start)
        if weights.size > 0:
            settle_none(scratch, stop - start)
        else:
            finish_rows(scratch, every, start, stop - start, by_median, results)
            settle_winsorized(scratch, stop - start, low, high, floor)
        for i in range(stop - start):
            if settled[i] == 0:
                kept = keep_winsorized(rows, i, moments_of_all(rows, sums, i, valid[i]), (low, high), floor)
                finish_column(rows, i, valid[i], kept, by_median, outcome)
                if weights.size > 0:
                    weigh_column(scratch, i, kept, weights)
        write_columns(scratch, start, stop - start, results)
