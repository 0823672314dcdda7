"""A simulated night is a folder as a capture program writes it, and its truth is what the frames hold."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from evenfield.errors import OutputExistsError, SettingsError, UsageError
from evenfield.simulate import (
    Night,
    NightRecipe,
    ccd_with_overscan,
    dark_rate,
    example_night,
    night_truth,
    osc_night,
    simulate_messy_night,
    simulate_night,
)


def small(recipe: NightRecipe, **camera: object) -> NightRecipe:
    """The recipe with a frame of 96 x 128 pixels: the same files, quickly."""
    return dataclasses.replace(recipe, camera=dataclasses.replace(recipe.camera, shape=(96, 128), **camera))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The example night, small, without cosmic rays so that plain means are right."""
    folder = tmp_path_factory.mktemp("simulated") / "night"
    return simulate_night(folder, recipe=small(example_night(), cosmic_rays_per_s=0.0))


def pixels(path: Path) -> np.ndarray:
    return fits.getdata(path).astype(np.float64)


def stack(folder: Path, pattern: str) -> np.ndarray:
    return np.array([pixels(path) for path in sorted(folder.glob(pattern))])


def test_example_night_is_what_the_demo_promises():
    """The example: 624 x 836 mono, Ha 2.00 s and OIII 3.50 s, flats at 48 % of full scale, -10 C."""
    recipe = example_night()

    assert recipe.camera.name == "Simulated CMOS 0.5 MP"
    assert recipe.camera.shape == (624, 836)
    assert recipe.camera.cfa is None
    assert [(each.name, each.exposure_s, each.n_flats) for each in recipe.filters] == [
        ("Ha", 2.0, 20),
        ("OIII", 3.5, 20),
    ]
    assert recipe.set_c == -10.0


def test_files_and_kinds_are_counted(night: Night):
    """Each set has its folder, its names and its number of frames, as the headers say too."""
    found = collections.Counter()
    for path in night.files:
        header = fits.getheader(path)
        found[path.parent.name, header["IMAGETYP"], header["EXPTIME"], header.get("FILTER")] += 1

    assert found == {
        ("lights", "LIGHT", 300.0, "Ha"): 2,
        ("lights", "LIGHT", 300.0, "OIII"): 2,
        ("flats", "FLAT", 2.0, "Ha"): 20,
        ("flats", "FLAT", 3.5, "OIII"): 20,
        ("darkflats", "DARKFLAT", 2.0, None): 20,
        ("darkflats", "DARKFLAT", 3.5, None): 20,
        ("bias", "BIAS", 0.0, None): 20,
        ("darks", "DARK", 300.0, None): 10,
    }
    assert sorted(night.folder.rglob("*.fits")) == sorted(night.files)
    for name in (
        "flats/FLAT_Ha_0001",
        "darkflats/DARKFLAT_2.00s_0001",
        "darkflats/DARKFLAT_3.50s_0020",
        "bias/BIAS_0020",
    ):
        assert (night.folder / f"{name}.fits").is_file()


def test_headers_read_like_a_capture_programs(night: Night):
    """A flat's header has what grouping and matching need, and pixels are 16-bit unsigned."""
    with fits.open(night.folder / "flats" / "FLAT_OIII_0003.fits") as hdus:
        header = hdus[0].header
        assert hdus[0].data.dtype.name == "uint16"
        assert hdus[0].data.shape == (96, 128)
    expected = {
        "BITPIX": 16,
        "BZERO": 32768,
        "EXPOSURE": 3.5,
        "SET-TEMP": -10.0,
        "GAIN": 100,
        "OFFSET": 50,
        "XBINNING": 1,
        "YBINNING": 1,
        "INSTRUME": "Simulated CMOS 0.5 MP",
        "EGAIN": 0.26,
        "ROWORDER": "TOP-DOWN",
        "SWCREATE": "evenfield simulated camera 1",
        "ROTATANG": 93.4,
        "FOCALLEN": 530.0,
        "TELESCOP": "Simulated refractor",
        "XPIXSZ": 3.76,
        "SITELONG": 10.0,
    }
    assert {keyword: header[keyword] for keyword in expected} == expected
    assert "BAYERPAT" not in header
    utc, local = (datetime.datetime.fromisoformat(header[keyword]) for keyword in ("DATE-OBS", "DATE-LOC"))
    assert local - utc == datetime.timedelta(hours=1)


def test_frames_follow_the_clock(night: Night):
    """No frame starts before the one before it ended, and all belong to one night, local noon to noon."""
    headers = [fits.getheader(path) for path in night.files]
    starts = [datetime.datetime.fromisoformat(header["DATE-OBS"]) for header in headers]
    for header, start, following in zip(headers, starts, starts[1:], strict=False):
        assert following > start + datetime.timedelta(seconds=header["EXPTIME"])
    noon = datetime.datetime(2026, 3, 14, 12) - datetime.timedelta(hours=10.0 / 15.0)
    assert noon < starts[0]
    assert starts[-1] < noon + datetime.timedelta(days=1)


def test_temperatures_stray_a_little(night: Night):
    """The cooler holds its set point to 0.3 C, but not exactly."""
    sensor_c = [fits.getheader(path)["CCD-TEMP"] for path in night.files]

    assert len(set(sensor_c)) > 2
    assert max(abs(value + 10.0) for value in sensor_c) <= 0.3


def test_flats_hold_the_truth(night: Night):
    """Flats less dark flats are the truth's picture at the truth's lamp levels, but for noise of the known size."""
    camera = night.recipe.camera
    for name, dark_flats in (("Ha", "DARKFLAT_2.00s_*"), ("OIII", "DARKFLAT_3.50s_*")):
        truth = night.truth[name]
        levels = np.array(truth.lamp_adu)
        flats = stack(night.folder, f"flats/FLAT_{name}_*")
        darks = stack(night.folder, f"darkflats/{dark_flats}")
        # A dark flat's own noise comes from its dark signal; hot pixels have more of it.
        exposure_s = 2.0 if name == "Ha" else 3.5
        read_variance = (camera.read_noise_e / camera.egain_e_per_adu) ** 2 + 1.0 / 12.0
        dark_variance = read_variance + truth.dark_adu(exposure_s) / camera.egain_e_per_adu
        light_variance = levels.mean() * truth.flat_image / camera.egain_e_per_adu
        noise = np.sqrt((light_variance + dark_variance + dark_variance) / 20.0)
        z = (flats.mean(axis=0) - darks.mean(axis=0) - levels.mean() * truth.flat_image) / noise

        assert len(levels) == len(flats) == len(darks) == 20
        assert abs(z.mean()) <= 3.0 / math.sqrt(z.size)
        assert abs(z.var() - 1.0) <= 3.0 * math.sqrt(2.0 / z.size)
        # Frame by frame: the lamp levels are in the order of the file names.
        measured = (flats - darks.mean(axis=0)).mean(axis=(1, 2)) / truth.flat_image.mean()
        error = math.sqrt((light_variance + 2.0 * dark_variance).mean() / z.size)
        assert np.abs(measured - levels).max() <= 4.0 * error  # the greatest of 20
        assert 0.015 < (levels.max() - levels.min()) / levels.mean() < 0.025


def test_bias_and_darks_hold_the_truth(night: Night):
    """The mean bias is the truth's, and darks add the truth's dark signal."""
    camera, truth = night.recipe.camera, night.truth["Ha"]
    bias, darks = stack(night.folder, "bias/*.fits"), stack(night.folder, "darks/*.fits")
    read_variance = (camera.read_noise_e / camera.egain_e_per_adu) ** 2 + 1.0 / 12.0
    z_bias = (bias.mean(axis=0) - truth.bias_adu) / math.sqrt(read_variance / len(bias))
    # Each dark has the temperature that its header says; hot pixels would show a difference of 0.1 C.
    sensor_c = [fits.getheader(path)["CCD-TEMP"] for path in sorted(night.folder.glob("darks/*.fits"))]
    dark_adu = np.mean([dark_rate(camera, sensor_c=each).astype(float) for each in sensor_c], axis=0) * 300.0 / 0.26
    noise = np.sqrt((read_variance + dark_adu / camera.egain_e_per_adu) / len(darks))
    z_dark = (darks.mean(axis=0) - truth.bias_adu - dark_adu) / noise

    np.testing.assert_allclose(truth.dark_adu(300.0), dark_adu, rtol=0.02)
    assert abs(z_bias.mean()) <= 3.0 / math.sqrt(z_bias.size)
    assert abs(z_bias.var() - 1.0) <= 3.0 * math.sqrt(2.0 / z_bias.size)
    assert abs(z_dark.mean()) <= 3.0 / math.sqrt(z_dark.size)
    assert abs(z_dark.var() - 1.0) <= 3.0 * math.sqrt(2.0 / z_dark.size)


def test_lights_show_sky_and_stars(night: Night):
    """A light lies above its dark, and stars stand out of it."""
    light = pixels(night.folder / "lights" / "LIGHT_Ha_300s_0001.fits")
    dark = stack(night.folder, "darks/*.fits").mean(axis=0)
    sky_adu = 20.0 * 0.070 * 300.0 / 0.26

    assert np.median(light - dark) == pytest.approx(sky_adu, rel=0.05)
    assert (light - dark).max() > 5.0 * sky_adu


def test_truth_needs_no_files(night: Night):
    """The truth made again from recipe and seed is that of the night, and another seed has another lamp."""
    again, other = (night_truth(night.recipe, seed=seed) for seed in (1, 2))

    assert set(again) == {"Ha", "OIII"}
    for name, truth in night.truth.items():
        for field in dataclasses.fields(truth):
            np.testing.assert_array_equal(getattr(again[name], field.name), getattr(truth, field.name))
        assert not truth.flat_field.flags.writeable
        assert truth.illumination.mean() == pytest.approx(1.0)
        assert other[name].lamp_adu != truth.lamp_adu
        np.testing.assert_array_equal(other[name].flat_field, truth.flat_field)
    assert (night.truth["Ha"].illumination != night.truth["OIII"].illumination).any()


def test_equal_seeds_give_equal_bytes(tmp_path: Path):
    """Two nights of one seed are the same byte for byte; another seed gives other noise under the same names."""
    recipe = small(osc_night())
    digests = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        made = simulate_night(tmp_path / folder, recipe=recipe, seed=seed)
        digests.append(
            {
                path.relative_to(made.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in made.files
            }
        )

    assert digests[0] == digests[1]
    assert digests[0].keys() == digests[2].keys()
    assert not set(digests[0].values()) & set(digests[2].values())


def test_existing_files_are_kept(tmp_path: Path):
    """A night is not written over another one unless asked."""
    recipe = dataclasses.replace(small(osc_night()), n_bias=1, n_darks=0, n_dark_flats=0, filters=())
    made = simulate_night(tmp_path, recipe=recipe)
    before = made.files[0].read_bytes()
    with pytest.raises(OutputExistsError):
        simulate_night(tmp_path, recipe=recipe, seed=2)

    assert made.files[0].read_bytes() == before
    simulate_night(tmp_path, recipe=recipe, seed=2, overwrite=True)
    assert made.files[0].read_bytes() != before


def test_ccd_night_has_overscan_and_no_gain_setting(tmp_path: Path):
    """The CCD's frames have overscan that follows the drifting bias, and a header without gain or offset setting."""
    recipe = ccd_with_overscan()
    made = simulate_night(tmp_path, recipe=recipe)
    bias, flats = stack(tmp_path, "bias/*.fits"), stack(tmp_path, "flats/*.fits")
    header = fits.getheader(tmp_path / "flats" / "FLAT_R_0001.fits")

    assert bias.shape == (15, 320, 432)
    assert header["BIASSEC"] == "[401:432,1:320]"
    assert header["TRIMSEC"] == "[1:400,1:320]"
    assert header["IMAGETYP"] == "Flat Field"
    assert not {"GAIN", "OFFSET", "BAYERPAT"} & set(header)
    levels = bias[:, :, :400].mean(axis=(1, 2))
    assert levels.std() > 1.5
    overscan_noise = math.sqrt(2.0) * math.hypot(9.0 / 1.4, math.sqrt(1.0 / 12.0)) / math.sqrt(320 * 32)
    drift = levels - levels.mean() - (bias[:, :, 400:].mean(axis=(1, 2)) - bias[:, :, 400:].mean())
    assert np.abs(drift).max() <= 4.0 * overscan_noise
    assert np.abs(flats[:, :, 400:].mean(axis=(1, 2)) - 1000.0).max() < 20.0
    assert flats[:, :, :400].mean() > 30000.0
    assert made.truth["R"].bias_adu.shape == (320, 432)
    assert made.truth["R"].flat_field.shape == (320, 400)


def test_osc_night_has_colors_and_no_filter(tmp_path: Path):
    """The color camera's flats have the pattern in the header and in the pixels, in steps of four, and no filter."""
    made = simulate_night(tmp_path, recipe=osc_night())
    flat = pixels(tmp_path / "flats" / "FLAT_0001.fits") - 480.0
    header = fits.getheader(tmp_path / "flats" / "FLAT_0001.fits")

    assert (header["BAYERPAT"], header["XBAYROFF"], header["YBAYROFF"], header["GAIN"]) == ("RGGB", 0, 0, 100)
    assert "FILTER" not in header
    assert set(made.truth) == {None}
    assert (fits.getdata(tmp_path / "flats" / "FLAT_0001.fits") % 4 == 0).all()
    green = flat[0::2, 1::2].mean()
    assert flat[0::2, 0::2].mean() / green == pytest.approx(0.6, abs=0.002)
    assert flat[1::2, 1::2].mean() / green == pytest.approx(0.75, abs=0.002)
    assert flat[1::2, 0::2].mean() / green == pytest.approx(1.0, abs=0.002)


@pytest.mark.parametrize("make", [example_night, ccd_with_overscan, osc_night])
def test_flats_stand_at_half_of_full_scale(make):
    """The flats of each recipe lie near 48 % of what the converter can say, and none of their pixels is at its top."""
    recipe = make()
    for truth in night_truth(recipe).values():
        level = np.mean(truth.lamp_adu)
        assert (level + recipe.camera.bias_adu) / recipe.camera.top_adu == pytest.approx(0.48, abs=0.001)
        assert level * truth.flat_image.max() + recipe.camera.bias_adu < 0.75 * recipe.camera.top_adu
        assert truth.flat_image.max() * level * recipe.camera.egain_e_per_adu < 0.9 * recipe.camera.full_well_e


def test_recipes_refuse_what_cannot_be_told_apart():
    """Two filters of one name, or an unknown way to write IMAGETYP, are refused."""
    recipe = example_night()
    with pytest.raises(SettingsError, match="twice"):
        dataclasses.replace(recipe, filters=(recipe.filters[0], recipe.filters[0]))
    with pytest.raises(SettingsError, match="image types"):
        dataclasses.replace(recipe, image_types="long")


def test_negative_seeds_are_refused(tmp_path: Path):
    """A seed that no random generator takes is refused before anything is written."""
    with pytest.raises(UsageError, match="-1"):
        simulate_night(tmp_path / "night", seed=-1)
    with pytest.raises(UsageError, match="-1"):
        simulate_messy_night(tmp_path / "messy", seed=-1)
    assert list(tmp_path.iterdir()) == []
