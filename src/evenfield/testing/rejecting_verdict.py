"""What the twins of the rejections work on and what they answer."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np

from evenfield.model.pixels import BoolArray, Float64Array
from evenfield.model.rejections import Rejection

BEYOND: Final = 1.0 + 1e-6
"""A sample is rejected only where its deviation exceeds the limit by more than 1e-6 of it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SampleTerms:
    """How the samples of a column came from raw ones, for ccd: raw = sample / ``scales`` + ``levels``.

    ``scales`` and ``levels`` (the frame's shift plus the value of the subtracted master, in ADU) are arrays (n,) in the
    order of the samples; ``bias`` is the bias level in ADU, which no light made.
    """

    scales: Float64Array
    levels: Float64Array
    bias: float = 0.0

    @classmethod
    def plain(cls, n: int) -> SampleTerms:
        """Samples that are raw values without a bias level."""
        return cls(scales=np.ones(n), levels=np.zeros(n))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RowScatter:
    """The noise of an image row, for averaged: ``factor`` times the root of the median, or ``factor`` itself."""

    factor: float
    grows_with_level: bool

    def at(self, center: float) -> float:
        """The standard deviation of a sample where the column's median is ``center``."""
        return self.factor * math.sqrt(max(center, 0.0)) if self.grows_with_level else self.factor


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The ``n`` finite samples of one pixel and all that a rejection asks about them.

    ``low`` and ``high`` are the limits to use. ``least`` are distances, low and high, within which nothing is rejected,
    ``step`` is the quantum of the samples, ``more`` a variance that ccd adds, ``alpha`` that of esd
    where it is not its own.
    """

    samples: Float64Array
    chosen: Rejection
    low: float
    high: float
    least: tuple[float, float] = (0.0, 0.0)
    more: float = 0.0
    alpha: float | None = None
    step: float = 0.0
    row: RowScatter | None = None
    terms: SampleTerms | None = None


@dataclasses.dataclass(slots=True)
class Verdict:
    """What a rejection did to one column of ``n`` finite samples.

    ``low`` and ``high`` mark the samples rejected below and above the center. ``margin`` is the least distance of any
    sample's deviation from the limit it was tested against (with its 1e-6 for ties), relative to that limit; infinite
    where nothing was tested. Choices between samples count too: which of the two ends lies farther out.
    """

    low: BoolArray
    high: BoolArray
    margin: float = math.inf

    @classmethod
    def of(cls, n: int) -> Verdict:
        """Nothing rejected."""
        return cls(low=np.zeros(n, bool), high=np.zeros(n, bool))

    @property
    def kept(self) -> BoolArray:
        """The survivors."""
        return ~(self.low | self.high)

    def exceeds(self, value: float, limit: float) -> bool:
        """Whether a value exceeds its limit by more than 1e-6 of it; the margin takes note."""
        self.margin = min(self.margin, abs(value / limit - BEYOND))
        return value > limit * BEYOND

    def test(
        self, deviation: Float64Array, below: Float64Array, above: Float64Array, least: tuple[float, float]
    ) -> bool:
        """Reject the survivors beyond the greater of their limits, arrays (n,), and ``least``; say whether any
        went.

        Where a limit is 0, as the scatter it is a multiple of, nothing is rejected.
        """
        found = False
        tested = self.kept
        sides = ((-deviation, below, least[0], self.low), (deviation, above, least[1], self.high))
        for away, limit, nearest, marks in sides:
            asked = tested & (limit > 0)
            if not asked.any():
                continue
            needed = np.maximum(limit, nearest)
            self.margin = min(self.margin, float(np.abs(away[asked] / needed[asked] - BEYOND).min()))
            gone = asked & (away > needed * BEYOND)
            marks |= gone
            found |= bool(gone.any())
        return found


def scatter_of(x: Float64Array, *, ddof: int) -> float:
    """Standard deviation; NaN for a single sample with ``ddof`` 1."""
    if x.size <= ddof:
        return math.nan
    # Equal values have no scatter, even where their mean is rounded.
    return float(x.std(ddof=ddof)) if np.ptp(x) > 0 else 0.0
