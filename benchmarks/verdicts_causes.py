"""How often the cause of a flat that does not work is named: fourteen causes, strengths of 1 to 10 detection limits.

python benchmarks/verdicts_causes.py --trials 100 --seed 20000 --keep trials.json
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from cause_scenes import faulty_night

from evenfield.examine.causes import rank_causes
from evenfield.examine.correction import examine_correction
from evenfield.examine.evidence import gather_evidence
from evenfield.examine.geometry import examine_geometry
from evenfield.examine.relief import flat_relief, light_relief
from evenfield.examine.residues import Measured
from evenfield.examine.sky import cells_of_flat, cells_of_light
from evenfield.model.causes import Cause

THIRDS = ((1.0, 10 ** (1 / 3)), (10 ** (1 / 3), 10 ** (2 / 3)), (10 ** (2 / 3), 10.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20, help="of each cause")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--causes", default="", help="names of causes, commas between; default all")
    parser.add_argument("--keep", type=Path, help="a file that keeps trials: those in it are not made again")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long, with the trials made")
    parser.add_argument("--show", action="store_true", help="print what was measured where the answer is wrong")
    options = parser.parse_args()
    wanted = [cause for cause in Cause if not options.causes or cause.name.lower() in options.causes.lower().split(",")]
    trials = _trials(wanted, options)
    head = ("cause", "trials", "first", "first two", "1 to 2.2 limits", "2.2 to 4.6", "4.6 to 10", "answered alone",
            "in a pair", "not answered", "taken for")  # fmt: skip
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    rows = [_row(trials[cause], cause) for cause in wanted]
    for cause, row in zip(wanted, rows, strict=True):
        numbers = " | ".join(_text(one) for one in row)
        print(f"| {cause.value} | {len(trials[cause])} | {numbers} | {_taken(trials[cause], cause)} |")
    means = " | ".join(f"**{float(np.nanmean(column)):.3f}**" for column in zip(*rows, strict=True))
    print(f"| **mean of the causes** | {sum(map(len, trials.values()))} | {means} | |")


def _trials(wanted: list[Cause], options: argparse.Namespace) -> dict[Cause, list[Trial]]:
    """The trials of each cause; all causes of a seed, then those of the next."""
    kept: dict[tuple[str, int], dict[str, Any]] = {}
    if options.keep is not None and options.keep.exists():
        for line in options.keep.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            kept[one["cause"], one["seed"]] = one
    began = time.monotonic()
    made: dict[Cause, list[Trial]] = {cause: [] for cause in wanted}
    for seed in range(options.seed, options.seed + options.trials):
        if time.monotonic() - began > 60.0 * options.minutes:
            break
        for cause in wanted:
            one = kept.get((cause.name, seed))
            if one is None:
                one = _trial(cause, seed, options.show)
                if options.keep is not None:
                    with options.keep.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(one) + "\n")
            ranked = tuple(Cause[name] for name in one["ranked"])
            answer = tuple(Cause[name] for name in one["answer"])
            made[cause].append(Trial(strength=one["strength"], names=ranked, answer=answer))
    return made


@dataclasses.dataclass(frozen=True)
class Trial:
    """How strong the fault was, in limits; the causes, the likeliest first; and the answer."""

    strength: float
    names: tuple[Cause, ...]
    answer: tuple[Cause, ...]


def _row(trials: list[Trial], cause: Cause) -> list[float]:
    """Shares: first, first two, first by strength, and how the answer was given where it held the cause."""
    firsts = [one.names[0] is cause for one in trials]
    bands = [[first for one, first in zip(trials, firsts, strict=True) if a <= one.strength < b] for a, b in THIRDS]
    alone = np.mean([one.answer == (cause,) for one in trials])
    pair = np.mean([len(one.answer) == 2 and cause in one.answer for one in trials])
    none = np.mean([not one.answer for one in trials])
    two = np.mean([cause in one.names[:2] for one in trials])
    return [float(np.mean(firsts)), float(two), *(float(np.mean(band)) if band else np.nan for band in bands),
            float(alone), float(pair), float(none)]  # fmt: skip


def _text(share: float) -> str:
    return "-" if np.isnan(share) else f"{share:.2f}"


def _taken(trials: list[Trial], cause: Cause) -> str:
    wrong = [one.names[0].value for one in trials if one.names[0] is not cause]
    return ", ".join(f"{name} {wrong.count(name)}" for name in sorted(set(wrong)))


def _trial(cause: Cause, seed: int, show: bool) -> dict[str, Any]:
    """One night with a fault, examined: what is kept of it."""
    rng = np.random.default_rng([seed, list(Cause).index(cause)])
    strength = float(10 ** rng.uniform())
    frames = faulty_night(cause, strength, seed=int(rng.integers(1 << 30)))
    geometry = examine_geometry(flat_relief(frames.flat), light=light_relief(frames.lights))
    cells = [cells_of_light(light, flat=frames.flat) for light in frames.lights]
    colors = examine_correction(cells, flats=cells_of_flat(frames.flat)).colors
    eta = Measured(colors[0].eta.value, colors[0].eta.error) if colors else None
    evidence = gather_evidence(frames, geometry=geometry, eta=eta)
    ranking = rank_causes(evidence)
    if show and ranking.ranked[0][0] is not cause:
        print(f"{cause.name} {strength:.2f}: {[(c.name, round(p, 3)) for c, p in ranking.ranked[:3]]}\n  {evidence}",
              flush=True)  # fmt: skip
    return {
        "cause": cause.name,
        "seed": seed,
        "strength": strength,
        "ranked": [name.name for name, _ in ranking.ranked],
        "answer": [name.name for name in ranking.answer],
    }


if __name__ == "__main__":
    main()
