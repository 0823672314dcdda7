"""The Rice decoder for 16-bit samples (FITS Standard 4.0, section 10.4.1).

A row of samples is coded in blocks: 4 bits tell how many low bits of each difference are stored as they are; before
them stands the rest of the difference as so many zeros and a one. Differences alternate in sign: 0, -1, 1, -2, 2 ...
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.compiling import inner, part

_FIRST_BITS: Final = np.uint64(16)
_SIZE_BITS: Final = np.uint64(4)
_STORED: Final = 14
"""The number of low bits that means: the differences are stored whole."""

_U0, _U1, _U63 = np.uint64(0), np.uint64(1), np.uint64(63)
_WORD_BITS: Final = np.uint64(6)

# For each value of the 11 leading bits, how many of them are zeros.
_LOOK: Final = np.uint64(11)
_LOOK_SHIFT: Final = np.uint64(53)
_ZEROS: Final = np.array([11 - bits.bit_length() for bits in range(2048)], np.uint8)


@inner
def _bits_at(words: NDArray[np.uint64], position: np.uint64) -> np.uint64:
    """The 64 bits from a position on."""
    at, ahead = position >> _WORD_BITS, position & _U63
    bits: np.uint64 = (words[at] << ahead) | (words[at + _U1] >> _U1 >> (_U63 - ahead))
    return bits


@inner
def _count_zeros(words: NDArray[np.uint64], position: np.uint64, stop: np.uint64) -> np.uint64:
    """How many zeros follow, one by one: for the few that are more than a look at a time tells."""
    count = _U0
    while position < stop and (words[position >> _WORD_BITS] >> (_U63 - (position & _U63))) & _U1 == _U0:
        position += _U1
        count += _U1
    return count


@inner
def _decode_block(
    words: NDArray[np.uint64],
    position: np.uint64,
    stop: np.uint64,
    last: np.int32,
    low_bits: np.int32,
    out: NDArray[np.int16],
) -> tuple[np.uint64, np.int32]:
    """One block of one row of any sort; the position and the sample that it ends with."""
    if low_bits < 0:
        for column in range(out.size):
            out[column] = last
        return position, last
    for column in range(out.size):
        if position > stop:
            break
        if low_bits == _STORED:
            folded = np.int32(_bits_at(words, position) >> np.uint64(48))
            position += _FIRST_BITS
        else:
            count = _count_zeros(words, position, stop)
            position += count + _U1
            low = _bits_at(words, position) >> _U1 >> (_U63 - np.uint64(low_bits))
            folded = np.int32((count << np.uint64(low_bits)) | low)
            position += np.uint64(low_bits)
        last += (folded >> 1) ^ -(folded & 1)
        out[column] = last
    return position, last


@inner
def _decode_two(
    words: NDArray[np.uint64],
    positions: tuple[np.uint64, np.uint64],
    stops: tuple[np.uint64, np.uint64],
    lasts: tuple[np.int32, np.int32],
    low_bits: tuple[np.int32, np.int32],
    first_out: NDArray[np.int16],
    second_out: NDArray[np.int16],
) -> tuple[np.uint64, np.uint64, np.int32, np.int32]:
    """A block of each of two rows side by side: while one waits for where its next sample begins, the other goes on."""
    here, there = positions
    last_here, last_there = lasts
    low_here, low_there = np.uint64(low_bits[0]), np.uint64(low_bits[1])
    rest_here, rest_there = _U63 - low_here, _U63 - low_there
    for column in range(first_out.size):
        if here > stops[0] or there > stops[1]:
            break
        bits_here, bits_there = _bits_at(words, here), _bits_at(words, there)
        count_here = np.uint64(_ZEROS[bits_here >> _LOOK_SHIFT])
        count_there = np.uint64(_ZEROS[bits_there >> _LOOK_SHIFT])
        used_here, used_there = count_here, count_there
        if count_here == _LOOK:
            count_here, used_here = _count_zeros(words, here, stops[0]), _U0
            here += count_here
            bits_here = _bits_at(words, here)
        if count_there == _LOOK:
            count_there, used_there = _count_zeros(words, there, stops[1]), _U0
            there += count_there
            bits_there = _bits_at(words, there)
        low = (bits_here << (used_here + _U1)) >> _U1 >> rest_here
        folded = np.int32((count_here << low_here) | low)
        last_here += (folded >> 1) ^ -(folded & 1)
        first_out[column] = last_here
        low = (bits_there << (used_there + _U1)) >> _U1 >> rest_there
        folded = np.int32((count_there << low_there) | low)
        last_there += (folded >> 1) ^ -(folded & 1)
        second_out[column] = last_there
        here += used_here + _U1 + low_here
        there += used_there + _U1 + low_there
    return here, there, last_here, last_there


@part
def decode_rows(
    words: NDArray[np.uint64],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    block: int,
    out: NDArray[np.int16],
) -> int:
    """Decode all rows, two at a time, the last of an odd number beside itself.

    ``words`` hold the coded bytes, eight to a word, the first in the highest bits, with two words more than they need;
    ``starts`` and ``stops`` are the positions of each row's bytes among them, ``block`` the samples that share a number
    of low bits. Returns the first row of a pair whose bits do not reach, -1 if all do.
    """
    rows, columns = out.shape
    for row in range(0, rows, 2):
        other = min(row + 1, rows - 1)
        here, there = np.uint64(starts[row]) << np.uint64(3), np.uint64(starts[other]) << np.uint64(3)
        stop_here, stop_there = np.uint64(stops[row]) << np.uint64(3), np.uint64(stops[other]) << np.uint64(3)
        last_here = np.int32(_bits_at(words, here) >> np.uint64(48))
        last_there = np.int32(_bits_at(words, there) >> np.uint64(48))
        here += _FIRST_BITS
        there += _FIRST_BITS
        for start in range(0, columns, block):
            if here > stop_here or there > stop_there:
                return row
            stop = min(start + block, columns)
            low_here = np.int32(_bits_at(words, here) >> np.uint64(60)) - np.int32(1)
            low_there = np.int32(_bits_at(words, there) >> np.uint64(60)) - np.int32(1)
            here += _SIZE_BITS
            there += _SIZE_BITS
            out_here, out_there = out[row, start:stop], out[other, start:stop]
            if 0 <= low_here < _STORED and 0 <= low_there < _STORED:
                here, there, last_here, last_there = _decode_two(
                    words, (here, there), (stop_here, stop_there), (last_here, last_there), (low_here, low_there),
                    out_here, out_there,
                )  # fmt: skip
                continue
            here, last_here = _decode_block(words, here, stop_here, last_here, low_here, out_here)
            there, last_there = _decode_block(words, there, stop_there, last_there, low_there, out_there)
        if here > stop_here or there > stop_there:
            return row
    return -1
