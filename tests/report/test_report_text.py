"""The text of a report: 80 columns and about 25 lines whatever happened, serious things first."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest

from evenfield import Finding, FindingLevel, Plan, Report, make_plan, read_provenance, run_plan, survey_folders
from evenfield.model.catalogue import CATALOGUE, finding
from evenfield.model.report import Verdict
from evenfield.report.layout import WIDTH
from evenfield.report.provenance import provenance_text
from evenfield.report.text import ordered_findings, plan_text, report_text
from evenfield.simulate import cmos_camera, example_night, simulate_night


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Report]:
    """A plan and its report, two filters."""
    whole = example_night()
    recipe = dataclasses.replace(
        whole,
        camera=cmos_camera(shape=(24, 32)),
        filters=tuple(dataclasses.replace(each, n_flats=5, n_lights=1) for each in whole.filters),
        n_dark_flats=5,
        n_bias=2,
        n_darks=2,
    )
    folder = tmp_path_factory.mktemp("text")
    simulate_night(folder / "night", recipe=recipe)
    plan = make_plan(survey_folders([folder / "night"]), output=str(folder / "masters"))
    return plan, run_plan(plan)


def result_with(report: Report, **changes: Any) -> Report:
    """The report with its last result changed."""
    last = msgspec.structs.replace(report.results[-1], **changes)
    return msgspec.structs.replace(report, results=(*report.results[:-1], last))


def test_the_parts_in_their_order(done: tuple[Plan, Report]) -> None:
    """What was found, what was made with its because, one closing line."""
    plan, report = done
    lines = report_text(report, plan=plan).splitlines()
    assert lines[0] == "26 files: 20 used, 6 not needed, 0 left out, 0 unreadable"
    assert any(line.startswith("Used: ") for line in lines)
    assert any(line.startswith("Master flats in ") for line in lines)
    assert sum("minus dark flat" in line for line in lines) == 2
    assert lines[-1].endswith("report.json")
    assert "2 master flats made in " in " ".join(lines[-2:])


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_80_columns_with_any_finding(done: tuple[Plan, Report], code: str) -> None:
    """Every finding, also as the one that decides the verdict, leaves the lines within 80 columns."""
    plan, report = done
    told = finding(code, "master_flat_Ha_2026-03-14", "It is so because of a number, 12345 ADU. " * 4)
    verdict = CATALOGUE[code].verdict or Verdict.WORKS
    changed = result_with(report, findings=(told,), verdict=verdict)
    for verbose in (False, True):
        lines = report_text(changed, plan=plan, verbose=verbose).splitlines()
        assert [line for line in lines if len(line) > WIDTH and "/" not in line] == []


def test_80_columns_with_long_names(done: tuple[Plan, Report]) -> None:
    """Long names are shortened in the middle."""
    plan, report = done
    long = "/x/" + "master_flat_" + "y" * 120 + ".fits"
    lines = report_text(result_with(report, outputs=(long,)), plan=plan).splitlines()
    assert [line for line in lines if len(line) > WIDTH and "report.json" not in line] == []
    assert any("..." in line for line in lines)


@pytest.mark.parametrize("n_masters", [6, 40])
def test_about_25_lines_with_many_masters(done: tuple[Plan, Report], n_masters: int) -> None:
    """Many masters and many findings are cut with a word about where the rest is."""
    plan, report = done
    told = tuple(finding("low_light", f"m{number}", f"m{number}: dark.") for number in range(20))
    last = msgspec.structs.replace(report.results[-1], findings=told)
    many = msgspec.structs.replace(report, results=(*report.results, *[last] * n_masters))
    lines = report_text(many, plan=plan).splitlines()
    assert len(lines) <= 30
    assert f"and {n_masters + 2 - 5} more" in "\n".join(lines)
    assert len(report_text(many, plan=plan, verbose=True).splitlines()) > 50


@pytest.mark.parametrize("status", ["FAILED", "SKIPPED", "CANCELLED"])
def test_what_was_not_made_is_said(done: tuple[Plan, Report], status: str) -> None:
    """A master that was not made says so in its place and in the closing line."""
    plan, report = done
    why = "the disk is full, and that is a long story " * 3
    changed = result_with(report, status=status, outputs=(), why=why, verdict=Verdict.CANNOT_TELL)
    text = report_text(msgspec.convert(msgspec.to_builtins(changed), Report), plan=plan)
    assert f"{status}: " in text
    assert max(len(line) for line in text.splitlines() if "/" not in line) <= WIDTH
    closing = " ".join(text.splitlines()[-2:])
    words = {"FAILED": "1 step failed", "SKIPPED": "1 skipped", "CANCELLED": "cancelled"}
    assert words[status] in closing


def test_findings_are_ordered_and_told_once() -> None:
    """Blockers, warnings, notes; those with a fix first; the same finding once."""

    def one(level: str, message: str, fix: tuple[str, ...] | None = None) -> Finding:
        return Finding(level=FindingLevel(level), code="low_light", subject="s", message=message, mend="m", fix=fix)

    found = ordered_findings([
        one("NOTE", "a"), one("WARNING", "b"), one("BLOCKER", "c"), one("WARNING", "d", ("--x",)), one("WARNING", "b"),
    ])  # fmt: skip
    assert [item.message for item in found] == ["c", "d", "b", "a"]


def test_plan_text(done: tuple[Plan, Report]) -> None:
    """The plan's text fits too, its closing line included, whatever the folder is called."""
    plan, _ = done
    for output in ("/m", "/" + "deep/" * 30 + "m"):
        lines = plan_text(msgspec.structs.replace(plan, output=output)).splitlines()
        assert [line for line in lines if len(line) > WIDTH] == []


def test_paint_changes_nothing_but_color(done: tuple[Plan, Report]) -> None:
    """Without its marks, the painted text is the plain one."""
    plan, report = done
    told = (finding("low_light", "x", "dark."), finding("no_frames", "x", "none."))
    changed = result_with(report, findings=told, verdict=Verdict.CHECK)
    painted = report_text(changed, plan=plan, paint=lambda text, style: f"<{style}>{text}</{style}>")
    plain = painted
    for style in ("good", "warn", "bad", "dim"):
        plain = plain.replace(f"<{style}>", "").replace(f"</{style}>", "")
    assert plain == report_text(changed, plan=plan)
    assert "<good>" in painted
    assert "<bad>" in painted


def test_provenance_text(done: tuple[Plan, Report]) -> None:
    """How a master was made, from its own header: every frame, what was subtracted, what was measured."""
    _, report = done
    flat = report.results[-1]
    told = read_provenance(flat.outputs[0])
    text = provenance_text(told, name=Path(flat.outputs[0]).name)
    for record in told.inputs:
        assert Path(record.path).name in text
        assert record.hash in text
    assert told.digest in text
    assert told.plan_digest in text
    for key in told.measured:
        assert key in text
