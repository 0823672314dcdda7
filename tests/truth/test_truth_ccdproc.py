"""Calibrated lights beside ccdproc's, on real frames: equal where definitions are; docs/lights.md tells where not."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ccdproc
import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData

from evenfield.cli.app import run_cli
from evenfield.run.provenance import read_provenance

SBIG = "ast443-cgs-bigccd"


@pytest.fixture(scope="module")
def made(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """Lights (darks taken for them) calibrated in one of the ways to scale darks: the report."""
    folder = tmp_path_factory.mktemp("ccdproc")

    def run(how: str) -> dict[str, Any]:
        out = folder / how
        words = ["calibrate", str(real_data / SBIG), "-o", str(out), "--no-preferences", "-q", "--dark-scale", how,
                 "--set", "*flat*:kind=flat", "--set", "darks-expos150s-Neg5*:kind=light",
                 "--set", "darks-expos60s-Neg5*:kind=light"]  # fmt: skip
        assert run_cli(words) == 0
        found: dict[str, Any] = json.loads((out / "report.json").read_text())
        return found

    return run


def ccd(path: str) -> CCDData:
    """A file's pixels for ccdproc."""
    return CCDData(fits.getdata(path).astype(np.float64), unit="adu")


@pytest.mark.parametrize("how", ["none", "exposure"])
def test_equal_to_ccdproc(made: Callable[[str], dict[str, Any]], how: str) -> None:
    """Bias or dark subtracted, or a scaled dark, and divided by the flat: equal within 1e-5, but for the one factor.

    ccdproc divides a flat by its plain mean, evenfield by the mean without 5 % at each end.
    """
    report = made(how)
    (result,) = [one for one in report["results"] if one["kind"] == "light"]
    places = {Path(path).name: path for path in result["masters"].values()}
    ways = set()
    for record in result["lights"]:
        # Which masters served which light stands in its header.
        told = read_provenance(record["output"])
        masters = {one.role: ccd(places[one.name]) for one in told.masters}
        flat = masters["flat"]
        values = np.sort(flat.data[flat.data > 0])
        cut = int(0.05 * values.size)
        factor = values[cut : values.size - cut].mean() / flat.data.mean()
        light = ccd(record["path"])
        seconds = 150.0 if "150s" in record["path"] else 60.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if record["factor"] is not None:
                ways.add("scaled dark")
                light = ccdproc.subtract_bias(light, masters["bias"])
                dark = ccdproc.subtract_bias(masters["dark"], masters["bias"])
                light = ccdproc.subtract_dark(
                    light,
                    dark,
                    dark_exposure=seconds / record["factor"] * units.s,
                    data_exposure=seconds * units.s,
                    scale=True,
                )
            else:
                role = "dark" if "dark" in masters else "bias"
                ways.add(role)
                light = ccdproc.subtract_bias(light, masters[role])
            wanted = ccdproc.flat_correct(light, flat).data * factor
        got = fits.getdata(record["output"])
        known = np.isfinite(got)
        assert known.mean() > 0.999
        np.testing.assert_allclose(got[known], wanted[known], rtol=1e-5, atol=2e-3)
    assert ways == {"dark", "scaled dark" if how == "exposure" else "bias"}
