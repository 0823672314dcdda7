"""Maps beside a master, and masters of weighted frames: against plain NumPy."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from evenfield import (
    CombineSettings,
    OutputSettings,
    Report,
    Settings,
    StepResult,
    make_plan,
    read_provenance,
    rejection,
    run_plan,
    survey_folders,
)
from evenfield.errors import SettingsError
from evenfield.model.rejections import NoRejection
from evenfield.simulate import Night, osc_night, simulate_night
from evenfield.tiles import Work, resident_bytes

N_FRAMES = 8
SHAPE = (40, 64)
NAMES = ["PRIMARY", "NOISE", "USED", "LOW", "HIGH", "DEFECTS"]

F64 = NDArray[np.float64]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Eight flats and eight dark flats of a small color camera."""
    whole = osc_night()
    recipe = dataclasses.replace(
        whole,
        camera=dataclasses.replace(whole.camera, shape=SHAPE),
        filters=tuple(dataclasses.replace(one, n_flats=N_FRAMES, n_lights=0) for one in whole.filters),
        n_dark_flats=N_FRAMES,
        n_bias=0,
        n_darks=0,
    )
    made = simulate_night(tmp_path_factory.mktemp("maps") / "night", recipe=recipe)
    # Lamps drift: the levels differ by up to a fifth, so that weights and scales show.
    for number, path in enumerate(sorted((made.folder / "flats").iterdir())):
        with fits.open(path, mode="update") as file:
            raw = file[0].data.astype(np.float64)
            file[0].data = np.rint(500 + (raw - 500) * (1 - 0.025 * number)).astype(np.uint16)
    return made


def run(night: Night, output: Path, *, maps: bool = True, sample: str = "float32", **combine: Any) -> Report:
    """Make the masters."""
    settings = Settings(
        combine=CombineSettings(**combine),
        output=OutputSettings(maps=maps, sample=sample),  # type: ignore[arg-type]
    )
    report = run_plan(make_plan(survey_folders([night.folder]), output=str(output), settings=settings))
    assert report.exit_code == 0, [one.why for one in report.results]
    return report


def flat_of(report: Report) -> StepResult:
    """The result of the flats."""
    (found,) = [one for one in report.results if one.kind == "flat"]
    return found


def scaled_stack(night: Night, flat: StepResult) -> tuple[F64, F64]:
    """The flats less their dark flat, scaled as the product says, and those scales; read by astropy."""
    told = read_provenance(flat.outputs[0])
    dark = fits.getdata(flat.masters["dark_flat"]).astype(np.float64)
    scales = np.array([one.scale for one in told.inputs])
    raw = np.stack([fits.getdata(night.folder / one.path).astype(np.float64) for one in told.inputs])
    assert np.ptp(scales) > 0.1
    return (raw - dark) * scales[:, None, None], scales


