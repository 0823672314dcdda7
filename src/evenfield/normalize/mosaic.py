"""The usable pixels of each color of a mosaic sensor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import CombineError
from evenfield.model import mosaic
from evenfield.model.mosaic import WHOLE, Cells

__all__ = ["WHOLE", "Cells", "color_cells", "usable_values"]


def color_cells(cfa: str | None) -> dict[str, Cells]:
    """`evenfield.model.mosaic.color_cells`, for a pattern that a user may have given.

    Raises
    ------
    CombineError
        If the pattern has neither 4 nor 36 letters.
    """
    try:
        return mosaic.color_cells(cfa)
    except ValueError as error:
        raise CombineError(str(error), mend="Pass 4 letters (RGGB) or 36 letters (X-Trans).") from None


def usable_values(pixels: NDArray[Any], cells: Cells, flagged: NDArray[np.bool_] | None) -> Iterator[NDArray[Any]]:
    """The finite values of one color that are not flagged, a flat array a cell."""
    for cell in cells:
        values = pixels[cell]
        usable = np.isfinite(values)
        if flagged is not None:
            usable &= ~flagged[cell]
        yield values[usable]
