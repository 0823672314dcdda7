"""The engine against a reference of fixed work in the same process: a guard against kernels that became slow."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evenfield.combine import BandTerms, CombineRecipe, combine_band
from evenfield.model.pixels import Encoding
from evenfield.model.rejections import rejection

N_FRAMES = 30
N_PIXELS = 65536
TURNS = 9
SLOWEST = 1.3
"""Times the reference that winsorized 3/3 may take; measured: 0.64."""

WIDTH = 8192
PASSES = 8


def raw_flats(seed: int = 1) -> tuple[NDArray[np.int16], BandTerms]:
    """Flats as FITS stores them, near half of full scale with 1e-4 of outliers, and their terms."""
    random = np.random.default_rng(seed)
    levels = random.uniform(0.97, 1.03, N_FRAMES)
    truth = 30000.0 * (1.0 - 0.3 * np.linspace(-1, 1, N_PIXELS) ** 2) * levels[:, None]
    counts = random.normal(truth + 500.0, np.sqrt(truth / 1.2))
    counts[random.random(counts.shape) < 1e-4] += 8000.0
    stored = (np.rint(counts).clip(0, 65535) - 32768).astype(np.int16)
    terms = BandTerms(
        shifts=np.zeros(N_FRAMES),
        scales=1.0 / levels,
        subtract=random.normal(500.0, 1.0, (1, N_PIXELS)).astype(np.float32),
        which=np.zeros(N_FRAMES, np.int64),
    )
    return stored.byteswap(), terms


def sorting_passes(block: NDArray[np.float32], spare: NDArray[np.float32]) -> None:
    """A few passes of bubble sort down the columns of a block that fits a core's cache, by numpy's least and greatest.

    Like the engine's, its time is that of vector arithmetic and not of memory, on every processor alike.
    """
    for _ in range(PASSES):
        for row in range(N_FRAMES - 1):
            upper, lower = block[row], block[row + 1]
            np.minimum(upper, lower, out=spare)
            np.maximum(upper, lower, out=lower)
            upper[...] = spare


def seconds(call: Callable[[], object]) -> float:
    """The processor time of this thread for one call: what else the machine does counts less."""
    began = time.thread_time()
    call()
    return time.thread_time() - began


def test_winsorized_takes_few_times_a_fixed_reference() -> None:
    """Winsorized 3/3 of 30 raw flats takes at most `SLOWEST` times some passes of a sort over as many samples."""
    raw, terms = raw_flats()
    encoding = Encoding(dtype="int16", swapped=True, bzero=32768.0)
    recipe = CombineRecipe(method="mean", rejection=rejection("winsorized:3,3"), step=1.0)
    blocks = np.random.default_rng(2).normal(0.0, 1.0, (N_PIXELS // WIDTH, N_FRAMES, WIDTH)).astype(np.float32)
    spare = np.empty(WIDTH, np.float32)

    def engine() -> object:
        return combine_band(raw, encoding=encoding, terms=terms, recipe=recipe)

    def reference() -> None:
        for block in blocks:
            sorting_passes(block, spare)

    engine()
    reference()
    turns = [(seconds(engine), seconds(reference)) for _ in range(TURNS)]
    ratio = statistics.median(own / other for own, other in turns)
    told = ", ".join(f"{own * 1e9 / raw.size:.2f} / {other * 1e9 / raw.size:.2f}" for own, other in turns)
    assert ratio <= SLOWEST, f"{ratio:.2f} times the reference (ns a sample, engine / reference: {told})"
