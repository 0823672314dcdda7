"""``evenfield examine``: one line a set, nothing made."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from frame_files import Night
from numpy.typing import NDArray

from evenfield.cli.app import run_cli

SHAPE = (480, 640)
ROWS, COLUMNS = np.indices(SHAPE)
R2 = ((ROWS - 240) ** 2 + (COLUMNS - 320) ** 2) / (240.0**2 + 320.0**2)
DUST = sum(
    0.06 * (((ROWS - row) ** 2 + (COLUMNS - column) ** 2) < 28.0**2)
    for row, column in ((80, 120), (140, 500), (240, 260), (300, 80), (360, 560), (400, 300), (180, 380))
)
SHADE = (1.0 - 0.4 * R2**2) * (1.0 - DUST)


def run(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and what was printed."""
    code = run_cli(list(map(str, arguments)))
    return code, capsys.readouterr().out


def lit(level: float, seed: int) -> Any:
    """An edit: light of a level behind vignetting and dust, above a bias of 500, with its noise."""

    def edit(pixels: NDArray[Any]) -> NDArray[Any]:
        rng = np.random.default_rng([seed, int(pixels[0, 0])])
        return np.rint(rng.poisson(level * SHADE * 4) / 4 + rng.normal(500, 5, SHAPE)).astype(np.uint16)

    return edit


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """Eight flats and eight dark flats."""
    night = Night(tmp_path)
    night.flats(8, shape=SHAPE, edit=lit(30000.0, 1))
    night.dark_flats(8, shape=SHAPE)
    return night


def test_a_line_a_set_and_what_stays_open(night: Night, capsys: pytest.CaptureFixture[str]) -> None:
    """Verdict, number and mend of each set; without lights the question that they would answer. Nothing is made."""
    before = sorted(night.top.rglob("*"))
    code, text = run("examine", night.folder, capsys=capsys)
    assert code == 0, text
    assert "master_flat_Ha_2026-03-14 (8)     works" in text
    assert "master_dark_flat_2.00s (8)        works" in text
    assert "Do these flats correct the lights" in text
    assert "light or more, with its dark or bias." in text
    assert "2 sets examined" in text
    assert sorted(night.top.rglob("*")) == before


def test_the_report_is_written_on_request(night: Night, capsys: pytest.CaptureFixture[str]) -> None:
    """With -o there is a report, and nothing that names the masters that are gone."""
    code, _ = run("examine", night.folder, "-o", night.output, capsys=capsys)
    assert code == 0
    report = json.loads((night.output / "report.json").read_text())
    assert {one["id"] for one in report["results"]} == {"master_flat_Ha_2026-03-14", "master_dark_flat_2.00s"}
    assert not any(one.get("outputs") for one in report["results"])
    assert not list(night.output.rglob("*.fits"))


def test_statistics_of_every_frame(night: Night, capsys: pytest.CaptureFixture[str]) -> None:
    """--csv: mean, median, standard deviation, MAD, minimum, maximum and clipped pixels are those of NumPy."""
    night.take("color", 2, shape=SHAPE, edit=lambda pixels: pixels * np.uint16(2), BAYERPAT="RGGB", FILTER="L")
    code, text = run("examine", night.folder, "--csv", capsys=capsys)
    assert code == 0
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 16 + 2 * 4
    for line in lines:
        pixels = fits.getdata(line["path"]).astype(np.float64)
        starts = {"": None, "R": (0, 0), "G1": (0, 1), "G2": (1, 0), "B": (1, 1)}[line["plane"]]
        values = pixels if starts is None else pixels[starts[0] :: 2, starts[1] :: 2]
        median = float(np.median(values))
        assert int(line["pixels"]) == values.size
        assert float(line["mean_adu"]) == pytest.approx(values.mean(), rel=1e-12)
        assert float(line["std_adu"]) == pytest.approx(values.std(), rel=1e-9)
        assert float(line["median_adu"]) == median
        assert float(line["mad_adu"]) == float(np.median(np.abs(values - median)))
        assert (float(line["minimum_adu"]), float(line["maximum_adu"])) == (values.min(), values.max())
        assert int(line["low"]) == np.count_nonzero(values == 0)
        assert int(line["high"]) == np.count_nonzero(values >= 65535)


