"""Rcr: robust Chauvenet rejection (Maples et al. 2018, ApJS 238, 2), without that paper's finite-N correction factors.

The definition is written out in `evenfield.testing.rejecting_singly`.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from evenfield.kernels.blocks import Doubles, Places, Rules, Terms
from evenfield.kernels.columns import BEYOND, LEAST_SURVIVORS, keep_valid, median
from evenfield.kernels.compiling import inner
from evenfield.kernels.esd import moments
from evenfield.kernels.shell import decide_by
from evenfield.kernels.sorting import lesser
from evenfield.model.pixels import Float64Array

ONE_SIGMA: Final = 0.6826894921370859
"""The share of normal samples within a standard deviation, erf(1/sqrt 2)."""


@inner
def fit_deviations(
    column: Float64Array, kept: tuple[int, int], center: float, slopes: Float64Array, by_line: bool
) -> float:
    """The 68.3 % deviation of the sorted samples ``kept`` from ``center``: by a line through the smaller, or itself.

    ``slopes[n, 1 + k]`` are the weights of the k-th smallest absolute deviation of n in the slope of the line. Before
    and behind the samples ``kept`` of the column stand infinities.
    """
    n = kept[1] - kept[0]
    rank = ONE_SIGMA * (n - 1)
    floor = int(rank)
    steps = math.ceil(rank) if by_line else min(floor + 2, n)
    high = kept[0] + n // 2
    low = high - 1
    before, found, slope = 0.0, 0.0, 0.0
    for k in range(steps):
        # Written so that nothing has to be guessed: which side comes next is a matter of chance.
        below, above = center - column[np.uintp(low)], column[np.uintp(high)] - center
        is_below = 1 if below < above else 0
        before, found = found, lesser(below, above)
        low -= is_below
        high += 1 - is_below
        slope += slopes[n, 1 + k] * found
    return slope if by_line else before + (rank - floor) * (found - before)


@inner
def keep_rcr(rows: Float64Array, i: int, n: int, table: Float64Array, column: Float64Array) -> tuple[int, int]:
    """What survives of a sorted column of ``n`` samples; ``table[n, 0]`` is the limit in standard deviations."""
    first, last = 0, n
    column[0] = -np.inf
    for k in range(n):
        column[k + 1] = rows[k, i]
    column[n + 1] = np.inf
    for phase in range(3):
        while last - first > LEAST_SURVIVORS and rows[first, i] < rows[last - 1, i]:
            left = last - first
            if phase < 2:
                center = median(rows, i, first, last)
                scatter = fit_deviations(column, (first + 1, last + 1), center, table, phase == 0)
            else:
                center, squares = moments(rows, i, first, last)
                scatter = math.sqrt(squares / (left - 1))
            below, above = center - rows[first, i], rows[last - 1, i] - center
            is_low = below > above * BEYOND
            if not scatter > 0.0 or (below if is_low else above) <= table[left, 0] * scatter * BEYOND:
                break
            first, last = (first + 1, last) if is_low else (first, last - 1)
            column[first], column[last + 1] = -np.inf, np.inf
    return first, last


@inner
def reject(chunk: Doubles, count: int, rules: Rules, _terms: Terms, _places: Places) -> None:
    """Reject the worst sample again and again, with three measures of the deviation one after another."""
    rows, first, last, valid, table = chunk.rows, chunk.first, chunk.last, chunk.valid, rules.table
    keep_valid(chunk, count)
    for i in range(count):
        first[i], last[i] = keep_rcr(rows, i, valid[i], table, chunk.column)


decide_pixels = decide_by(reject)
