"""The examination of what a run read and made: one verdict a set of frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from evenfield.errors import EvenfieldError, ReadError
from evenfield.examine.frames import color_aims
from evenfield.examine.grids import GRID, FrameGrid, PairNoise, frame_grid, hot_places, pair_noise
from evenfield.examine.limits import SATURATED_FROM
from evenfield.examine.masters import verdict_of
from evenfield.examine.planes import PlaneStatistics, plane_statistics
from evenfield.examine.set_findings import (
    bright_color_finding,
    dark_findings,
    flat_findings,
    panel_finding,
    shutter_finding,
    stars_finding,
    weak_color_finding,
)
from evenfield.examine.sets import FlatSet, dark_set, flat_set, panel_light
from evenfield.examine.shutter import ShutterShadow, shutter_shadow
from evenfield.model.events import Examining
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameKind
from evenfield.model.mosaic import period_of
from evenfield.model.pixels import Float64Array
from evenfield.model.plan import Calibration, Step, StepInput
from evenfield.model.plots import Plot
from evenfield.model.rejections import NoRejection
from evenfield.model.report import FrameStatistics, OpenQuestion, StepResult
from evenfield.model.verdict_limits import verdict_limits
from evenfield.run.examining_camera import SeenCamera, bias_like, examine_camera
from evenfield.run.examining_darks import DarkLevel, across_exposures, dark_counts, dark_level
from evenfield.run.examining_overscan import examine_overscans
from evenfield.run.examining_points import star_counts
from evenfield.run.executors import work_through
from evenfield.run.frames import master_path, open_frame
from evenfield.run.job import Job, ended_well
from evenfield.run.looking import Looking, taken_part
from evenfield.run.pedestal import as_made

LEAST_PIXELS: Final = 16 * GRID * GRID
"""Smaller frames have no cells to compare."""

MOVING: Final = 0.2
"""Neighbors in the difference of two flats that correlate by more show structures that moved, all over: no stars."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedSet:
    """The result of a step with what its frames say; the pattern of its frames for those that are compared with it."""

    result: StepResult
    cells: Float64Array | None = None
    noise_of_cell: float = 0.0
    level: DarkLevel | None = None


def examine_sets(job: Job, *, thorough: bool = False, statistics: bool = False) -> dict[str, StepResult]:
    """Examine the frames of every step that was made, and what was found while it was made.

    Parameters
    ----------
    job : Job
        After its steps are done; ``results`` tells their findings and which frames were left out.
    thorough : bool
        Read the frames whole. Else bands of rows are looked at, a few per cent of each frame.
    statistics : bool
        Give the statistics of each frame and plane too; goes with ``thorough``.

    Returns
    -------
    dict of str to StepResult
        The results of the steps that were examined, with verdict, findings and measured values of both.
    """
    examined: dict[str, ExaminedSet] = {}
    for index, step in enumerate(job.plan.steps, start=1):
        result = job.results.get(step.id)
        if result is None or not ended_well(result):
            continue
        job.tell(Examining(step=step.id, title=step.title, index=index, total=len(job.plan.all_steps)))
        examined[step.id] = _examine_step(step, result, job, examined, thorough=thorough, statistics=statistics)
    results = {name: one.result for name, one in examined.items()}
    levels = {name: one.level for name, one in examined.items() if one.level is not None}
    for name, findings in across_exposures(levels, job).items():
        results[name] = told_result(results[name], findings, {}, open=results[name].open)
    for name, seen in examine_overscans(job, thorough=thorough).items():
        results[name] = told_result(results[name], seen.findings, seen.measured, open=results[name].open)
    return results


