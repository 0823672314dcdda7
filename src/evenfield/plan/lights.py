"""What calibrates lights: their darks, exposure by exposure, and one flat for each group; and the steps of that."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from evenfield.match.flats import FlatFit, choose_flat, fit_flat, flat_reasons, nights_words
from evenfield.match.grouping import OPTICS_KEYS
from evenfield.match.limits import Limits, is_ccd
from evenfield.match.matching import Choice, Fit, choose, look_at, nearest, over_all
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameInfo, FrameKind, exposure_text
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import Calibration, LightRecipe, LightStep, MasterRef, Match, RunnerUp, Step, StepInput
from evenfield.model.settings import MISMATCH_KEYS, CalibrationSettings, Settings
from evenfield.model.wording import plural
from evenfield.plan.calibrating import (
    GroupCalibration,
    allow_fix,
    asked_refusal,
    constant_bias_untold,
    set_title,
    usable_sets,
    use_findings,
    with_bias,
)
from evenfield.plan.digests import FrameFacts, light_digests, relative_path
from evenfield.plan.instead import InsteadOf, Patterns, instead_of, telling_frames
from evenfield.plan.names import safe_piece
from evenfield.plan.reasons import (
    MOST_RUNNERS_UP,
    ToldKeys,
    age_findings,
    fresher_findings,
    match_findings,
)
from evenfield.plan.regions import Regions, disagreement
from evenfield.plan.steps import calibration_of, overscan_fix
from evenfield.plan.wanted import StepNames, asked_sets

FOLDER: Final = "lights"
"""The folder of calibrated lights below the output folder."""

SUFFIX: Final = "_c"
"""What the name of a calibrated light ends with."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LightDraft:
    """A group of lights to be calibrated: what is subtracted from them, and what they are divided by.

    ``flats_instead`` maps the first file of another flat to the arguments that would take it.
    """

    group: FrameGroup
    name: str
    calibration: GroupCalibration
    flat: FlatFit | None
    other_flats: tuple[FlatFit, ...]
    flats_instead: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


def draft_lights(
    groups: Sequence[FrameGroup],
    *,
    sets: Sequence[FrameGroup],
    flats: Sequence[FrameGroup],
    settings: Settings,
    patterns: Patterns,
) -> tuple[LightDraft, ...]:
    """Choose for each group of lights what is subtracted and what it is divided by."""
    limits = Limits.of(settings.calibration)
    parts: list[FrameGroup] = []
    for group in groups:
        # Lights of which nothing can be subtracted are a step of their own: the others do not lose their flat for them.
        found = calibrate_lights(group, sets=sets, settings=settings, name="")
        bare = {path for path, index in found.which.items() if found.choices[index] is None}
        if (found.how in ("pedestal", "none") and settings.calibration.mode != "auto") or not bare:
            parts.append(group)
            continue
        for some in (False, True):
            frames = tuple(frame for frame in group.frames if (frame.path in bare) == some)
            parts += [dataclasses.replace(group, frames=frames)] if frames else []
    names = _names(parts)
    asked = StepNames.of((name, ()) for name in names).by_id(settings.calibration.use)
    drafts = []
    for group, name in zip(parts, names, strict=True):
        text = asked.get(name)
        darks, picked = ((), ()) if text is None else (asked_sets(sets, text=text), asked_sets(flats, text=text))
        calibration = calibrate_lights(group, sets=sets, settings=settings, name=name, asked=darks)
        flat, others = choose_flat(group, flats, limits=limits, asked=picked)
        told = () if picked else use_findings(text, darks, name=name, settings=settings.calibration)
        refused = calibration.refused
        if picked and flat is None and refused is None:
            why = "; ".join(map(str, fit_flat(group, picked[0], limits=limits.widening()[-1]).against))
            refused = finding(
                "file_does_not_fit",
                name,
                f"{name}: the flat that --use names cannot be used: {why}.",
                mend="Name other files, or leave --use out.",
            )
        instead = _darks_instead(calibration, group, sets, settings, name, patterns, flats=picked)
        calibration = dataclasses.replace(
            calibration, findings=(*calibration.findings, *told), refused=refused, instead=instead
        )
        drafts.append(
            LightDraft(
                group=group,
                name=name,
                calibration=calibration,
                flat=flat,
                other_flats=others,
                flats_instead={
                    one.group.frames[0].path: patterns.fix(name, [one.group, *darks])
                    for one in others
                    if fit_flat(group, one.group, limits=limits.widening()[-1]).fits
                },
            )
        )
    return tuple(drafts)


