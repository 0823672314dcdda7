"""Drafts to steps: each master with its inputs, what is subtracted, its recipe, its name and its reasons."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import msgspec

from evenfield.match.matching import Choice, is_full_range
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import KEY_WORDS, FrameInfo, FrameKind
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import Calibration, Excluded, MasterRef, Recipe, Step, StepInput
from evenfield.model.rejections import FEW, Ccd, Sigma, ZScore, least_frames, rejection_text
from evenfield.model.settings import Settings
from evenfield.model.targets import FULL_RANGE
from evenfield.model.wording import plural
from evenfield.plan.calibrating import GroupCalibration, constant_bias_title, set_title
from evenfield.plan.defaults import recipe_for
from evenfield.plan.digests import frame_facts, relative_path, step_digest
from evenfield.plan.names import dark_template, product_names
from evenfield.plan.reasons import (
    ToldKeys,
    age_findings,
    flat_because,
    fresher_findings,
    match_findings,
    match_of,
    near_match,
    subtraction_title,
)
from evenfield.plan.regions import Regions, disagreement
from evenfield.plan.wanted import StepNames, new_names


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A master flat to be: its group, its name, what else it may be called, and what calibrates it."""

    group: FrameGroup
    name: str
    aliases: tuple[str, ...] = ()
    calibration: GroupCalibration


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuiltSteps:
    """Steps in the order they run; ``made_by`` maps a raw calibration set's id to the step that makes its master.

    ``names`` maps the id of each step to what else it may be called.
    """

    steps: tuple[Step, ...]
    made_by: dict[str, str]
    names: dict[str, tuple[str, ...]]


def build_steps(
    drafts: Sequence[Draft],
    *,
    root: str,
    settings: Settings,
    regions: Mapping[str, Regions],
    told: ToldKeys,
    extra: Sequence[FrameGroup] = (),
    more: Sequence[Choice] = (),
) -> BuiltSteps:
    """The steps of all drafts: first the bias, dark and dark flat masters they need, then the flats.

    ``regions`` holds the overscan and trim regions of every frame by path; ``told`` says what each camera tells;
    ``extra`` are raw sets that get a master though no flat needs it, ``more`` what else needs masters: lights.
    """
    # The names of the others must not change with a new name of a flat, or how it turned out.
    taken = [name for draft in drafts for name in draft.aliases or (draft.name,)]
    dark_steps = _dark_steps(_roles(drafts, extra, more), taken=taken, root=root, settings=settings, regions=regions)
    old = {key: step.id for key, (step, _) in dark_steps.items()}
    new = new_names(StepNames.of((name, ()) for name in old.values()), settings=settings)
    dark_steps = {
        key: (_with_name(step, new.get(step.id, step.id), settings), group) for key, (step, group) in dark_steps.items()
    }
    refs = {key: _ref(step, group) for key, (step, group) in dark_steps.items()}
    flats = [_flat_step(draft, refs=refs, root=root, settings=settings, regions=regions, told=told) for draft in drafts]
    groups = [*(group for _, group in dark_steps.values()), *(draft.group for draft in drafts)]
    facts = frame_facts([frame for group in groups for frame in group.frames], root=root)
    steps: list[Step] = []
    digests: dict[str, str] = {}
    for step in (*(step for step, _ in dark_steps.values()), *flats):
        digest = step_digest(step, needs=digests, hash_kind=settings.output.hash, facts=facts)
        digests[step.id] = digest
        calibrations = tuple(_with_digests(one, digests) for one in step.calibrations)
        steps.append(msgspec.structs.replace(step, digest=digest, calibrations=calibrations))
    names: dict[str, tuple[str, ...]] = {step.id: (old[key],) for key, (step, _) in dark_steps.items()}
    names.update({draft.name: draft.aliases for draft in drafts})
    made_by = {key: step.id for key, (step, _) in dark_steps.items()}
    return BuiltSteps(steps=tuple(steps), made_by=made_by, names=names)


