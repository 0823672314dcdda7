"""A master flat does its job: the sky it divides is flat to the photon noise; without dark flats, wrong by theory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evenfield import CalibrationSettings, FrameKind, Report
from evenfield.simulate import Night, Truth, cmos_camera, example_night, expose, lamp_for_level, simulate_night

F64 = NDArray[np.float64]
SHAPE = (240, 320)
N_FLATS = N_DARKS = 20
FLAT_ADU, SKY_ADU, EXPOSURE_S = 22000.0, 26000.0, 2.0
BLOCK = 16
QUANTUM = 1.0 / 12.0  # the variance of rounding to whole ADU


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """One filter with dust, vignetting, PRNU, hot pixels, glow and a drifting lamp; 20 flats, 20 dark flats."""
    whole = example_night()
    camera = dataclasses.replace(
        cmos_camera(shape=SHAPE), egain_e_per_adu=1.0, full_well_e=60000.0, prnu=0.01, cosmic_rays_per_s=0.0
    )
    recipe = dataclasses.replace(
        whole,
        camera=camera,
        lamp=lamp_for_level(camera, level_adu=FLAT_ADU, exposure_s=EXPOSURE_S, transmission=0.07),
        filters=(dataclasses.replace(whole.filters[0], n_flats=N_FLATS, n_lights=0),),
        n_dark_flats=N_DARKS,
        n_bias=0,
        n_darks=0,
    )
    return simulate_night(tmp_path_factory.mktemp("photons") / "night", recipe=recipe)


@pytest.fixture
def truth(night: Night) -> Truth:
    """The truth of the night's filter."""
    (found,) = night.truth.values()
    return found


def noise_adu(signal_adu: F64, truth: Truth) -> F64:
    """The variance of one frame at a signal above bias: photons, readout and rounding, ADU^2."""
    camera = truth.camera
    electrons = signal_adu * camera.egain_e_per_adu + camera.read_noise_e**2
    return electrons / camera.egain_e_per_adu**2 + QUANTUM


def sky_flat(truth: Truth, *, seed: int) -> F64:
    """An independent frame of a uniform sky, bias and dark taken off without noise."""
    light = truth.illumination * (SKY_ADU * truth.camera.egain_e_per_adu / EXPOSURE_S)
    rng = np.random.default_rng(seed)
    raw = expose(truth.camera, kind=FrameKind.LIGHT, exposure_s=EXPOSURE_S, light_e_per_s=light, rng=rng)
    return raw.astype(np.float64) - truth.bias_adu - truth.dark_adu(EXPOSURE_S)


def master_of(report: Report, plain: Any) -> F64:
    """The pixels of the one master flat."""
    (path,) = [one.outputs[0] for one in report.results if one.kind == "flat"]
    pixels: F64 = plain.read(Path(path))
    return pixels


def blocks(image: F64) -> F64:
    """Means over blocks of 16 x 16 pixels."""
    rows, columns = image.shape
    means: F64 = image.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK).mean(axis=(1, 3))
    return means


def master_variance(truth: Truth) -> F64:
    """The variance that photons, readout and rounding leave in the master, ADU^2."""
    dark = truth.dark_adu(EXPOSURE_S)
    level = float(np.mean(truth.lamp_adu)) * truth.flat_image
    return noise_adu(level + dark, truth) / N_FLATS + noise_adu(dark, truth) / N_DARKS


def test_flat_divided_sky_is_flat_to_the_photon_noise(
    night: Night, truth: Truth, plain: Any, make: Callable[..., Report]
) -> None:
    """Sky over master has the scatter of photons, readout and the master's own noise within 5 %, and no structure."""
    master = master_of(make(night.folder), plain)
    relative = master / master.mean()
    sky = sky_flat(truth, seed=99)
    corrected = sky / relative
    expected = SKY_ADU * truth.flat_field
    variance = (noise_adu(expected + truth.dark_adu(EXPOSURE_S), truth)) / truth.flat_field**2
    variance += (SKY_ADU / (np.mean(truth.lamp_adu) * truth.flat_image)) ** 2 * master_variance(truth)
    z = (corrected - corrected.mean()) / np.sqrt(variance)
    assert np.std(sky) / np.std(corrected) > 5, "the frame had structure to take away"
    assert z.std() == pytest.approx(1.0, rel=0.05)
    # Means over blocks scatter by noise alone: 300 of them, so their scatter is known to 4 %.
    assert (blocks(z) * BLOCK).std() == pytest.approx(1.0, abs=0.15)
    assert np.abs(blocks(z) * BLOCK).max() < 5.0


