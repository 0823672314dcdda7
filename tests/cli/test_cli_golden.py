"""The night that users really have: counts, masters, the exact text, and what the printed fix makes of it.

The texts lie in ``tests/cli/golden``. After a change that is meant, write them again with
``EVENFIELD_WRITE_GOLDEN=1 pytest tests/cli/test_cli_golden.py`` and read the difference.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evenfield.simulate import MessyNight

GOLDEN = Path(__file__).parent / "golden"
FIRST_LINE = "155 files: 98 used, 22 not needed, 33 left out, 2 unreadable"


def check_golden(name: str, text: str) -> None:
    """Compare a text, its seconds masked, with the golden one; or write that, where asked for."""
    masked = re.sub(r"made in \d+\.\d s", "made in S.S s", text)
    path = GOLDEN / name
    if os.environ.get("EVENFIELD_WRITE_GOLDEN") == "1":
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(masked, encoding="utf-8")
    assert masked == path.read_text(encoding="utf-8")


def printed_fix(text: str) -> list[str]:
    """The arguments that the text offers to paste for the flats that call themselves lights."""
    joined = " ".join(line.strip() for line in text.splitlines())
    found = re.search(r'--set "[^"]+:kind=flat"', joined)
    assert found, text
    return shlex.split(found[0])


def test_text_of_the_messy_night(ev: Callable[..., Any], messy: MessyNight) -> None:
    """The whole text of the run, line by line, exit code 0, nothing on stderr."""
    outcome = ev("flats", messy.folder, "-o", "masters")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.lines[0] == FIRST_LINE
    check_golden("messy.txt", outcome.out)


def test_text_fits_80_columns_and_about_25_lines(ev: Callable[..., Any], messy: MessyNight) -> None:
    """Whatever the night, the text fits a terminal."""
    lines = ev("flats", messy.folder, "-o", "masters").lines
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 28


def test_plan_text_of_the_messy_night(ev: Callable[..., Any], messy: MessyNight) -> None:
    """The plan begins with the same account of the files, and makes nothing."""
    outcome = ev("plan", messy.folder, "-o", "masters")
    assert outcome.code == 0
    check_golden("messy_plan.txt", outcome.out)
    assert max(map(len, outcome.lines)) <= 80
    assert not Path("masters").exists()


def test_survey_text_of_the_messy_night(ev: Callable[..., Any], messy: MessyNight) -> None:
    """The survey as a table of sets."""
    outcome = ev("survey", messy.folder)
    assert outcome.code == 0
    check_golden("messy_survey.txt", outcome.out)
    assert max(map(len, outcome.lines)) <= 80


def test_counts_reasons_and_masters(ev: Callable[..., Any], messy: MessyNight) -> None:
    """98 used, 22 not needed, 33 left out, 2 unreadable; three masters; each file for the reason it deserves."""
    document = ev("flats", messy.folder, "-o", "masters", "--json").json
    files = {one["path"]: one for one in document["files"]}
    assert set(files) == {str(path) for path in messy.files}
    counts = {use: sum(one["use"] == use for one in files.values()) for use in
              ("used", "not_needed", "left_out", "unreadable")}  # fmt: skip
    assert counts == {"used": 98, "not_needed": 22, "left_out": 33, "unreadable": 2}
    code = {path: one["code"] for path, one in files.items()}
    assert code[str(messy.black)] == "bad_level"
    assert code[str(messy.saturated)] == "saturated_frame"
    assert code[str(messy.copy)] == "second_copy"
    assert code[str(messy.truncated)] == "truncated"
    assert code[str(messy.cube)] == "three_planes"
    assert {code[str(path)] for path in messy.mislabeled} == {"header_says_light"}
    assert {code[str(path)] for path in messy.other_gain} == {"gain_setting_differs"}
    assert sum(one == "light" for one in code.values()) == 12
    flats = [one for one in document["results"] if one["kind"] == "flat"]
    assert [(one["id"], len(one["inputs"]), one["verdict"]) for one in flats] == [
        ("master_flat_Ha_2026-03-14", 20, "works"),
        ("master_flat_OIII_2026-03-14", 20, "works"),
        ("master_flat_OIII_2026-03-15", 18, "works"),
    ]
    assert sum(one["kind"] == "dark_flat" for one in document["results"]) == 2


def test_the_printed_fix_makes_the_fourth_master(ev: Callable[..., Any], messy: MessyNight) -> None:
    """Pasting the printed fix makes the fourth master; the other three are REUSED and stay as they are, to the byte."""
    fix = printed_fix(ev("flats", messy.folder, "-o", "masters").out)
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in Path("masters").rglob("*.fits")}
    outcome = ev("flats", messy.folder, "-o", "masters", *fix)
    assert outcome.code == 0
    check_golden("messy_fixed.txt", outcome.out)
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in before} == before
    again = ev("flats", messy.folder, "-o", "masters", *fix, "--json").json
    assert {one["status"] for one in again["results"]} == {"REUSED"}
    assert sum(one["kind"] == "flat" for one in again["results"]) == 4


def test_statuses_after_the_fix(ev: Callable[..., Any], messy: MessyNight) -> None:
    """The run with the fix says DONE once, for the fourth flat, and REUSED for everything else."""
    ev("flats", messy.folder, "-o", "masters")
    document = ev("flats", messy.folder, "-o", "masters", "--set", "FLAT_Ha*:kind=flat", "--json").json
    status = {one["id"]: one["status"] for one in document["results"]}
    assert status.pop("master_flat_Ha_2026-03-15") == "DONE"
    assert set(status.values()) == {"REUSED"}
    assert len(status) == 5


@pytest.mark.slow
def test_demo_messy_is_the_same_night(process: Callable[..., Any]) -> None:
    """``evenfield demo --messy`` writes that night and prints the same account."""
    outcome = process("demo", "--messy", "-o", "demo")
    assert outcome.code == 0, outcome.err
    assert FIRST_LINE in outcome.lines
    assert len(list(Path("demo").glob("masters/master_flat_*.fits"))) == 3
