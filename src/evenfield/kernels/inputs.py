"""From ordinary arrays to what the kernels take: checked, C-contiguous and read-only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import CombineError
from evenfield.kernels.blocks import FLOAT32, FLOAT64, INT16, Samples
from evenfield.model.pixels import Encoding

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


def array_samples(block: NDArray[Any]) -> Samples:
    """The samples of a block (n_frames, n_pixels) of true values of any real dtype and byte order.

    8- and 16-bit integers and float32 stay what they are, all others become float64.
    """
    whole: list[NDArray[Any]] = [_NO_INT16, _NO_FLOAT32, _NO_FLOAT64]
    kind, size = block.dtype.kind, block.dtype.itemsize
    bzero = 0.0
    if kind in "iu" and size <= 2:
        sample, bzero = INT16, 32768.0 if kind == "u" else 0.0
        words = block.astype(np.uint16) ^ np.uint16(32768) if kind == "u" else block.astype(np.int16)
        whole[INT16] = words.view(np.int16)
    elif kind == "f" and size <= 4:
        sample = FLOAT32
        whole[FLOAT32] = block.astype(np.float32, copy=False)
    else:
        sample = FLOAT64
        whole[FLOAT64] = block.astype(np.float64, copy=False)
    int16s, float32s, float64s = (read_only(array, array.dtype) for array in whole)
    return Samples(int16s, float32s, float64s, sample, False, bzero)
