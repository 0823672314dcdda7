"""Columns decided one chunk at a time in float64: what survives of each, and its results.

Every column is sorted. What survives of it is the range of its samples from ``first`` to ``last`` (exclusive).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import Doubles, Results, Rules
from evenfield.kernels.compiling import inner
from evenfield.model.pixels import Float64Array

BEYOND: Final = 1.0 + 1e-6
"""A sample is rejected only where its deviation exceeds the limit by more than 1e-6 of it."""

MEDIAN_NOISE: Final = math.sqrt(math.pi / 2.0)
"""Standard error of the median of many normal samples in units of that of their mean: 1.2533."""

LEAST_SURVIVORS: Final = 3
"""The repeated rejections stop at this number of survivors."""

CENTERS: Final = 0
SCATTERS: Final = 1
TOTALS: Final = 2
SQUARES: Final = 3
BEGINS: Final = 4
ENDS: Final = 5
REACHES: Final = 6
LEVELS: Final = 7
"""Rows of `Doubles.facts`, of the columns at work in their order: center, scatter, total and squares of the deviations
from the center, the range of the survivors; two more for the rejections' own use."""

KEPT: Final = 0
LOW: Final = 1
HIGH: Final = 2
"""Values of `Doubles.marks`."""


@inner
def median(rows: Float64Array, i: int, first: int, last: int) -> float:
    """The median of the sorted samples ``first`` to ``last`` (exclusive) of column ``i``."""
    middle = (first + last) // 2
    if (last - first) % 2 == 1:
        return rows[middle, i]  # type: ignore[no-any-return]
    return 0.5 * (rows[middle - 1, i] + rows[middle, i])  # type: ignore[no-any-return]


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


@inner
def keep_valid(chunk: Doubles, count: int) -> None:
    """Let all valid samples survive."""
    first, last, valid = chunk.first, chunk.last, chunk.valid
    for i in range(count):
        first[i] = 0
        last[i] = valid[i]


@inner
def start_rounds(chunk: Doubles, count: int, least: int) -> int:
    """Let all valid samples survive, and list the columns in which something can be rejected; return their number."""
    keep_valid(chunk, count)
    rows, valid, active = chunk.rows, chunk.valid, chunk.active
    n_active = 0
    for i in range(count):
        if valid[i] > least and rows[0, i] < rows[valid[i] - 1, i]:
            active[n_active] = i
            n_active += 1
    return n_active


@inner
def find_medians(chunk: Doubles, n_active: int) -> None:
    """Make the medians of the survivors the centers of the columns at work."""
    rows, first, last, active, facts = chunk.rows, chunk.first, chunk.last, chunk.active, chunk.facts
    for j in range(n_active):
        i = active[j]
        facts[CENTERS, j] = median(rows, i, first[i], last[i])


@inner
def take_deviations(samples: Float64Array, chunk: Doubles, n_active: int) -> None:
    """Take the survivors' deviations from the centers (0 for all others), their totals and their squares."""
    deviations, facts, columns = chunk.deviations, chunk.facts, chunk.columns
    first, last, active = chunk.first, chunk.last, chunk.active
    moved = 0
    for j in range(n_active):
        i = active[j]
        moved += 0 if i == j else 1
        columns[j] = i
        facts[BEGINS, j] = first[i]
        facts[ENDS, j] = last[i]
        facts[TOTALS, j] = 0.0
        facts[SQUARES, j] = 0.0
    for k in range(samples.shape[0]):
        row = float(k)
        if moved == 0:
            for j in range(n_active):
                inside = facts[BEGINS, j] <= row < facts[ENDS, j]
                deviation = samples[k, j] - facts[CENTERS, j] if inside else 0.0
                deviations[k, j] = deviation
                facts[TOTALS, j] += deviation
                facts[SQUARES, j] += deviation * deviation
            continue
        for j in range(n_active):
            deviations[k, j] = samples[k, columns[j]]
        for j in range(n_active):
            inside = facts[BEGINS, j] <= row < facts[ENDS, j]
            deviation = deviations[k, j] - facts[CENTERS, j] if inside else 0.0
            deviations[k, j] = deviation
            facts[TOTALS, j] += deviation
            facts[SQUARES, j] += deviation * deviation


@inner
def find_deviations(chunk: Doubles, n_active: int, ddof: float) -> None:
    """Make the survivors' standard deviation the scatter of the columns at work."""
    facts = chunk.facts
    for j in range(n_active):
        n = facts[ENDS, j] - facts[BEGINS, j]
        rest = facts[SQUARES, j] - facts[TOTALS, j] * facts[TOTALS, j] / n
        # Of a single sample or none the rest is 0 or no number, and so is this.
        facts[SCATTERS, j] = math.sqrt(max(rest, 0.0) / max(n - ddof, 1.0))


