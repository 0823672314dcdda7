"""How lights are calibrated: each frame by one thread, from reading to writing; none waits for another."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from evenfield.errors import Cancelled, EvenfieldError, OutputExistsError, ReadError
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.events import Progressed
from evenfield.model.plan import Calibration, Excluded, LightStep
from evenfield.model.report import InputRecord, LightRecord, MasterRecord, Provenance, StepResult, StepStatus, Verdict
from evenfield.read import reason_of
from evenfield.run.cards import light_cards
from evenfield.run.done import existing_provenance
from evenfield.run.executors import work_through
from evenfield.run.frames import check_header, masters_by_role, open_frame, region_median
from evenfield.run.job import Job, check_unchanged
from evenfield.run.light_findings import FailedLight, failure_findings, light_findings
from evenfield.run.light_masters import LightMasters, lights_at_once, open_light_masters
from evenfield.run.light_work import LightBuffers, LightWork
from evenfield.run.products import write_product
from evenfield.run.provenance import to_history
from evenfield.write.fits_file import Description, write_rows


def calibrate_step(step: LightStep, *, job: Job) -> StepResult:
    """Calibrate the lights of a step; what fails is told and left out, the rest goes on.

    Raises
    ------
    EvenfieldError
        If a master cannot be read, or the memory does not hold a single light.
    """
    began = time.perf_counter()
    done, lock = 0, threading.Lock()
    with contextlib.ExitStack() as stack:
        masters = open_light_masters(step, job, stack)
        threads = lights_at_once(step, masters, job)
        buffers = LightBuffers()

        def one(index: int) -> LightRecord | FailedLight:
            nonlocal done
            found = _calibrate_one(step, index, masters, buffers, job)
            with lock:
                done += 1
                job.tell(Progressed(step=step.id, done=done, total=len(step.inputs)))
            return found

        found = work_through(range(len(step.inputs)), one, threads=threads, cancel=job.cancel)
    return _result(step, masters, found, job, seconds=time.perf_counter() - began)


def _calibrate_one(
    step: LightStep, index: int, masters: LightMasters, buffers: LightBuffers, job: Job
) -> LightRecord | FailedLight:
    """One light; the boundary at which its error becomes a value."""
    item = step.inputs[index]
    path, output = job.input_path(item), job.product_path(step.outputs[index])
    try:
        known = existing_provenance(output, step.digests[index], job)
        if known is not None:
            return _reused(known, path, output)
        return _make_one(step, index, masters, buffers, job)
    except OutputExistsError as error:
        return FailedLight(item=item, code="output_exists", reason=error.message, mend=error.mend)
    except Cancelled:
        raise
    except EvenfieldError as error:
        if job.plan.settings.run.strict:
            raise
        unreadable = isinstance(error, ReadError)
        code = "light_failed" if unreadable or error.code not in CATALOGUE else error.code
        reason = reason_of(error, path) if unreadable else error.message.rstrip(".")
        return FailedLight(item=item, code=code, reason=reason, mend=error.mend, unreadable=unreadable)
    except Exception as error:  # whatever goes wrong with one light, the others go on
        if job.plan.settings.run.strict:
            raise
        reason = f"{type(error).__name__}: {error}"
        mend = (
            "Give a smaller --memory." if isinstance(error, MemoryError) else "This is a fault of evenfield: report it."
        )
        return FailedLight(item=item, code="light_failed", reason=reason, mend=mend)


def _reused(known: Provenance, path: str, output: str) -> LightRecord:
    measured = known.measured
    return LightRecord(
        path=path,
        output=output,
        status=StepStatus.REUSED,
        factor=measured.get("dark_factor"),
        factor_error=measured.get("dark_factor_error"),
        shift_adu=known.inputs[0].shift_adu,
        median_adu=measured.get("median_adu"),
        pedestal_adu=measured.get("pedestal_adu") or 0.0,
        negative=int(measured.get("negative_pixels") or 0),
        no_data=int(measured.get("no_data_pixels") or 0),
        low_clipped=int(measured.get("low_clipped_pixels") or 0),
        clipped=int(measured.get("clipped_pixels") or 0),
        step_adu=measured.get("step_adu"),
    )


def _make_one(step: LightStep, index: int, masters: LightMasters, buffers: LightBuffers, job: Job) -> LightRecord:
    item = step.inputs[index]
    path, output = job.input_path(item), job.product_path(step.outputs[index])
    calibration = step.calibrations[item.calibration]
    frame = job.frame(item)
    check_unchanged(item, path)
    with contextlib.closing(open_frame(path, job)) as source:
        header = check_header(source, item, path)
        shift = 0.0 if step.overscan is None else region_median(source, step.overscan)
        light = LightWork(
            step, masters, item, frame, source=source, buffers=buffers, shift=shift + (calibration.pedestal_adu or 0.0)
        )

        def describe(record: LightRecord, content_hash: str) -> Description:
            provenance = _provenance(step, index, record, calibration, masters, content_hash, job)
            cards = light_cards(header, step, provenance, frame=frame, record=record)
            return cards, (*(header.history if header else ()), *to_history(provenance))

        record = _LONGEST

        def described() -> Description:
            nonlocal record
            record = _record(light, path, output, calibration)
            return describe(record, source.content_hash())

        overwrite = job.plan.settings.output.overwrite or job.plan.settings.run.fresh
        if light.streams:
            write_rows(
                output,
                light.rows(),
                shape=masters.shape,
                describe=described,
                longest=describe(_LONGEST, "sha256:" + "f" * 64),
                sample="uint16" if step.recipe.sample == "uint16" else "float32",
                overwrite=overwrite,
                durable=False,
            )
        else:
            image = light.image()
            cards, history = described()
            write_product(
                output,
                image=image,
                cards=cards,
                history=history,
                recipe=step.recipe,
                overwrite=overwrite,
            )
    return record


def _record(light: LightWork, path: str, output: str, calibration: Calibration) -> LightRecord:
    made = light.measured()
    return LightRecord(
        path=path,
        output=output,
        factor=calibration.factor if light.fit is None else light.fit.factor,
        factor_error=None if light.fit is None else light.fit.error,
        shift_adu=light.shift,
        median_adu=made.median(),
        pedestal_adu=light.pedestal,
        negative=made.counts.negative,
        no_data=made.counts.no_data,
        low_clipped=light.low_clipped,
        clipped=made.counts.clipped,
        step_adu=light.step_adu,
    )


_NUMBER: Final = -1.2345678901234567e-300
_WHOLE: Final = 10**12
_LONGEST: Final = LightRecord(
    path="",
    output="",
    factor=_NUMBER,
    factor_error=_NUMBER,
    shift_adu=_NUMBER,
    median_adu=_NUMBER,
    pedestal_adu=_NUMBER,
    negative=_WHOLE,
    no_data=_WHOLE,
    low_clipped=_WHOLE,
    clipped=_WHOLE,
    step_adu=_NUMBER,
)
"""No light has numbers that are longer when they are written."""


def _provenance(
    step: LightStep,
    index: int,
    record: LightRecord,
    calibration: Calibration,
    masters: LightMasters,
    content_hash: str,
    job: Job,
) -> Provenance:
    item = step.inputs[index]
    roles = {*calibration.masters, *({"flat"} if step.flat is not None else ())}
    used = [one for one in masters.records if one.role in roles and _is_used(one, calibration, step)]
    if record.factor is not None:
        used = [msgspec.structs.replace(one, factor=record.factor) if one.role == "dark" else one for one in used]
    measured: dict[str, float | None] = {
        "median_adu": record.median_adu,
        "pedestal_adu": record.pedestal_adu,
        "negative_pixels": float(record.negative),
        "no_data_pixels": float(record.no_data),
        "low_clipped_pixels": float(record.low_clipped),
        "clipped_pixels": float(record.clipped),
        "step_adu": record.step_adu,
    }
    if record.factor is not None:
        measured["dark_factor"] = record.factor
        error = record.factor_error
        measured["dark_factor_error"] = error if error is not None and np.isfinite(error) else None
    if masters.flat is not None:
        measured |= {f"flat_mean{f'_{color}' if color else ''}": mean for color, mean in masters.flat.means.items()}
    divided = () if step.flat is None else (f"divided by {step.flat.title}",)
    return Provenance(
        version=job.plan.version,
        plan_digest=job.plan.digest,
        digest=step.digests[index],
        id=step.id,
        kind=step.kind,
        title="calibrated light",
        group=step.group,
        inputs=(
            InputRecord(path=item.path, hash=content_hash, calibration=item.calibration, shift_adu=record.shift_adu),
        ),
        excluded=(),
        calibrations=(calibration.title,),
        masters=tuple(used),
        light=step.recipe,
        measured=measured,
        verdict=Verdict.CANNOT_TELL,
        why="lights are not judged yet",
        because=(calibration.title, *divided),
        findings=step.findings,
    )


def _is_used(record: MasterRecord, calibration: Calibration, step: LightStep) -> bool:
    digests = {ref.digest for ref in calibration.masters.values()} | ({step.flat.digest} if step.flat else set())
    return record.digest in digests


def _result(
    step: LightStep, masters: LightMasters, found: Sequence[LightRecord | FailedLight], job: Job, *, seconds: float
) -> StepResult:
    records = tuple(one for one in found if isinstance(one, LightRecord))
    failed = [one for one in found if isinstance(one, FailedLight)]
    findings = [*step.findings, *failure_findings(step, failed), *light_findings(step, masters, records, job)]
    status = StepStatus.DONE if records or not failed else StepStatus.FAILED
    if records and all(one.status is StepStatus.REUSED for one in records):
        status = StepStatus.REUSED
    factors = [one.factor for one in records if one.factor is not None]
    return StepResult(
        id=step.id,
        status=status,
        kind=step.kind,
        title=step.title,
        group=step.group,
        outputs=tuple(one.output for one in records),
        inputs=tuple(one.path for one in records),
        excluded=tuple(
            Excluded(
                path=job.input_path(one.item),
                code="frame_failed" if one.unreadable else one.code,
                reason=one.reason,
            )
            for one in failed
        ),
        masters=masters_by_role(step, job),
        measured={
            "lights": float(len(records)),
            "median_adu": _middle([one.median_adu for one in records]),
            "dark_factor": _middle(factors),
            "pedestal_adu": max((one.pedestal_adu for one in records), default=0.0),
            "negative_share": max((one.negative for one in records), default=0) / (masters.shape[0] * masters.shape[1]),
        },
        verdict=Verdict.CANNOT_TELL,
        why="" if records else findings[-1].message if findings else "",
        because=step.because,
        findings=tuple(findings),
        lights=records,
        seconds=seconds,
    )


def _middle(values: Sequence[float | None]) -> float | None:
    known = sorted(value for value in values if value is not None)
    return known[len(known) // 2] if known else None
