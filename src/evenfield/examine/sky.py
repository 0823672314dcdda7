"""The sky of a light, without stars, as cells; and a master flat as cells of the same grid.

The sky is first told coarsely (medians of boxes); stars are what stands out of it by itself or with its neighbors, and
they are left out with a rim that grows with their brightness. Limits are the same all over a calibrated frame, those of
its noisiest part: with limits that follow the noise, fewer of the faint stars would be found in dark corners, and the
corners of a good flat would look under-corrected.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import UsageError
from evenfield.examine.cells import Cells, Grid, cell_grid, cell_sums, cells_of, coarse_places, fill_gaps, interpolation
from evenfield.model.pixels import BoolArray, Float32Array, Float64Array

BOX: Final = 96
"""Rows and columns of the boxes whose medians are the coarse sky: wider than stars, narrower than most nebulae."""

BOX_SAMPLES: Final = 2000
"""About so many pixels of a color of a box are sorted."""

STAR_PIXEL: Final = 5.0
"""A pixel is a star from so many scatters on: two of 8 million clean ones are."""

STAR_GROUP: Final = 4.5
"""3 x 3 pixels are a star from so many of their common scatters on."""

RIMS: Final = ((25.0, 8), (200.0, 24), (2000.0, 64))
"""From so many scatters on, a star's rim has so many pixels: its wings and the halo of a filter."""

RIM: Final = 3
"""The rim of any star, pixels: at twice a usual star's half width, what is left of the faintest is below the noise."""

COARSE: Final = 4
"""Wide rims are drawn in steps of so many pixels."""

HOT_ADU: Final = 1000.0
"""Pixels of a frame without light that lie so far above or below its median are no pattern."""

BAND_PIXELS: Final = 1 << 20
"""Pixels taken at a time."""

MAD_FACTOR: Final = 1.4826


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Coarse:
    """The coarse sky and the scatter of a pixel, for each color; boxes of ``edges``."""

    edges: tuple[Float64Array, Float64Array]
    level: dict[str, Float64Array]
    scatter: dict[str, float]


def cells_of_light(
    pixels: Float32Array, *, flat: Float32Array | None = None, cfa: str | None = None, block: int | None = None,
    bad: BoolArray | None = None,
) -> tuple[Cells, ...]:  # fmt: skip
    """Reduce a light to cells of its sky.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
        A calibrated light, ADU; or with ``flat`` a light from which its dark was subtracted. NaN takes no part.
    flat : float32 array (rows, columns), optional
        The master flat to divide by; of each color, its mean is taken out, as calibrating does.
    cfa : str, optional
        The pattern of the mosaic, row by row from the top left pixel.
    block : int, optional
        Rows and columns of a cell, see `cell_grid`. Equal for all frames that are to be compared.
    bad : bool array (rows, columns), optional
        Pixels to leave out: True is bad.

    Returns
    -------
    tuple of Cells
        One for each color, in the order of `Grid.colors`.

    Raises
    ------
    UsageError
        If the flat or the mask has another shape, or the frame is too small.
    """
    grid = cell_grid(pixels.shape, cfa=cfa, block=block)
    _check_shapes(pixels, flat, bad)
    factors = _flat_means(flat, grid) if flat is not None else None
    coarse = _coarse_sky(pixels, flat, factors, grid)
    shape = (grid.rows, grid.columns, grid.period, grid.period)
    sums = (np.zeros(shape), np.zeros(shape), np.zeros(shape))
    for first, last in _bands_of_cells(grid):
        start, stop = grid.top + first * grid.block, grid.top + last * grid.block
        halo = RIMS[-1][1] + COARSE
        above, below = max(0, start - halo), min(pixels.shape[0], stop + halo)
        values = _calibrated(pixels[above:below], flat, factors, grid, above)
        if bad is not None:
            # Before stars are looked for: a hot pixel would take a rim with it.
            values[bad[above:below]] = np.nan
        good = _good_pixels(values, coarse, grid, above)
        inner = (slice(start - above, stop - above), slice(grid.left, grid.left + grid.columns * grid.block))
        apart, used = values[inner], good[inner].astype(np.float32)
        apart = np.where(good[inner], apart, np.float32(0.0))
        for part, terms in zip(sums, (used, apart, apart * apart), strict=True):
            part[first:last] = cell_sums(np.ascontiguousarray(terms), grid=grid)
    centers = _cell_centers(grid)
    background = {color: _at(coarse, color, *centers).astype(np.float64) for color in grid.colors}
    return cells_of(sums, grid=grid, background=background)


