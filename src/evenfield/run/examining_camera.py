"""What a set of flats and its dark frames tell of the camera: photon transfer, and whether a bias would be enough."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from evenfield.errors import EvenfieldError, ReadError, UsageError
from evenfield.examine.bias_or_dark_flat import DarkFlatAnswer, bias_or_dark_flats, flat_levels
from evenfield.examine.camera_findings import choice_findings, more_flats_findings, transfer_findings
from evenfield.examine.dark_sets import DarkSet
from evenfield.examine.flat_noise import camera_noise, master_flat_noise, more_flats
from evenfield.examine.transfer import TransferFrames
from evenfield.examine.transfer_curve import measure_transfer
from evenfield.examine.transfer_values import PhotonTransfer
from evenfield.model.findings import Finding
from evenfield.model.frame import SETUP_KEYS, FrameKind
from evenfield.model.pixels import Float32Array
from evenfield.model.plan import LightStep, Step, StepInput
from evenfield.model.plots import Plot, Series
from evenfield.model.report import StepResult
from evenfield.run.executors import work_through
from evenfield.run.frames import open_frame
from evenfield.run.job import Job, ended_well
from evenfield.run.looking import Looking

AFTERWARDS: Final = 5
"""Flats, and as many dark frames, that are compared after other work: read noise within some 5 %."""


SAME_EXPOSURE: Final = 0.05
"""Dark flats whose exposure differs by no more are those of the flats."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SeenCamera:
    """Findings, measured values and the curve."""

    findings: tuple[Finding, ...]
    measured: dict[str, float | None]
    plots: tuple[Plot, ...] = ()


def examine_camera(
    step: Step, result: StepResult, items: Sequence[StepInput], job: Job, *, thorough: bool
) -> SeenCamera:
    """Compare flats with one another, and with their dark frames.

    Parameters
    ----------
    step : Step
        Of flats; ``items`` are those that took part, in the order in which they were taken.
    result : StepResult
    job : Job
    thorough : bool
        Take all frames, whole; else a few, in bands of rows.
    """
    flats_at = Looking(step, job, thorough=thorough)
    most = len(items) if thorough else AFTERWARDS
    found = _transfer(step, items[:most], flats_at, job, most=None if thorough else most)
    if found is None:
        return SeenCamera(findings=(), measured={})
    egain, read = found.egain_e_per_adu, found.read_noise_adu
    measured = {
        "transfer_egain_e_per_adu": None if egain is None else egain.value,
        "transfer_egain_error": None if egain is None else egain.error,
        "transfer_read_noise_adu": None if read is None else read.value,
        "transfer_read_noise_error": None if read is None else read.error,
        "converter_step_adu": found.step_adu,
    }
    header = job.frame(items[0]).egain_e_per_adu
    findings = list(transfer_findings(found, name=step.id, egain=header))
    camera, level = camera_noise(found), result.measured.get("level_adu")
    if camera is not None and level is not None and level > 0:
        noise = master_flat_noise(camera, level_adu=level, n_flats=len(items), n_dark_flats=_n_darks(step, job))
        measured["master_noise_share"] = noise
        findings += _choice(step, level, noise, flats_at, job)
        sky = _sky(step, job)
        if sky is not None:
            more = more_flats(noise, camera=camera, sky_adu=sky, n_flats=len(items), n_more=max(len(items), 10))
            measured["light_noise_share_by_flat"] = more.share_now
            measured["light_noise_share_by_twice_as_many"] = more.share_then
            findings += more_flats_findings(more, name=step.id)
    return SeenCamera(findings=tuple(findings), measured=measured, plots=_curve(found))


def _curve(found: PhotonTransfer) -> tuple[Plot, ...]:
    """The photon transfer curve: the variance of a pixel against its level, of each color."""
    series = tuple(
        Series(
            name=plane.color or "all pixels",
            x=tuple(point.level_adu for point in plane.points),
            y=tuple(point.variance_adu2 for point in plane.points),
            error=tuple(point.error_adu2 for point in plane.points),
            style="points",
        )
        for plane in found.planes
        if plane.points
    )
    egain, read = found.egain_e_per_adu, found.read_noise_adu
    if not series or egain is None:
        return ()
    says = f"The slope gives {egain.value:.4g} +- {egain.error:.2g} e-/ADU"
    says += "" if read is None else f", the dark frames {read.value:.3g} +- {read.error:.2g} ADU of read noise"
    says += f"; {found.n_flats} flats and {found.n_darks} dark frames were compared."
    return (
        Plot(
            title="Photon transfer",
            x_label="level above the dark, ADU",
            y_label="variance of a pixel, ADU squared",
            series=series,
            says=says,
        ),
    )


