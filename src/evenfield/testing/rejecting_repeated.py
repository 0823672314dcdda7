"""The rejections that repeat on the survivors: sigma, mad, winsorized, averaged, ccd, and linear."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.special import ndtri

from evenfield.errors import CombineError
from evenfield.model.pixels import Float64Array
from evenfield.model.rejections import Averaged, Ccd, Linear, Mad, Sigma, Winsorized
from evenfield.testing.rejecting_verdict import Column, RowScatter, SampleTerms, Verdict, scatter_of

MAD_FACTOR: Final = 1.4826

PERFECT_LINE: Final = 1e-12
"""Mean absolute residuals up to this share of the largest deviation from the median are rounding."""


def repeated(column: Column) -> Verdict:
    """Reject beyond ``low`` and ``high`` times the scatter from the median of the survivors, until none or N <= 3."""
    x = column.samples
    verdict = Verdict.of(x.size)
    while np.count_nonzero(verdict.kept) > 3:
        survivors = x[verdict.kept]
        center = float(np.median(survivors))
        s = np.broadcast_to(np.asarray(_scatter(column, survivors, center), np.float64), x.shape)
        if not verdict.test(x - center, column.low * s, column.high * s, column.least):
            break
    return verdict


def _scatter(column: Column, survivors: Float64Array, center: float) -> Float64Array | float:
    """The standard deviation, one for all samples or one for each."""
    chosen = column.chosen
    if isinstance(chosen, Sigma):
        return scatter_of(survivors, ddof=1)
    if isinstance(chosen, Mad):
        return MAD_FACTOR * float(np.median(np.abs(survivors - center)))
    if isinstance(chosen, Winsorized):
        return winsorized_std(survivors, column.step / math.sqrt(12.0))
    if isinstance(chosen, Averaged):
        return 0.0 if column.row is None else column.row.at(center)
    if isinstance(chosen, Ccd):
        plain = column.terms or SampleTerms.plain(column.samples.size)
        return np.asarray(np.sqrt(ccd_noise(chosen, center=center, terms=plain) ** 2 + column.more))
    raise TypeError(f"{chosen} is not repeated with a scatter")


def winsorized_std(x: Float64Array, floor: float) -> float:
    """Huber's standard deviation: clamp the samples at 1.5 of it around the median, take it anew, until it settles."""
    # Around 0, so that clamping at little more than nothing is not lost in the rounding of a level.
    t = x - np.median(x)
    s = max(scatter_of(t, ddof=1), floor)
    for _ in range(50):
        t = np.clip(t, -1.5 * s, 1.5 * s)
        before, s = s, max(1.134 * scatter_of(t, ddof=1), floor)
        if abs(s - before) <= 5e-4 * before:
            break
    return s


def row_scatter(row: Float64Array) -> RowScatter | None:
    """The noise of an image row from all its columns (IRAF's avsigclip, with its bias removed).

    q = sum of (x - m)^2 over the valid samples of a column, the least and the greatest left out, divided by
    (n - 1) `inner_scatter_share(n)`, which makes its mean sigma^2; m is the median. Where all medians of the row are
    positive, g^2 = mean of q / m and s = g sqrt(m), else s^2 = mean of q. Columns of fewer than 4 valid samples do not
    take part: of 3, nothing is left but the median.

    Parameters
    ----------
    row : array (n_frames, n_columns)
        Samples; what is not finite does not take part.

    Returns
    -------
    RowScatter or None
        ``None`` where no column takes part.
    """
    from evenfield.combine.limits import inner_scatter_share

    squares, medians = [], []
    for p in range(row.shape[1]):
        x = np.sort(row[np.isfinite(row[:, p]), p])
        n = x.size
        if n < 4:
            continue
        m = float(np.median(x))
        inner = float(((x[1:-1] - m) ** 2).sum())
        squares.append(inner / ((n - 1) * inner_scatter_share(n)))
        medians.append(m)
    if not medians:
        return None
    grows = all(m > 0 for m in medians)
    shares = [q / m if grows else q for q, m in zip(squares, medians, strict=True)]
    return RowScatter(factor=math.sqrt(math.fsum(shares) / len(shares)), grows_with_level=grows)


def ccd_noise(chosen: Ccd, *, center: float, terms: SampleTerms) -> Float64Array:
    """Standard deviation of each sample: s^2 = k^2 (r^2 + max(m/k + D - B, 0)/G) + (S m)^2.

    m is the ``center``, k and D the sample's scale and subtracted level, B the bias level, r the read noise (ADU), G
    the e-/ADU, S the relative noise of the scales. An unknown r counts as 0; without G the noise of the light is left
    out.

    Raises
    ------
    CombineError
        If neither read noise nor e-/ADU is known.
    """
    if chosen.read_noise_adu is None and chosen.egain_e_per_adu is None:
        raise CombineError(
            "Rejection ccd knows neither read noise nor e-/ADU.", mend="Give read_noise_adu, egain_e_per_adu or both."
        )
    k = terms.scales
    variance = np.full(k.shape, (chosen.read_noise_adu or 0.0) ** 2)
    if chosen.egain_e_per_adu is not None:
        variance += np.maximum(center / k + terms.levels - terms.bias, 0.0) / chosen.egain_e_per_adu
    total: Float64Array = k**2 * variance + (chosen.scale_noise * center) ** 2
    return np.sqrt(total)


def linear(column: Column) -> Verdict:
    """Fit a straight line to the sorted survivors; reject beyond ``low`` and ``high`` mean absolute residuals; repeat.

    Until none or N <= 4. The survivors are sorted with the earlier of equal samples first; the line is fitted against
    their ranks 0 .. N - 1, or against the normal scores Phi^-1((rank + 5/8)/(N + 1/4)) (Blom 1958), renewed for every
    fit. A sample inside the sorted range may go, so the survivors are a set and not a range.
    """
    chosen, x = column.chosen, column.samples
    if not isinstance(chosen, Linear):
        raise TypeError(f"{chosen} is not linear")
    order = np.argsort(x, kind="stable")
    verdict = Verdict.of(x.size)
    while np.count_nonzero(verdict.kept) > 4:
        places = order[verdict.kept[order]]
        y = x[places] - np.median(x[places])
        ranks = np.arange(places.size)
        t = ranks.astype(np.float64) if chosen.against == "ranks" else ndtri((ranks + 0.625) / (ranks.size + 0.25))
        residuals = y - _line(t, y)
        d = float(np.abs(residuals).mean())
        if d <= PERFECT_LINE * float(np.abs(y).max()):
            break
        deviation = np.zeros(x.size)
        deviation[places] = residuals
        limits = np.full(x.size, d)
        if not verdict.test(deviation, column.low * limits, column.high * limits, column.least):
            break
    return verdict


def _line(t: Float64Array, y: Float64Array) -> Float64Array:
    """The least-squares straight line of y on t, at t."""
    u = t - t.mean()
    return np.asarray(y.mean() + u * ((u * y).sum() / (u * u).sum()))
