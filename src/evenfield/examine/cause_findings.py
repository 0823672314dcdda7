"""The cause of flats that do not work, in words: what the eye sees, the cause with its probability, one mend for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from evenfield.examine.causes import Ranking
from evenfield.examine.evidence import Evidence
from evenfield.examine.geometry import Geometry
from evenfield.examine.geometry_findings import where_shifted
from evenfield.examine.residues import Measured
from evenfield.model.catalogue import CATALOGUE, finding
from evenfield.model.causes import Cause
from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.report import OpenQuestion

CLEAN_ODDS: Final = 100.0
"""The odds for "none" where nothing else is wrong: of a hundred nights that pass every other test, one has a fault. A
measure must then be off by 4.5 errors or more for a cause to be told."""

CHANCE_ALONE: Final = 0.05
"""Where nothing else is wrong, "none" must have no more of the probability than this for a cause to be told."""

LEAST_NAMED: Final = 0.1
"""Where no cause is sure, those from this probability on are named."""

CONTRAST_SEEN: Final = 0.01
"""Vignetting and dust that are stronger or fainter by this share are seen: of 30 % of it, that is 0.3 % of the sky."""

SHADE_SEEN: Final = 0.003
"""Shades from this share of the sky on are seen, as corners are."""

SMALLEST: Final[Mapping[Cause, float]] = {
    Cause.GAIN_MISMATCH: 0.1,  # of log e-/ADU; cameras differ by some per cent between kinds of frames
    Cause.EXPOSURE_MISMATCH: 0.15,  # of the hot pixels: 1.5 C, as the limit of the darks' own warmth
    Cause.FLAT_NOT_LINEAR: 0.1,  # of noise squared over level: the light itself bends by a third of that
}
"""What a cause must do to its own measure to be told where nothing else is wrong."""

CORRECTION_CODES: Final = ("under_corrected", "over_corrected")

SAME: Final[Mapping[Cause, tuple[str, ...]]] = {
    Cause.FLAT_ROTATED: ("flat_rotated",),
    Cause.FLAT_SHIFTED: ("flat_shifted", "flat_rotated"),
    Cause.FLAT_FLIPPED: ("flat_flipped",),
    Cause.DUST_MOVED: ("dust_moved",),
}
"""Findings that say the same as a cause."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ToldCause:
    """What is told of causes: findings (those of other examinations with the mend of the cause), open questions."""

    findings: tuple[Finding, ...]
    open: tuple[OpenQuestion, ...] = ()


def is_wrong(findings: Sequence[Finding]) -> bool:
    """Whether an examination of lights with their flat found something wrong."""
    return any(one.level is not FindingLevel.NOTE for one in findings)


def tell_cause(
    ranking: Ranking,
    *,
    evidence: Evidence,
    subject: str,
    findings: Sequence[Finding],
    geometry: Geometry | None = None,
) -> ToldCause:
    """Say why flats do not work, where something is wrong.

    Parameters
    ----------
    ranking : Ranking
        Where nothing is wrong (`is_wrong`), with odds of `CLEAN_ODDS` for "none".
    evidence : Evidence
        What was ranked.
    subject : str
        The flat's name.
    findings : sequence of Finding
        What the examination of geometry and correction found.
    geometry : Geometry, optional

    Returns
    -------
    ToldCause
        All of ``findings``, those about corners with the cause and its mend; and where there is one, that of the cause:
        a remark where another finding says the same.
    """
    wrong = is_wrong(findings)
    answer = ranking.answer
    if not wrong:
        chance = ranking.probability(Cause.NONE)
        if not answer or chance > CHANCE_ALONE or not all(_matters(cause, evidence) for cause in answer):
            return ToldCause(findings=tuple(findings))
    if not answer or answer == (Cause.NONE,):
        likely = [(cause, probability) for cause, probability in ranking.ranked if probability > LEAST_NAMED]
        names = ", ".join(f"{_name(cause)} ({_percent(probability)})" for cause, probability in likely)
        question = OpenQuestion(question=f"Why does {subject} not correct the lights: {names}?", needs=_needs(ranking))
        return ToldCause(findings=tuple(findings), open=(question,))
    told, why = _told(ranking, answer, evidence, subject, findings, geometry)
    mend = f"{why[:1].upper()}{why[1:]}. {told.mend}"
    mended = [msgspec.structs.replace(one, mend=mend) if one.code in CORRECTION_CODES else one for one in findings]
    return ToldCause(findings=(*mended, told))


def _needs(ranking: Ranking) -> str:
    """What would tell more."""
    if ranking.reason.startswith("not at hand: "):
        return ranking.reason.removeprefix("not at hand: ")
    return "lights of another level of the sky, and darks and bias frames of the very camera settings"


