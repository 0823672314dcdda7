"""What the window does with a line, a product or a set is an option of the command line: from files to masters."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits

HA = "master_flat_Ha_2026-03-14"
OIII = "master_flat_OIII_2026-03-14"


@pytest.fixture
def session(shooter: Any) -> Path:
    """Flats of two filters with a dark flat set each, and dark flats of another gain."""
    shooter.take("ha", 6)
    shooter.take("o", 6, FILTER="OIII", EXPTIME=5.0)
    shooter.take("two", 6, kind="DARKFLAT")
    shooter.take("five", 6, kind="DARKFLAT", EXPTIME=5.0)
    shooter.take("gain", 6, kind="DARKFLAT", GAIN=0, edit=lambda pixels: pixels + 100)
    return shooter.folder  # type: ignore[no-any-return]


def uses(outcome: Any) -> dict[str, tuple[str, str]]:
    """File name -> use and code."""
    return {os.path.basename(one["path"]): (one["use"], one["code"]) for one in outcome.json["files"]}


def names(folder: Path) -> list[str]:
    """The files of the masters below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.fits"))


def test_files_that_are_excluded(ev: Callable[..., Any], session: Path) -> None:
    """They go into nothing, and every file is accounted for."""
    outcome = ev("flats", session, "-o", "masters", "--exclude", "ha_0[12]*", "--exclude", "night/gain*", "--json")
    assert outcome.code == 0
    found = uses(outcome)
    assert {name for name, use in found.items() if use == ("left_out", "excluded")} == {
        "ha_01.fits", "ha_02.fits", *(f"gain_0{number}.fits" for number in range(1, 7)),
    }  # fmt: skip
    assert len(found) == 30
    assert fits.getheader(f"masters/{HA}.fits")["NCOMBINE"] == 4


def test_a_product_that_is_not_wanted(ev: Callable[..., Any], session: Path, alone: Path) -> None:
    """Neither it nor its dark flats are made; what is left is reused afterwards."""
    outcome = ev("flats", session, "-o", "masters", "--without", OIII, "--json")
    assert outcome.code == 0
    assert names(alone / "masters") == ["calibration/master_dark_flat_2.00s.fits", f"{HA}.fits"]
    assert uses(outcome)["o_01.fits"] == ("not_needed", "not_asked")
    whole = ev("flats", session, "-o", "masters", "--json")
    assert [one["status"] for one in whole.json["results"]] == ["REUSED", "DONE", "REUSED", "DONE"]


def test_nothing_that_is_wanted(ev: Callable[..., Any], session: Path) -> None:
    """A refusal that names the option, as a finding of a report."""
    outcome = ev("flats", session, "-o", "masters", "--without", OIII, "--without", HA, "--json")
    assert outcome.code == 1
    (found,) = [one for one in outcome.json["findings"] if one["code"] == "plan"]
    assert "--without" in found["mend"]


def test_a_single_name_for_the_one_that_is_wanted(ev: Callable[..., Any], session: Path, alone: Path) -> None:
    """-o NAME.fits goes with several flats where all but one are left out."""
    assert ev("flats", session, "-o", "flat.fits").code == 2
    assert ev("flats", session, "-o", "flat.fits", "--without", OIII).code == 0
    assert (alone / "flat.fits").exists()


def test_products_with_new_names(ev: Callable[..., Any], session: Path, alone: Path) -> None:
    """The files have them; two of one name are refused before anything is made."""
    options = ["--rename", f"{HA}=Ha", "--rename", "master_dark_flat_5.00s=dark five"]
    assert ev("flats", session, "-o", "masters", *options, "--tiff", "none").code == 0
    assert names(alone / "masters") == [
        "Ha.fits", "calibration/dark five.fits", "calibration/master_dark_flat_2.00s.fits", f"{OIII}.fits",
    ]  # fmt: skip
    refused = ev("flats", session, "-o", "other", "--rename", f"{HA}={OIII}")
    assert refused.code == 2
    assert not (alone / "other").exists()
    assert ev("flats", session, "-o", "other", "--rename", f"{HA}=../x").code == 2


def test_a_set_that_was_not_taken_is_used_instead(ev: Callable[..., Any], session: Path) -> None:
    """The arguments of the runner-up subtract it: 100 ADU more than the dark flats that fit."""
    plan = ev("plan", session, "-o", "masters", "--json").json
    (step,) = [one for one in plan["steps"] if one["id"] == HA]
    (fix,) = [one["fix"] for one in step["calibrations"][0]["match"]["runners_up"] if "gain" in one["why"]]
    assert fix == ["--use", f"{HA}=gain*"]
    assert ev("flats", session, "-o", "before").code == 0
    outcome = ev("flats", session, "-o", "after", *fix, "--json")
    assert outcome.code == 0
    (flat,) = [one for one in outcome.json["results"] if one["id"] == HA]
    assert "mismatch_allowed" in {one["code"] for one in flat["findings"]}
    before, after = (fits.getdata(f"{folder}/{HA}.fits").mean() for folder in ("before", "after"))
    assert before - after == pytest.approx(100, abs=5)


def test_a_saturated_flat_tells_the_aim(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """The exposure that gives half of full scale at this light: 30,000 ADU in 2 s, 32,500 in 2.2 s."""
    shooter.take("odd_flat", 1, level=90000.0, EXPTIME=6.0)
    shooter.take("long_dark", 6, kind="DARKFLAT", EXPTIME=6.0)
    outcome = ev("flats", night, "-o", "masters", "--json")
    (found,) = [
        one for result in outcome.json["results"] for one in result["findings"] if one["code"] == "saturated_frame"
    ]
    assert found["mend"].startswith("Aim near 33,000 ADU: about 2.20 s at this panel setting.")
    assert found["fix"] == ["--keep-bad-frames"]


def test_a_black_flat_tells_the_levels(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """Above what, and what the others have."""
    shooter.take("odd_flat", 1, level=40.0)
    outcome = ev("flats", night, "-o", "masters", "--json")
    (found,) = [one for result in outcome.json["results"] for one in result["findings"] if one["code"] == "bad_level"]
    assert "ADU above its dark flat, the others about 30," in found["message"]
