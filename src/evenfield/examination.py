"""An examination: masters are made in a folder that is gone afterwards, looked at, and a report is all that stays."""

from __future__ import annotations

import os
import tempfile
from typing import Final

import msgspec

from evenfield.model.events import CancelToken, Event, EventSink, StepEnded
from evenfield.model.plan import Plan
from evenfield.model.report import Report, StepResult, Verdict
from evenfield.model.settings import Settings
from evenfield.model.survey import Survey
from evenfield.plan.make import make_plan
from evenfield.report.save import save_examination

EXAMINE: Final = "examine"

_NOWHERE: Final = "evenfield-examination"
"""A folder that is never made: what lies in the folder of the report has no part in the plan."""


def plan_examination(survey: Survey, *, output: str = "", settings: Settings | None = None) -> Plan:
    """Plan an examination.

    Parameters
    ----------
    survey : Survey
    output : str
        The folder of the report; empty for none.
    settings : Settings, optional

    Raises
    ------
    PlanError
        If there is nothing to examine, or what was asked for contradicts itself.
    """
    folder = os.path.join(tempfile.gettempdir(), _NOWHERE)
    plan = make_plan(survey, output=folder, settings=_for_scratch(settings or Settings()), job=EXAMINE)
    return msgspec.structs.replace(plan, output=os.path.abspath(output) if output else "")


def examine_plan(
    plan: Plan,
    *,
    on_event: EventSink | None = None,
    cancel: CancelToken | None = None,
    statistics: bool = False,
) -> Report:
    """Do what such a plan says, and write the report into its output folder where it names one.

    Parameters
    ----------
    plan : Plan
        From `plan_examination`.
    on_event : callable, optional
    cancel : CancelToken, optional
    statistics : bool
        Give the statistics of each frame and CFA plane too.

    Returns
    -------
    Report
        A result for each set of frames, with its verdict, findings and measured values; ``exit_code`` is 1 if any set
        will not work.

    Raises
    ------
    WriteError
        If the report cannot be written.
    """
    from evenfield.run.run import run_plan

    def tell(event: Event) -> None:
        if on_event is not None:
            on_event(_of_scratch(event))

    with tempfile.TemporaryDirectory(prefix="evenfield-examine-") as scratch:
        report = run_plan(
            msgspec.structs.replace(plan, output=scratch),
            on_event=tell,
            cancel=cancel,
            record=False,
            thorough=True,
            statistics=statistics,
        )
        if plan.output and plan.settings.output.report:
            from evenfield.report.pictures import look_at

            # The masters are there for so long only.
            seen = look_at(report, threads=plan.settings.run.threads)
        else:
            seen = {}
    report = _without_products(report, output=plan.output)
    if plan.output:
        save_examination(report, plan=plan, folder=plan.output, seen=seen)
    return report


def _for_scratch(settings: Settings) -> Settings:
    """The settings of masters that are thrown away: plain ones, nothing moved, no copies."""
    output = msgspec.structs.replace(
        settings.output, sample="float32", target="evenfield", compress=False, move_inputs=None, tiff="none", maps=False
    )
    examine = msgspec.structs.replace(settings.examine, after=True)
    return msgspec.structs.replace(settings, output=output, examine=examine)


def _of_scratch(event: Event) -> Event:
    if isinstance(event, StepEnded) and event.result is not None:
        return msgspec.structs.replace(event, result=_without_files(event.result))
    return event


def _without_files(result: StepResult) -> StepResult:
    """A result whose products are gone."""
    lights = tuple(msgspec.structs.replace(one, output="") for one in result.lights)
    return msgspec.structs.replace(result, outputs=(), copies=(), masters={}, lights=lights)


def _without_products(report: Report, *, output: str) -> Report:
    """The report of an examination: its masters are gone, and it fails where anything will not work."""
    results = tuple(map(_without_files, report.results))
    bad = any(one.verdict is Verdict.WILL_NOT_WORK for one in results)
    return msgspec.structs.replace(
        report, results=results, output=output, exit_code=report.exit_code or (1 if bad else 0)
    )
