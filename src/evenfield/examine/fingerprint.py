"""Whether two frames lie alike on the sensor, from the response of single pixels, which is the sensor's own.

Dust and vignetting turn with the optics; pixel response turns only where rows or columns of the file were put in
another order or cut otherwise. It is known from forensics as the sensor's fingerprint (Lukas, Fridrich & Goljan 2006,
"Digital camera identification from sensor pattern noise", IEEE TIFS 1, 205).
"""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import Final

import numpy as np

from evenfield.examine.relief import Relief
from evenfield.model.pixels import Float32Array

LEAST_SCATTERS: Final = 8.0
"""The peak must stand so many scatters of the correlation high: 4 x 129^2 places of noise reach 4.6."""

LEAD: Final = 1.5
"""The peak must be so many times as high as that of any other order of rows and columns."""

REACH: Final = 64
"""Shifts up to so many pixels are looked at."""


class Order(enum.StrEnum):
    """The order of a file's rows and columns beside another file's."""

    AS_IT_IS = "as it is"
    ROWS = "rows reversed"
    COLUMNS = "columns reversed"
    BOTH = "turned by 180 degrees"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """How the sensor of a flat lies on that of a light.

    ``order`` is ``None`` where no order stands out: the pattern cannot tell. ``shift_px`` (rows, columns) is where the
    flat, put into that order, lies beside the light: what is at p in the light is at p + shift in the flat.
    ``scatters`` is the height of the peak, ``scatters_as_is`` that of no shift at all in the files' own order.
    """

    order: Order | None
    shift_px: tuple[int, int]
    scatters: float
    scatters_as_is: float


def put_in_order(image: Float32Array, order: Order) -> Float32Array:
    """An image with its rows and columns in another order (a view); each order undoes itself."""
    rows = -1 if order in (Order.ROWS, Order.BOTH) else 1
    columns = -1 if order in (Order.COLUMNS, Order.BOTH) else 1
    return image[::rows, ::columns]


def compare_fingerprints(flat: Relief, *, light: Relief) -> Fingerprint:
    """Look for the pixel pattern of a flat in a light, in all four orders and at small shifts."""
    from scipy import fft

    size = tuple(min(a, b) for a, b in zip(flat.pattern.shape, light.pattern.shape, strict=True))
    of_flat, of_light = _middle(flat.pattern, size), _middle(light.pattern, size)
    norm = math.sqrt(float(np.square(of_flat, dtype=np.float64).sum() * np.square(of_light, dtype=np.float64).sum()))
    if not norm > 0:
        return Fingerprint(order=None, shift_px=(0, 0), scatters=0.0, scatters_as_is=0.0)
    # The correlation coefficient of n pixels has the scatter 1/sqrt(n).
    scale = math.sqrt(of_flat.size) / norm
    reach = max(1, min(REACH, min(size) // 4))
    spectrum = np.conj(fft.rfft2(of_light))
    peaks: list[tuple[float, Order, tuple[int, int]]] = []
    as_is = 0.0
    for order in Order:
        surface = fft.irfft2(fft.rfft2(put_in_order(of_flat, order)) * spectrum, size) * scale
        if order is Order.AS_IT_IS:
            as_is = float(surface[0, 0])
        near = np.roll(surface, (reach, reach), axis=(0, 1))[: 2 * reach + 1, : 2 * reach + 1]
        row, column = np.unravel_index(int(np.argmax(near)), near.shape)
        peaks.append((float(near[row, column]), order, (int(row) - reach, int(column) - reach)))
    peaks.sort(key=lambda one: -one[0])
    best, order_found, shift = peaks[0]
    clear = best > LEAST_SCATTERS and best > LEAD * peaks[1][0]
    return Fingerprint(
        order=order_found if clear else None, shift_px=shift if clear else (0, 0), scatters=best, scatters_as_is=as_is
    )


def _middle(pattern: Float32Array, size: tuple[int, ...]) -> Float32Array:
    top, left = ((side - wanted) // 2 for side, wanted in zip(pattern.shape, size, strict=True))
    return pattern[top : top + size[0], left : left + size[1]]
