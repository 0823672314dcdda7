"""Write many frames for timing surveys: each with a header of its own, behind it a hole in place of pixels.

Usage: python benchmarks/survey_frames.py FOLDER [--count 2000]
"""

from __future__ import annotations

import argparse
import datetime
import os
import tempfile
from pathlib import Path

from evenfield.simulate import simulate_messy_night

BLOCK = 2880
FOLDER_FILES = 100
"""Frames of one folder."""


def templates(night: Path) -> list[tuple[str, bytes, int]]:
    """(name, header, size) of the frames of a simulated night whose headers are right."""
    messy = simulate_messy_night(night)
    wrong = {*messy.mislabeled, *messy.other_gain, messy.truncated, messy.cube, messy.copy}
    found = []
    for path in sorted(set(messy.files) - wrong):
        data = path.read_bytes()
        blocks = data.index(b"END     ") // BLOCK + 1
        found.append((path.name, data[: blocks * BLOCK], len(data)))
    return found


def main() -> None:
    """Write the frames; the folder appears complete or not at all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        models = templates(Path(name) / "night")
    partial = asked.folder.with_name(asked.folder.name + ".partial")
    began = datetime.datetime(2026, 3, 14, 18)
    for number in range(asked.count):
        name, header, size = models[number % len(models)]
        taken = began + datetime.timedelta(days=number // 5000, seconds=7.25 * (number % 5000))
        at = header.index(b"DATE-OBS=")
        card = f"DATE-OBS= '{taken.isoformat(timespec='milliseconds')}'".ljust(80).encode()
        path = partial / f"part_{number // FOLDER_FILES:03d}" / f"{number:05d}_{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            file.write(header[:at] + card + header[at + 80 :])
            file.truncate(size)
    os.replace(partial, asked.folder)


if __name__ == "__main__":
    main()
