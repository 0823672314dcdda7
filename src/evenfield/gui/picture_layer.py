"""One plane of numbers, ready to be looked at: smaller and smaller copies of it, statistics, histogram and profile."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.model.pixels import Float32Array, Float64Array

BINS: Final = 256
NO_VALUE: Final = 255
"""The shade of a pixel without a value; the others are 0 (black) to 254 (white)."""

_SMALLEST: Final = 64
"""A level whose longer side has no more pixels than that is the last one."""

_BAND: Final = 1 << 18
"""Pixels that are worked on at a time: they stay in the processor's cache."""

_SAMPLE: Final = 1_000_000
"""Values of a picture of floats from which percentiles are taken."""

_PROFILE_PIXELS: Final = 1024
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
class Histogram:
    """``counts`` int64 (256): values from ``start`` on in bins of ``width``, in the plane's unit.

    ``least`` and ``greatest`` are the ends of what is to be shown. For integers a bin holds equally many numbers each,
    so that the last bins may lie beyond ``greatest``.
    """

    counts: NDArray[np.int64]
    start: float
    width: float
    least: float
    greatest: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How bright a plane is along its sides, float64, in its unit; NaN where no pixel has a value.

    ``across`` is the mean of all rows and ``across_center`` that of the middle fiftieth of them, from the first column
    to the last; ``down`` and ``down_center`` are the same of columns, from the file's first row to its last. One number
    stands for ``pixels`` columns or rows of the file.
    """

    across: Float64Array
    across_center: Float64Array
    down: Float64Array
    down_center: Float64Array
    pixels: int


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


class Layer:
    """A plane with its pyramid.

    Parameters
    ----------
    full : array (rows, columns)
        uint8, uint16, int16 or float32 numbers of the file, in file order; kept as they are, a view is not copied.
    step : int
        The file's pixels between two of the plane in both directions: 1, or 2 for one color of a mosaic.
    first : tuple of int
        (x, y) of the plane's first pixel in the file, counted from 0.
    background : float
        The shade (0..1) that the automatic stretch gives to the median.

    Notes
    -----
    ``levels[0]`` is the plane, every further level (float32) has half as many rows and columns, rounded up: each
    pixel is the mean of those values of 2 x 2 pixels that are finite, NaN where none is.
    """

    def __init__(
        self, full: NDArray[Any], *, step: int = 1, first: tuple[int, int] = (0, 0), background: float = 0.25
    ) -> None:
        self.full = full
        self.step = step
        self.first = first
        self.background = background
        levels: list[NDArray[Any]] = [full]
        while max(levels[-1].shape) > _SMALLEST:
            levels.append(halved(levels[-1]))
        self.levels = tuple(levels)
        counts = _table_of_counts(full) if full.dtype.kind in "iu" else None
        self.statistics = _of_counts(counts, full.dtype) if counts is not None else _of_floats(full)
        low, high = self.statistics.least, self.statistics.greatest
        blank = self.statistics.blank > 0
        self.histogram = _histogram(full, counts, low=low, high=high, blank=blank)
        self.profile = _profile(self.levels, step=step)
        near = automatic(self.statistics, background=background)
        room = 0.1 * (near.white - near.black)
        low, high = max(low, near.black - room), min(high, near.white + room)
        self.main_histogram = _histogram(full, counts, low=low, high=high, blank=blank)

    @property
    def nbytes(self) -> int:
        """Bytes of the levels beside the plane itself."""
        return sum(level.nbytes for level in self.levels[1:])

    def place(self, column: int, row: int) -> tuple[int, int] | None:
        """The file's pixel, (column, row) from 0, that stands for that one here; ``None`` where there is none."""
        found = (column // self.step, row // self.step)
        if not (0 <= found[0] < self.full.shape[1] and 0 <= found[1] < self.full.shape[0]):
            return None
        return found[0] * self.step + self.first[0], found[1] * self.step + self.first[1]

    def value(self, column: int, row: int) -> int | float:
        """The number of the file's pixel (column, row), counted from 0, which must belong to the plane.

        An int for integers, else a float: NaN for a pixel without a value.
        """
        found = self.full[(row - self.first[1]) // self.step, (column - self.first[0]) // self.step].item()
        return found if isinstance(found, int) else float(found)

    def stretch(self, name: str) -> Stretch:
        """The stretch of a name: "linear", "full", else the automatic one."""
        if name == "linear":
            return linear(self.statistics)
        if name == "full":
            return full_range(self.statistics)
        return automatic(self.statistics, background=self.background)


def _bands(array: NDArray[Any], *, multiple: int = 1) -> Iterator[slice]:
    """Rows of an array in slices that fit the cache, each but the last with a multiple of so many rows."""
    rows = max(1, _BAND // array.shape[1] // multiple) * multiple
    for start in range(0, array.shape[0], rows):
        yield slice(start, min(start + rows, array.shape[0]))


def halved(plane: NDArray[Any]) -> Float32Array:
    """The means of 2 x 2 pixels, float32 ((rows + 1) // 2, (columns + 1) // 2); see `Layer` for NaN and odd sides."""
    rows, columns = plane.shape
    out = np.empty(((rows + 1) // 2, (columns + 1) // 2), np.float32)
    for band in _bands(plane, multiple=2):
        part = plane[band]
        if part.shape[0] % 2 or columns % 2:
            # The last pixel counts twice: the mean stays that of those that are there.
            part = np.pad(part, ((0, part.shape[0] % 2), (0, columns % 2)), mode="edge")
        out[band.start // 2 : (band.stop + 1) // 2] = _means_of_four(part)
    return out


def _means_of_four(part: NDArray[Any]) -> Float32Array | Float64Array:
    four = (part[0::2, 0::2], part[0::2, 1::2], part[1::2, 0::2], part[1::2, 1::2])
    if part.dtype.kind in "iu":
        whole = four[0].astype(np.int32)
        for one in four[1:]:
            whole += one
        means = np.empty(whole.shape, np.float32)
        np.multiply(whole, 0.25, out=means, casting="unsafe")
        return means
    with np.errstate(invalid="ignore", over="ignore"):
        sums: Float32Array = (four[0] + four[1]) + (four[2] + four[3])
    if np.isfinite(sums).all():
        sums *= np.float32(0.25)
        return sums
    stack = np.stack([one.astype(np.float64) for one in four])
    finite = np.isfinite(stack)
    count = finite.sum(axis=0)
    return _shared(np.where(finite, stack, 0.0).sum(axis=0), count)


def _table_of_counts(plane: NDArray[Any]) -> NDArray[np.int64]:
    """How often each number of the type occurs, from the least possible one on."""
    size = 1 << 8 * plane.dtype.itemsize
    counts = np.zeros(size, np.int64)
    for band in _bands(plane):
        part = plane[band].ravel()
        if part.dtype.kind == "i":
            part = part.astype(np.int32) - int(np.iinfo(plane.dtype).min)
        counts += np.bincount(part, minlength=size)
    return counts


def _of_counts(counts: NDArray[np.int64], dtype: np.dtype[Any]) -> Statistics:
    first = int(np.iinfo(dtype).min)
    found = np.flatnonzero(counts)
    total = np.cumsum(counts)
    valid = int(total[-1])

    def at(share: float) -> int:
        return int(np.searchsorted(total, math.floor(share * (valid - 1)), side="right"))

    median = at(0.5)
    deviations = np.bincount(np.abs(np.arange(counts.size) - median)[found], weights=counts[found])
    mad = int(np.searchsorted(np.cumsum(deviations), math.floor(0.5 * (valid - 1)), side="right"))
    return Statistics(
        valid=valid,
        blank=0,
        least=float(found[0] + first),
        greatest=float(found[-1] + first),
        median=float(median + first),
        mad=float(mad),
        percentiles=(
            float(at(0.0001) + first),
            float(at(0.001) + first),
            float(at(0.999) + first),
            float(at(0.9999) + first),
        ),
    )


def _of_floats(plane: NDArray[Any]) -> Statistics:
    valid, least, greatest = 0, math.inf, -math.inf
    for band in _bands(plane):
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


def _histogram(
    plane: NDArray[Any], counts: NDArray[np.int64] | None, *, low: float, high: float, blank: bool
) -> Histogram:
    """The values between two, which count; 256 bins from the lower one on. ``blank``: some pixels have no value."""
    if counts is not None:
        first = int(np.iinfo(plane.dtype).min)
        start, stop = math.floor(low), math.ceil(high)
        size = max(1, -(-(stop - start + 1) // BINS))
        inside = np.zeros(BINS * size, np.int64)
        inside[: stop - start + 1] = counts[start - first : stop - first + 1]
        binned = inside.reshape(BINS, size).sum(axis=1)
        return Histogram(counts=binned, start=float(start), width=float(size), least=start, greatest=stop)
    begin, width = low, (high - low) / BINS
    if not width > 0:
        room = max(0.5, abs(low) * 1e-3)
        begin, width = low - room, 2 * room / BINS
    # Bins 0 and 257 take what lies below and above.
    binned = np.zeros(BINS + 2, np.int64)
    for band in _bands(plane):
        part = plane[band].ravel()
        if blank:
            part = part[np.isfinite(part)]
        place = part.astype(np.float64)
        place -= begin
        place /= width
        np.floor(place, out=place)
        np.clip(place, -1, BINS, out=place)
        # The greatest value of all belongs to the last bin, whose end it is.
        place[part == high] = min(BINS - 1, math.floor((high - begin) / width))
        place += 1
        binned += np.bincount(place.astype(np.uint16), minlength=BINS + 2)
    binned = binned[1:-1].copy()
    return Histogram(counts=binned, start=begin, width=width, least=begin, greatest=begin + BINS * width)


def _profile(levels: tuple[NDArray[Any], ...], *, step: int) -> Profile:
    """The profile of the first level that is small enough: means of means are means."""
    index = next(place for place, level in enumerate(levels) if max(level.shape) <= _PROFILE_PIXELS)
    level = levels[index].astype(np.float64)
    rows, columns = level.shape
    half_rows, half_columns = rows // 100, columns // 100
    return Profile(
        across=_means(level, axis=0),
        across_center=_means(level[rows // 2 - half_rows : rows // 2 + half_rows + 1], axis=0),
        down=_means(level, axis=1),
        down_center=_means(level[:, columns // 2 - half_columns : columns // 2 + half_columns + 1], axis=1),
        pixels=step << index,
    )


def _means(values: Float64Array, *, axis: int) -> Float64Array:
    """The means of finite values, NaN where there is none."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    return _shared(np.where(finite, values, 0.0).sum(axis=axis), count)


def _shared(sums: Float64Array, count: NDArray[np.int64]) -> Float64Array:
    """Sums over counts, NaN where nothing was counted."""
    means = np.full(sums.shape, np.nan)
    np.divide(sums, count, out=means, where=count > 0)
    return means
