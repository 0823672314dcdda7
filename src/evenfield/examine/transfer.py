"""Photon transfer, first half: frames one by one to level and variance of each cell, in the memory of two frames.

Frames of one set show the same scene, with a lamp that drifts. With ``x_k`` flat k above the pedestal and ``m_k`` its
level relative to the first, the difference from the flat before::

    e_k = (x_k - s x_(k-1)) / sqrt(1 + s),     s = m_k / m_(k-1)

holds neither the scene nor the pixels' response, and has the variance of one frame at the level of flat k: ``c_k r^2 +
m_k S / g`` with ``c_k = (1 + s^2) / (1 + s)``, which is 1 for a steady lamp. Squares of successive differences have the
correlation 1/4, so that n of them are worth ``2 n^2 / (3 n - 1)`` independent ones (von Neumann et al. 1941, Ann. Math.
Stat. 12, 153): errors are up to 1.22 times those of frames that are compared with the mean of all. But real sets change
slowly, by condensation, dust and light: in ten dome flats of an STL-1001E the variance of a difference grows with the
square of the time between the two, to 2 % over the set, and only neighbors show the noise alone.

Dark frames are compared with the mean of all before them, ``e_k = (x_k - T/(k-1)) / sqrt(1 + 1/(k-1))``: these are
uncorrelated and lose nothing (recursive residuals: Brown, Durbin & Evans 1975, J. R. Stat. Soc. B 37, 149).

The mean of ``e_k`` over each cell is taken off: a lamp that changes its distribution, or a bias that wanders, does no
harm. Pixels that stand out of their cell (cosmic rays, hot pixels that flicker) are left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import UsageError
from evenfield.examine.transfer_cells import CellGrid, cell_grid, cell_moments, find_step
from evenfield.model.pixels import Float32Array, Float64Array

LIKE_LEVEL: Final = 0.25
"""Frames whose level strays by more from that of their run begin another one: nothing need scale then."""

LEAST_DIFFERENCES: Final = 3
"""So many frames' noises are asked whether they scatter more than they should."""

LEAST_PILED: Final = 10
PILED_SHARE: Final = 2e-5
"""So many pixels, and so large a share of them, at the greatest value are piled up; noise puts one or two there."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellRun:
    """Successive frames of like level. Float64 arrays (n_cells,), 0 where a cell says nothing.

    ``freedom`` counts the squares, each worth ``worth`` independent ones; ``squares`` is their sum (ADU^2),
    ``read_share`` the mean of ``c_k``, ``level_adu`` the mean raw level. ``unsteady`` is chi-square per degree of
    freedom of the frames' noise about its mean over the run: 1 for a steady camera and light; ``None`` for less than
    three differences.
    """

    n_frames: int
    worth: float
    unsteady: float | None
    freedom: Float64Array
    squares: Float64Array
    read_share: Float64Array
    level_adu: Float64Array


class TransferFrames:
    """Takes frames of one kind one by one, and keeps level and variance of each cell.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the frames.
    is_flat : bool
        Flats are brought to one level before they are compared; bias, darks and dark flats are not.
    cfa : str, optional
        The color pattern from the top left pixel, 4 or 36 letters.
    mask : bool array (rows, columns), optional
        True = leave out, for all frames.
    pedestal_adu : float
        About what a frame without light has: flats' levels are compared above it. An error of 10 % of the level
        does no harm.
    saturation_adu : float, optional
        Pixels of at least this value are left out.

    Raises
    ------
    UsageError
        If pattern, mask and shape do not fit each other.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        *,
        is_flat: bool,
        cfa: str | None = None,
        mask: NDArray[np.bool_] | None = None,
        pedestal_adu: float = 0.0,
        saturation_adu: float | None = None,
    ) -> None:
        self.grid: CellGrid = cell_grid(shape, cfa=cfa)
        if mask is not None and mask.shape != shape:
            raise UsageError(f"The mask has the shape {mask.shape}, the frames {shape}.")
        self._masked = None if mask is None or not mask.any() else self.grid.cut(mask) > 0
        self._is_flat = is_flat
        self._pedestal = np.float32(pedestal_adu)
        self._saturation = saturation_adu
        self._runs: list[_Run] = []
        self.step_adu: float | None = None
        """The converter's step, found in the frames; 0 where they are no integers, ``None`` where nothing tells it."""
        self.piled_adu: float | None = None
        """The value at which pixels are piled up, as far as one is seen."""
        self.levels_adu: list[float] = []
        """The mean raw level of each frame over all cells."""

    @property
    def n_frames(self) -> int:
        """How many frames were taken."""
        return len(self.levels_adu)

    def add(self, frame: NDArray[Any]) -> None:
        """Take one more frame, raw ADU (rows, columns), of any type of number; NaN is no data.

        Raises
        ------
        UsageError
            If the frame has another shape.
        """
        x = self.grid.cut(frame)
        self._look_for_top(x)
        if self._masked is not None:
            x[self._masked] = np.nan
        if self._saturation is not None:
            x[x >= np.float32(self._saturation)] = np.nan
        found = find_step(x)
        if found is not None:
            # Chance makes a step too large, never too small.
            self.step_adu = found if self.step_adu is None else min(self.step_adu, found)
        moments = cell_moments(x, step_adu=self.step_adu or 0.0)
        there = moments.count > 0
        self.levels_adu.append(float(moments.mean[there].mean()) if there.any() else float("nan"))
        x -= self._pedestal
        level = moments.mean - self._pedestal
        level[~there] = np.nan
        if self._runs:
            run = self._runs[-1]
            share = run.level_share(level) if self._is_flat else 1.0 / run.n_in_total
            if share is not None:
                run.add(x, level, share, self.step_adu or 0.0)
                return
            # Of a run that is over only its few numbers are kept.
            run.close()
        self._runs.append(_Run(x, level, keeps_all=not self._is_flat))

    def add_all(self, frames: Iterable[NDArray[Any]]) -> TransferFrames:
        """Take several frames one after the other; returns itself."""
        for frame in frames:
            self.add(frame)
        return self

    def runs(self) -> tuple[CellRun, ...]:
        """What was found, a run of at least two frames each; levels are raw again."""
        return tuple(run.result(float(self._pedestal)) for run in self._runs if run.n_frames > 1)

    def mean_levels(self) -> Float64Array:
        """The mean raw level of each cell over all frames, float64 (n_cells,); NaN where a cell says nothing."""
        total = np.sum([run.level_sum for run in self._runs], axis=0) if self._runs else np.zeros(self.grid.n_cells)
        return np.asarray(total / max(self.n_frames, 1) + self._pedestal, np.float64)

    def _look_for_top(self, x: Float32Array) -> None:
        top = np.float32(np.nanmax(x)) if np.isfinite(x).any() else np.float32(np.nan)
        piled = int(np.count_nonzero(x == top))
        if piled >= max(LEAST_PILED, PILED_SHARE * x.size) and piled < 0.5 * x.size and self._is_flat:
            self.piled_adu = float(top) if self.piled_adu is None else min(self.piled_adu, float(top))


