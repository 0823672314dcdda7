"""The pixels of each color of a mosaic sensor, as strided views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import CombineError

WHOLE = ""
"""The name of the only "color" of a frame without a mosaic."""

Cells = tuple[tuple[slice, slice], ...]


def color_cells(cfa: str | None) -> dict[str, Cells]:
    """The slices that select each color's pixels, red, green and blue first.

    ``cfa`` is the pattern row by row from the top left pixel: 4 letters (Bayer) or 36 (X-Trans); equal letters are one
    color. ``None`` and "MONO" give one color, `WHOLE`.

    Raises
    ------
    CombineError
        If the pattern has neither 4 nor 36 letters.
    """
    if cfa is None or cfa.upper() == "MONO":
        return {WHOLE: ((slice(None), slice(None)),)}
    pattern = cfa.upper()
    period = {4: 2, 36: 6}.get(len(pattern))
    if period is None or not pattern.isalpha():
        raise CombineError(f"'{cfa}' is no CFA pattern.", mend="Pass 4 letters (RGGB) or 36 letters (X-Trans).")
    letters = sorted(set(pattern), key=lambda letter: ("RGB".find(letter) % 4, letter))
    return {
        letter: tuple(
            (slice(place // period, None, period), slice(place % period, None, period))
            for place, found in enumerate(pattern)
            if found == letter
        )
        for letter in letters
    }


def usable_values(pixels: NDArray[Any], cells: Cells, flagged: NDArray[np.bool_] | None) -> Iterator[NDArray[Any]]:
    """The finite values of one color that are not flagged, a flat array a cell."""
    for cell in cells:
        values = pixels[cell]
        usable = np.isfinite(values)
        if flagged is not None:
            usable &= ~flagged[cell]
        yield values[usable]
