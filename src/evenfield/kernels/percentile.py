"""Percentile: once, reject what lies more than a share of the median from it, where the median is a signal."""

from __future__ import annotations

import numpy as np

from evenfield.kernels.blocks import (
    CENTER,
    ERROR,
    SCATTER,
    SQUARES,
    Doubles,
    Places,
    Rules,
    Singles,
    Terms,
)
from evenfield.kernels.columns import (
    BEYOND,
    CENTERS,
    SCATTERS,
    find_deviations,
    find_medians,
    start_rounds,
    take_deviations,
    trim_columns,
)
from evenfield.kernels.compiling import inner
from evenfield.kernels.decoding import ROUNDING
from evenfield.kernels.proving import find_bounds, measure_rows
from evenfield.kernels.shell import decide_by, prove_by


@inner
def prove(block: Singles, width: int, rules: Rules, _terms: Terms, _start: int) -> tuple[int, int]:
    """Settle the columns whose least and greatest samples surely lie within their shares, or that have no signal."""
    rows, facts, proven, zeros = block.rows, block.facts, block.proven, block.first
    n = rows.shape[0]
    measure_rows(block, width, 0, n)
    find_bounds(block, width, rules)
    low, high = np.float32(rules.limits[0, n]), np.float32(rules.limits[1, n])
    rounding, least = np.float32(2.0 * ROUNDING), np.float32(rules.numbers[0])
    zero = np.float32(0.0)
    for i in range(width):
        level = np.float32(zeros[i] + np.float64(facts[CENTER, i]))
        error = facts[ERROR, i] + rounding * abs(level)
        below, above = facts[CENTER, i] - rows[0, i], rows[n - 1, i] - facts[CENTER, i]
        inside = below + error <= low * (level - error) and above + error <= high * (level - error)
        faint = level + error <= least * facts[SCATTER, i] or level + error <= zero
        proven[i] = 1 if facts[SQUARES, i] < np.inf and (inside or faint) else 0
    return 0, n


@inner
def reject(chunk: Doubles, count: int, rules: Rules, _terms: Terms, _places: Places) -> None:
    """Reject what lies beyond its share of the median."""
    facts = chunk.facts
    n_active = start_rounds(chunk, count, 0)
    find_medians(chunk, n_active)
    take_deviations(chunk.rows, chunk, n_active)
    find_deviations(chunk, n_active, 1.0)
    for j in range(n_active):
        is_signal = facts[CENTERS, j] > rules.numbers[0] * facts[SCATTERS, j] * BEYOND
        facts[SCATTERS, j] = facts[CENTERS, j] if is_signal else 0.0
    trim_columns(chunk, n_active, rules, 0)


prove_pixels = prove_by(prove)
decide_pixels = decide_by(reject)
