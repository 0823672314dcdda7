"""Lights and flats of a simulated camera whose flat, or whose lights, hold a known rest: as frames, or drawn as cells.

Drawn cells are much faster: the mean of a cell's pixels is drawn at once, with the noise that it would have. That they
are what frames give is a test of its own (`test_examine_correction`).
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from evenfield.examine.cells import Cells, cell_grid
from evenfield.examine.noise_line import NoisePoints
from evenfield.examine.sky import cells_of_flat, cells_of_light
from evenfield.model.frame import FrameKind
from evenfield.model.pixels import Float32Array, Float64Array
from evenfield.simulate.camera import Camera
from evenfield.simulate.exposure import expose
from evenfield.simulate.patterns import camera_patterns, dark_rate
from evenfield.simulate.scene import DustMote, Optics, Sky, illumination, sky_image

XTRANS = "GBGGRGRGRBGBGBGGRGGRGGBGBGBRGRGRGGBG"
EXPOSURE_S = 60.0
CURVATURE = 0.02
GRADIENT = 0.08


@dataclasses.dataclass(frozen=True, kw_only=True)
class SkyScene:
    """A camera, its optics, a flat and what is wrong with it. Electrons and ADU are those of a green or mono pixel.

    ``flat_rest`` is the rest of the flat in units of its level, ``light_rest_adu`` that of the lights.
    """

    shape: tuple[int, int] = (2448, 3264)
    cfa: str | None = None
    seed: int = 1
    loss: float = 0.2
    r4_part: float = 0.5
    motes: int = 10
    flat_adu: float = 30000.0
    flat_frames: int = 20
    flat_rest: float = 0.0
    light_rest_adu: float = 0.0
    sky_e: float = 905.0
    stars: int = 800
    star_e: float = 900.0
    egain: float = 1.0
    read_noise_e: float = 2.0
    bias_adu: float = 500.0

    @property
    def rest_adu(self) -> float:
        """The rest of the flat."""
        return self.flat_rest * self.flat_adu

    def camera(self) -> Camera:
        """The camera."""
        return Camera(
            name="scene", shape=self.shape, cfa=self.cfa, seed=self.seed, egain_e_per_adu=self.egain,
            read_noise_e=self.read_noise_e, bias_adu=self.bias_adu,
        )  # fmt: skip

    def light_on(self) -> Float64Array:
        """Vignetting and dust; the motes have radii of 20 to 60 pixels in a frame of 3264 columns, and take 2 %."""
        rng = np.random.default_rng([self.seed, 1])
        motes = tuple(
            DustMote(
                row=rng.uniform(0.03, 0.97), column=rng.uniform(0.03, 0.97), radius=rng.uniform(20, 60) / 3264,
                depth=0.02,
            )
            for _ in range(self.motes)
        )  # fmt: skip
        optics = Optics(corner_loss=self.loss, r4_part=self.r4_part, motes=motes)
        return illumination(optics, shape=self.shape)


def flat_frame(scene: SkyScene, rng: np.random.Generator) -> tuple[Float32Array, Float32Array]:
    """A master flat with its noise map."""
    clean = scene.light_on() * camera_patterns(scene.camera()).sensitivity * scene.flat_adu
    variance = (clean / scene.egain + (scene.read_noise_e / scene.egain) ** 2) / scene.flat_frames
    noise = np.sqrt(variance)
    flat = clean + scene.rest_adu + noise * rng.standard_normal(clean.shape)
    return flat.astype(np.float32), noise.astype(np.float32)


def light_frame(
    scene: SkyScene, rng: np.random.Generator, *, sky_e: float | None = None, more: Float64Array | None = None
) -> Float32Array:
    """A light without its dark; ``more`` is what else is in the sky, relative to it."""
    camera = scene.camera()
    sky = Sky(
        e_per_s=(scene.sky_e if sky_e is None else sky_e) / EXPOSURE_S, gradient=GRADIENT,
        gradient_deg=rng.uniform(0, 360), curvature=CURVATURE, n_stars=scene.stars,
        star_e_per_s=scene.star_e / EXPOSURE_S, seed=scene.seed,
    )  # fmt: skip
    image = sky_image(sky, shape=scene.shape, shift_px=tuple(rng.uniform(-30, 30, 2)))
    if more is not None:
        image += sky.e_per_s * more
    image *= scene.light_on()
    raw = expose(camera, kind=FrameKind.LIGHT, exposure_s=EXPOSURE_S, light_e_per_s=image, rng=rng)
    dark = camera_patterns(camera).bias_adu + dark_rate(camera, sensor_c=-10.0) * (EXPOSURE_S / camera.egain_e_per_adu)
    return (raw - dark + scene.light_rest_adu).astype(np.float32)


def cells_of_frames(
    scene: SkyScene, rng: np.random.Generator, *, lights: int = 1, skies_e: tuple[float, ...] = (),
    more: Float64Array | None = None,
) -> tuple[list[tuple[Cells, ...]], tuple[Cells, ...]]:  # fmt: skip
    """Cells of lights and flat, by way of whole frames."""
    flat, noise = flat_frame(scene, rng)
    skies = skies_e or (scene.sky_e,) * lights
    made = [
        cells_of_light(light_frame(scene, rng, sky_e=sky_e, more=more), flat=flat, cfa=scene.cfa) for sky_e in skies
    ]
    return made, cells_of_flat(flat, noise=noise, cfa=scene.cfa)


def drawn_cells(
    scene: SkyScene, rng: np.random.Generator, *, lights: int = 1, skies_e: tuple[float, ...] = (),
    block: int | None = None,
) -> tuple[list[tuple[Cells, ...]], tuple[Cells, ...]]:  # fmt: skip
    """The same without frames and stars: each cell's mean is drawn."""
    grid = cell_grid(scene.shape, cfa=scene.cfa, block=block)
    side, period = grid.block, grid.period
    camera = scene.camera()
    dark_adu = camera.dark_e_per_s * (1 + camera.hot_share * camera.hot_strength) * EXPOSURE_S / scene.egain
    whole = _mean_light(scene.shape, scene.cfa, scene.seed, scene.loss, scene.r4_part, scene.motes, block)
    y = np.linspace(-1.0, 1.0, grid.rows)[:, None] * (grid.rows * side / scene.shape[0])
    x = np.linspace(-1.0, 1.0, grid.columns)[None, :] * (grid.columns * side / scene.shape[1])
    height, width = scene.shape
    r2 = ((y * height) ** 2 + (x * width) ** 2) / (height**2 + width**2)
    flats: list[Cells] = []
    skies = [
        sky_e * (_plane(y, x, rng.uniform(0, 360)) + CURVATURE * (r2 - 1.0 / 3.0))
        for sky_e in (skies_e or (scene.sky_e,) * lights)
    ]
    per_light: list[list[Cells]] = [[] for _ in skies]
    for color in grid.colors:
        share = 1.0 if scene.cfa is None else camera.color_response["RGB".index(color)]
        n = grid.places(color).sum() * (side // period) ** 2
        field = whole * share * (1.0 + camera.prnu / math.sqrt(n) * rng.standard_normal(whole.shape))
        clean = field * scene.flat_adu
        read = (scene.read_noise_e / scene.egain) ** 2
        flat_error = np.sqrt((clean / scene.egain + read) / scene.flat_frames / n)
        flat = clean + scene.rest_adu + flat_error * rng.standard_normal(clean.shape)
        flats.append(Cells(color=color, grid=grid, value=flat, error=flat_error, used_share=1.0))
        mean = float(flat.mean())
        for sky, found in zip(skies, per_light, strict=True):
            light = sky * field / scene.egain
            # The flat's noise within a cell is in the light's scatter, too.
            own = (light + dark_adu) / scene.egain + read + (flat_error * np.sqrt(n) / flat * light) ** 2
            error = np.sqrt(own / n)
            value = (light + scene.light_rest_adu + error * rng.standard_normal(light.shape)) * mean / flat
            found.append(Cells(color=color, grid=grid, value=value, error=error * mean / flat, used_share=1.0))
    return [tuple(found) for found in per_light], tuple(flats)


@functools.lru_cache(maxsize=8)
def _mean_light(
    shape: tuple[int, int], cfa: str | None, seed: int, loss: float, r4_part: float, motes: int, block: int | None
) -> Float64Array:
    """Vignetting and dust in the mean of each cell."""
    grid = cell_grid(shape, cfa=cfa, block=block)
    side = grid.block
    scene = SkyScene(shape=shape, cfa=cfa, seed=seed, loss=loss, r4_part=r4_part, motes=motes)
    rows = slice(grid.top, grid.top + grid.rows * side)
    columns = slice(grid.left, grid.left + grid.columns * side)
    whole: Float64Array = scene.light_on()[rows, columns].reshape(grid.rows, side, grid.columns, side).mean(axis=(1, 3))
    return whole


def _plane(y: Float64Array, x: Float64Array, direction_deg: float) -> Float64Array:
    along = math.cos(math.radians(direction_deg)) * x / 2.0 + math.sin(math.radians(direction_deg)) * y / 2.0
    plane: Float64Array = 1.0 + GRADIENT * along
    return plane


def nebula(shape: tuple[int, int], *, brightness: float, size: float = 0.15) -> Float64Array:
    """A round cloud off the center, relative to the sky; ``size`` is its scatter as a share of the width."""
    rows, columns = shape
    y = np.arange(rows, dtype=np.float64)[:, None] - 0.7 * rows
    x = np.arange(columns, dtype=np.float64)[None, :] - 0.75 * columns
    cloud: Float64Array = brightness * np.exp(-0.5 * (y * y + x * x) / (size * columns) ** 2)
    return cloud


def drawn_noise_points(
    scene: SkyScene, rng: np.random.Generator, *, levels: tuple[float, ...] = (1.0,), pairs: int = 1, bow: float = 0.0
) -> tuple[NoisePoints, ...]:
    """Level and variance of pairs of flats with the rest in them, at levels relative to that of the scene.

    ``bow`` is the share of the variance that is missing at the scene's level, as the square of the level.
    """
    grid = cell_grid(scene.shape, cfa=scene.cfa)
    whole = _mean_light(scene.shape, scene.cfa, scene.seed, scene.loss, scene.r4_part, scene.motes, None).ravel()
    camera, made = scene.camera(), []
    for color in grid.colors:
        share = 1.0 if scene.cfa is None else camera.color_response["RGB".index(color)]
        n = float(grid.places(color).sum() * (grid.block // grid.period) ** 2)
        level, variance, degrees = [], [], []
        for _ in range(pairs):
            for relative in levels:
                clean = np.sort(whole * share * scene.flat_adu * relative)
                true = (
                    clean / scene.egain * (1.0 - bow * clean / scene.flat_adu) + (scene.read_noise_e / scene.egain) ** 2
                )
                drawn = true * rng.chisquare(n - 1.0, true.size) / (n - 1.0)
                for at in np.array_split(np.arange(true.size), 256):
                    level.append(clean[at].mean() + scene.rest_adu)
                    variance.append(drawn[at].mean())
                    degrees.append((n - 1.0) * at.size)
        made.append(
            NoisePoints(
                color=color, level=np.array(level), variance=np.array(variance), degrees=np.array(degrees)
            )
        )  # fmt: skip
    return tuple(made)