class _Run:
    """Frames of like level: what the next one is compared with, and what the differences gave."""

    def __init__(self, x: Float32Array, level: Float64Array, *, keeps_all: bool) -> None:
        n_cells = x.shape[0]
        self.keeps_all = keeps_all
        self.total: Float32Array = x
        self.total_level = level
        self.n_in_total = 1
        self.relative = 1.0
        self.n_frames = 1
        self.level_sum = level.copy()
        self.freedom = np.zeros(n_cells)
        self.squares = np.zeros(n_cells)
        self.read = np.zeros(n_cells)
        self.level = np.zeros(n_cells)
        self.noises: list[tuple[float, float]] = []

    def level_share(self, level: Float64Array) -> float | None:
        """The level of a flat in units of that before; ``None`` if it strays too far from the run's first."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = level / self.total_level
        usable = np.isfinite(ratio) & (self.total_level > 0)
        if not usable.any():
            return 1.0
        share = float(np.median(ratio[usable]))
        return share if abs(share * self.relative - 1.0) <= LIKE_LEVEL else None

    def add(self, x: Float32Array, level: Float64Array, share: float, step_adu: float) -> None:
        """Compare a frame with ``share`` times what is there."""
        apart = self.total * np.float32(-share)
        apart += x
        moments = cell_moments(apart, step_adu=step_adu)
        freedom = np.where(np.isfinite(level), np.maximum(moments.count - 1.0, 0.0), 0.0)
        squares = np.where(freedom > 0, moments.squares / (1.0 + share), 0.0)
        level_known = np.nan_to_num(level)
        self.freedom += freedom
        self.squares += squares
        # Each frame before has the read noise of one, whatever its level.
        self.read += freedom * (1.0 + self.n_in_total * share * share) / (1.0 + share)
        self.level += freedom * level_known
        whole = float(freedom.sum())
        base = whole if self.keeps_all else float(np.sum(freedom * level_known))
        if whole > 0 and base > 0:
            self.noises.append((float(squares.sum()) / base, whole))
        if self.keeps_all:
            self.total += x
            self.total[moments.left_out] = np.nan
            self.n_in_total += 1
        else:
            self.total, self.total_level = x, level
            self.relative *= share
        self.n_frames += 1
        self.level_sum += level

    def close(self) -> None:
        """Let go of the frame."""
        self.total = np.empty((0, 0), np.float32)

    def result(self, pedestal_adu: float) -> CellRun:
        """What is known of the run, levels raw."""
        some = np.maximum(self.freedom, 1.0)
        there = self.freedom > 0
        n = self.n_frames - 1
        worth = 1.0 if self.keeps_all else 2.0 * n / (3.0 * n - 1.0)
        return CellRun(
            n_frames=self.n_frames, worth=worth, unsteady=self._unsteady(), freedom=self.freedom, squares=self.squares,
            read_share=np.where(there, self.read / some, 0.0),
            level_adu=np.where(there, self.level / some + pedestal_adu, 0.0),
        )  # fmt: skip

    def _unsteady(self) -> float | None:
        if len(self.noises) < LEAST_DIFFERENCES:
            return None
        noise, freedom = np.array(self.noises).T
        usual = float(np.average(noise, weights=freedom))
        if not usual > 0:
            return None
        apart = noise / usual - 1.0
        return float(np.sum(apart**2 * freedom / 2.0) / (noise.size - 1))