def _with_name(step: Step, name: str, settings: Settings) -> Step:
    """The step of a dark master under another name, its findings too."""
    if name == step.id:
        return step

    def named(told: Finding) -> Finding:
        return msgspec.structs.replace(told, subject=name, message=told.message.replace(step.id, name, 1))

    return msgspec.structs.replace(
        step,
        id=name,
        output=f"calibration/{name}{settings.output.suffix}",
        findings=tuple(map(named, step.findings)),
        refused=None if step.refused is None else named(step.refused),
    )


def _with_digests(calibration: Calibration, digests: dict[str, str]) -> Calibration:
    masters = {
        role: msgspec.structs.replace(ref, digest=digests[ref.step]) if ref.step else ref
        for role, ref in calibration.masters.items()
    }
    return msgspec.structs.replace(calibration, masters=masters)


def set_id(group: FrameGroup) -> str:
    """What tells one calibration set from another: its first frame."""
    return group.frames[0].path


def _roles(
    drafts: Sequence[Draft], extra: Sequence[FrameGroup], more: Sequence[Choice]
) -> dict[str, tuple[FrameGroup, FrameKind]]:
    """The raw sets that get a master, with the kind that it gets: those that flats or lights need, and extra ones."""
    found: dict[str, tuple[FrameGroup, FrameKind]] = {}
    for fit in (
        fit
        for choice in (*(one for draft in drafts for one in draft.calibration.choices), *more)
        for fit in (choice.fits if choice else ())
    ):
        if fit.group.is_master:
            continue
        kind = FrameKind.DARK_FLAT if fit.role == "dark_flat" else fit.group.kind
        known = found.get(set_id(fit.group))
        if known is None or kind is FrameKind.DARK_FLAT:
            found[set_id(fit.group)] = (fit.group, kind)
    for group in extra:
        found.setdefault(set_id(group), (group, group.kind))
    return found


def _dark_steps(
    roles: dict[str, tuple[FrameGroup, FrameKind]],
    *,
    taken: Sequence[str],
    root: str,
    settings: Settings,
    regions: Mapping[str, Regions],
) -> dict[str, tuple[Step, FrameGroup]]:
    made: dict[str, tuple[Step, FrameGroup]] = {}
    for kind in (FrameKind.BIAS, FrameKind.DARK, FrameKind.DARK_FLAT):
        keys = [key for key, (_, role) in roles.items() if role is kind]
        groups = [dataclasses.replace(roles[key][0], kind=kind) for key in keys]
        names = product_names(groups, template=dark_template(kind), taken=taken)
        for key, group, name in zip(keys, groups, names, strict=True):
            made[key] = (_dark_step(group, name, root=root, settings=settings, regions=regions), group)
    return made


def _dark_step(group: FrameGroup, name: str, *, root: str, settings: Settings, regions: Mapping[str, Regions]) -> Step:
    own = regions[group.frames[0].path]
    recipe = recipe_for(group.kind, n_frames=len(group.frames), settings=settings)
    findings = list(_recipe_findings(recipe, group, name))
    if len(group.frames) < FEW:
        findings.append(
            finding("few_dark_frames", name, f"{name} is made of {plural(len(group.frames), group.kind.words)}.")
        )
    return Step(
        id=name,
        kind=group.kind,
        title=set_title(group),
        group=group.key,
        inputs=tuple(_input(frame, root, 0) for frame in group.frames),
        recipe=recipe,
        overscan=own.overscan,
        overscan_parts=own.parts,
        trim=own.trim,
        output=f"calibration/{name}{settings.output.suffix}",
        because=(f"{plural(len(group.frames), group.kind.words)}: {recipe.because}",),
        findings=tuple(findings),
        refused=_refused(recipe, group, name, regions, settings),
    )