def _darks_instead(
    found: GroupCalibration,
    group: FrameGroup,
    sets: Sequence[FrameGroup],
    settings: Settings,
    name: str,
    patterns: Patterns,
    *,
    flats: Sequence[FrameGroup],
) -> InsteadOf:
    """What would take the darks that were not taken; flats that were asked for stay."""
    few = dataclasses.replace(group, frames=telling_frames(group.frames))

    def take(asked: Sequence[FrameGroup]) -> GroupCalibration:
        return calibrate_lights(few, sets=sets, settings=settings, name=name, asked=asked)

    return instead_of(found, few, take=take, fix=lambda groups: patterns.fix(name, [*groups, *flats]))


def _names(groups: Sequence[FrameGroup]) -> list[str]:
    """The id of each group: "lights_Ha_2026-03-14", with a number where two are the same."""
    found: list[str] = []
    for group in groups:
        parts = [safe_piece(str(group.key[key])) for key in ("filter", "night") if group.key.get(key)]
        stem = "_".join(["lights", *parts])
        name, number = stem, 2
        while name.casefold() in {one.casefold() for one in found}:
            name, number = f"{stem}_{number}", number + 1
        found.append(name)
    return found


def calibrate_lights(
    group: FrameGroup,
    *,
    sets: Sequence[FrameGroup],
    settings: Settings,
    name: str,
    asked: Sequence[FrameGroup] = (),
) -> GroupCalibration:
    """Choose what is subtracted from the lights of a group; each exposure for itself, all that can be is subtracted.

    Where there are ``asked``, the sets of --use, one of them is taken.
    """
    chosen = settings.calibration
    which: dict[str, int] = {}
    if chosen.mode in ("pedestal", "none"):
        which.update({frame.path: 0 for frame in group.frames})
        return GroupCalibration(how=chosen.mode, choices=(None,), which=which)
    limits = Limits.of(chosen)
    usable = usable_sets(sets, _with_darks(chosen))
    if chosen.mode == "auto":
        # A dark flat was taken for the flats, whatever its exposure.
        usable = [one for one in usable if one.kind is not FrameKind.DARK_FLAT]
    choices: list[Choice | None] = []
    bare: list[FrameInfo] = []
    for frames in _alike(group.frames):
        # Each light gets the best that fits it: none loses its dark because another one is too warm for it.
        choice = _asked_choice(frames, asked, sets, settings=chosen) if asked else None
        if choice is not None:
            looked_at = _looked_at(frames, choice, [one for one in usable if one not in asked], limits)
            choice = dataclasses.replace(choice, looked_at=looked_at, asked=True)
        elif not asked:
            choice = _choice(frames, usable, chosen, limits)
        index = _place(choice, choices, frames, group, which)
        which.update({frame.path: index for frame in frames})
        bare += frames if choice is None else []
    told = list(constant_bias_untold(group, chosen, name))
    refused: Finding | None = None
    if bare and asked:
        refused = asked_refusal(bare, asked=asked, limits=limits, name=name)
    elif bare:
        one = _nothing_fits(bare, usable, limits, name)
        if settings.run.strict or chosen.mode == "files":
            refused = one
        else:
            told.append(one)
    if chosen.dark_scale == "optimize" and any(one is not None and one.how == "dark" for one in choices):
        text = f"{name}: a dark is subtracted as it is, since no bias fits that would let it be scaled."
        told.append(finding("dark_not_optimized", name, text))
    how = next((one.how for one in choices if one is not None), "none")
    return GroupCalibration(how=how, choices=tuple(choices), which=which, findings=tuple(told), refused=refused)


def _with_darks(settings: CalibrationSettings) -> CalibrationSettings:
    # Who takes darks for the flats, by asking for dark flats, takes them for lights as well.
    kinds = settings.kinds
    if "dark_flat" in kinds and "dark" not in kinds:
        return msgspec.structs.replace(settings, kinds=(*kinds, "dark"))
    return settings


