"""How often sets of frames are judged rightly: false alarms of clean sets, and faults that are found.

python benchmarks/verdicts_sets.py --trials 300 --seed 1000     tables in Markdown

Frames come from the simulated camera: CMOS, color CMOS and CCD of random gain, noise and hot pixels, 5 to 20 frames
a set. The strength of a fault is in units of its limit (docs/verdicts.md); below 1 nothing should be said.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenfield.examine.grids import frame_grid, hot_places, pair_noise
from evenfield.examine.set_findings import dark_findings, flat_findings
from evenfield.examine.sets import dark_set, flat_set
from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.frame import FrameKind
from evenfield.model.verdict_limits import verdict_limits
from evenfield.simulate.camera import Camera
from evenfield.simulate.exposure import expose
from evenfield.simulate.scene import DustMote, Optics, illumination

SHAPE = (320, 480)
LIMITS = verdict_limits(())
Frames = list[NDArray[Any]]


def some_camera(rng: np.random.Generator) -> Camera:
    """A camera of one of three kinds, its numbers drawn at random."""
    kind = rng.integers(3)
    return Camera(
        name="drawn",
        shape=SHAPE,
        egain_e_per_adu=float(rng.uniform(0.2, 2.0)),
        read_noise_e=float(rng.uniform(1.0, 10.0)),
        bias_adu=float(rng.uniform(200.0, 1000.0)),
        bias_pattern_adu=float(rng.uniform(0.5, 4.0)),
        bias_drift_adu=float(rng.uniform(0.0, 0.3)),
        dark_e_per_s=float(rng.uniform(0.001, 0.03)),
        glow_e_per_s=0.0,
        cfa="RGGB" if kind == 1 else None,
        bits=14 if kind == 1 else 16,
        sample_step=4 if kind == 1 else 1,
        is_ccd=bool(kind == 2),
        cosmic_rays_per_s=float(rng.uniform(0.0, 0.05)),
        full_well_e=120_000.0,
        seed=int(rng.integers(1 << 30)),
    )


def some_optics(rng: np.random.Generator) -> Optics:
    """Vignetting of 10 to 50 % and up to eight motes."""
    motes = tuple(
        DustMote(row=float(y), column=float(x), radius=float(r), depth=float(d))
        for y, x, r, d in zip(
            rng.random(8), rng.random(8), rng.uniform(0.01, 0.05, 8), rng.uniform(0.01, 0.1, 8), strict=True
        )
    )
    return Optics(corner_loss=float(rng.uniform(0.1, 0.5)), motes=motes[: rng.integers(9)])


@dataclasses.dataclass(frozen=True)
class Drawn:
    """One trial: a camera, how many frames, and the light of a flat of 1 s."""

    camera: Camera
    n_frames: int
    light: NDArray[np.float64]
    rng: np.random.Generator

    def flats(self, change: Callable[[NDArray[np.float64], int], NDArray[np.float64]] | None = None) -> Frames:
        """Flats of a lamp that drifts by up to 3 %."""
        drift = self.rng.uniform(-0.03, 0.03)
        made = []
        for number in range(self.n_frames):
            light = self.light * (1.0 + drift * number / self.n_frames)
            light = light if change is None else change(light, number)
            made.append(expose(self.camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=light, rng=self.rng))
        return made

    def darks(self, change: Callable[[NDArray[np.float64], int], NDArray[np.float64]] | None = None) -> Frames:
        """Darks of 60 s; ``change`` gives light, ADU of the whole exposure, that leaks in."""
        made = []
        for number in range(self.n_frames):
            leak = None
            if change is not None:
                leak = change(np.zeros(SHAPE), number) * self.camera.egain_e_per_adu / 60.0
            made.append(expose(self.camera, kind=FrameKind.DARK, exposure_s=60.0, light_e_per_s=leak, rng=self.rng))
        return made


def judged_flats(frames: Frames, camera: Camera) -> tuple[Finding, ...]:
    """What is said of flats above their bias."""
    above = [frame.astype(np.float32) - np.float32(camera.bias_adu) for frame in frames]
    middle = len(above) // 2
    found = flat_set(
        [frame_grid(frame, cfa=camera.cfa) for frame in above],
        pair=pair_noise(above[middle - 1], above[middle], cfa=camera.cfa),
        n_pixels=above[0].size,
        structure_limit=LIMITS["pattern"],
        columns=SHAPE[1],
    )
    return flat_findings(found, name="flats", files=[f"{n}.fits" for n in range(len(frames))], limits=LIMITS)


def judged_darks(frames: Frames, camera: Camera) -> tuple[Finding, ...]:
    """What is said of darks."""
    read = [frame.astype(np.float32) for frame in frames]
    middle = len(read) // 2
    pair = pair_noise(read[middle - 1], read[middle], cfa=camera.cfa)
    places = hot_places(np.median(read, axis=0).astype(np.float32))
    found = dark_set(
        [frame_grid(frame, cfa=camera.cfa, hot=places) for frame in read],
        pair=pair,
        n_pixels=read[0].size,
        structure_limit=LIMITS["dark_pattern"] * float(pair.noise.mean()),
    )
    files = [f"{n}.fits" for n in range(len(frames))]
    return dark_findings(found, name="darks", kind=FrameKind.DARK, files=files, limits=LIMITS)


ROWS, COLUMNS = np.indices(SHAPE)
SIDE = (SHAPE[1] // 3 > COLUMNS).astype(float)
SIDE_RMS = float((SIDE - SIDE.mean()).std())
RAMP = COLUMNS / SHAPE[1] - 0.5


def injected(one: Drawn, fault: str, strength: float) -> tuple[Finding, ...]:
    """The findings about a set with a fault, ``strength`` times its limit."""
    n, limit = one.n_frames, LIMITS
    noise = float(np.hypot(one.camera.read_noise_e, np.sqrt(60 * one.camera.dark_e_per_s))) / one.camera.egain_e_per_adu
    if fault == "pattern_apart":
        depth = strength * limit["pattern"] / SIDE_RMS
        return judged_flats(one.flats(lambda light, k: light * (1.0 - depth * SIDE * (k == n // 3))), one.camera)
    if fault == "pattern_changes":
        # Of a change that goes evenly over the set, thirds show two thirds.
        size = strength * limit["pattern"] * 1.5 / float(RAMP.std())
        return judged_flats(one.flats(lambda light, k: light * (1.0 + size * RAMP * k / (n - 1))), one.camera)
    if fault == "flicker_bands":
        size = strength * limit["bands"] * np.sqrt(2.0)
        phases = one.rng.uniform(0.0, 6.28, n)
        return judged_flats(
            one.flats(lambda light, k: light * (1.0 + size * np.sin(ROWS / 3.0 + phases[k]))), one.camera
        )
    if fault == "light_leak":
        size = strength * limit["dark_pattern"] * noise / float(SIDE.std())
        return judged_darks(one.darks(lambda dark, k: dark + size * SIDE * (k == n // 3)), one.camera)
    size = strength * limit["wander"] * noise / 0.5
    return judged_darks(one.darks(lambda dark, k: dark + size * (k % 2)), one.camera)


def drawn(seed: int) -> Drawn:
    """The trial of a seed."""
    rng = np.random.default_rng([seed, 77])
    camera = some_camera(rng)
    level = rng.uniform(0.25, 0.6) * camera.top_adu * camera.egain_e_per_adu
    return Drawn(
        camera=camera,
        n_frames=int(rng.integers(5, 21)),
        light=illumination(some_optics(rng), shape=SHAPE) * level,
        rng=rng,
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1000)
    asked = parser.parse_args()
    alarms: Counter[str] = Counter()
    loud = 0
    for trial in range(asked.trials):
        one = drawn(asked.seed + trial)
        told = [*judged_flats(one.flats(), one.camera), *judged_darks(one.darks(), one.camera)]
        warned = [found for found in told if found.level is not FindingLevel.NOTE]
        alarms.update(found.code for found in told)
        loud += bool(warned)
    print(f"| clean sets ({asked.trials} of flats, {asked.trials} of darks) | |\n|---|---|")
    print(f"| with any WARNING | {loud} ({100 * loud / asked.trials:.2f} %; at most 1 %) |")
    for code, count in alarms.most_common():
        print(f"| `{code}` | {count} |")
    strengths = (0.5, 1.5, 2.0, 4.0)
    print("\n| fault | " + " | ".join(f"{strength:g} times the limit" for strength in strengths) + " |")
    print("|---|" + "---|" * len(strengths))
    for fault in ("pattern_apart", "pattern_changes", "flicker_bands", "light_leak", "level_unstable"):
        cells = []
        for strength in strengths:
            n = max(asked.trials // 10, 1)
            hits = sum(
                any(found.code == fault for found in injected(drawn(asked.seed + 5000 + trial), fault, strength))
                for trial in range(n)
            )
            cells.append(f"{hits} of {n}")
        print(f"| `{fault}` | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
