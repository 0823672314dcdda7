"""From raw samples to calibrated ones: byte order, BZERO, shift, master, scale; in float32 or float64."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import (
    BASE,
    ERROR,
    EXTRA,
    FINITE,
    FLOAT32,
    FLOAT64,
    INT16,
    NEXT,
    RAW,
    Doubles,
    Rules,
    Samples,
    Singles,
    Terms,
)
from evenfield.kernels.compiling import inner
from evenfield.kernels.sorting import greater, take_steps
from evenfield.model.pixels import Float32Array, Float64Array

MUCH: Final = 1e30
"""Scales and shifts below this cannot make an infinity of a raw sample."""

ROUNDING: Final = 5e-7
"""More than all roundings of a deviation in float32 together, relative to what it was computed from (8 x 2^-24)."""


@inner
def place(start: int, i: int) -> np.uintp:
    """The place ``start + i``, as a number that cannot be negative: else Python's indexing from the end is allowed for.

    It would be looked for at every sample, which keeps the compiler from SIMD code.
    """
    return np.uintp(start) + np.uintp(i)


# Rows are named by their numbers in whole arrays: a slice made for each row costs more than the work on it. The arrays
# of a tuple get a name outside of the loops: taking them out of it counts references, which stops SIMD code.


@inner
def swap_bytes(word: int) -> float:
    """A 16-bit integer with its bytes exchanged, exact in float32.

    Every step is cast to 32 bits: with the 64 bits that numba takes for mixed integers this costs several times more.
    """
    wide = np.int32(word)
    low, high = wide & np.int32(255), (wide >> np.int32(8)) & np.int32(255)
    return np.float32(np.int32(np.int16((low << np.int32(8)) | high)))  # type: ignore[return-value]


@inner
def decode_row(samples: Samples, frame: int, start: int, width: int, rows: Float64Array, row: int) -> None:
    """Write the true values of ``width`` samples of one frame from ``start`` on to the beginning of a row."""
    bzero = samples.bzero
    if samples.sample == INT16:
        integers = samples.int16s
        if samples.swapped:
            for i in range(width):
                rows[row, i] = np.float64(swap_bytes(integers[frame, place(start, i)])) + bzero
        else:
            for i in range(width):
                rows[row, i] = np.float64(integers[frame, place(start, i)]) + bzero
    elif samples.sample == FLOAT32:
        singles = samples.float32s
        for i in range(width):
            rows[row, i] = np.float64(singles[frame, place(start, i)])
    else:
        doubles = samples.float64s
        for i in range(width):
            rows[row, i] = doubles[frame, place(start, i)]


@inner
def decode_single(samples: Samples, frame: int, start: int, width: int, facts: Float32Array, row: int) -> None:
    """Write ``width`` raw samples of one frame from ``start`` on, integers without BZERO, into a row of ``facts``."""
    if samples.sample == INT16:
        integers = samples.int16s
        if samples.swapped:
            for i in range(width):
                facts[row, i] = np.float32(swap_bytes(integers[frame, place(start, i)]))
        else:
            for i in range(width):
                facts[row, i] = np.float32(np.int32(integers[frame, place(start, i)]))
    else:
        singles = samples.float32s
        for i in range(width):
            facts[row, i] = singles[frame, place(start, i)]


@inner
def can_be_single(samples: Samples, terms: Terms) -> bool:
    """Whether deviations may be looked at in float32: no float64 samples, and no scale that turns or breaks them."""
    if samples.sample == FLOAT64:
        return False
    for frame in range(terms.shifts.size):
        if not (0.0 < terms.scales[frame] < MUCH and abs(terms.shifts[frame]) < MUCH):
            return False
    return True


@inner
def load_single(samples: Samples, terms: Terms, weights: Float64Array, start: int, width: int, block: Singles) -> None:
    """Fill `Singles.rows` with the deviations of each frame's calibrated samples from those of the first frame.

    ``(raw_f - raw_0) s_f + (raw_0 - shift_0 - D_0) (s_f - s_0) - (shift_f - shift_0) s_f - (D_f - D_0) s_f``: the first
    difference is exact, so that float32 loses no more than a few parts in 10 million of the deviation itself.
    A sample that is not finite makes its own deviation or all of them not finite.
    """
    rows, first, weighted, facts = block.rows, block.first, block.weighted, block.facts
    zero = np.float32(0.0)
    decode_single(samples, 0, start, width, facts, RAW)
    master = terms.which[0]
    bzero = samples.bzero if samples.sample == INT16 else 0.0
    shift, scale, subtract = bzero - terms.shifts[0], terms.scales[0], terms.subtract
    if master >= 0:
        for i in range(width):
            base = np.float64(facts[RAW, i]) + shift - np.float64(subtract[master, place(start, i)])
            facts[BASE, i] = np.float32(base)
            first[i] = base * scale
    else:
        for i in range(width):
            base = np.float64(facts[RAW, i]) + shift
            facts[BASE, i] = np.float32(base)
            first[i] = base * scale
    for i in range(width):
        rows[0, i] = zero
        facts[FINITE, i] = zero * facts[BASE, i]
        facts[EXTRA, i] = zero
        weighted[i] = 0.0
    for frame in range(1, terms.shifts.size):
        load_frame(samples, terms, frame, start, width, block)
        if weights.size > 0:
            weight = weights[frame]
            for i in range(width):
                weighted[i] += weight * np.float64(rows[frame, i])
    # What the deviations were computed from bounds their errors; sorting will put the greatest at the ends.
    apart, moved = 0.0, 0.0
    for frame in range(terms.shifts.size):
        apart = max(apart, abs(terms.scales[frame] - scale))
        moved = max(moved, abs((terms.shifts[frame] - terms.shifts[0]) * terms.scales[frame]))
    rounding, wide, constant = np.float32(ROUNDING), np.float32(2.0 * apart), np.float32(moved)
    for i in range(width):
        facts[ERROR, i] = rounding * (wide * abs(facts[BASE, i]) + facts[EXTRA, i] + constant)


@inner
def load_whole(samples: Samples, rules: Rules, start: int, width: int, block: Singles) -> None:
    """`load_single` for whole numbers that nothing is done to, sorted: as 16-bit integers, twice as many at a time."""
    words, rows, first, weighted, facts = block.words, block.rows, block.first, block.weighted, block.facts
    integers, bzero, zero, weights = samples.int16s, samples.bzero, np.float32(0.0), rules.weights
    n = rows.shape[0]
    if samples.swapped:
        for frame in range(n):
            for i in range(width):
                word = integers[frame, place(start, i)]
                words[frame, i] = np.int16(np.int16(word << 8) | np.int16(np.int16(word >> 8) & np.int16(255)))
    else:
        for frame in range(n):
            for i in range(width):
                words[frame, i] = integers[frame, place(start, i)]
    for i in range(width):
        facts[RAW, i] = np.float32(np.int32(words[0, i]))
        first[i] = np.float64(facts[RAW, i]) + bzero
        facts[FINITE, i] = zero
        facts[ERROR, i] = zero
        weighted[i] = 0.0
    if weights.size > 0:
        for frame in range(1, n):
            weight = weights[frame]
            for i in range(width):
                weighted[i] += weight * np.float64(np.float32(np.int32(words[frame, i])) - facts[RAW, i])
    take_steps(words, rules.steps, width, np.int16(0))
    for k in range(n):
        for i in range(width):
            rows[k, i] = np.float32(np.int32(words[k, i])) - facts[RAW, i]


@inner
def load_sorted(
    samples: Samples, terms: Terms, rules: Rules, exact: bool, start: int, width: int, block: Singles
) -> None:
    """Fill `Singles.rows` with sorted deviations; ``exact`` says that the samples are whole numbers as they are."""
    if exact:
        load_whole(samples, rules, start, width, block)
    else:
        load_single(samples, terms, rules.weights, start, width, block)
        take_steps(block.rows, rules.steps, width, np.float32(0.0))


@inner
def load_frame(samples: Samples, terms: Terms, frame: int, start: int, width: int, block: Singles) -> None:
    """One frame's deviations from the first; see `load_single`."""
    rows, facts, subtract = block.rows, block.facts, terms.subtract
    decode_single(samples, frame, start, width, facts, NEXT)
    scale = np.float32(terms.scales[frame])
    change = np.float32(terms.scales[frame] - terms.scales[0])
    constant = np.float32((terms.shifts[frame] - terms.shifts[0]) * terms.scales[frame])
    for i in range(width):
        rows[frame, i] = (facts[NEXT, i] - facts[RAW, i]) * scale + facts[BASE, i] * change - constant
    zero = np.float32(0.0)
    if samples.sample == FLOAT32 or subtract.shape[0] > 1:
        # Sorting loses what is no number; 0 times infinity is none either.
        for i in range(width):
            facts[FINITE, i] += zero * rows[frame, i]
    master, other = terms.which[frame], terms.which[0]
    if master != other:
        for i in range(width):
            more = subtract[master, place(start, i)] if master >= 0 else zero
            less = subtract[other, place(start, i)] if other >= 0 else zero
            extra = (more - less) * scale
            rows[frame, i] -= extra
            facts[EXTRA, i] = greater(facts[EXTRA, i], abs(extra))
            facts[FINITE, i] += zero * extra


