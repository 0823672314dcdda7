"""Folders in unusual places: output among the inputs, masters as a library, real frames."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("where", ["night", "parent", "below"])
def test_output_among_the_inputs(ev: Callable[..., Any], night: Path, where: str) -> None:
    """Products beside, above or below the frames are not taken for frames; a second run reuses them."""
    output = {"night": night, "parent": night.parent, "below": night / "a" / "b"}[where]
    given = night.parent if where == "parent" else night
    first = ev("flats", given, "-o", output, "--json")
    assert first.code == 0, first
    assert len(first.json["files"]) == 12
    again = ev("flats", given, "-o", output, "--json")
    assert again.code == 0
    assert [one["status"] for one in again.json["results"]] == ["REUSED", "REUSED"]
    assert len(again.json["files"]) == 12


def test_an_earlier_output_as_library(ev: Callable[..., Any], night: Path, flats_of: Callable[..., Any]) -> None:
    """The calibration folder of an earlier run serves as library: its masters are taken as they are."""
    ev("flats", night, "-o", "first")
    flats = sorted(night.glob("flat_*"))
    (flat,) = flats_of(*flats, "-o", "second", "--calibration", "first")
    assert flat["masters"] == {"dark_flat": str(Path("first/calibration/master_dark_flat_2.00s.fits").absolute())}
    assert flat["verdict"] == "works"


def test_the_same_output_as_library(ev: Callable[..., Any], night: Path, flats_of: Callable[..., Any]) -> None:
    """Output and library may be one folder."""
    ev("flats", night, "-o", "masters")
    flats = sorted(night.glob("flat_*"))
    (flat,) = flats_of(*flats, "-o", "masters", "--calibration", "masters", "--overwrite")
    assert set(flat["masters"]) == {"dark_flat"}


def test_a_night_that_moves_keeps_its_masters(ev: Callable[..., Any], night: Path, tmp_path: Path) -> None:
    """Paths are kept relative to the root: the same night in another place is the same, and is REUSED."""
    ev("flats", night, "-o", "masters")
    moved = tmp_path / "elsewhere" / "night"
    moved.parent.mkdir()
    shutil.move(night, moved)
    outcome = ev("flats", moved, "-o", "masters", "--json")
    assert [one["status"] for one in outcome.json["results"]] == ["REUSED", "REUSED"]
    assert outcome.json["results"][1]["inputs"][0] == str(moved / "flat_01.fits")


def test_not_recursive(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """--no-recursive stays in the folder given."""
    shooter.take("deep/flat", 3)
    assert len(ev("survey", night, "--json").json["frames"]) == 15
    assert len(ev("survey", night, "--no-recursive", "--json").json["frames"]) == 12
    assert len(ev("flats", night, "--no-recursive", "-o", "m", "--json").json["files"]) == 12


@pytest.mark.real
def test_real_flats_that_call_themselves_lights(ev: Callable[..., Any], real_data: Path) -> None:
    """Without help the STL-1001E flats are left out and the fix is printed; with it they are one master that works."""
    folder = real_data / "ast443-cgs-bigccd"
    outcome = ev("flats", folder, "-o", "masters", "--json")
    assert outcome.code == 1
    assert sum(one["code"] == "header_says_light" for one in outcome.json["files"]) == 10
    (fix,) = [one["fix"] for one in outcome.json["findings"] if one["code"] == "header_says_light"]
    fixed = ev("flats", folder, "-o", "masters", *fix, "--json")
    assert fixed.code == 0
    (flat,) = [one for one in fixed.json["results"] if one["kind"] == "flat"]
    assert (len(flat["inputs"]), set(flat["masters"]), flat["verdict"]) == (10, {"dark", "bias"}, "works")
    assert "scaled_dark" in {one["code"] for one in flat["findings"]}
    text = ev("flats", folder, "-o", "masters", *fix)
    assert max(map(len, text.lines)) <= 80
    assert len(fixed.json["files"]) == 44


@pytest.mark.real
def test_real_frames_without_headers(ev: Callable[..., Any], real_data: Path) -> None:
    """The solar set says nothing but folders: one master, matched without exposure, which is told."""
    outcome = ev("flats", real_data / "msdp-solar", "-o", "masters", "--json")
    assert outcome.code == 0
    (flat,) = [one for one in outcome.json["results"] if one["kind"] == "flat"]
    assert (len(flat["inputs"]), set(flat["masters"]), flat["verdict"]) == (5, {"dark_flat"}, "check")
    assert {"exposure_unknown", "temperature_unknown", "low_light"} <= {one["code"] for one in flat["findings"]}
    assert max(map(len, ev("flats", real_data / "msdp-solar", "-o", "masters").lines)) <= 80


@pytest.mark.real
@pytest.mark.parametrize("name", ["rmcd-darks", "als-osc-lights", "exotic-hatp32", "mistergranti-m13", "kstars-tests",
                                  "panoptes-dslr", "msumastro-headers", "fits-odd", "raw-dslr"])  # fmt: skip
def test_real_folders_are_all_accounted_for(ev: Callable[..., Any], real_data: Path, name: str) -> None:
    """Whatever lies in a real folder, survey and plan end with an account of it and without a traceback."""
    folder = real_data / name
    document = ev("survey", folder, "--json").json
    planned = ev("plan", folder, "-o", "masters", "--json")
    assert planned.code in (0, 1)
    files = planned.json["files"]
    assert sorted({one["path"] for one in files}) == sorted(
        {one["path"] for one in (*document["frames"], *document["unreadable"])}
    )
    assert max(map(len, ev("plan", folder, "-o", "masters").lines)) <= 80
