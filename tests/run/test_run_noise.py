"""What a run measures of the camera before it combines: read noise, e-/ADU, and the step of the raw numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from evenfield import (
    CalibrationSettings,
    CombineSettings,
    Report,
    Settings,
    StepResult,
    make_plan,
    read_provenance,
    rejection,
    run_plan,
    survey_folders,
)
from evenfield.errors import DamagedFileError
from evenfield.model.pixels import Tile
from evenfield.model.rejections import Ccd, NoRejection, Sigma
from evenfield.read import open_source
from evenfield.read.stored import FileSource
from evenfield.run.loop import Stack
from evenfield.run.noise import raw_step

SHAPE = (96, 160)
BIAS = 500.0
N_FRAMES = 10
MEND = "Give the noise, which so few frames do not tell: --reject ccd:4,3,read_noise_adu=3,egain_e_per_adu=1."


def vignetting() -> NDArray[np.float64]:
    """Light that falls to half from the left edge to the right."""
    return np.broadcast_to(np.linspace(1.0, 0.5, SHAPE[1]), SHAPE)


def shoot(
    folder: Path, kind: str, n_frames: int, *, egain: float, read_adu: float, level: float = 40000.0, step: int = 1,
    seed: int = 1, **cards: object,
) -> list[Path]:  # fmt: skip
    """Frames of a camera of known noise, a lamp that fades, and a header that says nothing about either."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(1, n_frames + 1):
        light = level * vignetting() * (1.0 - 0.01 * number) if kind == "FLAT" else np.zeros(SHAPE)
        pixels = BIAS + rng.poisson(light * egain) / egain + rng.normal(0.0, read_adu, SHAPE)
        raw = np.clip(np.rint(pixels / step) * step, 0, 65535 // step * step).astype(np.uint16)
        header = fits.Header()
        known = {
            "IMAGETYP": kind, "EXPTIME": 2.0, "INSTRUME": "Test CMOS", "GAIN": 100, "OFFSET": 50, "XBINNING": 1,
            "YBINNING": 1, "CCD-TEMP": -10.0, "DATE-OBS": f"2026-03-14T20:{number:02d}:00", "SITELONG": 0.0,
            **({"FILTER": "Ha"} if kind == "FLAT" else {}), **cards,
        }  # fmt: skip
        header.update(known)
        folder.mkdir(parents=True, exist_ok=True)
        made.append(folder / f"{kind.lower()}_{number:02d}.fits")
        fits.writeto(made[-1], raw, header)
    return made


def run(folder: Path, output: Path, *, reject: str = "ccd:4,3", dark: str = "ccd:4,3", **combine: Any) -> Report:
    """Make the masters of a folder."""
    settings = Settings(combine=CombineSettings(rejection=rejection(reject), dark_rejection=rejection(dark), **combine))
    return run_plan(make_plan(survey_folders([folder]), output=str(output), settings=settings))


def result_of(report: Report, kind: str) -> StepResult:
    """The one result of a kind."""
    (found,) = [one for one in report.results if one.kind == kind]
    return found


@pytest.mark.parametrize(("egain", "read_adu"), [(1.0, 40.0), (0.25, 12.0), (3.0, 60.0)])
def test_flats_tell_the_cameras_gain(tmp_path: Path, egain: float, read_adu: float) -> None:
    """Flats whose light falls to half give e-/ADU within 10 %, and their darks the read noise within 5 %."""
    shoot(tmp_path / "night", "FLAT", N_FRAMES, egain=egain, read_adu=read_adu)
    shoot(tmp_path / "night", "DARKFLAT", N_FRAMES, egain=egain, read_adu=read_adu, seed=2)
    report = run(tmp_path / "night", tmp_path / "masters")
    assert report.exit_code == 0
    flat, dark = result_of(report, "flat"), result_of(report, "dark_flat")
    assert flat.measured["egain_e_per_adu"] == pytest.approx(egain, rel=0.10)
    assert dark.measured["read_noise_adu"] == pytest.approx(read_adu, rel=0.05)
    assert dark.measured["egain_e_per_adu"] is None
    # A normal distribution has 0.17 % of its samples beyond 3 or -4 times its scatter.
    shares = [one.measured[f"rejected_{side}_share"] for one in (flat, dark) for side in ("low", "high")]
    assert max(share for share in shares if share is not None) < 0.005


def test_read_noise_of_flats_where_it_counts(tmp_path: Path) -> None:
    """Where read noise is half of a faint flat's variance, the flats tell both numbers within 10 %."""
    shoot(tmp_path / "night", "FLAT", 16, egain=1.0, read_adu=80.0, level=9000.0)
    shoot(tmp_path / "night", "DARKFLAT", 16, egain=1.0, read_adu=80.0, seed=2)
    flat = result_of(run(tmp_path / "night", tmp_path / "masters"), "flat")
    assert flat.measured["read_noise_adu"] == pytest.approx(80.0, rel=0.10)
    assert flat.measured["egain_e_per_adu"] == pytest.approx(1.0, rel=0.10)


def test_measured_noise_stands_in_the_product(tmp_path: Path) -> None:
    """The product's own header tells the numbers too; they have six digits and not more."""
    shoot(tmp_path / "night", "DARK", N_FRAMES, egain=1.0, read_adu=9.0)
    settings = Settings(combine=CombineSettings(dark_rejection=Ccd(low=4.0, high=3.0)))
    shoot(tmp_path / "night", "FLAT", N_FRAMES, egain=1.0, read_adu=9.0)
    report = run_plan(make_plan(survey_folders([tmp_path / "night"]), output=str(tmp_path / "m"), settings=settings))
    dark = next(one for one in report.results if one.kind != "flat")
    assert dark.measured["read_noise_adu"] == pytest.approx(9.0, rel=0.05)
    assert read_provenance(dark.outputs[0]).measured.items() <= dark.measured.items()
    assert dark.measured["read_noise_adu"] == float(f"{dark.measured['read_noise_adu']:.6g}")
    assert "read_noise_adu" in result_of(report, "flat").measured, "auto takes ccd for so few flats"
    sigma = Settings(combine=CombineSettings(rejection=Sigma()))
    report = run_plan(make_plan(survey_folders([tmp_path / "night"]), output=str(tmp_path / "n"), settings=sigma))
    assert "read_noise_adu" not in result_of(report, "flat").measured, "only ccd needs to know"


def test_numbers_given_are_taken(tmp_path: Path) -> None:
    """What the user says about the noise is not measured."""
    shoot(tmp_path / "night", "FLAT", 6, egain=1.0, read_adu=40.0)
    text = "ccd:4,3,read_noise_adu=33,egain_e_per_adu=1.25"
    flat = result_of(run(tmp_path / "night", tmp_path / "masters", reject=text), "flat")
    assert (flat.measured["read_noise_adu"], flat.measured["egain_e_per_adu"]) == (33.0, 1.25)


def test_one_number_given_the_other_measured(tmp_path: Path) -> None:
    """A read noise that is given stays; e-/ADU is measured beside it."""
    shoot(tmp_path / "night", "FLAT", N_FRAMES, egain=1.0, read_adu=40.0)
    shoot(tmp_path / "night", "DARKFLAT", N_FRAMES, egain=1.0, read_adu=40.0, seed=2)
    flat = result_of(run(tmp_path / "night", tmp_path / "masters", reject="ccd:4,3,read_noise_adu=33"), "flat")
    assert flat.measured["read_noise_adu"] == 33.0
    assert flat.measured["egain_e_per_adu"] == pytest.approx(1.0, rel=0.10)


def test_outliers_do_not_spoil_the_noise(tmp_path: Path) -> None:
    """A cosmic ray in every frame is rejected by the noise that was measured beside it."""
    paths = shoot(tmp_path / "night", "DARK", N_FRAMES, egain=1.0, read_adu=9.0)
    for number, path in enumerate(paths):
        with fits.open(path, mode="update") as file:
            file[0].data[5 * number, 7 * number] = 9000
    shoot(tmp_path / "night", "FLAT", N_FRAMES, egain=1.0, read_adu=9.0)
    report = run(tmp_path / "night", tmp_path / "masters")
    dark = next(one for one in report.results if one.kind != "flat")
    assert dark.measured["read_noise_adu"] == pytest.approx(9.0, rel=0.05)
    made = fits.getdata(dark.outputs[0])
    hit = [made[5 * number, 7 * number] for number in range(N_FRAMES)]
    assert np.abs(np.array(hit) - BIAS).max() < 5 * 9.0 / np.sqrt(N_FRAMES - 1)


@pytest.mark.parametrize("n_frames", [1, 2, 3])
def test_too_few_frames_to_measure(tmp_path: Path, n_frames: int) -> None:
    """Fewer than four frames say nothing about their noise: the step fails with its code and what to give instead."""
    shoot(tmp_path / "night", "FLAT", n_frames, egain=1.0, read_adu=10.0)
    report = run(tmp_path / "night", tmp_path / "masters")
    assert report.exit_code == 1
    flat = result_of(report, "flat")
    assert flat.status.value == "FAILED"
    told = flat.findings[-1]
    assert (told.code, told.mend) == ("too_few_for_rejection", MEND)
    assert not list((tmp_path / "masters").rglob("*.fits"))


def test_auto_goes_on_with_the_frames_that_are_left(tmp_path: Path) -> None:
    """Where frames fail until too few are left to measure the noise, "auto" takes what it takes for so few."""
    shoot(tmp_path / "night", "FLAT", 6, egain=1.0, read_adu=10.0)
    survey = survey_folders([tmp_path / "night"])
    plan = make_plan(survey, output=str(tmp_path / "masters"))
    (flat_step,) = [step for step in plan.steps if step.kind == "flat"]
    assert isinstance(flat_step.recipe.rejection, Ccd)
    paths = sorted((tmp_path / "night").rglob("*.fits"))[:3]
    with cut_while_reading(paths):
        report = run_plan(plan)
    flat = result_of(report, "flat")
    assert (report.exit_code, len(flat.inputs), len(flat.excluded)) == (0, 3, 3)
    made = read_provenance(flat.outputs[0]).recipe
    assert (made.method, made.rejection) == ("median", NoRejection())
    assert "with 3 frames" in made.because
    left = [fits.getdata(path).astype(np.float64) for path in sorted((tmp_path / "night").rglob("*.fits"))[3:]]
    level = np.mean([frame.mean() for frame in left])
    wanted = np.median([frame * (level / frame.mean()) for frame in left], axis=0)
    np.testing.assert_allclose(fits.getdata(flat.outputs[0]), wanted, atol=0.01)


@contextlib.contextmanager
def cut_while_reading(paths: Sequence[Path]) -> Iterator[None]:
    """Frames that turn out to be cut short when their pixels are read."""
    real, bad = FileSource.read_raw, {str(path) for path in paths}

    def read_raw(source: FileSource, tile: Tile, out: NDArray[Any]) -> None:
        if source.header.path in bad:
            raise DamagedFileError(f"{source.header.path} is cut short.")
        real(source, tile, out)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileSource, "read_raw", read_raw)
        yield


