"""Rice-compressed rows of 16-bit samples (FITS Standard 4.0, section 10.4.1), by a compiled decoder."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.registry import rice_kernel

PADDING: Final = 16
"""Bytes behind the coded ones that may be looked at."""


def decode_rice(
    words: NDArray[np.uint64],
    *,
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    block: int,
    out: NDArray[np.int16],
) -> bool:
    """Decode rows of 16-bit samples.

    Parameters
    ----------
    words : uint64 array
        The coded bytes, eight to a word, the first in the highest bits; `PADDING` bytes behind them.
    starts, stops : int64 arrays
        The positions of each row's bytes among them.
    block : int
        Samples that share a number of low bits (BLOCKSIZE).
    out : int16 array (rows, columns)
        Filled in native byte order.

    Returns
    -------
    bool
        False if a row's bits end before its samples.
    """
    return rice_kernel()(words, starts, stops, block, out) < 0
