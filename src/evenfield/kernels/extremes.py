"""Extremes: drop every instance of the least and of the greatest value, several times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import Results, Samples, Terms, new_scratch
from evenfield.kernels.cache import inner
from evenfield.kernels.columns import Moments, finish_column, moments_of_all, weigh_column, without_ends, write_columns
from evenfield.kernels.decoding import load_block
from evenfield.kernels.whole_rows import settle_none, sum_rows
from evenfield.model.pixels import Float64Array


@inner
def keep_extremes(rows: Float64Array, i: int, every: Moments, times: float) -> Moments:
    """What is left after dropping both ends of the sorted column ``times`` times, fewer if nothing were left."""
    first, last = every.first, every.last
    for _ in range(int(times)):
        inner_first, inner_last = first, last
        while inner_first < last and rows[inner_first, i] == rows[first, i]:
            inner_first += 1
        while inner_last > first and rows[inner_last - 1, i] == rows[last - 1, i]:
            inner_last -= 1
        if inner_first >= inner_last:
            break
        first, last = inner_first, inner_last
    return without_ends(rows, i, every, first, last)


def combine(
    samples: Samples,
    terms: Terms,
    weights: Float64Array,
    by_median: bool,
    times: float,
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
        settle_none(scratch, stop - start)
        for i in range(stop - start):
            if settled[i] == 0:
                kept = keep_extremes(rows, i, moments_of_all(rows, sums, i, valid[i]), times)
                finish_column(rows, i, valid[i], kept, by_median, outcome)
                if weights.size > 0:
                    weigh_column(scratch, i, kept, weights)
        write_columns(scratch, start, stop - start, results)
