"""The combining kernels by the name of their rejection, each compiled when it is first asked for."""

from __future__ import annotations

import importlib
import threading
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.blocks import Results, Samples, Terms, numba_types
from evenfield.kernels.cache import compile_kernel, load_numba
from evenfield.model.pixels import Float64Array

REJECTION_NAMES: Final = ("none", "zscore", "extremes", "minmax", "sigma", "winsorized")
"""The rejections that have a kernel: each lives in the module of that name."""

_READY: dict[str, CombineKernel] = {}
_LOCK = threading.Lock()


class CombineKernel(Protocol):
    """A compiled kernel: decode, calibrate, reject and combine all pixels of a band, one thread, without the GIL."""

    def __call__(
        self,
        samples: Samples,
        terms: Terms,
        weights: Float64Array,
        by_median: bool,
        first_number: float,
        second_number: float,
        step: float,
        steps: NDArray[np.int64],
        results: Results,
    ) -> None:
        """Fill ``results``.

        ``weights`` is empty or holds one weight a frame; ``first_number`` and ``second_number`` are the rejection's
        own numbers (0 where it has fewer); ``step`` is the quantum of the calibrated samples;
        ``steps`` are the `evenfield.kernels.sorting.sorting_steps` of the number of frames.
        """
        ...


def combine_kernel(name: str) -> CombineKernel:
    """The kernel of one rejection, compiled (or loaded) at the first call; safe to call from several threads."""
    with _LOCK:
        if name not in _READY:
            types = load_numba().types
            module = importlib.import_module(f"evenfield.kernels.{name}")
            known = numba_types()
            number = types.float64
            signature = types.void(
                known["samples"],
                known["terms"],
                known["weights"],
                types.boolean,
                number,
                number,
                number,
                known["steps"],
                known["results"],
            )
            _READY[name] = compile_kernel(module.combine, signature)
        return _READY[name]
