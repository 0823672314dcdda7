"""Frames as grids of cells, one grid a color: the small statistics on which verdicts about the sky are made."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import UsageError
from evenfield.model.pixels import BoolArray, Float32Array, Float64Array

SMALLEST_BLOCK: Final = 12
"""Rows and columns of the smallest cell: two periods of an X-Trans sensor; dust shadows are larger."""

AIM_CELLS: Final = 36_000
"""A frame has about so many cells: 8 million pixels in cells of 16 x 16, which still show dust of 20 pixels' radius."""

LEAST_USED: Final = 0.5
"""Cells with a smaller share of usable pixels are dropped."""

SCATTER_CELLS: Final = 4
"""Rows and columns of cells whose variances are taken together: their median is known to 2 %."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Cells of ``block`` x ``block`` pixels, ``rows`` x ``columns`` of them; the first one begins at (top, left).

    ``pattern`` holds the color of each pixel of a period of the mosaic, row by row: ("",) for a mono frame.
    """

    shape: tuple[int, int]
    block: int
    top: int
    left: int
    rows: int
    columns: int
    pattern: tuple[str, ...]

    @property
    def period(self) -> int:
        """Pixels after which the mosaic repeats: 1, 2 or 6."""
        return math.isqrt(len(self.pattern))

    @property
    def colors(self) -> tuple[str, ...]:
        """The colors, red, green and blue first."""
        return tuple(sorted(set(self.pattern), key=lambda letter: ("RGB".find(letter) % 4, letter)))

    def places(self, color: str) -> BoolArray:
        """Which pixels of a period have a color, bool (period, period)."""
        return np.array([found == color for found in self.pattern]).reshape(self.period, self.period)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """One color of one frame.

    Parameters
    ----------
    color : str
        The letter of the mosaic, "" for a mono frame.
    grid : Grid
    value : float64 array (rows, columns)
        The mean of the usable pixels of each cell, ADU; NaN where fewer than half of them are usable.
    error : float64 array (rows, columns)
        Its standard error, from the scatter within cells; NaN where ``value`` is.
    used_share : float
        The share of the pixels that were used.
    error_is_limit : bool
        ``error`` holds the pixels' own response as well, so it is an upper limit.
    """

    color: str
    grid: Grid
    value: Float64Array
    error: Float64Array
    used_share: float
    error_is_limit: bool = False

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        self.value.flags.writeable = False
        self.error.flags.writeable = False


def cell_grid(shape: tuple[int, int], *, cfa: str | None = None, block: int | None = None) -> Grid:
    """The cells of a frame; what is left over at the edges is shared out on both sides.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the frame.
    cfa : str, optional
        The pattern row by row from the top left pixel, 4 letters (Bayer) or 36 (X-Trans); ``None`` or "MONO" is none.
    block : int, optional
        Rows and columns of a cell; rounded to a multiple of the mosaic's period. By default such that the frame has
        about `AIM_CELLS` cells.

    Raises
    ------
    UsageError
        If the pattern is none, or the frame has fewer than 4 x 4 cells.
    """
    pattern = ("",) if cfa is None or cfa.upper() == "MONO" else tuple(cfa.upper())
    if len(pattern) not in (1, 4, 36):
        raise UsageError(f"'{cfa}' is no CFA pattern.", mend="Pass 4 letters (RGGB) or 36 letters (X-Trans).")
    period = math.isqrt(len(pattern))
    wanted = max(SMALLEST_BLOCK, math.sqrt(shape[0] * shape[1] / AIM_CELLS)) if block is None else block
    side = max(1, round(wanted / period)) * period
    rows, columns = shape[0] // side, shape[1] // side
    if rows < 4 or columns < 4:
        raise UsageError(f"A frame of {shape[1]} x {shape[0]} has no 4 x 4 cells of {side} pixels.")
    top = (shape[0] - rows * side) // 2 // period * period
    left = (shape[1] - columns * side) // 2 // period * period
    return Grid(shape=shape, block=side, top=top, left=left, rows=rows, columns=columns, pattern=pattern)


