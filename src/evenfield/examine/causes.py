"""Why flats do not work: fourteen causes, ranked by probability from what the pixels say.

Each cause predicts each measure: nothing (0 within its error), a known number (1: a bias that was not subtracted), or
anything (a fault of any strength). The strength of a fault has no scale of its own, so "anything" is a mixture of
normals 3 to 3000 errors wide (Jeffreys' prior for a scale, Jeffreys 1961, "Theory of Probability", in steps). From the
odds of the causes at the start, equal unless more is known, Bayes' rule gives the probabilities. A measure not at hand
says nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Final

from evenfield.examine.evidence import Evidence
from evenfield.examine.residues import Measured
from evenfield.model.causes import Cause

WIDTHS: Final = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
"""Widths of what a fault of unknown strength does to a measure, in its errors."""

FAT_SHARE: Final = 1e-4
"""The share of measures whose error bar is wrong: they must not decide alone beyond 1 in 10 000."""

PAIR_ODDS: Final = 5.0
"""Two causes whose probabilities lie closer than this are answered as a pair."""

LEAST_SURE: Final = 0.8
"""The one or two causes of an answer must have so much of the probability."""

PREDICTED_ERROR: Final = 0.03
"""Relative error of a number that a cause predicts: levels wander by some percent between frames of one kind."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Causes with their probabilities, the likeliest first; they add up to 1.

    ``answer`` holds one cause, two that the measures at hand cannot tell apart, or none where they tell less
    (``reason`` says which measures would help).
    """

    ranked: tuple[tuple[Cause, float], ...]
    answer: tuple[Cause, ...]
    reason: str

    def probability(self, cause: Cause) -> float:
        """The probability of a cause."""
        return dict(self.ranked)[cause]


def rank_causes(
    evidence: Evidence, *, odds: Mapping[Cause, float] | None = None, structured_sky: bool = False
) -> Ranking:
    """Rank the fourteen causes.

    Parameters
    ----------
    evidence : Evidence
        What was measured (`evidence.gather_evidence`); ``None`` for what is not at hand.
    odds : mapping of Cause to float, optional
        What is known before: a cause that is not named has 1, all the same only their ratios count.
    structured_sky : bool
        The sky may hold nebulae, which look like stray light: shades that no smooth sky has go with every cause.

    Returns
    -------
    Ranking
    """
    known = odds or {}
    sky: Story = {"stray": OPEN} if structured_sky else {}
    logs = {
        cause: _log_mean([_log_of({**sky, **story}, evidence) for story in _stories(cause, evidence)])
        + math.log(known.get(cause, 1.0))
        for cause in Cause
    }
    most = max(logs.values())
    weights = {cause: math.exp(value - most) for cause, value in logs.items()}
    total = sum(weights.values())
    ranked = tuple(sorted(((cause, weight / total) for cause, weight in weights.items()), key=lambda one: -one[1]))
    answer = _answer(ranked)
    return Ranking(ranked=ranked, answer=answer, reason=_reason(answer, evidence))


def _answer(ranked: tuple[tuple[Cause, float], ...]) -> tuple[Cause, ...]:
    (first, surest), (second, next_one) = ranked[:2]
    if surest >= PAIR_ODDS * next_one and surest >= LEAST_SURE:
        return (first,)
    if surest + next_one >= LEAST_SURE:
        return (first, second)
    return ()


def _reason(answer: tuple[Cause, ...], evidence: Evidence) -> str:
    if len(answer) == 1:
        return ""
    missing = [words for name, words in _HELP.items() if getattr(evidence, name) in (None, ())]
    if not missing:
        return "the measures at hand fit more than one cause"
    return f"not at hand: {', '.join(missing)}"


_HELP: Final[Mapping[str, str]] = {
    "contrasts": "lights with enough sky to see the flat's shadows",
    "hot_share": "a master dark with hot pixels",
    "light_pattern": "a master bias with a pattern of columns",
    "gain_of_flats": "two raw flats and two raw lights",
    "noise_of_darks": "two raw darks and two raw bias frames",
    "dark_spread": "several raw darks",
}

FLIPPED_SCATTERS: Final = 10.0
"""A mirrored flat is seen with at least so many scatters."""

MOST_EXPOSURE: Final = 3.0
"""The share of a dark's own signal that lights of another exposure or temperature may hold, where nothing tells it."""

GLOW_FACTOR: Final = 3.0
"""The shade of a dark may be so many times its typical signal: glow."""

