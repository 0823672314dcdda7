"""The step of integer data, found in the data."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

STEP_FRAMES: Final = 3
STEP_PIXELS: Final = 32768
"""So many pixels of so many frames show the step of a converter: by chance they are all even once in 2^32768."""


def step_of(values: NDArray[Any]) -> int:
    """The quantum of integers: the greatest power of two that divides all their differences.

    Drivers multiply the numbers of 14- and 12-bit converters by 4 and 16. Equal numbers have the quantum 1.

    Parameters
    ----------
    values : integer array
    """
    flat = np.asarray(values).reshape(-1).astype(np.int64)
    if flat.size == 0:
        return 1
    differing = int(np.bitwise_or.reduce(flat ^ flat[0]))
    return differing & -differing if differing else 1
