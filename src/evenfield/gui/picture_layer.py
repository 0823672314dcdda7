"""One plane of numbers, ready to be looked at: smaller and smaller copies of it, statistics, histogram and profile."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.examine.stretch import Statistics, Stretch, automatic, bands, full_range, linear, statistics_of
from evenfield.model.pixels import Float32Array, Float64Array

BINS: Final = 256
_SMALLEST: Final = 64
"""A level whose longer side has no more pixels than that is the last one."""

_PROFILE_PIXELS: Final = 1024


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
        self.statistics = _of_counts(counts, full.dtype) if counts is not None else statistics_of(full)
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


def halved(plane: NDArray[Any]) -> Float32Array:
    """The means of 2 x 2 pixels, float32 ((rows + 1) // 2, (columns + 1) // 2); see `Layer` for NaN and odd sides."""
    rows, columns = plane.shape
    out = np.empty(((rows + 1) // 2, (columns + 1) // 2), np.float32)
    for band in bands(plane, multiple=2):
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
    for band in bands(plane):
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
    for band in bands(plane):
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
