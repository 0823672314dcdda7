"""Smoothing by the B3 spline with holes (a trous), and the planes between its levels.

Starck & Murtagh 1998, "Automatic noise estimation from the multiresolution support", PASP 110, 193. Plane ``j`` is the
difference of two levels of smoothing and holds structures of about ``2**j`` samples; their sum and the smoothest level
give the image back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.model.pixels import Float32Array

KERNEL: Final = (np.float32(6 / 16), np.float32(4 / 16), np.float32(1 / 16))
"""The B3 spline: its middle, its first and its second neighbors."""

MAD_FACTOR: Final = 1.4826
SAMPLE: Final = 1 << 18


def smooth_once(image: Float32Array, *, distance: int) -> Float32Array:
    """One level of smoothing with neighbors ``distance`` apart; the image is mirrored at its edges."""
    result = image
    for axis in (0, 1):
        size = image.shape[axis]
        reach = 2 * distance
        pad = [(0, 0), (0, 0)]
        pad[axis] = (reach, reach)
        padded = np.pad(result, pad, mode="symmetric")
        total: Float32Array = _part(padded, axis, reach, size) * KERNEL[0]
        for far, factor in ((distance, KERNEL[1]), (2 * distance, KERNEL[2])):
            total += (_part(padded, axis, reach - far, size) + _part(padded, axis, reach + far, size)) * factor
        result = total
    return result


def _part(padded: Float32Array, axis: int, start: int, size: int) -> Float32Array:
    return padded[start : start + size] if axis == 0 else padded[:, start : start + size]


def smooth(image: Float32Array, *, levels: int) -> Float32Array:
    """An image without the structures of its first ``levels`` planes, float32 (rows, columns); no NaN."""
    for level in range(levels):
        image = smooth_once(image, distance=2**level)
    return image


def planes(image: Float32Array, *, levels: int) -> Iterator[Float32Array]:
    """The planes of an image, the finest first; no NaN."""
    for level in range(levels):
        smoother = smooth_once(image, distance=2**level)
        yield image - smoother
        image = smoother


def robust_scatter(values: NDArray[np.floating[Any]]) -> float:
    """The scatter about the median from the median deviation, of up to 260 thousand samples; 0 of none."""
    some = values.reshape(-1)
    some = some[:: max(1, some.size // SAMPLE)]
    if not some.size:
        return 0.0
    return MAD_FACTOR * float(np.median(np.abs(some - np.median(some))))
