"""Plan to report: check, make step after step, account for every file, write the record."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence

import msgspec

import evenfield
from evenfield.errors import Cancelled, EvenfieldError, WriteError
from evenfield.model.catalogue import CATALOGUE, finding
from evenfield.model.events import CancelToken, Event, EventSink, Found, StepEnded, StepStarted
from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.frame import FrameKind
from evenfield.model.plan import LightStep, Plan, Step
from evenfield.model.report import Report, StepResult, StepStatus, Verdict
from evenfield.model.targets import TARGETS
from evenfield.plan.digests import stale_steps
from evenfield.read import raise_file_limit
from evenfield.run.copies import with_copies
from evenfield.run.done import existing_product
from evenfield.run.examining import examine_sets
from evenfield.run.files import final_uses
from evenfield.run.job import Job, ended_well
from evenfield.run.lights import calibrate_step
from evenfield.run.loop import done_with
from evenfield.run.machine import budget_bytes, n_threads, peak_bytes, prepare_kernels
from evenfield.run.master import make_master, result_of
from evenfield.run.moving import move_inputs
from evenfield.store import save_plan, save_report
from evenfield.write import remove_stale_partials

HEADER_BYTES = 200_000
"""Room for the header of a product: its provenance grows with the number of frames."""


def run_plan(
    plan: Plan,
    *,
    on_event: EventSink | None = None,
    cancel: CancelToken | None = None,
    record: bool = True,
    thorough: bool = False,
    statistics: bool = False,
) -> Report:
    """Make what a plan says, and say what was done.

    Parameters
    ----------
    plan : Plan
    on_event : callable, optional
        Called with each `Event`, from any thread.
    cancel : CancelToken, optional
        Raise it to stop; nothing half-written is left behind.
    record : bool
        Write ``plan.json`` and ``report.json`` into the output folder.
    thorough, statistics : bool
        How frames are examined afterwards, where the settings want it: read whole, not in a few bands of rows; with
        the statistics of every frame and CFA plane.

    Returns
    -------
    Report
        A step that failed is a value in it, and what needs it is SKIPPED with the reason.

    Raises
    ------
    WriteError
        If the output folder cannot be made or written to at all.
    """
    began = time.perf_counter()
    _prepare_output(plan, record)
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="evenfield-") as scratch:
        job = Job(
            plan=plan,
            frames={frame.path: frame for frame in plan.frames},
            results={},
            budget_bytes=budget_bytes(plan.settings.run.memory_bytes),
            threads=n_threads(plan.settings.run.threads),
            cancel=cancel or CancelToken(),
            tell=on_event or _silence,
            scratch=scratch,
        )
        room = _room_finding(plan)
        stale = set(stale_steps(plan))
        for index, step in enumerate(plan.all_steps, start=1):
            job.tell(StepStarted(step=step.id, title=step.title, index=index, total=len(plan.all_steps)))
            refused = room or (_stale_finding(step) if step.id in stale else None)
            result = _failed(step, refused) if refused else _do_step(step, job)
            if ended_well(result):
                result = with_copies(result, job)
            job.results[step.id] = result
            for one in result.findings:
                job.tell(Found(step=step.id, finding=one))
            job.tell(StepEnded(step=step.id, status=result.status.value, seconds=result.seconds, result=result))
        done_with(None)
        told = _examine(job, thorough=thorough, statistics=statistics)
    report = _report(plan, job, told, time.perf_counter() - began)
    if record:
        save_report(report, path=os.path.join(plan.output, "report.json"))
    return report


def _examine(job: Job, *, thorough: bool, statistics: bool) -> tuple[Finding, ...]:
    """Examine what was read and made, where that is wanted; the results get what it says.

    Returns a finding where it failed: what was made is there all the same.
    """
    if not job.plan.settings.examine.after or job.cancel.cancelled:
        return ()
    try:
        _take(examine_sets(job, thorough=thorough, statistics=statistics), job)
        if job.plan.lights:
            # What looks at skies takes its time to load.
            from evenfield.run.examining_lights import examine_lights

            _take(examine_lights(job, thorough=thorough), job)
    except Cancelled:
        pass
    except Exception as error:  # the boundary: what was made is not lost because it cannot be looked at again
        text = f"What was made could not be examined: {type(error).__name__}: {error}."
        mend = "This is a fault of evenfield: report it. The products are complete; --no-examine leaves this out."
        return (finding("step_failed", "examination", text, mend=mend, level=FindingLevel.WARNING),)
    return ()


def _take(examined: Mapping[str, StepResult], job: Job) -> None:
    """Results in the place of those before, and what is new in them told."""
    for name, result in examined.items():
        before = job.results[name].findings
        for one in result.findings:
            if one not in before:
                job.tell(Found(step=name, finding=one))
    job.results.update(examined)


def _silence(event: Event) -> None:
    del event


def _prepare_output(plan: Plan, record: bool) -> None:
    try:
        os.makedirs(plan.output, exist_ok=True)
    except OSError as error:
        raise WriteError(
            f"The output folder {plan.output} cannot be made: {error.strerror or error}.",
            mend="Choose another folder with -o.",
        ) from None
    folders = [plan.output, os.path.join(plan.output, "calibration")]
    folders += sorted(
        {os.path.dirname(os.path.join(plan.output, *o.split("/"))) for one in plan.lights for o in one.outputs}
    )
    for folder in folders:
        if os.path.isdir(folder):
            remove_stale_partials(folder)
    if record:
        save_plan(plan, path=os.path.join(plan.output, "plan.json"))


def _room_finding(plan: Plan) -> Finding | None:
    """A finding where the disk has less room than the products will take."""
    shapes = {frame.path: frame.setup.shape for frame in plan.frames}
    needed = 0
    tiff = {"none": 0, "16": 2, "32": 4}[plan.settings.output.tiff]
    for step in plan.steps:
        if step.refused or os.path.exists(os.path.join(plan.output, *step.output.split("/"))):
            continue
        rows, columns = shapes[os.path.normpath(os.path.join(plan.root, step.inputs[0].path))]
        needed += rows * columns * ((2 if step.recipe.sample == "uint16" else 4) + tiff) + HEADER_BYTES
    for light in plan.lights:
        rows, columns = shapes[os.path.normpath(os.path.join(plan.root, light.inputs[0].path))]
        missing = [one for one in light.outputs if not os.path.exists(os.path.join(plan.output, *one.split("/")))]
        sample = (2 if light.recipe.sample == "uint16" else 4) + 2 * light.recipe.maps + tiff
        needed += 0 if light.refused else len(missing) * (rows * columns * sample + HEADER_BYTES)
    free = shutil.disk_usage(plan.output).free
    if needed <= free:
        return None
    text = f"The products need {_megabytes(needed)} in {plan.output}, {_megabytes(free)} are free."
    return finding("disk_space", "output", text)


def _megabytes(n_bytes: int) -> str:
    """Return "524 MB"; of little, one digit behind the point as well, so that it does not read as nothing."""
    return f"{n_bytes / 1e6:.{0 if n_bytes >= 10_000_000 else 1}f} MB"


def _stale_finding(step: Step | LightStep) -> Finding:
    text = f"{step.id}: its digest is not that of what it says; the plan was changed by hand."
    return finding("plan", step.id, text, mend="Make the plan again, with options in the place of edits.")


def _do_step(step: Step | LightStep, job: Job) -> StepResult:
    """One step; the boundary at which an error becomes a value."""
    if job.cancel.cancelled:
        return _ended(step, StepStatus.CANCELLED, (), "cancelled")
    if step.refused is not None:
        return _failed(step, step.refused)
    missing = [need for need in step.needs if not ended_well(job.results.get(need))]
    if missing:
        text = f"{step.id} needs {', '.join(missing)}, which {'was' if len(missing) == 1 else 'were'} not made."
        return _ended(step, StepStatus.SKIPPED, (finding("needs_failed", step.id, text),), text)
    try:
        if isinstance(step, LightStep):
            done_with(None)
            return calibrate_step(step, job=job)
        found = existing_product(step, job)
        if found is not None:
            return result_of(found, step, job.output_path(step), job, status=StepStatus.REUSED)
        prepare_kernels([one for one in job.plan.steps if one.id not in job.results], lights=bool(job.plan.lights))
        return make_master(step, job=job)
    except Cancelled:
        return _ended(step, StepStatus.CANCELLED, (), "cancelled")
    except EvenfieldError as error:
        code = error.code if error.code in CATALOGUE else "step_failed"
        fix = error.fix or _fix_of(code, job)
        return _failed(step, finding(code, step.id, _sentence(error.message), mend=error.mend or None, fix=fix))
    except MemoryError:
        text = f"{step.id}: the machine has no memory left."
        return _failed(step, finding("memory_budget", step.id, text, mend="Give a smaller --memory."))
    except Exception as error:  # the boundary: whatever goes wrong in one step, the others go on
        text = f"{step.id} failed: {type(error).__name__}: {error}."
        return _failed(step, finding("step_failed", step.id, text, mend="This is a fault of evenfield: report it."))


def _fix_of(code: str, job: Job) -> tuple[str, ...] | None:
    """The arguments that carry out the mend of an error while a step ran, where it is certain which."""
    if code == "output_exists":
        return ("--overwrite",)
    # A program that takes integers only cannot be given others.
    if code == "does_not_fit" and TARGETS[job.plan.settings.output.target].sample is None:
        return ("--output-type", "float32")
    return None


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _failed(step: Step | LightStep, why: Finding) -> StepResult:
    # What stops a step is told even with --quiet, though elsewhere the same code may be a remark.
    why = msgspec.structs.replace(why, level=FindingLevel.BLOCKER)
    return _ended(step, StepStatus.FAILED, (*step.findings, why), why.message)


def _ended(step: Step | LightStep, status: StepStatus, findings: tuple[Finding, ...], why: str) -> StepResult:
    return StepResult(
        id=step.id,
        status=status,
        kind=step.kind,
        title=step.title,
        group=step.group,
        excluded=step.excluded,
        verdict=Verdict.CANNOT_TELL,
        why=why,
        because=step.because,
        findings=findings,
    )


def _report(plan: Plan, job: Job, told_after: Sequence[Finding], seconds: float) -> Report:
    results = tuple(job.results[step.id] for step in plan.all_steps)
    findings = [*plan.findings, *told_after]
    moved: tuple[tuple[str, str], ...] = ()
    if plan.settings.output.move_inputs is not None and all(ended_well(result) for result in results):
        moved, told = move_inputs(plan, results)
        findings += told
    return Report(
        version=evenfield.__version__,
        exit_code=exit_code(results),
        output=plan.output,
        plan_digest=plan.digest,
        results=results,
        files=final_uses(plan, results),
        findings=tuple(findings),
        moved=moved,
        seconds=seconds,
        peak_bytes=peak_bytes(),
    )


def exit_code(results: Iterable[StepResult]) -> int:
    """130 where a step was cancelled, 1 where one failed or was skipped, else 0."""
    results = tuple(results)
    statuses = {result.status for result in results}
    if StepStatus.CANCELLED in statuses:
        return 130
    # A master is made without a frame that failed; a light that failed is a product that is missing.
    missing = any(result.kind is FrameKind.LIGHT and result.excluded for result in results)
    return 1 if missing or statuses & {StepStatus.FAILED, StepStatus.SKIPPED} else 0
