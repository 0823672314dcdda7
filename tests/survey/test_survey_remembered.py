"""What a second survey of a folder remembers, and that it never remembers too much."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

import evenfield.survey
from evenfield.model.header import RawHeader
from evenfield.model.settings import SelectSettings, Settings
from evenfield.model.survey import Survey
from evenfield.read import read_header, remembered
from evenfield.survey import survey_folders
from evenfield.write import write_image


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A memory of this test's own, that trusts files as soon as they are written."""
    monkeypatch.setenv(remembered.CACHE_VARIABLE, str(tmp_path / "memory"))
    monkeypatch.setattr(remembered, "SETTLED_NS", 0)
    return tmp_path / "memory" / "surveys"


@pytest.fixture
def headers_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose headers were read, in order."""
    names: list[str] = []

    def counted(path: str) -> RawHeader:
        names.append(os.path.basename(path))
        return read_header(path)

    monkeypatch.setattr(evenfield.survey, "read_header", counted)
    return names


def flat(path: Path, *, sample: str = "uint16", **cards: object) -> Path:
    """A small flat; its clock is a tick ahead of whatever was written before."""
    head = {"IMAGETYP": "FLAT", "EXPTIME": 2.0, "FILTER": "Ha", "SWCREATE": "N.I.N.A. 3.1", **cards}
    path.parent.mkdir(parents=True, exist_ok=True)
    time.sleep(0.02)
    pixels = np.full((8, 12), 0.5 if sample == "float32" else 1000, sample)
    written = "uint16" if sample == "uint16" else "float32"
    write_image(path, image=pixels, cards=[(key, value, "") for key, value in head.items()], sample=written)
    return path


def flats(night: Path, count: int = 3) -> list[str]:
    """A night of flats, and their names."""
    return [flat(night / f"flat_{number}.fits", EXPTIME=2.0 + number / 100).name for number in range(count)]


def test_an_unchanged_folder_is_not_read_again(tmp_path: Path, headers_read: list[str]) -> None:
    """A second survey of an unchanged folder opens no header and finds the very same."""
    names = flats(tmp_path / "night")
    first = survey_folders(tmp_path / "night")
    assert headers_read == names
    assert survey_folders(tmp_path / "night") == first
    assert headers_read == names


def change_in_place(path: Path) -> None:
    """Another filter: the same size, and the time of writing put back."""
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"'Ha      '", b"'OIII    '"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_by_another(path: Path) -> None:
    """Another file under the name, of the same size and time."""
    before = path.stat()
    other = path.with_name("other")
    other.write_bytes(path.read_bytes().replace(b"'Ha      '", b"'OIII    '"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def touch_only(path: Path) -> None:
    """The same bytes under another time."""
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize(
    ("change", "filters"),
    [(change_in_place, ["Ha", "OIII", "Ha"]), (replace_by_another, ["Ha", "OIII", "Ha"]), (touch_only, ["Ha"] * 3)],
)
def test_a_changed_file_is_read_again(
    tmp_path: Path, headers_read: list[str], change: object, filters: list[str]
) -> None:
    """A file that was changed is read again, also where its size and its time of writing were kept."""
    flats(tmp_path / "night")
    survey_folders(tmp_path / "night")
    headers_read.clear()
    time.sleep(0.02)
    assert callable(change)
    change(tmp_path / "night" / "flat_1.fits")
    survey = survey_folders(tmp_path / "night")
    assert headers_read == ["flat_1.fits"]
    assert [frame.filter for frame in survey.frames] == filters
    assert survey_folders(tmp_path / "night") == survey


def test_new_and_removed_files(tmp_path: Path, headers_read: list[str]) -> None:
    """Only new files are read, and removed ones are gone."""
    flats(tmp_path / "night")
    survey_folders(tmp_path / "night")
    headers_read.clear()
    (tmp_path / "night" / "flat_0.fits").unlink()
    flat(tmp_path / "night" / "flat_9.fits")
    survey = survey_folders(tmp_path / "night")
    assert headers_read == ["flat_9.fits"]
    assert [os.path.basename(frame.path) for frame in survey.frames] == ["flat_1.fits", "flat_2.fits", "flat_9.fits"]


def test_a_renamed_folder_is_described_anew(tmp_path: Path, headers_read: list[str]) -> None:
    """What a folder's name tells is never taken from an older name."""
    flat(tmp_path / "night" / "flats" / "a.fits", IMAGETYP="")
    assert survey_folders(tmp_path / "night").frames[0].kind == "flat"
    (tmp_path / "night" / "flats").rename(tmp_path / "night" / "darks")
    assert survey_folders(tmp_path / "night").frames[0].kind == "dark"
    assert headers_read == ["a.fits", "a.fits"]


