"""Columns of 16-bit samples that lose nothing: proven in float32, combined in float64, without sorting in float64.

float32 only has to prove, never to decide: a column whose proof fails by rounding is decided in float64 as all others.
What is combined are float64 deviations from the column's first sample, summed in the order of the frames.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import INT16, PADDING, Results, Samples, Scratch, Terms
from evenfield.kernels.cache import inner
from evenfield.kernels.columns import LEAST_SURVIVORS
from evenfield.kernels.decoding import decode_and_apply, place, swap_bytes, terms_are_plain
from evenfield.kernels.sorting import greater, lesser, take_steps
from evenfield.model.pixels import Float32Array, Float64Array

CLAMP: Final = 1.5
CORRECTION: Final = 1.134

ROUNDING: Final = 2.4e-7
"""Four roundings of float32, each half of 2^-23."""


class Proof(NamedTuple):
    """Where proofs are made: float32 deviations by rows, sums over them (4, width), and the columns left over."""

    rows: Float32Array
    sums: Float32Array
    places: NDArray[np.int64]


@inner
def new_proof(n_frames: int, width: int) -> Proof:
    """Fresh space for proofs about blocks of ``width`` columns."""
    return Proof(
        np.empty((n_frames, width + PADDING), np.float32),
        np.empty((4, width), np.float32),
        np.empty(width, np.int64),
    )


@inner
def can_be_proven(
    samples: Samples, terms: Terms, weights: Float64Array, by_median: bool, start: int, width: int
) -> bool:
    """Whether these columns are of the kind that this module knows: plain integers, no weights, no median."""
    if by_median or weights.size > 0 or samples.sample != INT16:
        return False
    return terms_are_plain(samples, terms, start, width)


@inner
def add_frame(
    samples: Samples, terms: Terms, frame: int, start: int, width: int, scratch: Scratch, rows: Float32Array
) -> None:
    """Add one frame's deviations from ``sums[2]`` to the sums, and keep them in float32; uses ``Scratch.rows[1]``."""
    wide, sums = scratch.rows, scratch.sums
    decode_and_apply(samples, terms, frame, start, width, wide, 1)
    for i in range(width):
        deviation = wide[1, i] - sums[2, i]
        sums[0, i] += deviation
        sums[1, i] += deviation * deviation
        wide[1, i] = deviation
    for i in range(width):
        rows[frame, i] = np.float32(wide[1, i])


@inner
def leave_unproven(
    samples: Samples,
    terms: Terms,
    start: int,
    width: int,
    scratch: Scratch,
    proof: Proof,
    limits: tuple[float, float],
    floor: float,
    is_winsorized: bool,
    results: Results,
) -> int:
    """Combine all columns as if they lost nothing; put those that might into `Proof.places`, and return their number.

    Let ``c`` be the least scatter at which no sample lies beyond its limit. A sigma rejection loses nothing where the
    standard deviation is at least ``c``, a winsorized one where besides ``g(c) >= c``: see
    `evenfield.kernels.winsorized.settle_winsorized`.
    """
    n = terms.shifts.size
    wide, sums, rows, bounds, places = scratch.rows, scratch.sums, proof.rows, proof.sums, proof.places
    decode_and_apply(samples, terms, 0, start, width, wide, 0)
    for i in range(width):
        sums[0, i] = 0.0
        sums[1, i] = 0.0
        sums[2, i] = wide[0, i]
        rows[0, i] = np.float32(0.0)
    for frame in range(1, n):
        add_frame(samples, terms, frame, start, width, scratch, rows)
    take_steps(rows, scratch.steps, width, np.float32(0.0))
    find_bounds(proof, width, n, np.float32(limits[0]), np.float32(limits[1]))
    if is_winsorized:
        clamp_rows(proof, width, n)
    # No deviation exceeds the column's width, which is at most the sum of the limits times the bound.
    slack = 1.0 + ROUNDING * (4.0 * (limits[0] + limits[1] + 2.0) + n)
    root = math.sqrt(n)
    value, noise, used = results.value, results.noise, results.used
    rejected_low, rejected_high = results.rejected_low, results.rejected_high
    for i in range(width):
        shift = sums[0, i] / n
        squares = sums[1, i] - shift * sums[0, i]
        squares = squares if squares > 0.0 else 0.0
        value[place(start, i)] = sums[2, i] + shift
        noise[place(start, i)] = math.sqrt(squares / (n - 1)) / root if n > 1 else np.nan
        sums[1, i] = squares
        used[place(start, i)] = n
        rejected_low[place(start, i)] = 0
        rejected_high[place(start, i)] = 0
    count = 0
    for i in range(width):
        bound = np.float64(bounds[0, i])
        needed = slack * bound * bound * (n - 1)
        proven = sums[1, i] >= needed
        if is_winsorized:
            total, squares = np.float64(bounds[2, i]), np.float64(bounds[3, i])
            proven = proven and CORRECTION * CORRECTION * (squares - total * total / n) >= needed
        places[count] = i
        count += 0 if proven or slack * bound <= floor or n <= LEAST_SURVIVORS else 1
    return count


