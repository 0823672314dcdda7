"""Bad input, item by item: what is told, what is still made, and that nothing wrong is made in silence."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

NAME = "master_flat_Ha_2026-03-14"


def results(outcome: Any) -> dict[str, Any]:
    """The results of a JSON report by id."""
    return {one["id"]: one for one in outcome.json["results"]}


def uses(outcome: Any) -> dict[str, tuple[str, str]]:
    """File name -> (use, code)."""
    return {Path(one["path"]).name: (one["use"], one["code"]) for one in outcome.json["files"]}


def set_card(path: Path, keyword: str, value: str) -> None:
    """Write a card's value as it is, legal or not."""
    data = bytearray(path.read_bytes())
    place = data.index(f"{keyword:<8}=".encode())
    data[place : place + 80] = f"{keyword:<8}= {value:>20}".ljust(80).encode()
    path.write_bytes(bytes(data))


# No frames, one frame.


def test_no_frames(ev: Callable[..., Any], alone: Path) -> None:
    """An empty folder: exit code 1, a sentence with the mend, nothing written."""
    outcome = ev("flats", alone, "-o", "masters")
    assert outcome.code == 1
    assert outcome.lines[0] == "0 files: 0 used, 0 not needed, 0 left out, 0 unreadable"
    assert "No frames were found" in outcome.out
    assert not Path("masters").exists()


def test_a_folder_that_does_not_exist(ev: Callable[..., Any]) -> None:
    """A path that is not there is told by name."""
    outcome = ev("flats", "no-such-folder", "-o", "masters")
    assert outcome.code == 1
    assert "no-such-folder" in outcome.out
    assert ev("survey", "no-such-folder").code == 1


def test_one_frame(ev: Callable[..., Any], shooter: Any, codes: Callable[..., set[str]]) -> None:
    """One flat makes a master that says to be checked: one frame is few."""
    (path,) = shooter.take("flat", 1)
    outcome = ev("flats", shooter.folder, "-o", "masters", "--no-precalibration", "--json")
    assert outcome.code == 0
    flat = results(outcome)[NAME]
    assert flat["verdict"] == "check"
    assert "few_frames" in codes(outcome)
    assert np.array_equal(fits.getdata(flat["outputs"][0]), fits.getdata(path).astype(np.float32))


# Unreadable, truncated, empty, no FITS.


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda data: b"", "empty"),
        (lambda data: data[: len(data) - 2880], "truncated"),
        (lambda data: data[:3000], "truncated"),
        (lambda data: data[:1000], "truncated"),
        (lambda data: b"\xff\xd8\xff\xe0 a JPEG", "not_an_image"),
        (lambda data: b"\0" * 8640, "not_an_image"),
        (lambda data: data.replace(b"BITPIX  =                   16", b"BITPIX  =                   17"), "damaged"),
    ],
    ids=["empty", "pixels cut", "hardly any pixels", "header cut", "JPEG", "zeros", "BITPIX 17"],
)
def test_a_damaged_file_is_listed_and_the_rest_made(
    ev: Callable[..., Any], night: Path, damage: Callable[[bytes], bytes], code: str
) -> None:
    """A damaged flat is unreadable with its reason; the master is made of the others; exit code 0."""
    path = night / "flat_03.fits"
    path.write_bytes(damage(path.read_bytes()))
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 0
    use, found = uses(outcome)["flat_03.fits"]
    assert use == "unreadable"
    assert found == code
    assert len(results(outcome)[NAME]["inputs"]) == 5
    survey = ev("survey", night, "--json").json
    assert [Path(one["path"]).name for one in survey["unreadable"]] == ["flat_03.fits"]
    assert survey["unreadable"][0]["reason"]


def test_all_files_damaged(ev: Callable[..., Any], night: Path) -> None:
    """Where nothing can be read, the run says why and ends with 1."""
    for path in night.iterdir():
        path.write_bytes(b"")
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 1
    assert {use for use, _ in uses(outcome).values()} == {"unreadable"}
    assert outcome.json["findings"][0]["code"] == "no_frames"


