"""Frames and settings to a plan: the recipe."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

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
from evenfield.model.plan import Plan
from evenfield.model.settings import Settings
from evenfield.model.survey import Survey
from evenfield.model.wording import name_files, plural
from evenfield.plan.calibrating import GroupCalibration, calibrate_group, sets_from
from evenfield.plan.check import general_findings
from evenfield.plan.digests import frame_facts, plan_digest
from evenfield.plan.lights import LightDraft, build_lights, draft_lights
from evenfield.plan.names import product_names
from evenfield.plan.patterns import pattern_for
from evenfield.plan.reasons import told_keys
from evenfield.plan.regions import regions_of, trimmed
from evenfield.plan.steps import Draft, build_steps
from evenfield.plan.uses import file_uses


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

    Returns
    -------
    Plan
        Steps that must not run carry the finding that refuses them.

    Raises
    ------
    PlanError
        If nothing can be planned: no frames, no flats (no lights where those are to be calibrated), mixed sizes without
        grouping, a single name for several flats.
    """
    settings = Settings() if settings is None else settings
    regions = {frame.path: regions_of(frame, settings=settings.calibration) for frame in survey.frames}
    raw_frames = survey.frames
    # Sizes are compared as they will meet: after trimming.
    survey = msgspec.structs.replace(
        survey, frames=tuple(trimmed(frame, regions=regions[frame.path]) for frame in survey.frames)
    )
    named_only = _named_paths(survey, settings)
    calibrating = job == "calibrate"
    selection = select_frames(
        survey, ignore_type=settings.select.ignore_type, named_only=named_only, with_lights=calibrating
    )
    nights = assign_nights(survey.frames)
    groups, small = _groups(selection, nights, settings)
    sets = sets_from(selection.calibration, named_only=named_only, settings=settings)
    extra = [group for group in sets if not group.is_master] if job == "masters" else []
    lights: tuple[LightDraft, ...] = ()
    spare: tuple[FrameGroup, ...] = ()
    if calibrating:
        if single_name is not None:
            raise PlanError(
                f"'{single_name}' names one file, but each light gets one of its own.",
                mend="Give a folder with -o.",
                code="usage",
            )
        lights = _light_drafts(survey, selection, groups, sets, nights, settings)
        # Flats that no light needs get no master.
        taken = {one.flat.group.frames[0].path for one in lights if one.flat is not None}
        spare = tuple(group for group in groups if group.frames[0].path not in taken)
        groups = tuple(group for group in groups if group.frames[0].path in taken)
    elif not groups and not extra:
        raise _nothing_to_do(survey, selection, small, settings)
    drafts = [
        Draft(group=group, name=name, calibration=calibration)
        for group, name, calibration in _calibrated(groups, sets, settings, single_name)
    ]
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
    light_steps = build_lights(
        lights,
        root=survey.root,
        settings=settings,
        regions=regions,
        steps=built.steps,
        made_by=built.made_by,
        flats_by={draft.group.frames[0].path: draft.name for draft in drafts},
        told=told_by,
        facts=frame_facts([frame for one in lights for frame in one.group.frames], root=survey.root),
    )
    files, told = file_uses(
        survey,
        selection,
        drafts=drafts,
        made_by=built.made_by,
        sets=sets,
        small=small,
        settings=settings,
        lights=lights,
        spare_flats=spare,
    )
    told = (*_named_wrongly(survey, named_only), *told)
    general = general_findings(survey, selection, nights=nights, groups=groups, settings=settings)
    plan = Plan(
        version=evenfield.__version__,
        root=survey.root,
        output=os.path.abspath(output),
        settings=settings,
        frames=raw_frames,
        files=files,
        steps=built.steps,
        lights=light_steps,
        findings=(*survey.findings, *general, *told),
        notes=_notes(survey, groups, settings),
    )
    return msgspec.structs.replace(plan, digest=plan_digest(plan))


def _for_masters(settings: Settings) -> Settings:
    """The settings of masters that lights only pass through: as 16-bit integers they would lose what lies below 0."""
    if settings.output.written_as != "uint16":
        return settings
    output = msgspec.structs.replace(settings.output, sample="float32", target="evenfield")
    return msgspec.structs.replace(settings, output=output)


