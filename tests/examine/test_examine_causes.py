"""Fourteen causes, ranked from measures; and the measures themselves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from cause_scenes import faulty_night
from numpy.typing import NDArray

from evenfield.examine.causes import rank_causes
from evenfield.examine.evidence import Contrast, Evidence, gather_evidence
from evenfield.examine.geometry import examine_geometry
from evenfield.examine.relief import flat_relief, light_relief
from evenfield.examine.residues import Measured, hot_share, pattern_share
from evenfield.examine.shades import shade_spread, stray_shades
from evenfield.model.causes import Cause

F32 = NDArray[np.float32]


def contrast(light: float, *, value: Measured, flat: float = 20000.0) -> tuple[Contrast, ...]:
    return (Contrast(light_adu=light, flat_adu=flat, value=value),)


WELL = Evidence(
    contrasts=contrast(1000.0, value=Measured(1.0, 0.02)),
    bias_level_adu=500.0,
    dark_level_adu=520.0,
    flat_pattern=Measured(0.0, 0.1),
    light_pattern=Measured(0.0, 0.03),
    hot_share=Measured(0.0, 0.003),
    gain_of_flats=Measured(0.0, 0.03),
    noise_of_darks=Measured(0.0, 0.02),
    dark_spread=Measured(0.0, 1.2),
    saturation=Measured(0.0, 1e-4),
    bend=Measured(0.0, 0.01),
    stray=Measured(0.0, 1.2),
    turned=Measured(0.0, 1.0),
    shifted=Measured(0.0, 1.0),
    flipped=Measured(0.0, 1.0),
    moved_dust=Measured(0.0, 1.0),
)


def seen(**changed: object) -> Evidence:
    return dataclasses.replace(WELL, **changed)  # type: ignore[arg-type]


CASES = [
    (Cause.NONE, WELL),
    (Cause.FLAT_WITHOUT_DARK, seen(contrasts=contrast(1000.0, flat=5500.0, value=Measured(1.1, 0.02)),
                                   flat_pattern=Measured(1.02, 0.1), light_pattern=Measured(-0.18, 0.03))),
    (Cause.LIGHT_WITHOUT_DARK, seen(contrasts=contrast(1520.0, value=Measured(1000 / 1520, 0.02)),
                                    hot_share=Measured(1.0, 0.01), light_pattern=Measured(1.0, 0.03))),
    (Cause.BIAS_TWICE, seen(contrasts=contrast(1000.0, value=Measured(1.5, 0.02)), light_pattern=Measured(-1.0, 0.03))),
    (Cause.BIAS_TWICE, seen(contrasts=contrast(1000.0, flat=4500.0, value=Measured(0.9, 0.02)),
                            flat_pattern=Measured(-1.0, 0.1), light_pattern=Measured(0.22, 0.03))),
    (Cause.GAIN_MISMATCH, seen(noise_of_darks=Measured(0.3, 0.02), hot_share=Measured(-0.35, 0.003))),
    (Cause.OFFSET_MISMATCH, seen(contrasts=contrast(1300.0, value=Measured(1000 / 1300, 0.02)))),
    (Cause.EXPOSURE_MISMATCH, seen(hot_share=Measured(0.2, 0.003))),
    (Cause.FLAT_ROTATED, seen(turned=Measured(20.0, 1.0), contrasts=())),
    (Cause.FLAT_SHIFTED, seen(shifted=Measured(6.0, 1.0), contrasts=())),
    (Cause.FLAT_FLIPPED, seen(flipped=Measured(150.0, 1.0), contrasts=())),
    (Cause.DUST_MOVED, seen(moved_dust=Measured(9.0, 1.0))),
    (Cause.LIGHT_LEAK, seen(dark_spread=Measured(15.0, 1.2))),
    (Cause.FLAT_NOT_LINEAR, seen(bend=Measured(-0.1, 0.01), contrasts=contrast(1000.0, value=Measured(1.2, 0.02)))),
    (Cause.FLAT_NOT_LINEAR, seen(saturation=Measured(0.02, 1e-4), bend=Measured(-0.1, 0.01))),
    (Cause.STRAY_LIGHT, seen(stray=Measured(12.0, 1.2))),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "evidence"), CASES)
def test_each_cause_is_named_from_what_it_does(cause: Cause, evidence: Evidence) -> None:
    """Measures as a cause makes them rank it first, and the probabilities add up to 1."""
    ranking = rank_causes(evidence)
    assert ranking.ranked[0][0] is cause
    assert len(ranking.ranked) == len(Cause) == 14
    assert sum(probability for _, probability in ranking.ranked) == pytest.approx(1.0)


def test_what_one_measure_cannot_tell_is_a_pair_with_the_reason() -> None:
    """Without raw darks and bias frames a wrong gain and a wrong exposure of the darks are answered together."""
    ranking = rank_causes(seen(hot_share=Measured(0.2, 0.003), noise_of_darks=None))
    assert set(ranking.answer) == {Cause.EXPOSURE_MISMATCH, Cause.GAIN_MISMATCH}
    assert "two raw darks" in ranking.reason


def test_without_any_measure_nothing_is_known() -> None:
    """No measures leave all causes equally likely, and there is no answer."""
    ranking = rank_causes(Evidence())
    assert ranking.answer == ()
    assert ranking.probability(Cause.NONE) == pytest.approx(1 / 14)
    assert "not at hand" in ranking.reason


def columns(seed: int = 1) -> tuple[F32, np.random.Generator]:
    rng = np.random.default_rng(seed)
    pattern = 500 + 1.5 * rng.standard_normal((1, 500)) + 0.7 * rng.standard_normal((300, 500))
    return pattern.astype(np.float32), rng


@pytest.mark.parametrize("share", [-1.0, 0.0, 1.0])
def test_the_share_of_the_bias_pattern(share: float) -> None:
    """A light with the bias left in, taken away or taken away twice shows 1, 0 or -1 within four errors."""
    bias, rng = columns()
    light = (1000 + share * bias + 15 * rng.standard_normal(bias.shape)).astype(np.float32)
    found = pattern_share(light, of=bias)
    assert found is not None
    assert found.error < 0.1
    assert abs(found.value - share) < 4 * found.error


def test_a_bias_without_a_pattern_says_nothing() -> None:
    """Where the columns of a bias differ by noise alone there is no share."""
    rng = np.random.default_rng(1)
    bias = rng.normal(500, 1, (300, 500)).astype(np.float32)
    assert pattern_share(bias, of=bias) is None


@pytest.mark.parametrize("share", [-1.0, 0.0, 0.1, 1.0])
def test_the_share_of_hot_pixels(share: float) -> None:
    """Hot pixels left in a light are measured within four errors; stars on some of them do not count."""
    rng = np.random.default_rng(2)
    dark = rng.normal(20, 1, (300, 500)).astype(np.float32)
    hot = rng.choice(dark.size, 200, replace=False)
    dark.flat[hot] += rng.uniform(50, 500, 200).astype(np.float32)
    light = (1000 + share * dark + rng.normal(0, 20, dark.shape)).astype(np.float32)
    light.flat[hot[:5]] += 20000
    found = hot_share(light, dark=dark)
    assert found is not None
    assert found.error < 0.02
    assert abs(found.value - share) < 4 * found.error


def test_few_hot_pixels_say_nothing() -> None:
    """A dark without hot pixels gives no share."""
    dark = np.random.default_rng(1).normal(20, 1, (200, 200)).astype(np.float32)
    assert hot_share(dark, dark=dark) is None


def test_darks_that_saw_light_differ_in_shade() -> None:
    """A gradient of a fraction of an ADU in one dark of four stands out; equal darks with drifting levels do not."""
    rng = np.random.default_rng(3)
    darks = [np.rint(rng.normal(500 + k, 4, (480, 640))).astype(np.float32) for k in range(4)]
    well = shade_spread(darks)
    darks[2] += np.linspace(0, 1.5, 640, dtype=np.float32)
    leaking = shade_spread(darks)
    assert well is not None
    assert leaking is not None
    assert abs(well.value) < 4 * well.error
    assert leaking.value > 8 * leaking.error


def test_an_arc_of_stray_light_is_not_a_smooth_sky() -> None:
    """A faint arc stands out of lights; a sky with a gradient does not."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[-1:1:480j, -1:1:640j]
    flat = (20000 * (1 - 0.3 * (x * x + y * y) / 2)).astype(np.float32)
    sky = 1000 * (1 + 0.1 * x - 0.05 * y) * flat / 20000
    lights = [(sky + rng.normal(0, 30, sky.shape)).astype(np.float32) for _ in range(3)]
    well = stray_shades(lights, flat=flat)
    arc = 6 * np.exp(-0.5 * ((np.hypot(y + 1.2, x) - 1.3) / 0.1) ** 2)
    stray = stray_shades([(light + arc).astype(np.float32) for light in lights], flat=flat)
    assert well is not None
    assert stray is not None
    assert abs(well.value) < 4 * well.error
    assert stray.value > 8 * stray.error


@pytest.mark.parametrize(
    "cause",
    [Cause.NONE, Cause.LIGHT_WITHOUT_DARK, Cause.FLAT_SHIFTED],
)
def test_the_cause_from_pixels(cause: Cause) -> None:
    """A night with one fault of five times the detection limit names it, from its frames alone."""
    frames = faulty_night(cause, 5.0, seed=11, shape=(480, 640))
    geometry = examine_geometry(flat_relief(frames.flat), light=light_relief(frames.lights))
    ranking = rank_causes(gather_evidence(frames, geometry=geometry))
    assert ranking.ranked[0][0] is cause
