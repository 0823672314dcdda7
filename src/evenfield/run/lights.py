"""How lights are calibrated: each frame by one thread, from reading to writing; none waits for another."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from evenfield.calibrate.frames import calibrate_frame
from evenfield.calibrate.optimize import DarkFit, DarkPixels, find_dark_pixels, fit_dark
from evenfield.errors import EvenfieldError, MemoryBudgetError, OutputExistsError
from evenfield.examine.limits import WEAK
from evenfield.examine.statistics import median_of
from evenfield.model.calibration import CalibrationTerms
from evenfield.model.catalogue import finding
from evenfield.model.events import Progressed
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameInfo
from evenfield.model.pixels import Float32Array, Image, PixelFlag, PixelSource, Tile
from evenfield.model.plan import Calibration, Excluded, LightStep, StepInput
from evenfield.model.report import InputRecord, LightRecord, MasterRecord, Provenance, StepResult, StepStatus, Verdict
from evenfield.model.wording import name_files, plural
from evenfield.normalize.trimmed import divisor_band, trimmed_means
from evenfield.read import ArraySource, CroppedSource, reason_of
from evenfield.run.cards import light_cards
from evenfield.run.done import existing_provenance
from evenfield.run.executors import work_through
from evenfield.run.frames import check_header, master_source, open_frame, region_median, subtractions_of
from evenfield.run.job import Job, check_unchanged
from evenfield.run.loop import LEVEL_PIXELS, Subtraction
from evenfield.run.products import write_product
from evenfield.run.provenance import to_history
from evenfield.tiles import INTERPRETER_BYTES, LIGHT_BYTES, bands

MASK_NAME: Final = "MASK"
"""The name of the extension with `PixelFlag` bits."""

MANY_LOW: Final = 1e-4
"""The share of pixels at the least value from which on a light counts as cut off."""

MANY_NEGATIVE: Final = 0.6
"""The share of negative pixels that a sky without light and a right dark do not reach."""

GLOW_LIMIT: Final = 1.0
"""A glow as bright as the noise of a pixel of the master dark is seen in a picture."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Flat:
    """A master flat: its values, the mean of each color, and the pattern by which they are told apart."""

    source: PixelSource
    means: dict[str, float]
    cfa: str | None

    def band(self, tile: Tile) -> tuple[Float32Array, Float32Array]:
        """Rows of the flat, and what a light is divided by there."""
        values = self.source.read(tile)
        return values, divisor_band(values, row_start=tile.start, means=self.means, cfa=self.cfa)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Masters:
    """All that lights are calibrated with; ``which`` indexes ``subtractions`` by calibration, or is -1."""

    subtractions: tuple[Subtraction, ...]
    which: tuple[int, ...]
    flat: _Flat | None
    hot: Mapping[int, DarkPixels]
    records: tuple[MasterRecord, ...]
    shape: tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    """A light that was not calibrated."""

    item: StepInput
    code: str
    reason: str
    mend: str


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
        masters = _open_masters(step, job, stack)
        threads = _threads(step, masters, job)

        def one(index: int) -> LightRecord | _Failed:
            nonlocal done
            found = _calibrate_one(step, index, masters, job)
            with lock:
                done += 1
                job.tell(Progressed(step=step.id, done=done, total=len(step.inputs)))
            return found

        found = work_through(range(len(step.inputs)), one, threads=threads, cancel=job.cancel)
    return _result(step, masters, found, job, seconds=time.perf_counter() - began)


def _open_masters(step: LightStep, job: Job, stack: contextlib.ExitStack) -> _Masters:
    subtractions, which, records = subtractions_of(step, job, stack)
    shape = _shape(step, job)
    rows = Tile(start=0, stop=shape[0])
    flat = None
    if step.flat is not None:
        source, record = master_source("flat", step.flat, step.trim, job, stack)
        values = source.read(rows)
        colors = _cfa(step) if step.recipe.cfa_flat == "separate" else None
        flat = _Flat(source=source, means=trimmed_means(values, cfa=colors), cfa=colors)
        records = (*records, record)
        del values
    hot: dict[int, DarkPixels] = {}
    for index, calibration in enumerate(step.calibrations):
        at = which[index]
        if calibration.how == "optimized_dark" and at >= 0 and at not in hot:
            one = subtractions[at]
            assert one.bias is not None
            hot[at] = find_dark_pixels(one.first.read(rows), bias=one.bias.read(rows), cfa=_cfa(step))
    held = _held(subtractions, flat, shape, job)
    return _Masters(
        subtractions=held[0], which=tuple(which), flat=held[1], hot=hot, records=tuple(records), shape=shape
    )


