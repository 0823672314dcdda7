"""The frames that tell the causes of bad flats apart, a few of each kind, gathered from the steps of a plan."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from evenfield.errors import EvenfieldError, ReadError
from evenfield.examine.cause_findings import CLEAN_ODDS
from evenfield.examine.causes import Ranking, rank_causes
from evenfield.examine.correction import Correction
from evenfield.examine.evidence import Evidence, Frames, gather_evidence
from evenfield.examine.geometry import Geometry
from evenfield.examine.residues import Measured
from evenfield.model.causes import Cause
from evenfield.model.mosaic import color_cells, period_of
from evenfield.model.pixels import Float32Array, PixelSource, Tile
from evenfield.model.plan import LightStep, MasterRef, Step, StepInput
from evenfield.read import CroppedSource
from evenfield.run.examining_camera import bias_like
from evenfield.run.frames import master_path, open_frame, whole_frame
from evenfield.run.job import Job
from evenfield.run.looking import taken_part
from evenfield.run.provenance import read_provenance

THOROUGH_PIXELS: Final = 3_000_000
"""Pixels that are kept of a frame where examining is the work: shades, columns and hot pixels come out of fewer."""

AFTERWARDS_PIXELS: Final = 1_000_000
"""The same after other work."""

LIGHTS: Final = 3
FLATS: Final = 2
BIASES: Final = 2
DARKS: Final = 4
"""Frames of each kind that are looked at: pairs give noise, and of four darks one stands out."""

BAND_PIXELS: Final = 1 << 20
"""Pixels that are read at a time."""

KNOWN_ODDS: Final = 10.0
"""A plan that subtracted a dark makes it so much less likely that there was none: headers err at times."""

BARE_ODDS: Final = 1e4
"""From frames of which nothing was subtracted nothing is gone, unless another program had done it before."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Every so many-th pixel of every so many-th row: one color of a mosaic, and little enough of a large frame."""

    top: int
    left: int
    stride: int

    def of(self, pixels: Float32Array) -> Float32Array:
        """What is kept of whole frames, as a copy."""
        return np.ascontiguousarray(pixels[self.top :: self.stride, self.left :: self.stride])

    def read(self, source: PixelSource) -> Float32Array:
        """What is kept of a source, read in bands."""
        rows, columns = source.shape
        height = max(1, BAND_PIXELS // (columns * self.stride)) * self.stride
        kept = [
            self.of(source.read(Tile(start=start, stop=min(start + height, rows)))) for start in range(0, rows, height)
        ]
        return np.concatenate(kept)


def sampling_of(shape: tuple[int, int], *, cfa: str | None, most: int) -> Sampling:
    """How to look at frames of a shape, keeping about ``most`` pixels: of the commonest color, the first place."""
    period = period_of(cfa)
    colors = color_cells(cfa)
    rows, columns = max(colors.values(), key=len)[0]
    stride = period * max(1, math.ceil(math.sqrt(shape[0] * shape[1] / most) / period))
    return Sampling(top=rows.start or 0, left=columns.start or 0, stride=stride)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SeenCauses:
    """What was measured of causes, and how they rank."""

    evidence: Evidence
    ranking: Ranking


class CauseFrames:
    """Gathers frames for one step of lights; lights are handed in as they are read for other examinations."""

    def __init__(self, step: LightStep, job: Job, *, flat: Float32Array, thorough: bool) -> None:
        pattern = step.group.get("cfa")
        cfa = None if pattern is None else str(pattern)
        self._step, self._job = step, job
        self._shape = (flat.shape[0], flat.shape[1])
        most = min(THOROUGH_PIXELS if thorough else AFTERWARDS_PIXELS, job.budget_bytes // 256)
        self._sampling = sampling_of(self._shape, cfa=cfa, most=most)
        self._cfa = cfa
        self._flat = self._sampling.of(flat)
        # The level of flats is that of all colors.
        self._flat_mean = float(np.nanmean(flat, dtype=np.float64))
        self._lights: list[Float32Array] = []
        self._items: list[StepInput] = []

    def add(self, item: StepInput, light: Float32Array) -> None:
        """A light as it is before it is divided by the flat."""
        if len(self._lights) < LIGHTS:
            self._lights.append(self._sampling.of(light))
            self._items.append(item)

    def rank(
        self, *, geometry: Geometry, correction: Correction, levels_adu: tuple[float, float], wrong: bool
    ) -> SeenCauses:
        """Read the other frames and rank the causes.

        Parameters
        ----------
        geometry, correction
            What was found already.
        levels_adu : (float, float)
            The levels of lights and flat, all colors together.
        wrong : bool
            Whether something is wrong with the flat; else "none" has far better odds.
        """
        flat_step = self._step_of(self._step.flat)
        frames, scale = self._frames(flat_step)
        evidence = gather_evidence(
            frames,
            geometry=geometry,
            eta=self._eta(correction),
            levels_adu=(levels_adu[0], levels_adu[1] * scale),
            sampled=self._sampling.stride,
        )
        odds = {**self._odds(flat_step), Cause.NONE: 1.0 if wrong else CLEAN_ODDS}
        return SeenCauses(evidence=evidence, ranking=rank_causes(evidence, odds=odds, structured_sky=True))

    def _eta(self, correction: Correction) -> Measured | None:
        """The exponent in the color of the frames."""
        wanted = max(color_cells(self._cfa).items(), key=lambda one: len(one[1]))[0]
        colors = correction.colors
        found = colors[0] if len(colors) == 1 else next((one for one in colors if one.color == wanted), None)
        return None if found is None else Measured(found.eta.value, found.eta.error)

    def _frames(self, flat_step: Step | None) -> tuple[Frames, float]:
        """All frames that can be read, and what the flat was multiplied with to be ADU."""
        level = self._flat_level()
        mean = self._flat_mean
        known = level is not None and level > 0 and mean > 0
        scale = level / mean if known and level is not None else 1.0
        dark_ref = self._ref("dark")
        bias_step = bias_like(self._step, self._job)
        bias_ref = self._ref("bias") or self._ref("bias", flat_step) or self._ref("dark_flat", flat_step)
        if bias_step is None:
            bias_step = self._step_of(bias_ref)
            bias = None if bias_ref is None else self._master(bias_ref)
        else:
            bias = self._product(self._job.output_path(bias_step))
        frames = Frames(
            flat=self._flat * np.float32(scale),
            lights=self._lights,
            raw_flats=self._raw(flat_step, self._inputs(flat_step, FLATS)),
            raw_lights=self._raw(self._step, self._items[:2]),
            raw_biases=self._raw(bias_step, self._inputs(bias_step, BIASES)),
            raw_darks=self._raw(self._step_of(dark_ref), self._inputs(self._step_of(dark_ref), DARKS)),
            bias=bias,
            dark=None if dark_ref is None else self._master(dark_ref),
            relative=not known,
        )
        return frames, scale

    def _flat_level(self) -> float | None:
        """The level of the flats above what was subtracted from them, ADU."""
        ref = self._step.flat
        if ref is None:
            return None
        made = self._job.results.get(ref.step or "")
        if made is not None and made.measured.get("level_adu") is not None:
            return made.measured["level_adu"]
        try:
            return read_provenance(master_path(ref, self._job)).measured.get("level_adu")
        except EvenfieldError:
            return None

    def _ref(self, role: str, step: Step | LightStep | None = None) -> MasterRef | None:
        """The first master of a role that a step subtracts; of the lights, where no step is given."""
        of = self._step if step is None else step
        return next((one.masters[role] for one in of.calibrations if role in one.masters), None)

    def _step_of(self, ref: MasterRef | None) -> Step | None:
        return None if ref is None or ref.step is None else self._job.plan.step(ref.step)

    def _inputs(self, step: Step | None, most: int) -> list[StepInput]:
        """Some neighbors from the middle of a step's frames, of those that took part."""
        if step is None:
            return []
        result = self._job.results.get(step.id)
        items = [] if result is None else taken_part(step, result, self._job)
        first = max(0, (len(items) - most) // 2)
        return items[first : first + most]

    def _raw(self, step: Step | LightStep | None, items: Sequence[StepInput]) -> list[Float32Array]:
        """Raw frames of a step, less their overscan; those that cannot be read, or are of another size, left out."""
        found = []
        for item in items if step is not None else ():
            self._job.cancel.check()
            try:
                with contextlib.closing(open_frame(self._job.input_path(item), self._job)) as source:
                    assert step is not None
                    whole, shift = whole_frame(source, step)
                    if whole.shape == self._shape:
                        found.append(self._sampling.read(whole) - np.float32(shift))
            except ReadError:
                continue
        return found

    def _master(self, ref: MasterRef) -> Float32Array | None:
        """A master, ADU; ``None`` where it cannot be read."""
        try:
            return self._product(master_path(ref, self._job), crop=ref.crop, scale=ref.scale)
        except EvenfieldError:
            return None

    def _product(self, path: str, *, crop: bool = False, scale: float = 1.0) -> Float32Array | None:
        try:
            with contextlib.closing(open_frame(path, self._job)) as source:
                whole = CroppedSource(source, self._step.trim) if crop and self._step.trim is not None else source
                return self._sampling.read(whole) * np.float32(scale) if whole.shape == self._shape else None
        except ReadError:
            return None

    def _odds(self, flat_step: Step | None) -> Mapping[Cause, float]:
        """What the plan knows: whether something was subtracted from flats and lights."""
        known = {}
        if flat_step is not None:
            bare = all(one.how == "none" for one in flat_step.calibrations)
            known[Cause.FLAT_WITHOUT_DARK] = BARE_ODDS if bare else 1.0 / KNOWN_ODDS
        hows = {one.how for one in self._step.calibrations}
        without = KNOWN_ODDS if hows <= {"none", "bias", "pedestal"} else 1.0 / KNOWN_ODDS
        known[Cause.LIGHT_WITHOUT_DARK] = BARE_ODDS if hows <= {"none"} else without
        return known
