"""The plan: what will be made from which frames, and why. A frozen, serializable value; no pixel was seen for it."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from evenfield.model.findings import Finding
from evenfield.model.frame import Difference, FrameInfo, FrameKind
from evenfield.model.rejections import Limits, Rejection
from evenfield.model.settings import Settings

PLAN_SCHEMA: Final = 1

ALGORITHM_VERSION: Final = 5
"""Raised whenever the same inputs and settings give other pixels; part of every digest."""

KeyValue: TypeAlias = bool | int | float | str | tuple[int, ...] | None


class FileUse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of one file: ``use`` is "used", "not_needed", "left_out" or "unreadable"."""

    path: str
    use: str
    code: str
    reason: str
    steps: tuple[str, ...] = ()


class MasterRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A master that a step subtracts: made by another step, or a ready file.

    ``digest`` is that of the step, or the identity of the file. ``crop`` says that a ready master has the size of the
    untrimmed frames and is trimmed while it is read. ``scale`` is what its values are multiplied with to be ADU.
    """

    step: str | None = None
    path: str | None = None
    title: str
    digest: str
    n_frames: int | None = None
    crop: bool = False
    scale: float = 1.0


class RunnerUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A master that was not taken, and the keys that decided against it.

    ``fix`` holds the arguments that would take it all the same; ``None`` where nothing can. ``master`` is that of
    a flat which is ready, or made by the plan, and of the filter that is asked for.
    """

    title: str
    differences: tuple[Difference, ...] = ()
    why: str
    fix: tuple[str, ...] | None = None
    master: MasterRef | None = None


class Match(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a master was taken: reasons in words, what was unknown, what was allowed on request, and the runners-up."""

    reasons: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    runners_up: tuple[RunnerUp, ...] = ()


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is subtracted from some of a step's frames.

    ``how`` is "dark_flat", "dark", "scaled_dark", "optimized_dark", "bias", "pedestal", "inferred" or "none".
    ``masters`` maps a role ("dark_flat", "dark", "bias") to a master. ``factor`` is the k of
    ``(frame - bias) - k (dark - bias)``; where the dark is optimized, it is found for each frame. The ``pedestal_adu``
    of "inferred" is found while the step runs, by the frames that `Step.told_by` names.
    """

    how: str
    title: str
    masters: dict[str, MasterRef] = {}
    factor: float | None = None
    pedestal_adu: float | None = None
    match: Match | None = None


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a step's frames are combined: settings with nothing left to choose."""

    method: str
    rejection: Rejection
    limits: Limits = "corrected"
    weights: str = "none"
    scale: str
    level: str
    per_cfa: bool
    keep_bad_frames: bool
    sample: str
    target: str = "evenfield"
    compress: bool = False
    maps: bool = False
    because: str


class OverscanPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A region of overscan, and the region that it is subtracted from; (row start, row stop, column start, column stop)
    in raw pixels. ``rows``: a curve along the rows in the place of one median.
    """

    source: tuple[int, int, int, int]
    target: tuple[int, int, int, int]
    rows: bool = False


class StepInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One frame of a step. ``path`` is relative to the plan's root; ``calibration`` indexes `Step.calibrations`."""

    path: str
    size_bytes: int
    mtime_ns: int
    header_hash: str
    calibration: int = 0


class Excluded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A frame that belongs to a group and does not take part."""

    path: str
    code: str
    reason: str


class TellingLights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lights of one step whose skies tell the pedestal of their flat; the fields are as in `LightStep`."""

    inputs: tuple[StepInput, ...]
    calibrations: tuple[Calibration, ...]
    overscan: tuple[int, int, int, int] | None = None
    overscan_parts: tuple[OverscanPart, ...] = ()
    trim: tuple[int, int, int, int] | None = None


class Telling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tells the pedestal of flats beside themselves.

    ``darks`` are raw frames without light of the flats' settings, two and more, whose differences tell the read noise;
    ``darks_kind`` is "bias" or another kind of frame without light, whose noise holds that of the dark signal too.
    """

    lights: tuple[TellingLights, ...] = ()
    darks: tuple[StepInput, ...] = ()
    darks_kind: FrameKind | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One master to be made.

    ``output`` is relative to the plan's output folder. ``overscan`` and ``trim`` are (row start, row stop, column
    start, column stop) in raw pixels. ``refused`` holds the finding that forbids the step; then it is not run.
    ``told_by`` is there where the pedestal of flats is to be inferred.
    """

    id: str
    kind: FrameKind
    title: str
    group: dict[str, KeyValue]
    inputs: tuple[StepInput, ...]
    excluded: tuple[Excluded, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    told_by: Telling | None = None
    recipe: Recipe
    overscan: tuple[int, int, int, int] | None = None
    overscan_parts: tuple[OverscanPart, ...] = ()
    trim: tuple[int, int, int, int] | None = None
    needs: tuple[str, ...] = ()
    output: str
    because: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    refused: Finding | None = None
    digest: str = ""


class LightRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How lights are calibrated: settings with nothing left to choose.

    ``cfa_flat`` is "separate" (one ``s0`` a color), "joint" or "none" (no flat). ``add_pedestal`` is "none", "adu" or
    "auto": ADU added to what is written, or the greatest share of pixels that may stay below zero, in ``pedestal``.
    """

    cfa_flat: str
    dark_scale: str
    add_pedestal: str = "none"
    pedestal: float = 0.0
    sample: str
    target: str = "evenfield"
    compress: bool = False
    maps: bool = False


class LightStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lights that are calibrated alike: with one flat, each with the darks of its exposure.

    ``outputs`` are relative to the plan's output folder, one for each of ``inputs``; ``digests`` are those of the
    products. The other fields are as in `Step`.
    """

    id: str
    kind: FrameKind = FrameKind.LIGHT
    title: str
    group: dict[str, KeyValue]
    inputs: tuple[StepInput, ...]
    outputs: tuple[str, ...]
    digests: tuple[str, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    flat: MasterRef | None = None
    flat_match: Match | None = None
    recipe: LightRecipe
    overscan: tuple[int, int, int, int] | None = None
    overscan_parts: tuple[OverscanPart, ...] = ()
    trim: tuple[int, int, int, int] | None = None
    needs: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    refused: Finding | None = None
    digest: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a run will do. ``root`` is the folder that the paths of step inputs are relative to.

    ``lights`` are done when the masters of ``steps`` are made.
    """

    schema: int = PLAN_SCHEMA
    version: str
    root: str
    output: str
    settings: Settings
    frames: tuple[FrameInfo, ...]
    files: tuple[FileUse, ...]
    steps: tuple[Step, ...]
    lights: tuple[LightStep, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    digest: str = ""

    @property
    def all_steps(self) -> tuple[Step | LightStep, ...]:
        """The steps in the order they are done: masters, then lights."""
        return (*self.steps, *self.lights)

    def step(self, step_id: str) -> Step | None:
        """The step with this id, or ``None``."""
        return next((step for step in self.steps if step.id == step_id), None)
