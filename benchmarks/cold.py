"""A cold page cache: the job on files that must come from the disk, beside reading the same files in order."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import peers
from jobs import Job, frames_of
from measure import Run, alternate, cold, emptied, run, warm
from peers import HERE, Frames
from tables import Table, gib

SPEEDS = (500, 150)
"""MB/s of disks that others have: flash behind SATA, and a hard disk."""


def tables(*, job: Job, folder: Path, work: Path, runs: int) -> list[Table]:
    """One job with a cold cache.

    Raises
    ------
    NoRoomError
        If the frames do not fit on the disk.
    """
    frames = frames_of(job, folder)
    program = peers.evenfield()
    print(f"{job.title}, cold", file=sys.stderr, flush=True)
    found = alternate(
        {
            "reading": lambda: _read(frames),
            "cold": lambda: program.task(frames, work / "cold", prepare=lambda frames: cold(frames.files)),
            "warm": lambda: program.task(frames, work / "warm"),
        },
        runs=runs,
    )
    reading, own, at_once = found["reading"], found["cold"], found["warm"]
    slow = {speed: alternate({f"{speed} MB/s": _at_speed(speed, frames, work)}, runs=1) for speed in SPEEDS}
    rate = frames.size_bytes / reading.wall_s / 1e6
    rows = (
        ("reading the files in order, cold", f"{reading.wall_s:.2f}", reading.wall_range, "1.00"),
        ("evenfield, cold", f"{own.wall_s:.2f}", own.wall_range, f"{own.wall_s / reading.wall_s:.2f}"),
        ("evenfield, warm", f"{at_once.wall_s:.2f}", at_once.wall_range, f"{at_once.wall_s / reading.wall_s:.2f}"),
        *(_slow_row(speed, one[f"{speed} MB/s"].wall_s, frames) for speed, one in slow.items()),
    )
    note = (
        f"Medians of {runs} runs in turns; before each cold run the files are dropped from the page cache (fsync, "
        f"posix_fadvise DONTNEED). {gib(frames.size_bytes)} at {rate:.0f} MB/s. Where the disk is faster than the "
        "work, the warm run is the floor. Disks of other speeds are stood in for by slow_disk.py: one read at a time, "
        "nothing read ahead; one run each."
    )
    head = ("", "seconds", "range", "times reading")
    return [Table(title=f"Cold cache: {job.title}", head=head, rows=rows, notes=(note,))]


def _at_speed(speed: int, frames: Frames, work: Path) -> Callable[[], Run]:
    def start() -> Run:
        warm(frames.files)
        command = [sys.executable, str(HERE / "slow_disk.py"), str(speed), str(frames.folder), "flats"]
        options = ["--no-preferences", "--quiet", *peers.SAME_WORK, "-o", str(emptied(work / "slow"))]
        return run([*command, str(frames.folder), *options], environment={"EVENFIELD_SURVEY_CACHE": "off"})

    return start


def _slow_row(speed: int, wall_s: float, frames: Frames) -> tuple[str, ...]:
    alone = frames.size_bytes / (speed * 1e6)
    title = f"evenfield, disk of {speed} MB/s, which reads them in {alone:.1f} s"
    return title, f"{wall_s:.2f}", "", f"{wall_s / alone:.2f}"


def _read(frames: Frames) -> Run:
    cold(frames.files)
    began = time.process_time()
    wall_s = warm(frames.files)
    return Run(wall_s=wall_s, cpu_s=time.process_time() - began, peak_bytes=0, read_bytes=frames.size_bytes)


def missing() -> str:
    """Why this part cannot be measured, "" if it can."""
    return "" if hasattr(os, "posix_fadvise") else "this system cannot drop files from its cache (posix_fadvise)"
