"""Esd: the generalized extreme Studentized deviate test (Rosner 1983, Technometrics 25, 165)."""

from __future__ import annotations

import math
from typing import Final

from evenfield.kernels.blocks import Doubles, Places, Rules, Terms
from evenfield.kernels.columns import BEYOND, keep_valid
from evenfield.kernels.compiling import inner
from evenfield.kernels.shell import decide_by
from evenfield.model.pixels import Float64Array

LEAST_REST: Final = 1e-5
"""Where taking samples away leaves less than this share of the squares, rounding would show: they are summed anew."""


@inner
def moments(rows: Float64Array, i: int, first: int, last: int) -> tuple[float, float]:
    """The mean of the samples ``first`` to ``last`` (exclusive), and the sum of their squared deviations from it."""
    pivot = rows[(first + last) // 2, i]
    total, squares = 0.0, 0.0
    for k in range(first, last):
        deviation = rows[k, i] - pivot
        total += deviation
        squares += deviation * deviation
    n = last - first
    return pivot + total / n, max(squares - total * total / n, 0.0)


@inner
def keep_esd(rows: Float64Array, i: int, n: int, most: int, lambdas: Float64Array) -> tuple[int, int]:
    """What survives of a sorted column of ``n`` samples; ``lambdas[n]`` are the critical values of its steps."""
    first, last = 0, n
    kept = (0, n)
    mean, squares = moments(rows, i, 0, n)
    summed = squares
    for step in range(most):
        left = last - first
        if left < 3 or rows[first, i] == rows[last - 1, i]:
            break
        if squares <= LEAST_REST * summed:
            mean, squares = moments(rows, i, first, last)
            summed = squares
        scatter = math.sqrt(squares / (left - 1))
        below, above = mean - rows[first, i], rows[last - 1, i] - mean
        # Of two equally far samples the greater goes; equal but for rounding counts as equal.
        is_low = below > above * BEYOND
        farthest = below if is_low else above
        first, last = (first + 1, last) if is_low else (first, last - 1)
        if farthest > lambdas[n, step] * scatter * BEYOND:
            kept = (first, last)
        deviation = -below if is_low else above
        mean -= deviation / (left - 1)
        squares -= deviation * deviation * left / (left - 1)
    return kept


@inner
def reject(chunk: Doubles, count: int, rules: Rules, _terms: Terms, _places: Places) -> None:
    """Take the farthest samples away one by one, and reject as many as the last significant step says."""
    rows, first, last, valid, share = chunk.rows, chunk.first, chunk.last, chunk.valid, rules.numbers[0]
    lambdas = rules.table
    keep_valid(chunk, count)
    for i in range(count):
        n = valid[i]
        if n >= 3:
            first[i], last[i] = keep_esd(rows, i, n, min(math.ceil(share * n), n - 2), lambdas)


decide_pixels = decide_by(reject)