def test_a_gzip_file_cut_short(ev: Callable[..., Any], night: Path) -> None:
    """A gzip file whose end is missing is found out while reading at the latest, and left out."""
    path = night / "flat_03.fits"
    packed = gzip.compress(path.read_bytes())
    path.unlink()
    (night / "flat_03.fits.gz").write_bytes(packed[: len(packed) // 2])
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 0
    assert uses(outcome)["flat_03.fits.gz"][0] == "unreadable"
    assert len(results(outcome)[NAME]["inputs"]) == 5


def test_strict_refuses_a_frame_that_fails_to_read(ev: Callable[..., Any], night: Path) -> None:
    """--strict: a frame that fails while it is read fails its master."""
    path = night / "flat_03.fits"
    pixels, header = fits.getdata(path, header=True)
    path.unlink()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels, header)]).writeto(night / "flat_03.fits.fz")
    packed = bytearray((night / "flat_03.fits.fz").read_bytes())
    # The table of tile lengths is destroyed, the header left whole.
    with fits.open(night / "flat_03.fits.fz", disable_image_compression=True) as file:
        start = file[1]._data_offset
    packed[start : start + 96] = b"\x7f" * 96
    (night / "flat_03.fits.fz").write_bytes(bytes(packed))
    loose = ev("flats", night, "-o", "loose", "--json")
    assert loose.code == 0
    assert uses(loose)["flat_03.fits.fz"][0] == "unreadable"
    assert len(results(loose)[NAME]["inputs"]) == 5
    strict = ev("flats", night, "-o", "strict", "--strict", "--json")
    assert strict.code == 1
    assert results(strict)[NAME]["status"] == "FAILED"


# Folders without permission; output that cannot be written; disk full.


def without_rights(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a process that keeps to permissions, also where the tests run as root."""
    words = [sys.executable, "-c", "from evenfield.cli.app import main; main()", *map(str, arguments)]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("running as root without setpriv: permissions cannot be tested")
        words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *words]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(words, capture_output=True, text=True, env=env, timeout=120, check=False)


@pytest.fixture
def closed() -> Iterator[Callable[[Path, int], None]]:
    """Take rights away from a path until the test ends."""
    changed: list[Path] = []

    def change(path: Path, mode: int) -> None:
        path.chmod(mode)
        changed.append(path)

    yield change
    for path in changed:
        path.chmod(0o755)


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_directory_without_permission(night: Path, shooter: Any, closed: Callable[[Path, int], None]) -> None:
    """A folder and a file that may not be read are listed with the reason; the rest is used."""
    shooter.take("locked/flat", 1)
    closed(night / "locked", 0o000)
    closed(night / "flat_06.fits", 0o000)
    done = without_rights("survey", night)
    assert done.returncode == 0
    assert "locked" in done.stdout
    assert "flat_06.fits" in done.stdout
    assert done.stdout.startswith("13 files: 11 frames")
    done = without_rights("flats", night, "-o", "masters")
    assert done.returncode == 0, done
    assert "2 unreadable" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("output", ["masters", "masters/deeper"])
def test_output_folder_not_writable(night: Path, output: str, closed: Callable[[Path, int], None]) -> None:
    """An output folder that takes no files: exit code 1, one sentence with the folder and the mend."""
    Path("masters").mkdir()
    closed(Path("masters"), 0o555)
    done = without_rights("flats", night, "-o", output)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(Path("masters").absolute()) in done.stderr + done.stdout
    assert not list(Path("masters").iterdir())


def test_output_folder_is_a_file(ev: Callable[..., Any], night: Path) -> None:
    """An output folder that is a file is told; the file stays."""
    Path("masters").write_text("mine")
    outcome = ev("flats", night, "-o", "masters")
    assert outcome.code == 1
    assert "masters" in outcome.err
    assert Path("masters").read_text() == "mine"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no right to mount a small tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_disk_full(ev: Callable[..., Any], shooter: Any, small_disk: Path) -> None:
    """A disk without room: FAILED with the reason and the mend, exit code 1, nothing half-written left behind."""
    shooter.take("flat", 5, shape=(200, 300))
    shooter.take("dark", 5, kind="DARKFLAT", shape=(200, 300))
    outcome = ev("flats", shooter.folder, "-o", small_disk / "masters", "--json")
    assert outcome.code == 1
    assert {one["status"] for one in outcome.json["results"]} <= {"FAILED", "SKIPPED"}
    told = outcome.json["results"][0]["findings"][-1]
    assert told["code"] in ("disk_space", "write_failed")
    assert "room" in told["mend"]
    assert not list(small_disk.rglob("*.fits"))
    assert not list(small_disk.rglob("*partial*"))


def test_disk_that_fills_up_while_writing(
    ev: Callable[..., Any], shooter: Any, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room that was there when the run began and is gone when it writes: the same."""
    shooter.take("flat", 5, shape=(200, 300))
    shooter.take("dark", 5, kind="DARKFLAT", shape=(200, 300))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 0, 10**12))
    outcome = ev("flats", shooter.folder, "-o", small_disk / "masters", "--json")
    assert outcome.code == 1
    dark, flat = outcome.json["results"]
    assert (dark["status"], flat["status"]) == ("FAILED", "SKIPPED")
    assert dark["findings"][-1]["code"] == "write_failed"
    assert "full" in dark["findings"][-1]["message"]
    assert not list(small_disk.rglob("*.fits"))
    assert not list(small_disk.rglob("*partial*"))


