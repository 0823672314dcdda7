"""Why a master was taken, in words: the match, its title, and what the user should know about it."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from evenfield.match.limits import GOOD_SET
from evenfield.match.matching import Choice, Fit, is_full_range, n_frames, rank
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import KEY_WORDS, SETUP_KEYS, FrameInfo, FrameKind, exposure_text, key_text
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import Calibration, Match, Recipe, RunnerUp
from evenfield.model.rejections import NoRejection, rejection_text
from evenfield.model.wording import plural
from evenfield.plan.calibrating import GroupCalibration, set_title

SHORT_EXPOSURE_S = 0.2
"""Below this both exposures are shown, since the tolerance is large beside them."""

MOST_RUNNERS_UP = 5

CHECKED_KEYS: Final = ("binning", "camera", "readout_mode", "gain_setting", "offset_setting")
"""Settings that change the bias or the dark signal: where nobody tells them, the user hears of it."""

Fix: TypeAlias = tuple[str, ...] | None

ToldKeys: TypeAlias = Mapping[str | None, Collection[str]]
"""Camera -> the settings that at least one frame of it tells."""


def subtraction_title(choice: Choice, frames: Sequence[FrameInfo], factor: float | None) -> str:
    """Return "minus dark flat 2.00 s: same exposure, gain, offset; 0.1 C apart"."""
    main = choice.fits[0]
    if choice.how == "scaled_dark" and factor is not None:
        return f"minus bias, minus {factor:.4g} x ({set_title(main.group)} - bias): {short_reason(main, frames)}"
    if choice.how == "optimized_dark":
        return (
            f"minus bias, minus k x ({set_title(main.group)} - bias), k from each light: {short_reason(main, frames)}"
        )
    ready = "ready master " if main.group.is_master else ""
    return f"minus {ready}{set_title(main.group, role=main.role)}: {short_reason(main, frames)}"


def short_reason(one: Fit, frames: Sequence[FrameInfo]) -> str:
    """Return "same exposure, gain, offset; 0.1 C apart", or what differs and was allowed."""
    setup, other = frames[0].setup, one.group.frames[0].setup
    same = []
    if one.role != "bias":
        same += _exposure_words(one, frames)
    for key, word in (("gain_setting", "gain"), ("offset_setting", "offset")):
        here, there = getattr(setup, key), getattr(other, key)
        if here is not None and here == there:
            same.append(word)
    text = "same " + ", ".join(same) if same else "same size"
    if one.role == "dark" and not any(word.startswith("exposure") for word in same) and one.group.exposures_s:
        text = f"no dark of the {(frames[0].kind or FrameKind.FLAT).words}s' exposure; {text}"
    gap = _temperature_gap(one, frames)
    if gap is not None:
        text += f"; {gap:.1f} C apart"
    if one.allowed:
        text += f"; allowed: {'; '.join(one.allowed)}"
    return text


def _exposure_words(one: Fit, frames: Sequence[FrameInfo]) -> list[str]:
    there = one.group.exposure_s
    known = [frame.exposure_s for frame in frames if frame.exposure_s is not None]
    if there is None or not known:
        return []
    here = max(known, key=lambda value: abs(value - there))
    if here < SHORT_EXPOSURE_S:
        return [f"exposure ({exposure_text(here)} and {exposure_text(there)})"]
    if abs(here - there) > 0.005 * there:
        return []
    return ["exposure"]


def _temperature_gap(one: Fit, frames: Sequence[FrameInfo]) -> float | None:
    there = one.group.temperature_c
    known = [frame.temperature_c for frame in frames if frame.temperature_c is not None]
    if there is None or not known:
        return None
    return max(abs(value - there) for value in known)


def others_of(choice: Choice) -> list[Fit]:
    """The sets that were looked at and not taken, the nearest first: as many as the plan keeps."""
    taken = {(one.role, id(one.group)) for one in choice.fits}
    once = {(one.role, id(one.group)): one for one in reversed(choice.looked_at)}
    others = [one for key, one in once.items() if key not in taken]
    others.sort(key=lambda one: (len(one.against), rank(one)))
    return others[:MOST_RUNNERS_UP]


def match_of(choice: Choice, frames: Sequence[FrameInfo], *, fix_of: Callable[[Fit], Fix] = lambda _: None) -> Match:
    """The match as the plan keeps it: every compared key with both values, and up to five runners-up.

    ``fix_of`` tells the arguments that would take a set instead.
    """
    reasons: list[str] = []
    for one in choice.fits:
        role = "" if len(choice.fits) == 1 else f"{one.role}: "
        reasons += [f"{role}{text}" for text in _compared(one, frames)]
    best = {one.role: one for one in choice.fits}
    runners = [
        msgspec.structs.replace(runner_up(one, best.get(one.role), asked=choice.asked), fix=fix_of(one))
        for one in others_of(choice)
    ]
    return Match(
        reasons=tuple(reasons),
        unknown=tuple(dict.fromkeys(KEY_WORDS.get(key, key) for one in choice.fits for key in one.unknown)),
        allowed=tuple(dict.fromkeys(text for one in choice.fits for text in one.allowed)),
        runners_up=tuple(runners),
    )


def near_match(near: Sequence[Fit], *, fix_of: Callable[[Fit], Fix]) -> Match | None:
    """The sets that came nearest where nothing is subtracted, as runners-up; ``None`` where there are none."""
    runners = [msgspec.structs.replace(runner_up(one, None), fix=fix_of(one)) for one in near[:MOST_RUNNERS_UP]]
    return Match(reasons=(), runners_up=tuple(runners)) if runners else None


def _compared(one: Fit, frames: Sequence[FrameInfo]) -> list[str]:
    """Every key that was compared, with both values."""
    texts = []
    who = f"{(frames[0].kind or FrameKind.FLAT).words}s"
    exposures = sorted({frame.exposure_s for frame in frames if frame.exposure_s is not None})
    there = one.group.exposure_s
    if one.role != "bias" and exposures and there is not None:
        here = " to ".join(dict.fromkeys((exposure_text(exposures[0]), exposure_text(exposures[-1]))))
        texts.append(f"exposure: {who} {here}, master {exposure_text(there)}")
    temperatures = [frame.temperature_c for frame in frames if frame.temperature_c is not None]
    master_c = one.group.temperature_c
    if temperatures and master_c is not None:
        gap = max(abs(value - master_c) for value in temperatures)
        mean = sum(temperatures) / len(temperatures)
        texts.append(f"temperature: {who} {mean:.1f} C, master {master_c:.1f} C, at most {gap:.1f} C apart")
    setup, other = frames[0].setup, one.group.frames[0].setup
    for key in SETUP_KEYS:
        here_text, there_text = key_text(key, getattr(setup, key)), key_text(key, getattr(other, key))
        if here_text is not None and here_text == there_text:
            texts.append(f"{KEY_WORDS[key]}: {here_text} on both sides")
        elif here_text is not None or there_text is not None:
            texts.append(f"{KEY_WORDS[key]}: {who} {here_text or 'unknown'}, master {there_text or 'unknown'}")
    nowhere = [KEY_WORDS[key] for key in SETUP_KEYS if getattr(setup, key) is None and getattr(other, key) is None]
    if nowhere:
        texts.append(f"not compared, since nobody tells: {', '.join(nowhere)}")
    if one.group.is_master and one.role != "bias" and one.group.frames[0].contains_bias is None:
        texts.append("taken to hold the bias, as masters do whose header says nothing")
    return texts


def runner_up(one: Fit, best: Fit | None, *, asked: bool = False) -> RunnerUp:
    """A set that was not taken, with what decided for the better one first; ``None``: the role was not used.

    ``asked``: the better one was asked for.
    """
    if one.against:
        why = "; ".join(map(str, one.against))
    elif asked:
        why = "fits, but --use names another"
    elif best is None:
        why = f"fits as {one.role.replace('_', ' ')}, but its kind does not serve all flats of the group"
    else:
        why = _decided(one, best)
    return RunnerUp(title=fit_title(one), differences=one.against, why=why)


def _decided(one: Fit, best: Fit) -> str:
    mine, its = rank(one), rank(best)
    if mine.allowed > its.allowed:
        return f"fits on request only: {'; '.join(one.allowed)}"
    if mine.unknown > its.unknown:
        missing = [KEY_WORDS.get(key, key) for key in one.unknown if key not in best.unknown]
        return f"fits, but unknown {', '.join(missing)}"
    if mine.single > its.single:
        return "fits, but is a single frame"
    if mine.few > its.few:
        return f"fits, but {plural(n_frames(one.group), 'frame')} only: outliers cannot be rejected"
    if mine.other_kind > its.other_kind:
        return "fits, but is called dark, not dark flat"
    if mine.distance > its.distance:
        return f"fits, but is farther away: score {one.distance:.2f} against {best.distance:.2f}"
    if mine.fewer > its.fewer:
        return f"fits as well, but {plural(n_frames(one.group), 'frame')} against {n_frames(best.group)}"
    return "fits as well; the first by name was taken"


def fit_title(one: Fit) -> str:
    """Return "dark flat 2.00 s (20 frames)"."""
    count = plural(n_frames(one.group), "frame")
    if one.group.is_master and one.group.frames[0].n_combined is None:
        count = "of unknown size"
    ready = "ready master " if one.group.is_master else ""
    return f"{ready}{set_title(one.group)} ({count})"


def flat_because(group: FrameGroup, calibrations: Sequence[Calibration], recipe: Recipe) -> tuple[str, ...]:
    """The reasons of a master flat, one sentence a decision."""
    exposures = ", ".join(exposure_text(value) for value in group.exposures_s[:4])
    more = " ..." if len(group.exposures_s) > 4 else ""
    shared = ", ".join(str(group.key[key]) for key in ("filter", "night") if group.key.get(key))
    first = f"{plural(len(group.frames), 'flat')}{f' of {shared}' if shared else ''}"
    lines = [f"{first}, {exposures}{more}" if exposures else first]
    lines += [calibration.title for calibration in calibrations[:4]]
    if len(calibrations) > 4:
        lines.append(f"and {len(calibrations) - 4} more exposures in the same way")
    if recipe.scale != "none":
        lines.append(f"made equally bright by their {recipe.scale}s before outliers are rejected")
    lines.append(recipe.because)
    if recipe.level != "none":
        lines.append(f"level: {recipe.level}{' per CFA colour' if recipe.per_cfa else ''}")
    return tuple(lines)


def combine_words(recipe: Recipe) -> str:
    """Return "Mean of flats made equally bright, outliers rejected: winsorized 3/3"."""
    text = f"{recipe.method.capitalize()} of flats"
    if recipe.scale != "none":
        text += " made equally bright"
    if isinstance(recipe.rejection, NoRejection):
        return f"{text}, nothing rejected"
    name, _, numbers = rejection_text(recipe.rejection).partition(":")
    return f"{text}, outliers rejected: {name} {numbers.replace(',', '/')}"


def told_keys(frames: Sequence[FrameInfo]) -> ToldKeys:
    """Which settings the frames of each camera tell, at least one of them."""
    found: dict[str | None, set[str]] = {}
    for frame in frames:
        keys = {key for key in CHECKED_KEYS if getattr(frame.setup, key) is not None}
        found.setdefault(frame.setup.camera, set()).update(keys)
    return found


def _untold(fits: Sequence[Fit], group: FrameGroup) -> list[str]:
    """The settings that neither the flats nor a master tells."""
    setup = group.frames[0].setup
    return [
        key
        for key in CHECKED_KEYS
        if getattr(setup, key) is None and any(getattr(fit.group.frames[0].setup, key) is None for fit in fits)
    ]


def age_days(frame: FrameInfo, master: FrameInfo) -> float | None:
    """Days from a master to a frame; ``None`` where one of them does not tell its time."""
    times = []
    for one in (frame, master):
        try:
            times.append(datetime.datetime.fromisoformat((one.taken_at or one.local_at or "").rstrip("Z")[:26]))
        except ValueError:
            return None
    return (times[0] - times[1]).total_seconds() / 86400.0


def age_findings(
    masters: Iterable[FrameGroup], group: FrameGroup, name: str, *, limits: Mapping[str, float]
) -> list[Finding]:
    """A finding for each ready master that is older than its kind should be."""
    found = []
    for one in masters:
        kind = one.kind.value
        age = age_days(group.frames[0], one.frames[0]) if one.is_master else None
        if age is not None and abs(age) > limits.get(kind, math.inf):
            apart = f"{abs(age):.0f} days {'older' if age > 0 else 'younger'} than the {_frames_word(group)}"
            text = f"{name}: the ready master {set_title(one)} is {apart}."
            found.append(finding("master_old", name, text))
    return found


def _frames_word(group: FrameGroup) -> str:
    return f"{group.kind.words}s"


def fresher_findings(chosen: GroupCalibration, name: str) -> list[Finding]:
    """A note where raw frames that would fit lie beside the ready master that was taken."""
    found = []
    for choice in chosen.choices:
        for one in choice.fits if choice else ():
            others = [
                other
                for other in (choice.looked_at if choice else ())
                if other.fits
                and other.role == one.role
                and not other.group.is_master
                and len(other.group.frames) >= GOOD_SET
            ]
            if one.group.is_master and others:
                text = f"{name}: a ready master {set_title(one.group)} was taken, though raw frames fit: "
                found.append(finding("raw_frames_fit", name, text + f"{fit_title(others[0])}."))
    return list({one.message: one for one in found}.values())


def match_findings(chosen: GroupCalibration, group: FrameGroup, name: str, *, told: ToldKeys) -> list[Finding]:
    """What the user should know about the matches of a group, one finding a cause.

    A setting that nobody tells is a note where this camera never tells it (``told``); where other frames of it do, the
    value was lost, and the match is as uncertain as one with a single side unknown.
    """
    fits = [fit for choice in chosen.choices if choice is not None for fit in choice.fits]
    found: list[Finding] = []
    allowed = list(dict.fromkeys(text for fit in fits for text in fit.allowed))
    single = list(dict.fromkeys(set_title(fit.group) for fit in fits if fit.group.frames[0].n_combined == 1))
    if single:
        text = (
            f"{name}: {', '.join(single)} is a single raw frame, whose whole noise goes into every {group.kind.words}."
        )
        found.append(finding("few_dark_frames", name, text))
    scaled_masters = list(
        dict.fromkeys(set_title(fit.group) for fit in fits if is_full_range(group.frames[0], fit.group))
    )
    if scaled_masters:
        text = f"{name}: {', '.join(scaled_masters)} is in the range 0..1, and taken times 65535."
        found.append(finding("master_in_unit_range", name, text))
    if allowed:
        found.append(finding("mismatch_allowed", name, f"{name}: used in spite of {'; '.join(allowed)}."))
    unknown = list(dict.fromkeys(key for fit in fits for key in fit.unknown))
    untold = [key for key in _untold(fits, group) if key not in unknown]
    camera = group.frames[0].setup.camera
    others = told.values() if camera is None else [told.get(camera, set()), told.get(None, set())]
    lost = [key for key in untold if any(key in keys for keys in others)]
    setup_keys = [key for key in unknown if key not in ("exposure_s", "sensor_c")]
    if lost:
        words = ", ".join(KEY_WORDS[key] for key in lost)
        neither = f"told neither by the {group.kind.words}s nor by what is subtracted"
        text = f"{name}: {words} {neither}, though by other frames."
        found.append(finding("match_unknown", name, text))
    # Most cameras have a single readout mode and do not speak of it.
    never = [KEY_WORDS[key] for key in untold if key not in lost and key != "readout_mode"]
    if never:
        found.append(finding("not_compared", name, f"{name}: not compared, since no frame tells: {', '.join(never)}."))
    if setup_keys:
        words = ", ".join(KEY_WORDS.get(key, key) for key in setup_keys)
        titles = " and ".join(dict.fromkeys(set_title(fit.group, role=fit.role) for fit in fits))
        found.append(
            finding("match_unknown", name, f"{name}: {words} known of the {group.kind.words}s or of {titles} only.")
        )
    if "exposure_s" in unknown:
        found.append(finding("exposure_unknown", name, f"{name}: {group.kind.words}s or darks carry no exposure."))
    if "sensor_c" in unknown:
        found.append(finding("temperature_unknown", name, f"{name}: frames carry no temperature."))
    scaled = [choice for choice in chosen.choices if choice is not None and choice.how == "scaled_dark"]
    if scaled:
        titles = ", ".join(dict.fromkeys(set_title(choice.fits[0].group) for choice in scaled))
        exposures = ", ".join(exposure_text(value) for value in group.exposures_s[:3])
        found.append(finding("scaled_dark", name, f"{name}: {titles} scaled down to {exposures}, with a bias."))
    return found
