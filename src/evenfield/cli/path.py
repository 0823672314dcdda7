"""The one path of all commands: survey, plan, run; and how its outcome is shown."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import evenfield
from evenfield.cli.screen import ProgressLine, complain, paint, remark, show, show_json
from evenfield.errors import EvenfieldError, PlanError, UsageError, WriteError
from evenfield.examination import EXAMINE, plan_examination
from evenfield.model.catalogue import CATALOGUE, finding
from evenfield.model.events import CancelToken
from evenfield.model.findings import FindingLevel
from evenfield.model.plan import Plan
from evenfield.model.report import Report
from evenfield.model.settings import Settings
from evenfield.model.survey import Survey
from evenfield.plan.make import make_plan
from evenfield.plan.nothing import empty_plan
from evenfield.report.save import RECORD, save_report_page
from evenfield.report.text import attention, plan_text, report_text
from evenfield.store import to_json
from evenfield.survey import SurveyProgress, survey_folders

FITS_SUFFIXES = (".fits", ".fit", ".fts")


class Shown:
    """How much is said, and in which form."""

    def __init__(self, *, json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        if quiet and verbose:
            raise UsageError("--quiet and --verbose exclude each other.", mend="Keep one of them.")
        self.json, self.quiet, self.verbose = json, quiet, verbose


def split_output(output: str) -> tuple[str, str | None]:
    """The output folder, and the file name where ``-o`` names one (NAME.fits)."""
    if output.lower().endswith(FITS_SUFFIXES) and not os.path.isdir(output):
        folder, name = os.path.split(output)
        return folder or ".", name
    return output, None


def survey_paths(
    paths: Sequence[str],
    *,
    calibration: Sequence[str],
    output: str,
    settings: Settings,
    progress: SurveyProgress | None = None,
) -> Survey:
    """Find the frames; the output folder, empty for none, is not searched, the library is.

    Raises
    ------
    UsageError
        If there is no such library, or a path that was given cannot be written down.
    """
    folder, _ = split_output(output)
    library = settings.select.library
    for path in (*paths, output, *([library] if library is not None else [])):
        _check_text(path)
    if library is not None:
        if not os.path.isdir(library):
            raise UsageError(f"There is no library in {library}.", mend="Leave --library out, or add masters to it.")
        calibration = (*calibration, library)
    skip = [folder] if output else []
    return survey_folders(paths, calibration=calibration, settings=settings, skip=skip, progress=progress)


def _check_text(path: str) -> None:
    """Refuse a path that no plan and no report could name."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise UsageError(f"{shown} cannot be used: its name is not UTF-8.", mend="Rename it.") from None


def plan_survey(survey: Survey, *, output: str, settings: Settings, job: str = "flats") -> Plan:
    """Plan what was found. Where nothing can be planned, the plan has no steps and says why.

    Raises
    ------
    UsageError
        If what was asked for contradicts itself.
    """
    folder, single = split_output(output)
    try:
        if job == EXAMINE:
            return plan_examination(survey, output=output, settings=settings)
        return make_plan(survey, output=folder, settings=settings, single_name=single, job=job)
    except PlanError as error:
        if error.code == "usage":
            raise UsageError(error.message, mend=error.mend) from None
        return empty_plan(survey, error=error, output=folder, settings=settings)


def plan_paths(
    paths: Sequence[str],
    *,
    calibration: Sequence[str],
    output: str,
    settings: Settings,
    progress: ProgressLine,
    job: str = "flats",
) -> Plan:
    """Survey and plan."""
    survey = survey_paths(paths, calibration=calibration, output=output, settings=settings, progress=progress.survey)
    progress.clear()
    return plan_survey(survey, output=output, settings=settings, job=job)


def show_found(plan: Plan, *, shown: Shown) -> None:
    """Show the search for calibration frames, on stderr where stdout is for the result alone."""
    from evenfield.plan.explain import explain_plan

    if plan.all_steps:
        (remark if shown.json or shown.quiet else show)(explain_plan(plan, search=True) + "\n")


