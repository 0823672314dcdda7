"""The fit behind photon transfer: cells of like pixels, which of them count, and weighted least squares."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.examine.transfer import CellRun
from evenfield.model.pixels import Float64Array

ROUNDS: Final = 6
"""Weights depend on the model and the model on the weights: three rounds already stand to 1e-6."""

OUTLYING: Final = 5.0
"""Cells beyond so many of their errors are left out: edges of moving dust, stars, flickering columns."""

LEAST_SHARE: Final = 0.1
"""The model gives no cell less than this share of the least variance seen: a line may cross zero while it is sought."""

COLLAPSED: Final = 0.5
"""Where the variance per level falls below this share of what it is elsewhere, pixels are saturated."""

NEAR_SATURATION: Final = 0.9
"""Cells above this share of the saturation level are left out: their brightest pixels may be clipped."""

WORTH_INFLATING: Final = 3.0
"""Errors are raised where the cells scatter more than the model says by so many standard errors of that scatter."""

GROUPS: Final = 32
"""Groups of cells of like level in which saturation is looked for."""


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class TransferCells:
    """The cells that enter the fit: variance, degrees of freedom, and the two numbers that multiply R and 1/g.

    ``trust`` is less than 1 where frames scatter more than they should: their errors are larger than freedom says.
    """

    variance: Float64Array
    freedom: Float64Array
    trust: Float64Array
    read_share: Float64Array
    level: Float64Array

    def only(self, kept: NDArray[np.bool_]) -> TransferCells:
        """The cells at which ``kept`` is True."""
        return TransferCells(
            variance=self.variance[kept], freedom=self.freedom[kept], trust=self.trust[kept],
            read_share=self.read_share[kept], level=self.level[kept],
        )  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransferFit:
    """Parameters, their covariance (raised where the cells scatter more), chi-square per degree of freedom."""

    parameters: Float64Array
    covariance: Float64Array
    weights: Float64Array
    kept: NDArray[np.bool_]
    scatter: float


def gather_cells(runs: tuple[CellRun, ...], *, mine: NDArray[np.bool_], pedestal_adu: Float64Array) -> TransferCells:
    """The cells of one color of all runs.

    Parameters
    ----------
    runs : tuple of CellRun
    mine : bool array (n_cells,)
        True at cells of the color.
    pedestal_adu : float64 array (as many as are True,)
        The level without light of each of those; where it is NaN the cell is left out.
    """
    parts = []
    for run in runs:
        freedom = run.freedom[mine] * run.worth
        usable = (freedom > 0) & np.isfinite(pedestal_adu)
        parts.append(
            TransferCells(
                variance=run.squares[mine][usable] / run.freedom[mine][usable],
                freedom=freedom[usable],
                trust=np.full(int(usable.sum()), 1.0 / _unsteadiness(run)),
                read_share=run.read_share[mine][usable],
                level=(run.level_adu[mine] - pedestal_adu)[usable],
            )
        )
    empty = np.empty(0)
    nothing = TransferCells(variance=empty, freedom=empty, trust=empty, read_share=empty, level=empty)
    made = nothing
    for part in parts:
        made = join_cells(made, second=part)
    return made


def _unsteadiness(run: CellRun) -> float:
    """By how much the frames' noises scatter more than they should, where that is no chance; else 1."""
    chance = WORTH_INFLATING * math.sqrt(2.0 / max(run.n_frames - 2, 1))
    return run.unsteady if run.unsteady is not None and run.unsteady > 1.0 + chance else 1.0


def join_cells(first: TransferCells, *, second: TransferCells) -> TransferCells:
    """The cells of both."""
    return TransferCells(
        variance=np.concatenate([first.variance, second.variance]),
        freedom=np.concatenate([first.freedom, second.freedom]),
        trust=np.concatenate([first.trust, second.trust]),
        read_share=np.concatenate([first.read_share, second.read_share]),
        level=np.concatenate([first.level, second.level]),
    )


def leave_out_saturated(
    flat: TransferCells, *, floor_adu2: float, base_adu: float, piled_adu: float | None
) -> tuple[float | None, TransferCells]:
    """The raw level of saturation where one is seen, and the cells well below it.

    Saturated pixels have no photon noise: in the groups of the highest levels the variance per level collapses.
    """
    order = np.argsort(flat.level, kind="stable")
    groups = [part for part in np.array_split(order, GROUPS) if part.size]
    level = np.array([float(np.median(flat.level[part])) for part in groups])
    ratio = np.array([float(np.median(flat.variance[part] - floor_adu2)) for part in groups]) / np.maximum(level, 1.0)
    usual = float(np.max(ratio))
    top = None if piled_adu is None else piled_adu - base_adu
    first = len(groups)
    while first > 0 and ratio[first - 1] < COLLAPSED * usual:
        first -= 1
    if first < len(groups):
        collapsed = float(np.median(flat.level[np.concatenate(groups[first:])]))
        top = collapsed if top is None else min(top, collapsed)
    if top is None:
        return None, flat
    kept = flat.only(flat.level < NEAR_SATURATION * top)
    # A drifting lamp saturates now more, now fewer pixels: that the frames' noises differ says nothing of the others.
    kept.trust = np.ones_like(kept.trust)
    return top + base_adu, kept


def fit_cells(cells: TransferCells, *, design: Float64Array) -> TransferFit:
    """Weighted least squares; cells that lie off by `OUTLYING` of their errors are left out."""
    kept = np.ones(cells.variance.size, np.bool_)
    # From the cells' own variances the first weights would favor the low ones: from their median they do not.
    expected: Float64Array = np.full(cells.variance.size, max(float(np.median(cells.variance)), 1e-12))
    weights = cells.freedom * cells.trust / (2.0 * expected**2)
    floor = max(LEAST_SHARE * float(np.min(cells.variance)), 1e-12)
    parameters = np.zeros(design.shape[1])
    information = np.eye(design.shape[1])
    for _ in range(ROUNDS):
        weighted = design[kept] * weights[kept, None]
        information = design[kept].T @ weighted
        parameters = np.linalg.lstsq(information, weighted.T @ cells.variance[kept], rcond=None)[0].astype(np.float64)
        expected = np.maximum(design @ parameters, floor)
        weights = cells.freedom * cells.trust / (2.0 * expected**2)
        apart = (cells.variance - expected) / expected * np.sqrt(0.5 * cells.freedom)
        usual = max(1.0, 1.4826 * float(np.median(np.abs(apart))))
        kept = np.abs(apart) <= OUTLYING * usual
    free = max(int(kept.sum()) - design.shape[1], 1)
    scatter = float(np.sum(apart[kept] ** 2)) / free
    more = scatter if scatter > 1.0 + WORTH_INFLATING * math.sqrt(2.0 / free) else 1.0
    covariance = np.linalg.pinv(information) * more
    return TransferFit(parameters=parameters, covariance=covariance, weights=weights * kept, kept=kept, scatter=scatter)
