"""Finished masters: measurements, and the gross faults that they show."""

from __future__ import annotations

import dataclasses

import numpy as np

from evenfield.examine.limits import (
    BAD_PIXELS,
    LOW_LIGHT,
    REST_ADU,
    SATURATED_MASTER,
    TOO_BRIGHT,
    WEAK,
)
from evenfield.examine.statistics import Each, count_between, median_of, moments, one_by_one
from evenfield.model.catalogue import CATALOGUE, finding
from evenfield.model.findings import Finding
from evenfield.model.pixels import Float32Array
from evenfield.model.report import Verdict
from evenfield.model.wording import plural


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MasterFacts:
    """What is known of a flat beside its pixels.

    ``level_adu`` is the mean level of the frames above what was subtracted, ``full_scale_adu`` the saturation level,
    ``saturated`` the share of saturated samples in the frames combined; ``None`` is unknown.
    """

    name: str
    level_adu: float | None
    full_scale_adu: float | None
    saturated: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Measured values, and findings about them."""

    measured: dict[str, float | None]
    findings: tuple[Finding, ...]


def corner_ratio(pixels: Float32Array) -> float | None:
    """Mean of the four corners over that of the center, boxes of a tenth of the sides; ``None`` if undefined."""
    rows, columns = pixels.shape
    h, w = max(1, rows // 10), max(1, columns // 10)
    corners = [pixels[:h, :w], pixels[:h, -w:], pixels[-h:, :w], pixels[-h:, -w:]]
    top, left = (rows - h) // 2, (columns - w) // 2
    center = _mean(pixels[top : top + h, left : left + w])
    known = [mean for mean in map(_mean, corners) if mean is not None]
    if center is None or center <= 0 or not known:
        return None
    return sum(known) / len(known) / center


def _mean(box: Float32Array) -> float | None:
    finite = box[np.isfinite(box)]
    return float(finite.mean(dtype=np.float64)) if finite.size else None


def percent(share: float) -> str:
    """A share in words, two digits of it: "0.42 %", "53 %", "100 %"."""
    # Two digits of 100 would be "1e+02".
    number = 100.0 * share
    return f"{number:.0f} %" if number >= 99.5 else f"{number:.2g} %"


def _pixels(count: int, size: int) -> str:
    """Return "1 pixel (0.42 %) is" or "24 pixels (10 %) are"."""
    return f"{plural(count, 'pixel')} ({percent(count / size)}) {'is' if count == 1 else 'are'}"


def examine_flat(pixels: Float32Array, *, facts: MasterFacts, each: Each = one_by_one) -> Examination:
    """Examine a master flat for gross faults: light, saturation, what is left after calibration.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
        The master before it is brought to a level, ADU.
    facts : MasterFacts
    each : Each, optional
        How pieces of the master are shared out among threads.
    """
    name = facts.name
    size = pixels.size
    n_finite, mean, _ = moments(pixels, each=each)
    not_positive = count_between(pixels, -np.inf, 0.0, each=each)
    weak = count_between(pixels, 0.0, WEAK * mean, closed=False, each=each) if mean is not None else 0
    ratio = corner_ratio(pixels)
    level, full = facts.level_adu, facts.full_scale_adu
    share = level / full if level is not None and full else None
    found: list[Finding] = []
    if mean is None or level is None or mean <= 0 or level <= 0:
        text = f"{name}: a level of {mean or 0.0:.1f} ADU is left after calibration."
        if mean is None or level is None:
            text = f"{name}: no level can be told, since all pixels are saturated or without a value."
        found.append(finding("level_not_positive", name, text))
    elif share is None:
        found.append(finding("full_scale_unknown", name, f"{name}: the frames do not tell their saturation level."))
    elif share < LOW_LIGHT:
        text = f"{name}: {level:.0f} ADU, {100 * share:.0f} % of full scale; aim at about 50 %."
        found.append(finding("low_light", name, text))
    elif share > TOO_BRIGHT:
        text = f"{name}: {level:.0f} ADU, {100 * share:.0f} % of full scale; aim at about 50 %."
        found.append(finding("too_bright", name, text))
    if facts.saturated is not None and facts.saturated > SATURATED_MASTER:
        text = f"{name}: {percent(facts.saturated)} of the samples were saturated."
        found.append(finding("saturated_pixels", name, text))
    if mean is not None and mean > 0 and not_positive > BAD_PIXELS * size:
        text = f"{name}: {_pixels(not_positive, size)} at or below zero."
        found.append(finding("pixels_not_positive", name, text))
    if weak > BAD_PIXELS * size:
        found.append(finding("weak_pixels", name, f"{name}: {_pixels(weak, size)} below 0.2 of the level."))
    empty = size - n_finite
    if empty:
        found.append(finding("no_data_pixels", name, f"{name}: {_pixels(empty, size)} without a value."))
    measured = {
        "level_adu": level,
        "level_share": share,
        "full_scale_adu": full,
        "mean_adu": mean,
        "corner_ratio": ratio,
        "saturated_share": facts.saturated,
        "not_positive_pixels": float(not_positive),
        "weak_pixels": float(weak),
        "no_data_pixels": float(empty),
        "corner_error_per_100_adu": rest_effect(level, ratio),
    }
    return Examination(measured=measured, findings=tuple(found))


def rest_effect(level_adu: float | None, ratio: float | None, *, rest_adu: float = REST_ADU) -> float | None:
    """How much too dark the corners of a light become for each ``rest_adu`` of bias left in its flat, as a share.

    A flat ``V`` with a rest ``c`` (relative to the level at the center) is ``(V + c)/(1 + c)``; the corner of a
    corrected light becomes ``V (1 + c)/(V + c)`` of what it should be.
    """
    if level_adu is None or ratio is None or level_adu <= 0 or ratio <= 0:
        return None
    rest = rest_adu / level_adu
    return 1.0 - ratio * (1.0 + rest) / (ratio + rest)


def examine_dark(pixels: Float32Array, *, name: str, each: Each = one_by_one) -> Examination:
    """Examine a bias, dark or dark flat master: its mean, scatter, and pixels without data."""
    n_finite, mean, std = moments(pixels, each=each)
    found = []
    empty = pixels.size - n_finite
    if empty:
        found.append(finding("no_data_pixels", name, f"{name}: {_pixels(empty, pixels.size)} without a value."))
    return Examination(
        measured={
            "mean_adu": mean,
            "median_adu": median_of(pixels, n_finite, each=each),
            "std_adu": std,
            "no_data_pixels": float(empty),
        },
        findings=tuple(found),
    )


_ORDER = (Verdict.WILL_NOT_WORK, Verdict.CHECK, Verdict.CANNOT_TELL)


def verdict_of(findings: tuple[Finding, ...], *, otherwise: str) -> tuple[Verdict, str]:
    """The verdict that findings leave at best, with the message that decided; ``otherwise`` says why it works.

    The table is that of the catalogue (docs/findings.md): will not work before check before cannot tell.
    """
    for verdict in _ORDER:
        for one in findings:
            if CATALOGUE[one.code].verdict is verdict:
                return verdict, one.message
    return Verdict.WORKS, otherwise