Story = Mapping[str, "Says"]
"""What a cause says about each measure; what it does not name is 0 within its error."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """``about`` is the value predicted, to a share ``give`` of it; ``anything`` a fault of unknown strength; ``open_``
    either that or nothing.
    """

    about: float | None = None
    give: float = PREDICTED_ERROR
    anything: bool = False
    open_: bool = False


ANYTHING: Final = Says(anything=True)
OPEN: Final = Says(open_=True)
MEASURES: Final = (
    "flat_pattern", "light_pattern", "hot_share", "gain_of_flats", "noise_of_darks", "dark_spread", "saturation",
    "bend", "stray", "turned", "shifted", "flipped", "moved_dust",
)  # fmt: skip
"""The measures that are single numbers; contrasts are one a light."""


def _stories(cause: Cause, evidence: Evidence) -> list[Story]:
    """The ways in which a cause comes about, equally likely."""
    make: dict[Cause, Callable[[Evidence], list[Story]]] = {
        Cause.FLAT_WITHOUT_DARK: _flat_without_dark,
        Cause.LIGHT_WITHOUT_DARK: _light_without_dark,
        Cause.BIAS_TWICE: _bias_twice,
        Cause.EXPOSURE_MISMATCH: _exposure_mismatch,
        Cause.OFFSET_MISMATCH: _offset_mismatch,
        Cause.FLAT_FLIPPED: _flat_flipped,
        Cause.FLAT_NOT_LINEAR: _flat_not_linear,
    }
    if cause in make:
        return make[cause](evidence)
    return _TOLD[cause]


def _flat_without_dark(evidence: Evidence) -> list[Story]:
    """All of the bias is in the flat; its level and its pattern are known. Without a bias, a dark tells the level."""
    level = evidence.dark_level_adu if evidence.bias_level_adu is None else evidence.bias_level_adu
    return [
        {
            "contrast_from_flat": Says(about=level),
            "contrast": ANYTHING,
            "flat_pattern": Says(about=1.0),
            "light_pattern": Says(about=-_sky_over_flat(evidence)),
            "stray": OPEN,
        }
    ]


def _sky_over_flat(evidence: Evidence) -> float:
    """What of a flat's pattern comes into lights that the flat was subtracted from at their level (`evidence`)."""
    return next((one.light_adu / one.flat_adu for one in evidence.contrasts if one.flat_adu), 0.0)


def _light_without_dark(evidence: Evidence) -> list[Story]:
    """The dark's hot pixels are all there; bias and its pattern too, or the bias alone was subtracted."""
    whole: Story = {
        "contrast_from_light": Says(about=evidence.dark_level_adu), "contrast": ANYTHING, "hot_share": Says(about=1.0),
        "light_pattern": Says(about=1.0), "stray": OPEN,
    }  # fmt: skip
    only_dark: Story = {"contrast": OPEN, "hot_share": Says(about=1.0), "stray": OPEN}
    return [whole, only_dark]


def _bias_twice(evidence: Evidence) -> list[Story]:
    """The bias and its pattern are missing once too often, in the flat or in the light."""
    level = None if evidence.bias_level_adu is None else -evidence.bias_level_adu
    return [
        {
            "contrast_from_flat": Says(about=level),
            "contrast": ANYTHING,
            "flat_pattern": Says(about=-1.0),
            "light_pattern": Says(about=_sky_over_flat(evidence)),
            "stray": OPEN,
        },
        {
            "contrast_from_light": Says(about=level),
            "contrast": ANYTHING,
            "light_pattern": Says(about=-1.0),
            "stray": OPEN,
        },
    ]


def _exposure_mismatch(evidence: Evidence) -> list[Story]:
    """A share of the dark's hot pixels is left, and no more of its level than that share, give or take glow."""
    story: Story = {"hot_share": ANYTHING, "contrast": OPEN, "stray": OPEN}
    if evidence.bias_level_adu is None or evidence.dark_level_adu is None:
        return [story]
    signal = evidence.dark_level_adu - evidence.bias_level_adu
    share = (
        MOST_EXPOSURE if evidence.hot_share is None else abs(evidence.hot_share.value) + 2 * evidence.hot_share.error
    )
    seen = [one for one in evidence.contrasts if GLOW_FACTOR * share * signal > one.value.error * one.light_adu]
    return [story if seen else {**story, "contrast": Says()}]


def _offset_mismatch(evidence: Evidence) -> list[Story]:
    """A rest of any size in lights or flats; raw flats above a bias that is not theirs have a wrong level for their
    noise, so that they seem to have another gain, the more where they are faint.
    """
    in_lights: Story = {"contrast": ANYTHING, "noise_of_darks": OPEN}
    seems = _log_contrast(evidence)
    if seems is None:
        return [in_lights]
    bends = evidence.bend is not None and evidence.bend.value * seems > 0
    in_flats: Story = {
        "contrast": ANYTHING, "gain_of_flats": Says(about=seems), "bend": OPEN if bends else Says(),
    }  # fmt: skip
    return [in_lights, in_flats]


def _log_contrast(evidence: Evidence) -> float | None:
    """Log of the contrast that is known best."""
    surest = max(evidence.contrasts, key=lambda one: 1.0 / one.value.error, default=None)
    return None if surest is None or not surest.value.value > 0 else math.log(surest.value.value)


