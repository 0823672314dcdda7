"""Promises that hold for every survey, also where headers lie, differ and lack fields.

``EVENFIELD_ACCEPTANCE`` is how many surveys are drawn: a few hundred here, ten thousand in ``make acceptance``.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfield.errors import PlanError
from evenfield.model.frame import KEY_WORDS, SETUP_KEYS, FrameInfo, FrameKind
from evenfield.model.plan import Calibration, Plan, Step
from evenfield.model.settings import (
    CalibrationSettings,
    GroupSettings,
    OutputSettings,
    RunSettings,
    SelectSettings,
    Settings,
)
from evenfield.model.survey import Survey
from evenfield.plan.digests import stale_steps
from evenfield.plan.explain import explain_plan
from evenfield.plan.make import make_plan
from evenfield.plan.nothing import empty_plan
from evenfield.testing.frames import ROOT, damaged_surveys, frame_values, survey_value

CASES = int(os.environ.get("EVENFIELD_ACCEPTANCE", "300"))
FEWER = CASES // 5

ALLOWED = st.lists(
    st.sampled_from(["exposure", "exposure:1", "temperature:10", "gain_setting", "offset_setting:20", "origin"]),
    max_size=2,
    unique=True,
).map(lambda texts: tuple({text.split(":")[0]: text for text in texts}.values()))

SETTINGS = st.builds(
    Settings,
    group=st.builds(
        GroupSettings,
        by=st.sampled_from([None, (), ("filter",), ("night", "temperature"), ("exposure",)]),
        min_group=st.sampled_from([1, 1, 2]),
    ),
    calibration=st.builds(
        CalibrationSettings,
        dark_scale=st.sampled_from(["auto", "exposure", "none"]),
        kinds=st.sampled_from([("dark_flat", "dark", "bias"), ("bias",), ("dark_flat", "dark")]),
        allow_mismatch=ALLOWED,
    ),
    run=st.builds(RunSettings, strict=st.booleans()),
)


def plan_of(survey: Survey, chosen: Settings) -> Plan:
    """The plan, or the one without steps that stands for its refusal."""
    try:
        return make_plan(survey, output="/out", settings=chosen)
    except PlanError as error:
        return empty_plan(survey, error=error, output="/out", settings=chosen)


def pairs(plan: Plan) -> Iterator[tuple[Step, Calibration, str, FrameInfo, list[FrameInfo]]]:
    """Every flat with what is subtracted from it: step, calibration, role, flat, the master's frames."""
    frames = {frame.path: frame for frame in plan.frames}
    for step in plan.steps:
        for item in step.inputs if step.kind is FrameKind.FLAT else ():
            calibration = step.calibrations[item.calibration]
            for role, ref in calibration.masters.items():
                made = plan.step(ref.step or "")
                paths = [ref.path] if made is None else [f"{ROOT}/{one.path}" for one in made.inputs]
                yield step, calibration, role, frames[f"{ROOT}/{item.path}"], [frames[str(path)] for path in paths]


def mean(frames: list[FrameInfo], field: str) -> float | None:
    """The mean of the known values."""
    known = [getattr(frame, field) for frame in frames if getattr(frame, field) is not None]
    return sum(known) / len(known) if known else None


def different(flat: FrameInfo, masters: list[FrameInfo], role: str) -> set[str]:
    """The keys known on both sides in which a flat and what is subtracted from it lie outside the limits."""
    one = masters[0].setup
    found = {
        key
        for key in SETUP_KEYS
        if None not in (getattr(flat.setup, key), getattr(one, key)) and getattr(flat.setup, key) != getattr(one, key)
    }
    if (flat.setup.number_domain is None) != (one.number_domain is None):
        found.add("number_domain")
    here, there = flat.exposure_s, mean(masters, "exposure_s")
    if role != "bias" and here is not None and there is not None:
        outside = there < here if role == "dark" else abs(here - there) > max(0.05 * here, 0.005) + 1e-6
        found |= {"exposure"} if outside else set()
    here, there = flat.temperature_c, mean(masters, "temperature_c")
    if here is not None and there is not None and abs(here - there) > (10.0 if role == "bias" else 3.0) + 1e-6:
        found.add("temperature")
    if None not in (flat.pedestal_adu, masters[0].pedestal_adu) and flat.pedestal_adu != masters[0].pedestal_adu:
        found.add("pedestal")
    return found


