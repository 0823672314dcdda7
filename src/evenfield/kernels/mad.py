"""Mad: as sigma, with 1.4826 times the median absolute deviation from the median."""

from __future__ import annotations

from typing import Final

import numpy as np

from evenfield.kernels.blocks import (
    BOUND,
    CENTER,
    ERROR,
    SCATTER,
    SPREAD,
    SQUARES,
    Doubles,
    Places,
    Rules,
    Singles,
    Terms,
)
from evenfield.kernels.columns import CENTERS, LEAST_SURVIVORS, SCATTERS, find_medians, start_rounds, trim_columns
from evenfield.kernels.compiling import inner
from evenfield.kernels.proving import find_bounds, measure_rows
from evenfield.kernels.shell import decide_by, prove_by
from evenfield.model.pixels import Float64Array

NORMAL: Final = 1.4826
"""The standard deviation of normal samples in units of their median absolute deviation."""


@inner
def prove(block: Singles, width: int, rules: Rules, _terms: Terms, _start: int) -> tuple[int, int]:
    """Settle the columns of which at least half lies further from the median than what nothing would be lost at."""
    rows, facts, proven = block.rows, block.facts, block.proven
    n = rows.shape[0]
    measure_rows(block, width, 0, n)
    find_bounds(block, width, rules)
    normal, one, zero = np.float32(1.0 / NORMAL), np.float32(1.0), np.float32(0.0)
    dequantized, step = np.float32(rules.dequantized), np.float32(rules.step)
    for i in range(width):
        near = facts[SCATTER, i] < dequantized and facts[SPREAD, i] == zero
        facts[BOUND, i] = facts[BOUND, i] * normal + facts[ERROR, i] + (step if near else zero)
        facts[SCATTER, i] = zero
    for k in range(n):
        for i in range(width):
            facts[SCATTER, i] += one if abs(rows[k, i] - facts[CENTER, i]) < facts[BOUND, i] else zero
    most = np.float32((n - 1) // 2)
    few = n <= LEAST_SURVIVORS
    for i in range(width):
        finite = facts[SQUARES, i] < np.inf
        proven[i] = 1 if finite and (facts[SCATTER, i] <= most or few) else 0
    return 0, n


@inner
def median_deviation(rows: Float64Array, i: int, kept: tuple[int, int], center: float) -> float:
    """The median absolute deviation from ``center``, their median, of the sorted samples ``kept``."""
    n = kept[1] - kept[0]
    high = kept[0] + n // 2
    low = high - 1
    before, found = 0.0, 0.0
    for _ in range(n // 2 + 1):
        below = center - rows[low, i] if low >= kept[0] else np.inf
        above = rows[high, i] - center if high < kept[1] else np.inf
        before = found
        if below < above:
            found = below
            low -= 1
        else:
            found = above
            high += 1
    return found if n % 2 == 1 else 0.5 * (before + found)


@inner
def reject(chunk: Doubles, count: int, rules: Rules, _terms: Terms, _places: Places) -> None:
    """Reject until nothing is rejected or three samples are left."""
    rows, facts, active, first, last = chunk.rows, chunk.facts, chunk.active, chunk.first, chunk.last
    n_active = start_rounds(chunk, count, LEAST_SURVIVORS)
    while n_active > 0:
        find_medians(chunk, n_active)
        for j in range(n_active):
            i = active[j]
            facts[SCATTERS, j] = NORMAL * median_deviation(rows, i, (first[i], last[i]), facts[CENTERS, j])
        n_active = trim_columns(chunk, n_active, rules, LEAST_SURVIVORS)


prove_pixels = prove_by(prove)
decide_pixels = decide_by(reject)
