"""The limits that verdicts are given by: a name, a number, its unit, and why it is that number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec


class VerdictLimit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit. ``unit`` is a word or sign, "" for a pure number."""

    default: float
    unit: str
    meaning: str


def _limit(default: float, unit: str, meaning: str) -> VerdictLimit:
    return VerdictLimit(default=default, unit=unit, meaning=meaning)


VERDICT_LIMITS: Final[dict[str, VerdictLimit]] = {
    "drift": _limit(0.05, "of the level", "Levels of a set of flats that differ by more are told (LSST asks for 5 %)."),
    "pattern": _limit(
        0.003, "of the level", "The pattern of a flat that differs by more, beyond noise, is not that of its set."
    ),
    "bands": _limit(0.002, "of the level", "Bands along rows that are stronger, beyond noise, are told."),
    "stars": _limit(6.0, "points", "Flats with so many points of light that others do not have show stars."),
    "weak_color": _limit(
        50.0, "signal to noise", "The faintest color of a flat has at least this (BANZAI asks for 50)."
    ),
    "shutter": _limit(
        0.001, "of the light", "A shutter's shadow that makes more of the mean of the flats than this is told."
    ),
    "dark_pattern": _limit(0.2, "of a pixel's noise", "The pattern of a dark that differs by more is told."),
    "wander": _limit(0.2, "of a pixel's noise", "Levels of dark frames that wander by more are told."),
    "bias_drift": _limit(
        1.0, "of a pixel's noise", "Levels that lie further off the line of level against exposure are told."
    ),
    "overscan_level": _limit(
        3.0, "of a pixel's noise", "Overscan that differs by more from the bias is not its level."
    ),
    "overscan_light": _limit(0.0005, "of the flats' light", "Overscan that holds more of it is not usable."),
    "glow": _limit(1.0, "of a pixel's noise", "Glow above this is told: a bias cannot take it away."),
    "warmth": _limit(0.15, "", "Hot pixels of a dark that are brighter or fainter by this share: 1.5 C or so."),
    "floor": _limit(0.001, "of the pixels", "More pixels than this at the least value: the offset is too low."),
    "correlation": _limit(0.05, "", "Neighbors in raw noise correlate by less than this, unless the camera smooths."),
    "color_shift": _limit(
        0.05, "of the ratio", "A flat that changes red or blue against green by more, by its scaling, is told."
    ),
    "panel": _limit(0.0005, "of the flats' light", "Light of the panel in dark flats above this is told."),
}
"""Name -> limit, as ``--verdict-limit NAME:NUMBER`` takes them."""


def verdict_limits(changes: Sequence[str]) -> Mapping[str, float]:
    """The limits with changes of the form NAME:NUMBER; later ones win.

    Raises
    ------
    ValueError
        If a change names no limit, or gives no positive number.
    """
    limits = {name: one.default for name, one in VERDICT_LIMITS.items()}
    for text in changes:
        name, _, number = text.partition(":")
        name = name.strip().replace("-", "_")
        if name not in limits:
            raise ValueError(f"'{name}' is no limit of a verdict; there are {', '.join(limits)}.")
        try:
            limits[name] = float(number)
        except ValueError:
            raise ValueError(f"'{text}' gives no number for the limit '{name}'.") from None
        if not limits[name] > 0:
            raise ValueError(f"The limit '{name}' must be more than 0.")
    return limits
