"""Each rejection on one column, written literally from its definition: which samples are kept, and how close it was."""

from __future__ import annotations

import dataclasses
import struct

import numpy as np

from evenfield.model.pixels import Float64Array
from evenfield.model.rejections import (
    CORRECTED,
    Averaged,
    Ccd,
    Esd,
    Extremes,
    Linear,
    Mad,
    MinMax,
    NoRejection,
    Percentile,
    Rcr,
    Rejection,
    Sigma,
    Winsorized,
    ZScore,
)
from evenfield.testing.rejecting_once import extremes, minmax, percentile, zscore
from evenfield.testing.rejecting_repeated import linear, repeated
from evenfield.testing.rejecting_singly import esd, rcr
from evenfield.testing.rejecting_verdict import Column, RowScatter, SampleTerms, Verdict, scatter_of


def reject_column(
    x: Float64Array,
    *,
    chosen: Rejection,
    step: float = 0.0,
    corrected: bool = False,
    row: RowScatter | None = None,
    terms: SampleTerms | None = None,
) -> Verdict | None:
    """Apply a rejection to the finite samples of one column.

    Parameters
    ----------
    x : array (n,)
        Finite samples in the order of their frames.
    chosen : Rejection
        Not "auto".
    step : float
        The quantum of the samples, 0 for none.
    corrected : bool
        Take the limits for the number of samples from `corrected_limits`, and decide on dequantized samples where
        the step is coarse (`dequantized`); else the limits as they stand.
    row : RowScatter, optional
        For averaged, from `row_scatter`. Without it nothing is rejected.
    terms : SampleTerms, optional
        For ccd; without them the samples are raw values above a bias level of 0.

    Returns
    -------
    Verdict or None
        ``None`` where the median has to take over.

    Raises
    ------
    CombineError
        If ccd knows neither read noise nor e-/ADU.
    """
    if isinstance(chosen, NoRejection) or x.size == 0:
        return Verdict.of(x.size)
    if isinstance(chosen, MinMax) and x.size < chosen.n_low + chosen.n_high + 1:
        return None
    low, high = _limits(chosen, x.size, corrected)
    alpha = _alpha(chosen, x.size) if corrected and isinstance(chosen, Esd) else None
    column = Column(samples=x, chosen=chosen, low=low, high=high, alpha=alpha, step=step, row=row, terms=terms)
    verdict = _dequantized_verdict(column) if corrected and isinstance(chosen, CORRECTED) else _decide(column)
    if not verdict.kept.any() and isinstance(chosen, ZScore):
        fallback = extremes(x, times=2)
        fallback.margin = verdict.margin
        return fallback
    return verdict if verdict.kept.any() else None


def _alpha(chosen: Esd, n: int) -> float:
    from evenfield.combine.limits import corrected_alpha

    return corrected_alpha(chosen, n=n)


def _limits(chosen: Rejection, n: int, corrected: bool) -> tuple[float, float]:
    if corrected and isinstance(chosen, CORRECTED):
        from evenfield.combine.limits import corrected_limits

        return corrected_limits(chosen, n=n)
    if isinstance(chosen, ZScore):
        return chosen.limit, chosen.limit
    return getattr(chosen, "low", 0.0), getattr(chosen, "high", 0.0)


def _decide(column: Column) -> Verdict:
    chosen, x = column.chosen, column.samples
    if isinstance(chosen, ZScore):
        return zscore(column)
    if isinstance(chosen, Percentile):
        return percentile(column)
    if isinstance(chosen, Extremes):
        return extremes(x, times=chosen.times)
    if isinstance(chosen, MinMax):
        return minmax(x, n_low=chosen.n_low, n_high=chosen.n_high)
    if isinstance(chosen, Sigma | Mad | Winsorized | Averaged | Ccd):
        return repeated(column)
    if isinstance(chosen, Linear):
        return linear(column)
    if isinstance(chosen, Esd):
        return esd(x, outliers=chosen.outliers, alpha=column.alpha or chosen.alpha)
    if isinstance(chosen, Rcr):
        return rcr(x, limit=chosen.limit)
    raise TypeError(f"{chosen} is not a rejection of its own")


