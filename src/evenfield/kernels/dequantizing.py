"""Integer data of low noise: decisions on samples that were given back the continuum which rounding took from them.

Where the noise is a few steps of the converter, samples are equal by chance, a scatter may be zero, and the share that
a limit rejects jumps with the level. A uniform number between -1/2 and 1/2 step, added to each sample before anything
is decided, undoes that (Widrow & Kollar 2008, "Quantization Noise", Cambridge). It is drawn from a hash of the column's
own samples, so that it depends on nothing else, not even on the order of the frames: the sum's bits are mixed as in
splitmix64 (Steele, Lea & Flood 2014, OOPSLA 453), and its low half with each sample's distance from the least one,
then with a sample's rank as in lowbias32 (Wellons 2018). All samples count, because columns of one level have few
different sums. What is combined are the samples as they were.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import (
    CENTER,
    ERROR,
    INT16,
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
from evenfield.kernels.columns import SCATTERS, find_deviations, find_medians, start_rounds, take_deviations
from evenfield.kernels.compiling import inner
from evenfield.kernels.decoding import ROUNDING
from evenfield.kernels.proving import measure_rows
from evenfield.kernels.sorting import greater, take_steps


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
def whole_uniform(seed: np.uint32, rank: int) -> np.uint32:
    """A whole number below 2^24, the ``rank``-th that belongs to a seed; every step is cast to 32 bits."""
    w = np.uint32(seed + np.uint32(rank + 1) * np.uint32(0x9E3779B9))
    w = np.uint32(np.uint32(w ^ (w >> np.uint32(16))) * np.uint32(0x7FEB352D))
    w = np.uint32(np.uint32(w ^ (w >> np.uint32(15))) * np.uint32(0x846CA68B))
    return np.uint32(np.uint32(w ^ (w >> np.uint32(16))) >> np.uint32(8))


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
    if not exact:
        for i in range(width):
            facts[SPREAD, i] = zero
        return
    measure_rows(block, width, 0, n)
    over, others = np.float32(1.0 / n), np.float32(max(n - 1, 1))
    four, rounding, up = np.float32(4.0), np.float32(ROUNDING), np.float32(1.0 + 1e-7 * n + 8.0 * ROUNDING)
    low = np.float32(rules.dequantized)
    found = 0
    for i in range(width):
        rest = facts[SQUARES, i] - facts[TOTAL, i] * facts[TOTAL, i] * over
        wide = four * (facts[ERROR, i] + rounding * greater(abs(rows[0, i]), abs(rows[n - 1, i])))
        # Equal samples stay as they are: nothing of them can be lost.
        near = math.sqrt(greater(rest, zero) / others) * up + wide < low and rows[0, i] < rows[n - 1, i]
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
    parts = np.float32(256.0 / rules.step)
    for k in range(1, n):
        for i in range(width):
            seeds[i] = stir(seeds[i], np.int32((rows[k, i] - rows[0, i]) * parts))
    unit, half = np.float32(2.0**-24), np.float32(0.5)
    for i in range(width):
        # The rows of columns that stay as they are are moved by nothing.
        facts[CENTER, i] = facts[SPREAD, i] * np.float32(rules.step)
    for k in range(n):
        for i in range(width):
            u = np.float32(np.int32(whole_uniform(seeds[i], k))) * unit - half
            rows[k, i] += u * facts[CENTER, i]
    take_steps(rows, rules.steps, width, zero)


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
    rows, exact, valid, active, facts = chunk.rows, chunk.exact, chunk.valid, chunk.active, chunk.facts
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
    total, bits, n_changed = chunk.total, chunk.bits, 0
    for j in range(n_active):
        i = active[j]
        if facts[SCATTERS, j] < rules.dequantized:
            total[0] = 0.0
            for k in range(valid[i]):
                total[0] += exact[k, i]
            seed = seed_of(bits[0])
            for k in range(1, valid[i]):
                seed = stir(seed, np.int32((exact[k, i] - exact[0, i]) * (256.0 / rules.step)))
            for k in range(valid[i]):
                rows[k, i] += (np.float64(whole_uniform(seed, k)) * 2.0**-24 - 0.5) * rules.step
            spread[i] = 1
            n_changed += 1
    if n_changed > 0:
        take_steps(rows, steps, count, 0.0)
