"""A run that is killed, repeated, doubled, or given a damaged frame: nothing finished is lost, no byte differs."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from evenfield import (
    CombineSettings,
    OutputSettings,
    Plan,
    Report,
    RunSettings,
    Settings,
    make_plan,
    rejection,
    run_plan,
    survey_folders,
)
from evenfield.cli.app import run_cli
from evenfield.model.events import Event, Progressed
from evenfield.simulate import Night, cmos_camera, example_night, simulate_night
from evenfield.tiles import Work, band_rows, bytes_per_pixel, resident_bytes

SHAPE = (48, 60)
N_FRAMES = 7
PRODUCTS = {
    "calibration/master_dark_flat_2.00s.fits",
    "calibration/master_dark_flat_3.50s.fits",
    "master_flat_Ha_2026-03-14.fits",
    "master_flat_OIII_2026-03-14.fits",
}
RECORDS = {"plan.json", "report.json", "report.html", "report.txt"}

MAIN = "from evenfield.cli.app import main; main()"

# Each wrapper kills its own process, for good, at one known place.
KILL = """
import os, signal
def die():
    os.kill(os.getpid(), signal.SIGKILL)
"""
BEFORE_MASTER = """
from evenfield.run import run
real, count = run.make_master, 0
def counted(step, *, job):
    global count
    count += 1
    if count == {n}:
        die()
    return real(step, job=job)
run.make_master = counted
"""
AFTER_MASTER = """
from evenfield.run import run
real, count = run.make_master, 0
def counted(step, *, job):
    global count
    made = real(step, job=job)
    count += 1
    if count == {n}:
        die()
    return made
