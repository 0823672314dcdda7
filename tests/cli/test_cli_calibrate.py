"""``evenfield calibrate`` and ``masters``, on real frames and as users meet them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

SBIG = "ast443-cgs-bigccd"


def lights_of(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The records of all lights by the names of their files."""
    return {Path(one["path"]).name: one for result in report["results"] for one in result["lights"]}


def test_sbig_darks_are_found_in_other_darks(ev: Callable[..., Any], real_data: Path, tmp_path: Path) -> None:
    """Darks of 20, 30 and 150 s taken for lights hold the ratio of exposures of a longer dark, within 2 %."""
    words = ["--set", "*flat*:kind=flat"]
    for seconds in (20, 30, 150):
        words += ["--set", f"darks-expos{seconds}s-Neg5*:kind=light"]
    found = ev("calibrate", real_data / SBIG, "-o", tmp_path / "out", "--dark-scale", "optimize", "--json", *words)
    assert found.code == 0
    records = lights_of(found.json)
    for seconds, master_s in ((20, 60), (30, 60), (150, 300)):
        one = records[f"darks-expos{seconds}s-Neg5-Vis.00000000.DARK.FIT"]
        assert one["factor"] == pytest.approx(seconds / master_s, rel=0.02)
        assert one["factor_error"] < 0.002
        # What is left of a dark is noise about 0.
        pixels = fits.getdata(one["output"])
        assert abs(float(np.nanmedian(pixels))) < 1.5


def test_msdp_has_nothing_but_folders(ev: Callable[..., Any], real_data: Path, tmp_path: Path) -> None:
    """Five header cards each: kinds from folders, no exposure anywhere; lights come out flat and dark subtracted."""
    found = ev("calibrate", real_data / "msdp-solar", "-o", tmp_path / "out")
    assert found.code == 0
    assert "3 lights calibrated" in found.out
    assert "minus dark" in found.out
    made = sorted((tmp_path / "out" / "lights" / "Lights").iterdir())
    assert len(made) == 3
    header = fits.getheader(made[0])
    assert header["CALSTAT"] == "BDF"


def test_color_lights_without_darks(ev: Callable[..., Any], real_data: Path, tmp_path: Path) -> None:
    """Six lights and nothing else: they are copied as they are, loudly; --strict refuses; a pedestal is subtracted."""
    folder = real_data / "als-osc-lights"
    found = ev("calibrate", folder, "-o", tmp_path / "out", "--json")
    assert found.code == 0
    codes = {one["code"] for result in found.json["results"] for one in result["findings"]}
    assert {"light_uncalibrated", "no_flat_fits"} <= codes
    one = next(iter(lights_of(found.json).values()))
    np.testing.assert_array_equal(fits.getdata(one["output"]), fits.getdata(one["path"]).astype(np.float32))
    assert ev("calibrate", folder, "-o", tmp_path / "strict", "--strict", "--json").code == 1
    assert not (tmp_path / "strict" / "lights").exists()
    found = ev("calibrate", folder, "-o", tmp_path / "ped", "--pedestal", "32", "--json")
    one = next(iter(lights_of(found.json).values()))
    np.testing.assert_allclose(fits.getdata(one["output"]), fits.getdata(one["path"]).astype(np.float32) - 32)


def test_masters_of_everything(ev: Callable[..., Any], real_data: Path, tmp_path: Path) -> None:
    """``masters`` makes one of every set, whether a flat needs it or not."""
    found = ev("masters", real_data / SBIG, "-o", tmp_path / "out", "--set", "*flat*:kind=flat", "--json")
    assert found.code == 0
    kinds = [result["kind"] for result in found.json["results"]]
    assert kinds.count("bias") == 2
    assert kinds.count("flat") == 1
    assert kinds.count("dark") >= 8
    assert all(Path(result["outputs"][0]).exists() for result in found.json["results"])


def test_a_plan_of_lights_is_kept_and_run(ev: Callable[..., Any], real_data: Path, tmp_path: Path) -> None:
    """A plan of calibrated lights is shown, saved, explained and run later; the product tells how it was made."""
    file = tmp_path / "plan.json"
    night = real_data / "msdp-solar"
    found = ev("plan", "calibrate", night, "-o", tmp_path / "out", "--save", file)
    assert found.code == 0
    assert "3 lights can be calibrated, with 2 masters" in found.out
    assert "divided by flat" in ev("explain", file).out
    assert ev("run", file).code == 0
    product = next((tmp_path / "out" / "lights" / "Lights").iterdir())
    told = ev("explain", product).out
    assert "calibrated light" in told
    assert "Calibrated with" in told
    assert "flat: master_flat.fits" in told
    assert "3 reused" in ev("run", file).out


def test_no_lights(ev: Callable[..., Any], real_data: Path, tmp_path: Path) -> None:
    """A folder without lights is told so, with the mend."""
    found = ev("calibrate", real_data / "rmcd-darks", "-o", tmp_path / "out")
    assert found.code == 1
    assert "No lights among" in found.out
    assert "kind=light" in found.out
