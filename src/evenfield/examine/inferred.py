"""The pedestal that flats hold, told by pixels alone: for flats without a dark flat or a bias.

Two ways, which know nothing of each other: the rest of the flat that flattens the skies of the lights, and the level at
which the noise of the flats ends. The first assumes that the lights lost their dark. They must agree, and the error of
both together must be small beside what the number is for; else nothing is inferred. Nor is it where colors disagree: a
camera adds one level to all pixels, so one number is what is looked for.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.examine.cells import Cells
from evenfield.examine.correction import MISFIT
from evenfield.examine.laws import BOTH_RESTS, FLAT_REST
from evenfield.examine.noise_line import NoisePoints, fit_noise_line
from evenfield.examine.rests import Measured, levels_differ
from evenfield.examine.sky_fit import SKY_DEGREE, fit_again, fit_sky
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.pixels import Float64Array
from evenfield.model.wording import plural

LARGEST_SHARE: Final = 0.02
"""The pedestal must be known to this share of itself,"""

LARGEST_ADU: Final = 3.0
"""or to so many ADU where that is more."""

SAFE: Final = 2.0
"""The error must be so many times smaller than that, so that 95 % of the answers keep it."""

AGREE: Final = 3.5
"""Two estimates that differ by more of their common error do not agree: chance does that once in 2000 sets."""

LIGHT_REST_ADU: Final = 0.2
"""What lights may hold of bias or dark signal though their dark was subtracted: a bias level wanders by some tenths
of an ADU between frames, and half a degree changes the dark signal of a cooled camera by 0.1 e-."""


PATTERN_ADU: Final = 1.0
"""What an unknown pattern of the bias moves the number by, give or take."""

OF_BIAS_PATTERN: Final = 0.2
"""The share of what a known pattern of the bias moves the number by that stays uncertain: flats are not bias frames."""

OF_DARK_PATTERN: Final = 0.5
"""The same where darks tell the pattern: the flats hold between none and all of it, since glow grows with time."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReadNoise:
    """A read noise with its error, ADU."""

    value_adu: float
    error_adu: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DarkPattern:
    """The pattern of frames without light, as `cells_of_pattern` gives it, one a color; of bias frames, or of darks.

    What of it lies like the vignetting cannot be told from a pedestal: 1 ADU of it, where the vignetting takes 1000 of
    20 000 ADU, looks like 20 ADU of pedestal.
    """

    cells: tuple[Cells, ...]
    of_bias: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ColorPedestal:
    """The pedestal of one color: by the sky of the lights, by the noise of the flats, and both together."""

    color: str
    by_sky: Measured | None
    by_noise: Measured | None
    together: Measured | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InferredPedestal:
    """The pedestal of a set of flats.

    Parameters
    ----------
    pedestal_adu : float or None
        ``None`` where it is refused, for the ``reason``.
    by_sky, by_noise, together : Measured or None
        All colors taken together.
    limit_adu : float or None
        What the number is wanted to: the larger of 2 % and 3 ADU.
    checked : bool
        Both ways told something of use, and agreed.
    colors : tuple of ColorPedestal
    reason : str
    """

    pedestal_adu: float | None
    by_sky: Measured | None
    by_noise: Measured | None
    together: Measured | None
    limit_adu: float | None
    checked: bool
    colors: tuple[ColorPedestal, ...]
    reason: str


