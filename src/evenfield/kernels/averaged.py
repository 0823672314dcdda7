"""Averaged: as sigma, with a noise that is averaged over the row of the image (IRAF's avsigclip).

``g^2`` is the mean over the row of ``q/m``, with a column's median ``m`` and ``q`` the sum of its squared deviations
from it, without the least and the greatest sample, over ``n - 1`` and the share that normal samples leave of it. The
noise is then ``g sqrt(m)``. Where a median is not positive, it is the root of the mean of ``q``.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import (
    CENTER,
    SCATTER,
    SPREAD,
    SQUARES,
    Doubles,
    Results,
    Rules,
    Samples,
    Singles,
    Space,
    Terms,
)
from evenfield.kernels.columns import (
    CENTERS,
    LEAST_SURVIVORS,
    SCATTERS,
    find_medians,
    find_order,
    finish_columns,
    median,
    start_rounds,
    trim_columns,
)
from evenfield.kernels.compiling import inner, part
from evenfield.kernels.decoding import ROUNDING, can_be_single, load_double, load_sorted
from evenfield.kernels.dequantizing import dequantize, gather_block, spread_block, sums_are_exact
from evenfield.kernels.proving import (
    find_bounds,
    list_unproven,
    measure_rows,
    prove_by_scatter,
    write_proven,
)
from evenfield.model.pixels import Float64Array

LEAST_SAMPLES: Final = 4
"""Columns of fewer valid samples say nothing about the noise."""


@inner
def add_singles(block: Singles, width: int, start: int, rules: Rules, measured: Float64Array) -> None:
    """Put the medians of a block of sorted columns into ``measured[0]``, their ``q`` into ``measured[1]``.

    Columns that will be dequantized, but could not be yet, are left to float64.
    """
    facts, proven, zeros, n = block.facts, block.proven, block.first, block.rows.shape[0]
    if n < LEAST_SAMPLES:
        for i in range(width):
            proven[i] = 0
        return
    unsure = np.float32(0.0)
    if rules.dequantized > 0.0:
        measure_rows(block, width, 0, n)
        find_bounds(block, width, rules)
        unsure = np.float32(rules.dequantized)
    for i in range(width):
        clear = facts[SPREAD, i] > np.float32(0.0) or facts[SCATTER, i] >= unsure
        proven[i] = 1 if unsure == np.float32(0.0) or clear else 0
    measure_rows(block, width, 1, n - 1)
    share = rules.table[n, 0]
    for i in range(width):
        proven[i] = proven[i] if facts[SQUARES, i] < np.inf else 0
    for i in range(width):
        measured[0, start + i] = zeros[i] + np.float64(facts[CENTER, i])
        measured[1, start + i] = np.float64(facts[SQUARES, i]) / ((n - 1) * share)


@inner
def add_doubles(
    rows: Float64Array,
    valid: NDArray[np.int64],
    count: int,
    places: NDArray[np.int64],
    shares: Float64Array,
    measured: Float64Array,
) -> None:
    """As `add_singles`, for sorted columns in float64; NaN for those that take no part."""
    for i in range(count):
        n, pixel = valid[i], places[i]
        measured[0, pixel] = np.nan
        measured[1, pixel] = np.nan
        if n >= LEAST_SAMPLES:
            center, squares = median(rows, i, 0, n), 0.0
            for k in range(1, n - 1):
                squares += (rows[k, i] - center) * (rows[k, i] - center)
            measured[0, pixel] = center
            measured[1, pixel] = squares / ((n - 1) * shares[n, 0])


@inner
def row_factor(measured: Float64Array, begin: int, end: int) -> tuple[float, bool]:
    """The noise of a row in units of the root of the median (True), or as it is (False)."""
    count, grows = 0, True
    for i in range(begin, end):
        if measured[1, i] >= 0.0:
            count += 1
            grows = grows and measured[0, i] > 0.0
    total = 0.0
    for i in range(begin, end):
        if measured[1, i] >= 0.0:
            total += measured[1, i] / measured[0, i] if grows else measured[1, i]
    return (math.sqrt(total / count) if count > 0 else 0.0), grows


@inner
def prove(
    block: Singles, width: int, start: int, rules: Rules, factor: float, grows: bool, measured: Float64Array
) -> None:
    """Settle the columns whose least and greatest samples lie within the limits of the row's noise."""
    facts, n = block.facts, block.rows.shape[0]
    measure_rows(block, width, 0, n)
    find_bounds(block, width, rules)
    down, step = factor * (1.0 - 16.0 * ROUNDING), rules.step
    for i in range(width):
        level = measured[0, start + i] - step
        facts[SCATTER, i] = np.float32(down * math.sqrt(max(level, 0.0)) if grows else down)
    prove_by_scatter(block, width, LEAST_SURVIVORS)


