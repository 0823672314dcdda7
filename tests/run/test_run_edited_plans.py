"""Plans that were changed by hand, and trimmed products that are used again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from evenfield import CalibrationSettings, Settings, Winsorized, make_plan, run_plan, survey_folders
from evenfield.model.report import StepStatus
from evenfield.simulate import Night, ccd_with_overscan, simulate_night

TRIMMED = Settings(calibration=CalibrationSettings(overscan="header", trim="header"))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A small CCD night with overscan."""
    return simulate_night(tmp_path_factory.mktemp("ccd"), recipe=ccd_with_overscan())


def test_a_step_edited_by_hand_is_refused(night: Night, tmp_path: Path) -> None:
    """A step whose settings no longer belong to its digest is not run: its product would be taken for another one."""
    plan = make_plan(survey_folders([night.folder]), output=str(tmp_path))
    bias = plan.steps[0]
    recipe = msgspec.structs.replace(bias.recipe, rejection=Winsorized(low=2.0, high=2.0))
    edited = msgspec.structs.replace(plan, steps=(msgspec.structs.replace(bias, recipe=recipe), *plan.steps[1:]))

    report = run_plan(edited)

    assert report.exit_code == 1
    assert report.results[0].status is StepStatus.FAILED
    assert report.results[0].findings[-1].code == "plan"
    assert not (tmp_path / "calibration").exists() or bias.id not in str(list((tmp_path / "calibration").iterdir()))


def test_trimmed_masters_fit_trimmed_frames(night: Night, tmp_path: Path) -> None:
    """A master made with overscan and trim carries its region, and fits the same camera's frames without a doubt."""
    first = make_plan(survey_folders([night.folder], settings=TRIMMED), output=str(tmp_path / "a"), settings=TRIMMED)
    assert run_plan(first).exit_code == 0
    flats = [path for path in night.files if "flat" in path.name.lower()]

    survey = survey_folders(flats, calibration=[tmp_path / "a" / "calibration"], settings=TRIMMED)
    plan = make_plan(survey, output=str(tmp_path / "b"), settings=TRIMMED)

    (step,) = plan.steps
    assert step.calibrations[0].how == "scaled_dark"
    match = step.calibrations[0].match
    assert match is not None
    assert "region" not in " ".join(match.unknown)
    assert run_plan(plan).exit_code == 0
