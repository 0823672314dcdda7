"""What the lights of a step are calibrated with: masters, open or in memory, and what they tell of their frames."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from evenfield.calibrate.optimize import DarkPixels, find_dark_pixels
from evenfield.errors import DocumentError, MemoryBudgetError, ReadError
from evenfield.kernels.registry import light_kernel
from evenfield.model.frame import FrameInfo
from evenfield.model.pixels import Float32Array, PixelSource, Tile
from evenfield.model.plan import Calibration, LightStep
from evenfield.model.report import MasterRecord
from evenfield.normalize.trimmed import divisor_band, trimmed_means
from evenfield.read import ArraySource
from evenfield.run.executors import work_through
from evenfield.run.frames import master_path, master_source, subtractions_of
from evenfield.run.job import Job
from evenfield.run.loop import LEVEL_PIXELS, Subtraction
from evenfield.run.provenance import read_provenance
from evenfield.tiles import INTERPRETER_BYTES, LIGHT_BYTES, bands

LIGHT_PIXELS: Final = LEVEL_PIXELS // 4
"""Pixels of a light, or a master of it, worked on at a time: so many that threads seldom wait for each other."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LightFlat:
    """A master flat: its values, the mean of each color, and the pattern by which they are told apart.

    ``shot_adu`` is the variance of a pixel of it over its value, where its header tells; ``whole`` is what lights are
    divided by, where memory holds it.
    """

    source: PixelSource
    means: dict[str, float]
    cfa: str | None
    shot_adu: float | None = None
    whole: Float32Array | None = None

    def divide(self, tile: Tile) -> Float32Array:
        """What the rows of a light are divided by."""
        if self.whole is not None:
            return self.whole[tile.start : tile.stop]
        return divisor_band(self.source.read(tile), row_start=tile.start, means=self.means, cfa=self.cfa)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LightMasters:
    """All that lights are calibrated with; ``which`` indexes ``subtractions`` by calibration, or is -1.

    ``whole`` is what is subtracted from every light, by the same index, where memory holds it.
    """

    subtractions: tuple[Subtraction, ...]
    which: tuple[int, ...]
    whole: Mapping[int, Float32Array]
    flat: LightFlat | None
    hot: Mapping[int, DarkPixels]
    records: tuple[MasterRecord, ...]
    shape: tuple[int, int]
    told: Mapping[int, DarkFacts]
    held_bytes: int

    def subtract(self, at: int, tile: Tile, factor: float | None) -> Float32Array | None:
        """What is subtracted from the rows of a light, with its own ``factor`` of the dark where it has one."""
        if at < 0:
            return None
        if at in self.whole:
            return self.whole[at][tile.start : tile.stop]
        one = self.subtractions[at]
        return (one if factor is None else dataclasses.replace(one, factor=factor)).read(tile)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DarkFacts:
    """What a dark or bias master tells, ADU: the noise of a frame of it, its own, its mean, the step of the numbers."""

    noise_adu: float | None
    master_noise_adu: float | None = None
    mean_adu: float | None = None
    step_adu: float | None


def open_light_masters(step: LightStep, job: Job, stack: contextlib.ExitStack) -> LightMasters:
    """Open the masters of a step, the flat beside the dark ones; all are closed with ``stack``.

    Raises
    ------
    ReadError
        If a master cannot be read.
    MemoryBudgetError
        If the memory does not hold a single light.
    """
    shape = _shape(step, job)
    rows = Tile(start=0, stop=shape[0])
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="evenfield-masters") as beside:
        # What has to be loaded takes its time too.
        loading = beside.submit(light_kernel)
        opening = beside.submit(_open_flat, step, shape, job, stack)
        subtractions, which, records = subtractions_of(step, job, stack)
        flat, more = opening.result()
        loading.result()
    records = (*records, *more)
    hot: dict[int, DarkPixels] = {}
    for index, calibration in enumerate(step.calibrations):
        at = which[index]
        if calibration.how == "optimized_dark" and at >= 0 and at not in hot:
            one = subtractions[at]
            assert one.bias is not None
            hot[at] = find_dark_pixels(one.first.read(rows), bias=one.bias.read(rows), cfa=_cfa(step))
    held = _held(subtractions, flat, shape, job, optimized=list(hot), maps=step.recipe.maps)
    return LightMasters(
        subtractions=held.subtractions,
        which=tuple(which),
        whole=held.whole,
        held_bytes=held.n_bytes,
        flat=held.flat,
        hot=hot,
        records=tuple(records),
        shape=shape,
        told={index: _facts_of(one, job) for index, one in enumerate(step.calibrations)},
    )


def _open_flat(
    step: LightStep, shape: tuple[int, int], job: Job, stack: contextlib.ExitStack
) -> tuple[LightFlat | None, tuple[MasterRecord, ...]]:
    """The master flat of a step with its level, and what is recorded of it."""
    if step.flat is None:
        return None, ()
    source, record = master_source("flat", step.flat, step.trim, job, stack)
    colors = _cfa(step) if step.recipe.cfa_flat == "separate" else None
    each = functools.partial(work_through, threads=job.threads, cancel=job.cancel)
    means = trimmed_means(_whole(source.read, shape, job), cfa=colors, each=each)
    return LightFlat(source=source, means=means, cfa=colors, shot_adu=_shot_of(step, job)), (record,)


