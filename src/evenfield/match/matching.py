"""Which master calibrates a flat: limits first, then the score, with reasons and runners-up."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

from evenfield.match.limits import GOOD_SET, ROUNDING, Limits
from evenfield.model.frame import Difference, FrameInfo, FrameKind, SensorSetup, exposure_text
from evenfield.model.groups import FrameGroup


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How one calibration set fits frames in one role.

    ``against`` holds what forbids it, ``unknown`` what could not be compared, ``allowed`` what the user allowed.
    ``distance`` is |dT| + 3 |dExposure| (MasterFlatMaker's score).
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


class Rank(NamedTuple):
    """The order of sets that fit, the best one least: what was allowed, what is unknown, then size and distance."""

    allowed: int
    unknown: int
    single: bool
    few: bool
    other_kind: bool
    distance: float
    fewer: int
    name: str


@dataclasses.dataclass(slots=True, kw_only=True)
class _Comparison:
    """What is found while one frame is compared with one set."""

    frame: FrameInfo
    group: FrameGroup
    exposure_s: float | None
    temperature_c: float | None
    role: str
    limits: Limits
    against: list[Difference] = dataclasses.field(default_factory=list)
    unknown: list[str] = dataclasses.field(default_factory=list)
    allowed: list[str] = dataclasses.field(default_factory=list)

    def judge(self, difference: Difference, key: str, gap: float | None) -> None:
        """Put a known difference where it belongs: allowed by the user, or against the match."""
        if self.limits.allows(key, gap):
            self.allowed.append(str(difference))
        else:
            self.against.append(difference)


def fit(frame: FrameInfo, *, group: FrameGroup, role: str, limits: Limits) -> Fit:
    """Compare one frame with one calibration set in the role "dark_flat", "dark" (scaled by exposure) or "bias".

    A number domain that is unknown on one side forbids the match: 0..1 and ADU are never guessed.
    """
    return fit_each([frame], group=group, role=role, limits=limits)[0]


def fit_each(frames: Sequence[FrameInfo], *, group: FrameGroup, role: str, limits: Limits) -> list[Fit]:
    """As `fit`, for several frames."""
    # The means of a large set are worked out once, not once a frame.
    exposure_s, temperature_c = group.exposure_s, group.temperature_c
    return [
        _fit(
            _Comparison(
                frame=frame,
                group=group,
                exposure_s=exposure_s,
                temperature_c=temperature_c,
                role=role,
                limits=limits,
            )
        )
        for frame in frames
    ]


def _fit(found: _Comparison) -> Fit:
    frame, group = found.frame, found.group
    for difference in _setup_differences(frame.setup, group.frames[0].setup):
        if difference.unknown and difference.key != "number_domain":
            found.unknown.append(difference.key)
        elif difference.key == "shape":
            found.against.append(difference)
        elif group.is_master and difference.key == "number_domain" and is_full_range(frame, group):
            # A ready master in the range 0..1 is brought to ADU; the plan says so.
            continue
        else:
            found.judge(difference, difference.key, number_gap(difference))
    _compare_content(found)
    d_exposure = 0.0 if found.role == "bias" else _compare_exposure(found)
    d_temperature = _compare_temperature(found)
    return Fit(
        group=group,
        role=found.role,
        against=tuple(found.against),
        unknown=tuple(found.unknown),
        allowed=tuple(found.allowed),
        distance=d_temperature + 3.0 * d_exposure,
    )


def is_full_range(frame: FrameInfo, group: FrameGroup) -> bool:
    """Whether a ready master is in the range 0..1 of frames in ADU, as other programs write them: 1 is 65535 ADU."""
    here, there = frame.setup.number_domain, group.frames[0].setup.number_domain
    return group.is_master and (here, there) == ("adu", "unit")


@functools.lru_cache(maxsize=4096)
def _setup_differences(here: SensorSetup, there: SensorSetup) -> tuple[Difference, ...]:
    # Thousands of frames share a handful of setups.
    return here.differences(there)


def number_gap(difference: Difference) -> float | None:
    """How far apart two values are that are numbers."""
    try:
        return abs(float(difference.here or "") - float(difference.there or ""))
    except ValueError:
        return None


def _compare_content(found: _Comparison) -> None:
    """Refuse to subtract the bias twice, or to leave it in: what each side still contains must go together."""
    frame, master = found.frame, found.group.frames[0]
    here, there = frame.contains_bias is not False, master.contains_bias is not False
    # A dark flat must hold what the flat holds; scaling and bias frames take both to be raw.
    agree = here == there if found.role == "dark_flat" else here and there
    if not agree:
        words = {True: "still in it", False: "already subtracted"}
        found.against.append(Difference(key="bias", here=words[here], there=words[there]))
    if found.limits.overscan and found.group.is_master:
        found.unknown.append("overscan")
    if None not in (frame.pedestal_adu, master.pedestal_adu) and frame.pedestal_adu != master.pedestal_adu:
        found.against.append(
            Difference(key="pedestal", here=f"{frame.pedestal_adu:g} ADU", there=f"{master.pedestal_adu:g} ADU")
        )


def _compare_exposure(found: _Comparison) -> float:
    here, there = found.frame.exposure_s, found.exposure_s
    difference = Difference(
        key="exposure_s",
        here=None if here is None else exposure_text(here),
        there=None if there is None else exposure_text(there),
    )
    if here is None or there is None:
        # A set called dark flat was taken for the flats; a dark of unknown exposure beside flats of unknown exposure
        # cannot be told from one. Anything else stays unmatched.
        called = found.group.kind is FrameKind.DARK_FLAT or (here is None and there is None) or found.limits.untold
        if found.role == "dark_flat" and called:
            found.unknown.append("exposure_s")
        else:
            found.against.append(difference)
        return 0.0
    gap = abs(here - there)
    # Scaled down, never up: a shorter dark would multiply its noise.
    outside = there < here if found.role == "dark" else gap > found.limits.exposure_s(here) + ROUNDING
    if outside:
        found.judge(difference, "exposure", gap)
    return gap


def _compare_temperature(found: _Comparison) -> float:
    here, there = found.frame.temperature_c, found.temperature_c
    if here is None or there is None:
        found.unknown.append("sensor_c")
        return 0.0
    gap = abs(here - there)
    if gap > found.limits.temperature_c(found.role) + ROUNDING:
        difference = Difference(key="sensor_c", here=f"{here:.1f} C", there=f"{there:.1f} C")
        found.judge(difference, "temperature", gap)
    return gap


def rank(found: Fit) -> Rank:
    """The place of a fit among others: see `Rank`. A ready master counts as many frames as its header says."""
    n = n_frames(found.group)
    return Rank(
        allowed=len(found.allowed),
        unknown=len(found.unknown),
        single=n == 1,
        few=found.role == "dark" and n < GOOD_SET,
        other_kind=found.role == "dark_flat" and found.group.kind is not FrameKind.DARK_FLAT,
        distance=round(found.distance, 3),
        fewer=-n,
        name=found.group.frames[0].path,
    )


def n_frames(group: FrameGroup) -> int:
    """How many frames stand behind a set: its own, or those that a ready master was made of."""
    if group.is_master:
        return group.frames[0].n_combined or GOOD_SET
    return len(group.frames)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What calibrates some frames of a group: one fit per role, and all the fits that were looked at.

    ``how`` "pedestal" has no fits: ``pedestal_adu`` is subtracted, a bias that is one number. ``asked``: the user said
    what to take.
    """

    how: str
    fits: tuple[Fit, ...]
    looked_at: tuple[Fit, ...]
    pedestal_adu: float | None = None
    asked: bool = False


