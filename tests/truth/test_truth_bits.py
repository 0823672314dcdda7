"""Masters are equal to the last bit, file by file, whatever the threads, the memory and the order of the paths."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from pathlib import Path

import pytest

from evenfield import CombineSettings, RunSettings, Settings, make_plan, rejection, run_plan, survey_folders
from evenfield.simulate import Night, osc_night, simulate_night
from evenfield.tiles import Work, band_rows, bytes_per_pixel, resident_bytes

N_FRAMES = 12
SHAPE = (320, 480)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """12 flats and 12 dark flats of a small color camera, 14 bits times 4."""
    recipe = dataclasses.replace(osc_night(), n_bias=0, n_darks=0)
    assert recipe.camera.frame_shape == SHAPE
    return simulate_night(tmp_path_factory.mktemp("bits") / "night", recipe=recipe)


def hashes(night: Night, folder: Path, *, reject: str, paths: list[Path] | None = None, **run: int) -> dict[str, str]:
    """The sha256 of every file made, by name."""
    settings = Settings(combine=CombineSettings(rejection=rejection(reject)), run=RunSettings(**run))  # type: ignore[arg-type]
    given = paths or [night.folder / "flats", night.folder / "darkflats"]
    report = run_plan(make_plan(survey_folders(given, settings=settings), output=str(folder), settings=settings))
    assert report.exit_code == 0
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.fits"))}


@pytest.fixture(scope="module")
def wanted(night: Night, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What one thread makes, for each rejection."""
    return {
        reject: hashes(night, tmp_path_factory.mktemp("one"), reject=reject, threads=1)
        for reject in ("winsorized:3,3", "sigma:2,2", "zscore", "none")
    }


@pytest.mark.parametrize("reject", ["winsorized:3,3", "sigma:2,2", "zscore", "none"])
@pytest.mark.parametrize("threads", [2, 4])
def test_threads(night: Night, wanted: dict[str, dict[str, str]], tmp_path: Path, threads: int, reject: str) -> None:
    """1, 2 and 4 threads write the same bytes."""
    assert len(wanted[reject]) == 2
    assert hashes(night, tmp_path, reject=reject, threads=threads) == wanted[reject]


@pytest.mark.parametrize("reject", ["winsorized:3,3", "sigma:2,2", "zscore", "none"])
@pytest.mark.parametrize("rows", [1, 7, 50])
def test_memory(night: Night, wanted: dict[str, dict[str, str]], tmp_path: Path, rows: int, reject: str) -> None:
    """Three budgets, and so three heights of bands, write the same bytes."""
    work = Work(n_frames=N_FRAMES, shape=SHAPE, sample_bytes=2, threads=2, n_masters=1)
    budget = resident_bytes(work) + work.threads * bytes_per_pixel(work) * SHAPE[1] * rows
    assert band_rows(work, budget_bytes=budget) == rows
    assert hashes(night, tmp_path, reject=reject, threads=2, memory_bytes=budget) == wanted[reject]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_order_of_paths(night: Night, wanted: dict[str, dict[str, str]], tmp_path: Path, seed: int) -> None:
    """The order in which files are named changes no byte."""
    paths = [*(night.folder / "flats").iterdir(), *(night.folder / "darkflats").iterdir()]
    random.Random(seed).shuffle(paths)
    assert hashes(night, tmp_path, reject="winsorized:3,3", paths=paths) == wanted["winsorized:3,3"]


def test_run_twice(night: Night, wanted: dict[str, dict[str, str]], tmp_path: Path) -> None:
    """The same job on another day, in another folder, writes the same bytes: no time and no path is in them."""
    moved = tmp_path / "elsewhere" / "masters"
    assert hashes(night, moved, reject="zscore") == wanted["zscore"]
