"""Measures what a user waits for before any pixel is crunched: start-up, survey, and compiling at first use.

    make bench                      all of it, about two minutes
    make bench ARGS='--runs 9'      more runs for each number

Each number is the median of its runs in new processes, on files that the page cache holds.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from evenfield.simulate import simulate_messy_night

MANY_FILES = 2000


def main() -> int:
    """Measure, and print one line a number."""
    parser = argparse.ArgumentParser(description="Start-up, survey and compile times.")
    parser.add_argument("--runs", type=int, default=5, help="runs for each number (first one dropped besides)")
    runs: int = parser.parse_args().runs
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}; median of {runs} runs")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        night = folder / "night"
        simulate_messy_night(night)
        many = many_files(night, folder / "many")
        kernels = folder / "kernels"
        evenfield = [str(Path(sys.executable).with_name("evenfield"))]
        flats = [*evenfield, "flats", str(night), "--no-preferences", "--quiet", "--overwrite", "-o"]
        # Compiling, in order: nothing compiled; all compiled; the products there already.
        first = [timed([*flats, str(folder / f"first{n}")], folder / f"kernels{n}") for n in range(min(runs, 3))]
        timed([*flats, str(folder / "warm")], kernels)
        warm = [timed([*flats, str(folder / f"out{n}")], kernels) for n in range(runs)]
        show("python -c pass", repeated([sys.executable, "-c", "pass"], runs, kernels))
        show("import evenfield", repeated([sys.executable, "-c", "import evenfield"], runs, kernels))
        show("evenfield --help", repeated([*evenfield, "--help"], runs, kernels))
        show("evenfield flats --help", repeated([*evenfield, "flats", "--help"], runs, kernels))
        show("evenfield survey, 155 files", repeated([*evenfield, "survey", str(night)], runs, kernels))
        show(f"evenfield survey, {MANY_FILES} files", repeated([*evenfield, "survey", str(many)], runs, kernels))
        plan = [*evenfield, "plan", str(night), "--no-preferences", "--quiet", "-o", str(folder / "planned")]
        show("evenfield plan, 155 files", repeated(plan, runs, kernels))
        show("evenfield flats, 155 small files", warm)
        show("  the same, products there already", repeated([*flats, str(folder / "out0")], runs, kernels))
        show("  the same, kernels compiled first", first)
    return 0


def many_files(night: Path, folder: Path) -> Path:
    """A folder of many frames: hard links to those of a night, each under a name of its own."""
    frames = sorted(path for path in night.rglob("*.fits") if "DARK" in path.name)
    for number in range(MANY_FILES):
        source = frames[number % len(frames)]
        target = folder / f"part{number // 100:02d}" / f"{number:04d}_{source.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)
    return folder


def repeated(command: list[str], runs: int, kernels: Path) -> list[float]:
    """Seconds of each of several runs, after one that is not counted."""
    timed(command, kernels)
    return [timed(command, kernels) for _ in range(runs)]


def timed(command: list[str], kernels: Path) -> float:
    """Seconds that a command takes with this folder of compiled kernels."""
    environment = {**os.environ, "EVENFIELD_KERNEL_CACHE": str(kernels)}
    began = time.perf_counter()
    # A survey that lists unreadable files and a run that leaves frames out end with 0 as well.
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def show(title: str, seconds: list[float]) -> None:
    """Print the median, and the range that it lies in."""
    print(f"{title:38} {statistics.median(seconds):7.2f} s   ({min(seconds):.2f} to {max(seconds):.2f})", flush=True)


if __name__ == "__main__":
    sys.exit(main())
