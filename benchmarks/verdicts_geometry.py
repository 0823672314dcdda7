"""How well it is told how a flat lies on a light: turned, shifted, mirrored, dust moved; and false alarms.

    python benchmarks/verdicts_geometry.py --trials 100 --seed 1000
    python benchmarks/verdicts_geometry.py --trials 20 --seed 1000 --shape 2400 3400 --lights 10

Lights of S/N 30 a pixel, one or several, motes of 20 to 60 pixels radius and 2 % depth, five in each frame.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

import dust_scenes

from evenfield.examine.geometry import Geometry, Lies, examine_geometry
from evenfield.examine.relief import flat_relief, light_relief

KINDS = ("none", "turned", "little turned", "shifted", "little shifted", "both", "rows", "rows, no response",
         "half turn", "half turn of the optics", "dust")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shape", type=int, nargs=2, default=(1200, 1800))
    parser.add_argument("--motes", type=int, default=5)
    parser.add_argument("--lights", type=int, default=1)
    parser.add_argument("--kinds", default=";".join(KINDS))
    options = parser.parse_args()
    size = "{} x {}".format(*options.shape)
    print(f"Frames of {size}; lights: {options.lights}; trials a line: {options.trials}.\n")
    print("| what was done | told right | angle within 0.1 deg | shift within 0.5 px | rms angle | rms shift | pull of "
          "angle | pull of shift | s a frame |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for kind in options.kinds.split(";"):
        asked = tuple(options.shape), options.motes, options.lights
        rows = [_trial(kind, options.seed + k, *asked) for k in range(options.trials)]
        _print(kind, rows)


def _print(kind: str, rows: list[tuple[bool, float, NDArray[np.float64], Geometry, float]]) -> None:
    right = np.mean([row[0] for row in rows])
    angles, shifts = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    pull_angle = [row[1] / row[3].angle_error_deg for row in rows if row[3].angle_error_deg]
    pull_shift = [
        apart / error for row in rows if row[3].shift_error_px is not None
        for apart, error in zip(row[2], row[3].shift_error_px, strict=True) if error > 0 and not row[3].by_pixels
    ]  # fmt: skip
    cells = [
        kind, f"{100 * right:.1f} %", f"{100 * np.mean(np.abs(angles) <= 0.1):.0f} %",
        f"{100 * np.mean(np.abs(shifts).max(axis=1) <= 0.5):.0f} %", f"{np.sqrt(np.mean(angles**2)):.3f}",
        f"{np.sqrt(np.mean(shifts**2)):.2f}", f"{np.std(pull_angle):.2f}" if len(pull_angle) > 2 else "-",
        f"{np.std(pull_shift):.2f}" if len(pull_shift) > 2 else "-", f"{np.mean([row[4] for row in rows]):.1f}",
    ]  # fmt: skip
    print(f"| {' | '.join(cells)} |", flush=True)


def _trial(
    kind: str, seed: int, shape: tuple[int, int], n: int, lights: int
) -> tuple[bool, float, NDArray[np.float64], Geometry, float]:
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    # Motes that the turn takes out of the frame would not count, so they lie in the circle that stays.
    scene = dust_scenes.scene(
        int(rng.integers(1 << 30)), shape=shape, n=n, prnu=0.0 if "no response" in kind else 0.006
    )
    if kind in ("turned", "both", "half turn of the optics"):
        reach = min(shape) / 2 - 100
        inside = dust_scenes.scattered(rng, (int(2 * reach), int(2 * reach)), n=n, margin=0.15 * 2 * reach)
        assert len(inside) == n, "the circle that stays in the frame is too small for the motes: take a larger --shape"
        top, left = (shape[0] - 2 * reach) / 2, (shape[1] - 2 * reach) / 2
        moved = [dust_scenes.Ring(r.row + top, r.column + left, r.radius, r.depth) for r in inside]
        scene = dust_scenes.Scene(shape, tuple(moved), scene.response)
    angle, shift = 0.0, (0.0, 0.0)
    if kind in ("turned", "both"):
        angle = rng.uniform(-180, 180)
    if kind == "little turned":
        angle = rng.uniform(0.3, 2) * rng.choice([-1, 1])
    if kind in ("shifted", "both"):
        shift = tuple(rng.uniform(-40, 40, 2))
    if kind == "little shifted":
        way, far = rng.uniform(0, 2 * np.pi), rng.uniform(2, 8)
        shift = (far * np.sin(way), far * np.cos(way))
    if kind == "half turn of the optics":
        angle = 180.0
    rings = dust_scenes.placed(scene.rings, shape, angle_deg=angle, shift=shift)
    if kind == "dust":
        rings = dust_scenes.placed(scene.rings[:1], shape, shift=(15.0, -25.0)) + scene.rings[1:]
    flat = dust_scenes.master_flat(scene, rings, rng)
    if kind.startswith("rows"):
        flat = flat[::-1]
    if kind == "half turn":
        flat, angle = flat[::-1, ::-1], 180.0
    seen = [dust_scenes.light(scene, rng) for _ in range(lights)]
    start = time.perf_counter()
    found = examine_geometry(flat_relief(np.ascontiguousarray(flat)), light=light_relief(seen))
    took = time.perf_counter() - start
    off_angle = (found.angle_deg - angle + 180.0) % 360.0 - 180.0
    return _is_right(kind, found), off_angle, np.array(found.shift_px) - shift, found, took


def _is_right(kind: str, found: Geometry) -> bool:
    turned = found.lies in (Lies.TURNED, Lies.TURNED_AND_SHIFTED)
    wanted = {
        "none": found.lies is Lies.WELL and not found.motes,
        "dust": found.lies is Lies.WELL and len(found.motes) > 0,
        "shifted": found.lies is Lies.SHIFTED,
        "little shifted": found.lies is Lies.SHIFTED,
        "rows": found.lies is Lies.FLIPPED,
        "rows, no response": found.lies is Lies.FLIPPED,
    }
    return wanted.get(kind, turned)


if __name__ == "__main__":
    main()
