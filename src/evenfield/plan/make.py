"""Frames and settings to a plan: the recipe."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Sequence

import msgspec

import evenfield
from evenfield.errors import PlanError
from evenfield.match.grouping import group_flats, group_lights, ready_flats
from evenfield.match.nights import Nights, assign_nights
from evenfield.match.selecting import Selection, select_frames
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import DARK_KINDS, FrameKind
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import LightStep, Plan, Step
from evenfield.model.settings import Settings
from evenfield.model.survey import Survey
from evenfield.model.wording import name_files, plural
from evenfield.plan.calibrating import sets_from
from evenfield.plan.check import general_findings
from evenfield.plan.digests import frame_facts, plan_digest, relative_path
from evenfield.plan.flats import draft_flats
from evenfield.plan.instead import Patterns
from evenfield.plan.lights import LightDraft, build_lights, draft_lights
from evenfield.plan.patterns import pattern_for
from evenfield.plan.reasons import told_keys
from evenfield.plan.regions import regions_of, trimmed
from evenfield.plan.steps import BuiltSteps, Draft, build_steps, set_id
from evenfield.plan.telling import for_lights, with_telling, with_told_uses
from evenfield.plan.uses import Made, file_uses, min_group_fix
from evenfield.plan.wanted import StepNames, check_different, taking_part, unknown_names, wanted_steps


def make_plan(
    survey: Survey, *, output: str, settings: Settings | None = None, single_name: str | None = None, job: str = "flats"
) -> Plan:
    """Decide which masters are made from which frames, and why. No pixel is read.

    Parameters
    ----------
    survey : Survey
        The frames found, those of the calibration folders included.
    output : str
        The folder for the products.
    settings : Settings, optional
    single_name : str, optional
        The file name of the product where exactly one flat is made ("flat.fits").
    job : str
        "flats": master flats, and what they need. "masters": a master of every raw bias, dark and dark flat set as
        well, needed or not; flats need not be there. "calibrate": calibrated lights, and the masters that they need.
        "examine": all that "masters" makes, and the lights there are.

    Returns
    -------
    Plan
        Steps that must not run carry the finding that refuses them.

    Raises
    ------
    PlanError
        If nothing can be planned: no frames, no flats (no lights where those are to be calibrated), mixed sizes without
        grouping, a single name for several flats, one new name for two products, nothing that is wanted.
    """
    settings = Settings() if settings is None else settings
    regions = {frame.path: regions_of(frame, settings=settings.calibration) for frame in survey.frames}
    raw_frames = survey.frames
    part = taking_part(survey, settings=settings)
    survey = part.survey
    # Sizes are compared as they will meet: after trimming.
    survey = msgspec.structs.replace(
        survey, frames=tuple(trimmed(frame, regions=regions[frame.path]) for frame in survey.frames)
    )
    named_only = _named_paths(survey, settings)
    calibrating, all_sets = job == "calibrate", job in ("masters", "examine")
    selection = select_frames(
        survey,
        ignore_type=settings.select.ignore_type,
        named_only=named_only,
        with_lights=calibrating or job == "examine",
    )
    nights = assign_nights(survey.frames)
    groups, small = _groups(selection, nights, settings)
    sets = sets_from(selection.calibration, named_only=named_only, settings=settings)
    with_lights = calibrating or (job == "examine" and bool(selection.lights))
    ready = ready_flats(selection.ready_flats, night_of=nights.night) if with_lights else ()
    patterns = Patterns((*sets, *groups, *ready) if with_lights else sets)
    extra = [group for group in sets if not group.is_master] if all_sets else []
    lights: tuple[LightDraft, ...] = ()
    spare: tuple[FrameGroup, ...] = ()
    if calibrating and single_name is not None:
        raise PlanError(
            f"'{single_name}' names one file, but each light gets one of its own.",
            mend="Give a folder with -o.",
            code="usage",
        )
    if with_lights:
        lights = _light_drafts(survey, selection, (*ready, *groups), sets, nights, for_lights(settings), patterns)
    if calibrating:
        # Flats that no light needs get no master.
        taken = {one.flat.group.frames[0].path for one in lights if one.flat is not None}
        spare = tuple(group for group in groups if group.frames[0].path not in taken)
        groups = tuple(group for group in groups if group.frames[0].path in taken)
    elif not groups and not extra and not lights:
        raise _nothing_to_do(survey, selection, small, settings)
    drafts = draft_flats(groups, sets=sets, settings=settings, single_name=single_name, patterns=patterns)
    told_by = told_keys(survey.frames)
    choices = [choice for one in lights for choice in one.calibration.choices if choice is not None]
    built = build_steps(
        drafts,
        root=survey.root,
        settings=_for_masters(settings) if calibrating else settings,
        regions=regions,
        told=told_by,
        extra=extra,
        more=choices,
    )
    facts = frame_facts(survey.frames, root=survey.root)

    def built_lights(steps: Sequence[Step]) -> tuple[LightStep, ...]:
        return build_lights(
            lights,
            root=survey.root,
            settings=for_lights(settings),
            regions=regions,
            steps=steps,
            made_by=built.made_by,
            flats_by={draft.group.frames[0].path: draft.name for draft in drafts},
            told=told_by,
            facts=facts,
        )

    light_steps = built_lights(built.steps)
    if settings.calibration.mode == "inferred":
        told_steps = with_telling(
            built.steps,
            lights=light_steps,
            sets=sets,
            frames={relative_path(frame.path, survey.root): frame for frame in survey.frames},
            root=survey.root,
            settings=settings,
            facts=facts,
        )
        built = dataclasses.replace(built, steps=told_steps)
        # Lights depend on what their flat is made of.
        light_steps = built_lights(built.steps)
    every_step: tuple[Step | LightStep, ...] = (*built.steps, *light_steps)
    if settings.output.names:
        check_different([step.id for step in every_step])
    names = StepNames.of((step.id, built.names.get(step.id, ())) for step in every_step)
    made_for = {built.made_by[set_id(group)] for group in extra}
    wanted = wanted_steps(every_step, roots=_roots(every_step, made_for, job), names=names, settings=settings)
    made, unmade = _parted(built, drafts, lights, wanted.ids)
    files, told = file_uses(
        survey,
        selection,
        made=made,
        unmade=unmade,
        sets=sets,
        small=small,
        settings=settings,
        spare_flats=spare,
    )
    files = with_told_uses(files, built.steps, root=survey.root, frames=survey.frames)
    told = (*_named_wrongly(survey, named_only), *told)
    groups = tuple(draft.group for draft in made.drafts)
    general = general_findings(survey, selection, nights=nights, groups=groups, settings=settings)
    wishes = (
        *part.findings,
        *unknown_names(
            names, flats=[draft.name for draft in drafts], lights=[one.name for one in lights], settings=settings
        ),
        *wanted.findings,
    )
    plan = Plan(
        version=evenfield.__version__,
        root=survey.root,
        output=os.path.abspath(output),
        settings=settings,
        frames=raw_frames,
        files=tuple(sorted((*files, *part.uses), key=lambda use: use.path)),
        steps=tuple(step for step in built.steps if step.id in wanted.ids),
        lights=tuple(step for step in light_steps if step.id in wanted.ids),
        findings=(*survey.findings, *wishes, *general, *told),
        notes=_notes(survey, groups, settings),
    )
    return msgspec.structs.replace(plan, digest=plan_digest(plan))


def _roots(steps: Sequence[Step | LightStep], made_for: Collection[str], job: str) -> set[str]:
    """The steps that are made for their own sake: flats, lights, and sets of the job "masters"."""
    if job == "calibrate":
        # A flat may have been drafted for lights that it is not applied to.
        needed = {need for step in steps for need in step.needs}
        return {step.id for step in steps if step.id not in needed}
    return {step.id for step in steps if step.kind in (FrameKind.FLAT, FrameKind.LIGHT) or step.id in made_for}


def _parted(
    built: BuiltSteps, drafts: Sequence[Draft], lights: Sequence[LightDraft], ids: Collection[str]
) -> tuple[Made, Made]:
    """What is made, and what is not since nobody wants it."""

    def part(*, wanted: bool) -> Made:
        return Made(
            drafts=tuple(draft for draft in drafts if (draft.name in ids) == wanted),
            lights=tuple(light for light in lights if (light.name in ids) == wanted),
            made_by={key: step_id for key, step_id in built.made_by.items() if (step_id in ids) == wanted},
        )

    return part(wanted=True), part(wanted=False)


def _for_masters(settings: Settings) -> Settings:
    """The settings of masters that lights only pass through: as 16-bit integers they would lose what lies below 0."""
    if settings.output.written_as != "uint16":
        return settings
    output = msgspec.structs.replace(settings.output, sample="float32", target="evenfield")
    return msgspec.structs.replace(settings, output=output)


def _light_drafts(
    survey: Survey,
    selection: Selection,
    flats: Sequence[FrameGroup],
    sets: Sequence[FrameGroup],
    nights: Nights,
    settings: Settings,
    patterns: Patterns,
) -> tuple[LightDraft, ...]:
    if not selection.lights:
        raise _no_lights(survey, selection)
    return draft_lights(
        group_lights(selection.lights, night_of=nights.night),
        sets=sets,
        flats=flats,
        settings=settings,
        patterns=patterns,
    )


def _named_paths(survey: Survey, settings: Settings) -> list[str]:
    """The paths, as the survey has them, of the files to calibrate with; a link means the file behind it."""
    wanted = {os.path.realpath(os.path.expanduser(path)) for path in settings.calibration.files}
    return [frame.path for frame in survey.frames if os.path.realpath(frame.path) in wanted] if wanted else []


def _named_wrongly(survey: Survey, named_only: Sequence[str]) -> tuple[Finding, ...]:
    """A finding about files to calibrate with that are flats or lights."""
    chosen = set(named_only)
    wrong = [frame for frame in survey.frames if frame.path in chosen and frame.kind not in (None, *DARK_KINDS)]
    if not wrong:
        return ()
    paths = [frame.path for frame in wrong]
    kinds = " or ".join(sorted({frame.kind.words for frame in wrong if frame.kind is not None}))
    text = f"{name_files(paths)}: named to be subtracted, but called {kinds}."
    mend = "If that is wrong, say what it is with --set 'PATTERN:kind=dark_flat'."
    return (finding("named_file_not_used", name_files(paths), text, mend=mend),)


def _groups(
    selection: Selection, nights: Nights, settings: Settings
) -> tuple[tuple[FrameGroup, ...], tuple[FrameGroup, ...]]:
    groups = group_flats(selection.flats, settings=settings.group, night_of=nights.night)
    if settings.group.no_grouping and groups:
        sizes = sorted({frame.setup.shape for frame in groups[0].frames})
        if len(sizes) > 1:
            words = ", ".join(f"{columns} x {rows}" for rows, columns in sizes)
            raise PlanError(
                f"--no-grouping asks for one master, but the flats have {len(sizes)} sizes: {words}.",
                mend="Leave --no-grouping out, or choose frames of one size.",
                code="mixed_sizes",
            )
    kept = tuple(group for group in groups if len(group.frames) >= settings.group.min_group)
    small = tuple(group for group in groups if len(group.frames) < settings.group.min_group)
    return kept, small


def _nothing_to_do(survey: Survey, selection: Selection, small: Sequence[FrameGroup], settings: Settings) -> PlanError:
    if not survey.frames:
        return _no_frames(survey)
    if small:
        return PlanError(
            f"Every group of flats has fewer than {settings.group.min_group} frames.",
            mend="Lower --min-group, or join groups with --join.",
            code="small_group",
            fix=min_group_fix(small),
        )
    counted = _counted_kinds(survey)
    fix = None
    mend = "Give the folder with the flats; if their header says otherwise, use --set 'PATTERN:kind=flat'."
    if selection.contradicting:
        paths = [frame.path for frame in selection.contradicting]
        pattern = pattern_for(paths, frames=survey.frames, kind=FrameKind.FLAT)
        how = f"add --set '{pattern}:kind=flat'" if pattern else "say so with --set 'PATTERN:kind=flat'"
        fix = ("--set", f"{pattern}:kind=flat") if pattern else None
        mend = f"{len(paths)} of them are flats by name: if they are flats, {how}."
    return PlanError(
        f"No flats among {plural(len(survey.frames), 'file')}: {counted}.", mend=mend, code="no_flats", fix=fix
    )


def _no_frames(survey: Survey) -> PlanError:
    if not survey.unreadable:
        return PlanError("No frames were found.", mend="Give the folder that holds the frames.", code="no_frames")
    first = survey.unreadable[0]
    return PlanError(
        f"None of {plural(len(survey.unreadable), 'file')} can be read; the first: "
        f"{os.path.basename(first.path)} ({first.reason}).",
        mend=first.mend or "Give the folder that holds the frames.",
        code="no_frames",
    )


def _no_lights(survey: Survey, selection: Selection) -> PlanError:
    if not survey.frames:
        return _no_frames(survey)
    lights = {frame.path for frame in survey.frames if frame.kind is FrameKind.LIGHT}
    reasons = list(dict.fromkeys(use.reason for use in selection.uses if use.path in lights))
    if reasons:
        more = f" and {len(reasons) - 2} more reasons" if len(reasons) > 2 else ""
        return PlanError(
            f"None of {plural(len(lights), 'light')} can be calibrated: {'; '.join(reasons[:2])}{more}.",
            mend="Give the raw lights, as the camera wrote them.",
            code="no_lights",
        )
    return PlanError(
        f"No lights among {plural(len(survey.frames), 'file')}: {_counted_kinds(survey)}.",
        mend="Give the folder with the lights; if their header says otherwise, use --set 'PATTERN:kind=light'.",
        code="no_lights",
    )


def _counted_kinds(survey: Survey) -> str:
    kinds: dict[str, int] = {}
    for frame in survey.frames:
        words = "frame of unknown kind" if frame.kind is None else frame.kind.words
        words = f"master {words}" if frame.is_master else words
        kinds[words] = kinds.get(words, 0) + 1
    most_first = sorted(kinds.items(), key=lambda one: -one[1])
    return ", ".join(plural(count, words) for words, count in most_first)


def _notes(survey: Survey, groups: Sequence[FrameGroup], settings: Settings) -> tuple[str, ...]:
    notes = []
    if survey.products_skipped:
        notes.append(
            f"{plural(survey.products_skipped, 'file')} not searched: evenfield's own products and the output folder."
        )
    keys = [key for key in ("filter", "night") if len({group.key.get(key) for group in groups}) > 1]
    if "night" in settings.group.keys and "night" in keys and not settings.group.no_grouping:
        notes.append(f"Kept apart by {' and '.join(keys)}, dust may have moved (to join: --join night).")
    elif any("_to_" in str(group.key.get("night") or "") for group in groups):
        notes.append("Flats of several nights make one master, as asked; dust that moved is in it twice.")
    return tuple(notes)


def refusal(error: PlanError) -> Finding:
    """The finding that stands for a plan that could not be made."""
    return finding(error.code, "plan", error.message, mend=error.mend or None, fix=error.fix)
