"""Levels of dark frames against their exposure: a line through the bias is silent, what is off it is told."""

from __future__ import annotations

import numpy as np
import pytest

from evenfield.examine.exposures import ExposureLevel, LevelLine, level_line
from evenfield.examine.set_findings import bias_drift_finding
from evenfield.model.verdict_limits import VERDICT_LIMITS, verdict_limits

NOISE = 6.0
LIMIT = VERDICT_LIMITS["bias_drift"].default * NOISE


def line(
    rng: np.random.Generator, *, drift: float = 0.0, exposures: tuple[float, ...] = (0.0, 2.0, 10.0, 60.0, 300.0)
) -> LevelLine | None:
    """Sets of a camera with 0.4 ADU a second at -10 C, whose bias lies ``drift`` ADU below the darks."""
    sets = []
    for number, exposure in enumerate(exposures):
        warm = rng.normal(-10.0, 0.2)
        dark = 0.4 * exposure * 2.0 ** ((warm + 10.0) / 6.0)
        level = 500.0 + dark + rng.normal(0.0, 0.3) + (drift if exposure else 0.0)
        name = f"set_{number}"
        sets.append(
            ExposureLevel(name=name, exposure_s=exposure, level_adu=level, wander_adu=0.3, sensor_c=float(warm))
        )
    return level_line(sets, noise_adu=NOISE)


def test_a_steady_bias_is_silent() -> None:
    """Dark current, temperatures that stray by 0.2 C and levels that wander by 0.3 ADU make no bias drift."""
    rng = np.random.default_rng(1)
    for _ in range(300):
        found = line(rng)
        assert found is not None
        assert bias_drift_finding(found, name="bias", noise_adu=NOISE, limits=verdict_limits(())) is None


def test_the_line_is_that_of_the_dark_current() -> None:
    """Its slope is the dark current within its error, its start the bias."""
    rng = np.random.default_rng(2)
    found = [line(rng) for _ in range(200)]
    assert np.mean([one.bias_adu for one in found if one]) == pytest.approx(500.0, abs=0.1)
    assert np.mean([one.adu_per_s for one in found if one]) == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_bias_that_depends_on_exposure_is_told(sign: float) -> None:
    """A bias that lies off the line by one and a half limits is told, and named."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        found = line(rng, drift=sign * 1.5 * LIMIT)
        assert found is not None
        told = bias_drift_finding(found, name="bias", noise_adu=NOISE, limits=verdict_limits(()))
        assert told is not None
        assert told.code == "bias_drifts_with_exposure"
        assert found.name == "set_0"
        assert found.apart_adu == pytest.approx(-sign * 1.5 * LIMIT, abs=2.5)
        assert found.apart_adu * sign < 0


def test_two_exposures_say_nothing() -> None:
    """A line always goes through two points; exposures within 5 % are one."""
    rng = np.random.default_rng(4)
    assert line(rng, exposures=(0.0, 60.0)) is None
    assert line(rng, exposures=(0.0, 60.0, 61.0)) is None
    assert line(rng, exposures=(0.0, 60.0, 70.0)) is not None
