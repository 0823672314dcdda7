"""Calibrated lights: the equations of docs/lights.md, on small files, against plain NumPy in float64."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from evenfield import (
    CalibrationSettings,
    OutputSettings,
    Report,
    RunSettings,
    Settings,
    make_plan,
    run_plan,
    survey_folders,
)
from evenfield.model.pixels import PixelFlag
from evenfield.model.report import StepStatus
from evenfield.model.settings import LightSettings
from evenfield.read import read_header
from evenfield.run.provenance import read_provenance

SHAPE = (40, 60)
F64 = NDArray[np.float64]


class Session:
    """A folder with ready masters and raw lights, and its truth in float64."""

    def __init__(self, folder: Path, *, cfa: str | None = None, light_s: float = 60.0) -> None:
        self.folder, self.rng = folder, np.random.default_rng(5)
        self.cards: dict[str, Any] = {"INSTRUME": "Cam", "GAIN": 100, "OFFSET": 50, "CCD-TEMP": -10.0, "XBINNING": 1,
                                      "YBINNING": 1, "ROWORDER": "TOP-DOWN"}  # fmt: skip
        self.cards |= {"BAYERPAT": cfa} if cfa else {}
        self.bias = (500 + self.rng.normal(0, 2, SHAPE)).astype(np.float32)
        self.dark = (self.bias + 40 + self.rng.exponential(5, SHAPE)).astype(np.float32)
        y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
        self.flat = (30000 * (1 - 0.4 * ((x - 30) ** 2 + (y - 20) ** 2) / 1300)).astype(np.float32)
        if cfa:
            self.flat[0::2, 0::2] *= np.float32(0.5)
        self.flat[3, 4], self.flat[5, 6], self.flat[7, 8] = 0.0, -10.0, 900.0
        self.lights: dict[str, F64] = {}
        masters = folder / "masters"
        masters.mkdir(parents=True)
        self.write(masters / "bias.fits", self.bias, IMAGETYP="Master Bias", EXPTIME=0.0)
        self.write(masters / "dark.fits", self.dark, IMAGETYP="Master Dark", EXPTIME=60.0)
        self.write(masters / "flat.fits", self.flat, IMAGETYP="Master Flat", EXPTIME=2.0, FILTER="R", EVFBIAS=False)
        (folder / "lights").mkdir()
        for number in range(3):
            raw = np.rint(self.dark + self.flat / 30000 * 300 + self.rng.normal(0, 12, SHAPE)).clip(0, 65535)
            self.lights[f"L{number}"] = raw
            self.write(folder / "lights" / f"L{number}.fits", raw.astype(np.uint16), IMAGETYP="Light Frame",
                       EXPTIME=light_s, FILTER="R", OBJECT="M 1", MYCARD=number,
                       **{"DATE-OBS": f"2026-03-14T20:00:0{number}"})  # fmt: skip

    def write(self, path: Path, pixels: NDArray[Any], **cards: Any) -> None:
        """Write one file."""
        hdu = fits.PrimaryHDU(pixels)
        hdu.header.update({**self.cards, **cards})
        hdu.writeto(path, overwrite=True)

    def run(self, to: str = "out", **parts: Any) -> Report:
        """Calibrate the lights."""
        settings = Settings(**parts)
        plan = make_plan(
            survey_folders([self.folder], settings=settings, skip=[str(self.folder / "out")]),
            output=str(self.folder / to),
            settings=settings,
            job="calibrate",
        )
        return run_plan(plan)

    def product(self, name: str, output: str = "out") -> Path:
        """The path of a calibrated light."""
        return self.folder / output / "lights" / "lights" / f"{name}_c.fits"

    def divisor(self, cells: list[tuple[slice, slice]] | None = None) -> F64:
        """The flat over its trimmed mean, or over one for each of some cells; NaN where it is not positive."""
        flat = self.flat.astype(np.float64)
        made = np.full(SHAPE, np.nan)
        for cell in cells or [(slice(None), slice(None))]:
            values = np.sort(flat[cell][flat[cell] > 0])
            cut = int(0.05 * values.size)
            made[cell] = flat[cell] / values[cut : values.size - cut].mean()
        return np.where(flat > 0, made, np.nan)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A monochrome camera."""
    return Session(tmp_path)