def _hows(frame: FrameInfo, settings: CalibrationSettings) -> list[str]:
    """The kinds of calibration to try, the best first."""
    kinds = ("dark", "bias") if settings.mode == "files" else _with_darks(settings).kinds
    both = "dark" in kinds and "bias" in kinds
    scaling = settings.dark_scale == "exposure" or (settings.dark_scale == "auto" and is_ccd(frame.setup.camera))
    found = ["optimized_dark"] if both and settings.dark_scale == "optimize" else []
    found += ["dark"] if "dark" in kinds else []
    found += ["scaled_dark"] if both and scaling else []
    return [*found, "bias"] if "bias" in kinds else found


def _choice(
    frames: Sequence[FrameInfo], sets: Sequence[FrameGroup], settings: CalibrationSettings, limits: Limits
) -> Choice | None:
    for how in _hows(frames[0], settings):
        number = settings.constant_bias(frames[0].setup.offset_setting)
        if how == "bias" and number is not None:
            return Choice(how="pedestal", fits=(), looked_at=(), pedestal_adu=number)
        rule = {"optimized_dark": "scaled_dark", "dark": "dark_flat"}.get(how, how)
        found = choose(frames, sets=sets, how=rule, limits=limits)
        if found is not None:
            return _named(found, how)
    return None


def _asked_choice(
    frames: Sequence[FrameInfo],
    asked: Sequence[FrameGroup],
    sets: Sequence[FrameGroup],
    *,
    settings: CalibrationSettings,
) -> Choice | None:
    """The best of the sets that were asked for, with as few differences accepted as can be."""
    # What was asked for comes before a bias that is a number.
    wanted = msgspec.structs.replace(settings, kinds=("dark", "bias"), bias=None)
    for limits in Limits.of(settings).widening():
        for how in _hows(frames[0], wanted):
            usable = with_bias(asked, sets) if how in ("scaled_dark", "optimized_dark") else asked
            rule = {"optimized_dark": "scaled_dark", "dark": "dark_flat"}.get(how, how)
            found = choose(frames, sets=usable, how=rule, limits=limits)
            if found is not None and any(fit.group in asked for fit in found.fits):
                return _named(found, how)
    return None


def _looked_at(
    frames: Sequence[FrameInfo], choice: Choice, others: Sequence[FrameGroup], limits: Limits
) -> tuple[Fit, ...]:
    """The fits that were looked at, and those of the sets that were not asked for, in the roles of the choice."""
    names = {"dark_flat": "dark"} if choice.how == "dark" else {}
    roles = [next((old for old, new in names.items() if new == fit.role), fit.role) for fit in choice.fits]
    more = [one for role in roles for one in look_at(frames, sets=others, role=role, limits=limits)]
    return (*choice.looked_at, *(dataclasses.replace(one, role=names.get(one.role, one.role)) for one in more))


def _named(choice: Choice, how: str) -> Choice:
    """The choice in the words of lights: what a dark flat is to flats, a dark is to them."""
    if how != "dark":
        return dataclasses.replace(choice, how=how)
    fits = tuple(dataclasses.replace(one, role="dark") for one in choice.fits)
    looked_at = tuple(dataclasses.replace(one, role="dark") for one in choice.looked_at)
    return Choice(how=how, fits=fits, looked_at=looked_at)


def _alike(frames: Sequence[FrameInfo]) -> list[list[FrameInfo]]:
    """Lights that no set of darks can tell apart, by exposure and temperature; unknown ones last."""
    found: dict[tuple[object, ...], list[FrameInfo]] = {}
    for frame in frames:
        found.setdefault((frame.exposure_s, frame.temperature_c, frame.pedestal_adu), []).append(frame)

    def order(key: tuple[object, ...]) -> tuple[float, float]:
        exposure, temperature = key[:2]
        return (
            exposure if isinstance(exposure, float) else math.inf,
            temperature if isinstance(temperature, float) else math.inf,
        )

    return [found[key] for key in sorted(found, key=order)]


