"""The account of a plan, of a step and of a code; and what a plan will cost."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from evenfield.errors import MemoryBudgetError, UsageError
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.frame import FrameKind
from evenfield.model.plan import Plan
from evenfield.model.settings import CalibrationSettings, CombineSettings, RunSettings, Settings
from evenfield.model.survey import Unreadable
from evenfield.plan.estimate import estimate_plan
from evenfield.plan.explain import explain_code, explain_plan
from evenfield.plan.make import make_plan
from evenfield.plan.search import search_of
from evenfield.testing.frames import frame_value, frame_values, survey_value

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def plan() -> Plan:
    """A small session with a bit of everything."""
    frames = [
        *frame_values("flats/Ha", 6),
        *frame_values("flats/R", 6, filter="R", exposure_s=5.0),
        *frame_values("darkflats/two", 8, FrameKind.DARK_FLAT),
        *frame_values("darkflats/one", 1, FrameKind.DARK_FLAT, sensor_c=-12.0),
        *frame_values("darkflats/gain", 3, FrameKind.DARK_FLAT, gain_setting=0.0),
        *frame_values("darks/dark", 3, FrameKind.DARK),
        *frame_values("bias/bias", 8, FrameKind.BIAS),
        *frame_values("lights/FLAT_x", 2, FrameKind.LIGHT, kind_by_name=FrameKind.FLAT),
    ]
    broken = Unreadable(path="/session/flats/broken.fits", code="truncated", reason="cut short: 1 of 2 MB")
    made = make_plan(survey_value(frames, unreadable=(broken,)), output="/out")
    return msgspec.structs.replace(made, version="0")


def check_golden(name: str, text: str) -> None:
    """Compare with the golden text, or write it where EVENFIELD_WRITE_GOLDEN is 1."""
    path = GOLDEN / name
    if os.environ.get("EVENFIELD_WRITE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_whole_plan(plan: Plan) -> None:
    """The account of a plan is the golden text, at most 80 columns wide."""
    text = explain_plan(plan)
    assert max(map(len, text.splitlines())) <= 80
    check_golden("explain.txt", text)


def test_one_step_with_its_search(plan: Plan) -> None:
    """The account of one step names every set that was looked at, and what decided."""
    text = explain_plan(plan, step="master_flat_Ha_2026-03-14", search=True)
    check_golden("explain_search.txt", text)
    assert "master_flat_R" not in text


def test_the_plan_as_json(plan: Plan) -> None:
    """One master flat, as the plan keeps it, is the golden document."""
    step = plan.step("master_flat_Ha_2026-03-14")
    assert step is not None
    check_golden("step.json", msgspec.json.format(msgspec.json.encode(step), indent=1).decode() + "\n")


def test_unknown_steps_name_the_nearest(plan: Plan) -> None:
    """A step that is not there is refused with the nearest names."""
    with pytest.raises(UsageError) as caught:
        explain_plan(plan, step="master_flat_Ha")
    assert "master_flat_Ha_2026-03-14" in caught.value.mend


def test_search_covers_files_named(plan: Plan) -> None:
    """With --calibrate-with, only the named files are looked at."""
    frames = [
        *frame_values("f", 6),
        *frame_values("d", 6, FrameKind.DARK_FLAT),
        frame_value("m.fits", FrameKind.DARK_FLAT, is_master=True),
    ]
    settings = Settings(calibration=CalibrationSettings(mode="files", files=("/session/m.fits",)))
    made = make_plan(survey_value(frames), output="/out", settings=settings)
    found = search_of(made, step=made.steps[-1])
    assert [one.taken for one in found if one.role == "dark_flat"] == [True]


def test_search_agrees_with_the_plan(plan: Plan) -> None:
    """What the search says was taken is what the plan subtracts."""
    for step in plan.steps:
        taken = {one.role for one in search_of(plan, step=step) if one.taken}
        assert taken == {role for one in step.calibrations for role in one.masters}


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_code_is_explained(code: str) -> None:
    """Each code has a title, a meaning, a mend and lines of at most 80 columns."""
    text = explain_code(code)
    entry = CATALOGUE[code]
    assert entry.title in text
    assert entry.meaning
    assert entry.mend in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_codes_of_files_are_explained() -> None:
    """The code of a file whose gain setting differs leads to the finding about such files."""
    assert explain_code("gain_setting_differs") == explain_code("calibration_left_out")


def test_unknown_codes_name_the_nearest() -> None:
    """A misspelled code is refused with those it may mean."""
    with pytest.raises(UsageError, match="header_says_light"):
        explain_code("header_say_light")


def test_estimate_counts_bytes(plan: Plan) -> None:
    """Flats are read twice, dark frames once; masters are float32; the peak is that of the largest step."""
    found = estimate_plan(plan, memory_bytes=1 << 30, threads=2)
    size = plan.frames[0].size_bytes
    by_id = {step.id: step for step in found.steps}
    assert by_id["master_dark_flat_2.00s"].bytes_to_read == 8 * size
    assert by_id["master_flat_Ha_2026-03-14"].bytes_to_read == 2 * 6 * size
    assert by_id["master_flat_Ha_2026-03-14"].bytes_to_write == 4 * 416 * 624
    assert found.frames == sum(step.frames for step in found.steps)
    assert found.bytes_to_read == sum(step.bytes_to_read for step in found.steps)
    assert found.peak_bytes == max(step.peak_bytes for step in found.steps) <= 1 << 30


def test_estimate_follows_settings() -> None:
    """A median for the scales needs a third reading, uint16 half the room; refused steps cost nothing."""
    frames = survey_value(frame_values("f", 6))
    settings = Settings(combine=CombineSettings(scale="median"), run=RunSettings(memory_bytes=1 << 30, threads=1))
    made = make_plan(frames, output="/out", settings=settings)
    assert estimate_plan(made).bytes_to_read == 3 * 6 * frames.frames[0].size_bytes
    strict = make_plan(frames, output="/out", settings=Settings(run=RunSettings(strict=True)))
    assert estimate_plan(strict).steps == ()
    with pytest.raises(MemoryBudgetError):
        estimate_plan(made, memory_bytes=1 << 20)
