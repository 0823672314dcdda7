"""The compiled kernels by name, each loaded, or compiled, when it is first asked for."""

from __future__ import annotations

import atexit
import importlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import numpy as np

from evenfield.kernels.blocks import (
    RESULTS,
    RULES,
    SAMPLES,
    SPACE,
    STRETCH,
    TERMS,
    Results,
    Rules,
    Samples,
    Space,
    Terms,
)
from evenfield.kernels.cache import cache_is_shared, is_compiled
from evenfield.kernels.layout import Layout, given, slots_of, taken
from evenfield.kernels.light_blocks import LIGHT_RESULTS, LIGHT_ROOM, LIGHT_TERMS
from evenfield.kernels.loading import Compiled, NativeFunction, native_function

_BAND: Final = (SAMPLES, TERMS, RULES, RESULTS, SPACE)
LAYOUTS: Final[dict[str, tuple[Layout, ...]]] = {
    "prove_pixels": (*_BAND, "whole", "whole"),
    "decide_pixels": (*_BAND, "whole"),
    "combine_rows": _BAND,
    "sum_level": (
        SAMPLES, given("float32", 2), "number", "number", taken("float64", 2), taken("float64"), taken("float64")
    ),
    "decode_rows": (given("uint64"), given("int64"), given("int64"), "whole", taken("int16", 2)),
    "calibrate_pixels": (SAMPLES, LIGHT_TERMS, LIGHT_RESULTS, LIGHT_ROOM, "whole"),
}  # fmt: skip
"""The functions that modules of this package hold for the world outside, with what they take."""

_HALVES: Final = ("prove_pixels", "decide_pixels")
_DECIDES: Final = ("decide_pixels",)
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "none": _HALVES,
    "zscore": _HALVES,
    "extremes": _HALVES,
    "minmax": _HALVES,
    "percentile": _HALVES,
    "sigma": _HALVES,
    "mad": _HALVES,
    "winsorized": _HALVES,
    "averaged": ("combine_rows",),
    "linear": _HALVES,
    "esd": _DECIDES,
    "rcr": _DECIDES,
    "ccd": _HALVES,
}
"""The rejections that have a kernel, each in the module of that name, and its parts: one half that settles what it can
and one for the rest, that alone, or a whole that works by rows of the image. Written down here, because to look at the
modules would load numba."""

REJECTION_NAMES: Final = tuple(PARTS)

Part: TypeAlias = tuple[str, str]
"""A module of this package, and one of its functions."""

_LEVEL: Final[Part] = ("level", "sum_level")
_LIGHTS: Final[Part] = ("lights", "calibrate_pixels")

_READY: dict[str, CombineKernel] = {}
_LOCK = threading.RLock()
_FUNCTIONS: dict[Part, NativeFunction] = {}
_HELPERS: dict[Part, subprocess.Popen[bytes]] = {}
"""What other processes are compiling."""

_PATIENCE_S: Final = 0.02
_LONGEST_S: Final = 120.0
"""So long a helper is waited for: then what it was to do is done here."""


class CombineKernel(Protocol):
    """A compiled kernel: decode, calibrate, reject and combine all pixels of a band, one thread, without the GIL."""

    def __call__(self, samples: Samples, terms: Terms, rules: Rules, results: Results, space: Space, /) -> object:
        """Fill ``results``."""
        ...


def combine_kernel(name: str) -> CombineKernel:
    """The kernel of one rejection, compiled (or loaded) at the first call; safe to call from several threads."""
    with _LOCK:
        if name not in _READY:
            compile_ahead([name])
            parts = PARTS[name]
            functions = [compiled_part(name, part) for part in parts]
            if parts == _HALVES:
                _READY[name] = _in_two_steps(functions[0], functions[1])
            elif parts == _DECIDES:
                _READY[name] = _in_two_steps(None, functions[0])
            else:
                _READY[name] = functions[0]
        return _READY[name]


def compile_ahead(names: Sequence[str], *, levels_first: bool = False, lights: bool = False) -> None:
    """Let another process begin to compile half of what these rejections need, the levels, and what lights need.

    numba compiles one function at a time in each process. What a process has compiled shortens what it compiles next,
    so one does the first halves and the other the second ones. Does nothing where all is compiled, or is under way.
    """
    with _LOCK:
        missing = [(name, part) for name in dict.fromkeys(names) for part in PARTS[name] if not _is_there((name, part))]
        theirs = [(name, part) for name, part in missing if part != PARTS[name][0]]
        if missing and not _is_there(_LEVEL):
            # Wanted before the first kernel of flats, after that of dark frames.
            theirs.insert(0 if levels_first else 1, _LEVEL)
        if missing and lights and not _is_there(_LIGHTS):
            theirs.append(_LIGHTS)
        helper = _start_compiling(theirs) if theirs else None
        if helper is not None:
            _HELPERS.update(dict.fromkeys(theirs, helper))


