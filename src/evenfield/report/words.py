"""What the page says first: whether these flats will work, in a sentence, and the order in which products are told."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from evenfield.model.catalogue import CATALOGUE
from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.frame import FrameKind
from evenfield.model.report import Report, StepResult, StepStatus, Verdict
from evenfield.model.wording import plural

MADE: Final = (StepStatus.DONE, StepStatus.REUSED)

STYLES: Final = {
    Verdict.WORKS: "good",
    Verdict.CHECK: "warn",
    Verdict.WILL_NOT_WORK: "bad",
    Verdict.CANNOT_TELL: "dim",
}
"""Verdict -> name of its color; a shape and a word say the same."""

LEVEL_STYLES: Final = {FindingLevel.BLOCKER: "bad", FindingLevel.WARNING: "warn", FindingLevel.NOTE: "dim"}

_WORST_FIRST: Final = (Verdict.WILL_NOT_WORK, Verdict.CHECK, Verdict.CANNOT_TELL, Verdict.WORKS)

_MOST_NAMED: Final = 3


def made(result: StepResult) -> bool:
    """Whether the step has its product."""
    return result.status in MADE


def of_kind(report: Report, *kinds: FrameKind) -> list[StepResult]:
    """The results of some kinds, the worst first, else in the order in which they were made."""
    return sorted((one for one in report.results if one.kind in kinds), key=_badness)


def _badness(result: StepResult) -> int:
    return _WORST_FIRST.index(result.verdict) + 1 if made(result) else 0


def headline(report: Report) -> str:
    """Whether these flats will work, or what was made where there are none; one or two sentences."""
    flats = of_kind(report, FrameKind.FLAT)
    if flats:
        return " ".join(_of_flats(flats))
    lights = of_kind(report, FrameKind.LIGHT)
    if lights:
        return " ".join(_of_lights(lights))
    others = list(report.results)
    if not others:
        return "Nothing was made."
    done = sum(1 for one in others if made(one))
    if not any(one.outputs for one in others) and done:
        # Of an examination nothing stays.
        return f"{plural(done, 'set')} of frames {'was' if done == 1 else 'were'} examined."
    if done == len(others):
        return f"{plural(done, 'master')} {'was' if done == 1 else 'were'} made."
    return f"{done} of {plural(len(others), 'master')} {'was' if done == 1 else 'were'} made."


def _of_flats(flats: Sequence[StepResult]) -> list[str]:
    by: dict[Verdict, list[StepResult]] = {verdict: [] for verdict in _WORST_FIRST}
    for one in flats:
        if made(one):
            by[one.verdict].append(one)
    failed = [one for one in flats if not made(one)]
    works, n = by[Verdict.WORKS], len(flats)
    if len(works) == n:
        return [{1: "This flat will work.", 2: "Both flats will work."}.get(n, f"All {n} flats will work.")]
    told = []
    if works:
        told.append(f"{len(works)} of {n} flats will work.")
    for verdict, words in (
        (Verdict.WILL_NOT_WORK, "will not work"),
        (Verdict.CHECK, "should be checked"),
        (Verdict.CANNOT_TELL, "cannot be judged"),
    ):
        if by[verdict]:
            told.append(f"{_named(by[verdict])} {words}{_why(by[verdict])}.")
    if failed:
        told.append(f"{_named(failed)} could not be made.")
    return told


def _of_lights(lights: Sequence[StepResult]) -> list[str]:
    records = sum(len(one.lights) for one in lights)
    left = sum(len(one.excluded) for one in lights)
    lost = [one for one in lights if not made(one)]
    done = "calibrated" if any(light.output for one in lights for light in one.lights) else "examined"
    told = [f"{plural(records, 'light')} {'was' if records == 1 else 'were'} {done}."]
    if left:
        told.append(f"{left} could not be.")
    if lost:
        told.append(f"{_named(lost)} could not be calibrated.")
    return told


def _named(results: Sequence[StepResult]) -> str:
    """Return "Ha 2026-03-14 and R 2026-03-14", or "12 flats"."""
    if len(results) > _MOST_NAMED:
        return plural(len(results), results[0].kind.words)
    names = [short_name(one) for one in results]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _why(results: Sequence[StepResult]) -> str:
    """Return ": too bright" where the same thing decided about all of them."""
    shorts = {CATALOGUE[one.code].short if one is not None else "" for one in map(deciding, results)}
    short = shorts.pop() if len(shorts) == 1 else ""
    return f": {short}" if short else ""


def short_name(result: StepResult) -> str:
    """How people call a product: "Ha 2026-03-14" of a flat or light, "dark 60 s" of others, else its file."""
    parts = [str(result.group[key]) for key in ("filter", "night") if result.group.get(key)]
    if result.kind in (FrameKind.FLAT, FrameKind.LIGHT) and parts:
        return " ".join(parts)
    return result.title or file_name(result)


def file_name(result: StepResult) -> str:
    """The name of a master's file; of lights, and where none was made, that of the step."""
    if result.outputs and result.kind is not FrameKind.LIGHT:
        return os.path.basename(result.outputs[0])
    return result.id


def deciding(result: StepResult) -> Finding | None:
    """The finding that decided the verdict, if one did."""
    if result.verdict is Verdict.WORKS and made(result):
        return None
    for one in result.findings:
        entry = CATALOGUE.get(one.code)
        if entry is not None and entry.verdict is result.verdict:
            return one
    serious = [one for one in result.findings if one.level is FindingLevel.BLOCKER]
    return serious[0] if serious else None


def without_name(message: str, result: StepResult) -> str:
    """A message without the step's name that it begins with: where it stands, that is above it already."""
    text = message.removeprefix(f"{result.id}: ")
    return text[:1].upper() + text[1:]
