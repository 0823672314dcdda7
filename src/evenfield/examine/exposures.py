"""The level of dark frames against their exposure: a straight line through the bias, where the bias is steady."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.model.pixels import Float64Array

LEAST_EXPOSURES: Final = 3
"""Two exposures always lie on a line."""

SAME_SHARE: Final = 0.05
"""Exposures that differ by no more count as one."""

DARK_ERROR: Final = 0.1
"""The error of a set's dark signal, as a share: 0.9 C for a dark current that doubles every 6 C."""

ERROR_PER_C: Final = 0.12
"""By how much dark current changes in one degree C, as a share: ``2^(1/6) - 1``."""

LEAST_C: Final = 0.3
"""Degrees C by which temperatures of sets that say the same may differ."""

LEAST_WANDER: Final = 0.05
"""The level of a bias wanders between sets by at least so much of a pixel's noise, whatever single sets say."""

MOST_PART: Final = 1.0 - 1e-9
"""A set that decides its own fit so much is compared with nothing."""

ROUNDS: Final = 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExposureLevel:
    """The level of a set of dark frames of one exposure, ADU, with the scatter of its frames' levels (None: one frame).

    ``sensor_c`` is the temperature, where it is known; a bias has an exposure of 0, or a very short one.
    """

    name: str
    exposure_s: float
    level_adu: float
    wander_adu: float | None
    sensor_c: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LevelLine:
    """Level against exposure, of the sets beside the one of least exposure: ``bias_adu + adu_per_s * exposure``.

    ``apart_adu`` is by how much the set ``name``, of the least exposure, lies above that line, ``z`` that in standard
    errors; ``longest_s`` is the longest exposure.
    """

    bias_adu: float
    adu_per_s: float
    name: str
    exposure_s: float
    apart_adu: float
    z: float
    n_exposures: int
    longest_s: float


def level_line(sets: Sequence[ExposureLevel], *, noise_adu: float) -> LevelLine | None:
    """Fit a straight line through the levels of sets of one camera, setting and temperature.

    Weighted least squares. The variance of a level is that by which levels of frames of one set wander (taken whole,
    since sets lie further apart in time than frames), and that of a dark signal whose temperature is known only so far.

    Parameters
    ----------
    sets : sequence of ExposureLevel
    noise_adu : float
        The noise of a pixel of a short dark frame.

    Returns
    -------
    LevelLine or None
        Nothing where there are fewer than `LEAST_EXPOSURES` exposures.
    """
    t = np.array([one.exposure_s for one in sets], np.float64)
    if _different(t) < LEAST_EXPOSURES:
        return None
    level = np.array([one.level_adu for one in sets], np.float64)
    known = [one.wander_adu for one in sets if one.wander_adu is not None]
    usual = max(float(np.median(known)) if known else 0.0, LEAST_WANDER * noise_adu)
    wander = np.array([max(one.wander_adu or 0.0, usual) for one in sets], np.float64)
    design = np.stack([np.ones_like(t), t], axis=1)
    dark = np.zeros_like(t)
    found: Float64Array = np.zeros(2)
    inverse: Float64Array = np.zeros((2, 2))
    variance = np.square(wander)
    for _ in range(ROUNDS):
        variance = np.square(wander) + np.square(_dark_errors(sets) * dark)
        weighted = design / variance[:, None]
        inverse = np.linalg.inv(design.T @ weighted).astype(np.float64)
        found = inverse @ (weighted.T @ level)
        dark = np.maximum(found[1], 0.0) * t
    # The set of least exposure against the line through the others: what it takes part in the fit is taken off again.
    at = int(np.argmin(t))
    part = float(design[at] @ inverse @ design[at]) / variance[at]
    if part > MOST_PART:
        return None
    apart = float(level[at] - design[at] @ found) / (1.0 - part)
    without = found - inverse @ design[at] * apart / variance[at]
    return LevelLine(
        bias_adu=float(without[0]),
        adu_per_s=float(without[1]),
        name=sets[at].name,
        exposure_s=sets[at].exposure_s,
        apart_adu=apart,
        z=abs(apart) / float(np.sqrt(variance[at] / (1.0 - part))),
        n_exposures=_different(t),
        longest_s=float(t.max()),
    )


def _different(exposures: Float64Array) -> int:
    """How many exposures there are that differ."""
    count, last = 0, -np.inf
    for one in np.sort(exposures):
        if count == 0 or one - last > SAME_SHARE * one:
            count, last = count + 1, one
    return count


def _dark_errors(sets: Sequence[ExposureLevel]) -> Float64Array:
    """The relative error of each set's dark signal, from how far its temperature lies from the middle of all."""
    known = [one.sensor_c for one in sets if one.sensor_c is not None]
    if len(known) < len(sets):
        return np.full(len(sets), DARK_ERROR)
    middle = float(np.median(known))
    return np.array([ERROR_PER_C * max(abs(one - middle), LEAST_C) for one in known])
