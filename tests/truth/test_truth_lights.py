"""Calibrated lights against the truth of the simulated camera: no bias beyond chance, no more noise than predicted."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from evenfield import CalibrationSettings, OutputSettings, Settings, make_plan, run_plan, survey_folders
from evenfield.simulate import (
    camera_patterns,
    ccd_with_overscan,
    example_night,
    night_truth,
    osc_night,
    simulate_night,
    sky_image,
)
from evenfield.simulate.recipes import NightRecipe

MAD_FACTOR = 1.4826


def calibrated(recipe: NightRecipe, folder: Path, how: str) -> dict[str, np.ndarray]:
    """The calibrated lights of a night by name, and the truth in their place."""
    simulate_night(folder / "night", recipe=recipe, seed=11)
    settings = Settings(calibration=CalibrationSettings(dark_scale=how))  # type: ignore[arg-type]
    survey = survey_folders([folder / "night"], settings=settings)
    report = run_plan(make_plan(survey, output=str(folder / "out"), settings=settings, job="calibrate"))
    assert report.exit_code == 0, report.findings
    found = [one for result in report.results for one in result.lights]
    return {Path(one.output).stem: fits.getdata(one.output) for one in found}


@pytest.mark.parametrize("how", ["none", "optimize"])
@pytest.mark.parametrize("night", ["mono", "color"])
def test_calibrated_lights_scatter_as_counts_predict(tmp_path: Path, night: str, how: str) -> None:
    """``(light - truth) / predicted noise`` has a median of 0 and a scatter of 1, in the center and in the corners.

    The prediction holds shot noise of sky and dark, read noise, the noise of the masters, and nothing else: a wrong
    dark, a rest of bias or vignetting left in would show as a median that is not 0 somewhere.
    """
    recipe = osc_night() if night == "color" else example_night()
    truth = next(iter(night_truth(recipe, seed=11).values()))
    lights = calibrated(recipe, tmp_path, how)
    light = lights[sorted(lights)[0]].astype(np.float64)
    camera, first = recipe.camera, recipe.filters[0]
    seconds = recipe.dark_exposure_s
    sky = sky_image(dataclasses.replace(recipe.sky, n_stars=0), shape=camera.shape)
    electrons = sky * truth.illumination * first.transmission * camera_patterns(camera).sensitivity * seconds
    flat = truth.flat_image / trimmed(truth.flat_image, camera.cfa)
    wanted = electrons / camera.egain_e_per_adu / flat
    read_e2 = camera.read_noise_e**2 + (camera.sample_step * camera.egain_e_per_adu) ** 2 / 12
    dark_e = truth.dark_e_per_s * seconds
    variance_e2 = electrons + dark_e + read_e2 + (dark_e + read_e2) / recipe.n_darks
    flat_e = truth.flat_image * np.mean(truth.lamp_adu) * camera.egain_e_per_adu
    variance = variance_e2 / camera.egain_e_per_adu**2 / flat**2
    variance += wanted**2 * (1 / (flat_e * first.n_flats) + read_e2 * (1 / first.n_flats) / flat_e**2)
    scaled = (light - wanted) / np.sqrt(variance)
    rows, columns = camera.shape
    r, c = rows // 4, columns // 4
    regions = {
        "all": scaled,
        "center": scaled[r : 3 * r, c : 3 * c],
        "corner": np.concatenate([scaled[:r, :c].ravel(), scaled[-r:, -c:].ravel()]),
    }
    for name, values in regions.items():
        values = values[np.isfinite(values)]
        middle = float(np.median(values))
        scatter = MAD_FACTOR * float(np.median(np.abs(values - middle)))
        # The median of n values scatters by 1.25 / sqrt(n); stars lift it by about half of their share of pixels.
        assert abs(middle) < 5 * 1.25 / np.sqrt(values.size) + 0.05, name
        assert scatter == pytest.approx(1.0, abs=0.04), name


def mosaic_of(cfa: str | None, shape: tuple[int, ...]) -> np.ndarray:
    """The color of each pixel."""
    side = {None: 1, 4: 2, 36: 6}[len(cfa) if cfa else None]
    letters = np.array(list(cfa or "W")).reshape(side, side)
    return np.tile(letters, (shape[0] // side, shape[1] // side))


def trimmed(flat: np.ndarray, cfa: str | None) -> np.ndarray:
    """The trimmed mean of each pixel's color, in its place."""
    out = np.empty(flat.shape)
    mosaic = mosaic_of(cfa, flat.shape)
    for letter in set(mosaic.ravel()):
        values = np.sort(flat[mosaic == letter])
        cut = int(0.05 * values.size)
        out[mosaic == letter] = values[cut : values.size - cut].mean()
    return out


