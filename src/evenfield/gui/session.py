"""What the window is about: the request and its history, what was found, the plan, the run, the report. No Qt.

Views read the fields and call the methods; what changes is told by notices. Everything that takes time is done by
workers, which hand their results back in the window's thread.
"""

from __future__ import annotations

import enum
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from evenfield.cli.request import JOBS, Request, command_line, shell_line, with_fix
from evenfield.examination import EXAMINE
from evenfield.gui.edits import with_setting
from evenfield.gui.outcome import STATUS_WORDS
from evenfield.gui.overview import NOTHING, reading_overview
from evenfield.gui.planning import GoneError, Planned, job_of, made_plan, opened_plan, survey_key
from evenfield.gui.problems import LEVEL_WORDS
from evenfield.gui.rows import Row, found_rows
from evenfield.gui.running import made_report
from evenfield.gui.words import mark, tr
from evenfield.model.catalogue import CATALOGUE, finding
from evenfield.model.events import CancelToken, Event, Examining, Found, Progressed, StepEnded, StepStarted
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameInfo
from evenfield.model.plan import Plan
from evenfield.model.report import Report, StepResult
from evenfield.model.settings import Settings
from evenfield.model.survey import LevelMeasurement, Survey
from evenfield.report.save import report_file

MOST_UNDO: Final = 200

PLAN_IS_FIXED: Final = mark("A saved plan is run as it is. Leave this plan to change anything.")


_ENDS: Final = {
    0: mark("Done, {} s. Report: {}"),
    1: mark("Done, but not everything was made, {} s. Report: {}"),
    130: mark("Cancelled, {} s. Report: {}"),
}
"""Exit code of a run -> the last line of its log."""


class Phase(enum.StrEnum):
    """What goes on with the frames."""

    EMPTY = "empty"
    READING = "reading"
    PLANNING = "planning"
    READY = "ready"
    STOPPED = "stopped"
    GONE = "gone"


class Notice:
    """Something that views want to be told of."""

    def __init__(self) -> None:
        self._told: list[Callable[..., None]] = []

    def subscribe(self, told: Callable[..., None]) -> None:
        """Call ``told`` from now on."""
        self._told.append(told)

    def __call__(self, *values: Any) -> None:
        """Tell everybody."""
        for told in self._told:
            told(*values)


class Works(Protocol):
    """A `Worker`, as the session needs it."""

    @property
    def busy(self) -> bool:
        """Whether a task is under way."""

    def submit(self, work: Any, *, then: Any, told: Any = None) -> None:
        """Do ``work`` elsewhere; ``then`` and ``told`` are called here."""

    def cancel(self) -> None:
        """Ask the task under way to stop."""


class RunState(msgspec.Struct, kw_only=True):
    """How far a run is. ``share`` is that of the step, ``rate`` in bytes a second, ``left_s`` that of the step."""

    title: str = ""
    index: int = 0
    total: int = 0
    share: float = 0.0
    rate: float = 0.0
    left_s: float | None = None
    began_s: float = 0.0


