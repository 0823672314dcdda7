"""Time each rejection's kernel, in ns a sample of one core, on 16-bit flats with a dark master and frame scales.

Usage: python benchmarks/engine_kernels.py [--frames 8 30 100 300] [--rejections winsorized:3,3 ...] [--runs 5]

Beside them stand NumPy, bottleneck and astropy, which get the same samples calibrated already, as float32 or float64.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Callable

import numpy as np

from evenfield.combine import BandTerms, CombineRecipe, combine_band
from evenfield.model.pixels import Encoding
from evenfield.model.rejections import rejection

BIG_ENDIAN = Encoding(dtype="int16", swapped=True, bzero=32768.0)
REJECTIONS = (
    "none",
    "minmax:1,1",
    "extremes:2",
    "percentile:0.2,0.1",
    "zscore:2",
    "sigma:3,3",
    "mad:3,3",
    "winsorized:3,3",
    "winsorized:4,3",
    "averaged:4,3",
    "ccd:4,3,read_noise_adu=1,egain_e_per_adu=1.2",
    "linear:5,4",
    "esd:0.3,0.05",
    "rcr:0.1",
)
SAMPLES = 4_000_000
"""Samples of one timed call: enough that the clock does not matter, few enough to repeat it."""


def band_of(n_frames: int, *, seed: int = 1) -> tuple[np.ndarray, BandTerms]:
    """Raw samples of flats near half of full scale with 1e-4 of outliers, as stored, and their terms."""
    generator = np.random.default_rng(seed)
    n_pixels = max(64, SAMPLES // n_frames)
    flat = 30000.0 * (1.0 - 0.3 * np.linspace(-1, 1, n_pixels) ** 2)
    values = np.empty((n_frames, n_pixels), np.int16)
    levels = generator.uniform(0.97, 1.03, n_frames)
    for frame in range(n_frames):
        truth = flat * levels[frame]
        counts = generator.normal(truth + 500.0, np.sqrt(truth / 1.2))
        hit = generator.random(n_pixels) < 1e-4
        counts[hit] += 8000.0
        values[frame] = (np.rint(counts).clip(0, 65535) - 32768).astype(np.int16)
    master = generator.normal(500.0, 1.0, (1, n_pixels)).astype(np.float32)
    terms = BandTerms(
        shifts=np.zeros(n_frames), scales=1.0 / levels, subtract=master, which=np.zeros(n_frames, np.int64)
    )
    return values.byteswap(), terms


def calibrated(n_frames: int) -> np.ndarray:
    """The samples of `band_of`, calibrated: float32 (n_frames, n_pixels)."""
    raw, terms = band_of(n_frames)
    assert terms.subtract is not None
    values = raw.byteswap().astype(np.float32) + np.float32(32768.0) - terms.subtract
    return np.asarray(values * terms.scales.astype(np.float32)[:, None])


def peers() -> dict[str, Callable[[np.ndarray], object]]:
    """What others do with a calibrated stack; a library that is not there is named and left out."""
    found: dict[str, Callable[[np.ndarray], object]] = {
        "NumPy: mean, float32": lambda stack: stack.mean(axis=0),
        "NumPy: median, float32": lambda stack: np.median(stack, axis=0),
    }
    if importlib.util.find_spec("bottleneck") is None:
        print("bottleneck: skipped, not installed (.venv/bin/python -m pip install bottleneck).", file=sys.stderr)
    else:
        bottleneck = importlib.import_module("bottleneck")
        found["bottleneck: nanmean, float32"] = lambda stack: bottleneck.nanmean(stack, axis=0)
        found["bottleneck: nanmedian, float32"] = lambda stack: bottleneck.nanmedian(stack, axis=0)
    stats = importlib.import_module("astropy.stats")
    found["astropy: sigma_clip 3, then the mean"] = lambda stack: np.nanmean(
        stats.sigma_clip(stack, sigma=3, maxiters=None, axis=0, masked=False, copy=False), axis=0
    )
    return found


def least_seconds(call: Callable[[], object], *, runs: int) -> float:
    """The least processor time of several runs: other work on the machine only ever adds."""
    call()
    found = []
    for _ in range(runs):
        began = time.thread_time()
        call()
        found.append(time.thread_time() - began)
    return min(found)


def main() -> None:
    """Print one row a rejection, and one for what others do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, nargs="+", default=[8, 30, 100, 300])
    parser.add_argument("--rejections", nargs="+", default=REJECTIONS)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--method", default="mean", choices=("mean", "median"))
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    asked = parser.parse_args()
    rows: list[tuple[str, list[float]]] = []
    for text in asked.rejections:
        rows.append((text, [_own(text, n, asked.method, asked.runs) for n in asked.frames]))
        _tell(rows[-1], asked)
    for label, call in () if asked.no_peers else peers().items():
        rows.append((label, [_of_peer(call, n, asked.runs) for n in asked.frames]))
        _tell(rows[-1], asked)
    if asked.json:
        print(json.dumps({"frames": asked.frames, "rows": rows}))


def _own(text: str, n: int, method: str, runs: int) -> float:
    raw, terms = band_of(n)
    recipe = CombineRecipe(method=method, rejection=rejection(text), step=1.0)
    seconds = least_seconds(lambda: combine_band(raw, encoding=BIG_ENDIAN, terms=terms, recipe=recipe), runs=runs)
    return 1e9 * seconds / raw.size


def _of_peer(call: Callable[[np.ndarray], object], n: int, runs: int) -> float:
    stack = calibrated(n)
    return 1e9 * least_seconds(lambda: call(stack.copy()), runs=min(runs, 3)) / stack.size


def _tell(row: tuple[str, list[float]], asked: argparse.Namespace) -> None:
    if not asked.json:
        print(f"{row[0]:46s}" + "".join(f"{cell:10.2f}" for cell in row[1]), flush=True)


if __name__ == "__main__":
    main()
