"""TIFF copies of products, to look at them in programs that know no FITS."""

from __future__ import annotations

import importlib
import json
import os
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import WriteError
from evenfield.model.pixels import Unit
from evenfield.model.targets import FULL_RANGE
from evenfield.write.atomic import new_file

INSTALL: Final = 'Install it: python3 -m pip install "evenfield[tiff]".'
_ROWS: Final = 1 << 18  # samples converted at a time


def tiff_range(pixels: NDArray[Any], *, unit: Unit) -> tuple[float, float]:
    """The values that become black and white, so that nothing is cut off.

    ADU keep the range 0..65535 and what else there is beyond it; all other units have black at 0, or below where there
    are negative values, and white at the greatest value.
    """
    finite = pixels[np.isfinite(pixels)]
    if not finite.size:
        return 0.0, FULL_RANGE
    low, high = min(0.0, float(finite.min())), float(finite.max())
    high = max(high, FULL_RANGE) if unit is Unit.ADU else high
    return low, high if high > low else low + 1.0


def write_tiff(
    path: str | os.PathLike[str],
    *,
    pixels: NDArray[Any],
    unit: Unit,
    bits: Literal["16", "32"],
    about: dict[str, str],
    overwrite: bool = False,
) -> str:
    """Write one image as a TIFF file of gray values, which appears complete or not at all; pixels without data are 0.

    Parameters
    ----------
    path : path-like
        The file.
    pixels : array (rows, columns)
        The values, the picture's top row first.
    unit : Unit
        Their unit.
    bits : {"16", "32"}
        16: integers, `tiff_range` on 0..65535. 32: floats, ADU divided by 65535, anything else as it is.
    about : dict
        Goes into the description as JSON, with "low" and "high", the values of 0 and of full scale.
    overwrite : bool
        Whether a file of that name may be replaced.

    Returns
    -------
    str
        The absolute path. Equal work gives equal files.

    Raises
    ------
    OutputExistsError
        If there is such a file and ``overwrite`` is false.
    WriteError
        If tifffile is not installed, or the folder or the disk does not take the file.
    """
    where = os.path.abspath(path)
    tifffile = _library(where)
    low, high = tiff_range(pixels, unit=unit) if bits == "16" else (0.0, FULL_RANGE if unit is Unit.ADU else 1.0)
    stored = np.empty(pixels.shape, np.uint16 if bits == "16" else np.float32)
    step = max(1, _ROWS // pixels.shape[1])
    for row in range(0, pixels.shape[0], step):
        band = pixels[row : row + step].astype(np.float64)
        shown = np.where(np.isfinite(band), (band - low) / (high - low), 0.0)
        stored[row : row + step] = np.rint(shown * FULL_RANGE) if bits == "16" else shown
    description = json.dumps({**about, "low": low, "high": high})
    with new_file(where, overwrite=overwrite) as file:
        tifffile.imwrite(
            file, stored, photometric="minisblack", description=description, metadata=None, software="evenfield"
        )
    return where


def read_tiff_about(path: str) -> dict[str, Any]:
    """What `write_tiff` wrote into a description; empty for any other file."""
    try:
        with _library(path).TiffFile(path) as file:
            found = json.loads(file.pages[0].description)
    except (OSError, ValueError, IndexError, KeyError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def _library(path: str) -> Any:
    try:
        return importlib.import_module("tifffile")
    except ImportError:
        raise WriteError(
            f"{path} cannot be written: tifffile is not installed.", mend=INSTALL, code="tiff_not_installed"
        ) from None
