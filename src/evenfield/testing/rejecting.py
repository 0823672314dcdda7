"""Each rejection on one column, written literally from its definition: which samples are kept, and how close it was."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from evenfield.model.pixels import BoolArray, Float64Array
from evenfield.model.rejections import Extremes, MinMax, NoRejection, Rejection, Sigma, Winsorized, ZScore

BEYOND = 1.0 + 1e-6


@dataclasses.dataclass(slots=True)
class Verdict:
    """What a rejection did to one column of ``n`` finite samples.

    ``low`` and ``high`` mark the samples rejected below and above the center. ``margin`` is the least distance of any
    sample's deviation from the limit it was tested against (with its 1e-6 for ties), relative to that limit; infinite
    where nothing was tested.
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

    def test(self, x: Float64Array, center: float, below: float, above: float) -> bool:
        """Reject the survivors beyond their limits; say whether there were any."""
        tested = self.kept
        deviation = x - center
        low = tested & (-deviation > below * BEYOND)
        high = tested & (deviation > above * BEYOND)
        for side, limit in ((-deviation, below), (deviation, above)):
            distances = np.abs(side[tested] / limit - BEYOND)
            self.margin = min(self.margin, float(distances.min()))
        self.low |= low
        self.high |= high
        return bool(low.any() or high.any())


def reject_column(x: Float64Array, chosen: Rejection, step: float) -> Verdict | None:
    """Apply a rejection to the finite samples of one column; ``None`` where the median has to take over.

    ``step`` is the quantum of the samples, for winsorized.
    """
    if isinstance(chosen, NoRejection) or x.size == 0:
        return Verdict.of(x.size)
    if isinstance(chosen, ZScore):
        verdict = _zscore(x, chosen.limit)
    elif isinstance(chosen, Extremes):
        verdict = _extremes(x, chosen.times)
    elif isinstance(chosen, MinMax):
        if x.size < chosen.n_low + chosen.n_high + 1:
            return None
        verdict = _minmax(x, chosen.n_low, chosen.n_high)
    elif isinstance(chosen, Sigma):
        verdict = _repeated(x, chosen.low, chosen.high, None)
    elif isinstance(chosen, Winsorized):
        verdict = _repeated(x, chosen.low, chosen.high, step / math.sqrt(12.0))
    else:
        raise TypeError(f"{chosen} is not a rejection of its own")
    if verdict.kept.any():
        return verdict
    return None


def _zscore(x: Float64Array, limit: float) -> Verdict:
    verdict = Verdict.of(x.size)
    std = _std(x, ddof=0)
    if std == 0:
        return verdict
    verdict.test(x, float(x.mean()), limit * std, limit * std)
    if not verdict.kept.any():
        fallback = _extremes(x, 2)
        fallback.margin = verdict.margin
        return fallback
    return verdict


def _extremes(x: Float64Array, times: int) -> Verdict:
    for attempt in range(times, 0, -1):
        verdict = Verdict.of(x.size)
        for _ in range(attempt):
            if not verdict.kept.any():
                break
            least, greatest = x[verdict.kept].min(), x[verdict.kept].max()
            verdict.low |= x == least
            verdict.high |= x == greatest
        if verdict.kept.any():
            return verdict
    return Verdict.of(x.size)


def _minmax(x: Float64Array, n_low: int, n_high: int) -> Verdict:
    verdict = Verdict.of(x.size)
    order = np.argsort(x, kind="stable")
    verdict.low[order[:n_low]] = True
    verdict.high[order[x.size - n_high :]] = True
    return verdict


def _repeated(x: Float64Array, low: float, high: float, floor: float | None) -> Verdict:
    """Sigma, or winsorized where there is a ``floor`` for the standard deviation."""
    verdict = Verdict.of(x.size)
    while np.count_nonzero(verdict.kept) > 3:
        survivors = x[verdict.kept]
        center = float(np.median(survivors))
        s = _std(survivors, ddof=1) if floor is None else winsorized_std(survivors, floor)
        if s == 0 or not verdict.test(x, center, low * s, high * s):
            break
    return verdict


def winsorized_std(x: Float64Array, floor: float) -> float:
    """Huber's standard deviation: clamp the samples at 1.5 of it around the median, take it anew, until it settles."""
    m = np.median(x)
    s = max(_std(x, ddof=1), floor)
    t = x
    for _ in range(50):
        t = np.clip(t, m - 1.5 * s, m + 1.5 * s)
        before, s = s, max(1.134 * _std(t, ddof=1), floor)
        if abs(s - before) <= 5e-4 * before:
            break
    return s


def _std(x: Float64Array, *, ddof: int) -> float:
    # Equal values have no scatter, even where their mean is rounded.
    return float(x.std(ddof=ddof)) if np.ptp(x) > 0 else 0.0
