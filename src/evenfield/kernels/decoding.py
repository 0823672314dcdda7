"""From raw samples to calibrated float64 values: byte order, BZERO, shift, master, scale."""

from __future__ import annotations

from typing import Final

import numpy as np

from evenfield.kernels.blocks import FLOAT32, INT16, Samples, Scratch, Terms
from evenfield.kernels.cache import inner
from evenfield.kernels.sorting import take_steps
from evenfield.model.pixels import Float64Array

MUCH: Final = 1e30
"""Shifts, scales and masters below this cannot make an infinity of a 16-bit number."""


@inner
def place(start: int, i: int) -> np.uintp:
    """The place ``start + i``, as a number that cannot be negative: else Python's indexing from the end is allowed for.

    It would be looked for at every sample, which keeps the compiler from SIMD code.
    """
    return np.uintp(start) + np.uintp(i)


# Rows are named by their numbers in whole arrays: a slice made for each row costs more than the work on it. The arrays
# of a tuple get a name outside of the loops: taking them out of it counts references, which stops SIMD code.


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
def swap_bytes(word: int) -> float:
    """A 16-bit integer with its bytes exchanged, exact in float32.

    Every step is cast to 32 bits: with the 64 bits that numba takes for mixed integers this costs several times more.
    """
    wide = np.int32(word)
    low, high = wide & np.int32(255), (wide >> np.int32(8)) & np.int32(255)
    return np.float32(np.int32(np.int16((low << np.int32(8)) | high)))  # type: ignore[return-value]


@inner
def apply_terms(terms: Terms, frame: int, start: int, width: int, rows: Float64Array, row: int) -> None:
    """Calibrate one decoded row in place."""
    shift, scale, master = terms.shifts[frame], terms.scales[frame], terms.which[frame]
    if master >= 0:
        subtract = terms.subtract
        for i in range(width):
            rows[row, i] = (rows[row, i] - shift - np.float64(subtract[master, place(start, i)])) * scale
    else:
        for i in range(width):
            rows[row, i] = (rows[row, i] - shift) * scale


@inner
def decode_and_apply(
    samples: Samples, terms: Terms, frame: int, start: int, width: int, rows: Float64Array, row: int
) -> None:
    """Decode and calibrate one row; 16-bit samples of big-endian files in one pass, which gives the same bits."""
    master = terms.which[frame]
    if samples.sample != INT16 or not samples.swapped or master < 0:
        decode_row(samples, frame, start, width, rows, row)
        apply_terms(terms, frame, start, width, rows, row)
        return
    bzero, shift, scale = samples.bzero, terms.shifts[frame], terms.scales[frame]
    integers, subtract = samples.int16s, terms.subtract
    for i in range(width):
        raw = np.float64(swap_bytes(integers[frame, place(start, i)])) + bzero
        rows[row, i] = (raw - shift - np.float64(subtract[master, place(start, i)])) * scale


@inner
def terms_are_plain(samples: Samples, terms: Terms, start: int, width: int) -> bool:
    """Whether integers stay finite, and no zero becomes negative, under the terms of these columns."""
    if samples.sample != INT16:
        return False
    for frame in range(terms.shifts.size):
        if not (0.0 < terms.scales[frame] < MUCH and abs(terms.shifts[frame]) < MUCH):
            return False
    bad = 0
    subtract, much = terms.subtract, np.float32(MUCH)
    for master in range(subtract.shape[0]):
        for i in range(width):
            bad += 0 if abs(subtract[master, place(start, i)]) < much else 1
    return bad == 0


@inner
def load_block(samples: Samples, terms: Terms, start: int, width: int, scratch: Scratch) -> None:
    """Decode, calibrate and sort ``width`` columns from ``start`` on.

    A sample that is not finite becomes +inf: it sorts behind the valid ones, which `Scratch.valid` counts.
    """
    rows, valid, in_order = scratch.rows, scratch.valid, scratch.in_order
    n_frames = terms.shifts.size
    plain = terms_are_plain(samples, terms, start, width)
    for i in range(width):
        valid[i] = n_frames
    for frame in range(n_frames):
        decode_and_apply(samples, terms, frame, start, width, rows, frame)
        if not plain:
            for i in range(width):
                finite = abs(rows[frame, i]) < np.inf
                valid[i] -= 0 if finite else 1
                # Adding zero: not under a mask, see sorting.exchange.
                rows[frame, i] = (rows[frame, i] if finite else np.inf) + 0.0
        if in_order.size > 0:
            for i in range(width):
                in_order[frame, i] = rows[frame, i]
    take_steps(rows, scratch.steps, width, 0.0)
