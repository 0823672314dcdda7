"""The night that users really have: 155 files of two nights and two filters."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from evenfield.model.frame import FrameKind
from evenfield.model.plan import Plan
from evenfield.model.settings import SelectSettings, Settings
from evenfield.plan.make import make_plan
from evenfield.simulate import MessyNight, simulate_messy_night
from evenfield.survey import survey_folders


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> MessyNight:
    """The messy night's files."""
    return simulate_messy_night(tmp_path_factory.mktemp("messy") / "night")


def planned(messy: MessyNight, *overrides: str) -> Plan:
    """The plan for the night."""
    settings = Settings(select=SelectSettings(overrides=overrides))
    return make_plan(survey_folders([messy.folder], settings=settings), output="/out", settings=settings)


def test_counts_and_reasons(messy: MessyNight) -> None:
    """Before any pixel is read: 100 used, 22 not needed, 31 left out, 2 unreadable, each for a short reason."""
    files = planned(messy).files
    assert Counter(one.use for one in files) == {"used": 100, "not_needed": 22, "left_out": 31, "unreadable": 2}
    assert Counter(one.reason for one in files if one.use in ("not_needed", "left_out")) == {
        "light": 12,
        "dark of 300 s": 10,
        "header says Light": 20,
        "gain 0 (flats have 100)": 10,
        "second copy of FLAT_Ha_0007.fits": 1,
    }
    unreadable = {Path(one.path).name: one.reason for one in files if one.use == "unreadable"}
    assert unreadable == {"preview.fits": "3 planes", "FLAT_OIII_0021.fits": "cut short: 0.3 of 0.5 MB"}


def test_masters(messy: MessyNight) -> None:
    """Three master flats, each minus the dark flats of its exposure, which say DARK in their headers."""
    plan = planned(messy)
    assert [(step.output, len(step.inputs)) for step in plan.steps] == [
        ("calibration/master_dark_flat_2.00s.fits", 20),
        ("calibration/master_dark_flat_3.50s.fits", 20),
        ("master_flat_Ha_2026-03-14.fits", 20),
        ("master_flat_OIII_2026-03-14.fits", 20),
        ("master_flat_OIII_2026-03-15.fits", 20),
    ]
    flats = [step for step in plan.steps if step.kind is FrameKind.FLAT]
    assert [step.needs for step in flats] == [
        ("master_dark_flat_2.00s",),
        ("master_dark_flat_3.50s",),
        ("master_dark_flat_3.50s",),
    ]
    assert not any(step.refused or step.findings for step in plan.steps)
    assert plan.notes == ("Kept apart by filter and night, dust may have moved (to join: --join night).",)


def test_findings(messy: MessyNight) -> None:
    """One finding a cause: mislabeled flats, two unreadable files, a copy, darks of another gain, nights apart."""
    assert Counter(one.code for one in planned(messy).findings) == {
        "header_says_light": 1,
        "truncated": 1,
        "three_planes": 1,
        "second_copy": 1,
        "calibration_left_out": 1,
        "nights_apart": 1,
    }


def test_the_fix_makes_a_fourth_master_and_changes_no_other(messy: MessyNight) -> None:
    """The printed fix turns the 20 mislabeled files into a fourth master; all other digests stay."""
    before = planned(messy)
    (told,) = [one for one in before.findings if one.code == "header_says_light"]
    assert told.fix == ("--set", "FLAT_Ha*:kind=flat")
    after = planned(messy, told.fix[1])
    digests = {step.id: step.digest for step in after.steps}
    assert {step.id: step.digest for step in before.steps}.items() <= digests.items()
    assert digests.keys() - {step.id for step in before.steps} == {"master_flat_Ha_2026-03-15"}
    fourth = after.step("master_flat_Ha_2026-03-15")
    assert fourth is not None
    assert len(fourth.inputs) == 20
    assert Counter(one.use for one in after.files) == {"used": 120, "not_needed": 22, "left_out": 11, "unreadable": 2}
