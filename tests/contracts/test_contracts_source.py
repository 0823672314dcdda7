"""Promises about the source files."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "src").rglob("*.py"))
NAMES = [path.relative_to(ROOT / "src").as_posix() for path in MODULES]

MOST_LINES = 600
MANY_LINES = 250

NOT_TEXT = {".png", ".fits", ".fz", ".gz"}


def each_module() -> pytest.MarkDecorator:
    """Parametrize a test over the modules of the package."""
    return pytest.mark.parametrize("path", MODULES, ids=NAMES)


def identifiers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that the code binds or uses, with its line."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Name):
            yield node.id, line
        elif isinstance(node, ast.arg):
            yield node.arg, line
        elif isinstance(node, ast.Attribute):
            yield node.attr, line
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node.name, line
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, line
        elif isinstance(node, ast.alias):
            yield node.asname or node.name, line


def project_files() -> list[Path]:
    """Every text file of the project, whether git knows it already or not."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        # An unpacked source archive has no git: it holds nothing but the project either.
        folders = ("src", "tests", "docs", "benchmarks")
        found = [path for folder in folders for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
        return [path for path in [*found, *ROOT.glob("*.*")] if path.is_file() and path.suffix not in NOT_TEXT]
    files = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in files if path.is_file() and path.suffix not in NOT_TEXT]


@each_module()
def test_forbidden_identifiers(path: Path) -> None:
    """Bare `gain` and `offset` are no identifiers: each means two things in this field."""
    found = identifiers(ast.parse(path.read_text(encoding="utf-8")))
    assert [(name, line) for name, line in found if name in ("gain", "offset")] == []


@each_module()
def test_modules_say_what_they_are(path: Path) -> None:
    """Every module but an empty one has a docstring."""
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text))


@each_module()
def test_modules_are_short(path: Path) -> None:
    """No module has 600 lines; those over 250 are named in the output."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if lines > MANY_LINES:
        print(f"{path.name} has {lines} lines")
    assert lines < MOST_LINES


def test_no_module_is_a_drawer_for_everything() -> None:
    """No module is called utils, helpers, common or core."""
    drawers = {"utils", "util", "helpers", "common", "core", "misc"}
    assert [path for path in MODULES if drawers & {path.stem, path.parent.name}] == []


def test_broad_excepts_stand_at_the_step_boundary_only() -> None:
    """Only the loop over steps and a thread of the window catch every exception; elsewhere it is seen."""
    found = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is None or (isinstance(node.type, ast.Name) and node.type.id in BROAD)
            # One that raises again, after cleaning up, hides nothing.
            if broad and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
                found.append(path.relative_to(ROOT / "src" / "evenfield").as_posix())
    # The window's threads are such a boundary too: an error in them would be seen by nobody.
    assert set(found) <= {"run/run.py", "gui/worker.py"}


BROAD = ("Exception", "BaseException")


def test_no_file_names_a_machine_or_an_index() -> None:
    """No file holds a path of somebody's machine, or the address of a package index."""
    # Put together here, so that this file does not hold them itself.
    folders = [f"/{name}" for name in ("work", "root")] + ["/tmp" + "/venv"]
    hosts = ["py" + "pi.org", "python" + "hosted", "index" + "-url", "find" + "-links"]
    pattern = re.compile(rf"(?<![\w.*}}])(?:{'|'.join(folders)})(?![\w-])|{'|'.join(map(re.escape, hosts))}")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in project_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []
