"""One frame of the simulated camera obeys the theory: every mean and variance within three standard errors."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from evenfield.errors import SettingsError, UsageError
from evenfield.model.frame import FrameKind
from evenfield.simulate import Camera, camera_patterns, color_image, dark_rate, expose

# No patterns, no defects: only noise is left. Each test adds the one thing that it is about.
PLAIN = Camera(
    name="plain",
    shape=(200, 300),
    egain_e_per_adu=0.8,
    read_noise_e=4.0,
    bias_adu=600.0,
    bias_pattern_adu=0.0,
    dark_e_per_s=0.0,
    hot_share=0.0,
    prnu=0.0,
)
ROUNDING_VARIANCE = 1.0 / 12.0


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def within(value: float, expected: float, standard_error: float) -> bool:
    return abs(value - expected) <= 3.0 * standard_error


def test_bias_has_its_level_and_read_noise():
    """A bias frame has the camera's level, and its noise is the read noise plus that of rounding."""
    camera = dataclasses.replace(PLAIN, bias_pattern_adu=5.0)
    first, second = (
        expose(camera, kind=FrameKind.BIAS, exposure_s=0.0, rng=rng(seed)).astype(float) for seed in (1, 2)
    )
    variance = (4.0 / 0.8) ** 2 + ROUNDING_VARIANCE
    n = first.size

    assert within(first.mean(), 600.0, math.sqrt(variance / n))
    # The fixed pattern falls out of the difference.
    assert within((first - second).var(ddof=1) / 2.0, variance, variance * math.sqrt(2.0 / n))
    assert within(camera_patterns(camera).bias_adu.std(), 5.0, 5.0 * math.sqrt(0.25 / 300))


def test_photon_transfer_gives_the_gain():
    """The slope of variance against mean is 1/egain, from pairs of flats as an observer would measure it."""
    camera = dataclasses.replace(PLAIN, prnu=0.01, bias_pattern_adu=3.0)
    means, variances = [], []
    for seed, light in enumerate((20.0, 100.0, 400.0, 1500.0, 6000.0, 15000.0, 30000.0)):
        pair = [
            expose(camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=light, rng=rng(10 * seed + k)).astype(
                float
            )
            for k in range(2)
        ]
        means.append((pair[0].mean() + pair[1].mean()) / 2.0 - 600.0)
        variances.append((pair[0] - pair[1]).var(ddof=1) / 2.0)
    x, y = np.array(means), np.array(variances)
    weight = 1.0 / (y * math.sqrt(2.0 / math.prod(camera.shape))) ** 2
    center = np.average(x, weights=weight)
    spread = np.sum(weight * (x - center) ** 2)
    slope = np.sum(weight * (x - center) * y) / spread
    intercept = np.average(y, weights=weight) - slope * center

    assert within(slope, 1.0 / 0.8, 1.0 / math.sqrt(spread))
    intercept_error = math.sqrt(1.0 / weight.sum() + center**2 / spread)
    assert within(intercept, (4.0 / 0.8) ** 2 + ROUNDING_VARIANCE, intercept_error)


@pytest.mark.parametrize("mean_e", [0.7, 40.0, 250.0, 300.0, 2500.0])
def test_shot_noise_is_poisson(mean_e):
    """Mean, variance and skewness are those of Poisson, on both sides of the change from exact to normal draws."""
    camera = dataclasses.replace(PLAIN, egain_e_per_adu=1.0, read_noise_e=0.0, bias_adu=100.0, shape=(600, 700))
    frame = expose(camera, kind=FrameKind.FLAT, exposure_s=2.0, light_e_per_s=mean_e / 2.0, rng=rng(5)).astype(float)
    electrons = frame - 100.0
    n = electrons.size
    skewness = ((electrons - electrons.mean()) ** 3).mean() / electrons.std() ** 3

    assert within(electrons.mean(), mean_e, math.sqrt(mean_e / n))
    # Var of a sample variance: (kappa4 + 2 sigma^4)/n, and kappa4 of Poisson is its mean.
    assert within(electrons.var(ddof=1), mean_e, math.sqrt((mean_e + 2.0 * mean_e**2) / n))
    if mean_e >= 40.0:  # the error of the skewness below holds near the normal distribution only
        assert within(skewness, 1.0 / math.sqrt(mean_e), math.sqrt(6.0 / n) * (1.0 + 5.0 / mean_e))


def test_mixed_bands_draw_each_pixel_from_its_own_mean():
    """Where few and many electrons meet in one band, both halves keep their means."""
    light = np.full(PLAIN.shape, 5.0)
    light[:, 150:] = 5000.0
    frame = expose(PLAIN, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=light, rng=rng(6)).astype(float)
    for half, mean_e in ((frame[:, :150], 5.0), (frame[:, 150:], 5000.0)):
        variance = (mean_e + 4.0**2) / 0.8**2 + ROUNDING_VARIANCE
        assert within(half.mean(), 600.0 + mean_e / 0.8, math.sqrt(variance / half.size))


@pytest.mark.parametrize(
    ("exposure_s", "sensor_c", "expected_e"), [(10, -10, 20), (60, -10, 120), (10, -4, 40), (10, -22, 5)]
)
def test_dark_current_grows_with_time_and_temperature(exposure_s, sensor_c, expected_e):
    """Dark signal is proportional to time and doubles every six degrees."""
    camera = dataclasses.replace(PLAIN, dark_e_per_s=2.0, dark_at_c=-10.0, dark_doubling_c=6.0)
    frame = expose(camera, kind=FrameKind.DARK, exposure_s=float(exposure_s), sensor_c=float(sensor_c), rng=rng(7))
    variance = (expected_e + 16.0) / 0.8**2 + ROUNDING_VARIANCE

    assert within(frame.mean() - 600.0, expected_e / 0.8, math.sqrt(variance / frame.size))


def test_darks_show_the_dark_rate_map():
    """The mean of darks equals bias plus the rate map with its hot pixels and glow, pixel by pixel."""
    camera = dataclasses.replace(PLAIN, dark_e_per_s=0.5, hot_share=0.01, hot_strength=50.0, glow_e_per_s=4.0)
    n_frames = 12
    frames = [expose(camera, kind=FrameKind.DARK, exposure_s=20.0, sensor_c=-4.0, rng=rng(k)) for k in range(n_frames)]
    expected_e = 20.0 * dark_rate(camera, sensor_c=-4.0).astype(float)
    expected = camera_patterns(camera).bias_adu + expected_e / 0.8
    noise = np.sqrt(((expected_e + 16.0) / 0.8**2 + ROUNDING_VARIANCE) / n_frames)
    z = (np.mean(frames, axis=0) - expected) / noise
    hot = camera_patterns(camera).dark_e_per_s > 0.5

    assert hot.sum() == 600
    assert within(z.mean(), 0.0, 1.0 / math.sqrt(z.size))
    assert within(z.var(), 1.0, math.sqrt(2.0 / z.size))
    assert within(z[hot].mean(), 0.0, 1.0 / math.sqrt(600))


def test_glow_does_not_follow_the_temperature():
    """Amplifier glow is brightest in its corner and the same at any temperature."""
    camera = dataclasses.replace(PLAIN, glow_e_per_s=2.0)
    cold, warm = dark_rate(camera, sensor_c=-20.0), dark_rate(camera, sensor_c=20.0)

    assert cold[0, 0] == pytest.approx(2.0)
    assert cold[0, 0] > cold[100, 100] > cold[-1, -1] > 0.0
    np.testing.assert_array_equal(cold, warm)


def test_flats_show_the_pixel_response():
    """Averaged flats show Q: its rms is the camera's PRNU, and the rest is noise."""
    camera = dataclasses.replace(PLAIN, prnu=0.01)
    response = camera_patterns(camera).response
    frames = [
        expose(camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=30000.0, rng=rng(k)).astype(float)
        for k in range(8)
    ]
    measured = (np.mean(frames, axis=0) - 600.0) * 0.8 / 30000.0
    noise = np.sqrt((30000.0 * response + 16.0 + 0.64 * ROUNDING_VARIANCE) / 8) / 30000.0
    z = (measured - response) / noise

    assert response.mean(dtype=float) == pytest.approx(1.0, abs=1e-6)
    assert within(response.std(dtype=float), 0.01, 0.01 / math.sqrt(2.0 * response.size))
    assert within(z.mean(), 0.0, 1.0 / math.sqrt(z.size))
    assert within(z.var(), 1.0, math.sqrt(2.0 / z.size))


@pytest.mark.parametrize("cfa", ["RGGB", "GBRG"])
def test_cfa_planes_have_their_colors(cfa):
    """Each place of the pattern keeps its color's share of the light; a mono camera keeps all of it."""
    camera = dataclasses.replace(PLAIN, cfa=cfa, color_response=(0.5, 1.0, 0.8))
    frame = expose(camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=10000.0, rng=rng(3)).astype(float)
    for place, color in enumerate(cfa):
        plane = frame[place // 2 :: 2, place % 2 :: 2]
        electrons = 10000.0 * {"R": 0.5, "G": 1.0, "B": 0.8}[color]
        variance = (electrons + 16.0) / 0.8**2 + ROUNDING_VARIANCE
        assert within(plane.mean(), 600.0 + electrons / 0.8, math.sqrt(variance / plane.size))
    assert (color_image(PLAIN) == 1.0).all()


@pytest.mark.parametrize(("bits", "step", "top"), [(16, 1, 65535), (14, 4, 65532), (12, 16, 65520), (12, 1, 4095)])
def test_converter_tops_out_and_keeps_its_step(bits, step, top):
    """Saturated pixels stand at (2^bits - 1) * step, and every value is a multiple of the step."""
    camera = dataclasses.replace(PLAIN, bits=bits, sample_step=step, full_well_e=1e6)
    bright = expose(camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=2e5, rng=rng())
    ordinary = expose(camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=0.2 * top, rng=rng())

    assert camera.top_adu == top
    assert (bright == top).all()
    assert (ordinary % step == 0).all()
    assert len(np.unique(ordinary)) > 3


def test_converter_has_a_floor():
    """A bias level below the noise is cut off at zero, as an offset setting that is too low does."""
    camera = dataclasses.replace(PLAIN, bias_adu=2.0)
    frame = expose(camera, kind=FrameKind.BIAS, exposure_s=0.0, rng=rng())
    # Rounded to 0 or below: less than 0.5, which is 1.5 ADU or 0.3 sigma below the level.
    share = 0.5 * math.erfc(1.5 / 5.0 / math.sqrt(2.0))

    assert within((frame == 0).mean(), share, math.sqrt(share * (1.0 - share) / frame.size))


def test_pixels_hold_no_more_than_the_full_well():
    """Above the full well only the read noise is left."""
    camera = dataclasses.replace(PLAIN, full_well_e=20000.0)
    frame = expose(camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=40000.0, rng=rng()).astype(float)
    variance = 25.0 + ROUNDING_VARIANCE

    assert within(frame.mean(), 600.0 + 20000.0 / 0.8, math.sqrt(variance / frame.size))
    assert within(frame.var(ddof=1), variance, variance * math.sqrt(2.0 / frame.size))


def test_overscan_sees_neither_light_nor_dark_current():
    """Overscan columns hold the bias alone, in flats and in long darks."""
    camera = dataclasses.replace(PLAIN, overscan_columns=20, dark_e_per_s=5.0, is_ccd=True)
    flat = expose(camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=30000.0, rng=rng(1)).astype(float)
    dark = expose(camera, kind=FrameKind.DARK, exposure_s=300.0, rng=rng(2)).astype(float)
    for frame in (flat, dark):
        overscan = frame[:, 300:]
        assert frame.shape == (200, 320)
        assert overscan.size == 200 * 20
        assert within(overscan.mean(), 600.0, math.sqrt((25.0 + ROUNDING_VARIANCE) / overscan.size))
        assert frame[:, :300].min() > 2000.0


def test_overscan_follows_the_drift_of_the_bias():
    """When the bias level wanders, overscan and image wander together."""
    camera = dataclasses.replace(PLAIN, overscan_columns=20, bias_drift_adu=10.0)
    frames = [expose(camera, kind=FrameKind.BIAS, exposure_s=0.0, rng=rng(k)).astype(float) for k in range(30)]
    overscan = np.array([frame[:, 300:].mean() for frame in frames])
    image = np.array([frame[:, :300].mean() for frame in frames])
    variance = 25.0 + ROUNDING_VARIANCE

    assert within(image.std(ddof=1), 10.0, 10.0 / math.sqrt(2.0 * 29))
    difference_error = math.sqrt(variance / (200 * 20) + variance / (200 * 300))
    assert within((overscan - image).std(ddof=1), difference_error, difference_error / math.sqrt(2.0 * 29))


def test_cosmic_rays_come_at_their_rate():
    """The number of tracks in a dark is that of a Poisson process; a bias has none."""
    camera = dataclasses.replace(PLAIN, shape=(800, 800), cosmic_rays_per_s=0.5)
    dark = expose(camera, kind=FrameKind.DARK, exposure_s=300.0, rng=rng(4))
    bias = expose(camera, kind=FrameKind.BIAS, exposure_s=0.0, rng=rng(4))
    # Eight sigma above the bias; a diagonal track touches at corners.
    _, n_tracks = ndimage.label(dark > 640, structure=np.ones((3, 3)))

    assert within(n_tracks, 150.0, math.sqrt(150.0))
    assert bias.max() < 640


def test_light_leaks_into_a_dark_where_it_is_given():
    """A dark flat taken with the panel on shows its light."""
    dark = expose(PLAIN, kind=FrameKind.DARK_FLAT, exposure_s=2.0, light_e_per_s=50.0, rng=rng()).astype(float)

    assert within(dark.mean(), 600.0 + 100.0 / 0.8, math.sqrt((116.0 / 0.64 + ROUNDING_VARIANCE) / dark.size))


def test_equal_seeds_give_equal_frames():
    """A frame depends on camera and random generator alone; the camera's seed decides its patterns."""
    camera = dataclasses.replace(PLAIN, prnu=0.01, bias_pattern_adu=4.0, hot_share=0.01, dark_e_per_s=0.1)
    other = dataclasses.replace(camera, seed=2)
    frames = [
        expose(camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=900.0, rng=rng(seed)) for seed in (8, 8, 9)
    ]

    np.testing.assert_array_equal(frames[0], frames[1])
    assert (frames[0] != frames[2]).mean() > 0.5
    for name in ("bias_adu", "dark_e_per_s", "response"):
        mine, theirs = getattr(camera_patterns(camera), name), getattr(camera_patterns(other), name)
        assert (mine != theirs).any()
        assert not mine.flags.writeable
        camera_patterns.cache_clear()
        np.testing.assert_array_equal(getattr(camera_patterns(camera), name), mine)


def test_patterns_do_not_depend_on_each_other():
    """A camera with more hot pixels keeps its bias pattern and its pixel response."""
    camera = dataclasses.replace(PLAIN, prnu=0.01, bias_pattern_adu=4.0, dark_e_per_s=0.1)
    hotter = dataclasses.replace(camera, hot_share=0.05)

    np.testing.assert_array_equal(camera_patterns(camera).bias_adu, camera_patterns(hotter).bias_adu)
    np.testing.assert_array_equal(camera_patterns(camera).response, camera_patterns(hotter).response)


@pytest.mark.parametrize(
    ("kind", "exposure_s", "light", "words"),
    [
        (FrameKind.FLAT, 1.0, None, "flat needs light"),
        (FrameKind.LIGHT, 1.0, None, "light needs light"),
        (FrameKind.FLAT, -1.0, 5.0, "-1.0 s"),
        (FrameKind.DARK, math.nan, None, "nan s"),
        (FrameKind.FLAT, 1.0, -5.0, "negative"),
        (FrameKind.FLAT, 1.0, math.nan, "not finite"),
        (FrameKind.FLAT, 1.0, math.inf, "not finite"),
        (FrameKind.FLAT, 1.0, np.ones((3, 4)), r"\(3, 4\)"),
    ],
)
def test_impossible_exposures_are_refused(kind, exposure_s, light, words):
    """What cannot be exposed is refused with what is wrong."""
    with pytest.raises(UsageError, match=words):
        expose(PLAIN, kind=kind, exposure_s=exposure_s, light_e_per_s=light, rng=rng())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bits": 16, "sample_step": 4}, "above 65535"),
        ({"bits": 18}, "18 bits"),
        ({"cfa": "RGBX"}, "RGBX"),
        ({"cfa": "RG"}, "pattern RG"),
        ({"egain_e_per_adu": 0.0}, "electrons per ADU"),
        ({"overscan_columns": -1}, "overscan"),
        ({"hot_share": 1.5}, "hot pixels"),
        ({"shape": (0, 5)}, "shape"),
    ],
)
def test_impossible_cameras_are_refused(change, words):
    """A camera that cannot exist is refused when it is made."""
    with pytest.raises(SettingsError, match=words):
        dataclasses.replace(PLAIN, **change)


def test_import_is_cheap():
    """Importing the simulator loads no file format, no compiler and no scipy."""
    code = "import sys, evenfield.simulate; print(sorted({'astropy', 'numba', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
