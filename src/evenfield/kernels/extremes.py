"""Extremes: drop every instance of the least and of the greatest value, several times."""

from __future__ import annotations

import numpy as np

from evenfield.kernels.blocks import ERROR, Doubles, Places, Rules, Singles, Terms
from evenfield.kernels.compiling import inner, part
from evenfield.kernels.decoding import ROUNDING
from evenfield.kernels.proving import measure_rows, prove_finite
from evenfield.kernels.shell import decide_by, prove_by
from evenfield.kernels.sorting import greater


@inner
def prove(block: Singles, width: int, rules: Rules, _terms: Terms, _start: int) -> tuple[int, int]:
    """Settle the columns whose dropped samples are surely all different."""
    rows, facts, proven = block.rows, block.facts, block.proven
    n, times = rows.shape[0], int(rules.numbers[0])
    first, last = times, n - times
    if rules.weights.size > 0 or last <= first:
        return 0, 0
    measure_rows(block, width, 0, n)
    prove_finite(block, width)
    four, rounding = np.float32(4.0), np.float32(ROUNDING)
    for k in range(times):
        for i in range(width):
            error = four * (facts[ERROR, i] + rounding * greater(abs(rows[0, i]), abs(rows[n - 1, i])))
            apart = rows[k + 1, i] - rows[k, i] > error and rows[n - 1 - k, i] - rows[n - 2 - k, i] > error
            proven[i] = proven[i] if apart else 0
    measure_rows(block, width, first, last)
    return first, last


@inner
def drop_ends(chunk: Doubles, i: int, times: int) -> tuple[int, int]:
    """What is left after dropping both ends of a sorted column ``times`` times, fewer if nothing were left."""
    rows = chunk.exact
    first, last = 0, chunk.valid[i]
    for _ in range(times):
        inner_first, inner_last = first, last
        while inner_first < last and rows[inner_first, i] == rows[first, i]:
            inner_first += 1
        while inner_last > first and rows[inner_last - 1, i] == rows[last - 1, i]:
            inner_last -= 1
        if inner_first >= inner_last:
            break
        first, last = inner_first, inner_last
    return first, last


@part
def reject(chunk: Doubles, count: int, rules: Rules, _terms: Terms, _places: Places) -> None:
    """Drop both ends of all columns."""
    first, last = chunk.first, chunk.last
    for i in range(count):
        first[i], last[i] = drop_ends(chunk, i, int(rules.numbers[0]))


prove_pixels = prove_by(prove)
decide_pixels = decide_by(reject)