def _flat_not_linear(evidence: Evidence) -> list[Story]:
    """Pixels at the top, or a response that bends.

    One that loses a share b of the light at the flat's level has the slope 1 - 2b there: the flat's contrast falls by
    b, its noise squared over its level by 3b.
    """
    bent: Story = {"bend": ANYTHING, "contrast": OPEN, "gain_of_flats": OPEN, "stray": OPEN, "saturation": OPEN}
    cut: Story = {"saturation": ANYTHING, "bend": OPEN, "contrast": OPEN, "gain_of_flats": OPEN, "stray": OPEN}
    lost = _log_contrast(evidence)
    if lost is None or lost <= 0:
        return [bent, cut]
    like_a_square: Story = {
        **bent, "contrast": ANYTHING, "gain_of_flats": Says(about=3.0 * lost, give=0.3), "saturation": Says()
    }  # fmt: skip
    return [bent, cut, like_a_square]


def _flat_flipped(evidence: Evidence) -> list[Story]:
    """A file that was mirrored shows at once: all pixels and all dust."""
    seen = evidence.flipped is not None and evidence.flipped.value > FLIPPED_SCATTERS
    return [
        {"flipped": ANYTHING if seen else Says(about=3.0 * FLIPPED_SCATTERS), "shifted": OPEN, "turned": OPEN,
         "moved_dust": OPEN, "stray": OPEN, "contrast": OPEN, "flat_pattern": OPEN}
    ]  # fmt: skip


_TOLD: Final[Mapping[Cause, list[Story]]] = {
    Cause.GAIN_MISMATCH: [
        {"noise_of_darks": ANYTHING, "hot_share": ANYTHING},
        {"noise_of_darks": ANYTHING, "hot_share": ANYTHING, "light_pattern": OPEN, "contrast": OPEN, "stray": OPEN},
        {"gain_of_flats": ANYTHING, "flat_pattern": OPEN, "contrast": OPEN},
    ],
    Cause.FLAT_ROTATED: [{"turned": ANYTHING, "shifted": OPEN, "moved_dust": OPEN, "stray": OPEN, "contrast": OPEN}],
    Cause.FLAT_SHIFTED: [{"shifted": ANYTHING, "moved_dust": OPEN, "stray": OPEN, "contrast": OPEN}],
    # A few shadows are little of a frame.
    Cause.DUST_MOVED: [{"moved_dust": ANYTHING}],
    Cause.LIGHT_LEAK: [{"dark_spread": ANYTHING, "contrast": OPEN, "stray": OPEN, "noise_of_darks": OPEN}],
    Cause.STRAY_LIGHT: [{"stray": ANYTHING, "contrast": OPEN, "moved_dust": OPEN}],
    Cause.NONE: [{}],
}  # fmt: skip


def _log_of(story: Story, evidence: Evidence) -> float:
    """The log probability of all measures under a story."""
    total = 0.0
    for name in MEASURES:
        measured: Measured | None = getattr(evidence, name)
        if measured is not None:
            total += _log_measure(measured, story.get(name, Says()))
    return total + _log_contrasts(story, evidence)


def _log_contrasts(story: Story, evidence: Evidence) -> float:
    """The log probability of the contrasts of the lights.

    What is left in the flat (c) or in the lights (p) gives them all, in levels that hold it: (F / (F - c)) (m - p) / m.
    """
    from_flat, from_light = story.get("contrast_from_flat"), story.get("contrast_from_light")
    total = 0.0
    for one in evidence.contrasts:
        says = story.get("contrast", Says())
        if from_flat is not None and from_flat.about is not None and one.flat_adu is not None:
            says = _contrast_says(one.flat_adu, one.flat_adu - from_flat.about)
        elif from_light is not None and from_light.about is not None:
            says = _contrast_says(one.light_adu - from_light.about, one.light_adu)
        total += _log_measure(Measured(one.value.value - 1.0, one.value.error), says)
    return total


def _contrast_says(above: float, below: float) -> Says:
    return Says(about=above / below - 1.0) if below > 0 else ANYTHING


def _log_measure(measured: Measured, says: Says) -> float:
    """The log probability of one measure."""
    broad = _log_mean([_log_normal(measured.value, 0.0, measured.error * math.hypot(1.0, w)) for w in WIDTHS])
    if says.anything:
        return broad
    about = says.about if says.about is not None else 0.0
    error = math.hypot(measured.error, says.give * about)
    exact = _log_normal(measured.value, about, error)
    if says.open_:
        return _log_mean([exact, broad])
    return _log_sum([math.log1p(-FAT_SHARE) + exact, math.log(FAT_SHARE) + broad])


def _log_normal(value: float, middle: float, error: float) -> float:
    return -0.5 * ((value - middle) / error) ** 2 - math.log(error) - 0.5 * math.log(2.0 * math.pi)


def _log_sum(logs: list[float]) -> float:
    most = max(logs)
    return most + math.log(sum(math.exp(one - most) for one in logs))


def _log_mean(logs: list[float]) -> float:
    return _log_sum(logs) - math.log(len(logs))
