"""The jobs that others do too: a folder of flats and dark flats to a master flat, by evenfield and by its peers."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import peers
from measure import Runs, alternate
from peers import HERE, Frames, Program
from tables import Table, gib


@dataclasses.dataclass(frozen=True)
class Job:
    """How many frames of which size."""

    name: str
    flats: int
    darks: int
    columns: int
    rows: int

    @property
    def samples(self) -> int:
        """The samples of all frames."""
        return (self.flats + self.darks) * self.columns * self.rows

    @property
    def title(self) -> str:
        """The job in words."""
        return f"Job {self.name}: {self.flats} flats + {self.darks} dark flats, {self.columns} x {self.rows}, uint16"


JOBS = {
    "A": Job("A", 32, 32, 3296, 2472),
    "B": Job("B", 30, 30, 6248, 4176),
    "tiny": Job("tiny", 12, 10, 1248, 832),
}
"""By name; the last one is there to try the benchmarks themselves."""


class NoRoomError(Exception):
    """The disk has no room for the frames of a job."""


def frames_of(job: Job, folder: Path) -> Frames:
    """The frames of a job, written if they are not there yet.

    Raises
    ------
    NoRoomError
        If what is missing would leave less than a tenth of itself free.
    """
    where = folder / f"{job.columns}x{job.rows}_{job.flats}+{job.darks}"
    where.mkdir(parents=True, exist_ok=True)
    _link_frames(job, where)
    there = sum(1 for _ in where.glob("*.fits"))
    needed = (job.flats + job.darks - there) * job.columns * job.rows * 2
    if needed * 1.1 > shutil.disk_usage(where).free:
        raise NoRoomError(f"{job.title}: skipped, {where} has no room for {gib(needed)}.")
    if needed:
        print(f"  writing {gib(needed)} of frames into {where}", file=sys.stderr, flush=True)
        command = [sys.executable, str(HERE / "engine_frames.py"), str(where)]
        size = ["--columns", str(job.columns), "--rows", str(job.rows)]
        subprocess.run([*command, *size, "--flats", str(job.flats), "--darks", str(job.darks)], check=True)
    return frames_in(where)


def _link_frames(job: Job, where: Path) -> None:
    """Frames of the same number and size are the same in every job: link those that another job wrote."""
    for word, count in (("FLAT", job.flats), ("DARKFLAT", job.darks)):
        for number in range(count):
            name = f"{word}_{number:03d}.fits"
            others = (where.parent / other / name for other in _folders_of_size(job, where.parent))
            found = next((path for path in others if path.exists()), None)
            if found is not None and not (where / name).exists():
                os.link(found, where / name)


def _folders_of_size(job: Job, folder: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(folder) if entry.name.startswith(f"{job.columns}x{job.rows}_"))


def frames_in(folder: Path) -> Frames:
    """The frames that lie in a folder."""
    return Frames(
        folder=folder, flats=tuple(sorted(folder.glob("FLAT_*"))), darks=tuple(sorted(folder.glob("DARKFLAT_*")))
    )


def compare(job: Job, *, folder: Path, work: Path, runs: int, slow_peers: bool = True) -> Table:
    """One job by every program that is installed."""
    frames = frames_of(job, folder)
    whole = peers.evenfield(label="evenfield, examined, with its page", examined=True)
    programs = [peers.evenfield(), whole, peers.siril(), peers.cat()]
    if slow_peers:
        programs[3:3] = [peers.ccdproc(), peers.master_flat_maker()]
    present = [program for program in programs if not program.missing]
    print(job.title, file=sys.stderr, flush=True)
    tasks = {one.label: lambda one=one: one.task(frames, work / one.label) for one in present}
    found = alternate(tasks, runs=runs)
    table = Table(
        title=job.title,
        head=("program", "seconds", "range", "times evenfield", "CPU ns a sample", "peak", "difference"),
        rows=tuple(_row(one, found, job, work) for one in present),
        notes=(
            *(f"{one.label}: skipped, not installed ({one.missing})." for one in programs if one.missing),
            *([] if slow_peers else ["ccdproc and MasterFlatMaker: left out of this job."]),
            f"Medians of {runs} runs in turns, all inputs read right before each; {gib(frames.size_bytes)} of files. "
            "Difference: median of the relative difference to evenfield's master, both divided by their means. "
            + (ccdproc_note() if slow_peers else ""),
        ),
    )
    for one in present:
        shutil.rmtree(work / one.label, ignore_errors=True)
    return table


def ccdproc_note() -> str:
    """What is not the same job."""
    return "ccdproc knows no winsorized rejection and clips once at 3 standard deviations of the mean instead."


def _row(one: Program, found: dict[str, Runs], job: Job, work: Path) -> tuple[str, ...]:
    own, runs = found["evenfield"], found[one.label]
    ours, theirs = peers.evenfield().master_in(work / "evenfield"), one.master_in(work / one.label)
    difference = ""
    if one.label != "evenfield" and ours is not None and theirs is not None:
        difference = peers.agreement(theirs, ours)
    return (
        one.label,
        f"{runs.wall_s:.2f}",
        runs.wall_range,
        f"{runs.wall_s / own.wall_s:.2f}",
        f"{1e9 * runs.cpu_s / job.samples:.2f}",
        gib(runs.peak_bytes),
        difference,
    )


def tables(*, names: list[str], folder: Path, work: Path, runs: int, slow_peers: list[str]) -> list[Table]:
    """The tables of the jobs for which there is room."""
    found = []
    for name in names:
        try:
            found.append(compare(JOBS[name], folder=folder, work=work, runs=runs, slow_peers=name in slow_peers))
        except NoRoomError as error:
            print(error, flush=True)
    return found
