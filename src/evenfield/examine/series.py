"""How the level of a set of frames goes over time, in numbers and in words."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np

from evenfield.model.pixels import Float64Array

LEAST_FRAMES: Final = 5
"""With fewer frames a shape cannot be told."""

STEADY: Final = 0.003
"""Levels that change by less than this share are steady: the scale of each frame takes care of more than that."""

SHARE_EXPLAINED: Final = 0.8
"""The part of the variance that a shape must explain to be named."""

EVEN: Final = 0.3
"""The median step of levels that flicker over their rms: 0.67 of normal ones, nearly 0 of a step or two."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LevelSeries:
    """``change`` is the greatest level minus the least over the median, ``scatter`` what no smooth shape explains (rms,
    relative), ``shape`` one of "steady", "rising", "falling", "settling", "dawn", "dusk", "flickering", "irregular".
    """

    change: float
    scatter: float
    shape: str
    words: str


def level_series(levels: Float64Array) -> LevelSeries:
    """Describe the levels of frames in the order in which they were taken; float64 (n,), positive."""
    levels = levels[np.isfinite(levels) & (levels > 0)]
    if levels.size < 2:
        return LevelSeries(change=0.0, scatter=0.0, shape="steady", words="steady")
    relative = levels / float(np.median(levels))
    change = float(relative.max() - relative.min())
    if levels.size < LEAST_FRAMES or change < STEADY:
        shape = "steady" if change < STEADY else "irregular"
        return LevelSeries(change=change, scatter=float(relative.std()), shape=shape, words=_WORDS[shape])
    x = np.linspace(0.0, 1.0, levels.size)
    line = _residual(relative, np.stack([np.ones_like(x), x], axis=1))
    curve = _residual(relative, np.stack([np.ones_like(x), x, x * x], axis=1))
    total = float(np.square(relative - relative.mean()).mean())
    shape = "irregular"
    settle = min(
        (_residual(relative, np.stack([np.ones_like(x), np.exp(-x / reach)], axis=1)) for reach in (0.03, 0.08, 0.15)),
        key=lambda rest: float(np.square(rest).mean()),
    )
    rest = {"line": line, "settling": settle, "curve": curve}
    mean_squares = {name: float(np.square(one).mean()) for name, one in rest.items()}
    slope = float(np.polyfit(x, np.log(relative), 1)[0])
    steps = np.diff(relative)
    if (
        mean_squares["settling"] < 0.5 * mean_squares["line"]
        and mean_squares["settling"] < (1 - SHARE_EXPLAINED) * total
    ):
        shape = "settling"
    elif mean_squares["line"] < (1 - SHARE_EXPLAINED) * total:
        shape = "rising" if slope > 0 else "falling"
    elif mean_squares["curve"] < (1 - SHARE_EXPLAINED) * total and abs(slope) > 0.1:
        shape = "dawn" if slope > 0 else "dusk"
    elif float((steps[1:] * steps[:-1] < 0).mean()) > 0.5 and mean_squares["curve"] > 0.5 * total and _even(steps):
        shape = "flickering"
    if shape in ("rising", "falling") and abs(slope) > 0.3:
        shape = "dawn" if slope > 0 else "dusk"
    return LevelSeries(
        change=change, scatter=float(np.sqrt(min(mean_squares.values()))), shape=shape, words=_WORDS[shape]
    )


def _even(steps: Float64Array) -> bool:
    """Whether most frames differ from the one before, not a few of them: single clouds do not flicker."""
    return float(np.median(np.abs(steps))) > EVEN * float(np.sqrt(np.square(steps).mean()))


_WORDS: Final = {
    "steady": "steady",
    "rising": "rising evenly: a lamp that warms up, or twilight",
    "falling": "falling evenly: a lamp that fades, or twilight",
    "settling": "different in the first frames, then steady: a panel that settles",
    "dawn": "growing faster and faster: dawn",
    "dusk": "fading as dusk does",
    "flickering": "up and down from frame to frame: a lamp that flickers faster than the exposure evens out",
    "irregular": "irregular: clouds, or a light that was moved",
}


def _residual(values: Float64Array, design: Float64Array) -> Float64Array:
    found, *_ = np.linalg.lstsq(design, values, rcond=None)
    rest: Float64Array = values - design @ found
    return rest
