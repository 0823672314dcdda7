"""How often the verdicts on over- and under-correction are right, and the inferred pedestals: as Markdown tables.

    python benchmarks/verdicts_correction.py --trials 100 --seed 1
    python benchmarks/verdicts_correction.py --parts frames --trials 10 --seed 1
    python benchmarks/verdicts_correction.py --parts alarms --trials 2000 --seed 1

Parts: `rests` (drawn cells, a rest of the flat injected both ways), `frames` (the same with whole frames), `alarms`
(clean flats of all sorts), `pedestal` (flats without dark flats, all sorts). Drawn cells are those of frames: a test
holds them equal (tests/examine/test_examine_correction.py). Seeds from 1000 on are for figures that are published.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from sky_scenes import (
    XTRANS,
    SkyScene,
    drawn_cells,
    drawn_noise_points,
    flat_frame,
    light_frame,
)

from evenfield.examine.correction import Correction, CorrectionVerdict, examine_correction
from evenfield.examine.inferred import LARGEST_ADU, LARGEST_SHARE, LIGHT_REST_ADU, ReadNoise, infer_pedestal
from evenfield.examine.laws import EXPONENT
from evenfield.examine.noise_line import BOW
from evenfield.examine.sky import cells_of_flat, cells_of_light
from evenfield.examine.sky_fit import sky_bound

RESTS = (0.0, 0.01, -0.01, 0.02, -0.02, 0.05, -0.05)
MOSAICS = {"mono": None, "Bayer": "RGGB", "X-Trans": XTRANS}
UNDER, OVER = CorrectionVerdict.UNDER, CorrectionVerdict.OVER


def percent(hits: Sequence[bool]) -> str:
    """How many of how many."""
    return f"{100.0 * np.mean(hits):.1f} %" if len(hits) else "-"


def row(name: str, scene: SkyScene, found: Sequence[Correction], extra: str = "") -> str:
    """A line of the table of rests."""
    known = [one for one in found if one.rests is not None and one.eta is not None]
    rests = np.array([one.rests.in_flat.value for one in known])
    pulls = np.array([(one.rests.in_flat.value - scene.rest_adu) / one.rests.in_flat.error for one in known])
    etas = np.array([one.eta.value for one in known])
    right = UNDER if scene.flat_rest > 0 else OVER
    wrong = OVER if scene.flat_rest > 0 else UNDER
    if scene.flat_rest:
        sign = percent(list(np.sign(rests) == np.sign(scene.flat_rest)))
        size = percent(list(np.abs(rests - scene.rest_adu) <= 0.2 * abs(scene.rest_adu)))
        verdicts = percent([one.verdict is right for one in found])
        false = percent([one.verdict is wrong for one in found])
    else:
        sign, size = "-", f"eta < 0.005: {percent(list(np.abs(etas) < 0.005))}"
        verdicts = percent([one.verdict is CorrectionVerdict.WORKS for one in found])
        false = percent([one.verdict in (UNDER, OVER) for one in found])
    cannot = percent([one.verdict is CorrectionVerdict.CANNOT_TELL for one in found])
    works = percent([one.verdict is CorrectionVerdict.WORKS for one in found])
    error = np.median([one.eta.error for one in known])
    return (
        f"| {name} | {100 * scene.flat_rest:+.0f} % | {len(found)} | {sign} | {size} "
        f"| {np.median(etas):+.4f} ± {error:.4f} | {pulls.mean():+.2f}, {pulls.std():.2f} | {extra} "
        f"| {verdicts} | {works} | {cannot} | {false} |"
    )


HEAD = (
    "| scene | rest | trials | sign right | rest within 20 % | eta (median), error | pulls: mean, scatter | "
    "error/bound | right verdict | works | cannot tell | false |\n|" + "---|" * 12
)


def scene_of(cfa: str | None, rest: float, seed: int) -> SkyScene:
    """The stated scene: 8 MP, vignetting of 20 % with an r^4 part, 10 motes of 2 %, a sky of S/N 30 a pixel."""
    return SkyScene(cfa=cfa, flat_rest=rest, seed=seed)


def rests(trials: int, seed: int, mosaics: Sequence[str], lights: Sequence[int], stated: Sequence[float]) -> None:
    """Drawn cells with a rest injected."""
    print(f"## Rests of the flat, drawn cells of 8 MP\n\n{HEAD}")
    for mosaic in mosaics:
        for n_lights in lights:
            for rest in stated:
                found, ratios = [], []
                for trial in range(trials):
                    scene = scene_of(MOSAICS[mosaic], rest, seed * 100 + trial % 8)
                    rng = np.random.default_rng([seed, trial, n_lights, round(1000 * rest) + 500])
                    drawn, flats = drawn_cells(scene, rng, lights=n_lights)
                    found.append(examine_correction(drawn, flats=flats))
                    if rest == 0 and trial < 8:
                        for place, color in enumerate(found[-1].colors):
                            bound = sky_bound([one[place] for one in drawn], flat=flats[place], law=EXPONENT)
                            ratios.append(color.eta.error / bound[0, 0] ** 0.5)
                extra = f"{max(ratios):.3f}" if ratios else ""
                print(row(f"{mosaic}, {n_lights} lights", scene, found, extra), flush=True)


def frames(trials: int, seed: int, mosaics: Sequence[str], n_lights: int, stated: Sequence[float]) -> None:
    """Whole frames of 8 MP with stars: flats with and without a rest for the same lights."""
    print(f"## Rests of the flat, whole frames of 8 MP\n\n{HEAD}")
    for mosaic in mosaics:
        found: dict[float, list[Correction]] = {rest: [] for rest in stated}
        ratios, seconds = [], []
        for trial in range(trials):
            scene = scene_of(MOSAICS[mosaic], 0.0, seed * 100 + trial)
            rng = np.random.default_rng([seed, trial, 9])
            flat, noise = flat_frame(scene, rng)
            parts: dict[float, list] = {rest: [] for rest in stated}
            for _ in range(n_lights):
                light = light_frame(scene, rng)
                for rest in stated:
                    start = time.perf_counter()
                    with_rest = flat + np.float32(rest * scene.flat_adu)
                    parts[rest].append(cells_of_light(light, flat=with_rest, cfa=scene.cfa))
                    seconds.append(time.perf_counter() - start)
            for rest in stated:
                with_rest = flat + np.float32(rest * scene.flat_adu)
                flats = cells_of_flat(with_rest, noise=noise, cfa=scene.cfa)
                found[rest].append(examine_correction(parts[rest], flats=flats))
            if 0.0 in stated:
                # The bound is that of all cells and pixels, stars or not.
                ideal, flats = drawn_cells(scene, rng, lights=n_lights)
                for place, color in enumerate(found[0.0][-1].colors):
                    bound = sky_bound([one[place] for one in ideal], flat=flats[place], law=EXPONENT)
                    ratios.append(color.eta.error / bound[0, 0] ** 0.5)
        for rest in stated:
            extra = f"{max(ratios):.3f}" if ratios and rest == 0 else ""
            scene = scene_of(MOSAICS[mosaic], rest, seed)
            print(row(f"{mosaic}, {n_lights} lights", scene, found[rest], extra), flush=True)
        print(f"\n{np.median(seconds):.2f} s a light of 8 MP\n")


def alarms(trials: int, seed: int) -> None:
    """Clean flats of all sorts: how often they are called wrong, and whether errors are honest."""
    rng = np.random.default_rng([seed, 3])
    found, pulls = [], []
    for trial in range(trials):
        scene = SkyScene(
            shape=((400, 550), (800, 1100))[trial % 2],
            cfa=(None, None, "RGGB")[trial % 3], seed=seed * 100 + trial % 40,
            loss=float(rng.choice([0.2, 0.3, 0.45, 0.6])), motes=int(rng.integers(0, 15)),
            flat_frames=int(rng.choice([1, 5, 20])), flat_adu=float(rng.choice([5000, 30000])),
            r4_part=float(rng.choice([0.2, 0.5, 0.8])),
        )  # fmt: skip
        lights, flats = drawn_cells(scene, rng, lights=int(rng.choice([1, 2, 5])))
        found.append(examine_correction(lights, flats=flats))
        pulls += [color.eta.value / color.eta.error for color in found[-1].colors]
    print("## Clean flats of all sorts, drawn cells of 0.2 and 0.9 MP\n")
    print("| trials | over or under | works | cannot tell | pulls of eta: mean, scatter, beyond 4 |")
    print("|" + "---|" * 5)
    faults = [one.verdict in (UNDER, OVER) for one in found]
    print(
        f"| {trials} | {sum(faults)} ({percent(faults)}) "
        f"| {percent([one.verdict is CorrectionVerdict.WORKS for one in found])} | "
        f"{percent([one.verdict == 'cannot tell' for one in found])} | {np.mean(pulls):+.3f}, {np.std(pulls):.3f}, "
        f"{np.count_nonzero(np.abs(pulls) > 4)} of {len(pulls)} |\n"
    )


def pedestal(trials: int, seed: int) -> None:
    """Flats without dark flats, of all sorts: right to 2 % or 3 ADU, and answered where they can be."""
    rng = np.random.default_rng([seed, 4])
    rows: list[dict[str, object]] = []
    for trial in range(trials):
        level = float(rng.choice([10000, 30000]))
        true = float(np.exp(rng.uniform(np.log(200), np.log(4000))))
        scene = SkyScene(
            shape=(1200, 1600), cfa=(None, None, "RGGB", XTRANS)[trial % 4], seed=seed * 100 + trial % 40,
            flat_adu=level, flat_rest=true / level, loss=float(rng.choice([0.25, 0.4, 0.6])),
            read_noise_e=float(rng.uniform(1.0, 8.0)), light_rest_adu=LIGHT_REST_ADU * float(rng.standard_normal()),
            flat_frames=30, egain=float(rng.choice([0.5, 1.0, 2.0])),
        )  # fmt: skip
        n_lights = int(rng.choice([0, 3, 6, 12]))
        brightness = float(np.exp(rng.uniform(0.0, np.log(20.0))))
        skies = scene.sky_e * brightness * np.exp(rng.uniform(-0.8, 0.8, n_lights) * (rng.random() < 0.5))
        lights, flats = drawn_cells(scene, rng, skies_e=tuple(skies) or (scene.sky_e,))
        levels = (1.0,) if rng.random() < 0.5 else (0.3, 0.6, 1.0)
        points = drawn_noise_points(scene, rng, levels=levels, pairs=15, bow=BOW * float(rng.standard_normal()))
        read = scene.read_noise_e / scene.egain
        known = ReadNoise(value_adu=read * (1.0 + 0.02 * rng.standard_normal()), error_adu=0.02 * read)
        unknown = bool(rng.random() < 0.3)
        found = infer_pedestal(
            lights if n_lights else [], flats=flats, noise=points, read_noise=None if unknown else known
        )
        limit = max(LARGEST_SHARE * true, LARGEST_ADU)
        both = found.together
        rows.append({
            "answered": found.pedestal_adu is not None,
            "right": found.pedestal_adu is not None and abs(found.pedestal_adu - true) <= limit,
            "could": both is not None and both.bound <= 0.5 * limit,
            "pull": (both.value - true) / both.error if both is not None else np.nan,
            "sky": (found.by_sky.value - true) / found.by_sky.error if found.by_sky is not None else np.nan,
            "noise": (found.by_noise.value - true) / found.by_noise.error if found.by_noise is not None else np.nan,
            "ratio": both.error / both.bound if both is not None else np.nan,
            "checked": found.checked,
            "with": {
                "all", "flats of one level" if len(levels) == 1 else "flats of three levels",
                "no lights" if not n_lights else "lights",
                {1: "mono", 4: "Bayer", 36: "X-Trans"}[len(scene.cfa or "L")],
            },
        })  # fmt: skip
    print("## Pedestal of flats without dark flats, drawn cells of 2 MP\n")
    print("| scenes | trials | answered | right to 2 % or 3 ADU, of those | two ways agreed, of those ", end="")
    print(
        "| bound below half of the limit | answered, of those | pulls: mean, scatter | error over bound: median, most |"
    )
    print("|" + "---|" * 9)
    for name in (
        "all",
        "lights",
        "no lights",
        "mono",
        "Bayer",
        "X-Trans",
        "flats of one level",
        "flats of three levels",
    ):
        mine = [one for one in rows if name in one["with"]]
        answered = [one for one in mine if one["answered"]]
        could = [one for one in mine if one["could"]]
        pulls, ratios = (np.array([one[key] for one in mine], float) for key in ("pull", "ratio"))
        if not np.isfinite(pulls).any():
            continue
        print(
            f"| {name} | {len(mine)} | {len(answered)} | {percent([one['right'] for one in answered])} | "
            f"{percent([one['checked'] for one in answered])} | {len(could)} | "
            f"{percent([one['answered'] for one in could])} | {np.nanmean(pulls):+.2f}, {np.nanstd(pulls):.2f} | "
            f"{np.nanmedian(ratios):.2f}, {np.nanmax(ratios):.2f} |"
        )
    sky, noise = (np.array([one[key] for one in rows], float) for key in ("sky", "noise"))
    print(
        f"\nPulls of each way alone: by the sky {np.nanmean(sky):+.2f}, {np.nanstd(sky):.2f}; by the noise "
        f"{np.nanmean(noise):+.2f}, {np.nanstd(noise):.2f}.\n"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parts", nargs="+", default=["rests"], choices=["rests", "frames", "alarms", "pedestal"])
    parser.add_argument("--mosaics", nargs="+", default=["mono"], choices=list(MOSAICS))
    parser.add_argument("--lights", nargs="+", type=int, default=[10])
    parser.add_argument("--rests", nargs="+", type=float, default=[100 * rest for rest in RESTS], help="percent")
    asked = parser.parse_args()
    stated = [rest / 100.0 for rest in asked.rests]
    if "rests" in asked.parts:
        rests(asked.trials, asked.seed, asked.mosaics, asked.lights, stated)
    if "frames" in asked.parts:
        frames(asked.trials, asked.seed, asked.mosaics, asked.lights[0], stated)
    if "alarms" in asked.parts:
        alarms(asked.trials, asked.seed)
    if "pedestal" in asked.parts:
        pedestal(asked.trials, asked.seed)


if __name__ == "__main__":
    main()
