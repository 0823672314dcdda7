"""Files that appear complete or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from evenfield.errors import Cancelled, OutputExistsError, WriteError
from evenfield.write import atomic, remove_stale_partials, write_image, write_text
from evenfield.write.atomic import new_file, partial_name

SOURCE = Path(atomic.__file__).resolve().parents[2]
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and processes")


def run_python(code: str, *args: str) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *args], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def fill_and_do(path: str, what: Callable[[], object], *, overwrite: bool) -> None:
    """Write a file, and do something before it is finished."""
    with new_file(path, overwrite=overwrite) as file:
        file.write(b"second")
        what()


def throw(error: type[BaseException]) -> None:
    raise error


def test_texts_are_written_as_they_are(tmp_path: Path) -> None:
    """UTF-8, line ends untouched, folders made, an older file replaced."""
    path = write_text(tmp_path / "deep" / "er" / "plan.json", "ä\n")
    assert path == str(tmp_path / "deep" / "er" / "plan.json")
    write_text(path, "α\r\nβ\n")
    assert Path(path).read_bytes() == "α\r\nβ\n".encode()
    with pytest.raises(OutputExistsError):
        write_text(path, "", overwrite=False)
    assert [entry.name for entry in Path(path).parent.iterdir()] == ["plan.json"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Cancelled, MemoryError])
def test_an_error_while_writing_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    """Whatever stops the writing, the old file stays and no part of the new one does."""
    path = str(tmp_path / "a.fits")
    write_text(path, "old")
    with pytest.raises(error):
        fill_and_do(path, lambda: throw(error), overwrite=True)
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("a.fits", "old")]


@POSIX
def test_a_killed_process_leaves_no_half_file(tmp_path: Path) -> None:
    """After kill -9 in the middle of a write the name does not exist, and what is left can be told and removed."""
    code = (
        "import sys, time\nfrom evenfield.write.atomic import new_file\n"
        "with new_file(sys.argv[1], overwrite=False) as file:\n"
        "    file.write(b'x' * 100000); file.flush(); print('half', flush=True); time.sleep(60)\n"
    )
    child = run_python(code, str(tmp_path / "master.fits"))
    assert child.stdout is not None
    assert child.stdout.readline() == "half\n"
    assert remove_stale_partials(tmp_path) == 0  # Its process is alive.
    child.send_signal(signal.SIGKILL)
    child.communicate()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(f".master.fits.partial-{child.pid}-")
    assert remove_stale_partials(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


@POSIX
def test_killed_at_any_moment_a_product_is_whole_or_absent(tmp_path: Path) -> None:
    """A product replaced over and over by a process that is killed is always one of the whole ones."""
    code = (
        "import sys, numpy\nfrom evenfield.write import write_image\nnumber = 0\n"
        "while True:\n"
        "    write_image(sys.argv[1], image=numpy.full((400, 400), number, 'f4'), overwrite=True); number += 1\n"
        "    print(number, flush=True)\n"
    )
    path = tmp_path / "a.fits"
    for delay in (0.0, 0.013, 0.029):
        child = run_python(code, str(path))
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(delay)
        child.kill()
        child.communicate()
        data = path.read_bytes()
        assert len(data) % 2880 == 0
        values = np.frombuffer(data[2880 : 2880 + 640000], ">f4")
        assert values.size == 160000
        assert np.all(values == values[0])
    remove_stale_partials(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.fits"]


def test_partials_of_others_stay(tmp_path: Path) -> None:
    """Those of this process stay, those of other machines until they are a day old; other files always."""
    other = f".b.fits.partial-999999999-{'0' * 4 if not partial_name('x').endswith('0' * 4) else '1' * 4}{'0' * 8}"
    names = [partial_name("a.fits"), other, "c.partial-1-00000000", ".d.fits"]
    for name in names:
        (tmp_path / name).touch()
    assert remove_stale_partials(tmp_path) == 0
    old = time.time() - 2 * 24 * 3600
    for name in names:
        os.utime(tmp_path / name, (old, old))
    assert remove_stale_partials(tmp_path) == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(set(names) - {other})
    assert remove_stale_partials(tmp_path / "nowhere") == 0


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """Of two that write the same name at once the first keeps it."""
    path = str(tmp_path / "a.fits")
    with pytest.raises(OutputExistsError):
        fill_and_do(path, lambda: Path(path).write_bytes(b"first"), overwrite=False)
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("a.fits", b"first")]


def test_file_systems_without_links_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no hard links exist files are renamed, and existing ones still kept."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = str(tmp_path / "a.json")
    write_text(path, "one", overwrite=False)
    with pytest.raises(OutputExistsError):
        write_text(path, "two", overwrite=False)
    with pytest.raises(OutputExistsError):
        fill_and_do(str(tmp_path / "b"), lambda: (tmp_path / "b").write_bytes(b"first"), overwrite=False)
    assert {entry.name: entry.read_text() for entry in tmp_path.iterdir()} == {"a.json": "one", "b": "first"}


def test_places_that_do_not_take_a_file_are_told(tmp_path: Path) -> None:
    """A folder in the place of the file, a file in the place of a folder, and a name too long."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for path, word in [("folder", "folder"), ("file/a.fits", "file, not a folder"), ("x" * 300, "too long")]:
        with pytest.raises(WriteError, match=word) as caught:
            write_text(tmp_path / path, "text")
        assert caught.value.mend
        assert type(caught.value) is WriteError
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


@POSIX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    """Without the right to write, the error says so."""
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(WriteError, match="may not write there"):
            write_text(tmp_path / "a.txt", "text")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("number", "word"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "may not write"), (errno.EIO, "Input/output")]
)
def test_each_fault_of_the_disk_has_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, word: str
) -> None:
    """What the system says when the bytes go to the disk becomes an error with a mend, and nothing is left."""

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(WriteError, match=word) as caught:
        write_text(tmp_path / "a.txt", "text")
    assert caught.value.mend
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system can only be mounted by root on Linux")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_nothing_is_left(small_disk: Path) -> None:
    """An image larger than the disk gives an error with a mend, and its part is removed."""
    with pytest.raises(WriteError, match="disk is full") as caught:
        write_image(small_disk / "a.fits", image=np.zeros((1000, 1000), np.float32))
    assert caught.value.mend
    assert list(small_disk.iterdir()) == []


@POSIX
def test_a_limit_on_file_size_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    """Where a file may not grow to its size the error says so, and its part is removed."""
    code = (
        "import sys, resource, numpy\n"
        "from evenfield.write import write_image\nfrom evenfield.errors import WriteError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))\n"
        "try:\n    write_image(sys.argv[1], image=numpy.zeros((500, 500), 'f4'))\n"
        "except WriteError as error:\n    print(error)\n"
    )
    out, err = run_python(code, str(tmp_path / "a.fits")).communicate()
    assert "cannot be written" in out, err
    assert list(tmp_path.iterdir()) == []
