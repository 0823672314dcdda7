"""Kernels in two halves: who compiles which, what is found compiled, and a helper process that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evenfield.kernels import cache, mad, none, registry

SOURCES = Path(cache.__file__).resolve().parents[2]

# The helper is recorded and, where a test wants that, replaced; then a small stack is combined with the kernel.
COMBINE = """
import subprocess, sys
real, started = subprocess.Popen, []
class Recorded(real):
    def __init__(self, words, **how):
        super().__init__(words, **how)
        started.append(self)
subprocess.Popen = Recorded
{before}
from evenfield.kernels import cache, {name}, registry
parts = [getattr({name}, part) for part in registry.PARTS if hasattr({name}, part)]
compiled = [cache.is_compiled(one) for one in parts]
import numpy as np
from evenfield import combine_frames
stack = np.random.default_rng(1).normal(1000.0, 5.0, (7, 6, 8)).astype(np.float32)
made = combine_frames(stack, reject="{name}")
print(compiled, [one.wait() for one in started], [cache.is_compiled(one) for one in parts])
print(made.value.tobytes().hex(), int(made.count.sum()))
"""


def run_python(code: str, **environment: str) -> list[str]:
    """The lines that a fresh interpreter prints; warnings are errors and nothing may stand on stderr."""
    variables = {**os.environ, "PYTHONPATH": str(SOURCES), **environment}
    words = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_is_compiled_follows_the_cache_folder(tmp_path: Path) -> None:
    """In an empty cache no part is compiled; an index of that function's name there says that it is."""
    code = (
        "from evenfield.kernels import cache, none, mad\n"
        "def told(): print(cache.is_compiled(none.decide_pixels), cache.is_compiled(mad.decide_pixels))\n"
        "told()\n"
        "below = cache.cache_folder() / 'kernels_1'; below.mkdir()\n"
        "(below / 'none.decide_pixels-25.py311.nbi').write_bytes(b'')\n"
        "told()"
    )
    assert run_python(code, **{cache.CACHE_VARIABLE: str(tmp_path)}) == ["False False", "True False"]


def test_is_compiled_tells_the_halves_apart(tmp_path: Path) -> None:
    """One half in the cache does not pass for the other, nor one module's for another's."""
    code = (
        "from evenfield.kernels import cache, sigma, mad\n"
        "(cache.cache_folder() / 'sigma.prove_pixels-9.py311.nbi').write_bytes(b'')\n"
        "print(*[cache.is_compiled(one) for one in (sigma.prove_pixels, sigma.decide_pixels, mad.decide_pixels)])"
    )
    assert run_python(code, **{cache.CACHE_VARIABLE: str(tmp_path)}) == ["True False False"]


def test_cache_is_shared_where_it_can_be_written(tmp_path: Path) -> None:
    """A folder that others can use is shared, the private one of a process that may not write there is not."""
    code = "from evenfield.kernels.cache import cache_is_shared; print(cache_is_shared())"
    assert run_python(code, **{cache.CACHE_VARIABLE: str(tmp_path)}) == ["True"]
    (tmp_path / "file").write_text("no folder")
    assert run_python(code, **{cache.CACHE_VARIABLE: str(tmp_path / "file" / "below")}) == ["False"]


def test_no_helper_without_a_shared_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a helper's work could not be found, none is started."""
    monkeypatch.setattr(registry, "cache_is_shared", lambda: False)
    monkeypatch.setattr(registry.subprocess, "Popen", _never)
    assert registry._start_compiling("mad", "decide_pixels") is None


@pytest.mark.parametrize("how", ["one processor", "frozen", "no program"])
def test_no_helper_where_it_cannot_help(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """One processor, a packed program, or no Python to start: no helper."""
    monkeypatch.setattr(registry, "cache_is_shared", lambda: True)
    monkeypatch.setattr(registry.os, "cpu_count", lambda: 1 if how == "one processor" else 8)
    monkeypatch.setattr(registry.sys, "frozen", how == "frozen", raising=False)
    monkeypatch.setattr(registry.sys, "executable", "" if how == "no program" else sys.executable)
    monkeypatch.setattr(registry.subprocess, "Popen", _never)
    assert registry._start_compiling("mad", "decide_pixels") is None


def test_a_program_that_cannot_be_started_is_no_helper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A Python that is gone is no error."""
    monkeypatch.setattr(registry, "cache_is_shared", lambda: True)
    monkeypatch.setattr(registry.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(registry.sys, "executable", str(tmp_path / "gone"))
    assert registry._start_compiling("mad", "decide_pixels") is None


def _never(*words: object, **how: object) -> None:
    raise AssertionError((words, how))


def test_every_rejection_has_one_or_two_parts() -> None:
    """A module holds a whole by rows alone, or the half that decides, before which one may prove."""
    import importlib

    for name in registry.REJECTION_NAMES:
        module = importlib.import_module(f"evenfield.kernels.{name}")
        parts = [part for part in registry.PARTS if hasattr(module, part)]
        assert parts in (["combine_rows"], ["decide_pixels"], ["prove_pixels", "decide_pixels"]), name


def test_a_kernel_is_the_same_object_from_all_threads() -> None:
    """Threads that ask at once get one kernel."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(registry.combine_kernel, ["none"] * 8))
    assert len({id(one) for one in found}) == 1
    assert cache.is_compiled(none.decide_pixels)
    assert hasattr(mad, "decide_pixels")
