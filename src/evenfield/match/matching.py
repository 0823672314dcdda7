"""Which master calibrates a flat: limits first, then the score, with reasons and runners-up."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from evenfield.match.limits import GOOD_SET, Limits
from evenfield.model.frame import Difference, FrameInfo, FrameKind, exposure_text
from evenfield.model.groups import FrameGroup

UNCHECKED: Final = "not checked"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How one calibration set fits one frame in one role.

    ``against`` holds what forbids it, ``unknown`` what could not be compared, ``allowed`` what the user allowed.
    ``distance`` is |dT| + 3 |dExposure| (MasterFlatMaker's score) for those that fit.
    """

    group: FrameGroup
    role: str
    against: tuple[Difference, ...]
    unknown: tuple[str, ...]
    allowed: tuple[str, ...]
    distance: float

    @property
    def fits(self) -> bool:
        """True where nothing forbids it."""
        return not self.against


def fit(frame: FrameInfo, *, group: FrameGroup, role: str, limits: Limits) -> Fit:
    """Compare one frame with one calibration set in the role "dark_flat", "dark" (scaled by exposure) or "bias".

    A number domain that is unknown on one side forbids the match: 0..1 and ADU are never guessed.
    """
    differences: list[Difference] = []
    unknown: list[str] = []
    allowed: list[str] = []
    for difference in frame.setup.differences(group.frames[0].setup):
        if difference.unknown and difference.key != "number_domain":
            unknown.append(difference.key)
        elif difference.key != "shape" and limits.allows(difference.key, _number_gap(difference)):
            allowed.append(str(difference))
        else:
            differences.append(difference)
    d_exposure = _compare_exposure(frame, group, role, limits, differences, unknown, allowed)
    d_temperature = _compare_temperature(frame, group, role, limits, differences, unknown, allowed)
    return Fit(
        group=group,
        role=role,
        against=tuple(differences),
        unknown=tuple(unknown),
        allowed=tuple(allowed),
        distance=d_temperature + 3.0 * d_exposure,
    )


def _number_gap(difference: Difference) -> float | None:
    try:
        return abs(float(difference.here or "") - float(difference.there or ""))
    except ValueError:
        return None


def _compare_exposure(
    frame: FrameInfo,
    group: FrameGroup,
    role: str,
    limits: Limits,
    differences: list[Difference],
    unknown: list[str],
    allowed: list[str],
) -> float:
    if role == "bias":
        return 0.0
    here, there = frame.exposure_s, group.exposure_s
    if here is None or there is None:
        # A set called dark flat was taken for the flats; a dark of unknown exposure beside flats of unknown exposure
        # cannot be told from one. Anything else stays unmatched.
        if role == "dark_flat" and (group.kind is FrameKind.DARK_FLAT or (here is None and there is None)):
            unknown.append("exposure_s")
        else:
            differences.append(_exposure_difference(here, there))
        return 0.0
    gap = abs(here - there)
    if role == "dark":
        # Scaled down, never up: a shorter dark would multiply its noise.
        if there < here and not limits.allows("exposure", gap):
            differences.append(_exposure_difference(here, there))
        elif there < here:
            allowed.append(str(_exposure_difference(here, there)))
        return gap
    if gap > limits.exposure_s(here):
        if limits.allows("exposure", gap):
            allowed.append(str(_exposure_difference(here, there)))
        else:
            differences.append(_exposure_difference(here, there))
    return gap


def _exposure_difference(here: float | None, there: float | None) -> Difference:
    return Difference(
        key="exposure_s",
        here=None if here is None else exposure_text(here),
        there=None if there is None else exposure_text(there),
    )


def _compare_temperature(
    frame: FrameInfo,
    group: FrameGroup,
    role: str,
    limits: Limits,
    differences: list[Difference],
    unknown: list[str],
    allowed: list[str],
) -> float:
    here, there = frame.temperature_c, group.temperature_c
    if here is None or there is None:
        unknown.append("sensor_c")
        return 0.0
    gap = abs(here - there)
    if gap > limits.temperature_c(role):
        difference = Difference(key="sensor_c", here=f"{here:.1f} C", there=f"{there:.1f} C")
        if limits.allows("temperature", gap):
            allowed.append(str(difference))
        else:
            differences.append(difference)
    return gap


