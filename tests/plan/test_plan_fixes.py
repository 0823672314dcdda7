"""The fix of a finding mends it: planned again with these arguments, the finding is gone."""

from __future__ import annotations

from typing import Any

import pytest

from evenfield.cli.request import Request, with_fix
from evenfield.describe.overrides import apply_overrides, parse_override
from evenfield.errors import PlanError
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.plan import Plan
from evenfield.model.rejections import rejection
from evenfield.model.settings import CalibrationSettings, CombineSettings, GroupSettings, Settings
from evenfield.plan.make import make_plan
from evenfield.plan.nothing import empty_plan
from evenfield.testing.frames import frame_values, survey_value

HA = frame_values("flats/Ha", 8)
LATER = frame_values("late/Ha", 8, taken_at="2026-03-16T20:00:00.000")
TWO = frame_values("df/two", 8, FrameKind.DARK_FLAT)
GAIN = frame_values("df/gain", 8, FrameKind.DARK_FLAT, gain_setting=0.0)
LIGHTS = frame_values("lights/L", 4, FrameKind.LIGHT)
DARKS = frame_values("darks/d", 8, FrameKind.DARK)
SMALL = [*HA, *frame_values("flats/R", 3, filter="R"), *frame_values("flats/G", 2, filter="G"), *TWO]


def planned(frames: list[FrameInfo], settings: Settings, job: str) -> Plan:
    """The plan, with corrections applied as the survey does; one without steps where nothing can be planned."""
    corrections = [one for text in settings.select.overrides for one in parse_override(text)]
    survey = survey_value([apply_overrides(frame, overrides=corrections) for frame in frames])
    try:
        return make_plan(survey, output="/out", settings=settings, job=job)
    except PlanError as error:
        return empty_plan(survey, error=error, output="/out", settings=settings)


def told(plan: Plan, code: str) -> list[Finding]:
    """The findings of a code, everywhere."""
    found = [*plan.findings, *(one for step in plan.all_steps for one in step.findings)]
    found += [step.refused for step in plan.all_steps if step.refused]
    return [one for one in found if one.code == code]


