"""The pedestal that flats hold, told by pixels before they are combined (``--pedestal inferred``).

The flats are combined as they are, pedestal and all. That master shows what the skies of lights say of it; the flats'
own differences say where their noise ends. What both say is subtracted when the flats are combined again.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from evenfield.errors import EvenfieldError, ReadError, UsageError
from evenfield.examine.cells import Cells, cell_grid
from evenfield.examine.inferred import DarkPattern, InferredPedestal, ReadNoise, infer_pedestal, pedestal_finding
from evenfield.examine.limits import SATURATED_FROM
from evenfield.examine.noise_line import PIXEL_LIMIT, NoisePoints, joined, noise_points
from evenfield.examine.rests import Measured
from evenfield.examine.sky import cells_of_flat, cells_of_light, cells_of_pattern
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameKind
from evenfield.model.pixels import Float32Array, PixelSource, Tile
from evenfield.model.plan import Step, StepInput, TellingLights
from evenfield.model.report import StepResult
from evenfield.run.executors import work_through
from evenfield.run.frames import check_header, open_frame, subtractions_of, whole_frame
from evenfield.run.job import Job, check_unchanged
from evenfield.run.loop import CombinedMaster, Stack, Subtraction
from evenfield.tiles import SKY_BYTES, bands

INFERRED: Final = "inferred"

BAND_PIXELS: Final = 1 << 22
"""Pixels of a band in which two flats are compared; 4 rows of cells at least."""

SAME_LEVEL: Final = 0.1
"""Flats whose level differs by more from that of most are compared with no other."""

OF_DARKS: Final = 0.2
"""The share of the noise of darks, squared, that may be that of their dark signal and not read noise, give or take."""

VARIANCE_PIXELS: Final = 1 << 21
"""About so many pixels tell a variance: to 0.1 %."""

CUTS: Final = 5
"""Times that pixels beyond `PIXEL_LIMIT` scatters are left out."""

READ_NOISE_ERROR: Final = 0.01
"""How well the read noise of flats is known from that of bias frames."""


MORE_LIGHTS: Final = (
    "Let lights with their darks tell it too (evenfield calibrate); or take dark flats or bias frames, or give the "
    "level with --pedestal ADU."
)
"""The mend where no lights took part."""


def awaits_pedestal(step: Step) -> bool:
    """Whether a step's pedestal is still to be inferred."""
    return any(one.how == INFERRED and one.pedestal_adu is None for one in step.calibrations)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ToldPedestal:
    """What was inferred, with the finding about it."""

    inferred: InferredPedestal
    finding: Finding

    @property
    def measured(self) -> dict[str, float | None]:
        """The numbers for the product's provenance and the report."""
        one = self.inferred
        found = {
            "inferred_pedestal_adu": one.pedestal_adu,
            "inferred_pedestal_error_adu": None if one.together is None else one.together.error,
            "inferred_pedestal_limit_adu": one.limit_adu,
            **_both("inferred_by_sky", one.by_sky),
            **_both("inferred_by_noise", one.by_noise),
        }
        for color in one.colors:
            if color.color:
                found |= _both(f"inferred_pedestal_{color.color}", color.together)
        return found


def _both(name: str, one: Measured | None) -> dict[str, float | None]:
    return {f"{name}_adu": None if one is None else one.value, f"{name}_error_adu": None if one is None else one.error}


def tell_pedestal(
    step: Step, *, items: Sequence[StepInput], stack: Stack, combined: CombinedMaster, job: Job
) -> ToldPedestal:
    """Infer the pedestal of flats.

    Parameters
    ----------
    step : Step
        With `Step.told_by`.
    items : sequence of StepInput
        The frames of ``stack``.
    stack : Stack
        The flats, from which nothing was subtracted but overscan.
    combined : CombinedMaster
        Of that stack, with its noise.
    job : Job

    Raises
    ------
    EvenfieldError
        If it cannot be told well enough; the code is "pedestal_not_inferred".
    """
    mosaic = step.group.get("cfa")
    cfa = str(mosaic) if mosaic else None
    telling = step.told_by
    try:
        flats = cells_of_flat(combined.value, noise=combined.maps["noise"], cfa=cfa)
        lights = [
            cells
            for one in (telling.lights if telling is not None else ())
            for cells in _light_cells(one, combined.value, cfa, job)
        ]
        noise = flat_noise(items, stack=stack, cfa=cfa, job=job)
        darkness = _darkness(step, job)
        pattern = _pattern(step, darkness, cfa, combined.value.shape, job) if lights else None
        found = infer_pedestal(lights, flats=flats, noise=noise, read_noise=darkness.read_noise, pattern=pattern)
    except UsageError as error:
        raise EvenfieldError(
            f"{step.id}: the pedestal cannot be inferred: {error.message}", code="pedestal_not_inferred"
        ) from None
    told = pedestal_finding(found, name=step.id)
    if found.pedestal_adu is None:
        raise EvenfieldError(told.message, mend=told.mend if lights else MORE_LIGHTS, code=told.code)
    return ToldPedestal(inferred=found, finding=told)