def test_disk_too_small_for_the_record(ev: Callable[..., Any], night: Path, small_disk: Path) -> None:
    """A disk that takes not even plan.json and report.json: a sentence, exit code 1, no traceback."""
    (small_disk / "filler").write_bytes(b"x" * 60 * 1024)
    outcome = ev("flats", night, "-o", small_disk / "masters")
    assert outcome.code == 1
    assert "disk" in outcome.err + outcome.out


# Missing or malformed header values.


@pytest.mark.parametrize("value", [None, "'two seconds'", "nan", "NaN", "-1.0", "inf"])
def test_exposure_missing_or_malformed(
    ev: Callable[..., Any], night: Path, codes: Callable[..., set[str]], value: str | None
) -> None:
    """Flats without a usable exposure are calibrated by dark flats only with a finding, never in silence."""
    for path in night.glob("flat_*"):
        if value is None:
            fits.delval(path, "EXPTIME")
        else:
            set_card(path, "EXPTIME", value)
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 0
    (flat,) = [one for one in outcome.json["results"] if one["kind"] == "flat"]
    assert flat["verdict"] == "check"
    assert codes(outcome) & {"exposure_unknown", "uncalibrated"}
    assert (value is None) or "bad_value" in codes(outcome)


@pytest.mark.parametrize("value", [None, "'cold'", "nan", "999.0"])
def test_temperature_missing_or_malformed(
    ev: Callable[..., Any], night: Path, codes: Callable[..., set[str]], value: str | None
) -> None:
    """An unknown temperature is no temperature: matched without it, which is told."""
    for path in night.glob("flat_*"):
        if value is None:
            fits.delval(path, "CCD-TEMP")
        else:
            set_card(path, "CCD-TEMP", value)
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 0
    assert "temperature_unknown" in codes(outcome)
    assert (value is None) or "bad_value" in codes(outcome)
    header = fits.getheader(results(outcome)[NAME]["outputs"][0])
    assert "CCD-TEMP" not in header


@pytest.mark.parametrize("value", ["''", "'None'", "'NoFilter'"])
def test_filter_missing(ev: Callable[..., Any], night: Path, value: str) -> None:
    """No filter is no filter: a group of its own, its name without a filter's."""
    for path in night.glob("flat_*"):
        set_card(path, "FILTER", value)
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 0
    flat = results(outcome)["master_flat_2026-03-14"]
    assert flat["group"]["filter"] is None


def test_filter_malformed(ev: Callable[..., Any], night: Path) -> None:
    """A filter that is a number or an open string does not stop the run."""
    set_card(night / "flat_01.fits", "FILTER", "3")
    set_card(night / "flat_02.fits", "FILTER", "'unclosed")
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 0
    assert len(results(outcome)[NAME]["inputs"]) == 4


def test_kind_missing(ev: Callable[..., Any], shooter: Any, codes: Callable[..., set[str]]) -> None:
    """Frames that nothing calls flats are left out, and the finding gives the override to paste."""
    shooter.take("picture", 5, kind=None)
    outcome = ev("flats", shooter.folder, "-o", "masters", "--json")
    assert outcome.code == 1
    assert {code for _, code in uses(outcome).values()} == {"no_kind"}
    (fix,) = [one["fix"] for one in outcome.json["findings"] if one["code"] == "no_kind"]
    assert ev("flats", shooter.folder, "-o", "masters", *fix).code == 0


@pytest.mark.parametrize("value", ["'banana'", "7", "T"])
def test_kind_malformed(ev: Callable[..., Any], shooter: Any, value: str) -> None:
    """A kind that nobody knows is no kind: the name or folder may tell, else the frame is left out."""
    for path in shooter.take("picture", 5):
        set_card(path, "IMAGETYP", value)
    outcome = ev("flats", shooter.folder, "-o", "masters", "--json")
    assert outcome.code == 1
    assert {code for _, code in uses(outcome).values()} == {"no_kind"}


