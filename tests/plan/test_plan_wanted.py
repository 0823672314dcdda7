"""What is left out, not made, called otherwise or used instead, as the user says; and what that changes elsewhere."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from evenfield.errors import PlanError, SettingsError
from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.plan import FileUse, Plan, RunnerUp
from evenfield.model.settings import CalibrationSettings, OutputSettings, SelectSettings, Settings
from evenfield.model.survey import Copy, Unreadable
from evenfield.plan.digests import stale_steps
from evenfield.plan.explain import explain_plan
from evenfield.plan.make import make_plan
from evenfield.plan.nothing import empty_plan
from evenfield.testing.frames import frame_values, survey_value

DARK, DARK_FLAT, BIAS, FLAT, LIGHT = (
    FrameKind.DARK, FrameKind.DARK_FLAT, FrameKind.BIAS, FrameKind.FLAT, FrameKind.LIGHT,
)  # fmt: skip
HA = frame_values("flats/Ha", 8)
RED = frame_values("flats/R", 8, filter="R", exposure_s=5.0)
TWO = frame_values("df/two", 8, DARK_FLAT)
FIVE = frame_values("df/five", 8, DARK_FLAT, exposure_s=5.0)
BIASES = frame_values("bias/b", 8, BIAS)
SESSION = [*HA, *RED, *TWO, *FIVE, *BIASES]
LIGHTS = [*frame_values("lights/Ha", 4, LIGHT), *frame_values("lights/R", 4, LIGHT, filter="R")]
DARKS = frame_values("darks/d", 8, DARK)
HA_ID, RED_ID = "master_flat_Ha_2026-03-14", "master_flat_R_2026-03-14"


def planned(frames: list[FrameInfo], *, job: str = "flats", survey: dict[str, Any] | None = None, **given: Any) -> Plan:
    """The plan of frames; ``given`` are fields of parts of the settings, each known by its name."""
    parts: dict[str, Any] = {
        "select": SelectSettings(**{key: given.pop(key) for key in ("exclude", "without") if key in given}),
        "output": OutputSettings(**{key: given.pop(key) for key in ("names", "name") if key in given}),
        "calibration": CalibrationSettings(**given),
    }
    return make_plan(survey_value(frames, **(survey or {})), output="/out", settings=Settings(**parts), job=job)


def ids(plan: Plan) -> list[str]:
    """The ids of all steps."""
    return [step.id for step in plan.all_steps]


def findings(plan: Plan, code: str) -> list[str]:
    """The messages of a code, everywhere."""
    found = [*plan.findings, *(one for step in plan.all_steps for one in step.findings)]
    found += [step.refused for step in plan.all_steps if step.refused]
    return [one.message for one in found if one.code == code]


def use_of(plan: Plan, frame: FrameInfo) -> FileUse:
    """What becomes of a frame."""
    (found,) = [use for use in plan.files if use.path == frame.path]
    return found


def test_excluded_files_take_no_part() -> None:
    """They are in no group, each has its reason, and every file is still accounted for once."""
    broken = Unreadable(path="/session/flats/broken.fits", code="truncated", reason="cut short: 1 of 2 MB")
    plan = planned(SESSION, exclude=("Ha_0003*", "broken*"), survey={"unreadable": (broken,)})
    use = use_of(plan, HA[2])
    assert (use.use, use.code, use.reason) == ("left_out", "excluded", "left out on request")
    assert {one.code for one in plan.files if "broken" in one.path} == {"excluded"}
    step = plan.step(HA_ID)
    assert step is not None
    assert len(step.inputs) == 7
    assert [one.path for one in plan.files] == sorted([*(frame.path for frame in SESSION), broken.path])
    assert not findings(plan, "truncated")
    assert not findings(plan, "override_unused")
    assert stale_steps(plan) == ()


def test_an_excluded_set_is_as_if_it_were_not_there() -> None:
    """Without their dark flats, flats take the bias; the pattern may name a folder."""
    plan = planned(SESSION, exclude=("df/*",))
    assert [step.calibrations[0].how for step in plan.steps if step.kind is FLAT] == ["bias", "bias"]


def test_a_copy_takes_the_place_of_an_excluded_original() -> None:
    """Of two files with the same bytes the other one is used; a third one stays a copy, of that one."""
    survey = {"copies": (Copy(path=HA[1].path, original=HA[0].path), Copy(path=HA[2].path, original=HA[0].path))}
    plan = planned(SESSION, exclude=("Ha_0001*",), survey=survey)
    assert use_of(plan, HA[1]).code == "used"
    assert use_of(plan, HA[2]).reason == "second copy of Ha_0002.fits"


def test_where_nothing_is_left_the_files_keep_their_reasons() -> None:
    """A plan without steps says of excluded files that they are excluded."""
    settings = Settings(select=SelectSettings(exclude=("Ha*", "R_*")))
    survey = survey_value(SESSION)
    with pytest.raises(PlanError) as error:
        make_plan(survey, output="/out", settings=settings)
    assert error.value.code == "no_flats"
    plan = empty_plan(survey, error=error.value, output="/out", settings=settings)
    assert use_of(plan, HA[0]).code == "excluded"
    assert len(plan.files) == len(SESSION)


def test_a_pattern_that_fits_no_file_is_told_of() -> None:
    """Most likely a slip."""
    assert findings(planned(SESSION, exclude=("Ha_0001*", "OIII*")), "override_unused") == [
        "No file fits OIII* of --exclude."
    ]


@pytest.mark.parametrize("name", [RED_ID, RED_ID.upper(), f"{RED_ID}_UNCALIBRATED", "red"])
def test_a_master_that_is_not_wanted_is_not_made(name: str) -> None:
    """Nor is what only it needs; the name may be its old or its new one, whatever its verdict."""
    plan = planned(SESSION, without=(name,), names=(f"{RED_ID}=red",))
    assert ids(plan) == ["master_dark_flat_2.00s", HA_ID]
    assert [use_of(plan, one).reason for one in (RED[0], FIVE[0])] == [
        "its master is not wanted",
        "only what is not wanted needs it",
    ]
    assert {use_of(plan, one).code for one in (*RED, *FIVE)} == {"not_asked"}
    assert {use_of(plan, one).use for one in (*RED, *FIVE)} == {"not_needed"}
    assert use_of(plan, BIASES[0]).code == "spare"
    assert not findings(plan, "without_unused")
    assert not findings(plan, "calibration_left_out")


def test_what_is_left_keeps_its_name_and_digest() -> None:
    """To leave one product out changes nothing of the others, shared masters stay."""
    gain = frame_values("df/gain", 8, DARK_FLAT, exposure_s=2.0, gain_setting=0.0)
    low = frame_values("flats/low", 8, gain_setting=0.0)
    frames = [*SESSION, *gain, *low]
    whole = planned(frames)
    plan = planned(frames, without=("master_flat_Ha_2026-03-14_gain0",))
    assert "master_flat_Ha_2026-03-14_gain0" in ids(whole)
    assert len(ids(plan)) == len(ids(whole)) - 2
    assert {step.id: step.digest for step in plan.steps}.items() <= {
        step.id: step.digest for step in whole.steps
    }.items()


def test_nothing_left_is_refused() -> None:
    """The mend names the option."""
    with pytest.raises(PlanError, match="Nothing remains") as error:
        planned(SESSION, without=(HA_ID, RED_ID))
    assert error.value.code == "plan"
    assert "--without" in error.value.mend


def test_names_that_fit_nothing_are_told_of_with_near_ones() -> None:
    """And so is a master that others need."""
    plan = planned(SESSION, without=("master_flat_Hb_2026-03-14", "master_dark_flat_2.00s"))
    told = [one for one in plan.findings if one.code == "without_unused"]
    assert told[0].mend.startswith(f"Did you mean {HA_ID}")
    assert told[1].mend == f"Name {HA_ID} as well, or leave --without master_dark_flat_2.00s out."
    assert len(told) == 2
    assert "master_dark_flat_2.00s" in ids(plan)


def test_sets_of_the_job_masters_can_be_left_out() -> None:
    """A set that was made for its own sake is not; one that a flat needs is."""
    frames = [*SESSION, *DARKS]
    whole = planned(frames, job="masters")
    plan = planned(frames, job="masters", without=("master_bias", "master_dark_300s", "master_dark_flat_5.00s"))
    assert set(ids(whole)) - set(ids(plan)) == {"master_bias", "master_dark_300s"}
    assert use_of(plan, DARKS[0]).reason == "its master is not wanted"
    assert len(findings(plan, "without_unused")) == 1
    plan = planned(frames, job="masters", without=(RED_ID,))
    assert set(ids(whole)) - set(ids(plan)) == {RED_ID}, "the dark flats are wanted for their own sake"
    assert use_of(plan, FIVE[0]).use == "used"


def test_lights_can_be_left_out() -> None:
    """With them goes the flat that only they need; their darks stay where others need them."""
    frames = [*SESSION, *LIGHTS, *DARKS]
    plan = planned(frames, job="calibrate", without=("lights_R_2026-03-14",))
    assert ids(plan) == ["master_dark_300s", "master_dark_flat_2.00s", HA_ID, "lights_Ha_2026-03-14"]
    assert [use_of(plan, one).reason for one in (LIGHTS[-1], RED[0], FIVE[0])] == [
        "not to be calibrated",
        "its master is not wanted",
        "only what is not wanted needs it",
    ]
    plan = planned(frames, job="calibrate", without=(HA_ID,))
    assert findings(plan, "without_unused") == [f"{HA_ID} is made all the same: lights_Ha_2026-03-14 needs it."]


def test_a_product_can_be_called_otherwise() -> None:
    """Its id, its file, who needs it, its findings and the reasons of its frames follow; digests do not change."""
    short = [*frame_values("flats/Ha", 3), *TWO[:3]]
    before = planned(short)
    plan = planned(short, names=(f"{HA_ID}=no", f"{HA_ID}=Ha flat.fits", "master_dark_flat_2.00s=dark two"))
    assert ids(plan) == ["dark two", "Ha flat"]
    dark, flat = plan.steps
    assert (dark.output, flat.output) == ("calibration/dark two.fits", "Ha flat.fits")
    assert flat.needs == ("dark two",)
    assert flat.calibrations[0].masters["dark_flat"].step == "dark two"
    assert [step.digest for step in plan.steps] == [step.digest for step in before.steps]
    told = [one for step in plan.steps for one in step.findings]
    assert {one.subject for one in told} == {"dark two", "Ha flat"}
    assert not any("master_" in one.message for one in told)
    assert use_of(plan, short[0]).reason == "flat of Ha flat"
    assert use_of(plan, TWO[0]).steps == ("dark two",)
    assert stale_steps(plan) == ()


def test_two_names_can_be_exchanged() -> None:
    """Old names come before new ones."""
    plan = planned(SESSION, names=(f"{HA_ID}={RED_ID}", f"{RED_ID}={HA_ID}"), without=(HA_ID,))
    (flat,) = [step for step in plan.steps if step.kind is FLAT]
    assert (flat.id, flat.group["filter"]) == (HA_ID, "R")


@pytest.mark.parametrize("names", [(f"{HA_ID}={RED_ID.upper()}",), (f"{HA_ID}=x", f"{RED_ID}=X"),
                                   (f"{HA_ID}=master_dark_flat_5.00s",)])  # fmt: skip
def test_two_products_of_one_name_are_refused(names: tuple[str, ...]) -> None:
    """Also where they differ by case only, or one of them is a dark master."""
    with pytest.raises(PlanError, match="two products the name"):
        planned(SESSION, names=names)


@pytest.mark.parametrize(
    "text", ["x", "=x", "x=", "x= . ", "a=b/c", "a=b\\c", 'a="', "a=b\n", "a=nul", "a=" + "x" * 201]
)
def test_names_that_no_file_may_have_are_refused(text: str) -> None:
    """When the settings are built."""
    with pytest.raises(SettingsError, match="--rename"):
        OutputSettings(names=(text,))


@pytest.mark.parametrize("text", ["x", "=x", "x=", "x= ", "x=a||b"])
def test_uses_that_name_nothing_are_refused(text: str) -> None:
    """When the settings are built."""
    with pytest.raises(SettingsError, match="--use"):
        CalibrationSettings(use=(text,))


def test_new_names_for_what_is_not_there_are_told_of() -> None:
    """Lights keep the names of their raw frames."""
    assert len(findings(planned(SESSION, names=("master_flat_OIII=x",)), "rename_unused")) == 1
    plan = planned([*SESSION, *LIGHTS, *DARKS], job="calibrate", names=("lights_R_2026-03-14=x",))
    assert findings(plan, "rename_unused") == ["lights_R_2026-03-14: lights keep the names of their raw frames."]


def runners(plan: Plan, step_id: str) -> list[RunnerUp]:
    """All runners-up of a step."""
    (step,) = [one for one in plan.all_steps if one.id == step_id]
    found = [one for calibration in step.calibrations if calibration.match for one in calibration.match.runners_up]
    flat = getattr(step, "flat_match", None)
    return [*found, *(flat.runners_up if flat else ())]


def taking(frames: list[FrameInfo], fix: tuple[str, ...] | None, **more: Any) -> Plan:
    """The plan with the arguments of a runner-up."""
    assert fix is not None
    option, text = fix
    assert option == "--use"
    return planned(frames, use=(text,), **more)


def test_every_runner_up_can_be_taken_by_its_fix() -> None:
    """Each set that can be subtracted is taken, with what differs recorded; a set of another size has no fix."""
    gain = frame_values("df/gain", 8, DARK_FLAT, gain_setting=0.0)
    small = frame_values("df/small", 8, DARK_FLAT, shape=(10, 10))
    long = frame_values("df/long", 8, DARK, exposure_s=60.0)
    frames = [*HA, *TWO, *gain, *small, *long]
    found = runners(planned(frames), HA_ID)
    assert [(one.title, one.fix is None) for one in found] == [
        ("dark flat 2.00 s (8 frames)", False),
        ("dark flat 2.00 s (8 frames)", True),
        ("dark 60 s (8 frames)", False),
    ]
    plan = taking(frames, found[0].fix, names=(f"{HA_ID}=new",))
    step = plan.step("new")
    assert step is not None
    assert {item.path for item in plan.steps[0].inputs} == {frame.path.removeprefix("/session/") for frame in gain}
    match = step.calibrations[0].match
    assert match is not None
    assert match.allowed == ("gain setting 100, there 0",)
    assert "mismatch_allowed" in {one.code for one in step.findings}
    assert "fits, but --use names another" in {one.why for one in match.runners_up}
    words = " ".join(explain_plan(plan, search=True).split())
    assert "taken dark flat 2.00 s (8 frames): asked for, in spite of gain setting 100, there 0" in words
    assert use_of(plan, TWO[0]).code == "spare"
    plan = taking(frames, found[2].fix)
    assert plan.steps[0].kind is DARK_FLAT
    assert findings(plan, "mismatch_allowed") == [f"{HA_ID}: used in spite of exposure 2.00 s, there 60 s."]


def test_where_nothing_fits_the_nearest_can_be_taken() -> None:
    """A flat that nothing calibrates shows what came nearest, and how to take it all the same."""
    gain = frame_values("df/gain", 8, DARK_FLAT, gain_setting=0.0)
    small = frame_values("bias/small", 8, BIAS, shape=(10, 10))
    frames = [*HA, *gain, *small]
    found = runners(planned(frames), f"{HA_ID}_UNCALIBRATED")
    assert [(one.title, one.fix) for one in found] == [
        ("bias (8 frames)", None),
        ("dark flat 2.00 s (8 frames)", ("--use", f"{HA_ID}=gain*")),
    ]
    plan = taking(frames, found[1].fix)
    assert ids(plan) == ["master_dark_flat_2.00s", HA_ID]


def test_a_scaled_dark_finds_its_bias() -> None:
    """Where a camera's darks are scaled, one that is asked for is scaled, and the bias is chosen as ever."""
    ccd: dict[str, Any] = {"camera": "SBIG STL-1001E", "gain_setting": None, "offset_setting": None}
    near = frame_values("d/near", 8, DARK, exposure_s=60.0, **ccd)
    far = frame_values("d/far", 8, DARK, exposure_s=300.0, **ccd)
    frames = [*frame_values("f", 8, **ccd), *frame_values("b", 8, BIAS, **ccd), *near, *far]
    (fix,) = [one.fix for one in runners(planned(frames), HA_ID) if one.title.startswith("dark 300") and one.why.
              startswith("fits")]  # fmt: skip
    plan = taking(frames, fix)
    step = plan.step(HA_ID)
    assert step is not None
    assert step.calibrations[0].how == "scaled_dark"
    assert step.needs == ("master_dark_300s", "master_bias")