def _told(
    ranking: Ranking,
    answer: tuple[Cause, ...],
    evidence: Evidence,
    subject: str,
    findings: Sequence[Finding],
    geometry: Geometry | None,
) -> tuple[Finding, str]:
    """The finding, and the cause in it as half a sentence."""
    codes = {one.code for one in findings}
    said = bool(codes.intersection(CORRECTION_CODES))
    chances = [_percent(ranking.probability(cause)) for cause in answer]
    first = answer[0] if answer[0] is not Cause.NONE else answer[1]
    eye = _eye(first, evidence, geometry)
    if len(answer) == 1:
        why = f"{_why(first, evidence)} (probability {chances[0]})"
        level = FindingLevel.NOTE if said or codes.intersection(SAME.get(first, ())) else FindingLevel.WARNING
        mend = _mend(first, evidence, geometry)
        return finding("cause_told", subject, f"{subject}: {eye}: {why}.", mend=mend, level=level), why
    names = " or ".join(f"{_name(cause)} ({chance})" for cause, chance in zip(answer, chances, strict=True))
    text = f"{subject}: {eye}: {names}; these frames cannot tell which."
    tells = _PAIRS.get(frozenset(answer)) or f"What would tell: {_needs(ranking)}."
    same = said or all(codes.intersection(SAME.get(cause, ())) or cause is Cause.NONE for cause in answer)
    return finding("cause_pair", subject, text, mend=tells, level=FindingLevel.NOTE if same else None), names


_PAIRS: Final[Mapping[frozenset[Cause], str]] = {
    frozenset({Cause.FLAT_WITHOUT_DARK, Cause.OFFSET_MISMATCH}): "Give lights of another sky level, or a bias of the "
    "flats' settings: they tell what flats hold from what lights hold.",
    frozenset({Cause.LIGHT_WITHOUT_DARK, Cause.OFFSET_MISMATCH}): "Give a dark of the lights' exposure with its raw "
    "frames: its hot pixels tell which.",
    frozenset({Cause.FLAT_WITHOUT_DARK, Cause.BIAS_TWICE}): "Give a bias with its raw frames: its columns tell which.",
    frozenset({Cause.EXPOSURE_MISMATCH, Cause.GAIN_MISMATCH}): "Give two raw darks and two raw bias frames: their "
    "noise tells which.",
    frozenset({Cause.STRAY_LIGHT, Cause.OFFSET_MISMATCH}): "Give lights of another part of the sky and of another sky "
    "level: stray light follows neither.",
}
"""What tells two causes apart."""


def _name(cause: Cause) -> str:
    return "chance alone" if cause is Cause.NONE else cause.value


def _percent(probability: float) -> str:
    return "more than 99 %" if probability >= 0.995 else f"{100.0 * probability:.0f} %"


def _matters(cause: Cause, evidence: Evidence) -> bool:
    """Whether a cause that nothing else shows does enough to be told."""
    sizes: dict[Cause, Callable[[], float]] = {
        Cause.GAIN_MISMATCH: lambda: max(
            _size(evidence.noise_of_darks), _size(evidence.gain_of_flats), _size(evidence.hot_share)
        ),
        Cause.EXPOSURE_MISMATCH: lambda: _size(evidence.hot_share),
        Cause.FLAT_NOT_LINEAR: lambda: _size(evidence.bend),
    }
    if cause in sizes:
        return sizes[cause]() > SMALLEST[cause]
    if cause in (Cause.LIGHT_LEAK, Cause.STRAY_LIGHT):
        shade = evidence.dark_spread if cause is Cause.LIGHT_LEAK else evidence.stray
        sky = max((one.light_adu for one in evidence.contrasts), default=0.0)
        return shade is not None and shade.size is not None and 0.0 < SHADE_SEEN * sky < shade.size
    if cause is Cause.LIGHT_WITHOUT_DARK and _size(evidence.hot_share) > SMALLEST[Cause.EXPOSURE_MISMATCH]:
        return True
    # A contrast of any size, or dust alone, is judged by examinations of its own.
    seen = any(abs(one.value.value - 1.0) > max(CONTRAST_SEEN, 4.0 * one.value.error) for one in evidence.contrasts)
    return seen and cause in (Cause.FLAT_WITHOUT_DARK, Cause.LIGHT_WITHOUT_DARK, Cause.BIAS_TWICE)


def _size(measured: Measured | None) -> float:
    return 0.0 if measured is None else abs(measured.value)


def _corners(evidence: Evidence) -> str:
    """How corners and dust come out, by the measure that is surest."""
    if not evidence.contrasts:
        return "corners and dust of your lights come out wrong"
    surest = max(evidence.contrasts, key=lambda one: abs(one.value.value - 1.0) / one.value.error).value
    if abs(surest.value - 1.0) < 3.0 * surest.error:
        return "corners and dust of your lights come out slightly wrong"
    return f"corners and dust of your lights {'stay dark' if surest.value > 1.0 else 'come out bright'}"


