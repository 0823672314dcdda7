"""What calibrates a group of flats: one kind for all of it, the best that fits, each exposure its own master."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Final

from evenfield.match.clusters import exposure_clusters
from evenfield.match.limits import Limits, is_ccd
from evenfield.match.matching import Choice, Fit, choose, nearest
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameInfo, FrameKind, exposure_text
from evenfield.model.groups import FrameGroup
from evenfield.model.settings import CalibrationSettings
from evenfield.model.wording import plural

UNSTABLE_BIAS: Final = re.compile(r"ASI ?1600|QHY ?163|Horizon|ASI ?294|QHY ?294|MN34230|IMX294", re.IGNORECASE)
"""Cameras with a sensor (MN34230, IMX294) whose bias frames do not stand for longer exposures."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GroupCalibration:
    """What calibrates a group. ``which`` maps a frame's path to an index into ``choices``.

    ``how`` is "auto"'s outcome or the mode: "dark_flat", "scaled_dark", "bias", "pedestal", "none".
    """

    how: str
    choices: tuple[Choice | None, ...]
    which: dict[str, int]
    left_out: tuple[tuple[FrameInfo, str], ...] = ()
    near: tuple[Fit, ...] = ()
    findings: tuple[Finding, ...] = ()
    refused: Finding | None = None


def calibrate_group(
    group: FrameGroup, *, sets: Sequence[FrameGroup], settings: CalibrationSettings, name: str, strict: bool
) -> GroupCalibration:
    """Choose what calibrates a group, or say why nothing does."""
    if settings.mode in ("pedestal", "none"):
        return _plain(group, settings.mode, name)
    limits = Limits.of(settings)
    usable = _of_kinds(sets, settings) if settings.mode == "auto" else list(sets)
    best: GroupCalibration | None = None
    for how in _hows(group, settings):
        found = _cover(group, usable, how, limits)
        if not found.left_out:
            return _with_sensor_note(found, group, name)
        if best is None or len(found.left_out) < len(best.left_out):
            best = found
    if best is not None and 2 * len(best.left_out) <= len(group.frames):
        return _part_left_out(best, name)
    return _nothing_fits(group, usable, settings, limits, name, strict=strict)


def _plain(group: FrameGroup, how: str, name: str) -> GroupCalibration:
    which = {frame.path: 0 for frame in group.frames}
    notes = () if how == "pedestal" else (finding("no_precalibration", name, f"{name}: nothing is subtracted."),)
    return GroupCalibration(how=how, choices=(None,), which=which, findings=notes)


def _of_kinds(sets: Sequence[FrameGroup], settings: CalibrationSettings) -> list[FrameGroup]:
    # A DARK of the flats' exposure serves as dark flat, so asking for dark flats lets darks in too.
    wanted = {FrameKind(kind) for kind in settings.kinds}
    if FrameKind.DARK_FLAT in wanted:
        wanted.add(FrameKind.DARK)
    return [group for group in sets if group.kind in wanted]


def _hows(group: FrameGroup, settings: CalibrationSettings) -> list[str]:
    camera = group.frames[0].setup.camera
    scaling = settings.dark_scale == "exposure" or (settings.dark_scale == "auto" and is_ccd(camera))
    kinds = settings.kinds if settings.mode == "auto" else ("dark_flat", "dark", "bias")
    hows = []
    if "dark_flat" in kinds or "dark" in kinds:
        hows.append("dark_flat")
    if scaling and "dark" in kinds and "bias" in kinds:
        hows.append("scaled_dark")
    if "bias" in kinds:
        hows.append("bias")
    return hows


def _cover(group: FrameGroup, sets: Sequence[FrameGroup], how: str, limits: Limits) -> GroupCalibration:
    """Cover as many frames as one kind of calibration can, exposure cluster by exposure cluster."""
    choices: list[Choice | None] = []
    which: dict[str, int] = {}
    left_out: list[tuple[FrameInfo, str]] = []
    for part in _parts(group.frames, how):
        choice = choose(part, sets=sets, how=how, limits=limits)
        if choice is not None:
            _assign(part, choice, choices, which)
            continue
        # No one set fits the whole cluster: a drifting temperature may need a set for each part of it.
        for frame in part:
            own = choose([frame], sets=sets, how=how, limits=limits)
            if own is None:
                left_out.append((frame, _why_not(frame, sets, limits)))
            else:
                _assign([frame], own, choices, which)
    return GroupCalibration(how=how, choices=tuple(choices), which=which, left_out=tuple(left_out))


