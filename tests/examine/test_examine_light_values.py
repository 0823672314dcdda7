"""Values of calibrated lights: the pedestal that they need, and colors before and after the flat."""

from __future__ import annotations

import numpy as np
import pytest

from evenfield.examine.light_values import (
    NEGATIVE_SHARE,
    color_finding,
    color_ratios,
    light_values,
    pedestal_finding,
)
from evenfield.model.verdict_limits import verdict_limits

SHAPE = (200, 300)
LIMITS = verdict_limits(())


def sky(seed: int, level: float, *, noise: float = 10.0) -> np.ndarray:
    """A sky of one level, normal noise."""
    return np.random.default_rng(seed).normal(level, noise, SHAPE).astype(np.float32)


def test_the_pedestal_leaves_the_share_that_is_promised() -> None:
    """For normal noise it is 3.72 standard deviations below the sky; a bright sky needs none."""
    flat = np.ones(SHAPE, np.float32)
    found = light_values(sky(1, 20.0), divide=flat, cfa=None)
    assert found.pedestal_adu == pytest.approx(3.72 * 10.0 - 20.0, abs=4.0)
    left = np.mean(sky(1, 20.0) + found.pedestal_adu < 0)
    assert left <= NEGATIVE_SHARE
    assert found.negative == pytest.approx(0.0228, abs=0.002)
    assert light_values(sky(2, 100.0), divide=flat, cfa=None).pedestal_adu == 0.0


def test_a_pedestal_is_asked_for_where_values_are_cut_off() -> None:
    """Only in files without negative numbers, and where none is added."""
    lights = [light_values(sky(1, 20.0), divide=np.ones(SHAPE, np.float32), cfa=None)]
    told = pedestal_finding(lights, name="lights", unsigned=True, pedestal="none")
    assert told is not None
    assert told.fix == ("--add-pedestal", f"{lights[0].pedestal_adu:.0f}")
    assert pedestal_finding(lights, name="lights", unsigned=False, pedestal="none") is None
    assert pedestal_finding(lights, name="lights", unsigned=True, pedestal="auto") is None


def mosaic(red: float, green: float, blue: float) -> np.ndarray:
    """An RGGB frame of three levels."""
    made = np.full(SHAPE, green, np.float32)
    made[::2, ::2], made[1::2, 1::2] = red, blue
    return made


@pytest.mark.parametrize("by", [1.03, 1.08])
def test_colors_that_one_scale_shifts_are_told(by: float) -> None:
    """Above 5 %, with the numbers before and after; scaled color by color the flat shifts nothing."""
    light = mosaic(300.0, 500.0, 400.0) + sky(3, 0.0)
    joint = mosaic(1.0 / by, 1.0, 1.0)
    ratios = color_ratios([light_values(light, divide=joint, cfa="RGGB")])
    assert [one.color for one in ratios] == ["R", "B"]
    assert ratios[0].before == pytest.approx(0.6, rel=0.005)
    assert ratios[0].factor == pytest.approx(by, rel=0.005)
    assert ratios[1].factor == pytest.approx(1.0, rel=0.005)
    told = color_finding(ratios, name="lights", joint=True, limits=LIMITS)
    assert (told is not None) == (by > 1.05)
    assert told is None or ("red" in told.message and "blue" not in told.message)
    assert color_finding(ratios, name="lights", joint=False, limits=LIMITS) is None
    assert color_ratios([light_values(light, divide=joint, cfa=None)]) == ()