def are_compiled(names: Sequence[str], *, lights: bool = False) -> bool:
    """Whether the kernels of these rejections, and that of lights, were compiled before, by this version here."""
    return all(is_compiled(name, part) for name in names for part in PARTS[name]) and (
        not lights or is_compiled(*_LIGHTS)
    )


def _is_there(part: Part) -> bool:
    return is_compiled(*part) or part in _HELPERS


def level_kernel() -> NativeFunction:
    """The compiled `evenfield.kernels.level.sum_level`."""
    return compiled_part(*_LEVEL)


def light_kernel() -> NativeFunction:
    """The compiled `evenfield.kernels.lights.calibrate_pixels`."""
    return compiled_part(*_LIGHTS)


def rice_kernel() -> NativeFunction:
    """The compiled `evenfield.kernels.rice.decode_rows`."""
    return compiled_part("rice", "decode_rows")


def compiled_part(module: str, name: str) -> NativeFunction:
    """One function of a module of this package, compiled or loaded; waits for the process that is compiling it."""
    with _LOCK:
        if (module, name) not in _FUNCTIONS:
            _wait_for((module, name))
            _FUNCTIONS[module, name] = _compiled_or_loaded(module, name)
        return _FUNCTIONS[module, name]


def _wait_for(part: Part) -> None:
    """Wait for the process that is compiling a part; what it failed to do is done here."""
    helper, until = _HELPERS.get(part), time.monotonic() + _LONGEST_S
    while helper is not None and helper.poll() is None and not is_compiled(*part) and time.monotonic() < until:
        time.sleep(_PATIENCE_S)


def _compiled_or_loaded(module: str, name: str) -> NativeFunction:

    def compile_it() -> Compiled:
        from evenfield.kernels.compiling import compile_entry

        function = getattr(importlib.import_module(f"evenfield.kernels.{module}"), name)
        return Compiled(*compile_entry(function, LAYOUTS[name], name=f"{module}_{name}"))

    return native_function(module, name, LAYOUTS[name], compile_it=compile_it)


def _in_two_steps(prove: NativeFunction | None, decide: NativeFunction) -> CombineKernel:
    def combine(samples: Samples, terms: Terms, rules: Rules, results: Results, space: Space) -> None:
        band = (samples, terms, rules, results, space)
        # The numbers behind the band change from stretch to stretch, its places do not.
        proving, deciding = (
            slots_of((*band, 0, 0), LAYOUTS["prove_pixels"]),
            slots_of((*band, 0), LAYOUTS["decide_pixels"]),
        )
        n_pixels = results.value.size
        for begin in range(0, n_pixels, STRETCH):
            end = min(begin + STRETCH, n_pixels)
            if prove is None or rules.decided:
                deciding[-1] = end - begin
                space.places[: end - begin] = np.arange(begin, end)
            else:
                proving[-2:] = begin, end
                deciding[-1] = prove.call(proving)
            decide.call(deciding)

    return combine


def _start_compiling(parts: Sequence[Part]) -> subprocess.Popen[bytes] | None:
    """Let another process compile parts into the cache folder.

    ``None`` where that cannot help: one processor, no folder that both could use, no Python to start.
    """
    if (os.cpu_count() or 1) < 2 or getattr(sys, "frozen", False) or not sys.executable or not cache_is_shared():
        return None
    # Not from the user's folder, in which a file may be called like a module; the package may lie anywhere.
    source = str(Path(__file__).parents[2])
    code = (
        f"import sys; sys.path.append({source!r}); from evenfield.kernels.registry import compiled_part; "
        f"[compiled_part(*one) for one in {list(parts)!r}]"
    )
    quiet = subprocess.DEVNULL
    try:
        helper = subprocess.Popen(
            [sys.executable, "-P", "-c", code],
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
            # Ctrl-C is for the program itself, which then ends its helper.
            start_new_session=True,
        )
    except OSError:
        return None
    # Whoever stops early needs no kernels any more.
    atexit.register(_stop, helper)
    return helper


def _stop(helper: subprocess.Popen[bytes]) -> None:
    helper.kill()
    helper.wait()
