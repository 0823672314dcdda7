"""What is to be subtracted from, multiplied to and divided into raw samples, as a value."""

from __future__ import annotations

import dataclasses

from evenfield.model.pixels import Float32Array


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationTerms:
    """The calibration of one frame over one band: ``(raw - shift - subtract) * scale / divide``.

    Parameters
    ----------
    subtract : float32 array (rows, columns), optional
        What the dark masters say, ADU.
    shift : float
        One number to subtract, ADU: a pedestal, or the overscan level of this frame.
    scale : float
        One number to multiply with, after subtracting.
    divide : float32 array (rows, columns), optional
        A master flat brought to level 1; a value <= 0 or NaN gives NaN.
    """

    subtract: Float32Array | None = None
    shift: float = 0.0
    scale: float = 1.0
    divide: Float32Array | None = None