def cells_of_flat(
    pixels: Float32Array, *, noise: Float32Array | None = None, cfa: str | None = None, block: int | None = None,
    bad: BoolArray | None = None,
) -> tuple[Cells, ...]:  # fmt: skip
    """Reduce a master flat to cells.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
        The master flat, ADU above what was subtracted from its frames. NaN, 0 and less take no part.
    noise : float32 array (rows, columns), optional
        The standard error of each pixel, as combining gives it. Without it the errors are the scatter of the pixels,
        which holds their response and so is an upper limit.
    cfa, block, bad
        As those of `cells_of_light`.

    Returns
    -------
    tuple of Cells
        One for each color.

    Raises
    ------
    UsageError
        If the noise or the mask has another shape, or the frame is too small.
    """
    grid = cell_grid(pixels.shape, cfa=cfa, block=block)
    _check_shapes(pixels, noise, bad)
    shape = (grid.rows, grid.columns, grid.period, grid.period)
    sums = (np.zeros(shape), np.zeros(shape), np.zeros(shape))
    noises = np.zeros(shape)
    across = slice(grid.left, grid.left + grid.columns * grid.block)
    pivots = {color: _pivot(pixels, grid, color) for color in grid.colors}
    for first, last in _bands_of_cells(grid):
        rows = slice(grid.top + first * grid.block, grid.top + last * grid.block)
        values = pixels[rows, across]
        with np.errstate(invalid="ignore"):
            good = np.isfinite(values) & (values > 0)
        if bad is not None:
            good &= ~bad[rows, across]
        apart = values - _tiled(pivots, grid, values.shape)
        # Cold pixels and rays: far outside of what vignetting and response do.
        good &= np.abs(apart) < _tiled(pivots, grid, values.shape)
        apart = np.where(good, apart, np.float32(0.0))
        for part, terms in zip(sums, (good.astype(np.float32), apart, apart * apart), strict=True):
            part[first:last] = cell_sums(np.ascontiguousarray(terms), grid=grid)
        if noise is not None:
            squares = np.where(good & np.isfinite(noise[rows, across]), noise[rows, across] ** 2, np.float32(0.0))
            noises[first:last] = cell_sums(squares, grid=grid)
    background = {color: np.full(shape[:2], pivots[color]) for color in grid.colors}
    made = cells_of(sums, grid=grid, background=background)
    if noise is None:
        return tuple(dataclasses.replace(cells, error_is_limit=True) for cells in made)
    better = []
    for cells in made:
        here = grid.places(cells.color)
        count = sums[0][:, :, here].sum(axis=2)
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.sqrt(noises[:, :, here].sum(axis=2)) / count
        better.append(dataclasses.replace(cells, error=np.where(np.isfinite(cells.value), error, np.nan)))
    return tuple(better)


def cells_of_pattern(
    pixels: Float32Array, *, cfa: str | None = None, block: int | None = None
) -> tuple[Cells, ...]:  # fmt: skip
    """Reduce a frame without light to cells of its pattern, ADU above its median; hot pixels take no part.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
    cfa, block
        As those of `cells_of_light`.

    Returns
    -------
    tuple of Cells
        One for each color.
    """
    # Far above 0, so that what a flat's cells leave out is what is hot.
    lifted = pixels - np.float32(np.nanmedian(pixels) - HOT_ADU)
    return tuple(
        dataclasses.replace(cells, value=cells.value - HOT_ADU) for cells in cells_of_flat(lifted, cfa=cfa, block=block)
    )


def star_mask(pixels: Float32Array, *, cfa: str | None = None) -> BoolArray:
    """Which pixels of a calibrated light `cells_of_light` leaves out: stars with their rims, outliers, NaN.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
    cfa : str, optional

    Returns
    -------
    bool array (rows, columns)
        True is left out.
    """
    grid = cell_grid(pixels.shape, cfa=cfa)
    coarse = _coarse_sky(pixels, None, None, grid)
    return ~_good_pixels(pixels.astype(np.float32), coarse, grid, 0)