XTRANS = "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"


def night_of(name: str) -> NightRecipe:
    """A cooled monochrome camera, one whose amplifier glows, a CCD with overscan, a Bayer camera, X-Trans, and an
    uncooled one.
    """
    if name == "overscan":
        return ccd_with_overscan()
    if name in ("xtrans", "uncooled"):
        recipe = osc_night()
        cfa, shape = (XTRANS, (324, 480)) if name == "xtrans" else ("RGGB", (320, 480))
        camera = dataclasses.replace(recipe.camera, name=f"Simulated {name}", cfa=cfa, shape=shape)
        if name == "xtrans":
            return dataclasses.replace(recipe, camera=camera)
        # No cooler: much dark current, and the sensor follows the air.
        warm = dataclasses.replace(camera, dark_e_per_s=0.05)
        return dataclasses.replace(recipe, camera=warm, set_c=12.0, temperature_rms_c=0.6)
    if name in ("mono", "glow"):
        recipe = example_night()
        glow = 20 * recipe.camera.glow_e_per_s if name == "glow" else recipe.camera.glow_e_per_s
        return dataclasses.replace(recipe, camera=dataclasses.replace(recipe.camera, glow_e_per_s=glow))
    return osc_night()


@pytest.mark.parametrize("few", [False, True], ids=["many masters", "5 + 5 frames"])
@pytest.mark.parametrize("night", ["mono", "color", "glow", "xtrans", "overscan", "uncooled"])
def test_the_noise_plane_keeps_its_word(tmp_path: Path, night: str, few: bool) -> None:
    """Reduced chi-square of light minus truth, with the noise plane that is written: 1 within 3 % and chance, in each
    decile of signal and each color, also where masters of five frames bring noise of their own.
    """
    recipe = night_of(night)
    if few:
        filters = tuple(dataclasses.replace(one, n_flats=5) for one in recipe.filters)
        recipe = dataclasses.replace(recipe, filters=filters, n_darks=5, n_dark_flats=5)
    # Sky without stars, and a sensor without hot pixels and cosmic rays: what is left is noise.
    camera = dataclasses.replace(recipe.camera, cosmic_rays_per_s=0.0)
    recipe = dataclasses.replace(recipe, camera=camera, sky=dataclasses.replace(recipe.sky, n_stars=0))
    simulate_night(tmp_path / "night", recipe=recipe, seed=21)
    regions = {"overscan": "header", "trim": "header"} if night == "overscan" else {}
    scaled = {"dark_scale": "optimize"} if night == "uncooled" else {}
    calibration = CalibrationSettings(**regions, **scaled)  # type: ignore[arg-type]
    settings = Settings(calibration=calibration, output=OutputSettings(maps=True))
    survey = survey_folders([tmp_path / "night"], settings=settings)
    report = run_plan(make_plan(survey, output=str(tmp_path / "out"), settings=settings, job="calibrate"))
    assert report.exit_code == 0
    truth = next(iter(night_truth(recipe, seed=21).values()))
    first, seconds = recipe.filters[0], recipe.dark_exposure_s
    found = next(one for result in report.results for one in result.lights)
    with fits.open(found.output) as file:
        light, noise, mask = (file[name].data for name in (0, "NOISE", "MASK"))
    sky = sky_image(recipe.sky, shape=camera.shape)
    electrons = sky * truth.illumination * first.transmission * camera_patterns(camera).sensitivity * seconds
    flat = truth.flat_image / trimmed(truth.flat_image, camera.cfa)
    wanted = electrons / camera.egain_e_per_adu / flat
    dark = truth.dark_adu(seconds)
    good = (mask == 0) & (dark <= np.percentile(dark, 95)) & np.isfinite(light)
    squares = ((light - wanted) / noise) ** 2
    colors = {"": good}
    if camera.cfa:
        cells = mosaic_of(camera.cfa, light.shape)
        colors = {letter: good & (cells == letter) for letter in "RGB"}
    for letter, chosen in colors.items():
        order = np.argsort(wanted[chosen])
        for decile, part in enumerate(np.array_split(squares[chosen][order], 10)):
            chance = 4 * np.sqrt(2 / part.size)
            assert float(part.mean()) == pytest.approx(1.0, abs=0.03 + chance), (letter, decile)