def _examine_step(
    step: Step, result: StepResult, job: Job, before: Mapping[str, ExaminedSet], *, thorough: bool, statistics: bool
) -> ExaminedSet:
    step = as_made(step, result)
    items = taken_part(step, result, job)
    reader = _Reader(step, job, thorough=thorough)
    followed = reader.hot_pixels()
    read = work_through(
        items,
        lambda item: reader.grid(item, followed, statistics=statistics),
        threads=job.threads,
        cancel=job.cancel,
    )
    kept = [(item, one) for item, one in zip(items, read, strict=True) if one is not None]
    statistics_found = tuple(line for _, (_, lines) in kept for line in lines)
    grids = [one for _, (one, _) in kept]
    files = [job.input_path(item) for item, _ in kept]
    if len(grids) < 2 or reader.n_pixels < LEAST_PIXELS:
        level = dark_level(step, grids, items, job) if reader.n_pixels >= LEAST_PIXELS else None
        told = told_result(result, (), {}, statistics=statistics_found, open=_open_of(step))
        return ExaminedSet(result=told, level=level)
    read_set = _ReadSet(
        step=step,
        result=result,
        grids=grids,
        files=files,
        pair=reader.pair([item for item, _ in kept]),
        reader=reader,
        before=before,
        limits=verdict_limits(job.plan.settings.examine.limits),
        full_scale_adu=job.frame(items[0]).full_scale_adu,
        exposures={job.input_path(item): job.frame(item).exposure_s for item, _ in kept},
        statistics=statistics_found,
    )
    if step.kind is not FrameKind.FLAT:
        return _darks(read_set, bias_like(step, job), job)
    moves = read_set.pair.correlation > MOVING
    stars = () if moves else star_counts(step, [item for item, _ in kept], job, thorough=thorough)
    read_set = _above(read_set)
    found = _compared(read_set)
    # What is another picture says nothing of the camera's noise.
    odd = {one.index for one in found.apart}
    alike = [item for index, (item, _) in enumerate(kept) if index not in odd]
    return _flats(read_set, found, examine_camera(step, result, alike, job, thorough=thorough), stars)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _ReadSet:
    """All that is known of a set when its frames have been read."""

    step: Step
    result: StepResult
    grids: list[FrameGrid]
    files: Sequence[str]
    pair: PairNoise
    reader: _Reader
    before: Mapping[str, ExaminedSet]
    limits: Mapping[str, float]
    full_scale_adu: float | None
    exposures: Mapping[str, float | None]
    below: Float64Array = dataclasses.field(default_factory=lambda: np.zeros(1))
    statistics: tuple[FrameStatistics, ...] = ()


def _above(one_set: _ReadSet) -> _ReadSet:
    """Flats above what is subtracted from them."""
    less, level = one_set.reader.subtracted()
    grids = [dataclasses.replace(one, cells=one.cells - less, level=one.level - level) for one in one_set.grids]
    return dataclasses.replace(one_set, grids=grids, below=level)


def _compared(one_set: _ReadSet) -> FlatSet:
    reader = one_set.reader
    return flat_set(
        one_set.grids,
        pair=one_set.pair,
        n_pixels=reader.n_pixels,
        structure_limit=one_set.limits["pattern"],
        columns=reader.columns,
    )


def _flats(one_set: _ReadSet, found: FlatSet, camera: SeenCamera, stars: Sequence[int]) -> ExaminedSet:
    step, limits, pair, grids = one_set.step, one_set.limits, one_set.pair, one_set.grids
    shadow = _shadow(one_set)
    told = None if shadow is None else shutter_finding(shadow, name=step.id, limits=limits)
    own = flat_findings(found, name=step.id, files=one_set.files, limits=limits)
    if told is not None:
        # The shadow is the cause of what changes.
        own = (told, *(one for one in own if one.code not in ("pattern_apart", "pattern_changes")))
    findings = [*camera.findings, *own]
    rejects = not isinstance(step.recipe.rejection, NoRejection) or step.recipe.method == "median"
    sky = stars_finding(stars, name=step.id, rejects=rejects, limits=limits)
    findings += [sky] if sky is not None else []
    level = np.median(np.stack([one.level for one in grids]), axis=0)
    weak = weak_color_finding(
        step.id,
        colors=grids[0].colors,
        signal_to_noise=[float(value) for value in level / np.maximum(pair.noise, 1e-9)],
        limits=limits,
    )
    findings += [weak] if weak is not None else []
    aims = color_aims(grids[0].colors, level=level, below=one_set.below, full_scale_adu=one_set.full_scale_adu)
    bright = bright_color_finding(step.id, aims)
    findings += [bright] if bright is not None else []
    cells = np.median(np.stack([one.cells for one in grids]), axis=0)
    for calibration in step.calibrations:
        dark = (
            one_set.before.get(calibration.masters["dark_flat"].step or "")
            if "dark_flat" in calibration.masters
            else None
        )
        if dark is None or dark.cells is None:
            continue
        light = panel_light(dark.cells, flat_cells=cells, noise_adu=dark.noise_of_cell)
        told = panel_finding(light, name=calibration.masters["dark_flat"].title, flats=step.id, limits=limits)
        findings += [told] if told is not None else []
    measured = {
        "level_change": found.series.change,
        "level_scatter": found.series.scatter,
        "pattern_rms": float(np.median(found.structure)),
        "pattern_change": found.change,
        "bands_rms": found.bands,
        "noise_adu": float(np.mean(found.noise)),
        "noise_correlation": found.correlation,
        "star_points": float(np.median(stars)) if stars else None,
        **{f"{one.word}_of_aim_share" if one.word else "level_of_aim_share": one.of_aim for one in aims},
        "shutter_s": None if told is None or shadow is None else shadow.seconds,
        **camera.measured,
    }
    return ExaminedSet(
        result=told_result(
            one_set.result,
            findings,
            measured,
            statistics=one_set.statistics,
            plots=camera.plots,
            open=_open_of(step),
        )
    )


