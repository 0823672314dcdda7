"""A frame in small: cells of averaged pixels for a picture and its profiles, and a sample of its values.

A frame is read once, in bands; of a large one some rows are left out, evenly, so that looking at a master costs little
beside making it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evenfield.model.pixels import Float32Array, Float64Array

MOST_PIXELS: Final = 4_000_000
"""Pixels that are read of one frame at most, unless each row of cells needs more for one row of pixels (or one period
of a mosaic): of 26 MP two rows in fourteen.
"""

LONGEST: Final = 480
"""Cells of the longer side: a picture as wide as a phone, or two beside each other on a desk."""

RINGS: Final = 40
"""Rings of the radial profile: each is 1/40 of the half diagonal wide, over two per cent of the frame's height."""

_VALUES: Final = 150_000
"""Values that are kept for the histogram: the share in a bin of a hundredth is then known within 2.6 % of it."""

_TOGETHER: Final = 1 << 18
"""Pixels that are read together: they stay in the processor's cache."""

_CENTER: Final = 0.1
"""The part of each side, around the middle, whose mean is the level at the center."""

_STRIP: Final = 0.02
"""The part of the other side over which a section across the frame is averaged: noise down, dust still there."""

ReadRows: TypeAlias = Callable[[int, int], Float32Array]
"""Gives the rows from one (inclusive) to another (exclusive) as float32 true values, NaN where there is none."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A frame in small.

    ``shape`` is that of the frame (rows, columns). ``cells`` float32 (rows, columns) are means of blocks of pixels over
    all colors, in file order, NaN where no pixel has a value; ``colors`` the same for each color of a Bayer mosaic
    ("R", "G1", "G2", "B"), and nothing for other frames. ``values`` is a sample of the pixels, ``shares`` that of each
    color. ``rows_read`` is the share of the rows that was looked at.
    """

    shape: tuple[int, int]
    cells: Float32Array
    colors: dict[str, Float32Array]
    values: Float32Array
    color_values: dict[str, Float32Array]
    rows_read: float

    def center(self, color: str | None = None) -> float:
        """The mean of the middle tenth (of each side), NaN where it has no value."""
        cells = self.cells if color is None else self.colors[color]
        rows, columns = cells.shape
        high, wide = max(1, round(_CENTER * rows / 2)), max(1, round(_CENTER * columns / 2))
        box = cells[max(0, rows // 2 - high) : rows // 2 + high, max(0, columns // 2 - wide) : columns // 2 + wide]
        found = box[np.isfinite(box)]
        return float(found.mean(dtype=np.float64)) if found.size else math.nan


def sketch_frame(read: ReadRows, *, shape: tuple[int, int], cfa: str | None = None, longest: int = LONGEST) -> Sketch:
    """Reduce a frame to a sketch.

    Parameters
    ----------
    read : ReadRows
        Asked for bands of rows, from the first on; some are left out where the frame is large.
    shape : tuple of int
        (rows, columns) of the frame.
    cfa : str, optional
        The color pattern at the first pixel. Four letters of a Bayer pattern are kept apart; of an X-Trans pattern
        whole periods are averaged.
    longest : int
        Cells that the longer side has at most.

    Returns
    -------
    Sketch
        NaN and infinite pixels count nowhere.
    """
    rows, columns = shape
    bayer = bayer_places(cfa) if min(shape) >= 2 else {}
    period = 2 if bayer else 6 if cfa is not None and len(cfa) == 36 and min(shape) >= 6 else 1
    step = period * max(1, math.ceil(max(shape) / longest / period))
    most_rows = max(period, MOST_PIXELS // columns)
    # Of each row of cells, so many rows of pixels are read: whole periods of the mosaic.
    high = min(step, period * max(1, most_rows // max(1, math.ceil(rows / step)) // period))
    bands = _bands(shape, step, high, period)
    keep = max(1, math.ceil(sum(n * taken for _, n, taken in bands) * columns / _VALUES))
    whole: list[Float32Array] = []
    colors: dict[str, list[Float32Array]] = {color: [] for color in bayer}
    values: list[Float32Array] = []
    color_values: dict[str, list[Float32Array]] = {color: [] for color in bayer}
    done = 0
    for start, n, taken in bands:
        groups = read(start, start + n * taken).reshape(n, taken, columns)
        kept = groups[(keep // 2 - done) % keep :: keep] if n * len(bands) >= keep else groups
        values.append(kept.reshape(-1))
        for color, (row, column) in bayer.items():
            colors[color].append(_cell_rows(groups[:, row::2, column::2], step // 2))
            color_values[color].append(kept[:, row::2, column::2].reshape(-1))
        whole.append(_cell_rows(groups, step))
        done += n
    return Sketch(
        shape=shape,
        cells=np.concatenate(whole),
        colors={color: np.concatenate(lines) for color, lines in colors.items()},
        values=_finite(values),
        color_values={color: _finite(parts) for color, parts in color_values.items()},
        rows_read=sum(n * taken for _, n, taken in bands) / rows,
    )


def bayer_places(cfa: str | None) -> dict[str, tuple[int, int]]:
    """Color -> (row, column) of its first pixel; G1 stands in the rows of red. Nothing for other patterns."""
    if cfa is None or len(cfa) != 4 or sorted(cfa) != ["B", "G", "G", "R"]:
        return {}
    red, blue = cfa.index("R"), cfa.index("B")
    if {cfa[red ^ 1], cfa[blue ^ 1]} != {"G"}:
        return {}
    return {color: divmod(at, 2) for color, at in (("R", red), ("G1", red ^ 1), ("G2", blue ^ 1), ("B", blue))}


def _finite(parts: list[Float32Array]) -> Float32Array:
    values = np.concatenate(parts) if parts else np.empty(0, np.float32)
    return values[np.isfinite(values)]


def _bands(shape: tuple[int, int], step: int, high: int, period: int) -> list[tuple[int, int, int]]:
    """What is read at a time: first row, number of groups, and rows of each group.

    Groups that lie side by side are read together, some hundred thousand pixels. A rest of rows at the end that is
    smaller than a group is one of its own.
    """
    rows, columns = shape
    n_groups = rows // step
    together = max(1, _TOGETHER // (step * columns)) if high == step else 1
    bands = [(first * step, min(together, n_groups - first), high) for first in range(0, n_groups, together)]
    # Whole periods of the mosaic only; a frame of less than one group is that rest alone.
    rest = min(high, (rows - n_groups * step) // period * period)
    if rest and (rest * 2 >= high or not bands):
        bands.append((n_groups * step, 1, rest))
    return bands


def _cell_rows(groups: Float32Array, step: int) -> Float32Array:
    """(groups, rows, columns) to (groups, cells): means of all rows and ``step`` columns; the last cell may be less."""
    n, rows, columns = groups.shape
    starts = np.arange(0, columns, step)
    counts = np.minimum(starts + step, columns) - starts
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.add.reduceat(groups.sum(axis=1, dtype=np.float32), starts, axis=1, dtype=np.float64)
        if np.isfinite(sums).all():
            return np.asarray(sums / (counts * rows), np.float32)
    finite = np.isfinite(groups)
    sums = np.add.reduceat(np.where(finite, groups, 0.0).sum(axis=1, dtype=np.float64), starts, axis=1)
    valid = np.add.reduceat(finite.sum(axis=1), starts, axis=1)
    means = np.full((n, starts.size), np.nan)
    np.divide(sums, valid, out=means, where=valid > 0)
    return means.astype(np.float32)


def ring_means(cells: Float32Array, *, shape: tuple[int, int], rings: int = RINGS) -> tuple[Float64Array, Float64Array]:
    """The radial profile around the middle of the frame.

    Parameters
    ----------
    cells : float32 array (rows, columns)
        Cells of a sketch; those that are not finite are left out.
    shape : tuple of int
        (rows, columns) of the frame, which tells how wide a cell is.
    rings : int

    Returns
    -------
    tuple of float64 arrays (rings,)
        The middles of the rings as a share of the half diagonal, and the means of their cells, NaN where there is none.
    """
    rows, columns = cells.shape
    y = (np.arange(rows) + 0.5) / rows * shape[0] - shape[0] / 2
    x = (np.arange(columns) + 0.5) / columns * shape[1] - shape[1] / 2
    radius = np.hypot(y[:, None], x[None, :]) / (0.5 * math.hypot(*shape))
    place = np.minimum((radius * rings).astype(np.int64), rings - 1)
    finite = np.isfinite(cells)
    count = np.bincount(place[finite], minlength=rings)
    sums = np.bincount(place[finite], weights=cells[finite].astype(np.float64), minlength=rings)
    means = np.full(rings, np.nan)
    np.divide(sums, count, out=means, where=count > 0)
    return (np.arange(rings) + 0.5) / rings, means


def sections(cells: Float32Array) -> dict[str, tuple[Float64Array, Float64Array]]:
    """Sections through the middle of the frame: name -> (place as a share of the way, value), float64, NaN for gaps.

    "across" and "down" are means over the middle two per cent of the rows and columns; the diagonals go from one corner
    to the other, each value the mean of three cells side by side.
    """
    rows, columns = cells.shape
    high, wide = max(1, round(_STRIP * rows / 2)), max(1, round(_STRIP * columns / 2))
    row, column = rows // 2, columns // 2
    found = {
        "across": _means(cells[max(0, row - high) : row + high], axis=0),
        "down": _means(cells[:, max(0, column - wide) : column + wide], axis=1),
    }
    count = max(rows, columns)
    down = np.linspace(0, rows - 1, count).round().astype(np.int64)
    right = np.linspace(0, columns - 1, count).round().astype(np.int64)
    for name, at in (("falling diagonal", right), ("rising diagonal", right[::-1])):
        beside = [cells[down, np.clip(at + shift, 0, columns - 1)] for shift in (-1, 0, 1)]
        found[name] = _means(np.stack(beside), axis=0)
    return {name: ((np.arange(values.size) + 0.5) / values.size, values) for name, values in found.items()}


def _means(cells: NDArray[np.float32], *, axis: int) -> Float64Array:
    finite = np.isfinite(cells)
    count = finite.sum(axis=axis)
    means = np.full(count.shape, np.nan)
    np.divide(np.where(finite, cells, 0.0).sum(axis=axis, dtype=np.float64), count, out=means, where=count > 0)
    return means
