"""Small documents on disk: plans, reports, settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from evenfield.errors import DocumentError, PlanError, WriteError
from evenfield.model.frame import FrameKind
from evenfield.model.plan import Plan
from evenfield.model.rejections import Winsorized
from evenfield.model.report import Report
from evenfield.model.settings import Settings
from evenfield.model.survey import Survey
from evenfield.plan.make import make_plan
from evenfield.plan.nothing import empty_plan, survey_findings
from evenfield.store import load_plan, load_report, load_settings, save_plan, save_report, settings_from, to_json
from evenfield.testing.frames import damaged_surveys, frame_values, survey_value


def small_plan() -> Plan:
    """A plan of a flat and its dark flats."""
    frames = [*frame_values("f", 6), *frame_values("d", 6, FrameKind.DARK_FLAT)]
    return make_plan(survey_value(frames), output="/out")


@settings(max_examples=40)
@given(damaged_surveys())
def test_a_plan_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, survey: Survey) -> None:
    """load(save(plan)) == plan, and saving again gives the same bytes."""
    try:
        plan = make_plan(survey, output="/out")
    except PlanError as error:
        plan = empty_plan(survey, error=error, output="/out", settings=Settings())
    path = tmp_path_factory.mktemp("plans") / "plan.json"
    save_plan(plan, path=path)
    before = path.read_bytes()
    assert load_plan(path) == plan
    save_plan(load_plan(path), path=path)
    assert path.read_bytes() == before
    assert survey_findings(survey, settings=Settings()) is not None


def test_a_report_comes_back_as_it_was(tmp_path: Path) -> None:
    """load(save(report)) == report."""
    report = Report(exit_code=0, output="/out", files=small_plan().files)
    save_report(report, path=tmp_path / "report.json")
    assert load_report(tmp_path / "report.json") == report


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    """The small plan's JSON after a change."""
    document = json.loads(to_json(small_plan()))
    change(document)
    return json.dumps(document)


BROKEN: dict[str, str] = {
    "no JSON": "{",
    "another document": "[]",
    "another schema": changed(lambda plan: plan.update(schema=99)),
    "unknown key": changed(lambda plan: plan.update(colour="blue")),
    "wrong type": changed(lambda plan: plan.update(steps="none")),
    "missing key": changed(lambda plan: plan.pop("root")),
    "a setting out of range": changed(lambda plan: plan["settings"]["group"].update(temperature_width=0)),
    "contradicting settings": changed(
        lambda plan: (
            plan["settings"]["combine"].update(level="mean"),
            plan["settings"]["output"].update(sample="uint16"),
        )
    ),
    "a step twice": changed(lambda plan: plan["steps"].append(plan["steps"][-1])),
    "a step without its need": changed(lambda plan: plan["steps"].pop(0)),
    "a step without frames": changed(lambda plan: plan["steps"][0].update(inputs=[])),
    "an output outside": changed(lambda plan: plan["steps"][0].update(output="../../etc/x.fits")),
    "an absolute output": changed(lambda plan: plan["steps"][0].update(output="/etc/x.fits")),
    "an output twice": changed(lambda plan: plan["steps"][1].update(output="Calibration/master_dark_flat_2.00S.fits")),
    "a calibration that is not there": changed(lambda plan: plan["steps"][1]["inputs"][0].update(calibration=7)),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_broken_plans_are_refused(tmp_path: Path, text: str) -> None:
    """A plan that is damaged, of another schema or inconsistent is refused with the file's name."""
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(DocumentError, match=r"plan\.json"):
        load_plan(path)


@pytest.mark.parametrize("load", [load_plan, load_report, load_settings])
def test_missing_documents(tmp_path: Path, load: Callable[[Path], object]) -> None:
    """A document that is not there, or is a folder, is an error with its path."""
    with pytest.raises(DocumentError, match="absent"):
        load(tmp_path / "absent")
    (tmp_path / "absent").mkdir()
    with pytest.raises(DocumentError, match="absent"):
        load(tmp_path / "absent")


def test_a_report_of_another_schema_is_refused(tmp_path: Path) -> None:
    """A report of a later version is named as such."""
    path = tmp_path / "report.json"
    path.write_text('{"schema": 9, "exit_code": 0}')
    with pytest.raises(DocumentError, match="schema 9"):
        load_report(path)


def test_a_document_that_cannot_be_written(tmp_path: Path) -> None:
    """Saving where a file stands in the place of the folder is a WriteError."""
    (tmp_path / "file").touch()
    with pytest.raises(WriteError):
        save_plan(small_plan(), path=tmp_path / "file" / "plan.json")


def test_settings_from_toml(tmp_path: Path) -> None:
    """A preferences file changes what it names, rejections as text; the rest keeps its default."""
    path = tmp_path / "preferences.toml"
    path.write_text('[combine]\nrejection = "winsorized:5,2"\n[group]\nmin_group = 3\n')
    found = load_settings(path)
    assert found.combine.rejection == Winsorized(low=5.0, high=2.0)
    assert found.group.min_group == 3
    assert found.calibration == Settings().calibration


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[combine\n", "line 1"),
        ("[combine]\nmethd = 'mean'\n", "methd"),
        ("[combine]\nrejection = 'sigma:-1'\n", "sigma"),
        ("[group]\ntemperature_width = 99\n", "temperature_width"),
        ("[group]\nby = ['colour']\n", "colour"),
        ("[calibration]\nmode = 'pedestal'\n", "pedestal"),
        ("[calibration]\nallow_mismatch = ['shape']\n", "shape"),
    ],
)
def test_broken_settings_name_the_key(tmp_path: Path, text: str, words: str) -> None:
    """A broken settings file is refused with the line or the key."""
    path = tmp_path / "preferences.toml"
    path.write_text(text)
    with pytest.raises(DocumentError, match=words):
        load_settings(path)


def test_settings_from_plain_values() -> None:
    """Plain values give settings as TOML does."""
    assert settings_from({}, origin="test") == Settings()
