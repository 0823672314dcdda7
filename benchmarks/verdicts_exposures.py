"""How often a bias that drifts, a shutter's shadow, useless overscan and stars in flats are told rightly.

python benchmarks/verdicts_exposures.py --trials 300 --seed 1000     tables in Markdown

Frames come from the simulated camera. The strength of a fault is in units of its limit (docs/verdicts.md).
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenfield.examine.exposures import ExposureLevel, level_line
from evenfield.examine.grids import frame_grid, pair_noise
from evenfield.examine.overscan import OverscanSet, overscan_fault, overscan_frame, overscan_set
from evenfield.examine.points import moving_points
from evenfield.examine.set_findings import bias_drift_finding, shutter_finding, stars_finding
from evenfield.examine.shutter import shutter_shadow
from evenfield.examine.unstable import count_unstable
from evenfield.model.frame import FrameKind
from evenfield.model.verdict_limits import verdict_limits
from evenfield.simulate.camera import Camera
from evenfield.simulate.exposure import expose
from evenfield.simulate.scene import Optics, illumination

SHAPE = (240, 320)
LIMITS = verdict_limits(())
EDGE = 24
ROWS, COLUMNS = np.indices(SHAPE)
R2 = ((ROWS - 119.5) ** 2 + (COLUMNS - 159.5) ** 2) / (119.5**2 + 159.5**2)

Frame = NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Drawn:
    """One trial: a camera, its light, and chance."""

    camera: Camera
    light: NDArray[np.float64]
    rng: np.random.Generator

    def take(self, kind: FrameKind, exposure_s: float, light: NDArray[np.float64] | None = None) -> Frame:
        """One frame; ``light`` in electrons of the whole exposure. The temperature strays by 0.1 C."""
        rate = None if light is None else light / exposure_s
        warm = -10.0 + 0.1 * float(self.rng.standard_normal())
        frame = expose(self.camera, kind=kind, exposure_s=exposure_s, sensor_c=warm, light_e_per_s=rate, rng=self.rng)
        return frame.astype(np.float32)

    @property
    def noise_adu(self) -> float:
        """The read noise, ADU."""
        return self.camera.read_noise_e / self.camera.egain_e_per_adu


def drawn(seed: int) -> Drawn:
    """The trial of a seed."""
    rng = np.random.default_rng([seed, 91])
    kind = int(rng.integers(3))
    egain = float(rng.uniform(0.2, 2.0))
    camera = Camera(
        name="drawn", shape=SHAPE, egain_e_per_adu=egain, read_noise_e=float(rng.uniform(1.5, 10.0)),
        bias_adu=float(rng.uniform(200.0, 1000.0)), bias_pattern_adu=float(rng.uniform(0.5, 4.0)),
        bias_drift_adu=float(rng.uniform(0.0, 0.3)), dark_e_per_s=float(rng.uniform(0.001, 0.3)),
        hot_share=float(rng.uniform(0.0005, 0.02)), cfa="RGGB" if kind == 1 else None, bits=14 if kind == 1 else 16,
        sample_step=4 if kind == 1 else 1, is_ccd=kind == 2, overscan_columns=EDGE,
        cosmic_rays_per_s=float(rng.uniform(0.0, 0.05)), full_well_e=120_000.0, seed=int(rng.integers(1 << 30)),
    )  # fmt: skip
    optics = Optics(corner_loss=float(rng.uniform(0.1, 0.5)))
    level = float(rng.uniform(0.25, 0.55)) * camera.top_adu * egain
    return Drawn(camera=camera, light=illumination(optics, shape=SHAPE) * level, rng=rng)


def bias_drift(one: Drawn, strength: float) -> bool:
    """Bias and darks of three to five exposures; short exposures lie off by ``strength`` limits."""
    exposures = (0.0, *sorted(one.rng.choice([1.0, 5.0, 20.0, 60.0, 120.0, 300.0], int(one.rng.integers(2, 5)), False)))
    sets, noise = [], 0.0
    for exposure in exposures:
        kind = FrameKind.DARK if exposure else FrameKind.BIAS
        frames = [one.take(kind, float(exposure))[:, : SHAPE[1]] for _ in range(int(one.rng.integers(1, 6)))]
        levels = [float(np.mean(frame_grid(frame, cfa=one.camera.cfa).level)) for frame in frames]
        if exposure == 0.0:
            pair = [*frames, one.take(kind, 0.0)[:, : SHAPE[1]]][:2]
            noise = float(np.mean(pair_noise(pair[0], pair[1], cfa=one.camera.cfa).noise))
        off = 0.0 if exposure else -strength * LIMITS["bias_drift"] * noise / 0.7
        sets.append(
            ExposureLevel(
                name=str(exposure),
                exposure_s=float(exposure),
                level_adu=float(np.median(levels)) + off,
                wander_adu=float(np.std(levels, ddof=1)) if len(levels) > 1 else None,
            )
        )
    line = level_line(sets, noise_adu=noise)
    return line is not None and bias_drift_finding(line, name="bias", noise_adu=noise, limits=LIMITS) is not None


def shutter(one: Drawn, strength: float) -> bool:
    """Flats of twilight, 6 to 14 exposed longer and longer, whose gradient grows by up to 2 %."""
    n = int(one.rng.integers(6, 15))
    exposures = 0.5 * float(one.rng.uniform(1.1, 1.4)) ** np.arange(n)
    seconds = strength * LIMITS["shutter"] / float(np.mean(1.0 / exposures))
    turn = float(one.rng.uniform(-0.02, 0.02))
    frames = []
    for number, exposure in enumerate(exposures):
        light = one.light * one.rng.uniform(0.8, 1.2) * (1.0 + turn * (COLUMNS / SHAPE[1] - 0.5) * number / n)
        frame = one.take(FrameKind.FLAT, float(exposure), light * (1.0 - seconds * R2 / exposure))
        frames.append(frame[:, : SHAPE[1]] - np.float32(one.camera.bias_adu))
    found = shutter_shadow(
        [frame_grid(frame, cfa=one.camera.cfa) for frame in frames],
        exposures_s=list(exposures),
        pair=pair_noise(frames[n // 2 - 1], frames[n // 2], cfa=one.camera.cfa),
        n_pixels=frames[0].size,
        cfa=one.camera.cfa,
    )
    return found is not None and shutter_finding(found, name="flats", limits=LIMITS) is not None


def overscan_of(frames: list[Frame], kind: FrameKind) -> OverscanSet:
    """The overscan of frames whose last columns it is."""
    strips = [frame[:, -EDGE:] for frame in frames]
    images = [frame[:, -EDGE - 1 :: -1] for frame in frames]
    return overscan_set(
        [
            overscan_frame(strip, image=image, least_adu=0.0, most_adu=65535.0)
            for strip, image in zip(strips, images, strict=True)
        ],
        kind=kind,
        overscans=strips,
        images=[image[:, : 4 * EDGE] for image in images],
    )


def fault(found: OverscanSet, dark: OverscanSet | None = None) -> bool:
    """Whether anything is said."""
    told = overscan_fault(
        found,
        dark=dark,
        level_limit=LIMITS["overscan_level"],
        light_limit=LIMITS["overscan_light"],
        wander_limit=LIMITS["wander"],
    )
    return told is not None


def overscan(one: Drawn, strength: float) -> bool:
    """Overscan of bias, darks and flats; flats light it by ``strength`` limits of the rows beside it."""
    drift = float(one.rng.choice([0.0, 0.3, 3.0]))
    one = dataclasses.replace(one, camera=dataclasses.replace(one.camera, bias_drift_adu=drift))
    bias = overscan_of([one.take(FrameKind.BIAS, 0.0) for _ in range(8)], FrameKind.BIAS)
    darks = overscan_of([one.take(FrameKind.DARK, 120.0) for _ in range(5)], FrameKind.DARK)
    flats = [one.take(FrameKind.FLAT, 1.0, one.light) for _ in range(8)]
    if strength:
        lit = strength * LIMITS["overscan_light"] * one.light[:, :1] / one.camera.egain_e_per_adu
        for frame in flats:
            frame[:, -EDGE:] += lit
    return fault(bias) or fault(darks) or fault(overscan_of(flats, FrameKind.FLAT), bias)


def stars(one: Drawn, strength: float) -> bool:
    """Six flats of the sky; in each ``strength`` limits of stars of 30 standard errors of their cores, and wider."""
    counts: list[int] = []
    for _ in range(3):
        pair = []
        for _ in range(2):
            light = one.light * one.rng.uniform(0.7, 1.1)
            sigma = float(one.rng.uniform(1.5, 2.5))
            for row, column in one.rng.uniform(30.0, 210.0, (round(strength * LIMITS["stars"]), 2)):
                star = np.exp(-0.5 * ((ROWS - row) ** 2 + (COLUMNS - column * 1.4) ** 2) / sigma**2)
                light = light + 30.0 * np.sqrt(one.light.mean()) * 12.0 * star / sigma**2
            pair.append(one.take(FrameKind.FLAT, 2.0, light)[:, : SHAPE[1]])
        found = moving_points(pair[0], pair[1], cfa=one.camera.cfa)
        counts += [found.first, found.second]
    return stars_finding(counts, name="flats", rejects=False, limits=LIMITS) is not None


def unstable_share(one: Drawn) -> float:
    """The share of steady pixels that are called unstable, in ten darks of 120 s."""
    frames = [one.take(FrameKind.DARK, 120.0)[:, : SHAPE[1]] for _ in range(10)]
    return (count_unstable(frames) or 0) / frames[0].size


FAULTS: dict[str, Callable[[Drawn, float], bool]] = {
    "bias_drifts_with_exposure": bias_drift,
    "shutter_shadow": shutter,
    "overscan_not_usable": overscan,
    "stars_in_flats": stars,
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1000)
    asked = parser.parse_args()
    strengths = (0.5, 1.5, 2.0, 4.0)
    print("| fault | clean sets | " + " | ".join(f"{strength:g} times the limit" for strength in strengths) + " |")
    print("|---|---|" + "---|" * len(strengths))
    n = max(asked.trials // 10, 1)
    for name, told in FAULTS.items():
        alarms = sum(told(drawn(asked.seed + trial), 0.0) for trial in range(asked.trials))
        cells = [f"{alarms} of {asked.trials}"]
        for strength in strengths:
            hits = sum(told(drawn(asked.seed + 50_000 + trial), strength) for trial in range(n))
            cells.append(f"{hits} of {n}")
        print(f"| `{name}` | " + " | ".join(cells) + " |", flush=True)
    share = float(np.mean([unstable_share(drawn(asked.seed + trial)) for trial in range(n)]))
    print(f"\nSteady pixels of {n} cameras that are counted as unstable: {1e6 * share:.1f} of a million.")


if __name__ == "__main__":
    main()