def _transfer(
    step: Step, items: Sequence[StepInput], flats_at: Looking, job: Job, *, most: int | None
) -> PhotonTransfer | None:
    full = job.frame(items[0]).full_scale_adu
    dark_step = _step_of_darks(step, job)
    try:
        darks = None
        pedestal = step.calibrations[0].pedestal_adu or 0.0 if step.calibrations else 0.0
        if dark_step is not None:
            darks_at = Looking(dark_step, job, thorough=flats_at.thorough)
            for pixels in _frames(dark_step.inputs[:most], darks_at, job):
                if darks is None:
                    darks = TransferFrames(pixels.shape, is_flat=False, cfa=flats_at.cfa)
                darks.add(pixels)
            if darks is not None and darks.levels_adu:
                pedestal = float(np.mean(darks.levels_adu))
        flats = None
        for pixels in _frames(items, flats_at, job):
            if flats is None:
                flats = TransferFrames(
                    pixels.shape, is_flat=True, cfa=flats_at.cfa, pedestal_adu=pedestal, saturation_adu=full
                )
            flats.add(pixels)
        return None if flats is None or flats.n_frames < 2 else measure_transfer(flats, darks=darks)
    except UsageError:
        # Too small, or dark frames of another size: nothing to be told.
        return None


def _frames(items: Sequence[StepInput], at: Looking, job: Job) -> Iterator[Float32Array]:
    """The pixels of frames in their order, the next ones read meanwhile; what cannot be read is left out."""
    for start in range(0, len(items), job.threads):
        some = work_through(items[start : start + job.threads], at.pixels, threads=job.threads, cancel=job.cancel)
        yield from (pixels for pixels in some if pixels is not None)


def _step_of_darks(step: Step, job: Job) -> Step | None:
    """The step whose frames were subtracted from the flats: dark flats before bias."""
    for calibration in step.calibrations:
        for role in ("dark_flat", "bias"):
            ref = calibration.masters.get(role)
            found = job.plan.step(ref.step) if ref is not None and ref.step is not None else None
            if found is not None:
                return found
    return None


def _n_darks(step: Step, job: Job) -> int | None:
    found = _step_of_darks(step, job)
    return None if found is None else len(found.inputs)


def _sky(step: Step, job: Job) -> float | None:
    """The sky of lights that are divided by this flat, ADU above their dark."""
    skies = [
        median
        for light in job.plan.lights
        if light.flat is not None and light.flat.step == step.id and light.id in job.results
        for median in [job.results[light.id].measured.get("median_adu")]
        if median is not None and median > 0
    ]
    return float(np.median(skies)) if skies else None


def _choice(step: Step, level_adu: float, noise: float, flats_at: Looking, job: Job) -> tuple[Finding, ...]:
    """Whether bias is enough, where there are both dark flats and a bias of the flats' settings."""
    used = next((one.masters["dark_flat"].step for one in step.calibrations if "dark_flat" in one.masters), None)
    dark_step = job.plan.step(used) if used is not None else _dark_flats_like(step, job)
    bias_step = bias_like(step, job)
    if dark_step is None or bias_step is None:
        return ()
    try:
        dark, bias = (_dark_set(one, flats_at, job) for one in (dark_step, bias_step))
        with contextlib.closing(open_frame(job.output_path(step), job)) as source:
            master = flats_at.rows(source, trimmed=True)
        mean = float(np.nanmean(master))
        master *= np.float32(level_adu / mean if mean > 0 else 1.0)
        levels = flat_levels(master, noise_share=noise, cfa=flats_at.cfa)
        choice = bias_or_dark_flats(dark, bias=bias, flat=levels)
    except EvenfieldError:
        return ()
    # What is needed and was used is no fault.
    needed = choice.answer is DarkFlatAnswer.DARK_FLATS_ARE_NEEDED
    return () if used is not None and needed else choice_findings(choice, name=step.id)


def _dark_flats_like(step: Step, job: Job) -> Step | None:
    """A step that made dark flats of the flats' settings and exposure, which were not used."""
    exposure = job.frame(step.inputs[0]).exposure_s
    for one in job.plan.steps:
        if one.kind is not FrameKind.DARK_FLAT or not _same_settings(one, step) or not ended_well(job.results[one.id]):
            continue
        other = job.frame(one.inputs[0]).exposure_s
        if exposure is not None and other is not None and abs(other - exposure) <= SAME_EXPOSURE * exposure:
            return one
    return None


def _same_settings(one: Step, step: Step | LightStep) -> bool:
    return all(one.group.get(key) == value for key, value in step.group.items() if key in SETUP_KEYS and key != "cfa")


def bias_like(step: Step | LightStep, job: Job) -> Step | None:
    """A step that made a bias of the same camera settings, of the same set temperature where there is one."""
    alike = [
        one
        for one in job.plan.steps
        if one.kind is FrameKind.BIAS and ended_well(job.results.get(one.id)) and _same_settings(one, step)
    ]
    alike.sort(key=lambda one: one.group.get("set_c") != step.group.get("set_c"))
    return alike[0] if alike else None


def _dark_set(step: Step, flats_at: Looking, job: Job) -> DarkSet:
    at = Looking(step, job, thorough=flats_at.thorough)
    made = None
    for pixels in _frames(step.inputs, at, job):
        if made is None:
            made = DarkSet(pixels.shape, cfa=flats_at.cfa)
        made.add(pixels)
    if made is None:
        raise ReadError(f"None of the frames of {step.id} can be read.")
    return made
