"""Moving files."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from evenfield.errors import WriteError
from evenfield.write import move_file


def test_a_file_is_moved_into_a_new_folder(tmp_path: Path) -> None:
    """The folder is made, the bytes are there, and the old place is empty."""
    source = tmp_path / "a.fit"
    source.write_bytes(b"pixels")
    path = move_file(source, tmp_path / "used" / "flats")
    assert path == str(tmp_path / "used" / "flats" / "a.fit")
    assert Path(path).read_bytes() == b"pixels"
    assert not source.exists()


@pytest.mark.parametrize(
    ("name", "second", "third"),
    [("a.fit", "a (2).fit", "a (3).fit"), ("b.fits.gz", "b (2).fits.gz", "b (3).fits.gz"), ("c", "c (2)", "c (3)")],
)
def test_a_taken_name_gets_a_number(tmp_path: Path, name: str, second: str, third: str) -> None:
    """No file is lost to another of its name, whether it exists or is only announced."""
    used = tmp_path / "used"
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / name).write_text(str(number))
    used.mkdir()
    (used / name).write_text("there")
    assert move_file(tmp_path / "0" / name, used) == str(used / second)
    os.rename(used / second, used / "elsewhere")
    assert move_file(tmp_path / "1" / name, used, taken={str(used / second)}) == str(used / third)
    found = {entry.name: entry.read_text() for entry in used.iterdir()}
    assert found == {name: "there", "elsewhere": "0", third: "1"}


def test_a_file_that_is_there_already_stays(tmp_path: Path) -> None:
    """Moving into the file's own folder changes nothing."""
    source = tmp_path / "a.fit"
    source.write_bytes(b"pixels")
    assert move_file(source, tmp_path) == str(source)
    assert source.read_bytes() == b"pixels"


def other_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let renaming and linking between the folders fail as between two file systems."""
    rename, link = os.rename, os.link

    def refuse(call, source: str, target: str) -> None:
        if os.path.dirname(source) != os.path.dirname(target):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        call(source, target)

    monkeypatch.setattr(os, "rename", lambda source, target: refuse(rename, source, target))
    monkeypatch.setattr(os, "link", lambda source, target: refuse(link, source, target))


def test_between_file_systems_a_file_is_copied_then_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy has bytes and time of the file, and nothing else is left behind."""
    other_file_system(tmp_path, monkeypatch)
    source, used = tmp_path / "a.fit", tmp_path / "used"
    source.write_bytes(b"pixels" * 1000)
    os.utime(source, (1e9, 1e9))
    used.mkdir()
    (used / "a.fit").write_text("there")
    path = move_file(source, used)
    assert Path(path).read_bytes() == b"pixels" * 1000
    assert os.stat(path).st_mtime == 1e9
    assert not source.exists()
    assert sorted(entry.name for entry in used.iterdir()) == ["a (2).fit", "a.fit"]


def test_a_copy_that_fails_leaves_the_file_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk or a file that cannot be removed: the file is in its old place, and only there."""
    other_file_system(tmp_path, monkeypatch)
    source, used = tmp_path / "a.fit", tmp_path / "used"
    source.write_bytes(b"pixels")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(WriteError, match="disk is full") as caught:
            move_file(source, used)
    assert caught.value.code == "move_failed"
    unlink = os.unlink

    def keep(path: str) -> None:
        if path == str(source):
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", keep)
        with pytest.raises(WriteError, match="was not moved"):
            move_file(source, used)
    assert source.read_bytes() == b"pixels"
    assert list(used.iterdir()) == []


def test_a_file_that_cannot_be_removed_is_not_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a file system, too, the file is in one place afterwards."""
    source, used = tmp_path / "a.fit", tmp_path / "used"
    source.write_bytes(b"pixels")
    unlink = os.unlink

    def keep(path: str) -> None:
        if path == str(source):
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path)

    monkeypatch.setattr(os, "unlink", keep)
    with pytest.raises(WriteError, match="was not moved"):
        move_file(source, used)
    assert source.read_bytes() == b"pixels"
    assert list(used.iterdir()) == []


def test_real_file_systems_are_crossed(tmp_path: Path) -> None:
    """A file moves between two mounted file systems, where the machine has a second one."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or os.stat(shared).st_dev == os.stat(tmp_path).st_dev or not os.access(shared, os.W_OK):
        pytest.skip("no second file system here")
    source = tmp_path / "a.fit"
    source.write_bytes(b"pixels")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        path = move_file(source, folder)
        assert Path(path).read_bytes() == b"pixels"
        assert os.listdir(folder) == ["a.fit"]
    assert not source.exists()


def test_a_link_is_moved_as_a_link(tmp_path: Path) -> None:
    """A relative link points to the same file from its new place; the file itself stays."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.fit").write_bytes(b"pixels")
    (tmp_path / "link.fit").symlink_to("data/a.fit")
    path = Path(move_file(tmp_path / "link.fit", tmp_path / "used"))
    assert path.is_symlink()
    assert path.read_bytes() == b"pixels"
    assert (tmp_path / "data" / "a.fit").exists()
    assert not (tmp_path / "link.fit").is_symlink()


def test_what_cannot_be_moved_is_told(tmp_path: Path) -> None:
    """A missing file and a folder that is a file are told under the code of moving."""
    with pytest.raises(WriteError, match="does not exist") as caught:
        move_file(tmp_path / "none.fit", tmp_path / "used")
    assert caught.value.code == "move_failed"
    (tmp_path / "a.fit").touch()
    (tmp_path / "b.fit").touch()
    with pytest.raises(WriteError, match="not a folder") as caught:
        move_file(tmp_path / "a.fit", tmp_path / "b.fit")
    assert caught.value.mend
