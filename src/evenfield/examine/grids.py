"""A frame reduced to a few hundred numbers, so that the frames of a set can be compared without keeping any."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.model.mosaic import Cells, color_cells, period_of
from evenfield.model.pixels import BoolArray, Float32Array, Float64Array

GRID: Final = 16
"""Cells along either side: fine enough for gradients, stars' trails and motes of some size, and of little noise."""

MAD_FACTOR: Final = 1.4826
"""Standard deviation of normal noise over its MAD."""

CLIP_SCATTERS: Final = 8.0
"""Values further from their cell's median are brought to there: hot pixels and cosmic rays are no light."""

CELL_SAMPLE: Final = 64
"""Pixels of a cell whose median and scatter tell what lies far away."""

SAMPLE: Final = 1 << 16
"""Pixels of a color that medians are taken of, where a sample will do."""

HOT_PIXELS: Final = 2000
"""So many of the brightest pixels of a dark are followed from frame to frame."""


MOSTLY_EQUAL: Final = 0.5
"""Where more pixels than this are the same in two frames, their noise is below a third of the converter's step."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FrameGrid:
    """What is kept of one frame.

    ``cells`` is the mean of each cell of each color, ``float64 (colors, n, m)`` with up to `GRID` cells along either
    side, NaN where no pixel has a value;
    ``rows`` the mean of each row of the frame (of the color with most pixels), ``float64 (n,)``. ``level`` is the mean
    over the cells of each color. ``saturated`` and ``at_floor`` are shares of pixels. ``hot`` holds the values of the
    pixels that are followed, above the median around them.
    """

    colors: tuple[str, ...]
    cells: Float64Array
    rows: Float64Array
    level: Float64Array
    saturated: float | None
    at_floor: float
    hot: Float64Array


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PairNoise:
    """The noise of one pixel, ADU, of each color, from two frames alike; and how neighbors of one color correlate.

    A camera that does not alter its raw data has uncorrelated noise: ``correlation`` is 0 within ``error``.
    """

    noise: Float64Array
    correlation: float
    error: float


def frame_grid(
    pixels: Float32Array,
    *,
    cfa: str | None,
    saturation_adu: float | None = None,
    floor_adu: float = 0.0,
    hot: tuple[Float64Array, Float64Array] | None = None,
) -> FrameGrid:
    """Reduce a frame.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
        ADU as stored, or above what is subtracted; NaN is no data.
    cfa : str, optional
    saturation_adu : float, optional
        Pixels from here on are saturated.
    floor_adu : float
        The least value that the converter gives.
    hot : (rows, columns), optional
        Places of pixels to follow, as whole numbers.
    """
    by_color = color_cells(cfa)
    sides = np.array([pixels[place].shape for places in by_color.values() for place in places]).min(axis=0)
    cells = np.stack([_cells(pixels, places, sides.clip(1, GRID)) for places in by_color.values()])
    colors = tuple(by_color)
    finite = np.isfinite(pixels)
    n = max(1, int(np.count_nonzero(finite)))
    with np.errstate(invalid="ignore"):
        saturated = None if saturation_adu is None else float(np.count_nonzero(pixels >= saturation_adu)) / n
        at_floor = float(np.count_nonzero(pixels <= floor_adu)) / n
    return FrameGrid(
        colors=colors,
        cells=cells,
        rows=_row_means(pixels, cfa),
        level=_mean_of_cells(cells),
        saturated=saturated,
        at_floor=at_floor,
        hot=np.empty(0) if hot is None else _followed(pixels, hot, period_of(cfa)),
    )


def _mean_of_cells(cells: Float64Array) -> Float64Array:
    known = np.isfinite(cells)
    count = known.sum(axis=(1, 2))
    total = np.where(known, cells, 0.0).sum(axis=(1, 2))
    made: Float64Array = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return made


def _cells(pixels: Float32Array, places: Cells, counts: NDArray[np.intp]) -> Float64Array:
    """The means of the cells of one color, values far from the cell's median brought nearer.

    What is left over at the lower and right edge, less than a row and a column a cell, takes no part.
    """
    total, count = np.zeros(counts), np.zeros(counts)
    for place in places:
        part = pixels[place]
        height, width = part.shape[0] // counts[0], part.shape[1] // counts[1]
        blocks = part[: height * counts[0], : width * counts[1]].reshape(counts[0], height, counts[1], width)
        low, high = _reach(blocks)
        # Neither NaN nor what is infinite is brought anywhere.
        with np.errstate(invalid="ignore"):
            clipped = np.clip(blocks, low[:, None, :, None], high[:, None, :, None])
        sums = clipped.sum(axis=(1, 3), dtype=np.float64)
        if np.isfinite(sums).all():
            total += sums
            count += height * width
        else:
            known = np.isfinite(blocks)
            total += np.where(known, clipped, np.float32(0.0)).sum(axis=(1, 3), dtype=np.float64)
            count += known.sum(axis=(1, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Float64Array = np.where(count > 0, total / count, np.nan)
    return made


def _reach(blocks: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Least and greatest value that a pixel of each cell counts with, from a sample of it.

    The scatter is at least 1 ADU, since numbers are whole, and what one pixel in ten reaches: of numbers in steps of 16
    most may be equal. Cells with pixels without a value in the sample have no
    reach.
    """
    rows, height, columns, width = blocks.shape
    step = max(1, round((height * width / CELL_SAMPLE) ** 0.5))
    some = blocks[:, ::step, :, ::step].transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    middle = np.median(some, axis=2)
    apart = np.sort(np.abs(some - middle[:, :, None]), axis=2)
    n = apart.shape[2]
    scatter = np.maximum(
        MAD_FACTOR * 0.5 * (apart[..., (n - 1) // 2] + apart[..., n // 2]), apart[..., (9 * n) // 10] / 1.64
    )
    reach = CLIP_SCATTERS * np.maximum(scatter, 1.0)
    known = np.isfinite(middle)
    low = np.where(known, middle - reach, -np.inf).astype(np.float32)
    high = np.where(known, middle + reach, np.inf).astype(np.float32)
    return low, high


def _row_means(pixels: Float32Array, cfa: str | None) -> Float64Array:
    """The mean of every row over the pixels of one color; each period of a mosaic gives one."""
    period = period_of(cfa)
    rows, columns = pixels.shape[0] // period * period, pixels.shape[1] // period * period
    part = pixels[:rows, :columns]
    # Periods with a pixel without a value have none: nothing is told by them.
    means = part.mean(axis=1, dtype=np.float64) if part.size else np.empty(0)
    made: Float64Array = means.reshape(-1, period).mean(axis=1)
    return made


def hot_places(pixels: Float32Array, *, highest_adu: float | None = None) -> tuple[Float64Array, Float64Array]:
    """Rows and columns of the pixels of a master dark that are brightest, at most `HOT_PIXELS`.

    Those at or above ``highest_adu`` are left out: they may be clipped in single frames.
    """
    values = np.where(np.isfinite(pixels), pixels, -np.inf)
    if highest_adu is not None:
        values = np.where(values < highest_adu, values, -np.inf)
    # The edge has no neighbors to compare with.
    for edge in (np.s_[:6, :], np.s_[-6:, :], np.s_[:, :6], np.s_[:, -6:]):
        values[edge] = -np.inf
    flat = values.reshape(-1)
    count = min(HOT_PIXELS, flat.size)
    chosen = np.sort(np.argpartition(flat, -count)[-count:])
    chosen = chosen[np.isfinite(flat[chosen])]
    rows, columns = np.divmod(chosen, pixels.shape[1])
    return rows.astype(np.float64), columns.astype(np.float64)


def _followed(pixels: Float32Array, places: tuple[Float64Array, Float64Array], period: int) -> Float64Array:
    """The value of each place above the median of its neighbors of the same color."""
    rows, columns = (place.astype(np.intp) for place in places)
    own = pixels[rows, columns].astype(np.float64)
    around = [
        pixels[rows + y * period, columns + x * period].astype(np.float64)
        for y in (-1, 0, 1)
        for x in (-1, 0, 1)
        if y or x
    ]
    made: Float64Array = own - np.median(np.stack(around), axis=0)
    return made


def pair_noise(first: Float32Array, second: Float32Array, *, cfa: str | None) -> PairNoise:
    """The noise of a pixel from the difference of two frames, the second brought to the level of the first.

    Returns
    -------
    PairNoise
        Robust: ``1.4826 MAD / sqrt(2)`` of the differences within each color. The correlation is that of neighbors of
        one color along rows, over differences within five scatters; its error is ``1 / sqrt(n)`` times the factor that
        whole numbers and the clipping leave at 1. Noise far below the converter's step is its standard deviation, and
        tells nothing of neighbors: where most pixels are equal, what is left is where a level crosses a step.
    """
    noise = []
    products = squares = 0.0
    count = 0
    for places in color_cells(cfa).values():
        parts = []
        for place in places:
            one, other = first[place].astype(np.float64), second[place].astype(np.float64)
            level, own = _median(other), _median(one)
            factor = own / level if level > 0 else 1.0
            apart = one - other * factor
            parts.append(apart - _smooth_part(apart))
        some = np.concatenate([part.reshape(-1)[:: max(1, part.size // SAMPLE)] for part in parts])
        some = some[np.isfinite(some)]
        scatter = MAD_FACTOR * float(np.median(np.abs(some - np.median(some)))) if some.size else 0.0
        equal = np.concatenate([(first[place] == second[place]).reshape(-1) for place in places]).mean()
        if equal > MOSTLY_EQUAL:
            near = some[np.abs(some - np.median(some)) <= 5.0 * some.std()]
            scatter = max(scatter, float(near.std()))
        noise.append(scatter / np.sqrt(2.0))
        if scatter <= 0 or equal > MOSTLY_EQUAL:
            continue
        for part in parts:
            usable: BoolArray = np.abs(part) < 5.0 * scatter
            both = usable[:, 1:] & usable[:, :-1]
            products += float((part[:, 1:] * part[:, :-1])[both].sum()) / scatter**2
            squares += float(np.square(part[:, 1:][both]).sum()) / scatter**2
            count += int(np.count_nonzero(both))
    return PairNoise(
        noise=np.array(noise),
        correlation=products / squares if squares > 0 else 0.0,
        error=1.0 / np.sqrt(count) if count else np.inf,
    )


def _median(values: Float64Array) -> float:
    """The median of a sample of the finite values, 0 where there are none."""
    some = values.reshape(-1)[:: max(1, values.size // SAMPLE)]
    some = some[np.isfinite(some)]
    return float(np.median(some)) if some.size else 0.0


def _smooth_part(apart: Float64Array) -> Float64Array:
    """The mean of each row and column of a difference: what bias steps and lamp gradients leave, not noise."""
    some = apart.reshape(-1)[:: max(1, apart.size // SAMPLE)]
    some = some[np.isfinite(some)]
    center = float(np.median(some)) if some.size else 0.0
    # A single cosmic ray would shift its whole row.
    reach = 5.0 * MAD_FACTOR * float(np.median(np.abs(some - center))) if some.size else 0.0
    finite = np.clip(np.where(np.isfinite(apart), apart, center), center - reach, center + reach)
    middle = finite.mean()
    made: Float64Array = finite.mean(axis=1, keepdims=True) + finite.mean(axis=0, keepdims=True) - middle
    return made
