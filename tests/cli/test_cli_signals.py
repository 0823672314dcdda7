"""Stopped in mid-run, by Ctrl-C or for good: no file is half written, and the next run goes on."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits

# The signal comes from the process itself, at a known place: between two bands, or in the middle of a file.
AT_PROGRESS = """
import os, signal, sys
from evenfield.cli import screen
from evenfield.model.events import Progressed
told = screen.ProgressLine.event
def event(self, one):
    told(self, one)
    if isinstance(one, Progressed) and one.step == "master_flat_Ha_2026-03-14" and not hasattr(screen, "sent"):
        screen.sent = True
        os.kill(os.getpid(), signal.{name})
screen.ProgressLine.event = event
from evenfield.cli.app import main
main()
"""

IN_MID_FILE = """
import os, signal
from evenfield.write import fits_file
stored, count = fits_file._stored, 0
def half(pixels, *, sample):
    global count
    for chunk in stored(pixels, sample=sample):
        count += 1
        if count == 2:
            os.kill(os.getpid(), signal.{name})
        yield chunk
fits_file._stored = half
from evenfield.cli.app import main
main()
"""


@pytest.fixture
def wanted(ev: Callable[..., Any], night: Path) -> dict[str, str]:
    """What an undisturbed run makes."""
    assert ev("flats", night, "-o", "undisturbed", "--json").code == 0
    return hashes("undisturbed")


def hashes(folder: str) -> dict[str, str]:
    """The sha256 of each FITS file by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(folder).rglob("*.fits")}


RECORD = ("plan.json", "report.html", "report.json", "report.txt")
"""What every run writes beside its products."""


def left_in(folder: str) -> set[str]:
    """The names of all files below a folder, hidden ones too."""
    return {path.name for path in Path(folder).rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_stopped_between_bands(process: Callable[..., Any], night: Path, wanted: dict[str, str], name: str) -> None:
    """Ctrl-C while a master is made: exit code 130, what was finished is whole, nothing else is there."""
    outcome = process("flats", night, "-o", "masters", code=AT_PROGRESS.format(name=name))
    assert outcome.code == 130, outcome
    assert "Traceback" not in outcome.err
    assert left_in("masters") == {"master_dark_flat_2.00s.fits", *RECORD}
    assert hashes("masters").items() <= wanted.items()
    again = process("flats", night, "-o", "masters", "--json")
    assert [one["status"] for one in again.json["results"]] == ["REUSED", "DONE"]
    assert hashes("masters") == wanted


def test_stopped_says_so_in_json(process: Callable[..., Any], night: Path) -> None:
    """A cancelled run still prints its report: the step is CANCELLED, exit code 130 in the document too."""
    outcome = process("flats", night, "-o", "masters", "--json", code=AT_PROGRESS.format(name="SIGINT"))
    document = outcome.json
    assert outcome.code == document["exit_code"] == 130
    assert [one["status"] for one in document["results"]] == ["DONE", "CANCELLED"]
    assert {one["use"] for one in document["files"] if "flat_" in Path(one["path"]).name} == {"left_out"}


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_stopped_in_the_middle_of_a_file(
    process: Callable[..., Any], night: Path, wanted: dict[str, str], name: str
) -> None:
    """Ctrl-C while a file is written: it appears whole or not at all, and no partial file is left."""
    outcome = process("flats", night, "-o", "masters", code=IN_MID_FILE.format(name=name))
    assert outcome.code in (0, 130)
    assert left_in("masters") <= {"master_dark_flat_2.00s.fits", "master_flat_Ha_2026-03-14.fits", *RECORD}
    assert hashes("masters").items() <= wanted.items()


def test_killed_in_the_middle_of_a_file(
    process: Callable[..., Any], ev: Callable[..., Any], night: Path, wanted: dict[str, str]
) -> None:
    """SIGKILL while a file is written: no master under its name; the next run reuses the rest and cleans up."""
    outcome = process("flats", night, "-o", "masters", code=IN_MID_FILE.format(name="SIGKILL"))
    assert outcome.code == -signal.SIGKILL
    assert hashes("masters").keys() == {"master_dark_flat_2.00s.fits"}
    assert any("partial" in name for name in left_in("masters")), "the test did interrupt a file"
    again = ev("flats", night, "-o", "masters", "--json")
    assert again.code == 0
    assert [one["status"] for one in again.json["results"]] == ["REUSED", "DONE"]
    assert left_in("masters") == {"master_dark_flat_2.00s.fits", "master_flat_Ha_2026-03-14.fits", *RECORD}
    assert hashes("masters") == wanted


def test_a_partial_file_is_no_frame(ev: Callable[..., Any], night: Path) -> None:
    """What a killed run left is never taken for a frame or a product."""
    whole = (night / "flat_01.fits").read_bytes()
    (night / ".master_flat.fits.partial-999999-abcd01234567").write_bytes(whole)
    assert len(ev("survey", night, "--json").json["frames"]) == 12


def test_inputs_are_never_touched(ev: Callable[..., Any], night: Path) -> None:
    """A run changes no byte and no time of its inputs."""
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in night.iterdir()}
    ev("flats", night, "-o", night / "masters")
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before
    assert fits.getval(night / "flat_01.fits", "IMAGETYP") == "FLAT"
