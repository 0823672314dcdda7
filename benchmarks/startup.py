"""What a user waits for before any pixel is crunched: start-up, survey, and compiling at first use."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from measure import Run, Runs, alternate, emptied, evenfield_command, run
from peers import HERE
from tables import Table

SURVEYED = (2000, 20000)
SETTLED_S = 4.0
"""Seconds until a survey remembers files that were written just now."""


def tables(*, folder: Path, work: Path, runs: int) -> list[Table]:
    """Start-up with and without compiled kernels, and surveys of many headers."""
    night = messy_night(folder)
    many = {count: headers(folder, count) for count in SURVEYED}
    time.sleep(SETTLED_S)
    print("Start-up", file=sys.stderr, flush=True)
    kernels = emptied(work / "kernels")
    masters = work / "masters"
    flats = _task(
        [*evenfield_command(), "flats", str(night), "--no-preferences", "--quiet", "-o", str(masters)],
        {"EVENFIELD_KERNEL_CACHE": str(kernels), "EVENFIELD_SURVEY_CACHE": "off"},
    )

    def making() -> Run:
        emptied(masters)
        return flats()

    def compiling() -> Run:
        emptied(kernels)
        return making()

    # First of all, so that the other runs find what the last of these has compiled.
    found = alternate({"the same, kernels compiled first": compiling}, runs=min(runs, 3))
    tasks: dict[str, Callable[[], Run]] = {
        "python -c pass": _task([sys.executable, "-c", "pass"]),
        "import evenfield": _task([sys.executable, "-c", "import evenfield"]),
        "evenfield --help": _task([*evenfield_command(), "--help"]),
        "evenfield flats --help": _task([*evenfield_command(), "flats", "--help"]),
        **{f"evenfield survey, {count} headers": _survey(path, None) for count, path in many.items()},
        **{f"  again, {count} headers": _survey(path, work / "memory") for count, path in many.items()},
        "evenfield survey, 155 small files": _survey(night, None),
        "evenfield plan, 155 small files": _task(
            [*evenfield_command(), "plan", str(night), "--no-preferences", "--quiet", "-o", str(work / "planned")]
        ),
        "evenfield flats, 155 small files": making,
        "the same, products there already": flats,
    }
    found |= alternate(tasks, runs=runs)
    order = [*tasks, "the same, kernels compiled first"]
    return [
        Table(
            title="Start-up and survey",
            head=("", "seconds", "range", "CPU seconds", "peak MiB"),
            rows=tuple(_row(label, found[label]) for label in order),
            notes=(
                f"Medians of {runs} runs in turns, new processes, files in the page cache. The headers are those of a "
                "simulated night, each with a time of its own. 'Again': an unchanged folder that was surveyed before.",
            ),
        )
    ]


def _row(label: str, runs: Runs) -> tuple[str, ...]:
    peak = f"{runs.peak_bytes / 2**20:.0f}"
    return label.strip(), f"{runs.wall_s:.2f}", runs.wall_range, f"{runs.cpu_s:.2f}", peak


def _task(command: list[str], environment: dict[str, str] | None = None) -> Callable[[], Run]:
    return lambda: run(command, environment=environment)


def _survey(folder: Path, memory: Path | None) -> Callable[[], Run]:
    where = "off" if memory is None else str(memory)
    return _task([*evenfield_command(), "survey", str(folder)], {"EVENFIELD_SURVEY_CACHE": where})


def messy_night(folder: Path) -> Path:
    """The 155 files of `evenfield demo --messy`, made once."""
    where = folder / "messy"
    if not where.exists():
        partial = emptied(folder / "messy.partial")
        code = "import sys; from evenfield.simulate import simulate_messy_night as make; make(sys.argv[1])"
        subprocess.run([sys.executable, "-c", code, str(partial)], check=True)
        partial.rename(where)
    return where


def headers(folder: Path, count: int) -> Path:
    """A folder of frames with real headers and no pixels to speak of, made once."""
    where = folder / f"headers_{count}"
    if not where.exists():
        print(f"  writing {count} headers into {where}", file=sys.stderr, flush=True)
        command = [sys.executable, str(HERE / "survey_frames.py"), str(where), "--count", str(count)]
        subprocess.run(command, check=True)
    return where
