"""The level of a master flat that a division gives back: a mean without the least and the greatest values."""

from __future__ import annotations

from typing import Final

import numpy as np

from evenfield.errors import CombineError
from evenfield.model.pixels import Float32Array
from evenfield.normalize.mosaic import color_cells

TRIMMED_SHARE: Final = 0.05
"""The share of pixels that takes no part at each end."""


def trimmed_means(pixels: Float32Array, *, cfa: str | None = None, share: float = TRIMMED_SHARE) -> dict[str, float]:
    """The mean of each color of a master flat, the least and the greatest values left out.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
        The master flat; values that are not finite or not positive take no part.
    cfa : str, optional
        The pattern at the first pixel; ``None`` or "MONO": one mean, under the name "".
    share : float
        The share of the values that is left out at each end, rounded down to whole values.

    Returns
    -------
    dict
        Color -> mean, in float64.

    Raises
    ------
    CombineError
        If a color has no positive value.
    """
    found: dict[str, float] = {}
    for color, cells in color_cells(cfa).items():
        parts = [pixels[cell] for cell in cells]
        values = np.concatenate([part[part > 0] for part in parts])
        values = values[np.isfinite(values)]
        if not values.size:
            where = f" of color {color}" if color else ""
            raise CombineError(
                f"The master flat{where} has no positive value.", mend="Look at what was subtracted from the flats."
            )
        cut = int(share * values.size)
        if cut:
            values = np.partition(values, (cut, values.size - cut - 1))[cut : values.size - cut]
        found[color] = float(values.mean(dtype=np.float64))
    return found


def divisor_band(
    band: Float32Array, *, row_start: int, means: dict[str, float], cfa: str | None = None
) -> Float32Array:
    """Rows of a master flat divided by the mean of their color; NaN where the flat is not positive.

    ``band`` begins at row ``row_start`` of the flat; ``means`` are those of `trimmed_means` with the same ``cfa``.
    """
    out = np.where(band > 0, band, np.float32(np.nan))
    if list(means) == [""]:
        out /= np.float32(means[""])
        return out
    pattern = (cfa or "").upper()
    period = 2 if len(pattern) == 4 else 6
    factors = np.array([means[letter] for letter in pattern], np.float32).reshape(period, period)
    for row in range(min(period, band.shape[0])):
        for column in range(period):
            out[row::period, column::period] /= factors[(row_start + row) % period, column]
    return out
