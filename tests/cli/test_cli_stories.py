"""What users of other programs suffer from, one story a test: told before, refused or done right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

SHAPE = (40, 60)
CAMERA = {"INSTRUME": "Cam", "GAIN": 100, "OFFSET": 50, "XBINNING": 1, "YBINNING": 1, "SWCREATE": "N.I.N.A. 3.1"}


class Folder:
    """A folder that fills with small frames; the minute counts up, so that no two are alike."""

    def __init__(self, path: Path) -> None:
        self.path, self.rng, self.count = path, np.random.default_rng(3), 0

    def add(
        self,
        name: str,
        kind: str,
        count: int,
        level: float | np.ndarray,
        *,
        seconds: float | None,
        temperature: float = -10.0,
        day: str = "2026-03-14",
        **cards: Any,
    ) -> list[Path]:
        """Frames of one kind."""
        made = []
        for _ in range(count):
            self.count += 1
            values = level + self.rng.normal(0, 1, SHAPE) * np.sqrt(np.maximum(level, 0) + 16.0)
            master = kind.startswith("Master")
            pixels = values.astype(np.float32) if master else np.rint(values).clip(0, 65535).astype(np.uint16)
            hdu = fits.PrimaryHDU(pixels)
            began = f"{day}T20:{self.count // 60:02d}:{self.count % 60:02d}"
            hdu.header.update({**CAMERA, "IMAGETYP": kind, "CCD-TEMP": temperature, "DATE-OBS": began, **cards})
            if seconds is not None:
                hdu.header["EXPTIME"] = seconds
            path = self.path / f"{name}_{self.count:03d}.fits"
            path.parent.mkdir(parents=True, exist_ok=True)
            hdu.writeto(path)
            made.append(path)
        return made


@pytest.fixture
def night(tmp_path: Path) -> Folder:
    """An empty night."""
    return Folder(tmp_path / "night")


def vignetting() -> np.ndarray:
    """Light falling to 0.6 in the corners, mean near 1."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    made = 1 - 0.4 * ((x - 29.5) ** 2 + (y - 19.5) ** 2) / (29.5**2 + 19.5**2)
    return made / made.mean()


def codes(report: dict[str, Any]) -> set[str]:
    """The codes of all findings of a report."""
    found = [*report["findings"], *(one for result in report["results"] for one in result["findings"])]
    return {one["code"] for one in found}


def test_story_flats_applied_to_lights_that_still_hold_their_pedestal(ev: Callable[..., Any], night: Folder) -> None:
    """0.95 became 1.21 elsewhere: here a light that holds its bias is not divided, and it is said."""
    night.add("flats/F", "FLAT", 6, 500 + 20000 * vignetting(), seconds=2.0)
    night.add("darkflats/D", "DARKFLAT", 6, 500.0, seconds=2.0)
    (light,) = night.add("lights/L", "LIGHT", 1, 500 + 300 * vignetting(), seconds=60.0)
    found = ev("calibrate", night.path, "-o", "out", "--json")
    assert "flat_not_applied" in codes(found.json)
    (record,) = found.json["results"][-1]["lights"]
    np.testing.assert_array_equal(fits.getdata(record["output"]), fits.getdata(light).astype(np.float32))
    # With its bias away it is flat.
    found = ev("calibrate", night.path, "-o", "out2", "--pedestal", "500", "--json")
    flat = fits.getdata(found.json["results"][-1]["lights"][0]["output"])
    corners, center = flat[[0, 0, -1, -1], [0, -1, 0, -1]].mean(), flat[15:25, 25:35].mean()
    assert corners / center == pytest.approx(1.0, abs=0.25)
    assert np.polyfit(vignetting().ravel(), flat.ravel(), 1)[0] / flat.mean() == pytest.approx(0.0, abs=0.03)


