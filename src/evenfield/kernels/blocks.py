"""The values that kernels take and give, and the small block of samples on which they work."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.cache import inner, load_numba
from evenfield.model.pixels import Float32Array, Float64Array

INT16: Final = 0
FLOAT32: Final = 1
FLOAT64: Final = 2

BLOCK_BYTES: Final = 65536
"""Size of the block of float64 samples: it stays in the level-2 cache of every processor in use."""
LEAST_WIDTH: Final = 64
GREATEST_WIDTH: Final = 512
PADDING: Final = 8
"""Columns that no sample uses: rows a power of two apart would share the same few places of the cache."""


class Samples(NamedTuple):
    """Raw samples (n_frames, n_pixels) in one of three arrays, named by ``sample``; the other two are empty.

    One kernel takes all three so that it is compiled once. A 16-bit sample's true value is the signed integer, its
    bytes swapped where ``swapped`` says so, plus ``bzero``.
    """

    int16s: NDArray[np.int16]
    float32s: Float32Array
    float64s: Float64Array
    sample: int
    swapped: bool
    bzero: float


class Terms(NamedTuple):
    """What calibrates the samples: ``(raw - shifts[frame] - subtract[which[frame]][pixel]) * scales[frame]``."""

    shifts: Float64Array
    scales: Float64Array
    subtract: Float32Array
    which: NDArray[np.int64]


class Results(NamedTuple):
    """Where a kernel writes its results, one element a pixel (see `evenfield.model.pixels.Combined`).

    ``used`` is its ``count``, a name that a tuple has taken.
    """

    value: Float32Array
    noise: Float32Array
    used: NDArray[np.uint16]
    rejected_low: NDArray[np.uint16]
    rejected_high: NDArray[np.uint16]


class Scratch(NamedTuple):
    """The block at work: calibrated samples by rows (frames), then sorted, with what is known of each column.

    ``in_order`` keeps the order of the frames where it is asked for, ``steps`` sort the rows.
    ``valid`` counts the finite samples, ``sums`` (6, width) is for sums over rows, and ``settled`` is 1 where the
    results that were found for all columns together hold; ``outcome`` (5, width) keeps those found one by one.
    """

    rows: Float64Array
    in_order: Float64Array
    steps: NDArray[np.int64]
    valid: NDArray[np.int64]
    sums: Float64Array
    settled: NDArray[np.uint8]
    outcome: Float64Array


@inner
def new_scratch(n_frames: int, keep_order: bool, steps: NDArray[np.int64]) -> Scratch:
    """Fresh scratch space; ``in_order`` (the samples in the order of the frames) only where it is asked for."""
    width = min(max(BLOCK_BYTES // (8 * n_frames), LEAST_WIDTH), GREATEST_WIDTH) // PADDING * PADDING
    kept = n_frames if keep_order else 0
    return Scratch(
        np.empty((n_frames, width + PADDING), np.float64),
        np.empty((kept, width + PADDING), np.float64),
        steps,
        np.empty(width, np.int64),
        np.empty((6, width), np.float64),
        np.empty(width, np.uint8),
        np.empty((5, width), np.float64),
    )


def numba_types() -> dict[str, Any]:
    """The numba types of `Samples`, `Terms` and `Results`: inputs are read-only and C-contiguous."""
    types = load_numba().types

    def given(item: Any, dimensions: int) -> Any:
        return types.Array(item, dimensions, "C", readonly=True)

    def taken(item: Any) -> Any:
        return types.Array(item, 1, "C")

    floats, wide = given(types.float32, 2), given(types.float64, 1)
    samples = [given(types.int16, 2), floats, given(types.float64, 2), types.int64, types.boolean, types.float64]
    terms = [wide, wide, floats, given(types.int64, 1)]
    results = [taken(types.float32)] * 2 + [taken(types.uint16)] * 3
    return {
        "samples": types.NamedTuple(samples, Samples),
        "terms": types.NamedTuple(terms, Terms),
        "results": types.NamedTuple(results, Results),
        "weights": wide,
        "steps": given(types.int64, 2),
    }
