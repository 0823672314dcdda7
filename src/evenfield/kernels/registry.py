"""The combining kernels by the name of their rejection, each compiled when it is first asked for."""

from __future__ import annotations

import importlib
import threading
from typing import Final, Protocol

from evenfield.kernels.blocks import Results, Rules, Samples, Terms, numba_types
from evenfield.kernels.cache import compile_kernel, load_numba

REJECTION_NAMES: Final = (
    "none",
    "zscore",
    "extremes",
    "minmax",
    "percentile",
    "sigma",
    "mad",
    "winsorized",
    "averaged",
    "linear",
    "esd",
    "rcr",
    "ccd",
)
"""The rejections that have a kernel: each lives in the module of that name."""

_READY: dict[str, CombineKernel] = {}
_LOCK = threading.Lock()


class CombineKernel(Protocol):
    """A compiled kernel: decode, calibrate, reject and combine all pixels of a band, one thread, without the GIL."""

    def __call__(self, samples: Samples, terms: Terms, rules: Rules, results: Results) -> None:
        """Fill ``results``."""
        ...


def combine_kernel(name: str) -> CombineKernel:
    """The kernel of one rejection, compiled (or loaded) at the first call; safe to call from several threads."""
    with _LOCK:
        if name not in _READY:
            void = load_numba().types.void
            module = importlib.import_module(f"evenfield.kernels.{name}")
            known = numba_types()
            signature = void(known["samples"], known["terms"], known["rules"], known["results"])
            _READY[name] = compile_kernel(module.combine, signature)
        return _READY[name]
