"""Masters of small simulated nights equal a plain float64 computation of the same definitions within 0.01 ADU."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from evenfield import CalibrationSettings, CombineSettings, Report, read_provenance, rejection
from evenfield.simulate import (
    Night,
    NightRecipe,
    ccd_with_overscan,
    cmos_camera,
    example_night,
    lamp_for_level,
    simulate_night,
)

REJECTIONS = ["none", "zscore", "zscore:1.5", "extremes:2", "minmax:1,2", "sigma:2,2.5", "winsorized:3,3",
              "winsorized:1.5,2"]  # fmt: skip
TRIM = (slice(0, 48), slice(0, 64))
OVERSCAN = (slice(0, 48), slice(64, 80))


def small_recipe() -> NightRecipe:
    """A small CMOS camera, flats of two filters, dark flats, bias, and darks of 10 s."""
    camera = cmos_camera(shape=(64, 96))
    camera = dataclasses.replace(camera, cosmic_rays_per_s=1.0, hot_share=0.01)
    whole = example_night()
    ha, oiii = (dataclasses.replace(each, n_flats=n, n_lights=1) for each, n in zip(whole.filters, (8, 7), strict=True))
    return dataclasses.replace(
        whole,
        camera=camera,
        lamp=lamp_for_level(camera, level_adu=30000.0, exposure_s=2.0, transmission=0.07),
        filters=(ha, oiii),
        n_dark_flats=7,
        n_bias=6,
        n_darks=6,
        dark_exposure_s=10.0,
    )


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The night of `small_recipe`."""
    return simulate_night(tmp_path_factory.mktemp("truth") / "night", recipe=small_recipe())


@pytest.fixture(scope="module")
def ccd_night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A CCD with 16 overscan columns and a bias level that wanders; bias and darks of 60 s, no dark flats."""
    recipe = ccd_with_overscan()
    camera = dataclasses.replace(recipe.camera, shape=(48, 64), overscan_columns=16, hot_share=0.01)
    recipe = dataclasses.replace(recipe, camera=camera, n_bias=6, n_darks=6)
    return simulate_night(tmp_path_factory.mktemp("truth") / "ccd", recipe=recipe)


def files(night: Night, pattern: str) -> list[Path]:
    """The frames of a night by pattern, in order."""
    found = sorted(night.folder.glob(pattern))
    assert found, pattern
    return found


def only_flat(report: Report, name: str) -> str:
    """The path of the one master flat whose file name contains ``name``."""
    (found,) = [one.outputs[0] for one in report.results if one.kind == "flat" and name in Path(one.outputs[0]).name]
    return found


@pytest.mark.parametrize("method", ["mean", "median"])
@pytest.mark.parametrize("reject", REJECTIONS)
def test_every_combination_and_rejection(
    night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], method: str, reject: str
) -> None:
    """Mean and median with every rejection, dark flats subtracted, give the plain numbers."""
    report = make(night.folder, combine=CombineSettings(method=method, rejection=rejection(reject)))  # type: ignore[arg-type]
    for name, exposure in (("Ha", "2.00s"), ("OIII", "3.50s")):
        dark = plain.dark(files(night, f"darkflats/*_{exposure}_*"), reject=reject, method=method)
        wanted = plain.flat(files(night, f"flats/FLAT_{name}_*"), subtract=dark, reject=reject, method=method)
        same_pixels(only_flat(report, f"_{name}_"), wanted)
        (made,) = [one.outputs[0] for one in report.results if one.kind == "dark_flat" and exposure in one.id]
        same_pixels(made, dark)


def test_default_settings(
    night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]
) -> None:
    """The defaults for 7 and 8 frames: zscore 3 for dark flats, mean scaling and ccd 3/3 for flats."""
    report = make(night.folder, auto=True)
    for name, exposure in (("Ha", "2.00s"), ("OIII", "3.50s")):
        dark = plain.dark(files(night, f"darkflats/*_{exposure}_*"), reject="zscore:3")
        path = only_flat(report, f"_{name}_")
        wanted = plain.flat(files(night, f"flats/FLAT_{name}_*"), subtract=dark, noise=noise_of(path))
        same_pixels(path, wanted)


def noise_of(path: str) -> tuple[float, float, float]:
    """What a master says of the noise it was made with: read noise and bias level in ADU, e-/ADU."""
    measured = read_provenance(path).measured
    read, bias, egain = (measured[name] for name in ("read_noise_adu", "bias_adu", "egain_e_per_adu"))
    assert read is not None
    assert bias is not None
    assert egain is not None
    return read, bias, egain


def test_few_frames_give_the_median(
    night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]
) -> None:
    """Below five frames "auto" is the median of everything, for flats and dark flats alike."""
    flats, darks = files(night, "flats/FLAT_Ha_*")[:4], files(night, "darkflats/*_2.00s_*")[:3]
    report = make(*flats, *darks, auto=True)
    dark = plain.dark(darks, reject="none", method="median")
    same_pixels(only_flat(report, "Ha"), plain.flat(flats, subtract=dark, reject="none", method="median"))


@pytest.mark.parametrize("scale", ["none", "mean", "median"])
def test_scale_before_combining(
    night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], scale: str
) -> None:
    """Flats are brought to the mean of their means or medians, or left alone; dark ones are always left alone."""
    flats, darks = files(night, "flats/FLAT_Ha_*"), files(night, "darkflats/*_2.00s_*")
    report = make(*flats, *darks, combine=CombineSettings(scale=scale, dark_rejection=rejection("none")))  # type: ignore[arg-type]
    dark = plain.dark(darks, reject="none")
    same_pixels(only_flat(report, "Ha"), plain.flat(flats, subtract=dark, scale=scale))


def test_darks_of_the_flats_exposure_serve_as_dark_flats(
    night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], tmp_path: Path
) -> None:
    """Frames that the header calls DARK, of the flats' exposure, are subtracted as dark flats are."""
    recipe = dataclasses.replace(small_recipe(), image_types="short, no dark flat")
    other = simulate_night(tmp_path / "other", recipe=recipe)
    shutil.move(other.folder / "darkflats", other.folder / "closed")
    report = make(other.folder / "flats", other.folder / "closed")
    dark = plain.dark(files(other, "closed/*_2.00s_*"))
    assert {one.kind for one in report.results} == {"dark_flat", "flat"}
    same_pixels(only_flat(report, "_Ha_"), plain.flat(files(other, "flats/FLAT_Ha_*"), subtract=dark))


