"""What a plan decides for lights: which dark, which flat, and what is told where something is missing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from evenfield import CalibrationSettings, RunSettings, Settings, make_plan
from evenfield.errors import PlanError, SettingsError
from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.plan import LightStep, Plan
from evenfield.model.settings import LightSettings
from evenfield.plan.digests import stale_steps
from evenfield.plan.estimate import estimate_plan
from evenfield.plan.explain import explain_plan
from evenfield.store import load_plan, save_plan
from evenfield.testing.frames import frame_values, survey_value

LIGHTS = frame_values("lights/LIGHT", 4, FrameKind.LIGHT)
DARKS = frame_values("darks/DARK", 10, FrameKind.DARK)
LONG_DARKS = frame_values("darks/LONG", 10, FrameKind.DARK, exposure_s=600.0)
BIAS = frame_values("bias/BIAS", 20, FrameKind.BIAS)
FLATS = frame_values("flats/FLAT", 8)
DARK_FLATS = frame_values("flats/DARKFLAT", 8, FrameKind.DARK_FLAT)


def plan_of(*sets: list[FrameInfo], settings: Settings | None = None) -> Plan:
    """The plan of calibrated lights of these frames."""
    frames = [frame for some in sets for frame in some]
    return make_plan(survey_value(frames), output="/out", settings=settings, job="calibrate")


def only(plan: Plan) -> LightStep:
    """The single step of lights."""
    (step,) = plan.lights
    return step


def codes(plan: Plan) -> set[str]:
    """The codes of all findings about lights."""
    return {one.code for step in plan.lights for one in step.findings}


def calibrated(how: str = "auto", **fields: Any) -> Settings:
    """Settings with one way to scale darks."""
    return Settings(calibration=CalibrationSettings(dark_scale=how, **fields))  # type: ignore[arg-type]


def test_a_whole_session() -> None:
    """Lights get the dark of their exposure and the flat of their night; what flats need is made too, nothing else."""
    plan = plan_of(LIGHTS, DARKS, BIAS, FLATS, DARK_FLATS, frame_values("flats/R", 8, filter="R"))
    step = only(plan)
    assert [one.id for one in plan.steps] == ["master_dark_300s", "master_dark_flat_2.00s", "master_flat_Ha_2026-03-14"]
    assert [one.how for one in step.calibrations] == ["dark"]
    assert step.flat is not None
    assert step.flat.step == "master_flat_Ha_2026-03-14"
    assert step.needs == ("master_dark_300s", "master_flat_Ha_2026-03-14")
    assert step.outputs[0] == "lights/lights/LIGHT_0001_c.fits"
    assert not codes(plan)
    unused = {use.reason for use in plan.files if use.use == "not_needed"}
    assert unused == {"bias", "no light needs this flat"}
    text = explain_plan(plan)
    assert "exposure: lights 300 s, master 300 s" in text
    assert "divided by flat Ha 2026-03-14" in text
    assert estimate_plan(plan).bytes_to_write > 4 * 416 * 624 * 4


def test_each_exposure_has_its_own_dark() -> None:
    """Lights of two exposures in one group are calibrated by two darks, and divided by one flat."""
    long = frame_values("lights/LONG", 2, FrameKind.LIGHT, exposure_s=600.0)
    step = only(plan_of(LIGHTS, long, DARKS, LONG_DARKS, FLATS, DARK_FLATS))
    assert [one.masters["dark"].step for one in step.calibrations] == ["master_dark_300s", "master_dark_600s"]
    assert {item.calibration for item in step.inputs if "LONG" in item.path} == {1}


@pytest.mark.parametrize(
    ("how", "sets", "wanted"),
    [
        ("none", [LONG_DARKS, BIAS], "bias"),
        ("exposure", [LONG_DARKS, BIAS], "scaled_dark"),
        ("exposure", [DARKS, LONG_DARKS, BIAS], "dark"),
        ("optimize", [DARKS, LONG_DARKS, BIAS], "optimized_dark"),
        ("optimize", [DARKS], "dark"),
        ("auto", [LONG_DARKS, BIAS], "bias"),
        ("auto", [LONG_DARKS], "none"),
    ],
)
def test_the_kind_of_dark(how: str, sets: list[list[FrameInfo]], wanted: str) -> None:
    """Each way to scale darks takes the best that it may; auto scales for CCD cameras only."""
    step = only(plan_of(LIGHTS, FLATS, DARK_FLATS, *sets, settings=calibrated(how)))
    (found,) = step.calibrations
    assert found.how == wanted
    if wanted in ("scaled_dark",):
        assert found.factor == pytest.approx(0.5)
    assert (how == "optimize" and wanted == "dark") == ("dark_not_optimized" in {one.code for one in step.findings})


def test_a_shorter_dark_is_never_scaled_up() -> None:
    """A dark of half the exposure is not used, unless its mismatch is allowed."""
    short = frame_values("darks/SHORT", 10, FrameKind.DARK, exposure_s=150.0)
    step = only(plan_of(LIGHTS, short, BIAS, FLATS, DARK_FLATS, settings=calibrated("exposure")))
    assert step.calibrations[0].how == "bias"


def test_lights_that_hold_their_bias_are_not_divided() -> None:
    """Without dark or bias nothing is subtracted and the flat is not applied; --strict refuses, a pedestal mends it."""
    plan = plan_of(LIGHTS, FLATS, DARK_FLATS)
    assert only(plan).flat is None
    assert {"light_uncalibrated", "flat_not_applied"} <= codes(plan)
    strict = plan_of(LIGHTS, FLATS, DARK_FLATS, settings=Settings(run=RunSettings(strict=True)))
    refused = only(strict).refused
    assert refused is not None
    assert refused.code == "light_uncalibrated"
    given = Settings(calibration=CalibrationSettings(mode="pedestal", pedestal_adu=500.0))
    step = only(plan_of(LIGHTS, FLATS, DARK_FLATS, settings=given))
    assert step.flat is not None
    assert step.calibrations[0].pedestal_adu == 500.0


def test_lights_without_a_flat_are_still_calibrated() -> None:
    """A flat of another filter is not used; the finding names what differs, and --strict refuses."""
    plan = plan_of(LIGHTS, DARKS, frame_values("flats/R", 8, filter="R"), DARK_FLATS)
    assert only(plan).flat is None
    (told,) = [one for one in only(plan).findings if one.code == "no_flat_fits"]
    assert "filter Ha, there R" in told.message
    settings = Settings(run=RunSettings(strict=True))
    assert only(plan_of(LIGHTS, DARKS, settings=settings)).refused is not None


def test_a_flat_of_another_night_is_told() -> None:
    """The nearest night serves, with a note of how far away it is."""
    other = frame_values("flats/FLAT", 8, taken_at="2026-03-17T20:00:00.000")
    plan = plan_of(LIGHTS, DARKS, other, DARK_FLATS)
    (told,) = [one for one in only(plan).findings if one.code == "flat_of_other_night"]
    assert "3 days away" in told.message


def test_a_flat_that_holds_its_bias_is_told() -> None:
    """Raw flats for which nothing could be subtracted make a flat that is used, loudly."""
    assert "flat_holds_bias" in codes(plan_of(LIGHTS, DARKS, frame_values("flats/FLAT", 8, exposure_s=9.0)))


def test_names_never_meet() -> None:
    """Lights of the same name in folders, and with .fit and .fits, keep products of their own."""
    same = [
        *frame_values("a/LIGHT", 1, FrameKind.LIGHT),
        *frame_values("b/LIGHT", 1, FrameKind.LIGHT, taken_at="2026-03-14T21:00:00.000"),
    ]
    step = only(plan_of(same, DARKS))
    assert sorted(step.outputs) == ["lights/a/LIGHT_0001_c.fits", "lights/b/LIGHT_0001_c.fits"]


def test_a_product_does_not_depend_on_other_lights() -> None:
    """One light more changes no digest of the others; another dark or setting changes all of them."""
    few, more = only(plan_of(LIGHTS[:3], DARKS)), only(plan_of(LIGHTS, DARKS))
    assert few.digests == more.digests[:3]
    assert few.digest != more.digest
    other = only(plan_of(LIGHTS, DARKS[:9]))
    assert not set(other.digests) & set(more.digests)
    pedestal = only(plan_of(LIGHTS, DARKS, settings=Settings(light=LightSettings(add_pedestal="100"))))
    assert not set(pedestal.digests) & set(more.digests)


def test_a_saved_plan_is_the_same_and_no_other(tmp_path: Any) -> None:
    """A plan of lights survives the disk; one whose lights were edited is stale."""
    plan = plan_of(LIGHTS, DARKS, FLATS, DARK_FLATS)
    path = tmp_path / "plan.json"
    save_plan(plan, path=path)
    assert load_plan(path) == plan
    assert stale_steps(plan) == ()
    text = path.read_text()
    path.write_text(re.sub(r'("cfa_flat": ?)"joint"', r'\1"separate"', text))
    assert path.read_text() != text
    assert stale_steps(load_plan(path)) == ("lights_Ha_2026-03-14",)


def test_no_lights() -> None:
    """Where nothing is a light there is nothing to calibrate."""
    with pytest.raises(PlanError, match="No lights among 8 files: 8 flats"):
        plan_of(FLATS)


@pytest.mark.parametrize("text", ["auto:0", "auto:2", "none:1", "-5", "nan", "much"])
def test_what_is_no_pedestal(text: str) -> None:
    """Pedestals are none, a number of ADU or auto with a share."""
    with pytest.raises(SettingsError, match="is no pedestal"):
        LightSettings(add_pedestal=text)


def test_a_bias_that_is_one_number() -> None:
    """--bias stands in the place of bias frames, after darks; where its offset is unknown, that is told."""
    settings = Settings(calibration=CalibrationSettings(bias="64*offset_setting"))
    step = only(plan_of(LIGHTS, BIAS, FLATS, DARK_FLATS, settings=settings))
    (found,) = step.calibrations
    assert (found.how, found.pedestal_adu) == ("pedestal", 3200.0)
    assert found.title == "minus a bias of 3200 ADU (64 x offset 50)"
    assert step.flat is not None
    assert only(plan_of(LIGHTS, DARKS, BIAS, settings=settings)).calibrations[0].how == "dark"
    unknown = frame_values("lights/U", 3, FrameKind.LIGHT, offset_setting=None)
    plan = plan_of(unknown, settings=settings)
    assert "constant_bias_untold" in codes(plan)
    assert only(plan).calibrations[0].how == "none"
    plain = Settings(calibration=CalibrationSettings(bias="512"))
    assert only(plan_of(unknown, settings=plain)).calibrations[0].pedestal_adu == 512.0


@pytest.mark.parametrize("text", ["much", "-5", "64*gain", "1e9", "64*offset*2"])
def test_what_is_no_bias(text: str) -> None:
    """--bias is a number, or a number times the offset setting; with --pedestal it contradicts itself."""
    with pytest.raises(SettingsError, match="is no bias"):
        CalibrationSettings(bias=text)
    with pytest.raises(SettingsError, match="in the place of bias frames"):
        CalibrationSettings(bias="500", mode="none")