def _eye(cause: Cause, evidence: Evidence, geometry: Geometry | None) -> str:
    """What the eye will see."""
    if cause in (Cause.FLAT_ROTATED, Cause.FLAT_SHIFTED, Cause.FLAT_FLIPPED):
        twin = f" {where_shifted(geometry.shift_px)}" if cause is Cause.FLAT_SHIFTED and geometry is not None else ""
        return f"each dust shadow in your lights has a bright twin{twin}"
    if cause is Cause.EXPOSURE_MISMATCH:
        left = evidence.hot_share is None or evidence.hot_share.value > 0
        return "hot pixels of your lights stay bright" if left else "hot pixels of your lights leave dark holes"
    if cause is Cause.LIGHT_WITHOUT_DARK and evidence.hot_share is not None:
        return f"{_corners(evidence)}, and all hot pixels stay"
    return {
        Cause.DUST_MOVED: "some dust shadows of your lights look embossed, bright or dark",
        Cause.LIGHT_LEAK: "your lights get shades that their darks hold",
        Cause.STRAY_LIGHT: "your lights have shades that no smooth sky has",
    }.get(cause) or _corners(evidence)


def _why(cause: Cause, evidence: Evidence) -> str:
    """The cause as a half sentence."""
    hot = evidence.hot_share
    if cause is Cause.EXPOSURE_MISMATCH and hot is not None:
        times = f"{max(1.0 + hot.value, 0.0):.2g} times the light that they have in the darks"
        return f"hot pixels of the lights have {times}, from another exposure or temperature"
    if cause is Cause.BIAS_TWICE:
        in_flat = _size(evidence.flat_pattern) > _size(evidence.light_pattern)
        return f"the bias was subtracted twice from the {'flats' if in_flat else 'lights'}"
    return _WHY[cause]


_WHY: Final[Mapping[Cause, str]] = {
    Cause.FLAT_WITHOUT_DARK: "the flats still hold all of their bias",
    Cause.LIGHT_WITHOUT_DARK: "no dark was subtracted from the lights, or one without hot pixels",
    Cause.GAIN_MISMATCH: "darks or flats were taken with another gain than the lights",
    Cause.OFFSET_MISMATCH: "the dark frames were taken with another offset than what they are subtracted from",
    Cause.EXPOSURE_MISMATCH: "the darks have another exposure or temperature than the lights",
    Cause.FLAT_ROTATED: "the flat is rotated",
    Cause.FLAT_SHIFTED: "the flat is shifted",
    Cause.FLAT_FLIPPED: "rows or columns of the flat are in reverse order",
    Cause.DUST_MOVED: "dust moved between flats and lights",
    Cause.LIGHT_LEAK: "light falls on the sensor while darks are taken",
    Cause.FLAT_NOT_LINEAR: "the flats are saturated, or the camera is not linear at their level",
    Cause.STRAY_LIGHT: "stray light lies on the lights, or a nebula that looks like it",
}


def _mend(cause: Cause, evidence: Evidence, geometry: Geometry | None) -> str:
    """What to do against this very cause."""
    if cause is Cause.FLAT_ROTATED and geometry is not None:
        angle = f"{abs(geometry.angle_deg):.1f}".removesuffix(".0")
        return f"Take flats with the camera at the angle of the lights: these are {angle} degrees off."
    if cause is Cause.FLAT_SHIFTED and geometry is not None:
        return (
            "Take flats without moving focuser, filter wheel or camera after the lights: these lie "
            f"{where_shifted(geometry.shift_px)}."
        )
    if cause is Cause.BIAS_TWICE and _size(evidence.flat_pattern) <= _size(evidence.light_pattern):
        return "Subtract from the lights one dark that holds its bias, and no bias beside it."
    return _MENDS[cause]


_MENDS: Final[Mapping[Cause, str]] = {
    Cause.FLAT_WITHOUT_DARK: "Calibrate the flats with dark flats of their exposure, or with a bias.",
    Cause.LIGHT_WITHOUT_DARK: "Calibrate the lights with a dark of their exposure.",
    Cause.BIAS_TWICE: "Subtract from the flats one dark flat or one bias, from frames that nothing was taken from.",
    Cause.GAIN_MISMATCH: "Take darks, bias and flats with the gain of the lights.",
    Cause.OFFSET_MISMATCH: "Take darks with the offset of the lights, and dark flats with that of the flats.",
    Cause.EXPOSURE_MISMATCH: "Calibrate the lights with darks of their exposure and temperature.",
    Cause.FLAT_FLIPPED: CATALOGUE["flat_flipped"].mend,
    Cause.FLAT_ROTATED: CATALOGUE["flat_rotated"].mend,
    Cause.FLAT_SHIFTED: CATALOGUE["flat_shifted"].mend,
    Cause.DUST_MOVED: CATALOGUE["dust_moved"].mend,
    Cause.LIGHT_LEAK: CATALOGUE["light_leak"].mend,
    Cause.FLAT_NOT_LINEAR: "Expose the flats to half of full scale, where the camera is linear.",
    Cause.STRAY_LIGHT: "Keep light from the side off telescope and camera: no flat takes it out.",
}