def _assign(frames: Sequence[FrameInfo], choice: Choice, choices: list[Choice | None], which: dict[str, int]) -> None:
    for index, known in enumerate(choices):
        same = known is not None and [one.group for one in known.fits] == [one.group for one in choice.fits]
        if same and choice.how != "scaled_dark":
            which.update({frame.path: index for frame in frames})
            return
    choices.append(choice)
    which.update({frame.path: len(choices) - 1 for frame in frames})


def _parts(frames: Sequence[FrameInfo], how: str) -> list[list[FrameInfo]]:
    known = [frame for frame in frames if frame.exposure_s is not None]
    unknown = [frame for frame in frames if frame.exposure_s is None]
    exposures = [frame.exposure_s or 0.0 for frame in known]
    # The factor of a scaled dark follows each frame's own exposure; a dark flat serves its whole cluster.
    labels: Sequence[float] = exposures if how == "scaled_dark" else exposure_clusters(exposures)
    parts: dict[float, list[FrameInfo]] = {}
    for frame, label in zip(known, labels, strict=True):
        parts.setdefault(label, []).append(frame)
    found = [parts[label] for label in sorted(parts)]
    if unknown:
        found.append(unknown)
    return found


def _why_not(frame: FrameInfo, sets: Sequence[FrameGroup], limits: Limits) -> str:
    exposure = "of unknown exposure" if frame.exposure_s is None else f"of {exposure_text(frame.exposure_s)}"
    close = nearest([frame], sets=sets, limits=limits)
    if not close:
        return f"no dark flat {exposure}"
    return f"no dark flat {exposure} fits: {'; '.join(map(str, close[0].against))}"


def _part_left_out(best: GroupCalibration, name: str) -> GroupCalibration:
    frames = [frame for frame, _ in best.left_out]
    exposures = sorted({exposure_text(frame.exposure_s) for frame in frames if frame.exposure_s is not None})
    words = " and ".join(exposures) or "unknown exposure"
    told = finding(
        "no_calibration_fits",
        name,
        f"{name}: {plural(len(frames), 'flat')} of {words} left out, since no {best.how.replace('_', ' ')} fits.",
    )
    return dataclasses.replace(best, findings=(*best.findings, told))


def _with_sensor_note(found: GroupCalibration, group: FrameGroup, name: str) -> GroupCalibration:
    camera = group.frames[0].setup.camera
    if found.how != "bias" or camera is None or not UNSTABLE_BIAS.search(camera):
        return found
    told = finding("bias_on_unstable_sensor", name, f"{name}: bias subtracted, though {camera} needs dark flats.")
    return dataclasses.replace(found, findings=(*found.findings, told))


def _nothing_fits(
    group: FrameGroup,
    sets: Sequence[FrameGroup],
    settings: CalibrationSettings,
    limits: Limits,
    name: str,
    *,
    strict: bool,
) -> GroupCalibration:
    close = nearest(group.frames, sets=sets, limits=limits)
    which = {frame.path: 0 for frame in group.frames}
    exposures = ", ".join(exposure_text(value) for value in group.exposures_s) or "unknown exposure"
    if close:
        best = close[0]
        why = "; ".join(map(str, best.against)) or "it fits only some of them"
        near = f" Nearest: {set_title(best.group)}, but {why}."
        fix = allow_fix(best)
    else:
        near, fix = " None was found.", None
    if settings.mode == "files":
        told = finding("file_does_not_fit", name, f"{name} ({exposures}): no file named fits.{near}", fix=fix)
        return GroupCalibration(how="none", choices=(None,), which=which, near=close, refused=told)
    told = finding(
        "uncalibrated", name, f"{name}: no dark flat, dark or bias fits the flats ({exposures}).{near}", fix=fix
    )
    if strict:
        return GroupCalibration(how="none", choices=(None,), which=which, near=close, refused=told)
    return GroupCalibration(how="none", choices=(None,), which=which, near=close, findings=(told,))


def allow_fix(one: Fit) -> tuple[str, ...] | None:
    """The arguments that would accept a set in spite of its differences, or ``None`` where nothing can."""
    arguments: list[str] = []
    for difference in one.against:
        if difference.key == "shape":
            return None
        key = {"exposure_s": "exposure", "sensor_c": "temperature"}.get(difference.key, difference.key)
        arguments += ["--allow-mismatch", key]
    return tuple(arguments) or None


def set_title(group: FrameGroup, *, role: str | None = None) -> str:
    """A calibration set in words: "dark flat 2.00 s", "bias", "dark 300 s"; a dark of the flats' exposure is named
    by its ``role``, "dark_flat".
    """
    words = FrameKind.DARK_FLAT.words if role == "dark_flat" else group.kind.words
    if group.kind is not FrameKind.BIAS and group.exposure_s is not None:
        words = f"{words} {exposure_text(group.exposure_s)}"
    return words