@inner
def reject(chunk: Doubles, count: int, rules: Rules, factor: float, grows: bool) -> None:
    """Reject until nothing is rejected or three samples are left."""
    facts = chunk.facts
    n_active = start_rounds(chunk, count, LEAST_SURVIVORS)
    while n_active > 0:
        find_medians(chunk, n_active)
        for j in range(n_active):
            facts[SCATTERS, j] = factor * math.sqrt(max(facts[CENTERS, j], 0.0)) if grows else factor
        n_active = trim_columns(chunk, n_active, rules, LEAST_SURVIVORS)


@part
def combine_rows(samples: Samples, terms: Terms, rules: Rules, results: Results, space: Space) -> int:
    """Combine all pixels of a band row by row; returns 0. See `evenfield.kernels.registry.CombineKernel`."""
    n_frames, n_pixels = terms.shifts.size, results.value.size
    block, chunk, places, measured = space.block, space.chunk, space.places, space.measured
    has_order = chunk.order.shape[0] > 0
    width, narrow = block.proven.size, chunk.valid.size
    single, exact = can_be_single(samples, terms), sums_are_exact(samples, terms)
    for row in range(0, n_pixels, rules.columns):
        end = min(row + rules.columns, n_pixels)
        n_left = 0
        for start in range(row, end, width):
            size = min(width, end - start)
            if single:
                load_sorted(samples, terms, rules, exact, start, size, block)
                if rules.dequantized > 0.0:
                    spread_block(block, size, exact, rules)
                add_singles(block, size, start, rules, measured)
            n_left = list_unproven(block.proven, single, start, size, places, n_left)
        for begin in range(0, n_left, narrow):
            count = min(narrow, n_left - begin)
            load_double(samples, terms, rules.steps, places[begin:], count, chunk)
            if rules.dequantized > 0.0:
                dequantize(chunk, count, rules, rules.steps)
            add_doubles(chunk.rows, chunk.valid, count, places[begin:], rules.table, measured)
        factor, grows = row_factor(measured, row, end)
        n_left = 0
        for start in range(row, end, width):
            size = min(width, end - start)
            if single:
                load_sorted(samples, terms, rules, exact, start, size, block)
                if rules.dequantized > 0.0:
                    spread_block(block, size, exact, rules)
                prove(block, size, start, rules, factor, grows, measured)
                if rules.dequantized > 0.0 and exact:
                    gather_block(block, size)
                write_proven(block, rules, (0, n_frames), start, size, results)
            n_left = list_unproven(block.proven, single, start, size, places, n_left)
        for begin in range(0, n_left, narrow):
            count = min(narrow, n_left - begin)
            load_double(samples, terms, rules.steps, places[begin:], count, chunk)
            if rules.dequantized > 0.0:
                dequantize(chunk, count, rules, rules.steps)
            if has_order:
                find_order(chunk, count)
            reject(chunk, count, rules, factor, grows)
            finish_columns(chunk, count, rules, places[begin:], results)
    return 0
