"""Linear: a straight line through the sorted samples; what lies far from it is rejected, again and again."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import (
    BOUND,
    CENTER,
    CLAMPED,
    ERROR,
    SCATTER,
    SPREAD,
    SQUARES,
    TOTAL,
    Doubles,
    Places,
    Rules,
    Singles,
    Terms,
)
from evenfield.kernels.columns import BEYOND, HIGH, KEPT, LOW, keep_valid, mark_columns
from evenfield.kernels.compiling import inner
from evenfield.kernels.proving import SUM_ROUNDING, find_bounds, measure_rows
from evenfield.kernels.shell import decide_by, prove_by
from evenfield.kernels.sorting import greater
from evenfield.model.pixels import Float64Array

LEAST_ON_LINE: Final = 4
"""The fit is repeated while more samples than these are left."""

PERFECT: Final = 1e-12
"""Residuals below this share of the greatest deviation from the median are rounding."""


@inner
def prove(block: Singles, width: int, rules: Rules, _terms: Terms, _start: int) -> tuple[int, int]:
    """Settle the columns of which no sample surely lies too far from the first line."""
    rows, facts, proven, table = block.rows, block.facts, block.proven, rules.table
    n = rows.shape[0]
    measure_rows(block, width, 0, n)
    find_bounds(block, width, rules)
    zero, over = np.float32(0.0), np.float32(1.0 / n)
    squares = 0.0
    for k in range(n):
        squares += table[n, k] * table[n, k]
    for i in range(width):
        facts[BOUND, i] = zero
    for k in range(n):
        place = np.float32(table[n, k] / squares)
        for i in range(width):
            facts[BOUND, i] += place * (rows[k, i] - facts[CENTER, i])
    # From now on BOUND is the slope, CLAMPED the sum of the absolute residuals, SCATTER as the test leaves it.
    dequantized = np.float32(rules.dequantized)
    low, high = np.float32(1.0 / rules.limits[0, n]), np.float32(1.0 / rules.limits[1, n])
    for i in range(width):
        moved = facts[SCATTER, i] < dequantized and facts[SPREAD, i] == zero
        proven[i] = 1 if facts[SQUARES, i] < np.inf and not moved else 0
        facts[CLAMPED, i] = zero
        facts[SCATTER, i] = zero
    for k in range(n):
        place = np.float32(table[n, k])
        for i in range(width):
            residual = (rows[k, i] - facts[CENTER, i]) - facts[TOTAL, i] * over - place * facts[BOUND, i]
            facts[CLAMPED, i] += abs(residual)
            facts[SCATTER, i] = greater(facts[SCATTER, i], greater(residual * high, -residual * low))
    down, least = (
        np.float32((1.0 - 2.0 * SUM_ROUNDING * n) / n),
        np.float32(min(rules.limits[0, n], rules.limits[1, n])),
    )
    rounding = np.float32(2.0 * SUM_ROUNDING * n)
    few = n <= LEAST_ON_LINE
    for i in range(width):
        wide = greater(abs(rows[0, i] - facts[CENTER, i]), abs(rows[n - 1, i] - facts[CENTER, i]))
        error = facts[ERROR, i] + rounding * wide
        inside = facts[SCATTER, i] + error / least <= facts[CLAMPED, i] * down - error
        proven[i] = proven[i] if inside or few else 0
    return 0, n


@inner
def mark_residuals(
    rows: Float64Array,
    i: int,
    n: int,
    table: Float64Array,
    limits: tuple[float, float],
    leasts: tuple[float, float],
    marks: NDArray[np.uint8],
) -> None:
    """Mark the samples of a sorted column that lie too far from the line, until none does or four are left."""
    center = rows[n // 2, i]
    left = n
    while left > LEAST_ON_LINE:
        total, slope, squares, position, widest = 0.0, 0.0, 0.0, 0, 0.0
        for k in range(n):
            if marks[k, i] == KEPT:
                place, value = table[left, position], rows[k, i] - center
                total += value
                slope += place * value
                squares += place * place
                widest = max(widest, abs(value))
                position += 1
        mean, slope = total / left, slope / squares
        scatter, position = 0.0, 0
        for k in range(n):
            if marks[k, i] == KEPT:
                scatter += abs(rows[k, i] - center - mean - slope * table[left, position])
                position += 1
        scatter /= left
        if scatter <= PERFECT * widest:
            return
        below, above = max(limits[0] * scatter, leasts[0]) * BEYOND, max(limits[1] * scatter, leasts[1]) * BEYOND
        position, before = 0, left
        for k in range(n):
            if marks[k, i] == KEPT:
                residual = rows[k, i] - center - mean - slope * table[before, position]
                position += 1
                if residual < -below:
                    marks[k, i] = LOW
                    left -= 1
                elif residual > above:
                    marks[k, i] = HIGH
                    left -= 1
        if left == before:
            return


@inner
def reject(chunk: Doubles, count: int, rules: Rules, _terms: Terms, _places: Places) -> None:
    """Reject what lies too far from the line; a rejected sample may lie between others that are not."""
    rows, marks, valid, limits, table = chunk.rows, chunk.marks, chunk.valid, rules.limits, rules.table
    keep_order = rules.weights.size > 0
    keep_valid(chunk, count)
    for i in range(count):
        n = valid[i]
        if n <= LEAST_ON_LINE or rows[0, i] == rows[n - 1, i]:
            continue
        for k in range(n):
            marks[k, i] = KEPT
        mark_residuals(rows, i, n, table, (limits[0, n], limits[1, n]), (limits[2, n], limits[3, n]), marks)
        marked = 0
        for k in range(n):
            marked += marks[k, i]
        if marked > 0:
            mark_columns(chunk, i, keep_order)


prove_pixels = prove_by(prove)
decide_pixels = decide_by(reject)
