"""How often the cause of a flat that does not work is named: fourteen causes, strengths of 1 to 10 detection limits.

python benchmarks/verdicts_causes.py --trials 100 --seed 1000
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from cause_scenes import faulty_night

from evenfield.examine.causes import rank_causes
from evenfield.examine.evidence import gather_evidence
from evenfield.examine.geometry import examine_geometry
from evenfield.examine.relief import flat_relief, light_relief
from evenfield.model.causes import Cause

THIRDS = ((1.0, 10 ** (1 / 3)), (10 ** (1 / 3), 10 ** (2 / 3)), (10 ** (2 / 3), 10.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--causes", default="", help="names of causes, commas between; default all")
    parser.add_argument("--show", action="store_true", help="print what was measured where the answer is wrong")
    options = parser.parse_args()
    wanted = [cause for cause in Cause if not options.causes or cause.name.lower() in options.causes.lower().split(",")]
    print("| cause | first | first two | 1 to 2.2 limits | 2.2 to 4.6 | 4.6 to 10 | taken for |")
    print("|---|---|---|---|---|---|---|")
    firsts, twos = [], []
    for number, cause in enumerate(wanted):
        rows = [_trial(cause, options.seed + k, number, options.show) for k in range(options.trials)]
        first, two = np.mean([r[1] for r in rows]), np.mean([r[2] for r in rows])
        firsts.append(first)
        twos.append(two)
        parts = []
        for low, high in THIRDS:
            some = [r[1] for r in rows if low <= r[0] < high]
            parts.append(f"{np.mean(some):.2f}" if some else "-")
        wrong = [r[3].value for r in rows if not r[1]]
        taken = ", ".join(f"{name} {wrong.count(name)}" for name in sorted(set(wrong)))
        print(f"| {cause.value} | {first:.2f} | {two:.2f} | {' | '.join(parts)} | {taken} |", flush=True)
    print(f"| **macro** | **{np.mean(firsts):.3f}** | **{np.mean(twos):.3f}** | | | | |")


def _trial(cause: Cause, seed: int, number: int, show: bool) -> tuple[float, bool, bool, Cause]:
    rng = np.random.default_rng([seed, number])
    strength = float(10 ** rng.uniform())
    frames = faulty_night(cause, strength, seed=int(rng.integers(1 << 30)))
    geometry = examine_geometry(flat_relief(frames.flat), light=light_relief(frames.lights))
    evidence = gather_evidence(frames, geometry=geometry)
    ranking = rank_causes(evidence)
    names = [one for one, _ in ranking.ranked]
    if show and names[0] is not cause:
        print(f"{cause.name} {strength:.2f}: {[(c.name, round(p, 3)) for c, p in ranking.ranked[:3]]}\n  {evidence}")
    return strength, names[0] is cause, cause in names[:2], names[0]


if __name__ == "__main__":
    main()
