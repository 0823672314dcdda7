"""How values become shades of gray: what is shown of a picture whose numbers no screen can tell apart."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.model.pixels import Float64Array

NO_VALUE: Final = 255
"""The shade of a pixel without a value; the others are 0 (black) to 254 (white)."""

BAND: Final = 1 << 18
"""Pixels that are worked on at a time: they stay in the processor's cache."""

_SAMPLE: Final = 1_000_000
"""Values of a picture of floats from which percentiles are taken."""

_SIGMAS_BELOW: Final = 2.8  # shadows of a screen transfer function, in standard deviations below the median
_SIGMA_OF_MAD: Final = 1.4826
_STEPS: Final = 65536
"""Values from black to white that are told apart: a faint sky lies within a thousandth of the range up to a star."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Numbers of all values of a plane, in its own unit; NaN and infinite pixels count in ``blank`` alone.

    ``least`` and ``greatest`` are exact; ``median``, ``mad`` (median of the deviations from it) and the percentiles
    are exact for 16-bit integers, and those of about a million pixels for floats. All are 0 where no pixel has a value.
    """

    valid: int
    blank: int
    least: float = 0.0
    greatest: float = 0.0
    median: float = 0.0
    mad: float = 0.0
    percentiles: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Of 0.01, 0.1, 99.9 and 99.99 percent."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """How values become shades: ``black`` and below is black, ``white`` and above white, in the plane's unit.

    ``balance`` (0..1) is where between the two the middle gray lies; 0.5 is a straight line.
    """

    black: float
    white: float
    balance: float = 0.5

    @property
    def midtone(self) -> float:
        """The value that becomes middle gray."""
        return self.black + self.balance * (self.white - self.black)


def midtones(share: Float64Array, balance: float) -> Float64Array:
    """The midtones transfer function of PixInsight: 0 to 0, ``balance`` to 0.5, 1 to 1; values of 0..1."""
    return np.divide((balance - 1) * share, (2 * balance - 1) * share - balance)


def automatic(numbers: Statistics, *, background: float = 0.25) -> Stretch:
    """The stretch that shows faint things: the median becomes the shade ``background`` (0..1).

    As screen transfer functions do, black lies 2.8 standard deviations (of the MAD) below the median. It is never
    below the least values, and white is at the 99.99th percentile, so that a flat's small range fills the shades and
    single hot pixels do not matter.
    """
    lowest, highest = numbers.percentiles[0], numbers.percentiles[3]
    black = max(lowest, numbers.median - _SIGMAS_BELOW * _SIGMA_OF_MAD * numbers.mad)
    white = max(highest, numbers.median + _SIGMAS_BELOW * _SIGMA_OF_MAD * numbers.mad)
    if not white > black:
        black, white = numbers.least, numbers.greatest
    if not white > black:
        return full_range(numbers)
    share = (numbers.median - black) / (white - black)
    if not 0 < share < 1:
        return Stretch(black=black, white=white)
    balance = share * (background - 1) / (share * (2 * background - 1) - background)
    return Stretch(black=black, white=white, balance=min(max(balance, 1e-4), 1 - 1e-4))


def linear(numbers: Statistics) -> Stretch:
    """A straight line from the 0.1th to the 99.9th percentile."""
    _, low, high, _ = numbers.percentiles
    return Stretch(black=low, white=high) if high > low else full_range(numbers)


def full_range(numbers: Statistics) -> Stretch:
    """A straight line from the least to the greatest value; a constant picture becomes middle gray."""
    if numbers.greatest > numbers.least:
        return Stretch(black=numbers.least, white=numbers.greatest)
    room = max(0.5, abs(numbers.least) * 1e-3)
    return Stretch(black=numbers.least - room, white=numbers.least + room)


def shades(values: NDArray[Any], stretch: Stretch) -> NDArray[np.uint8]:
    """Values (any shape) of a plane or level as shades, uint8: 0..254, or `NO_VALUE` for NaN and infinite ones."""
    if values.dtype.kind in "iu":
        table = _integer_table(stretch, values.dtype.str)
        return np.take(table, values.view(f"u{values.dtype.itemsize}"))
    place = values.astype(np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        place -= np.float32(stretch.black)
        place *= np.float32((_STEPS - 1) / (stretch.white - stretch.black))
        np.clip(place, 0, _STEPS - 1, out=place)
        blank = ~np.isfinite(values)
        place[blank] = 0
    found = np.take(_table(stretch), place.astype(np.uint16))
    found[blank] = NO_VALUE
    return found


@functools.lru_cache(maxsize=16)
def _table(stretch: Stretch) -> NDArray[np.uint8]:
    share = np.linspace(0.0, 1.0, _STEPS)
    return _whole_shades(share, stretch.balance)


@functools.lru_cache(maxsize=16)
def _integer_table(stretch: Stretch, dtype: str) -> NDArray[np.uint8]:
    """A shade for each number of 8 or 16 bits, by the bits it is stored in."""
    kind = np.dtype(dtype)
    bits = np.arange(1 << 8 * kind.itemsize, dtype=f"u{kind.itemsize}")
    share = (bits.view(kind).astype(np.float64) - stretch.black) / (stretch.white - stretch.black)
    return _whole_shades(np.clip(share, 0, 1), stretch.balance)


def _whole_shades(share: Float64Array, balance: float) -> NDArray[np.uint8]:
    return np.rint(midtones(share, balance) * (NO_VALUE - 1)).astype(np.uint8)


def bands(array: NDArray[Any], *, multiple: int = 1) -> Iterator[slice]:
    """Rows of an array in slices that fit the cache, each but the last with a multiple of so many rows."""
    rows = max(1, BAND // array.shape[1] // multiple) * multiple
    for start in range(0, array.shape[0], rows):
        yield slice(start, min(start + rows, array.shape[0]))


def statistics_of(plane: NDArray[Any]) -> Statistics:
    """The numbers of a plane of floats (rows, columns)."""
    valid, least, greatest = 0, math.inf, -math.inf
    for band in bands(plane):
        part = plane[band]
        finite = np.isfinite(part)
        count = int(np.count_nonzero(finite))
        values = part if count == part.size else part[finite]
        valid += count
        if count:
            least, greatest = min(least, float(values.min())), max(greatest, float(values.max()))
    if not valid:
        return Statistics(valid=0, blank=plane.size)
    # No step that shares a factor with 6 would take all colors of a mosaic.
    steps = (1, 5, 7, 11, 13, 17, 19, 23, 25, 29, 31)
    step = next((one for one in steps if plane.size / one**2 <= 1.2 * _SAMPLE), steps[-1])
    sample = plane[::step, ::step] if min(plane.shape) >= step else plane.reshape(-1)[::step]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        sample = plane[np.isfinite(plane)]
    lowest, low, median, high, highest = np.percentile(sample, (0.01, 0.1, 50, 99.9, 99.99)).tolist()
    mad = float(np.median(np.abs(sample - np.float32(median))))
    return Statistics(
        valid=valid,
        blank=plane.size - valid,
        least=least,
        greatest=greatest,
        median=median,
        mad=mad,
        percentiles=(lowest, low, high, highest),
    )
