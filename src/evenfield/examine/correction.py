"""Will the corners come out too dark or too bright? Over- and under-correction of lights by their flat.

Where a calibrated sky still follows the flat, the flat is wrong: ``log(sky) = eta log(flat) + smooth``. A flat that
holds a rest c (its bias, say) under-corrects, eta > 0: corners and dust stay dark. One that lost too much
over-corrects.

Stated sky model: the sky of each light is a quadratic polynomial of the place, of its own; a cubic or quartic one where
the lights ask for it. A quadratic sky and vignetting are nearly the same, so what decides is the part of the vignetting
that no such sky can do (its fourth power of the distance) and dust, which no sky has. The least error that any estimate
can have under that model (Cramer and Rao) is given beside each number; where it is too large, nothing is claimed.
The pixels' own response takes no part: it differs between the light of a lamp and that of the sky by more than eta.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.examine.cells import Cells
from evenfield.examine.laws import EXPONENT, FLAT_REST
from evenfield.examine.rests import SURE, Measured, Rests, combined, measure_rests
from evenfield.examine.sky_fit import SKY_DEGREE, SkyFit, fit_again, fit_sky
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding

CORNER_LIMIT: Final = 0.003
"""Corners that are wrong by more are seen: an automatic stretch puts black 2.8 scatters of a pixel below the sky, so in
a stack with a signal of 100 times its noise this is a tenth of the way from the sky to black. Three times the limit
from which on dark flats are needed."""

KNOWN: Final = 3.0
"""A flat is called good where the error is so many times smaller than the limit: one that is wrong by twice the limit
is then called good once in a thousand times."""

CLIPPED: Final = 0.7
"""Where more of the sky had to be left out, nothing is said."""

MISFIT: Final = 8.0
"""Where structure makes the error so many times as large as chance does, the lights show something else than a sky."""

DARKEST: Final = 0.01
"""The share of the cells that are darker than "the corner" of a flat."""

BRIGHTEST: Final = 0.99
"""The share of the cells that are darker than its "center"."""


class CorrectionVerdict(enum.StrEnum):
    """What the sky of the lights says about the flat."""

    WORKS = "works"
    OVER = "over-corrects"
    UNDER = "under-corrects"
    CANNOT_TELL = "cannot tell"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ColorCorrection:
    """What one color says.

    ``eta`` is the exponent, ``rest_adu`` the rest c of the flat, ``corner`` by how much the darkest part of a
    calibrated sky is too bright (negative: too dark), as a share. ``level_adu`` is the mean of the flat, ``darkest``
    its darkest part over its brightest. ``degree`` is that of the sky, ``clipped_share`` the share of cells left out as
    nebulae, ``misfit`` by how much the sky's structure enlarged the errors.
    """

    color: str
    eta: Measured
    rest_adu: Measured
    corner: Measured
    level_adu: float
    darkest: float
    degree: int
    clipped_share: float
    misfit: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """The verdict, the number that decided, and what it was made of.

    ``corner`` is that of the color that decided, or of all colors together. ``reason`` says in words why, above all
    where nothing can be told.
    """

    verdict: CorrectionVerdict
    reason: str
    corner: Measured | None
    eta: Measured | None
    colors: tuple[ColorCorrection, ...]
    rests: Rests | None
    lights: int


def examine_correction(
    lights: Sequence[Sequence[Cells]],
    *,
    flats: Sequence[Cells],
    degree: int = SKY_DEGREE,
    corner_limit: float = CORNER_LIMIT,
) -> Correction:
    """Judge a flat by the skies of lights that were calibrated with it.

    Parameters
    ----------
    lights : sequence of sequences of Cells
        The cells of each light, as `cells_of_light` gives them; one light is enough where it tells enough.
    flats : sequence of Cells
        Those of the master flat, as `cells_of_flat` gives them.
    degree : int
        Of the sky's polynomial.
    corner_limit : float
        The share by which corners may be wrong.

    Returns
    -------
    Correction
        Over or under where the corners are wrong by more than the limit and by more than `SURE` standard errors. Works
        where they are wrong by less, and the error is below a third of the limit. Else it cannot tell.
    """
    colors, singly = [], []
    for place, flat in enumerate(flats):
        of_color = [light[place] for light in lights]
        exponent = fit_sky(of_color, flat=flat, law=EXPONENT, degree=degree)
        rest = None if exponent is None else fit_again(of_color, flat=flat, law=FLAT_REST, like=exponent)
        singly.append(rest)
        if exponent is not None and rest is not None:
            colors.append(_color(exponent, rest, flat))
    if not colors:
        reason = "too little of the sky is left, or the flat has nothing that a sky could not do"
        return Correction(
            verdict=CorrectionVerdict.CANNOT_TELL, reason=reason, corner=None, eta=None, colors=(), rests=None,
            lights=len(lights),
        )  # fmt: skip
    corner, eta = _together([one.corner for one in colors]), _together([one.eta for one in colors])
    # One color alone may be wrong: what is sure of it counts more than the mean.
    worst = max(colors, key=lambda one: abs(one.corner.value) if abs(one.corner.scatters) > SURE else 0.0)
    if abs(worst.corner.scatters) > SURE and abs(worst.corner.value) > max(corner_limit, abs(corner.value)):
        corner, eta = worst.corner, worst.eta
    verdict, reason = _verdict(corner, colors, corner_limit)
    if max(one.misfit for one in colors) > MISFIT:
        # The numbers of a fit that does not describe what is there mean nothing.
        return Correction(
            verdict=verdict, reason=reason, corner=None, eta=None, colors=tuple(colors), rests=None, lights=len(lights)
        )
    known = (corner_limit * _adu_per_corner(colors), corner_limit * _light_adu_per_corner(colors, lights))
    return Correction(
        verdict=verdict,
        reason=reason,
        corner=corner,
        eta=eta,
        colors=tuple(colors),
        rests=measure_rests(lights, flats=flats, singly=singly, known_adu=known),
        lights=len(lights),
    )


def corner_effect(rest_adu: float, *, dark_adu: float, bright_adu: float) -> float:
    """By how much the darkest part of a calibrated sky is too bright, where the flat holds a rest.

    Parameters
    ----------
    rest_adu : float
        The rest c.
    dark_adu, bright_adu : float
        The flat, rest included, where it is darkest and brightest.

    Returns
    -------
    float
        ``(1 - c/M_dark)/(1 - c/M_bright) - 1``; negative is too dark.
    """
    return (1.0 - rest_adu / dark_adu) / (1.0 - rest_adu / bright_adu) - 1.0


def correction_findings(correction: Correction, *, name: str) -> tuple[Finding, ...]:
    """The finding that a judgement gives: none where the flat works.

    Parameters
    ----------
    correction : Correction
    name : str
        The flat, or its group.

    Returns
    -------
    tuple of Finding
        Each says first what the eye will see, then the cause, then the numbers.
    """
    corner, eta = correction.corner, correction.eta
    if correction.verdict is CorrectionVerdict.WORKS:
        return ()
    if correction.verdict is CorrectionVerdict.CANNOT_TELL or corner is None or eta is None:
        return (finding("correction_unknown", name, f"{name}: {correction.reason}."),)
    under = correction.verdict is CorrectionVerdict.UNDER
    seen = f"corners of your lights will be {_percent(corner.value)} too {'dark' if under else 'bright'}"
    text = f"{name}: {seen}: flats {'under' if under else 'over'}-correct. {_cause(correction).rstrip('.')}"
    text += f" (eta {eta.value:+.4f} ± {eta.error:.4f}, z {abs(corner.scatters):.0f})."
    return (finding("under_corrected" if under else "over_corrected", name, text),)


def _cause(correction: Correction) -> str:
    rests = correction.rests
    if rests is None:
        return "No rest explains it."
    if rests.separated and rests.flat_of_both is not None and rests.lights_of_both is not None:
        parts = [
            _rest(subject, rest)
            for subject, rest in (("the flat", rests.flat_of_both), ("the lights", rests.lights_of_both))
            if abs(rest.scatters) > SURE
        ]
        if parts:
            text = ", and ".join(parts)
            return f"{text[0].upper()}{text[1:]}."
    flat, lights = _rest("the flat", rests.in_flat), _rest("the lights", rests.in_lights)
    return f"{flat[0].upper()}{flat[1:]}, or {lights}: one sky level cannot tell which."


def _rest(subject: str, rest: Measured) -> str:
    """Return "the flat holds 512 ± 17 ADU too much"; signs say what is in the frames."""
    verb = "hold" if subject.endswith("s") else "holds"
    digits = 0 if rest.error >= 3.0 else 1 if rest.error >= 0.3 else 2
    size = f"{abs(rest.value):.{digits}f} ± {rest.error:.{digits}f}"
    return f"{subject} {verb} {size} ADU too {'much' if rest.value > 0 else 'little'}"


def _percent(share: float) -> str:
    return f"{100.0 * abs(share):.2g} %" if abs(share) < 1.0 else "more than 100 %"


def _color(exponent: SkyFit, rest: SkyFit, flat: Cells) -> ColorCorrection:
    values = flat.value[np.isfinite(flat.value)]
    dark, bright = (float(np.quantile(values, share)) for share in (DARKEST, BRIGHTEST))
    c = _measured(rest)
    slope = corner_slope(c.value, dark_adu=dark, bright_adu=bright)
    corner = Measured(
        value=corner_effect(c.value, dark_adu=dark, bright_adu=bright),
        error=slope * c.error,
        bound=slope * c.bound,
    )
    return ColorCorrection(
        color=flat.color,
        eta=_measured(exponent),
        rest_adu=c,
        corner=corner,
        level_adu=float(values.mean()),
        darkest=dark / bright,
        degree=rest.degree,
        clipped_share=rest.clipped_share,
        misfit=rest.misfit,
    )


def corner_slope(rest_adu: float, *, dark_adu: float, bright_adu: float) -> float:
    """The size of the derivative of `corner_effect` by the rest, per ADU."""
    return abs((1.0 / dark_adu - 1.0 / bright_adu) / (1.0 - rest_adu / bright_adu) ** 2)


def _measured(fit: SkyFit) -> Measured:
    found = combined([fit])
    assert found is not None
    return found[0]


def _together(several: Sequence[Measured]) -> Measured:
    """The mean, weighted with the inverse variances."""
    weights = np.array([1.0 / max(one.error, 1e-12) ** 2 for one in several])
    least = np.array([1.0 / max(one.bound, 1e-12) ** 2 for one in several])
    value = float(np.average([one.value for one in several], weights=weights))
    return Measured(value=value, error=float(weights.sum()) ** -0.5, bound=float(least.sum()) ** -0.5)


def _verdict(corner: Measured, colors: Sequence[ColorCorrection], limit: float) -> tuple[CorrectionVerdict, str]:
    size, misfit = abs(corner.value), max(one.misfit for one in colors)
    clipped = max(one.clipped_share for one in colors)
    if misfit > MISFIT:
        text = f"the lights show no smooth sky: what the fit leaves moves it {misfit:.0f} times as far as noise could"
        return CorrectionVerdict.CANNOT_TELL, text
    if clipped > CLIPPED:
        text = f"{100 * clipped:.0f} % of the sky had to be left out as nebulae or structure that no smooth sky has"
        return CorrectionVerdict.CANNOT_TELL, text
    if size > limit and abs(corner.scatters) > SURE:
        under = corner.value < 0
        text = f"corners come out {_percent(corner.value)} too {'dark' if under else 'bright'}"
        return CorrectionVerdict.UNDER if under else CorrectionVerdict.OVER, text
    if corner.error > limit / KNOWN:
        text = (
            f"the lights tell the brightness of the corners to ± {_percent(corner.error)} only, and "
            f"± {_percent(limit / KNOWN)} is needed"
        )
        return CorrectionVerdict.CANNOT_TELL, text
    if size > limit:
        text = f"corners come out {_percent(corner.value)} wrong, ± {_percent(corner.error)}: that may be chance"
        return CorrectionVerdict.CANNOT_TELL, text
    text = f"corners come out right: {_percent(corner.value)} too {'dark' if corner.value < 0 else 'bright'}"
    return CorrectionVerdict.WORKS, f"{text}, ± {_percent(corner.error)}"


def _adu_per_corner(colors: Sequence[ColorCorrection]) -> float:
    """The rest of the flat, ADU, that changes the corners by all of their light."""
    return min(one.level_adu / max(1.0 / one.darkest - 1.0, 1e-6) for one in colors)


def _light_adu_per_corner(colors: Sequence[ColorCorrection], lights: Sequence[Sequence[Cells]]) -> float:
    """The same for a rest of the lights: their sky takes the place of the flat's level."""
    skies = [float(np.nanmedian(cells.value)) for light in lights for cells in light if np.isfinite(cells.value).any()]
    sky = float(np.median(skies)) if skies else 0.0
    return max(sky, 0.0) / max(1.0 / min(one.darkest for one in colors) - 1.0, 1e-6)
