"""The examination of lights with their flat: will the flat work, and if not, why."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from evenfield.errors import MemoryBudgetError, ReadError, UsageError
from evenfield.examine.cause_findings import is_wrong, tell_cause
from evenfield.examine.cells import Cells
from evenfield.examine.correction import Correction, correction_findings, examine_correction
from evenfield.examine.frames import COLOR_WORDS
from evenfield.examine.geometry import Geometry, examine_geometry
from evenfield.examine.geometry_findings import geometry_findings
from evenfield.examine.inferred import DarkPattern, infer_pedestal, rescue_finding
from evenfield.examine.light_values import (
    LightValues,
    color_finding,
    color_ratios,
    light_values,
    pedestal_finding,
)
from evenfield.examine.limits import SATURATED_FROM
from evenfield.examine.relief import flat_relief, light_relief
from evenfield.examine.sky import cells_of_flat, cells_of_light, cells_of_pattern
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.causes import probability_key
from evenfield.model.events import Examining
from evenfield.model.findings import Finding
from evenfield.model.pixels import Float32Array, Tile
from evenfield.model.plan import LightStep, StepInput
from evenfield.model.report import OpenQuestion, StepResult, Verdict
from evenfield.model.verdict_limits import verdict_limits
from evenfield.model.wording import plural
from evenfield.plan.telling import WITH_DARK
from evenfield.run.examining import told_result
from evenfield.run.examining_causes import CauseFrames
from evenfield.run.examining_flats import other_flats
from evenfield.run.executors import work_through
from evenfield.run.frames import open_frame, whole_frame
from evenfield.run.job import Job
from evenfield.run.light_masters import LightMasters, open_light_masters

AFTERWARDS: Final = 2
"""Lights of a set that are looked at after other work, where nothing else is asked for."""

BYTES_A_PIXEL: Final = 40
"""What a thread holds of each pixel of a light while it reduces it: its values, masks and sums, several times over."""

LEAST_CHANCE: Final = 0.01
"""Causes that are less likely are left out of the measured values."""

THOROUGHLY: Final = 10
"""Lights of a set that are looked at where that is the work."""


def examine_lights(job: Job, *, thorough: bool = False) -> dict[str, StepResult]:
    """Examine some lights of every step with the flat they are divided by.

    Parameters
    ----------
    job : Job
        After its steps are done and their frames examined.
    thorough : bool
        Look at `THOROUGHLY` lights of a set instead of `AFTERWARDS`, where the settings do not say how many.

    Returns
    -------
    dict of str to StepResult
        The results of the lights, and those of their flats: what the lights say of a flat stands in both.
    """
    wanted = job.plan.settings.examine.lights
    most = wanted if wanted is not None else THOROUGHLY if thorough else AFTERWARDS
    made: dict[str, StepResult] = {}
    for index, step in enumerate(job.plan.lights, start=1 + len(job.plan.steps)):
        result = job.results.get(step.id)
        if result is None or not result.lights or most == 0:
            continue
        job.tell(Examining(step=step.id, title=step.title, index=index, total=len(job.plan.all_steps)))
        if step.flat is None:
            needs = "20 to 30 flats of their filter, camera and rotation, with dark flats or bias"
            question = OpenQuestion(question="Would flats make these lights even?", needs=needs)
            made[step.id] = msgspec.structs.replace(result, open=(question,))
            continue
        seen = _seen(step, result, job, most, thorough=thorough)
        if seen is None:
            continue
        findings, measured = (*seen.findings, *seen.own), {**seen.measured, **seen.of_lights}
        made[step.id] = told_result(result, findings, measured, open=seen.open, otherwise=seen.works)
        flat = made.get(step.flat.step or "") or job.results.get(step.flat.step or "")
        if flat is not None:
            made[flat.id] = _flat_told(flat, seen)
    return made


def _flat_told(flat: StepResult, seen: _Seen) -> StepResult:
    """What lights say of their flat. Where they cannot tell, it is as good as its frames are, and a question stays."""
    sure = tuple(one for one in seen.findings if CATALOGUE[one.code].verdict is not Verdict.CANNOT_TELL)
    unsure = [one for one in seen.findings if CATALOGUE[one.code].verdict is Verdict.CANNOT_TELL]
    question = tuple(
        OpenQuestion(question="Do these flats correct the lights, neither too much nor too little?", needs=one.mend)
        for one in unsure[:1]
    )
    sure = sure if seen.rescue is None else (*sure, seen.rescue)
    return told_result(flat, sure, seen.measured, open=(*question, *seen.open), otherwise="" if unsure else seen.works)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the lights say of their flat; ``works`` is the sentence where nothing is wrong.

    ``own`` and ``of_lights`` are about the lights alone; ``rescue`` is told of the flat alone.
    """

    findings: tuple[Finding, ...]
    own: tuple[Finding, ...]
    measured: dict[str, float | None]
    of_lights: dict[str, float | None]
    open: tuple[OpenQuestion, ...]
    works: str
    rescue: Finding | None = None