def test_flats_of_two_exposures_keep_the_other_dark_flats() -> None:
    """To take another set for one exposure says nothing of the other one."""
    other = frame_values("df/other", 8, DARK_FLAT, gain_setting=0.0)
    frames = [*HA, *frame_values("flats/long", 8, exposure_s=5.0), *TWO, *FIVE, *other]
    plan = planned(frames)
    step = plan.step(HA_ID)
    assert step is not None
    match = step.calibrations[0].match
    assert match is not None
    (fix,) = [one.fix for one in match.runners_up if one.differences and one.differences[0].key == "gain_setting"]
    plan = taking(frames, fix)
    step = plan.step(HA_ID)
    assert step is not None
    used = {one.title.partition(":")[0] for one in step.calibrations}
    assert used == {"minus dark flat 2.00 s", "minus dark flat 5.00 s"}
    assert use_of(plan, other[0]).use == "used"
    assert use_of(plan, FIVE[0]).use == "used"
    assert use_of(plan, TWO[0]).use == "not_needed"


def test_what_can_never_be_subtracted_is_refused() -> None:
    """Another size is a refusal of the step, with the reason."""
    small = frame_values("df/small", 8, DARK_FLAT, shape=(10, 10))
    plan = planned([*HA, *TWO, *small], use=(f"{HA_ID}=small*",))
    (text,) = findings(plan, "file_does_not_fit")
    assert text.startswith(f"{HA_ID}: nothing that --use names can be used. Nearest: dark flat 2.00 s, but size")
    step = plan.steps[-1]
    assert step.refused is not None
    assert "--use" in step.refused.mend