def test_bias(night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]) -> None:
    """With bias only, the master bias is subtracted."""
    report = make(night.folder / "flats", night.folder / "bias")
    bias = plain.dark(files(night, "bias/*"))
    same_pixels(only_flat(report, "_Ha_"), plain.flat(files(night, "flats/FLAT_Ha_*"), subtract=bias))


def test_scaled_dark_with_bias(
    night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]
) -> None:
    """A longer dark is scaled by exposure: flat - bias - k (dark - bias), each filter with its own k."""
    scaled = CalibrationSettings(dark_scale="exposure")
    report = make(*(night.folder / name for name in ("flats", "bias", "darks")), calibration=scaled)
    bias, dark = plain.dark(files(night, "bias/*")), plain.dark(files(night, "darks/*"))
    for name, exposure_s in (("Ha", 2.0), ("OIII", 3.5)):
        subtract = bias + exposure_s / 10.0 * (dark - bias)
        same_pixels(only_flat(report, f"_{name}_"), plain.flat(files(night, f"flats/FLAT_{name}_*"), subtract=subtract))


def test_pedestal(night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]) -> None:
    """A pedestal is one number subtracted from every pixel."""
    report = make(night.folder, calibration=CalibrationSettings(mode="pedestal", pedestal_adu=498.25))
    same_pixels(only_flat(report, "_Ha_"), plain.flat(files(night, "flats/FLAT_Ha_*"), subtract=498.25))


def test_no_precalibration(
    night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]
) -> None:
    """Without precalibration the raw flats are scaled and combined."""
    report = make(night.folder, calibration=CalibrationSettings(mode="none"))
    same_pixels(only_flat(report, "_Ha_"), plain.flat(files(night, "flats/FLAT_Ha_*")))


def test_nothing_fits(night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]) -> None:
    """Where nothing was found to subtract, the master is that of the raw flats, and its name says so."""
    report = make(night.folder / "flats")
    path = only_flat(report, "_Ha_")
    assert path.endswith("_UNCALIBRATED.fits")
    same_pixels(path, plain.flat(files(night, "flats/FLAT_Ha_*")))


@pytest.mark.parametrize("how", ["named", "found"])
def test_ready_master(
    night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], tmp_path: Path, how: str
) -> None:
    """A ready master file is subtracted as it is, whether it is named or found in a calibration folder."""
    first = make(night.folder, out="first")
    ready = [one.outputs[0] for one in first.results if one.kind == "dark_flat"]
    if how == "named":
        report = make(night.folder / "flats", calibration=CalibrationSettings(mode="files", files=tuple(ready)))
    else:
        report = make(night.folder / "flats", library=[Path(ready[0]).parent])
    assert {one.kind for one in report.results} == {"flat"}
    for name, exposure in (("Ha", "2.00s"), ("OIII", "3.50s")):
        dark = plain.dark(files(night, f"darkflats/*_{exposure}_*"))
        same_pixels(only_flat(report, f"_{name}_"), plain.flat(files(night, f"flats/FLAT_{name}_*"), subtract=dark))
        # And to the last bit what the run that made the master gives.
        assert np.array_equal(plain.read(only_flat(report, f"_{name}_")), plain.read(only_flat(first, f"_{name}_")))


