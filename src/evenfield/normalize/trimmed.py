"""The level of a master flat that a division gives back: a mean without the least and the greatest values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from evenfield.errors import CombineError
from evenfield.model.pixels import Float32Array
from evenfield.normalize.mosaic import color_cells

TRIMMED_SHARE: Final = 0.05
"""The share of pixels that takes no part at each end."""


CHUNK: Final = 1 << 17
"""Values looked at at a time: they stay in the processor's cache."""

PIECE: Final = 8 * CHUNK
"""Values that one thread takes."""

SAMPLE_STRIDE: Final = 257
"""Every so many values are sorted to guess where the ends begin: a prime, to meet all columns."""


Each: TypeAlias = Callable[[Sequence[Any], Callable[[Any], Any]], Sequence[Any]]
"""What does the same with several things, in threads or not, and returns the answers in their order."""


def one_by_one(things: Sequence[Any], do: Callable[[Any], Any]) -> Sequence[Any]:
    """The `Each` of a single thread."""
    return [do(thing) for thing in things]


def trimmed_means(
    pixels: Float32Array, *, cfa: str | None = None, share: float = TRIMMED_SHARE, each: Each = one_by_one
) -> dict[str, float]:
    """The mean of each color of a master flat, the least and the greatest values left out.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
        The master flat; values that are not finite or not positive take no part.
    cfa : str, optional
        The pattern at the first pixel; ``None`` or "MONO": one mean, under the name "".
    share : float
        The share of the values that is left out at each end, rounded down to whole values.
    each : callable
        What does the work on the pieces; the result does not depend on it.

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
        values = _positive([pixels[cell] for cell in cells])
        if not values.size:
            where = f" of color {color}" if color else ""
            raise CombineError(
                f"The master flat{where} has no positive value.", mend="Look at what was subtracted from the flats."
            )
        found[color] = _trimmed_mean(values, int(share * values.size), each)
    return found


def _positive(parts: list[Float32Array]) -> Float32Array:
    """The values of some parts of a flat that are finite and positive, one after another."""
    whole = parts[0].reshape(-1) if len(parts) == 1 else np.concatenate([part.reshape(-1) for part in parts])
    # Of nearly all flats that is every value: then nothing is copied.
    if whole.size and whole.min() > 0 and whole.max() < np.inf:
        return whole
    kept: Float32Array = whole[(whole > 0) & np.isfinite(whole)]
    return kept


def _trimmed_mean(values: Float32Array, cut: int, each: Each) -> float:
    """The mean without the ``cut`` least and the ``cut`` greatest values.

    All are summed, and those at the ends, found among the values beyond two guesses, are taken away again.
    """
    low, high = _guesses(values, cut)

    def look_at(piece: Float32Array) -> tuple[float, list[Float32Array], list[Float32Array]]:
        total, least, greatest = 0.0, [], []
        for start in range(0, piece.size, CHUNK):
            some = piece[start : start + CHUNK]
            total += float(some.sum(dtype=np.float64))
            if cut:
                least.append(some[some <= low])
                greatest.append(some[some >= high])
        return total, least, greatest

    def sum_of_least(some: Float32Array) -> float:
        return float(np.partition(some, cut - 1)[:cut].sum(dtype=np.float64))

    found = each([values[start : start + PIECE] for start in range(0, values.size, PIECE)], look_at)
    total = sum(part[0] for part in found)
    if not cut:
        return float(total) / values.size
    small, large = (np.concatenate([some for part in found for some in part[end]]) for end in (1, 2))
    if min(small.size, large.size) < cut:
        # The sample misled.
        small = large = values
    least, greatest = each([small, -large], sum_of_least)
    mean: float = (total - least + greatest) / (values.size - 2 * cut)
    return mean


def _guesses(values: Float32Array, cut: int) -> tuple[float, float]:
    """A value with more than ``cut`` values up to it, and one with more than ``cut`` from it on, very likely."""
    some = np.sort(values[::SAMPLE_STRIDE])
    share = cut / values.size
    # Ten standard errors of the rank.
    rank = int(share * some.size + 10.0 * np.sqrt(share * some.size)) + 1
    if rank >= some.size:
        return np.inf, -np.inf
    return float(some[rank]), float(some[some.size - 1 - rank])


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
