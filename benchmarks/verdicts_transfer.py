"""How well photon transfer and "dark flats or bias?" answer, on the simulated camera and on real frames.

Usage: python benchmarks/verdicts_transfer.py --trials N --seed S [--part NAME ...] [--scene INDEX ...]

Parts: transfer (frames of 1 MP), pulls (many small sets: error bars and the Cramer-Rao bound), real (the STL-1001E
set), noise (predicted and measured noise of a master flat), choice (bias or dark flats). Each prints a Markdown table
of what was asked and what was measured. Seeds from 1000 on are for published figures.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenfield.examine.bias_or_dark_flat import DarkFlatAnswer, bias_or_dark_flats, flat_levels
from evenfield.examine.dark_sets import DarkSet
from evenfield.examine.flat_noise import CameraNoise, camera_noise, master_flat_noise, noise_between
from evenfield.examine.transfer import TransferFrames
from evenfield.examine.transfer_curve import measure_transfer
from evenfield.examine.transfer_values import Measured, PhotonTransfer
from evenfield.model.frame import FrameKind
from evenfield.simulate import Camera, DustMote, Lamp, Optics, camera_patterns, color_image, expose, illumination

EXPOSURE_S = 2.0
X_TRANS = "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"
MOTES = (DustMote(row=0.31, column=0.22, radius=0.03, depth=0.1), DustMote(row=0.7, column=0.6, radius=0.02, depth=0.2))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scene:
    """A camera, its flats' level as a share of full scale (or full well), and the light's vignetting."""

    name: str
    camera: Camera
    share: float = 0.5
    corner_loss: float = 0.35
    drift: float = 0.02
    jitter: float = 0.01
    gradient_change: float = 0.0

    def of_shape(self, shape: tuple[int, int], seed: int) -> Scene:
        """A smaller sensor with as many cosmic rays for each pixel."""
        rays = self.camera.cosmic_rays_per_s * math.prod(shape) / math.prod(self.camera.shape)
        camera = dataclasses.replace(self.camera, shape=shape, seed=seed, cosmic_rays_per_s=rays)
        return dataclasses.replace(self, camera=camera)

    @property
    def top_e(self) -> float:
        camera = self.camera
        return min((camera.top_adu - camera.bias_adu) * camera.egain_e_per_adu, camera.full_well_e)

    def light(self) -> NDArray[np.float64]:
        """Electrons a second at an average pixel."""
        optics = Optics(corner_loss=self.corner_loss, motes=MOTES)
        return illumination(optics, shape=self.camera.shape) * (self.share * self.top_e / EXPOSURE_S)

    def flats(self, n_frames: int, rng: np.random.Generator) -> Iterator[NDArray[np.uint16]]:
        light = self.light()
        lamp = Lamp(e_per_s=1.0, drift=self.drift, jitter=self.jitter)
        for level in lamp.levels(n_frames, rng=rng):
            yield expose(self.camera, kind=FrameKind.FLAT, exposure_s=EXPOSURE_S, light_e_per_s=light * level, rng=rng)

    def darks(self, n_frames: int, rng: np.random.Generator) -> Iterator[NDArray[np.uint16]]:
        for _ in range(n_frames):
            yield expose(self.camera, kind=FrameKind.DARK_FLAT, exposure_s=EXPOSURE_S, rng=rng)

    def bias(self, n_frames: int, rng: np.random.Generator) -> Iterator[NDArray[np.uint16]]:
        for _ in range(n_frames):
            yield expose(self.camera, kind=FrameKind.BIAS, exposure_s=0.0, rng=rng)


def _camera(**changes: Any) -> Camera:
    return Camera(shape=(1000, 1000), hot_share=0.001, cosmic_rays_per_s=0.5, **{"name": "bench", **changes})


SCENES = (
    Scene(
        name="mono CMOS, 16 bit",
        camera=_camera(egain_e_per_adu=0.26, read_noise_e=1.5, full_well_e=60000.0),
    ),
    Scene(
        name="Bayer CMOS, 14 bit x4",
        camera=_camera(
            egain_e_per_adu=0.8, read_noise_e=3.2, bits=14, sample_step=4, cfa="RGGB", full_well_e=60000.0
        ),
    ),
    Scene(
        name="mono CMOS, 12 bit x16, 1 e per count",
        camera=_camera(egain_e_per_adu=0.0625, read_noise_e=1.7, bits=12, sample_step=16, bias_adu=800.0),
    ),
    Scene(
        name="mono CMOS, 12 bit x16, noise 0.7 counts",
        camera=_camera(egain_e_per_adu=0.3125, read_noise_e=3.5, bits=12, sample_step=16, bias_adu=800.0),
    ),
    Scene(
        name="CCD, one level, bias drifts 1 ADU",
        camera=_camera(
            egain_e_per_adu=2.0, read_noise_e=13.0, bias_adu=1000.0, bias_drift_adu=1.0, full_well_e=150000.0
        ),
        corner_loss=0.0, share=0.3,
    ),
    Scene(
        name="X-Trans, 14 bit",
        camera=_camera(
            egain_e_per_adu=2.9, read_noise_e=4.0, bits=14, cfa=X_TRANS, bias_adu=1024.0, full_well_e=60000.0
        ),
    ),
    Scene(
        name="mono, center saturated at full well",
        camera=_camera(egain_e_per_adu=1.0, read_noise_e=5.0, full_well_e=45000.0), share=0.9, corner_loss=0.6,
    ),
    Scene(
        name="mono, center saturated at the converter",
        camera=_camera(egain_e_per_adu=0.26, read_noise_e=1.5, full_well_e=60000.0), share=0.9, corner_loss=0.6,
    ),
)  # fmt: skip


CHOSEN: list[int] = []
"""The scenes that are asked for, by their index."""


def chosen_scenes(most: int = len(SCENES)) -> list[tuple[int, Scene]]:
    return [(index, SCENES[index]) for index in CHOSEN if index < most]


def transfer_of(scene: Scene, n_flats: int, n_darks: int, seed: int, *, bias: bool = False) -> PhotonTransfer:
    rng = np.random.default_rng([seed, 7])
    camera = scene.camera
    flats = TransferFrames(camera.shape, is_flat=True, cfa=camera.cfa, pedestal_adu=camera.bias_adu)
    darks = TransferFrames(camera.shape, is_flat=False, cfa=camera.cfa)
    darks.add_all((scene.bias if bias else scene.darks)(n_darks, rng))
    flats.add_all(scene.flats(n_flats, rng))
    return measure_transfer(flats, darks=darks)


def bounds(scene: Scene, n_flats: int, n_darks: int) -> dict[str, tuple[float, float, float]]:
    """The Cramer-Rao bound of each color: relative error of gain, of read noise in ADU, and in electrons."""
    camera = scene.camera
    level = scene.light() * EXPOSURE_S / camera.egain_e_per_adu * color_image(camera)
    read = (camera.read_noise_e / camera.egain_e_per_adu) ** 2
    start, slope = read + camera.sample_step**2 / 12.0, 1.0 / camera.egain_e_per_adu
    top = 0.9 * scene.top_e / camera.egain_e_per_adu
    found = {}
    period = math.isqrt(len(camera.cfa)) if camera.cfa else 1
    for color in sorted(set(camera.cfa or " ")):
        parts = [
            level[place // period :: period, place % period :: period].ravel()
            for place in range(period * period)
            if not camera.cfa or camera.cfa[place] == color
        ]
        x = np.concatenate(parts)
        n = x.size
        x = x[x < top]
        v2 = (start + slope * x) ** 2
        half = 0.5 * (n_flats - 1)
        information = half * np.array([[np.sum(1 / v2), np.sum(x / v2)], [np.sum(x / v2), np.sum(x * x / v2)]])
        information[0, 0] += 0.5 * n * (n_darks - 1) / start**2
        covariance = np.linalg.inv(information)
        gradient_e = np.array([0.5 / read, -1.0 / slope])
        found[color.strip()] = (
            math.sqrt(covariance[1, 1]) / slope,
            0.5 * math.sqrt(covariance[0, 0]) / read,
            math.sqrt(gradient_e @ covariance @ gradient_e),
        )
    return found


def part_transfer(trials: int, seed: int) -> None:
    print(
        "\n## Photon transfer, 20 flats + 20 dark flats of 1 MP, lamp 1 % between frames "
        f"({trials} trials, seed {seed})\n"
    )
    print("| camera | step | gain: worst error | asked | read noise: worst error | asked | saturation |")
    print("|---|---|---|---|---|---|---|")
    for index, scene in chosen_scenes():
        gains, noises, tops, step = [], [], [], None
        for trial in range(trials):
            one = scene.of_shape((1000, 1000), seed + 100 * index + trial)
            found = transfer_of(one, 20, 20, seed + 100 * index + trial)
            step = found.step_adu
            true = scene.camera.read_noise_e / scene.camera.egain_e_per_adu
            for plane in found.planes:
                egain, noise = plane.egain_e_per_adu, plane.read_noise_adu
                gains.append(math.nan if egain is None else egain.value / scene.camera.egain_e_per_adu - 1)
                noises.append(math.nan if noise is None else noise.value / true - 1)
                tops.append(plane.saturation_adu)
        worst_gain, worst_noise = np.max(np.abs(gains)), np.max(np.abs(noises))
        seen = [top for top in tops if top is not None]
        real = scene.top_e / scene.camera.egain_e_per_adu + scene.camera.bias_adu
        text = f"{np.mean(seen):.0f} (true {real:.0f})" if seen else "not reached"
        print(
            f"| {scene.name} | {step:.0f} | {100 * worst_gain:.3f} % | 0.3 % | "
            f"{100 * worst_noise:.2f} % | 2 % | {text} |",
            flush=True,
        )


def part_pulls(trials: int, seed: int) -> None:
    print(f"\n## Error bars, 20 flats + 20 bias of 192 x 192 ({trials} trials, seed {seed})\n")
    print(
        "| camera | gain pull mean, std (0.9 .. 1.1) | error / bound (1.3) | "
        "read noise pull mean, std | error / bound |"
    )
    print("|---|---|---|---|---|")
    for index, scene in chosen_scenes():
        side = 192
        gain_pulls, noise_pulls, gain_errors, noise_errors = [], [], [], []
        bound = None
        for trial in range(trials):
            one = scene.of_shape((side, side), seed + 5)
            bound = bound or bounds(one, 20, 20)
            found = transfer_of(one, 20, 20, seed + 10000 * (index + 1) + trial, bias=True)
            true = scene.camera.read_noise_e / scene.camera.egain_e_per_adu
            for plane in found.planes:
                _keep(
                    plane.egain_e_per_adu, scene.camera.egain_e_per_adu, bound[plane.color][0], gain_pulls, gain_errors
                )
                _keep(plane.read_noise_adu, true, bound[plane.color][1], noise_pulls, noise_errors)
        print(
            f"| {scene.name} | {np.mean(gain_pulls):+.2f}, {np.std(gain_pulls):.2f} | {_rms(gain_errors):.2f} | "
            f"{np.mean(noise_pulls):+.2f}, {np.std(noise_pulls):.2f} | {_rms(noise_errors):.2f} |",
            flush=True,
        )


def _keep(found: Measured | None, true: float, bound: float, pulls: list[float], errors: list[float]) -> None:
    if found is not None:
        pulls.append((found.value - true) / found.error)
        errors.append((found.value / true - 1.0) / bound)


def _rms(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def part_real(trials: int, seed: int) -> None:
    """The STL-1001E set: disjoint pairs beside each other, the whole set, and the noise of its master flat."""
    folder = _real_folder()
    if folder is None:
        print("\n## Real frames: absent (EVENFIELD_TEST_DATA)")
        return
    flats, bias = _stl_frames(folder)
    print("\n## STL-1001E: 10 dome flats, 10 bias (real; header 2.06 e-/ADU)\n")
    print("| frames | e-/ADU | read noise, ADU |\n|---|---|---|")
    gains, noises = [], []
    for first in range(0, 10, 2):
        found = _measured(flats[first : first + 2], bias[first : first + 2])
        gains.append(found.egain_e_per_adu)
        noises.append(found.read_noise_adu)
        print(f"| {first}, {first + 1} | {_text(gains[-1], 4)} | {_text(noises[-1], 4)} |")
    whole = _measured(flats, bias)
    print(f"| all | {_text(whole.egain_e_per_adu, 4)} | {_text(whole.read_noise_adu, 4)} |")
    print(
        f"\nChi-square of the five pairs, 4 degrees of freedom: gain {_chi2(gains):.1f}, "
        f"read noise {_chi2(noises):.1f}."
    )
    print("\n| halves of the flats | predicted | measured | difference (asked: 5 %) |\n|---|---|---|---|")
    level, predicted = _master_prediction(flats, bias, whole)
    rng = np.random.default_rng(seed)
    for _ in range(max(3, min(trials, 6))):
        order = rng.permutation(10)
        halves = [np.mean([level[each] for each in part], axis=0) for part in (order[:5], order[5:])]
        measured = noise_between(halves[0].astype(np.float32), second=halves[1].astype(np.float32))
        row = f"{100 * predicted:.4f} % | {100 * measured:.4f} % | {100 * (measured / predicted - 1):+.2f} %"
        print(f"| {sorted(int(each) for each in order[:5])} | {row} |")


def _real_folder() -> Path | None:
    root = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("EVENFIELD_TEST_DATA") or root.parent / "shared" / "data") / "ast443-cgs-bigccd"
    return folder if folder.is_dir() else None


def _stl_frames(folder: Path) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    from astropy.io import fits

    return tuple([fits.getdata(path) for path in sorted(folder.glob(f"{name}*"))] for name in ("flat-", "biases-"))


def _measured(flats: list[NDArray[Any]], bias: list[NDArray[Any]]) -> PhotonTransfer:
    shape = flats[0].shape
    base = TransferFrames(shape, is_flat=False).add_all(bias)
    light = TransferFrames(shape, is_flat=True, pedestal_adu=base.levels_adu[0]).add_all(flats)
    return measure_transfer(light, darks=base)


def _master_prediction(
    flats: list[NDArray[Any]], bias: list[NDArray[Any]], found: PhotonTransfer
) -> tuple[list[NDArray[np.float64]], float]:
    """The flats above bias at one level, and the noise that their mean should have (bias noise is in both halves)."""
    base = np.mean(bias, axis=0)
    above = [flat - base for flat in flats]
    mean = float(np.mean(above))
    above = [flat * (mean / flat.mean()) for flat in above]
    camera = camera_noise(found)
    assert camera is not None, "the frames tell the noise"
    return above, master_flat_noise(camera, level_adu=np.mean(above, axis=0), n_flats=len(flats))


def _text(found: Measured | None, digits: int) -> str:
    return "unknown" if found is None else f"{found.value:.{digits}f} +- {found.error:.{digits}f}"


def _chi2(parts: list[Measured | None]) -> float:
    mean = np.average([part.value for part in parts], weights=[part.error**-2 for part in parts])
    return float(sum(((part.value - mean) / part.error) ** 2 for part in parts))


def part_noise(trials: int, seed: int) -> None:
    print(
        "\n## Noise of a master flat of 20 frames of 512 x 512, predicted and measured from halves "
        f"({trials} trials, seed {seed})\n"
    )
    print("| camera | predicted | measured, mean | worst difference | asked |\n|---|---|---|---|---|")
    for index, scene in chosen_scenes(6):
        apart, measured, predicted = [], [], []
        side = 576 if len(scene.camera.cfa or "") == 36 else 512
        for trial in range(trials):
            one = scene.of_shape((side, side), seed + 3)
            rng = np.random.default_rng([seed, 5, index, trial])
            flats, bias = list(one.flats(20, rng)), list(one.bias(20, rng))
            found = transfer_of_frames(one, flats, bias)
            level, expected = _master_prediction(flats, bias, found)
            halves = [np.mean(level[start::2], axis=0).astype(np.float32) for start in (0, 1)]
            measured.append(noise_between(halves[0], second=halves[1], cfa=one.camera.cfa))
            predicted.append(expected)
            apart.append(measured[-1] / expected - 1.0)
        print(
            f"| {scene.name} | {100 * np.mean(predicted):.4f} % | {100 * np.mean(measured):.4f} % | "
            f"{100 * np.max(np.abs(apart)):.2f} % | 5 % |",
            flush=True,
        )


def transfer_of_frames(scene: Scene, flats: list[NDArray[Any]], darks: list[NDArray[Any]]) -> PhotonTransfer:
    camera = scene.camera
    base = TransferFrames(camera.shape, is_flat=False, cfa=camera.cfa).add_all(darks)
    light = TransferFrames(camera.shape, is_flat=True, cfa=camera.cfa, pedestal_adu=camera.bias_adu).add_all(flats)
    return measure_transfer(light, darks=base)


KINDS = ("none", "glow", "bias drifts with exposure", "pattern", "glow and drift")


def part_choice(trials: int, seed: int) -> None:
    print(f"\n## Bias or dark flats? {len(KINDS)} kinds x {trials} sensors of 512 x 512 (seed {seed})\n")
    print(
        "Largest error of a light over the limit (the larger of 0.1 % and the master's noise): 0.2 to 5, log-uniform.\n"
    )
    print(
        "| what differs | sensors | needed in truth | answered | right of those | right or cannot tell (asked: 95 %) |"
    )
    print("|---|---|---|---|---|---|")
    whole = np.zeros(4, int)
    misses: list[str] = []
    for index, kind in enumerate(KINDS):
        counts = np.zeros(4, int)
        for trial in range(trials):
            counts += _one_choice(kind, np.random.default_rng([seed, 11, index, trial]), misses)
        whole += counts
        _print_choice(kind, counts)
    _print_choice("all", whole)
    for miss in misses:
        print(f"\nWrong: {miss}")


def _print_choice(name: str, counts: NDArray[Any]) -> None:
    n, needed, answered, right = (int(each) for each in counts)
    ok = 100 * (right + n - answered) / n
    print(
        f"| {name} | {n} | {needed} | {100 * answered / n:.1f} % | "
        f"{100 * right / max(answered, 1):.1f} % | {ok:.1f} % |",
        flush=True,
    )


def _one_choice(kind: str, rng: np.random.Generator, misses: list[str]) -> NDArray[Any]:
    """How many: sensors, needed, answered, right."""
    step = int(rng.choice([1, 4, 16]))
    egain = float(np.exp(rng.uniform(math.log(0.25), math.log(2.0))))
    read = float(rng.uniform(1.5, 10.0)) * max(1.0, step * egain / 4.0)
    exposure, loss = float(rng.uniform(0.5, 10.0)), float(rng.uniform(0.1, 0.6))
    cfa = "RGGB" if rng.random() < 0.4 else None
    level_adu = float(rng.uniform(0.25, 0.6)) * 65535
    n_flats, n_bias, n_darks = int(rng.integers(10, 41)), int(rng.integers(5, 31)), int(rng.integers(5, 31))
    strength = float(np.exp(rng.uniform(math.log(0.2), math.log(5.0))))
    camera = Camera(
        name="choice", shape=(512, 512), egain_e_per_adu=egain, read_noise_e=read, sample_step=step, cfa=cfa,
        bits={1: 16, 4: 14, 16: 12}[step], bias_adu=float(rng.uniform(300, 1500)), seed=int(rng.integers(1, 1 << 30)),
        bias_drift_adu=float(rng.choice([0.0, 0.3, 2.0, 8.0])), cosmic_rays_per_s=0.1,
    )  # fmt: skip
    light = illumination(Optics(corner_loss=loss), shape=camera.shape)
    light = light / light[256, 256] * level_adu * color_image(camera).astype(np.float64)
    noise = master_flat_noise(
        CameraNoise(egain_e_per_adu=egain, read_noise_e=read, step_adu=step), level_adu=light, n_flats=n_flats,
        n_dark_flats=n_darks,
    )  # fmt: skip
    limit = max(1e-3, noise)
    glow, shift, other = 0.0, 0.0, camera.seed
    pattern = 1.0
    faintest = float(light.min())
    if "glow" in kind:
        glow = strength * limit * light[0, 0] * egain / exposure
    if "drift" in kind:
        shift = strength * limit / (1.0 / _plain(light, cfa)[0] - 1.0 / _plain(light, cfa)[1])
        shift = min(shift, 0.3 * faintest) * float(rng.choice([-1.0, 1.0]) if camera.bias_adu > shift + 200 else 1.0)
    if kind == "glow and drift":
        glow, shift = 0.6 * glow, 0.6 * shift
    if kind == "pattern":
        pattern, other = strength * limit * float(np.sqrt(1.0 / np.mean(light**-2.0))) / math.sqrt(2.0), camera.seed + 1
    of_bias = dataclasses.replace(camera, bias_pattern_adu=pattern)
    of_dark = dataclasses.replace(of_bias, glow_e_per_s=glow, bias_adu=camera.bias_adu + shift, seed=other)
    bias = DarkSet(camera.shape, cfa=cfa)
    for _ in range(n_bias):
        bias.add(expose(of_bias, kind=FrameKind.BIAS, exposure_s=0.0, rng=rng))
    darks = DarkSet(camera.shape, cfa=cfa)
    for _ in range(n_darks):
        darks.add(expose(of_dark, kind=FrameKind.DARK_FLAT, exposure_s=exposure, rng=rng))
    sigma = np.sqrt((light * egain + read**2) / n_flats) / egain
    flat = flat_levels(light + sigma * rng.standard_normal(light.shape), noise_share=noise, cfa=cfa)
    found = bias_or_dark_flats(darks, bias=bias, flat=flat)
    effects = _true_effects(of_bias, of_dark, exposure, light, cfa)
    needed = max(effects) > limit
    answered = found.answer is not DarkFlatAnswer.CANNOT_TELL
    right = answered and (found.answer is DarkFlatAnswer.DARK_FLATS_ARE_NEEDED) == needed
    if answered and not right:
        said = ", ".join(
            f"{name} {part.share / limit:.3f} ({part.low / limit:.3f} .. {part.high / limit:.3f})"
            for name, part in found.parts
        )
        misses.append(
            f"{kind}, {found.answer}: in units of the limit {said}; true {[round(e / limit, 3) for e in effects]}"
        )
    return np.array([1, needed, answered, right])


def _plain(light: NDArray[np.float64], cfa: str | None) -> tuple[float, float]:
    """Faintest and central level of the color for which an additive rest does most, from blocks without noise."""
    blocks = _blocks(light, cfa)
    side = blocks.shape[1]
    middle = slice(3 * side // 8, side - 3 * side // 8)
    pairs = [(float(np.quantile(each, 0.005)), float(np.median(each[middle, middle]))) for each in blocks]
    return max(pairs, key=lambda pair: 1.0 / pair[0] - 1.0 / pair[1])


def _blocks(image: NDArray[np.float64], cfa: str | None) -> NDArray[np.float64]:
    period = 2 if cfa else 1
    made = []
    for place in range(period**2):
        part = image[place // period :: period, place % period :: period]
        side = part.shape[0] // 16
        made.append(part.reshape(side, 16, side, 16).mean(axis=(1, 3)))
    return np.array(made)


def _true_effects(
    of_bias: Camera, of_dark: Camera, exposure: float, light: NDArray[np.float64], cfa: str | None
) -> tuple[float, float, float]:
    """Level, glow and pattern from the cameras' own patterns, hot pixels replaced by ordinary ones."""
    first, second = camera_patterns(of_bias), camera_patterns(of_dark)
    dark = np.minimum(second.dark_e_per_s, 5.0 * of_dark.dark_e_per_s) + second.glow_e_per_s
    rest = second.bias_adu.astype(np.float64) - first.bias_adu + dark * (exposure / of_dark.egain_e_per_adu)
    cells, levels = _blocks(rest, cfa), _blocks(light, cfa)
    level = float(np.median(cells))
    low, center = _plain(light, cfa)
    glow = float(np.max(np.abs(cells - level) / levels))
    squares = _blocks(rest**2, cfa) - cells**2
    pattern = float(np.sqrt(np.mean(squares * 256 / 255 / levels**2)))
    return abs(level) * (1.0 / low - 1.0 / center), glow, pattern


def main(parts: dict[str, Callable[[int, int], None]]) -> None:
    """Print the tables that were asked for."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--trials", type=int, default=20)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--scene", type=int, action="append", help="only this camera of the lists, from 0")
    options.add_argument("--part", choices=sorted(parts), action="append")
    chosen = options.parse_args()
    CHOSEN.extend(chosen.scene or range(len(SCENES)))
    for name, part in parts.items():
        if chosen.part is None or name in chosen.part:
            part(chosen.trials, chosen.seed)


if __name__ == "__main__":
    main(
        {
            "transfer": part_transfer,
            "pulls": part_pulls,
            "real": part_real,
            "noise": part_noise,
            "choice": part_choice,
        }
    )
