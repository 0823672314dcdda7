"""Everything that is measured of whole processes, as tables: `make bench`.

    make bench                                    all of it: about half an hour, 17 GB of frames made once
    make bench ARGS='--parts startup jobs --jobs A --runs 3'
    make bench ARGS='--quick'                     small frames, one run: whether the benchmarks themselves work
    make bench ARGS='--write'                     the tables into benchmarks/RESULTS.md as well

All inputs are read right before each timed run, the programs take turns, the first turn is not counted, and each
number is the median of its runs. Programs that are not installed are skipped by name.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cold
import jobs
import lights
import memory
import packed
import startup
from measure import CommandFailedError
from tables import Table, machine, results_page

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "RESULTS.md"


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS), help="what to measure")
    parser.add_argument(
        "--jobs", nargs="+", default=["A", "B"], choices=list(jobs.JOBS), help="jobs of the part 'jobs'"
    )
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each program")
    parser.add_argument("--slow-peers", nargs="*", default=["A"], help="jobs that ccdproc and MasterFlatMaker do too")
    parser.add_argument("--folder", type=Path, help="where frames are made and kept (a folder in the temporary one)")
    parser.add_argument("--quick", action="store_true", help="small frames and one run")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} too")
    return parser.parse_args()


def _startup(asked: argparse.Namespace, folder: Path, work: Path) -> list[Table]:
    return startup.tables(folder=folder, work=work, runs=asked.runs)


def _jobs(asked: argparse.Namespace, folder: Path, work: Path) -> list[Table]:
    return jobs.tables(names=asked.jobs, folder=folder, work=work, runs=asked.runs, slow_peers=asked.slow_peers)


def _lights(asked: argparse.Namespace, folder: Path, work: Path) -> list[Table]:
    columns, rows = (1248, 832) if asked.quick else (6248, 4176)
    night = lights.Night(folder, lights=6 if asked.quick else 30, columns=columns, rows=rows)
    return lights.tables(night=night, work=work, runs=asked.runs)


def _kernels(asked: argparse.Namespace, folder: Path, work: Path) -> list[Table]:
    del folder, work
    frames = ["8", "30"] if asked.quick else ["8", "30", "100", "300"]
    command = [
        sys.executable,
        str(HERE / "engine_kernels.py"),
        "--json",
        "--runs",
        str(asked.runs),
        "--frames",
        *frames,
    ]
    print("Kernels", file=sys.stderr, flush=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailedError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    return [
        Table(
            title="Rejections: ns of processor time a sample, one core",
            head=("", *(f"N = {n}" for n in found["frames"])),
            rows=tuple((label, *(f"{cell:.2f}" for cell in cells)) for label, cells in found["rows"]),
            notes=(
                "Raw 16-bit samples of flats, big-endian, with a dark master and scales, 4 million a call; the "
                f"least of {asked.runs} runs. What others do begins with samples that are calibrated already.",
                *done.stderr.splitlines(),
            ),
        )
    ]


def _memory(asked: argparse.Namespace, folder: Path, work: Path) -> list[Table]:
    return memory.tables(folder=folder, work=work, runs=asked.runs, small=asked.quick)


def _packed(asked: argparse.Namespace, folder: Path, work: Path) -> list[Table]:
    return packed.tables(folder=folder, work=work, runs=asked.runs, small=asked.quick)


def _cold(asked: argparse.Namespace, folder: Path, work: Path) -> list[Table]:
    job = jobs.JOBS["tiny" if asked.quick else "B"]
    return cold.tables(job=job, folder=folder, work=work, runs=asked.runs)


PARTS: dict[str, Callable[[argparse.Namespace, Path, Path], list[Table]]] = {
    "startup": _startup,
    "kernels": _kernels,
    "jobs": _jobs,
    "lights": _lights,
    "memory": _memory,
    "packed": _packed,
    "cold": _cold,
}
MISSING: dict[str, Callable[[], str]] = {"packed": packed.missing, "cold": cold.missing}


def main() -> int:
    """Measure, print the tables, and write them on request."""
    asked = arguments()
    if asked.quick:
        asked.jobs, asked.runs, asked.slow_peers = ["tiny"], 1, ["tiny"]
    folder = asked.folder or Path(tempfile.gettempdir()) / "evenfield-bench"
    folder.mkdir(parents=True, exist_ok=True)
    print("\n".join([*machine(), f"Frames: {folder}", ""]), flush=True)
    found: list[Table] = []
    failed = False
    # What programs write is thrown away, but lies on the same disk as the frames.
    with tempfile.TemporaryDirectory(dir=folder, prefix="work-") as work:
        for name in asked.parts:
            reason = MISSING.get(name, str)()
            if reason:
                print(f"{name}: skipped, {reason}.\n", flush=True)
                continue
            try:
                tables = PARTS[name](asked, folder, Path(work))
            except jobs.NoRoomError as error:
                print(f"{error}\n", flush=True)
                continue
            except CommandFailedError as error:
                failed = True
                print(f"{name}: {error}\n", flush=True)
                continue
            for table in tables:
                print(table.text(), flush=True)
            found += tables
    if asked.write and not failed:
        # Where the frames lay is of no use to anyone else.
        words = [word for word in sys.argv[1:] if word not in ("--folder", str(asked.folder))]
        command = f"make bench ARGS='{shlex.join(words)}'"
        partial = RESULTS.with_suffix(".partial")
        before = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
        partial.write_text(results_page(found, command=command, before=before), encoding="utf-8")
        os.replace(partial, RESULTS)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
