"""One light from its raw samples to the values that are written: in one pass, a few hundred pixels at a time."""

from __future__ import annotations

from typing import Final

import numpy as np

from evenfield.kernels.blocks import INT16, Samples
from evenfield.kernels.compiling import inner, part
from evenfield.kernels.decoding import decode_single, place
from evenfield.kernels.light_blocks import (
    CLIPPED,
    LIGHT_WIDTH,
    LOW,
    NEGATIVE,
    NO_DATA,
    LightResults,
    LightRoom,
    LightTerms,
)

_NAN_BITS: Final = np.uint32(0x7FC00000)


@inner
def apply_terms(room: LightRoom, terms: LightTerms, bzero: float, start: int, width: int) -> tuple[int, int, int]:
    """Calibrate the decoded block in float64; how many raw values are low, how many results finite and negative.

    Masters that are missing are rows of zeros and ones: one loop for all keeps the values in the processor's registers.
    """
    singles, shift, pedestal = room.singles, terms.shift, terms.pedestal
    subtract = terms.subtract[start : start + width] if terms.subtract.size > 0 else room.zeros[:width]
    divide = terms.divide[start : start + width] if terms.divide.size > 0 else room.ones[:width]
    low, finite, negative = np.int32(0), np.int32(0), np.int32(0)
    for i in range(width):
        raw, flat = np.float64(singles[i]) + bzero, np.float64(divide[i])
        low += np.int32(raw <= 0.0)
        value = (raw - shift - np.float64(subtract[i])) / (flat if flat > 0.0 else np.nan)
        singles[i] = np.float32(value + pedestal)
    # A loop of its own: its numbers are as wide as its counts.
    for i in range(width):
        finite += np.int32(abs(singles[i]) < np.float32(np.inf))
        negative += np.int32(singles[i] < np.float32(0.0))
    return int(low), int(finite), int(negative)


@inner
def take_sample(room: LightRoom, results: LightResults, pedestal: float, start: int, width: int) -> None:
    """Put aside the values of every so many pixels."""
    first = results.first + start
    number = (first + results.stride - 1) // results.stride
    while number * results.stride < first + width:
        results.sample[number] = np.float32(room.singles[number * results.stride - first] - pedestal)
        number += 1


@inner
def write_singles(room: LightRoom, results: LightResults, start: int, width: int) -> None:
    """Write a block as float32; every value that is no number has the same bits."""
    out, bits, singles = results.singles, room.bits, room.singles
    if results.swapped:
        for i in range(width):
            one = bits[i] if singles[i] == singles[i] else _NAN_BITS
            one = np.uint32(one >> np.uint32(16)) | np.uint32(one << np.uint32(16))
            odd = np.uint32(one >> np.uint32(8)) & np.uint32(0x00FF00FF)
            even = np.uint32(one & np.uint32(0x00FF00FF)) << np.uint32(8)
            out[place(start, i)] = np.uint32(odd | np.uint32(even))
    else:
        for i in range(width):
            out[place(start, i)] = bits[i] if singles[i] == singles[i] else _NAN_BITS


@inner
def write_words(room: LightRoom, results: LightResults, start: int, width: int) -> int:
    """Write a block as uint16, rounded half to even, and say how many values it cannot hold; no number becomes 0."""
    out, singles, clipped = results.words, room.singles, np.int64(0)
    zero, most = np.float32(0.0), np.float32(65535.0)
    for i in range(width):
        one = singles[i]
        inside = (one >= zero) & (one <= most)
        clipped += np.int64(not inside)
        value = one if inside else (most if one > most else zero)
        word = np.uint16(np.int32(np.rint(value)))
        if results.swapped:
            word = np.uint16(np.uint16(word >> np.uint16(8)) | np.uint16(word << np.uint16(8)))
        out[place(start, i)] = word
    return int(clipped)


@part
def calibrate_pixels(samples: Samples, terms: LightTerms, results: LightResults, room: LightRoom, n_pixels: int) -> int:
    """Calibrate the first ``n_pixels`` of frame 0, write and count them; returns 0."""
    counts, bzero = results.counts, samples.bzero if samples.sample == INT16 else 0.0
    for start in range(0, n_pixels, LIGHT_WIDTH):
        width = min(LIGHT_WIDTH, n_pixels - start)
        decode_single(samples, 0, start, width, room.rows, 0)
        low, finite, negative = apply_terms(room, terms, bzero, start, width)
        counts[LOW] += low
        counts[NO_DATA] += width - finite
        counts[NEGATIVE] += negative
        take_sample(room, results, terms.pedestal, start, width)
        if results.words.size > 0:
            counts[CLIPPED] += write_words(room, results, start, width)
        else:
            write_singles(room, results, start, width)
    return 0
