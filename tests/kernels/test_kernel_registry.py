"""Kernels in two halves: who compiles which, what is found compiled, and a helper process that fails."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evenfield.kernels import cache, registry
from evenfield.kernels.blocks import TERMS
from evenfield.kernels.inputs import read_only
from evenfield.kernels.layout import slots_of, taken
from evenfield.model.rejections import REJECTIONS

SOURCES = Path(cache.__file__).resolve().parents[2]

# Every helper process is recorded and, where a test wants that, replaced; then a small stack is combined.
COMBINE = """
import subprocess, sys
real, started = subprocess.Popen, []
def recorded(words, **how):
    started.append(real({words}, **how))
    return started[-1]
subprocess.Popen = recorded
import os
os.cpu_count = lambda: 2
import numpy as np
from evenfield import combine_frames
from evenfield.kernels import cache
parts = ("prove_pixels", "decide_pixels")
print(*[cache.is_compiled("none", one) for one in parts])
stack = np.random.default_rng(1).normal(1000.0, 5.0, (7, 6, 8)).astype(np.float32)
made = combine_frames(stack, reject="none")
print([one.wait() for one in started])
print(*[cache.is_compiled("none", one) for one in parts])
assert np.abs(made.value - stack.mean(axis=0, dtype=np.float64)).max() < 1e-4, made.value
print(made.value.tobytes().hex(), int(made.count.sum()))
"""
FAILING = "[sys.executable, '-c', 'raise SystemExit(1)']"


def run_python(code: str, **environment: str) -> list[str]:
    """The lines that a fresh interpreter prints; warnings are errors and nothing may stand on stderr."""
    variables = {**os.environ, "PYTHONPATH": str(SOURCES), **environment}
    words = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_is_compiled_follows_the_cache_folder(tmp_path: Path) -> None:
    """In an empty cache no part is compiled; a file of that function's name there says that it is."""
    code = (
        "from evenfield.kernels import cache\n"
        "def told(): print(cache.is_compiled('none', 'decide_pixels'), cache.is_compiled('mad', 'decide_pixels'))\n"
        "told()\n"
        "cache.compiled_file('none', 'decide_pixels').write_bytes(b'')\n"
        "told()"
    )
    assert run_python(code, **{cache.CACHE_VARIABLE: str(tmp_path)}) == ["False False", "True False"]


