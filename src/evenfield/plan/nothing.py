"""When nothing can be planned: every file is still accounted for, and the reason is a finding."""

from __future__ import annotations

import os

import evenfield
from evenfield.errors import PlanError
from evenfield.match.nights import assign_nights
from evenfield.match.selecting import select_frames, spare_reason
from evenfield.model.catalogue import CATALOGUE, finding
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameKind
from evenfield.model.plan import FileUse, Plan
from evenfield.model.settings import Settings
from evenfield.model.survey import Survey
from evenfield.plan.check import general_findings
from evenfield.plan.wanted import taking_part


def empty_plan(survey: Survey, *, error: PlanError, output: str, settings: Settings) -> Plan:
    """A plan without steps, with the reason as its first finding."""
    raw_frames = survey.frames
    part = taking_part(survey, settings=settings)
    survey = part.survey
    selection = select_frames(survey, ignore_type=settings.select.ignore_type)
    uses = {use.path: use for use in (*selection.uses, *part.uses)}
    for frame in survey.frames:
        if frame.path in uses:
            continue
        if frame.kind is FrameKind.FLAT:
            use = FileUse(path=frame.path, use="left_out", code="not_planned", reason="no master could be planned")
        else:
            use = FileUse(path=frame.path, use="not_needed", code="spare", reason=spare_reason(frame))
        uses[frame.path] = use
    code = error.code if error.code in CATALOGUE else "plan"
    return Plan(
        version=evenfield.__version__,
        root=survey.root,
        output=os.path.abspath(output),
        settings=settings,
        frames=raw_frames,
        files=tuple(uses[path] for path in sorted(uses)),
        steps=(),
        findings=(
            finding(code, "plan", error.message, mend=error.mend or None, fix=error.fix),
            *survey.findings,
            *part.findings,
            *survey_findings(survey, settings=settings),
        ),
    )


def survey_findings(survey: Survey, *, settings: Settings) -> tuple[Finding, ...]:
    """What can be said of the files before anything is planned."""
    survey = taking_part(survey, settings=settings).survey
    selection = select_frames(survey, ignore_type=settings.select.ignore_type)
    return general_findings(survey, selection, nights=assign_nights(survey.frames), groups=(), settings=settings)
