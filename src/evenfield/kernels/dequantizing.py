"""Integer data of low noise: decisions on samples that were given back the continuum which rounding took from them.

Where the noise is a few steps of the converter, samples are equal by chance, a scatter may be zero, and the share that
a limit rejects jumps with the level. A uniform number between -1/2 and 1/2 step, in 256ths of it, added to each sample
before anything is decided, undoes that (Widrow & Kollar 2008, "Quantization Noise", Cambridge). It is drawn from a hash
of the column's own samples, so that it depends on nothing else, not even on the order of the frames: the sum's bits are
mixed as in splitmix64 (Steele, Lea & Flood 2014, OOPSLA 453), and its low half with each sample's distance from the
least one, then with a sample's rank, four to a hash, as in lowbias32 (Wellons 2018). All samples count, because columns
of one level have few different sums. What is combined are the samples as they were.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import (
    CENTER,
    ERROR,
    INT16,
    RAW,
    SPREAD,
    SQUARES,
    TOTAL,
    TRUE_CENTER,
    TRUE_SQUARES,
    TRUE_TOTAL,
    Doubles,
    Rules,
    Samples,
    Singles,
    Terms,
)
from evenfield.kernels.columns import (
    LEVELS,
    SCATTERS,
    TOTALS,
    find_deviations,
    find_medians,
    start_rounds,
    take_deviations,
)
from evenfield.kernels.compiling import inner
from evenfield.kernels.decoding import ROUNDING
from evenfield.kernels.proving import measure_rows
from evenfield.kernels.sorting import greater, take_steps

PARTS: Final = 256
"""A step is divided into so many parts."""

MIDDLE: Final = 127.5
"""The mean of the bytes that say by how many parts a sample is moved."""

WIDEST: Final = 254.0
"""Columns are dequantized in 16 bits where their range is less than so many steps."""

LEAST_WORD: Final = 32768
"""The least sample has ``-LEAST_WORD`` parts."""


@inner
def seed_of(bits: int) -> np.uint32:
    """What a column's hashes start from: the low half of the mixed bits of its sum."""
    z = np.uint64(bits)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.uint32(z ^ (z >> np.uint64(31)))


@inner
def stir(seed: np.uint32, distance: np.int32) -> np.uint32:
    """A seed with a sample's distance from the least one, in 256ths of a step, mixed into it."""
    w = np.uint32(np.uint32(seed ^ np.uint32(distance)) * np.uint32(0x85EBCA6B))
    return np.uint32(w ^ (w >> np.uint32(13)))


@inner
def four_bytes(seed: np.uint32, group: int) -> np.uint32:
    """Four uniform bytes, for the ranks from ``4 * group`` on, the lowest first; every step is cast to 32 bits."""
    w = np.uint32(seed + np.uint32(group + 1) * np.uint32(0x9E3779B9))
    w = np.uint32(np.uint32(w ^ (w >> np.uint32(16))) * np.uint32(0x7FEB352D))
    w = np.uint32(np.uint32(w ^ (w >> np.uint32(15))) * np.uint32(0x846CA68B))
    return np.uint32(w ^ (w >> np.uint32(16)))


@inner
def byte_of(word: np.uint32, rank: int) -> np.int32:
    """The byte of a rank among its group's four."""
    return np.int32(np.uint32(word >> np.uint32(8 * (rank & 3))) & np.uint32(255))


@inner
def sums_are_exact(samples: Samples, terms: Terms) -> bool:
    """Whether the samples are whole numbers, whose float64 sum is the same in any order."""
    if samples.sample != INT16 or samples.bzero != math.floor(samples.bzero):
        return False
    for frame in range(terms.shifts.size):
        if terms.scales[frame] != 1.0 or terms.shifts[frame] != 0.0 or terms.which[frame] >= 0:
            return False
    return True


