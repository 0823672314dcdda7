"""Bias or dark flats: decided by the error in the light, said with its cause, left open where frames cannot tell."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from evenfield.errors import UsageError
from evenfield.examine.bias_or_dark_flat import (
    DarkFlatAnswer,
    DarkFlatChoice,
    FlatLevels,
    bias_or_dark_flats,
    flat_levels,
)
from evenfield.examine.camera_findings import choice_findings
from evenfield.examine.dark_sets import DarkSet
from evenfield.model.frame import FrameKind
from evenfield.simulate import Camera, Optics, camera_patterns, expose, illumination

CAMERA = Camera(name="choice", shape=(256, 256), egain_e_per_adu=0.5, read_noise_e=3.0, cosmic_rays_per_s=0.2)
LEVEL_ADU = 20000.0
NOISE = 0.0008


def light(loss: float = 0.5) -> NDArray[np.float64]:
    """A flat without noise, whose center has LEVEL_ADU."""
    image = illumination(Optics(corner_loss=loss), shape=CAMERA.shape)
    return image / image[128, 128] * LEVEL_ADU


def taken(camera: Camera, n_frames: int, *, kind: FrameKind, exposure_s: float, seed: int) -> DarkSet:
    rng = np.random.default_rng(seed)
    made = DarkSet(camera.shape, cfa=camera.cfa)
    return made.add_all(expose(camera, kind=kind, exposure_s=exposure_s, rng=rng) for _ in range(n_frames))


def choose(of_dark: Camera, *, of_bias: Camera = CAMERA, n_frames: int = 12, noise: float = NOISE) -> DarkFlatChoice:
    bias = taken(of_bias, n_frames, kind=FrameKind.BIAS, exposure_s=0.0, seed=1)
    darks = taken(of_dark, n_frames, kind=FrameKind.DARK_FLAT, exposure_s=5.0, seed=2)
    return bias_or_dark_flats(darks, bias=bias, flat=flat_levels(light(), noise_share=noise))


def codes(choice: DarkFlatChoice) -> list[str]:
    return [one.code for one in choice_findings(choice, name="Ha")]


def test_bias_is_enough_where_nothing_differs() -> None:
    """A short exposure without glow needs no dark flats, however many frames could show a difference."""
    choice = choose(CAMERA)
    assert choice.answer is DarkFlatAnswer.BIAS_IS_ENOUGH
    assert choice.limit_share == 1e-3
    assert max(effect.high for _, effect in choice.parts) < 1e-4
    assert codes(choice) == ["bias_is_enough"]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_level_counts_by_what_it_does_to_the_corners(sign: float) -> None:
    """A bias that depends on the exposure is needed where c/level * (1/Vmin - 1) exceeds the limit, and not below."""
    lowest = flat_levels(light(), noise_share=NOISE).lowest_adu[0]
    per_adu = 1.0 / lowest - 1.0 / LEVEL_ADU
    answers = []
    for factor in (0.7, 1.4):
        shift = sign * factor * 1e-3 / per_adu
        choice = choose(dataclasses.replace(CAMERA, bias_adu=500.0 + shift))
        # 0.015 ADU are the dark signal.
        assert choice.level.adu == pytest.approx(shift + 0.03, abs=0.1)
        assert choice.level.share == pytest.approx(factor * 1e-3, rel=0.02)
        answers.append(choice.answer)
    assert answers == [DarkFlatAnswer.BIAS_IS_ENOUGH, DarkFlatAnswer.DARK_FLATS_ARE_NEEDED]
    message = choice_findings(choice, name="Ha")[0].message
    assert f"corners of your lights will be 0.14 % too {'dark' if sign > 0 else 'bright'}" in message
    assert ", z " in message


def test_glow_counts_where_it_is_worst() -> None:
    """Glow in one corner is needed by its greatest effect there, though it hardly changes the mean level."""
    corner = light()[:16, :16].mean()
    answers = []
    for factor in (0.6, 1.6):
        glow = factor * 1e-3 * corner * CAMERA.egain_e_per_adu / 5.0
        camera = dataclasses.replace(CAMERA, glow_e_per_s=glow)
        true = camera_patterns(camera).glow_e_per_s[:16, :16].mean() * 5.0 / CAMERA.egain_e_per_adu / corner
        choice = choose(camera)
        assert choice.glow.share == pytest.approx(true, rel=0.1)
        assert choice.level.share < 2e-4
        answers.append(choice.answer)
    assert answers == [DarkFlatAnswer.BIAS_IS_ENOUGH, DarkFlatAnswer.DARK_FLATS_ARE_NEEDED]
    assert "too dark where the sensor glows" in choice_findings(choice, name="Ha")[0].message


def test_pattern_is_told_from_noise() -> None:
    """A pattern below the noise of the masters is measured, and noise does not pass for it."""
    # Four frames of 6 ADU: each half of the difference has 6 ADU of noise, so that its square is known to 36/256.
    plain = choose(CAMERA, n_frames=4)
    assert plain.pattern.adu**2 < 3.0 * 36.0 / 256.0
    assert plain.pattern.low == 0.0
    pattern = 20.0 / math.sqrt(2.0)
    of_bias = dataclasses.replace(CAMERA, bias_pattern_adu=pattern)
    choice = choose(dataclasses.replace(of_bias, seed=2), of_bias=of_bias, n_frames=4)
    assert choice.pattern.adu == pytest.approx(20.0, rel=0.05)
    assert choice.answer is DarkFlatAnswer.DARK_FLATS_ARE_NEEDED


def test_noise_of_the_master_raises_the_limit() -> None:
    """What the master flat's own noise hides does not matter."""
    lowest = flat_levels(light(), noise_share=NOISE).lowest_adu[0]
    shift = 1.5e-3 / (1.0 / lowest - 1.0 / LEVEL_ADU)
    camera = dataclasses.replace(CAMERA, bias_adu=500.0 + shift)
    assert choose(camera).answer is DarkFlatAnswer.DARK_FLATS_ARE_NEEDED
    assert choose(camera, noise=0.003).answer is DarkFlatAnswer.BIAS_IS_ENOUGH


