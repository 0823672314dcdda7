"""From a request to what the window shows of it: the survey where it is needed, the plan, rows and findings. No Qt."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import msgspec

from evenfield.cli.path import plan_survey, split_output, survey_paths
from evenfield.cli.request import Request
from evenfield.errors import Cancelled, EvenfieldError
from evenfield.gui.overview import Overview, overview
from evenfield.gui.rows import Row, plan_rows
from evenfield.gui.words import tr
from evenfield.model.events import CancelToken
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameInfo
from evenfield.model.plan import Plan
from evenfield.model.survey import LevelMeasurement, Survey
from evenfield.store import load_plan


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What the planner hands over."""

    paths: tuple[str, ...]
    survey: Survey | None
    plan: Plan
    rows: list[Row]
    overview: Overview
    findings: tuple[Finding, ...]


class GoneError(EvenfieldError):
    """None of the places that were given is there."""


def all_findings(plan: Plan) -> tuple[Finding, ...]:
    """The findings of a plan and of its steps, refusals among them."""
    found = list(plan.findings)
    for step in plan.all_steps:
        found += step.findings
        if step.refused is not None:
            found.append(step.refused)
    return tuple(found)


def survey_key(request: Request) -> object:
    """What a survey depends on: where it is equal, the frames need not be read anew."""
    settings = request.settings
    folder, _ = split_output(request.output)
    return (request.paths, request.calibration, folder, settings.select, settings.calibration.files,
            settings.output.move_inputs)  # fmt: skip


def made_plan(
    request: Request,
    survey: Survey | None,
    levels: dict[str, LevelMeasurement],
    tell: Callable[[object], None],
    cancel: CancelToken,
) -> Planned:
    """Survey where needed, and plan."""
    if not any(os.path.exists(path) for path in request.paths):
        raise GoneError(tr("{} cannot be reached.").format(request.paths[0]), mend=tr("Look again when it is there."))

    def progress(done: int, total: int, found: Sequence[FrameInfo]) -> None:
        if cancel.cancelled:
            raise Cancelled
        tell((done, total, found))

    if survey is None:
        survey = survey_paths(
            request.paths,
            calibration=request.calibration,
            output=request.output,
            settings=request.settings,
            progress=progress,
        )
    cancel.check()
    plan = plan_survey(survey, output=request.output, settings=request.settings, job=request.job)
    rows = plan_rows(plan, levels)
    said = overview(plan, rows, job=request.job)
    told = all_findings(plan)
    return Planned(paths=request.paths, survey=survey, plan=plan, rows=rows, overview=said, findings=told)


def job_of(plan: Plan) -> str:
    """The command that a saved plan stands for."""
    return "calibrate" if plan.lights else "flats"


def opened_plan(path: str, levels: dict[str, LevelMeasurement]) -> Planned:
    """Read a saved plan.

    Raises
    ------
    DocumentError
        If it cannot be read, or is none.
    """
    plan = load_plan(path)
    rows = plan_rows(plan, levels)
    said = overview(plan, rows, job=job_of(plan))
    return Planned(paths=(), survey=None, plan=plan, rows=rows, overview=said, findings=all_findings(plan))