def with_pedestal(step: Step, inferred: InferredPedestal) -> Step:
    """The step with the number that its flats lose, in its titles and reasons too."""
    if inferred.pedestal_adu is None or inferred.together is None:
        return step
    title = f"minus a pedestal of {inferred.pedestal_adu:.1f} +- {inferred.together.error:.1f} ADU, told by pixels"
    old = {one.title for one in step.calibrations if one.how == INFERRED}
    filled = _filled(step, inferred.pedestal_adu)
    return msgspec.structs.replace(
        filled,
        calibrations=tuple(
            msgspec.structs.replace(one, title=title) if one.how == INFERRED else one for one in filled.calibrations
        ),
        because=tuple(title if one in old else one for one in step.because),
    )


def as_made(step: Step, result: StepResult) -> Step:
    """The step with the pedestal that was inferred when its product was made, which the product tells."""
    number = result.measured.get("inferred_pedestal_adu")
    return step if number is None or not awaits_pedestal(step) else _filled(step, number)


def _filled(step: Step, pedestal_adu: float) -> Step:
    calibrations = tuple(
        msgspec.structs.replace(one, pedestal_adu=pedestal_adu) if one.how == INFERRED else one
        for one in step.calibrations
    )
    return msgspec.structs.replace(step, calibrations=calibrations)


def flat_noise(items: Sequence[StepInput], *, stack: Stack, cfa: str | None, job: Job) -> tuple[NoisePoints, ...]:
    """Level and variance of flats, from all pairs of them that follow each other; empty where there are none.

    Parameters
    ----------
    items : sequence of StepInput
        The frames of ``stack``.
    stack : Stack
    cfa : str, optional
    job : Job

    Raises
    ------
    ReadError
    UsageError
        If the frames are too small.
    """
    levels = work_through(stack.sources, _middle_level, threads=job.threads, cancel=job.cancel)
    usual = float(np.nanmedian(levels))
    order = sorted(range(len(items)), key=lambda index: (job.frame(items[index]).taken_at or "", items[index].path))
    alike = [index for index in order if abs(levels[index] - usual) <= SAME_LEVEL * abs(usual)]
    pairs = list(zip(alike[::2], alike[1::2], strict=False))
    saturations = [job.frame(item).full_scale_adu for item in items]

    def points(pair: tuple[int, int]) -> list[tuple[NoisePoints, ...]]:
        return _pair_points(pair, stack, saturations, cfa)

    several = [one for found in work_through(pairs, points, threads=job.threads, cancel=job.cancel) for one in found]
    return joined(several) if several else ()


def _middle_level(source: PixelSource) -> float:
    middle = source.shape[0] // 2
    band = source.read(Tile(start=max(0, middle - 32), stop=min(source.shape[0], middle + 32)))
    return float(np.nanmedian(band))