@settings(max_examples=CASES)
@given(damaged_surveys(), SETTINGS)
def test_every_file_ends_in_exactly_one_use(survey: Survey, chosen: Settings) -> None:
    """Used, not needed, left out and unreadable are a partition of the files found, each with code and reason."""
    plan = plan_of(survey, chosen)
    assert sorted(use.path for use in plan.files) == sorted(frame.path for frame in survey.frames)
    ids = {step.id for step in plan.steps}
    read = {f"{ROOT}/{item.path}": step.id for step in plan.steps for item in step.inputs}
    for step in plan.steps:
        read.update({ref.path: step.id for one in step.calibrations for ref in one.masters.values() if ref.path})
    for use in plan.files:
        assert use.use in ("used", "not_needed", "left_out", "unreadable")
        assert use.code
        assert use.reason
        assert (use.path in read) == (use.use == "used")
        assert bool(use.steps) == (use.use == "used")
        assert set(use.steps) <= ids


@settings(max_examples=CASES)
@given(damaged_surveys(), SETTINGS, st.data())
def test_wishes_leave_a_partition_and_the_others_as_they_are(
    survey: Survey, chosen: Settings, data: st.DataObject
) -> None:
    """Whatever is excluded, not made or renamed: every file has one use, and what is made has the digest it had."""
    patterns = data.draw(st.lists(st.sampled_from(["set0/*", "frame_1*", "set[12]/frame_0*"]), max_size=2, unique=True))
    excluding = msgspec.structs.replace(chosen, select=SelectSettings(exclude=tuple(patterns)))
    whole = plan_of(survey, excluding)
    ids = [step.id for step in whole.steps]
    without = tuple(data.draw(st.lists(st.sampled_from(ids), max_size=3, unique=True))) if ids else ()
    names = tuple(f"{name}=new {place}" for place, name in enumerate(ids) if data.draw(st.booleans()))
    wanted = msgspec.structs.replace(
        excluding,
        select=SelectSettings(exclude=tuple(patterns), without=without),
        output=OutputSettings(names=names),
    )
    plan = plan_of(survey, wanted)
    assert [use.path for use in plan.files] == sorted(frame.path for frame in survey.frames)
    read = {f"{ROOT}/{item.path}" for step in plan.steps for item in step.inputs}
    read |= {str(ref.path) for step in plan.steps for one in step.calibrations for ref in one.masters.values()}
    assert all((use.path in read) == (use.use == "used") for use in plan.files)
    assert {step.digest for step in plan.steps} <= {step.digest for step in whole.steps}
    made = {step.id for step in plan.steps}
    assert all(set(step.needs) <= made for step in plan.steps)
    needed = {need for step in plan.steps for need in step.needs}
    renamed = {text.partition("=")[0]: text.partition("=")[2] for text in names}
    assert not {renamed.get(name, name) for name in without} & (made - needed)


@settings(max_examples=CASES)
@given(damaged_surveys(), SETTINGS)
def test_no_mismatch_is_silent(survey: Survey, chosen: Settings) -> None:
    """What is subtracted agrees in every known key or was allowed and told; unknown keys are told by name."""
    plan = plan_of(survey, chosen)
    allowed = chosen.calibration.mismatch_limits()
    for step, calibration, role, flat, masters in pairs(plan):
        assert calibration.match is not None
        told = " ".join(one.message for one in step.findings if one.code in ("mismatch_allowed", "match_unknown"))
        codes = {one.code for one in step.findings}
        for key in different(flat, masters, role):
            domains = (flat.setup.number_domain, masters[0].setup.number_domain)
            if key == "number_domain" and masters[0].is_master and domains == ("adu", "unit"):
                # Brought to ADU while it is read.
                assert "master_in_unit_range" in codes
                continue
            assert key in allowed, (step.id, key)
            assert KEY_WORDS.get({"exposure": "exposure_s", "temperature": "sensor_c"}.get(key, key), key) in told
            assert "mismatch_allowed" in codes
        for key in SETUP_KEYS:
            here, there = getattr(flat.setup, key), getattr(masters[0].setup, key)
            if (here is None) != (there is None) and key != "number_domain":
                assert "match_unknown" in codes
                assert KEY_WORDS[key] in told
        if role != "bias" and None in (flat.exposure_s, mean(masters, "exposure_s")):
            assert "exposure_unknown" in codes
        if None in (flat.temperature_c, mean(masters, "temperature_c")):
            assert "temperature_unknown" in codes
        for master in masters:
            # Every single frame of a set, not only their mean, agrees in the keys that must be equal.
            assert master.setup == masters[0].setup