def test_numbers_of_another_domain_are_refused() -> None:
    """0..1 is never taken for ADU because a pattern says so."""
    unit = frame_values("df/unit", 8, DARK_FLAT, number_domain="unit")
    assert len(findings(planned([*HA, *TWO, *unit], use=(f"{HA_ID}=unit*",)), "file_does_not_fit")) == 1


@pytest.mark.parametrize(
    ("text", "more"),
    [(f"{HA_ID}=nothing*", {}), (f"{HA_ID}=two_0001*", {}), ("master_flat_OIII=two*", {}),
     ("master_dark_flat_2.00s=bias*", {}), (f"{HA_ID}=two*", {"mode": "none"})],
    ids=["no file", "part of a set", "no step", "a dark master", "nothing looked for"],
)  # fmt: skip
def test_uses_without_effect_are_told_of(text: str, more: dict[str, Any]) -> None:
    """And the choice stays the automatic one."""
    plan = planned(SESSION, use=(text,), **more)
    assert len(findings(plan, "use_unused")) == 1
    assert ids(plan) == ids(planned(SESSION, **more))


def test_lights_take_the_darks_and_the_flat_asked_for() -> None:
    """A pattern for darks leaves the flat as it is, and the other way round."""
    warm = frame_values("darks/warm", 8, DARK, sensor_c=0.0, set_c=0.0)
    later = frame_values("late/F", 8, taken_at="2026-03-20T20:00:00.000")
    frames = [*SESSION, *LIGHTS, *DARKS, *warm, *later]
    light = "lights_Ha_2026-03-14"
    found = {one.title: one for one in runners(planned(frames, job="calibrate"), light)}
    plan = taking(frames, found["dark 300 s (8 frames)"].fix, job="calibrate")
    step = plan.lights[0]
    assert step.id == light
    assert findings(plan, "mismatch_allowed") == [f"{light}: used in spite of temperature -10.0 C, there 0.0 C."]
    assert step.flat is not None
    assert step.flat.step == HA_ID
    assert use_of(plan, warm[0]).use == "used"
    fix = found["flat Ha 2026-03-20"].fix
    plan = taking(frames, fix, job="calibrate")
    assert plan.lights[0].flat is not None
    assert plan.lights[0].flat.step == "master_flat_Ha_2026-03-20"
    assert plan.lights[0].calibrations[0].masters["dark"].step == "master_dark_300s"
    assert fix is not None
    both = (fix[1], f"{light}=F*|warm*")
    plan = planned(frames, use=both, job="calibrate")
    assert plan.lights[0].flat is not None
    assert plan.lights[0].flat.step == "master_flat_Ha_2026-03-20"
    assert use_of(plan, warm[0]).use == "used"


def test_a_plan_with_wishes_is_saved_and_read() -> None:
    """Nothing in it is left behind."""
    plan = planned(SESSION, exclude=("Ha_0001*",), without=(RED_ID,), names=(f"{HA_ID}=x",), use=(f"{HA_ID}=b_*",))
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan
    assert plan.steps[-1].calibrations[0].how == "bias"