def rank(found: Fit) -> tuple[object, ...]:
    """Sort key of a fit: least unknown, then for a scaled dark enough frames, then the score, then more frames.

    A ready master counts as many frames as its header says.
    """
    known_missing = len([key for key in found.unknown if key in ("gain_setting", "exposure_s", "sensor_c", "camera")])
    small = 0
    if found.role == "dark":
        small = int(n_frames(found.group) < GOOD_SET)
    named_dark_flat = 0 if found.group.kind is FrameKind.DARK_FLAT or found.role != "dark_flat" else 1
    return (
        len(found.allowed),
        known_missing,
        small,
        named_dark_flat,
        round(found.distance, 3),
        -n_frames(found.group),
        found.group.frames[0].path,
    )


def n_frames(group: FrameGroup) -> int:
    """How many frames stand behind a set: its own, or those that a ready master was made of."""
    if group.is_master:
        return group.frames[0].n_combined or GOOD_SET
    return len(group.frames)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What calibrates some frames of a group: one fit per role, and all the fits that were looked at."""

    how: str
    fits: tuple[Fit, ...]
    looked_at: tuple[Fit, ...]


def choose(frames: Sequence[FrameInfo], *, sets: Sequence[FrameGroup], how: str, limits: Limits) -> Choice | None:
    """The best calibration of one kind (``how``: "dark_flat", "scaled_dark" or "bias") that fits every frame given.

    Returns ``None`` where no set fits all of them. A scaled dark needs a bias that fits as well.
    """
    if how == "scaled_dark":
        dark = _best(frames, sets, "dark", limits)
        bias = _best(frames, sets, "bias", limits)
        if dark is None or bias is None or not _same_sensor(dark[0].group, bias[0].group):
            return None
        return Choice(how=how, fits=(dark[0], bias[0]), looked_at=(*dark[1], *bias[1]))
    best = _best(frames, sets, how, limits)
    return None if best is None else Choice(how=how, fits=(best[0],), looked_at=best[1])


def _same_sensor(dark: FrameGroup, bias: FrameGroup) -> bool:
    differences = dark.frames[0].setup.differences(bias.frames[0].setup)
    return all(difference.unknown for difference in differences)


def candidates(sets: Sequence[FrameGroup], *, role: str) -> tuple[FrameGroup, ...]:
    """The sets that may play a role: dark flats and darks as "dark_flat", darks as "dark", bias as "bias"."""
    if role == "bias":
        return tuple(group for group in sets if group.kind is FrameKind.BIAS)
    if role == "dark":
        return tuple(group for group in sets if group.kind in (FrameKind.DARK, FrameKind.DARK_FLAT))
    return tuple(group for group in sets if group.kind in (FrameKind.DARK_FLAT, FrameKind.DARK))


def _best(
    frames: Sequence[FrameInfo], sets: Sequence[FrameGroup], role: str, limits: Limits
) -> tuple[Fit, tuple[Fit, ...]] | None:
    looked_at: list[Fit] = []
    good: list[Fit] = []
    for group in candidates(sets, role=role):
        fits = [fit(frame, group=group, role=role, limits=limits) for frame in frames]
        worst = max(fits, key=lambda one: (len(one.against), one.distance))
        looked_at.append(worst)
        if all(one.fits for one in fits):
            good.append(worst)
    if not good:
        return None
    return min(good, key=rank), tuple(looked_at)


def nearest(frames: Sequence[FrameInfo], *, sets: Sequence[FrameGroup], limits: Limits) -> tuple[Fit, ...]:
    """The sets that came nearest to fitting a frame as dark flat or bias, fewest differences first."""
    found = [
        fit(frames[0], group=group, role=role, limits=limits)
        for role in ("dark_flat", "bias")
        for group in candidates(sets, role=role)
    ]
    return tuple(sorted(found, key=lambda one: (len(one.against), one.distance, one.group.frames[0].path)))
