"""Write flats and dark flats of a large sensor for timing: uint16, half of full scale, some outliers and hot pixels.

Usage: python benchmarks/engine_frames.py FOLDER [--flats 30] [--darks 30] [--lights 0] [--columns 6248] [--rows 4176]

Frames that are there already stay: the same number always gives the same frame.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from evenfield.write import write_image

ROWS_AT_ONCE = 256
SEEDS = {"DARKFLAT": 0, "FLAT": 1, "DARK": 2, "LIGHT": 3}
"""The thousands of the seeds of each kind."""


def frame(shape: tuple[int, int], level: float, *, seed: int) -> np.ndarray:
    """One frame: bias 500 ADU, read noise 3 ADU, photon noise at 1.2 e-/ADU; level 0 is a dark flat."""
    generator = np.random.default_rng(seed)
    rows, columns = shape
    across = 1.0 - 0.25 * np.linspace(-1, 1, columns, dtype=np.float32) ** 2
    out = np.empty(shape, np.uint16)
    for start in range(0, rows, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, rows)
        noise = generator.standard_normal((stop - start, columns), dtype=np.float32)
        down = 1.0 - 0.15 * np.linspace(-1, 1, rows, dtype=np.float32)[start:stop, None] ** 2
        light = np.float32(level) * down * across
        values = np.float32(500.0) + light + noise * np.sqrt(light / np.float32(1.2) + np.float32(9.0))
        hits = generator.integers(0, values.size, values.size // 20000)
        values.reshape(-1)[hits] += 5000.0
        out[start:stop] = np.rint(values).clip(0, 65535)
    hot = np.random.default_rng(0).integers(0, out.size, out.size // 50000)
    out.reshape(-1)[hot] = 65535
    return out


def write_frames(
    folder: Path, *, shape: tuple[int, int], flats: int, darks: int, lights: int = 0, dark_word: str = "DARKFLAT"
) -> None:
    """Write the frames that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for word, count, level in (("FLAT", flats, 30000.0), (dark_word, darks, 0.0), ("LIGHT", lights, 900.0)):
        for number in range(count):
            path = folder / f"{word}_{number:03d}.fits"
            if path.exists():
                continue
            cards = [
                ("IMAGETYP", word, ""),
                ("EXPTIME", 2.0 if word in ("FLAT", "DARKFLAT") else 60.0, "s"),
                ("GAIN", 100, ""),
                ("OFFSET", 50, ""),
                ("CCD-TEMP", -10.0, ""),
                ("DATE-OBS", f"2026-03-14T20:{number // 60 + 10:02d}:{number % 60:02d}", ""),
                *([("FILTER", "Ha", "")] if level else []),
            ]
            brightness = level * (1.0 + 0.03 * np.sin(number))
            pixels = frame(shape, brightness, seed=1000 * SEEDS[word] + number + 1)
            write_image(path, image=pixels, cards=cards, sample="uint16")


def main() -> None:
    """Write the frames."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--flats", type=int, default=30)
    parser.add_argument("--darks", type=int, default=30)
    parser.add_argument("--columns", type=int, default=6248)
    parser.add_argument("--rows", type=int, default=4176)
    parser.add_argument("--lights", type=int, default=0)
    parser.add_argument("--dark-word", default="DARKFLAT", choices=["DARKFLAT", "DARK"], help="what dark frames are")
    asked = parser.parse_args()
    write_frames(
        asked.folder,
        shape=(asked.rows, asked.columns),
        flats=asked.flats,
        darks=asked.darks,
        lights=asked.lights,
        dark_word=asked.dark_word,
    )


if __name__ == "__main__":
    main()