CASES: dict[str, tuple[str, list[FrameInfo], Settings, str, tuple[str, ...]]] = {
    "nights": ("nights_apart", [*HA, *LATER, *TWO], Settings(), "flats", ("--join", "night")),
    "nothing else fits": (
        "calibration_left_out", [*HA, *GAIN], Settings(), "flats", ("--allow-mismatch", "gain_setting"),
    ),
    "small groups": (
        "small_group", SMALL, Settings(group=GroupSettings(min_group=5)), "flats", ("--min-group", "2"),
    ),
    "small groups only": (
        "small_group", SMALL, Settings(group=GroupSettings(min_group=20)), "flats", ("--min-group", "2"),
    ),
    "no flats but by name": (
        "no_flats", frame_values("x/FLAT_a", 4, FrameKind.LIGHT, kind_by_name=FrameKind.FLAT), Settings(), "flats",
        ("--set", "FLAT_a*:kind=flat"),
    ),
    "a setting that some do not tell": (
        "partly_unknown", [*HA, *frame_values("flats/mute", 3, gain_setting=None), *TWO], Settings(), "flats",
        ("--set", "mute*:gain_setting=100"),
    ),
    "overscan": (
        "overscan_ignored", [*frame_values("o/f", 8, overscan_section="[1:10,*]", trim_section="[11:624,*]"),
                             *frame_values("o/d", 8, FrameKind.DARK_FLAT, overscan_section="[1:10,*]",
                                           trim_section="[11:624,*]")],
        Settings(), "flats", ("--overscan", "header", "--trim", "header"),
    ),
    "too few for minmax": (
        "too_few_for_rejection", [*HA[:3], *TWO], Settings(combine=CombineSettings(rejection=rejection("minmax:2,2"),
        dark_rejection=rejection("none"))), "flats", ("--reject", "auto"),
    ),
    "too few darks for minmax": (
        "too_few_for_rejection", [*HA, *TWO[:3]], Settings(combine=CombineSettings(dark_rejection=
        rejection("minmax:2,2"))), "flats", ("--dark-reject", "auto"),
    ),
    "a flat at another angle": (
        "no_flat_fits", [*frame_values("lights/L", 4, FrameKind.LIGHT, rotator_deg=10.0), *DARKS,
                         *frame_values("flats/Ha", 8, rotator_deg=90.0), *TWO],
        Settings(), "calibrate", ("--allow-mismatch", "rotator"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_fix_mends(name: str) -> None:
    """The arguments are those expected, and with them the finding is not made any more."""
    code, frames, settings, job, fix = CASES[name]
    found = told(planned(frames, settings, job), code)
    assert [one.fix for one in found][:1] == [fix]
    request = with_fix(Request(paths=("x",), settings=settings), fix)
    again = planned(frames, request.settings, job)
    assert told(again, code) == []
    assert again.all_steps


@pytest.mark.parametrize(
    ("code", "frames", "more"),
    [
        ("calibration_left_out", [*HA, *TWO, *GAIN], {}),
        ("partly_unknown", [*HA, *frame_values("low", 3, gain_setting=0.0), *frame_values("m", 3, gain_setting=None)],
         {}),
        ("filters_alike", [*HA, *frame_values("h", 8, filter="H-a")], {}),
        ("overscan_ignored", frame_values("o", 8, overscan_section="[1:10,*]"),
         {"calibration": CalibrationSettings(bias="500")}),
    ],
    ids=["others fit", "two values", "two names", "a constant bias"],
)  # fmt: skip
def test_what_is_not_certain_has_no_fix(code: str, frames: list[FrameInfo], more: dict[str, Any]) -> None:
    """Nothing is guessed."""
    (found,) = told(planned(frames, Settings(**more), "flats"), code)
    assert found.fix is None


def test_a_flat_of_another_filter_is_not_proposed() -> None:
    """It would put the dust of one filter on the lights of another."""
    lights = frame_values("lights/R", 4, FrameKind.LIGHT, filter="R")
    (found,) = told(planned([*lights, *DARKS, *HA, *TWO], Settings(), "calibrate"), "no_flat_fits")
    assert found.fix is None


def test_nights_are_told_of_filter_by_filter() -> None:
    """One finding a filter, with the nights and masters; none for what other settings keep apart as well."""
    red = [*frame_values("r", 4, filter="R"), *frame_values("r2", 4, filter="R", taken_at="2026-03-16T20:00:00.000")]
    other = frame_values("g", 4, filter="G")
    apart = frame_values("g2", 4, filter="G", taken_at="2026-03-16T20:00:00.000", gain_setting=0.0)
    frames = [*HA, *LATER, *red, *other, *apart]
    plan = planned(frames, Settings(), "flats")
    assert [one.message for one in told(plan, "nights_apart")] == [
        "Ha was taken on 2 nights: 2 masters, because dust may have moved.",
        "R was taken on 2 nights: 2 masters, because dust may have moved.",
    ]
    asked = Settings(group=GroupSettings(split=("night",)))
    assert told(planned(frames, asked, "flats"), "nights_apart") == []


def test_few_frames_say_what_was_done() -> None:
    """The filter, the number, and the median where it was taken; a rejection that was asked for is named."""
    (found,) = told(planned([*HA[:3], *TWO], Settings(), "flats"), "few_frames")
    assert found.message == (
        "master_flat_Ha_2026-03-14: only 3 flats of Ha; the median was taken, since outliers cannot be told from noise "
        "in so few."
    )
    settings = Settings(combine=CombineSettings(rejection=rejection("none")))
    (found,) = told(planned([*HA[:3], *TWO], settings, "flats"), "few_frames")
    assert found.message.endswith("only 3 flats of Ha; mean, none, as asked.")


def test_a_named_file_beside_one_that_fits_needs_nothing() -> None:
    """The finding has a fix only where nothing else fits."""
    masters = [
        *frame_values("m/good", 1, FrameKind.DARK_FLAT, is_master=True),
        *frame_values("m/gain", 1, FrameKind.DARK_FLAT, is_master=True, gain_setting=0.0),
    ]
    settings = Settings(calibration=CalibrationSettings(mode="files", files=tuple(one.path for one in masters)))
    (found,) = told(planned([*HA, *masters], settings, "flats"), "named_file_not_used")
    assert found.fix is None
