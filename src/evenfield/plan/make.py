"""Frames and settings to a plan: the recipe."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

import evenfield
from evenfield.errors import PlanError
from evenfield.match.grouping import calibration_sets, group_flats
from evenfield.match.nights import Nights, assign_nights
from evenfield.match.selecting import Selection, select_frames
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameKind
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import Plan
from evenfield.model.settings import Settings
from evenfield.model.survey import Survey
from evenfield.model.wording import plural
from evenfield.plan.calibrating import GroupCalibration, calibrate_group
from evenfield.plan.check import general_findings
from evenfield.plan.digests import plan_digest
from evenfield.plan.names import product_names
from evenfield.plan.patterns import pattern_for
from evenfield.plan.regions import regions_of, trimmed
from evenfield.plan.steps import Draft, build_steps
from evenfield.plan.uses import file_uses


def make_plan(survey: Survey, *, output: str, settings: Settings | None = None, single_name: str | None = None) -> Plan:
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

    Returns
    -------
    Plan
        Steps that must not run carry the finding that refuses them.

    Raises
    ------
    PlanError
        If nothing can be planned: no frames, no flats, mixed sizes without grouping, a single name for several flats.
    """
    settings = Settings() if settings is None else settings
    regions = {frame.path: regions_of(frame, settings=settings.calibration) for frame in survey.frames}
    raw_frames = survey.frames
    # Sizes are compared as they will meet: after trimming.
    survey = msgspec.structs.replace(
        survey, frames=tuple(trimmed(frame, regions=regions[frame.path]) for frame in survey.frames)
    )
    named_only = [os.path.abspath(path) for path in settings.calibration.files]
    selection = select_frames(survey, ignore_type=settings.select.ignore_type, named_only=named_only)
    nights = assign_nights(survey.frames)
    groups, small = _groups(selection, nights, settings)
    if not groups:
        raise _nothing_to_do(survey, selection, small, settings)
    sets = _sets(selection, named_only, settings)
    drafts = [
        Draft(group=group, name=name, calibration=calibration)
        for group, name, calibration in _calibrated(groups, sets, settings, single_name)
    ]
    built = build_steps(drafts, root=survey.root, settings=settings, regions=regions)
    files, told = file_uses(
        survey, selection, drafts=drafts, made_by=built.made_by, sets=sets, small=small, settings=settings
    )
    general = general_findings(survey, selection, nights=nights, groups=groups, settings=settings)
    plan = Plan(
        version=evenfield.__version__,
        root=survey.root,
        output=os.path.abspath(output),
        settings=settings,
        frames=raw_frames,
        files=files,
        steps=built.steps,
        findings=(*survey.findings, *general, *told),
        notes=_notes(survey, groups, settings),
    )
    return msgspec.structs.replace(plan, digest=plan_digest(plan))


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
        mend = f"{len(paths)} of them are flats by name: if they are flats, add --set '{pattern}:kind=flat'."
    return PlanError(f"No flats among {plural(len(survey.frames), 'file')}: {counted}.", mend=mend, code="no_flats")


def _sets(selection: Selection, named_only: Sequence[str], settings: Settings) -> tuple[FrameGroup, ...]:
    """The sets that may calibrate: those found, or the files named, each a set of its own."""
    if settings.calibration.mode == "files":
        named = [frame for frame in selection.calibration if frame.path in named_only]
        # A named file is taken as it is, raw or master.
        ready = [msgspec.structs.replace(frame, is_master=True) for frame in named]
        return calibration_sets(ready, temperature_width=settings.group.temperature_width)
    return calibration_sets(selection.calibration, temperature_width=settings.group.temperature_width)


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
        return [(groups[0], os.path.splitext(single_name)[0] + marks[0], found[0])]
    names = product_names(groups, template=settings.output.name, extra=marks)
    return list(zip(groups, names, found, strict=True))


def _notes(survey: Survey, groups: Sequence[FrameGroup], settings: Settings) -> tuple[str, ...]:
    notes = []
    if survey.products_skipped:
        notes.append(
            f"{plural(survey.products_skipped, 'file')} not searched: evenfield's own products and the output folder."
        )
    keys = [key for key in ("filter", "night") if len({group.key.get(key) for group in groups}) > 1]
    if "night" in keys and not settings.group.no_grouping:
        notes.append(f"Kept apart by {' and '.join(keys)}, dust may have moved (to join: --join night).")
    return tuple(notes)


def refusal(error: PlanError) -> Finding:
    """The finding that stands for a plan that could not be made."""
    return finding(error.code, "plan", error.message, mend=error.mend or None)
