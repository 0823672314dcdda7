"""Bias frames or dark flats, taken one by one or as a master: their levels, and what their two halves agree on.

Frames are added up in two halves, first, third ... and second, fourth ...: noise is independent in them, so that what
both show together is fixed pattern, without a bias from noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import UsageError
from evenfield.examine.transfer_cells import CellGrid, cell_grid, cell_moments, find_step
from evenfield.model.pixels import Float32Array

LEAST_CORRELATED: Final = 2.0
"""Levels of successive frames count as correlated from so many standard errors of their correlation on."""

MOST_CORRELATED: Final = 0.9
"""A correlation above that, of a few frames, says only that the level wanders slowly."""


class DarkSet:
    """Takes bias frames or dark flats one by one.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the frames.
    cfa : str, optional
        The color pattern, so that cells are those of the flat.
    """

    def __init__(self, shape: tuple[int, int], *, cfa: str | None = None) -> None:
        self.grid: CellGrid = cell_grid(shape, cfa=cfa)
        self._sums: list[Float32Array | None] = [None, None]
        self._counts = [0, 0]
        self._step = 0.0
        self._pivot = np.float32(0.0)
        self.levels_adu: list[float] = []
        """The mean level of each frame, hot pixels left out."""
        self.noise_adu: float | None = None
        """The noise of a master's pixels, where one was given instead of frames."""
        self._master_error: float | None = None
        self._n_master = 0

    @classmethod
    def of_master(
        cls,
        pixels: NDArray[Any],
        *,
        n_frames: int,
        noise_adu: float | None = None,
        level_error_adu: float | None = None,
        cfa: str | None = None,
    ) -> DarkSet:
        """A master in place of its frames: nothing is known of its halves.

        Parameters
        ----------
        pixels : array (rows, columns)
            ADU; NaN is no data.
        n_frames : int
            Frames behind it.
        noise_adu : float, optional
            The noise of its pixels; without it, pattern is not told from noise.
        level_error_adu : float, optional
            How uncertain its mean level is: scatter of the frames' levels over the root of their number.
        cfa : str, optional
        """
        made = cls((pixels.shape[0], pixels.shape[1]), cfa=cfa)
        made._take(pixels)
        made.noise_adu, made._master_error, made._n_master = noise_adu, level_error_adu, n_frames
        return made

    @property
    def n_frames(self) -> int:
        """How many frames were taken, or lie behind the master."""
        return self._n_master or len(self.levels_adu)

    @property
    def has_halves(self) -> bool:
        """True where two frames or more were taken one by one."""
        return min(self._counts) > 0

    def add(self, frame: NDArray[Any]) -> None:
        """Take one more frame, raw ADU; NaN is no data.

        Raises
        ------
        UsageError
            If it has another shape.
        """
        self._take(frame)

    def add_all(self, frames: Iterable[NDArray[Any]]) -> DarkSet:
        """Take several frames; returns itself."""
        for frame in frames:
            self._take(frame)
        return self

    def _take(self, frame: NDArray[Any]) -> None:
        x = self.grid.cut(frame)
        if not self.levels_adu:
            self._step = find_step(x) or 0.0
            self._pivot = np.float32(np.nanmedian(x[:, 0]))
        # Sums of small numbers keep what float32 would lose of large ones.
        x -= self._pivot
        moments = cell_moments(x, step_adu=self._step)
        there = moments.count > 0
        level = float(moments.mean[there].mean()) if there.any() else math.nan
        self.levels_adu.append(level + float(self._pivot))
        half = (len(self.levels_adu) - 1) % 2
        total = self._sums[half]
        if total is None:
            self._sums[half] = x
        else:
            total += x
        self._counts[half] += 1

    def half(self, which: int) -> Float32Array:
        """The mean of every other frame in cells, above `pivot_adu`; which is 0 or 1.

        Raises
        ------
        UsageError
            If there is no such frame.
        """
        total = self._sums[which]
        if total is None:
            raise UsageError("There are too few frames for two halves.", mend="Take two frames or more.")
        return total / np.float32(self._counts[which])

    def mean(self) -> Float32Array:
        """The mean of all frames in cells, above `pivot_adu`."""
        if not self.has_halves:
            return self.half(0)
        share = np.float32(self._counts[0] / sum(self._counts))
        return self.half(0) * share + self.half(1) * (np.float32(1.0) - share)

    @property
    def pivot_adu(self) -> float:
        """What was taken off before sums were made."""
        return float(self._pivot)

    @property
    def wander_adu(self) -> float | None:
        """The scatter of the frames' levels, ADU; ``None`` for less than two."""
        return float(np.std(self.levels_adu, ddof=1)) if len(self.levels_adu) > 1 else None

    @property
    def level_error_adu(self) -> float | None:
        """The standard error of the mean level, from the frames' scatter; ``None`` where nothing tells it.

        Levels that wander slowly have fewer independent values than frames: (1 + rho)/(1 - rho) more variance, rho the
        correlation of successive ones.
        """
        if self._n_master:
            return self._master_error
        n = len(self.levels_adu)
        if n < 2 or self.wander_adu is None:
            return None
        apart = np.array(self.levels_adu) - float(np.mean(self.levels_adu))
        square = float(np.sum(apart**2))
        rho = float(np.sum(apart[1:] * apart[:-1])) / square if square > 0 else 0.0
        rho = min(rho, MOST_CORRELATED) if rho > LEAST_CORRELATED / math.sqrt(n) else 0.0
        return self.wander_adu / math.sqrt(n) * math.sqrt((1.0 + rho) / (1.0 - rho))