def test_a_master_with_holes_does_not_spoil_the_noise(tmp_path: Path) -> None:
    """Bad pixels of a ready master are NaN; those of the flats are lost, all others keep their samples."""
    shoot(tmp_path / "night", "FLAT", 8, egain=1.0, read_adu=10.0)
    dark = np.full(SHAPE, 500.0, np.float32)
    dark[::7, ::5] = np.nan
    cards = fits.getheader(sorted((tmp_path / "night").rglob("*.fits"))[0])
    cards["IMAGETYP"], cards["BUNIT"] = "Master Dark Flat", "adu"
    for name in ("BZERO", "BSCALE"):
        cards.pop(name, None)
    fits.writeto(tmp_path / "master_dark.fits", dark, cards)
    calibration = CalibrationSettings(mode="files", files=(str(tmp_path / "master_dark.fits"),))
    settings = Settings(calibration=calibration)
    survey = survey_folders([tmp_path / "night"], settings=settings)
    report = run_plan(make_plan(survey, output=str(tmp_path / "m"), settings=settings))
    flat = result_of(report, "flat")
    assert flat.status.value == "DONE", flat.why
    assert flat.measured["bias_adu"] == pytest.approx(500.0)
    assert flat.measured["egain_e_per_adu"] == pytest.approx(1.0, rel=0.1)
    share = (flat.measured["rejected_low_share"] or 0.0) + (flat.measured["rejected_high_share"] or 0.0)
    assert share < 0.006
    assert np.array_equal(np.isnan(fits.getdata(flat.outputs[0])), np.isnan(dark))