def scaling(how: str, **fields: Any) -> CalibrationSettings:
    """Settings with one way to scale darks."""
    return CalibrationSettings(dark_scale=how, **fields)  # type: ignore[arg-type]


def test_equation_one(session: Session) -> None:
    """``(light - dark) / flat * s0``; nothing clipped, NaN where the flat is not positive, the raw cards kept."""
    report = session.run()
    assert report.exit_code == 0
    for name, raw in session.lights.items():
        wanted = (raw - session.dark) / session.divisor()
        got = fits.getdata(session.product(name))
        np.testing.assert_allclose(got, wanted, rtol=2e-6, atol=1e-4)
        assert np.isnan(got).sum() == 2
        assert (got < 0).any() == (wanted < 0).any()
        header = fits.getheader(session.product(name))
        assert (header["OBJECT"], header["MYCARD"], header["CALSTAT"]) == ("M 1", int(name[1]), "BDF")
        assert (header["BUNIT"], header["PEDESTAL"]) == ("adu", 0.0)
        told = read_provenance(str(session.product(name)))
        assert {one.role: one.name for one in told.masters} == {"dark": "dark.fits", "flat": "flat.fits"}


def test_equation_two(tmp_path: Path) -> None:
    """``((light - bias) - k (dark - bias)) / flat * s0`` with k the ratio of exposures."""
    session = Session(tmp_path, light_s=15.0)
    report = session.run(calibration=scaling("exposure"))
    assert report.exit_code == 0
    bias, dark = session.bias.astype(np.float64), session.dark.astype(np.float64)
    wanted = ((session.lights["L1"] - bias) - 0.25 * (dark - bias)) / session.divisor()
    np.testing.assert_allclose(fits.getdata(session.product("L1")), wanted, rtol=2e-6, atol=1e-4)
    (result,) = report.results
    assert [one.factor for one in result.lights] == [0.25] * 3


@pytest.mark.parametrize("how", ["separate", "joint"])
def test_one_factor_a_color_or_one_for_all(tmp_path: Path, how: str) -> None:
    """With a factor of its own each color keeps its level; one for all divides the light by the flat's color."""
    session = Session(tmp_path, cfa="RGGB")
    assert session.run(light=LightSettings(cfa_flat=how)).exit_code == 0  # type: ignore[arg-type]
    got = fits.getdata(session.product("L0"))
    even, odd = slice(0, None, 2), slice(1, None, 2)
    if how == "joint":
        divisor = session.divisor()
    else:
        flat = session.flat.astype(np.float64)
        greens = np.concatenate([flat[even, odd].ravel(), flat[odd, even].ravel()])
        greens = np.sort(greens[greens > 0])
        cut = int(0.05 * greens.size)
        divisor = session.divisor([(even, even), (even, odd), (odd, even), (odd, odd)])
        for cell in ((even, odd), (odd, even)):
            divisor[cell] = np.where(flat[cell] > 0, flat[cell] / greens[cut : greens.size - cut].mean(), np.nan)
    np.testing.assert_allclose(got, (session.lights["L0"] - session.dark) / divisor, rtol=2e-6, atol=1e-4)
    # The light has the color of the flat, red at half: a factor for each color keeps it, one for all takes it out.
    ratio = np.nanmedian(got[even, even]) / np.nanmedian(got[even, odd])
    assert ratio == pytest.approx(0.5 if how == "separate" else 1.0, abs=0.05)


def test_overscan_and_trim(tmp_path: Path) -> None:
    """The overscan of each light is subtracted, the frame trimmed, and masters of the whole size trimmed with it."""
    session = Session(tmp_path)
    settings = scaling("none", overscan="[51:60,*]", trim="[1:48,3:40]", allow_mismatch=("temperature",))
    report = session.run(calibration=settings)
    assert report.exit_code == 0, report.findings
    raw = session.lights["L2"]
    shifted = raw - np.median(raw[:, 50:60])
    flat = session.flat[2:40, 0:48].astype(np.float64)
    values = np.sort(flat[flat > 0])
    cut = int(0.05 * values.size)
    divisor = np.where(flat > 0, flat / values[cut : values.size - cut].mean(), np.nan)
    wanted = (shifted - session.dark)[2:40, 0:48] / divisor
    np.testing.assert_allclose(fits.getdata(session.product("L2")), wanted, rtol=2e-6, atol=1e-3)
    header = fits.getheader(session.product("L2"))
    assert (header["XORGSUBF"], header["YORGSUBF"]) == (0, 2)


