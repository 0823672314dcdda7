"""How lights are calibrated: each frame by one thread, from reading to writing; none waits for another."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from evenfield.calibrate.frames import calibrate_frame
from evenfield.calibrate.optimize import DarkFit, DarkPixels, fit_dark
from evenfield.calibrate.overscan import OverscanView
from evenfield.combine.steps import STEP_PIXELS, step_of
from evenfield.errors import Cancelled, EvenfieldError, OutputExistsError, ReadError
from evenfield.examine.limits import WEAK
from evenfield.examine.statistics import median_of
from evenfield.model.calibration import CalibrationTerms
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.events import Progressed
from evenfield.model.frame import FrameInfo
from evenfield.model.pixels import Float32Array, Image, PixelFlag, Tile
from evenfield.model.plan import Calibration, Excluded, LightStep
from evenfield.model.report import InputRecord, LightRecord, MasterRecord, Provenance, StepResult, StepStatus, Verdict
from evenfield.read import CroppedSource, reason_of
from evenfield.run.cards import light_cards
from evenfield.run.done import existing_provenance
from evenfield.run.executors import work_through
from evenfield.run.frames import check_header, masters_by_role, open_frame, region_median
from evenfield.run.job import Job, check_unchanged
from evenfield.run.light_findings import FailedLight, failure_findings, light_findings
from evenfield.run.light_masters import DarkFacts, LightMasters, lights_at_once, noise_is_known, open_light_masters
from evenfield.run.loop import LEVEL_PIXELS
from evenfield.run.products import write_product
from evenfield.run.provenance import to_history
from evenfield.tiles import bands

MASK_NAME: Final = "MASK"
"""The name of the extension with `PixelFlag` bits."""

NOISE_NAME: Final = "NOISE"
"""The name of the extension with the standard deviation of each pixel."""


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

        def one(index: int) -> LightRecord | FailedLight:
            nonlocal done
            found = _calibrate_one(step, index, masters, job)
            with lock:
                done += 1
                job.tell(Progressed(step=step.id, done=done, total=len(step.inputs)))
            return found

        found = work_through(range(len(step.inputs)), one, threads=threads, cancel=job.cancel)
    return _result(step, masters, found, job, seconds=time.perf_counter() - began)


def _calibrate_one(step: LightStep, index: int, masters: LightMasters, job: Job) -> LightRecord | FailedLight:
    """One light; the boundary at which its error becomes a value."""
    item = step.inputs[index]
    path, output = job.input_path(item), job.product_path(step.outputs[index])
    try:
        known = existing_provenance(output, step.digests[index], job)
        if known is not None:
            return _reused(known, path, output)
        return _make_one(step, index, masters, job)
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


def _make_one(step: LightStep, index: int, masters: LightMasters, job: Job) -> LightRecord:
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
        whole = Tile(start=0, stop=masters.shape[0])
        pixels = (source if step.trim is None else CroppedSource(source, step.trim)).read(whole)
        low_clipped, light_step = _low_clipped(pixels, frame), _step(pixels, frame)
        mask = _raw_mask(pixels, frame) if step.recipe.maps else None
        if step.overscan_parts:
            less = OverscanView(source, step.overscan_parts)
            pixels = (less if step.trim is None else CroppedSource(less, step.trim)).read(whole)
        content_hash = source.content_hash()
    finally:
        source.close()
    told = masters.told[item.calibration]
    noise = np.empty(pixels.shape, np.float32) if mask is not None and noise_is_known(told, frame) else None
    at = masters.which[item.calibration]
    fit = None
    if at in masters.hot:
        fit = _fit(pixels, masters.hot[at], calibration, shift, frame)
    maps = _Maps(
        mask=mask,
        noise=noise,
        dark=told,
        mean_adu=told.mean_adu if calibration.how in ("dark", "bias") else None,
        egain_e_per_adu=frame.egain_e_per_adu,
        flat_shot_adu=None if masters.flat is None else masters.flat.shot_adu,
    )
    no_data, negative = _apply(pixels, masters, at, shift, None if fit is None else fit.factor, maps)
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
        step_adu=light_step,
    )
    provenance = _provenance(step, index, record, calibration, masters, content_hash, job)
    write_product(
        output,
        image=Image(pixels=pixels, maps=maps.by_name()),
        cards=light_cards(header, step, provenance, frame=frame, record=record),
        history=(*(header.history if header else ()), *to_history(provenance)),
        recipe=step.recipe,
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
    by_exposure = 1.0 if calibration.factor is None else calibration.factor
    if not hot.usable:
        return DarkFit(factor=by_exposure, error=math.inf, n=0)
    full = frame.saturation_adu or (65535.0 if frame.sample == "uint16" else None)
    found = fit_dark(pixels - np.float32(shift) if shift else pixels, pixels=hot, full_scale_adu=full)
    if math.isfinite(found.error):
        return found
    # Too few of them can be seen in this light.
    return DarkFit(factor=by_exposure, error=math.inf, n=found.n)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Maps:
    """What is written beside a light on request, and what its noise is computed from."""

    mask: NDArray[np.uint8] | None
    noise: Float32Array | None
    dark: DarkFacts
    mean_adu: float | None
    egain_e_per_adu: float | None
    flat_shot_adu: float | None = None

    def by_name(self) -> dict[str, NDArray[Any]]:
        """The extensions to write."""
        found: dict[str, NDArray[Any]] = {} if self.mask is None else {MASK_NAME: self.mask}
        return found if self.noise is None else {**found, NOISE_NAME: self.noise}

    def note(self, rows: slice, raw: Float32Array, terms: CalibrationTerms, flat: Float32Array | None) -> None:
        """Fill the rows of a band: ``raw`` is as it was read, ``flat`` the master flat before it is divided.

        The variance of a light is that of a dark of its exposure and of the master dark, with the shot noise of its
        light beyond the dark, and what the noise of the master flat makes of that light.
        """
        if self.mask is not None and flat is not None and terms.divide is not None:
            band = self.mask[rows]
            band[~(flat > 0)] |= np.uint8(PixelFlag.NOT_POSITIVE)
            band[terms.divide < WEAK] |= np.uint8(PixelFlag.WEAK)
        if self.noise is None or self.dark.noise_adu is None or self.egain_e_per_adu is None:
            return
        light = raw.astype(np.float64) - terms.shift
        if terms.subtract is not None:
            light -= terms.subtract
        # Where the dark is brighter than its mean, by hot pixels or glow, it is noisier by the shot noise of that.
        one = np.full(light.shape, self.dark.noise_adu**2)
        if terms.subtract is not None and self.mean_adu is not None:
            one = np.maximum(one + (terms.subtract - self.mean_adu) / self.egain_e_per_adu, 0.25 * one)
        share = ((self.dark.master_noise_adu or 0.0) / self.dark.noise_adu) ** 2 if self.dark.noise_adu else 0.0
        variance = one * (1.0 + share) + np.maximum(light, 0.0) / self.egain_e_per_adu
        if flat is not None and self.flat_shot_adu is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                variance += light**2 * (self.flat_shot_adu / flat)
        with np.errstate(invalid="ignore"):
            deviation = np.sqrt(variance)
        if terms.divide is not None:
            deviation /= terms.divide
        self.noise[rows] = deviation


def _step(pixels: Float32Array, frame: FrameInfo) -> float | None:
    """The step of a raw light's numbers, found in its first rows: 1, or 4, 16 where a driver multiplied them."""
    if not frame.sample.startswith(("int", "uint")):
        return None
    some = pixels[: max(1, STEP_PIXELS // pixels.shape[1])]
    some = some[np.isfinite(some)]
    if some.size == 0 or some.min() == some.max() or not np.array_equal(some, np.rint(some)):
        return None
    return float(step_of(some.astype(np.int64)))


def _apply(
    pixels: Float32Array,
    masters: LightMasters,
    at: int,
    shift: float,
    factor: float | None,
    maps: _Maps,
) -> tuple[int, int]:
    """Calibrate a light in place, a band at a time, in float64; how many pixels have no data, and are negative."""
    no_data = negative = 0
    subtraction = masters.subtractions[at] if at >= 0 else None
    if subtraction is not None and factor is not None:
        subtraction = dataclasses.replace(subtraction, factor=factor)
    for tile in bands(pixels.shape[0], height=max(1, LEVEL_PIXELS // 16 // pixels.shape[1])):
        subtract = None if subtraction is None else subtraction.read(tile)
        values, divide = (None, None) if masters.flat is None else masters.flat.band(tile)
        rows = slice(tile.start, tile.stop)
        terms = CalibrationTerms(subtract=subtract, shift=shift, divide=divide)
        maps.note(rows, pixels[rows], terms, values)
        pixels[rows] = calibrate_frame(pixels[rows], terms=terms)
        # Counted while they are in the processor's cache.
        finite = np.isfinite(pixels[rows])
        no_data += finite.size - int(np.count_nonzero(finite))
        negative += int(np.count_nonzero(pixels[rows] < 0))
        if maps.mask is not None:
            maps.mask[rows][~finite] |= np.uint8(PixelFlag.NO_DATA)
    return no_data, negative


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
