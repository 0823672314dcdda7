"""What the kernel of lights takes and gives."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.layout import TupleLayout, given, taken
from evenfield.model.pixels import Float32Array

LIGHT_WIDTH: Final = 1024
"""Pixels taken at a time: they stay in the first cache."""

NO_DATA: Final = 0
NEGATIVE: Final = 1
LOW: Final = 2
CLIPPED: Final = 3
"""Places in `LightResults.counts`: pixels that are not finite, that are negative, whose raw value is zero or less, and
that lie outside of what uint16 holds (where words are written)."""


class LightTerms(NamedTuple):
    """What calibrates a light: ``(raw - shift - subtract) / divide + pedestal``; masters are empty or have its pixels.

    Where ``divide`` is not positive, the value is no number.
    """

    subtract: Float32Array
    divide: Float32Array
    shift: float
    pedestal: float


class LightResults(NamedTuple):
    """Where the values go: into ``singles``, as the bits of float32, or ``words``, as uint16; the other one is empty.

    ``swapped`` says that the bytes of each value are exchanged. ``counts`` are added to. Of the pixels whose number,
    counted from ``first``, is a multiple of ``stride``, the value less the pedestal goes into ``sample``.
    """

    singles: NDArray[np.uint32]
    words: NDArray[np.uint16]
    swapped: bool
    counts: NDArray[np.int64]
    sample: Float32Array
    first: int
    stride: int


class LightRoom(NamedTuple):
    """Memory to work in, `LIGHT_WIDTH` values each: ``singles`` is the one row of ``rows``, and ``bits`` its bits."""

    rows: Float32Array
    singles: Float32Array
    bits: NDArray[np.uint32]
    zeros: Float32Array
    ones: Float32Array


LIGHT_TERMS: Final = TupleLayout(LightTerms, (given("float32"), given("float32"), "number", "number"))
LIGHT_RESULTS: Final = TupleLayout(
    LightResults, (taken("uint32"), taken("uint16"), "whole", taken("int64"), taken("float32"), "whole", "whole")
)
LIGHT_ROOM: Final = TupleLayout(
    LightRoom, (taken("float32", 2), taken("float32"), taken("uint32"), given("float32"), given("float32"))
)


def new_light_room() -> LightRoom:
    """Fresh memory for one thread."""
    rows = np.empty((1, LIGHT_WIDTH), np.float32)
    singles = rows[0]
    zeros, ones = np.zeros(LIGHT_WIDTH, np.float32), np.ones(LIGHT_WIDTH, np.float32)
    return LightRoom(rows, singles, singles.view(np.uint32), zeros, ones)