def _place(
    choice: Choice | None,
    choices: list[Choice | None],
    frames: Sequence[FrameInfo],
    group: FrameGroup,
    which: Mapping[str, int],
) -> int:
    """The index of a choice among those made, which it joins unless it is there already."""
    for index, known in enumerate(choices):
        if known is None or choice is None:
            if known is choice:
                return index
            continue
        same = known.how == choice.how and all(a.group is b.group for a, b in zip(known.fits, choice.fits, strict=True))
        exposures = {frame.exposure_s for frame in group.frames if which.get(frame.path) == index}
        # The factor of a scaled dark follows the exposure.
        if same and (choice.how not in ("scaled_dark", "optimized_dark") or exposures == {frames[0].exposure_s}):
            # What was unknown of these lights only must not be lost.
            fits = tuple(over_all([a, b]) for a, b in zip(known.fits, choice.fits, strict=True))
            choices[index] = dataclasses.replace(known, fits=fits)
            return index
    choices.append(choice)
    return len(choices) - 1


def _nothing_fits(frames: Sequence[FrameInfo], sets: Sequence[FrameGroup], limits: Limits, name: str) -> Finding:
    exposures = sorted({frame.exposure_s for frame in frames if frame.exposure_s is not None})
    words = ", ".join(exposure_text(value) for value in exposures[:3]) or "unknown exposure"
    close = [one for one in nearest(frames, sets=sets, limits=limits) if one.against]
    near = f" Nearest: {set_title(close[0].group)}, but {'; '.join(map(str, close[0].against))}." if close else ""
    text = f"{name}: no dark or bias fits {plural(len(frames), 'light')} of {words}: nothing is subtracted.{near}"
    return finding("light_uncalibrated", name, text, fix=allow_fix(close[0]) if close else None)


def build_lights(
    drafts: Sequence[LightDraft],
    *,
    root: str,
    settings: Settings,
    regions: Mapping[str, Regions],
    steps: Sequence[Step],
    made_by: Mapping[str, str],
    flats_by: Mapping[str, str],
    told: ToldKeys,
    facts: Mapping[str, FrameFacts],
) -> tuple[LightStep, ...]:
    """The steps of all drafts. ``made_by`` maps a raw set's id to the step of its master, ``flats_by`` flats'."""
    by_id = {step.id: step for step in steps}
    taken: set[str] = set()
    made = []
    for draft in drafts:
        step = _light_step(draft, root, settings, regions, by_id, made_by, flats_by, told, taken)
        digests = light_digests(step, hash_kind=settings.output.hash, facts=facts)
        made.append(msgspec.structs.replace(step, digests=digests.products, digest=digests.step))
    return tuple(made)


def _light_step(
    draft: LightDraft,
    root: str,
    settings: Settings,
    regions: Mapping[str, Regions],
    by_id: Mapping[str, Step],
    made_by: Mapping[str, str],
    flats_by: Mapping[str, str],
    told: ToldKeys,
    taken: set[str],
) -> LightStep:
    group, chosen = draft.group, draft.calibration
    own = regions[group.frames[0].path]
    calibrations = tuple(
        calibration_of(
            chosen,
            index,
            group,
            made=lambda one: _made_master(one, by_id, made_by),
            settings=settings,
            regions=regions,
        )
        for index in range(len(chosen.choices))
    )
    subtracted = all(one.how != "none" for one in calibrations) or settings.calibration.overscan is not None
    findings = [*chosen.findings, *match_findings(chosen, group, draft.name, told=told)]
    used = [fit.group for choice in chosen.choices if choice is not None for fit in choice.fits]
    used += [draft.flat.group] if draft.flat is not None else []
    findings += age_findings(used, group, draft.name, limits=settings.calibration.age_limits())
    findings += fresher_findings(chosen, draft.name)
    flat, told_flat = _flat(draft, regions, by_id, flats_by, subtracted=subtracted)
    findings += told_flat
    if settings.calibration.overscan is None and group.frames[0].overscan_section:
        text = f"{draft.name}: the header names {group.frames[0].overscan_section}."
        findings.append(finding("overscan_ignored", draft.name, text, fix=overscan_fix(settings)))
    refused = _not_adu(draft) or chosen.refused or _refused(draft, regions, settings)
    if settings.run.strict and refused is None:
        refused = next((one for one in told_flat if one.code in ("no_flat_fits", "flat_not_applied")), None)
    rule, amount = settings.light.pedestal_rule()
    suffix = settings.output.suffix
    cfa = group.frames[0].setup.cfa
    separate = settings.light.cfa_flat if cfa not in (None, "MONO") else "joint"
    refs = [ref for one in calibrations for ref in one.masters.values()] + ([flat] if flat else [])
    return LightStep(
        id=draft.name,
        title=" ".join(str(part) for part in ("lights", group.key.get("filter"), group.key.get("night")) if part),
        group=group.key,
        inputs=tuple(
            StepInput(
                path=relative_path(frame.path, root),
                size_bytes=frame.size_bytes,
                mtime_ns=frame.mtime_ns,
                header_hash=frame.header_hash,
                calibration=chosen.which[frame.path],
            )
            for frame in group.frames
        ),
        outputs=tuple(_output(relative_path(frame.path, root), taken, suffix) for frame in group.frames),
        calibrations=calibrations,
        flat=flat,
        flat_match=None if draft.flat is None else _flat_match(draft, regions, by_id, flats_by),
        recipe=LightRecipe(
            cfa_flat="none" if flat is None else separate,
            dark_scale=settings.calibration.dark_scale,
            add_pedestal=rule,
            pedestal=amount,
            sample=settings.output.written_as,
            target=settings.output.target,
            compress=settings.output.compress,
            maps=settings.output.maps,
        ),
        overscan=own.overscan,
        overscan_parts=own.parts,
        trim=own.trim,
        needs=tuple(dict.fromkeys(ref.step for ref in refs if ref.step)),
        because=_because(group, calibrations, flat, draft),
        findings=tuple(findings),
        refused=refused,
    )