def infer_pedestal(
    lights: Sequence[Sequence[Cells]],
    *,
    flats: Sequence[Cells],
    noise: Sequence[NoisePoints] = (),
    read_noise: ReadNoise | None = None,
    pattern: DarkPattern | None = None,
    light_rest_adu: float = LIGHT_REST_ADU,
    degree: int = SKY_DEGREE,
) -> InferredPedestal:
    """Infer the level without light of flats from which nothing was subtracted.

    Parameters
    ----------
    lights : sequence of sequences of Cells
        The cells of lights that lost their dark, divided by the flat as it is, pedestal and all; may be empty.
    flats : sequence of Cells
        The cells of the combined flat, pedestal and all.
    noise : sequence of NoisePoints
        Of pairs of single flats, one a color in the order of ``flats``; may be empty.
    read_noise : ReadNoise, optional
    pattern : DarkPattern, optional
        Of frames without light of the flats' settings. Without it, `PATTERN_ADU` is in the error.
    light_rest_adu : float
        The standard deviation of what the lights may still hold. Of lights of one sky level S and flats of level G, it
        counts G/S times in the pedestal.
    degree : int
        Of the sky's polynomial.

    Returns
    -------
    InferredPedestal
    """
    sky = [
        _with_pattern([light[place] for light in lights], flat, _of_color(pattern, place), light_rest_adu, degree)
        if lights
        else None
        for place, flat in enumerate(flats)
    ]
    line = [_by_noise(points, read_noise) for points in noise] if noise else [None] * len(flats)
    colors = tuple(
        ColorPedestal(
            color=flat.color, by_sky=_alone(one), by_noise=_alone(other), together=_mean([_alone(one), _alone(other)])
        )
        for flat, one, other in zip(flats, sky, line, strict=True)
    )
    by_sky, by_noise = _all_colors(sky), _all_colors(line)
    together = _mean([by_sky, by_noise])
    limit = None if together is None else max(LARGEST_SHARE * abs(together.value), LARGEST_ADU)
    refusal = _refusal(colors, by_sky, by_noise, limit)
    useful = [one is not None and limit is not None and one.error <= 2.0 * limit for one in (by_sky, by_noise)]
    return InferredPedestal(
        pedestal_adu=together.value if together is not None and not refusal else None,
        by_sky=by_sky,
        by_noise=by_noise,
        together=together,
        limit_adu=limit,
        checked=all(useful) and not refusal,
        colors=colors,
        reason=refusal or "the skies of the lights or the noise of the flats tell it",
    )


def rescue_finding(inferred: InferredPedestal, *, name: str, n_lights: int) -> Finding | None:
    """That flats of which nothing was subtracted can be rescued; ``None`` where they cannot.

    Parameters
    ----------
    inferred : InferredPedestal
    name : str
        The group of flats.
    n_lights : int
        How many lights told it.
    """
    together = inferred.together
    if inferred.pedestal_adu is None or together is None:
        return None
    text = (
        f"{name}: {together.value:.0f} ± {together.error:.1f} ADU of the flats are no light, as the sky of "
        f"{plural(n_lights, 'light')} says."
    )
    return finding("pedestal_can_be_inferred", name, text, fix=("--pedestal", "inferred"))


def pedestal_finding(inferred: InferredPedestal, *, name: str) -> Finding:
    """What was inferred, or why it was refused.

    Parameters
    ----------
    inferred : InferredPedestal
    name : str
        The group of flats.
    """
    together = inferred.together
    if inferred.pedestal_adu is None or together is None:
        return finding("pedestal_not_inferred", name, f"{name}: {inferred.reason}.")
    how = "two ways agree" if inferred.checked else "told in one way only"
    text = f"{name}: {together.value:.0f} ± {together.error:.1f} ADU are in the flats without light ({how})."
    return finding("pedestal_inferred", name, text)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What one color says.

    A value, the variance of its own, the least that can be, and what one standard deviation of something unknown that
    all colors share moves it by.
    """

    value: float
    variance: float
    bound: float
    shared: float


def _of_color(pattern: DarkPattern | None, place: int) -> tuple[Cells, float] | None:
    """The pattern of one color, and the share of what it does that stays uncertain."""
    if pattern is None:
        return None
    return pattern.cells[place], OF_BIAS_PATTERN if pattern.of_bias else OF_DARK_PATTERN


def _with_pattern(
    lights: Sequence[Cells], flat: Cells, pattern: tuple[Cells, float] | None, light_rest_adu: float, degree: int
) -> _Told | None:
    """What the sky says of a flat that holds a pattern: between what it says with all of that and with none."""
    plain = _by_sky(lights, flat, light_rest_adu, degree)
    if plain is None or pattern is None:
        return None if plain is None else dataclasses.replace(plain, shared=math.hypot(plain.shared, PATTERN_ADU))
    cells, unsure = pattern
    apart = np.where(np.isfinite(cells.value), cells.value - float(np.nanmean(cells.value)), 0.0)
    free = flat.value - apart
    ratio = flat.value / free
    without = [dataclasses.replace(one, value=one.value * ratio, error=one.error * ratio) for one in lights]
    other = _by_sky(without, dataclasses.replace(flat, value=free), light_rest_adu, degree)
    if other is None:
        return None
    moved = other.value - plain.value
    value = other.value - (0.0 if unsure == OF_BIAS_PATTERN else 0.5) * moved
    return dataclasses.replace(other, value=value, shared=math.hypot(other.shared, unsure * moved))


def _by_sky(lights: Sequence[Cells], flat: Cells, light_rest_adu: float, degree: int) -> _Told | None:
    single = fit_sky(lights, flat=flat, law=FLAT_REST, degree=degree)
    # The number of a fit that does not describe what is there means nothing.
    if single is None or single.misfit > MISFIT:
        return None
    level = float(np.nanmean(flat.value)) - float(single.numbers[0])
    by_lights = level / float(np.median(single.sky_adu)) * light_rest_adu
    told = _Told(
        value=float(single.numbers[0]),
        variance=float(single.covariance[0, 0]),
        bound=float(single.bound[0, 0]),
        shared=by_lights,
    )
    pair = fit_again(lights, flat=flat, law=BOTH_RESTS, like=single) if levels_differ(single.sky_adu) else None
    if pair is None:
        return told
    # Skies of several levels tell the lights' rest; what is known of it beforehand is one more measurement of it.
    value, variance, shared = _with_prior(pair.numbers, pair.covariance, light_rest_adu)
    _, bound, _ = _with_prior(pair.numbers, pair.bound, light_rest_adu)
    return _Told(value=value, variance=variance, bound=bound, shared=shared)


def _with_prior(numbers: Float64Array, covariance: Float64Array, rest_adu: float) -> tuple[float, float, float]:
    """The rest of the flat, its variance of its own, and its part that comes from the prior of the lights' rest."""
    known = np.diag([0.0, max(rest_adu, 1e-6) ** -2])
    after = np.linalg.inv(np.linalg.inv(covariance) + known)
    pull = after @ np.linalg.inv(covariance)
    shared = float(after[0, 1]) / max(rest_adu, 1e-6)
    return float((pull @ numbers)[0]), float((pull @ covariance @ pull.T)[0, 0]), shared