def test_story_an_error_that_only_said_building_master_flat(ev: Callable[..., Any], night: Folder) -> None:
    """Flats of +39 C beside darks of -10 C: the temperatures and the mend are named, not only the step."""
    night.add("flats/F", "FLAT", 6, 20500.0, seconds=2.0, temperature=39.0)
    night.add("darkflats/D", "DARKFLAT", 6, 500.0, seconds=2.0, temperature=-10.0)
    found = ev("flats", night.path, "-o", "out", "--json")
    (told,) = [one for one in found.json["results"][-1]["findings"] if one["code"] == "uncalibrated"]
    assert "39.0 C" in told["message"]
    assert "-10.0 C" in told["message"]
    assert "--allow-mismatch" in told["fix"]


def test_story_flats_of_several_nights_merged(ev: Callable[..., Any], night: Folder) -> None:
    """Flats of two nights make two masters, unless they are joined by request."""
    night.add("a/F", "FLAT", 5, 20000.0, seconds=2.0, SITELONG=10.0)
    night.add("b/F", "FLAT", 5, 20000.0, seconds=2.0, day="2026-03-17", SITELONG=10.0)
    assert len(ev("flats", night.path, "-o", "out", "--json").json["results"]) == 2
    joined = ev("flats", night.path, "-o", "joined", "--join", "night", "--json").json["results"]
    assert len(joined) == 1
    assert len(joined[0]["inputs"]) == 10


def test_story_a_dark_removed_twice(ev: Callable[..., Any], night: Folder) -> None:
    """A light from which the bias was taken before loses it again elsewhere; here most negative pixels are told."""
    night.add("lights/L", "LIGHT", 1, 60.0, seconds=60.0)
    night.add("darks/D", "DARK", 6, 500.0, seconds=60.0)
    found = ev("calibrate", night.path, "-o", "out", "--json")
    assert "negative_pixels" in codes(found.json)
    # A dark from which the bias was taken does not fit lights that hold it.
    night.add("masters/M", "Master Dark", 1, 20.0, seconds=90.0, BUNIT="adu", EVFBIAS=False)
    night.add("lights/Long", "LIGHT", 1, 800.0, seconds=90.0)
    plan = ev("calibrate", night.path, "-o", "out2", "--json").json
    long = [result for result in plan["results"] if any("Long" in one for one in result["inputs"])]
    assert all("M_" not in path for result in long for path in result["masters"].values())


def test_story_filters_that_differ_by_a_dash(ev: Callable[..., Any], night: Folder) -> None:
    """H-a and Ha are one filter; R/2 and R-2 are two, whose masters do not overwrite each other."""
    for name, level in (("H-a", 20000.0), ("Ha", 20000.0), ("R/2", 15000.0), ("R-2", 25000.0)):
        night.add(f"{name.replace('/', '_')}/F", "FLAT", 5, level, seconds=2.0, FILTER=name)
    report = ev("flats", night.path, "-o", "out", "--json").json
    outputs = [path for result in report["results"] for path in result["outputs"]]
    assert len(outputs) == len(set(outputs)) == 3
    levels = sorted(round(result["measured"]["mean_adu"], -3) for result in report["results"])
    assert levels == [15000, 20000, 25000]


def test_story_darks_of_the_wrong_exposure_taken_silently(ev: Callable[..., Any], night: Folder) -> None:
    """Dark flats of 5 s are not taken for flats of 2 s; the finding names both."""
    night.add("flats/F", "FLAT", 6, 20000.0, seconds=2.0)
    night.add("darkflats/D", "DARKFLAT", 6, 500.0, seconds=5.0)
    report = ev("flats", night.path, "-o", "out", "--json").json
    (told,) = [one for one in report["results"][-1]["findings"] if one["code"] == "uncalibrated"]
    assert "2.00 s" in told["message"]
    assert "5.00 s" in told["message"]
    assert "UNCALIBRATED" in report["results"][-1]["outputs"][0]


