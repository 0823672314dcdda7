"""No rejection: every valid sample is used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import Results, Samples, Terms, new_scratch
from evenfield.kernels.columns import finish_column, moments_of_all, weigh_column, write_columns
from evenfield.kernels.decoding import load_block
from evenfield.kernels.whole_rows import finish_rows, settle_complete, settle_none, sum_rows
from evenfield.model.pixels import Float64Array


def combine(
    samples: Samples,
    terms: Terms,
    weights: Float64Array,
    by_median: bool,
    _first_number: float,
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
            settle_complete(scratch, stop - start)
        for i in range(stop - start):
            if settled[i] == 0:
                kept = moments_of_all(rows, sums, i, valid[i])
                finish_column(rows, i, valid[i], kept, by_median, outcome)
                if weights.size > 0:
                    weigh_column(scratch, i, kept, weights)
        write_columns(scratch, start, stop - start, results)
