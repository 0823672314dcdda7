"""How many outliers each rejection finds, and what it costs where there are none: the tables of docs/rejections.md.

python benchmarks/rejections.py
"""

from __future__ import annotations

import sys

import numpy as np

import evenfield

REJECTIONS = ("winsorized:3,3", "winsorized:4,3", "sigma:3,3", "zscore:2", "extremes:2", "minmax:1,1")
FRAMES = (5, 8, 10, 12, 20, 30)
PIXELS = 100_000


def main() -> int:
    """Print both tables, as Markdown."""
    rng = np.random.default_rng(1)
    print(f"| frames | {' | '.join(f'`{name}`' for name in REJECTIONS)} |")
    print("|---|" + "---|" * len(REJECTIONS))
    for n_frames in FRAMES:
        print(f"| {n_frames} | {' | '.join(found(n_frames, name, rng) for name in REJECTIONS)} |")
    print()
    clean = rng.normal(0.0, 1.0, (20, PIXELS))
    best = evenfield.combine_frames(clean).value.std()
    print("| 20 frames | signal to noise |\n|---|---|\n| mean, nothing rejected | 1 |")
    for name in REJECTIONS:
        print(f"| `{name}` | {best / evenfield.combine_frames(clean, reject=name).value.std():.3f} |")
    print(f"| median | {best / evenfield.combine_frames(clean, method='median').value.std():.3f} |")
    return 0


def found(n_frames: int, name: str, rng: np.random.Generator) -> str:
    """The share of pixels in which one sample, ten standard deviations too bright, is rejected."""
    stack = rng.normal(0.0, 1.0, (n_frames, PIXELS))
    stack[0] += 10.0
    combined = evenfield.combine_frames(stack, reject=name)
    return f"{100 * np.mean(combined.rejected_high > 0):.0f} %"


if __name__ == "__main__":
    sys.exit(main())
