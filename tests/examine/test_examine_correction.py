"""Verdicts on over- and under-correction, on whole frames of all mosaics and on drawn cells."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from code_scenes_verdicts import SHADE
from sky_scenes import XTRANS, SkyScene, cells_of_frames, drawn_cells, nebula

from evenfield.examine.correction import (
    CORNER_LIMIT,
    Correction,
    CorrectionVerdict,
    corner_effect,
    corner_slope,
    correction_findings,
    examine_correction,
)
from evenfield.examine.rests import measure_rests
from evenfield.examine.sky import cells_of_flat, cells_of_light
from evenfield.model.catalogue import CATALOGUE

FRAME = (1200, 1600)
STRONG = SkyScene(shape=FRAME, loss=0.35, stars=200)
"""Vignetting strong enough for a frame of 2 million pixels to tell 2 %."""

UNDER, OVER = CorrectionVerdict.UNDER, CorrectionVerdict.OVER


def judged(scene: SkyScene, seed: int, **more: object) -> Correction:
    """The judgement of whole frames."""
    lights, flats = cells_of_frames(scene, np.random.default_rng(seed), **more)  # type: ignore[arg-type]
    return examine_correction(lights, flats=flats)


@pytest.mark.parametrize("cfa", [None, "RGGB", XTRANS])
@pytest.mark.parametrize(("rest", "verdict"), [(0.05, UNDER), (-0.05, OVER)])
def test_frames_show_the_sign_and_size_of_a_wrong_flat(
    cfa: str | None, rest: float, verdict: CorrectionVerdict
) -> None:
    """With 5 % of the flat's level too much or too little, the sign is right and the rest comes out within 4 errors."""
    scene = dataclasses.replace(STRONG, cfa=cfa, flat_rest=rest)
    found = judged(scene, 11, lights=2)
    assert found.verdict is verdict
    assert found.eta is not None
    assert (found.eta.value > 0) == (rest > 0)
    assert found.rests is not None
    assert abs(found.rests.in_flat.value - scene.rest_adu) < 4.0 * found.rests.in_flat.error
    assert found.rests.in_flat.error < 0.2 * abs(scene.rest_adu)
    assert found.rests.colors_agree


@pytest.mark.parametrize("cfa", [None, "RGGB", XTRANS])
def test_clean_frames_get_no_fault(cfa: str | None) -> None:
    """A clean flat works, or nobody can tell; it is never called wrong."""
    found = judged(dataclasses.replace(STRONG, cfa=cfa), 12, lights=3)
    assert found.verdict in (CorrectionVerdict.WORKS, CorrectionVerdict.CANNOT_TELL)
    assert len(found.colors) == (1 if cfa is None else 3)
    for color in found.colors:
        assert abs(color.eta.scatters) < 4.0
        assert color.misfit == 1.0
        assert color.eta.error < 1.3 * color.eta.bound


def test_one_light_is_enough_where_it_tells_enough() -> None:
    """One light shows a flat that holds 10 % too much."""
    found = judged(dataclasses.replace(STRONG, flat_rest=0.1), 13, lights=1)
    assert found.verdict is UNDER
    assert found.lights == 1


@pytest.mark.parametrize("rest", [0.0, 0.06])
def test_nebula_in_the_corner_is_no_fault_of_the_flat(rest: float) -> None:
    """A nebula of a fifth of the sky's light is left out; a clean flat is not blamed for it, a wrong one still is."""
    scene = dataclasses.replace(STRONG, flat_rest=rest)
    found = judged(scene, 14, lights=3, more=nebula(FRAME, brightness=0.2, size=0.08))
    assert found.colors[0].clipped_share > 0.05
    assert found.rests is not None
    assert abs(found.rests.in_flat.value - scene.rest_adu) < 4.0 * found.rests.in_flat.error
    assert found.verdict is UNDER if rest else found.verdict in (CorrectionVerdict.WORKS, CorrectionVerdict.CANNOT_TELL)


def test_drawn_cells_are_those_of_frames() -> None:
    """Cells that are drawn have the values, scatter and errors of those made of frames, and give the same error."""
    scene = SkyScene(shape=FRAME, stars=0, motes=4, flat_rest=0.02)
    rng = np.random.default_rng(21)
    (light,), flats = cells_of_frames(scene, rng)
    (drawn,), drawn_flats = drawn_cells(scene, rng)
    # Both have the plane of their own direction: what scatters is told against neighbors.
    for one, other in ((light[0], drawn[0]), (flats[0], drawn_flats[0])):
        assert one.value.mean() == pytest.approx(other.value.mean(), rel=1e-3)
        assert np.median(one.error / other.error) == pytest.approx(1.0, abs=0.02)
    for one in (light[0], drawn[0]):
        second = np.diff(one.value, n=2, axis=1) / (6.0**0.5 * one.error[:, 1:-1])
        # n second differences know their scatter to about 1.4/sqrt(n).
        assert second.std() == pytest.approx(1.0, abs=5.0 * 1.4 / second.size**0.5)
    apart = flats[0].value / drawn_flats[0].value - 1.0
    # Pixel response differs from cell to cell: 0.6 % over the root of the pixels, in both.
    assert apart.std() == pytest.approx(2.0**0.5 * 0.006 / flats[0].grid.block, rel=0.1)
    made = examine_correction([light], flats=flats), examine_correction([drawn], flats=drawn_flats)
    first, other = made[0].eta, made[1].eta
    assert first is not None
    assert other is not None
    assert first.error == pytest.approx(other.error, rel=0.05)
    assert abs(first.value - other.value) < 4.0 * (first.error**2 + other.error**2) ** 0.5


