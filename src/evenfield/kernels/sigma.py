"""Sigma: reject again and again what lies too many standard deviations from the median of the survivors."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import Results, Samples, Scratch, Terms, new_scratch
from evenfield.kernels.cache import inner
from evenfield.kernels.columns import (
    BEYOND,
    LEAST_SURVIVORS,
    Moments,
    finish_column,
    median,
    moments_of_all,
    trim,
    without_ends,
)
from evenfield.kernels.decoding import load_block
from evenfield.kernels.whole_rows import finish_rows, settle_none, sum_rows
from evenfield.model.pixels import Float64Array


@inner
def keep_sigma(rows: Float64Array, i: int, every: Moments, low: float, high: float) -> Moments:
    """What survives of a sorted column."""
    kept = every
    while kept.last - kept.first > LEAST_SURVIVORS:
        scatter = math.sqrt(kept.squares / (kept.last - kept.first - 1))
        if scatter == 0.0:
            break
        center = median(rows, i, kept.first, kept.last)
        first, last = trim(rows, i, (kept.first, kept.last), center, low * scatter, high * scatter)
        if first == kept.first and last == kept.last:
            break
        kept = without_ends(rows, i, kept, first, last)
    return kept


@inner
def settle_sigma(scratch: Scratch, width: int, low: float, high: float) -> None:
    """Settle the columns that lose nothing, from their squares."""
    n = scratch.rows.shape[0]
    for i in range(width):
        least, greatest = scratch.rows[0, i], scratch.rows[n - 1, i]
        scatter = math.sqrt(scratch.sums[1, i] / (n - 1)) if n > LEAST_SURVIVORS else np.inf
        center = median(scratch.rows, i, 0, n)
        inside = center - least <= low * scatter * BEYOND and greatest - center <= high * scatter * BEYOND
        scratch.settled[i] = 1 if inside and greatest < np.inf else 0


def combine(
    samples: Samples,
    terms: Terms,
    weights: Float64Array,
    by_median: bool,
    low: float,
    high: float,
    _step: float,
    steps: NDArray[np.int64],
    results: Results,
) -> None:
    """Combine all pixels of a band; see `evenfield.kernels.registry.CombineKernel`."""
    scratch = new_scratch(terms.shifts.size, weights.size > 0, steps)
    width = scratch.valid.size
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
            settle_sigma(scratch, stop - start, low, high)
        for pixel in range(start, stop):
            i = pixel - start
            if scratch.settled[i] == 0:
                kept = keep_sigma(scratch.rows, i, moments_of_all(scratch, i), low, high)
                finish_column(scratch, i, kept, weights, by_median, pixel, results)