def _flat_step(
    draft: Draft,
    *,
    refs: dict[str, MasterRef],
    root: str,
    settings: Settings,
    regions: Mapping[str, Regions],
    told: ToldKeys,
) -> Step:
    group, name, chosen = draft.group, draft.name, draft.calibration
    left = {frame.path for frame, _ in chosen.left_out}
    frames = tuple(frame for frame in group.frames if frame.path not in left)
    kept = dataclasses.replace(group, frames=frames)
    recipe = recipe_for(FrameKind.FLAT, n_frames=len(frames), settings=settings)
    own = regions[frames[0].path]
    calibrations = tuple(
        calibration_of(chosen, index, kept, made=lambda one: refs.get(set_id(one)), settings=settings, regions=regions)
        for index in range(len(chosen.choices))
    )
    findings = [*chosen.findings, *_recipe_findings(recipe, kept, name), *match_findings(chosen, kept, name, told=told)]
    used = [fit.group for choice in chosen.choices if choice is not None for fit in choice.fits]
    findings += age_findings(used, kept, name, limits=settings.calibration.age_limits())
    findings += fresher_findings(chosen, name)
    if len(frames) < FEW:
        findings.append(finding("few_frames", name, f"{name}: {few_words(kept, recipe)}."))
    if settings.group.no_grouping:
        findings += _mixed_setup(kept, name)
    if settings.calibration.overscan is None and any(frame.overscan_section for frame in frames):
        named = next(frame.overscan_section for frame in frames if frame.overscan_section)
        fix = overscan_fix(settings)
        findings.append(finding("overscan_ignored", name, f"{name}: the header names {named}.", fix=fix))
    return Step(
        id=name,
        kind=FrameKind.FLAT,
        title=" ".join(str(part) for part in ("flat", group.key.get("filter"), group.key.get("night")) if part),
        group=group.key,
        inputs=tuple(_input(frame, root, chosen.which[frame.path]) for frame in frames),
        excluded=tuple(
            Excluded(path=relative_path(frame.path, root), code="no_calibration_fits", reason=why)
            for frame, why in chosen.left_out
        ),
        calibrations=calibrations,
        recipe=recipe,
        overscan=own.overscan,
        overscan_parts=own.parts,
        trim=own.trim,
        needs=tuple(dict.fromkeys(ref.step for one in calibrations for ref in one.masters.values() if ref.step)),
        output=f"{name}{settings.output.suffix}",
        because=flat_because(kept, calibrations, recipe),
        findings=tuple(findings),
        refused=chosen.refused or _refused(recipe, kept, name, regions, settings),
    )


def few_words(group: FrameGroup, recipe: Recipe) -> str:
    """Return "only 3 flats of Ha; the median was taken, since outliers cannot be told from noise in so few"."""
    which = f" of {group.key['filter']}" if group.key.get("filter") else ""
    median = recipe.because.startswith("median: with")
    how = "the median was taken, since outliers cannot be told from noise in so few" if median else recipe.because
    return f"only {plural(len(group.frames), 'flat')}{which}; {how}"


def overscan_fix(settings: Settings) -> tuple[str, ...] | None:
    """The arguments that use the overscan that headers name; ``None`` where --bias has taken its place."""
    if settings.calibration.bias is not None:
        return None
    return ("--overscan", "header", *(("--trim", "header") if settings.calibration.trim is None else ()))


def _input(frame: FrameInfo, root: str, calibration: int) -> StepInput:
    return StepInput(
        path=relative_path(frame.path, root),
        size_bytes=frame.size_bytes,
        mtime_ns=frame.mtime_ns,
        header_hash=frame.header_hash,
        calibration=calibration,
    )


def _ref(step: Step, group: FrameGroup) -> MasterRef:
    return MasterRef(step=step.id, title=step.title, digest="", n_frames=len(group.frames))