def _unbiased(noise: float | None, frames: float | None) -> float | None:
    """A mean of standard deviations of few samples, made up for what these fall short of the true one.

    Of ``n`` normal samples the expected one is ``c4 = sqrt(2 / (n - 1)) Gamma(n / 2) / Gamma((n - 1) / 2)`` of it.
    """
    if noise is None or frames is None or frames < 2:
        return noise
    c4 = math.sqrt(2.0 / (frames - 1.0)) * math.exp(math.lgamma(frames / 2.0) - math.lgamma((frames - 1.0) / 2.0))
    return noise / c4


def _shot_of(step: LightStep, job: Job) -> float | None:
    """The variance of a pixel of the master flat over its value, where evenfield made it: photons outdo all else."""
    if step.flat is None:
        return None
    try:
        measured = read_provenance(master_path(step.flat, job)).measured
    except (DocumentError, ReadError):
        return None
    noise, mean = _unbiased(measured.get("mean_noise_adu"), measured.get("frames")), measured.get("mean_adu")
    return noise**2 / mean if noise is not None and mean else None


def _facts_of(calibration: Calibration, job: Job) -> DarkFacts:
    """What the first master of a calibration tells of its frames, where evenfield made it."""
    ref = calibration.masters.get("dark") or calibration.masters.get("bias")
    if ref is None:
        return DarkFacts(noise_adu=None, step_adu=None)
    try:
        measured = read_provenance(master_path(ref, job)).measured
    except (DocumentError, ReadError):
        # Another program's: its header does not tell.
        return DarkFacts(noise_adu=None, step_adu=None)
    frames = measured.get("frames")
    noise = _unbiased(measured.get("mean_noise_adu"), frames)
    return DarkFacts(
        noise_adu=noise * math.sqrt(frames) if noise is not None and frames else None,
        master_noise_adu=noise,
        mean_adu=measured.get("mean_adu"),
        step_adu=measured.get("step_adu"),
    )


def _cfa(step: LightStep) -> str | None:
    cfa = step.group.get("cfa")
    return None if cfa is None else str(cfa)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Masters in memory, as far as it holds them."""

    subtractions: tuple[Subtraction, ...]
    flat: LightFlat | None
    whole: Mapping[int, Float32Array]
    n_bytes: int


def _held(
    subtractions: Sequence[Subtraction],
    flat: LightFlat | None,
    shape: tuple[int, int],
    job: Job,
    *,
    optimized: Sequence[int],
    maps: bool,
) -> _Held:
    """The masters in memory where a third of the budget holds all of them; else they are read for every light.

    What has a factor of its own for each light is held as its two masters, all else as what is subtracted. Of a flat
    ``maps`` need its values too.
    """
    pixels = shape[0] * shape[1]
    sources = {id(source): source for at in optimized for source in _sources_of(subtractions[at])}
    if flat is not None and maps:
        sources[id(flat.source)] = flat.source
    n_planes = len(sources) + len(subtractions) - len(optimized) + (flat is not None)
    held_bytes = 4 * n_planes * pixels
    if held_bytes > min(job.budget_bytes // 3, job.budget_bytes - INTERPRETER_BYTES - LIGHT_BYTES * pixels):
        return _Held(subtractions=tuple(subtractions), flat=flat, whole={}, n_bytes=0)
    held: dict[int, PixelSource] = {key: ArraySource(_whole(one.read, shape, job)) for key, one in sources.items()}
    kept = tuple(
        dataclasses.replace(one, first=held[id(one.first)], bias=None if one.bias is None else held[id(one.bias)])
        if at in optimized
        else one
        for at, one in enumerate(subtractions)
    )
    if flat is not None:
        flat = dataclasses.replace(flat, source=held.get(id(flat.source), flat.source))
    return _Held(
        subtractions=kept,
        flat=None if flat is None else dataclasses.replace(flat, whole=_whole(flat.divide, shape, job)),
        whole={at: _whole(one.read, shape, job) for at, one in enumerate(subtractions) if at not in optimized},
        n_bytes=held_bytes,
    )


def _whole(read: Callable[[Tile], Float32Array], shape: tuple[int, int], job: Job) -> Float32Array:
    """All bands of something, read side by side."""
    out = np.empty(shape, np.float32)

    def fill(tile: Tile) -> None:
        out[tile.start : tile.stop] = read(tile)

    tiles = bands(shape[0], height=max(1, LIGHT_PIXELS // shape[1]))
    work_through(tiles, fill, threads=job.threads, cancel=job.cancel)
    return out


def _sources_of(one: Subtraction) -> list[PixelSource]:
    return [one.first] if one.bias is None else [one.first, one.bias]


def _shape(step: LightStep, job: Job) -> tuple[int, int]:
    if step.trim is not None:
        return step.trim[1] - step.trim[0], step.trim[3] - step.trim[2]
    return job.frame(step.inputs[0]).setup.shape


def lights_at_once(step: LightStep, masters: LightMasters, job: Job) -> int:
    """As many lights at a time as the memory holds."""
    pixels = masters.shape[0] * masters.shape[1]
    left = job.budget_bytes - INTERPRETER_BYTES - masters.held_bytes
    threads = left // (LIGHT_BYTES * pixels)
    if threads < 1:
        needed = INTERPRETER_BYTES + LIGHT_BYTES * pixels
        raise MemoryBudgetError(
            f"The memory budget of {job.budget_bytes / 2**20:.0f} MiB does not hold a light of {step.id}.",
            mend=f"Give at least --memory {needed / 2**20 + 1:.0f}MiB.",
        )
    return min(threads, job.threads)


def noise_is_known(told: DarkFacts, frame: FrameInfo) -> bool:
    return told.noise_adu is not None and frame.egain_e_per_adu is not None
