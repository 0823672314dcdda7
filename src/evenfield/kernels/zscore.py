"""Z-score: reject once what lies too many standard deviations (ddof 0) from the mean (MasterFlatMaker)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import Results, Samples, Scratch, Terms, new_scratch
from evenfield.kernels.cache import inner
from evenfield.kernels.columns import (
    BEYOND,
    Moments,
    finish_column,
    moments_of_all,
    trim,
    weigh_column,
    without_ends,
    write_columns,
)
from evenfield.kernels.decoding import load_block
from evenfield.kernels.extremes import keep_extremes
from evenfield.kernels.whole_rows import finish_rows, settle_none, sum_rows
from evenfield.model.pixels import Float64Array

FALLBACK_TIMES = 2
"""A column rejected whole is combined as `extremes` with this number instead."""


@inner
def keep_zscore(rows: Float64Array, i: int, every: Moments, limit: float) -> Moments:
    """What is kept of a sorted column."""
    n = every.last
    if n == 0:
        return every
    reach = limit * math.sqrt(every.squares / n)
    if reach == 0.0:
        return every
    first, last = trim(rows, i, (0, n), every.mean, reach, reach)
    if first >= last:
        return keep_extremes(rows, i, every, FALLBACK_TIMES)
    return without_ends(rows, i, every, first, last)


@inner
def settle_zscore(scratch: Scratch, width: int, limit: float) -> None:
    """Settle the columns that lose nothing, from their mean and squares."""
    rows, sums, settled = scratch.rows, scratch.sums, scratch.settled
    n = rows.shape[0]
    for i in range(width):
        least, greatest, mean = rows[0, i], rows[n - 1, i], sums[0, i]
        reach = limit * math.sqrt(sums[1, i] / n) * BEYOND
        inside = mean - least <= reach and greatest - mean <= reach
        settled[i] = 1 if inside and greatest < np.inf else 0


def combine(
    samples: Samples,
    terms: Terms,
    weights: Float64Array,
    by_median: bool,
    limit: float,
    _second_number: float,
    _step: float,
    steps: NDArray[np.int64],
    results: Results,
) -> None:
    """Combine all pixels of a band; see `evenfield.kernels.registry.CombineKernel`."""
    scratch = new_scratch(terms.shifts.size, weights.size > 0, steps)
    rows, valid, sums, settled, outcome = scratch.rows, scratch.valid, scratch.sums, scratch.settled, scratch.outcome
    width = settled.size
    every = (0, terms.shifts.size)
    n_pixels = results.value.size
    for start in range(0, n_pixels, width):
        stop = min(start + width, n_pixels)
        load_block(samples, terms, start, stop - start, scratch)
        sum_rows(scratch, every, stop - start)
        if weights.size > 0:
            settle_none(scratch, stop - start)
        else:
            finish_rows(scratch, every, start, stop - start, by_median, results)
            settle_zscore(scratch, stop - start, limit)
        for i in range(stop - start):
            if settled[i] == 0:
                kept = keep_zscore(rows, i, moments_of_all(rows, sums, i, valid[i]), limit)
                finish_column(rows, i, valid[i], kept, by_median, outcome)
                if weights.size > 0:
                    weigh_column(scratch, i, kept, weights)
        write_columns(scratch, start, stop - start, results)
