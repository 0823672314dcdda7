"""From raw samples to calibrated float64 values: byte order, BZERO, shift, master, scale."""

from __future__ import annotations

import numpy as np

from evenfield.kernels.blocks import FLOAT32, INT16, Samples, Scratch, Terms
from evenfield.kernels.cache import inner
from evenfield.kernels.sorting import take_steps
from evenfield.model.pixels import Float64Array


@inner
def decode_row(samples: Samples, frame: int, start: int, stop: int, row: Float64Array) -> None:
    """Write the true values of one frame's samples ``start`` to ``stop`` to the beginning of ``row``."""
    width = stop - start
    bzero = samples.bzero
    if samples.sample == INT16:
        integers = samples.int16s[frame, start:stop]
        if samples.swapped:
            for i in range(width):
                row[i] = np.float64(swap_bytes(integers[i])) + bzero
        else:
            for i in range(width):
                row[i] = np.float64(integers[i]) + bzero
    elif samples.sample == FLOAT32:
        singles = samples.float32s[frame, start:stop]
        for i in range(width):
            row[i] = np.float64(singles[i])
    else:
        doubles = samples.float64s[frame, start:stop]
        for i in range(width):
            row[i] = doubles[i]


@inner
def swap_bytes(word: int) -> float:
    """A 16-bit integer with its bytes exchanged, exact in float32.

    Every step is cast to 32 bits: with the 64 bits that numba takes for mixed integers this costs several times more.
    """
    wide = np.int32(word)
    low, high = wide & np.int32(255), (wide >> np.int32(8)) & np.int32(255)
    return np.float32(np.int32(np.int16((low << np.int32(8)) | high)))  # type: ignore[return-value]


@inner
def apply_terms(terms: Terms, frame: int, start: int, stop: int, row: Float64Array) -> None:
    """Calibrate one decoded row in place."""
    width = stop - start
    shift = terms.shifts[frame]
    scale = terms.scales[frame]
    master = terms.which[frame]
    if master >= 0:
        subtract = terms.subtract[master, start:stop]
        for i in range(width):
            row[i] = (row[i] - shift - np.float64(subtract[i])) * scale
    else:
        for i in range(width):
            row[i] = (row[i] - shift) * scale


@inner
def decode_and_apply(samples: Samples, terms: Terms, frame: int, start: int, stop: int, row: Float64Array) -> None:
    """Decode and calibrate one row; 16-bit samples in one pass, which gives the same bits as two."""
    if samples.sample != INT16 or not samples.swapped:
        decode_row(samples, frame, start, stop, row)
        apply_terms(terms, frame, start, stop, row)
        return
    bzero, shift, scale, master = samples.bzero, terms.shifts[frame], terms.scales[frame], terms.which[frame]
    integers = samples.int16s[frame, start:stop]
    if master >= 0:
        subtract = terms.subtract[master, start:stop]
        for i in range(stop - start):
            row[i] = (np.float64(swap_bytes(integers[i])) + bzero - shift - np.float64(subtract[i])) * scale
    else:
        for i in range(stop - start):
            row[i] = (np.float64(swap_bytes(integers[i])) + bzero - shift) * scale


@inner
def terms_are_plain(samples: Samples, terms: Terms, start: int, stop: int) -> bool:
    """Whether integers stay finite, and no zero becomes negative, under the terms of these columns."""
    if samples.sample != INT16:
        return False
    for frame in range(terms.shifts.size):
        if not (0.0 < terms.scales[frame] < 1e30 and abs(terms.shifts[frame]) < 1e30):
            return False
    for master in range(terms.subtract.shape[0]):
        subtract = terms.subtract[master, start:stop]
        bad = 0
        for i in range(stop - start):
            bad += 0 if abs(subtract[i]) < np.float32(1e30) else 1
        if bad > 0:
            return False
    return True


@inner
def load_block(samples: Samples, terms: Terms, start: int, stop: int, scratch: Scratch) -> None:
    """Decode, calibrate and sort the columns ``start`` to ``stop``.

    A sample that is not finite becomes +inf: it sorts behind the valid ones, which `Scratch.valid` counts.
    """
    width = stop - start
    n_frames = terms.shifts.size
    plain = terms_are_plain(samples, terms, start, stop)
    scratch.valid[:width] = n_frames
    for frame in range(n_frames):
        row = scratch.rows[frame, :width]
        decode_and_apply(samples, terms, frame, start, stop, row)
        if not plain:
            for i in range(width):
                finite = abs(row[i]) < np.inf
                scratch.valid[i] -= 0 if finite else 1
                row[i] = (row[i] if finite else np.inf) + 0.0  # not under a mask: see sorting.exchange
        if scratch.in_order.size > 0:
            scratch.in_order[frame, :width] = row
    take_steps(scratch.rows, scratch.steps, width)
