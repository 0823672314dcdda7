"""Refuse what cannot be combined, with a reason, before a kernel sees it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import CombineError
from evenfield.model.pixels import Float64Array
from evenfield.model.rejections import AutoRejection, Ccd, Esd, Linear, Rcr, Rejection, least_frames, rejection_text

METHODS: Final = ("mean", "median")

MOST_FRAMES: Final = 65535
"""Counts a pixel are 16-bit numbers."""

MOST_TABLED: Final = 1000
"""What linear, esd and rcr look up grows with the square of the number of frames."""


def check_stack(stack: NDArray[Any]) -> None:
    """Refuse an array that is no stack of real samples.

    Raises
    ------
    CombineError
        If the stack is masked, of a dtype that is not real, neither 2-D nor 3-D, or empty along its first axis.
    """
    if isinstance(stack, np.ma.MaskedArray):
        raise CombineError(
            "The stack is a masked array.", mend="Set masked samples to NaN: NaN samples do not take part."
        )
    if stack.dtype.kind not in "iuf":
        raise CombineError(
            f"The stack's dtype {stack.dtype} is not real numbers.",
            mend="Pass integers or floats, all frames of one shape.",
        )
    if stack.ndim not in (2, 3):
        raise CombineError(
            f"The stack has {stack.ndim} dimensions.", mend="Pass an array (n_frames, rows, columns) or (n_frames, n)."
        )
    if stack.shape[0] == 0:
        raise CombineError("The stack has no frames.", mend="Pass at least one frame.")


def check_recipe(method: str, chosen: Rejection, weights: Float64Array | None, n_frames: int) -> None:
    """Refuse a recipe that does not fit ``n_frames`` frames.

    Raises
    ------
    CombineError
        If the method is unknown, the rejection is not chosen yet or needs more frames, or the weights are bad.
    """
    if method not in METHODS:
        raise CombineError(f"There is no method '{method}'.", mend=f"Choose one of {', '.join(METHODS)}.")
    if not 1 <= n_frames <= MOST_FRAMES:
        raise CombineError(f"{n_frames} frames cannot be combined.", mend=f"Pass 1 to {MOST_FRAMES} frames.")
    if isinstance(chosen, AutoRejection):
        raise CombineError("The rejection 'auto' is not chosen yet.", mend="Choose by the number of frames first.")
    if n_frames > MOST_TABLED and isinstance(chosen, Linear | Esd | Rcr):
        raise CombineError(
            f"Rejection {rejection_text(chosen)} takes at most {MOST_TABLED} frames, here are {n_frames}.",
            mend="Choose sigma or winsorized.",
        )
    if isinstance(chosen, Ccd) and chosen.read_noise_adu is None and chosen.egain_e_per_adu is None:
        raise CombineError(
            "Rejection ccd knows neither read noise nor e-/ADU.", mend="Give read_noise_adu, egain_e_per_adu or both."
        )
    least = least_frames(chosen)
    if n_frames < least and not isinstance(chosen, Ccd):
        raise CombineError(
            f"Rejection {rejection_text(chosen)} needs at least {least} frames, here are {n_frames}.",
            mend="Take more frames, reject fewer samples or choose another rejection.",
        )
    if weights is not None:
        _check_weights(weights, n_frames)


def _check_weights(weights: Float64Array, n_frames: int) -> None:
    if weights.shape != (n_frames,):
        raise CombineError(
            f"The weights have shape {weights.shape}, here are {n_frames} frames.", mend="Pass one a frame."
        )
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if bad.size:
        raise CombineError(
            f"The weight of frame {bad[0]} is {weights[bad[0]]:g}.", mend="Weights are finite and not negative."
        )
    if not np.any(weights > 0):
        raise CombineError("All weights are zero.", mend="Give at least one frame a weight.")
