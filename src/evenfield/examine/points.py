"""Stars in flats: points of light that are in one flat and not in the next."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np

from evenfield.examine.grids import MAD_FACTOR
from evenfield.model.mosaic import color_cells, period_of
from evenfield.model.pixels import Float32Array, Float64Array

SURE: Final = 7.0
"""Standard errors of a point: 100 million places make none by chance."""

REST_SURE: Final = 6.0
"""Standard errors that are left of it without its brightest pixel: of hot pixels and most cosmic rays nothing is."""

LIT_SURE: Final = 5.0
"""Standard errors of its own light: what only stands beside a star of the other flat has none."""

CORE: Final = 1
"""A point is the sum of 3 x 3 pixels ..."""

SURROUND: Final = 4
"""... above the mean of 9 x 9: what is wider is no star."""

MARGIN: Final = 8
"""Rows that a band needs beyond those in which points are looked for."""

MOST_LONG: Final = 3.0
"""Ratio of the axes from which on it is an edge, of dust that moved."""

MOST_POINTS: Final = 2000
"""With more candidates the flats differ by something else."""

SAMPLE: Final = 1 << 16


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """How many points of light the first of two flats has that the second has not, and the other way round."""

    first: int
    second: int


def moving_points(first: Float32Array, second: Float32Array, *, cfa: str | None) -> Points:
    """Count the points of light in which two flats of one set differ.

    Parameters
    ----------
    first, second : float32 arrays (rows, columns)
        The same rows of two flats, ADU; their patterns cancel, their levels may differ. The outermost `MARGIN` rows
        and columns only serve as neighbors.
    cfa : str, optional
        The pattern from the first pixel. Pixels of a mosaic are put together to squares of 2 x 2 (X-Trans: 3 x 3), the
        colors brought to one level.

    Notes
    -----
    The difference is summed over 3 x 3 pixels above the mean of 9 x 9, ``8 sigma^2`` in variance, where ``sigma`` is
    the noise of the difference, which goes with the root of the level.
    """
    one, other = _squares(first, cfa), _squares(second, cfa)
    if min(one.shape) <= 2 * MARGIN:
        return Points(first=0, second=0)
    apart = one - other
    some = apart.reshape(-1)[:: max(1, apart.size // SAMPLE)]
    some = some[np.isfinite(some)]
    scatter = MAD_FACTOR * float(np.median(np.abs(some - np.median(some)))) if some.size else 0.0
    if scatter <= 0:
        return Points(first=0, second=0)
    apart = np.nan_to_num(apart - np.float32(np.median(some)), copy=False, nan=0.0)
    level = _box(np.nan_to_num(other, nan=1.0), SURROUND) / (2 * SURROUND + 1) ** 2
    sigma = scatter * np.sqrt(np.maximum(level, 0.05))
    core, wide = _box(apart, CORE), _box(apart, SURROUND)
    n_core, n_wide = (2 * CORE + 1) ** 2, (2 * SURROUND + 1) ** 2
    strength = (core - wide * (n_core / n_wide)) / (sigma * np.sqrt(n_core * (1.0 - n_core / n_wide)))
    lit = core / (sigma * np.sqrt(n_core))
    strength[np.sign(strength) * lit < LIT_SURE] = 0.0
    strength[:MARGIN] = strength[-MARGIN:] = 0.0
    strength[:, :MARGIN] = strength[:, -MARGIN:] = 0.0
    return Points(first=_count(strength, apart, sigma), second=_count(-strength, -apart, sigma))


def side_of(cfa: str | None) -> int:
    """The side of the squares that pixels of a mosaic are put together to."""
    return {1: 1, 2: 2, 6: 3}[period_of(cfa)]


def _squares(pixels: Float32Array, cfa: str | None) -> Float32Array:
    """A flat as one picture of mean level 1: as it is, or the pixels of each square of a mosaic put together."""
    out: Float32Array = np.empty(pixels.shape, np.float32)
    for cells in color_cells(cfa).values():
        some = np.concatenate([pixels[cell][::4, ::4].ravel() for cell in cells])
        middle = float(np.nanmedian(some)) if np.isfinite(some).any() else 1.0
        for cell in cells:
            out[cell] = pixels[cell] / np.float32(middle if middle > 0 else 1.0)
    side = side_of(cfa)
    if side == 1:
        return out
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    made: Float32Array = out[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))
    return made


def _box(values: Float32Array, reach: int) -> Float64Array:
    """The sum over the square of ``2 reach + 1`` pixels about each pixel; edges repeat."""
    padded = np.pad(values, ((reach + 1, reach), (reach + 1, reach)), mode="edge").astype(np.float64)
    padded[0] = 0.0
    padded[:, 0] = 0.0
    total = padded.cumsum(axis=0).cumsum(axis=1)
    width = 2 * reach + 1
    made: Float64Array = total[width:, width:] - total[:-width, width:] - total[width:, :-width]
    made += total[:-width, :-width]
    return made


def _count(strength: Float64Array, apart: Float32Array, sigma: Float64Array) -> int:
    rows, columns = np.nonzero(strength > SURE)
    if not rows.size or rows.size > 9 * MOST_POINTS:
        return 0
    order = np.argsort(-strength[rows, columns])
    taken: list[tuple[int, int]] = []
    for row, column in zip(rows[order], columns[order], strict=True):
        if strength[row, column] < strength[row - 3 : row + 4, column - 3 : column + 4].max():
            continue
        if _is_star(apart, sigma, int(row), int(column)):
            taken.append((int(row), int(column)))
    return len(taken)


def _is_star(apart: Float32Array, sigma: Float64Array, row: int, column: int) -> bool:
    """Whether a point is neither a single pixel nor an edge."""
    around = apart[row - SURROUND : row + SURROUND + 1, column - SURROUND : column + SURROUND + 1].astype(np.float64)
    core = around[SURROUND - CORE : SURROUND + CORE + 1, SURROUND - CORE : SURROUND + CORE + 1]
    rest = float((around.sum() - core.sum()) / (around.size - core.size))
    left = float(core.sum() - core.max() - (core.size - 1) * rest)
    noise = float(sigma[row, column])
    if left < REST_SURE * noise * np.sqrt(core.size - 1.0):
        return False
    weight = np.where(around - rest > 2.0 * noise, around - rest, 0.0)
    y, x = np.indices(around.shape) - float(SURROUND)
    total = weight.sum()
    center_y, center_x = (weight * y).sum() / total, (weight * x).sum() / total
    y, x = y - center_y, x - center_x
    # A pixel has a width of its own: 1/12 along either axis.
    yy, xx = (weight * y * y).sum() / total + 1.0 / 12.0, (weight * x * x).sum() / total + 1.0 / 12.0
    xy = (weight * x * y).sum() / total
    middle, apart_of = 0.5 * (yy + xx), np.hypot(0.5 * (yy - xx), xy)
    return bool(middle + apart_of <= MOST_LONG**2 * (middle - apart_of))
