"""Overscan of several regions, and curves along rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from evenfield import CalibrationSettings, Settings, make_plan, run_plan, survey_folders
from evenfield.calibrate.overscan import OverscanView, row_curve
from evenfield.errors import ReadError, SettingsError
from evenfield.model.pixels import Tile
from evenfield.model.plan import OverscanPart
from evenfield.read import ArraySource

ROWS, COLUMNS, EXTRA = 120, 60, 10


def frame(seed: int, *, light: float = 1000.0) -> np.ndarray:
    """Two halves with overscans of their own at the right, whose bias drifts along the rows."""
    rng = np.random.default_rng(seed)
    y = np.arange(ROWS)[:, None]
    drift = 20 * np.sin(y / 40.0) + 0.05 * y
    made = np.empty((ROWS, COLUMNS + 2 * EXTRA))
    made[:, :30], made[:, 30:60] = 500 + drift + light, 900 + 0.5 * drift + light
    made[:, 60:70], made[:, 70:] = 500 + drift, 900 + 0.5 * drift
    return np.rint(made + rng.normal(0, 3, made.shape)).astype(np.uint16)


PARTS = (
    OverscanPart(source=(0, ROWS, 60, 70), target=(0, ROWS, 0, 30), rows=True),
    OverscanPart(source=(0, ROWS, 70, 80), target=(0, ROWS, 30, 60), rows=True),
)


@pytest.mark.parametrize("height", [7, 50, ROWS])
def test_each_half_loses_its_own_drift(height: int) -> None:
    """A curve along the rows takes out what drifts, half by half, whatever the height of bands; the rest stays."""
    raw = frame(1)
    view = OverscanView(ArraySource(raw), PARTS)
    got = np.vstack([view.read(Tile(start=at, stop=min(at + height, ROWS))) for at in range(0, ROWS, height)])
    assert got[:, :60].mean(axis=1) == pytest.approx(1000, abs=2.5)
    assert got[:, :60].std() == pytest.approx(3, abs=0.3)
    np.testing.assert_array_equal(got[:, 60:], raw[:, 60:])


def test_medians_take_one_number() -> None:
    """Without a curve each target loses one number."""
    raw = frame(2)
    parts = [OverscanPart(source=one.source, target=one.target) for one in PARTS]
    got = OverscanView(ArraySource(raw), parts).read(Tile(start=0, stop=ROWS))
    np.testing.assert_allclose(got[:, :30], raw[:, :30] - np.median(raw[:, 60:70]), atol=1e-3)
    np.testing.assert_allclose(got[:, 30:60], raw[:, 30:60] - np.median(raw[:, 70:]), atol=1e-3)


def test_a_hit_row_does_not_bend_the_curve() -> None:
    """Rows far off the curve take no part in it; a polynomial of its degree is met exactly."""
    rows = np.arange(200.0)
    truth = 500 + 0.1 * rows - 1e-5 * (rows - 80) ** 3
    medians = truth.copy()
    medians[[20, 21, 150]] += 300
    np.testing.assert_allclose(row_curve(rows, medians, rows), truth, atol=1e-6)


def test_an_empty_overscan() -> None:
    """A region without values is told."""
    pixels = frame(3).astype(np.float32)
    pixels[:, 60:70] = np.nan
    with pytest.raises(ReadError, match="holds no values"):
        OverscanView(ArraySource(pixels), PARTS)


TEXT = "[61:70,*]>[1:30,*];[71:80,*]>[31:60,*]"


def test_a_whole_run(tmp_path: Path) -> None:
    """Flats, darks and lights lose their overscan alike, are trimmed, and the light comes out even."""

    def write(name: str, kind: str, seconds: float, light: float, seed: int) -> None:
        hdu = fits.PrimaryHDU(frame(seed, light=light))
        hdu.header.update({"IMAGETYP": kind, "EXPTIME": seconds, "INSTRUME": "CCD", "CCD-TEMP": -10.0, "FILTER": "R",
                           "DATE-OBS": "2026-03-14T20:00:00"})  # fmt: skip
        path = tmp_path / "night" / f"{name}.fits"
        path.parent.mkdir(exist_ok=True)
        hdu.writeto(path)

    for number in range(5):
        write(f"flat{number}", "Flat Frame", 2.0, 20000, number)
        write(f"dflat{number}", "Dark Flat", 2.0, 0, 10 + number)
        write(f"dark{number}", "Dark Frame", 60.0, 5, 20 + number)
    write("light", "Light Frame", 60.0, 805, 40)
    calibration = CalibrationSettings(overscan=TEXT, overscan_fit="rows", trim="[1:60,*]")
    settings = Settings(calibration=calibration)
    survey = survey_folders([tmp_path / "night"], settings=settings)
    plan = make_plan(survey, output=str(tmp_path / "out"), settings=settings, job="calibrate")
    report = run_plan(plan)
    assert report.exit_code == 0, [r.findings for r in report.results]
    light = fits.getdata(report.results[-1].outputs[0])
    assert light.shape == (ROWS, COLUMNS)
    assert light[:, :30].mean() == pytest.approx(800, abs=1.5)
    assert light[:, 30:].mean() == pytest.approx(800, abs=1.5)
    assert np.abs(light.mean(axis=1) - 800).max() < 4
    assert fits.getheader(report.results[-1].outputs[0])["EVFOVSC"] is True


@pytest.mark.parametrize("text", ["[1:5,*];[6:9,*]", "[1:2,*]>[3:4,*];" * 5, "[1:2]", "[1:2,*]>nonsense"])
def test_what_is_no_overscan(text: str) -> None:
    """Several regions need a target each, no more than four; sections must be sections."""
    fields: dict[str, Any] = {"overscan": text.strip(";")}
    with pytest.raises(SettingsError):
        CalibrationSettings(**fields)
