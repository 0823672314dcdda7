"""Flats and lights with dust at known places: vignetting, soft rings, pixel response, photon noise and stars.

Rings are those of `evenfield.simulate.scene`, drawn where they are only, so that large frames are quick.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Ring:
    """A mote's shadow: its place and radius in pixels, and its depth."""

    row: float
    column: float
    radius: float
    depth: float


@dataclasses.dataclass(frozen=True)
class Scene:
    """A sensor and the dust before it when the lights were taken."""

    shape: tuple[int, int]
    rings: tuple[Ring, ...]
    response: F32


def scattered(
    rng: np.random.Generator, shape: tuple[int, int], *, n: int, radii: tuple[float, float] = (20.0, 60.0),
    depth: float = 0.02, margin: float = 90.0,
) -> tuple[Ring, ...]:  # fmt: skip
    """Rings at random that do not touch each other or the edge."""
    rings: list[Ring] = []
    for _ in range(4000):
        if len(rings) == n:
            break
        radius = float(rng.uniform(*radii))
        row, column = rng.uniform(margin, shape[0] - margin), rng.uniform(margin, shape[1] - margin)
        if all(math.hypot(row - r.row, column - r.column) > radius + r.radius + 20 for r in rings):
            rings.append(Ring(float(row), float(column), radius, depth))
    return tuple(rings)


def scene(seed: int, *, shape: tuple[int, int], n: int = 6, prnu: float = 0.006, **rings: float) -> Scene:
    """A scene of a seed."""
    rng = np.random.default_rng(seed)
    response = 1 + np.float32(prnu) * rng.standard_normal(shape, dtype=np.float32)
    return Scene(shape, scattered(rng, shape, n=n, **rings), response)  # type: ignore[arg-type]


def placed(
    rings: tuple[Ring, ...], shape: tuple[int, int], *, angle_deg: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)
) -> tuple[Ring, ...]:
    """Rings turned counterclockwise (row 0 on top) about the middle, then shifted by rows and columns."""
    middle = ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    out = []
    for ring in rings:
        y, x = ring.row - middle[0], ring.column - middle[1]
        row, column = y * c - x * s + middle[0] + shift[0], y * s + x * c + middle[1] + shift[1]
        out.append(dataclasses.replace(ring, row=row, column=column))
    return tuple(out)


def optics(rings: tuple[Ring, ...], shape: tuple[int, int], *, corner_loss: float = 0.3) -> F32:
    """Vignetting and rings, 1 in the middle."""
    y = np.arange(shape[0])[:, None] - (shape[0] - 1) / 2
    x = np.arange(shape[1])[None, :] - (shape[1] - 1) / 2
    r2 = (y * y + x * x) / (y[0, 0] ** 2 + x[0, 0] ** 2)
    image: F32 = (1 - corner_loss * (0.5 * r2 + 0.5 * r2 * r2)).astype(np.float32)
    for ring in rings:
        reach = int(1.6 * ring.radius) + 2
        rows = slice(max(0, int(ring.row) - reach), max(0, min(shape[0], int(ring.row) + reach + 1)))
        columns = slice(max(0, int(ring.column) - reach), max(0, min(shape[1], int(ring.column) + reach + 1)))
        away_y = np.arange(rows.start, rows.stop)[:, None] - ring.row
        away_x = np.arange(columns.start, columns.stop)[None, :] - ring.column
        away = np.sqrt(away_y * away_y + away_x * away_x) / ring.radius
        shadow = 1 / (1 + np.exp((away - 1) / 0.06)) - 0.67 / (1 + np.exp((away - 0.4) / 0.06))
        image[rows, columns] *= (1 - ring.depth * np.maximum(shadow, 0)).astype(np.float32)
    return image


def master_flat(of: Scene, rings: tuple[Ring, ...], rng: np.random.Generator, *, level_e: float = 30000.0) -> F32:
    """The mean of 20 flats with their bias taken away, in electrons."""
    mean = optics(rings, of.shape) * of.response * np.float32(level_e)
    flat: F32 = mean + rng.standard_normal(of.shape, dtype=np.float32) * np.sqrt(mean / 20)
    return flat


def light(
    of: Scene,
    rng: np.random.Generator,
    *,
    snr: float = 30.0,
    n_stars: int = 60,
    rest_e: float = 0.0,
    read_e: float = 2.0,
) -> F32:
    """One light without bias or dark, in electrons: sky of a signal-to-noise ratio, a gradient and stars."""
    sky_e = (snr**2 + math.sqrt(snr**4 + 4 * snr**2 * read_e**2)) / 2
    y, x = (np.linspace(-0.5, 0.5, side) for side in of.shape)
    sky = (sky_e * (1 + 0.08 * (0.8 * x[None, :] + 0.6 * y[:, None]))).astype(np.float32)
    flux = 9000 / np.maximum(rng.uniform(size=n_stars), 0.005)
    for (row, column), total in zip(rng.uniform(size=(n_stars, 2)) * of.shape, flux, strict=True):
        rows = slice(max(0, int(row) - 9), min(of.shape[0], int(row) + 10))
        columns = slice(max(0, int(column) - 9), min(of.shape[1], int(column) + 10))
        away_y, away_x = np.arange(rows.start, rows.stop) - row, np.arange(columns.start, columns.stop) - column
        spot = np.exp(-0.5 * (away_y[:, None] ** 2 + away_x[None, :] ** 2) / 1.1**2)
        sky[rows, columns] += (total / (2 * math.pi * 1.1**2) * spot).astype(np.float32)
    mean = sky * optics(of.rings, of.shape) * of.response
    noise = rng.standard_normal(of.shape, dtype=np.float32) * np.sqrt(mean + np.float32(read_e**2))
    seen: F32 = mean + noise + np.float32(rest_e)
    return seen
