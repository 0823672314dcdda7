"""Ccd: as sigma, with the noise that the camera has at this level, for each sample its own.

``s^2 = k^2 (r^2 + max(m/k + D - B, 0)/G) + (S m)^2`` with a sample's scale ``k`` and subtracted level ``D``, the bias
level ``B``, the read noise ``r`` (ADU), ``G`` e-/ADU, and the relative noise ``S`` of the scales.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import (
    CENTER,
    ERROR,
    EXTRA,
    NEXT,
    SCATTER,
    Doubles,
    Places,
    Rules,
    Singles,
    Terms,
)
from evenfield.kernels.columns import (
    BEYOND,
    HIGH,
    KEPT,
    LEAST_SURVIVORS,
    LOW,
    keep_valid,
    mark_columns,
    median,
    order_column,
    trim,
)
from evenfield.kernels.compiling import inner
from evenfield.kernels.decoding import ROUNDING, place
from evenfield.kernels.proving import find_bounds, measure_rows, prove_by_scatter
from evenfield.kernels.shell import decide_by, prove_by
from evenfield.kernels.sorting import greater, lesser
from evenfield.model.pixels import Float32Array, Float64Array


@inner
def lower_variances(
    facts: Float32Array,
    subtract: Float32Array,
    frame: int,
    terms: Terms,
    numbers: Float64Array,
    start: int,
    width: int,
    least_scale: float,
) -> None:
    """Lower ``NEXT`` to the variance that a sample of this frame has at the level ``EXTRA``, where that is less.

    Its read noise is taken as that of the least scale of all frames. ``numbers`` are ``r^2``, ``1/G``, ``S^2``, ``B``.
    """
    k, master = terms.scales[frame], terms.which[frame]
    read, photon = np.float32(least_scale * least_scale * numbers[0]), np.float32(k * numbers[1])
    scaled, shift = np.float32(numbers[2]), np.float32(k * (terms.shifts[frame] - numbers[3]))
    scale, zero = np.float32(k), np.float32(0.0)
    for i in range(width):
        m = facts[EXTRA, i]
        dark = scale * subtract[master, place(start, i)] if master >= 0 else zero
        variance = read + photon * greater(m + shift + dark, zero) + scaled * m * m
        facts[NEXT, i] = lesser(facts[NEXT, i], variance)


@inner
def is_extreme(scales: Float64Array, shifts: Float64Array, which: NDArray[np.int64], frame: int) -> bool:
    """Whether a frame has the least or the greatest scale of those from which the same is subtracted.

    The photon noise of the others is not below both of theirs: it grows with the scale, or has one greatest value and
    is 0 beyond. Their read noise is not below that of the least scale.
    """
    lower, higher = False, False
    for other in range(scales.size):
        if other != frame and which[other] == which[frame] and shifts[other] == shifts[frame]:
            earlier = scales[other] == scales[frame] and other < frame
            lower = lower or scales[other] < scales[frame] or earlier
            higher = higher or scales[other] > scales[frame] or earlier
            if lower and higher:
                return False
    return True


@inner
def prove(block: Singles, width: int, rules: Rules, terms: Terms, start: int) -> tuple[int, int]:
    """Settle the columns whose least and greatest samples lie within the limits of the least noise of any frame."""
    facts, zeros, subtract = block.facts, block.first, terms.subtract
    n = block.rows.shape[0]
    measure_rows(block, width, 0, n)
    find_bounds(block, width, rules)
    rounding, infinite, moved = np.float32(8.0 * ROUNDING), np.float32(np.inf), np.float32(rules.step)
    # The noise grows with the level: taken a little below it, it is a lower bound.
    for i in range(width):
        level = np.float32(zeros[i] + np.float64(facts[CENTER, i]))
        facts[EXTRA, i] = level - rounding * abs(level) - facts[ERROR, i] - moved
        facts[NEXT, i] = infinite
    least_scale = np.inf
    for frame in range(n):
        least_scale = min(least_scale, terms.scales[frame])
    for frame in range(n):
        if is_extreme(terms.scales, terms.shifts, terms.which, frame):
            lower_variances(facts, subtract, frame, terms, rules.numbers, start, width, least_scale)
    down = np.float32(1.0 - 16.0 * ROUNDING)
    for i in range(width):
        facts[SCATTER, i] = down * math.sqrt(facts[NEXT, i])
    prove_by_scatter(block, width, LEAST_SURVIVORS)
    return 0, n


@inner
def mark_noise(
    rows: Float64Array,
    i: int,
    n: int,
    terms_of: Float64Array,
    numbers: Float64Array,
    limits: tuple[float, float],
    leasts: tuple[float, float],
    more: float,
    marks: NDArray[np.uint8],
) -> int:
    """Mark the samples of a sorted column beyond the limits of their own noise; return their number.

    ``terms_of`` (n_frames, at least 2) holds the scale and ``D - B`` of each sorted sample, ``more`` is variance that
    dequantizing added.
    """
    left = n
    while left > LEAST_SURVIVORS:
        position, before, center = 0, 0.0, 0.0
        for k in range(n):
            if marks[k, i] == KEPT:
                if position == left // 2:
                    center = rows[k, i] if left % 2 == 1 else 0.5 * (before + rows[k, i])
                    break
                before = rows[k, i]
                position += 1
        now = left
        for k in range(n):
            if marks[k, i] == KEPT:
                scale, level = terms_of[k, 0], terms_of[k, 1]
                variance = scale * scale * (numbers[0] + max(center / scale + level, 0.0) * numbers[1])
                noise = math.sqrt(variance + numbers[2] * center * center + more)
                if noise > 0.0 and center - rows[k, i] > max(limits[0] * noise, leasts[0]) * BEYOND:
                    marks[k, i] = LOW
                    left -= 1
                elif noise > 0.0 and rows[k, i] - center > max(limits[1] * noise, leasts[1]) * BEYOND:
                    marks[k, i] = HIGH
                    left -= 1
        if left == now:
            break
    return n - left


@inner
def noise_range(
    scales: Float64Array, shifts: Float64Array, darks: Float64Array, numbers: Float64Array, center: float, more: float
) -> tuple[float, float]:
    """The least and the greatest noise that a sample of any frame has at a level; ``darks`` are what is subtracted.

    Both are 0 where the noise of a frame is no number.
    """
    least, most = np.inf, 0.0
    for frame in range(scales.size):
        scale = scales[frame]
        level = shifts[frame] + darks[frame] - numbers[3]
        variance = scale * scale * (numbers[0] + max(center / scale + level, 0.0) * numbers[1])
        variance = variance + numbers[2] * center * center + more
        if not variance < np.inf:
            return 0.0, 0.0
        least = min(least, variance)
        most = max(most, variance)
    return math.sqrt(least), math.sqrt(most)


@inner
def trim_surely(
    rows: Float64Array,
    i: int,
    n: int,
    frames: tuple[Float64Array, Float64Array, Float64Array],
    numbers: Float64Array,
    limits: tuple[float, float],
    leasts: tuple[float, float],
    more: float,
) -> tuple[int, int]:
    """What survives of a sorted column, if that is the same for the least and the greatest noise; else (-1, -1)."""
    kept = (0, n)
    while kept[1] - kept[0] > LEAST_SURVIVORS:
        center = median(rows, i, kept[0], kept[1])
        least, most = noise_range(frames[0], frames[1], frames[2], numbers, center, more)
        if not least > 0.0:
            return -1, -1
        below, above = max(limits[0] * most, leasts[0]), max(limits[1] * most, leasts[1])
        now = trim(rows, i, kept, center, below, above)
        below, above = max(limits[0] * least, leasts[0]), max(limits[1] * least, leasts[1])
        if trim(rows, i, now, center, below, above) != now:
            return -1, -1
        if now == kept:
            break
        kept = now
    return kept


@inner
def reject(chunk: Doubles, count: int, rules: Rules, terms: Terms, places: Places) -> None:
    """Reject until nothing is rejected or three samples are left.

    The frames' noise differs little, so that for most columns it does not matter which sample is of which frame.
    """
    rows, marks, valid, order, limits = chunk.rows, chunk.marks, chunk.valid, chunk.order, rules.limits
    scales, shifts, which, subtract = terms.scales, terms.shifts, terms.which, terms.subtract
    numbers, spread, terms_of, ordered = rules.numbers, chunk.spread, chunk.deviations, rules.weights.size > 0
    first, last, in_order, exact, darks = chunk.first, chunk.last, chunk.in_order, chunk.exact, chunk.column
    keep_valid(chunk, count)
    for i in range(count):
        n = valid[i]
        for frame in range(scales.size):
            darks[frame] = np.float64(subtract[which[frame], places[i]]) if which[frame] >= 0 else 0.0
        more = rules.step * rules.step / 12.0 if spread[i] == 1 else 0.0
        both, leasts = (limits[0, n], limits[1, n]), (limits[2, n], limits[3, n])
        kept = trim_surely(rows, i, n, (scales, shifts, darks), numbers, both, leasts, more)
        if kept[0] >= 0:
            first[i], last[i] = kept
            continue
        if not ordered:
            order_column(exact, in_order, order, i, n)
        for k in range(n):
            frame = order[k, i]
            terms_of[k, 0] = scales[frame]
            terms_of[k, 1] = shifts[frame] + darks[frame] - numbers[3]
            marks[k, i] = KEPT
        if mark_noise(rows, i, n, terms_of, numbers, both, leasts, more, marks) > 0:
            mark_columns(chunk, i, True)


prove_pixels = prove_by(prove)
decide_pixels = decide_by(reject)