def choose(frames: Sequence[FrameInfo], *, sets: Sequence[FrameGroup], how: str, limits: Limits) -> Choice | None:
    """The best calibration of one kind (``how``: "dark_flat", "scaled_dark" or "bias") that fits every frame given.

    Returns ``None`` where no set fits all of them. A scaled dark needs a bias that fits as well, and fits the dark.
    """
    if how != "scaled_dark":
        looked_at = look_at(frames, sets=sets, role=how, limits=limits)
        best = min((one for one in looked_at if one.fits), key=rank, default=None)
        return None if best is None else Choice(how=how, fits=(best,), looked_at=looked_at)
    darks = look_at(frames, sets=sets, role="dark", limits=limits)
    biases = look_at(frames, sets=sets, role="bias", limits=limits)
    for dark in sorted((one for one in darks if one.fits), key=rank):
        for bias in sorted((one for one in biases if one.fits), key=rank):
            if _same_sensor(dark.group, bias.group):
                return Choice(how=how, fits=(dark, bias), looked_at=(*darks, *biases))
    return None


def look_at(frames: Sequence[FrameInfo], *, sets: Sequence[FrameGroup], role: str, limits: Limits) -> tuple[Fit, ...]:
    """How each set that may play a role fits all of the frames."""
    return tuple(
        over_all(fit_each(frames, group=group, role=role, limits=limits)) for group in candidates(sets, role=role)
    )


def over_all(fits: Sequence[Fit]) -> Fit:
    """One fit of a set for several frames: the worst of them, with all that is unknown or was allowed of any."""
    worst = max(fits, key=lambda one: (len(one.against), one.distance))
    return dataclasses.replace(
        worst,
        unknown=tuple(dict.fromkeys(key for one in fits for key in one.unknown)),
        allowed=tuple(dict.fromkeys(text for one in fits for text in one.allowed)),
    )


def _same_sensor(dark: FrameGroup, bias: FrameGroup) -> bool:
    differences = dark.frames[0].setup.differences(bias.frames[0].setup)
    return all(difference.unknown for difference in differences)


def candidates(sets: Sequence[FrameGroup], *, role: str) -> tuple[FrameGroup, ...]:
    """The sets that may play a role: dark flats and darks as "dark_flat" and as "dark", bias as "bias"."""
    if role == "bias":
        return tuple(group for group in sets if group.kind is FrameKind.BIAS)
    return tuple(group for group in sets if group.kind in (FrameKind.DARK, FrameKind.DARK_FLAT))


def nearest(frames: Sequence[FrameInfo], *, sets: Sequence[FrameGroup], limits: Limits) -> tuple[Fit, ...]:
    """The sets that came nearest to fitting a frame as dark flat or bias, fewest differences first."""
    found = [
        fit(frames[0], group=group, role=role, limits=limits)
        for role in ("dark_flat", "bias")
        for group in candidates(sets, role=role)
    ]
    return tuple(sorted(found, key=lambda one: (len(one.against), one.distance, one.group.frames[0].path)))