def test_a_file_changed_just_now_is_not_remembered(
    tmp_path: Path, headers_read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file younger than the coarsest clock's tick is read again: its next change might not show."""
    monkeypatch.setattr(remembered, "SETTLED_NS", 60_000_000_000)
    names = flats(tmp_path / "night")
    survey_folders(tmp_path / "night")
    survey_folders(tmp_path / "night")
    assert headers_read == names * 2


def test_corrections_are_not_remembered(tmp_path: Path) -> None:
    """A survey with corrections leaves nothing of them to the next one, nor takes the memory for them."""
    flats(tmp_path / "night")
    corrected = Settings(select=SelectSettings(overrides=("flat_1*:filter=SII",)))

    def filters(settings: Settings | None) -> list[str | None]:
        return [frame.filter for frame in survey_folders(tmp_path / "night", settings=settings).frames]

    for _ in range(2):
        assert filters(corrected) == ["Ha", "SII", "Ha"]
        assert filters(None) == ["Ha", "Ha", "Ha"]


def test_unreadable_files_are_tried_again(tmp_path: Path, headers_read: list[str]) -> None:
    """A file that could not be read is tried at every survey."""
    flats(tmp_path / "night", 1)
    (tmp_path / "night" / "torn.fits").write_bytes(b"SIMPLE  =")
    first = survey_folders(tmp_path / "night")
    assert survey_folders(tmp_path / "night") == first
    assert headers_read == ["flat_0.fits", "torn.fits", "torn.fits"]


def test_pixels_are_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number domain of float frames is read from their pixels once."""
    flat(tmp_path / "night" / "float.fits", sample="float32")
    looked: list[str] = []
    monkeypatch.setattr(evenfield.survey, "_greatest", lambda path, **_: looked.append(path) or 0.5)

    def domains(survey: Survey) -> list[str | None]:
        return [frame.setup.number_domain for frame in survey.frames]

    first = survey_folders(tmp_path / "night")
    assert domains(first) == ["unit"]
    assert survey_folders(tmp_path / "night") == first
    assert len(looked) == 1


def damage_nothing(data: bytes) -> bytes:
    """An empty file."""
    return data[:0]


def damage_end(data: bytes) -> bytes:
    """A file that was cut short."""
    return data[:-7]


def damage_middle(data: bytes) -> bytes:
    """A flipped byte in the compressed part."""
    at = len(data) * 2 // 3
    return data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]


def damage_version(data: bytes) -> bytes:
    """What another version left."""
    at = len(b"evenfield survey 1 ")
    return data[:at] + b"0" * 16 + data[at + 16 :]


@pytest.mark.parametrize("damage", [damage_nothing, damage_end, damage_middle, damage_version])
def test_a_damaged_memory_is_ignored(tmp_path: Path, memory: Path, headers_read: list[str], damage: object) -> None:
    """A memory that is damaged, or of another version, is no error: everything is read again."""
    names = flats(tmp_path / "night")
    first = survey_folders(tmp_path / "night")
    (file,) = memory.iterdir()
    assert callable(damage)
    file.write_bytes(damage(file.read_bytes()))
    assert survey_folders(tmp_path / "night") == first
    assert headers_read == names * 2


def test_a_memory_that_cannot_be_written_is_no_error(
    tmp_path: Path, headers_read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the memory's folder cannot be made, surveys read everything, and nothing is left behind."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(remembered.CACHE_VARIABLE, str(tmp_path / "file"))
    names = flats(tmp_path / "night", 1)
    survey_folders(tmp_path / "night")
    survey_folders(tmp_path / "night")
    assert headers_read == names * 2


def test_the_memory_can_be_switched_off(
    tmp_path: Path, memory: Path, headers_read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With EVENFIELD_SURVEY_CACHE=off nothing is remembered, nor taken from memory."""
    names = flats(tmp_path / "night", 1)
    survey_folders(tmp_path / "night")
    monkeypatch.setenv(remembered.CACHE_VARIABLE, "off")
    (file,) = memory.iterdir()
    before = file.stat().st_mtime_ns
    survey_folders(tmp_path / "night")
    assert headers_read == names * 2
    assert file.stat().st_mtime_ns == before


def test_the_kernel_cache_takes_the_memory_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever moved the kernel cache alone finds the memory there too, and not in the home folder."""
    monkeypatch.delenv(remembered.CACHE_VARIABLE)
    monkeypatch.setenv(remembered.KERNEL_CACHE_VARIABLE, str(tmp_path / "kernels"))
    flats(tmp_path / "night", 1)
    survey_folders(tmp_path / "night")
    assert len(list((tmp_path / "kernels" / "surveys").iterdir())) == 1


def test_the_memory_does_not_grow_for_ever(tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many folders those surveyed last are remembered, and no partial file stays."""
    monkeypatch.setattr(remembered, "MOST_FOLDERS", 3)
    for number in range(5):
        flats(tmp_path / f"night{number}", 1)
        survey_folders(tmp_path / f"night{number}")
    assert len(list(memory.iterdir())) == 3
    assert not list(memory.glob("*.partial"))