def test_the_mend_mends(tmp_path: Path) -> None:
    """With the numbers that the mend asks for, three frames are combined."""
    shoot(tmp_path / "night", "FLAT", 3, egain=1.0, read_adu=3.0)
    text = MEND.partition("--reject ")[2].removesuffix(".")
    report = run(tmp_path / "night", tmp_path / "masters", reject=text)
    assert (report.exit_code, result_of(report, "flat").status.value) == (0, "DONE")


@contextlib.contextmanager
def stack_of(paths: Sequence[Path]) -> Iterator[Stack]:
    """The open stack of some frames, nothing subtracted."""
    with contextlib.ExitStack() as open_files:
        sources = []
        for path in paths:
            sources.append(open_source(str(path)))
            open_files.callback(sources[-1].close)
        n = len(sources)
        yield Stack(sources=tuple(sources), subtractions=(), which=(-1,) * n, shifts=(0.0,) * n)


@pytest.mark.parametrize("step", [1, 4, 16])
@pytest.mark.parametrize("kind", ["FLAT", "DARK"])
def test_raw_step_is_that_of_the_driver(tmp_path: Path, step: int, kind: str) -> None:
    """Numbers that a driver multiplied by 4 or 16 show it, flats and darks alike."""
    paths = shoot(tmp_path, kind, 3, egain=1.0, read_adu=60.0, step=step)
    with stack_of(paths) as stack:
        assert raw_step(stack) == step