def _check_shapes(pixels: Float32Array, *others: Float32Array | BoolArray | None) -> None:
    for other in others:
        if other is not None and other.shape != pixels.shape:
            raise UsageError(f"A frame of shape {pixels.shape} cannot be compared with one of {other.shape}.")


def _bands_of_cells(grid: Grid) -> Iterator[tuple[int, int]]:
    height = max(1, BAND_PIXELS // (grid.block * grid.shape[1]))
    for first in range(0, grid.rows, height):
        yield first, min(first + height, grid.rows)


def _of_color(grid: Grid, color: str) -> Iterator[tuple[int, int]]:
    for y, x in np.argwhere(grid.places(color)):
        yield int(y), int(x)


def _tiled(numbers: dict[str, float], grid: Grid, shape: tuple[int, ...]) -> Float32Array:
    """A number for each color, as an image that begins with the pattern."""
    tile = np.array([numbers[color] for color in grid.pattern], np.float32).reshape(grid.period, grid.period)
    repeats = (-(-shape[0] // grid.period), -(-shape[1] // grid.period))
    return np.tile(tile, repeats)[: shape[0], : shape[1]] if grid.period > 1 else np.full(shape, tile[0, 0], np.float32)


def _pivot(pixels: Float32Array, grid: Grid, color: str) -> float:
    """About the median of a color: that of every few pixels."""
    step = max(1, round((pixels.size / len(grid.pattern) / 20_000) ** 0.5)) * grid.period
    found = np.concatenate([pixels[y::step, x::step].ravel() for y, x in _of_color(grid, color)])
    found = found[np.isfinite(found) & (found > 0)]
    return float(np.median(found)) if found.size else 1.0


def _flat_means(flat: Float32Array, grid: Grid) -> dict[str, float]:
    """The mean of each color of a flat, over its finite and positive pixels."""
    means = {}
    for color in grid.colors:
        total, count = 0.0, 0
        for y, x in _of_color(grid, color):
            part = flat[y :: grid.period, x :: grid.period]
            for start in range(0, part.shape[0], 256):
                values = part[start : start + 256]
                values = values[np.isfinite(values) & (values > 0)]
                total, count = total + float(values.sum(dtype=np.float64)), count + values.size
        means[color] = total / count if count else 1.0
    return means


def _calibrated(
    rows: Float32Array, flat: Float32Array | None, factors: dict[str, float] | None, grid: Grid, start: int
) -> Float32Array:
    """Whole rows from ``start`` on, divided by the flat; NaN where that has no value above 0."""
    if flat is None or factors is None:
        return rows.astype(np.float32)
    below = flat[start : start + rows.shape[0]]
    with np.errstate(invalid="ignore", divide="ignore"):
        values = rows / below
        values[~(below > 0)] = np.nan
    phase = start % grid.period
    factor = _tiled(factors, grid, (rows.shape[0] + phase, rows.shape[1]))[phase:]
    made: Float32Array = values * factor
    return made


def _coarse_sky(
    pixels: Float32Array, flat: Float32Array | None, factors: dict[str, float] | None, grid: Grid
) -> _Coarse:
    """Median and scatter of each box and color."""
    from scipy import ndimage

    y, x = coarse_places(grid.shape, side=BOX)
    y, x = y // grid.period * grid.period, x // grid.period * grid.period
    step = max(1, round((BOX * BOX / len(grid.pattern) / BOX_SAMPLES) ** 0.5)) * grid.period
    level, scatter = {}, {}
    for color in grid.colors:
        middles = np.full((y.size - 1, x.size - 1), np.nan)
        widths = np.full(middles.shape, np.nan)
        for i, j in np.ndindex(middles.shape):
            parts = []
            for dy, dx in _of_color(grid, color):
                at = (slice(int(y[i]) + dy, int(y[i + 1]), step), slice(int(x[j]) + dx, int(x[j + 1]), step))
                values: NDArray[np.floating[Any]] = pixels[at]
                if flat is not None and factors is not None:
                    with np.errstate(invalid="ignore", divide="ignore"):
                        below = np.where(flat[at] > 0, flat[at], np.float32(np.nan))
                        values = values / below * np.float32(factors[color])
                parts.append(values.ravel())
            some = np.concatenate(parts)
            some = some[np.isfinite(some)]
            if some.size >= 16:
                # The scatter from what lies below the median: stars lie above. A mean, since whole numbers of a quiet
                # camera leave quantiles no choice: E max(m - x, 0) is 0.3989 scatters.
                middles[i, j] = np.median(some)
                widths[i, j] = np.maximum(middles[i, j] - some, 0.0).mean() / 0.3989
        widths = widths[np.isfinite(widths)]
        # The noisiest part of the frame sets the limits; a bright nebula in few boxes does not.
        scatter[color] = max(float(np.quantile(widths, 0.9)), 1e-6) if widths.size else 1.0
        level[color] = ndimage.median_filter(fill_gaps(middles), size=3, mode="nearest")
    edges = ((y[:-1] + y[1:] - 1) / 2.0, (x[:-1] + x[1:] - 1) / 2.0)
    return _Coarse(edges=edges, level=level, scatter=scatter)


def _at(coarse: _Coarse, color: str, rows: Float64Array, columns: Float64Array) -> Float32Array:
    """The coarse sky of a color at rows and columns, float32 (rows, columns)."""
    down, along = interpolation(coarse.edges[0], rows), interpolation(coarse.edges[1], columns)
    made: Float32Array = (down @ coarse.level[color].astype(np.float32)) @ along.T
    return made


def _cell_centers(grid: Grid) -> tuple[Float64Array, Float64Array]:
    """Rows and columns of the centers of the cells, pixels."""
    half = (grid.block - 1) / 2.0
    return (
        grid.top + half + grid.block * np.arange(grid.rows, dtype=np.float64),
        grid.left + half + grid.block * np.arange(grid.columns, dtype=np.float64),
    )


def _good_pixels(values: Float32Array, coarse: _Coarse, grid: Grid, start: int) -> BoolArray:
    """Which pixels of whole rows from ``start`` on are sky; their ``values`` become deviations from the coarse sky."""
    from scipy import ndimage

    period, columns = grid.period, np.arange(values.shape[1], dtype=np.float64)
    z = np.empty(values.shape, np.float32)
    for place, color in enumerate(grid.pattern):
        first = (place // period - start) % period
        at = (slice(first, None, period), slice(place % period, None, period))
        rows = np.arange(start + first, start + values.shape[0], period, dtype=np.float64)
        values[at] -= _at(coarse, color, rows, columns[place % period :: period])
        z[at] = values[at] / np.float32(coarse.scatter[color])
    finite = np.isfinite(z)
    z[~finite] = 0.0
    stars = z > STAR_PIXEL
    np.minimum(z, np.float32(1e4), out=z)
    stars |= ndimage.uniform_filter(z, 3, mode="nearest") > STAR_GROUP / 3.0
    wide = _grown(stars, RIM)
    for limit, rim in RIMS:
        bright = z > limit
        if bright.any():
            wide |= _grown_coarsely(bright, rim)
    return finite & ~wide & (z > -STAR_PIXEL)


def _grown(mask: BoolArray, rim: int) -> BoolArray:
    from scipy import ndimage

    grown = ndimage.maximum_filter(mask.view(np.uint8), size=2 * rim + 1, mode="constant")
    made: BoolArray = grown.view(np.bool_)
    return made


def _grown_coarsely(mask: BoolArray, rim: int) -> BoolArray:
    """The mask with a rim, told in blocks of `COARSE` pixels."""
    from scipy import ndimage

    rows, columns = -(-mask.shape[0] // COARSE), -(-mask.shape[1] // COARSE)
    at = np.flatnonzero(mask)
    small = np.zeros((rows, columns), np.bool_)
    small[at // mask.shape[1] // COARSE, at % mask.shape[1] // COARSE] = True
    reach = -(-rim // COARSE)
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    # A disc's distance transform would do the same; few blocks are set, and this is plain.
    small = ndimage.binary_dilation(small, structure=(y * y + x * x) <= (reach + 0.5) ** 2)
    made: BoolArray = np.repeat(np.repeat(small, COARSE, 0), COARSE, 1)[: mask.shape[0], : mask.shape[1]]
    return made