def calibration_of(
    chosen: GroupCalibration,
    index: int,
    group: FrameGroup,
    *,
    made: Callable[[FrameGroup], MasterRef | None],
    settings: Settings,
    regions: Mapping[str, Regions],
) -> Calibration:
    """What choice ``index`` subtracts from the frames of a group; ``made`` tells what a step of the plan makes."""
    choice = chosen.choices[index]
    if choice is None:
        pedestal = settings.calibration.pedestal_adu
        if chosen.how == "pedestal" and pedestal is not None:
            return Calibration(how="pedestal", title=f"minus a pedestal of {pedestal:g} ADU", pedestal_adu=pedestal)
        if chosen.how == "inferred":
            return Calibration(how="inferred", title="minus a pedestal to be inferred")
        match = near_match(chosen.near, fix_of=lambda one: chosen.instead.get((index, one.role, set_id(one.group))))
        return Calibration(how="none", title="nothing subtracted", match=match)
    frames = [frame for frame in group.frames if chosen.which[frame.path] == index]
    if choice.pedestal_adu is not None:
        title = constant_bias_title(choice.pedestal_adu, settings.calibration, frames[0].setup.offset_setting)
        return Calibration(how="pedestal", title=title, pedestal_adu=choice.pedestal_adu)
    masters: dict[str, MasterRef] = {}
    for fit in choice.fits:
        ready = fit.group.frames[0]
        masters[fit.role] = made(fit.group) or MasterRef(
            path=ready.path,
            title=f"ready master {set_title(fit.group)}",
            digest=ready.product_digest or f"{ready.size_bytes}:{ready.mtime_ns}:{ready.header_hash}",
            n_frames=ready.n_combined,
            crop=regions[ready.path].trim is not None,
            scale=FULL_RANGE if is_full_range(frames[0], fit.group) else 1.0,
        )
    factor = None
    # Of an optimized dark it is what is taken where its signal is too weak to tell.
    if choice.how in ("scaled_dark", "optimized_dark"):
        dark_s, frame_s = choice.fits[0].group.exposure_s, frames[0].exposure_s
        factor = frame_s / dark_s if dark_s and frame_s is not None else None
    return Calibration(
        how=choice.how,
        title=subtraction_title(choice, frames, factor),
        masters=masters,
        factor=factor,
        match=match_of(choice, frames, fix_of=lambda one: chosen.instead.get((index, one.role, set_id(one.group)))),
    )


def _refused(
    recipe: Recipe, group: FrameGroup, name: str, regions: Mapping[str, Regions], settings: Settings
) -> Finding | None:
    least = least_frames(recipe.rejection)
    if len(group.frames) < least:
        text = rejection_text(recipe.rejection)
        text = f"{name}: {text} needs {least} frames, the group has {len(group.frames)}."
        give = "Give the noise, which so few frames do not tell: --reject ccd:4,3,read_noise_adu=3,egain_e_per_adu=1."
        mend = give if isinstance(recipe.rejection, Ccd) else None
        option = "--reject" if group.kind is FrameKind.FLAT else "--dark-reject"
        fix = None if mend else (option, "auto")
        return finding("too_few_for_rejection", name, text, mend=mend, fix=fix)
    read = [regions[frame.path] for frame in group.frames]
    problem = disagreement(read)
    if problem:
        first = next((one for one in read if one.problem), Regions())
        fix = ("--trim", first.section) if first.section and settings.calibration.trim != "header" else None
        return finding(first.code, name, f"{name}: {problem}", fix=fix)
    if recipe.per_cfa and group.key.get("cfa") in (None, "MONO"):
        return finding("cfa_unknown", name, f"{name}: the frames carry no CFA pattern.")
    return None


def _recipe_findings(recipe: Recipe, group: FrameGroup, name: str) -> list[Finding]:
    """A note where the limits lie beyond what so few frames can reach.

    The farthest that one outlier can lie from the mean is sqrt(N - 1) standard deviations of ddof 0; from the median,
    sqrt(N) of ddof 1.
    """
    n, chosen = len(group.frames), recipe.rejection
    if recipe.limits == "corrected":
        return []
    if isinstance(chosen, ZScore):
        reach, limit = math.sqrt(max(n - 1, 0)), chosen.limit
    elif isinstance(chosen, Sigma):
        reach, limit = math.sqrt(n), min(chosen.low, chosen.high)
    else:
        return []
    if reach > limit:
        return []
    text = rejection_text(chosen)
    return [
        finding(
            "rejection_blind",
            name,
            f"{name}: {text} can reject nothing in {n} frames, where no sample lies beyond {reach:.2f}.",
        )
    ]


def _mixed_setup(group: FrameGroup, name: str) -> list[Finding]:
    first = group.frames[0]
    differing = sorted(
        {
            difference.key
            for frame in group.frames[1:]
            for difference in first.setup.differences(frame.setup)
            if not difference.unknown
        }
    )
    if not differing:
        return []
    words = ", ".join(KEY_WORDS[key] for key in differing)
    return [finding("mixed_setup", name, f"{name}: the flats differ in {words}.")]
