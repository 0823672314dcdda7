"""Sets of frames: do the frames of a set agree with one another, and with what they should be."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.examine.grids import FrameGrid, PairNoise
from evenfield.examine.series import LevelSeries, level_series
from evenfield.model.pixels import Float64Array

SURE: Final = 6.0
"""Standard errors from which on a difference is taken for real: a set has some 10,000 chances to differ by chance."""

LEAST_TO_COMPARE: Final = 3
"""Frames that a median over frames needs."""


MOST_APART: Final = 0.3
"""The share of a set's frames up to which those that differ are called the odd ones."""

LEAST_ROWS: Final = 32
"""Rows that bands can be seen in."""

LEAST_HOT: Final = 30
"""Hot pixels that stand well out of the noise, for their brightness to be compared."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FrameApart:
    """A frame that differs from the others of its set: its index, by how much, and how sure that is."""

    index: int
    amount: float
    z: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlatSet:
    """What a set of flats shows; shares are relative to the level.

    ``structure`` is the rms by which each frame's pattern differs from the set's beyond noise, ``change`` that of the
    last third from the first, ``change_z`` how sure that is; ``plane`` the part of the change that a plane explains.
    ``bands`` is the rms of rows of the frame that shows most of them, beyond noise.
    """

    series: LevelSeries
    structure: Float64Array
    apart: tuple[FrameApart, ...]
    change: float
    change_z: float
    plane: float
    bands: float
    bands_z: float
    noise: Float64Array
    correlation: float
    correlation_error: float


def flat_set(
    grids: Sequence[FrameGrid], *, pair: PairNoise, n_pixels: int, structure_limit: float, columns: int
) -> FlatSet:
    """Compare the flats of a set with one another.

    Parameters
    ----------
    grids : sequence of FrameGrid
        In the order in which the frames were taken, above what is subtracted.
    pair : PairNoise
        The noise of a pixel.
    n_pixels : int
        Pixels of a frame.
    structure_limit : float
        The rms of a pattern, as a share of the level, below which frames are alike.
    columns : int
        Pixels of a row.
    """
    levels = np.array([float(np.mean(one.level)) for one in grids])
    patterns = np.stack([one.cells / one.level[:, None, None] for one in grids])
    per_cell = n_pixels / max(np.isfinite(patterns[0]).sum(), 1)
    level = np.stack([one.level for one in grids])
    with np.errstate(invalid="ignore", divide="ignore"):
        noise = pair.noise[None, :] / level / np.sqrt(per_cell)
    usual = np.median(patterns, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Cells without light, as those of overscan, have no pattern.
        apart_of = patterns / usual[None] - 1.0
    structure, z = _beyond_noise(apart_of, noise)
    found = _apart(structure, z, limit=structure_limit)
    good = [index for index in range(len(grids)) if index not in {one.index for one in found}]
    change, change_z, plane = _change(patterns[good], noise[good])
    bands, bands_z = _bands([grids[index] for index in good], float(pair.noise.mean()), columns)
    return FlatSet(
        series=level_series(levels),
        structure=structure,
        apart=tuple(found),
        change=change,
        change_z=change_z,
        plane=plane,
        bands=bands,
        bands_z=bands_z,
        noise=pair.noise,
        correlation=pair.correlation,
        correlation_error=pair.error,
    )


def _apart(structure: Float64Array, z: Float64Array, *, limit: float) -> list[FrameApart]:
    """The few frames that differ; where many do, no frame is the odd one: then the set has changed."""
    if structure.size < LEAST_TO_COMPARE:
        return []
    least = max(limit, 4.0 * float(np.median(structure)))
    found = [
        FrameApart(index=index, amount=float(amount), z=float(z[index]))
        for index, amount in enumerate(structure)
        if amount > least and z[index] > SURE
    ]
    return found if len(found) <= max(1, MOST_APART * structure.size) else []


def _beyond_noise(apart: Float64Array, noise: Float64Array) -> tuple[Float64Array, Float64Array]:
    """The rms over colors and cells beyond noise, and its z, of each frame."""
    known = np.isfinite(apart)
    count = np.maximum(known.sum(axis=(1, 2, 3)), 1)
    squares = np.where(known, np.square(apart), 0.0).sum(axis=(1, 2, 3)) / count
    variance = np.square(noise).mean(axis=1)
    excess = np.sqrt(np.maximum(squares - variance, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(variance > 0, (squares / variance - 1.0) * np.sqrt(count / 2.0), np.inf)
    return excess, z


def _change(patterns: Float64Array, noise: Float64Array) -> tuple[float, float, float]:
    """How the pattern changed from the first third of a set to its last, and the part of it that is a plane."""
    third = len(patterns) // 3
    if third < 1:
        return 0.0, 0.0, 0.0
    first, last = patterns[:third].mean(axis=0), patterns[-third:].mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = (last / first - 1.0)[None]
    both = np.sqrt(2.0 / third) * noise.mean(axis=0)[None]
    excess, z = _beyond_noise(apart, both)
    grid = apart[0].mean(axis=0)
    rows, columns = np.indices(grid.shape)
    known = np.isfinite(grid)
    design = np.stack([np.ones(known.sum()), rows[known], columns[known]], axis=1).astype(np.float64)
    fit, *_ = np.linalg.lstsq(design, grid[known], rcond=None)
    total = float(np.square(grid[known] - grid[known].mean()).sum())
    plane = 1.0 - float(np.square(grid[known] - design @ fit).sum()) / total if total > 0 else 0.0
    return float(excess[0]), float(z[0]), plane


def _bands(grids: Sequence[FrameGrid], noise: float, columns: int) -> tuple[float, float]:
    """The rms of bands along rows beyond noise, in the frame that has most of them, and its z."""
    if len(grids) < LEAST_TO_COMPARE:
        return 0.0, 0.0
    read = np.stack([one.rows for one in grids])
    read = read[:, np.isfinite(read).all(axis=0)]
    if read.shape[1] < LEAST_ROWS or not (read.mean(axis=1) > 0).all():
        return 0.0, 0.0
    level = float(read.mean())
    rows = read / read.mean(axis=1, keepdims=True)
    apart = rows / np.median(rows, axis=0)[None] - 1.0
    # Bands: what is finer than an eighth of the frame, so that gradients are none.
    width = max(3, apart.shape[1] // 8 | 1)
    kernel = np.ones(width) / width
    smooth = np.stack([np.convolve(np.pad(one, width // 2, mode="reflect"), kernel, mode="valid") for one in apart])
    fine = apart - smooth[:, : apart.shape[1]]
    expected = noise / level / np.sqrt(columns)
    squares = np.square(fine).mean(axis=1)
    # The median of the set is noisy too, by 1.25 / sqrt(n) of a frame's noise.
    variance = expected**2 * (1.0 + 1.57 / len(grids))
    worst = int(np.argmax(squares))
    z = (squares[worst] / variance - 1.0) * np.sqrt(fine.shape[1] / 2.0) if variance > 0 else np.inf
    return float(np.sqrt(max(squares[worst] - variance, 0.0))), float(z)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DarkSet:
    """What a set of bias, darks or dark flats shows, ADU.

    ``level`` is that of each frame, ``wander`` the rms of the levels beyond noise. ``structure`` is the rms by which
    each frame's pattern differs from the set's beyond noise; ``apart`` are the frames that differ surely. ``glow`` is
    by how much the brightest cell of the set's pattern lies above its median, with its z. ``warmth`` is the brightness
    of each frame's hot pixels relative to the set's, ``warmth_error`` its standard error.
    """

    level: Float64Array
    wander: float
    structure: Float64Array
    apart: tuple[FrameApart, ...]
    glow: float
    glow_z: float
    warmth: Float64Array
    warmth_error: Float64Array
    at_floor: float
    noise: Float64Array
    correlation: float
    correlation_error: float


def dark_set(
    grids: Sequence[FrameGrid],
    *,
    pair: PairNoise,
    n_pixels: int,
    structure_limit: float,
    bias_cells: Float64Array | None = None,
) -> DarkSet:
    """Compare the bias, darks or dark flats of a set with one another.

    ``structure_limit`` in ADU. ``bias_cells`` are the cells of the bias, whose pattern is no glow; without them glow is
    told by what lies above the median of the pattern itself.
    """
    level = np.array([float(np.mean(one.level)) for one in grids])
    cells = np.stack([one.cells for one in grids])
    per_cell = n_pixels / max(np.isfinite(cells[0]).sum(), 1)
    noise = np.broadcast_to(pair.noise / np.sqrt(per_cell), (len(grids), pair.noise.size))
    # `level` is the mean over the cells that have a value.
    patterns = cells - np.stack([one.level for one in grids])[:, :, None, None]
    usual = np.median(patterns, axis=0)
    structure, z = _beyond_noise(patterns - usual[None], np.asarray(noise))
    found = _apart(structure, z, limit=structure_limit)
    error = float(pair.noise.mean()) / np.sqrt(n_pixels)
    wander = float(np.sqrt(max(float(level.var(ddof=1)) - error**2, 0.0))) if len(grids) > 1 else 0.0
    pattern = (usual if bias_cells is None else usual - bias_cells).mean(axis=0)
    known = pattern[np.isfinite(pattern)]
    glow = float(known.max() - np.median(known)) if known.size else 0.0
    spread = float(pair.noise.mean()) / np.sqrt(per_cell * usual.shape[0] * len(grids))
    warmth, warmth_error = _warmth(grids, float(pair.noise.mean()))
    return DarkSet(
        level=level,
        wander=wander,
        structure=structure,
        apart=tuple(found),
        glow=glow,
        glow_z=glow / spread if spread > 0 else np.inf,
        warmth=warmth,
        warmth_error=warmth_error,
        at_floor=float(np.median([one.at_floor for one in grids])),
        noise=pair.noise,
        correlation=pair.correlation,
        correlation_error=pair.error,
    )


def _warmth(grids: Sequence[FrameGrid], noise: float) -> tuple[Float64Array, Float64Array]:
    """How bright the hot pixels of each frame are relative to the median over the frames, with the standard error."""
    n = len(grids)
    if n < LEAST_TO_COMPARE or not grids[0].hot.size:
        return np.full(n, np.nan), np.full(n, np.inf)
    hot = np.stack([one.hot for one in grids])
    usual = np.median(hot, axis=0)
    weight = np.where(usual > 5.0 * noise, usual, 0.0)
    chosen = weight > 0
    if chosen.sum() < LEAST_HOT:
        return np.full(n, np.nan), np.full(n, np.inf)
    # Robust: the median over pixels of the ratio, of those that stand out; unstable pixels do not decide.
    ratios = hot[:, chosen] / usual[None, chosen]
    warmth: Float64Array = np.median(ratios, axis=1)
    scatter = 1.4826 * np.median(np.abs(ratios - warmth[:, None]), axis=1)
    return warmth, 1.2533 * scatter / np.sqrt(chosen.sum())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PanelLight:
    """The light of the flats' panel in dark flats: its share of the flats' light, with its standard error."""

    share: float
    error: float
    adu: float


def panel_light(dark_cells: Float64Array, *, flat_cells: Float64Array, noise_adu: float) -> PanelLight:
    """How much of a flat's pattern dark frames hold.

    Parameters
    ----------
    dark_cells : float64 array (colors, n, n)
        Cells of dark flats minus those of the bias (or of other darks), ADU.
    flat_cells : float64 array (colors, n, n)
        Cells of the flats above their dark flats, ADU.
    noise_adu : float
        The standard deviation of one cell of ``dark_cells``.

    Returns
    -------
    PanelLight
        The slope of the straight line through the cells, by least squares; ``adu`` is the mean light. The error holds
        what the line leaves, so that glow, which is no panel light, makes it unsure.
    """
    if flat_cells.shape != dark_cells.shape:
        # Dark frames may not say that their camera has a mosaic.
        flat_cells, dark_cells = flat_cells.mean(axis=0), dark_cells.mean(axis=0)
    flat, dark = flat_cells.reshape(-1), dark_cells.reshape(-1)
    known = np.isfinite(flat) & np.isfinite(dark)
    if known.sum() < 8:
        return PanelLight(share=0.0, error=np.inf, adu=0.0)
    x, y = flat[known] - flat[known].mean(), dark[known] - dark[known].mean()
    squares = float(x @ x)
    if squares <= 0:
        return PanelLight(share=0.0, error=np.inf, adu=0.0)
    share = float(x @ y) / squares
    left = float(np.square(y - share * x).sum()) / max(known.sum() - 2, 1)
    # Structures larger than a cell lie behind what is left: a few dozen of them are independent.
    error = np.sqrt(max(left * 8.0, noise_adu**2) / squares)
    return PanelLight(share=share, error=float(error), adu=share * float(flat[known].mean()))
