"""Zscore: once, reject what lies more than some standard deviations (ddof 0) from the mean (MasterFlatMaker)."""

from __future__ import annotations

import math

import numpy as np

from evenfield.kernels.blocks import (
    BOUND,
    ERROR,
    SCATTER,
    TOTAL,
    Doubles,
    Places,
    Rules,
    Singles,
    Terms,
)
from evenfield.kernels.columns import CENTERS, TOTALS, find_deviations, start_rounds, take_deviations, trim_columns
from evenfield.kernels.compiling import inner, part
from evenfield.kernels.extremes import drop_ends
from evenfield.kernels.proving import find_bounds, measure_rows, prove_by_scatter
from evenfield.kernels.shell import decide_by, prove_by

FALLBACK_TIMES = 2
"""A column rejected whole is combined as `extremes` with this number instead."""


@inner
def prove(block: Singles, width: int, rules: Rules, _terms: Terms, _start: int) -> tuple[int, int]:
    """Settle the columns whose least and greatest samples lie within the limit of the mean."""
    rows, facts = block.rows, block.facts
    n = rows.shape[0]
    measure_rows(block, width, 0, n)
    find_bounds(block, width, rules)
    # From the mean, not from the median; and of standard deviations with N in the denominator.
    over, smaller = np.float32(1.0 / n), np.float32(math.sqrt((n - 1) / n))
    limit = np.float32(min(rules.limits[0, n], rules.limits[1, n]))
    for i in range(width):
        apart = abs(facts[TOTAL, i] * over) + facts[ERROR, i]
        facts[BOUND, i] += apart / limit
        facts[SCATTER, i] *= smaller
    prove_by_scatter(block, width, 1)
    return 0, n


@part
def reject(chunk: Doubles, count: int, rules: Rules, _terms: Terms, _places: Places) -> None:
    """Reject what lies beyond the limit of the mean."""
    facts, active, first, last = chunk.facts, chunk.active, chunk.first, chunk.last
    n_active = start_rounds(chunk, count, 0)
    for j in range(n_active):
        facts[CENTERS, j] = chunk.rows[last[active[j]] // 2, active[j]]
    take_deviations(chunk.rows, chunk, n_active)
    find_deviations(chunk, n_active, 0.0)
    for j in range(n_active):
        facts[CENTERS, j] += facts[TOTALS, j] / last[active[j]]
    trim_columns(chunk, n_active, rules, 0)
    for i in range(count):
        if last[i] <= first[i]:
            first[i], last[i] = drop_ends(chunk, i, FALLBACK_TIMES)


prove_pixels = prove_by(prove)
decide_pixels = decide_by(reject)