def test_weak_vignetting_cannot_tell() -> None:
    """Where dust and the vignetting's fourth power are absent, no verdict is given, and the finding says why."""
    scene = SkyScene(shape=(600, 800), loss=0.2, r4_part=0.0, motes=0)
    lights, flats = drawn_cells(scene, np.random.default_rng(3), lights=1)
    found = examine_correction(lights, flats=flats)
    assert found.verdict is CorrectionVerdict.CANNOT_TELL
    (one,) = correction_findings(found, name="flat_L")
    assert one.code == "correction_unknown"
    assert "is needed" in one.message
    assert CATALOGUE[one.code].verdict == "cannot tell"


def test_several_sky_levels_tell_flat_from_light() -> None:
    """A rest of the lights is told from one of the flat where the sky changes, and not where it does not."""
    scene = SkyScene(shape=FRAME, loss=0.35, light_rest_adu=-40.0)
    lights, flats = drawn_cells(scene, np.random.default_rng(5), skies_e=(300.0, 900.0, 2700.0))
    apart = measure_rests(lights, flats=flats)
    assert apart is not None
    assert apart.separated
    assert apart.flat_of_both is not None
    assert apart.lights_of_both is not None
    assert abs(apart.flat_of_both.scatters) < 4.0
    assert abs(apart.lights_of_both.value + 40.0) < 4.0 * apart.lights_of_both.error
    lights, flats = drawn_cells(scene, np.random.default_rng(5), lights=3)
    one_level = measure_rests(lights, flats=flats)
    assert one_level is not None
    assert not one_level.separated
    # Either explains it: c/level = -p/sky.
    level, sky = 30000.0, 905.0
    assert one_level.in_flat.value / level == pytest.approx(-one_level.in_lights.value / sky, rel=0.05)


def test_finding_says_first_what_the_eye_sees() -> None:
    """The message begins with the corners and their share, then the cause in ADU, then eta and z."""
    scene = SkyScene(shape=FRAME, loss=0.35, flat_rest=0.05)
    lights, flats = drawn_cells(scene, np.random.default_rng(6), lights=4)
    found = examine_correction(lights, flats=flats)
    (one,) = correction_findings(found, name="flat_L")
    assert one.code == "under_corrected"
    assert found.corner is not None
    seen = f"corners of your lights will be {abs(100 * found.corner.value):.2g} % too dark: flats under-correct."
    assert one.message.startswith(f"flat_L: {seen} The flat holds 1")
    assert "one sky level cannot tell which (eta +0.0" in one.message
    lights, flats = drawn_cells(dataclasses.replace(scene, flat_rest=-0.05), np.random.default_rng(6), lights=4)
    (other,) = correction_findings(examine_correction(lights, flats=flats), name="flat_L")
    assert other.code == "over_corrected"
    assert "too bright: flats over-correct. The flat holds" in other.message
    assert "ADU too little, or the lights hold" in other.message
    lights, flats = drawn_cells(dataclasses.replace(scene, flat_rest=0.0), np.random.default_rng(6), lights=4)
    assert correction_findings(examine_correction(lights, flats=flats), name="flat_L") == ()


def test_corner_effect_is_the_definition() -> None:
    """The effect on corners is that of dividing by V + c instead of V, and its slope is the derivative."""
    dark, bright, rest = 0.7 * 30000.0, 30000.0, 600.0
    expected = (dark / (dark + rest)) / (bright / (bright + rest)) - 1.0
    assert corner_effect(rest, dark_adu=dark + rest, bright_adu=bright + rest) == pytest.approx(expected, rel=1e-12)
    step = 1e-3
    ends = [corner_effect(rest + d, dark_adu=dark, bright_adu=bright) for d in (-step, step)]
    slope = corner_slope(rest, dark_adu=dark, bright_adu=bright)
    assert slope == pytest.approx(abs(ends[1] - ends[0]) / (2 * step), rel=1e-6)


def test_predicted_corners_are_those_of_the_truth() -> None:
    """The share by which corners come out dark is the true one to within 4 errors."""
    scene = SkyScene(shape=FRAME, loss=0.35, motes=0, flat_rest=0.05)
    lights, flats = drawn_cells(scene, np.random.default_rng(8), lights=6)
    found = examine_correction(lights, flats=flats)
    clean = flats[0].value - scene.rest_adu
    dark, bright = np.quantile(clean, 0.01), np.quantile(clean, 0.99)
    true = corner_effect(scene.rest_adu, dark_adu=dark + scene.rest_adu, bright_adu=bright + scene.rest_adu)
    assert found.corner is not None
    assert abs(true) > 3 * CORNER_LIMIT
    assert abs(found.corner.value - true) < 4.0 * found.corner.error


@pytest.mark.parametrize("rest_adu", [600.0, -600.0, 2500.0])
def test_a_fault_that_cannot_be_overlooked_is_seen(rest_adu: float) -> None:
    """Ten lights of a bright sky, and a flat that is far off: what is left is its fault, and not a nebula."""
    rng = np.random.default_rng(1)
    flat = rng.poisson(180_000 * 4 * SHADE) / 24.0 + rest_adu
    lights = [(rng.poisson(24_000 * SHADE) / 4.0).astype(np.float32) for _ in range(10)]
    flats = cells_of_flat(flat.astype(np.float32))
    found = examine_correction([cells_of_light(one, flat=flat.astype(np.float32)) for one in lights], flats=flats)
    assert found.verdict is (CorrectionVerdict.UNDER if rest_adu > 0 else CorrectionVerdict.OVER)