def test_raw_step_is_the_finest_of_the_frames(tmp_path: Path) -> None:
    """Frames of different drivers have the finer step; one frame is enough to see it."""
    coarse = shoot(tmp_path / "a", "FLAT", 2, egain=1.0, read_adu=60.0, step=16)
    fine = shoot(tmp_path / "b", "FLAT", 1, egain=1.0, read_adu=60.0, step=4)
    with stack_of([*coarse, *fine]) as stack:
        assert raw_step(stack) == 4
    with stack_of(coarse[:1]) as stack:
        assert raw_step(stack) == 16


def test_raw_step_of_fractions_is_one(tmp_path: Path) -> None:
    """Floating point frames have no step of a converter; NaN does not count."""
    pixels = np.random.default_rng(1).normal(500.0, 5.0, SHAPE).astype(np.float32)
    pixels[3, 4] = np.nan
    fits.writeto(tmp_path / "float.fits", pixels)
    with stack_of([tmp_path / "float.fits"]) as stack:
        assert raw_step(stack) == 1


@pytest.mark.parametrize("level", [0, 500, 65535])
def test_raw_step_of_equal_numbers_is_one(tmp_path: Path, level: int) -> None:
    """Frames of one number everywhere say nothing of a step."""
    fits.writeto(tmp_path / "equal.fits", np.full(SHAPE, level, np.uint16))
    with stack_of([tmp_path / "equal.fits"]) as stack:
        assert raw_step(stack) == 1


def test_a_whole_run_knows_the_step(tmp_path: Path) -> None:
    """Darks of a x16 driver whose noise is a third of its step keep nearly every sample: limits heed the step."""
    shoot(tmp_path / "night", "DARK", N_FRAMES, egain=1.0, read_adu=5.0, step=16)
    shoot(tmp_path / "night", "FLAT", N_FRAMES, egain=1.0, read_adu=5.0, step=16)
    report = run(tmp_path / "night", tmp_path / "masters", reject="winsorized:3,3", dark="winsorized:4,3")
    dark = next(one for one in report.results if one.kind != "flat")
    share = sum(dark.measured[f"rejected_{side}_share"] or 0.0 for side in ("low", "high"))
    assert share < 0.005
