"""Shades: what differs between frames that should be alike, and what no smooth sky has."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.examine.motes import Mote
from evenfield.examine.residues import Measured
from evenfield.examine.wavelets import robust_scatter
from evenfield.model.pixels import Float32Array, Float64Array

BLOCK: Final = 32
"""Pixels a side of the blocks whose medians show shades: a star fills a small part of one."""

STRAY_TOLERANCE: Final = 3e-4
"""Shades of lights below this share of the sky, rms, are no stray light: nobody will see them."""


def _block_means(image: Float32Array) -> Float64Array:
    """Means of blocks, each without what lies beyond 4 scatters: stars, hot pixels. Finer than medians of integers."""
    rows, columns = (side // BLOCK for side in image.shape)
    blocks = image[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3)
    flat = blocks.reshape(rows * columns, BLOCK * BLOCK)
    known = np.isfinite(flat)
    filled = np.where(known, flat, np.float32(np.nanmedian(flat) if known.any() else 0.0))
    middle = np.median(filled, axis=1, keepdims=True)
    away = np.abs(filled - middle)
    known &= away <= 4.0 * 1.4826 * np.median(away, axis=1, keepdims=True) + 1.0
    means = np.full(rows * columns, np.nan)
    for _ in range(2):
        count = known.sum(axis=1)
        some = count > BLOCK * BLOCK // 4
        apart = np.where(known, filled - middle, np.float32(0.0)).astype(np.float64)
        beyond = apart.sum(axis=1) / np.maximum(count, 1)
        scatter = np.sqrt(np.maximum((apart * apart).sum(axis=1) / np.maximum(count, 1) - beyond**2, 0.0))
        means[:] = np.where(some, middle[:, 0] + beyond, np.nan)
        known &= np.abs(filled - middle - beyond[:, None]) <= 4.0 * scatter[:, None] + 1.0
    return means.reshape(rows, columns)


def _neighbors_agree(left: Float64Array, tolerance_adu: float) -> Measured | None:
    """How much more alike neighboring blocks are than by chance, scatters: the sum of their products.

    Noise and faint stars, however strong, are not alike in neighbors; shades are. Shades of ``tolerance_adu`` rms are
    one error.
    """
    known = np.isfinite(left)
    scatter = robust_scatter(left[known]) if known.any() else 0.0
    if not scatter > 0 or known.sum() < 30:
        return None
    middle = float(np.median(left[known]))
    size = np.where(known, np.clip((left - middle) / scatter, -4.0, 4.0), 0.0)
    size[known] -= size[known].mean()
    products = float((size[:, 1:] * size[:, :-1]).sum() + (size[1:] * size[:-1]).sum())
    pairs = int((known[:, 1:] & known[:, :-1]).sum() + (known[1:] & known[:-1]).sum())
    per_square = math.sqrt(pairs) / float(np.square(size[known]).mean())
    alike = products / pairs
    return Measured(
        alike * per_square,
        math.hypot(1.2, (tolerance_adu / scatter) ** 2 * per_square),
        size=scatter * math.sqrt(max(alike, 0.0)),
    )


def shade_spread(frames: Sequence[Float32Array], *, tolerance_adu: float = 0.0) -> Measured | None:
    """How surely frames that should be equal differ in shade, scatters: the frame that differs most.

    Each frame's blocks less the mean of the frames; its own level, which may drift, does not count.

    Parameters
    ----------
    frames : sequence of float32 arrays (rows, columns)
    tolerance_adu : float
        The rms of shades that do not matter.
    """
    if len(frames) < 2:
        return None
    stack = np.array([_block_means(frame) for frame in frames])
    sizes = [_neighbors_agree(left, tolerance_adu) for left in stack - stack.mean(axis=0)]
    found = [size for size in sizes if size is not None]
    if not found:
        return None
    most = max(found, key=lambda one: one.value)
    # The largest of a few normal numbers lies about one scatter high.
    return dataclasses.replace(most, value=most.value - 1.0)


def _without(motes: Sequence[Mote], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Blocks that are free of moved dust, where it was and where it is."""
    y, x = (np.arange(side) * BLOCK + BLOCK / 2.0 for side in shape)
    free = np.ones(shape, np.bool_)
    for mote in motes:
        dy, dx = mote.shift_px or (0.0, 0.0)
        for row, column in ((mote.row, mote.column), (mote.row + dy, mote.column + dx)):
            free &= np.hypot(y[:, None] - row, x[None, :] - column) > 1.5 * mote.radius_px + BLOCK
    return free


def stray_shades(lights: Sequence[Float32Array], *, flat: Float32Array, motes: Sequence[Mote] = ()) -> Measured | None:
    """How surely the shades of flat-fielded lights leave a smooth sky, scatters.

    The sky is a plane and squares; terms in the flat's own shape take what an additive rest would leave. Blocks far
    above (stars, galaxies) are left out, and dust that moved.
    """
    if not lights:
        return None
    shape = flat / np.float32(np.nanmedian(flat))
    np.maximum(shape, np.float32(0.05), out=shape)
    values = np.mean([_block_means(light / shape) for light in lights], axis=0)
    of_flat = _block_means(shape)
    y, x = np.meshgrid(*(np.linspace(-1.0, 1.0, side) for side in values.shape), indexing="ij")
    terms = [np.ones_like(x), x, y, x * x, x * y, y * y, of_flat, 1.0 / of_flat]
    design = np.stack(terms, axis=-1).reshape(-1, len(terms))
    flat_values = values.reshape(-1)
    free = _without(motes, values.shape).reshape(-1)
    keep = np.isfinite(flat_values) & np.isfinite(design).all(axis=1) & free
    left = np.full(flat_values.size, np.nan)
    for _ in range(3):
        if keep.sum() < 4 * len(terms):
            return None
        fit, *_rest = np.linalg.lstsq(design[keep], flat_values[keep], rcond=1e-8)
        left = np.where(np.isfinite(flat_values), flat_values - design @ fit, np.nan)
        keep = np.isfinite(left) & free & (left < 8.0 * robust_scatter(left[keep]))
    tolerance = STRAY_TOLERANCE * max(float(np.nanmedian(flat_values)), 0.0)
    return _neighbors_agree(np.where(keep, left, np.nan).reshape(values.shape), tolerance)
