"""Columns that lose nothing: found in float32, block by block, and combined at once.

float32 only has to prove, never to decide: every bound is widened by more than all roundings can do, and a column whose
proof fails is decided in float64 as all others are. What is combined are deviations from the column's median, so that
float32 sums lose nothing that a float32 result could hold.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import (
    BOUND,
    CENTER,
    CLAMPED,
    CLAMPED_SQUARES,
    ERROR,
    FINITE,
    SCATTER,
    SPREAD,
    SQUARES,
    TOTAL,
    Results,
    Rules,
    Singles,
)
from evenfield.kernels.columns import LEAST_SURVIVORS, MEDIAN_NOISE
from evenfield.kernels.compiling import inner
from evenfield.kernels.decoding import ROUNDING, place
from evenfield.kernels.sorting import greater, lesser

SUM_ROUNDING: Final = 6e-8
"""One rounding of float32, 2^-24: a sum of n squares is wrong by less than n of them, relative to itself."""


@inner
def measure_rows(block: Singles, width: int, first: int, last: int) -> None:
    """The median of the sorted rows ``first`` to ``last`` (exclusive), total and squares of the deviations from it."""
    rows, facts = block.rows, block.facts
    upper, lower = (first + last) // 2, (first + last - 1) // 2
    half, zero = np.float32(0.5), np.float32(0.0)
    for i in range(width):
        facts[CENTER, i] = half * (rows[lower, i] + rows[upper, i])
        facts[TOTAL, i] = zero
        facts[SQUARES, i] = facts[FINITE, i]
    k = first
    while k + 4 <= last:
        for i in range(width):
            center = facts[CENTER, i]
            a, b = rows[k, i] - center, rows[k + 1, i] - center
            c, d = rows[k + 2, i] - center, rows[k + 3, i] - center
            facts[TOTAL, i] += (a + b) + (c + d)
            facts[SQUARES, i] += (a * a + b * b) + (c * c + d * d)
        k += 4
    while k < last:
        for i in range(width):
            a = rows[k, i] - facts[CENTER, i]
            facts[TOTAL, i] += a
            facts[SQUARES, i] += a * a
        k += 1


@inner
def find_bounds(block: Singles, width: int, rules: Rules) -> None:
    """The least scatter at which no sample lies beyond its limit, rounded up, and the standard deviation, rounded down.

    Where samples may still be dequantized, which moves each by up to half a step, and so one from the center by up to a
    step, both make room for it.
    """
    rows, facts = block.rows, block.facts
    n = rows.shape[0]
    low, high = np.float32(rules.limits[0, n]), np.float32(rules.limits[1, n])
    up, least_limit = np.float32(1.0 + 8.0 * ROUNDING), np.float32(min(rules.limits[0, n], rules.limits[1, n]))
    down = np.float32(1.0 - SUM_ROUNDING * n - 8.0 * ROUNDING)
    count, others = np.float32(n), np.float32(max(n - 1, 1))
    step, dequantized = np.float32(rules.step), np.float32(rules.dequantized)
    moved = np.float32(0.5 * rules.step * math.sqrt(n / max(n - 1, 1)))
    four, zero, rounding = np.float32(4.0), np.float32(0.0), np.float32(ROUNDING)
    for i in range(width):
        center = facts[CENTER, i]
        below, above = center - rows[0, i], rows[n - 1, i] - center
        error = four * (facts[ERROR, i] + rounding * greater(abs(rows[0, i]), abs(rows[n - 1, i])))
        rest = facts[SQUARES, i] - facts[TOTAL, i] * facts[TOTAL, i] / count
        scatter = math.sqrt(greater(rest, zero) / others) * down - error
        near = scatter < dequantized and facts[SPREAD, i] == zero
        reach = up * greater(below / low, above / high) + error / least_limit
        facts[BOUND, i] = reach + (step / least_limit if near else zero)
        facts[SCATTER, i] = scatter - (moved if near else zero)
        facts[ERROR, i] = error


@inner
def prove_by_scatter(block: Singles, width: int, least: int) -> None:
    """Settle the columns whose ``SCATTER`` is at least their ``BOUND``, all where no more than ``least`` frames are."""
    facts, proven = block.facts, block.proven
    few = block.rows.shape[0] <= least
    for i in range(width):
        finite = facts[SQUARES, i] < np.inf
        proven[i] = 1 if finite and (facts[SCATTER, i] >= facts[BOUND, i] or few) else 0


@inner
def prove_by_clamping(block: Singles, width: int, rules: Rules, clamp: float, correction: float, floor: float) -> None:
    """Settle the columns for which ``bound <= std`` and ``bound <= g(bound)``, or ``bound <= floor``.

    ``g(s) = correction * std(clamp(x, m +- clamp * s))`` grows with ``s``: if both hold, every scatter on the way from
    ``std`` down to the one that settles is at least ``bound``.
    """
    rows, facts, proven = block.rows, block.facts, block.proven
    n = rows.shape[0]
    wide, zero = np.float32(clamp), np.float32(0.0)
    for i in range(width):
        facts[CLAMPED, i] = zero
        facts[CLAMPED_SQUARES, i] = zero
    k = 0
    while k + 4 <= n:
        for i in range(width):
            center, reach = facts[CENTER, i], wide * facts[BOUND, i]
            a = greater(lesser(rows[k, i] - center, reach), -reach)
            b = greater(lesser(rows[k + 1, i] - center, reach), -reach)
            c = greater(lesser(rows[k + 2, i] - center, reach), -reach)
            d = greater(lesser(rows[k + 3, i] - center, reach), -reach)
            facts[CLAMPED, i] += (a + b) + (c + d)
            facts[CLAMPED_SQUARES, i] += (a * a + b * b) + (c * c + d * d)
        k += 4
    while k < n:
        for i in range(width):
            reach = wide * facts[BOUND, i]
            a = greater(lesser(rows[k, i] - facts[CENTER, i], reach), -reach)
            facts[CLAMPED, i] += a
            facts[CLAMPED_SQUARES, i] += a * a
        k += 1
    down = np.float32(correction * (1.0 - SUM_ROUNDING * n - 8.0 * ROUNDING))
    count, others, lowest = np.float32(n), np.float32(max(n - 1, 1)), np.float32(floor)
    dequantized = np.float32(rules.dequantized)
    moved = np.float32(0.5 * correction * rules.step * math.sqrt(n / max(n - 1, 1)))
    few = n <= LEAST_SURVIVORS
    for i in range(width):
        rest = facts[CLAMPED_SQUARES, i] - facts[CLAMPED, i] * facts[CLAMPED, i] / count
        least = math.sqrt(greater(rest, zero) / others) * down - np.float32(2.0) * facts[ERROR, i]
        least -= moved if facts[SCATTER, i] < dequantized and facts[SPREAD, i] == zero else zero
        finite = facts[SQUARES, i] < np.inf
        enough = facts[SCATTER, i] >= facts[BOUND, i] and least >= facts[BOUND, i]
        proven[i] = 1 if finite and (enough or facts[BOUND, i] <= lowest or few) else 0


@inner
def write_proven(block: Singles, rules: Rules, kept: tuple[int, int], start: int, width: int, results: Results) -> None:
    """Write the results of all columns as if the sorted rows ``kept`` survived; the others are written again."""
    first, last = kept
    n, used = block.rows.shape[0], last - first
    value, noise, counts = results.value, results.noise, results.used
    low, high = results.rejected_low, results.rejected_high
    facts, zeros, weighted, weights = block.facts, block.first, block.weighted, rules.weights
    others = float(max(used - 1, 1))
    share = 1.0 / math.sqrt(used)
    if rules.by_median and used > 2:
        share *= MEDIAN_NOISE
    whole = 0.0
    if weights.size > 0:
        squared = 0.0
        for frame in range(weights.size):
            whole += weights[frame]
            squared += weights[frame] * weights[frame]
        share = math.sqrt(squared) / whole
    share = share if used > 1 else np.nan
    noise_share, over_others, over_used = np.float32(share), np.float32(1.0 / others), np.float32(1.0 / used)
    zero = np.float32(0.0)
    for i in range(width):
        rest = facts[SQUARES, i] - facts[TOTAL, i] * facts[TOTAL, i] * over_used
        noise[place(start, i)] = noise_share * math.sqrt(greater(rest, zero) * over_others)
    if weights.size > 0:
        for i in range(width):
            value[place(start, i)] = np.float32(zeros[i] + weighted[i] / whole)
    elif rules.by_median:
        for i in range(width):
            value[place(start, i)] = np.float32(zeros[i] + np.float64(facts[CENTER, i]))
    else:
        for i in range(width):
            value[place(start, i)] = np.float32(zeros[i] + np.float64(facts[CENTER, i] + facts[TOTAL, i] * over_used))
    for i in range(width):
        counts[place(start, i)] = used
        low[place(start, i)] = first
        high[place(start, i)] = n - last


@inner
def list_unproven(
    proven: NDArray[np.uint8], some: bool, start: int, width: int, places: NDArray[np.int64], count: int
) -> int:
    """Append the pixels from ``start`` on that are not settled, all unless ``some`` are; return the list's length."""
    for i in range(width):
        places[count] = start + i
        count += 0 if some and proven[i] == 1 else 1
    return count


@inner
def prove_finite(block: Singles, width: int) -> None:
    """Settle the columns whose samples are all finite."""
    facts, proven = block.facts, block.proven
    for i in range(width):
        proven[i] = 1 if facts[SQUARES, i] < np.inf else 0