def test_wandering_level_leaves_it_open() -> None:
    """Where the level wanders from frame to frame by more than the limit, few frames cannot tell, and say why."""
    camera = dataclasses.replace(CAMERA, bias_drift_adu=40.0)
    choice = choose(camera, n_frames=4)
    assert choice.answer is DarkFlatAnswer.CANNOT_TELL
    assert "level" in choice.reason
    assert codes(choice) == ["bias_or_dark_unclear", "level_wanders"]


def test_slow_wander_has_a_larger_error() -> None:
    """Levels that drift steadily are fewer independent values than frames."""
    frames = [np.full((32, 32), 500.0 + each, np.float32) for each in range(20)]
    rng = np.random.default_rng(1)
    steady, mixed = DarkSet((32, 32)).add_all(frames), DarkSet((32, 32))
    mixed.add_all(frames[int(each)] for each in rng.permutation(20))
    assert steady.level_error_adu is not None
    assert mixed.level_error_adu == pytest.approx(np.std(np.arange(20), ddof=1) / math.sqrt(20), rel=1e-4)
    assert steady.level_error_adu > 2.0 * mixed.level_error_adu


def test_masters_tell_what_they_can() -> None:
    """Masters with their noise and level error are as good as frames; without, the answer is left open."""
    rng = np.random.default_rng(3)
    bias = [
        500.0 + rng.normal(0.0, 6.0 / math.sqrt(20), CAMERA.shape).astype(np.float32),
        510.0 + rng.normal(0.0, 6.0 / math.sqrt(20), CAMERA.shape).astype(np.float32),
    ]
    flat = flat_levels(light(), noise_share=NOISE)
    known = [DarkSet.of_master(each, n_frames=20, noise_adu=6.0 / math.sqrt(20), level_error_adu=0.05) for each in bias]
    found = bias_or_dark_flats(known[1], bias=known[0], flat=flat)
    assert found.answer is DarkFlatAnswer.BIAS_IS_ENOUGH
    assert found.level.adu == pytest.approx(10.0, abs=0.1)
    unknown = [DarkSet.of_master(each, n_frames=20) for each in bias]
    found = bias_or_dark_flats(unknown[1], bias=unknown[0], flat=flat)
    assert found.answer is DarkFlatAnswer.CANNOT_TELL
    assert found.reason


def test_level_and_vignetting_stand_in_for_the_master() -> None:
    """Without the master flat its level and faintest part are enough: glow is taken to lie there."""
    bias = taken(CAMERA, 8, kind=FrameKind.BIAS, exposure_s=0.0, seed=1)
    darks = taken(dataclasses.replace(CAMERA, bias_adu=560.0), 8, kind=FrameKind.DARK_FLAT, exposure_s=5.0, seed=2)
    flat = FlatLevels(center_adu=(LEVEL_ADU,), lowest_adu=(0.5 * LEVEL_ADU,), noise_share=NOISE)
    found = bias_or_dark_flats(darks, bias=bias, flat=flat)
    assert found.level.share == pytest.approx(60.0 / LEVEL_ADU * (1.0 / 0.5 - 1.0), rel=0.01)
    assert found.answer is DarkFlatAnswer.DARK_FLATS_ARE_NEEDED


def test_hot_pixels_are_counted_but_do_not_decide() -> None:
    """Hot pixels that would spoil lights are counted apart from the pattern."""
    hot = dataclasses.replace(CAMERA, hot_share=0.004, hot_strength=20000.0, cosmic_rays_per_s=0.0)
    choice = choose(hot, of_bias=hot)
    assert choice.answer is DarkFlatAnswer.BIAS_IS_ENOUGH
    # The limit is 17 ADU of 600, of an exponential distribution: 97 % of the hot pixels are above it.
    assert choice.hot_share == pytest.approx(0.97 * 0.004, rel=0.05)


def test_sets_that_do_not_fit_are_refused() -> None:
    """Different shapes, empty sets and a flat without light are errors."""
    flat = flat_levels(light(), noise_share=NOISE)
    some = DarkSet(CAMERA.shape).add_all([np.full(CAMERA.shape, 500.0)] * 2)
    with pytest.raises(UsageError, match="shapes"):
        bias_or_dark_flats(DarkSet((64, 64)), bias=some, flat=flat)
    with pytest.raises(UsageError, match="no bias"):
        bias_or_dark_flats(some, bias=DarkSet(CAMERA.shape), flat=flat)
    with pytest.raises(UsageError, match="no light"):
        flat_levels(np.zeros(CAMERA.shape), noise_share=NOISE)