def _pair_points(
    pair: tuple[int, int], stack: Stack, saturations: Sequence[float | None], cfa: str | None
) -> list[tuple[NoisePoints, ...]]:
    rows, columns = stack.shape
    block = cell_grid(stack.shape, cfa=cfa).block
    # Bands begin where the mosaic does: a block is whole periods.
    height = max(4, BAND_PIXELS // columns // block) * block
    found = []
    for tile in bands(rows, height=height):
        if tile.stop - tile.start < 4 * block:
            continue
        frames, bad = [], np.zeros((tile.stop - tile.start, columns), np.bool_)
        for index in pair:
            pixels = np.array(stack.sources[index].read(tile), np.float32)
            full = saturations[index]
            if full is not None:
                bad |= pixels >= np.float32(SATURATED_FROM * full)
            frames.append(pixels - np.float32(stack.shifts[index]))
        found.append(noise_points(frames[0], second=frames[1], cfa=cfa, block=block, bad=bad))
    return found


def _light_cells(lights: TellingLights, flat: Float32Array, cfa: str | None, job: Job) -> list[tuple[Cells, ...]]:
    """The cells of lights that lost their dark, divided by the flat as it is; without those that cannot be read."""
    with contextlib.ExitStack() as stack:
        subtractions, which, _ = subtractions_of(lights, job, stack)

        def cells(item: StepInput) -> tuple[Cells, ...] | None:
            at = which[item.calibration]
            pixels = _dark_free(item, lights, None if at < 0 else subtractions[at], job)
            return None if pixels is None or pixels.shape != flat.shape else cells_of_light(pixels, flat=flat, cfa=cfa)

        threads = max(1, min(job.threads, job.budget_bytes // (SKY_BYTES * flat.size)))
        found = work_through(lights.inputs, cells, threads=threads, cancel=job.cancel)
    return [one for one in found if one is not None]


def _dark_free(item: StepInput, lights: TellingLights, dark: Subtraction | None, job: Job) -> Float32Array | None:
    """A light minus its dark, ADU; saturated pixels are NaN."""
    pixels = _whole(item, lights, job, saturation_adu=job.frame(item).full_scale_adu)
    if pixels is None:
        return None
    if dark is not None:
        pixels -= dark.read(Tile(start=0, stop=pixels.shape[0]))
    pixels -= np.float32(lights.calibrations[item.calibration].pedestal_adu or 0.0)
    return pixels


def _whole(
    item: StepInput, regions: Step | TellingLights, job: Job, *, saturation_adu: float | None = None
) -> Float32Array | None:
    """A frame less its overscan, trimmed; saturated pixels are NaN. ``None`` where it cannot be read.

    Raises
    ------
    InputChangedError
        If it is not what it was when the plan was made.
    ReadError
        With --strict.
    """
    path = job.input_path(item)
    check_unchanged(item, path)
    try:
        with contextlib.closing(open_frame(path, job)) as source:
            check_header(source, item, path)
            whole, shift = whole_frame(source, regions)
            pixels = np.array(whole.read(Tile(start=0, stop=whole.shape[0])), np.float32)
    except ReadError:
        if job.plan.settings.run.strict:
            raise
        return None
    if saturation_adu is not None:
        pixels[pixels >= np.float32(saturation_adu * SATURATED_FROM)] = np.nan
    pixels -= np.float32(shift)
    return pixels


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Darkness:
    """What frames without light tell: the read noise, and their mean."""

    read_noise: ReadNoise | None = None
    mean: Float32Array | None = None
    of_bias: bool = False


def _darkness(step: Step, job: Job) -> _Darkness:
    """What the frames without light say that the plan names."""
    if step.told_by is None:
        return _Darkness()
    total: Float32Array | None = None
    last: Float32Array | None = None
    count, variances = 0, []
    for item in step.told_by.darks:
        pixels = _whole(item, step, job)
        if pixels is None or (total is not None and pixels.shape != total.shape):
            continue
        total, count = pixels.copy() if total is None else total + pixels, count + 1
        if last is None:
            last = pixels
        else:
            variances.append(_variance(last, pixels))
            last = None
    of_bias = step.told_by.darks_kind is FrameKind.BIAS
    if total is None or not variances:
        return _Darkness()
    variance, error = float(np.median(variances)), 2.0 * READ_NOISE_ERROR
    if not of_bias:
        variance, error = variance * (1.0 - OF_DARKS), OF_DARKS
    value = variance**0.5
    noise = ReadNoise(value_adu=value, error_adu=0.5 * error * value)
    return _Darkness(read_noise=noise, mean=total / np.float32(count), of_bias=of_bias)


def _pattern(step: Step, darkness: _Darkness, cfa: str | None, shape: tuple[int, int], job: Job) -> DarkPattern | None:
    """The pattern of frames without light; where the plan names none, that of the dark that the lights lose."""
    mean = darkness.mean
    if mean is None and step.told_by is not None:
        with contextlib.ExitStack() as stack:
            for one in step.told_by.lights:
                subtractions, _, _ = subtractions_of(one, job, stack)
                if subtractions:
                    mean = subtractions[0].read(Tile(start=0, stop=shape[0]))
                    break
    if mean is None or mean.shape != shape:
        return None
    return DarkPattern(cells=cells_of_pattern(mean, cfa=cfa), of_bias=darkness.of_bias)


def _variance(first: Float32Array, other: Float32Array) -> float:
    """The variance of a pixel of one of two frames, without rays and what hot pixels do."""
    step = max(1, first.shape[0] * first.shape[1] // VARIANCE_PIXELS)
    apart = (first[::step] - other[::step]).astype(np.float64).ravel()
    apart = apart[np.isfinite(apart)]
    for _ in range(CUTS):
        middle, scatter = float(apart.mean()), float(apart.std())
        apart = apart[np.abs(apart - middle) <= PIXEL_LIMIT * scatter]
    return float(apart.var()) / 2.0
