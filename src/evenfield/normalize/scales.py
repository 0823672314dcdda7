"""Before combining: the factor for each frame that brings all frames to one level ("equalize fluxes")."""

from __future__ import annotations

import warnings
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from evenfield.errors import CombineError
from evenfield.model.pixels import Float64Array

METHODS: Final = ("mean", "median")


def frame_scales(levels: ArrayLike, *, method: str = "mean") -> Float64Array:
    """The factors that bring each frame to the mean of all levels.

    Parameters
    ----------
    levels : array (n_frames,), or a stack (n_frames, rows, columns) or (n_frames, n)
        The level of each frame, ADU after calibration; of a stack the levels are computed here, NaN left out.
    method : str
        "mean" or "median": the statistic that is a frame's level. Used for a stack only.

    Returns
    -------
    float64 array (n_frames,)
        ``mean(levels) / levels``.

    Raises
    ------
    CombineError
        If there are no levels, a level is not finite or not positive (the frame is named by its index, from 0), or the
        method is unknown.
    """
    if method not in METHODS:
        raise CombineError(f"There is no level '{method}'.", mend=f"Choose one of {', '.join(METHODS)}.")
    given = np.asarray(levels)
    if given.dtype.kind not in "iuf" or given.ndim == 0 or given.shape[0] == 0:
        raise CombineError("There are no levels of frames.", mend="Pass one number a frame, or a stack.")
    values = given.astype(np.float64) if given.ndim == 1 else np.array([_level(frame, method) for frame in given])
    bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if bad.size:
        raise CombineError(
            f"The level of frame {bad[0]} is {values[bad[0]]:g}; a factor cannot bring it to the others.",
            mend="Leave the frame out, or look whether too much was subtracted from it.",
        )
    scales: Float64Array = values.mean() / values
    return scales


def _level(frame: Float64Array, method: str) -> float:
    with warnings.catch_warnings():
        # A frame of NaN only has the level NaN, which is refused by name.
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(np.nanmean(frame, dtype=np.float64) if method == "mean" else np.nanmedian(frame))
