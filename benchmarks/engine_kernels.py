"""Time each rejection's kernel, in ns a sample of one core, on 16-bit flats with a dark master and frame scales.

Usage: python benchmarks/engine_kernels.py [--frames 8 30 100 300] [--rejections winsorized:3,3 ...] [--runs 5]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from evenfield.combine import BandTerms, CombineRecipe, combine_band
from evenfield.model.pixels import Encoding
from evenfield.model.rejections import rejection

BIG_ENDIAN = Encoding(dtype="int16", swapped=True, bzero=32768.0)
REJECTIONS = ("none", "minmax:1,1", "extremes:2", "zscore:2", "sigma:3,3", "winsorized:3,3", "winsorized:4,3")
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
    """Print one row a rejection."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[8, 30, 100, 300])
    parser.add_argument("--rejections", nargs="+", default=REJECTIONS)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--method", default="mean", choices=("mean", "median"))
    asked = parser.parse_args()
    print(f"{asked.method:18s}" + "".join(f"{f'N = {n}':>10s}" for n in asked.frames) + "   ns a sample, one core")
    for text in asked.rejections:
        cells = []
        for n in asked.frames:
            raw, terms = band_of(n)
            recipe = CombineRecipe(method=asked.method, rejection=rejection(text), step=1.0)

            def call(raw: np.ndarray = raw, terms: BandTerms = terms, recipe: CombineRecipe = recipe) -> object:
                return combine_band(raw, encoding=BIG_ENDIAN, terms=terms, recipe=recipe)

            cells.append(1e9 * least_seconds(call, runs=asked.runs) / raw.size)
        print(f"{text:18s}" + "".join(f"{cell:10.2f}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
