"""The level of one frame: the sum of its calibrated samples below saturation, with what was left out."""

from __future__ import annotations

import threading
from typing import Final, Protocol

import numpy as np

from evenfield.kernels.blocks import Samples, numba_types
from evenfield.kernels.cache import compile_kernel, load_numba
from evenfield.kernels.decoding import decode_row
from evenfield.model.pixels import Float32Array

WIDTH: Final = 1024
"""Samples decoded at a time: 8 KiB of float64. The sums run on across blocks, so their order does not hang on it."""

_READY: list[LevelKernel] = []
_LOCK = threading.Lock()


class LevelKernel(Protocol):
    """A compiled kernel; the order of its result is that of `sum_level`."""

    def __call__(
        self, samples: Samples, subtract: Float32Array, shift: float, saturation: float
    ) -> tuple[float, float, float, float, float, float]:
        """Return sum, count, saturated, blank, minimum and maximum."""
        ...


def sum_level(
    samples: Samples, subtract: Float32Array, shift: float, saturation: float
) -> tuple[float, float, float, float, float, float]:
    """Sum ``raw - shift - subtract`` of frame 0 over the finite samples whose raw value is below saturation.

    Returns the sum, the number of samples in it, of saturated and of blank ones (raw value or master not finite), and
    the least and greatest finite raw value (+inf and -inf where there is none). ``subtract`` is empty or has one row.
    """
    n_pixels = samples.int16s.shape[1] + samples.float32s.shape[1] + samples.float64s.shape[1]
    row = np.empty(WIDTH, np.float64)
    total, minimum, maximum = 0.0, np.inf, -np.inf
    count, saturated, blank = 0, 0, 0
    for start in range(0, n_pixels, WIDTH):
        stop = min(start + WIDTH, n_pixels)
        decode_row(samples, 0, start, stop, row)
        for i in range(stop - start):
            raw = row[i]
            if not abs(raw) < np.inf:
                blank += 1
                continue
            minimum = min(minimum, raw)
            maximum = max(maximum, raw)
            if raw >= saturation:
                saturated += 1
                continue
            value = raw - shift
            if subtract.size > 0:
                value -= np.float64(subtract[0, start + i])
            if abs(value) < np.inf:
                total += value
                count += 1
            else:
                blank += 1
    return total, count, saturated, blank, minimum, maximum


def level_kernel() -> LevelKernel:
    """The compiled `sum_level`; safe to call from several threads."""
    with _LOCK:
        if not _READY:
            types, known = load_numba().types, numba_types()
            number = types.float64
            arguments = (known["samples"], types.Array(types.float32, 2, "C", readonly=True), number, number)
            kernel: LevelKernel = compile_kernel(sum_level, types.UniTuple(number, 6)(*arguments))
            _READY.append(kernel)
        return _READY[0]
