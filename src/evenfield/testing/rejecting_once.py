"""The rejections that test each sample once, or drop the ends: zscore, extremes, minmax, percentile."""

from __future__ import annotations

import numpy as np

from evenfield.model.pixels import Float64Array
from evenfield.model.rejections import Percentile
from evenfield.testing.rejecting_verdict import Column, Verdict, scatter_of


def zscore(column: Column) -> Verdict:
    """Once: beyond the limit times the standard deviation (ddof 0) from the mean.

    A verdict that leaves nothing is for the caller to replace by `extremes` 2.
    """
    x = column.samples
    verdict = Verdict.of(x.size)
    std = scatter_of(x, ddof=0)
    verdict.test(x - x.mean(), _all(x, column.low * std), _all(x, column.high * std), column.least)
    return verdict


def extremes(x: Float64Array, *, times: int) -> Verdict:
    """``times`` times: drop every instance of both extreme values; back off by one where nothing would be left."""
    for attempt in range(times, 0, -1):
        verdict = Verdict.of(x.size)
        for _ in range(attempt):
            if not verdict.kept.any():
                break
            least, greatest = x[verdict.kept].min(), x[verdict.kept].max()
            verdict.low |= x == least
            verdict.high |= x == greatest
        if verdict.kept.any():
            return verdict
    return Verdict.of(x.size)


def minmax(x: Float64Array, *, n_low: int, n_high: int) -> Verdict:
    """Drop the least and greatest samples; of equal ones the earliest at the low end, the latest at the high end."""
    verdict = Verdict.of(x.size)
    order = np.argsort(x, kind="stable")
    verdict.low[order[:n_low]] = True
    verdict.high[order[x.size - n_high :]] = True
    return verdict


def percentile(column: Column) -> Verdict:
    """Once: (m - x)/m beyond ``low`` or (x - m)/m beyond ``high``, m the median, where m > ``above`` s (s: ddof 1).

    The comparison of m with that has the 1e-6 for ties too.
    """
    x, chosen = column.samples, column.chosen
    if not isinstance(chosen, Percentile):
        raise TypeError(f"{chosen} is not percentile")
    m, s = float(np.median(x)), scatter_of(x, ddof=1)
    verdict = Verdict.of(x.size)
    if x.size < 2 or s == 0 or not verdict.exceeds(m, chosen.above * s):
        return verdict
    verdict.test(x - m, _all(x, column.low * m), _all(x, column.high * m), column.least)
    return verdict


def _all(x: Float64Array, limit: float) -> Float64Array:
    return np.full(x.size, limit)
