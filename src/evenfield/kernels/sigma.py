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
    weigh_column,
    without_ends,
    write_columns,
    write_places,
)
from evenfield.kernels.decoding import load_block
from evenfield.kernels.proving import can_be_proven, leave_unproven, load_places, new_proof
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
    rows, sums, settled = scratch.rows, scratch.sums, scratch.settled
    n = rows.shape[0]
    for i in range(width):
        least, greatest = rows[0, i], rows[n - 1, i]
        scatter = math.sqrt(sums[1, i] / (n - 1)) if n > LEAST_SURVIVORS else np.inf
        center = median(rows, i, 0, n)
        inside = center - least <= low * scatter * BEYOND and greatest - center <= high * scatter * BEYOND
        settled[i] = 1 if inside and greatest < np.inf else 0


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
    rows, valid, sums, settled, outcome = scratch.rows, scratch.valid, scratch.sums, scratch.settled, scratch.outcome
    width = settled.size
    proof = new_proof(terms.shifts.size, width)
    every = (0, terms.shifts.size)
    n_pixels = results.value.size
    for start in range(0, n_pixels, width):
        stop = min(start + width, n_pixels)
        if can_be_proven(samples, terms, weights, by_median, start, stop - start):
            count = leave_unproven(
                samples, terms, start, stop - start, scratch, proof, (low, high), 0.0, False, results
            )
            load_places(samples, terms, start, proof.places, count, scratch)
            sum_rows(scratch, every, count)
            for i in range(count):
                kept = keep_sigma(rows, i, moments_of_all(rows, sums, i, valid[i]), low, high)
                finish_column(rows, i, valid[i], kept, by_median, outcome)
            write_places(scratch, proof.places, start, count, results)
            continue
        load_block(samples, terms, start, stop - start, scratch)
        sum_rows(scratch, every, stop - start)
        if weights.size > 0:
            settle_none(scratch, stop - start)
        else:
            finish_rows(scratch, every, start, stop - start, by_median, results)
            settle_sigma(scratch, stop - start, low, high)
        for i in range(stop - start):
            if settled[i] == 0:
                kept = keep_sigma(rows, i, moments_of_all(rows, sums, i, valid[i]), low, high)
                finish_column(rows, i, valid[i], kept, by_median, outcome)
                if weights.size > 0:
                    weigh_column(scratch, i, kept, weights)
        write_columns(scratch, start, stop - start, results)
