"""The programs that do the same job: dark flats to a master, subtracted from the flats, those to a master flat.

Each is started as its users start it, with its defaults where the job does not say otherwise.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from measure import Run, emptied, evenfield_command, run, warm

HERE = Path(__file__).resolve().parent

SIRIL_SCRIPT = """requires 1.0.0
cd darkflats
link darkflat -out=../process
cd ../process
stack darkflat rej w 3 3 -nonorm -out=masterdarkflat
cd ../flats
link flat -out=../process
cd ../process
preprocess flat -dark=masterdarkflat
stack pp_flat rej w 3 3 -norm=mul -out=masterflat
close
"""
"""`link` makes links instead of copies, which is the faster of Siril's two ways in."""


@dataclasses.dataclass(frozen=True)
class Frames:
    """The frames of a job in one folder: ``flats`` and ``darks`` in order."""

    folder: Path
    flats: tuple[Path, ...]
    darks: tuple[Path, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return (*self.darks, *self.flats)

    @property
    def size_bytes(self) -> int:
        """The bytes of all files."""
        return sum(path.stat().st_size for path in self.files)


@dataclasses.dataclass(frozen=True)
class Program:
    """A program: its ``label``, how it is run on frames in an emptied work folder, and where its master lies then.

    ``missing`` says why it cannot be run, "" if it can.
    """

    label: str
    start: Callable[[Frames, Path], Run]
    master: str
    missing: str = ""

    def task(self, frames: Frames, work: Path, *, prepare: Callable[[Frames], object] | None = None) -> Run:
        """Empty the work folder, read the inputs (or ``prepare`` them otherwise), run."""
        emptied(work)
        (prepare or (lambda frames: warm(frames.files)))(frames)
        return self.start(frames, work)

    def master_in(self, work: Path) -> Path | None:
        """The master of the last run."""
        return next(iter(sorted(work.glob(self.master))), None) if self.master else None


SAME_WORK = ("--no-examine", "--no-report")
"""What leaves out the work that no other program does."""


def evenfield(*options: str, label: str = "evenfield", examined: bool = False) -> Program:
    """This program; it remembers no survey, as if the frames had just come.

    ``examined``: with all that it does, the examination and the page; else the work that the others do too.
    """
    more = () if examined else SAME_WORK

    def start(frames: Frames, work: Path) -> Run:
        command = [*evenfield_command(), "flats", str(frames.folder), "--no-preferences", "--quiet", *more, *options]
        # No survey of an earlier run may help this one.
        return run([*command, "-o", str(work)], environment={"EVENFIELD_SURVEY_CACHE": "off"})

    return Program(label=label, start=start, master="master_flat_*.fits")


def siril() -> Program:
    """Siril, by a script."""
    found = shutil.which("siril-cli")

    def start(frames: Frames, work: Path) -> Run:
        for name, files in (("flats", frames.flats), ("darkflats", frames.darks)):
            (work / name).mkdir()
            for path in files:
                (work / name / path.name).symlink_to(path)
        for name in ("process", "home"):
            (work / name).mkdir()
        script = work / "job.ssf"
        script.write_text(SIRIL_SCRIPT)
        homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"), str(work / "home"))
        return run([str(found), "-d", str(work), "-s", str(script)], environment=homes)

    version = ""
    if found is not None:
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return Program(
        label=version.capitalize() or "Siril",
        start=start,
        master="process/masterflat.fit",
        missing="" if found else "Debian, Ubuntu: apt-get install siril",
    )


def ccdproc() -> Program:
    """ccdproc, by `ccdproc_flats.py`; clips about the mean once, for it knows no winsorized rejection."""
    there = importlib.util.find_spec("ccdproc") is not None

    def start(frames: Frames, work: Path) -> Run:
        return run([sys.executable, str(HERE / "ccdproc_flats.py"), str(frames.folder), str(work / "master.fits")])

    from importlib import metadata

    version = metadata.version("ccdproc") if there else ""
    return Program(
        label=f"ccdproc {version}".strip(),
        start=start,
        master="master.fits",
        missing="" if there else ".venv/bin/python -m pip install ccdproc bottleneck",
    )


def master_flat_maker() -> Program:
    """MasterFlatMaker without any dark flat: it cannot make the master that it would subtract."""
    found = shutil.which("MasterFlatMaker")

    def start(frames: Frames, work: Path) -> Run:
        return run([str(found), "-rp", "-s", "3", "-od", str(work), *map(str, frames.flats)])

    return Program(
        label="MasterFlatMaker, no dark flats",
        start=start,
        master="*.fit*",
        missing="" if found else "install it so that 'MasterFlatMaker' starts it",
    )


def cat() -> Program:
    """Reading the files and nothing else."""
    found = shutil.which("cat")

    def start(frames: Frames, work: Path) -> Run:
        del work
        return run([str(found), *map(str, frames.files)], to=os.devnull)

    return Program(label="cat", start=start, master="", missing="" if found else "there is none on this system")


def agreement(first: Path, second: Path) -> str:
    """The median relative difference of two masters, each divided by its mean."""
    command = [sys.executable, str(HERE / "agreement.py"), str(first), str(second)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
