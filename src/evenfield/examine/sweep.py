"""Where a flat's shadows might lie on a light: all angles and shifts on a coarse grid, by correlation."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from evenfield.examine.overlay import Placing
from evenfield.model.pixels import Float32Array

COARSE_CELLS: Final = 34_000
"""Cells of the coarse grid: 16 pixels a side of a frame of 8 megapixels."""

MOST_SHIFT: Final = 0.25
"""Shifts up to this share of the shorter side are tried."""

N_BEST: Final = 6
"""Places that are handed on."""


def swept(picture: Float32Array, *, light: Float32Array, weights: Float32Array) -> list[Placing]:
    """The most likely placings at any angle and shift, mirrored ones at 0 and 180 degrees; the best first.

    Parameters
    ----------
    picture : float32 array (rows, columns)
        The flat's clean relief, cells.
    light, weights : float32 arrays (rows, columns)
        The light's relief and its inverse variance.

    Returns
    -------
    list of Placing
        By correlation squared over the square of the template, a log likelihood ratio with free contrast.
    """
    from scipy import fft

    factor = max(1, round(math.sqrt(picture.size / COARSE_CELLS)))
    template = _blocks(picture, factor) / np.float32(factor**2)
    weight = _blocks(weights, factor)
    product = _blocks(light * weights, factor)
    rows, columns = template.shape
    reach = max(2, int(MOST_SHIFT * min(rows, columns)))
    size = tuple(fft.next_fast_len(side + reach, real=True) for side in (rows, columns))
    of_product, of_weight = fft.rfft2(product, size), fft.rfft2(weight, size)
    # Half a step moves what lies two thirds of the way to the corner by 0.6 coarse cells.
    step = math.degrees(1.2 / (0.67 * 0.5 * math.hypot(rows, columns)))
    n_steps = math.ceil(360.0 / step)
    trials = [(360.0 * k / n_steps, False) for k in range(n_steps)] + [(0.0, True), (180.0, True), (180.0, False)]
    found: list[tuple[float, Placing]] = []
    for angle, mirrored in trials:
        turned = _turned(template, angle, mirrored)
        correlation = fft.irfft2(np.conj(fft.rfft2(turned, size)) * of_product, size)
        square = fft.irfft2(np.conj(fft.rfft2(turned * turned, size)) * of_weight, size)
        likely = np.where(correlation > 0, correlation, 0) ** 2 / (
            2.0 * np.maximum(square, 0.05 * square.max() + 1e-12)
        )
        near = np.concatenate([likely[:reach], likely[-reach:]])
        near = np.concatenate([near[:, :reach], near[:, -reach:]], axis=1)
        at = np.unravel_index(int(np.argmax(near)), near.shape)
        sy, sx = (int(k) if k < reach else int(k) - 2 * reach for k in at)
        # The light's shadows lie at turned ones plus (sy, sx); a placing says the shift in the flat's frame.
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        y = -sy if mirrored else sy
        found.append(
            (
                float(near[at]),
                Placing(
                    angle_deg=angle, dy=-(y * c - sx * s) * factor, dx=-(y * s + sx * c) * factor, mirrored=mirrored
                ),
            )
        )
    found.sort(key=lambda one: -one[0])
    return _distinct(found, 2.5 * step)


def _distinct(found: list[tuple[float, Placing]], apart_deg: float) -> list[Placing]:
    """The best placings, of neighbors in angle only the better one."""
    kept: list[Placing] = []
    for _, one in found:
        near = any(
            one.mirrored == other.mirrored
            and abs((one.angle_deg - other.angle_deg + 180.0) % 360.0 - 180.0) < apart_deg
            for other in kept
        )
        if not near:
            kept.append(one)
        if len(kept) == N_BEST:
            break
    return kept


def _turned(template: Float32Array, angle_deg: float, mirrored: bool) -> Float32Array:
    """The flat's picture as the light would show it: at place p stands what the flat has at R p."""
    from scipy import ndimage

    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    matrix = np.array([[c, -s], [s, c]])
    if mirrored:
        matrix = matrix @ np.diag([-1.0, 1.0])
    middle = (np.array(template.shape) - 1) / 2.0
    turned: Float32Array = ndimage.affine_transform(
        template, matrix, middle - matrix @ middle, order=1, mode="constant", cval=0.0
    )
    return turned


def _blocks(image: Float32Array, factor: int) -> Float32Array:
    """Sums of blocks, cut off evenly on both sides so that the middle stays."""
    rows, columns = (side // factor for side in image.shape)
    top, left = (image.shape[0] - rows * factor) // 2, (image.shape[1] - columns * factor) // 2
    used = image[top : top + rows * factor, left : left + columns * factor]
    blocks: Float32Array = used.reshape(rows, factor, columns, factor).sum(axis=(1, 3), dtype=np.float32)
    return blocks
