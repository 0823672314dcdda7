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
    Results,
    Rules,
    Samples,
    Singles,
    Space,
    Terms,
)
from evenfield.kernels.cache import inner, part
from evenfield.kernels.columns import CENTERS, TOTALS, find_deviations, start_rounds, take_deviations, trim_columns
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


_prove_all = prove_by(prove)
_decide_all = decide_by(reject)


def prove_pixels(
    samples: Samples, terms: Terms, rules: Rules, results: Results, space: Space, begin: int, end: int
) -> int:
    """Combine the pixels that lose nothing; see `evenfield.kernels.registry`."""
    return _prove_all(samples, terms, rules, results, space, begin, end)  # type: ignore[no-any-return]


def decide_pixels(samples: Samples, terms: Terms, rules: Rules, results: Results, space: Space, n_left: int) -> None:
    """Decide and combine the other pixels; see `evenfield.kernels.registry`."""
    _decide_all(samples, terms, rules, results, space, n_left)