run.make_master = counted
"""
IN_FILE = """
from evenfield.write import fits_file
real, count = fits_file._stored, 0
def half(pixels, *, sample):
    global count
    count += 1
    for chunk in real(pixels, sample=sample):
        yield chunk[: len(chunk) // 2] if count == {n} else chunk
        if count == {n}:
            die()
fits_file._stored = half
"""
IN_PIXELS = """
from evenfield.run import loop
real, count = loop.combine_band, 0
def counted(*words, **how):
    global count
    count += 1
    if count == {n}:
        die()
    return real(*words, **how)
loop.combine_band = counted
"""
AT_REPORT = """
from evenfield.run import run
run.save_report = lambda *words, **how: die()
"""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Two filters, seven flats and seven dark flats each, 48 x 60 pixels."""
    whole = example_night()
    recipe = dataclasses.replace(
        whole,
        camera=cmos_camera(shape=SHAPE),
        filters=tuple(dataclasses.replace(each, n_flats=N_FRAMES, n_lights=0) for each in whole.filters),
        n_dark_flats=N_FRAMES,
        n_bias=0,
        n_darks=0,
    )
    return simulate_night(tmp_path_factory.mktemp("trust") / "night", recipe=recipe)


def words_for(night: Night, output: Path, *more: str) -> list[str]:
    """The command line that makes the masters."""
    return ["flats", str(night.folder), "-o", str(output), "--json", "--no-preferences", "--threads", "1", *more]


def python(code: str, *words: str) -> list[str]:
    """A process that runs the command line after ``code``."""
    return [sys.executable, "-W", "error", "-c", f"{KILL}{code}\n{MAIN}", *words]


def environment() -> dict[str, str]:
    """The environment of such a process."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def statuses(self) -> list[str]:
        """The status of each step in its JSON report."""
        return [one["status"] for one in json.loads(self.out)["results"]]


def process(night: Night, output: Path, *more: str, code: str = "") -> Ended:
    """Run the command line as a process of its own."""
    done = subprocess.run(
        python(code, *words_for(night, output, *more)), capture_output=True, env=environment(), timeout=300, check=False
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def here(night: Night, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the command line in this process."""

    def run(output: Path, *more: str) -> Ended:
        capsys.readouterr()
        code = run_cli(words_for(night, output, *more))
        return Ended(code, *capsys.readouterr())

    return run


def hashes(folder: Path) -> dict[str, str]:
    """The sha256 of each product by its place below the folder; hidden files are no products."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.fits")
        if not path.name.startswith(".")
    }


def left_in(folder: Path) -> set[str]:
    """All files below a folder, hidden ones too."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def plan_for(paths: Sequence[Path], output: Path, settings: Settings | None = None, **parts: Any) -> Plan:
    """The plan of some frames, without what lies in the output folder."""
    settings = settings or Settings(**parts)
    return make_plan(survey_folders(paths, settings=settings, skip=[output]), output=str(output), settings=settings)


@pytest.fixture(scope="module")
def wanted(night: Night, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What an undisturbed process makes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    ended = process(night, folder)
    assert (ended.code, ended.err.count("Traceback")) == (0, 0), ended
    found = hashes(folder)
    assert found.keys() == PRODUCTS
    assert left_in(folder) == PRODUCTS | RECORDS
    return found


@pytest.mark.parametrize(
    ("place", "finished", "partial"),
    [
        pytest.param(BEFORE_MASTER.format(n=1), 0, False, id="before the first master"),
        pytest.param(IN_FILE.format(n=1), 0, True, id="while the first is written"),
        pytest.param(AFTER_MASTER.format(n=1), 1, False, id="right after the first"),
        pytest.param(IN_PIXELS.format(n=2), 1, False, id="during the second"),
        pytest.param(IN_FILE.format(n=3), 2, True, id="while a flat is written"),
        pytest.param(AT_REPORT, 4, False, id="right before the end"),
    ],
)
def test_killed(
    night: Night,
    here: Callable[..., Ended],
    wanted: dict[str, str],
    tmp_path: Path,
    place: str,
    finished: int,
    partial: bool,
) -> None:
    """After SIGKILL what was finished is whole and reused, the rest is made, and no partial file stays."""
    output = tmp_path / "masters"
    killed = process(night, output, code=place)
    assert killed.code == -signal.SIGKILL, killed
    assert len(hashes(output)) == finished
    assert hashes(output).items() <= wanted.items()
    stray = {name for name in left_in(output) if ".partial-" in name}
    assert bool(stray) == partial
    again = here(output)
    assert again.code == 0, again
    assert again.statuses == ["REUSED"] * finished + ["DONE"] * (4 - finished)
    assert hashes(output) == wanted
    assert left_in(output) == PRODUCTS | RECORDS


def test_fresh_makes_the_same_again(night: Night, wanted: dict[str, str], tmp_path: Path) -> None:
    """Without --fresh all is reused; with it all is made again, into files of their own with equal bytes."""
    assert run_plan(plan_for([night.folder], tmp_path)).exit_code == 0
    assert hashes(tmp_path).keys() == wanted.keys()
    before = {name: (tmp_path / name).stat().st_ino for name in PRODUCTS}
    first = hashes(tmp_path)
    reused = run_plan(plan_for([night.folder], tmp_path))
    assert {one.status.value for one in reused.results} == {"REUSED"}
    assert {name: (tmp_path / name).stat().st_ino for name in PRODUCTS} == before
    fresh = run_plan(plan_for([night.folder], tmp_path, run=RunSettings(fresh=True)))
    assert {one.status.value for one in fresh.results} == {"DONE"}
    after = {name: (tmp_path / name).stat().st_ino for name in PRODUCTS}
    assert all(after[name] != before[name] for name in PRODUCTS), "these are new files"
    assert hashes(tmp_path) == first
    # From Python the page is written by who asks for it.
    assert left_in(tmp_path) == PRODUCTS | RECORDS - {"report.html", "report.txt"}


def test_fresh_from_the_command_line(here: Callable[..., Ended], wanted: dict[str, str], tmp_path: Path) -> None:
    """--fresh on the command line: DONE twice, and the bytes of a run without it."""
    for _ in range(2):
        ended = here(tmp_path, "--fresh")
        assert (ended.code, ended.statuses) == (0, ["DONE"] * 4)
        assert hashes(tmp_path) == wanted


def test_fresh_refuses_what_was_made_from_other_frames(night: Night, tmp_path: Path) -> None:
    """--fresh replaces the same product only: another one stays unless --overwrite is given too."""
    assert run_plan(plan_for([night.folder], tmp_path)).exit_code == 0
    first = hashes(tmp_path)
    fewer = [path for path in night.files if not path.name.endswith("_0003.fits")]
    report = run_plan(plan_for(fewer, tmp_path, run=RunSettings(fresh=True)))
    assert report.exit_code == 1
    refused = [one for one in report.results if one.status.value == "FAILED"]
    assert {one.findings[-1].code for one in refused} == {"output_exists"}
    assert {one.status.value for one in report.results} <= {"FAILED", "SKIPPED"}
    assert hashes(tmp_path) == first
    both = Settings(run=RunSettings(fresh=True), output=OutputSettings(overwrite=True))
    assert run_plan(plan_for(fewer, tmp_path, settings=both)).exit_code == 0
    assert all(hashes(tmp_path)[name] != first[name] for name in PRODUCTS)


def test_fresh_refuses_a_foreign_file(night: Night, tmp_path: Path) -> None:
    """A file of another program under a product's name is left as it is, with --fresh too."""
    name = tmp_path / "master_flat_Ha_2026-03-14.fits"
    fits.writeto(name, np.zeros((3, 4), np.float32))
    before = name.read_bytes()
    report = run_plan(plan_for([night.folder], tmp_path, run=RunSettings(fresh=True)))
    assert report.exit_code == 1
    assert name.read_bytes() == before
    assert [one.status.value for one in report.results].count("DONE") == 3


@pytest.mark.parametrize("more", [(), ("--fresh",)])
def test_two_processes_at_once(
    night: Night, here: Callable[..., Ended], wanted: dict[str, str], tmp_path: Path, more: tuple[str, ...]
) -> None:
    """Two runs into one folder: no traceback, every product whole and that of an undisturbed run."""
    output = tmp_path / "masters"
    both = [
        subprocess.Popen(
            python("", *words_for(night, output, *more)),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    told = [one.communicate(timeout=300) for one in both]
    for one, (out, err) in zip(both, told, strict=True):
        assert b"Traceback" not in err, err
        assert one.returncode == 0, err
        assert {result["status"] for result in json.loads(out)["results"]} <= {"DONE", "REUSED"}
    assert hashes(output) == wanted
    assert left_in(output) == PRODUCTS | RECORDS
    again = here(output)
    assert (again.code, again.statuses) == (0, ["REUSED"] * 4)


HA = "master_flat_Ha_2026-03-14"


@pytest.fixture
def copied(night: Night, tmp_path: Path) -> Path:
    """A copy of the night that a test may damage."""
    shutil.copytree(night.folder, tmp_path / "copied")
    return tmp_path / "copied"


def victim_in(folder: Path) -> Path:
    """The flat that is damaged."""
    (found,) = folder.rglob("FLAT_Ha_0003.fits")
    return found


def run_cut(folder: Path, output: Path, **run: bool) -> Report:
    """A run in which one flat is cut in the middle of its pixels after the run has begun to read its step."""
    victim = victim_in(folder)

    def cut(event: Event) -> None:
        # The first frames of the step have been read by then, this one has not.
        if isinstance(event, Progressed) and event.step == HA:
            os.truncate(victim, 2880 + SHAPE[0] * SHAPE[1])

    plan = plan_for([folder], output, run=RunSettings(threads=1, **run))
    return run_plan(plan, on_event=cut)


def test_truncated_frame_is_left_out(copied: Path, tmp_path: Path) -> None:
    """A frame that ends in its pixels is left out with a finding; the master is that of the others, bit by bit."""
    output = tmp_path / "masters"
    report = run_cut(copied, output)
    assert report.exit_code == 0
    victim = victim_in(copied)
    flat = next(one for one in report.results if one.id == HA)
    assert (flat.status.value, len(flat.inputs)) == ("DONE", N_FRAMES - 1)
    assert [(os.path.basename(one.path), one.code) for one in flat.excluded] == [(victim.name, "frame_failed")]
    assert "frame_failed" in {one.code for one in flat.findings}
    assert {one.use for one in report.files if one.path == str(victim)} == {"unreadable"}
    victim.unlink()
    assert run_plan(plan_for([copied], tmp_path / "others")).exit_code == 0
    assert np.array_equal(fits.getdata(output / f"{HA}.fits"), fits.getdata(tmp_path / "others" / f"{HA}.fits"))


def test_truncated_frame_fails_the_step_with_strict(copied: Path, tmp_path: Path) -> None:
    """With --strict such a frame fails its step and the exit code says so; the other filter is made."""
    output = tmp_path / "masters"
    report = run_cut(copied, output, strict=True)
    assert report.exit_code == 1
    found = {one.id: one.status.value for one in report.results}
    assert found.pop(HA) == "FAILED"
    assert set(found.values()) == {"DONE"}
    assert hashes(output).keys() == PRODUCTS - {f"{HA}.fits"}


@pytest.mark.parametrize("packed", [False, True])
def test_truncated_before_the_survey(copied: Path, tmp_path: Path, packed: bool) -> None:
    """A file that is seen to be cut never gets into a plan, plain or packed, and is accounted for."""
    victim = victim_in(copied)
    if packed:
        data = gzip.compress(victim.read_bytes(), mtime=0)
        victim.unlink()
        victim = victim.with_name(victim.name + ".gz")
        victim.write_bytes(data[: len(data) * 2 // 3])
    else:
        os.truncate(victim, victim.stat().st_size - 3000)
    report = run_plan(plan_for([copied], tmp_path / "masters"))
    assert {one.use for one in report.files if one.path == str(victim)} == {"unreadable"}
    assert "truncated" in {one.code for one in report.findings}
    assert [len(one.inputs) for one in report.results if one.id == HA] == [N_FRAMES - 1]


REJECTIONS = ("winsorized:3,3", "averaged:3,3", "linear:5,4", "ccd:4,3", "esd:0.3,0.05")


def masters(paths: Sequence[Path], output: Path, *, reject: str, **run: int) -> dict[str, str]:
    """The sha256 of the masters, dark flats and flats rejected alike, limits corrected."""
    chosen = rejection(reject)
    combine = CombineSettings(rejection=chosen, dark_rejection=chosen, limits="corrected")
    report = run_plan(plan_for(paths, output, combine=combine, run=RunSettings(**run)))  # type: ignore[arg-type]
    assert report.exit_code == 0, [one.why for one in report.results]
    return hashes(output)


@pytest.mark.parametrize("reject", REJECTIONS)
def test_same_bytes_whatever_the_machine(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reject: str
) -> None:
    """1, 2 and 4 threads, three heights of bands, two small budgets and any order of the paths: equal bytes."""
    one = masters([night.folder], tmp_path / "one", reject=reject, threads=1)
    assert one.keys() == PRODUCTS
    for number, (threads, band, height) in enumerate([(2, 7, None), (4, 11, None), (2, None, 3), (4, None, 5)]):
        run: dict[str, int] = {"threads": threads}
        with monkeypatch.context() as patch:
            if band is not None:
                patch.setattr("evenfield.tiles.BAND_PIXELS", band * SHAPE[1])
            if height is not None:
                work = Work(n_frames=N_FRAMES, shape=SHAPE, sample_bytes=2, threads=threads, n_masters=1)
                budget = resident_bytes(work) + threads * bytes_per_pixel(work) * SHAPE[1] * height
                assert band_rows(work, budget_bytes=budget) == height
                run["memory_bytes"] = budget
            assert masters([night.folder], tmp_path / f"case{number}", reject=reject, **run) == one, run
    paths = list(night.files)
    random.Random(7).shuffle(paths)
    assert masters(paths, tmp_path / "shuffled", reject=reject, threads=2) == one