def test_pedestal(session: Session) -> None:
    """A number is added as it is; auto adds the least whole number that leaves the share asked for below zero."""
    plain = session.run()
    session.run("ped", light=LightSettings(add_pedestal="150"))
    base = fits.getdata(session.product("L0"))
    np.testing.assert_allclose(fits.getdata(session.product("L0", "ped")), base + 150, rtol=1e-6)
    assert fits.getheader(session.product("L0", "ped"))["PEDESTAL"] == 150.0
    # A dark too much: negative pixels everywhere.
    too_much = CalibrationSettings(mode="pedestal", pedestal_adu=800.0)
    report = session.run("auto", calibration=too_much, light=LightSettings(add_pedestal="auto:0.01"))
    (result,) = report.results
    for one in result.lights:
        got = fits.getdata(one.output)
        finite = np.isfinite(got)
        assert one.pedestal_adu == int(one.pedestal_adu) > 0
        assert (got[finite] < 0).sum() == one.negative <= 0.01 * finite.sum()
        assert (got[finite] < 1).sum() > 0.01 * finite.sum()
    assert plain.exit_code == 0


def test_integers_count_what_they_cut_off(session: Session) -> None:
    """uint16 holds no negative values: they become 0, and the report says how many there were."""
    settings = CalibrationSettings(mode="pedestal", pedestal_adu=700.0)
    report = session.run(calibration=settings, output=OutputSettings(sample="uint16"))
    (result,) = report.results
    exact = (session.lights["L0"] - 700.0) / session.divisor()
    got = fits.getdata(session.product("L0"))
    assert got.dtype == np.uint16
    np.testing.assert_allclose(got, np.rint(np.nan_to_num(exact).clip(0, 65535)), atol=1)
    assert result.lights[0].clipped == (~(exact >= 0)).sum()
    assert "values_clipped" in {one.code for one in result.findings}


def test_flags(session: Session) -> None:
    """--maps writes what is wrong with each pixel: no data, saturated, a flat that is not positive or weak."""
    raw = session.lights["L0"].copy()
    raw[10, 10] = 65535
    session.write(session.folder / "lights" / "L0.fits", raw.astype(np.uint16), IMAGETYP="Light Frame", EXPTIME=60.0,
                  FILTER="R", **{"DATE-OBS": "2026-03-14T20:00:00"})  # fmt: skip
    session.run(output=OutputSettings(maps=True))
    with fits.open(session.product("L0")) as file:
        mask = file["MASK"].data
    not_positive = PixelFlag.NO_DATA | PixelFlag.NOT_POSITIVE
    assert mask[3, 4] == mask[5, 6] == not_positive
    assert mask[7, 8] == PixelFlag.WEAK
    assert mask[10, 10] == PixelFlag.SATURATED
    assert np.count_nonzero(mask) == 4


def test_a_second_run_makes_nothing_again(session: Session) -> None:
    """Lights that are there are kept; one more light is the only one made; other settings never overwrite them."""
    session.run()
    before = {name: session.product(name).stat().st_mtime_ns for name in session.lights}
    session.write(session.folder / "lights" / "L9.fits", session.lights["L0"].astype(np.uint16),
                  IMAGETYP="Light Frame", EXPTIME=60.0, FILTER="R", **{"DATE-OBS": "2026-03-14T20:00:09"})  # fmt: skip
    report = session.run()
    statuses = {Path(one.path).stem: one.status for one in report.results[0].lights}
    assert statuses == {**dict.fromkeys(session.lights, StepStatus.REUSED), "L9": StepStatus.DONE}
    assert {name: session.product(name).stat().st_mtime_ns for name in session.lights} == before
    other = session.run(light=LightSettings(add_pedestal="5"))
    assert other.exit_code == 1
    assert {one.code for one in other.results[0].findings} >= {"output_exists"}
    assert {name: session.product(name).stat().st_mtime_ns for name in session.lights} == before
    replaced = session.run(light=LightSettings(add_pedestal="5"), output=OutputSettings(overwrite=True))
    assert replaced.exit_code == 0
    assert fits.getheader(session.product("L9"))["PEDESTAL"] == 5.0