@settings(max_examples=CASES)
@given(damaged_surveys(), SETTINGS)
def test_one_group_one_setup_one_kind_of_calibration(survey: Survey, chosen: Settings) -> None:
    """The frames of a master share every key that must be equal; flats of one master are calibrated in one way."""
    plan = plan_of(survey, chosen)
    frames = {frame.path: frame for frame in plan.frames}
    for step in plan.steps:
        inputs = [frames[f"{ROOT}/{item.path}"] for item in step.inputs]
        for key in SETUP_KEYS:
            assert len({getattr(frame.setup, key) for frame in inputs}) == 1
        assert len({calibration.how for calibration in step.calibrations}) <= 1
        if step.kind is FrameKind.FLAT:
            if "filter" in chosen.group.keys:
                assert len({frame.filter for frame in inputs}) == 1
            assert all(0 <= item.calibration < len(step.calibrations) for item in step.inputs)
            assert not any(frame.is_master for frame in inputs)


@settings(max_examples=CASES)
@given(damaged_surveys(), SETTINGS)
def test_names_never_clash(survey: Survey, chosen: Settings) -> None:
    """No two products share a name or an id, not even on systems where case does not count."""
    plan = plan_of(survey, chosen)
    outputs = [step.output.casefold() for step in plan.steps]
    assert len(set(outputs)) == len(outputs)
    assert len({step.id for step in plan.steps}) == len(plan.steps)
    for step in plan.steps:
        assert all(char.isascii() and (char.isalnum() or char in "._+=@-/") for char in step.output), step.output
        assert step.output.count("/") == (step.kind is not FrameKind.FLAT)


@settings(max_examples=FEWER)
@given(damaged_surveys(), st.randoms(use_true_random=False))
def test_plans_do_not_depend_on_order(survey: Survey, shuffler: random.Random) -> None:
    """The order in which files were found changes nothing: no digest, no name, no use."""
    frames = list(survey.frames)
    shuffler.shuffle(frames)
    one = plan_of(survey, Settings())
    other = plan_of(msgspec.structs.replace(survey, frames=tuple(frames)), Settings())
    assert one.digest == other.digest
    assert one.steps == other.steps
    assert one.files == other.files


@settings(max_examples=FEWER)
@given(damaged_surveys(), SETTINGS)
def test_digests_do_not_depend_on_the_machine(survey: Survey, chosen: Settings) -> None:
    """Threads, memory, output folder and the place of the session on the disk change no digest."""
    moved = tuple(
        msgspec.structs.replace(frame, path=frame.path.replace(ROOT, "/elsewhere/deep/session"))
        for frame in survey.frames
    )
    other = msgspec.structs.replace(survey, root="/elsewhere/deep/session", frames=moved)
    run = msgspec.structs.replace(chosen.run, threads=7, memory_bytes=1 << 30)
    try:
        one = make_plan(survey, output="/out", settings=chosen)
    except PlanError:
        return
    two = make_plan(other, output="/another/out", settings=msgspec.structs.replace(chosen, run=run))
    assert [step.digest for step in one.steps] == [step.digest for step in two.steps]
    assert one.digest == two.digest
    assert not stale_steps(one)


@settings(max_examples=FEWER)
@given(damaged_surveys(), SETTINGS)
def test_every_plan_can_be_saved_and_explained(survey: Survey, chosen: Settings) -> None:
    """A plan survives JSON unchanged, and its explanation, search included, holds every step and stays narrow."""
    plan = plan_of(survey, chosen)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan
    text = explain_plan(plan, search=True)
    assert all(step.id in text for step in plan.steps)
    assert all(len(line) <= 80 or " " not in line.strip() for line in text.splitlines())


@given(st.sampled_from(["Ha", "H-a", "H a", "HA", "S/II", "S-II", "α", "a", "..", "", "CON", "R" * 90]), st.data())
def test_two_filters_never_share_a_file(first: str, data: st.DataObject) -> None:
    """Filters that differ by case, a dash, a slash or not at all in ASCII get files of their own."""
    second = data.draw(st.sampled_from(["ha", "H_a", "H.a", "S II", "S\\II", "A", ".", None, "con", "R" * 80]))
    frames = [*frame_values("a", 5, filter=first), *frame_values("b", 5, filter=second)]
    plan = make_plan(survey_value(frames), output="/out")
    names = [step.output.casefold() for step in plan.steps]
    assert len(names) == len(set(names)) == 2
    assert all("/" not in name and "\\" not in name and not name.startswith(".") for name in names)
