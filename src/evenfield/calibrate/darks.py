"""A dark brought to another exposure."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from evenfield.calibrate.frames import check_frame, row_chunks, size_text
from evenfield.errors import UsageError
from evenfield.model.pixels import Float32Array


def scaled_dark(dark: ArrayLike, *, bias: ArrayLike, factor: float) -> Float32Array:
    """The dark of ``factor`` times the exposure: ``bias + factor * (dark - bias)``, computed in float64.

    Parameters
    ----------
    dark : real array (rows, columns)
        A master dark that still holds its bias, ADU.
    bias : real array (rows, columns)
        The master bias, ADU.
    factor : float
        Ratio of the exposures, wanted to present; above 1 amplifies the dark's noise.

    Returns
    -------
    float32 array (rows, columns)
        ADU, bias included. NaN where either master is NaN.

    Raises
    ------
    UsageError
        If the shapes differ, or the factor is negative or not finite.
    """
    whole, least = check_frame(dark, "dark"), check_frame(bias, "bias")
    if whole.shape != least.shape:
        raise UsageError(
            f"The dark is {size_text(whole.shape)}, the bias {size_text(least.shape)}.",
            mend="Use masters of the same sensor, region and binning.",
        )
    if not (math.isfinite(factor) and factor >= 0):
        raise UsageError(f"A dark cannot be scaled by {factor:g}.", mend="Pass a finite factor of 0 or more.")
    out = np.empty(whole.shape, np.float32)
    for rows in row_chunks(whole.shape):
        pedestal = least[rows].astype(np.float64)
        out[rows] = pedestal + factor * (whole[rows].astype(np.float64) - pedestal)
    return out