@inner
def spread_block(block: Singles, width: int, exact: bool, rules: Rules) -> None:
    """Dequantize those sorted columns of a block whose noise is surely low; ``SPREAD`` is 1 for them, else 0.

    The true median, total and squares wait in the ``TRUE`` facts. Only where sums are ``exact`` is the seed known here.
    """
    rows, facts, seeds, zeros = block.rows, block.facts, block.seeds, block.first
    n = rows.shape[0]
    zero, one = np.float32(0.0), np.float32(1.0)
    parts = PARTS / rules.step
    if not exact or parts != math.floor(parts):
        for i in range(width):
            facts[SPREAD, i] = zero
        return
    measure_rows(block, width, 0, n)
    over, others = np.float32(1.0 / n), np.float32(max(n - 1, 1))
    four, rounding, up = np.float32(4.0), np.float32(ROUNDING), np.float32(1.0 + 1e-7 * n + 8.0 * ROUNDING)
    low, widest = np.float32(rules.dequantized), np.float32(WIDEST * rules.step)
    found = 0
    for i in range(width):
        rest = facts[SQUARES, i] - facts[TOTAL, i] * facts[TOTAL, i] * over
        wide = four * (facts[ERROR, i] + rounding * greater(abs(rows[0, i]), abs(rows[n - 1, i])))
        # Equal samples stay as they are: nothing of them can be lost.
        near = math.sqrt(greater(rest, zero) / others) * up + wide < low and rows[0, i] < rows[n - 1, i]
        near = near and rows[n - 1, i] - rows[0, i] < widest
        facts[SPREAD, i] = one if near else zero
        found += 1 if near else 0
    if found == 0:
        return
    total, bits = block.total, block.bits
    for i in range(width):
        facts[TRUE_CENTER, i] = facts[CENTER, i]
        facts[TRUE_TOTAL, i] = facts[TOTAL, i]
        facts[TRUE_SQUARES, i] = facts[SQUARES, i]
        total[0] = n * zeros[i] + (np.float64(facts[TOTAL, i]) + n * np.float64(facts[CENTER, i]))
        seeds[i] = seed_of(bits[0])
    words, moved, whole = block.words, block.moved, np.int32(parts)
    for k in range(1, n):
        for i in range(width):
            seeds[i] = stir(seeds[i], np.int32(np.int32(words[k, i]) - np.int32(words[0, i])) * whole)
    for k in range(0, n, 4):
        for i in range(width):
            word, least = four_bytes(seeds[i], k // 4), np.int32(words[0, i]) * whole + np.int32(LEAST_WORD)
            for rank in range(4):
                byte = byte_of(word, rank)
                moved[k + rank, i] = np.int16(np.int32(words[k + rank, i]) * whole - least + byte)
    take_steps(moved, rules.steps, width, np.int16(0))
    part, middle = np.float32(rules.step / PARTS), np.float32(LEAST_WORD - MIDDLE)
    for k in range(n):
        for i in range(width):
            spread = (np.float32(np.int32(words[0, i])) - facts[RAW, i]) + (
                np.float32(np.int32(moved[k, i])) + middle
            ) * part
            rows[k, i] = spread if facts[SPREAD, i] > zero else rows[k, i]


@inner
def gather_block(block: Singles, width: int) -> None:
    """Give the columns that were dequantized their true median, total and squares back."""
    facts = block.facts
    for i in range(width):
        was = facts[SPREAD, i] > np.float32(0.0)
        facts[CENTER, i] = facts[TRUE_CENTER, i] if was else facts[CENTER, i]
        facts[TOTAL, i] = facts[TRUE_TOTAL, i] if was else facts[TOTAL, i]
        facts[SQUARES, i] = facts[TRUE_SQUARES, i] if was else facts[SQUARES, i]


@inner
def leave_coarse(chunk: Doubles, n_active: int, dequantized: float) -> int:
    """List only the columns at work whose range allows for a standard deviation below a number.

    Of ``n`` samples of a range ``R`` it is ``R / sqrt(2 (n - 1))`` at least.
    """
    rows, valid, active, n_left = chunk.rows, chunk.valid, chunk.active, 0
    square = 2.000001 * dequantized * dequantized
    for j in range(n_active):
        i = active[j]
        reach = rows[valid[i] - 1, i] - rows[0, i]
        active[n_left] = i
        n_left += 1 if reach * reach < square * (valid[i] - 1) else 0
    return n_left


@inner
def dequantize(chunk: Doubles, count: int, rules: Rules, steps: NDArray[np.int64]) -> None:
    """Keep the true samples in `Doubles.exact`, and dequantize those columns whose standard deviation is small."""
    rows, exact, active, facts = chunk.rows, chunk.exact, chunk.active, chunk.facts
    for k in range(rows.shape[0]):
        for i in range(count):
            exact[k, i] = rows[k, i]
    spread = chunk.spread
    for i in range(count):
        spread[i] = 0
    n_active = leave_coarse(chunk, start_rounds(chunk, count, 1), rules.dequantized)
    find_medians(chunk, n_active)
    take_deviations(rows, chunk, n_active)
    find_deviations(chunk, n_active, 1.0)
    n_changed = 0
    for j in range(n_active):
        near = facts[SCATTERS, j] < rules.dequantized
        spread[active[j]] = 1 if near else 0
        n_changed += 1 if near else 0
    if n_changed > 0:
        seed_columns(chunk, count, rules.step)
        move_columns(chunk, count, rules.step)
        take_steps(rows, steps, count, 0.0)


# All columns of a chunk are seeded and moved, row by row, those that stay as they are by nothing: that is several
# times faster than to go down each column.


@inner
def seed_columns(chunk: Doubles, count: int, step: float) -> None:
    """The seeds of the first ``count`` columns, from their sums and the distances of their samples."""
    exact, valid, facts, seeds = chunk.exact, chunk.valid, chunk.facts, chunk.seeds
    total, bits, n, parts = chunk.total, chunk.bits, exact.shape[0], PARTS / step
    for i in range(count):
        facts[TOTALS, i] = 0.0
        facts[LEVELS, i] = float(valid[i])
    for k in range(n):
        row = float(k)
        for i in range(count):
            facts[TOTALS, i] += exact[k, i] if row < facts[LEVELS, i] else 0.0
    for i in range(count):
        total[0] = facts[TOTALS, i]
        seeds[i] = seed_of(bits[0])
    for k in range(1, n):
        row = float(k)
        for i in range(count):
            inside = row < facts[LEVELS, i]
            distance = np.int32((exact[k, i] - exact[0, i] if inside else 0.0) * parts)
            seeds[i] = stir(seeds[i], distance) if inside else seeds[i]


@inner
def move_columns(chunk: Doubles, count: int, step: float) -> None:
    """Add to the samples of those columns that are to be ``spread`` what their seeds and ranks say."""
    rows, facts, seeds, spread = chunk.rows, chunk.facts, chunk.seeds, chunk.spread
    for i in range(count):
        facts[TOTALS, i] = step / PARTS if spread[i] == 1 else 0.0
    for k in range(rows.shape[0]):
        for i in range(count):
            byte = byte_of(four_bytes(seeds[i], k // 4), k)
            rows[k, i] += (np.float64(byte) - MIDDLE) * facts[TOTALS, i]