def test_a_damaged_light_stops_no_other(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A light that cannot be read is told by name, the others are made, and the exit code tells."""
    from evenfield.errors import DamagedFileError
    from evenfield.run import lights

    real = lights.open_frame

    def broken(path: str, job: Any) -> Any:
        if path.endswith("L1.fits"):
            raise DamagedFileError(f"{path} cannot be read: cut short.", mend="Copy it again.")
        return real(path, job)

    monkeypatch.setattr(lights, "open_frame", broken)
    report = session.run()
    assert report.exit_code == 1
    assert [Path(one.path).stem for one in report.results[0].lights] == ["L0", "L2"]
    assert any("L1.fits not calibrated" in one.message for one in report.results[0].findings)
    assert {Path(use.path).name: use.use for use in report.files}["L1.fits"] == "unreadable"
    assert not session.product("L1").exists()


def test_the_same_bytes_whatever_the_machine(session: Session) -> None:
    """Threads and memory change no byte of a product."""
    session.run("one", run=RunSettings(threads=1))
    session.run("four", run=RunSettings(threads=4, memory_bytes=400 << 20))
    for name in session.lights:
        assert session.product(name, "one").read_bytes() == session.product(name, "four").read_bytes()


def test_a_light_is_no_raw_frame_again(session: Session) -> None:
    """A calibrated light is a product: another run does not take it for a light."""
    session.run()
    survey = survey_folders([session.folder / "out" / "lights"])
    assert survey.frames == ()
    assert survey.products_skipped == 3


def test_cut_off_at_the_bottom_and_negative(session: Session) -> None:
    """Pixels at 0 in the raw light, and a light that is mostly negative, are told with their share."""
    raw = np.zeros(SHAPE, np.uint16)
    raw[:20] = 300
    session.write(session.folder / "lights" / "L0.fits", raw, IMAGETYP="Light Frame", EXPTIME=60.0, FILTER="R",
                  **{"DATE-OBS": "2026-03-14T20:00:00"})  # fmt: skip
    report = session.run()
    told = {one.code: one.message for one in report.results[0].findings}
    assert "up to 1200 pixels (50 %) at 0 in 1 light" in told["low_clipped"]
    assert "100 % of the pixels are negative" in told["negative_pixels"]
    record = next(one for one in report.results[0].lights if one.path.endswith("L0.fits"))
    assert record.low_clipped == 1200


def test_a_budget_too_small_says_what_is_needed(session: Session) -> None:
    """A budget that does not hold a light is refused with the least that would do."""
    report = session.run(run=RunSettings(memory_bytes=1 << 20))
    assert report.exit_code == 1
    (found,) = [one for one in report.results[0].findings if one.code == "memory_budget"]
    assert "--memory" in found.mend


def test_what_a_product_tells(session: Session) -> None:
    """The report on disk holds a record for each light, and the product's header how it was made."""
    session.run()
    data = json.loads((session.folder / "out" / "report.json").read_text())
    assert [Path(one["path"]).stem for one in data["results"][0]["lights"]] == ["L0", "L1", "L2"]
    header = read_header(session.product("L0"))
    assert any("minus ready master dark 60 s" in line for line in header.history)


def test_a_master_of_another_program_on_0_to_1(session: Session) -> None:
    """A dark that was written on 0..1, without a word about it, gives the same light as in ADU."""
    session.run()
    wanted = fits.getdata(session.product("L1"))
    session.write(session.folder / "masters" / "dark.fits", (session.dark / 65535).astype(np.float32),
                  IMAGETYP="Master Dark", EXPTIME=60.0)  # fmt: skip
    report = session.run("again")
    assert report.exit_code == 0
    assert "master_in_unit_range" in {one.code for one in report.results[0].findings}
    np.testing.assert_allclose(fits.getdata(session.product("L1", "again")), wanted, atol=2e-3)


@pytest.mark.parametrize("target", ["pixinsight", "siril", "app", "nina"])
def test_lights_for_other_programs(session: Session, target: str) -> None:
    """In the form of another program lights hold the same values, and are ADU again when we read them."""
    from evenfield.read import read_image

    session.run()
    wanted = fits.getdata(session.product("L1"))
    report = session.run(target, output=OutputSettings(target=target))  # type: ignore[arg-type]
    (result,) = report.results
    made = result.lights[1].output
    assert made.endswith("L1_c.xisf" if target == "pixinsight" else "L1_c.fits")
    got = read_image(made).pixels
    if target == "nina":
        np.testing.assert_allclose(got, np.rint(np.nan_to_num(wanted)), atol=0.51)
    else:
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-3)
    if target != "pixinsight":
        stored = fits.getdata(made)
        assert np.nanmax(stored) > 100 if target == "nina" else np.nanmax(np.abs(stored)) < 1


