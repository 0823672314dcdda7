"""The shadow of a shutter in flats: the blades uncover the middle and the edges for different times."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.examine.grids import FrameGrid, PairNoise
from evenfield.model.mosaic import color_cells
from evenfield.model.pixels import BoolArray, Float64Array

LEAST_FRAMES: Final = 5
"""Three numbers a cell are fitted to the frames: exposure, time and the pattern itself."""

LEAST_RATIO: Final = 1.5
"""Exposures that differ by less show too little."""

MOST_ALIKE: Final = 30.0
"""The condition number up to which exposure and time can be told apart."""

MOST_ELSE: Final = 0.5
"""The part of the shadow, beyond noise, that may lie elsewhere than in the distance from the middle, in variance."""

UNSURE: Final = 4.0
"""Standard errors by which that part is taken to be less."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShutterShadow:
    """By how much longer the middle of the frame is exposed than its corners, seconds, and how sure that is.

    ``share`` is the error that it makes in the mean of the flats. ``elsewhere`` is the variance of what goes with one
    over the exposure and is no ring about the middle, over that of the rings.
    """

    seconds: float
    error: float
    share: float
    shortest_s: float
    elsewhere: float

    @property
    def z(self) -> float:
        """The size in standard errors."""
        return abs(self.seconds) / self.error if self.error > 0 else np.inf

    @property
    def is_shutter(self) -> bool:
        """Whether what goes with the exposure looks like a shutter at all: gradients of twilight do not."""
        return self.elsewhere <= MOST_ELSE

    def least_exposure_s(self, share: float) -> float:
        """The exposure from which on the shadow stays below a share of the light."""
        return abs(self.seconds) / share


def shutter_shadow(
    grids: Sequence[FrameGrid], *, exposures_s: Sequence[float], pair: PairNoise, n_pixels: int, cfa: str | None
) -> ShutterShadow | None:
    """Look for the shadow of a shutter in flats whose exposures differ.

    A pixel that is uncovered ``s`` longer than the mean of the frame has ``1 + s/t`` of its light at an exposure
    ``t``. Its pattern over the frames is fitted by a constant, by ``1/t``, and by a straight line in time, which takes
    up what drifts.

    Parameters
    ----------
    grids : sequence of FrameGrid
        Of flats above what is subtracted, in the order in which they were taken.
    exposures_s : sequence of float
        Of each of them, above 0.
    pair : PairNoise
        The noise of a pixel at the level of the flats.
    n_pixels : int
        Pixels of a frame.
    cfa : str, optional

    Returns
    -------
    ShutterShadow or None
        Nothing where frames or exposures are too few or too much alike.
    """
    t = np.asarray(exposures_s, np.float64)
    if len(grids) < LEAST_FRAMES or not (t > 0).all() or t.max() < LEAST_RATIO * t.min():
        return None
    level = np.stack([one.level for one in grids])
    if not (level > 0).all():
        return None
    patterns = np.stack([one.cells for one in grids]) / level[:, :, None, None]
    usual = np.median(patterns, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = (patterns / usual[None] - 1.0).mean(axis=1)
    known = np.isfinite(apart).all(axis=0)
    if known.sum() < 3 * LEAST_FRAMES:
        return None
    y = apart[:, known]
    by_color = color_cells(cfa)
    places = np.array([len(cells) for cells in by_color.values()], np.float64)
    per_cell = n_pixels / known.sum() * places / places.sum()
    # Shot noise goes with the root of the level; that of a cell is the mean over its colors.
    middle = np.median(level, axis=0)[None]
    noise = pair.noise[None] * np.sqrt(middle / level) / middle
    sigma = np.sqrt((np.square(noise) / per_cell[None]).mean(axis=1) / level.shape[1])
    return _fitted(y, sigma, t, known)


def _fitted(y: Float64Array, sigma: Float64Array, t: Float64Array, known: BoolArray) -> ShutterShadow | None:
    """Fit rings to every frame of ``y`` (frames, cells), and what of them goes with one over the exposure."""
    inverse_t = 1.0 / t
    time = np.linspace(-0.5, 0.5, t.size)
    over_time = np.column_stack([np.ones_like(time), time, inverse_t - inverse_t.mean()])
    if np.linalg.cond(over_time / np.linalg.norm(over_time, axis=0)) > MOST_ALIKE:
        return None
    rings = _rings(known)
    of_cells = np.linalg.inv(rings.T @ rings)
    # Corners less middle: the squared distance is 2 in a corner, 0 in the middle.
    size = 2.0 * (y @ rings @ of_cells)[:, 3]
    error = 2.0 * sigma * np.sqrt(of_cells[3, 3])
    w = 1.0 / np.square(error)
    covariance = np.linalg.inv((over_time * w[:, None]).T @ over_time)
    found = covariance @ (over_time.T @ (w * size))
    rest = float((w * np.square(size - over_time @ found)).sum()) / max(t.size - 3, 1)
    # The same fit of every cell: is it rings that go with the exposure?
    w_cell = 1.0 / np.square(sigma)
    by_cell = np.linalg.inv((over_time * w_cell[:, None]).T @ over_time)
    each = by_cell @ ((over_time * w_cell[:, None]).T @ y)
    shadow = each[2]
    # What the fits leave says better than a pair of frames how noisy cells are.
    scatter = float((w_cell[:, None] * np.square(y - over_time @ each)).sum()) / (shadow.size * max(t.size - 3, 1))
    noise = float(by_cell[2, 2]) * scatter
    fitted = rings @ (of_cells @ (rings.T @ shadow))
    plane = rings[:, :3] @ np.linalg.lstsq(rings[:, :3], fitted, rcond=None)[0]
    of_rings = float(np.square(fitted - plane).sum())
    n = shadow.size
    else_where = float(np.square(shadow - fitted).sum()) - noise * (n - 4) - UNSURE * noise * np.sqrt(2.0 * n)
    else_where += float(np.square(plane - plane.mean()).sum()) - 2.0 * noise
    return ShutterShadow(
        seconds=-float(found[2]),
        error=float(np.sqrt(covariance[2, 2] * max(rest, 1.0))),
        share=abs(float(found[2])) * float(inverse_t.mean()),
        shortest_s=float(t.min()),
        elsewhere=max(else_where, 0.0) / of_rings if of_rings > 0 else np.inf,
    )


def _rings(known: BoolArray) -> Float64Array:
    """Constant, plane and squared distance from the middle for the known cells, (cells, 4)."""
    sides = [(np.arange(n) + 0.5) / n * 2.0 - 1.0 for n in known.shape]
    row, column = (one[known] for one in np.meshgrid(*sides, indexing="ij"))
    return np.stack([np.ones(row.size), row, column, np.square(row) + np.square(column)], axis=1)
