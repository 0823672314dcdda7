"""What calibrates a group of flats: one kind for all of it, the best that fits, each exposure its own master."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from evenfield.match.clusters import exposure_clusters
from evenfield.match.grouping import calibration_sets
from evenfield.match.limits import Limits, is_ccd
from evenfield.match.matching import Choice, Fit, choose, look_at, nearest, over_all
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameInfo, FrameKind, exposure_text
from evenfield.model.groups import FrameGroup
from evenfield.model.settings import CALIBRATION_KINDS, MISMATCH_KEYS, CalibrationSettings, Settings
from evenfield.model.wording import plural

UNSTABLE_BIAS: Final = re.compile(r"ASI ?1600|QHY ?163|Horizon|ASI ?294|QHY ?294|MN34230|IMX294", re.IGNORECASE)
"""Cameras with a sensor (MN34230, IMX294) whose bias frames do not stand for longer exposures."""


ROLES: Final = {"dark_flat": ("dark_flat",), "scaled_dark": ("dark", "bias"), "bias": ("bias",)}
"""The masters that each kind of calibration needs."""

ENOUGH: Final = 5
"""Where so many flats, or half of them, can be calibrated, the others are left out instead of calibrating none."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GroupCalibration:
    """What calibrates a group. ``which`` maps a frame's path to an index into ``choices``.

    ``how`` is "auto"'s outcome or the mode: "dark_flat", "scaled_dark", "bias", "pedestal", "inferred", "none".
    ``instead`` maps (index of a choice, role, first file of a set) to the arguments that would take this set. ``near``
    are the sets that came nearest where none fits.
    """

    how: str
    choices: tuple[Choice | None, ...]
    which: dict[str, int]
    left_out: tuple[tuple[FrameInfo, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    refused: Finding | None = None
    instead: Mapping[tuple[int, str, str], tuple[str, ...]] = dataclasses.field(default_factory=dict)
    near: tuple[Fit, ...] = ()


def calibrate_group(
    group: FrameGroup,
    *,
    sets: Sequence[FrameGroup],
    settings: CalibrationSettings,
    name: str,
    strict: bool = False,
    asked: Sequence[FrameGroup] = (),
) -> GroupCalibration:
    """Choose what calibrates a group, or say why nothing does; of ``asked``, the sets of --use, where there are any."""
    if settings.mode in ("pedestal", "inferred", "none"):
        return _plain(group, settings.mode, name)
    if asked:
        return _as_asked(group, sets=sets, settings=settings, name=name, asked=asked)
    found = _calibrated(group, sets=sets, settings=settings, name=name, strict=strict)
    told = constant_bias_untold(group, settings, name)
    return dataclasses.replace(found, findings=(*found.findings, *told))


def constant_bias_untold(group: FrameGroup, settings: CalibrationSettings, name: str) -> tuple[Finding, ...]:
    """A finding where --bias follows an offset that the frames do not tell."""
    offset_setting = group.frames[0].setup.offset_setting
    if settings.bias is None or settings.constant_bias(offset_setting) is not None:
        return ()
    text = f"{name}: --bias {settings.bias} was not used, since the frames tell no offset."
    return (finding("constant_bias_untold", name, text),)


def _calibrated(
    group: FrameGroup, *, sets: Sequence[FrameGroup], settings: CalibrationSettings, name: str, strict: bool
) -> GroupCalibration:
    limits = Limits.of(settings)
    usable = usable_sets(sets, settings)
    best: GroupCalibration | None = None
    tried: list[str] = []
    number = settings.constant_bias(group.frames[0].setup.offset_setting)
    for how in hows(group, settings):
        if how == "bias" and number is not None:
            # A number that the user gave fits all frames, and comes before frames that were found.
            choice = Choice(how="pedestal", fits=(), looked_at=(), pedestal_adu=number)
            which = {frame.path: 0 for frame in group.frames}
            found = GroupCalibration(how="pedestal", choices=(choice,), which=which)
            return _with_sensor_note(_with_earlier(found, group, tried, usable, limits), group, name)
        found = _cover(group, usable, how, limits)
        if not found.left_out:
            found = _with_earlier(found, group, tried, usable, limits)
            return _with_sensor_note(found, group, name)
        tried.append(how)
        if best is None or len(found.left_out) < len(best.left_out):
            best = found
    if best is not None:
        covered = len(group.frames) - len(best.left_out)
        if covered >= ENOUGH or 2 * covered >= len(group.frames):
            return _with_sensor_note(_part_left_out(best, usable, limits, name), group, name)
    fitting = 0 if best is None else len(group.frames) - len(best.left_out)
    return _nothing_fits(group, usable, settings, limits, name, fitting=fitting, strict=strict)


def _as_asked(
    group: FrameGroup,
    *,
    sets: Sequence[FrameGroup],
    settings: CalibrationSettings,
    name: str,
    asked: Sequence[FrameGroup],
) -> GroupCalibration:
    """The best of the sets that were asked for, with as few differences accepted as can be."""
    limits = Limits.of(settings)
    found = best_of_asked(group, sets=sets, settings=settings, asked=asked)
    others = [one for one in usable_sets(sets, settings) if not any(one is mine for mine in asked)]
    if found is not None:
        # The others are told of as well, by the limits of all.
        found = _with_earlier(found, group, hows(group, settings), others, limits, again=True)
        choices = tuple(choice and dataclasses.replace(choice, asked=True) for choice in found.choices)
        return _with_sensor_note(dataclasses.replace(found, choices=choices), group, name)
    refused = asked_refusal(group.frames, asked=asked, limits=limits, name=name)
    which = {frame.path: 0 for frame in group.frames}
    return GroupCalibration(how="none", choices=(None,), which=which, refused=refused)


def best_of_asked(
    group: FrameGroup, *, sets: Sequence[FrameGroup], settings: CalibrationSettings, asked: Sequence[FrameGroup]
) -> GroupCalibration | None:
    """The best of the sets that were asked for, for all frames of a group; ``None`` where none can be subtracted."""
    wanted = msgspec.structs.replace(settings, kinds=CALIBRATION_KINDS)
    for widened in Limits.of(settings).widening():
        for how in hows(group, wanted):
            found = _cover(group, with_bias(asked, sets) if how == "scaled_dark" else asked, how, widened)
            if not found.left_out:
                return found
    return None


def with_bias(asked: Sequence[FrameGroup], sets: Sequence[FrameGroup]) -> list[FrameGroup]:
    """The sets asked for, with all bias sets where none of those was asked for: a scaled dark needs one beside it."""
    if any(one.kind is FrameKind.BIAS for one in asked):
        return list(asked)
    return [*asked, *(one for one in sets if one.kind is FrameKind.BIAS)]


def asked_refusal(frames: Sequence[FrameInfo], *, asked: Sequence[FrameGroup], limits: Limits, name: str) -> Finding:
    """A refusal where what was asked for can never be subtracted."""
    close = [one for one in nearest(frames, sets=asked, limits=limits.widening()[-1]) if one.against]
    near = f" Nearest: {set_title(close[0].group)}, but {_differences(close[0])}." if close else ""
    return finding(
        "file_does_not_fit",
        name,
        f"{name}: nothing that --use names can be used.{near}",
        mend="Name other files, or leave --use out.",
    )


def use_findings(
    asked: str | None, picked: Sequence[FrameGroup], *, name: str, settings: CalibrationSettings
) -> tuple[Finding, ...]:
    """A finding where --use changes nothing: nothing is looked for, or its pattern fits no whole set."""
    if asked is None:
        return ()
    if settings.mode in ("none", "inferred", "pedestal"):
        text = f"{name}: --use chooses nothing, since no calibration frames are looked for."
        return (finding("use_unused", name, text, mend="Leave out --use, or --pedestal and --no-precalibration."),)
    if not picked:
        return (finding("use_unused", name, f"{name}: no whole set of calibration frames fits {asked} of --use."),)
    return ()


def _plain(group: FrameGroup, how: str, name: str) -> GroupCalibration:
    which = {frame.path: 0 for frame in group.frames}
    notes = () if how != "none" else (finding("no_precalibration", name, f"{name}: nothing is subtracted."),)
    return GroupCalibration(how=how, choices=(None,), which=which, findings=notes)


def sets_from(frames: Sequence[FrameInfo], *, named_only: Sequence[str], settings: Settings) -> tuple[FrameGroup, ...]:
    """The sets that calibration frames make; of files to calibrate with, each is a set of its own."""
    width = settings.group.temperature_width
    if settings.calibration.mode != "files":
        return calibration_sets(frames, temperature_width=width)
    chosen = set(named_only)
    # A named file is taken as it is, raw or master.
    ready = [
        frame if frame.is_master else msgspec.structs.replace(frame, is_master=True, n_combined=1)
        for frame in frames
        if frame.path in chosen
    ]
    return calibration_sets(ready, temperature_width=width)


def usable_sets(sets: Sequence[FrameGroup], settings: CalibrationSettings) -> list[FrameGroup]:
    """The sets that the settings let take part."""
    if settings.mode != "auto":
        return list(sets) if settings.mode == "files" else []
    # A DARK of the flats' exposure serves as dark flat, so asking for dark flats lets darks in too.
    wanted = {FrameKind(kind) for kind in settings.kinds}
    if FrameKind.DARK_FLAT in wanted:
        wanted.add(FrameKind.DARK)
    return [group for group in sets if group.kind in wanted]


def hows(group: FrameGroup, settings: CalibrationSettings) -> list[str]:
    """The kinds of calibration to try for a group, the best first; scaled darks for CCD cameras or on request."""
    camera = group.frames[0].setup.camera
    scaling = settings.dark_scale == "exposure" or (settings.dark_scale == "auto" and is_ccd(camera))
    kinds = settings.kinds if settings.mode == "auto" else ("dark_flat", "dark", "bias")
    found = []
    if "dark_flat" in kinds or "dark" in kinds:
        found.append("dark_flat")
    if scaling and "dark" in kinds and "bias" in kinds:
        found.append("scaled_dark")
    if "bias" in kinds:
        found.append("bias")
    return found


def _cover(group: FrameGroup, sets: Sequence[FrameGroup], how: str, limits: Limits) -> GroupCalibration:
    """Cover as many frames as one kind of calibration can, exposure cluster by exposure cluster."""
    choices: list[Choice | None] = []
    which: dict[str, int] = {}
    left_out: list[tuple[FrameInfo, str]] = []
    exposures: list[float | None] = []
    for part in _parts(group.frames, how):
        choice = choose(part, sets=sets, how=how, limits=limits)
        if choice is not None:
            _assign(part, choice, choices, which, exposures)
            continue
        # No one set fits the whole cluster: a drifting temperature may need a set for each part of it.
        for same in _alike(part):
            own = choose(same, sets=sets, how=how, limits=limits)
            if own is None:
                left_out += [(frame, _why_not(frame, how)) for frame in same]
            else:
                _assign(same, own, choices, which, exposures)
    return GroupCalibration(how=how, choices=tuple(choices), which=which, left_out=tuple(left_out))


def _alike(frames: Sequence[FrameInfo]) -> list[list[FrameInfo]]:
    """Frames that no set can tell apart."""
    found: dict[tuple[object, ...], list[FrameInfo]] = {}
    for frame in frames:
        key = (frame.setup, frame.exposure_s, frame.temperature_c, frame.contains_bias, frame.pedestal_adu)
        found.setdefault(key, []).append(frame)
    return list(found.values())


def _with_earlier(
    found: GroupCalibration,
    group: FrameGroup,
    tried: Sequence[str],
    sets: Sequence[FrameGroup],
    limits: Limits,
    *,
    again: bool = False,
) -> GroupCalibration:
    """The same with the sets of the kinds that come first but did not fit: the plan tells why they were not taken.

    ``again``: look for roles that have been looked for as well, among other sets.
    """
    choices: list[Choice | None] = []
    for index, choice in enumerate(found.choices):
        frames = [frame for frame in group.frames if found.which[frame.path] == index]
        known = {one.role for one in choice.looked_at} if choice and not again else set()
        roles = dict.fromkeys(role for how in tried for role in ROLES[how] if role not in known)
        more = [one for role in roles for one in look_at(frames, sets=sets, role=role, limits=limits)]
        choices.append(choice and dataclasses.replace(choice, looked_at=(*choice.looked_at, *more)))
    return dataclasses.replace(found, choices=tuple(choices))


def _assign(
    frames: Sequence[FrameInfo],
    choice: Choice,
    choices: list[Choice | None],
    which: dict[str, int],
    exposures: list[float | None],
) -> None:
    """Give frames their choice; ``exposures`` holds that of the first frame of each choice made so far."""
    for index, known in enumerate(choices):
        if known is None:
            continue
        same = all(a.group is b.group for a, b in zip(known.fits, choice.fits, strict=True))
        if same and (choice.how != "scaled_dark" or exposures[index] == frames[0].exposure_s):
            # What was unknown of these frames only must not be lost.
            fits = tuple(over_all([a, b]) for a, b in zip(known.fits, choice.fits, strict=True))
            choices[index] = dataclasses.replace(known, fits=fits)
            which.update({frame.path: index for frame in frames})
            return
    choices.append(choice)
    exposures.append(frames[0].exposure_s)
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


def _why_not(frame: FrameInfo, how: str) -> str:
    words = {"dark_flat": "dark flat", "scaled_dark": "dark and bias", "bias": "bias"}[how]
    return f"no {words} fits {'an unknown exposure' if frame.exposure_s is None else exposure_text(frame.exposure_s)}"


def _part_left_out(best: GroupCalibration, sets: Sequence[FrameGroup], limits: Limits, name: str) -> GroupCalibration:
    frames = [frame for frame, _ in best.left_out]
    exposures = sorted({frame.exposure_s for frame in frames if frame.exposure_s is not None})
    words = [exposure_text(value) for value in exposures]
    listed = " and ".join(words[:3]) + (f" and {len(words) - 3} more exposures" if len(words) > 3 else "")
    close = [one for one in nearest(frames, sets=sets, limits=limits) if one.against]
    near = f" Nearest: {set_title(close[0].group)}, but {_differences(close[0])}." if close else ""
    told = finding(
        "no_calibration_fits",
        name,
        f"{name}: {plural(len(frames), 'flat')} of {listed or 'unknown exposure'} left out, since no "
        f"{best.how.replace('_', ' ')} fits.{near}",
        mend=None if exposures else "Give their exposure with --set 'PATTERN:exposure_s=SECONDS'.",
        fix=allow_fix(close[0]) if close else None,
    )
    return dataclasses.replace(best, findings=(*best.findings, told))


def _differences(one: Fit) -> str:
    return "; ".join(map(str, one.against))


def constant_bias_title(number: float, settings: CalibrationSettings, offset_setting: float | None) -> str:
    """Return "minus a bias of 1920 ADU (64 x offset 30)"."""
    factor, times_offset = settings.bias_rule()
    how = f" ({factor:g} x offset {offset_setting:g})" if times_offset and offset_setting is not None else ""
    return f"minus a bias of {number:g} ADU{how}"


def _with_sensor_note(found: GroupCalibration, group: FrameGroup, name: str) -> GroupCalibration:
    camera = group.frames[0].setup.camera
    if found.how not in ("bias", "scaled_dark", "pedestal") or camera is None or not UNSTABLE_BIAS.search(camera):
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
    fitting: int,
    strict: bool,
) -> GroupCalibration:
    close = nearest(group.frames, sets=sets, limits=limits)
    which = {frame.path: 0 for frame in group.frames}
    known = [exposure_text(value) for value in group.exposures_s]
    exposures = ", ".join(known[:4]) + (" ..." if len(known) > 4 else "") if known else "unknown exposure"
    if close:
        few = f"only {fitting} of {len(group.frames)} have one that fits (needed: {ENOUGH}, or half)"
        near = f" Nearest: {set_title(close[0].group)}, but {_differences(close[0]) or few}."
        fix = allow_fix(close[0])
    else:
        near, fix = " None was found.", None
    files = settings.mode == "files"
    code = "file_does_not_fit" if files else "uncalibrated"
    what = "no file named fits" if files else "no dark flat, dark or bias fits the flats"
    told = finding(code, name, f"{name}: {what} ({exposures}).{near}", mend=_mend(fix, files=files), fix=fix)
    if files or strict:
        return GroupCalibration(how="none", choices=(None,), which=which, refused=told, near=close)
    return GroupCalibration(how="none", choices=(None,), which=which, findings=(told,), near=close)


def _mend(fix: tuple[str, ...] | None, *, files: bool) -> str | None:
    if fix is None:
        return None
    better = "Name a file that fits" if files else "Take dark flats: cap on, same exposure, gain and offset"
    return f"{better}; or accept the difference, which is recorded."


def allow_fix(one: Fit) -> tuple[str, ...] | None:
    """The arguments that would accept a set in spite of its differences, or ``None`` where nothing can."""
    arguments: list[str] = []
    for difference in one.against:
        key = {"exposure_s": "exposure", "sensor_c": "temperature"}.get(difference.key, difference.key)
        # To take 0..1 for ADU helps nobody, and an exposure that nobody knows cannot be allowed: never proposed.
        if key not in MISMATCH_KEYS or key == "number_domain" or (key == "exposure" and difference.unknown):
            return None
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
