"""From raw samples to calibrated float64 values: byte order, BZERO, shift, master, scale."""

from __future__ import annotations

import numpy as np

from evenfield.kernels.blocks import FLOAT32, INT16, Samples, Scratch, Terms
from evenfield.kernels.cache import inner
from evenfield.kernels.sorting import sort_rows
from evenfield.model.pixels import Float64Array


@inner
def decode_row(samples: Samples, frame: int, start: int, stop: int, row: Float64Array) -> None:
    """Write the true values of one frame's samples ``start`` to ``stop`` to the beginning of ``row``."""
    width = stop - start
    if samples.sample == INT16:
        integers = samples.int16s[frame, start:stop]
        if samples.swapped:
            for i in range(width):
                word = integers[i]
                # The low byte becomes the high one and with it the sign.
                low_byte = np.int32(np.int8(word & 0xFF))
                row[i] = np.float64(np.int32(low_byte * 256 + ((word >> 8) & 0xFF))) + samples.bzero
        else:
            for i in range(width):
                row[i] = np.float64(integers[i]) + samples.bzero
    elif samples.sample == FLOAT32:
        singles = samples.float32s[frame, start:stop]
        for i in range(width):
            row[i] = np.float64(singles[i])
    else:
        doubles = samples.float64s[frame, start:stop]
        for i in range(width):
            row[i] = doubles[i]


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
def load_block(samples: Samples, terms: Terms, start: int, stop: int, scratch: Scratch) -> None:
    """Decode, calibrate and sort the columns ``start`` to ``stop``.

    A sample that is not finite becomes +inf: it sorts behind the valid ones, which `Scratch.valid` counts.
    """
    width = stop - start
    n_frames = terms.shifts.size
    scratch.valid[:width] = 0
    for frame in range(n_frames):
        row = scratch.rows[frame, :width]
        decode_row(samples, frame, start, stop, row)
        apply_terms(terms, frame, start, stop, row)
        for i in range(width):
            finite = abs(row[i]) < np.inf
            scratch.valid[i] += 1 if finite else 0
            row[i] = (row[i] if finite else np.inf) + 0.0  # not under a mask: see sorting.exchange
        if scratch.in_order.size > 0:
            scratch.in_order[frame, :width] = row
    sort_rows(scratch.rows, width)


@inner
def take_column(scratch: Scratch, i: int) -> int:
    """Copy the valid samples of one sorted column to `Scratch.column`; return how many there are."""
    n = scratch.valid[i]
    for k in range(n):
        scratch.column[k] = scratch.rows[k, i]
    return n  # type: ignore[no-any-return]