def _cfa(step: LightStep) -> str | None:
    cfa = step.group.get("cfa")
    return None if cfa is None else str(cfa)


def _held(
    subtractions: Sequence[Subtraction], flat: _Flat | None, shape: tuple[int, int], job: Job
) -> tuple[tuple[Subtraction, ...], _Flat | None]:
    """The masters in memory where a third of the budget holds all of them; else they are read for every light."""
    sources = {id(one.first): one.first for one in subtractions}
    sources |= {id(one.bias): one.bias for one in subtractions if one.bias is not None}
    if flat is not None:
        sources[id(flat.source)] = flat.source
    if len(sources) * 4 * shape[0] * shape[1] > job.budget_bytes // 3:
        return tuple(subtractions), flat
    rows = Tile(start=0, stop=shape[0])
    held: dict[int, PixelSource] = {key: ArraySource(source.read(rows)) for key, source in sources.items()}
    kept = tuple(
        dataclasses.replace(one, first=held[id(one.first)], bias=None if one.bias is None else held[id(one.bias)])
        for one in subtractions
    )
    return kept, None if flat is None else dataclasses.replace(flat, source=held[id(flat.source)])


def _shape(step: LightStep, job: Job) -> tuple[int, int]:
    if step.trim is not None:
        return step.trim[1] - step.trim[0], step.trim[3] - step.trim[2]
    return job.frame(step.inputs[0]).setup.shape


def _threads(step: LightStep, masters: _Masters, job: Job) -> int:
    """As many lights at a time as the memory holds."""
    pixels = masters.shape[0] * masters.shape[1]
    held = {id(one.first) for one in masters.subtractions if isinstance(one.first, ArraySource)}
    held |= {id(one.bias) for one in masters.subtractions if isinstance(one.bias, ArraySource)}
    n_held = len(held) + (masters.flat is not None and isinstance(masters.flat.source, ArraySource))
    left = job.budget_bytes - INTERPRETER_BYTES - 4 * n_held * pixels
    threads = left // (LIGHT_BYTES * pixels)
    if threads < 1:
        needed = INTERPRETER_BYTES + (LIGHT_BYTES + 12) * pixels
        raise MemoryBudgetError(
            f"The memory budget of {job.budget_bytes / 2**20:.0f} MiB does not hold a light of {step.id}.",
            mend=f"Give at least --memory {needed / 2**20 + 1:.0f}MiB.",
        )
    return min(threads, job.threads)


def _calibrate_one(step: LightStep, index: int, masters: _Masters, job: Job) -> LightRecord | _Failed:
    """One light; the boundary at which its error becomes a value."""
    item = step.inputs[index]
    path, output = job.input_path(item), job.product_path(step.outputs[index])
    try:
        known = existing_provenance(output, step.digests[index], job)
        if known is not None:
            return _reused(known, path, output)
        return _make_one(step, index, masters, job)
    except OutputExistsError as error:
        return _Failed(item=item, code="output_exists", reason=error.message, mend=error.mend)
    except EvenfieldError as error:
        if job.plan.settings.run.strict:
            raise
        return _Failed(item=item, code="frame_failed", reason=reason_of(error, path), mend=error.mend)


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
    )


def _make_one(step: LightStep, index: int, masters: _Masters, job: Job) -> LightRecord:
    item = step.inputs[index]
    path, output = job.input_path(item), job.product_path(step.outputs[index])
    calibration = step.calibrations[item.calibration]
    frame = job.frame(item)
    check_unchanged(item, path)
    source = open_frame(path, job)
    try:
        header = check_header(source, item, path)
        shift = 0.0 if step.overscan is None else region_median(source, step.overscan)
        shift += calibration.pedestal_adu or 0.0
        pixels = (source if step.trim is None else CroppedSource(source, step.trim)).read(
            Tile(start=0, stop=masters.shape[0])
        )
        content_hash = source.content_hash()
    finally:
        source.close()
    low_clipped = _low_clipped(pixels, frame)
    mask = _raw_mask(pixels, frame) if step.recipe.maps else None
    at = masters.which[item.calibration]
    fit = None
    if at in masters.hot:
        fit = _fit(pixels, masters.hot[at], calibration, shift, frame)
    _apply(pixels, masters, at, shift, None if fit is None else fit.factor, mask)
    no_data = pixels.size - int(np.count_nonzero(np.isfinite(pixels)))
    median = median_of(pixels, pixels.size - no_data)
    pedestal = _pedestal(pixels, step)
    if pedestal:
        pixels += np.float32(pedestal)
    negative = int(np.count_nonzero(pixels < 0))
    clipped = _clip(pixels) if step.recipe.sample == "uint16" else 0
    record = LightRecord(
        path=path,
        output=output,
        factor=calibration.factor if fit is None else fit.factor,
        factor_error=None if fit is None else fit.error,
        shift_adu=shift,
        median_adu=median,
        pedestal_adu=pedestal,
        negative=negative,
        no_data=no_data,
        low_clipped=low_clipped,
        clipped=clipped,
    )
    provenance = _provenance(step, index, record, calibration, masters, content_hash, job)
    write_product(
        output,
        image=Image(pixels=pixels, maps={} if mask is None else {MASK_NAME: mask}),
        cards=light_cards(header, step, provenance, frame=frame, record=record),
        history=(*(header.history if header else ()), *to_history(provenance)),
        sample=step.recipe.sample,
        target=step.recipe.target,
        overwrite=job.plan.settings.output.overwrite or job.plan.settings.run.fresh,
    )
    return record


