"""What is written where: names, reuse, overwriting, the record, and moving inputs."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits


def statuses(outcome: Any) -> dict[str, str]:
    """The status of each step."""
    return {one["id"]: one["status"] for one in outcome.json["results"]}


def test_where_products_lie(ev: Callable[..., Any], night: Path) -> None:
    """Flats lie in OUT, what they needed in OUT/calibration, the record beside the flats; nothing else is there."""
    ev("flats", night, "-o", "masters")
    found = sorted(str(path.relative_to("masters")) for path in Path("masters").rglob("*") if path.is_file())
    assert found == [
        "calibration/master_dark_flat_2.00s.fits",
        "master_flat_Ha_2026-03-14.fits",
        "plan.json",
        "report.html",
        "report.json",
        "report.txt",
    ]


def test_one_named_file(ev: Callable[..., Any], night: Path) -> None:
    """``-o NAME.fits`` names the one flat."""
    assert ev("flats", night, "-o", "sub/my flat.fits").code == 0
    assert Path("sub/my flat.fits").is_file()
    assert Path("sub/calibration/master_dark_flat_2.00s.fits").is_file()


def test_one_name_for_two_flats_is_refused(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """``-o NAME.fits`` with two groups is a usage error that names them."""
    shooter.take("red", 5, FILTER="R")
    outcome = ev("flats", night, "-o", "flat.fits")
    assert outcome.code == 2
    assert "master_flat_R_2026-03-14" in outcome.err
    assert not Path("flat.fits").exists()


def test_name_template(ev: Callable[..., Any], night: Path) -> None:
    """--name takes the keys of the group."""
    ev("flats", night, "-o", "masters", "--name", "{camera}_{filter}_{exposure}_{gain}_{binning}_{size}_{temperature}")
    (path,) = Path("masters").glob("*.fits")
    assert path.name == "Test-CMOS_Ha_2.00s_gain100_1x1_20x12_-10C.fits"


def test_more_keys_only_where_names_would_clash(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """Two groups of one filter and night get the key that tells them apart, and no more."""
    shooter.take("low", 5, GAIN=0)
    shooter.take("red", 5, FILTER="R")
    ev("flats", night, "-o", "masters", "--no-precalibration")
    assert sorted(path.name for path in Path("masters").glob("*.fits")) == [
        "master_flat_Ha_2026-03-14_gain0.fits",
        "master_flat_Ha_2026-03-14_gain100.fits",
        "master_flat_R_2026-03-14.fits",
    ]


def test_reused(ev: Callable[..., Any], night: Path) -> None:
    """A second run finds its products and makes none anew; the files are not even touched."""
    ev("flats", night, "-o", "masters")
    before = {path: path.stat().st_mtime_ns for path in Path("masters").rglob("*.fits")}
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert set(statuses(outcome).values()) == {"REUSED"}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    flat = outcome.json["results"][1]
    assert len(flat["inputs"]) == 6
    assert flat["verdict"] == "works"
    text = ev("flats", night, "-o", "masters").out
    assert "REUSED" in text
    assert "0 master flats made" in text


def test_reused_with_threads_memory_and_folder_changed(ev: Callable[..., Any], night: Path) -> None:
    """What changes no pixel makes no new master."""
    ev("flats", night, "-o", "masters")
    outcome = ev("flats", night, "-o", "masters", "--threads", "1", "--memory", "900MiB", "--json")
    assert set(statuses(outcome).values()) == {"REUSED"}


def test_another_product_is_left_as_it_is(ev: Callable[..., Any], night: Path) -> None:
    """A product of other settings is not overwritten: exit code 1, the file equal to the byte, the mend named."""
    ev("flats", night, "-o", "masters")
    path = Path("masters/master_flat_Ha_2026-03-14.fits")
    before = path.read_bytes()
    outcome = ev("flats", night, "-o", "masters", "--combine", "median", "--reject", "none")
    assert outcome.code == 1
    assert path.read_bytes() == before
    assert "--overwrite" in outcome.out
    found = ev("flats", night, "-o", "masters", "--combine", "median", "--dark-reject", "zscore:3", "--dark-combine",
               "mean", "--reject", "none", "--json")  # fmt: skip
    assert statuses(found) == {"master_dark_flat_2.00s": "REUSED", "master_flat_Ha_2026-03-14": "FAILED"}
    last = found.json["results"][1]["findings"][-1]
    assert (last["code"], last["fix"]) == ("output_exists", ["--overwrite"])


@pytest.mark.parametrize("content", [b"", b"my own notes, not FITS at all"])
def test_a_foreign_file_is_left_as_it_is(ev: Callable[..., Any], night: Path, content: bytes) -> None:
    """A file that evenfield did not make is never replaced without being asked."""
    path = Path("masters/master_flat_Ha_2026-03-14.fits")
    path.parent.mkdir()
    path.write_bytes(content)
    assert ev("flats", night, "-o", "masters").code == 1
    assert path.read_bytes() == content


def test_overwrite(ev: Callable[..., Any], night: Path) -> None:
    """--overwrite replaces products of other settings, and still reuses what is the same."""
    ev("flats", night, "-o", "masters", "--dark-reject", "winsorized")
    before = fits.getdata("masters/master_flat_Ha_2026-03-14.fits")
    outcome = ev("flats", night, "-o", "masters", "--dark-reject", "winsorized", "--combine", "median",
                 "--dark-combine", "mean", "--overwrite", "--json")  # fmt: skip
    assert outcome.code == 0
    assert statuses(outcome) == {"master_dark_flat_2.00s": "REUSED", "master_flat_Ha_2026-03-14": "DONE"}
    assert not np.array_equal(fits.getdata("masters/master_flat_Ha_2026-03-14.fits"), before)


def test_the_record_is_always_replaced(ev: Callable[..., Any], night: Path) -> None:
    """plan.json and report.json are those of the last run, though it was refused."""
    ev("flats", night, "-o", "masters")
    ev("flats", night, "-o", "masters", "--combine", "median")
    assert json.loads(Path("masters/report.json").read_text())["exit_code"] == 1
    assert json.loads(Path("masters/plan.json").read_text())["settings"]["combine"]["method"] == "median"


def test_changed_frames_make_a_new_master(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """One more flat is another master: the old one is not passed off as it."""
    ev("flats", night, "-o", "masters")
    shooter.take("more", 1, start="2026-03-14T21:00:00")
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert statuses(outcome) == {"master_dark_flat_2.00s": "REUSED", "master_flat_Ha_2026-03-14": "FAILED"}


def test_uint16(ev: Callable[..., Any], night: Path) -> None:
    """--output-type uint16 writes the rounded numbers, levels above 32767 included."""
    ev("flats", night, "-o", "floats")
    ev("flats", night, "-o", "whole", "--output-type", "uint16", "--set", "*:saturation_adu=65535")
    name = "master_flat_Ha_2026-03-14.fits"
    pixels = fits.getdata(f"whole/{name}")
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels, np.rint(fits.getdata(f"floats/{name}")).astype(np.uint16))


def test_uint16_levels_above_32767_do_not_wrap(ev: Callable[..., Any], shooter: Any) -> None:
    """A level of 45000 stays 45000."""
    shooter.take("flat", 5, level=45000.0)
    ev("flats", shooter.folder, "-o", "masters", "--output-type", "uint16")
    (path,) = Path("masters").glob("*.fits")
    assert fits.getdata(path).mean() == pytest.approx(45770, abs=100)


def test_uint16_that_does_not_fit_is_refused(ev: Callable[..., Any], night: Path) -> None:
    """Values below 0 are never wrapped: the step fails with the number of pixels and the mend."""
    outcome = ev("flats", night, "-o", "masters", "--output-type", "uint16", "--pedestal", "31000", "--json")
    (flat,) = outcome.json["results"]
    assert (outcome.code, flat["status"]) == (1, "FAILED")
    assert flat["findings"][-1]["code"] == "does_not_fit"
    assert "below 0" in flat["findings"][-1]["message"]
    assert not list(Path("masters").glob("*.fits"))


@pytest.mark.parametrize("level", ["mean", "median"])
def test_level_after_combining(ev: Callable[..., Any], night: Path, level: str) -> None:
    """--level divides the master by its mean or median."""
    ev("flats", night, "-o", "adu")
    ev("flats", night, "-o", "unit", "--level", level)
    name = "master_flat_Ha_2026-03-14.fits"
    adu, unit = (fits.getdata(f"{folder}/{name}").astype(np.float64) for folder in ("adu", "unit"))
    assert unit == pytest.approx(adu / getattr(np, level)(adu), rel=1e-6)
    assert fits.getheader(f"unit/{name}")["BUNIT"] == "relative"


def test_level_per_cfa(ev: Callable[..., Any], shooter: Any) -> None:
    """--per-cfa brings each colour to 1 by itself; without a pattern it is refused."""
    colour = np.array([[0.6, 1.0], [1.0, 0.7]])

    def dyed(pixels: Any) -> Any:
        return (pixels * np.tile(colour, (6, 10))).astype(np.uint16)

    shooter.take("flat", 5, edit=dyed, BAYERPAT="RGGB", ROWORDER="TOP-DOWN")
    ev("flats", shooter.folder, "-o", "masters", "--level", "mean", "--per-cfa")
    (path,) = Path("masters").glob("*.fits")
    pixels = fits.getdata(path)
    planes = [pixels[0::2, 0::2], pixels[1::2, 1::2], np.concatenate([pixels[0::2, 1::2], pixels[1::2, 0::2]])]
    assert [float(plane.mean()) for plane in planes] == pytest.approx([1.0, 1.0, 1.0], abs=1e-5)
    outcome = ev("flats", shooter.folder, "-o", "mono", "--level", "mean", "--per-cfa", "--set", "*:cfa=MONO", "--json")
    assert (outcome.code, outcome.json["results"][0]["findings"][-1]["code"]) == (1, "cfa_unknown")


def test_scaled_max(ev: Callable[..., Any], night: Path) -> None:
    """--level scaled-max adds a constant so that the brightest pixel is 1, and warns with the size of the error."""
    ev("flats", night, "-o", "adu")
    outcome = ev("flats", night, "-o", "unit", "--level", "scaled-max", "--json")
    name = "master_flat_Ha_2026-03-14.fits"
    share = fits.getdata(f"adu/{name}").astype(np.float64) / 65535
    assert fits.getdata(f"unit/{name}") == pytest.approx(share + 1 - share.max(), abs=1e-6)
    flat = outcome.json["results"][1]
    told = next(one for one in flat["findings"] if one["code"] == "scaled_max")
    assert told["level"] == "WARNING"
    assert f"{100 * (1 - share.max()):.1f} %" in told["message"]
    assert flat["verdict"] == "check"


def test_strict_refuses_an_uncalibrated_flat(ev: Callable[..., Any], shooter: Any) -> None:
    """Without calibration a flat is made with a warning; --strict refuses it."""
    shooter.take("flat", 5)
    assert ev("flats", shooter.folder, "-o", "loose").code == 0
    assert Path("loose/master_flat_Ha_2026-03-14_UNCALIBRATED.fits").exists()
    outcome = ev("flats", shooter.folder, "-o", "strict", "--strict", "--json")
    assert outcome.code == 1
    assert [one["status"] for one in outcome.json["results"]] == ["FAILED"]
    assert not list(Path("strict").glob("*.fits"))


def test_move_inputs(ev: Callable[..., Any], night: Path) -> None:
    """--move-inputs moves the flats that were used, beside themselves where the folder is relative; darks stay."""
    pixels = {path.name: path.read_bytes() for path in night.glob("flat_*")}
    outcome = ev("flats", night, "-o", "masters", "--move-inputs", "done", "--json")
    assert outcome.code == 0
    assert {path.name: path.read_bytes() for path in (night / "done").iterdir()} == pixels
    assert not list(night.glob("flat_*"))
    assert len(list(night.glob("dark_*"))) == 6
    assert sorted(pair[0] for pair in outcome.json["moved"]) == [str(night / name) for name in sorted(pixels)]


def test_move_inputs_with_placeholders(ev: Callable[..., Any], night: Path) -> None:
    """{date}, {time} and {filter} are filled in."""
    ev("flats", night, "-o", "masters", "--move-inputs", "used {date} {time}/{filter}")
    (folder,) = night.glob("used */Ha")
    when = datetime.datetime.strptime(folder.parent.name, "used %Y-%m-%d %H-%M-%S")
    assert abs((datetime.datetime.now() - when).total_seconds()) < 120
    assert len(list(folder.iterdir())) == 6


def test_move_inputs_to_an_absolute_folder(ev: Callable[..., Any], night: Path, tmp_path: Path) -> None:
    """An absolute folder is taken as it is."""
    ev("flats", night, "-o", "masters", "--move-inputs", tmp_path / "done")
    assert len(list((tmp_path / "done").iterdir())) == 6


def test_move_inputs_loses_nothing_to_a_name_clash(ev: Callable[..., Any], shooter: Any, tmp_path: Path) -> None:
    """Frames of one name from two folders, and a file that is there already: all are kept under names of their own."""
    target = tmp_path / "done"
    target.mkdir()
    (target / "flat_01.fits").write_bytes(b"precious")
    shooter.take("a/flat", 3)
    shooter.take("b/flat", 3, start="2026-03-14T20:10:00")
    before = sorted(hashlib.sha256(path.read_bytes()).digest() for path in shooter.folder.rglob("*.fits"))
    assert ev("flats", shooter.folder, "-o", "masters", "--move-inputs", target).code == 0
    assert (target / "flat_01.fits").read_bytes() == b"precious"
    after = [path for path in target.iterdir() if path.name != "flat_01.fits"]
    assert sorted(hashlib.sha256(path.read_bytes()).digest() for path in after) == before


def test_move_inputs_after_success_only(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """Where one step fails, nothing is moved."""
    shooter.take("few", 2, FILTER="R")
    assert ev("flats", night, "-o", "masters", "--reject", "extremes:2", "--move-inputs", "done").code == 1
    assert len(list(night.glob("flat_*"))) == 6
    assert not (night / "done").exists()


def test_left_out_flats_are_not_moved(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """Only what went into a master is moved."""
    shooter.take("flat_black", 1, level=50.0)
    ev("flats", night, "-o", "masters", "--move-inputs", "done")
    assert (night / "flat_black_01.fits").exists()
    assert len(list((night / "done").iterdir())) == 6


def test_products_and_moved_frames_are_not_searched(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """The output folder, the folder of moved inputs and evenfield's products are left out, and one line says so."""
    ev("flats", night, "-o", night / "masters", "--move-inputs", "done")
    shooter.take("new", 6, start="2026-03-15T20:00:00")
    outcome = ev("flats", night, "-o", night / "masters", "--move-inputs", "done")
    assert outcome.code == 0
    assert outcome.lines[0].startswith("12 files: 12 used")
    assert "not searched" in outcome.out
    elsewhere = ev("flats", night, "-o", "other", "--json")
    assert all("/masters/" not in one["path"] for one in elsewhere.json["files"])


