"""Which master flat a set of lights is divided by: what must be equal first, then the nearest night."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from evenfield.match.grouping import OPTICS_KEYS
from evenfield.match.limits import ROUNDING, Limits
from evenfield.match.matching import number_gap
from evenfield.model.frame import KEY_WORDS, Difference, FrameInfo, key_text
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import KeyValue

ROTATOR_DEG: Final = 1.0
"""Lights and flats whose camera was turned farther than this see dust and vignetting in different places."""

FAR_AWAY: Final = 100_000
"""Days that stand for an unknown distance between two nights."""

UNIMPORTANT: Final = ("number_domain", "offset_setting")
"""Setup keys that may differ: a flat is divided by its own mean, and its offset was subtracted from it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlatFit:
    """How a flat fits lights: what forbids it, what nobody could compare, what was allowed, and the nights between."""

    group: FrameGroup
    against: tuple[Difference, ...]
    unknown: tuple[str, ...]
    allowed: tuple[str, ...]
    days: int

    @property
    def fits(self) -> bool:
        """True where nothing forbids it."""
        return not self.against


class FlatRank(NamedTuple):
    """The order of flats that fit, the best one least."""

    allowed: int
    days: int
    unknown: int
    ready: bool
    fewer: int
    name: str


def fit_flat(lights: FrameGroup, flat: FrameGroup, *, limits: Limits) -> FlatFit:
    """Compare lights with one set of flats: setup, filter, optics and rotator must be equal; nights are measured."""
    against: list[Difference] = []
    unknown: list[str] = []
    allowed: list[str] = []

    def judge(difference: Difference, key: str, gap: float | None = None) -> None:
        if difference.unknown:
            unknown.append(difference.key)
        elif limits.allows(key, gap):
            allowed.append(str(difference))
        else:
            against.append(difference)

    first, other = lights.frames[0], flat.frames[0]
    for difference in first.setup.differences(other.setup):
        if difference.key not in UNIMPORTANT:
            judge(difference, difference.key, number_gap(difference))
    # A filter that one side does not tell is none, or another one: to divide by it would be a guess.
    here_filter, there_filter = first.filter, other.filter
    if here_filter != there_filter:
        judge(Difference(key="filter", here=here_filter or "none", there=there_filter or "none"), "filter")
    for key in OPTICS_KEYS:
        here, there = getattr(first, key), getattr(other, key)
        if None not in (here, there) and here != there:
            judge(Difference(key=key, here=key_text(key, here), there=key_text(key, there)), "optics")
    _judge_rotator(first, other, judge)
    if flat.is_master and other.contains_bias:
        against.append(Difference(key="bias", here="not in a flat to divide by", there="still in it"))
    days = nights_apart(lights.key.get("night"), flat.key.get("night"))
    return FlatFit(group=flat, against=tuple(against), unknown=tuple(unknown), allowed=tuple(allowed), days=days)


def _judge_rotator(first: FrameInfo, other: FrameInfo, judge: Callable[[Difference, str, float], None]) -> None:
    here, there = first.rotator_deg, other.rotator_deg
    if here is None or there is None:
        return
    apart = abs((here - there + 180.0) % 360.0 - 180.0)
    if apart > ROTATOR_DEG + ROUNDING:
        difference = Difference(key="rotator_deg", here=f"{here:.1f} degrees", there=f"{there:.1f} degrees")
        judge(difference, "rotator", apart)


def nights_words(days: int) -> str:
    """How far apart two nights are: "same night", "3 days away", "of an unknown night"."""
    if days == 0:
        return "same night"
    return "of an unknown night" if days >= FAR_AWAY else f"{days} day{'s' * (days != 1)} away"


def nights_apart(here: KeyValue, there: KeyValue) -> int:
    """Days between two nights; `FAR_AWAY` where one is unknown and the other is not."""
    if here == there:
        return 0
    try:
        # A master of several nights, "2026-03-14_to_2026-03-16", is as near as its nearer end.
        # A second series of a night, "2026-03-14-2", is of the same date.
        ends = [datetime.date.fromisoformat(part[:10]) for part in str(there).split("_to_")]
        day = datetime.date.fromisoformat(str(here)[:10])
    except ValueError:
        return FAR_AWAY
    if min(ends) <= day <= max(ends):
        return 0
    return min(abs((day - end).days) for end in ends)


def rank_flat(found: FlatFit) -> FlatRank:
    """The place of a flat among those that fit: see `FlatRank`."""
    frames = found.group.frames
    n = (frames[0].n_combined or len(frames)) if found.group.is_master else len(frames)
    return FlatRank(
        allowed=len(found.allowed),
        days=found.days,
        unknown=len(found.unknown),
        ready=not found.group.is_master,
        fewer=-n,
        name=frames[0].path,
    )


def choose_flat(
    lights: FrameGroup, flats: Sequence[FrameGroup], *, limits: Limits, asked: Sequence[FrameGroup] = ()
) -> tuple[FlatFit | None, tuple[FlatFit, ...]]:
    """The flat that lights are divided by, ``None`` where none fits, and all the others, the nearest first.

    Where there are flats ``asked`` for, it is one of them, whatever of the differences that can be accepted it has.
    """
    wide = limits.widening()[-1]
    mine = [any(flat is one for one in asked) for flat in flats]
    found = [
        fit_flat(lights, flat, limits=wide if wanted else limits) for flat, wanted in zip(flats, mine, strict=True)
    ]
    able = [one for one, wanted in zip(found, mine, strict=True) if one.fits and (wanted or not asked)]
    best = min(able, key=rank_flat, default=None)
    others = [one for one in found if one is not best]
    others.sort(key=lambda one: (len(one.against), rank_flat(one)))
    return best, tuple(others)


def flat_reasons(lights: FrameGroup, found: FlatFit) -> tuple[str, ...]:
    """What was compared, in words."""
    first, other = lights.frames[0], found.group.frames[0]
    texts = [f"filter: {first.filter or 'none'} on both sides"]
    for key, value in found.group.key.items():
        if key == "night":
            mine = lights.key.get("night")
            texts.append(f"night: lights {mine or 'unknown'}, flats {value or 'unknown'}")
    for key in first.setup.__struct_fields__:
        here, there = key_text(key, getattr(first.setup, key)), key_text(key, getattr(other.setup, key))
        if here is not None and here == there:
            texts.append(f"{KEY_WORDS[key]}: {here} on both sides")
    return tuple(texts)