class Session:
    """One window's work.

    Parameters
    ----------
    planner, runner, measurer : Works
        Three threads: surveys and plans, runs, and levels of frames.
    defaults : Settings
        The preferences that the session starts with.
    own_defaults : bool
        Whether the command line has to say that preferences do not count: where there are any.
    """

    def __init__(
        self, planner: Works, runner: Works, measurer: Works, *, defaults: Settings, own_defaults: bool = False
    ) -> None:
        self._planner, self._runner, self._measurer = planner, runner, measurer
        self.own_defaults = own_defaults
        self.request = Request(output="", settings=defaults)
        self.phase = Phase.EMPTY
        self.rows: list[Row] = []
        self.overview = NOTHING
        self.survey: Survey | None = None
        self.plan: Plan | None = None
        self.plan_file: str | None = None
        self.findings: tuple[Finding, ...] = ()
        self.refusal: Finding | None = None
        self.levels: dict[str, LevelMeasurement] = {}
        self.progress = (0, 0)
        self.run_state: RunState | None = None
        self.results: list[StepResult] = []
        self.ran_plan: Plan | None = None
        self.ran_examination = False
        self.report: Report | None = None
        self.log: list[str] = []
        self.field_errors: dict[str, str] = {}
        self.changed = Notice()
        self.rows_changed = Notice()
        self.rows_added = Notice()
        self.levels_changed = Notice()
        self.run_changed = Notice()
        self.logged = Notice()
        self.told = Notice()
        self._undo: list[tuple[Request, str]] = []
        self._redo: list[tuple[Request, str]] = []
        self._survey_key: object = None
        self._shown_paths: set[str] = set()
        self._before_plan: Request | None = None
        self._stamps: dict[str, tuple[int, int]] = {}
        self._read_began_s = 0.0

    # What can be asked for.

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self.run_state is not None

    @property
    def measuring(self) -> bool:
        """Whether levels are being measured."""
        return self._measurer.busy

    @property
    def knows_all_files(self) -> bool:
        """Whether all files are read: else nobody can tell which of them a pattern of names would mean."""
        return self.survey is not None and set(self.request.paths) == self._shown_paths

    @property
    def undo_text(self) -> str:
        """What undo would take back; empty where there is nothing."""
        return self._undo[-1][1] if self._undo else ""

    @property
    def redo_text(self) -> str:
        """What redo would do again; empty where there is nothing."""
        return self._redo[-1][1] if self._redo else ""

    @property
    def command(self) -> str:
        """The command line that does the same."""
        if self.plan_file is not None:
            return shell_line(["evenfield", "run", self.plan_file])
        if not self.request.paths:
            return ""
        return command_line(self.request, own_defaults=self.own_defaults)

    def reasons_against(self) -> list[str]:
        """Why the job cannot be started now; empty where it can."""
        found = list(self.field_errors.values())
        if self.request.paths and not self.request.output:
            found.append(tr("No output folder is chosen."))
        if self.phase is Phase.EMPTY:
            found.append(tr("No folder was chosen."))
        elif self.phase is Phase.READING:
            found.append(tr("The headers are still read."))
        elif self.phase is Phase.PLANNING:
            found.append(tr("The plan is being made."))
        elif self.phase is Phase.STOPPED:
            found.append(tr("Reading was stopped. Look again to read the rest."))
        elif self.phase is Phase.GONE:
            found.append(tr("The frames cannot be reached."))
        elif self.refusal is not None:
            found.append(f"{self.refusal.message} {self.refusal.mend}".strip())
        elif self.plan is not None:
            found += self._plan_reasons(self.plan)
        if self.running:
            found.append(tr("A run is under way."))
        return found

    def _plan_reasons(self, plan: Plan) -> list[str]:
        if not plan.all_steps:
            why = plan.findings[0] if plan.findings else None
            text = tr("Nothing can be made.")
            return [f"{text} {why.message}" if why else text]
        if all(step.refused for step in plan.all_steps):
            return [f"{step.refused.message} {step.refused.mend}" for step in plan.all_steps[:3] if step.refused]
        return []

    # Changes. Each can be undone.

    def edit(self, request: Request, what: str) -> None:
        """Ask for something else; ``what`` names the change where it is undone."""
        if request == self.request or self.plan_file is not None:
            if request != self.request:
                self.told(tr(PLAN_IS_FIXED))
            self.changed()
            return
        self._undo.append((self.request, what))
        del self._undo[:-MOST_UNDO]
        self._redo.clear()
        self._set(request)

    def undo(self) -> None:
        """Take the last change back."""
        if self._undo and self.plan_file is None:
            request, what = self._undo.pop()
            self._redo.append((self.request, what))
            self._set(request)

    def redo(self) -> None:
        """Do again what was taken back."""
        if self._redo and self.plan_file is None:
            request, what = self._redo.pop()
            self._undo.append((self.request, what))
            self._set(request)

    def add_paths(self, paths: Sequence[str]) -> None:
        """Search further folders or files; a saved plan is left for them."""
        if self.plan_file is not None:
            self._end_plan()
        new = [os.path.abspath(os.path.expanduser(path)) for path in paths]
        joined = tuple(dict.fromkeys([*self.request.paths, *new]))
        self._edit_paths(joined, tr("Add folder") if any(map(os.path.isdir, new)) else tr("Add files"))

    def set_paths(self, paths: Sequence[str], what: str) -> None:
        """Search these folders and files only; a saved plan is left for them."""
        if self.plan_file is not None:
            self._end_plan()
        self._edit_paths(tuple(paths), what)

    def _edit_paths(self, paths: tuple[str, ...], what: str) -> None:
        request = msgspec.structs.replace(self.request, paths=paths)
        if not self._own_output and paths:
            request = msgspec.structs.replace(request, output=self._output_for(paths[0], request.job))
        if request == self.request:
            # What is asked for once more may be there by now.
            self.look_again()
        else:
            self.edit(request, what)

    @property
    def _own_output(self) -> bool:
        """Whether somebody chose where the products go; else the folder follows what is searched, and the job."""
        request = self.request
        usual = self._output_for(request.paths[0], request.job) if request.paths else ""
        return request.output not in ("", usual)

    @staticmethod
    def _output_for(path: str, job: str) -> str:
        folder = path if os.path.isdir(path) else os.path.dirname(path)
        return os.path.join(folder, JOBS.get(job, "masters"))

    def add_calibration(self, path: str) -> None:
        """Search a further folder for calibration frames."""
        calibration = tuple(dict.fromkeys([*self.request.calibration, os.path.abspath(path)]))
        self.edit(msgspec.structs.replace(self.request, calibration=calibration), tr("Add calibration folder"))

    def set_calibration(self, paths: Sequence[str]) -> None:
        """Search these further folders for calibration frames."""
        self.edit(msgspec.structs.replace(self.request, calibration=tuple(paths)), tr("Calibration folders"))

    def set_output(self, output: str) -> None:
        """Write the products into another folder."""
        full = os.path.abspath(os.path.expanduser(output.strip())) if output.strip() else ""
        self.edit(msgspec.structs.replace(self.request, output=full), tr("Output folder"))

    def set_job(self, job: str) -> None:
        """Do another job."""
        request = msgspec.structs.replace(self.request, job=job)
        if not self._own_output and request.paths:
            request = msgspec.structs.replace(request, output=self._output_for(request.paths[0], job))
        self.edit(request, tr("Job"))

    def set_settings(self, settings: Settings, what: str) -> None:
        """Use other settings."""
        self.edit(msgspec.structs.replace(self.request, settings=settings), what)

    def set_value(self, part: str, name: str, value: Any, *, what: str = "") -> None:
        """Give one setting a value.

        Raises
        ------
        SettingsError
            If the value contradicts the others.
        """
        self.edit(with_setting(self.request, part, name, value), what or name)

    def apply_fix(self, told: Finding) -> None:
        """Do what mends a finding."""
        if told.fix is not None:
            self.edit(with_fix(self.request, told.fix), CATALOGUE[told.code].title)

    # Frames to a plan.

    def look_again(self) -> None:
        """Read the folders anew."""
        self._survey_key = None
        self._replan()

    def stop(self) -> None:
        """Stop reading."""
        if self.phase is Phase.READING:
            self._planner.cancel()

    def _set(self, request: Request) -> None:
        self.request = request
        self._replan()

    def _replan(self) -> None:
        if self.plan_file is not None:
            return
        if not self.request.paths:
            self._planner.cancel()
            self._clear()
            return
        request, levels = self.request, self.levels
        key = survey_key(request)
        known = self.survey if key == self._survey_key else None
        if known is None:
            self.phase, self.progress = Phase.READING, (0, 0)
            self._read_began_s = time.perf_counter()
            # Rows stay while their folder is read again; those of other folders go.
            if not set(request.paths) & self._shown_paths:
                self._forget_rows()
        else:
            self.phase = Phase.PLANNING

        def work(tell: Callable[[object], None], cancel: CancelToken) -> Planned:
            return made_plan(request, known, levels, tell, cancel)

        def then(outcome: Any) -> None:
            self._planned(outcome, key)

        self._planner.submit(work, then=then, told=self._told_of_reading)
        self.changed()

    def _forget_rows(self) -> None:
        self.rows, self.overview = [], NOTHING
        self.survey = self.plan = None
        self.findings = ()
        self.rows_changed()

    def _clear(self) -> None:
        self.phase, self.refusal, self._survey_key = Phase.EMPTY, None, None
        self._forget_rows()
        self.changed()

    def _told_of_reading(self, told: tuple[int, int, Sequence[FrameInfo]]) -> None:
        done, total, found = told
        self.progress = (done, total)
        if self.survey is None and found:
            new = found_rows(found)
            self.rows.extend(new)
            self.overview = reading_overview(len(self.rows))
            self.rows_added(new)
        self.changed()

    def reading_left_s(self) -> float | None:
        """The seconds that reading will take from now on, as far as can be told."""
        done, total = self.progress
        passed = time.perf_counter() - self._read_began_s
        return passed * (total - done) / done if done and passed > 0.2 else None

    def _planned(self, outcome: Any, key: object) -> None:
        if outcome.cancelled:
            self.phase = Phase.STOPPED
        elif isinstance(outcome.error, GoneError):
            self.phase, self._survey_key = Phase.GONE, None
        elif outcome.error is not None:
            error = outcome.error
            self.phase = Phase.READY
            code = error.code if error.code in CATALOGUE else "usage"
            self.refusal = finding(code, "request", error.message, mend=error.mend or None)
        else:
            found: Planned = outcome.value
            self.phase, self.refusal, self._survey_key = Phase.READY, None, key
            self.survey, self.plan = found.survey, found.plan
            self.rows, self.overview = found.rows, found.overview
            self._forget_levels()
            self.findings, self._shown_paths = found.findings, set(found.paths)
            self.rows_changed()
        self.changed()

    # Levels.

    def measure(self, frames: Sequence[FrameInfo]) -> None:
        """Measure the mean level of frames."""
        chosen = tuple(frames)
        self._stamps.update((frame.path, _stamp(frame)) for frame in chosen)

        def work(tell: Callable[[object], None], cancel: CancelToken) -> None:
            from evenfield.survey import measure_levels

            for level in measure_levels(chosen):
                tell(level)
                cancel.check()

        self._measurer.submit(work, then=self._measured, told=self._told_of_level)
        self.changed()

    def stop_measuring(self) -> None:
        """Stop measuring levels."""
        self._measurer.cancel()

    def _measured(self, outcome: Any) -> None:
        del outcome
        self.levels_changed(None)
        self.changed()

    def _forget_levels(self) -> None:
        """Forget the levels of files that were written again since they were measured."""
        for row in self.rows if self.levels else ():
            if row.level is not None and row.frame is not None and self._stamps.get(row.path) != _stamp(row.frame):
                row.level = None
                del self.levels[row.path]

    def _told_of_level(self, level: LevelMeasurement) -> None:
        self.levels[level.path] = level
        self.levels_changed(level)

    # The run.

    def run(self) -> None:
        """Make what the plan says."""
        plan = self.plan
        if plan is None or self.reasons_against():
            return
        self.results, self.report, self.ran_plan = [], None, plan
        self.ran_examination = examining = self.request.job == EXAMINE
        self.run_state = RunState(title=tr("Starting"), total=len(plan.all_steps), began_s=time.perf_counter())
        self._write_log(tr("Started: {}").format(self.command))

        def work(tell: Callable[[object], None], cancel: CancelToken) -> Report:
            return made_report(plan, tell, cancel, examining=examining)

        self._runner.submit(work, then=self._ran, told=self._told_of_run)
        self.run_changed()
        self.changed()

    def cancel_run(self) -> None:
        """Stop the run; what is finished stays."""
        if self.run_state is not None:
            self.run_state.title = tr("Cancelling ...")
            self._runner.cancel()
            self.run_changed()

    def _told_of_run(self, event: Event | str) -> None:
        state = self.run_state
        if state is None:
            return
        if isinstance(event, str):
            self._write_log(event)
        elif isinstance(event, StepStarted):
            state.title, state.index, state.total = event.title, event.index, event.total
            state.share, state.rate, state.left_s, state.began_s = 0.0, 0.0, None, time.perf_counter()
            self._write_log(f"[{event.index}/{event.total}] {event.title}")
        elif isinstance(event, Examining):
            state.title = tr("Examining {}").format(event.title)
            state.index, state.total = event.index, event.total
            state.share, state.rate, state.left_s = 0.0, 0.0, None
        elif isinstance(event, Progressed):
            passed = time.perf_counter() - state.began_s
            state.share = event.done / event.total if event.total else 1.0
            state.rate = event.done / passed if passed > 0 else 0.0
            state.left_s = passed * (1 - state.share) / state.share if state.share > 0 else None
        elif isinstance(event, Found):
            level = tr(LEVEL_WORDS[event.finding.level])
            self._write_log(f"  {level}: {event.finding.message} {event.finding.mend}")
        elif isinstance(event, StepEnded):
            status = tr(STATUS_WORDS[event.status])
            self._write_log(f"  {event.step}: {status}, {event.seconds:.1f} s")
            if event.result is not None:
                self.results.append(event.result)
        self.run_changed()

    def _ran(self, outcome: Any) -> None:
        self.run_state = None
        if outcome.error is not None:
            self._write_log(tr("Failed: {}").format(outcome.error))
            self.refusal = finding("write_failed", "output", outcome.error.message, mend=outcome.error.mend or None)
        elif outcome.value is None:
            self._write_log(tr("Cancelled."))
        else:
            self.report = outcome.value
            self.results = list(outcome.value.results)
            words = tr(_ENDS.get(outcome.value.exit_code, _ENDS[1]))
            self._write_log(words.format(f"{outcome.value.seconds:.1f}", self.report_path()))
        self.run_changed()
        self.changed()

    def report_path(self) -> str:
        """Where the report of the last run lies."""
        return report_file(self.ran_plan) if self.ran_plan is not None else ""

    def _write_log(self, line: str) -> None:
        self.log.append(line)
        self.logged(line)

    # Plans in files.

    def open_plan(self, path: str, told: Callable[[str], None]) -> None:
        """Show a saved plan, to run it as it is; ``told`` is called with why it cannot be."""
        levels, before = self.levels, self.phase

        def work(tell: Callable[[object], None], cancel: CancelToken) -> Planned:
            del tell, cancel
            return opened_plan(path, levels)

        def then(outcome: Any) -> None:
            if outcome.error is not None:
                told(str(outcome.error))
                self.phase = before
                self._replan()
                self.changed()
            elif not outcome.cancelled:
                self._opened(outcome.value, path)

        self.phase = Phase.PLANNING
        self._planner.submit(work, then=then)
        self.changed()

    def _opened(self, found: Planned, path: str) -> None:
        plan = found.plan
        self._before_plan = self._before_plan or self.request
        self.plan_file, self.plan, self.survey, self.refusal = path, plan, None, None
        self.rows, self.overview, self.findings, self.phase = found.rows, found.overview, found.findings, Phase.READY
        self.request = Request(job=job_of(plan), output=plan.output, settings=plan.settings)
        self.field_errors.clear()
        self._shown_paths = set()
        self.rows_changed()
        self.changed()

    def leave_plan(self) -> None:
        """Go back to folders and options."""
        self._end_plan()
        self._replan()

    def _end_plan(self) -> None:
        self.plan_file, self._survey_key = None, None
        if self._before_plan is not None:
            self.request, self._before_plan = self._before_plan, None
        self._forget_rows()


def _stamp(frame: FrameInfo) -> tuple[int, int]:
    """What tells whether a file was written again."""
    return frame.size_bytes, frame.mtime_ns
