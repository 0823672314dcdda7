"""Single flats: which of them are far too dark or saturated."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence

from evenfield.examine.limits import DARK_SHARE, LEAST_TO_LEAVE_OUT, SATURATED_SHARE


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
