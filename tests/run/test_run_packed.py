"""Packed frames: the same masters as of plain ones, and unpacked once where the memory budget has room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from evenfield import ExamineSettings, RunSettings, Settings, make_plan, run_plan, survey_folders
from evenfield.read.tiled import TiledSource
from evenfield.tiles import Work, peak_bytes

SHAPE, N_FRAMES = (60, 80), 8


@pytest.fixture
def nights(tmp_path: Path) -> tuple[Path, Path]:
    """Eight flats and eight dark flats, plain and compressed by Rice and gzip."""
    generator = np.random.default_rng(4)
    for number in range(2 * N_FRAMES):
        kind, level = ("Flat Frame", 20000.0) if number < N_FRAMES else ("Dark Flat", 500.0)
        pixels = np.rint(generator.normal(level, 60.0, SHAPE)).astype(np.uint16)
        cards = {"IMAGETYP": kind, "EXPTIME": 2.0, "CCD-TEMP": -10.0, "FILTER": "R", "INSTRUME": "Cam",
                 "DATE-OBS": f"2026-03-14T20:00:{number:02d}"}  # fmt: skip
        for folder, hdu in (
            ("plain", fits.PrimaryHDU(pixels)),
            ("packed", fits.CompImageHDU(pixels, compression_type="RICE_1" if number % 2 else "GZIP_1")),
        ):
            hdu.header.update(cards)
            path = tmp_path / folder / f"{number:02d}.fits{'.fz' if folder == 'packed' else ''}"
            path.parent.mkdir(exist_ok=True)
            hdu.writeto(path)
    return tmp_path / "plain", tmp_path / "packed"


def masters(night: Path, output: Path, *, memory_bytes: int | None = None) -> dict[str, NDArray[np.float32]]:
    """The masters of a folder by name."""
    # An examination would read them a third time.
    run = RunSettings(memory_bytes=memory_bytes, threads=2)
    settings = Settings(run=run, examine=ExamineSettings(after=False))
    report = run_plan(make_plan(survey_folders([night], settings=settings), output=str(output), settings=settings))
    assert report.exit_code == 0
    return {path.name: fits.getdata(path) for path in sorted(output.rglob("*.fits"))}


@pytest.mark.parametrize("n_kept", [0, 3, N_FRAMES])
def test_packed_frames_are_unpacked_once_where_there_is_room(
    nights: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_kept: int
) -> None:
    """The masters are those of the plain frames; as many flats as the budget holds are not unpacked a second time."""
    plain, packed = nights
    wanted = masters(plain, tmp_path / "of_plain")
    rows: dict[str, int] = {}
    real = TiledSource._unpack

    def counted(source: TiledSource, row: int, out: NDArray[np.int16]) -> None:
        rows[source.header.path] = rows.get(source.header.path, 0) + len(out)
        real(source, row, out)

    monkeypatch.setattr(TiledSource, "_unpack", counted)
    # Rice gives the bytes of this machine, gzip those of FITS: what differs is combined as float32.
    work = Work(n_frames=N_FRAMES, shape=SHAPE, sample_bytes=4, threads=2, n_masters=1)
    # Of a budget that is large enough for the whole frame at once the bands take no more.
    budget = peak_bytes(work, budget_bytes=1 << 40) + n_kept * SHAPE[0] * SHAPE[1] * 2
    found = masters(packed, tmp_path / "of_packed", memory_bytes=budget)
    assert list(found) == list(wanted)
    for name, pixels in found.items():
        np.testing.assert_array_equal(pixels, wanted[name])
    flats = [count for path, count in rows.items() if int(Path(path).name[:2]) < N_FRAMES]
    again = sum(count > SHAPE[0] for count in flats)
    assert (len(flats), again) == (N_FRAMES, N_FRAMES - n_kept)