def test_story_a_color_cast_from_one_scale(ev: Callable[..., Any], night: Folder) -> None:
    """A flat whose red is weak changes no color of a light by default; with one scale for all it does."""
    colors = np.ones(SHAPE)
    colors[0::2, 0::2] = 0.5
    night.add("flats/F", "FLAT", 6, 500 + 20000 * colors, seconds=2.0, BAYERPAT="RGGB", ROWORDER="TOP-DOWN")
    night.add("darkflats/D", "DARKFLAT", 6, 500.0, seconds=2.0, BAYERPAT="RGGB", ROWORDER="TOP-DOWN")
    night.add("darks/D", "DARK", 6, 500.0, seconds=60.0, BAYERPAT="RGGB", ROWORDER="TOP-DOWN")
    night.add("lights/L", "LIGHT", 1, 500 + np.full(SHAPE, 4000.0), seconds=60.0, BAYERPAT="RGGB", ROWORDER="TOP-DOWN")

    def red_over_green(*words: str) -> float:
        found = ev("calibrate", night.path, "-o", f"out{len(words)}", "--json", *words)
        pixels = fits.getdata(found.json["results"][-1]["lights"][0]["output"])
        return float(np.median(pixels[0::2, 0::2]) / np.median(pixels[0::2, 1::2]))

    assert red_over_green() == pytest.approx(1.0, abs=0.02)
    assert red_over_green("--cfa-flat", "joint") == pytest.approx(2.0, abs=0.05)


def test_story_stars_left_in_sky_flats(ev: Callable[..., Any], night: Folder) -> None:
    """Sky flats that fade, with stars that move between them: what is scaled before rejection has no star left."""
    for number in range(12):
        level = np.full(SHAPE, 30000.0 / 1.15**number)
        level[10:13, 4 * number : 4 * number + 3] *= 1.3
        night.add("flats/F", "FLAT", 1, 500 + level, seconds=2.0 + number)
        night.add("darkflats/D", "DARKFLAT", 2, 500.0, seconds=2.0 + number)
    report = ev("flats", night.path, "-o", "out", "--json").json
    made = [result for result in report["results"] if result["kind"] == "flat"]
    pixels = fits.getdata(made[-1]["outputs"][0])
    row, elsewhere = pixels[10:13, :48].mean(), pixels[20:23, :48].mean()
    assert row / elsewhere == pytest.approx(1.0, abs=0.005)


def test_story_hot_pixels_that_repeat_in_every_flat(ev: Callable[..., Any], night: Folder) -> None:
    """What is hot in every frame no rejection finds: the dark flat takes it away."""
    dark = np.full(SHAPE, 500.0)
    dark[7, 8] = 9000.0
    night.add("flats/F", "FLAT", 10, dark + 20000.0, seconds=2.0)
    night.add("darkflats/D", "DARKFLAT", 10, dark, seconds=2.0)
    report = ev("flats", night.path, "-o", "out", "--json").json
    pixels = fits.getdata(report["results"][-1]["outputs"][0])
    assert pixels[7, 8] == pytest.approx(np.median(pixels), abs=400)


def test_story_headers_without_exposure_found_too_late(ev: Callable[..., Any], night: Folder) -> None:
    """Missing exposures are told by the plan, before a pixel is read."""
    night.add("flats/F", "FLAT", 5, 20000.0, seconds=None)
    night.add("darkflats/D", "DARKFLAT", 5, 500.0, seconds=None)
    found = ev("plan", night.path, "-o", "out", "--json")
    assert "exposure_unknown" in {one["code"] for step in found.json["steps"] for one in step["findings"]}
    assert not Path("out").exists()


def test_story_a_memory_limit_that_is_none(ev: Callable[..., Any], night: Folder) -> None:
    """A limit that cannot be kept is refused with the least that would do, instead of exceeded."""
    night.add("flats/F", "FLAT", 5, 20000.0, seconds=2.0)
    found = ev("flats", night.path, "-o", "out", "--memory", "1MiB", "--json")
    assert found.code == 1
    (told,) = [one for one in found.json["results"][-1]["findings"] if one["code"] == "memory_budget"]
    assert "--memory" in told["mend"]


