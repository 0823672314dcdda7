"""What the user should know before anything runs: contradictions, unknowns, files that could not be read."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from evenfield.describe.override_values import OVERRIDE_FIELDS
from evenfield.match.grouping import group_flats
from evenfield.match.nights import Nights
from evenfield.match.selecting import Selection
from evenfield.model.catalogue import CATALOGUE, finding
from evenfield.model.findings import Finding
from evenfield.model.frame import KEY_WORDS, FrameInfo, FrameKind
from evenfield.model.groups import FrameGroup
from evenfield.model.settings import Settings
from evenfield.model.survey import Survey, Unreadable
from evenfield.model.wording import name_files, plural
from evenfield.plan.patterns import exact_patterns, pattern_for

MOST_BAD_VALUES: Final = 10
"""Header faults told of one by one."""

MOST_PATTERNS: Final = 5
"""A fix of more corrections than this is none that anyone would read."""

MOST_GROUPS: Final = 60
"""Groups compared with each other for settings that are missing in part."""


def general_findings(
    survey: Survey, selection: Selection, *, nights: Nights, groups: Sequence[FrameGroup], settings: Settings
) -> tuple[Finding, ...]:
    """Findings that are not about one master, the most serious causes first."""
    return (
        *_contradictions(survey, selection, nights),
        *_other_contradictions(survey),
        *_nameless(survey, selection),
        *_unreadable(survey.unreadable),
        *_copies(survey),
        *_bad_values(survey.frames),
        *_filters_alike(groups),
        *_partly_unknown(groups, survey),
        *_nights_apart(groups, nights, settings),
        *_times(selection.flats, nights, settings),
    )


def _contradictions(survey: Survey, selection: Selection, nights: Nights) -> list[Finding]:
    """Frames whose header says light and whose name says flat, one finding for each pattern that names them."""
    told_of = {frame.path for frame in selection.contradicting}
    others = [frame for frame in survey.frames if frame.path not in told_of]
    groups: dict[tuple[str, str], list[FrameInfo]] = {}
    for frame in selection.contradicting:
        night = nights.night.get(frame.path) or ""
        groups.setdefault((os.path.dirname(frame.path), night), []).append(frame)
    # What two groups have in common in their names may be one pattern for both.
    by_pattern: dict[str | None, list[FrameInfo]] = {}
    for frames in groups.values():
        pattern = pattern_for([frame.path for frame in frames], frames=others, kind=FrameKind.FLAT)
        by_pattern.setdefault(pattern, []).extend(frames)
    return [_contradiction(pattern, frames, nights) for pattern, frames in by_pattern.items()]


def _contradiction(pattern: str | None, frames: Sequence[FrameInfo], nights: Nights) -> Finding:
    shown = name_files([frame.path for frame in frames]) if pattern is None else pattern.rsplit("/", 1)[-1]
    if shown == "*":
        shown = name_files([frame.path for frame in frames])
    known = sorted({nights.night.get(frame.path) or "" for frame in frames} - {""})
    when = f" of {known[0]}" if len(known) == 1 else f" of {len(known)} nights" if known else ""
    said = frames[0].known_from.get("kind", "the header")
    verb = "says" if len(frames) == 1 else "say"
    return finding(
        "header_says_light",
        shown,
        f"{plural(len(frames), 'file')} {shown}{when} {verb} Light in {said} and flat by name.",
        mend=None if pattern is None else "If they are flats, say so:",
        fix=None if pattern is None else ("--set", f"{pattern}:kind=flat"),
    )


def _other_contradictions(survey: Survey) -> list[Finding]:
    groups: dict[tuple[FrameKind, FrameKind], list[str]] = {}
    for frame in survey.frames:
        by_name = frame.kind_by_name
        if frame.kind is None or by_name is None or by_name is frame.kind or frame.known_from.get("kind") == "user":
            continue
        # A DARK in a folder of dark flats is how N.I.N.A. writes dark flats; light and flat has its own finding.
        dark_pair = {frame.kind, by_name} == {FrameKind.DARK, FrameKind.DARK_FLAT}
        if dark_pair or (frame.kind is FrameKind.LIGHT and by_name is FrameKind.FLAT):
            continue
        groups.setdefault((frame.kind, by_name), []).append(frame.path)
    found = []
    for (kind, by_name), paths in groups.items():
        pattern = pattern_for(paths, frames=survey.frames, kind=by_name)
        found.append(
            finding(
                "name_contradicts",
                name_files(paths),
                f"{plural(len(paths), 'file')} ({name_files(paths)}): {kind.words} by header, {by_name.words} by name; "
                "the header counts.",
                fix=_kind_fix(pattern, by_name),
            )
        )
    return found


def _nameless(survey: Survey, selection: Selection) -> list[Finding]:
    if not selection.nameless:
        return []
    paths = [frame.path for frame in selection.nameless]
    pattern = pattern_for(paths, frames=survey.frames, kind=None)
    return [
        finding(
            "no_kind",
            name_files(paths),
            f"{plural(len(paths), 'file')} ({name_files(paths)}): no header, folder or name says what they are.",
            fix=_kind_fix(pattern, FrameKind.FLAT),
        )
    ]


def _kind_fix(pattern: str | None, kind: FrameKind) -> tuple[str, ...] | None:
    return None if pattern is None else ("--set", f"{pattern}:kind={kind.value}")


def _unreadable(files: Sequence[Unreadable]) -> list[Finding]:
    groups: dict[tuple[str, str], list[Unreadable]] = {}
    for one in files:
        # Reasons that differ in a number only, such as the sizes of files cut short, are one cause.
        groups.setdefault((one.code, re.sub(r"[0-9.]+", "", one.reason)), []).append(one)
    found = []
    for (code, _), same in groups.items():
        known = code if code in CATALOGUE else "unreadable"
        paths = [one.path for one in same]
        reasons = list(dict.fromkeys(one.reason for one in same))
        why = reasons[0] if len(reasons) == 1 else f"{reasons[0]} (the first of them)"
        found.append(finding(known, name_files(paths), f"{name_files(paths)}: {why}.", mend=same[0].mend or None))
    return found


def _copies(survey: Survey) -> list[Finding]:
    if not survey.copies:
        return []
    paths = [copy.path for copy in survey.copies]
    first = os.path.basename(survey.copies[0].original)
    text = f"{name_files(paths)}: the same bytes as {first}" + (" and others." if len(paths) > 1 else ".")
    return [finding("second_copy", name_files(paths), text)]


def _bad_values(frames: Sequence[FrameInfo]) -> list[Finding]:
    groups: dict[str, list[FrameInfo]] = {}
    for frame in frames:
        for problem in frame.problems:
            if not problem.startswith("processed:"):
                groups.setdefault(problem, []).append(frame)
    found = []
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    for problem, same in ordered[:MOST_BAD_VALUES]:
        paths = [frame.path for frame in same]
        mend = "Save the image that is meant as a file of its own." if problem.startswith("The file holds") else None
        found.append(finding("bad_value", name_files(paths), f"{name_files(paths)}: {problem.rstrip('.')}.", mend=mend))
    rest = {frame.path for _, same in ordered[MOST_BAD_VALUES:] for frame in same}
    if rest:
        count = len(ordered) - MOST_BAD_VALUES
        text = f"{plural(count, 'more header value')} of {plural(len(rest), 'file')} cannot be used."
        found.append(finding("bad_value", name_files(sorted(rest)), text))
    return found


def _filters_alike(groups: Sequence[FrameGroup]) -> list[Finding]:
    names: dict[str, dict[str, list[str]]] = {}
    for group in groups:
        for frame in group.frames:
            if frame.filter:
                plain = "".join(char for char in frame.filter.casefold() if char.isalnum())
                names.setdefault(plain, {}).setdefault(frame.filter, []).append(frame.path)
    found = []
    for same in names.values():
        if len(same) < 2:
            continue
        spelled = sorted(same, key=lambda name: (-len(same[name]), name))
        listed = " and ".join(f"'{name}' ({len(same[name])})" for name in spelled)
        found.append(
            finding("filters_alike", spelled[0], f"Filters {listed} are kept apart; their names differ little.")
        )
    return found


def _partly_unknown(groups: Sequence[FrameGroup], survey: Survey) -> list[Finding]:
    """Groups that only a setting keeps apart which one of them does not tell."""
    missing: dict[str, set[str]] = {}
    known: dict[str, set[object]] = {}
    for first, second in itertools.combinations(groups[:MOST_GROUPS], 2):
        same = [key for key in ("filter", "night") if first.key.get(key) != second.key.get(key)]
        differences = () if same else first.frames[0].setup.differences(second.frames[0].setup)
        if not differences or not all(difference.unknown for difference in differences):
            continue
        for difference in differences:
            silent, telling = (first, second) if difference.here is None else (second, first)
            known.setdefault(difference.key, set()).add(getattr(telling.frames[0].setup, difference.key))
            missing.setdefault(difference.key, set()).update(frame.path for frame in silent.frames)
    found = []
    for key, paths in missing.items():
        named = sorted(paths)
        text = f"{plural(len(named), 'flat')} ({name_files(named)}): no {KEY_WORDS[key]}; kept apart from the others."
        fix = _setting_fix(key, known[key], exact_patterns(named, survey.frames)) if len(known[key]) == 1 else None
        mend = "If they were taken with the same setting, say so:" if fix else None
        found.append(finding("partly_unknown", KEY_WORDS[key], text, mend=mend, fix=fix))
    return found


def _setting_fix(key: str, values: set[object], patterns: Sequence[str]) -> tuple[str, ...] | None:
    """The arguments that give frames the one value that the others have."""
    (value,) = values
    if key not in OVERRIDE_FIELDS or not isinstance(value, str | float) or len(patterns) > MOST_PATTERNS:
        return None
    text = value if isinstance(value, str) else f"{value:g}"
    if "=" in text:
        return None
    return tuple(part for pattern in patterns for part in ("--set", f"{pattern}:{key}={text}"))


def _nights_apart(groups: Sequence[FrameGroup], nights: Nights, settings: Settings) -> list[Finding]:
    """Flats of one filter that only their nights keep apart: what --join night would put into one master."""
    group = settings.group
    if group.no_grouping or "night" not in group.keys or "night" in group.split:
        return []
    frames = [frame for one in groups for frame in one.frames]
    joined = group_flats(
        frames, settings=msgspec.structs.replace(group, join=(*group.join, "night")), night_of=nights.night
    )
    first = {one.frames[0].path: one for one in groups}
    by_filter: dict[str, tuple[set[str], int]] = {}
    for one in joined:
        parts = [first[frame.path] for frame in one.frames if frame.path in first]
        when = {str(part.key.get("night") or "") for part in parts}
        if len(when) > 1:
            name = str(one.key.get("filter") or "")
            known, count = by_filter.get(name, (set(), 0))
            by_filter[name] = (known | when, count + len(parts))
    told = []
    for name, (when, count) in by_filter.items():
        text = f"{name or 'Flats without a filter'} {'was' if name else 'were'} taken on {len(when)} nights: "
        told.append(
            finding("nights_apart", name or "flats", f"{text}{count} masters, because dust may have moved.",
                    fix=("--join", "night"))
        )  # fmt: skip
    return told


def _times(flats: Sequence[FrameInfo], nights: Nights, settings: Settings) -> list[Finding]:
    if "night" not in settings.group.keys or settings.group.no_grouping:
        return []
    timeless = [frame for frame in flats if nights.night.get(frame.path) is None]
    found = []
    if timeless:
        text = f"{plural(len(timeless), 'flat')} without a time ({name_files([one.path for one in timeless])})."
        found.append(finding("time_unknown", "nights", text))
    known = {nights.night[frame.path] for frame in flats if nights.night.get(frame.path)}
    homeless = sum(1 for frame in flats if frame.path in nights.homeless)
    if homeless and len(known) > 1:
        verb = "tells" if homeless == 1 else "tell"
        text = f"{plural(homeless, 'flat')} {verb} no place; nights were cut at gaps of more than 6 h."
        found.append(finding("nights_by_gaps", "nights", text))
    return found