def test_keep_bad_frames(ev: Callable[..., Any], night: Path, shooter: Any, codes: Callable[..., set[str]]) -> None:
    """A black flat is left out with a finding whose fix keeps it."""
    shooter.take("flat_black", 1, level=50.0)
    outcome = ev("flats", night, "-o", "masters", "--json")
    (found,) = [one for one in outcome.json["results"][1]["findings"] if one["code"] == "bad_level"]
    assert found["fix"] == ["--keep-bad-frames"]
    kept = ev("flats", night, "-o", "kept", *found["fix"], "--json")
    assert len(kept.json["results"][1]["inputs"]) == 7
    assert "bad_level" not in codes(kept)


def test_calibration_folder_and_kinds(ev: Callable[..., Any], shooter: Any, flats_of: Callable[..., Any]) -> None:
    """--calibration finds frames elsewhere; flats lying there are not needed; --calibration-kinds narrows it."""
    shooter.take("flat", 6)
    root = shooter.folder.parent / "library"
    shooter.folder, lights = root, shooter.folder
    shooter.take("deep/bias", 6, kind="BIAS", EXPTIME=0.0)
    shooter.take("dark", 6, kind="DARKFLAT")
    shooter.take("flat_old", 6, start="2026-01-01T20:00:00")
    (flat,) = flats_of(lights, "--calibration", root, "-o", "a")
    assert set(flat["masters"]) == {"dark_flat"}
    (flat,) = flats_of(lights, "--calibration", root, "-o", "b", "--calibration-kinds", "bias")
    assert set(flat["masters"]) == {"bias"}
    (flat,) = flats_of(lights, "--calibration", root, "-o", "c", "--calibration-kinds", "bias",
                       "--calibration-no-recursive")  # fmt: skip
    assert flat["masters"] == {}
