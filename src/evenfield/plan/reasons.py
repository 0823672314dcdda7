"""Why a master was taken, in words: the match, its title, and what the user should know about it."""

from __future__ import annotations

from collections.abc import Sequence

from evenfield.match.limits import GOOD_SET
from evenfield.match.matching import Choice, Fit, n_frames, rank
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import KEY_WORDS, FrameInfo, exposure_text
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import Calibration, Match, Recipe, RunnerUp
from evenfield.model.rejections import NoRejection, rejection_text
from evenfield.model.wording import plural
from evenfield.plan.calibrating import GroupCalibration, set_title

SHORT_EXPOSURE_S = 0.2
"""Below this both exposures are shown, since the tolerance is large beside them."""


def subtraction_title(choice: Choice, frames: Sequence[FrameInfo], factor: float | None) -> str:
    """Return "minus dark flat 2.00 s: same exposure, gain, offset; 0.1 C apart"."""
    main = choice.fits[0]
    if choice.how == "scaled_dark" and factor is not None:
        return f"minus bias, minus {factor:.4g} x ({set_title(main.group)} - bias): {short_reason(main, frames)}"
    ready = "ready master " if main.group.is_master else ""
    return f"minus {ready}{set_title(main.group, role=main.role)}: {short_reason(main, frames)}"


def short_reason(one: Fit, frames: Sequence[FrameInfo]) -> str:
    """Return "same exposure, gain, offset; 0.1 C apart", or what differs and was allowed."""
    setup, other = frames[0].setup, one.group.frames[0].setup
    same = []
    if one.role == "dark_flat":
        same += _exposure_words(one, frames)
    for key, word in (("gain_setting", "gain"), ("offset_setting", "offset")):
        here, there = getattr(setup, key), getattr(other, key)
        if here is not None and here == there:
            same.append(word)
    text = "same " + ", ".join(same) if same else "same size"
    if one.role == "dark":
        text = "no dark of the flats' exposure; " + text
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


def match_of(choice: Choice, frames: Sequence[FrameInfo]) -> Match:
    """The match as the plan keeps it: every compared key with both values, and up to five runners-up."""
    reasons: list[str] = []
    for one in choice.fits:
        role = "" if len(choice.fits) == 1 else f"{one.role}: "
        reasons += [f"{role}{text}" for text in _compared(one, frames)]
    taken = {id(one.group) for one in choice.fits}
    others = [one for one in choice.looked_at if id(one.group) not in taken]
    others.sort(key=lambda one: (len(one.against), rank(one)))
    return Match(
        reasons=tuple(reasons),
        unknown=tuple(dict.fromkeys(KEY_WORDS.get(key, key) for one in choice.fits for key in one.unknown)),
        allowed=tuple(text for one in choice.fits for text in one.allowed),
        runners_up=tuple(_runner_up(one, choice.fits[0]) for one in others[:5]),
    )


def _compared(one: Fit, frames: Sequence[FrameInfo]) -> list[str]:
    texts = []
    here = frames[0].exposure_s
    there = one.group.exposure_s
    if one.role != "bias" and here is not None and there is not None:
        texts.append(f"exposure {exposure_text(here)}, master {exposure_text(there)}")
    gap = _temperature_gap(one, frames)
    if gap is not None:
        texts.append(f"temperature {gap:.1f} C apart")
    setup, other = frames[0].setup, one.group.frames[0].setup
    for key in ("gain_setting", "offset_setting", "readout_mode", "camera", "binning"):
        value = getattr(setup, key)
        if value is not None and value == getattr(other, key):
            words = f"{value[0]}x{value[1]}" if isinstance(value, tuple) else _plain(value)
            texts.append(f"{KEY_WORDS[key]} {words} on both sides")
    return texts


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _runner_up(one: Fit, best: Fit) -> RunnerUp:
    if one.against:
        why = "; ".join(map(str, one.against))
    elif len(one.unknown) > len(best.unknown):
        missing = [KEY_WORDS.get(key, key) for key in one.unknown if key not in best.unknown]
        why = f"fits, but {', '.join(missing)} unknown"
    elif one.distance > best.distance:
        why = f"fits, but is farther: score {one.distance:.2f} against {best.distance:.2f}"
    elif one.role == "dark" and n_frames(one.group) < GOOD_SET <= n_frames(best.group):
        why = f"fits, but {plural(n_frames(one.group), 'frame')} only: outliers cannot be rejected"
    elif n_frames(one.group) < n_frames(best.group):
        why = f"fits as well, but {n_frames(one.group)} frames against {n_frames(best.group)}"
    else:
        why = "fits as well; the first by name was taken"
    return RunnerUp(title=_title(one), differences=one.against, why=why)


def _title(one: Fit) -> str:
    count = plural(len(one.group.frames), "frame")
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


def match_findings(chosen: GroupCalibration, group: FrameGroup, name: str) -> list[Finding]:
    """What the user should know about the matches of a group, one finding a cause."""
    fits = [fit for choice in chosen.choices if choice is not None for fit in choice.fits]
    found: list[Finding] = []
    allowed = list(dict.fromkeys(text for fit in fits for text in fit.allowed))
    if allowed:
        found.append(finding("mismatch_allowed", name, f"{name}: used in spite of {'; '.join(allowed)}."))
    unknown = list(dict.fromkeys(key for fit in fits for key in fit.unknown))
    setup_keys = [key for key in unknown if key not in ("exposure_s", "sensor_c")]
    if setup_keys:
        words = ", ".join(KEY_WORDS.get(key, key) for key in setup_keys)
        found.append(finding("match_unknown", name, f"{name}: {words} known on one side only."))
    if "exposure_s" in unknown:
        found.append(finding("exposure_unknown", name, f"{name}: flats or darks carry no exposure."))
    if "sensor_c" in unknown:
        found.append(finding("temperature_unknown", name, f"{name}: frames carry no temperature."))
    scaled = [choice for choice in chosen.choices if choice is not None and choice.how == "scaled_dark"]
    if scaled:
        titles = ", ".join(dict.fromkeys(set_title(choice.fits[0].group) for choice in scaled))
        exposures = ", ".join(exposure_text(value) for value in group.exposures_s[:3])
        found.append(finding("scaled_dark", name, f"{name}: {titles} scaled down to {exposures}, with a bias."))
    return found