def _by_noise(points: NoisePoints, read_noise: ReadNoise | None) -> _Told | None:
    known = None if read_noise is None else (read_noise.value_adu, read_noise.error_adu)
    line = fit_noise_line(points, read_noise_adu=known)
    if line is None or line.bent:
        return None
    shared = math.hypot(line.by_read_noise_adu, line.by_bow_adu)
    variance = line.pedestal_adu.error**2 - shared**2
    return _Told(value=line.pedestal_adu.value, variance=variance, bound=variance, shared=shared)


def _alone(told: _Told | None) -> Measured | None:
    return _all_colors([told])


def _all_colors(told: Sequence[_Told | None]) -> Measured | None:
    """The mean of colors: independent but for what they share."""
    known = [one for one in told if one is not None]
    if not known:
        return None
    values, shared = np.array([one.value for one in known]), np.array([one.shared for one in known])
    weights = np.linalg.inv(np.diag([one.variance for one in known]) + np.outer(shared, shared))
    least = np.linalg.inv(np.diag([one.bound for one in known]) + np.outer(shared, shared))
    total = float(weights.sum())
    return Measured(
        value=float(weights.sum(axis=0) @ values) / total, error=total**-0.5, bound=float(least.sum()) ** -0.5
    )


def _mean(several: Sequence[Measured | None]) -> Measured | None:
    """The mean of independent estimates, weighted with their inverse variances."""
    known = [one for one in several if one is not None]
    if not known:
        return None
    return _all_colors([_Told(value=one.value, variance=one.error**2, bound=one.bound**2, shared=0.0) for one in known])


def _refusal(
    colors: Sequence[ColorPedestal], by_sky: Measured | None, by_noise: Measured | None, limit: float | None
) -> str:
    """Why nothing is inferred; "" where nothing speaks against it."""
    together = _mean([by_sky, by_noise])
    if together is None or limit is None:
        return "neither lights nor pairs of flats tell the level without light"
    if by_sky is not None and by_noise is not None:
        apart = abs(by_sky.value - by_noise.value)
        if apart > AGREE * (by_sky.error**2 + by_noise.error**2) ** 0.5:
            return (
                f"the skies of the lights say {by_sky.value:.0f} ± {by_sky.error:.1f} ADU, the noise of the flats "
                f"{by_noise.value:.0f} ± {by_noise.error:.1f}"
            )
    for i, one in enumerate(colors):
        for other in colors[i + 1 :]:
            if one.together is None or other.together is None:
                continue
            error = (one.together.error**2 + other.together.error**2) ** 0.5
            if abs(one.together.value - other.together.value) > AGREE * error:
                return (
                    f"{one.color} says {one.together.value:.0f} ± {one.together.error:.1f} ADU, {other.color} "
                    f"{other.together.value:.0f} ± {other.together.error:.1f}"
                )
    if together.error > limit / SAFE:
        return (
            f"the level without light is {together.value:.0f} ± {together.error:.1f} ADU, and ± {limit / SAFE:.1f} is "
            f"needed"
        )
    return ""
