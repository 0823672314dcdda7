"""Makes the pictures of the README from the simulated example night: ``python docs/make_pictures.py``."""

from __future__ import annotations

import struct
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import evenfield
from evenfield.simulate import simulate_night

IMAGES = Path(__file__).parent / "images"

SHRINK = 2
"""Pixels averaged in each direction: the pictures are for a screen, not for measuring."""

LEVELS = 48
"""Shades of gray: noise below a shade would only make the files larger."""

Picture = NDArray[np.float64]


def main() -> int:
    """Make the night and its masters, calibrate a light with them, and write four pictures."""
    with tempfile.TemporaryDirectory() as folder:
        night = Path(folder, "night")
        simulate_night(night)
        survey = evenfield.survey_folders([night])
        plan = evenfield.make_plan(survey, output=str(Path(folder, "masters")))
        report = evenfield.run_plan(plan)
        path = next(output for result in report.results for output in result.outputs if "flat_Ha" in output)
        flat = pixels(Path(path))
        raw = pixels(night / "flats" / "FLAT_Ha_0001.fits")
        light = pixels(night / "lights" / "LIGHT_Ha_300s_0001.fits")
        darks = np.stack([pixels(dark) for dark in sorted((night / "darks").iterdir())])
    dark = evenfield.combine_frames(darks, reject="winsorized:4,3").value
    terms = evenfield.CalibrationTerms(subtract=dark, divide=flat / flat.mean(dtype=np.float64).astype(np.float32))
    after = evenfield.calibrate_frame(light, terms=terms)
    before = evenfield.calibrate_frame(light, terms=evenfield.CalibrationTerms(subtract=dark))
    IMAGES.mkdir(exist_ok=True)
    write_png(IMAGES / "flat-raw.png", stretched(raw, like=raw))
    write_png(IMAGES / "flat-master.png", stretched(flat, like=flat))
    # Before and after in the same shades, so that nothing looks flatter than it is.
    write_png(IMAGES / "light-before.png", stretched(before, like=before))
    write_png(IMAGES / "light-after.png", stretched(after, like=before))
    return 0


def pixels(path: Path) -> NDArray[np.float32]:
    """The pixels of a file."""
    return evenfield.read_image(path).pixels


def shrunk(picture: NDArray[np.float32]) -> Picture:
    """A picture with blocks of pixels averaged."""
    rows, columns = (length // SHRINK * SHRINK for length in picture.shape)
    blocks = picture[:rows, :columns].reshape(rows // SHRINK, SHRINK, columns // SHRINK, SHRINK)
    return np.asarray(np.nanmean(blocks, axis=(1, 3), dtype=np.float64))


def stretched(picture: NDArray[np.float32], *, like: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A small picture, black at the darkest half per cent of ``like``, white at its brightest 1.5 % (the stars)."""
    low, high = np.percentile(shrunk(like), [0.5, 98.5])
    share = np.clip((shrunk(picture) - low) / (high - low), 0.0, 1.0)
    return np.asarray(np.round(share * (LEVELS - 1)) * (255 / (LEVELS - 1)), dtype=np.uint8)


def write_png(path: Path, gray: NDArray[np.uint8]) -> None:
    """Write a picture in shades of gray as PNG (ISO/IEC 15948: 8 bits, color type 0, no filter)."""
    rows, columns = gray.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    lines = b"".join(b"\0" + line.tobytes() for line in gray)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    path.write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