def _dequantized_verdict(column: Column) -> Verdict:
    """Decide on the dequantized samples where the step is coarse; what holds for a sorted place holds for the true one.

    For all but linear and ccd, that is to apply the numbers of samples rejected low and high. A sample of ccd has the
    terms of the true sample that stands at its sorted place. Within the least distance nothing is rejected, whether the
    samples are dequantized or not: an outlier alone may hide that the others differ by a step.
    """
    from evenfield.combine.limits import least_steps
    from evenfield.model.rejections import DEQUANTIZE_BELOW

    x, step = column.samples, column.step
    low, high = least_steps(column.chosen, n=x.size)
    column = dataclasses.replace(column, least=(low * step, high * step))
    s = scatter_of(x, ddof=1)
    if step == 0 or not 0 < s < DEQUANTIZE_BELOW * step:
        return _decide(dataclasses.replace(column, step=0.0))
    order = np.argsort(x, kind="stable")
    terms = column.terms
    if terms is not None:
        terms = SampleTerms(scales=terms.scales[order], levels=terms.levels[order], bias=terms.bias)
    spread = np.sort(dequantized(x[order], step=step))
    found = _decide(dataclasses.replace(column, samples=spread, step=0.0, terms=terms, more=step * step / 12))
    verdict = Verdict.of(x.size)
    verdict.low[order], verdict.high[order] = found.low, found.high
    verdict.margin = min(found.margin, abs(s / (DEQUANTIZE_BELOW * step) - 1.0))
    return verdict


def as_decided(x: Float64Array, *, step: float) -> Float64Array:
    """Samples (n,) as decisions see them: sorted, and dequantized where their scatter is small beside the step."""
    from evenfield.model.rejections import DEQUANTIZE_BELOW

    ordered = np.sort(x)
    if step == 0 or not 0 < scatter_of(x, ddof=1) < DEQUANTIZE_BELOW * step:
        return ordered
    return np.sort(dequantized(ordered, step=step))


def dequantized(x: Float64Array, *, step: float) -> Float64Array:
    """Sorted samples, each moved within half a step by a number that depends on these samples only.

    The number is uniform: the bits of the sum of the samples, in ascending order, are mixed as in SplitMix64 (Steele,
    Lea & Flood 2014); the low half with the distance of each sample from the least, in whole 256ths of the step; then
    as in lowbias32 (Wellons 2018) with the ranks, four at a time, of which each takes a byte, the lowest first.

    Parameters
    ----------
    x : array (n,)
        Samples in ascending order.
    step : float
        Their quantum.

    Returns
    -------
    array (n,)
        No longer sorted.
    """
    total = 0.0
    for value in x.tolist():
        total += value
    (bits,) = struct.unpack("<Q", struct.pack("<d", total))
    z = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    seed = (z ^ (z >> 31)) & _HALF
    for value in x[1:].tolist():
        seed = ((seed ^ int((value - float(x[0])) * (256.0 / step))) * 0x85EBCA6B) & _HALF
        seed ^= seed >> 13
    moved = []
    for rank, value in enumerate(x.tolist()):
        w = (seed + (rank // 4 + 1) * 0x9E3779B9) & _HALF
        w = ((w ^ (w >> 16)) * 0x7FEB352D) & _HALF
        w = ((w ^ (w >> 15)) * 0x846CA68B) & _HALF
        byte = (w ^ (w >> 16)) >> 8 * (rank % 4) & 255
        moved.append(value + (byte - 127.5) * (step / 256))
    return np.array(moved, dtype=np.float64)


_HALF = (1 << 32) - 1
_MASK = (1 << 64) - 1
