"""Apply calibration terms to one frame in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evenfield.errors import UsageError
from evenfield.model.calibration import CalibrationTerms
from evenfield.model.pixels import Float32Array

CHUNK_PIXELS: Final = 1 << 17
"""Pixels computed in float64 at a time, so that no float64 copy of a whole frame is made."""


def calibrate_frame(frame: ArrayLike, *, terms: CalibrationTerms) -> Float32Array:
    """Calibrate one frame: ``(frame - shift - subtract) * scale / divide`` in float64.

    Parameters
    ----------
    frame : real array (rows, columns)
        Raw values of any real dtype, ADU.
    terms : CalibrationTerms
        What to apply; its arrays have the frame's shape.

    Returns
    -------
    float32 array (rows, columns)
        Calibrated values. Nothing is clipped. NaN where the frame or a master is NaN, and where ``divide`` is <= 0.

    Raises
    ------
    UsageError
        If the frame is no two-dimensional array of real numbers, or a master has another shape.
    """
    raw = check_frame(frame, "frame")
    check_masters(raw.shape, subtract=terms.subtract, divide=terms.divide)
    out = np.empty(raw.shape, np.float32)
    # Infinite samples and quotients beyond float32 are data here, not accidents.
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in row_chunks(raw.shape):
            values = raw[rows].astype(np.float64)
            values -= terms.shift
            if terms.subtract is not None:
                values -= terms.subtract[rows]
            values *= terms.scale
            if terms.divide is not None:
                flat = terms.divide[rows].astype(np.float64)
                flat[~(flat > 0)] = np.nan
                values /= flat
            out[rows] = values
    return out


def check_masters(shape: tuple[int, ...], **masters: NDArray[Any] | None) -> None:
    """Refuse masters, named by what they do, that have not the shape of a frame.

    Raises
    ------
    UsageError
    """
    for name, master in masters.items():
        if master is not None and master.shape != shape:
            raise UsageError(
                f"The frame is {size_text(shape)}, the master to {name} {size_text(master.shape)}.",
                mend="Use a master of the same sensor, region and binning.",
            )


def check_frame(frame: ArrayLike, name: str) -> NDArray[Any]:
    """The frame as an array.

    Raises
    ------
    UsageError
        If it is no two-dimensional array of real numbers.
    """
    raw = np.asarray(frame)
    if raw.ndim != 2 or raw.dtype.kind not in "iuf":
        raise UsageError(
            f"The {name} has {raw.ndim} dimensions and dtype {raw.dtype}.", mend="Pass a 2-D array of real numbers."
        )
    return raw


def row_chunks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices of rows, `CHUNK_PIXELS` or one row each."""
    rows = max(1, CHUNK_PIXELS // max(shape[1], 1))
    for start in range(0, shape[0], rows):
        yield slice(start, start + rows)


def size_text(shape: tuple[int, ...]) -> str:
    """A shape as people write it, "6248 x 4176"."""
    return " x ".join(str(length) for length in reversed(shape))
