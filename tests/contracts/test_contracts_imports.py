"""Promises about what is imported, and when."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import evenfield

ROOT = Path(__file__).resolve().parents[2]

HEAVY = ("numba", "llvmlite", "scipy", "astropy", "dask", "PySide6", "PyQt6")

COMMANDS = ("survey", "flats", "plan", "run", "explain", "demo", "gui", "settings")


def modules_after(code: str) -> set[str]:
    """The heavy packages that a new process has loaded after running some code."""
    program = f"import sys\n{code}\nprint('LOADED', *sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "LOADED"
    return set(last[1:]) & set(HEAVY)


def command_code(*arguments: str) -> str:
    """Code that runs the command line and expects it to succeed."""
    return f"from evenfield.cli.app import run_cli\nassert run_cli({list(arguments)!r}) == 0"


def test_import_contracts_hold() -> None:
    """The layers and the homes of foreign libraries are as the design says (import-linter)."""
    linter = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_import_contracts_name_every_room() -> None:
    """Each contract about a foreign library covers all rooms but the library's home."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    package = Path(evenfield.__file__).parent
    rooms = {f"evenfield.{path.stem}" for path in package.iterdir() if path.suffix == ".py" or path.is_dir()}
    rooms -= {"evenfield.__init__", "evenfield.__pycache__", "evenfield.testing", "evenfield.py", "evenfield.__main__"}
    homes = {
        "numba": {"evenfield.kernels"},
        "astropy": {"evenfield.read", "evenfield.write"},
        "click": {"evenfield.cli", "evenfield.gui"},
        "dask": {"evenfield.run"},
        "PySide6": {"evenfield.gui"},
        "evenfield.testing": set(),
    }
    checked = {
        contract["forbidden_modules"][0]: set(contract["source_modules"])
        for contract in contracts
        if contract["type"] == "forbidden" and contract["source_modules"] != ["evenfield.plan"]
    }
    assert checked == {library: rooms - home for library, home in homes.items()}


def test_importing_the_package_is_light() -> None:
    """`import evenfield` loads no heavy library, and not even numpy."""
    assert modules_after("import evenfield\nassert 'numpy' not in sys.modules") == set()


def test_settings_and_plans_are_light() -> None:
    """Planning names can be used without the libraries that crunch pixels."""
    assert (
        modules_after("import evenfield\nevenfield.make_plan, evenfield.Settings(), evenfield.survey_folders") == set()
    )


def test_help_is_light() -> None:
    """`evenfield --help` loads no heavy library."""
    assert modules_after(command_code("--help")) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_light(command: str) -> None:
    """The help of every command loads no heavy library."""
    assert modules_after(command_code(command, "--help")) == set()


def test_survey_of_plain_fits_is_light(tmp_path: Path) -> None:
    """`evenfield survey` of plain FITS files loads no heavy library."""
    for number in range(3):
        header = {"IMAGETYP": "Flat Frame", "EXPTIME": 2.0, "FILTER": "Ha"}
        write_plain(tmp_path / f"flat_{number}.fits", header)
    assert modules_after(command_code("survey", str(tmp_path))) == set()


def test_a_plan_of_plain_fits_is_light(tmp_path: Path) -> None:
    """`evenfield plan` of plain FITS files decides without a library that crunches pixels."""
    for number in range(5):
        header = {"IMAGETYP": "Flat Frame", "EXPTIME": 2.0, "FILTER": "Ha"}
        write_plain(tmp_path / "night" / f"flat_{number}.fits", header)
    arguments = ("plan", str(tmp_path / "night"), "-o", str(tmp_path / "masters"), "--no-preferences")
    assert modules_after(command_code(*arguments)) == set()


def write_plain(path: Path, header: dict[str, object]) -> None:
    """Write a small plain FITS file of 16 bits by hand, as capture programs do."""
    cards = {"SIMPLE": True, "BITPIX": 16, "NAXIS": 2, "NAXIS1": 16, "NAXIS2": 8, "BZERO": 32768, "BSCALE": 1, **header}
    lines = [f"{name:8}= {card_value(value):>20}".ljust(80) for name, value in cards.items()]
    text = "".join([*lines, "END".ljust(80)])
    pixels = np.zeros((8, 16), dtype=">i2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.ljust(2880).encode() + pixels.ljust(2880, b"\0"))


def card_value(value: object) -> str:
    """A value as it stands in a header card."""
    if isinstance(value, bool):
        return "T" if value else "F"
    return f"'{value}'" if isinstance(value, str) else str(value)
