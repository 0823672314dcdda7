"""Optics, lamp and sky are what their numbers say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evenfield.errors import SettingsError
from evenfield.model.frame import FrameKind
from evenfield.simulate import (
    Camera,
    DustMote,
    Lamp,
    Optics,
    Sky,
    camera_truth,
    expose,
    gradient_image,
    illumination,
    lamp_for_level,
    sky_image,
)

CAMERA = Camera(name="small", shape=(201, 301), egain_e_per_adu=0.5, read_noise_e=3.0, hot_share=0.0)


@pytest.mark.parametrize(("loss", "r4_part"), [(0.0, 0.5), (0.3, 0.0), (0.45, 1.0), (0.3, 0.6)])
def test_corner_loses_its_share(loss, r4_part):
    """The corner has 1 - loss of the center, and halfway the two parts of the law can be told apart."""
    field = illumination(Optics(corner_loss=loss, r4_part=r4_part), shape=(201, 301))
    half = 1.0 - loss * ((1.0 - r4_part) / 4.0 + r4_part / 16.0)

    assert field.mean() == pytest.approx(1.0)
    assert field[0, 0] / field[100, 150] == pytest.approx(1.0 - loss)
    assert field[-1, -1] / field[100, 150] == pytest.approx(1.0 - loss)
    assert field[50, 75] / field[100, 150] == pytest.approx(half)


def test_exposed_flats_show_the_corner_ratio():
    """The ratio of corner to center survives lamp, noise and converter, within three standard errors."""
    optics = Optics(corner_loss=0.4)
    truth = camera_truth(CAMERA, optics=optics, lamp=Lamp(e_per_s=1.0), sensor_c=-10.0)
    frame = expose(
        CAMERA,
        kind=FrameKind.FLAT,
        exposure_s=1.0,
        light_e_per_s=truth.lamp_light * 15000.0,
        rng=np.random.default_rng(1),
    )
    signal = frame - truth.bias_adu.astype(float)
    corner, center = (slice(0, 15), slice(0, 15)), (slice(93, 108), slice(143, 158))
    expected = truth.flat_field[corner].sum() / truth.flat_field[center].sum()
    share = [math.sqrt(box.sum() / 0.5 + box.size * 36.0) / box.sum() for box in (signal[corner], signal[center])]

    assert expected < 0.68
    assert abs(signal[corner].sum() / signal[center].sum() - expected) <= 3.0 * expected * math.hypot(*share)


def test_dust_darkens_a_ring():
    """A mote takes its depth in the ring, less in its hole, and nothing outside."""
    mote = DustMote(row=0.5, column=0.5, radius=0.1, depth=0.2)
    clean, dusty = (illumination(Optics(corner_loss=0.0, motes=motes), shape=(201, 301)) for motes in ((), (mote,)))
    ratio = dusty / dusty[0, 0]

    assert (clean == 1.0).all()
    assert ratio[100, 150 + 21] == pytest.approx(0.8, abs=0.005)  # at 0.7 of the radius of 30 pixels
    assert 0.9 < ratio[100, 150] < 0.95
    assert ratio[100, 150 + 60] == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_array_equal(illumination(Optics(corner_loss=0.0), shape=(201, 301), motes=(mote,)), dusty)


def test_gradient_rises_from_edge_to_edge():
    """The gradient is a plane of mean 1 that rises by its share over the frame, in its direction."""
    right, down = (gradient_image((100, 200), gradient=0.1, direction_deg=angle) for angle in (0.0, 90.0))

    assert right.mean() == pytest.approx(1.0)
    assert right[0, -1] - right[0, 0] == pytest.approx(0.1 * 199 / 200)
    assert down[-1, 0] - down[0, 0] == pytest.approx(0.1 * 99 / 100)
    assert np.ptp(right[:, 7]) == 0.0


def test_lamp_gradient_is_in_the_flats_only():
    """A tilted lamp changes what flats show and leaves the truth of the lights alone."""
    lamp = Lamp(e_per_s=1.0, gradient=0.05, gradient_deg=90.0)
    truth = camera_truth(CAMERA, optics=Optics(), lamp=lamp, sensor_c=-10.0)
    ratio = truth.flat_image / truth.flat_field

    assert ratio[-1, 5] / ratio[0, 5] == pytest.approx((1 + 0.025 * 200 / 201) / (1 - 0.025 * 200 / 201))


def test_lamp_drifts_over_the_set():
    """From the first to the last flat the level changes by the drift; the jitter is its scatter about that line."""
    steady = Lamp(e_per_s=1.0, drift=0.02, jitter=0.0).levels(20, rng=np.random.default_rng(1))
    shaky = Lamp(e_per_s=1.0, drift=0.0, jitter=0.01).levels(2000, rng=np.random.default_rng(1))

    assert steady[-1] - steady[0] == pytest.approx(0.02)
    assert steady.mean() == pytest.approx(1.0)
    assert abs(shaky.std(ddof=1) - 0.01) <= 3.0 * 0.01 / math.sqrt(2.0 * 1999)
    assert Lamp(e_per_s=1.0, jitter=0.0).levels(1, rng=np.random.default_rng(1)).tolist() == [1.0]


def test_lamp_for_level_reaches_it():
    """The lamp chosen for a level gives it, through the filter."""
    lamp = lamp_for_level(CAMERA, level_adu=20000.0, exposure_s=4.0, transmission=0.1)
    frame = expose(
        CAMERA, kind=FrameKind.FLAT, exposure_s=4.0, light_e_per_s=lamp.e_per_s * 0.1, rng=np.random.default_rng(2)
    )

    dark_adu = 4.0 * 0.003 / 0.5
    error = math.sqrt((20000.0 / 0.5 + 36.0) / frame.size)
    assert abs(frame.mean() - 500.0 - dark_adu - 20000.0) <= 3.0 * error


def test_stars_carry_their_flux_and_move_with_the_dither():
    """Stars add at least the faintest flux each, stay for equal seeds, and follow the dither pixel by pixel."""
    sky = Sky(e_per_s=10.0, gradient=0.0, n_stars=25, star_e_per_s=100.0, seed=3)
    image, again = (sky_image(sky, shape=(300, 400)) for _ in range(2))
    moved = sky_image(sky, shape=(300, 400), shift_px=(4.0, -7.0))

    np.testing.assert_array_equal(image, again)
    np.testing.assert_allclose(moved[24:-20, 20:-27], image[20:-24, 27:-20], rtol=1e-9)
    assert (image - 10.0).sum() > 0.8 * 25 * 100.0
    assert sky_image(Sky(n_stars=0, gradient=0.0), shape=(5, 6)).tolist() == [[20.0] * 6] * 5


def test_star_widths_are_the_fwhm():
    """A star's second moment is that of a Gaussian of the asked width at half its peak."""
    sky = Sky(e_per_s=0.0, gradient=0.0, n_stars=1, fwhm_px=6.0, seed=1)
    image = sky_image(sky, shape=(200, 200))
    profile = image.sum(axis=0)
    x = np.arange(200)
    mean = np.average(x, weights=profile)
    second_moment = np.average((x - mean) ** 2, weights=profile)

    assert math.sqrt(8.0 * math.log(2.0) * second_moment) == pytest.approx(6.0, rel=0.01)


@pytest.mark.parametrize("change", [{"corner_loss": 1.0}, {"corner_loss": -0.1}, {"r4_part": 1.5}])
def test_impossible_vignetting_is_refused(change):
    """Optics that make light or take all of it are refused."""
    with pytest.raises(SettingsError, match="Vignetting"):
        Optics(**change)
