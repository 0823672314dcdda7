"""What corrected limits lose and find, counted through the kernels themselves: the tables of docs/limits.md.

python benchmarks/limits_kernels.py    (about two minutes)
"""

from __future__ import annotations

import functools
import math
import sys
from typing import Literal

import numpy as np
from scipy import stats

import evenfield

REJECTIONS = (
    "zscore:3",
    "sigma:3,3",
    "mad:3,3",
    "winsorized:3,3",
    "linear:3,3",
    "linear:3,3,scores",
    "ccd:3,3",
)
FRAMES = (5, 8, 15, 30, 100)
POWER_FRAMES = (5, 8, 10, 12, 15, 18, 20, 30)
"""Numbers of frames among which outliers are looked for."""

SAMPLES = 4_000_000
COLUMNS = 200_000
PROMISE = 0.5 * math.erfc(3 / math.sqrt(2))


def main() -> int:
    """Print the tables, as Markdown."""
    rng = np.random.default_rng(1)
    print("| limits of 3: lost low / high, in units of the promise | " + " | ".join(f"N = {n}" for n in FRAMES) + " |")
    print("|---|" + "---|" * len(FRAMES))
    for noise, integer in ((1.0, False), (2.0, True), (0.5, True)):
        kind = f"integers, noise {noise:g} steps" if integer else "continuous"
        for text in REJECTIONS:
            print(f"| `{text}`, {kind} | " + " | ".join(lost(text, n, noise, integer, rng) for n in FRAMES) + " |")
    print()
    print("| `--limits nominal` | " + " | ".join(f"N = {n}" for n in FRAMES) + " |")
    print("|---|" + "---|" * len(FRAMES))
    for text in REJECTIONS[:-1]:
        print(f"| `{text}` | " + " | ".join(lost(text, n, 1.0, False, rng, limits="nominal") for n in FRAMES) + " |")
    print()
    for n_outliers, sigmas in ((1, 5.0), (2, 12.0)):
        title = f"found of {n_outliers} outlier{'s' * (n_outliers > 1)} of {sigmas:g} sigma"
        print(f"| {title} | " + " | ".join(f"N = {n}" for n in POWER_FRAMES) + " |")
        print("|---|" + "---|" * len(POWER_FRAMES))
        if n_outliers == 1:
            print("| deleted Studentized residual | " + " | ".join(f"{best(n):.2f}" for n in POWER_FRAMES) + " |")
        for text in (*REJECTIONS, "esd"):
            cells = (f"{found(text, n, n_outliers, sigmas, rng):.2f}" for n in POWER_FRAMES)
            print(f"| `{text}` | " + " | ".join(cells) + " |")
        print()
    return 0


def complete(text: str, noise: float) -> str:
    """The rejection with the noise that ccd has to know."""
    return f"{text},read_noise_adu={noise:.6f}" if text.startswith("ccd") else text


def lost(
    text: str,
    n: int,
    noise: float,
    integer: bool,
    rng: np.random.Generator,
    limits: Literal["corrected", "nominal"] = "corrected",
) -> str:
    """The shares of clean samples lost on either side."""
    levels = rng.uniform(1000, 3000, SAMPLES // n)
    stack = levels + noise * rng.standard_normal((n, levels.size))
    if integer:
        stack = np.rint(stack).astype(np.uint16)
    known = math.sqrt(noise**2 + integer / 12)
    combined = evenfield.combine_frames(stack, reject=complete(text, known), limits=limits)
    return " / ".join(
        f"{side.sum() / stack.size / PROMISE:.2f}" for side in (combined.rejected_low, combined.rejected_high)
    )


def best(n: int) -> float:
    """The power of the deleted Studentized residual test at the promised loss for one outlier of 5 sigma."""
    limit = stats.t.isf(PROMISE, n - 2)
    return float(stats.nct.sf(limit, n - 2, 5.0 * math.sqrt((n - 1) / n)))


def found(text: str, n: int, n_outliers: int, sigmas: float, rng: np.random.Generator) -> float:
    """The share of samples so many sigma too bright that are rejected (or, once in 700, another one in their place)."""
    stack = rng.standard_normal((n, COLUMNS))
    stack[:n_outliers] += sigmas
    reject = f"esd:0.3,{esd_alpha(n):.6f}" if text == "esd" else complete(text, 1.0)
    rejected = evenfield.combine_frames(stack, reject=reject).rejected_high
    return float(np.minimum(rejected, n_outliers).mean() / n_outliers)


@functools.cache
def esd_alpha(n: int) -> float:
    """The ``alpha`` with which esd loses on each side what the others promise."""
    clean = np.random.default_rng(5).standard_normal((n, SAMPLES // n))
    low, high = 1e-4, 0.4
    for _ in range(9):
        alpha = math.sqrt(low * high)
        made = evenfield.combine_frames(clean, reject=f"esd:0.3,{alpha:.6f}")
        lost = (made.rejected_high.sum() + made.rejected_low.sum()) / clean.size / 2
        low, high = (low, alpha) if lost > PROMISE else (alpha, high)
    return math.sqrt(low * high)


if __name__ == "__main__":
    sys.exit(main())