def test_is_compiled_tells_the_halves_apart(tmp_path: Path) -> None:
    """One half in the cache does not pass for the other, nor one module's for another's."""
    code = (
        "from evenfield.kernels import cache\n"
        "cache.compiled_file('sigma', 'prove_pixels').write_bytes(b'')\n"
        "parts = [('sigma', 'prove_pixels'), ('sigma', 'decide_pixels'), ('mad', 'decide_pixels')]\n"
        "print(*[cache.is_compiled(*one) for one in parts])"
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
    assert registry._start_compiling([("mad", "decide_pixels")]) is None


@pytest.mark.parametrize("how", ["one processor", "frozen", "no program"])
def test_no_helper_where_it_cannot_help(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """One processor, a packed program, or no Python to start: no helper."""
    monkeypatch.setattr(registry, "cache_is_shared", lambda: True)
    monkeypatch.setattr(registry.os, "cpu_count", lambda: 1 if how == "one processor" else 8)
    monkeypatch.setattr(registry.sys, "frozen", how == "frozen", raising=False)
    monkeypatch.setattr(registry.sys, "executable", "" if how == "no program" else sys.executable)
    monkeypatch.setattr(registry.subprocess, "Popen", _never)
    assert registry._start_compiling([("mad", "decide_pixels")]) is None


def test_a_program_that_cannot_be_started_is_no_helper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A Python that is gone is no error."""
    monkeypatch.setattr(registry, "cache_is_shared", lambda: True)
    monkeypatch.setattr(registry.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(registry.sys, "executable", str(tmp_path / "gone"))
    assert registry._start_compiling([("mad", "decide_pixels")]) is None


def _never(*words: object, **how: object) -> None:
    raise AssertionError((words, how))


@pytest.mark.slow
def test_halves_compiled_with_a_helper_that_fails(tmp_path: Path) -> None:
    """A helper that ends with 1 does not matter: both halves are compiled, and another process finds them there."""
    environment = {cache.CACHE_VARIABLE: str(tmp_path)}
    before, helpers, after, pixels = run_python(COMBINE.format(words=FAILING), **environment)
    assert (before, helpers, after) == ("False False", "[1]", "True True")
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.kernel")}
    again = run_python(COMBINE.format(words="words"), **environment)
    assert again == ["True True", "[]", "True True", pixels]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.kernel")} == files, "nothing compiled again"


@pytest.mark.slow
def test_halves_compiled_with_a_helper(tmp_path: Path) -> None:
    """In an empty cache one helper is started; it ends well and the second half is in the cache."""
    before, helpers, after, _ = run_python(COMBINE.format(words="words"), **{cache.CACHE_VARIABLE: str(tmp_path)})
    assert (before, helpers, after) == ("False False", "[0]", "True True")


def test_the_table_of_parts_is_that_of_the_modules() -> None:
    """A module holds a whole by rows alone, or the half that decides, before which one may prove; as written down."""
    for name in registry.REJECTION_NAMES:
        module = importlib.import_module(f"evenfield.kernels.{name}")
        parts = tuple(part for part in ("prove_pixels", "decide_pixels", "combine_rows") if hasattr(module, part))
        assert parts == registry.PARTS[name], name
    assert set(registry.REJECTION_NAMES) == set(REJECTIONS) - {"auto"}


def test_what_is_compiled_runs_without_numba(tmp_path: Path) -> None:
    """The second process combines with what the first compiled, and loads no numba."""
    code = (
        "import sys, numpy as np\n"
        "from evenfield import combine_frames\n"
        "stack = np.random.default_rng(1).normal(1000.0, 5.0, (7, 6, 8))\n"
        "made = combine_frames(stack, reject='none')\n"
        "print('numba' in sys.modules, made.value.tobytes().hex())"
    )
    environment = {cache.CACHE_VARIABLE: str(tmp_path)}
    (first,), (second,) = run_python(code, **environment), run_python(code, **environment)
    assert first.split() == ["True", second.split()[1]]
    assert second.split()[0] == "False"


def test_a_damaged_file_is_compiled_again(tmp_path: Path) -> None:
    """A compiled file that was cut short, or changed, is not loaded but replaced."""
    code = (
        "import sys\n"
        "from evenfield.kernels import cache, registry\n"
        "registry.level_kernel()\n"
        "path = cache.compiled_file('level', 'sum_level')\n"
        "print('numba' in sys.modules, path.stat().st_size)\n"
    )
    environment = {cache.CACHE_VARIABLE: str(tmp_path)}
    (first,) = run_python(code, **environment)
    (path,) = tmp_path.rglob("level.sum_level.kernel")
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:-1] + bytes([whole[-1] ^ 1]), b"", b"\n\n\n"):
        path.write_bytes(damaged)
        assert run_python(code, **environment) == [first]
        assert path.stat().st_size == len(whole)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros(3, np.float32),
        np.zeros((2, 2)),
        np.zeros(6)[::2],
        np.zeros(3, ">f8"),
        [0.0, 0.0, 0.0],
        read_only(np.zeros(3), np.float64),
    ],
    ids=["dtype", "dimensions", "strides", "byte order", "list", "read-only"],
)
def test_arrays_of_another_kind_are_refused(wrong: Any) -> None:
    """Compiled code looks at nothing, so what hands arrays over does."""
    with pytest.raises(TypeError, match="A kernel takes a writeable contiguous float64 array of 1 dimensions"):
        slots_of([wrong], [taken("float64")])


def test_tuples_of_another_kind_are_refused() -> None:
    """A tuple is no `Terms`, whatever it holds."""
    with pytest.raises(TypeError, match="A kernel takes Terms, not tuple"):
        slots_of([(1, 2, 3, 4)], [TERMS])


def test_numbers_keep_their_bits() -> None:
    """Whole and other numbers stand in their slots as a processor has them."""
    slots = slots_of([-3, True, -0.1, np.inf], ["whole", "whole", "number", "number"])
    assert slots[:2].tolist() == [-3, 1]
    assert slots[2:].view(np.float64).tolist() == [-0.1, np.inf]


def test_a_kernel_is_the_same_object_from_all_threads() -> None:
    """Threads that ask at once get one kernel."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(registry.combine_kernel, ["none"] * 8))
    assert len({id(one) for one in found}) == 1
    assert cache.is_compiled("none", "decide_pixels")
