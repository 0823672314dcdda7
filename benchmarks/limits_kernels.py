"""What corrected limits lose and find, counted through the kernels themselves: the tables of docs/limits.md.

python benchmarks/limits_kernels.py           (a minute)
python benchmarks/limits_kernels.py --more    more samples, limits and numbers of frames (about five minutes)
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


MORE_FRAMES = (5, 8, 20, 60, 165, 300, 500)
MORE_SAMPLES = {2: 4_000_000, 3: 20_000_000, 4: 100_000_000, 5: 200_000_000}
"""Samples by limit: 90,000, 27,000, 3200 and 57 are promised on each side."""


def more() -> None:
    """Print what is lost low / high in units of the promise, for continuous samples and for integers of one level."""
    rng = np.random.default_rng(77)
    heads = [f"limits of {limit}" for limit in MORE_SAMPLES] + [f"integers, {limit}" for limit in (2, 3, 4)]
    print("| | N | " + " | ".join(heads) + " |\n|---|" + "---|" * (1 + len(heads)))
    for text in ("zscore:3", "averaged:3,3", *REJECTIONS[1:]):
        for n in MORE_FRAMES:
            cells = [lost_of_many(text.replace("3", str(limit)), n, limit, False, rng) for limit in MORE_SAMPLES]
            cells += [lost_of_many(text.replace("3", str(limit)), n, limit, True, rng) for limit in (2, 3, 4)]
            print(
                f"| `{text.partition(':')[0]}{', scores' * text.endswith('scores')}` | {n} | "
                + " | ".join(cells)
                + " |",
                flush=True,
            )


def lost_of_many(text: str, n: int, limit: int, integer: bool, rng: np.random.Generator) -> str:
    """The shares of clean samples lost on either side; integers of noise 2 steps lie within a step of one level."""
    promise, low, high, seen = 0.5 * math.erfc(limit / math.sqrt(2)), 0, 0, 0
    while seen < MORE_SAMPLES[limit]:
        stack = rng.standard_normal((n, 4_000_000 // n), dtype=np.float32)
        if integer:
            phases = 1000.0 + np.arange(stack.shape[1]) % 97 / 97
            stack = np.rint(2.0 * stack + phases.astype(np.float32)).astype(np.uint16)
        combined = evenfield.combine_frames(stack, reject=complete(text, math.sqrt(4 + 1 / 12) if integer else 1.0))
        low, high = low + int(combined.rejected_low.sum()), high + int(combined.rejected_high.sum())
        seen += stack.size
    return f"{low / seen / promise:.2f} / {high / seen / promise:.2f}"


def main() -> int:
    """Print the tables, as Markdown."""
    if "--more" in sys.argv[1:]:
        more()
        return 0
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