def raw_session(folder: Path, *, light_step: int = 1) -> Path:
    """Raw darks, flats, dark flats and lights of a camera with 0.5 e-/ADU and 4 ADU of read noise."""
    rng = np.random.default_rng(8)

    def write(name: str, kind: str, seconds: float, level: float, step: int = 1) -> None:
        values = 500 + level + rng.normal(0, np.sqrt(16 + level / 0.5), (60, 80))
        pixels = (np.rint(values / step) * step).clip(0, 65535).astype(np.uint16)
        hdu = fits.PrimaryHDU(pixels)
        hdu.header.update({"IMAGETYP": kind, "EXPTIME": seconds, "INSTRUME": "Cam", "GAIN": 100, "OFFSET": 50,
                           "CCD-TEMP": -10.0, "FILTER": "R", "EGAIN": 0.5,
                           "DATE-OBS": "2026-03-14T20:00:00"})  # fmt: skip
        path = folder / f"{name}.fits"
        path.parent.mkdir(parents=True, exist_ok=True)
        hdu.writeto(path)

    for number in range(20):
        write(f"darks/D{number}", "Dark Frame", 60.0, 10.0)
        write(f"flats/F{number}", "Flat Frame", 2.0, 30000.0)
        write(f"darkflats/X{number}", "Dark Flat", 2.0, 0.0)
    for number in range(2):
        write(f"lights/L{number}", "Light Frame", 60.0, 1010.0, light_step)
    return folder


def calibrate(folder: Path, **parts: Any) -> Report:
    """Calibrate the lights of a folder."""
    settings = Settings(**parts)
    survey = survey_folders([folder], settings=settings, skip=[str(folder / "out")])
    return run_plan(make_plan(survey, output=str(folder / "out"), settings=settings, job="calibrate"))


def test_the_noise_plane_is_the_scatter(tmp_path: Path) -> None:
    """--maps tells the standard deviation of each pixel; pixels scatter by just that."""
    report = calibrate(raw_session(tmp_path), output=OutputSettings(maps=True))
    assert report.exit_code == 0
    with fits.open(report.results[-1].lights[0].output) as file:
        light, noise = file[0].data, file["NOISE"].data
    assert noise.mean() == pytest.approx(np.sqrt(16 + 1010 / 0.5), rel=0.03)
    assert ((light - light.mean()) / noise).std() == pytest.approx(1.0, abs=0.04)


def test_without_egain_there_is_no_noise_plane(session: Session) -> None:
    """Where nobody tells e-/ADU the noise is not made up: no plane, and a note."""
    report = session.run(output=OutputSettings(maps=True))
    assert "noise_unknown" in {one.code for one in report.results[0].findings}
    with fits.open(session.product("L0")) as file:
        assert "NOISE" not in [hdu.name for hdu in file]


