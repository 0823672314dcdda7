"""The level of one frame: the sum of its calibrated samples below saturation, with what was left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evenfield.kernels.blocks import INT16, LEVEL_LANES, LEVEL_WIDTH, Samples
from evenfield.kernels.compiling import inner, part
from evenfield.kernels.decoding import decode_row, swap_bytes
from evenfield.model.pixels import Float32Array, Float64Array


class LevelSums(NamedTuple):
    """What a block of samples adds: sum, used, saturated, blank, and the least and greatest raw value."""

    total: float
    used: int
    saturated: int
    blank: int
    minimum: float
    maximum: float


@inner
def sum_samples(
    rows: Float64Array, n: int, subtract: Float32Array, start: int, shift: float, saturation: float
) -> LevelSums:
    """Sum the first ``n`` decoded samples of row 0, one after another: any sample may be blank or saturated."""
    total, minimum, maximum = 0.0, np.inf, -np.inf
    count, saturated, blank = 0, 0, 0
    for i in range(n):
        raw = rows[0, i]
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
    return LevelSums(total, count, saturated, blank, minimum, maximum)


@inner
def sum_integers(samples: Samples, start: int, stop: int) -> tuple[np.int32, np.int32, np.int32]:
    """The exact sum of a block's stored integers, the least and the greatest."""
    integers = samples.int16s[0, start:stop]
    total, least, greatest = np.int32(0), np.int32(32767), np.int32(-32768)
    # At most LEVEL_WIDTH numbers of 16 bits: 32 bits hold their sum.
    if samples.swapped:
        for i in range(stop - start):
            stored = np.int32(swap_bytes(integers[i]))
            total = np.int32(total + stored)
            least = min(least, stored)
            greatest = max(greatest, stored)
    else:
        for i in range(stop - start):
            stored = np.int32(integers[i])
            total = np.int32(total + stored)
            least = min(least, stored)
            greatest = max(greatest, stored)
    return total, least, greatest


@inner
def sum_master(subtract: Float32Array, start: int, stop: int, lanes: Float64Array) -> float:
    """The sum of a master's block; not finite where one of its pixels is not."""
    row = subtract[0, start:stop]
    lanes[:] = 0.0
    whole = (stop - start) // LEVEL_LANES * LEVEL_LANES
    for first in range(0, whole, LEVEL_LANES):
        part = row[first : first + LEVEL_LANES]
        for lane in range(LEVEL_LANES):
            lanes[lane] += np.float64(part[lane])
    total = 0.0
    for lane in range(LEVEL_LANES):
        total += lanes[lane]
    for i in range(whole, stop - start):
        total += np.float64(row[i])
    return total


@part
def sum_level(
    samples: Samples,
    subtract: Float32Array,
    shift: float,
    saturation: float,
    rows: Float64Array,
    lanes: Float64Array,
    sums: Float64Array,
) -> int:
    """Sum ``raw - shift - subtract`` of frame 0 over the finite samples whose raw value is below saturation.

    Puts the sum, the number of samples in it, of saturated and of blank ones (raw value or master not finite), and the
    least and greatest finite raw value (+inf and -inf where there is none) into ``sums`` and returns 0. ``subtract`` is
    empty or has one row; ``rows`` (1, `LEVEL_WIDTH`) and ``lanes`` (`LEVEL_LANES`) are room to work in. Blocks of
    integers without a saturated sample, which is nearly all, are summed whole.
    """
    n_pixels = samples.int16s.shape[1] + samples.float32s.shape[1] + samples.float64s.shape[1]
    total, minimum, maximum = 0.0, np.inf, -np.inf
    count, saturated, blank = 0, 0, 0
    for start in range(0, n_pixels, LEVEL_WIDTH):
        stop = min(start + LEVEL_WIDTH, n_pixels)
        n = stop - start
        if samples.sample == INT16:
            stored, least, greatest = sum_integers(samples, start, stop)
            master = sum_master(subtract, start, stop, lanes) if subtract.size > 0 else 0.0
            if greatest + samples.bzero < saturation and abs(master) < np.inf:
                total += stored + n * (samples.bzero - shift) - master
                count += n
                minimum = min(minimum, least + samples.bzero)
                maximum = max(maximum, greatest + samples.bzero)
                continue
        decode_row(samples, 0, start, n, rows, 0)
        part = sum_samples(rows, n, subtract, start, shift, saturation)
        total += part.total
        count += part.used
        saturated += part.saturated
        blank += part.blank
        minimum = min(minimum, part.minimum)
        maximum = max(maximum, part.maximum)
    sums[0], sums[1], sums[2], sums[3] = total, count, saturated, blank
    sums[4], sums[5] = minimum, maximum
    return 0
