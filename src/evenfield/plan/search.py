"""The search for calibration frames, shown in full: every set that was looked at for a master flat, and its outcome."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

import msgspec

from evenfield.match.limits import Limits
from evenfield.match.matching import Fit, look_at, rank
from evenfield.model.frame import DARK_KINDS, FrameInfo, FrameKind, exposure_text
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import Plan, Step
from evenfield.model.wording import plural
from evenfield.plan.calibrating import ROLES, hows, sets_from, usable_sets
from evenfield.plan.reasons import fit_title, runner_up
from evenfield.plan.regions import regions_of, trimmed
from evenfield.plan.wanted import asked_sets, use_of

_TAKING_PART: Final = ("used", "spare", "not_asked")
"""Codes of the files that were candidates, beside "..._differs"; copies and files of other programs were not."""


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    """One set that was looked at for some flats in one role, and what became of it."""

    flats: str
    role: str
    title: str
    taken: bool
    why: str


def search_of(plan: Plan, *, step: Step) -> tuple[Searched, ...]:
    """Every set that was looked at for a master flat, worked out again from the plan's own frames and settings."""
    if step.kind is not FrameKind.FLAT:
        return ()
    settings = plan.settings.calibration
    frames = {frame.path: trimmed(frame, regions=regions_of(frame, settings=settings)) for frame in plan.frames}
    sets = _candidates(plan, frames)
    limits = Limits.of(settings)
    text = use_of(plan.settings, step_id=step.id)
    asked = () if text is None else asked_sets(sets, text=text)
    found: list[Searched] = []
    for index, flats in sorted(_flats_of(plan, step, frames).items()):
        group = FrameGroup(kind=FrameKind.FLAT, key=step.group, frames=tuple(flats))
        taken = {*step.calibrations[index].masters} if 0 <= index < len(step.calibrations) else set()
        roles = [role for how in hows(group, settings) for role in ROLES[how]]
        roles += [role for role in taken if role not in roles]
        for role in dict.fromkeys(roles) if sets else ():
            fits = sorted(look_at(flats, sets=sets, role=role, limits=limits), key=_order)
            if asked:
                found += [_by_request(one, asked, _words(flats), used=role in taken) for one in fits]
                continue
            best = fits[0] if fits and fits[0].fits else None
            found += [_searched(one, best, _words(flats), used=role in taken) for one in fits]
    return tuple(found)


def search_lines(plan: Plan, *, step: Step) -> list[str]:
    """The search as lines of text, for `explain_plan`."""
    lines: list[str] = []
    heading = ""
    for one in search_of(plan, step=step):
        here = f"Looked at for {one.flats} as {one.role.replace('_', ' ')}:"
        if here != heading:
            lines.append(here)
            heading = here
        lines.append(f"  {'taken' if one.taken else '-----'}  {one.title}{f': {one.why}' if one.why else ''}")
    return lines


def _candidates(plan: Plan, frames: dict[str, FrameInfo]) -> list[FrameGroup]:
    settings = plan.settings.calibration
    codes = {use.path: use.code for use in plan.files}
    darks = [
        frame
        for path, frame in frames.items()
        if codes[path].endswith(("_differs", *_TAKING_PART)) and frame.kind in (None, *DARK_KINDS)
    ]
    wanted = {os.path.realpath(os.path.expanduser(path)) for path in settings.files}
    named = [frame.path for frame in darks if os.path.realpath(frame.path) in wanted] if wanted else []
    return usable_sets(sets_from(darks, named_only=named, settings=plan.settings), settings)


def _flats_of(plan: Plan, step: Step, frames: dict[str, FrameInfo]) -> dict[int, list[FrameInfo]]:
    """The flats of a step by the calibration they got; -1 for those that got none and were left out."""
    found: dict[int, list[FrameInfo]] = {}
    for item in step.inputs:
        path = os.path.normpath(os.path.join(plan.root, item.path))
        found.setdefault(item.calibration, []).append(frames[path])
    for out in step.excluded:
        path = os.path.normpath(os.path.join(plan.root, out.path))
        if out.code == "no_calibration_fits" and path in frames:
            found.setdefault(-1, []).append(frames[path])
    return found


def _order(one: Fit) -> tuple[object, ...]:
    return (len(one.against), *(rank(one) if one.fits else (one.distance, one.group.frames[0].path)))


def _searched(one: Fit, best: Fit | None, flats: str, *, used: bool) -> Searched:
    taken = one is best and used
    if taken:
        why = ""
    elif best is None:
        why = "; ".join(map(str, one.against))
    elif one is best:
        why = "fits, but another kind of calibration comes first"
    else:
        why = runner_up(one, best).why
    return Searched(flats=flats, role=one.role, title=fit_title(one), taken=taken, why=why)


def _by_request(one: Fit, asked: Sequence[FrameGroup], flats: str, *, used: bool) -> Searched:
    """What became of a set where --use names others, or this one."""
    wanted = any(one.group is group for group in asked)
    taken = wanted and used
    differs = "; ".join(map(str, one.against))
    if taken:
        why = f"asked for, in spite of {differs}" if differs else "asked for"
    else:
        why = differs or ("asked for, but another one is nearer" if wanted else "fits, but --use names another")
    return Searched(flats=flats, role=one.role, title=fit_title(one), taken=taken, why=why)


def _words(flats: Sequence[FrameInfo]) -> str:
    exposures = sorted({frame.exposure_s for frame in flats if frame.exposure_s is not None})
    words = " to ".join(dict.fromkeys(exposure_text(value) for value in (*exposures[:1], *exposures[-1:])))
    return f"{plural(len(flats), 'flat')}{f' of {words}' if words else ''}"