def _shadow(one_set: _ReadSet) -> ShutterShadow | None:
    """The shadow of the shutter, in flats of several exposures from which something was subtracted."""
    if any(one.how == "none" for one in one_set.step.calibrations) or not one_set.step.calibrations:
        # What the flats hold beside light goes with one over their level, which grows with the exposure.
        return None
    exposures = [one_set.exposures.get(path) for path in one_set.files]
    known = [one for one in exposures if one is not None]
    if len(known) < len(exposures):
        return None
    return shutter_shadow(
        one_set.grids, exposures_s=known, pair=one_set.pair, n_pixels=one_set.reader.n_pixels, cfa=one_set.reader.cfa
    )


def _darks(one_set: _ReadSet, bias_step: Step | None, job: Job) -> ExaminedSet:
    step, limits, pair, reader = one_set.step, one_set.limits, one_set.pair, one_set.reader
    grids = one_set.grids
    noise = float(np.mean(pair.noise))
    # The pattern of the bias is no glow.
    bias = None if bias_step is None else one_set.before.get(bias_step.id)
    found = dark_set(
        grids,
        pair=pair,
        n_pixels=reader.n_pixels,
        structure_limit=limits["dark_pattern"] * noise,
        bias_cells=None if bias is None else bias.cells,
    )
    findings = dark_findings(found, name=step.id, kind=step.kind, files=one_set.files, limits=limits)
    measured = {
        "level_wander_adu": found.wander,
        "pattern_rms_adu": float(np.median(found.structure)),
        "glow_adu": found.glow,
        "at_floor_share": found.at_floor,
        "noise_adu": noise,
        "noise_correlation": found.correlation,
        **dark_counts(step, one_set.files, job, thorough=reader.thorough),
    }
    cells = np.median(np.stack([one.cells for one in grids]), axis=0)
    per_cell = reader.n_pixels / cells.size
    return ExaminedSet(
        result=told_result(one_set.result, findings, measured, statistics=one_set.statistics, open=()),
        cells=cells,
        noise_of_cell=noise / float(np.sqrt(per_cell * len(grids))),
        level=dark_level(step, grids, step.inputs, job, noise_adu=noise),
    )


def _open_of(step: Step) -> tuple[OpenQuestion, ...]:
    """What flats alone leave open."""
    if step.kind is not FrameKind.FLAT:
        return ()
    made = [
        OpenQuestion(
            question="Do these flats correct the lights, neither too much nor too little?",
            needs="one raw light or more, with its dark or bias",
        )
    ]
    if all(one.how == "none" for one in step.calibrations):
        made.append(
            OpenQuestion(
                question="What do the flats hold beside light?",
                needs="20 dark flats of the flats' exposure, or 20 bias frames; or lights with their darks, whose sky "
                "may tell it (--pedestal inferred)",
            )
        )
    return tuple(made)


def told_result(
    result: StepResult,
    findings: Sequence[Finding],
    measured: Mapping[str, float | None],
    *,
    open: tuple[OpenQuestion, ...],
    statistics: tuple[FrameStatistics, ...] = (),
    plots: tuple[Plot, ...] = (),
    otherwise: str = "",
) -> StepResult:
    """A result with what an examination found; ``otherwise`` is said where nothing is wrong."""
    known = {one.code for one in result.findings}
    every = (*result.findings, *(one for one in findings if one.code not in known))
    verdict, why = verdict_of(every, otherwise=", ".join(part for part in (result.why, otherwise) if part))
    return msgspec.structs.replace(
        result,
        verdict=verdict,
        why=why,
        measured={**result.measured, **{name: _plain(value) for name, value in measured.items()}},
        findings=every,
        open=open,
        statistics=statistics or result.statistics,
        plots=(*result.plots, *plots),
    )


