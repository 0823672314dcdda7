"""Values of calibrated lights: what lies below zero, and what the flat does to the colors of the sky."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from evenfield.examine.frames import COLOR_WORDS
from evenfield.examine.limits import WEAK
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.mosaic import color_cells, is_mosaic
from evenfield.model.pixels import Float32Array

NEGATIVE_SHARE: Final = 1e-4
"""The share of pixels that a pedestal leaves below zero (docs/lights.md)."""

SAMPLE: Final = 1 << 21
"""Pixels of a light that are looked at, evenly spread: 200 of them lie below such a pedestal."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LightValues:
    """Of one calibrated light: the share of pixels below zero, and the pedestal that leaves `NEGATIVE_SHARE` of them.

    ``before`` and ``after`` are the medians of each color without and with the flat, ADU; empty for mono cameras.
    """

    negative: float
    pedestal_adu: float
    before: Mapping[str, float]
    after: Mapping[str, float]


def light_values(pixels: Float32Array, *, divide: Float32Array, cfa: str | None) -> LightValues:
    """Look at a light before and after it is divided by its flat.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
        The light minus its dark, ADU; NaN is no data.
    divide : float32 array (rows, columns)
        What it is divided by: the flat over its mean, or over that of each color.
    cfa : str, optional
    """
    before: dict[str, float] = {}
    after: dict[str, float] = {}
    parts = []
    for color, cells in color_cells(cfa).items():
        step = max(1, pixels.size // SAMPLE)
        raw = np.concatenate([pixels[cell].reshape(-1)[::step] for cell in cells])
        by = np.concatenate([divide[cell].reshape(-1)[::step] for cell in cells])
        with np.errstate(invalid="ignore", divide="ignore"):
            calibrated = raw / by
        # Where the flat is weak noise is multiplied: no pedestal is asked for that.
        good = np.isfinite(calibrated) & (by >= WEAK)
        parts.append(calibrated[good])
        if is_mosaic(cfa) and good.any():
            before[color], after[color] = float(np.median(raw[good])), float(np.median(calibrated[good]))
    values = np.concatenate(parts)
    n = max(values.size, 1)
    return LightValues(
        negative=float(np.count_nonzero(values < 0)) / n,
        pedestal_adu=_pedestal(values),
        before=before,
        after=after,
    )


def _pedestal(values: Float32Array) -> float:
    """The least whole ADU that leave no more than `NEGATIVE_SHARE` of the values below zero."""
    below = int(NEGATIVE_SHARE * values.size)
    if np.count_nonzero(values < 0) <= below:
        return 0.0
    return float(math.ceil(-float(np.partition(values, below)[below])))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ColorRatio:
    """The sky's light of one color over that of green, before and after the division by the flat."""

    color: str
    before: float
    after: float

    @property
    def factor(self) -> float:
        """By how much the flat changes it."""
        return self.after / self.before


def color_ratios(lights: Sequence[LightValues]) -> tuple[ColorRatio, ...]:
    """Red and blue over green, the median over lights; those whose sky is not above zero say nothing."""
    made = []
    for color in ("R", "B"):
        known = [
            (one.before[color] / one.before["G"], one.after[color] / one.after["G"])
            for one in lights
            if {color, "G"} <= one.before.keys() and min(one.before[color], one.before["G"], one.after["G"]) > 0
        ]
        if known:
            before, after = (float(np.median([pair[side] for pair in known])) for side in (0, 1))
            made.append(ColorRatio(color=color, before=before, after=after))
    return tuple(made)


def color_finding(
    ratios: Sequence[ColorRatio], *, name: str, joint: bool, limits: Mapping[str, float]
) -> Finding | None:
    """A finding where one scale of all colors of a flat changes the color of the lights."""
    shifted = [one for one in ratios if abs(math.log(one.factor)) > math.log1p(limits["color_shift"])] if joint else []
    if not shifted:
        return None
    told = " and ".join(f"{COLOR_WORDS[one.color]} {one.factor:.2f} times" for one in shifted)
    numbers = ", ".join(f"{one.color}/G of the sky {one.before:.3g} before, {one.after:.3g} after" for one in shifted)
    text = f"{name}: your lights take the color of the flat's lamp: {told} as strong against green ({numbers})."
    return finding("color_shifted", name, text, fix=("--cfa-flat", "separate"))


def pedestal_finding(lights: Sequence[LightValues], *, name: str, unsigned: bool, pedestal: str) -> Finding | None:
    """A finding where values below zero are cut off for want of a pedestal; ``pedestal`` is the rule in use."""
    worst = max(lights, key=lambda one: one.pedestal_adu, default=None)
    if worst is None or not unsigned or pedestal != "none" or worst.pedestal_adu <= 0:
        return None
    text = (
        f"{name}: the dark sky loses its noise, since {100 * worst.negative:.2g} % of the pixels lie below 0 and are "
        f"cut off; with {worst.pedestal_adu:.0f} ADU added, all but {100 * NEGATIVE_SHARE:.2g} % stay."
    )
    return finding("pedestal_needed", name, text, fix=("--add-pedestal", f"{worst.pedestal_adu:.0f}"))