def _not_adu(draft: LightDraft) -> Finding | None:
    """A refusal of lights that are not in ADU: pedestals, limits and the range for other programs are."""
    domain = draft.group.frames[0].setup.number_domain
    if domain in (None, "adu"):
        return None
    what = {"unit": "in the range 0..1", "electron": "in electrons"}.get(domain, domain)
    return finding("lights_not_adu", draft.name, f"{draft.name}: the lights are {what}, not in ADU.")


def _refused(draft: LightDraft, regions: Mapping[str, Regions], settings: Settings) -> Finding | None:
    read = [regions[frame.path] for frame in draft.group.frames]
    problem = disagreement(read)
    if not problem:
        return None
    first = next((one for one in read if one.problem), Regions())
    fix = ("--trim", first.section) if first.section and settings.calibration.trim != "header" else None
    return finding(first.code, draft.name, f"{draft.name}: {problem}", fix=fix)


def _flat(
    draft: LightDraft,
    regions: Mapping[str, Regions],
    by_id: Mapping[str, Step],
    flats_by: Mapping[str, str],
    *,
    subtracted: bool,
) -> tuple[MasterRef | None, list[Finding]]:
    """The master flat of a group, and what the user should know of it."""
    name, found = draft.name, draft.flat
    if found is None:
        close = draft.other_flats[0] if draft.other_flats else None
        near = f" Nearest: {_flat_title(close.group)}, but {'; '.join(map(str, close.against))}." if close else ""
        text = f"{name}: no flat fits: the lights are not divided by one.{near}"
        return None, [finding("no_flat_fits", name, text, fix=_flat_fix(close) if close else None)]
    if not subtracted:
        text = f"{name}: not divided by {_flat_title(found.group)}, since the bias is still in the lights."
        return None, [finding("flat_not_applied", name, text)]
    told = []
    if found.days:
        text = f"{name}: divided by {_flat_title(found.group)}, {nights_words(found.days)}: dust may have moved."
        told.append(finding("flat_of_other_night", name, text))
    if found.allowed:
        told.append(finding("mismatch_allowed", name, f"{name}: flat used in spite of {'; '.join(found.allowed)}."))
    ref = _flat_ref(found.group, regions, by_id, flats_by)
    if ref.step is not None and any(one.how == "none" for one in by_id[ref.step].calibrations):
        text = f"{name}: {ref.step} is of flats from which nothing was subtracted."
        told.append(finding("flat_holds_bias", name, text))
    return ref, told


def _is_other_light(one: FlatFit) -> bool:
    """Whether a flat can never stand in: of another filter, or of another size."""
    return any(difference.key in ("filter", "shape", "binning", "cfa") for difference in one.against)