@pytest.mark.parametrize("value", [None, "0", "'2 by 2'", "nan", "-1"])
def test_binning_missing_or_malformed(
    ev: Callable[..., Any], night: Path, codes: Callable[..., set[str]], value: str | None
) -> None:
    """An unknown binning is neither equal nor different: told, and the verdict is at best check."""
    for path in night.glob("flat_*"):
        for keyword in ("XBINNING", "YBINNING"):
            if value is None:
                fits.delval(path, keyword)
            else:
                set_card(path, keyword, value)
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 0
    assert "match_unknown" in codes(outcome)
    assert results(outcome)[NAME]["verdict"] == "check"
    assert results(outcome)[NAME]["group"]["binning"] is None


def test_nan_in_headers(ev: Callable[..., Any], night: Path, codes: Callable[..., set[str]]) -> None:
    """NaN in any number of the header counts as unknown, is told, and never becomes part of JSON or of a name."""
    for keyword in ("EXPTIME", "CCD-TEMP", "GAIN", "OFFSET", "XBINNING", "SITELONG"):
        set_card(night / "flat_02.fits", keyword, "NaN")
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 0
    json.loads(outcome.out, parse_constant=pytest.fail)  # a bare NaN is no JSON
    assert "bad_value" in codes(outcome)
    survey = ev("survey", night, "--json").json
    frame = next(one for one in survey["frames"] if one["path"].endswith("flat_02.fits"))
    assert [frame[key] for key in ("exposure_s", "sensor_c", "gain_setting", "offset_setting")] == [None] * 4
    assert all("nan" not in path.name.lower() for path in Path("masters").glob("*"))


# Sizes, levels, pixels.


