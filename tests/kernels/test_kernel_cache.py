"""Where compiled kernels are kept, and what stays unloaded until they are needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evenfield.kernels import cache

SOURCES = Path(cache.__file__).resolve().parents[2]


def run_python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    variables = {**os.environ, "PYTHONPATH": str(SOURCES), **environment}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    "module",
    ["evenfield.kernels", "evenfield.kernels.cache", "evenfield.combine", "evenfield.normalize", "evenfield.calibrate"],
)
def test_rooms_load_no_heavy_library(module: str) -> None:
    """Importing a room or the kernel package loads neither numba nor astropy nor scipy."""
    code = f"import sys, {module}; print([m for m in ('numba', 'astropy', 'scipy', 'hypothesis') if m in sys.modules])"
    assert run_python(code) == "[]"


def test_cache_folder_follows_the_environment(tmp_path: Path) -> None:
    """The variable names the folder in which the kernel folder is made."""
    code = "from evenfield.kernels.cache import cache_folder; print(cache_folder())"
    made = Path(run_python(code, **{cache.CACHE_VARIABLE: str(tmp_path / "here")}))
    assert made.is_dir()
    assert made.parent == tmp_path / "here"
    assert made.name.startswith("kernels-")


def test_cache_folder_falls_back_to_a_private_one(tmp_path: Path) -> None:
    """Where the folder cannot be made, a private temporary one serves and is gone after the process."""
    blocker = tmp_path / "file"
    blocker.write_text("no folder")
    code = (
        "from evenfield.kernels.cache import cache_folder as f; print(f(), f().is_dir(), oct(f().stat().st_mode)[-3:])"
    )
    folder, exists, mode = run_python(code, **{cache.CACHE_VARIABLE: str(blocker / "below")}).split()
    assert exists == "True"
    assert mode == "700" or os.name == "nt"
    assert not Path(folder).exists()


def test_cache_folder_name_changes_with_any_source(tmp_path: Path) -> None:
    """The folder's name holds a hash of all sources of the package, so that a changed callee is noticed."""
    copy = tmp_path / "kernels"
    copy.mkdir()
    for source in Path(cache.__file__).parent.glob("*.py"):
        (copy / source.name).write_bytes(source.read_bytes())
    code = (
        "import runpy, sys; names = runpy.run_path(sys.argv[1] if len(sys.argv) > 1 else "
        f"{str(copy / 'cache.py')!r}); print(names['_folder_name']())"
    )
    before = run_python(code)
    assert before == cache._folder_name()
    with (copy / "sorting.py").open("a") as file:
        file.write("# changed\n")
    assert run_python(code) != before


def test_what_is_compiled_is_told_without_numba(tmp_path: Path) -> None:
    """Whether the kernels of some rejections are there is told part by part, and without loading numba."""
    code = (
        "import sys; from evenfield.kernels import cache, registry\n"
        "there = registry.are_compiled\n"
        "def told(): print(there(['none']), there(['none', 'esd']), 'numba' in sys.modules)\n"
        "told()\n"
        "for part in ('prove_pixels', 'decide_pixels'): cache.compiled_file('none', part).write_bytes(b'')\n"
        "told()"
    )
    told = run_python(code, **{cache.CACHE_VARIABLE: str(tmp_path)}).split()
    assert told == ["False", "False", "False", "True", "False", "False"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    """What somebody else compiled is used where this user may not write."""
    code = "from evenfield.kernels import registry; registry.level_kernel(); import sys; print('numba' in sys.modules)"
    environment = {cache.CACHE_VARIABLE: str(tmp_path)}
    assert run_python(code, **environment) == "True"
    (folder,) = tmp_path.iterdir()
    folder.chmod(0o555)
    try:
        assert run_python(code, **environment) == "False"
    finally:
        folder.chmod(0o755)
