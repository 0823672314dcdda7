"""Single flats: which of them are far too dark or saturated."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.examine.limits import AIM_SHARE, DARK_SHARE, LEAST_TO_LEAVE_OUT, SATURATED_SHARE
from evenfield.model.pixels import Float64Array


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FrameLevel:
    """What was measured of one flat.

    ``level_adu`` is the mean above what is subtracted, over unsaturated pixels; ``None`` where all are saturated.
    ``saturated`` is the share of pixels at saturation, ``None`` where the saturation level is unknown. ``above`` says
    what the level is above.
    """

    level_adu: float | None
    saturated: float | None
    above: str = "its calibration"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BadFrame:
    """A flat that is of no use: its index, the code, and the number that decided in words."""

    index: int
    code: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FrameJudgement:
    """The bad frames of a group; ``most_are_bad`` where fewer than half would remain."""

    bad: tuple[BadFrame, ...]
    most_are_bad: bool


COLOR_WORDS: Final = {"R": "red", "G": "green", "B": "blue"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ColorAim:
    """The level of one color of flats: ``of_aim`` is its light over that of a flat at half of the way to saturation,
    ``of_full`` its raw level over saturation. ``word`` is "red", "green" ..., "" for mono cameras.
    """

    word: str
    of_aim: float
    of_full: float


def color_aims(
    colors: Sequence[str], *, level: Float64Array, below: Float64Array, full_scale_adu: float | None
) -> tuple[ColorAim, ...]:
    """How bright each color is, with the aim of ``0.5 (saturation + bias)`` of raw values.

    ``level`` is that of each color above what is subtracted, ``below`` the level of that: of each color, or one of all.
    """
    if full_scale_adu is None:
        return ()
    under = np.broadcast_to(below, level.shape)
    return tuple(
        ColorAim(
            word=COLOR_WORDS.get(color, color.lower()),
            of_aim=float(light / (AIM_SHARE * (full_scale_adu - dark))),
            of_full=float((light + dark) / full_scale_adu),
        )
        for color, light, dark in zip(colors, level, under, strict=True)
        if full_scale_adu > dark
    )


def judge_frames(levels: Sequence[FrameLevel]) -> FrameJudgement:
    """Find the flats whose level is below a quarter of the group's median, or with more than 1 % saturated pixels.

    Groups of fewer than four frames are not judged: their median says too little.
    """
    if len(levels) < LEAST_TO_LEAVE_OUT:
        return FrameJudgement(bad=(), most_are_bad=False)
    known = [one.level_adu for one in levels if one.level_adu is not None]
    median = statistics.median(known) if known else 0.0
    bad = []
    for index, one in enumerate(levels):
        if one.saturated is not None and one.saturated > SATURATED_SHARE:
            reason = f"{100 * one.saturated:.0f} % of its pixels are saturated"
            bad.append(BadFrame(index=index, code="saturated_frame", reason=reason))
        elif one.level_adu is None or one.level_adu < DARK_SHARE * median:
            level = "no level" if one.level_adu is None else f"{one.level_adu:,.0f} ADU above {one.above}"
            reason = f"{level}, the others about {median:,.0f}"
            bad.append(BadFrame(index=index, code="bad_level", reason=reason))
    return FrameJudgement(bad=tuple(bad), most_are_bad=2 * (len(levels) - len(bad)) < len(levels))
