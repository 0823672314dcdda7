"""Combine one band of raw samples with their calibration terms: what the tile loop calls, from several threads."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evenfield.combine.checks import check_recipe
from evenfield.combine.rules import kernel_rules
from evenfield.errors import CombineError
from evenfield.model.pixels import Combined, Encoding, Float32Array, Float64Array
from evenfield.model.rejections import Averaged, Ccd, Limits, Rejection, rejection_name

if TYPE_CHECKING:
    from evenfield.kernels.blocks import Samples


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BandTerms:
    """What calibrates the samples of a band: ``(raw - shifts[f] - subtract[which[f]][pixel]) * scales[f]``.

    Parameters
    ----------
    shifts : float64 array (n_frames,)
        One number to subtract from each frame, ADU.
    scales : float64 array (n_frames,)
        One factor for each frame, after subtracting.
    subtract : float32 array (n_masters, n_pixels), optional
        What the dark masters say in this band, ADU. A NaN takes the sample out.
    which : int64 array (n_frames,)
        The row of ``subtract`` that belongs to each frame; -1 for none.
    """

    shifts: Float64Array
    scales: Float64Array
    subtract: Float32Array | None = None
    which: NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CombineRecipe:
    """How samples are combined.

    Parameters
    ----------
    method : str
        "mean" (weighted where there are weights) or "median" of the survivors.
    rejection : Rejection
        Anything but `AutoRejection`: whoever makes the recipe has chosen.
    weights : float64 array (n_frames,), optional
        Weights of the mean. They never influence the rejection.
    step : float
        The quantum of the raw data times the frames' scale, ADU; 0 for float data.
    limits : str
        "corrected": the limits of the rejections in `evenfield.model.rejections.CORRECTED` are thresholds for the
        share of clean samples that a normal distribution has beyond them. "nominal": multiples of the scatter.
    bias_adu : float
        The level of the raw frames without light, for `Ccd`.
    """

    method: str = "mean"
    rejection: Rejection
    weights: Float64Array | None = None
    step: float = 0.0
    limits: Limits = "corrected"
    bias_adu: float = 0.0


def combine_band(
    raw: NDArray[Any],
    *,
    encoding: Encoding,
    terms: BandTerms,
    recipe: CombineRecipe,
    columns: int = 0,
    out: Combined | None = None,
) -> Combined:
    """Calibrate, reject and combine one band; releases the interpreter's lock.

    A pixel's result depends on its own samples alone, so that it is bit-equal however the frame is cut into bands.
    All arithmetic is float64. Samples that are not finite do not take part.

    Parameters
    ----------
    raw : int16 or float32 array (n_frames, n_pixels)
        Raw samples as ``encoding`` says (int16: the bytes as on disk).
    encoding : Encoding
        How all frames' samples are stored.
    terms : BandTerms
        The calibration of each frame.
    recipe : CombineRecipe
        Method, rejection, weights, quantum and what the limits mean.
    columns : int
        Pixels of an image row; 0: all pixels are one row. Only ``averaged`` looks at rows.
    out : Combined, optional
        Arrays (n_pixels,) to fill and return, as `new_combined` makes them.

    Returns
    -------
    Combined
        Arrays (n_pixels,). A pixel without valid samples has value and noise NaN and count 0; so has one whose
        survivors all have weight 0, but for its count.

    Raises
    ------
    CombineError
        If shapes or dtypes do not belong together, or the recipe does not fit the number of frames.
    """
    from evenfield.kernels.inputs import raw_samples

    samples = raw_samples(raw, encoding)
    check_recipe(recipe.method, recipe.rejection, recipe.weights, raw.shape[0])
    filled = new_combined(raw.shape[1]) if out is None else out
    for name in ("value", "noise", "count", "rejected_low", "rejected_high"):
        if getattr(filled, name).shape != (raw.shape[1],):
            found = getattr(filled, name).shape
            raise CombineError(f"The results' {name} has shape {found}, the band has {raw.shape[1]} pixels.")
    return run_kernel(samples, checked_terms(terms, *raw.shape), recipe, columns or raw.shape[1], filled)


def checked_terms(terms: BandTerms, n_frames: int, n_pixels: int) -> BandTerms:
    """The terms as they are, once every index in them is known to be good: the kernel itself looks at none."""
    for name in ("shifts", "scales", "which"):
        shape = getattr(terms, name).shape
        if shape != (n_frames,):
            raise CombineError(f"The terms' {name} have shape {shape}, the band has {n_frames} frames.")
    rows = 0
    if terms.subtract is not None:
        rows = terms.subtract.shape[0]
        if terms.subtract.shape != (rows, n_pixels):
            raise CombineError(
                f"The terms' masters have shape {terms.subtract.shape}, the band has {n_pixels} pixels.",
                mend="Pass an array (n_masters, n_pixels).",
            )
    if terms.which.size and terms.which.max() >= rows:
        raise CombineError(f"The terms name master {terms.which.max()}, there are {rows}.")
    return terms


def new_combined(n_pixels: int) -> Combined:
    """Fresh arrays for the results of ``n_pixels`` pixels."""
    return Combined(
        value=np.empty(n_pixels, np.float32),
        noise=np.empty(n_pixels, np.float32),
        count=np.empty(n_pixels, np.uint16),
        rejected_low=np.empty(n_pixels, np.uint16),
        rejected_high=np.empty(n_pixels, np.uint16),
    )


def run_kernel(samples: Samples, terms: BandTerms, recipe: CombineRecipe, columns: int, out: Combined) -> Combined:
    """Hand checked samples, terms and recipe to the kernel of the recipe's rejection, which fills ``out``."""
    from evenfield.kernels.blocks import Results, Terms, new_space
    from evenfield.kernels.inputs import read_only
    from evenfield.kernels.registry import combine_kernel

    subtract = np.empty((0, 0), np.float32) if terms.subtract is None else terms.subtract
    kernel_terms = Terms(
        read_only(terms.shifts, np.float64),
        read_only(terms.scales, np.float64),
        read_only(subtract, np.float32),
        read_only(terms.which, np.int64),
    )
    results = Results(out.value, out.noise, out.count, out.rejected_low, out.rejected_high)
    kernel = combine_kernel(rejection_name(recipe.rejection))
    n_frames = terms.shifts.size
    rules = kernel_rules(recipe, n_frames=n_frames, columns=columns)
    needs_order = rules.weights.size > 0 or isinstance(recipe.rejection, Ccd)
    by_rows = isinstance(recipe.rejection, Averaged)
    space = new_space(rules, n_frames, n_pixels=out.value.size, keep_order=needs_order, by_rows=by_rows)
    kernel(samples, kernel_terms, rules, results, space)
    return out
