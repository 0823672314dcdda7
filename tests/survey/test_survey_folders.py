"""From folders to described frames."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from evenfield.errors import Cancelled, UsageError
from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.settings import CalibrationSettings, SelectSettings, Settings
from evenfield.model.survey import Survey
from evenfield.plan.make import make_plan
from evenfield.survey import survey_folders

FLAT = {"IMAGETYP": "FLAT", "EXPTIME": 2.0, "FILTER": "Ha", "GAIN": 100, "SWCREATE": "N.I.N.A. 3.1"}


def card(key: str, value: object) -> str:
    """One FITS card."""
    text = f"'{value:<8}'" if isinstance(value, str) else "T" if value is True else str(value)
    return f"{key:<8}= {text:>20}".ljust(80)


def write(path: Path, cards: dict[str, object] | None = None, *, seed: int = 0, bitpix: int = 16) -> Path:
    """A small FITS file of 16 x 16 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = {"SIMPLE": True, "BITPIX": bitpix, "NAXIS": 2, "NAXIS1": 16, "NAXIS2": 16}
    if bitpix == 16:
        head |= {"BZERO": 32768, "BSCALE": 1}
    text = "".join(card(key, value) for key, value in {**head, **(cards or {})}.items()) + "END".ljust(80)
    numbers = np.random.default_rng(seed).integers(0, 30000, (16, 16))
    pixels = numbers.astype(">i2") if bitpix == 16 else (numbers / 30000.0).astype(">f4")
    data = pixels.tobytes()
    path.write_bytes(
        text.ljust(-(-len(text) // 2880) * 2880).encode() + data.ljust(-(-len(data) // 2880) * 2880, b"\0")
    )
    return path


def names(survey: Survey) -> list[str]:
    """The file names of all frames."""
    return [os.path.basename(frame.path) for frame in survey.frames]


def test_overlapping_paths_count_once(tmp_path: Path) -> None:
    """A file that is reached by several paths, also through a link or as calibration, is one frame."""
    one = write(tmp_path / "night" / "flats" / "a.fits", FLAT)
    (tmp_path / "link").symlink_to(tmp_path / "night")
    survey = survey_folders([tmp_path / "night", one, tmp_path / "night" / "flats"], calibration=[tmp_path / "link"])
    assert names(survey) == ["a.fits"]
    assert survey.calibration == ()
    assert survey.copies == ()


def test_folders_are_searched_to_any_depth_or_not(tmp_path: Path) -> None:
    """Folders below are searched, unless that is switched off, for calibration apart."""
    write(tmp_path / "in" / "deep" / "a.fits", FLAT)
    write(tmp_path / "cal" / "deep" / "b.fits", {"IMAGETYP": "BIAS"})
    select = SelectSettings(recursive=False)
    assert names(survey_folders([tmp_path / "in"])) == ["a.fits"]
    assert names(survey_folders([tmp_path / "in"], settings=Settings(select=select))) == []
    select = SelectSettings(calibration_recursive=False)
    found = survey_folders([tmp_path / "in"], calibration=[tmp_path / "cal"], settings=Settings(select=select))
    assert names(found) == ["a.fits"]


def test_what_is_no_frame(tmp_path: Path) -> None:
    """Missing folders and broken files are listed with a reason; macOS shadows and other files are ignored."""
    write(tmp_path / "a.fits", FLAT)
    (tmp_path / "._a.fits").write_bytes(b"Mac OS X")
    (tmp_path / "notes.txt").write_text("clear sky")
    (tmp_path / "empty.fits").touch()
    (tmp_path / "text.fits").write_text("SIMPLE?")
    (tmp_path / "raw.cr2").write_bytes(b"II*\0" + bytes(100))
    survey = survey_folders([tmp_path, tmp_path / "absent", tmp_path / "no*.fits"])
    assert names(survey) == ["a.fits"]
    found = {os.path.basename(one.path): one for one in survey.unreadable}
    assert set(found) == {"empty.fits", "text.fits", "raw.cr2", "absent", "no*.fits"}
    assert all(one.reason for one in found.values())
    assert found["empty.fits"].code == "empty"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    """A folder that may not be entered is told, and the others are searched."""
    write(tmp_path / "a.fits", FLAT)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    try:
        survey = survey_folders([tmp_path])
    finally:
        closed.chmod(0o700)
    assert names(survey) == ["a.fits"]
    assert [os.path.basename(one.path) for one in survey.unreadable] == ["closed"]


def test_copies_are_told(tmp_path: Path) -> None:
    """Files with the same bytes are copies of the one with the shortest name; equal headers alone are not."""
    first = write(tmp_path / "a.fits", FLAT, seed=1)
    shutil.copy(first, tmp_path / "a - Copy.fits")
    shutil.copy(first, tmp_path / "a (2).fits")
    write(tmp_path / "b.fits", FLAT, seed=2)
    copies = {os.path.basename(one.path): os.path.basename(one.original) for one in survey_folders([tmp_path]).copies}
    assert copies == {"a - Copy.fits": "a.fits", "a (2).fits": "a.fits"}


def test_overrides_from_file_and_command_line(tmp_path: Path) -> None:
    """The file beside the frames corrects them, nearer files win, the command line wins over both, and it is told."""
    write(tmp_path / "s" / "n" / "a.fits", FLAT)
    (tmp_path / "evenfield.toml").write_text('[[set]]\nfiles = "*"\ncamera = "outside"\n')
    (tmp_path / "s" / "evenfield.toml").write_text('[[set]]\nfiles = "*"\nfilter = "R"\ngain_setting = 1\n')
    (tmp_path / "s" / "n" / "evenfield.toml").write_text('[[set]]\nfiles = "a*"\nfilter = "G"\n')
    (frame,) = survey_folders([tmp_path / "s"]).frames
    assert (frame.filter, frame.setup.gain_setting, frame.setup.camera) == ("G", 1.0, None)
    settings = Settings(select=SelectSettings(overrides=("*:filter=B",)))
    survey = survey_folders([tmp_path / "s"], settings=settings)
    assert survey.frames[0].filter == "B"
    (told,) = survey.findings
    assert told.code == "overrides_file"
    assert "filter, gain_setting of 1 file (a.fits)" in told.message


@pytest.mark.parametrize("text", ["[[set]\n", '[[set]]\nfiles = "*"\nkind = "nonsense"\n', "\xff"])
def test_a_broken_overrides_file_stops_nothing(tmp_path: Path, text: str) -> None:
    """A broken file beside the frames is told once; the frames are as their headers say."""
    write(tmp_path / "a.fits", FLAT)
    write(tmp_path / "b.fits", FLAT, seed=1)
    (tmp_path / "evenfield.toml").write_bytes(text.encode("latin-1"))
    survey = survey_folders([tmp_path])
    assert [frame.filter for frame in survey.frames] == ["Ha", "Ha"]
    (told,) = survey.findings
    assert told.code == "bad_overrides_file"
    assert "evenfield.toml" in told.message


def test_own_products_are_left_out_but_for_calibration(tmp_path: Path) -> None:
    """Products and the folders to skip are not searched, and counted; given as calibration they take part."""
    write(tmp_path / "a.fits", FLAT)
    own = {"IMAGETYP": "Master Dark Flat", "EXPTIME": 2.0, "EVFDGST": "0" * 32, "SWCREATE": "evenfield 0.1"}
    product = write(tmp_path / "calibration" / "master.fits", own)
    write(tmp_path / "out" / "b.fits", FLAT)
    survey = survey_folders([tmp_path], skip=[tmp_path / "out"])
    assert names(survey) == ["a.fits"]
    assert survey.products_skipped == 2
    again = survey_folders([tmp_path], calibration=[tmp_path / "calibration"], skip=[tmp_path / "out"])
    assert sorted(names(again)) == ["a.fits", "master.fits"]
    named = Settings(calibration=CalibrationSettings(mode="files", files=(str(product),)))
    assert sorted(names(survey_folders([tmp_path], settings=named, skip=[tmp_path / "out"]))) == [
        "a.fits",
        "master.fits",
    ]


def test_a_named_folder_of_own_masters_is_used(tmp_path: Path) -> None:
    """Who names a folder that holds nothing but evenfield's masters wants them; calibrated lights in it stay out."""
    own = {"EXPTIME": 2.0, "EVFDGST": "0" * 32, "SWCREATE": "evenfield 0.1"}
    write(tmp_path / "night" / "a.fits", FLAT)
    write(tmp_path / "night" / "out" / "b.fits", {**own, "IMAGETYP": "Master Dark Flat"})
    write(tmp_path / "ready" / "deeper" / "master.fits", {**own, "IMAGETYP": "Master Dark Flat"})
    write(tmp_path / "ready" / "light.fits", {**own, "IMAGETYP": "LIGHT"})
    survey = survey_folders([tmp_path / "night", tmp_path / "ready"])
    assert sorted(names(survey)) == ["a.fits", "master.fits"]
    assert survey.products_skipped == 2
    # Beside raw frames they are what an earlier run wrote.
    assert names(survey_folders([tmp_path])) == ["a.fits"]
    # Where they are all there is, nobody has any use for them.
    assert names(survey_folders([tmp_path / "ready"])) == []


def test_ignore_type_takes_files_and_patterns_but_no_folders(tmp_path: Path) -> None:
    """--ignore-type goes with files and patterns the shell left; with a folder it is refused and --set is shown."""
    write(tmp_path / "x1.fits", {"IMAGETYP": "Light Frame", "EXPTIME": 2.0})
    write(tmp_path / "x2.fits", {"IMAGETYP": "Light Frame", "EXPTIME": 2.0}, seed=1)
    settings = Settings(select=SelectSettings(ignore_type=True))
    survey = survey_folders([str(tmp_path / "x*.fits")], settings=settings)
    plan = make_plan(survey, output=str(tmp_path / "out"), settings=settings)
    assert len(plan.steps[-1].inputs) == 2
    with pytest.raises(UsageError) as caught:
        survey_folders([tmp_path], settings=settings)
    assert "--set" in caught.value.mend


def test_number_domain_of_floats(tmp_path: Path) -> None:
    """Float frames whose header tells no unit are looked at: values of 0..1 are told as such."""
    write(tmp_path / "a.fits", {**FLAT, "IMAGETYP": "Master Dark"}, bitpix=-32)
    write(tmp_path / "b.fits", FLAT, bitpix=-32, seed=1)
    survey = survey_folders([tmp_path])
    assert [frame.setup.number_domain for frame in survey.frames] == ["unit", "unit"]
    assert {frame.known_from["number_domain"] for frame in survey.frames} == {"pixels"}


def test_levels_on_request(tmp_path: Path) -> None:
    """Mean levels are measured only where asked for, over finite pixels."""
    path = write(tmp_path / "a.fits", FLAT)
    assert survey_folders([tmp_path]).levels == ()
    (level,) = survey_folders([tmp_path], levels=True).levels
    expected = np.random.default_rng(0).integers(0, 30000, (16, 16)).mean() + 32768
    assert level.path == str(path)
    assert level.mean_adu == pytest.approx(expected, rel=1e-6)


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    """Progress is told from 0 to the number of files."""
    for number in range(60):
        write(tmp_path / f"{number}.fits", FLAT, seed=number)
    told: list[tuple[int, int, int]] = []
    survey = survey_folders([tmp_path], progress=lambda done, total, found: told.append((done, total, len(found))))
    assert told[0] == (0, 60, 0)
    assert told[-1][:2] == (60, 60)
    assert sum(count for _, _, count in told) == len(survey.frames) == 60


def test_a_survey_can_be_stopped(tmp_path: Path) -> None:
    """What the progress raises ends the survey."""
    write(tmp_path / "a.fits", FLAT)

    def stop(done: int, total: int, found: Sequence[FrameInfo]) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        survey_folders([tmp_path], progress=stop)


def test_the_order_of_paths_changes_no_digest(tmp_path: Path) -> None:
    """Folders may be given in any order, and the output anywhere: the digests stay."""
    for number in range(6):
        write(tmp_path / "a" / f"flat{number}.fits", FLAT, seed=number)
        write(tmp_path / "b" / f"df{number}.fits", {**FLAT, "IMAGETYP": "DARKFLAT"}, seed=50 + number)
    one = make_plan(survey_folders([tmp_path / "a", tmp_path / "b"]), output=str(tmp_path / "x"))
    two = make_plan(survey_folders([tmp_path / "b", tmp_path / "a"]), output=str(tmp_path / "y"))
    assert one.digest == two.digest
    assert one.steps[-1].kind is FrameKind.FLAT


def test_two_thousand_files_take_seconds(tmp_path: Path) -> None:
    """2000 files are surveyed in a matter of a second on an idle machine; here with room for a busy one."""
    first = write(tmp_path / "0.fits", FLAT)
    head = first.read_bytes()
    for number in range(2000):
        (tmp_path / f"{number}.fits").write_bytes(head[:-2] + number.to_bytes(2, "big"))
    began = time.perf_counter()
    survey = survey_folders([tmp_path])
    assert len(survey.frames) == 2000
    assert time.perf_counter() - began < 8.0