def test_mixed_sizes_in_no_grouping(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """--no-grouping with two sizes is refused, naming them."""
    shooter.take("small", 3, shape=(6, 8))
    outcome = ev("flats", night, "-o", "masters", "--no-grouping", "--json")
    assert outcome.code == 1
    assert outcome.json["results"] == []
    (told,) = [one for one in outcome.json["findings"] if one["code"] == "mixed_sizes"]
    assert "20 x 12" in told["message"]
    assert "8 x 6" in told["message"]


@pytest.mark.parametrize(("level", "code"), [(40.0, "bad_level"), (90000.0, "saturated_frame")])
def test_one_black_or_saturated_flat(
    ev: Callable[..., Any], night: Path, shooter: Any, level: float, code: str
) -> None:
    """A black or a saturated flat is left out with the number that decided."""
    shooter.take("odd_flat", 1, level=level)
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert uses(outcome)["odd_flat_01.fits"] == ("left_out", code)
    flat = results(outcome)[NAME]
    assert len(flat["inputs"]) == 6
    assert flat["verdict"] == "works"


@pytest.mark.parametrize(("level", "code"), [(90000.0, "most_frames_bad"), (0.0, "level_not_positive")])
def test_all_flats_black_or_saturated(
    ev: Callable[..., Any], shooter: Any, codes: Callable[..., set[str]], level: float, code: str
) -> None:
    """All flats of no use: the master is made, and will not work."""
    shooter.take("flat", 6, level=level)
    shooter.take("dark", 6, kind="DARKFLAT", edit=lambda pixels: pixels + np.uint16(100))
    outcome = ev("flats", shooter.folder, "-o", "masters", "--json")
    assert results(outcome)[NAME]["verdict"] == "will not work"
    assert code in codes(outcome)


def test_nan_pixels(ev: Callable[..., Any], shooter: Any, codes: Callable[..., set[str]]) -> None:
    """NaN pixels take no part: one NaN leaves the mean of the others, NaN in all frames stays NaN and is told."""

    def holed(pixels: Any) -> Any:
        floats = pixels.astype(np.float32)
        floats[2, 2] = np.nan
        floats[7, shooter._count % 20] = np.nan
        return floats

    paths = shooter.take("flat", 6, edit=holed)
    outcome = ev("flats", shooter.folder, "-o", "masters", "--no-precalibration", "--reject", "none", "--scale", "none",
                 "--set", "*:number_domain=adu", "--json")  # fmt: skip
    assert outcome.code == 0, outcome
    (flat,) = outcome.json["results"]
    stack = np.stack([fits.getdata(path).astype(np.float64) for path in paths])
    stack[:, 2, 2] = 0
    wanted = np.nanmean(stack, axis=0)
    wanted[2, 2] = np.nan
    assert fits.getdata(flat["outputs"][0]) == pytest.approx(wanted, abs=0.01, nan_ok=True)
    assert flat["measured"]["no_data_pixels"] == 1
    assert "no_data_pixels" in codes(outcome)


def test_a_frame_of_nan_only(ev: Callable[..., Any], shooter: Any) -> None:
    """A frame without any value is left out; the others make the master."""
    shooter.take("flat", 5, edit=lambda pixels: pixels.astype(np.float32))
    shooter.take("void", 1, edit=lambda pixels: np.full(pixels.shape, np.nan, np.float32))
    outcome = ev("flats", shooter.folder, "-o", "masters", "--no-precalibration", "--json",
                 "--set", "*:number_domain=adu", "--set", "*:saturation_adu=65535")  # fmt: skip
    assert outcome.code == 0
    assert uses(outcome)["void_01.fits"][0] == "left_out"
    assert len(outcome.json["results"][0]["inputs"]) == 5


# Darks that do not fit.


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"EXPTIME": 1.5}, "exposure"),
        ({"EXPTIME": 20.0}, "exposure"),
        ({"CCD-TEMP": -5.0}, "temperature"),
        ({"GAIN": 0}, "gain_setting"),
        ({"OFFSET": 30}, "offset_setting"),
        ({"XBINNING": 2, "YBINNING": 2}, "binning"),
        ({"READOUTM": "slow"}, "readout_mode"),
        ({"INSTRUME": "Another CMOS"}, "camera"),
    ],
    ids=["shorter", "longer", "hotter", "gain", "offset", "binning", "readout mode", "camera"],
)
def test_a_dark_that_does_not_fit(
    ev: Callable[..., Any], shooter: Any, codes: Callable[..., set[str]], wrong: dict[str, Any], key: str
) -> None:
    """A dark outside the limits is never used in silence: the flat is uncalibrated by name, or used on request only."""
    shooter.take("flat", 5, READOUTM="fast")
    shooter.take("dark", 5, kind="DARK", **{"READOUTM": "fast"} | wrong)
    outcome = ev("flats", shooter.folder, "-o", "masters", "--json")
    assert outcome.code == 0
    (flat,) = outcome.json["results"]
    assert flat["masters"] == {}
    assert flat["outputs"][0].endswith("_UNCALIBRATED.fits")
    assert flat["verdict"] == "check"
    (told,) = [one for one in flat["findings"] if one["code"] == "uncalibrated"]
    assert key.replace("_", " ") in told["message"]
    assert told["fix"] == ["--allow-mismatch", key]
    allowed = ev("flats", shooter.folder, "-o", "allowed", *told["fix"], "--json")
    assert allowed.code == 0
    flat = next(one for one in allowed.json["results"] if one["kind"] == "flat")
    assert set(flat["masters"]) == {"dark_flat"}
    assert flat["verdict"] == "check"
    assert "mismatch_allowed" in codes(allowed)
    from evenfield import read_provenance

    assert key in " ".join(read_provenance(flat["outputs"][0]).changed_by_user)


@pytest.mark.parametrize("wrong", [{"EXPTIME": 1.5}, {"GAIN": 0}])
def test_a_named_file_that_does_not_fit_is_refused(ev: Callable[..., Any], shooter: Any, wrong: dict[str, Any]) -> None:
    """--calibrate-with a file that does not fit: refused, with the difference, exit code 1."""
    shooter.take("flat", 5)
    (dark,) = shooter.take("elsewhere/dark", 1, kind="DARK", **wrong)
    flats = sorted(shooter.folder.glob("flat*"))
    outcome = ev("flats", *flats, "-o", "masters", "--calibrate-with", dark, "--json")
    assert outcome.code == 1
    (flat,) = outcome.json["results"]
    assert (flat["status"], flat["findings"][-1]["code"]) == ("FAILED", "file_does_not_fit")