def cell_sums(values: Float32Array, *, grid: Grid) -> Float64Array:
    """The sums over the pixels of each place of the mosaic's period in each cell of whole rows of cells.

    Parameters
    ----------
    values : float32 array (n * block, columns * block)
        No NaN; the part of the frame that cells cover.
    grid : Grid

    Returns
    -------
    float64 array (n, columns, period, period)
    """
    period, block = grid.period, grid.block
    n = values.shape[0] // block
    # Rows first: long additions of contiguous float32 of like size, at most `block / period` of them in a sum.
    tall = values.reshape(n, block // period, period, values.shape[1]).sum(axis=1, dtype=np.float32)
    wide = tall.reshape(n, period, grid.columns, block // period, period).sum(axis=3, dtype=np.float64)
    return np.ascontiguousarray(wide.transpose(0, 2, 1, 3))


def coarse_places(shape: tuple[int, int], *, side: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Edges of about square boxes that share out a frame, of ``side`` pixels or a little more."""
    rows, columns = max(1, shape[0] // side), max(1, shape[1] // side)
    return (
        np.linspace(0, shape[0], rows + 1).astype(np.int64),
        np.linspace(0, shape[1], columns + 1).astype(np.int64),
    )


def interpolation(centers: Float64Array, at: Float64Array) -> Float32Array:
    """The weights that interpolate values at ``centers`` linearly to ``at``, float32 (at, centers).

    Beyond the outer centers the outer pair is continued.
    """
    weights = np.zeros((at.size, centers.size), np.float32)
    if centers.size == 1:
        weights[:] = 1.0
        return weights
    right = np.clip(np.searchsorted(centers, at), 1, centers.size - 1)
    share = (at - centers[right - 1]) / (centers[right] - centers[right - 1])
    each = np.arange(at.size)
    weights[each, right - 1] = 1.0 - share
    weights[each, right] = share
    return weights


def fill_gaps(values: Float64Array) -> Float64Array:
    """The same with each NaN replaced by the median of what is finite (0 where nothing is)."""
    finite = np.isfinite(values)
    if finite.all():
        return values
    return np.where(finite, values, np.median(values[finite]) if finite.any() else 0.0)


def cells_of(
    sums: tuple[Float64Array, Float64Array, Float64Array], *, grid: Grid, background: dict[str, Float64Array]
) -> tuple[Cells, ...]:
    """Means and errors from sums over places.

    Parameters
    ----------
    sums : three float64 arrays (rows, columns, period, period)
        Number of usable pixels, sum of their deviations from the background, sum of the squares of these.
    grid : Grid
    background : dict of float64 arrays (rows, columns)
        What the deviations of each color deviate from, at the cells' centers.
    """
    made = []
    for color in grid.colors:
        here = grid.places(color)
        count, total, squares = (part[:, :, here].sum(axis=2) for part in sums)
        full = float(here.sum()) * (grid.block // grid.period) ** 2
        enough = count >= max(LEAST_USED * full, 2.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / count
            variance = (squares - count * mean * mean) / (count - 1.0)
            error = np.sqrt(_smooth_variance(np.where(enough, variance, np.nan), count) / count)
        made.append(
            Cells(
                color=color,
                grid=grid,
                value=np.where(enough, background[color] + mean, np.nan),
                error=np.where(enough, error, np.nan),
                used_share=float(count.sum() / (full * count.size)),
            )
        )
    return tuple(made)


def _smooth_variance(variance: Float64Array, count: Float64Array) -> Float64Array:
    """The variance of a pixel at each cell: medians of neighboring cells, interpolated.

    Not each cell's own: a cell with a faint star would be both too bright and of little weight. The median of a
    chi-square distribution of k degrees is ``k (1 - 2/(9 k))^3`` (Wilson & Hilferty 1931).
    """
    y, x = coarse_places(variance.shape, side=SCATTER_CELLS)
    coarse = np.full((y.size - 1, x.size - 1), np.nan)
    for i in range(y.size - 1):
        for j in range(x.size - 1):
            part = variance[y[i] : y[i + 1], x[j] : x[j + 1]]
            part = part[np.isfinite(part)]
            if part.size:
                coarse[i, j] = np.median(part)
    degrees = max(float(np.median(count[count > 1])) - 1.0, 1.0) if (count > 1).any() else 1.0
    coarse = fill_gaps(coarse) / (1.0 - 2.0 / (9.0 * degrees)) ** 3
    down = interpolation((y[:-1] + y[1:] - 1) / 2.0, np.arange(variance.shape[0], dtype=np.float64))
    along = interpolation((x[:-1] + x[1:] - 1) / 2.0, np.arange(variance.shape[1], dtype=np.float64))
    smooth: Float64Array = down.astype(np.float64) @ coarse @ along.T.astype(np.float64)
    return np.maximum(smooth, 0.25 * float(np.median(coarse)))
