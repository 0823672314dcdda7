"""Listing files."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from evenfield.read import list_files


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(folder: Path, files: tuple[str, ...]) -> list[str]:
    return [os.path.relpath(file, folder) for file in files]


def test_files_come_in_natural_order_folder_by_folder(tmp_path: Path) -> None:
    """flat_2 stands before flat_10, and a folder's files before those of the folders in it."""
    touch(tmp_path, "flat_10.fit", "flat_2.fit", "Flat_1.FIT", "b/x.fits", "a/y10.fts", "a/y9.fts")
    found = list_files([tmp_path])
    assert names(tmp_path, found.files) == [
        "Flat_1.FIT", "flat_2.fit", "flat_10.fit", "a/y9.fts", "a/y10.fts", "b/x.fits",
    ]  # fmt: skip
    assert all(os.path.isabs(file) for file in found.files)


def test_suffixes_decide_inside_folders_but_not_for_named_files(tmp_path: Path) -> None:
    """Inside folders only image names count, also of formats not read yet; a named file is always listed."""
    wanted = [
        "a.fit",
        "b.FITS",
        "c.fts",
        "d.fits.fz",
        "e.fit.gz",
        "f.FTS.GZ",
        "g.xisf",
        "h.CR2",
        "i.nef",
        "j.ser",
        "k.tif",
    ]
    touch(tmp_path, *wanted, "notes.txt", "m.jpg", "archive.gz", "odd.dat")
    found = list_files([tmp_path])
    assert names(tmp_path, found.files) == wanted
    assert found.ignored == 4
    assert list_files([tmp_path / "odd.dat"]).files == (str(tmp_path / "odd.dat"),)


def test_hidden_and_system_files_are_passed_over_silently(tmp_path: Path) -> None:
    """What operating systems leave behind is neither listed nor counted."""
    touch(tmp_path, "a.fit", "._a.fit", ".hidden.fit", ".trash/b.fit", "Thumbs.db", "__MACOSX/c.fit", "desktop.ini")
    found = list_files([tmp_path])
    assert (names(tmp_path, found.files), found.ignored, found.problems) == (["a.fit"], 0, ())


def test_overlapping_paths_and_links_count_once(tmp_path: Path) -> None:
    """A file that is reached by several ways is listed once, by the first of them."""
    touch(tmp_path, "set/a.fit", "set/b.fit")
    (tmp_path / "set" / "z_link.fit").symlink_to(tmp_path / "set" / "a.fit")
    (tmp_path / "other").symlink_to(tmp_path / "set")
    paths = [tmp_path / "set" / "b.fit", tmp_path, tmp_path / "set", tmp_path / "other", tmp_path / "set" / "a.fit"]
    assert sorted(os.path.basename(file) for file in list_files(paths).files) == ["a.fit", "b.fit"]


def test_linked_folders_do_not_lead_in_circles(tmp_path: Path) -> None:
    """A link to a folder above is followed no further than once round."""
    touch(tmp_path, "a/x.fit")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
    assert names(tmp_path, list_files([tmp_path]).files) == ["a/x.fit"]


def test_folders_inside_are_left_out_on_request(tmp_path: Path) -> None:
    """Without recursion only the folder's own files are listed."""
    touch(tmp_path, "a.fit", "sub/b.fit")
    assert names(tmp_path, list_files([tmp_path], recursive=False).files) == ["a.fit"]


def test_skipped_folders_are_counted(tmp_path: Path) -> None:
    """Images in a folder to be skipped are not listed but counted; a folder that was named is always entered."""
    touch(tmp_path, "a.fit", "masters/m.fits", "masters/deep/n.fits", "masters/report.json")
    found = list_files([tmp_path], skip=[tmp_path / "masters"])
    assert (names(tmp_path, found.files), found.skipped, found.ignored) == (["a.fit"], 2, 0)
    assert len(list_files([tmp_path / "masters"], skip=[tmp_path / "masters"]).files) == 2


def test_what_is_missing_is_a_problem_with_a_mend(tmp_path: Path) -> None:
    """A path that does not exist, a dead link and a pattern without match are told, and the rest is listed."""
    touch(tmp_path, "a.fit")
    (tmp_path / "dead.fit").symlink_to(tmp_path / "gone.fit")
    found = list_files([tmp_path / "nothere", tmp_path, str(tmp_path / "*.xyz"), "bad\0name"])
    assert names(tmp_path, found.files) == ["a.fit"]
    assert [(os.path.basename(problem.path), problem.reason) for problem in found.problems] == [
        ("nothere", "does not exist"),
        ("dead.fit", "is a link to something that does not exist"),
        ("*.xyz", "matches no file"),
        ("bad\0name", "is no possible file name"),
    ]
    assert all(problem.mend for problem in found.problems)


def test_patterns_that_the_shell_left_are_expanded(tmp_path: Path) -> None:
    """A wildcard that comes quoted is expanded, but a file whose name holds brackets is taken as it is."""
    touch(tmp_path, "f2.fit", "f10.fit", "g.fit", "x[1].fit")
    assert names(tmp_path, list_files([str(tmp_path / "f*.fit")]).files) == ["f2.fit", "f10.fit"]
    assert names(tmp_path, list_files([str(tmp_path / "x[1].fit")]).files) == ["x[1].fit"]


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="file names are always UTF-8 here")
def test_names_that_are_no_utf8_are_told(tmp_path: Path) -> None:
    """A name that cannot be saved as text is a problem, shown with its bytes spelled out."""
    with open(os.fsencode(tmp_path) + b"/h\xe4lfte.fit", "wb"):
        pass
    os.mkdir(os.fsencode(tmp_path) + b"/ordn\xfcng")
    found = list_files([tmp_path])
    assert found.files == ()
    assert [os.path.basename(problem.path) for problem in found.problems] == [r"h\xe4lfte.fit", r"ordn\xfcng"]
    assert {problem.reason for problem in found.problems} == {"its name is not UTF-8"}


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to look into a folder, the others are still listed."""
    touch(tmp_path, "a/x.fit", "b/y.fit")
    scandir = os.scandir

    def refuse(path: str):
        if os.path.basename(path) == "a":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = list_files([tmp_path])
    assert names(tmp_path, found.files) == ["b/y.fit"]
    assert found.problems[0].reason == "may not be read"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    """A named pipe is told as a problem and not waited for."""
    os.mkfifo(tmp_path / "pipe.fit")
    assert "pipe" in list_files([tmp_path / "pipe.fit"]).problems[0].reason


def test_many_files_are_a_matter_of_milliseconds(tmp_path: Path) -> None:
    """Two thousand files are listed in well under a second: no file is opened."""
    touch(tmp_path, *(f"night/flat_{number}.fits" for number in range(2000)))
    start = time.perf_counter()
    assert len(list_files([tmp_path]).files) == 2000
    assert time.perf_counter() - start < 0.5


def test_real_folders_are_listed(real_data: Path) -> None:
    """All files of a real set are found, in the order of their numbers."""
    files = list_files([real_data / "ast443-cgs-bigccd"]).files
    assert len(files) == len(os.listdir(real_data / "ast443-cgs-bigccd")) > 40
    assert [os.path.basename(file) for file in files[-2:]] == [
        "flat-expos23s-Neg5-Vis.00000008.FIT", "flat-expos23s-Neg5-Vis.00000009.FIT",
    ]  # fmt: skip
