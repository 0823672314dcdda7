"""From ordinary arrays to what the kernels take: checked, C-contiguous and read-only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import CombineError
from evenfield.kernels.blocks import FLOAT32, FLOAT64, INT16, Samples
from evenfield.model.pixels import Encoding, Float64Array

_NO_INT16 = np.empty((0, 0), np.int16)
_NO_FLOAT32 = np.empty((0, 0), np.float32)
_NO_FLOAT64 = np.empty((0, 0), np.float64)


def read_only(array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """A read-only, aligned, C-contiguous view of ``array``, or a copy where it is not of that kind."""
    view = np.require(array, dtype=dtype, requirements=["C", "A"]).view()
    view.flags.writeable = False
    return view


def raw_samples(raw: NDArray[Any], encoding: Encoding) -> Samples:
    """The samples of a block (n_frames, n_pixels) stored as ``encoding`` says.

    Raises
    ------
    CombineError
        If ``raw`` has another number of dimensions or another dtype than the encoding.
    """
    if raw.ndim != 2 or raw.dtype != encoding.numpy_dtype:
        raise CombineError(
            f"A block of raw samples has dtype {raw.dtype} and {raw.ndim} dimensions.",
            mend=f"Pass an array (n_frames, n_pixels) of dtype {encoding.numpy_dtype}.",
        )
    block = read_only(raw, raw.dtype)
    if encoding.dtype == "int16":
        whole = (block, read_only(_NO_FLOAT32, np.float32), read_only(_NO_FLOAT64, np.float64))
        return Samples(*whole, INT16, encoding.swapped, float(encoding.bzero))
    whole = (read_only(_NO_INT16, np.int16), block, read_only(_NO_FLOAT64, np.float64))
    return Samples(*whole, FLOAT32, False, 0.0)


def float64_samples(block: Float64Array) -> Samples:
    """The samples of a block (n_frames, n_pixels) of true values."""
    whole = (read_only(_NO_INT16, np.int16), read_only(_NO_FLOAT32, np.float32), read_only(block, np.float64))
    return Samples(*whole, FLOAT64, False, 0.0)
