"""The inferred pedestal by the whole path: simulated nights in files, ``calibrate --pedestal inferred``, the master.

    python benchmarks/verdicts_pedestal.py --trials 8 --seed 1

Each night has flats that hold a bias (with its pattern) and nothing that tells it but lights with their darks.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from sky_scenes import CURVATURE, GRADIENT, XTRANS, SkyScene

from evenfield.cli.path import plan_paths
from evenfield.cli.request import request_of
from evenfield.cli.screen import ProgressLine
from evenfield.examine.inferred import LARGEST_ADU, LARGEST_SHARE
from evenfield.model.frame import FrameKind
from evenfield.model.report import StepResult
from evenfield.run.run import run_plan
from evenfield.simulate.exposure import expose
from evenfield.simulate.scene import Sky, sky_image

MOSAICS = {"mono": None, "Bayer": "RGGB", "X-Trans": XTRANS}
LIGHT_S = 60.0


def write_night(folder: Path, *, scene: SkyScene, sky_e: float, rng: np.random.Generator) -> None:
    """Ten flats, eight darks and six lights."""
    folder.mkdir(parents=True)
    camera, light_on = scene.camera(), scene.light_on()
    count = 0

    def write(kind: str, pixels: np.ndarray, exposure_s: float) -> None:
        nonlocal count
        header = fits.Header({
            "IMAGETYP": kind, "EXPTIME": exposure_s, "INSTRUME": "Simulated", "GAIN": 100, "OFFSET": 50, "XBINNING": 1,
            "YBINNING": 1, "CCD-TEMP": -10.0, "DATE-OBS": f"2026-03-14T20:{count:02d}:00", "SITELONG": 0.0,
            **({} if kind == "DARK" else {"FILTER": "L"}),
            **({"BAYERPAT": scene.cfa} if scene.cfa else {"COLORCCD": 0}),
        })  # fmt: skip
        fits.writeto(folder / f"{kind.lower()}_{count:03d}.fits", pixels, header)
        count += 1

    for _ in range(10):
        lit = light_on * scene.flat_adu * scene.egain * (1.0 + 0.003 * rng.standard_normal())
        write("FLAT", expose(camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=lit, rng=rng), 1.0)
    for _ in range(8):
        nothing = 0.0 * light_on
        write("DARK", expose(camera, kind=FrameKind.DARK, exposure_s=LIGHT_S, light_e_per_s=nothing, rng=rng), LIGHT_S)
    for _ in range(6):
        sky = Sky(
            e_per_s=sky_e / LIGHT_S, gradient=GRADIENT, gradient_deg=rng.uniform(0, 360), curvature=CURVATURE,
            n_stars=100, star_e_per_s=5.0 * scene.star_e / LIGHT_S, seed=scene.seed,
        )  # fmt: skip
        image = sky_image(sky, shape=scene.shape, shift_px=tuple(rng.uniform(-20, 20, 2))) * light_on
        pixels = expose(camera, kind=FrameKind.LIGHT, exposure_s=LIGHT_S, light_e_per_s=image, rng=rng)
        write("LIGHT", pixels, LIGHT_S)


def flat_of(folder: Path, output: Path) -> StepResult:
    """What became of the flats."""
    asked = ("calibrate", "-o", str(output), "--pedestal", "inferred", "--no-report", "--no-examine", str(folder))
    request = request_of(asked)
    plan = plan_paths(
        request.paths, calibration=request.calibration, output=request.output, settings=request.settings,
        progress=ProgressLine(quiet=True), job=request.job,
    )  # fmt: skip
    return next(one for one in run_plan(plan).results if one.kind is FrameKind.FLAT)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=4, help="nights of each mosaic")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print("## Pedestal of flats without dark flats, whole nights of 1.2 MP in files\n")
    print(
        "| camera | nights | made | right to 2 % or 3 ADU, of those | pulls: mean, scatter | refused |\n|" + "---|" * 6
    )
    for name, cfa in MOSAICS.items():
        pulls, right, refused = [], 0, 0
        for trial in range(asked.trials):
            rng = np.random.default_rng([asked.seed, trial, len(cfa or "")])
            true = float(round(np.exp(rng.uniform(np.log(300), np.log(4000)))))
            scene = SkyScene(
                shape=(960, 1272), cfa=cfa, seed=100 * asked.seed + trial, loss=float(rng.choice([0.25, 0.4, 0.6])),
                bias_adu=true, flat_adu=25000.0, flat_frames=10,
            )  # fmt: skip
            with tempfile.TemporaryDirectory() as top:
                folder = Path(top) / "data" / "2026" / "march" / "night"
                write_night(folder, scene=scene, sky_e=float(np.exp(rng.uniform(np.log(900), np.log(30000)))), rng=rng)
                found = flat_of(folder, Path(top) / "out")
            value, error = (found.measured.get(f"inferred_pedestal_{key}") for key in ("adu", "error_adu"))
            if value is None or error is None:
                refused += 1
                print(f"{name} {true:.0f}: {found.why}", file=sys.stderr, flush=True)
                continue
            print(f"{name} {true:.0f}: {value:.1f} +- {error:.1f}", file=sys.stderr, flush=True)
            pulls.append((value - true) / error)
            right += abs(value - true) <= max(LARGEST_SHARE * true, LARGEST_ADU)
        made = len(pulls)
        share = f"{100.0 * right / made:.1f} %" if made else "-"
        said = f"{np.mean(pulls):+.2f}, {np.std(pulls):.2f}" if made else "-"
        print(f"| {name} | {asked.trials} | {made} | {share} | {said} | {refused} |", flush=True)


if __name__ == "__main__":
    main()
