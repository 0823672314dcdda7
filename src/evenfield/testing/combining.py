"""The plain NumPy twin of the combining kernels, pixel by pixel in float64."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evenfield.model.pixels import Float64Array
from evenfield.model.rejections import AutoRejection, NoRejection, Rejection, Winsorized, rejection
from evenfield.testing.rejecting import Verdict, reject_column


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
) -> Reference:
    """Combine a stack slowly and literally.

    Parameters
    ----------
    stack : array (n_frames, ...)
        True, calibrated values. What is not finite does not take part.
    method, reject, weights
        As for `evenfield.combine.combine_frames`.
    step : float
        The quantum of the samples; `combine_frames` takes 1 for integer stacks.

    Returns
    -------
    Reference
        Arrays of the frames' shape.
    """
    samples = np.asarray(stack, dtype=np.float64)
    n_frames, shape = samples.shape[0], samples.shape[1:]
    chosen = rejection(reject) if isinstance(reject, str) else NoRejection() if reject is None else reject
    if isinstance(chosen, AutoRejection):
        chosen = NoRejection() if n_frames < 5 else Winsorized(low=3.0, high=3.0)
        method = "median" if n_frames < 5 else method
    frame_weights = None if weights is None else np.asarray(weights, dtype=np.float64)
    columns = samples.reshape(n_frames, math.prod(shape))
    rows = [_combine_column(columns[:, p], method, chosen, frame_weights, step) for p in range(columns.shape[1])]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 6)
    value, noise, count, low, high, margin = (table[:, k].reshape(shape) for k in range(6))
    return Reference(
        value=value,
        noise=noise,
        count=count.astype(np.int64),
        rejected_low=low.astype(np.int64),
        rejected_high=high.astype(np.int64),
        margin=margin,
    )


def _combine_column(
    column: Float64Array, method: str, chosen: Rejection, weights: Float64Array | None, step: float
) -> tuple[float, float, int, int, int, float]:
    valid = np.isfinite(column)
    x = column[valid]
    if x.size == 0:
        return math.nan, math.nan, 0, 0, 0, math.inf
    verdict = reject_column(x, chosen, step)
    if verdict is None:
        verdict, method = Verdict.of(x.size), "median"
    survivors = x[verdict.kept]
    n = survivors.size
    s = float(survivors.std(ddof=1)) if n > 1 else math.nan
    if method == "median":
        value = float(np.median(survivors))
        noise = (1.2533141373155001 if n > 2 else 1.0) * s / math.sqrt(n)
    elif weights is not None:
        w = weights[valid][verdict.kept]
        total = float(w.sum())
        value = float((w * survivors).sum() / total) if total > 0 else math.nan
        noise = s * math.sqrt(float((w**2).sum())) / total if total > 0 else math.nan
    else:
        value = float(survivors.mean())
        noise = s / math.sqrt(n)
    low, high = int(np.count_nonzero(verdict.low)), int(np.count_nonzero(verdict.high))
    return value, noise, n, low, high, verdict.margin
