"""What a flat or a light shows beside its smooth shade: the relief that dust and sharp edges leave, in cells.

A frame is read once. Cells of a few pixels (whole cells of the color mosaic) hold the frame over its own smooth
shade, minus 1; stars are masked. Beside it stands the pattern of single pixels in the middle of the frame, by which the
sensor itself is recognized: pixel response shows in flats and lights alike, whatever lies before the sensor.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Final

import numpy as np

from evenfield.errors import UsageError
from evenfield.examine.wavelets import robust_scatter, smooth
from evenfield.model.pixels import BoolArray, Float32Array, Float64Array

LEVELS: Final = 6
"""Smoothing levels whose sum is the relief: structures up to about 2^6 cells, twice the widest shadow promised."""

DEGREE: Final = 4
"""Degree of the polynomial that takes away vignetting and sky before smoothing, so that edges are not bent."""

FINE_UP_TO: Final = 16_000_000
"""Pixels up to which cells are as small as possible; larger frames take twice that, to hold time and memory."""

STAR_SCATTERS: Final = 4.0
"""A cell, or the mean of a neighborhood, so many scatters above its surroundings belongs to a star."""

PATTERN_SIDE: Final = 1024
"""Side of the middle of the frame whose single pixels are kept."""

CLIP_SCATTERS: Final = 4.0
"""Pixels of the pattern are held to so many scatters: hot pixels and stars weigh no more than others."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relief:
    """A frame, or the mean of several, over its smooth shade.

    Parameters
    ----------
    values : float32 array (cell rows, cell columns)
        The frame over its smooth shade, minus 1; 0 where nothing is known.
    weights : float32 array (cell rows, cell columns)
        Inverse variance of ``values`` from cell-to-cell noise; 0 where nothing is known (NaN, stars).
    pattern : float32 array (rows, columns)
        Single pixels of the middle beside their neighbors of the same color, in scatters, clipped; even sides.
    cell_px : int
        Pixels a side of a cell.
    shape : (int, int)
        Rows and columns of the frame.
    level_adu : float
        Median of the frame (mean of the medians of several).
    n_frames : int
    """

    values: Float32Array
    weights: Float32Array
    pattern: Float32Array
    cell_px: int
    shape: tuple[int, int]
    level_adu: float
    n_frames: int


def cell_size(shape: tuple[int, int], *, cfa: str | None = None) -> int:
    """Pixels a side of the cells for frames of a shape: 2, or 4 above 16 million pixels, or 6 for X-Trans."""
    if cfa is not None and len(cfa) == 36:
        return 6
    return 2 if shape[0] * shape[1] <= FINE_UP_TO else 4


def flat_relief(flat: Float32Array, *, cfa: str | None = None, cell_px: int | None = None) -> Relief:
    """The relief of a master flat.

    Parameters
    ----------
    flat : float32 array (rows, columns)
        The master, bias or dark flat subtracted, in ADU or relative; NaN is left out.
    cfa : str, optional
        The color pattern: 4 letters (Bayer) or 36 (X-Trans). Only the size of the mosaic counts.
    cell_px : int, optional
        Pixels a side of a cell, a multiple of the mosaic; default `cell_size`.
    """
    return _Gathering(cfa=cfa, cell_px=cell_px, stars=False).of((flat,))


def light_relief(lights: Iterable[Float32Array], *, cfa: str | None = None, cell_px: int | None = None) -> Relief:
    """The relief of lights that were not flat-fielded, taken one by one; their mean weighted by inverse variance.

    Parameters
    ----------
    lights : iterable of float32 arrays (rows, columns)
        Bias or dark subtracted, ADU, as the sensor gave them (not registered); NaN is left out. Stars are masked in
        each light; dithered lights fill each other's gaps.
    cfa, cell_px
        As those of `flat_relief`; equal cells are needed to compare.

    Raises
    ------
    UsageError
        If there is no light, or one is of another shape.
    """
    return _Gathering(cfa=cfa, cell_px=cell_px, stars=True).of(lights)


