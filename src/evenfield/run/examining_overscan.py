"""The examination of overscan: that which is subtracted, and that which headers name."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from evenfield.errors import EvenfieldError, ReadError
from evenfield.examine.overscan import OverscanSet, overscan_fault, overscan_frame, overscan_set
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import SETUP_KEYS, FrameInfo, FrameKind
from evenfield.model.pixels import Float32Array
from evenfield.model.plan import Step, StepInput
from evenfield.model.sections import Region, section, section_text
from evenfield.model.verdict_limits import verdict_limits
from evenfield.run.frames import open_frame
from evenfield.run.job import Job, ended_well
from evenfield.run.looking import Looking, taken_part

FRAMES: Final = 12
"""Frames of a set whose overscan is looked at."""

LEAST_PIXELS: Final = 200
"""Smaller regions say nothing."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SeenOverscan:
    """The overscan of a step: what is measured, and what is told."""

    step: Step
    region: Region
    found: OverscanSet
    findings: tuple[Finding, ...]
    measured: dict[str, float | None]


def examine_overscans(job: Job, *, thorough: bool) -> dict[str, SeenOverscan]:
    """Look at the overscan of the frames of every step that was made, where they have one at a side of the image.

    Parameters
    ----------
    job : Job
        After its steps are done.
    thorough : bool
        Read frames whole; else bands of rows.

    Returns
    -------
    dict of str to SeenOverscan
        By the id of the step. Flats are compared with dark frames.
    """
    seen: dict[str, SeenOverscan] = {}
    for step in sorted(job.plan.steps, key=lambda one: one.kind is FrameKind.FLAT):
        result = job.results.get(step.id)
        if result is None or not ended_well(result):
            continue
        one = _examine(step, taken_part(step, result, job), job, seen, thorough=thorough)
        if one is not None:
            seen[step.id] = one
    return seen


def _examine(
    step: Step, items: Sequence[StepInput], job: Job, before: Mapping[str, SeenOverscan], *, thorough: bool
) -> SeenOverscan | None:
    regions = _regions(step, items, job)
    if regions is None or not items:
        return None
    overscan, image = regions
    at = Looking(msgspec.structs.replace(step, trim=None), job, thorough=thorough)
    frames, strips, parts = [], [], []
    for item in items[:: -(-len(items) // FRAMES)]:
        frame = job.frame(item)
        try:
            with contextlib.closing(open_frame(job.input_path(item), job)) as source:
                rows = at.rows(source)
                least = -32768.0 + source.encoding.bzero if source.encoding.dtype == "int16" else -np.inf
        except ReadError:
            continue
        strip, part = _strips(rows, overscan, image)
        if strip.size < LEAST_PIXELS or not np.isfinite(strip).any():
            return None
        frames.append(overscan_frame(strip, image=part, least_adu=least, most_adu=frame.full_scale_adu))
        if step.kind is not FrameKind.FLAT:
            strips.append(strip)
            parts.append(part[:, : max(strip.shape[1], min(part.shape[1], 4 * strip.shape[1]))].copy())
    if not frames:
        return None
    found = overscan_set(frames, kind=step.kind, overscans=strips, images=parts)
    return _told(step, overscan, found, _dark_of(step, overscan, before), job)


def _told(step: Step, region: Region, found: OverscanSet, dark: OverscanSet | None, job: Job) -> SeenOverscan:
    limits = verdict_limits(job.plan.settings.examine.limits)
    fault = overscan_fault(
        found,
        dark=dark,
        level_limit=limits["overscan_level"],
        light_limit=limits["overscan_light"],
        wander_limit=limits["wander"],
    )
    findings: tuple[Finding, ...] = ()
    if fault is not None:
        used = step.overscan is not None or bool(step.overscan_parts)
        if used:
            text = (
                f"{step.id}: what is subtracted from these frames is not their bias, since the overscan "
                f"{section_text(region)} is not usable: {fault.what}."
            )
        else:
            text = f"{step.id}: the overscan {section_text(region)} is not usable: {fault.what}."
        findings = (finding("overscan_not_usable" if used else "overscan_unfit", step.id, text),)
    measured = {
        "overscan_level_adu": found.level,
        "overscan_noise_adu": found.noise,
        "image_less_overscan_adu": found.apart,
        "image_less_overscan_wander_adu": found.left if found.n_frames > 1 else None,
    }
    return SeenOverscan(step=step, region=region, found=found, findings=findings, measured=measured)


def _dark_of(step: Step, region: Region, before: Mapping[str, SeenOverscan]) -> OverscanSet | None:
    """The overscan of a bias of the same camera and settings, else of other dark frames."""
    if step.kind is not FrameKind.FLAT:
        return None
    alike = [
        one
        for one in before.values()
        if one.region == region
        and one.step.kind is not FrameKind.FLAT
        and all(one.step.group.get(key) == step.group.get(key) for key in SETUP_KEYS if key != "cfa")
    ]
    alike.sort(key=lambda one: one.step.kind is not FrameKind.BIAS)
    return alike[0].found if alike else None


def _regions(step: Step, items: Sequence[StepInput], job: Job) -> tuple[Region, Region] | None:
    """The overscan and the image beside it, in raw pixels; ``None`` where there is none, or none at a side."""
    if not items:
        return None
    frame = job.frame(items[0])
    shape = frame.setup.shape
    try:
        overscan = _overscan(step, frame)
        trim = step.trim
        if trim is None and frame.trim_section is not None:
            trim = section(frame.trim_section, shape)
    except EvenfieldError:
        return None
    if overscan is None or overscan[1] - overscan[0] < shape[0] // 2:
        return None
    left, right = overscan[2], overscan[3]
    image = (0, shape[0], right, shape[1]) if left < shape[1] - right else (0, shape[0], 0, left)
    if trim is not None:
        # What of the image lies at the overscan's side of it.
        image = (image[0], image[1], max(image[2], trim[2]), min(image[3], trim[3]))
    return (overscan, image) if image[3] - image[2] >= 16 else None


def _overscan(step: Step, frame: FrameInfo) -> Region | None:
    if step.overscan is not None:
        return step.overscan
    if step.overscan_parts:
        return step.overscan_parts[0].source
    return None if frame.overscan_section is None else section(frame.overscan_section, frame.setup.shape)


def _strips(rows: Float32Array, overscan: Region, image: Region) -> tuple[Float32Array, Float32Array]:
    """The overscan and the image of the rows that were read, the columns that lie next to each other first."""
    strip, part = rows[:, overscan[2] : overscan[3]], rows[:, image[2] : image[3]]
    if overscan[3] <= image[2]:
        return strip[:, ::-1], part
    return strip, part[:, ::-1]
