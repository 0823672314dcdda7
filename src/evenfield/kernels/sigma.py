"""Sigma: reject again and again what lies too many standard deviations from the median of the survivors."""

from __future__ import annotations

import math

import numpy as np

from evenfield.kernels.blocks import Results, Samples, Scratch, Terms, new_scratch
from evenfield.kernels.cache import inner
from evenfield.kernels.columns import BEYOND, LEAST_SURVIVORS, finish_column, mean_and_squares, median, trim
from evenfield.kernels.decoding import load_block, take_column
from evenfield.kernels.whole_rows import finish_rows, median_of_rows, settle_none, sum_rows
from evenfield.model.pixels import Float64Array


@inner
def keep_sigma(column: Float64Array, n: int, low: float, high: float) -> tuple[int, int]:
    """The range of the sorted samples that survive."""
    first, last = 0, n
    while last - first > LEAST_SURVIVORS:
        _, squares = mean_and_squares(column, first, last)
        scatter = math.sqrt(squares / (last - first - 1))
        if scatter == 0.0:
            break
        left = trim(column, (first, last), median(column, first, last), low * scatter, high * scatter)
        if left == (first, last):
            break
        first, last = left
    return first, last


@inner
def settle_sigma(scratch: Scratch, width: int, low: float, high: float) -> None:
    """Settle the columns that lose nothing, from their squares."""
    n = scratch.rows.shape[0]
    least, greatest = scratch.rows[0, :width], scratch.rows[n - 1, :width]
    for i in range(width):
        scatter = math.sqrt(scratch.sums[1, i] / (n - 1)) if n > LEAST_SURVIVORS else np.inf
        center = median_of_rows(scratch, (0, n), i)
        inside = center - least[i] <= low * scatter * BEYOND and greatest[i] - center <= high * scatter * BEYOND
        scratch.settled[i] = 1 if inside and greatest[i] < np.inf else 0


def combine(
    samples: Samples,
    terms: Terms,
    weights: Float64Array,
    by_median: bool,
    low: float,
    high: float,
    _step: float,
    results: Results,
) -> None:
    """Combine all pixels of a band; see `evenfield.kernels.registry.CombineKernel`."""
    scratch = new_scratch(terms.shifts.size, weights.size > 0)
    width = scratch.valid.size
    every = (0, terms.shifts.size)
    n_pixels = results.value.size
    for start in range(0, n_pixels, width):
        stop = min(start + width, n_pixels)
        load_block(samples, terms, start, stop, scratch)
        if weights.size > 0:
            settle_none(scratch, stop - start)
        else:
            sum_rows(scratch, every, stop - start)
            finish_rows(scratch, every, start, stop - start, by_median, results)
            settle_sigma(scratch, stop - start, low, high)
        for pixel in range(start, stop):
            if scratch.settled[pixel - start] == 0:
                n = take_column(scratch, pixel - start)
                kept = keep_sigma(scratch.column, n, low, high)
                finish_column(scratch, pixel - start, kept, weights, by_median, pixel, results)