def show_plan(plan: Plan, *, shown: Shown, explain: bool = False, search: bool = False) -> int:
    """Show a plan; with ``explain`` its full account as well. Returns the exit code."""
    if shown.json:
        show_json(to_json(plan))
    elif not shown.quiet:
        show(plan_text(plan, verbose=shown.verbose, paint=paint))
        if explain and plan.all_steps:
            from evenfield.plan.explain import explain_plan

            show("\n" + explain_plan(plan, search=search))
    refused = not plan.all_steps or any(step.refused for step in plan.all_steps)
    return 1 if refused else 0


def run_and_show(plan: Plan, *, shown: Shown, progress: ProgressLine) -> int:
    """Run a plan and show the report. Returns the exit code."""
    return run_plan_and_show(plan, shown=shown, progress=progress).exit_code


def run_plan_and_show(plan: Plan, *, shown: Shown, progress: ProgressLine) -> Report:
    """Run a plan and show the report. Returns the report."""
    if not plan.all_steps:
        report = nothing_report(plan)
        if shown.json:
            show_json(to_json(report))
        elif not shown.quiet:
            show(plan_text(plan, verbose=shown.verbose, paint=paint))
        _complain_quietly(report, shown)
        return report
    # run_plan brings the kernels; it is loaded only now.
    from evenfield.run.run import run_plan

    _tell_first_use(plan, shown)
    with cancel_on_signal() as cancel:
        report = run_plan(plan, on_event=progress.event, cancel=cancel)
        progress.clear()
        more = _save_page(report, plan)
    if shown.json:
        show_json(to_json(report))
    elif not shown.quiet:
        show(report_text(report, plan=plan, verbose=shown.verbose, paint=paint, more=more))
    _complain_quietly(report, shown)
    return report


def _save_page(report: Report, plan: Plan) -> str:
    """Write the report for people; returns the name of the file that tells more.

    Where that fails the products are there all the same: it is told, no more.
    """
    try:
        return save_report_page(report, plan=plan)
    except WriteError as error:
        complain(error)
        return RECORD


def _complain_quietly(report: Report, shown: Shown) -> None:
    """With --quiet, what failed is still told, on stderr."""
    if shown.quiet and not shown.json:
        for one in attention(report):
            if one.level is FindingLevel.BLOCKER:
                complain(f"{one.message} {one.mend}")


def nothing_report(plan: Plan) -> Report:
    """The report of a plan without steps."""
    return Report(
        version=evenfield.__version__,
        exit_code=1,
        output=plan.output,
        plan_digest=plan.digest,
        files=plan.files,
        findings=plan.findings,
    )


def error_report(error: EvenfieldError) -> Report:
    """The report of work that could not begin: one finding."""
    code = error.code if error.code in CATALOGUE else "step_failed"
    told = finding(code, "evenfield", error.message, mend=error.mend or None)
    return Report(version=evenfield.__version__, exit_code=1, findings=(told,))


def _tell_first_use(plan: Plan, shown: Shown) -> None:
    from evenfield.run.machine import first_use

    if first_use(plan) and not shown.quiet:
        remark("First use: compiling kernels for this processor, about ten seconds, once.")


@contextmanager
def cancel_on_signal() -> Iterator[CancelToken]:
    """A token that Ctrl-C raises; a second Ctrl-C ends the process at once."""
    token = CancelToken()
    if threading.current_thread() is not threading.main_thread():
        yield token
        return
    previous: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        if token.cancelled:
            os._exit(130)
        token.cancel()

    for watched in (signal.SIGINT, signal.SIGTERM):
        previous[watched] = signal.signal(watched, handle)
    try:
        yield token
    finally:
        for watched, handler in previous.items():
            signal.signal(watched, handler)
