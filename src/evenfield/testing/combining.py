"""The plain NumPy twin of the combining kernels, pixel by pixel in float64."""

from __future__ import annotations

import dataclasses
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evenfield.model.pixels import Float64Array
from evenfield.model.rejections import (
    AutoRejection,
    Averaged,
    Ccd,
    Limits,
    NoRejection,
    Rejection,
    auto_rejection,
    rejection,
)
from evenfield.testing.rejecting import as_decided, reject_column
from evenfield.testing.rejecting_repeated import ccd_noise, row_scatter
from evenfield.testing.rejecting_verdict import RowScatter, SampleTerms, Verdict


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """As `evenfield.model.pixels.Combined`, in float64 and int64, with the ``margin`` of each pixel.

    ``margin`` is the least relative distance of any sample's deviation from a limit it was tested against, tie rule
    included: where it is small, another order of the sums may decide otherwise. Infinite where nothing was tested.
    """

    value: Float64Array
    noise: Float64Array
    count: NDArray[np.int64]
    rejected_low: NDArray[np.int64]
    rejected_high: NDArray[np.int64]
    margin: Float64Array


def combine_reference(
    stack: ArrayLike,
    *,
    method: str = "mean",
    reject: Rejection | str | None = None,
    weights: ArrayLike | None = None,
    step: float = 0.0,
    limits: Limits = "nominal",
) -> Reference:
    """Combine a stack slowly and literally.

    Parameters
    ----------
    stack : array (n_frames, rows, columns) or (n_frames, n)
        True, calibrated values. What is not finite does not take part. A 2-D stack is one row of an image, which
        averaged takes its noise from.
    method, reject, weights
        As for `evenfield.combine.combine_frames`.
    step : float
        The quantum of the samples; `combine_frames` takes 1 for integer stacks.
    limits : str
        "nominal": the limits as they stand. "corrected": those that keep their promise with so many samples, decided
        on dequantized samples where the step is coarse.

    Returns
    -------
    Reference
        Arrays of the frames' shape.

    Raises
    ------
    CombineError
        If ccd knows neither read noise nor e-/ADU.
    SettingsError
        If the text of the rejection cannot be understood.
    """
    samples = np.asarray(stack, dtype=np.float64)
    n_frames, shape = samples.shape[0], samples.shape[1:]
    chosen = rejection(reject) if isinstance(reject, str) else NoRejection() if reject is None else reject
    if isinstance(chosen, AutoRejection):
        auto = auto_rejection(n_frames, kind="array", limits=limits)
        method, chosen = ("median", NoRejection()) if auto is None else (method, auto)
    frame_weights = None if weights is None else np.asarray(weights, dtype=np.float64)
    if isinstance(chosen, Ccd):
        ccd_noise(chosen, center=0.0, terms=SampleTerms.plain(0))  # refuses where there are no numbers
    how = _How(method=method, chosen=chosen, weights=frame_weights, step=step, corrected=limits == "corrected")
    table_rows = []
    for row in np.moveaxis(samples.reshape(n_frames, -1, shape[-1]), 1, 0) if samples.size else ():
        table_rows += _combine_row(row, how)
    table = np.array(table_rows, dtype=np.float64).reshape(len(table_rows), 6)
    value, noise, count, low, high, margin = (table[:, k].reshape(shape) for k in range(6))
    return Reference(
        value=value,
        noise=noise,
        count=count.astype(np.int64),
        rejected_low=low.astype(np.int64),
        rejected_high=high.astype(np.int64),
        margin=margin,
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    method: str
    chosen: Rejection
    weights: Float64Array | None
    step: float
    corrected: bool


_Pixel: TypeAlias = tuple[float, float, int, int, int, float]


def _combine_row(row: Float64Array, how: _How) -> list[_Pixel]:
    scatter = row_scatter(_as_decided(row, how)) if isinstance(how.chosen, Averaged) else None
    return [_combine_column(row[:, p], how, scatter) for p in range(row.shape[1])]


def _as_decided(row: Float64Array, how: _How) -> Float64Array:
    """The row's columns, those dequantized that are decided so."""
    made = row.copy()
    for p in range(row.shape[1]):
        valid = np.isfinite(row[:, p])
        if how.corrected and valid.sum() > 1:
            made[valid, p] = as_decided(row[valid, p], step=how.step)
    return made


def _combine_column(column: Float64Array, how: _How, scatter: RowScatter | None) -> _Pixel:
    valid = np.isfinite(column)
    x = column[valid]
    if x.size == 0:
        return math.nan, math.nan, 0, 0, 0, math.inf
    method = how.method
    verdict = reject_column(x, chosen=how.chosen, step=how.step, corrected=how.corrected, row=scatter)
    if verdict is None:
        verdict, method = Verdict.of(x.size), "median"
    survivors = x[verdict.kept]
    n = survivors.size
    s = float(survivors.std(ddof=1)) if n > 1 else math.nan
    if method == "median":
        value = float(np.median(survivors))
        noise = (1.2533141373155001 if n > 2 else 1.0) * s / math.sqrt(n)
    elif how.weights is not None:
        w = how.weights[valid][verdict.kept]
        total = float(w.sum())
        value = float((w * survivors).sum() / total) if total > 0 else math.nan
        noise = s * math.sqrt(float((w**2).sum())) / total if total > 0 else math.nan
    else:
        value = float(survivors.mean())
        noise = s / math.sqrt(n)
    low, high = int(np.count_nonzero(verdict.low)), int(np.count_nonzero(verdict.high))
    return value, noise, n, low, high, verdict.margin