@inner
def find_bounds(proof: Proof, width: int, n: int, low: np.float32, high: np.float32) -> None:
    """Put the least scatter at which nothing is lost into ``sums[0]``, the median into ``sums[1]``."""
    rows, sums = proof.rows, proof.sums
    upper, lower = n // 2, (n - 1) // 2
    half = np.float32(0.5)
    for i in range(width):
        center = half * (rows[lower, i] + rows[upper, i])
        sums[0, i] = greater((center - rows[0, i]) / low, (rows[n - 1, i] - center) / high)
        sums[1, i] = center


@inner
def clamp_rows(proof: Proof, width: int, n: int) -> None:
    """Clamp the deviations from the median at 1.5 bounds; put their sum into ``sums[2]``, their squares' into 3."""
    rows, sums = proof.rows, proof.sums
    clamp = np.float32(CLAMP)
    for i in range(width):
        sums[2, i] = np.float32(0.0)
        sums[3, i] = np.float32(0.0)
    k = 0
    while k + 4 <= n:
        for i in range(width):
            center, reach = sums[1, i], clamp * sums[0, i]
            a = greater(lesser(rows[k, i] - center, reach), -reach)
            b = greater(lesser(rows[k + 1, i] - center, reach), -reach)
            c = greater(lesser(rows[k + 2, i] - center, reach), -reach)
            d = greater(lesser(rows[k + 3, i] - center, reach), -reach)
            sums[2, i] = sums[2, i] + ((a + b) + (c + d))
            sums[3, i] = sums[3, i] + ((a * a + b * b) + (c * c + d * d))
        k += 4
    while k < n:
        for i in range(width):
            reach = clamp * sums[0, i]
            a = greater(lesser(rows[k, i] - sums[1, i], reach), -reach)
            sums[2, i] += a
            sums[3, i] += a * a
        k += 1


@inner
def load_places(
    samples: Samples, terms: Terms, start: int, places: NDArray[np.int64], count: int, scratch: Scratch
) -> None:
    """Decode, calibrate and sort the first ``count`` columns named by ``places`` in float64, as `load_block` does."""
    rows, valid, integers, subtract = scratch.rows, scratch.valid, samples.int16s, terms.subtract
    swapped, bzero = samples.swapped, samples.bzero
    for frame in range(terms.shifts.size):
        shift, scale, master = terms.shifts[frame], terms.scales[frame], terms.which[frame]
        for i in range(count):
            pixel = place(start, places[i])
            word = integers[frame, pixel]
            raw = np.float64(swap_bytes(word) if swapped else np.float32(word)) + bzero
            dark = np.float64(subtract[master, pixel]) if master >= 0 else 0.0
            rows[frame, i] = (raw - shift - dark) * scale
    for i in range(count):
        valid[i] = terms.shifts.size
    take_steps(rows, scratch.steps, count, 0.0)
