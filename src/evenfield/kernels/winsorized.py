"""Winsorized: the sigma rejection with Huber's winsorized standard deviation.

Huber, P. J. 1981, "Robust Statistics", Wiley. The samples are clamped at 1.5 standard deviations around the median and
their standard deviation is taken anew, until it settles; 1.134 makes up for the clamping.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from evenfield.kernels.blocks import Doubles, Places, Rules, Singles, Terms
from evenfield.kernels.columns import (
    BEGINS,
    BEYOND,
    CENTERS,
    ENDS,
    LEAST_SURVIVORS,
    LEVELS,
    REACHES,
    SCATTERS,
    SQUARES,
    TOTALS,
    find_deviations,
    find_medians,
    start_rounds,
    take_deviations,
    trim,
    trim_columns,
)
from evenfield.kernels.compiling import inner, part
from evenfield.kernels.proving import find_bounds, measure_rows, prove_by_clamping
from evenfield.kernels.shell import decide_by, prove_by
from evenfield.kernels.sorting import greater, lesser
from evenfield.model.pixels import Float64Array

CLAMP: Final = 1.5
CORRECTION: Final = 1.134
SETTLED: Final = 5e-4
MOST_ROUNDS: Final = 50
ROUNDS_AT_ONCE: Final = 2
"""Clampings between two looks whether the outcome is already known."""

MOVING: Final = 8
BOUNDS: Final = 9
CHECKS: Final = 10
"""More rows of `Doubles.facts`: the scatter that has not settled, the next bound, and where that would clamp."""


@inner
def prove(block: Singles, width: int, rules: Rules, _terms: Terms, _start: int) -> tuple[int, int]:
    """Settle the columns of which one clamping proves that they lose nothing."""
    n = block.rows.shape[0]
    measure_rows(block, width, 0, n)
    find_bounds(block, width, rules)
    prove_by_clamping(block, width, rules, CLAMP, CORRECTION, rules.numbers[0])
    return 0, n


@inner
def clamp_deviations(chunk: Doubles, count: int, reaches: int) -> None:
    """Sum the first ``count`` columns of deviations, clamped at the row ``reaches`` of the facts, and their squares."""
    deviations, facts = chunk.deviations, chunk.facts
    for j in range(count):
        facts[TOTALS, j] = 0.0
        facts[SQUARES, j] = 0.0
    n = deviations.shape[0]
    k = 0
    while k + 4 <= n:
        for j in range(count):
            reach = facts[reaches, j]
            a = greater(lesser(deviations[k, j], reach), -reach)
            b = greater(lesser(deviations[k + 1, j], reach), -reach)
            c = greater(lesser(deviations[k + 2, j], reach), -reach)
            d = greater(lesser(deviations[k + 3, j], reach), -reach)
            facts[TOTALS, j] += (a + b) + (c + d)
            facts[SQUARES, j] += (a * a + b * b) + (c * c + d * d)
        k += 4
    while k < n:
        for j in range(count):
            a = greater(lesser(deviations[k, j], facts[reaches, j]), -facts[reaches, j])
            facts[TOTALS, j] += a
            facts[SQUARES, j] += a * a
        k += 1


@inner
def clamped_scatters(chunk: Doubles, count: int, floor: float) -> None:
    """1.134 times the standard deviation of what `clamp_deviations` summed, into its totals."""
    facts = chunk.facts
    for j in range(count):
        rest = facts[SQUARES, j] - facts[TOTALS, j] * facts[TOTALS, j] / facts[LEVELS, j]
        facts[TOTALS, j] = max(CORRECTION * math.sqrt(max(rest, 0.0) / (facts[LEVELS, j] - 1.0)), floor)


# What is done column by column takes single arrays, never the tuples that hold them: handing over a tuple counts a
# reference to each of its arrays, which takes longer than the work on a column.


@inner
def next_bound(
    rows: Float64Array,
    i: int,
    kept: tuple[int, int],
    center: float,
    limits: tuple[float, float],
    leasts: tuple[float, float],
) -> float:
    """The scatter below which one more of the samples ``kept`` would be rejected; 0 where none would be."""
    first, last = kept
    if last <= first:
        return 0.0
    below, above = center - rows[first, i], rows[last - 1, i] - center
    return max(
        below / limits[0] if below > leasts[0] * BEYOND else 0.0,
        above / limits[1] if above > leasts[1] * BEYOND else 0.0,
    )


@inner
def find_next_bounds(chunk: Doubles, count: int, rules: Rules) -> None:
    """The bound of the first sample that is not rejected at the scatter ``MOVING``, and where that clamps."""
    rows, facts, columns, active = chunk.rows, chunk.facts, chunk.columns, chunk.active
    first, last, valid, limits = chunk.first, chunk.last, chunk.valid, rules.limits
    for j in range(count):
        i, center, scatter = active[columns[j]], facts[CENTERS, columns[j]], facts[MOVING, j]
        low, high = limits[0, valid[i]], limits[1, valid[i]]
        leasts = limits[2, valid[i]], limits[3, valid[i]]
        kept = trim(rows, i, (first[i], last[i]), center, max(low * scatter, leasts[0]), max(high * scatter, leasts[1]))
        facts[BOUNDS, j] = next_bound(rows, i, kept, center, (low, high), leasts)
        facts[CHECKS, j] = CLAMP * facts[BOUNDS, j]


@inner
def leave_settled(chunk: Doubles, count: int) -> int:
    """Close the gaps that settled columns (negative ``LEVELS``) leave among those that still move."""
    deviations, facts, columns = chunk.deviations, chunk.facts, chunk.columns
    left = 0
    for j in range(count):
        if facts[LEVELS, j] > 0.0:
            if left < j:
                columns[left] = columns[j]
                facts[LEVELS, left] = facts[LEVELS, j]
                facts[MOVING, left] = facts[MOVING, j]
                facts[REACHES, left] = facts[REACHES, j]
                for k in range(deviations.shape[0]):
                    deviations[k, left] = deviations[k, j]
            left += 1
    return left


@inner
def clamp_anew(chunk: Doubles, count: int, floor: float) -> int:
    """Clamp once more; take the columns whose scatter settled out, and return how many are left.

    A scatter that grows, which only the first may, is settled: the next clamping would change nothing.
    """
    facts, columns = chunk.facts, chunk.columns
    for j in range(count):
        facts[REACHES, j] = min(facts[REACHES, j], CLAMP * facts[MOVING, j])
    clamp_deviations(chunk, count, REACHES)
    clamped_scatters(chunk, count, floor)
    for j in range(count):
        scatter, found = facts[MOVING, j], facts[TOTALS, j]
        facts[MOVING, j] = found
        if found - scatter >= -SETTLED * scatter:
            facts[SCATTERS, columns[j]] = found
            facts[LEVELS, j] = -1.0
    return leave_settled(chunk, count)


@inner
def settle_scatters(chunk: Doubles, n_active: int, rules: Rules, floor: float) -> None:
    """Clamp and take the standard deviation anew until it settles, never below ``floor``.

    Clamped samples stay clamped, so that after the first clamping the scatter only shrinks. What is rejected at a
    scatter on its way is then rejected in the end; and if ``g(bound) >= bound`` for the bound of the next sample (see
    `evenfield.kernels.proving.prove_by_clamping`), nothing else is, and the scatter need not settle.
    """
    facts, columns = chunk.facts, chunk.columns
    for j in range(n_active):
        columns[j] = j
        facts[LEVELS, j] = facts[ENDS, j] - facts[BEGINS, j]
        facts[MOVING, j] = max(facts[SCATTERS, j], floor)
        facts[REACHES, j] = np.inf
    count, rounds, at_once = n_active, 0, 1
    while count > 0 and rounds < MOST_ROUNDS:
        for _ in range(min(at_once, MOST_ROUNDS - rounds)):
            count = clamp_anew(chunk, count, floor)
            rounds += 1
        at_once = ROUNDS_AT_ONCE
        find_next_bounds(chunk, count, rules)
        clamp_deviations(chunk, count, CHECKS)
        clamped_scatters(chunk, count, floor)
        for j in range(count):
            if facts[TOTALS, j] >= facts[BOUNDS, j] or rounds >= MOST_ROUNDS:
                facts[SCATTERS, columns[j]] = facts[MOVING, j]
                facts[LEVELS, j] = -1.0
        count = leave_settled(chunk, count)


@part
def reject(chunk: Doubles, count: int, rules: Rules, _terms: Terms, _places: Places) -> None:
    """Reject until nothing is rejected or three samples are left."""
    n_active = start_rounds(chunk, count, LEAST_SURVIVORS)
    while n_active > 0:
        find_medians(chunk, n_active)
        take_deviations(chunk.rows, chunk, n_active)
        find_deviations(chunk, n_active, 1.0)
        settle_scatters(chunk, n_active, rules, rules.numbers[0])
        n_active = trim_columns(chunk, n_active, rules, LEAST_SURVIVORS)


prove_pixels = prove_by(prove)
decide_pixels = decide_by(reject)
