"""What is done to all sorted columns of a block at once, row by row, in the same order of sums as `columns` takes.

Only columns whose samples are all valid can be settled here: the others hold infinities, whose sums are no numbers.
"""

from __future__ import annotations

import math

import numpy as np

from evenfield.kernels.blocks import Results, Scratch
from evenfield.kernels.cache import inner
from evenfield.kernels.columns import MEDIAN_NOISE, median
from evenfield.kernels.decoding import place
from evenfield.model.pixels import Float64Array


@inner
def sum_rows(scratch: Scratch, kept: tuple[int, int], width: int) -> None:
    """Put the mean of the sorted rows ``kept`` into ``sums[0]``, their squared deviations, summed, into ``sums[1]``.

    To the bit what `evenfield.kernels.columns.moments_of` finds for each column.
    """
    first, last = kept
    rows, sums = scratch.rows, scratch.sums
    middle = (first + last) // 2
    for i in range(width):
        sums[0, i] = 0.0
        sums[1, i] = 0.0
        sums[2, i] = 0.0
        sums[3, i] = 0.0
    k = first
    while k + 4 <= last:
        add_four(rows, k, middle, width, sums)
        k += 4
    if k + 2 <= last:
        add_row(rows, k, middle, width, sums, 0)
        add_row(rows, k + 1, middle, width, sums, 2)
        k += 2
    if k < last:
        add_row(rows, k, middle, width, sums, 0)
    n = last - first
    for i in range(width):
        total = sums[0, i] + sums[2, i]
        squares = sums[1, i] + sums[3, i]
        shift = total / n
        rest = squares - shift * total
        sums[0, i] = rows[middle, i] + shift
        sums[1, i] = rest if rest > 0.0 else 0.0


@inner
def add_row(rows: Float64Array, k: int, middle: int, width: int, sums: Float64Array, place: int) -> None:
    """Add the deviations of row ``k`` from the middle one, and their squares, to two rows of sums."""
    for i in range(width):
        deviation = rows[k, i] - rows[middle, i]
        sums[place, i] += deviation
        sums[place + 1, i] += deviation * deviation


@inner
def add_four(rows: Float64Array, k: int, middle: int, width: int, sums: Float64Array) -> None:
    """Add the deviations of four rows and their squares, every other row to the other pair of sums."""
    for i in range(width):
        center = rows[middle, i]
        a, b, c, d = rows[k, i] - center, rows[k + 1, i] - center, rows[k + 2, i] - center, rows[k + 3, i] - center
        sums[0, i] = sums[0, i] + a + c
        sums[1, i] = sums[1, i] + a * a + c * c
        sums[2, i] = sums[2, i] + b + d
        sums[3, i] = sums[3, i] + b * b + d * d


@inner
def settle_none(scratch: Scratch, width: int) -> None:
    """Leave all columns to be combined one by one."""
    settled = scratch.settled
    for i in range(width):
        settled[i] = 0


@inner
def settle_complete(scratch: Scratch, width: int) -> None:
    """Settle the columns in which every sample is valid."""
    n = scratch.rows.shape[0]
    settled, valid = scratch.settled, scratch.valid
    for i in range(width):
        settled[i] = 1 if valid[i] == n else 0


@inner
def finish_rows(
    scratch: Scratch, kept: tuple[int, int], start: int, width: int, by_median: bool, results: Results
) -> None:
    """Write the results of all columns as if the sorted rows ``kept`` survived, from the sums of `sum_rows`.

    To the bit what `evenfield.kernels.columns.finish_column` writes; those of columns that are not settled are
    written again.
    """
    first, last = kept
    used = last - first
    root = math.sqrt(used)
    larger = MEDIAN_NOISE if by_median and used > 2 else 1.0
    rows, sums, value, noise = scratch.rows, scratch.sums, results.value, results.noise
    counts, low, high, n = results.used, results.rejected_low, results.rejected_high, scratch.rows.shape[0]
    for i in range(width):
        scatter = math.sqrt(sums[1, i] / (used - 1)) if used > 1 else np.nan
        value[place(start, i)] = sums[0, i]
        noise[place(start, i)] = larger * (scatter / root)
    if by_median:
        for i in range(width):
            value[place(start, i)] = median(rows, i, first, last)
    for i in range(width):
        counts[place(start, i)] = used
        low[place(start, i)] = first
        high[place(start, i)] = n - last