def _plain(value: float | None) -> float | None:
    """A measured value as it may be saved: a Python float, finite or nothing."""
    return float(value) if value is not None and np.isfinite(value) else None


def _statistics(path: str, one: PlaneStatistics) -> FrameStatistics:
    return FrameStatistics(
        path=path,
        plane=one.plane,
        pixels=one.pixels,
        mean_adu=one.mean,
        median_adu=one.median,
        std_adu=one.std,
        mad_adu=one.mad,
        minimum_adu=one.minimum,
        maximum_adu=one.maximum,
        low=one.low,
        high=one.high,
        no_data=one.no_data,
    )


class _Reader(Looking):
    """Reduces the frames of a step."""

    def __init__(self, step: Step, job: Job, *, thorough: bool) -> None:
        super().__init__(step, job, thorough=thorough)
        self.n_pixels = self.columns = 0

    def hot_pixels(self) -> tuple[Float64Array, Float64Array] | None:
        """The pixels to follow from dark to dark: the brightest of the master."""
        if self._step.kind in (FrameKind.FLAT, FrameKind.BIAS):
            return None
        path = self._job.output_path(self._step)
        try:
            source = open_frame(path, self._job)
        except ReadError:
            return None
        try:
            pixels = self.rows(source, trimmed=True)
        except ReadError:
            return None
        finally:
            source.close()
        if min(pixels.shape) < 16 * period_of(self.cfa):
            return None
        full = self._job.frame(self._step.inputs[0]).full_scale_adu
        return hot_places(pixels, highest_adu=None if full is None else full * SATURATED_FROM)

    def grid(
        self, item: StepInput, followed: tuple[Float64Array, Float64Array] | None, *, statistics: bool
    ) -> tuple[FrameGrid, list[FrameStatistics]] | None:
        """One frame reduced; ``None`` where it cannot be read."""
        frame = self._job.frame(item)
        path = self._job.input_path(item)
        try:
            source = open_frame(path, self._job)
        except ReadError:
            return None
        try:
            pixels = self.rows(source)
        except ReadError:
            return None
        finally:
            source.close()
        self.n_pixels, self.columns = pixels.size, pixels.shape[1]
        full = frame.full_scale_adu
        least = -32768.0 + source.encoding.bzero if source.encoding.dtype == "int16" else -np.inf
        grid = frame_grid(
            pixels,
            cfa=self.cfa,
            saturation_adu=None if full is None else full * SATURATED_FROM,
            floor_adu=least,
            hot=followed,
        )
        lines: list[FrameStatistics] = []
        if statistics:
            planes = plane_statistics(pixels, cfa=self.cfa, saturation_adu=full, least_adu=least)
            lines = [_statistics(path, one) for one in planes]
        return grid, lines

    def pair(self, items: Sequence[StepInput]) -> PairNoise:
        """The noise of a pixel, from the two frames in the middle of the set."""
        middle = len(items) // 2
        frames = []
        for item in items[middle - 1 : middle + 1]:
            source = open_frame(self._job.input_path(item), self._job)
            try:
                frames.append(self.rows(source))
            finally:
                source.close()
        return pair_noise(frames[0], frames[1], cfa=self.cfa)

    def subtracted(self) -> tuple[Float64Array, Float64Array]:
        """The cells and levels of what is subtracted from the step's flats; of several calibrations, the first."""
        total, level = np.zeros((1, 1, 1)), np.zeros(1)
        if not self._step.calibrations:
            return total, level
        calibration: Calibration = self._step.calibrations[0]
        if calibration.pedestal_adu is not None:
            return total + calibration.pedestal_adu, level + calibration.pedestal_adu
        bias = calibration.masters.get("bias")
        for role, ref in calibration.masters.items():
            factor = 1.0
            if calibration.factor is not None and role == "dark":
                factor = calibration.factor
            elif calibration.factor is not None and ref is bias and len(calibration.masters) > 1:
                factor = 1.0 - calibration.factor
            try:
                source = open_frame(master_path(ref, self._job), self._job)
            except EvenfieldError:
                continue
            try:
                pixels = self.rows(source, trimmed=not ref.crop)
            finally:
                source.close()
            grid = frame_grid(pixels, cfa=self.cfa)
            total = total + factor * ref.scale * grid.cells
            level = level + factor * ref.scale * grid.level
        return total, level
