"""Combine a stack of frames in memory."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evenfield.combine.bands import BandTerms, CombineRecipe, new_combined, run_kernel
from evenfield.combine.checks import check_recipe, check_stack
from evenfield.combine.steps import STEP_FRAMES, STEP_PIXELS, step_of
from evenfield.errors import CombineError
from evenfield.model.pixels import Combined, Float64Array
from evenfield.model.rejections import AutoRejection, Limits, NoRejection, Rejection, auto_rejection, rejection

BAND_BYTES: Final = 8 << 20
"""Size of the float64 copy of a part of the stack: the only memory taken besides the results."""


def combine_frames(
    stack: ArrayLike,
    *,
    method: str = "mean",
    reject: Rejection | str | None = None,
    weights: ArrayLike | None = None,
    limits: Limits = "corrected",
) -> Combined:
    """Combine the frames of a stack, pixel by pixel, after rejecting outliers.

    Parameters
    ----------
    stack : array (n_frames, rows, columns) or (n_frames, n)
        Samples of any real dtype and byte order, in any unit; computed in float64. NaN and infinite samples do not take
        part. Bring the frames to a common level before (`frame_scales`): nothing is scaled here.
    method : str
        "mean" or "median" of the survivors.
    reject : Rejection or str, optional
        A rejection, or its text ("winsorized:4,3"); ``None`` is none. "auto": fewer than 5 frames give the median
        of all samples (weights unused), fewer than 12 zscore 3, fewer than 20 sigma 3/3, more winsorized 3/3.
    weights : array (n_frames,), optional
        Weights of the mean. They never influence the rejection.
    limits : str
        What the limits of zscore, sigma, mad, winsorized, averaged, linear and ccd mean: "corrected" (the share of
        clean samples that a normal distribution has beyond them, whatever the number of frames: docs/limits.md) or
        "nominal" (multiples of the scatter, the textbook).

    Returns
    -------
    Combined
        Arrays of the frames' shape. ``value`` and ``noise`` (the standard error of ``value``) are float32 in the
        stack's unit. Value and noise are NaN where no sample is valid or all survivors have weight 0, noise also where
        fewer than two survive. A column rejected whole falls back to the median of its valid samples (zscore: to
        extremes 2); count and rejections are then those of the fallback.

    Raises
    ------
    CombineError
        If the stack is no stack of real samples, the method is unknown, the rejection needs more frames, or the weights
        have the wrong length, are negative or not finite, are all zero, or are given for the median.
    SettingsError
        If the text of the rejection cannot be understood.
    """
    samples = _as_stack(stack)
    given = None if weights is None else _as_weights(weights)
    if given is not None and method == "median":
        raise CombineError("The median takes no weights.", mend="Leave the weights out, or choose method 'mean'.")
    chosen = rejection(reject) if isinstance(reject, str) else NoRejection() if reject is None else reject
    n_frames = samples.shape[0]
    if isinstance(chosen, AutoRejection):
        check_recipe(method, NoRejection(), given, n_frames)
        auto = auto_rejection(n_frames, kind="array", limits=limits)
        method, chosen = ("median", NoRejection()) if auto is None else (method, auto)
    check_recipe(method, chosen, given, n_frames)
    step = 0.0 if samples.dtype.kind == "f" else float(_step_of_stack(samples))
    recipe = CombineRecipe(method=method, rejection=chosen, weights=given, step=step, limits=limits)
    return _combine_in_bands(samples, recipe)


def _step_of_stack(samples: NDArray[Any]) -> int:
    """The step of integer samples: of the first pixels of a few frames."""
    first = samples[:STEP_FRAMES].reshape(min(samples.shape[0], STEP_FRAMES), -1)[:, :STEP_PIXELS]
    steps = [step_of(frame) for frame in first]
    # Where all pixels of a frame are equal, its step is that of the others.
    return min((one for one, frame in zip(steps, first, strict=True) if np.ptp(frame) > 0), default=1)


def _as_stack(stack: ArrayLike) -> NDArray[Any]:
    try:
        samples = np.asanyarray(stack)
    except ValueError:
        raise CombineError("The frames of the stack differ in shape.", mend="Pass frames of one shape.") from None
    check_stack(samples)
    return samples


def _as_weights(weights: ArrayLike) -> Float64Array:
    try:
        return np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        raise CombineError("The weights are not real numbers.", mend="Pass one number a frame.") from None


def _combine_in_bands(stack: NDArray[Any], recipe: CombineRecipe) -> Combined:
    from evenfield.kernels.inputs import array_samples

    n_frames, shape = stack.shape[0], stack.shape[1:]
    whole = Combined(
        value=np.empty(shape, np.float32),
        noise=np.empty(shape, np.float32),
        count=np.empty(shape, np.uint16),
        rejected_low=np.empty(shape, np.uint16),
        rejected_high=np.empty(shape, np.uint16),
    )
    which = np.full(n_frames, -1, np.int64)
    terms = BandTerms(shifts=np.zeros(n_frames), scales=np.ones(n_frames), which=which)
    # A stack (n_frames, n) is one row.
    columns = shape[-1]
    row_bytes = 8 * n_frames * int(np.prod(shape[1:]))
    rows = max(1, BAND_BYTES // max(row_bytes, 1))
    for start in range(0, shape[0], rows):
        band = np.ascontiguousarray(stack[:, start : start + rows])
        flat = band.reshape(n_frames, band[0].size)
        part = run_kernel(array_samples(flat), terms, recipe, columns, new_combined(flat.shape[1]))
        for name in ("value", "noise", "count", "rejected_low", "rejected_high"):
            getattr(whole, name)[start : start + rows] = getattr(part, name).reshape(band.shape[1:])
    return whole