class _Gathering:
    """The sums over frames that make a relief."""

    def __init__(self, *, cfa: str | None, cell_px: int | None, stars: bool) -> None:
        self.mosaic = 1 if cfa in (None, "MONO") else round(len(cfa or "") ** 0.5)
        self.cfa, self.cell_px, self.stars = cfa, cell_px, stars

    def of(self, frames: Iterable[Float32Array]) -> Relief:
        """The relief of all frames."""
        total = weights = pattern = None
        shape: tuple[int, int] | None = None
        levels: list[float] = []
        cell = self.cell_px or 2
        for frame in frames:
            if shape is None:
                shape = (frame.shape[0], frame.shape[1])
                cell = self.cell_px or cell_size(shape, cfa=self.cfa)
            elif frame.shape != shape:
                raise UsageError(f"A frame has the shape {frame.shape}, the one before it {shape}.")
            cells, level = _cells(frame, cell, self.mosaic)
            values, weight = _relief(cells, self.stars)
            if total is None or weights is None or pattern is None:
                total, weights, pattern = values * weight, weight, _pattern(frame, self.mosaic)
            else:
                total += values * weight
                weights += weight
                pattern += _pattern(frame, self.mosaic)
            levels.append(level)
        if shape is None or total is None or weights is None or pattern is None:
            raise UsageError("There is no frame to look at.", mend="Give at least one.")
        known = weights > 0
        np.divide(total, weights, out=total, where=known)
        return Relief(
            values=total, weights=weights, pattern=pattern, cell_px=cell, shape=shape,
            level_adu=float(np.mean(levels)), n_frames=len(levels),
        )  # fmt: skip


