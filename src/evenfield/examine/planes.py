"""Statistics of each CFA plane of one frame."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.model.mosaic import plane_cells
from evenfield.model.pixels import Float32Array, Float64Array

INTEGERS: Final = 1 << 16
"""Frames of whole numbers from 0 to below this are counted value by value: median and MAD come of the counts."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlaneStatistics:
    """Statistics of one plane; ``None`` where no pixel has a value. ``mad`` is not scaled; ``std`` has ddof 0.

    ``low`` counts pixels at ``least``, ``high`` those from ``saturation`` on (``None`` where that is unknown).
    """

    plane: str
    pixels: int
    mean: float | None
    median: float | None
    std: float | None
    mad: float | None
    minimum: float | None
    maximum: float | None
    low: int
    high: int | None
    no_data: int


def plane_statistics(
    pixels: Float32Array, *, cfa: str | None, saturation_adu: float | None = None, least_adu: float = 0.0
) -> tuple[PlaneStatistics, ...]:
    """Mean, median, standard deviation, MAD, extremes and clipped pixels of each plane of a frame.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
        ADU as stored; what is not finite is left out and counted.
    cfa : str, optional
        The pattern from the top left pixel; without one the frame is one plane, named "".
    saturation_adu : float, optional
        Pixels from here on are clipped high.
    least_adu : float
        The least value that the file can hold: pixels at or below it are clipped low.
    """
    made = []
    for plane, cells in plane_cells(cfa).items():
        values = np.concatenate([pixels[cell].ravel() for cell in cells])
        finite = values[np.isfinite(values)]
        made.append(_statistics(plane, finite, values.size - finite.size, saturation_adu, least_adu))
    return tuple(made)


def _statistics(
    plane: str, values: Float32Array, no_data: int, saturation_adu: float | None, least_adu: float
) -> PlaneStatistics:
    known = values.size > 0
    minimum, maximum = (float(values.min()), float(values.max())) if known else (0.0, 0.0)
    mean = std = median = mad = None
    if known and minimum >= 0 and maximum < INTEGERS and bool((values == np.rint(values)).all()):
        counts = np.bincount(values.astype(np.intp))
        mean, std, median, mad = _of_counts(counts)
    elif known:
        exact = values.astype(np.float64)
        mean, std, median = float(exact.mean()), float(exact.std()), float(np.median(exact))
        mad = float(np.median(np.abs(exact - median)))
    return PlaneStatistics(
        plane=plane,
        pixels=values.size + no_data,
        mean=mean,
        median=median,
        std=std,
        mad=mad,
        minimum=minimum if known else None,
        maximum=maximum if known else None,
        low=int(np.count_nonzero(values <= np.float32(least_adu))),
        high=None if saturation_adu is None else int(np.count_nonzero(values >= np.float32(saturation_adu))),
        no_data=no_data,
    )


def _of_counts(counts: NDArray[Any]) -> tuple[float, float, float, float]:
    """Mean, standard deviation, median and MAD of whole numbers, from how often each occurs."""
    levels = np.flatnonzero(counts)
    times = counts[levels].astype(np.float64)
    n = float(times.sum())
    mean = float(levels @ times / n)
    std = float(np.sqrt(np.square(levels - mean) @ times / n))
    median = _median(levels.astype(np.float64), times)
    apart = np.abs(levels - median)
    order = np.argsort(apart, kind="stable")
    return mean, std, median, _median(apart[order], times[order])


def _median(levels: Float64Array, times: Float64Array) -> float:
    """The median of sorted levels, each so many times; the mean of the two in the middle."""
    reached = np.cumsum(times)
    n = reached[-1]
    low = levels[np.searchsorted(reached, (n - 1) // 2, side="right")]
    high = levels[np.searchsorted(reached, n // 2, side="right")]
    return float(0.5 * (low + high))