def test_story_minutes_for_25_frames(ev: Callable[..., Any], night: Folder) -> None:
    """25 frames are read at most twice, whatever the number of bands; `make bench` has the seconds."""
    night.add("flats/F", "FLAT", 25, 20000.0, seconds=2.0)
    found = ev("plan", night.path, "-o", "out", "--json").json
    assert len(found["steps"][-1]["inputs"]) == 25
    report = ev("flats", night.path, "-o", "out", "--json").json
    assert report["results"][-1]["measured"]["frames"] == 25


def test_story_nan_everywhere_after_a_division(ev: Callable[..., Any], night: Folder) -> None:
    """A flat with some pixels at or below zero makes NaN of just these, and flags them."""
    flat = np.full(SHAPE, 20000.0)
    flat[3, 4:7] = -2000.0
    night.add("masters/F", "Master Flat", 1, flat, seconds=2.0, BUNIT="adu")
    night.add("darks/D", "DARK", 6, 500.0, seconds=60.0)
    night.add("lights/L", "LIGHT", 1, 1500.0, seconds=60.0)
    found = ev("calibrate", night.path, "-o", "out", "--maps", "--json")
    (record,) = found.json["results"][-1]["lights"]
    assert record["no_data"] == 3
    with fits.open(record["output"]) as file:
        assert np.argwhere(np.isnan(file[0].data)).tolist() == [[3, 4], [3, 5], [3, 6]]
        assert np.count_nonzero(file["MASK"].data & 4) == 3


@pytest.mark.parametrize(
    "cards",
    [
        {"IMAGETYP": "Master Dark"},
        {"IMAGETYP": "masterDark"},
        {"IMAGETYP": "DARK", "STACKCNT": 30},
        {"IMAGETYP": "DARK", "NCOMBINE": 30},
    ],
    ids=["pixinsight", "camel case", "siril", "ncombine"],
)
def test_story_masters_of_other_tools_not_recognized(
    ev: Callable[..., Any], night: Folder, cards: dict[str, Any]
) -> None:
    """Masters of PixInsight, Siril and others are taken as masters, on 0..1 too."""
    kind = str(cards.pop("IMAGETYP"))
    (path,) = night.add("masters/M", kind, 1, 500.0, seconds=60.0, **cards)
    with fits.open(path) as file:
        pixels, header = file[0].data.astype(np.float32) / 65535, file[0].header.copy()
    for key in ("BZERO", "BSCALE", "BITPIX"):
        header.remove(key, ignore_missing=True)
    fits.PrimaryHDU(pixels, header=header).writeto(path, overwrite=True)
    night.add("lights/L", "LIGHT", 2, 1500.0, seconds=60.0)
    found = ev("calibrate", night.path, "-o", "out", "--json").json
    (result,) = found["results"]
    assert [Path(one).name for one in result["masters"].values()] == [path.name]
    assert result["measured"]["median_adu"] == pytest.approx(1000, abs=15)


def test_story_success_after_an_error(ev: Callable[..., Any], night: Folder) -> None:
    """Where one product cannot be made, the others are, and the exit code is not 0."""
    night.add("flats/F", "FLAT", 5, 20000.0, seconds=2.0, FILTER="R")
    night.add("more/F", "FLAT", 2, 20000.0, seconds=2.0, FILTER="G")
    found = ev("flats", night.path, "-o", "out", "--reject", "minmax:2,2", "--json")
    assert found.code == 1
    statuses = {result["group"]["filter"]: result["status"] for result in found.json["results"]}
    assert statuses == {"R": "DONE", "G": "FAILED"}


def test_several_bad_flats_are_told_together(ev: Callable[..., Any], shooter: Any) -> None:
    """The number that is given belongs to one of them, and the message says to which."""
    shooter.take("flat", 5)
    shooter.take("flat_off", 2, level=1000.0)
    outcome = ev("flats", shooter.folder, "-o", "masters", "--no-precalibration", "--json")
    (told,) = [one for one in outcome.json["results"][0]["findings"] if one["code"] == "bad_level"]
    assert told["message"].startswith("flat_off_01, flat_off_02 left out; the first: 1")
