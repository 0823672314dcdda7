"""The pedestal of flats without dark flats: by the sky of the lights, and by the noise of the flats."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sky_scenes import XTRANS, SkyScene, drawn_cells, drawn_noise_points

from evenfield.examine.inferred import DarkPattern, ReadNoise, infer_pedestal, pedestal_finding, rescue_finding
from evenfield.examine.noise_line import BOW, NoisePoints, fit_noise_line, joined, noise_points
from evenfield.examine.rests import Measured
from evenfield.examine.sky import cells_of_pattern
from evenfield.model.frame import FrameKind
from evenfield.simulate.exposure import expose

PEDESTAL = 2000.0
SCENE = SkyScene(shape=(1600, 2200), loss=0.4, flat_rest=PEDESTAL / 30000.0)
READ = ReadNoise(value_adu=2.0, error_adu=0.05)
LEVELS = (0.3, 0.6, 1.0)


@pytest.mark.parametrize("cfa", [None, "RGGB", XTRANS])
def test_noise_of_frames_is_the_line(cfa: str | None) -> None:
    """Pairs of frames give level and variance of single frames: e-/ADU within 2 %, the pedestal within 4 errors."""
    scene = SkyScene(shape=(900, 1200), cfa=cfa, loss=0.4, egain=1.6, read_noise_e=5.0, bias_adu=800.0)
    camera, rng, light_on = scene.camera(), np.random.default_rng(4), scene.light_on()
    pairs = []
    for level in (6000.0, 24000.0):
        first, second = (
            expose(camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=light_on * level * factor, rng=rng)
            for factor in (1.0, 0.98)
        )
        bad = np.zeros(scene.shape, np.bool_)
        bad[100:130, 200:260] = True
        spoiled = first.astype(np.float32)
        spoiled[100:130, 200:260] = 60000.0
        spoiled[500, 600:640] += 9000.0
        pairs.append(noise_points(spoiled, second=second.astype(np.float32), cfa=cfa, bad=bad))
    for points in joined(pairs):
        line = fit_noise_line(points, read_noise_adu=(5.0 / 1.6, 0.02))
        assert line is not None
        assert line.egain_e_per_adu == pytest.approx(1.6, rel=0.02)
        assert not line.bent
        assert abs(line.pedestal_adu.value - 800.0) < 4.0 * line.pedestal_adu.error
        assert line.pedestal_adu.error < 150.0


def test_pulls_of_the_noise_line() -> None:
    """The pedestal by the noise of flats has an honest error with one level and with several, whatever the bow."""
    for levels in ((1.0,), LEVELS):
        found = []
        for trial in range(100):
            rng = np.random.default_rng([trial, 5])
            bow = BOW * rng.standard_normal()
            (points,) = drawn_noise_points(SCENE, rng, levels=levels, pairs=4, bow=bow)
            line = fit_noise_line(points, read_noise_adu=(2.0, 0.0))
            assert line is not None
            assert not line.bent
            found.append((line.pedestal_adu.value - PEDESTAL) / line.pedestal_adu.error)
        # 100 pulls: their mean to 0.1, their scatter to 0.07.
        assert abs(np.mean(found)) < 0.4
        assert np.std(found) == pytest.approx(1.0, abs=0.28)


def test_levels_close_together_tell_little() -> None:
    """With levels that differ by 6 % only, the error is as large as what a bow may be, though noise is known well."""
    scene = dataclasses.replace(SCENE, loss=0.06)
    (points,) = drawn_noise_points(scene, np.random.default_rng(8), pairs=40)
    line = fit_noise_line(points, read_noise_adu=(2.0, 0.0))
    assert line is not None
    assert line.pedestal_adu.error > 0.9 * BOW * scene.flat_adu


def test_unknown_read_noise_is_in_the_error() -> None:
    """Without a read noise the error holds what cameras may have, and the truth stays inside."""
    for read_noise_e in (1.0, 3.0, 6.0):
        scene = dataclasses.replace(SCENE, egain=0.5, read_noise_e=read_noise_e)
        (points,) = drawn_noise_points(scene, np.random.default_rng(6), levels=LEVELS, pairs=15)
        line = fit_noise_line(points)
        assert line is not None
        assert line.by_read_noise_adu == pytest.approx(20.0 / 0.5, rel=0.05)
        assert abs(line.pedestal_adu.value - PEDESTAL) < 2.0 * line.pedestal_adu.error


def test_bent_noise_tells_nothing() -> None:
    """Where the variance bends, as a nonlinear sensor's does, no pedestal is read off the line's end."""
    (points,) = drawn_noise_points(SCENE, np.random.default_rng(7), levels=LEVELS, pairs=4)
    bowed = NoisePoints(
        color="", level=points.level, variance=points.variance * (1.0 - 1e-5 * points.level), degrees=points.degrees
    )
    line = fit_noise_line(bowed, read_noise_adu=(2.0, 0.0))
    assert line is not None
    assert line.bent
    found = infer_pedestal([], flats=drawn_cells(SCENE, np.random.default_rng(1))[1], noise=(bowed,), read_noise=READ)
    assert found.pedestal_adu is None


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_two_ways_agree(cfa: str | None) -> None:
    """Sky and noise give the same pedestal within 2 %, and the finding says so."""
    scene = dataclasses.replace(SCENE, cfa=cfa)
    rng = np.random.default_rng(9)
    lights, flats = drawn_cells(scene, rng, lights=6)
    found = infer_pedestal(
        lights, flats=flats, noise=drawn_noise_points(scene, rng, levels=LEVELS, pairs=10), read_noise=READ
    )
    assert found.pedestal_adu == pytest.approx(PEDESTAL, rel=0.02)
    assert found.checked
    assert found.together is not None
    assert found.limit_adu == pytest.approx(0.02 * PEDESTAL, rel=0.02)
    assert len(found.colors) == len(flats)
    one = pedestal_finding(found, name="flat_L")
    assert one.code == "pedestal_inferred"
    assert "two ways agree" in one.message
    rescue = rescue_finding(found, name="flat_L", n_lights=6)
    assert rescue is not None
    assert rescue.fix == ("--pedestal", "inferred")
    assert "6 lights" in rescue.message


def test_refused_where_the_ways_disagree() -> None:
    """Where the lights still hold 60 ADU of dark signal, sky and noise disagree, and nothing is inferred."""
    scene = dataclasses.replace(SCENE, light_rest_adu=60.0)
    rng = np.random.default_rng(10)
    lights, flats = drawn_cells(scene, rng, lights=6)
    points = drawn_noise_points(scene, rng, levels=LEVELS, pairs=10)
    found = infer_pedestal(lights, flats=flats, noise=points, read_noise=READ)
    assert found.pedestal_adu is None
    assert "the skies of the lights say" in pedestal_finding(found, name="flat_L").message


def test_refused_where_the_error_is_too_large() -> None:
    """A pedestal of 100 ADU known to some tens of ADU is refused, with the number that was needed."""
    scene = dataclasses.replace(SCENE, flat_rest=100.0 / 30000.0)
    lights, flats = drawn_cells(scene, np.random.default_rng(11), lights=4)
    found = infer_pedestal(lights, flats=flats)
    assert found.pedestal_adu is None
    assert found.together is not None
    assert abs(found.together.value - 100.0) < 4.0 * found.together.error
    assert "± 1.5 is needed" in pedestal_finding(found, name="flat_L").message
    nothing = infer_pedestal([], flats=flats)
    assert nothing.pedestal_adu is None
    assert nothing.reason.startswith("neither lights nor pairs")
    assert rescue_finding(nothing, name="flat_L", n_lights=4) is None


def test_what_lights_may_hold_counts() -> None:
    """What the lights may still hold enters the error with level/sky, and less where skies differ."""
    lights, flats = drawn_cells(SCENE, np.random.default_rng(12), lights=4)
    sure = infer_pedestal(lights, flats=flats, light_rest_adu=0.0).by_sky
    unsure = infer_pedestal(lights, flats=flats, light_rest_adu=2.0).by_sky
    assert sure is not None
    assert unsure is not None
    assert (unsure.error**2 - sure.error**2) ** 0.5 == pytest.approx(2.0 * 30000.0 / 905.0, rel=0.1)
    lights, flats = drawn_cells(SCENE, np.random.default_rng(12), skies_e=(400.0, 905.0, 905.0, 4000.0))
    several = infer_pedestal(lights, flats=flats, light_rest_adu=2.0).by_sky
    assert several is not None
    assert several.error < 0.7 * unsure.error
    assert abs(several.value - PEDESTAL) < 4.0 * several.error


def test_a_pattern_that_lies_like_the_vignetting() -> None:
    """A pattern in the flat that runs with its light looks like a pedestal; frames without light tell how much."""
    scene = dataclasses.replace(SCENE, loss=0.2, light_rest_adu=0.0)
    lights, flats = drawn_cells(scene, np.random.default_rng(13), lights=6, skies_e=(20000.0,) * 6)
    (flat,) = flats
    light = flat.value - PEDESTAL
    pattern = dataclasses.replace(flat, value=6.0 * (light - light.mean()) / light.mean())
    patterned = dataclasses.replace(flat, value=flat.value + pattern.value)
    bent = [
        (dataclasses.replace(one, value=one.value * flat.value / patterned.value),) for (one,) in lights
    ]  # fmt: skip

    def told(of_bias: bool | None) -> Measured:
        dark = None if of_bias is None else DarkPattern(cells=(pattern,), of_bias=of_bias)
        found = infer_pedestal(bent, flats=(patterned,), pattern=dark, light_rest_adu=0.0).by_sky
        assert found is not None
        return found

    plain, bias, dark = told(None), told(True), told(False)
    # c + d is k L + c - k <L>: the flat of more light, and of a pedestal that is lower by k <L>.
    assert plain.value - bias.value == pytest.approx(-6.0, abs=0.5)
    assert abs(bias.value - PEDESTAL) < 4.0 * bias.error
    assert dark.value == pytest.approx((plain.value + bias.value) / 2.0, abs=0.2)
    assert (bias.error**2 - dark.error**2) == pytest.approx((0.2 * 6.0) ** 2 - (0.5 * 6.0) ** 2, rel=0.3)


def test_cells_of_a_pattern() -> None:
    """The cells of frames without light hold their gradient and nothing of their hot pixels."""
    rows, columns = np.indices((400, 600))
    rng = np.random.default_rng(14)
    pixels = (500.0 + 8.0 * columns / 600.0 + 3.0 * rng.standard_normal(rows.shape)).astype(np.float32)
    pixels[rng.random(rows.shape) < 0.001] = 20000.0
    (cells,) = cells_of_pattern(pixels)
    across = cells.value.mean(axis=0)
    assert across[-1] - across[0] == pytest.approx(8.0, abs=0.5)
    assert np.abs(across - np.linspace(across[0], across[-1], across.size)).max() < 0.5
    assert abs(float(np.median(cells.value))) < 0.3
