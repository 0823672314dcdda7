"""Extremes: drop every instance of the least and of the greatest value, several times."""

from __future__ import annotations

from evenfield.kernels.blocks import Results, Samples, Terms, new_scratch
from evenfield.kernels.cache import inner
from evenfield.kernels.columns import finish_column
from evenfield.kernels.decoding import load_block, take_column
from evenfield.model.pixels import Float64Array


@inner
def keep_extremes(column: Float64Array, n: int, times: float) -> tuple[int, int]:
    """The range of the sorted samples left after dropping both ends ``times`` times, fewer if none were left."""
    first, last = 0, n
    for _ in range(int(times)):
        inner_first, inner_last = first, last
        while inner_first < last and column[inner_first] == column[first]:
            inner_first += 1
        while inner_last > first and column[inner_last - 1] == column[last - 1]:
            inner_last -= 1
        if inner_first >= inner_last:
            break
        first, last = inner_first, inner_last
    return first, last


def combine(
    samples: Samples,
    terms: Terms,
    weights: Float64Array,
    by_median: bool,
    times: float,
    _second_number: float,
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
            kept = keep_extremes(scratch.column, n, times)
            finish_column(scratch, pixel - start, kept, weights, by_median, pixel, results)
