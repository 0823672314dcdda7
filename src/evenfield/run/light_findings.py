"""What the user should know of lights: those that failed, and what stands out in those that were calibrated."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.examine.masters import percent
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.plan import LightStep, StepInput
from evenfield.model.report import LightRecord
from evenfield.model.targets import TARGETS
from evenfield.model.wording import name_files, plural
from evenfield.run.job import Job
from evenfield.run.light_masters import LightMasters, noise_is_known

MANY_LOW: Final = 1e-4
"""The share of pixels at the least value from which on a light counts as cut off."""

MANY_NEGATIVE: Final = 0.6
"""The share of negative pixels that a sky without light and a right dark do not reach."""

GLOW_LIMIT: Final = 1.0
"""A glow as bright as the noise of a pixel of the master dark is seen in a picture."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FailedLight:
    """A light that was not calibrated."""

    item: StepInput
    code: str
    reason: str
    mend: str
    unreadable: bool = False


def failure_findings(step: LightStep, failed: Sequence[FailedLight]) -> list[Finding]:
    """One finding for each reason: many files that are in the way are one fault."""
    told = []
    exists = [one for one in failed if one.code == "output_exists"]
    if exists:
        text = f"{step.id}: {plural(len(exists), 'light')} not made; the first: {exists[0].reason}"
        told.append(finding("output_exists", step.id, text, mend=exists[0].mend, fix=("--overwrite",)))
    causes: dict[tuple[str, str, str], list[FailedLight]] = {}
    for one in failed:
        if one.code != "output_exists":
            causes.setdefault((one.code, one.reason if not one.unreadable else one.item.path, one.mend), []).append(one)
    for (code, _, mend), same in causes.items():
        names = name_files([one.item.path for one in same])
        text = f"{names} not calibrated: {same[0].reason}."
        told.append(finding(code, step.id, text, mend=mend or None, level=FindingLevel.BLOCKER))
    return told


def light_findings(step: LightStep, masters: LightMasters, records: Sequence[LightRecord], job: Job) -> list[Finding]:
    pixels = masters.shape[0] * masters.shape[1]
    told: list[Finding] = []

    def about(code: str, some: Sequence[LightRecord], what: str, fix: tuple[str, ...] | None = None) -> None:
        if some:
            names = name_files([one.path for one in some])
            text = f"{step.id}: {what} in {plural(len(some), 'light')}: {names}."
            told.append(finding(code, step.id, text, fix=fix))

    low = [one for one in records if one.low_clipped > MANY_LOW * pixels]
    most = max((one.low_clipped for one in low), default=0)
    about("low_clipped", low, f"up to {plural(most, 'pixel')} ({percent(most / pixels)}) at 0")
    negative = [one for one in records if one.negative > MANY_NEGATIVE * pixels]
    share = max((one.negative for one in negative), default=0) / pixels
    about("negative_pixels", negative, f"up to {100 * share:.0f} % of the pixels are negative")
    clipped = [one for one in records if one.clipped]
    most = max((one.clipped for one in clipped), default=0)
    free = TARGETS[step.recipe.target].sample is None
    words = f"up to {plural(most, 'value')} cut off"
    about("values_clipped", clipped, words, ("--output-type", "float32") if free else None)
    about("mixed_scaling", *_mixed(step, masters, records, job))
    if step.recipe.maps and records and not _all_noise_known(step, masters, job):
        text = f"{step.id}: no noise plane: the frames tell no e-/ADU, or no master of evenfield tells their noise."
        told.append(finding("noise_unknown", step.id, text))
    return told + _dark_findings(step, masters, records)


def _mixed(
    step: LightStep, masters: LightMasters, records: Sequence[LightRecord], job: Job
) -> tuple[list[LightRecord], str]:
    """The lights whose numbers have another step than those of their dark, and what the two are."""
    by_path = {job.input_path(item): item.calibration for item in step.inputs}
    found, words = [], ""
    for one in records:
        theirs = masters.told[by_path[one.path]].step_adu
        if one.step_adu is not None and theirs is not None and one.step_adu != theirs:
            found.append(one)
            words = words or f"numbers in steps of {one.step_adu:g}, those of the darks in steps of {theirs:g},"
    return found, words


def _all_noise_known(step: LightStep, masters: LightMasters, job: Job) -> bool:
    return all(noise_is_known(masters.told[item.calibration], job.frame(item)) for item in step.inputs)


def _dark_findings(step: LightStep, masters: LightMasters, records: Sequence[LightRecord]) -> list[Finding]:
    """What optimizing found of darks: no correlation, too little signal, glow."""
    told: list[Finding] = []
    fitted = [one for one in records if one.factor is not None and one.factor_error is not None]
    lost = [
        one
        for one in fitted
        if np.isfinite(one.factor_error or 0.0) and (one.factor or 0.0) <= max(3.0 * (one.factor_error or 0.0), 0.02)
    ]
    if lost:
        names = name_files([one.path for one in lost])
        text = f"{step.id}: no correlation with the dark in {plural(len(lost), 'light')}: {names}."
        told.append(finding("dark_no_correlation", step.id, text))
    unseen = [one for one in fitted if math.isinf(one.factor_error or 0.0)]
    if unseen and all(hot.usable for hot in masters.hot.values()):
        names = name_files([one.path for one in unseen])
        text = f"{step.id}: hot pixels cannot be seen in {plural(len(unseen), 'light')}: {names}."
        told.append(finding("dark_signal_too_weak", step.id, text))
    for at, hot in masters.hot.items():
        title = next(one.title for one, which in zip(step.calibrations, masters.which, strict=True) if which == at)
        if not hot.usable:
            text = f"{step.id}: only {plural(hot.rows.size, 'hot pixel')} stand out ({title})."
            told.append(finding("dark_signal_too_weak", step.id, text))
        scaled = [one.factor for one in fitted if one.factor is not None and abs(one.factor - 1.0) > 0.05]
        if scaled and hot.glow_adu > max(5.0 * hot.glow_noise_adu, GLOW_LIMIT * hot.noise_adu):
            text = (
                f"{step.id}: part of the dark glows {hot.glow_adu:.1f} ADU brighter than its middle (noise "
                f"{hot.noise_adu:.1f}), and was scaled by {scaled[0]:.2f}."
            )
            told.append(finding("amplifier_glow", step.id, text))
    return told
