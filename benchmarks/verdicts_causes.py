"""How often the cause of a flat that does not work is named: fourteen causes, strengths of 1 to 10 detection limits.

python benchmarks/verdicts_causes.py --trials 100 --seed 1000
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from cause_scenes import faulty_night

from evenfield.examine.causes import Ranking, rank_causes
from evenfield.examine.correction import examine_correction
from evenfield.examine.evidence import Measured, gather_evidence
from evenfield.examine.geometry import examine_geometry
from evenfield.examine.relief import flat_relief, light_relief
from evenfield.examine.sky import cells_of_flat, cells_of_light
from evenfield.model.causes import Cause

THIRDS = ((1.0, 10 ** (1 / 3)), (10 ** (1 / 3), 10 ** (2 / 3)), (10 ** (2 / 3), 10.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--causes", default="", help="names of causes, commas between; default all")
    parser.add_argument("--show", action="store_true", help="print what was measured where the answer is wrong")
    options = parser.parse_args()
    wanted = [cause for cause in Cause if not options.causes or cause.name.lower() in options.causes.lower().split(",")]
    head = ("cause", "first", "first two", "1 to 2.2 limits", "2.2 to 4.6", "4.6 to 10", "answered alone", "in a pair",
            "not answered", "taken for")  # fmt: skip
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    rows = []
    for cause in wanted:
        number = list(Cause).index(cause)
        trials = [_trial(cause, options.seed + k, number, options.show) for k in range(options.trials)]
        rows.append(_row(trials, cause))
        print(f"| {cause.value} | {' | '.join(_text(one) for one in rows[-1])} | {_taken(trials, cause)} |", flush=True)
    means = [float(np.nanmean(column)) for column in zip(*rows, strict=True)]
    print(f"| **all causes alike** | {' | '.join(f'**{one:.3f}**' for one in means)} | |")


@dataclasses.dataclass(frozen=True)
class Trial:
    """How strong the fault was, in limits, and how causes were ranked."""

    strength: float
    ranking: Ranking

    @property
    def names(self) -> list[Cause]:
        """The causes, the likeliest first."""
        return [cause for cause, _ in self.ranking.ranked]


def _row(trials: list[Trial], cause: Cause) -> list[float]:
    """Shares: first, first two, first by strength, and how the answer was given where it held the cause."""
    firsts = [one.names[0] is cause for one in trials]
    bands = [[first for one, first in zip(trials, firsts, strict=True) if a <= one.strength < b] for a, b in THIRDS]
    alone = np.mean([one.ranking.answer == (cause,) for one in trials])
    pair = np.mean([len(one.ranking.answer) == 2 and cause in one.ranking.answer for one in trials])
    none = np.mean([not one.ranking.answer for one in trials])
    two = np.mean([cause in one.names[:2] for one in trials])
    return [float(np.mean(firsts)), float(two), *(float(np.mean(band)) if band else np.nan for band in bands),
            float(alone), float(pair), float(none)]  # fmt: skip


def _text(share: float) -> str:
    return "-" if np.isnan(share) else f"{share:.2f}"


def _taken(trials: list[Trial], cause: Cause) -> str:
    wrong = [one.names[0].value for one in trials if one.names[0] is not cause]
    return ", ".join(f"{name} {wrong.count(name)}" for name in sorted(set(wrong)))


def _trial(cause: Cause, seed: int, number: int, show: bool) -> Trial:
    rng = np.random.default_rng([seed, number])
    strength = float(10 ** rng.uniform())
    frames = faulty_night(cause, strength, seed=int(rng.integers(1 << 30)))
    geometry = examine_geometry(flat_relief(frames.flat), light=light_relief(frames.lights))
    cells = [cells_of_light(light, flat=frames.flat) for light in frames.lights]
    colors = examine_correction(cells, flats=cells_of_flat(frames.flat)).colors
    eta = Measured(colors[0].eta.value, colors[0].eta.error) if colors else None
    evidence = gather_evidence(frames, geometry=geometry, eta=eta)
    ranking = rank_causes(evidence)
    if show and ranking.ranked[0][0] is not cause:
        print(f"{cause.name} {strength:.2f}: {[(c.name, round(p, 3)) for c, p in ranking.ranked[:3]]}\n  {evidence}")
    return Trial(strength, ranking)


if __name__ == "__main__":
    main()
