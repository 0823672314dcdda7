"""Sigma: reject again and again what lies too many standard deviations from the median of the survivors."""

from __future__ import annotations

import math

from evenfield.kernels.blocks import Results, Samples, Terms, new_scratch
from evenfield.kernels.cache import inner
from evenfield.kernels.columns import LEAST_SURVIVORS, finish_column, mean_and_squares, median, trim
from evenfield.kernels.decoding import load_block, take_column
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
    n_pixels = results.value.size
    for start in range(0, n_pixels, width):
        stop = min(start + width, n_pixels)
        load_block(samples, terms, start, stop, scratch)
        for pixel in range(start, stop):
            n = take_column(scratch, pixel - start)
            kept = keep_sigma(scratch.column, n, low, high)
            finish_column(scratch, pixel - start, kept, weights, by_median, pixel, results)
