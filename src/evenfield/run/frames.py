"""The frames of one step, open: sources with their regions, and what is subtracted from each."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from evenfield.calibrate.overscan import OverscanView
from evenfield.calibrate.views import CalibratedView
from evenfield.errors import EvenfieldError, InputChangedError, ReadError
from evenfield.model.calibration import CalibrationTerms
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameKind
from evenfield.model.header import RawHeader
from evenfield.model.pixels import PixelSource, Tile
from evenfield.model.plan import Calibration, Excluded, LightStep, MasterRef, Step, StepInput, TellingLights
from evenfield.model.report import MasterRecord
from evenfield.model.sections import Region
from evenfield.read import CroppedSource, kept_if_packed, open_source, reason_of
from evenfield.run.job import Job, check_unchanged
from evenfield.run.loop import LEVEL_PIXELS, Stack, Subtraction
from evenfield.tiles import Work, bands, peak_bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OpenFrames:
    """A step's frames that could be opened, in the step's order, and those that could not."""

    items: tuple[StepInput, ...]
    stack: Stack
    excluded: tuple[Excluded, ...]
    findings: tuple[Finding, ...]
    masters: tuple[MasterRecord, ...]


@contextlib.contextmanager
def opened_frames(step: Step, job: Job) -> Iterator[OpenFrames]:
    """Open the frames of a step and the masters it subtracts; all are closed in the end.

    Raises
    ------
    InputChangedError
        If a frame is not what it was when the plan was made.
    ReadError
        If a master cannot be read, or no frame can; with --strict, if any frame cannot.
    """
    with contextlib.ExitStack() as stack:
        items, shifts, excluded, findings = [], [], [], []
        sources: list[PixelSource] = []
        for item in step.inputs:
            path = job.input_path(item)
            check_unchanged(item, path)
            try:
                source = open_frame(path, job)
                stack.callback(source.close)
                less, shift = _less_overscan(source, step)
            except ReadError as error:
                if job.plan.settings.run.strict:
                    raise
                excluded.append(_failed(item, error, path))
                findings.append(_failed_finding(step, error, path))
                continue
            check_header(source, item, path)
            items.append(item)
            sources.append(less)
            shifts.append(shift)
        if sources and step.kind is FrameKind.FLAT:
            sources = _keep_unpacked(sources, step, job, stack)
        if not sources:
            raise ReadError(f"None of the frames of {step.id} can be read.", mend="Copy them again.")
        subtractions, which_of, masters = subtractions_of(step, job, stack)
        pedestals = [one.pedestal_adu or 0.0 for one in step.calibrations] or [0.0]
        yield OpenFrames(
            items=tuple(items),
            stack=Stack(
                sources=tuple(one if step.trim is None else CroppedSource(one, step.trim) for one in sources),
                subtractions=subtractions,
                which=tuple(which_of[item.calibration] if which_of else -1 for item in items),
                shifts=tuple(shift + pedestals[item.calibration] for shift, item in zip(shifts, items, strict=True)),
            ),
            excluded=tuple(excluded),
            findings=tuple(findings),
            masters=masters,
        )


def _keep_unpacked(sources: list[PixelSource], step: Step, job: Job, stack: contextlib.ExitStack) -> list[PixelSource]:
    """The flats, which are read for their levels and again to be combined; what had to be unpacked is kept, so far as
    the memory budget has room for it. A median level holds whole frames, and leaves none.
    """
    kept = [kept_if_packed(source) for source in sources]
    if step.recipe.scale == "median" or all(one is source for one, source in zip(kept, sources, strict=True)):
        return sources
    rows, columns = sources[0].shape
    shape = (rows, columns) if step.trim is None else (step.trim[1] - step.trim[0], step.trim[3] - step.trim[2])
    sample_bytes = max(source.encoding.numpy_dtype.itemsize for source in sources)
    masters = sum(1 for calibration in step.calibrations if calibration.masters)
    work = Work(
        n_frames=len(sources),
        shape=shape,
        sample_bytes=4 if len({source.encoding for source in sources}) > 1 else sample_bytes,
        threads=job.threads,
        n_masters=masters,
        maps=step.recipe.maps,
    )
    room = job.budget_bytes - peak_bytes(work, budget_bytes=job.budget_bytes)
    n_kept = max(0, room // (rows * columns * sample_bytes))
    for one in kept[:n_kept]:
        stack.callback(one.close)
    return [*kept[:n_kept], *sources[n_kept:]]


def open_frame(path: str, job: Job) -> PixelSource:
    """Open a frame as the job reads frames.

    Raises
    ------
    ReadError
    """
    return open_source(path, hash_kind=job.plan.settings.output.hash, scratch=job.scratch)


def check_header(source: PixelSource, item: StepInput, path: str) -> RawHeader | None:
    """The header of an open file; a frame whose header is not what it was when the plan was made is refused.

    Raises
    ------
    InputChangedError
    """
    header: RawHeader | None = getattr(source, "header", None)
    if header is not None and header.header_hash != item.header_hash:
        raise InputChangedError(
            f"The header of {os.path.basename(path)} has changed since the plan was made.", mend="Make the plan again."
        )
    return header


def _failed(item: StepInput, error: ReadError, path: str) -> Excluded:
    return Excluded(path=item.path, code="frame_failed", reason=reason_of(error, path))


def _failed_finding(step: Step, error: ReadError, path: str) -> Finding:
    name = os.path.basename(path)
    return finding("frame_failed", step.id, f"{name} left out of {step.id}: {reason_of(error, path)}.")


def frame_failed(step: Step, item: StepInput, error: ReadError, path: str) -> tuple[Excluded, Finding]:
    """What is kept of a frame that failed while its pixels were read."""
    return _failed(item, error, path), _failed_finding(step, error, path)


def whole_frame(source: PixelSource, of: Step | LightStep | TellingLights) -> tuple[PixelSource, float]:
    """An open frame less the overscan of its parts, trimmed, and the level of its region of overscan, ADU.

    Raises
    ------
    ReadError
    """
    less, shift = _less_overscan(source, of)
    return (less if of.trim is None else CroppedSource(less, of.trim)), shift


def _less_overscan(source: PixelSource, of: Step | LightStep | TellingLights) -> tuple[PixelSource, float]:
    shift = 0.0 if of.overscan is None else region_median(source, of.overscan)
    return (OverscanView(source, of.overscan_parts) if of.overscan_parts else source), shift


def region_median(source: PixelSource, region: Region) -> float:
    """The median of a region of a frame, ADU.

    Raises
    ------
    ReadError
    """
    row_start, row_stop, col_start, col_stop = region
    pieces = []
    for tile in bands(source.shape[0], height=max(1, LEVEL_PIXELS // source.shape[1])):
        low, high = max(tile.start, row_start), min(tile.stop, row_stop)
        if low < high:
            band = source.read(tile)
            pieces.append(band[low - tile.start : high - tile.start, col_start:col_stop].ravel())
    values = np.concatenate(pieces)
    values = values[np.isfinite(values)]
    if not values.size:
        raise ReadError("The overscan region holds no values.", mend="Leave --overscan out.")
    return float(np.median(values))


def subtractions_of(
    step: Step | LightStep | TellingLights, job: Job, stack: contextlib.ExitStack
) -> tuple[tuple[Subtraction, ...], list[int], tuple[MasterRecord, ...]]:
    """What is subtracted, the index of each calibration among it (-1: nothing), and the masters used."""
    opened: dict[str, PixelSource] = {}
    records: dict[tuple[str, str], MasterRecord] = {}

    def source(role: str, ref: MasterRef, factor: float | None) -> PixelSource:
        path = master_path(ref, job)
        if path not in opened:
            found = open_frame(path, job)
            stack.callback(found.close)
            whole = CroppedSource(found, step.trim) if ref.crop and step.trim is not None else found
            opened[path] = whole if ref.scale == 1.0 else CalibratedView(whole, _times(ref.scale))
        name = os.path.basename(path)
        records.setdefault((role, path), MasterRecord(role=role, name=name, digest=ref.digest, factor=factor))
        return opened[path]

    made: list[Subtraction] = []
    which: list[int] = []
    for calibration in step.calibrations:
        if not calibration.masters:
            which.append(-1)
            continue
        made.append(_subtraction(calibration, source))
        which.append(len(made) - 1)
    masters = [
        msgspec.structs.replace(record, hash=opened[path].content_hash()) for (_, path), record in records.items()
    ]
    return tuple(made), which, tuple(masters)


def _subtraction(
    calibration: Calibration, source: Callable[[str, MasterRef, float | None], PixelSource]
) -> Subtraction:
    masters = calibration.masters
    if calibration.how in ("scaled_dark", "optimized_dark"):
        factor = 1.0 if calibration.factor is None else calibration.factor
        return Subtraction(
            first=source("dark", masters["dark"], factor), bias=source("bias", masters["bias"], None), factor=factor
        )
    role, ref = next(iter(masters.items()))
    return Subtraction(first=source(role, ref, None))


def _times(scale: float) -> Callable[[Tile], CalibrationTerms]:
    """The terms of a master whose values are multiplied."""
    return lambda _: CalibrationTerms(scale=scale)


def master_source(
    role: str, ref: MasterRef, trim: Region | None, job: Job, stack: contextlib.ExitStack
) -> tuple[PixelSource, MasterRecord]:
    """A master, open until ``stack`` is closed, and what is recorded of it.

    Raises
    ------
    ReadError
    """
    path = master_path(ref, job)
    source = open_frame(path, job)
    stack.callback(source.close)
    record = MasterRecord(role=role, name=os.path.basename(path), digest=ref.digest, hash=source.content_hash())
    return CroppedSource(source, trim) if ref.crop and trim is not None else source, record


def master_path(ref: MasterRef, job: Job) -> str:
    """Where a master lies.

    Raises
    ------
    EvenfieldError
        If the step that makes it has not made it.
    """
    if ref.path is not None:
        return ref.path
    result = job.results.get(ref.step or "")
    if result is None or not result.outputs:
        raise EvenfieldError(f"The master of step {ref.step} was not made.", code="needs_failed")
    return result.outputs[0]


def masters_by_role(step: Step | LightStep, job: Job) -> dict[str, str]:
    """Where the masters of a step lie, or which step was to make them, by role.

    Further ones of a role, such as darks of other exposures, are "dark_flat_2", "dark_flat_3".
    """
    refs = [(role, ref) for calibration in step.calibrations for role, ref in calibration.masters.items()]
    if isinstance(step, LightStep) and step.flat is not None:
        refs.append(("flat", step.flat))
    masters: dict[str, str] = {}
    for role, ref in refs:
        made = job.results.get(ref.step or "")
        path = ref.path or (made.outputs[0] if made and made.outputs else ref.step or "")
        name, number = role, 2
        while masters.get(name, path) != path:
            name, number = f"{role}_{number}", number + 1
        masters[name] = path
    return masters
