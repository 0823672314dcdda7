"""The arguments that would take a set that was not taken: "use this instead"."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from evenfield.match.matching import Fit
from evenfield.model.frame import FrameInfo
from evenfield.model.groups import FrameGroup
from evenfield.model.settings import CalibrationSettings
from evenfield.plan.calibrating import GroupCalibration, best_of_asked
from evenfield.plan.patterns import exact_patterns
from evenfield.plan.reasons import MOST_RUNNERS_UP, others_of

InsteadOf: TypeAlias = Mapping[tuple[int, str, str], tuple[str, ...]]
"""(Index of a choice, role, first file of a set) -> the arguments that would take the set."""


class Patterns:
    """The arguments of --use for sets; a pattern is looked for once for each set."""

    def __init__(self, groups: Iterable[FrameGroup]) -> None:
        # A set is taken where all its files fit, so two of them tell it from the others.
        self._ends = [frame.path for group in groups for frame in (group.frames[0], group.frames[-1])]
        self._known: dict[frozenset[str], str] = {}

    def fix(self, name: str, groups: Sequence[FrameGroup]) -> tuple[str, ...]:
        """The arguments that let the step ``name`` use these sets and no others."""
        key = frozenset(group.frames[0].path for group in groups)
        if key not in self._known:
            paths = [frame.path for group in groups for frame in group.frames]
            self._known[key] = "|".join(exact_patterns(paths, self._ends))
        return ("--use", f"{name}={self._known[key]}")


def flats_instead(
    found: GroupCalibration,
    group: FrameGroup,
    *,
    sets: Sequence[FrameGroup],
    settings: CalibrationSettings,
    name: str,
    patterns: Patterns,
) -> InsteadOf:
    """What would take the sets that a group of flats did not take; each is tried, as --use would take it."""
    few = dataclasses.replace(group, frames=telling_frames(group.frames))

    if settings.mode in ("pedestal", "inferred", "none"):
        return {}

    def take(asked: Sequence[FrameGroup]) -> GroupCalibration | None:
        return best_of_asked(few, sets=sets, settings=settings, asked=asked)

    return instead_of(found, few, take=take, fix=lambda groups: patterns.fix(name, groups))


def instead_of(
    found: GroupCalibration,
    group: FrameGroup,
    *,
    take: Callable[[Sequence[FrameGroup]], GroupCalibration | None],
    fix: Callable[[Sequence[FrameGroup]], tuple[str, ...]],
) -> InsteadOf:
    """As `flats_instead`, for any group: ``take`` chooses of the sets it is given, ``fix`` gives the arguments."""
    made: dict[tuple[int, str, str], tuple[str, ...]] = {}
    for index, choice in enumerate(found.choices):
        frames = [frame for frame in group.frames if found.which.get(frame.path) == index]
        others = found.near[:MOST_RUNNERS_UP] if choice is None else others_of(choice)
        if not frames:
            continue
        # Frames of other exposures keep what they have.
        kept = [fit.group for other in found.choices if other and other is not choice for fit in other.fits]
        for one in others:
            asked = _once([one.group, *kept])
            again = take(asked)
            if again is not None and again.refused is None and all(_takes(again, frame, one) for frame in frames):
                made[index, one.role, one.group.frames[0].path] = fix(asked)
    return made


def _takes(found: GroupCalibration, frame: FrameInfo, wanted: Fit) -> bool:
    choice = found.choices[found.which[frame.path]]
    return choice is not None and any(fit.group is wanted.group and fit.role == wanted.role for fit in choice.fits)


def _once(groups: Sequence[FrameGroup]) -> list[FrameGroup]:
    return list({id(group): group for group in groups}.values())


def telling_frames(frames: Sequence[FrameInfo]) -> tuple[FrameInfo, ...]:
    """Of frames that are alike, the coldest and the warmest: what fits them fits all."""
    ends: dict[tuple[object, ...], list[FrameInfo]] = {}
    for frame in frames:
        key = (frame.setup, frame.exposure_s, frame.contains_bias, frame.pedestal_adu, frame.temperature_c is None)
        ends.setdefault(key, []).append(frame)
    kept: dict[str, FrameInfo] = {}
    for same in ends.values():
        for frame in (min(same, key=_temperature), max(same, key=_temperature)):
            kept[frame.path] = frame
    return tuple(frame for frame in frames if frame.path in kept)


def _temperature(frame: FrameInfo) -> float:
    return frame.temperature_c or 0.0
