"""TIFF copies beside the products of a run."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from evenfield.model.report import Report, StepStatus
from evenfield.model.settings import OutputSettings, Settings
from evenfield.plan.make import make_plan
from evenfield.report.text import report_text
from evenfield.run.run import run_plan
from evenfield.survey import survey_folders

tifffile = pytest.importorskip("tifffile")


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """Three flats with a bright top of the picture, their dark flats and a light, as N.I.N.A. writes them."""
    rng = np.random.default_rng(1)
    folder = tmp_path / "night"
    folder.mkdir()
    top = np.linspace(1.2, 0.8, 24)[:, None] * np.ones(32)
    for name, kind, seconds, level in (("FLAT", "FLAT", 2.0, 20000), ("DARKFLAT", "DARKFLAT", 2.0, 0),
                                       ("DARK", "DARK", 60.0, 0), ("LIGHT", "LIGHT", 60.0, 900)):  # fmt: skip
        for number in range(3):
            values = 500 + level * top + rng.normal(0, 5, top.shape)
            hdu = fits.PrimaryHDU(np.rint(values).astype(np.uint16))
            hdu.header.update({"IMAGETYP": kind, "EXPTIME": seconds, "GAIN": 100, "OFFSET": 50, "FILTER": "Ha",
                               "CCD-TEMP": -10.0, "ROWORDER": "TOP-DOWN", "SWCREATE": "N.I.N.A. 3.1",
                               "DATE-OBS": f"2026-03-14T20:00:0{number}"})  # fmt: skip
            hdu.writeto(folder / f"{name}_{number}.fits")
    return folder


def run(night: Path, out: Path, **output: object) -> tuple[Report, str]:
    settings = Settings(output=OutputSettings(**output))
    survey = survey_folders([night], settings=settings)
    plan = make_plan(survey, output=str(out), settings=settings, job="calibrate")
    report = run_plan(plan)
    return report, report_text(report, plan=plan)


def test_each_product_has_its_copy(night: Path, tmp_path: Path) -> None:
    """Masters and lights, upright, and the report says so; a second run writes nothing again."""
    report, text = run(night, tmp_path / "out", tiff="16")
    assert report.exit_code == 0
    assert "TIFF copies beside 6 products: 16-bit integers." in text
    for result in report.results:
        for product, copy in zip(result.outputs, result.copies, strict=True):
            values, stored = fits.getdata(product), tifffile.imread(copy)
            # The first row of a TOP-DOWN file is the picture's top.
            assert np.corrcoef(values.ravel(), stored.ravel())[0, 1] > 0.999 or values.std() < 10
    times = {path: os.stat(path).st_mtime_ns for result in report.results for path in result.copies}
    again, _ = run(night, tmp_path / "out", tiff="16")
    assert {one.status for one in again.results} == {StepStatus.REUSED}
    assert {path: os.stat(path).st_mtime_ns for path in times} == times


def test_a_file_in_the_way_stays_and_is_told(night: Path, tmp_path: Path) -> None:
    """Somebody's TIFF of that name is not touched; with --overwrite it is replaced."""
    first, _ = run(night, tmp_path / "out")
    (flat,) = [path for one in first.results for path in one.outputs if "master_flat" in path]
    mine = Path(flat).with_suffix(".tif")
    mine.write_bytes(b"mine")
    report, _ = run(night, tmp_path / "out", tiff="32")
    told = [one for result in report.results for one in result.findings if one.code == "output_exists"]
    assert len(told) == 1
    assert mine.read_bytes() == b"mine"
    assert mine.name in told[0].message
    run(night, tmp_path / "out", tiff="32", overwrite=True)
    assert tifffile.imread(mine).dtype == np.float32


def test_without_tifffile_the_products_are_made(night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the install command, and nothing else is lost."""
    monkeypatch.setitem(__import__("sys").modules, "tifffile", None)
    report, text = run(night, tmp_path / "out", tiff="16")
    assert all(os.path.exists(path) for one in report.results for path in one.outputs)
    assert 'python3 -m pip install "evenfield[tiff]"' in " ".join(text.split())
