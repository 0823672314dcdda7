"""How one master is made: read this file first. A list of verbs."""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from collections.abc import Collection, Sequence
from typing import Final

import msgspec
import numpy as np

import evenfield
from evenfield.combine.bands import CombineRecipe
from evenfield.errors import CombineError, EvenfieldError, OutputExistsError, ReadError
from evenfield.examine.defects import find_defects
from evenfield.examine.frames import FrameLevel, judge_frames
from evenfield.examine.limits import SATURATED_FROM
from evenfield.examine.masters import Examination, MasterFacts, examine_dark, examine_flat, percent, verdict_of
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameKind
from evenfield.model.pixels import Float32Array, Image, Tile, Unit
from evenfield.model.plan import Excluded, Step, StepInput
from evenfield.model.rejections import Ccd, least_frames, rejection_text
from evenfield.model.report import InputRecord, Provenance, StepResult, StepStatus
from evenfield.model.wording import plural
from evenfield.normalize.bands import BandLevel
from evenfield.normalize.scales import frame_scales
from evenfield.normalize.unit import LevelResult, level_noise, unit_level
from evenfield.plan.defaults import recipe_of_auto
from evenfield.run.aim import Exposed, aim_mend
from evenfield.run.cards import product_cards
from evenfield.run.done import existing_product
from evenfield.run.executors import work_through
from evenfield.run.frames import OpenFrames, frame_failed, masters_by_role, opened_frames
from evenfield.run.job import Job
from evenfield.run.loop import (
    CombinedMaster,
    FrameFailedError,
    LoopControl,
    Stack,
    combine_stack,
    done_with,
    measure_levels,
    measure_median,
)
from evenfield.run.noise import CameraNoise, camera_noise, raw_step
from evenfield.run.pedestal import ToldPedestal, awaits_pedestal, tell_pedestal, with_pedestal
from evenfield.run.products import write_product
from evenfield.run.provenance import to_history


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The frames that take part, with their levels and scales, and what was left out on the way."""

    items: tuple[StepInput, ...]
    stack: Stack
    levels: tuple[BandLevel | None, ...]
    scales: tuple[float, ...]
    excluded: tuple[Excluded, ...]
    findings: tuple[Finding, ...]
    noise: CameraNoise | None = None
    step_adu: float | None = None
    told: ToldPedestal | None = None


def make_master(step: Step, *, job: Job) -> StepResult:
    """Make one master: open, measure, leave out, scale, combine, examine, level, write.

    Where the pedestal of flats is to be inferred, they are combined once before, as they are.

    Raises
    ------
    EvenfieldError
        If the step cannot be done; `run_plan` makes a FAILED result of it.
    """
    began = time.perf_counter()
    told, control = None, None
    if awaits_pedestal(step):
        told, control = _tell_pedestal(step, job)
        step = with_pedestal(step, told.inferred)
    with opened_frames(step, job) as frames:
        control = control or job.control(step, total_bytes=_bytes_to_read(step, frames))
        kept = _keep_good(step, frames, job, control)
        if told is not None:
            kept = dataclasses.replace(kept, told=told, findings=(*kept.findings, told.finding))
        step, kept, combined = _combine(step, kept, job, control)
        hashes = _hash(kept.stack, control)
    examination = _examine(step, kept, combined, job)
    leveled = _level(step, combined.value, job)
    provenance = _provenance(step, frames, kept, combined, (examination, leveled), hashes, job)
    settings = job.plan.settings
    try:
        path = write_product(
            job.output_path(step),
            image=_product(step, combined, leveled),
            cards=product_cards(step, provenance, frames=[job.frame(item) for item in kept.items]),
            history=to_history(provenance),
            recipe=step.recipe,
            # A product that is made afresh stands in its own way: any other was refused before.
            overwrite=settings.output.overwrite or settings.run.fresh,
        )
    except OutputExistsError:
        # Another process may have made the same in the meantime.
        found = existing_product(step, job)
        if found is None:
            raise
        seconds = time.perf_counter() - began
        return result_of(found, step, job.output_path(step), job, status=StepStatus.REUSED, seconds=seconds)
    done_with(combined)
    return result_of(provenance, step, path, job, status=StepStatus.DONE, seconds=time.perf_counter() - began)


def _tell_pedestal(step: Step, job: Job) -> tuple[ToldPedestal, LoopControl]:
    """Combine flats as they are and see what pedestal they hold; with the control that goes on counting bytes."""
    with opened_frames(step, job) as frames:
        control = job.control(step, total_bytes=2 * _bytes_to_read(step, frames))
        with_noise = dataclasses.replace(control, maps=True)
        kept = _keep_good(step, frames, job, with_noise)
        _, kept, combined = _combine(step, kept, job, with_noise)
        told = tell_pedestal(step, items=kept.items, stack=kept.stack, combined=combined, job=job)
    done_with(combined)
    return told, control


MAP_NAMES: Final = {"noise": "NOISE", "count": "USED", "rejected_low": "LOW", "rejected_high": "HIGH"}
"""The names of the extensions that maps become."""


def _product(step: Step, combined: CombinedMaster, leveled: LevelResult | None) -> Image:
    """The picture to write, with its maps; the noise is brought to the same level as the value."""
    maps = {MAP_NAMES[name]: values for name, values in combined.maps.items()}
    if maps:
        pattern = step.group.get("cfa")
        maps["DEFECTS"] = find_defects(
            combined.value,
            is_dark=step.kind is not FrameKind.FLAT,
            noise=combined.maps.get("noise"),
            cfa=str(pattern) if pattern else None,
        )
    if leveled is None:
        return Image(pixels=combined.value, maps=maps)
    if "NOISE" in maps:
        cfa = step.group.get("cfa")
        maps["NOISE"] = level_noise(maps["NOISE"], leveled=leveled, cfa=str(cfa) if cfa else None)
    return Image(pixels=leveled.pixels, unit=Unit.RELATIVE, maps=maps)


def result_of(
    provenance: Provenance, step: Step, path: str, job: Job, *, status: StepStatus, seconds: float = 0.0
) -> StepResult:
    """The result of a step whose product lies at ``path``, made now or found made."""
    roots = {item.path: job.input_path(item) for item in step.inputs}
    levels = tuple(record.level_adu for record in provenance.inputs)
    return StepResult(
        id=step.id,
        status=status,
        kind=step.kind,
        title=step.title,
        group=step.group,
        outputs=(path,),
        inputs=tuple(roots.get(record.path, record.path) for record in provenance.inputs),
        levels_adu=levels if any(level is not None for level in levels) else (),
        excluded=tuple(
            msgspec.structs.replace(one, path=os.path.normpath(os.path.join(job.plan.root, one.path)))
            for one in provenance.excluded
        ),
        masters=masters_by_role(step, job),
        measured=provenance.measured,
        verdict=provenance.verdict,
        why=provenance.why,
        because=provenance.because,
        findings=provenance.findings,
        seconds=seconds,
    )


def _bytes_to_read(step: Step, frames: OpenFrames) -> int:
    rows, columns = frames.stack.shape
    once = len(frames.items) * rows * columns * frames.stack.encoding.numpy_dtype.itemsize
    return once * 2 if step.kind is FrameKind.FLAT else once


def _keep_good(step: Step, frames: OpenFrames, job: Job, control: LoopControl) -> Kept:
    """Measure the flats' levels, leave out the frames that failed or are bad, and find the scales."""
    n = len(frames.items)
    if step.kind is not FrameKind.FLAT and step.recipe.scale == "none":
        return Kept(
            items=frames.items,
            stack=frames.stack,
            levels=(None,) * n,
            scales=(1.0,) * n,
            excluded=frames.excluded,
            findings=frames.findings,
        )
    measured = _measure_all(step, frames, job, control)
    excluded, findings = list(frames.excluded), list(frames.findings)
    gone: list[int] = []
    for index, one in enumerate(measured):
        if isinstance(one, ReadError):
            if job.plan.settings.run.strict:
                raise one
            item = frames.items[index]
            out, told = frame_failed(step, item, one, job.input_path(item))
            excluded.append(out)
            findings.append(told)
            gone.append(index)
    if len(gone) == n:
        raise ReadError(f"None of the frames of {step.id} can be read.", mend="Copy them again.")
    good = [(index, one) for index, one in enumerate(measured) if isinstance(one, _Measured)]
    if step.kind is FrameKind.FLAT and not step.recipe.keep_bad_frames:
        bad, told_bad = _judge(step, frames, good, job)
        excluded += bad.values()
        findings += told_bad
        gone += bad
    left = [(index, one) for index, one in good if index not in set(gone)]
    return Kept(
        items=tuple(frames.items[index] for index, _ in left),
        stack=frames.stack.without(gone),
        levels=tuple(one.level for _, one in left),
        scales=_scales(step, [one.scale_level for _, one in left]),
        excluded=tuple(excluded),
        findings=tuple(findings),
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    level: BandLevel
    scale_level: float | None


def _measure_all(step: Step, frames: OpenFrames, job: Job, control: LoopControl) -> list[_Measured | ReadError]:
    """Measure every frame; each thread takes an equal share of them."""
    n = len(frames.items)
    share = -(-n // control.threads)
    saturations = [saturation_of(step, item, job) for item in frames.items]

    def measure(indices: range) -> list[_Measured | ReadError]:
        levels = measure_levels(frames.stack, indices, saturations=saturations, control=control)
        return [_measured(step, frames, index, level, job) for index, level in zip(indices, levels, strict=True)]

    shares = [range(first, min(first + share, n)) for first in range(0, n, share)]
    found = work_through(shares, measure, threads=control.threads, cancel=control.cancel)
    return [one for part in found for one in part]


def _measured(
    step: Step, frames: OpenFrames, index: int, level: BandLevel | ReadError, job: Job
) -> _Measured | ReadError:
    """The level of one frame with the number that scales it."""
    if isinstance(level, ReadError) or step.recipe.scale != "median":
        return level if isinstance(level, ReadError) else _Measured(level=level, scale_level=level.mean)
    stack = frames.stack
    which = stack.which[index]
    try:
        median = measure_median(
            stack.sources[index],
            subtraction=stack.subtractions[which] if which >= 0 else None,
            shift=stack.shifts[index],
            saturation_adu=saturation_of(step, frames.items[index], job),
        )
    except ReadError as error:
        return error
    return _Measured(level=level, scale_level=median)


def full_scale_of(item: StepInput, job: Job) -> float | None:
    """The saturation level of a step's input, ADU."""
    return job.frame(item).full_scale_adu


def saturation_of(step: Step, item: StepInput, job: Job) -> float | None:
    """The raw value from which on a pixel counts as saturated; dark frames have none."""
    full = full_scale_of(item, job)
    return None if full is None or step.kind is not FrameKind.FLAT else SATURATED_FROM * full


def _judge(
    step: Step, frames: OpenFrames, good: Sequence[tuple[int, _Measured]], job: Job
) -> tuple[dict[int, Excluded], list[Finding]]:
    judgement = judge_frames([_frame_level(step, frames, index, one, job) for index, one in good])
    if judgement.most_are_bad:
        text = f"{step.id}: {len(judgement.bad)} of {len(good)} flats are far too dark or saturated; all were kept."
        return {}, [finding("most_frames_bad", step.id, text)]
    out: dict[int, Excluded] = {}
    told: list[Finding] = []
    for code in ("bad_level", "saturated_frame"):
        same = [one for one in judgement.bad if one.code == code]
        names = []
        for one in same:
            index = good[one.index][0]
            item = frames.items[index]
            out[index] = Excluded(path=item.path, code=code, reason=one.reason)
            names.append(os.path.splitext(os.path.basename(item.path))[0])
        if same:
            listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            question = " Panel off?" if code == "bad_level" else ""
            first = "" if len(same) == 1 else " the first:"
            text = f"{listed} left out{';' if first else ':'}{first} {same[0].reason}.{question}"
            gone = {one.index for one in judgement.bad if one.code != code}
            rest = [item for place, item in enumerate(good) if place not in gone]
            aim = _aim(frames, rest, job, {good[one.index][0] for one in same}) if code == "saturated_frame" else None
            mend = f"{aim} To keep it: --keep-bad-frames." if aim else None
            told.append(finding(code, step.id, text, mend=mend, fix=("--keep-bad-frames",)))
    return out, told


def _aim(
    frames: OpenFrames, flats: Sequence[tuple[int, _Measured]], job: Job, saturated: Collection[int]
) -> str | None:
    """What exposure saturated flats should have had; ``saturated`` are their places among all that were measured."""
    bad = [item for item in flats if item[0] in saturated]
    if not bad:
        return None
    stack, first = frames.stack, bad[0][0]
    which = stack.which[first]
    calibration = stack.shifts[first]
    if which >= 0:
        middle = stack.shape[0] // 2
        band = stack.subtractions[which].read(Tile(start=middle, stop=min(middle + AIM_ROWS, stack.shape[0])))
        finite = band[np.isfinite(band)]
        calibration += float(finite.mean(dtype=np.float64)) if finite.size else 0.0
    exposed = [
        Exposed(
            exposure_s=job.frame(frames.items[index]).exposure_s,
            level_adu=one.level.mean,
            saturated=index in saturated,
        )
        for index, one in flats
    ]
    return aim_mend(exposed, saturation_adu=full_scale_of(frames.items[first], job), calibration_adu=calibration)


ABOVE: Final = {
    "dark_flat": "its dark flat", "scaled_dark": "its scaled dark", "bias": "its bias", "pedestal": "its pedestal",
    "inferred": "its pedestal", "none": "zero, uncalibrated",
}  # fmt: skip
"""What a level is above, by the kind of calibration."""

AIM_ROWS: Final = 64
"""Rows of what is subtracted that tell its level."""


def _frame_level(step: Step, frames: OpenFrames, index: int, one: _Measured, job: Job) -> FrameLevel:
    known = saturation_of(step, frames.items[index], job) is not None
    counted = one.level.count + one.level.n_saturated
    item = frames.items[index]
    how = step.calibrations[item.calibration].how if step.calibrations else ""
    return FrameLevel(
        level_adu=one.level.mean,
        saturated=one.level.n_saturated / counted if known and counted else None,
        above=ABOVE.get(how, "its calibration"),
    )


def _scales(step: Step, levels: Sequence[float | None]) -> tuple[float, ...]:
    if step.recipe.scale == "none":
        return (1.0,) * len(levels)
    usable = [level for level in levels if level is not None and level > 0]
    if len(usable) < len(levels):
        # Frames without a level cannot be scaled; the examination says that the master is of no use.
        return (1.0,) * len(levels)
    return tuple(float(scale) for scale in frame_scales(np.array(levels, np.float64)))


def _combine(step: Step, kept: Kept, job: Job, control: LoopControl) -> tuple[Step, Kept, CombinedMaster]:
    """Combine what is kept; a frame that fails now is left out, and the rest is combined again.

    Where too few are left for the rejection that "auto" became, it becomes what the plan's rule says for so few.
    """
    while True:
        n = len(kept.items)
        step = _with_few(step, n, job) if n < len(step.inputs) else step
        if n < least_frames(step.recipe.rejection):
            raise CombineError(
                f"{step.id}: {rejection_text(step.recipe.rejection)} needs {least_frames(step.recipe.rejection)} "
                f"frames, {n} are left.",
                mend="Choose another --reject.",
                code="too_few_for_rejection",
            )
        try:
            noise = camera_noise(kept.stack, step=step, scales=kept.scales, egain=_egain(kept, job))
            quantum = _quantum(kept, job)
            recipe = CombineRecipe(
                method=step.recipe.method,
                rejection=noise.rejection,
                weights=1.0 / np.array(kept.scales) if step.recipe.weights == "level" else None,
                step=quantum * float(np.mean(kept.scales)),
                limits=step.recipe.limits,
                bias_adu=noise.bias_adu,
            )
            kept = dataclasses.replace(kept, noise=noise, step_adu=quantum or None)
            return step, kept, combine_stack(kept.stack, recipe=recipe, scales=kept.scales, control=control)
        except FrameFailedError as failed:
            if job.plan.settings.run.strict or n == 1:
                raise failed.error from None
            kept = _without(step, kept, failed, job)


def _with_few(step: Step, n: int, job: Job) -> Step:
    """The step as "auto" has it for the few frames that are left; with the reason, and a finding that says so."""
    recipe = recipe_of_auto(step, n_frames=n, settings=job.plan.settings)
    if recipe == step.recipe:
        return step
    because = tuple(one.replace(step.recipe.because, recipe.because) for one in step.because)
    code = "few_frames" if step.kind is FrameKind.FLAT else "few_dark_frames"
    told = finding(code, step.id, f"{step.id}: only {n} frame{'s' * (n != 1)} left; {recipe.because}.")
    return msgspec.structs.replace(step, recipe=recipe, because=because, findings=(*step.findings, told))


def _without(step: Step, kept: Kept, failed: FrameFailedError, job: Job) -> Kept:
    index = failed.index
    out, told = frame_failed(step, kept.items[index], failed.error, job.input_path(kept.items[index]))

    others = [i for i in range(len(kept.items)) if i != index]
    # A scale is mean(levels)/level: what is left has a mean of its own.
    scales = frame_scales(1.0 / np.array([kept.scales[i] for i in others], np.float64))
    return dataclasses.replace(
        kept,
        items=tuple(kept.items[i] for i in others),
        stack=kept.stack.without([index]),
        levels=tuple(kept.levels[i] for i in others),
        scales=tuple(float(scale) for scale in scales),
        excluded=(*kept.excluded, out),
        findings=(*kept.findings, told),
    )


def _quantum(kept: Kept, job: Job) -> float:
    """The step of the raw numbers, found in the data; 0 for floats."""
    if any(not job.frame(item).sample.startswith(("int", "uint")) for item in kept.items):
        return 0.0
    return float(raw_step(kept.stack))


def _egain(kept: Kept, job: Job) -> float | None:
    """What all headers agree on as e-/ADU."""
    found = {job.frame(item).egain_e_per_adu for item in kept.items}
    return found.pop() if len(found) == 1 else None


def _hash(stack: Stack, control: LoopControl) -> tuple[str, ...]:
    return tuple(
        work_through(
            stack.sources, lambda source: source.content_hash(), threads=control.threads, cancel=control.cancel
        )
    )


def _examine(step: Step, kept: Kept, combined: CombinedMaster, job: Job) -> Examination:
    each = functools.partial(work_through, threads=job.threads, cancel=job.cancel)
    if step.kind is not FrameKind.FLAT:
        return examine_dark(combined.value, name=step.id, each=each)
    levels = [level for level in kept.levels if level is not None]
    means = [level.mean for level in levels if level.mean is not None]
    scales = [full_scale_of(item, job) for item in kept.items]
    known = [scale for scale in scales if scale is not None]
    counted = sum(level.count + level.n_saturated for level in levels)
    facts = MasterFacts(
        name=step.id,
        level_adu=sum(means) / len(means) if len(means) == len(levels) and means else None,
        full_scale_adu=min(known) if len(known) == len(scales) and known else None,
        saturated=sum(level.n_saturated for level in levels) / counted if known and counted else None,
    )
    return examine_flat(combined.value, facts=facts, each=each)


def _level(step: Step, pixels: Float32Array, job: Job) -> LevelResult | None:
    """The master brought to its level, or ``None`` where it stays in ADU."""
    recipe = step.recipe
    if recipe.level == "none":
        return None
    cfa = step.group.get("cfa")
    full = full_scale_of(step.inputs[0], job)
    if recipe.level == "scaled-max" and full is None:
        raise EvenfieldError(
            f"{step.id}: --level scaled-max needs the saturation level, which the frames do not tell.",
            mend="Give it with --set '*:saturation_adu=65535'.",
            code="full_scale_unknown",
        )
    return unit_level(
        pixels,
        method=recipe.level,
        cfa=str(cfa) if recipe.per_cfa and cfa else None,
        full_scale_adu=full,
        flagged=~np.isfinite(pixels) | (pixels >= full) if full is not None else None,
    )


def _provenance(
    step: Step,
    frames: OpenFrames,
    kept: Kept,
    combined: CombinedMaster,
    made: tuple[Examination, LevelResult | None],
    hashes: Sequence[str],
    job: Job,
) -> Provenance:
    examination, leveled = made
    measured = dict(examination.measured)
    measured["frames"] = float(len(kept.items))
    measured["mean_exposure_s"] = _mean_known([job.frame(item).exposure_s for item in kept.items])
    measured["mean_sensor_c"] = _mean_known([job.frame(item).sensor_c for item in kept.items])
    measured["mean_noise_adu"] = combined.mean_noise
    measured["step_adu"] = kept.step_adu
    if kept.noise is not None and isinstance(kept.noise.rejection, Ccd):
        measured["read_noise_adu"] = kept.noise.rejection.read_noise_adu
        measured["egain_e_per_adu"] = kept.noise.rejection.egain_e_per_adu
        measured["bias_adu"] = kept.noise.bias_adu
    if kept.told is not None:
        measured |= kept.told.measured
    measured["rejected_low_share"] = combined.rejected_low / combined.samples if combined.samples else None
    measured["rejected_high_share"] = combined.rejected_high / combined.samples if combined.samples else None
    findings = [*_with_sizes(step.findings, measured), *kept.findings, *examination.findings]
    if leveled is not None and leveled.method == "scaled-max":
        text = f"{step.id}: {100 * leveled.vignetting_left:.1f} % of the vignetting stays in lights divided by it."
        findings.append(finding("scaled_max", step.id, text, fix=("--level", "mean")))
        measured["vignetting_left"] = leveled.vignetting_left
    verdict, why = verdict_of(tuple(findings), otherwise=_works_because(step, measured))
    settings = job.plan.settings
    return Provenance(
        version=evenfield.__version__,
        plan_digest=job.plan.digest,
        digest=step.digest,
        id=step.id,
        kind=step.kind,
        title=step.title,
        group=step.group,
        inputs=tuple(
            InputRecord(
                path=item.path,
                hash=hashed,
                calibration=item.calibration,
                level_adu=None if level is None else level.mean,
                scale=scale,
                shift_adu=shift,
            )
            for item, hashed, level, scale, shift in zip(
                kept.items, hashes, kept.levels, kept.scales, kept.stack.shifts, strict=True
            )
        ),
        excluded=(*step.excluded, *kept.excluded),
        calibrations=tuple(calibration.title for calibration in step.calibrations),
        masters=frames.masters,
        recipe=step.recipe,
        measured=measured,
        verdict=verdict,
        why=why,
        because=step.because,
        findings=tuple(findings),
        changed_by_user=(*settings.select.overrides, *settings.calibration.allow_mismatch),
    )


def _mean_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _with_sizes(findings: Sequence[Finding], measured: dict[str, float | None]) -> list[Finding]:
    """The plan's findings, those about bias left in the master with the size of what the eye will see."""
    effect = measured.get("corner_error_per_100_adu")
    told = []
    for one in findings:
        if one.code in ("uncalibrated", "no_precalibration") and effect is not None:
            size = f" Each 100 ADU of bias left leaves the corners {percent(effect)} too dark."
            one = msgspec.structs.replace(one, message=one.message + size)
        told.append(one)
    return told


def _works_because(step: Step, measured: dict[str, float | None]) -> str:
    n = int(measured.get("frames") or 0)
    if step.kind is not FrameKind.FLAT:
        return f"{plural(n, 'frame')}, no gross fault found"
    share = measured.get("level_share")
    light = "" if share is None else f"level {100 * share:.0f} % of full scale, "
    how = step.calibrations[0].title if step.calibrations else "nothing subtracted"
    return f"{light}{plural(n, 'frame')}, {how.split(':')[0]}"
