"""What the machine offers: memory, cores, and the peak that this process reached."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from evenfield.model.frame import FrameKind
from evenfield.model.plan import Plan, Step
from evenfield.model.rejections import rejection_name

FALLBACK_BYTES = 8 << 30
"""Memory assumed where the system does not tell."""


def machine_bytes() -> int:
    """The machine's memory in bytes."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _windows_bytes() or FALLBACK_BYTES


def _windows_bytes() -> int | None:
    import ctypes

    kernel: Any = getattr(ctypes, "windll", None)
    if kernel is None:
        return None
    # MEMORYSTATUSEX: two 32-bit numbers (the first its own size), then 64-bit ones, the first of which is wanted.
    status = (ctypes.c_uint64 * 8)()
    ctypes.cast(status, ctypes.POINTER(ctypes.c_uint32))[0] = ctypes.sizeof(status)
    return int(status[1]) if kernel.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None


def budget_bytes(asked: int | None) -> int:
    """The memory budget: what was asked for, else a quarter of the machine's."""
    return machine_bytes() // 4 if asked is None else asked


def n_threads(asked: int | None) -> int:
    """The worker threads: what was asked for, else one for each core that this process may use."""
    if asked is not None:
        return asked
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def peak_bytes() -> int | None:
    """The peak resident memory of this process, or ``None`` where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def first_use(plan: Plan) -> bool:
    """Whether a kernel has to be compiled for the products of a plan that are not there yet."""
    from evenfield.kernels.registry import are_compiled

    to_do = [step for step in plan.steps if step.refused is None]
    names = {
        rejection_name(step.recipe.rejection)
        for step in to_do
        if plan.settings.run.fresh or not os.path.exists(os.path.join(plan.output, *step.output.split("/")))
    }
    return not are_compiled(sorted(names), lights=any(light.refused is None for light in plan.lights))


def load_kernels_early() -> None:
    """Begin to load what runs kernels, in a thread beside what has to be read and planned before."""
    import threading

    def load() -> None:
        # Whatever is wrong with it is told when it is needed.
        with contextlib.suppress(ImportError, OSError):
            from evenfield.kernels.cache import cache_folder

            cache_folder()

    threading.Thread(target=load, name="evenfield-kernels", daemon=True).start()


def prepare_kernels(steps: Sequence[Step], *, lights: bool) -> None:
    """Have the kernels of some steps compiled, the first ones first, and that of lights, if they are not; returns at
    once.
    """
    from evenfield.kernels.registry import compile_ahead

    to_do = [step for step in steps if step.refused is None]
    names = [rejection_name(step.recipe.rejection) for step in to_do]
    compile_ahead(names, levels_first=bool(to_do) and to_do[0].kind is FrameKind.FLAT, lights=lights)