@inner
def load_double(
    samples: Samples,
    terms: Terms,
    steps: NDArray[np.int64],
    places: NDArray[np.int64],
    count: int,
    chunk: Doubles,
) -> None:
    """Decode, calibrate and sort the first ``count`` pixels of ``places`` in float64.

    A sample that is not finite becomes +inf: it sorts behind the valid ones, which `Doubles.valid` counts.
    """
    rows, valid, in_order, subtract = chunk.rows, chunk.valid, chunk.in_order, terms.subtract
    integers, singles, doubles, words = samples.int16s, samples.float32s, samples.float64s, chunk.words
    sample, swapped, bzero, masters = samples.sample, samples.swapped, samples.bzero, chunk.masters
    loaded = -1
    for i in range(count):
        valid[i] = 0
        masters[i] = 0.0
    for frame in range(terms.shifts.size):
        shift, scale, master = terms.shifts[frame], terms.scales[frame], terms.which[frame]
        if master != loaded:
            loaded = master
            for i in range(count):
                masters[i] = np.float64(subtract[master, np.uintp(places[i])]) if master >= 0 else 0.0
        if sample == INT16:
            for i in range(count):
                words[i] = integers[frame, np.uintp(places[i])]
            for i in range(count):
                word = words[i]
                rows[frame, i] = np.float64(swap_bytes(word) if swapped else np.float32(np.int32(word))) + bzero
        elif sample == FLOAT32:
            for i in range(count):
                rows[frame, i] = np.float64(singles[frame, np.uintp(places[i])])
        else:
            for i in range(count):
                rows[frame, i] = doubles[frame, np.uintp(places[i])]
        for i in range(count):
            true = (rows[frame, i] - shift - masters[i]) * scale
            finite = abs(true) < np.inf
            valid[i] += 1 if finite else 0
            # Adding zero makes a plain zero of -0.0.
            rows[frame, i] = (true if finite else np.inf) + 0.0
        if in_order.size > 0:
            for i in range(count):
                in_order[frame, i] = rows[frame, i]
    take_steps(rows, steps, count, 0.0)