def _cells(frame: Float32Array, cell: int, mosaic: int) -> tuple[Float32Array, float]:
    """Means of cells of the frame, each color plane over its own level; and the frame's level.

    Planes are weighted with their level, which is their inverse relative variance where photon noise rules. What does
    not fill a cell is cut off evenly on both sides, so that the middle of the cells is that of the frame.
    """
    rows, columns = (side // cell for side in frame.shape)
    top, left = (frame.shape[0] - rows * cell) // 2, (frame.shape[1] - columns * cell) // 2
    used = frame[top : top + rows * cell, left : left + columns * cell]
    # One 8th of the samples of each plane gives its level to far better than a percent.
    planes = [used[y :: mosaic * 4, x :: mosaic * 2] for y in range(mosaic) for x in range(mosaic)]
    levels = [_median(plane[np.isfinite(plane)]) for plane in planes]
    level = float(np.mean(levels))
    total = np.zeros((rows, columns), np.float32)
    if level > 0:
        for y in range(cell):
            for x in range(cell):
                total += used[y::cell, x::cell]
        total /= np.float32(level * cell * cell)
    else:
        total.fill(np.nan)
    return total, level


def _median(values: Float32Array) -> float:
    return float(np.median(values)) if values.size else 0.0


def _relief(cells: Float32Array, stars: bool) -> tuple[Float32Array, Float32Array]:
    """Values and weights of a `Relief` from cells of a level near 1; NaN cells get the weight 0."""
    good = np.isfinite(cells)
    if np.count_nonzero(good) < cells.size // 4:
        return np.zeros_like(cells), np.zeros_like(cells)
    shade = _polynomial(np.where(good, cells, np.float32(np.nan)))
    good &= shade > 0.02
    flat = np.where(good, cells / np.maximum(shade, np.float32(0.02)), np.float32(1.0))
    scatter = _cell_scatter(flat, good)
    values = flat - np.float32(1.0)
    for _ in range(3 if stars else 1):
        share = smooth(good.astype(np.float32), levels=LEVELS)
        np.maximum(share, np.float32(1e-3), out=share)
        around = smooth(np.where(good, flat, np.float32(0.0)), levels=LEVELS)
        around /= share
        np.maximum(around, np.float32(0.05), out=around)
        values = np.asarray(flat / around - np.float32(1.0), np.float32)
        if not stars:
            break
        # Stars also stand above the shade: beside deep shadows all the rest stands above its surroundings.
        above = np.minimum(values, flat - np.float32(1.0))
        good &= ~_stars(np.where(good, above, np.float32(0.0)), scatter)
    values[~good] = 0.0
    weights = np.where(good, shade / np.float32(max(scatter, 1e-6) ** 2), np.float32(0.0))
    return values, weights.astype(np.float32)


def _polynomial(cells: Float32Array) -> Float32Array:
    """The smooth shade of cells: a polynomial through medians of blocks, the highest residuals left out."""
    side = max(4, min(16, min(cells.shape) // 16))
    rows, columns = (n // side for n in cells.shape)
    blocks = cells[: rows * side, : columns * side].reshape(rows, side, columns, side).transpose(0, 2, 1, 3)
    some = np.sort(blocks.reshape(rows, columns, side * side), axis=2)  # NaN last
    n_good = np.count_nonzero(np.isfinite(some), axis=2)
    medians = np.take_along_axis(some, np.maximum(n_good // 2, 0)[:, :, None].clip(0, side * side - 1), axis=2)[:, :, 0]
    known = n_good > side * side // 4
    y, x = _axes(cells.shape)
    yb = y[: rows * side].reshape(rows, side).mean(axis=1)
    xb = x[: columns * side].reshape(columns, side).mean(axis=1)
    powers = [(i, j) for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
    ly, lx = (np.polynomial.legendre.legvander(axis, DEGREE) for axis in (yb, xb))
    design = np.stack([np.outer(ly[:, i], lx[:, j]) for i, j in powers], axis=-1)
    for _ in range(3):
        fit, *_rest = np.linalg.lstsq(design[known], medians[known].astype(np.float64), rcond=None)
        apart = medians - design @ fit
        limit = 3.0 * robust_scatter(apart[known])
        known &= np.abs(apart) <= max(limit, 1e-9)
        if np.count_nonzero(known) < 4 * len(powers):
            break
    table = np.zeros((DEGREE + 1, DEGREE + 1))
    for (i, j), value in zip(powers, fit, strict=True):
        table[i, j] = value
    fy, fx = (np.polynomial.legendre.legvander(axis, DEGREE) for axis in (y, x))
    shade: Float32Array = (fy @ table @ fx.T).astype(np.float32)
    return shade


def _axes(shape: tuple[int, ...]) -> tuple[Float64Array, Float64Array]:
    """Rows and columns as numbers from -1 to 1."""
    return np.linspace(-1.0, 1.0, shape[0]), np.linspace(-1.0, 1.0, shape[1])


def _cell_scatter(values: Float32Array, good: BoolArray) -> float:
    """Noise of a cell from differences of neighbors, in which shades and shadows do not count."""
    apart = (values[:, 1:] - values[:, :-1])[::2]
    both = (good[:, 1:] & good[:, :-1])[::2]
    return robust_scatter(apart[both]) / math.sqrt(2.0)


def _stars(values: Float32Array, scatter: float) -> BoolArray:
    """Cells that stars cover: bright singly or with their neighbors, and a cell around them."""
    from scipy import ndimage

    found: BoolArray = values > STAR_SCATTERS * scatter
    for side in (3, 7):
        mean = ndimage.uniform_filter(values, side)
        found |= mean > STAR_SCATTERS * scatter / side
    # A brighter star is wider.
    found |= ndimage.uniform_filter((values > 4 * STAR_SCATTERS * scatter).astype(np.float32), 7) > 1e-6
    grown: BoolArray = ndimage.binary_dilation(found, iterations=2)
    return grown


def _pattern(frame: Float32Array, mosaic: int) -> Float32Array:
    """Single pixels of the middle beside the four neighbors of their color, in scatters, clipped; no rows, columns."""
    step = mosaic
    height, width = (min(PATTERN_SIDE, (side - 4 * step) // 2 * 2) for side in frame.shape)
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    box = frame[top - step : top + height + step, left - step : left + width + step]
    middle = box[step:-step, step:-step]
    around = (box[: -2 * step, step:-step] + box[2 * step :, step:-step]) + (
        box[step:-step, : -2 * step] + box[step:-step, 2 * step :]
    )
    around = around * np.float32(0.25)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = middle / around - np.float32(1.0)
    apart = np.where(np.isfinite(apart) & (around > 0), apart, np.float32(0.0))
    scatter = robust_scatter(apart)
    if not scatter > 0:
        return np.zeros_like(apart)
    apart = np.clip(apart / np.float32(scatter), -CLIP_SCATTERS, CLIP_SCATTERS)
    # The bias leaves rows and columns in flats and lights alike, and a mirrored frame keeps half of them.
    apart -= apart.mean(axis=0, keepdims=True)
    apart -= apart.mean(axis=1, keepdims=True)
    return np.ascontiguousarray(apart, np.float32)
