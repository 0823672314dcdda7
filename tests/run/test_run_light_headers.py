"""What the header of a calibrated light says where the user corrected that of the raw one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

from evenfield.model.settings import SelectSettings, Settings
from evenfield.plan.make import make_plan
from evenfield.run.run import run_plan
from evenfield.survey import survey_folders


def test_corrections_reach_the_calibrated_light(tmp_path: Path) -> None:
    """A telescope that the camera cannot know, its focal length and f-number, and a wrong kind, are written as set."""
    night = tmp_path / "night"
    night.mkdir()
    for name, kind, level in (("dark", "Dark Frame", 300), ("light", "Dark Frame", 900)):
        for number in range(3):
            pixels = np.random.default_rng(number).normal(level, 4, (16, 24))
            hdu = fits.PrimaryHDU(np.rint(pixels).astype(np.uint16))
            hdu.header.update({"IMAGETYP": kind, "EXPTIME": 60.0, "EXPOSURE": 60.0, "ISOSPEED": 800, "FOCALLEN": 50.0,
                               "APERTURE": 1.8, "DATE-OBS": f"2026-03-14T20:00:0{number}"})  # fmt: skip
            hdu.writeto(night / f"{name}_{number}.fits")
    words = "light*:kind=light,telescope=RC8,focal_length_mm=1600,f_number=8,exposure_s=61"
    select = SelectSettings(overrides=(words, "dark*:exposure_s=61"))
    settings = Settings(select=select)
    plan = make_plan(survey_folders([night], settings=settings), output=str(tmp_path / "out"), settings=settings,
                     job="calibrate")  # fmt: skip
    report = run_plan(plan)
    assert report.exit_code == 0
    (first, *_) = [one for result in report.results for one in result.lights]
    header = fits.getheader(first.output)
    found = {key: header[key] for key in ("IMAGETYP", "TELESCOP", "FOCALLEN", "APERTURE", "EXPTIME", "ISOSPEED")}
    assert found == {"IMAGETYP": "LIGHT", "TELESCOP": "RC8", "FOCALLEN": 1600.0, "APERTURE": 8.0, "EXPTIME": 61.0,
                     "ISOSPEED": 800}  # fmt: skip
    # No second card says what was wrong.
    assert "EXPOSURE" not in header
    assert header.count("FOCALLEN") == 1