@inner
def trim_columns(chunk: Doubles, n_active: int, rules: Rules, survivors: int) -> int:
    """Reject what lies beyond the limits; list the columns that lost something and may lose more."""
    rows, facts, active, valid = chunk.rows, chunk.facts, chunk.active, chunk.valid
    first, last, limits = chunk.first, chunk.last, rules.limits
    n_next = 0
    for j in range(n_active):
        i, scatter = active[j], facts[SCATTERS, j]
        if not scatter > 0.0:
            continue
        below, above = limits[0, valid[i]] * scatter, limits[1, valid[i]] * scatter
        below, above = max(below, limits[2, valid[i]]), max(above, limits[3, valid[i]])
        now = trim(rows, i, (first[i], last[i]), facts[CENTERS, j], below, above)
        changed = now[0] > first[i] or now[1] < last[i]
        first[i], last[i] = now
        if changed and now[1] - now[0] > survivors:
            active[n_next] = i
            n_next += 1
    return n_next


@inner
def mark_columns(chunk: Doubles, i: int, keep_order: bool) -> None:
    """Put the samples of column ``i`` that are marked low before its survivors, those marked high behind them.

    A column without survivors stays sorted.
    """
    exact, marks, order, valid = chunk.exact, chunk.marks, chunk.order, chunk.valid
    scratch = chunk.deviations
    n, place, kept = valid[i], 0, 0
    for k in range(n):
        kept += 1 if marks[k, i] == KEPT else 0
    if kept == 0:
        chunk.last[i] = 0
        return
    for wanted in (LOW, KEPT, HIGH):
        if wanted == KEPT:
            chunk.first[i] = place
        for k in range(n):
            if marks[k, i] == wanted:
                scratch[place, 0] = exact[k, i]
                scratch[place, 1] = order[k, i] if keep_order else 0.0
                place += 1
        if wanted == KEPT:
            chunk.last[i] = place
    for k in range(n):
        exact[k, i] = scratch[k, 0]
        if keep_order:
            order[k, i] = np.int64(scratch[k, 1])


@inner
def find_order(chunk: Doubles, count: int) -> None:
    """The frame of each sorted valid sample; equal samples stand in the order of their frames."""
    for i in range(count):
        order_column(chunk.exact, chunk.in_order, chunk.order, i, chunk.valid[i])


@inner
def order_column(exact: Float64Array, in_order: Float64Array, order: NDArray[np.int64], i: int, n: int) -> None:
    """`find_order` for one column of ``n`` valid samples."""
    n_frames = in_order.shape[0]
    for k in range(n_frames):
        order[k, i] = -1
    for frame in range(n_frames):
        sample = in_order[frame, i]
        if sample < np.inf:
            low, high = 0, n
            while low < high:
                middle = (low + high) // 2
                if exact[middle, i] < sample:
                    low = middle + 1
                else:
                    high = middle
            while order[low, i] >= 0:
                low += 1
            order[low, i] = frame


@inner
def finish_columns(chunk: Doubles, count: int, rules: Rules, places: NDArray[np.int64], results: Results) -> None:
    """Write the results of all columns of a chunk; one without survivors takes the median of its valid samples."""
    exact, facts, first, last = chunk.exact, chunk.facts, chunk.first, chunk.last
    valid, active = chunk.valid, chunk.active
    for i in range(count):
        active[i] = i
        if last[i] <= first[i]:
            first[i], last[i] = 0, valid[i]
            facts[LEVELS, i] = 1.0
        else:
            facts[LEVELS, i] = 0.0
        # Any sample near the others will do, so that nothing cancels.
        facts[CENTERS, i] = exact[(first[i] + last[i]) // 2, i] if last[i] > 0 else 0.0
    take_deviations(exact, chunk, count)
    find_deviations(chunk, count, 1.0)
    value, noise, counts = results.value, results.noise, results.used
    low, high = results.rejected_low, results.rejected_high
    for i in range(count):
        used, pixel = last[i] - first[i], places[i]
        found = facts[CENTERS, i] + facts[TOTALS, i] / used if used > 0 else np.nan
        error = facts[SCATTERS, i] / math.sqrt(used) if used > 1 else np.nan
        by_median = rules.by_median or facts[LEVELS, i] > 0.0
        if by_median and used > 0:
            found = median(exact, i, first[i], last[i])
            error = MEDIAN_NOISE * error if used > 2 else error
        elif rules.weights.size > 0:
            found, share = weigh(chunk, i, rules.weights)
            error = facts[SCATTERS, i] * share if used > 1 else np.nan
        value[pixel] = found
        noise[pixel] = error
        counts[pixel] = np.uint16(used)
        low[pixel] = np.uint16(first[i])
        high[pixel] = np.uint16(valid[i] - last[i])


@inner
def weigh(chunk: Doubles, i: int, weights: Float64Array) -> tuple[float, float]:
    """The weighted mean of the survivors, and ``sqrt(sum w^2) / sum w``; NaN where all of them have weight 0."""
    deviations, order, center = chunk.deviations, chunk.order, chunk.facts[CENTERS, i]
    total, whole, squared = 0.0, 0.0, 0.0
    for k in range(chunk.first[i], chunk.last[i]):
        weight = weights[order[k, i]]
        total += weight * deviations[k, i]
        whole += weight
        squared += weight * weight
    if whole == 0.0:
        return np.nan, np.nan
    return center + total / whole, math.sqrt(squared) / whole
