"""What corrected limits lose and find, counted through the kernels themselves: the tables of docs/limits.md.

python benchmarks/limits_kernels.py    (about two minutes)
"""

from __future__ import annotations

import math
import sys
from typing import Literal

import numpy as np

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
STUDENTIZED = {5: 0.14, 8: 0.51, 10: 0.67, 15: 0.84, 30: 0.935}
"""Power of the deleted Studentized residual test at 0.135 %, one outlier of 5 sigma."""

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
    print("| found of outliers of 5 sigma | " + " | ".join(f"N = {n}" for n in STUDENTIZED) + " |")
    print("|---|" + "---|" * len(STUDENTIZED))
    print("| deleted Studentized residual | " + " | ".join(f"{value:g}" for value in STUDENTIZED.values()) + " |")
    for text in REJECTIONS:
        print(f"| `{text}` | " + " | ".join(f"{found(text, n, rng):.2f}" for n in STUDENTIZED) + " |")
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


def found(text: str, n: int, rng: np.random.Generator) -> float:
    """The share of columns in which a sample 5 sigma too bright is rejected (or, once in 700, another one)."""
    stack = rng.standard_normal((n, COLUMNS))
    stack[0] += 5.0
    combined = evenfield.combine_frames(stack, reject=complete(text, 1.0))
    return float((combined.rejected_high > 0).mean())


if __name__ == "__main__":
    sys.exit(main())
