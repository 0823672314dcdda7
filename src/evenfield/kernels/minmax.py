"""Minmax: drop so many of the least and so many of the greatest samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import Results, Samples, Terms, new_scratch
from evenfield.kernels.cache import inner
from evenfield.kernels.columns import Moments, finish_column, moments_of, weigh_column, write_columns
from evenfield.kernels.decoding import load_block
from evenfield.kernels.whole_rows import finish_rows, settle_complete, settle_none, sum_rows
from evenfield.model.pixels import Float64Array


@inner
def keep_minmax(n: int, n_low: float, n_high: float) -> tuple[int, int]:
    """The range of the sorted samples left; empty (so that the median takes over) where too few are valid."""
    first, last = int(n_low), n - int(n_high)
    if last <= first:
        return 0, 0
    return first, last


def combine(
    samples: Samples,
    terms: Terms,
    weights: Float64Array,
    by_median: bool,
    n_low: float,
    n_high: float,
    _step: float,
    steps: NDArray[np.int64],
    results: Results,
) -> None:
    """Combine all pixels of a band; see `evenfield.kernels.registry.CombineKernel`."""
    scratch = new_scratch(terms.shifts.size, weights.size > 0, steps)
    rows, valid, settled, outcome = scratch.rows, scratch.valid, scratch.settled, scratch.outcome
    width = settled.size
    every = keep_minmax(terms.shifts.size, n_low, n_high)
    n_pixels = results.value.size
    for start in range(0, n_pixels, width):
        stop = min(start + width, n_pixels)
        load_block(samples, terms, start, stop - start, scratch)
        if weights.size > 0 or every[1] <= every[0]:
            settle_none(scratch, stop - start)
        else:
            sum_rows(scratch, every, stop - start)
            finish_rows(scratch, every, start, stop - start, by_median, results)
            settle_complete(scratch, stop - start)
        for i in range(stop - start):
            if settled[i] == 0:
                first, last = keep_minmax(valid[i], n_low, n_high)
                kept = Moments(first, last, 0.0, 0.0, 0.0)
                if last > first:
                    kept = moments_of(rows, i, first, last)
                finish_column(rows, i, valid[i], kept, by_median, outcome)
                if weights.size > 0:
                    weigh_column(scratch, i, kept, weights)
        write_columns(scratch, start, stop - start, results)
