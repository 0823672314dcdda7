"""``evenfield library``: masters that are kept, found again, and used wherever they fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

CARDS = {"INSTRUME": "Cam", "GAIN": 100, "OFFSET": 50, "CCD-TEMP": -10.0, "XBINNING": 1, "YBINNING": 1, "FILTER": "R"}


def write(path: Path, kind: str, seconds: float, level: float, day: str = "2026-03-14") -> Path:
    """A small frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(str(path))).normal(level, 5, (20, 30))
    master = kind.startswith("Master")
    hdu = fits.PrimaryHDU(pixels.astype(np.float32) if master else np.rint(pixels).astype(np.uint16))
    hdu.header.update({**CARDS, "IMAGETYP": kind, "EXPTIME": seconds, "DATE-OBS": f"{day}T20:00:00", "BUNIT": "adu"})
    hdu.writeto(path)
    return path


@pytest.fixture
def library(ev: Callable[..., Any], tmp_path: Path) -> Path:
    """A library of a dark and a flat."""
    write(tmp_path / "made" / "md.fits", "Master Dark", 60.0, 510)
    write(tmp_path / "made" / "mf.fits", "Master Flat", 2.0, 30000)
    folder = tmp_path / "library"
    assert ev("library", "add", tmp_path / "made", "--library", folder).code == 0
    return folder


def test_masters_are_added_once_and_listed(ev: Callable[..., Any], library: Path, tmp_path: Path) -> None:
    """Copies lie by kind; the same bytes are not added twice, another file of the same name gets a number."""
    assert (library / "dark" / "md.fits").exists()
    assert (library / "flat" / "mf.fits").exists()
    again = ev("library", "add", tmp_path / "made" / "md.fits", "--library", library)
    assert "there already" in again.out
    write(tmp_path / "other" / "md.fits", "Master Dark", 300.0, 520)
    assert "dark/md_2.fits" in ev("library", "add", tmp_path / "other", "--library", library).out
    listed = ev("library", "list", "--library", library)
    assert listed.lines[0].startswith("dark/md.fits: dark, Cam, R, 60 s, -10 C, gain 100, 2026-03-14")
    assert listed.lines[-1] == "3 masters."


def test_what_is_no_master_is_refused(ev: Callable[..., Any], library: Path, tmp_path: Path) -> None:
    """Raw frames stay out, the rest goes on, and the exit code tells."""
    write(tmp_path / "mixed" / "raw.fits", "Dark Frame", 60.0, 500)
    write(tmp_path / "mixed" / "mb.fits", "Master Bias", 0.0, 500)
    found = ev("library", "add", tmp_path / "mixed", "--library", library)
    assert found.code == 1
    assert "does not call it a master" in found.out
    assert (library / "bias" / "mb.fits").exists()


def test_a_check_tells_what_became_of_the_files(ev: Callable[..., Any], library: Path) -> None:
    """Files that were changed, deleted or put there are told; --rebuild makes the catalogue anew from what is there."""
    assert ev("library", "check", "--library", library).code == 0
    (library / "dark" / "md.fits").write_bytes((library / "dark" / "md.fits").read_bytes()[:-1] + b"\1")
    (library / "flat" / "mf.fits").unlink()
    write(library / "bias" / "new.fits", "Master Bias", 0.0, 500)
    found = ev("library", "check", "--library", library)
    assert found.code == 1
    told = {line.split()[1].rstrip(":"): line.split()[0] for line in found.lines}
    assert told == {"bias/new.fits": "new", "dark/md.fits": "changed", "flat/mf.fits": "missing"}
    ev("library", "check", "--rebuild", "--library", library)
    assert ev("library", "list", "--library", library).lines[-1] == "2 masters."
    assert ev("library", "check", "--library", library).code == 0
    (library / "catalogue.sqlite").unlink()
    ev("library", "check", "--rebuild", "--library", library)
    assert ev("library", "list", "--library", library).lines[-1] == "2 masters."


def test_removing(ev: Callable[..., Any], library: Path) -> None:
    """A master is deleted by the name that the list gives; a wrong name deletes nothing."""
    assert ev("library", "remove", "dark/md.fits", "dark/none.fits", "--library", library).code == 2
    assert (library / "dark" / "md.fits").exists()
    assert ev("library", "remove", "dark/md.fits", "--library", library).code == 0
    assert not (library / "dark" / "md.fits").exists()
    assert ev("library", "list", "--library", library).lines[-1] == "1 masters."


def test_lights_are_calibrated_from_the_library(ev: Callable[..., Any], library: Path, tmp_path: Path) -> None:
    """What the library holds is used wherever it fits; what is old is remarked upon, as --max-age has it."""
    for number in range(2):
        write(tmp_path / "night" / "lights" / f"L{number}.fits", "Light Frame", 60.0, 900, "2026-06-01")
    found = ev("calibrate", tmp_path / "night", "-o", tmp_path / "out", "--library", library, "--json")
    assert found.code == 0
    (result,) = found.json["results"]
    assert {role: Path(path).name for role, path in result["masters"].items()} == {"dark": "md.fits", "flat": "mf.fits"}
    old = [one["message"] for one in result["findings"] if one["code"] == "master_old"]
    assert len(old) == 1
    assert "flat" in old[0]
    assert "79 days older" in old[0]
    more = ev("calibrate", tmp_path / "night", "-o", tmp_path / "out2", "--library", library, "--json",
              "--max-age", "dark:30", "--max-age", "flat:100")  # fmt: skip
    old = [one["message"] for one in more.json["results"][0]["findings"] if one["code"] == "master_old"]
    assert len(old) == 1
    assert "dark" in old[0]


def test_no_library(ev: Callable[..., Any], tmp_path: Path) -> None:
    """Without a folder, or where there is none, that is said."""
    assert ev("library", "list").code == 2
    assert ev("library", "list", "--library", tmp_path / "none").code == 2
    assert ev("flats", tmp_path, "--library", tmp_path / "none").code == 2