@pytest.mark.parametrize("sections", ["header", "given"])
def test_overscan_and_trim(
    ccd_night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], sections: str
) -> None:
    """The median of each frame's own overscan comes off first, then the frame is trimmed; darks and flats alike."""
    words = ("header", "header") if sections == "header" else ("[65:80,*]", "[1:64,*]")
    report = make(ccd_night.folder, calibration=CalibrationSettings(overscan=words[0], trim=words[1]))
    bias = plain.dark(files(ccd_night, "bias/*"), trim=TRIM, overscan=OVERSCAN)
    dark = plain.dark(files(ccd_night, "darks/*"), trim=TRIM, overscan=OVERSCAN)
    subtract = bias + 5.0 / 60.0 * (dark - bias)
    wanted = plain.flat(files(ccd_night, "flats/*"), subtract=subtract, trim=TRIM, overscan=OVERSCAN)
    assert abs(bias.mean()) < 1.0
    same_pixels(only_flat(report, "_R_"), wanted)


def test_trim_alone(ccd_night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]) -> None:
    """A trimmed region is computed as if the rest did not exist, its levels too."""
    report = make(ccd_night.folder, calibration=CalibrationSettings(trim="[9:40,5:*]", kinds=("bias",)))
    trim = (slice(4, 48), slice(8, 40))
    bias = plain.dark(files(ccd_night, "bias/*"), trim=trim)
    same_pixels(only_flat(report, "_R_"), plain.flat(files(ccd_night, "flats/*"), subtract=bias, trim=trim))


def test_ready_untrimmed_master_is_trimmed(
    ccd_night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]
) -> None:
    """A ready master of the untrimmed size is cut to the region of the flats."""
    first = make(ccd_night.folder, out="first", calibration=CalibrationSettings(kinds=("bias",)))
    (ready,) = [one.outputs[0] for one in first.results if one.kind == "bias"]
    asked = CalibrationSettings(mode="files", files=(ready,), trim="[1:64,*]")
    report = make(ccd_night.folder / "flats", calibration=asked)
    bias = plain.dark(files(ccd_night, "bias/*"))[TRIM]
    same_pixels(only_flat(report, "_R_"), plain.flat(files(ccd_night, "flats/*"), subtract=bias, trim=TRIM))


def test_saturated_pixels_do_not_enter_the_scales(
    night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], tmp_path: Path
) -> None:
    """The level of a frame is the mean over its unsaturated pixels: hot pixels at full scale change no scale."""
    folder = tmp_path / "hot"
    folder.mkdir()
    for number, path in enumerate(files(night, "flats/FLAT_Ha_*")):
        pixels, header = fits.getdata(path, header=True)
        pixels[5, : 3 * number] = 65535
        fits.writeto(folder / path.name, pixels, header)
    report = make(folder, *files(night, "darkflats/*_2.00s_*"))
    dark = plain.dark(files(night, "darkflats/*_2.00s_*"))
    same_pixels(only_flat(report, "_Ha_"), plain.flat(sorted(folder.glob("*")), subtract=dark))
    assert all(scale == pytest.approx(1.0, abs=0.02) for scale in scales_of(only_flat(report, "_Ha_")))


def scales_of(path: str) -> list[float]:
    """The scales that a master's own header tells."""
    return [one.scale for one in read_provenance(path).inputs]


def test_bad_frames_leave_the_scales(
    night: Night, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], tmp_path: Path
) -> None:
    """A flat that is left out counts neither in the pixels nor in the mean of the levels."""
    folder = tmp_path / "bad"
    folder.mkdir()
    paths = files(night, "flats/FLAT_Ha_*")
    for path in paths[1:]:
        shutil.copy2(path, folder)
    black, header = fits.getdata(paths[0], header=True)
    fits.writeto(folder / paths[0].name, black // 40, header)
    report = make(folder, *files(night, "darkflats/*_2.00s_*"))
    dark = plain.dark(files(night, "darkflats/*_2.00s_*"))
    same_pixels(only_flat(report, "_Ha_"), plain.flat(paths[1:], subtract=dark))
    kept = make(folder, *files(night, "darkflats/*_2.00s_*"), out="kept",
                combine=CombineSettings(keep_bad_frames=True, rejection=rejection("none"),
                                        dark_rejection=rejection("winsorized:4,3"), scale="none"))  # fmt: skip
    everything = [folder / path.name for path in paths]
    same_pixels(only_flat(kept, "_Ha_"), plain.flat(everything, subtract=dark, reject="none", scale="none"))