def _seen(step: LightStep, result: StepResult, job: Job, most: int, *, thorough: bool) -> _Seen | None:
    """Look at some lights; ``None`` where nothing can be read, or the frames are too small to say anything."""
    items = _spread(step, result, job, most)
    with contextlib.ExitStack() as stack:
        try:
            masters = open_light_masters(step, job, stack)
            if masters.flat is None or not items:
                return None
            lights = _Lights(step=step, result=result, masters=masters, job=job)
            flat = masters.flat.source.read(Tile(start=0, stop=masters.shape[0]))
            cfa = masters.flat.cfa
            shot = masters.flat.shot_adu
            noise = None if shot is None else np.sqrt(np.maximum(flat, np.float32(0)) * np.float32(shot))
            flats = cells_of_flat(flat, noise=noise, cfa=cfa)

            def reduced(item: StepInput) -> tuple[Cells, ...] | None:
                pixels = lights.read(item)
                return None if pixels is None else cells_of_light(pixels, flat=flat, cfa=cfa)

            threads = max(1, min(job.threads, job.budget_bytes // (BYTES_A_PIXEL * flat.size)))
            cells = [one for one in work_through(items, reduced, threads=threads, cancel=job.cancel) if one is not None]
            if not cells:
                return None
            correction = examine_correction(cells, flats=flats)
            rescue = _rescue(step, cells, flats, masters, job)
            gathered = CauseFrames(step, job, flat=flat, thorough=thorough)
            some = items[:: max(1, len(items) // AFTERWARDS)][:AFTERWARDS]
            values: list[LightValues] = []
            divide = masters.flat.divide(Tile(start=0, stop=masters.shape[0]))
            pattern = None if step.group.get("cfa") is None else str(step.group["cfa"])

            def passed() -> Iterator[Float32Array]:
                for item in items:
                    pixels = lights.read(item)
                    if pixels is not None:
                        gathered.add(item, pixels)
                        if item in some:
                            values.append(light_values(pixels, divide=divide, cfa=pattern))
                        yield pixels

            of_flat, of_light = flat_relief(flat, cfa=cfa), light_relief(passed(), cfa=cfa)
            geometry = examine_geometry(of_flat, light=of_light)
            other = other_flats(step, of_flat, of_light, job, cfa=cfa)
        except (ReadError, UsageError, MemoryBudgetError):
            return None
    name = step.id if step.flat is None else step.flat.step or step.flat.title
    found = (
        *geometry_findings(geometry, subject=name, shape=masters.shape),
        *correction_findings(correction, name=name),
    )
    causes = gathered.rank(
        geometry=geometry,
        correction=correction,
        levels_adu=(of_light.level_adu, of_flat.level_adu),
        wrong=is_wrong(found),
    )
    told = tell_cause(causes.ranking, evidence=causes.evidence, subject=name, findings=found, geometry=geometry)
    return _Seen(
        findings=(*told.findings, *other.findings),
        own=_own_findings(step, values, job),
        of_lights=_of_lights(values),
        measured={
            **_measured(correction, geometry, len(cells)),
            **{probability_key(cause): chance for cause, chance in causes.ranking.ranked if chance >= LEAST_CHANCE},
            **other.measured,
        },
        open=told.open,
        works=_works(correction, len(cells)),
        rescue=rescue,
    )


def _own_findings(step: LightStep, values: Sequence[LightValues], job: Job) -> tuple[Finding, ...]:
    limits = verdict_limits(job.plan.settings.examine.limits)
    recipe = step.recipe
    found = (
        color_finding(color_ratios(values), name=step.id, joint=recipe.cfa_flat == "joint", limits=limits),
        pedestal_finding(values, name=step.id, unsigned=recipe.sample == "uint16", pedestal=recipe.add_pedestal),
    )
    return tuple(one for one in found if one is not None)


def _of_lights(values: Sequence[LightValues]) -> dict[str, float | None]:
    """The pedestal that the lights need, and the colors of the sky before and after the flat."""
    made: dict[str, float | None] = {
        "pedestal_needed_adu": max((one.pedestal_adu for one in values), default=None),
    }
    for ratio in color_ratios(values):
        word = COLOR_WORDS[ratio.color]
        made[f"{word}_green_before"], made[f"{word}_green_after"] = ratio.before, ratio.after
    return made


def _rescue(
    step: LightStep, cells: Sequence[tuple[Cells, ...]], flats: tuple[Cells, ...], masters: LightMasters, job: Job
) -> Finding | None:
    """That the pedestal of flats can be inferred, where nothing was subtracted from them; else ``None``."""
    made = job.plan.step(step.flat.step or "") if step.flat is not None else None
    flat = masters.flat
    if (
        made is None
        or flat is None
        or job.plan.settings.calibration.mode != "auto"
        or any(one.how != "none" for one in made.calibrations)
        or any(one.how not in WITH_DARK for one in step.calibrations)
        or made.recipe.level != "none"
        or flat.shot_adu is None
    ):
        return None
    dark = masters.subtract(masters.which[0], Tile(start=0, stop=masters.shape[0]), None)
    if dark is None:
        return None
    inferred = infer_pedestal(
        cells,
        flats=flats,
        pattern=DarkPattern(cells=cells_of_pattern(dark, cfa=flat.cfa), of_bias=False),
    )
    return rescue_finding(inferred, name=made.id, n_lights=len(cells))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Lights:
    """Gives lights as they are before they are divided by their flat."""

    step: LightStep
    result: StepResult
    masters: LightMasters
    job: Job

    def read(self, item: StepInput) -> Float32Array | None:
        """A light minus what is subtracted from it, ADU; saturated pixels are NaN. ``None`` where it cannot be read."""
        step, path = self.step, self.job.input_path(item)
        record = next((one for one in self.result.lights if one.path == path), None)
        calibration = step.calibrations[item.calibration]
        at = self.masters.which[item.calibration]
        try:
            with contextlib.closing(open_frame(path, self.job)) as source:
                whole, shift = whole_frame(source, step)
                rows = Tile(start=0, stop=self.masters.shape[0])
                pixels = whole.read(rows)
        except ReadError:
            return None
        full = self.job.frame(item).full_scale_adu
        if full is not None:
            pixels[pixels >= np.float32(full * SATURATED_FROM)] = np.nan
        factor = record.factor if record is not None and calibration.how == "optimized_dark" else None
        subtract = self.masters.subtract(at, rows, factor)
        if subtract is not None:
            pixels -= subtract
        pixels -= np.float32(shift + (calibration.pedestal_adu or 0.0))
        return pixels


def _spread(step: LightStep, result: StepResult, job: Job, most: int) -> list[StepInput]:
    """Up to so many of the lights that were calibrated, evenly spread over the time in which they were taken."""
    done = {one.path for one in result.lights}
    items = [item for item in step.inputs if job.input_path(item) in done]
    items.sort(key=lambda item: (job.frame(item).taken_at or "", item.path))
    if len(items) <= most:
        return items
    return [items[round(number * (len(items) - 1) / max(most - 1, 1))] for number in range(most)]


def _measured(correction: Correction, geometry: Geometry, n_lights: int) -> dict[str, float | None]:
    """The numbers behind the verdict."""
    eta, corner = correction.eta, correction.corner
    return {
        "lights_examined": float(n_lights),
        "eta": None if eta is None else eta.value,
        "eta_error": None if eta is None else eta.error,
        "z": None if corner is None else abs(corner.scatters),
        "corner_error_share": None if corner is None else corner.value,
        "corner_error_share_error": None if corner is None else corner.error,
        "flat_angle_deg": geometry.angle_deg,
        "flat_shift_rows_px": geometry.shift_px[0],
        "flat_shift_columns_px": geometry.shift_px[1],
        "dust_shadows": float(geometry.n_shadows),
    }


def _works(correction: Correction, n_lights: int) -> str:
    corner = correction.corner
    if corner is None:
        return ""
    return (
        f"the sky of {plural(n_lights, 'light')} comes out even: corners within "
        f"{100 * abs(corner.value):.2f} +- {100 * corner.error:.2f} %"
    )
