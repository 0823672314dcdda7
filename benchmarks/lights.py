"""Lights calibrated with ready masters, by evenfield and its peers, beside copying files of the written size."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import peers
from jobs import NoRoomError
from measure import Run, Runs, alternate, emptied, evenfield_command, run, warm
from peers import HERE
from tables import Table, gib

SIRIL_SCRIPT = """requires 1.0.0
set32bits
cd lights
link light -out=../process
cd ../process
calibrate light -dark=../dark -flat=../flat
close
"""
"""Siril 1.0 calls its command "preprocess"."""


class Night:
    """Lights of one size in a folder, with a master dark and a master flat in another."""

    def __init__(self, folder: Path, *, lights: int, columns: int, rows: int) -> None:
        self.lights, self.columns, self.rows = lights, columns, rows
        self.title = f"Lights: {lights} of {columns} x {rows}, uint16, with a ready master dark and master flat"
        self.folder = folder / f"lights_{columns}x{rows}_{lights}"

    @property
    def frames(self) -> list[Path]:
        """The lights, in order."""
        return sorted((self.folder / "lights").glob("LIGHT_*.fits"))

    def master(self, kind: str) -> Path:
        """The master of a kind, "dark" or "flat"."""
        pattern = {"dark": "master_dark_60s*.fits", "flat": "master_flat_*.fits"}[kind]
        return next((self.folder / "masters").rglob(pattern))

    def make(self) -> None:
        """Write what is not there yet.

        Raises
        ------
        NoRoomError
            If the disk has no room for that and for what the programs write.
        """
        frame_bytes = self.columns * self.rows * 2
        if shutil.disk_usage(self.folder.parent).free < 8 * self.lights * frame_bytes:
            raise NoRoomError(f"{self.title}: skipped, no room for {gib(8 * self.lights * frame_bytes)}.")
        size = ["--columns", str(self.columns), "--rows", str(self.rows)]
        writer = [sys.executable, str(HERE / "engine_frames.py")]
        raw = self.folder / "raw"
        raw.mkdir(parents=True, exist_ok=True)
        lights = [str(self.folder / "lights"), *size, "--flats", "0", "--darks", "0", "--lights", str(self.lights)]
        subprocess.run([*writer, *lights], check=True)
        if (self.folder / "masters").exists():
            return
        subprocess.run([*writer, str(raw), *size, "--flats", "8", "--darks", "8"], check=True)
        subprocess.run([*writer, str(raw), *size, "--flats", "0", "--darks", "8", "--dark-word", "DARK"], check=True)
        making = [*evenfield_command(), "masters", str(raw), "--no-preferences", "--quiet"]
        subprocess.run([*making, "-o", str(self.folder / "masters")], check=True)
        shutil.rmtree(raw)


def tables(*, night: Night, work: Path, runs: int) -> list[Table]:
    """The table of one night.

    Raises
    ------
    NoRoomError
    """
    print(night.title, file=sys.stderr, flush=True)
    night.make()
    tasks: dict[str, Callable[[], Run]] = {
        "copying files of that size": lambda: _copying(night, work / "copy"),
        "evenfield": lambda: _evenfield(night, work / "evenfield", *peers.SAME_WORK),
        "evenfield, examined, with its page": lambda: _evenfield(night, work / "examined"),
        "evenfield, uint16": lambda: _evenfield(
            night, work / "uint16", "--output-type", "uint16", "--add-pedestal", "100", *peers.SAME_WORK
        ),
    }
    notes = []
    siril = peers.siril()
    if siril.missing:
        notes.append(f"Siril: skipped, not installed ({siril.missing}).")
    else:
        tasks[siril.label] = lambda: _siril(night, work / "siril")
    ccdproc = peers.ccdproc()
    if ccdproc.missing:
        notes.append(f"ccdproc: skipped, not installed ({ccdproc.missing}).")
    else:
        tasks[ccdproc.label] = lambda: _ccdproc(night, work / "ccdproc")
    # What a program wrote goes as soon as it is measured, but for one light: a full page cache would have the system
    # make room for the next program on one of its processors.
    tasks = {label: lambda task=task: _kept_small(task, work) for label, task in tasks.items()}
    first = emptied(work / "first")
    _evenfield(night, first)
    shutil.copy(next(first.rglob("*LIGHT_000*.fits")), work / "one.fits")
    shutil.rmtree(first)
    found = alternate(tasks, runs=runs)
    differences = _differences(night, work, siril.label, ccdproc.label)
    pixels = night.lights * night.columns * night.rows
    notes.append(
        f"Medians of {runs} runs in turns, all inputs read right before each. Copied are {night.lights} calibrated "
        "lights by cp. Nobody waits for the disk. Difference: the median, of one light, of the relative difference to "
        "evenfield's, both divided by their means; Siril divides by a mean of its own of the flat."
    )
    rows = tuple(_row(label, one, found, differences.get(label, ""), pixels) for label, one in found.items())
    head = ("", "seconds", "range", "times copying", "CPU seconds", "user seconds", "ns a pixel", "peak", "difference")
    for name in ("copy", "evenfield", "uint16", "siril", "ccdproc"):
        shutil.rmtree(work / name, ignore_errors=True)
    return [Table(title=night.title, head=head, rows=rows, notes=tuple(notes))]


def _kept_small(task: Callable[[], Run], work: Path) -> Run:
    done = task()
    for path in work.rglob("*.fit*"):
        is_kept = path.name in ("one.fits", "pp_light_00001.fit") or "LIGHT_000" in path.name
        if path.parent.name != "sources" and not is_kept:
            path.unlink()
    return done


def _row(label: str, one: Runs, found: dict[str, Runs], difference: str, pixels: int) -> tuple[str, ...]:
    copying = found["copying files of that size"]
    return (
        label,
        f"{one.wall_s:.2f}",
        one.wall_range,
        f"{one.wall_s / copying.wall_s:.2f}",
        f"{one.cpu_s:.2f}",
        f"{one.user_s:.2f}",
        f"{1e9 * one.cpu_s / pixels:.2f}",
        gib(one.peak_bytes),
        difference,
    )


def _differences(night: Night, work: Path, siril: str, ccdproc: str) -> dict[str, str]:
    name = night.frames[0].stem
    ours = next((work / "evenfield").rglob(f"*{name}*.fits"))
    found = {}
    for label, folder, pattern in ((siril, "siril", "process/pp_light_00001.fit"), (ccdproc, "ccdproc", f"{name}*")):
        theirs = next((work / folder).glob(pattern), None)
        if theirs is not None:
            found[label] = peers.agreement(theirs, ours)
    return found


def _copying(night: Night, work: Path) -> Run:
    """Copy files of the size that is written, as many as there are lights."""
    emptied(work)
    source = work.parent / "sources"
    if not source.exists():
        source.mkdir()
        for number in range(night.lights):
            shutil.copy(work.parent / "one.fits", source / f"{number:03d}.fits")
    files = sorted(source.iterdir())
    os.sync()
    warm(files)
    return run(["cp", *map(str, files), str(work)])


def _evenfield(night: Night, work: Path, *options: str) -> Run:
    emptied(work)
    warm([*night.frames, night.master("dark"), night.master("flat")])
    folders = [str(night.folder / "lights"), str(night.folder / "masters")]
    command = [*evenfield_command(), "calibrate", *folders, "--no-preferences", "--quiet", *options]
    return run([*command, "-o", str(work)], environment={"EVENFIELD_SURVEY_CACHE": "off"})


def _siril(night: Night, work: Path) -> Run:
    emptied(work)
    for name in ("lights", "process", "home"):
        (work / name).mkdir()
    for path in night.frames:
        (work / "lights" / path.name).symlink_to(path)
    for kind in ("dark", "flat"):
        (work / f"{kind}.fits").symlink_to(night.master(kind))
    script = work / "job.ssf"
    program = shutil.which("siril-cli")
    version = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False).stdout
    command = "preprocess" if " 1.0" in version else "calibrate"
    script.write_text(SIRIL_SCRIPT.replace("calibrate", command))
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"), str(work / "home"))
    warm([*night.frames, night.master("dark"), night.master("flat")])
    return run([str(program), "-d", str(work), "-s", str(script)], environment=homes)


def _ccdproc(night: Night, work: Path) -> Run:
    emptied(work)
    warm([*night.frames, night.master("dark"), night.master("flat")])
    script = [sys.executable, str(HERE / "ccdproc_lights.py")]
    return run([*script, str(night.folder / "lights"), str(night.master("dark")), str(night.master("flat")), str(work)])
