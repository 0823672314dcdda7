"""The combining kernels by the name of their rejection, each compiled when it is first asked for."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from evenfield.kernels.blocks import STRETCH, Results, Rules, Samples, Space, Terms, numba_types
from evenfield.kernels.cache import cache_is_shared, compile_kernel, is_compiled, load_numba
from evenfield.kernels.level import level_kernel

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

PARTS: Final = ("prove_pixels", "decide_pixels", "combine_rows")
"""What a module may hold: one half that settles what it can, the other half for the rest, or a whole that works by rows
of the image."""

_READY: dict[str, CombineKernel] = {}
_LOCK = threading.Lock()


class CombineKernel(Protocol):
    """A compiled kernel: decode, calibrate, reject and combine all pixels of a band, one thread, without the GIL."""

    def __call__(self, samples: Samples, terms: Terms, rules: Rules, results: Results, space: Space) -> None:
        """Fill ``results``."""
        ...


def combine_kernel(name: str) -> CombineKernel:
    """The kernel of one rejection, compiled (or loaded) at the first call; safe to call from several threads."""
    with _LOCK:
        if name not in _READY:
            module = importlib.import_module(f"evenfield.kernels.{name}")
            parts = [part for part in PARTS if hasattr(module, part)]
            helper = None
            if len(parts) > 1 and not any(is_compiled(getattr(module, part)) for part in parts):
                helper = _start_compiling(name, parts[-1])
            first = compile_part(name, parts[0])
            if helper is not None:
                # Whoever combines will most likely ask for levels too. What the helper failed to do is done here.
                level_kernel()
                helper.wait()
            if parts == ["combine_rows"]:
                _READY[name] = first
            elif len(parts) == 1:
                _READY[name] = _in_two_steps(None, first)
            else:
                _READY[name] = _in_two_steps(first, compile_part(name, parts[1]))
        return _READY[name]


def compile_part(name: str, part: str) -> Any:
    """One part of a rejection's kernel, compiled or loaded."""
    types, known = load_numba().types, numba_types()
    arguments = [known[one] for one in ("samples", "terms", "rules", "results", "space")]
    result = types.int64 if part == "prove_pixels" else types.void
    arguments += [types.int64] * {"prove_pixels": 2, "decide_pixels": 1, "combine_rows": 0}[part]
    module = importlib.import_module(f"evenfield.kernels.{name}")
    return compile_kernel(getattr(module, part), result(*arguments))


def _in_two_steps(prove: Any, decide: Any) -> CombineKernel:
    def combine(samples: Samples, terms: Terms, rules: Rules, results: Results, space: Space) -> None:
        n_pixels = results.value.size
        for begin in range(0, n_pixels, STRETCH):
            end = min(begin + STRETCH, n_pixels)
            if prove is None:
                n_left = end - begin
                space.places[:n_left] = np.arange(begin, end)
            else:
                n_left = prove(samples, terms, rules, results, space, begin, end)
            decide(samples, terms, rules, results, space, n_left)

    return combine


def _start_compiling(name: str, part: str) -> subprocess.Popen[bytes] | None:
    """Let another process compile a part into the cache folder: numba compiles one function at a time in each.

    ``None`` where that cannot help: one processor, no folder that both could use, no Python to start.
    """
    if (os.cpu_count() or 1) < 2 or getattr(sys, "frozen", False) or not sys.executable or not cache_is_shared():
        return None
    source = str(Path(__file__).parents[2])
    path = os.pathsep.join(one for one in (source, os.environ.get("PYTHONPATH", "")) if one)
    code = f"from evenfield.kernels.registry import compile_part; compile_part({name!r}, {part!r})"
    quiet = subprocess.DEVNULL
    try:
        return subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": path},
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
        )
    except OSError:
        return None
