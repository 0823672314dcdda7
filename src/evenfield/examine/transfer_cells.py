"""A frame cut into small squares of pixels of one color, and the moments of each square without its outliers.

A square ("cell") is so small that light, glow and vignetting hardly change within it, and holds so many pixels that its
scatter means something. What is known of a frame afterwards is a few numbers a cell, whatever the frame's size.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import UsageError
from evenfield.model.pixels import Float32Array, Float64Array

SIDE: Final = 16
"""Pixels of one color along a cell's side: 256 pixels tell a scatter to 4 %, and light changes little over them."""

SIDE_X_TRANS: Final = 8
"""The same for patterns of 6 x 6: a cell of them already spans 48 pixels of the frame."""

MOST_PIXELS: Final = 1 << 23
"""So many pixels are cut out at most: 8 million tell a gain to 1e-4, and more would only cost memory."""

CLIP_SCATTERS: Final = 5.0
"""Pixels beyond so many scatters of their cell are left out: 1.5e-5 of a normal variance lies there."""

MAD_FACTOR: Final = 1.4826

WHOLE: Final = ""
"""The color of frames without a mosaic."""

STEP_SAMPLES: Final = 1 << 16
STEP_SHARE: Final = 0.999
"""The converter's step must divide the distances of so many of the samples: a few may be at the top of the range."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellGrid:
    """Where the cells of a frame lie.

    ``shape`` is that of the frame; ``period`` that of the color pattern; ``side`` pixels of one color along a cell;
    ``stride``: of so many rows of cells one is taken. ``names`` are the colors, ``color`` (int, (n_cells,)) the index
    of each cell's color, ``row`` and ``column`` (float64, (n_cells,)) its middle in pixels of the frame.
    """

    shape: tuple[int, int]
    period: int
    side: int
    stride: int
    names: tuple[str, ...]
    color: NDArray[np.int64]
    row: Float64Array
    column: Float64Array

    @property
    def n_cells(self) -> int:
        """How many cells there are."""
        return int(self.color.size)

    def cut(self, frame: NDArray[Any]) -> Float32Array:
        """The pixels of each cell, float32 (n_cells, side * side), a copy; what the cells leave over is dropped.

        Raises
        ------
        UsageError
            If the frame has another shape.
        """
        if frame.shape != self.shape:
            raise UsageError(f"A frame has the shape {frame.shape}, the others {self.shape}.")
        made = np.empty((self.n_cells, self.side * self.side), np.float32)
        at = 0
        for place in range(self.period * self.period):
            part = frame[place // self.period :: self.period, place % self.period :: self.period]
            across = part.shape[1] // self.side
            for start in self._starts(part.shape[0]):
                band = part[start : start + self.side, : across * self.side]
                cells = band.reshape(self.side, across, self.side).transpose(1, 0, 2)
                made[at : at + across].reshape(across, self.side, self.side)[...] = cells
                at += across
        return made

    def _starts(self, rows: int) -> range:
        return range(0, rows // self.side * self.side, self.side * self.stride)


def cell_grid(shape: tuple[int, int], *, cfa: str | None = None, most_pixels: int = MOST_PIXELS) -> CellGrid:
    """Cut frames of a shape into cells.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the frames.
    cfa : str, optional
        The color pattern row by row from the top left pixel, 4 or 36 letters; equal letters are one color.
    most_pixels : int
        Of larger frames every second, third ... row of cells is taken.

    Raises
    ------
    UsageError
        If the pattern has neither 4 nor 36 letters, or a frame is smaller than a cell.
    """
    pattern = WHOLE if cfa is None or cfa.upper() == "MONO" else cfa.upper()
    period = {0: 1, 4: 2, 36: 6}.get(len(pattern))
    if period is None:
        raise UsageError(f"'{cfa}' is no CFA pattern.", mend="Pass 4 letters (RGGB) or 36 letters (X-Trans).")
    side = SIDE_X_TRANS if period == 6 else SIDE
    stride = max(1, math.ceil(shape[0] * shape[1] / most_pixels))
    names = tuple(sorted(set(pattern), key=lambda letter: ("RGB".find(letter) % 4, letter))) or (WHOLE,)
    colors, rows, columns = [], [], []
    for place in range(period * period):
        top, left = place // period, place % period
        n_rows = len(range(top, shape[0], period)) // side
        n_columns = len(range(left, shape[1], period)) // side
        middle_y = top + (np.arange(0, n_rows, stride) + 0.5) * side * period
        middle_x = left + (np.arange(n_columns) + 0.5) * side * period
        rows.append(np.repeat(middle_y, n_columns))
        columns.append(np.tile(middle_x, middle_y.size))
        colors.append(np.full(rows[-1].size, names.index(pattern[place]) if pattern else 0, np.int64))
    color = np.concatenate(colors)
    if not color.size:
        raise UsageError(f"A frame of {shape[0]} x {shape[1]} pixels is smaller than a cell of {side * period}.")
    return CellGrid(
        shape=shape, period=period, side=side, stride=stride, names=names, color=color,
        row=np.concatenate(rows), column=np.concatenate(columns),
    )  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellMoments:
    """Of each cell (n_cells,): how many pixels count, their mean, and the sum of squares about it; 0 where none does.

    ``left_out`` (bool, (n_cells, pixels)) is True at outliers and at NaN. Of a cell that has lost more than half of
    its pixels, none counts.
    """

    count: Float64Array
    mean: Float64Array
    squares: Float64Array
    left_out: NDArray[np.bool_]


def cell_moments(values: Float32Array, *, step_adu: float = 0.0) -> CellMoments:
    """The moments of each cell, without pixels beyond `CLIP_SCATTERS` scatters of the cell's median.

    Parameters
    ----------
    values : float32 array (n_cells, pixels)
        NaN is no data.
    step_adu : float
        The converter's step: half of it is added to the median deviation, which rounding makes uncertain by that much.
    """
    middle = _half_way(values)
    apart = values - middle[:, None]
    limit = CLIP_SCATTERS * MAD_FACTOR * (_half_way(np.abs(apart)) + np.float32(0.5 * step_adu))
    with np.errstate(invalid="ignore"):
        left_out = ~(np.abs(apart) <= limit[:, None])
    apart[left_out] = 0.0
    count = values.shape[1] - left_out.sum(axis=1).astype(np.float64)
    some = np.maximum(count, 1.0)
    mean = apart.sum(axis=1, dtype=np.float64) / some
    squares = np.einsum("ij,ij->i", apart, apart, dtype=np.float64) - count * mean * mean
    return CellMoments(
        count=count, mean=np.where(count > 0, mean + middle, 0.0), squares=np.maximum(squares, 0.0), left_out=left_out
    )


def _half_way(values: Float32Array) -> Float32Array:
    """The value half-way up each cell, NaN counting as greater than all others."""
    half = values.shape[1] // 2
    found: Float32Array = np.partition(values, half, axis=1)[:, half]
    return found


def find_step(values: NDArray[Any]) -> float | None:
    """The converter's step: the greatest integer that divides the distances of nearly all values.

    12-bit converters that a driver multiplies by 16 have 16, 14-bit ones times 4 have 4.

    Parameters
    ----------
    values : array
        Raw ADU; what is not finite is left out.

    Returns
    -------
    float or None
        0 where values are no integers: nothing was rounded, or nobody knows how. ``None`` where all are equal.
    """
    flat = np.asarray(values).reshape(-1)
    # A stride that shares no factor with common row lengths meets all columns.
    some = flat[:: (flat.size // STEP_SAMPLES) | 1].astype(np.float64)
    found, counts = np.unique(some[np.isfinite(some)], return_counts=True)
    if found.size == 0 or (found != np.rint(found)).mean() > 1.0 - STEP_SHARE:
        return 0.0 if found.size else None
    # Rare values go first, as those at the top of the range, which need not be a multiple of the step.
    order = np.argsort(counts, kind="stable")[::-1]
    enough = int(np.searchsorted(np.cumsum(counts[order]), STEP_SHARE * counts.sum())) + 1
    kept = np.sort(found[order[:enough]]).astype(np.int64)
    if kept.size < 2:
        return None
    return float(np.gcd.reduce(np.diff(kept)))
