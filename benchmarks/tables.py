"""Tables of measurements, for the screen and for RESULTS.md, and what they were measured on."""

from __future__ import annotations

import dataclasses
import datetime
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

LIBRARIES = ("numpy", "numba", "astropy", "scipy", "msgspec", "xxhash")


@dataclasses.dataclass(frozen=True)
class Table:
    """A title, column heads, rows of cells, and sentences below."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """For the screen."""
        widths = [max(len(row[place]) for row in (self.head, *self.rows)) for place in range(len(self.head))]
        lines = [self.title, ""]
        for row in (self.head, *self.rows):
            cells = [
                row[0].ljust(widths[0]),
                *(cell.rjust(wide) for cell, wide in zip(row[1:], widths[1:], strict=True)),
            ]
            lines.append("  " + "   ".join(cells).rstrip())
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)]) + "\n"

    def markdown(self) -> str:
        """For RESULTS.md."""
        lines = [f"## {self.title}", "", f"| {' | '.join(self.head)} |", "|---" + "|---:" * (len(self.head) - 1) + "|"]
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join([*lines, "", *(f"{note}\n" for note in self.notes)]).rstrip() + "\n"


def machine() -> list[str]:
    """Processor, cores, memory, system, and the versions of what was measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [
        f"{_processor()}, {cores} cores, {memory:.0f} GiB; {platform.system()} {platform.release()}",
        f"evenfield {_evenfield_version()}, Python {platform.python_version()}, {versions}",
    ]


def _evenfield_version() -> str:
    code = "import evenfield; print(evenfield.__version__)"
    version = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    where = Path(__file__).parent
    found = subprocess.run(
        ["git", "-C", str(where), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return f"{version} ({found.stdout.strip()})" if found.returncode == 0 else version


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def results_page(tables: list[Table], *, command: str, before: str = "") -> str:
    """RESULTS.md: each table with when, where and by which command it was measured.

    Tables that were not measured now stay as they are in the page ``before``.
    """
    today = datetime.date.today().isoformat()
    stamp = f"*Measured by `{command}` on {today}: {'; '.join(machine())}.*\n"
    kept = {part.partition("\n")[0]: f"## {part}".rstrip() + "\n" for part in before.split("\n## ")[1:]}
    kept |= {table.title: f"{table.markdown()}\n{stamp}" for table in tables}
    return "\n".join(["# Measured results\n", *kept.values()])


def gib(count: float) -> str:
    """Bytes as people read them."""
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