def test_what_will_not_work_gives_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Flats that are saturated: the verdict, and the exit code."""
    night = Night(tmp_path)
    night.flats(5, shape=SHAPE, edit=lambda pixels: np.full_like(pixels, 65535))
    night.dark_flats(5, shape=SHAPE)
    code, text = run("examine", night.folder, capsys=capsys)
    assert code == 1
    assert "will not work" in text


def test_nothing_to_examine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without frames: said so, exit code 1, also as JSON."""
    code, text = run("examine", tmp_path, capsys=capsys)
    assert code == 1
    assert text.endswith("Nothing can be made of these files.\n")
    code, text = run("examine", tmp_path, "--json", capsys=capsys)
    assert code == 1
    assert json.loads(text)["findings"] or json.loads(text)["files"] == []


def test_json_and_csv_exclude_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One form at a time."""
    assert run("examine", tmp_path, "--json", "--csv", capsys=capsys)[0] == 2


def test_limits_of_verdicts(night: Night, capsys: pytest.CaptureFixture[str]) -> None:
    """A limit that is widened lets pass what was found; one that there is none of is refused."""
    night.flats(
        1, name="odd", shape=SHAPE, edit=lambda pixels: np.where(COLUMNS < 60, pixels * 0.95, pixels).astype("u2")
    )
    _, text = run("examine", night.folder, capsys=capsys)
    assert "odd_01.fits does not show" in text
    _, text = run("examine", night.folder, "--verdict-limit", "pattern:0.5", capsys=capsys)
    assert "odd_01.fits does not show" not in text
    assert run("examine", night.folder, "--verdict-limit", "color:1", capsys=capsys)[0] == 2


@pytest.mark.parametrize("rest", [0.0, 1500.0])
def test_lights_tell_whether_flats_work(rest: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Flats that hold 5 % too much leave corners dark: the lights' sky tells, by both commands."""
    night = Night(tmp_path)
    night.flats(8, shape=SHAPE, edit=lambda pixels: lit(30000.0, 1)(pixels) + np.uint16(rest))
    night.dark_flats(8, shape=SHAPE)
    night.darks(8, shape=SHAPE)
    for number in range(6):
        night.take(
            f"light_{number}", 1, kind="LIGHT", EXPTIME=60.0, FILTER="Ha", shape=SHAPE, edit=lit(4000.0, 7 + number),
            start=f"2026-03-14T22:{10 + number}:00",
        )  # fmt: skip
    code, text = run("examine", night.folder, "-v", capsys=capsys)
    assert code == (1 if rest else 0), text
    assert ("flats under-correct" in text) is bool(rest)
    assert "Do these flats correct" not in text
    code, text = run("calibrate", night.folder, "-o", night.output, "--examine-lights", "6", capsys=capsys)
    assert code == 0
    report = json.loads((night.output / "report.json").read_text())
    for one in report["results"]:
        if one["kind"] in ("flat", "light"):
            assert (one["verdict"] == "will not work") is bool(rest), one
            assert one["measured"]["lights_examined"] == 6.0


def test_jobs_examine_unless_told_not_to(night: Night, capsys: pytest.CaptureFixture[str]) -> None:
    """`evenfield flats` tells what the frames show; with --no-examine it does not look."""
    night.flats(
        1, name="odd", shape=SHAPE, edit=lambda pixels: np.where(COLUMNS < 60, pixels * 0.95, pixels).astype("u2")
    )
    _, text = run("flats", night.folder, "-o", night.output, capsys=capsys)
    assert "odd_01.fits does not show" in text
    _, text = run("flats", night.folder, "-o", night.output, "--no-examine", "--fresh", capsys=capsys)
    assert "odd_01.fits" not in text
