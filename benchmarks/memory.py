"""Job C: 200 frames of 26 megapixels within a memory budget: peak, bytes read, files opened, seconds a frame."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import peers
from jobs import JOBS, Job, frames_of
from measure import Runs, alternate, emptied
from peers import HERE, Frames
from tables import Table, gib

BUDGET_BYTES = 1 << 30
OVER_BUDGET = 1.05
"""What the peak may reach: the budget and 5 %, and the interpreter's own floor."""

LARGE = {count: Job("C", count * 9 // 10, count // 10, 6248, 4176) for count in (200, 100, 50)}
SMALL = {count: Job("C", count * 9 // 10, count // 10, 1248, 832) for count in (200, 100, 50)}


@dataclasses.dataclass(frozen=True)
class Opened:
    """How often the files of a job were opened by one run."""

    least: int
    most: int


def tables(*, folder: Path, work: Path, runs: int, small: bool = False) -> list[Table]:
    """Job C at 50, 100 and 200 frames.

    Raises
    ------
    NoRoomError
        If the frames do not fit on the disk.
    """
    sizes = SMALL if small else LARGE
    frames = {count: frames_of(job, folder) for count, job in sizes.items()}
    program = peers.evenfield("--memory", "1GiB")
    floor = alternate({"floor": lambda: program.task(frames_of(JOBS["tiny"], folder), work / "floor")}, runs=1)
    print("Job C", file=sys.stderr, flush=True)
    tasks = {str(count): lambda count=count: program.task(frames[count], work / str(count)) for count in sorted(sizes)}
    found = alternate(tasks, runs=runs)
    floor_bytes = floor["floor"].peak_bytes
    allowed = BUDGET_BYTES * OVER_BUDGET + floor_bytes
    rows = tuple(_row(sizes[count], frames[count], found[str(count)], work) for count in sorted(sizes))
    large = sizes[200]
    return [
        Table(
            title=f"Job C: frames of {large.columns} x {large.rows}, uint16, with --memory 1GiB",
            head=("frames", "seconds", "ms a frame", "CPU ns a sample", "peak", "times each byte is read", "opened"),
            rows=rows,
            notes=(
                f"Medians of {runs} runs in turns, all inputs read right before each. The interpreter's own floor, the "
                f"peak of the same command on {JOBS['tiny'].flats + JOBS['tiny'].darks} small frames, is "
                f"{gib(floor_bytes)}: budget + 5 % + floor is {gib(allowed)}. A tenth of the frames are dark flats. "
                "Opened: how often each file, its header read by the survey included.",
            ),
        )
    ]


def _row(job: Job, frames: Frames, runs: Runs, work: Path) -> tuple[str, ...]:
    count = job.flats + job.darks
    opened = opened_files(frames, emptied(work / "opened"))
    return (
        str(count),
        f"{runs.wall_s:.2f}",
        f"{1e3 * runs.wall_s / count:.0f}",
        f"{1e9 * runs.cpu_s / job.samples:.2f}",
        gib(runs.peak_bytes),
        f"{runs.read_bytes / frames.size_bytes:.2f}" if runs.read_bytes else "unknown",
        str(opened.most) if opened.least == opened.most else f"{opened.least} to {opened.most}",
    )


def opened_files(frames: Frames, work: Path) -> Opened:
    """Run once more, in a Python that counts what is opened."""
    counts = work / "counts.json"
    command = [sys.executable, str(HERE / "count_opens.py"), str(counts), "flats", str(frames.folder)]
    options = ["--no-preferences", "--quiet", *peers.SAME_WORK, "--memory", "1GiB", "-o", str(work / "masters")]
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    opened = json.loads(counts.read_text())
    numbers = [opened.get(str(path), 0) for path in frames.files]
    return Opened(least=min(numbers), most=max(numbers))
