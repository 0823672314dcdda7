"""What is done to all sorted columns of a block at once, row by row, in the same order of sums as `columns` takes.

Only columns whose samples are all valid can be settled here: the others hold infinities, whose sums are no numbers.
"""

from __future__ import annotations

import math

import numpy as np

from evenfield.kernels.blocks import Results, Scratch
from evenfield.kernels.cache import inner
from evenfield.kernels.columns import MEDIAN_NOISE, median
from evenfield.model.pixels import Float64Array


@inner
def sum_rows(scratch: Scratch, kept: tuple[int, int], width: int) -> None:
    """Put the mean of the sorted rows ``kept`` into ``sums[0]``, their squared deviations, summed, into ``sums[1]``.

    To the bit what `evenfield.kernels.columns.moments_of` finds for each column.
    """
    first, last = kept
    rows, sums = scratch.rows, scratch.sums
    pivot = rows[(first + last) // 2, :width]
    sums[:4, :width] = 0.0
    k = first
    while k + 4 <= last:
        add_four(rows[k : k + 4, :width], pivot, sums)
        k += 4
    if k + 2 <= last:
        add_row(rows[k, :width], pivot, sums[0], sums[1])
        add_row(rows[k + 1, :width], pivot, sums[2], sums[3])
        k += 2
    if k < last:
        add_row(rows[k, :width], pivot, sums[0], sums[1])
    for i in range(width):
        total = sums[0, i] + sums[2, i]
        squares = sums[1, i] + sums[3, i]
        shift = total / (last - first)
        rest = squares - shift * total
        sums[0, i] = pivot[i] + shift
        sums[1, i] = rest if rest > 0.0 else 0.0


@inner
def add_row(row: Float64Array, pivot: Float64Array, total: Float64Array, squares: Float64Array) -> None:
    """Add one row's deviations and their squares."""
    for i in range(row.size):
        deviation = row[i] - pivot[i]
        total[i] += deviation
        squares[i] += deviation * deviation


@inner
def add_four(rows: Float64Array, pivot: Float64Array, sums: Float64Array) -> None:
    """Add four rows' deviations and their squares, every other row to the other pair of sums."""
    r0, r1, r2, r3 = rows[0], rows[1], rows[2], rows[3]
    total, squares, other_total, other_squares = sums[0], sums[1], sums[2], sums[3]
    for i in range(pivot.size):
        center = pivot[i]
        a, b, c, d = r0[i] - center, r1[i] - center, r2[i] - center, r3[i] - center
        total[i] = total[i] + a + c
        squares[i] = squares[i] + a * a + c * c
        other_total[i] = other_total[i] + b + d
        other_squares[i] = other_squares[i] + b * b + d * d


@inner
def settle_none(scratch: Scratch, width: int) -> None:
    """Leave all columns to be combined one by one."""
    scratch.settled[:width] = 0


@inner
def settle_complete(scratch: Scratch, width: int) -> None:
    """Settle the columns in which every sample is valid."""
    n = scratch.rows.shape[0]
    for i in range(width):
        scratch.settled[i] = 1 if scratch.valid[i] == n else 0


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
    stop = start + width
    results.used[start:stop] = used
    results.rejected_low[start:stop] = first
    results.rejected_high[start:stop] = scratch.rows.shape[0] - last
    value, noise = results.value[start:stop], results.noise[start:stop]
    mean, squares = scratch.sums[0], scratch.sums[1]
    root = math.sqrt(used)
    for i in range(width):
        scatter = math.sqrt(squares[i] / (used - 1)) if used > 1 else np.nan
        value[i] = mean[i]
        noise[i] = scatter / root
    if by_median:
        for i in range(width):
            scatter = math.sqrt(squares[i] / (used - 1)) if used > 1 else np.nan
            value[i] = median(scratch.rows, i, first, last)
            noise[i] = MEDIAN_NOISE * (scatter / root) if used > 2 else scatter / root