def _flat_ref(
    group: FrameGroup, regions: Mapping[str, Regions], by_id: Mapping[str, Step], flats_by: Mapping[str, str]
) -> MasterRef:
    """The master of a set of flats, or a ready one."""
    ready = group.frames[0]
    step_id = flats_by.get(ready.path)
    if step_id is not None:
        step = by_id[step_id]
        return MasterRef(step=step.id, title=step.title, digest=step.digest, n_frames=len(step.inputs))
    return MasterRef(
        path=ready.path,
        title=f"ready master {_flat_title(group)}",
        digest=ready.product_digest or f"{ready.size_bytes}:{ready.mtime_ns}:{ready.header_hash}",
        n_frames=ready.n_combined,
        crop=regions[ready.path].trim is not None,
    )


def _flat_fix(one: FlatFit) -> tuple[str, ...] | None:
    """The arguments that would accept a flat; ``None`` where nothing can, or where it is of another filter."""
    optics = dict.fromkeys(OPTICS_KEYS, "optics")
    keys = [{**optics, "rotator_deg": "rotator"}.get(difference.key, difference.key) for difference in one.against]
    if not keys or any(key not in MISMATCH_KEYS or key == "filter" for key in keys):
        return None
    return tuple(part for key in dict.fromkeys(keys) for part in ("--allow-mismatch", key))


def _flat_title(group: FrameGroup) -> str:
    return " ".join(str(part) for part in ("flat", group.key.get("filter"), group.key.get("night")) if part)


def _flat_match(
    draft: LightDraft, regions: Mapping[str, Regions], by_id: Mapping[str, Step], flats_by: Mapping[str, str]
) -> Match | None:
    found = draft.flat
    if found is None:
        return None
    runners = tuple(
        RunnerUp(
            title=_flat_title(one.group),
            differences=one.against,
            why="; ".join(map(str, one.against)) or f"fits, {nights_words(one.days)}",
            fix=draft.flats_instead.get(one.group.frames[0].path),
            master=None if _is_other_light(one) else _flat_ref(one.group, regions, by_id, flats_by),
        )
        for one in draft.other_flats[:MOST_RUNNERS_UP]
    )
    return Match(
        reasons=flat_reasons(draft.group, found), unknown=found.unknown, allowed=found.allowed, runners_up=runners
    )


def _made_master(group: FrameGroup, by_id: Mapping[str, Step], made_by: Mapping[str, str]) -> MasterRef | None:
    """The master a step of the plan makes of a set, or None of a set that is a ready master."""
    step = by_id.get(made_by.get(group.frames[0].path, ""))
    if step is None or group.is_master:
        return None
    return MasterRef(step=step.id, title=step.title, digest=step.digest, n_frames=len(step.inputs))


def _output(path: str, taken: set[str], suffix: str) -> str:
    """Where a calibrated light goes: the folders of the raw one below the root, and its name with `SUFFIX`."""
    folder, name = os.path.split(path)
    if os.path.isabs(path) or path.startswith(".."):
        folder = ""
    stem = name
    for ending in (".fz", ".gz"):
        stem = stem.removesuffix(ending)
    stem = os.path.splitext(stem)[0]
    made, number = "/".join(part for part in (FOLDER, folder, f"{stem}{SUFFIX}{suffix}") if part), 2
    while made.casefold() in taken:
        made = "/".join(part for part in (FOLDER, folder, f"{stem}{SUFFIX}_{number}{suffix}") if part)
        number += 1
    taken.add(made.casefold())
    return made


def _because(
    group: FrameGroup, calibrations: Sequence[Calibration], flat: MasterRef | None, draft: LightDraft
) -> tuple[str, ...]:
    exposures = ", ".join(exposure_text(value) for value in group.exposures_s[:4])
    lines = [f"{plural(len(group.frames), 'light')}{f', {exposures}' if exposures else ''}"]
    lines += [one.title for one in calibrations[:4]]
    if len(calibrations) > 4:
        lines.append(f"and {len(calibrations) - 4} more exposures in the same way")
    if flat is not None and draft.flat is not None:
        lines.append(f"divided by {flat.title}: same setup and filter, {nights_words(draft.flat.days)}")
    return tuple(lines)