def _low_clipped(pixels: Float32Array, frame: FrameInfo) -> int:
    """Pixels at the least value that an unsigned integer can hold."""
    if not frame.sample.startswith("uint"):
        return 0
    return int(np.count_nonzero(pixels <= 0.0))


def _raw_mask(pixels: Float32Array, frame: FrameInfo) -> NDArray[np.uint8]:
    mask = np.zeros(pixels.shape, np.uint8)
    full = frame.saturation_adu
    if full is None and frame.sample == "uint16":
        full = 65535.0
    if full is not None:
        mask[pixels >= full] |= np.uint8(PixelFlag.SATURATED)
    return mask


def _fit(
    pixels: Float32Array,
    hot: DarkPixels,
    calibration: Calibration,
    shift: float,
    frame: FrameInfo,
) -> DarkFit:
    """The factor of the dark for one light; where its signal is too weak, that of the exposures."""
    if not hot.usable:
        return DarkFit(factor=1.0 if calibration.factor is None else calibration.factor, error=float("inf"), n=0)
    full = frame.saturation_adu or (65535.0 if frame.sample == "uint16" else None)
    return fit_dark(pixels - np.float32(shift) if shift else pixels, pixels=hot, full_scale_adu=full)


def _apply(
    pixels: Float32Array,
    masters: _Masters,
    at: int,
    shift: float,
    factor: float | None,
    mask: NDArray[np.uint8] | None,
) -> None:
    """Calibrate a light in place, a band at a time, in float64."""
    subtraction = masters.subtractions[at] if at >= 0 else None
    if subtraction is not None and factor is not None:
        subtraction = dataclasses.replace(subtraction, factor=factor)
    for tile in bands(pixels.shape[0], height=max(1, LEVEL_PIXELS // 16 // pixels.shape[1])):
        subtract = None if subtraction is None else subtraction.read(tile)
        values, divide = (None, None) if masters.flat is None else masters.flat.band(tile)
        rows = slice(tile.start, tile.stop)
        terms = CalibrationTerms(subtract=subtract, shift=shift, divide=divide)
        pixels[rows] = calibrate_frame(pixels[rows], terms=terms)
        if mask is not None:
            band = mask[rows]
            band[~np.isfinite(pixels[rows])] |= np.uint8(PixelFlag.NO_DATA)
            if values is not None and divide is not None:
                band[~(values > 0)] |= np.uint8(PixelFlag.NOT_POSITIVE)
                band[divide < WEAK] |= np.uint8(PixelFlag.WEAK)


def _pedestal(pixels: Float32Array, step: LightStep) -> float:
    """What is added to a light: whole ADU, so that it can be taken away exactly."""
    rule, amount = step.recipe.add_pedestal, step.recipe.pedestal
    if rule == "none":
        return 0.0
    if rule == "adu":
        return amount
    finite = pixels[np.isfinite(pixels)]
    below = int(amount * finite.size)
    if not finite.size or int(np.count_nonzero(finite < 0)) <= below:
        return 0.0
    return float(np.ceil(-float(np.partition(finite, below)[below])))


def _clip(pixels: Float32Array) -> int:
    """Cut off what uint16 cannot hold, and say how many pixels that were; no data becomes 0."""
    outside = ~((pixels >= 0.0) & (pixels <= 65535.0))
    pixels[np.isnan(pixels)] = 0.0
    np.clip(pixels, 0.0, 65535.0, out=pixels)
    return int(np.count_nonzero(outside))


def _provenance(
    step: LightStep,
    index: int,
    record: LightRecord,
    calibration: Calibration,
    masters: _Masters,
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
    step: LightStep, masters: _Masters, found: Sequence[LightRecord | _Failed], job: Job, *, seconds: float
) -> StepResult:
    records = tuple(one for one in found if isinstance(one, LightRecord))
    failed = [one for one in found if isinstance(one, _Failed)]
    findings = [*step.findings, *_failures(step, failed), *_light_findings(step, masters, records)]
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
        excluded=tuple(Excluded(path=job.input_path(one.item), code=one.code, reason=one.reason) for one in failed),
        masters=_master_paths(step, job),
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


def _master_paths(step: LightStep, job: Job) -> dict[str, str]:
    found: dict[str, str] = {}
    refs = [(role, ref) for one in step.calibrations for role, ref in one.masters.items()]
    if step.flat is not None:
        refs.append(("flat", step.flat))
    for role, ref in refs:
        made = job.results.get(ref.step or "")
        path = ref.path or (made.outputs[0] if made and made.outputs else ref.step or "")
        name, number = role, 2
        while found.get(name, path) != path:
            name, number = f"{role}_{number}", number + 1
        found[name] = path
    return found


def _failures(step: LightStep, failed: Sequence[_Failed]) -> list[Finding]:
    """One finding for each reason: many files that are in the way are one fault."""
    told = []
    exists = [one for one in failed if one.code == "output_exists"]
    if exists:
        text = f"{step.id}: {plural(len(exists), 'light')} not made; the first: {exists[0].reason}"
        told.append(finding("output_exists", step.id, text, mend=exists[0].mend, fix=("--overwrite",)))
    for one in failed:
        if one.code != "output_exists":
            name = os.path.basename(one.item.path)
            told.append(finding(one.code, step.id, f"{name} not calibrated: {one.reason}.", mend=one.mend or None))
    return told


def _light_findings(step: LightStep, masters: _Masters, records: Sequence[LightRecord]) -> list[Finding]:
    pixels = masters.shape[0] * masters.shape[1]
    told: list[Finding] = []

    def about(code: str, some: Sequence[LightRecord], what: str) -> None:
        if some:
            names = name_files([one.path for one in some])
            told.append(finding(code, step.id, f"{step.id}: {what} in {plural(len(some), 'light')}: {names}."))

    low = [one for one in records if one.low_clipped > MANY_LOW * pixels]
    most = max((one.low_clipped for one in low), default=0)
    about("low_clipped", low, f"up to {most} pixels ({100 * most / pixels:.2g} %) at 0")
    negative = [one for one in records if one.negative > MANY_NEGATIVE * pixels]
    share = max((one.negative for one in negative), default=0) / pixels
    about("negative_pixels", negative, f"up to {100 * share:.0f} % of the pixels are negative")
    clipped = [one for one in records if one.clipped]
    most = max((one.clipped for one in clipped), default=0)
    about("values_clipped", clipped, f"up to {most} values cut off")
    return told + _dark_findings(step, masters, records)


def _dark_findings(step: LightStep, masters: _Masters, records: Sequence[LightRecord]) -> list[Finding]:
    """What optimizing found of darks: no correlation, too little signal, glow."""
    told: list[Finding] = []
    fitted = [one for one in records if one.factor is not None and one.factor_error is not None]
    lost = [
        one
        for one in fitted
        if np.isfinite(one.factor_error or 0.0) and (one.factor or 0.0) <= max(3.0 * (one.factor_error or 0.0), 0.02)
    ]
    if lost:
        names = name_files([one.path for one in lost])
        text = f"{step.id}: no correlation with the dark in {plural(len(lost), 'light')}: {names}."
        told.append(finding("dark_no_correlation", step.id, text))
    for at, hot in masters.hot.items():
        title = next(one.title for one, which in zip(step.calibrations, masters.which, strict=True) if which == at)
        if not hot.usable:
            text = f"{step.id}: only {plural(hot.rows.size, 'hot pixel')} stand out ({title})."
            told.append(finding("dark_signal_too_weak", step.id, text))
        scaled = [one.factor for one in fitted if one.factor is not None and abs(one.factor - 1.0) > 0.05]
        if scaled and hot.glow_adu > max(5.0 * hot.glow_noise_adu, GLOW_LIMIT * hot.noise_adu):
            text = (
                f"{step.id}: part of the dark glows {hot.glow_adu:.1f} ADU brighter than its middle (noise "
                f"{hot.noise_adu:.1f}), and was scaled by {scaled[0]:.2f}."
            )
            told.append(finding("amplifier_glow", step.id, text))
    return told
