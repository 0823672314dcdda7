"""What dark frames say beyond their own set: hot and unstable pixels, and levels against exposure."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from evenfield.errors import ReadError
from evenfield.examine.exposures import ExposureLevel, level_line
from evenfield.examine.grids import FrameGrid
from evenfield.examine.set_findings import bias_drift_finding
from evenfield.examine.unstable import count_hot, count_unstable
from evenfield.model.findings import Finding
from evenfield.model.frame import SETUP_KEYS, FrameKind
from evenfield.model.plan import Step, StepInput
from evenfield.model.verdict_limits import verdict_limits
from evenfield.run.frames import open_frame
from evenfield.run.job import Job
from evenfield.run.looking import Looking

FRAMES: Final = 10
"""Frames that unstable pixels are looked for in, in bands of rows."""

MOST_WHOLE: Final = 1 << 22
"""Pixels of a master up to which all of them are looked at: finding defects takes several times its memory."""

SAME_C: Final = 2.0
"""Sets whose temperatures differ by more, degrees C, have no line of levels in common."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DarkLevel:
    """The level of a set of dark frames, and the noise of a pixel where two frames tell it."""

    step: Step
    level: ExposureLevel
    noise_adu: float | None


def dark_level(
    step: Step, grids: Sequence[FrameGrid], items: Sequence[StepInput], job: Job, *, noise_adu: float | None = None
) -> DarkLevel | None:
    """The level of a set of bias, darks or dark flats; ``None`` of other sets, and where no exposure is known.

    Where overscan is subtracted it takes a level that wanders away, and raw levels say nothing of the masters.
    """
    if step.kind is FrameKind.FLAT or not grids or not items or step.overscan is not None or step.overscan_parts:
        return None
    frames = [job.frame(item) for item in items]
    exposures = [frame.exposure_s for frame in frames if frame.exposure_s is not None]
    if step.kind is FrameKind.BIAS and not exposures:
        exposures = [0.0]
    if not exposures:
        return None
    levels = np.array([float(np.mean(one.level)) for one in grids])
    if not np.isfinite(levels).all():
        return None
    warm = [frame.sensor_c for frame in frames if frame.sensor_c is not None]
    level = ExposureLevel(
        name=step.id,
        exposure_s=float(np.median(exposures)),
        level_adu=float(np.median(levels)),
        wander_adu=float(levels.std(ddof=1)) if levels.size > 1 else None,
        sensor_c=float(np.median(warm)) if warm else None,
    )
    return DarkLevel(step=step, level=level, noise_adu=noise_adu)


def across_exposures(levels: Mapping[str, DarkLevel], job: Job) -> dict[str, tuple[Finding, ...]]:
    """Findings about levels of sets of one camera that do not go with their exposures, by the step that they concern.

    They are said of the bias, which is wrong for flats then; without one, of the shortest exposure.
    """
    limits = verdict_limits(job.plan.settings.examine.limits)
    told: dict[str, tuple[Finding, ...]] = {}
    left = list(levels.values())
    while left:
        first = left[0]
        alike = [one for one in left if _alike(one, first)]
        left = [one for one in left if one not in alike]
        known = sorted((one for one in alike if one.noise_adu is not None), key=lambda one: one.level.exposure_s)
        if not known:
            continue
        noise = known[0].noise_adu or 0.0
        line = level_line([one.level for one in alike], noise_adu=noise)
        if line is None:
            continue
        about = min(alike, key=lambda one: (one.step.kind is not FrameKind.BIAS, one.level.exposure_s))
        found = bias_drift_finding(line, name=about.step.id, noise_adu=noise, limits=limits)
        if found is not None:
            told[about.step.id] = (found,)
    return told


def _alike(one: DarkLevel, other: DarkLevel) -> bool:
    """Whether two sets are of one camera, its settings and its temperature."""
    here, there = one.step.group, other.step.group
    if any(here.get(key) != there.get(key) for key in SETUP_KEYS if key != "cfa"):
        return False
    if one.level.sensor_c is None or other.level.sensor_c is None:
        return here.get("set_c") == there.get("set_c")
    return abs(one.level.sensor_c - other.level.sensor_c) <= SAME_C


def dark_counts(step: Step, files: Sequence[str], job: Job, *, thorough: bool) -> dict[str, float | None]:
    """Hot and unstable pixels of a set, scaled from what is looked at to whole frames.

    Hot ones are counted in the master, whole where the work is ``thorough`` and the master not too large; unstable ones
    in bands of rows of up to `FRAMES` frames.
    """
    some = Looking(step, job, thorough=False)
    try:
        with contextlib.closing(open_frame(job.output_path(step), job)) as source:
            whole = source.shape[0] * source.shape[1]
            looking = Looking(step, job, thorough=thorough and whole <= MOST_WHOLE)
            master = looking.rows(source, trimmed=True)
        frames = []
        for path in files[:: -(-len(files) // FRAMES)]:
            with contextlib.closing(open_frame(path, job)) as source:
                frames.append(some.rows(source))
    except ReadError:
        return {}
    hot = count_hot(master, cfa=looking.cfa) / master.size
    unstable = count_unstable(frames)
    share = None if unstable is None else unstable / frames[0].size
    return {
        "hot_pixels": float(round(hot * whole)),
        "hot_share": hot,
        "unstable_pixels": None if share is None else float(round(share * whole)),
        "unstable_share": share,
    }