@pytest.fixture(scope="module")
def plain(night: Night, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Maps without rejection, dark flats included."""
    return run(night, tmp_path_factory.mktemp("plain"), rejection=rejection("none"), dark_rejection=rejection("none"))


@pytest.mark.parametrize("sample", ["float32", "uint16"])
def test_extensions(night: Night, tmp_path: Path, sample: str) -> None:
    """NOISE, USED, LOW and HIGH follow the pixels, float32 and uint16, each of the master's shape; astropy verifies."""
    report = run(night, tmp_path, sample=sample, rejection=rejection("winsorized:2,2"))
    for result in report.results:
        with fits.open(result.outputs[0]) as file:
            file.verify("exception")
            assert [one.name for one in file] == NAMES
            assert {one.data.shape for one in file} == {SHAPE}
            assert file["NOISE"].data.dtype == np.dtype(">f4")
            assert {file[name].data.dtype.newbyteorder("=") for name in NAMES[2:]} == {np.dtype(np.uint16)}
            assert file[0].header["EXTEND"] is True
            assert file[0].header["NCOMBINE"] == N_FRAMES


def test_counts_add_up(night: Night, tmp_path: Path) -> None:
    """Every sample was used, rejected low or rejected high, and the report's shares are those of the maps."""
    report = run(night, tmp_path, rejection=rejection("winsorized:1.5,1.5"), limits="nominal")
    flat = flat_of(report)
    with fits.open(flat.outputs[0]) as file:
        used, low, high = (file[name].data.astype(int) for name in ("USED", "LOW", "HIGH"))
    assert np.array_equal(used + low + high, np.full(SHAPE, N_FRAMES))
    assert low.any()
    assert high.any()
    assert flat.measured["rejected_low_share"] == pytest.approx(low.sum() / (N_FRAMES * low.size), rel=1e-12)
    assert flat.measured["rejected_high_share"] == pytest.approx(high.sum() / (N_FRAMES * low.size), rel=1e-12)


def test_minmax_maps(night: Night, tmp_path: Path) -> None:
    """Without the least and the two greatest: LOW 1, HIGH 2 everywhere, NOISE that of the other five."""
    flat = flat_of(run(night, tmp_path, rejection=rejection("minmax:1,2")))
    stack, _ = scaled_stack(night, flat)
    kept = np.sort(stack, axis=0)[1:-2]
    with fits.open(flat.outputs[0]) as file:
        assert np.all(file["LOW"].data == 1)
        assert np.all(file["HIGH"].data == 2)
        assert np.all(file["USED"].data == N_FRAMES - 3)
        np.testing.assert_allclose(file[0].data, kept.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(file["NOISE"].data, kept.std(axis=0, ddof=1) / np.sqrt(5), rtol=1e-4)


def test_noise_is_the_standard_error(night: Night, plain: Report) -> None:
    """Without rejection NOISE is the standard error of the mean; the report's mean noise is its mean."""
    flat = flat_of(plain)
    stack, _ = scaled_stack(night, flat)
    wanted = stack.std(axis=0, ddof=1) / np.sqrt(N_FRAMES)
    with fits.open(flat.outputs[0]) as file:
        np.testing.assert_allclose(file["NOISE"].data, wanted, rtol=1e-4)
        assert np.all(file["USED"].data == N_FRAMES)
        assert not file["LOW"].data.any()
        assert not file["HIGH"].data.any()
    assert flat.measured["mean_noise_adu"] == pytest.approx(wanted.mean(), rel=1e-5)


def test_noise_of_darks(night: Night, plain: Report) -> None:
    """A dark flat has maps of its own: the standard error of raw samples."""
    dark = plain.results[0]
    raw = np.stack([fits.getdata(path).astype(np.float64) for path in dark.inputs])
    wanted = raw.std(axis=0, ddof=1) / np.sqrt(N_FRAMES)
    np.testing.assert_allclose(fits.getdata(dark.outputs[0], "NOISE"), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("level", ["mean", "median"])
def test_noise_is_leveled_with_the_value(night: Night, plain: Report, tmp_path: Path, level: str) -> None:
    """A master brought to level 1 has its NOISE divided by the same level; counts stay."""
    flat = flat_of(run(night, tmp_path, rejection=NoRejection(), dark_rejection=NoRejection(), level=level))
    with fits.open(flat.outputs[0]) as file, fits.open(flat_of(plain).outputs[0]) as adu:
        divisor = float((np.mean if level == "mean" else np.median)(adu[0].data.astype(np.float64)))
        np.testing.assert_allclose(file[0].data, adu[0].data / divisor, rtol=1e-6)
        np.testing.assert_allclose(file["NOISE"].data, adu["NOISE"].data / divisor, rtol=1e-6)
        assert np.array_equal(file["USED"].data, adu["USED"].data)


def test_noise_is_leveled_for_each_color(night: Night, plain: Report, tmp_path: Path) -> None:
    """With --per-cfa each color's NOISE is divided by the level of that color."""
    combine = {"rejection": NoRejection(), "dark_rejection": NoRejection(), "level": "mean", "per_cfa": True}
    flat = flat_of(run(night, tmp_path, **combine))
    with fits.open(flat.outputs[0]) as file, fits.open(flat_of(plain).outputs[0]) as adu:
        colors = np.array([[0, 1], [1, 2]])[np.indices(SHAPE)[0] % 2, np.indices(SHAPE)[1] % 2]
        values = adu[0].data.astype(np.float64)
        divisors = np.array([values[colors == one].mean() for one in range(3)])
        assert np.ptp(divisors) > 0.2 * divisors.mean()
        np.testing.assert_allclose(file[0].data, values / divisors[colors], rtol=1e-6)
        np.testing.assert_allclose(file["NOISE"].data, adu["NOISE"].data / divisors[colors], rtol=1e-6)


def test_no_extensions_unless_asked_for(night: Night, plain: Report, tmp_path: Path) -> None:
    """Without --maps a product is its pixels alone, the same ones."""
    report = run(night, tmp_path, maps=False, rejection=NoRejection(), dark_rejection=NoRejection())
    for one, other in zip(report.results, plain.results, strict=True):
        with fits.open(one.outputs[0]) as file, fits.open(other.outputs[0]) as mapped:
            assert len(file) == 1
            assert "EXTEND" not in file[0].header
            assert file[0].data.tobytes() == mapped[0].data.tobytes()


def test_products_without_maps_are_no_products_with_maps(night: Night, tmp_path: Path) -> None:
    """Products made without maps do not pass for those that were asked for with maps."""
    run(night, tmp_path, maps=False, rejection=NoRejection())
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in tmp_path.rglob("*.fits")}
    settings = Settings(combine=CombineSettings(rejection=NoRejection()), output=OutputSettings(maps=True))
    survey = survey_folders([night.folder])
    report = run_plan(make_plan(survey, output=str(tmp_path), settings=settings))
    assert "REUSED" not in {one.status.value for one in report.results}
    assert "output_exists" in {each.code for one in report.results for each in one.findings}
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in before} == before


@pytest.mark.parametrize("shape", [(1, 1), (40, 64), (4176, 6248)])
def test_maps_take_ten_bytes_a_pixel(shape: tuple[int, int]) -> None:
    """The budget holds what the maps need: a float32 and three 16-bit numbers a pixel."""
    work = Work(n_frames=30, shape=shape, sample_bytes=2, threads=2, n_masters=1)
    grown = resident_bytes(dataclasses.replace(work, maps=True)) - resident_bytes(work)
    assert grown == 10 * shape[0] * shape[1]


def test_weights_by_level(night: Night, tmp_path: Path) -> None:
    """--weights level: the mean weighted with 1/scale, which without rejection is plain arithmetic."""
    flat = flat_of(run(night, tmp_path, weights="level", rejection=NoRejection(), dark_rejection=NoRejection()))
    stack, scales = scaled_stack(night, flat)
    weighted = np.average(stack, axis=0, weights=1.0 / scales)
    made = fits.getdata(flat.outputs[0])
    np.testing.assert_allclose(made, weighted, rtol=1e-6)
    assert np.abs(weighted - stack.mean(axis=0)).max() > 1.0, "weights make a difference here"


def test_weights_leave_darks_alone(night: Night, plain: Report, tmp_path: Path) -> None:
    """Dark flats have no levels: --weights level changes none of their pixels."""
    report = run(night, tmp_path, weights="level", rejection=NoRejection(), dark_rejection=NoRejection())
    dark, other = report.results[0], plain.results[0]
    assert fits.getdata(dark.outputs[0]).tobytes() == fits.getdata(other.outputs[0]).tobytes()


@pytest.mark.parametrize("combine", [{"method": "median"}, {"scale": "none"}])
def test_weights_that_contradict_are_refused(combine: dict[str, Any]) -> None:
    """A median has no weights, and frames that are not scaled have no levels to weigh by: refused with the mend."""
    with pytest.raises(SettingsError, match="--weights level") as told:
        Settings(combine=CombineSettings(weights="level", **combine))
    assert told.value.mend
