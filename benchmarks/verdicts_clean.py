"""How often whole clean nights are warned of: each is written, surveyed, planned, made and examined.

python benchmarks/verdicts_clean.py --trials 300 --seed 60000

Cameras, optics, skies and numbers of frames are drawn at random, within what a careful observer brings home: flats at
half of full scale, dark flats or bias of the same settings, darks of the lights' exposure. Nothing is wrong with any.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

import evenfield
from evenfield.model.findings import FindingLevel
from evenfield.model.report import Report, Verdict
from evenfield.simulate import simulate_night
from evenfield.simulate.camera import Camera
from evenfield.simulate.recipes import FilterRecipe, NightRecipe
from evenfield.simulate.scene import DustMote, Optics, Sky, lamp_for_level


def some_night(rng: np.random.Generator) -> NightRecipe:
    """A night of one of three kinds of camera."""
    kind = int(rng.integers(3))
    top = 16383 * 4 if kind == 1 else 65535
    camera = Camera(
        name=f"drawn {('CMOS', 'color CMOS', 'CCD')[kind]}",
        shape=(480, 720),
        egain_e_per_adu=float(rng.uniform(0.2, 2.0)),
        read_noise_e=float(rng.uniform(1.2, 9.0)),
        bias_adu=float(rng.uniform(300.0, 1200.0)),
        bias_pattern_adu=float(rng.uniform(0.5, 3.0)),
        bias_drift_adu=float(rng.uniform(0.0, 0.2)),
        dark_e_per_s=float(rng.uniform(0.001, 0.02)),
        glow_e_per_s=float(rng.choice([0.0, 0.02])),
        cfa="RGGB" if kind == 1 else None,
        bits=14 if kind == 1 else 16,
        sample_step=4 if kind == 1 else 1,
        is_ccd=kind == 2,
        cosmic_rays_per_s=float(rng.uniform(0.0, 0.03)),
        full_well_e=150_000.0,
        seed=int(rng.integers(1 << 30)),
    )
    motes = tuple(
        DustMote(row=float(y), column=float(x), radius=float(r), depth=float(d))
        for y, x, r, d in zip(
            rng.uniform(0.1, 0.9, 8), rng.uniform(0.1, 0.9, 8), rng.uniform(0.02, 0.06, 8), rng.uniform(0.02, 0.1, 8),
            strict=True,
        )
    )  # fmt: skip
    exposure_s = float(rng.choice([1.0, 2.0, 4.0]))
    lamp = lamp_for_level(camera, level_adu=0.48 * top - camera.bias_adu, exposure_s=exposure_s)
    lights_s = 120.0
    sky_adu = float(rng.uniform(400.0, 3000.0))
    has_dark_flats = bool(rng.integers(2))
    return NightRecipe(
        camera=camera,
        optics=Optics(corner_loss=float(rng.uniform(0.15, 0.5)), motes=motes[: rng.integers(2, 9)]),
        lamp=dataclasses.replace(lamp, drift=float(rng.uniform(-0.03, 0.03))),
        sky=Sky(
            e_per_s=sky_adu * camera.egain_e_per_adu / lights_s, gradient=float(rng.uniform(0.0, 0.1)),
            gradient_deg=float(rng.uniform(0.0, 360.0)), curvature=float(rng.uniform(-0.02, 0.02)),
            star_e_per_s=float(rng.uniform(20.0, 200.0)), seed=int(rng.integers(1 << 30)),
        ),
        filters=(
            FilterRecipe(
                name=None if kind == 1 else "L", transmission=1.0, exposure_s=exposure_s,
                n_flats=int(rng.integers(12, 21)), n_lights=int(rng.integers(2, 7)),
            ),
        ),
        n_dark_flats=12 if has_dark_flats else 0,
        n_bias=12,
        n_darks=int(rng.integers(6, 11)),
        dark_exposure_s=lights_s,
    )  # fmt: skip


def examined(recipe: NightRecipe, seed: int) -> Report:
    """The report of an examination of such a night."""
    with tempfile.TemporaryDirectory(prefix="evenfield-nights-") as folder:
        night, output = Path(folder, "night"), str(Path(folder, "masters"))
        simulate_night(night, recipe=recipe, seed=seed)
        plan = evenfield.make_plan(evenfield.survey_folders([night]), output=output, job="examine")
        return evenfield.run_plan(plan, record=False, thorough=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print each warning")
    asked = parser.parse_args()
    warned, codes, verdicts = 0, Counter[str](), Counter[str]()
    for trial in range(asked.trials):
        rng = np.random.default_rng([asked.seed, trial])
        report = examined(some_night(rng), seed=int(rng.integers(1 << 30)))
        findings = [*report.findings, *(one for result in report.results for one in result.findings)]
        told = {one.code: one for one in findings if one.level in (FindingLevel.WARNING, FindingLevel.BLOCKER)}
        warned += bool(told)
        codes.update(told.keys())
        verdicts.update(result.verdict for result in report.results if result.kind == "light")
        if asked.show:
            for one in told.values():
                print(f"  {trial}: {one.message}", flush=True)
    total = sum(verdicts.values())
    print("| clean nights | with any WARNING (at most 1 %) | each code (at most 0.1 %) | of the lights' verdicts |")
    print("|---|---|---|---|")
    which = ", ".join(f"`{code}` {count}" for code, count in codes.most_common()) or "none"
    words = ", ".join(f"{100 * verdicts[one] / total:.0f} % {one}" for one in Verdict if verdicts[one])
    print(f"| {asked.trials} | {warned} ({100 * warned / asked.trials:.1f} %) | {which} | {words} |")


if __name__ == "__main__":
    main()