def test_the_masters_own_noise_is_that_of_its_frames(
    night: Night, truth: Truth, plain: Any, make: Callable[..., Report]
) -> None:
    """Against the noiseless truth, the master scatters by its frames' noise over sqrt(N) within 5 %, no more."""
    master = master_of(make(night.folder), plain)
    ideal = truth.flat_image * (master.mean() / truth.flat_image.mean())
    z = (master - ideal) / np.sqrt(master_variance(truth))
    assert z.std() == pytest.approx(1.0, rel=0.05)
    assert (blocks(z) * BLOCK).std() == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("left", ["nothing subtracted", "pedestal too high"])
def test_a_rest_in_the_flat_does_what_theory_says(
    night: Night, truth: Truth, plain: Any, make: Callable[..., Report], left: str
) -> None:
    """A flat V with a rest c is (V + c)/(1 + c): lights divided by it are wrong by c/level (1/V - 1) to first order."""
    if left == "nothing subtracted":
        asked, subtracted = CalibrationSettings(mode="none"), 0.0
    else:
        asked, subtracted = CalibrationSettings(mode="pedestal", pedestal_adu=900.0), 900.0
    master = master_of(make(night.folder, calibration=asked), plain)
    rest = truth.bias_adu + truth.dark_adu(EXPOSURE_S) - subtracted  # ADU that should not be there
    level = float(np.mean(truth.lamp_adu))
    vignetting = truth.flat_image
    # The frames are made equally bright with their rest in; a drift of 2 % leaves 1e-5 of difference here.
    corner, center = np.s_[:24, -32:], np.s_[108:132, 144:176]
    sky = SKY_ADU * truth.flat_field
    measured = (sky / master)[corner].mean() / (sky / master)[center].mean()
    c = rest / level
    theory = vignetting / (vignetting + c)
    expected = theory[corner].mean() / theory[center].mean()
    noise = np.sqrt(master_variance(truth))[corner].mean() / master[corner].mean() / np.sqrt(24 * 32)
    assert measured == pytest.approx(expected, abs=5 * noise)
    # First order, with V and c relative to the center: sign and size. The second order is c (1 + 1/V) of it.
    v = vignetting[corner].mean() / vignetting[center].mean()
    c_center = float(c[center].mean() / vignetting[center].mean())
    first = -c_center * (1.0 / v - 1.0)
    assert np.sign(measured - 1.0) == np.sign(first) == -np.sign(c_center)
    assert measured - 1.0 == pytest.approx(first, rel=1.5 * abs(c_center) * (1.0 + 1.0 / v) + 5 * noise / abs(first))
    assert abs(measured - 1.0) > 20 * noise, "the effect is far above the noise"


def test_the_warning_gives_the_size_of_the_effect(
    night: Night, truth: Truth, plain: Any, make: Callable[..., Report]
) -> None:
    """The finding about bias left in a flat says by how many per cent each 100 ADU darken the corners."""
    report = make(night.folder / "flats")
    (result,) = report.results
    told = result.measured["corner_error_per_100_adu"]
    corners = np.mean([truth.flat_image[box].mean() for box in corner_boxes()])
    v = corners / truth.flat_image[108:132, 144:176].mean()
    c = 100.0 / np.mean(truth.lamp_adu)
    assert told == pytest.approx(c * (1.0 / v - 1.0), rel=0.1)
    (found,) = [one for one in result.findings if one.code == "uncalibrated"]
    assert f"Each 100 ADU of bias left leaves the corners {100 * told:.2g} % too dark." in found.message
    assert result.verdict == "check"


def corner_boxes() -> list[tuple[slice, slice]]:
    """The four corners, a tenth of the sides."""
    return [np.s_[:24, :32], np.s_[:24, -32:], np.s_[-24:, :32], np.s_[-24:, -32:]]
