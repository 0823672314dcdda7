"""The additive rests that a flat and its lights still hold, told by the sky: in ADU, with their errors.

A rest c in the flat of level G and a rest p in lights of sky S do nearly the same to a calibrated sky: it follows the
flat with the exponent ``c/G - p/S``. Lights of one sky level tell only that difference; where the sky's level changes,
from dusk to midnight or with the moon, both come out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.examine.cells import Cells
from evenfield.examine.laws import BOTH_RESTS, FLAT_REST, LIGHT_REST, Law
from evenfield.examine.sky_fit import SKY_DEGREE, SkyFit, fit_again, fit_sky
from evenfield.model.pixels import Float64Array

SURE: Final = 4.0
"""From so many standard errors on a rest is there: chance does that once in 16 000 sets, and fits have tails."""

LEVELS_APART: Final = 1.2
"""Skies count as of several levels where the brightest is so many times as bright as the faintest. Within one level a
gradient of the sky could tell the two rests apart too, but that would lean on the sky model alone."""

COMMON: Final = 4.0
"""Two colors whose rests differ by more standard errors do not hold the same rest."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number with its standard error, and the least that the error can be under the stated model."""

    value: float
    error: float
    bound: float

    @property
    def scatters(self) -> float:
        """The number in units of its error."""
        return self.value / self.error if self.error > 0 else 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rests:
    """What flat and lights hold too much, ADU; negative: what was subtracted too much.

    Parameters
    ----------
    in_flat : Measured
        The rest of the flat, if the lights hold none.
    in_lights : Measured
        The rest of the lights, if the flat holds none.
    flat_of_both, lights_of_both : Measured, optional
        Both at once; ``None`` where the lights have one sky level only.
    separated : bool
        Whether the lights' sky levels tell the two apart: one of them is surely there beside the other, or both are
        known to ``known_adu``.
    colors_agree : bool
        Whether all colors tell the same rest of the flat.
    """

    in_flat: Measured
    in_lights: Measured
    flat_of_both: Measured | None
    lights_of_both: Measured | None
    separated: bool
    colors_agree: bool


def measure_rests(
    lights: Sequence[Sequence[Cells]],
    *,
    flats: Sequence[Cells],
    singly: Sequence[SkyFit | None] | None = None,
    degree: int = SKY_DEGREE,
    known_adu: tuple[float, float] | None = None,
) -> Rests | None:
    """The rests that flatten the lights' skies best.

    Parameters
    ----------
    lights : sequence of sequences of Cells
        The cells of each light, as `cells_of_light` gives them.
    flats : sequence of Cells
        Those of the master flat, as `cells_of_flat` gives them.
    singly : sequence of SkyFit or None, optional
        The fits of `FLAT_REST` to each color, where they are known already.
    degree : int
        Of the sky's polynomial.
    known_adu : (float, float), optional
        Errors of the rests of flat and lights from which on both count as known, though neither is surely there.

    Returns
    -------
    Rests or None
        Colors are taken together, weighted with their information. ``None`` where no color can tell anything.
    """
    if singly is None:
        by_color = [[light[place] for light in lights] for place in range(len(flats))]
        singly = [
            fit_sky(of_color, flat=flat, law=FLAT_REST, degree=degree)
            for of_color, flat in zip(by_color, flats, strict=True)
        ]
    known_fits = [fit for fit in singly if fit is not None]
    if not known_fits:
        return None
    in_flat = combined(known_fits)
    in_lights = combined(_others(lights, flats, singly, LIGHT_REST))
    several = levels_differ(known_fits[0].sky_adu)
    pair = combined(_others(lights, flats, singly, BOTH_RESTS)) if several else None
    if in_flat is None or in_lights is None:
        return None
    flat_of_both, lights_of_both = (None, None) if pair is None else (pair[0], pair[1])
    separated = False
    if flat_of_both is not None and lights_of_both is not None:
        sure = max(abs(flat_of_both.scatters), abs(lights_of_both.scatters)) > SURE
        known = known_adu is not None and (flat_of_both.error <= known_adu[0] and lights_of_both.error <= known_adu[1])
        separated = sure or known
    return Rests(
        in_flat=in_flat[0],
        in_lights=in_lights[0],
        flat_of_both=flat_of_both,
        lights_of_both=lights_of_both,
        separated=separated,
        colors_agree=agree(known_fits),
    )


def levels_differ(skies_adu: Sequence[float]) -> bool:
    """Whether lights have skies of several levels."""
    return bool(skies_adu) and max(skies_adu) >= LEVELS_APART * min(skies_adu) > 0


def _others(
    lights: Sequence[Sequence[Cells]], flats: Sequence[Cells], singly: Sequence[SkyFit | None], law: Law
) -> list[SkyFit]:
    """The fits of another law to the cells of those that are known."""
    found = []
    for place, (flat, like) in enumerate(zip(flats, singly, strict=True)):
        if like is not None:
            fit = fit_again([light[place] for light in lights], flat=flat, law=law, like=like)
            if fit is not None:
                found.append(fit)
    return found


def combined(fits: Sequence[SkyFit]) -> tuple[Measured, ...] | None:
    """The numbers of several fits together, each weighted with the inverse of its covariance; ``None`` of none."""
    if not fits:
        return None
    weights = [np.linalg.pinv(fit.covariance, hermitian=True) for fit in fits]
    covariance = np.linalg.pinv(np.sum(weights, axis=0), hermitian=True)
    bound = np.linalg.pinv(np.sum([np.linalg.pinv(fit.bound, hermitian=True) for fit in fits], axis=0), hermitian=True)
    values: Float64Array = covariance @ np.sum([w @ fit.numbers for w, fit in zip(weights, fits, strict=True)], axis=0)
    return tuple(
        Measured(value=float(value), error=float(variance) ** 0.5, bound=float(least) ** 0.5)
        for value, variance, least in zip(values, np.diag(covariance), np.diag(bound), strict=True)
    )


def agree(fits: Sequence[SkyFit]) -> bool:
    """Whether the first numbers of fits differ by no more than their errors can do."""
    for i, one in enumerate(fits):
        for other in fits[i + 1 :]:
            error = float(one.covariance[0, 0] + other.covariance[0, 0]) ** 0.5
            if abs(float(one.numbers[0] - other.numbers[0])) > COMMON * error:
                return False
    return True
