"""Whole processes on the clock: wall time, processor time, peak memory and bytes read, warm or cold."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

CHUNK = 1 << 22

# Only the standard library is imported here: the peak that the system tells of a child begins at its parent's.


@dataclasses.dataclass(frozen=True)
class Run:
    """One process: seconds on the wall and of all processors, its peak in bytes, and the bytes that it read.

    ``user_s`` are the processors' seconds outside of the system.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int
    read_bytes: int
    user_s: float = 0.0


@dataclasses.dataclass(frozen=True)
class Runs:
    """Several runs of one command."""

    runs: tuple[Run, ...]

    @property
    def wall_s(self) -> float:
        """The median seconds on the wall."""
        return statistics.median(run.wall_s for run in self.runs)

    @property
    def cpu_s(self) -> float:
        """The median seconds of all processors."""
        return statistics.median(run.cpu_s for run in self.runs)

    @property
    def user_s(self) -> float:
        """The median seconds of all processors outside of the system."""
        return statistics.median(run.user_s for run in self.runs)

    @property
    def least_cpu_s(self) -> float:
        """The least seconds of all processors: other work on the machine only ever adds."""
        return min(run.cpu_s for run in self.runs)

    @property
    def peak_bytes(self) -> int:
        """The greatest peak."""
        return max(run.peak_bytes for run in self.runs)

    @property
    def read_bytes(self) -> int:
        """The most bytes read."""
        return max(run.read_bytes for run in self.runs)

    @property
    def wall_range(self) -> str:
        """The least and the greatest seconds on the wall."""
        walls = [run.wall_s for run in self.runs]
        return f"{min(walls):.2f} to {max(walls):.2f}"


class CommandFailedError(Exception):
    """A command of a benchmark did not end with 0; the text holds the end of what it wrote."""


def run(command: Sequence[str], *, environment: dict[str, str] | None = None, to: str | None = None) -> Run:
    """Run one command to its end and measure it; what it writes to stdout goes ``to`` a file, or is kept for errors.

    Programs in Python may keep their bytecode, as any that was installed does.
    """
    surroundings = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as log, open(to, "wb") if to else contextlib.nullcontext(log) as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env={**surroundings, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=out, stderr=log
        )
        read_bytes = _read_bytes(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(max(0, log.seek(0, os.SEEK_END) - 2000))
        tail = log.read().decode(errors="replace")
    if process.returncode:
        raise CommandFailedError(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(
        wall_s=wall_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * unit,
        read_bytes=read_bytes,
        user_s=usage.ru_utime,
    )


def _read_bytes(process_id: int) -> int:
    """The bytes that a process asked the system for, when it has ended and is not yet forgotten; 0 if unknown."""
    with contextlib.suppress(OSError, AttributeError):
        os.waitid(os.P_PID, process_id, os.WEXITED | os.WNOWAIT)
        text = Path(f"/proc/{process_id}/io").read_text()
        return int(text.split("rchar:")[1].split()[0])
    return 0


def warm(files: Sequence[Path]) -> float:
    """Read files whole, in order, so that the page cache holds them; the seconds that took."""
    buffer = bytearray(CHUNK)
    began = time.perf_counter()
    for path in files:
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
    return time.perf_counter() - began


def cold(files: Sequence[Path]) -> None:
    """Drop files from the page cache; needs no rights, but pages not yet written to the disk must be written first."""
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def alternate(tasks: dict[str, Callable[[], Run]], *, runs: int) -> dict[str, Runs]:
    """Run tasks in turns, the first turn not counted.

    A task prepares itself (removes old products, reads its inputs) and returns the `Run` of the command alone.
    """
    found: dict[str, list[Run]] = {name: [] for name in tasks}
    for turn in range(runs + 1):
        for name, task in tasks.items():
            # What an earlier program left to be written must not slow this one down.
            os.sync()
            one = task()
            if turn:
                found[name].append(one)
            print(f"  {name}: {one.wall_s:.2f} s{'' if turn else ' (not counted)'}", file=sys.stderr, flush=True)
    return {name: Runs(tuple(several)) for name, several in found.items()}


def emptied(folder: Path) -> Path:
    """A folder with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def evenfield_command() -> list[str]:
    """How the evenfield of this Python is started."""
    script = Path(sys.executable).with_name("evenfield")
    if script.exists():
        return [str(script)]
    return [sys.executable, "-c", "import sys; from evenfield.cli.app import main; sys.exit(main())"]