@pytest.mark.parametrize("step", [1, 4, 16])
def test_mixed_scaling_is_told(tmp_path: Path, step: int) -> None:
    """Lights whose numbers have another step than the darks' come from another converter or driver."""
    report = calibrate(raw_session(tmp_path, light_step=step))
    told = [one for one in report.results[-1].findings if one.code == "mixed_scaling"]
    assert bool(told) == (step != 1)
    if told:
        assert f"steps of {step}, those of the darks in steps of 1" in told[0].message


@pytest.mark.parametrize("target", ["evenfield", "pixinsight", "nina"])
def test_packed_products_lose_nothing(session: Session, target: str) -> None:
    """--compress gives the same pixels, read by us, by astropy or by the xisf package, and is recognized again."""
    from evenfield.read import read_image

    session.run("plain", output=OutputSettings(target=target, maps=target == "evenfield"))  # type: ignore[arg-type]
    settings = OutputSettings(target=target, compress=True, maps=target == "evenfield")  # type: ignore[arg-type]
    report = session.run(output=settings)
    assert report.exit_code == 0
    made = report.results[0].lights[0].output
    plain = made.replace("/out/", "/plain/").removesuffix(".fz")
    np.testing.assert_array_equal(read_image(made).pixels, read_image(plain).pixels)
    if target == "pixinsight":
        assert b'compression="zlib+sh' in Path(made).read_bytes()[:20000]
    else:
        assert made.endswith("_c.fits.fz")
        with fits.open(made) as file:
            np.testing.assert_array_equal(file[1].data, fits.getdata(plain))
            assert file[1].header["OBJECT"] == "M 1"
            if target == "evenfield":
                np.testing.assert_array_equal(file["MASK"].data, fits.getdata(plain, "MASK"))
    assert read_provenance(made).masters == read_provenance(plain).masters
    again = session.run(output=settings)
    assert {one.status for one in again.results[0].lights} == {StepStatus.REUSED}


@pytest.mark.parametrize("rows", [40, 39])
def test_both_orders_of_rows_give_the_same_picture(tmp_path: Path, rows: int) -> None:
    """A scene stored from the top and one stored from the bottom are calibrated to the same pixels, color by color.

    Headers give the pattern of the picture's top row, which the second file stores last.
    """
    rng = np.random.default_rng(9)
    colors = np.ones((rows, 60))
    colors[0::2, 0::2], colors[1::2, 1::2] = 0.4, 0.7
    scenes = {"dark": 500 + rng.normal(0, 4, (rows, 60)), "flat": 20000 * colors, "light": 500 + 2000 * colors}
    found = {}
    for order in ("TOP-DOWN", "BOTTOM-UP"):
        folder = tmp_path / order
        for name, kind, seconds in (
            ("dark", "Master Dark", 60.0),
            ("flat", "Master Flat", 2.0),
            ("light", "LIGHT", 60.0),
        ):
            scene = scenes[name] if order == "TOP-DOWN" else scenes[name][::-1]
            pixels = np.rint(scene).astype(np.uint16) if name == "light" else scene.astype(np.float32)
            hdu = fits.PrimaryHDU(pixels)
            hdu.header.update({"IMAGETYP": kind, "EXPTIME": seconds, "INSTRUME": "Cam", "GAIN": 1, "OFFSET": 1,
                               "BUNIT": "adu", "CCD-TEMP": -10.0, "ROWORDER": order, "BAYERPAT": "RGGB"})  # fmt: skip
            path = folder / name / "a.fits"
            path.parent.mkdir(parents=True)
            hdu.writeto(path)
        report = calibrate(folder)
        assert report.exit_code == 0
        made = report.results[-1].lights[0].output
        header = fits.getheader(made)
        assert (header["ROWORDER"], header["BAYERPAT"]) == (order, "RGGB")
        pixels = fits.getdata(made)
        found[order] = pixels if order == "TOP-DOWN" else pixels[::-1]
    np.testing.assert_array_equal(found["TOP-DOWN"], found["BOTTOM-UP"])
    np.testing.assert_allclose(
        found["TOP-DOWN"][0::2, 0::2].mean() / found["TOP-DOWN"][0::2, 1::2].mean(), 0.4, rtol=0.01
    )
