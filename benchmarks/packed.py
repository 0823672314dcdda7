"""Tile-compressed frames: the job on them beside what decompressing them alone takes with all cores in use."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import peers
from jobs import Job, frames_in, frames_of
from measure import Run, Runs, alternate, emptied, run, warm
from peers import HERE, Frames
from tables import Table, gib

LARGE = Job("packed", 16, 16, 6248, 4176)
SMALL = Job("packed", 6, 6, 1248, 832)
KINDS = ("RICE_1", "GZIP_1")


def tables(*, folder: Path, work: Path, runs: int, small: bool = False) -> list[Table]:
    """The job on the same frames, packed in each way and plain.

    Raises
    ------
    NoRoomError
        If the frames do not fit on the disk.
    """
    job = SMALL if small else LARGE
    plain = frames_of(job, folder)
    packed = {kind: packed_frames(plain, kind) for kind in KINDS}
    program = peers.evenfield()
    print("Tile-compressed frames", file=sys.stderr, flush=True)
    tasks: dict[str, Callable[[], Run]] = {"plain": lambda: program.task(plain, work / "plain")}
    for kind, frames in packed.items():
        tasks[kind] = lambda kind=kind, frames=frames: program.task(frames, work / kind)
        tasks[f"{kind} astropy"] = lambda frames=frames: _decompress(frames, work / "astropy")
        if shutil.which("funpack"):
            tasks[f"{kind} funpack"] = lambda frames=frames: _funpack(frames, work / "funpack")
    found = alternate(tasks, runs=runs)
    notes = [
        f"{job.flats} flats + {job.darks} dark flats of {job.columns} x {job.rows}, uint16, compressed row by row; "
        f"medians of {runs} runs in turns, inputs read right before each. Decompressing alone: every file once into "
        "memory, one process a core, by astropy (cfitsio's decoders). evenfield reads flats twice: for their levels, "
        "then to combine them."
    ]
    if not shutil.which("funpack"):
        notes.append("funpack: skipped, not installed (Debian, Ubuntu: apt-get install libcfitsio-bin).")
    rows = [("plain", gib(plain.size_bytes), *_own(found["plain"], job), "", "", "")]
    for kind, frames in packed.items():
        own = found[kind]
        for peer in ("astropy", "funpack"):
            alone = found.get(f"{kind} {peer}")
            if alone is not None:
                ratio = f"{own.wall_s / alone.wall_s:.2f}"
                label = f"{kind}, alone by {peer}"
                seconds, cpu = f"{alone.wall_s:.2f}", f"{1e9 * alone.cpu_s / job.samples:.2f}"
                rows.append((label, gib(frames.size_bytes), *_own(own, job), seconds, cpu, ratio))
    head = ("frames", "files", "evenfield, seconds", "CPU ns a sample", "peak", "alone, seconds", "CPU ns", "ratio")
    return [Table(title="Tile-compressed frames", head=head, rows=tuple(rows), notes=tuple(notes))]


def _own(runs: Runs, job: Job) -> tuple[str, str, str]:
    return f"{runs.wall_s:.2f}", f"{1e9 * runs.cpu_s / job.samples:.2f}", gib(runs.peak_bytes)


def packed_frames(plain: Frames, kind: str) -> Frames:
    """The frames compressed row by row, made once."""
    where = plain.folder.with_name(f"{plain.folder.name}_{kind}")
    if not where.exists():
        print(f"  writing {where}", file=sys.stderr, flush=True)
        partial = emptied(where.with_name(where.name + ".partial"))
        command = [sys.executable, str(HERE / "pack.py"), "pack", kind, str(partial)]
        subprocess.run([*command, *map(str, plain.files)], check=True)
        partial.rename(where)
    return frames_in(where)


def _decompress(frames: Frames, work: Path) -> Run:
    emptied(work)
    warm(frames.files)
    return run([sys.executable, str(HERE / "pack.py"), "unpack", str(os.cpu_count()), *map(str, frames.files)])


def _funpack(frames: Frames, work: Path) -> Run:
    emptied(work)
    warm(frames.files)
    names = "\n".join(map(str, frames.files))
    listed = work / "files"
    listed.write_text(names)
    script = f"xargs -n 1 -P {os.cpu_count()} sh -c 'funpack -S \"$0\" > /dev/null' < {listed}"
    return run(["sh", "-c", script])


def missing() -> str:
    """Why this part cannot be measured, "" if it can."""
    return "" if importlib.util.find_spec("astropy") else "astropy is not installed"