def _light_drafts(
    survey: Survey,
    selection: Selection,
    groups: Sequence[FrameGroup],
    sets: Sequence[FrameGroup],
    nights: Nights,
    settings: Settings,
) -> tuple[LightDraft, ...]:
    if not selection.lights:
        kinds = ", ".join(sorted({frame.kind.words for frame in survey.frames if frame.kind is not None}))
        raise PlanError(
            f"No lights among {plural(len(survey.frames), 'file')}{f': {kinds}' if kinds else ''}.",
            mend="Give the folder with the lights; if their header says otherwise, use --set 'PATTERN:kind=light'.",
            code="no_lights",
        )
    flats = (*ready_flats(selection.ready_flats, night_of=nights.night), *groups)
    return draft_lights(
        group_lights(selection.lights, night_of=nights.night), sets=sets, flats=flats, settings=settings
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
        if survey.unreadable:
            first = survey.unreadable[0]
            return PlanError(
                f"None of {plural(len(survey.unreadable), 'file')} can be read; the first: "
                f"{os.path.basename(first.path)} ({first.reason}).",
                mend=first.mend or "Give the folder that holds the frames.",
                code="no_frames",
            )
        return PlanError("No frames were found.", mend="Give the folder that holds the frames.", code="no_frames")
    if small:
        return PlanError(
            f"Every group of flats has fewer than {settings.group.min_group} frames.",
            mend="Lower --min-group, or join groups with --join.",
            code="small_group",
        )
    kinds: dict[str, int] = {}
    for frame in survey.frames:
        words = "frame of unknown kind" if frame.kind is None else frame.kind.words
        words = f"master {words}" if frame.is_master else words
        kinds[words] = kinds.get(words, 0) + 1
    counted = ", ".join(plural(count, words) for words, count in kinds.items())
    mend = "Give the folder with the flats; if their header says otherwise, use --set 'PATTERN:kind=flat'."
    if selection.contradicting:
        paths = [frame.path for frame in selection.contradicting]
        pattern = pattern_for(paths, frames=survey.frames, kind=FrameKind.FLAT)
        how = f"add --set '{pattern}:kind=flat'" if pattern else "say so with --set 'PATTERN:kind=flat'"
        mend = f"{len(paths)} of them are flats by name: if they are flats, {how}."
    return PlanError(f"No flats among {plural(len(survey.frames), 'file')}: {counted}.", mend=mend, code="no_flats")


def _calibrated(
    groups: Sequence[FrameGroup], sets: Sequence[FrameGroup], settings: Settings, single_name: str | None
) -> list[tuple[FrameGroup, str, GroupCalibration]]:
    plain_names = product_names(groups, template=settings.output.name)
    found = [
        calibrate_group(group, sets=sets, settings=settings.calibration, name=name, strict=settings.run.strict)
        for group, name in zip(groups, plain_names, strict=True)
    ]
    # Only where nothing fitted; who asked for no calibration knows it.
    marks = ["_UNCALIBRATED" if one.how == "none" and settings.calibration.mode == "auto" else "" for one in found]
    if single_name is not None:
        if len(groups) > 1:
            raise PlanError(
                f"'{single_name}' names one file, but {len(groups)} master flats would be made: "
                f"{', '.join(plain_names[:4])}{' ...' if len(groups) > 4 else ''}.",
                mend="Give a folder with -o, or join the groups with --join or --no-grouping.",
                code="usage",
            )
        names: Sequence[str] = [os.path.splitext(single_name)[0] + marks[0]]
    else:
        names = product_names(groups, template=settings.output.name, extra=marks)
    return [
        (group, name, _renamed(one, plain, name))
        for group, name, plain, one in zip(groups, names, plain_names, found, strict=True)
    ]


def _renamed(one: GroupCalibration, plain: str, name: str) -> GroupCalibration:
    """The same calibration whose findings speak of the product by its final name."""

    def named(told: Finding) -> Finding:
        return msgspec.structs.replace(told, subject=name, message=told.message.replace(plain, name, 1))

    refused = None if one.refused is None else named(one.refused)
    return dataclasses.replace(one, findings=tuple(map(named, one.findings)), refused=refused)


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
    return finding(error.code, "plan", error.message, mend=error.mend or None)