def test_one_group_fits_and_another_does_not(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """A master that nothing calibrates beside one that is calibrated: a WARNING, exit code 0."""
    shooter.take("red", 5, FILTER="R", EXPTIME=9.0)
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 0
    levels = {one["code"]: one["level"] for item in outcome.json["results"] for one in item["findings"]}
    assert levels["uncalibrated"] == "WARNING"


def test_flats_of_an_exposure_without_a_dark_flat(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """Within a group never part dark flat, part nothing: the few without a dark flat are left out, and it is told."""
    shooter.take("longer", 2, EXPTIME=7.0)
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 0
    assert uses(outcome)["longer_01.fits"] == ("left_out", "no_calibration_fits")
    assert len(results(outcome)[NAME]["inputs"]) == 6


# All frames rejected.


def test_all_frames_rejected(ev: Callable[..., Any], shooter: Any) -> None:
    """A limit that rejects every sample of a pixel falls back as defined, and leaves no hole."""
    paths = shooter.take("flat", 2)
    outcome = ev("flats", shooter.folder, "-o", "masters", "--no-precalibration", "--reject", "zscore:0.5",
                 "--scale", "none", "--json")  # fmt: skip
    assert outcome.code == 0
    stack = np.stack([fits.getdata(path).astype(np.float64) for path in paths])
    # Two samples lie one standard deviation from their mean: both go; extremes would empty it, and backs off to none.
    assert fits.getdata(outcome.json["results"][0]["outputs"][0]) == pytest.approx(stack.mean(axis=0), abs=0.01)


@pytest.mark.parametrize("reject", ["extremes:3", "minmax:3,3"])
def test_a_rejection_of_more_frames_than_there_are(ev: Callable[..., Any], night: Path, reject: str) -> None:
    """A rejection that drops more than there is is refused before anything runs."""
    outcome = ev("flats", night, "-o", "masters", "--reject", reject, "--json")
    assert outcome.code == 1
    assert results(outcome)[NAME]["findings"][-1]["code"] in ("too_few_for_rejection", "needs_failed")
    assert not list(Path("masters").rglob("*.fits"))


def test_too_few_frames_are_left_for_the_rejection(ev: Callable[..., Any], night: Path) -> None:
    """Enough frames when planned, too few after bad ones were left out: FAILED with the numbers."""
    for number in (1, 2):
        pixels, header = fits.getdata(night / f"flat_0{number}.fits", header=True)
        fits.writeto(night / f"flat_0{number}.fits", pixels // 50, header, overwrite=True)
    outcome = ev("flats", night, "-o", "masters", "--reject", "extremes:2", "--dark-reject", "none", "--json")
    assert outcome.code == 1
    assert results(outcome)[NAME]["findings"][-1]["code"] == "too_few_for_rejection"


# Names.


def test_filter_names_with_slashes_and_beyond_ascii(ev: Callable[..., Any], shooter: Any) -> None:
    """A filter's name cannot leave the folder, and every name is safe on every system."""
    names = ["../../etc/x", "Hα 7nm", "a/b", "a\\b", "con", "R:G*?", "Größe ..."]
    for number, name in enumerate(names):
        shooter.take(f"flat{number}", 2, FILTER="F")
        with shooter.folder.joinpath("evenfield.toml").open("a", encoding="utf-8") as file:
            file.write(f"[[set]]\nfiles = 'flat{number}_*'\nfilter = '{name}'\n")
    outcome = ev("flats", shooter.folder, "-o", "masters", "--no-precalibration", "--json")
    assert outcome.code == 0, outcome
    found = sorted(path for path in Path("masters").rglob("*.fits"))
    assert len(found) == len(names)
    for path in found:
        assert path.parent == Path("masters")
        assert path.name.isascii()
        assert not set(path.name) & set('<>:"/\\|?*')
    assert [path.name for path in Path().parent.iterdir()] == ["masters"]
    assert {one["group"]["filter"] for one in outcome.json["results"]} >= {"../../etc/x", "a/b"}


@pytest.mark.parametrize(("one", "other"), [("Luna", "LUNA"), ("R-2", "R2"), ("Foo Bar", "Foo-Bar"), ("L_x", "L x")])
def test_filters_that_differ_by_case_or_a_dash(
    ev: Callable[..., Any], shooter: Any, codes: Callable[..., set[str]], one: str, other: str
) -> None:
    """Two filters whose names differ by case or a dash keep their own files, on every file system, and it is told."""
    shooter.take("a", 3, FILTER=one, level=20000.0)
    shooter.take("b", 3, FILTER=other, level=30000.0)
    outcome = ev("flats", shooter.folder, "-o", "masters", "--no-precalibration", "--json")
    assert outcome.code == 0
    found = [Path(item["outputs"][0]).name for item in outcome.json["results"]]
    assert len({name.casefold() for name in found}) == 2
    assert sorted(float(fits.getdata(f"masters/{name}").mean()) for name in found) == pytest.approx(
        [20580, 30620], abs=100
    )
    assert "filters_alike" in codes(outcome)


# Folders and copies.


def test_mac_companion_files_are_ignored(ev: Callable[..., Any], night: Path) -> None:
    """``._flat_01.fits`` of macOS is no frame and no unreadable file."""
    (night / "._flat_01.fits").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    document = ev("survey", night, "--json").json
    assert len(document["frames"]) == 12
    assert document["unreadable"] == []


def test_overlapping_paths_count_once(ev: Callable[..., Any], night: Path, tmp_path: Path) -> None:
    """A file reached twice, by folder, by name, by a link or by another spelling, is one frame."""
    (tmp_path / "link").symlink_to(night)
    given = [night, night / "flat_01.fits", night.parent / "night" / ".." / "night", tmp_path / "link"]
    outcome = ev("flats", *given, "--calibration", night, "-o", "masters", "--json")
    assert len(outcome.json["files"]) == 12
    assert len(results(outcome)[NAME]["inputs"]) == 6


def test_the_same_frame_copied_twice(ev: Callable[..., Any], night: Path, codes: Callable[..., set[str]]) -> None:
    """Copies are used once and told: a frame that counts three times would spoil the rejection."""
    (night / "backup").mkdir()
    shutil.copy(night / "flat_02.fits", night / "flat_02 (2).fits")
    shutil.copy(night / "flat_02.fits", night / "backup" / "flat_02.fits")
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 0
    assert len(results(outcome)[NAME]["inputs"]) == 6
    assert sum(one["code"] == "second_copy" for one in outcome.json["files"]) == 2
    assert "second_copy" in codes(outcome)


@pytest.mark.parametrize("suffix", [".cr2", ".CR3", ".nef", ".arw", ".dng", ".raf", ".ser", ".tif"])
def test_formats_not_read_yet(ev: Callable[..., Any], night: Path, suffix: str) -> None:
    """Frames of another format are listed with the reason, not overlooked."""
    (night / f"flat_99{suffix}").write_bytes(b"XISF0100 or whatever it is")
    document = ev("survey", night, "--json").json
    (told,) = document["unreadable"]
    assert told["path"] == str(night / f"flat_99{suffix}")
    assert told["reason"]
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert outcome.code == 0
    assert uses(outcome)[f"flat_99{suffix}"][0] == "unreadable"


def test_wildcards_that_the_shell_left(ev: Callable[..., Any], night: Path) -> None:
    """A pattern that came through is resolved here; one that fits nothing is told."""
    outcome = ev("flats", night / "flat_*.fits", night / "dark_0[1-6].fits", "-o", "masters", "--json")
    assert len(outcome.json["files"]) == 12
    nothing = ev("flats", night / "moon_*.fits", "-o", "moon")
    assert nothing.code == 1
    assert "moon_*.fits" in nothing.out.replace("\n", "")


def test_a_file_with_brackets_in_its_name(ev: Callable[..., Any], night: Path) -> None:
    """A name that looks like a pattern and exists is that file."""
    (night / "flat_01.fits").rename(night / "flat[01].fits")
    outcome = ev("survey", night / "flat[01].fits", "--json")
    assert [Path(one["path"]).name for one in outcome.json["frames"]] == ["flat[01].fits"]


# Between plan and run.


@pytest.mark.parametrize("change", ["pixels", "header", "gone", "touched"])
def test_a_file_that_changes_between_plan_and_run(ev: Callable[..., Any], night: Path, change: str) -> None:
    """A frame that is not what was planned fails its master: exit code 1, by name, and nothing is made of it."""
    ev("plan", night, "-o", "masters", "--save", "plan.json")
    path = night / "flat_03.fits"
    before = path.stat()
    if change == "gone":
        path.unlink()
    elif change == "header":
        set_card(path, "GAIN", "101")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # only the header's hash tells
    elif change == "pixels":
        path.write_bytes(path.read_bytes()[:-2880])
    else:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    outcome = ev("run", "plan.json", "--json")
    assert outcome.code == 1
    dark, flat = outcome.json["results"]
    assert (dark["status"], flat["status"]) == ("DONE", "FAILED")
    assert flat["findings"][-1]["code"] == "input_changed"
    assert "flat_03.fits" in flat["findings"][-1]["message"]
    assert not list(Path("masters").glob("*.fits"))


def test_memory_too_small(ev: Callable[..., Any], night: Path) -> None:
    """A budget that holds not even a row is refused with the least that would do."""
    outcome = ev("flats", night, "-o", "masters", "--memory", "1MiB", "--json")
    assert outcome.code == 1
    told = outcome.json["results"][0]["findings"][-1]
    assert told["code"] == "memory_budget"
    least = told["mend"].split("--memory ")[1].split(",")[0].split()[0]
    assert ev("flats", night, "-o", "masters", "--memory", least).code == 0


def test_a_cube_is_refused_with_a_reason(ev: Callable[..., Any], night: Path) -> None:
    """A picture of three planes is no raw frame; one plane with a third axis of length 1 is."""
    pixels, header = fits.getdata(night / "flat_01.fits", header=True)
    fits.writeto(night / "cube.fits", np.stack([pixels] * 3), header)
    fits.writeto(night / "single.fits", pixels[None] + np.uint16(1), header)
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert uses(outcome)["cube.fits"] == ("unreadable", "three_planes")
    assert len(results(outcome)[NAME]["inputs"]) == 7


def test_processed_frames_of_other_programs_are_left_out(ev: Callable[..., Any], night: Path) -> None:
    """A flat that another program has calibrated is not combined with raw ones."""
    pixels, header = fits.getdata(night / "flat_01.fits", header=True)
    header["HISTORY"] = "PCL:Signature::1"
    header["HISTORY"] = "ImageCalibration.masterBias.enabled: true"
    fits.writeto(night / "flat_01_c.fits", pixels.astype(np.float32) / 65535, header)
    outcome = ev("flats", night, "-o", "masters", "--json")
    assert uses(outcome)["flat_01_c.fits"] == ("left_out", "processed")
    assert len(results(outcome)[NAME]["inputs"]) == 6


def test_header_says_light_and_name_says_flat(ev: Callable[..., Any], shooter: Any) -> None:
    """The header holds, and the finding gives the override to paste."""
    shooter.take("flat", 5, kind="Light Frame")
    outcome = ev("flats", shooter.folder, "-o", "masters", "--json")
    assert outcome.code == 1
    assert {code for _, code in uses(outcome).values()} == {"header_says_light"}
    (fix,) = [one["fix"] for one in outcome.json["findings"] if one["code"] == "header_says_light"]
    assert ev("flats", shooter.folder, "-o", "masters", "--no-precalibration", *fix).code == 0


def test_a_correction_that_fits_no_file(ev: Callable[..., Any], shooter: Any, codes: Callable[..., set[str]]) -> None:
    """A --set whose pattern fits nothing is told: a slip in a pattern must not pass unseen."""
    shooter.take("flat", 6)
    outcome = ev("flats", shooter.folder, "-o", "masters", "--set", "zzz*:kind=flat", "--json")
    assert outcome.code == 0
    assert "override_unused" in codes(outcome)


def test_json_where_the_output_folder_cannot_be_made(ev: Callable[..., Any], shooter: Any, tmp_path: Path) -> None:
    """With --json an output folder that cannot be made still gives JSON, and exit code 1."""
    shooter.take("flat", 6)
    (tmp_path / "a_file").write_text("x")
    outcome = ev("flats", shooter.folder, "-o", tmp_path / "a_file" / "masters", "--json")
    assert outcome.code == 1
    assert outcome.json["results"] == []
    assert outcome.json["findings"][0]["code"] == "write_failed"


def test_every_master_of_a_group_is_named(ev: Callable[..., Any], shooter: Any) -> None:
    """Flats of two exposures, each with its own dark flats, name both masters in the report."""
    for exposure in (1.0, 3.0):
        shooter.take(f"flat_{exposure:g}", 5, EXPTIME=exposure)
        shooter.take(f"dark_{exposure:g}", 5, kind="DARKFLAT", EXPTIME=exposure)
    outcome = ev("flats", shooter.folder, "-o", "masters", "--json")
    (flat,) = [one for one in outcome.json["results"] if one["kind"] == "flat"]
    assert set(flat["masters"]) == {"dark_flat", "dark_flat_2"}
    assert len(set(flat["masters"].values())) == 2
