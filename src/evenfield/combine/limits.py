"""What a limit has to be so that a rejection throws away the share of clean samples that the limit promises.

A limit of 3 promises that 1 - Phi(3) = 0.135 % of normal samples are thrown away on its side. The textbook rejections
keep that promise for many frames at best: their scatter is estimated from the samples themselves, and the rejection is
repeated on the survivors. A table, made and checked by ``benchmarks/limits.py`` from simulated columns, says which
limits keep it for N samples. How it was made, and what it is worth, stands in ``docs/limits.md``.
"""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evenfield.model.pixels import Float64Array
from evenfield.model.rejections import (
    Averaged,
    Ccd,
    Esd,
    Linear,
    Rejection,
    Sigma,
    ZScore,
    rejection_name,
    rejection_text,
)

TABLE: Final = Path(__file__).with_name("limits_table.json")

LEAST_SAMPLES: Final = 4
"""With fewer samples no repeated rejection does anything, and the limits stay nominal."""

BEYOND: Final = 1.0 + 1e-6
"""The tie rule rejects beyond this multiple of a limit; the table holds the multiples, not the limits."""

POINTS: Final = 4
"""Samples of the table that an interpolation goes through: a cubic."""

Places: TypeAlias = NDArray[np.int64]


class _Table(NamedTuple):
    """The table: natural logarithms of limits by rejection, number of samples, own limit and the other side's limit."""

    samples: Float64Array
    own: Float64Array
    other: Float64Array
    logs: dict[str, Float64Array]
    inner: Float64Array


def corrected_limits(chosen: Rejection, *, n: int) -> tuple[float, float]:
    """The limits, low and high, that keep the promise of a rejection's own limits in a column of ``n`` valid samples.

    Each depends on both nominal limits, since the rejections repeat on the survivors. Between 2 and 5 the table is
    interpolated. Below 2 a corrected limit is proportional to the nominal one, above 5 it goes on with the power of the
    nominal one that it has between 4.5 and 5: it grows everywhere.

    Parameters
    ----------
    chosen : Rejection
        One of `evenfield.model.rejections.CORRECTED`, with its nominal limits.
    n : int
        The number of valid samples of the column. Fewer than 4 (linear: 5) keep the nominal limits, since nothing is
        rejected; more than 500 have the limits of 500.

    Raises
    ------
    ValueError
        If the rejection has no limits that could be corrected.
    """
    low, high = _nominal(chosen)
    if n < LEAST_SAMPLES + isinstance(chosen, Linear):
        return low, high
    return _corrected(chosen, low, high, min(n, int(_table().samples[-1]) - (n + 1) % 2))


@functools.lru_cache(maxsize=4096)
def _corrected(chosen: Rejection, low: float, high: float, n: int) -> tuple[float, float]:
    name = _name(chosen)
    if isinstance(chosen, ZScore):
        # Least deviation in units of the standard deviation (ddof 0) of a column, from that in units of the others'.
        t = _limit(name, low, low, n)
        limit = math.sqrt((n - 1) / ((n - 2) / (t * t) + 1)) / BEYOND
        return limit, limit
    return _limit(name, low, high, n) / BEYOND, _limit(name, high, low, n) / BEYOND


def corrected_alpha(chosen: Esd, *, n: int) -> float:
    """The ``alpha`` to use in Rosner's critical values so that esd touches no more clean columns than its own says.

    His values are good from 25 samples on. With fewer and up to ``r`` outliers they touch ``1 + 9.4 n^-1.36 (r - 1)^p``
    times ``alpha`` of the clean columns, ``p = 1.3 - 0.028 n`` but at least 0.2: twice as many at 8 samples. This is
    fitted from above to counts at ``alpha`` from 0.01 to 0.2 (``benchmarks/limits.py --tables`` counts again).

    Parameters
    ----------
    chosen : Esd
        The rejection, with its nominal ``alpha``.
    n : int
        The number of valid samples of the column.

    References
    ----------
    Rosner, B. 1983, Technometrics 25, 165.
    """
    most = min(math.ceil(chosen.outliers * n), n - 2)
    if most < 2:
        return chosen.alpha
    more = 9.4 * math.pow(n, -1.36) * math.pow(most - 1, max(1.3 - 0.028 * n, 0.2))
    return chosen.alpha / (1.0 + more)


def least_steps(chosen: Rejection, *, n: int) -> tuple[float, float]:
    """The least distances, low and high, of a sample that may be rejected, in steps of integer data.

    Where the noise is less than a step, most samples of a column are equal, and the few that lie one step off would be
    lost whatever the limit. So a dequantized sample is rejected only if it lies, besides, ``limit (1 - a / n^0.4)``
    steps from the center, with ``a`` 1.1 for zscore and sigma, 1.3 for mad and winsorized: as if the noise were never
    less than about a step. For averaged and ccd, whose noise is never too small by chance, it is ``0.8 limit``; for
    linear, whose residuals are smaller, ``min(limit - 1.2, 0.17 n) min(0.9 - 6.3 / n, 0.6)`` from the line (against
    scores 0.3).
    ``benchmarks/limits.py --steps`` counts what is lost with them, from 0.1 to 3 steps of noise.

    Parameters
    ----------
    chosen : Rejection
        One of `evenfield.model.rejections.CORRECTED`, with its nominal limits.
    n : int
        The number of valid samples of the column.

    Raises
    ------
    ValueError
        If the rejection has no limits that could be corrected.
    """
    low, high = _nominal(chosen)
    if isinstance(chosen, Linear):
        share = max(min(0.9 - 6.3 / max(n, 1), 0.6 if chosen.against == "ranks" else 0.3), 0.0)
        most = 0.17 * n
        return share * max(min(low - 1.2, most), 0.0), share * max(min(high - 1.2, most), 0.0)
    if isinstance(chosen, Averaged | Ccd):
        share = 0.8
    else:
        share = 1.0 - (1.1 if isinstance(chosen, ZScore | Sigma) else 1.3) / max(n, 1) ** 0.4
    share = max(share, 0.0)
    return low * share, high * share


def inner_scatter_share(n: int) -> float:
    """The share of the squared deviations that is left without the least and the greatest of ``n`` normal samples.

    ``E[sum of (x - m)^2 without the least and the greatest sample] / ((n - 1) sigma^2)`` with ``m`` the median of all
    samples: what `averaged` divides by, so that its noise does not depend on one outlier a column. It is 0 for three
    samples, of which only the median is left.

    Raises
    ------
    ValueError
        If ``n`` is less than 3.
    """
    if n < 3:
        raise ValueError(f"A column of {n} samples has nothing between its least and its greatest sample.")
    if n == 3:
        return 0.0
    table = _table()
    nodes, weights = _between_samples(n) if n <= table.samples[-1] else _beyond_samples(n)
    return float(weights @ table.inner[nodes])


def _nominal(chosen: Rejection) -> tuple[float, float]:
    if isinstance(chosen, ZScore):
        return chosen.limit, chosen.limit
    if _name(chosen) in ("sigma", "mad", "winsorized", "known", "ranks", "scores"):
        return float(getattr(chosen, "low")), float(getattr(chosen, "high"))  # noqa: B009
    raise ValueError(f"The limits of '{rejection_text(chosen)}' cannot be corrected.")


def _name(chosen: Rejection) -> str:
    """The table's name for a rejection: those that take the noise from outside a column are one."""
    if isinstance(chosen, Linear):
        return chosen.against
    return "known" if isinstance(chosen, Averaged | Ccd) else rejection_name(chosen)


@functools.lru_cache(maxsize=1)
def _table() -> _Table:
    """The table, read when it is first needed."""
    raw = json.loads(TABLE.read_text(encoding="ascii"))
    own, other = np.array(raw["own"]), np.array(raw["other"])
    logs = {
        name: np.array(values, np.float64).reshape(len(raw["samples"]), own.size, -1) / raw["scale"]
        for name, values in raw["limits"].items()
    }
    return _Table(np.array(raw["samples"]), own, other, logs, np.array(raw["inner"]) / raw["scale"])


def _limit(name: str, own: float, other: float, n: int) -> float:
    """The limit of one side of the table of a rejection, for nominal limits of its own and of the other side."""
    table = _table()
    nodes, weights = _between_samples(n)
    # Summed here: a matrix product wakes threads that then wait at full speed for more.
    logs = (weights[:, None, None] * table.logs[name][nodes]).sum(axis=0)
    if logs.shape[1] > 1:
        places, shares = _lagrange(table.other, min(max(other, table.other[0]), table.other[-1]))
        logs = logs[:, places] @ shares
    else:
        logs = logs[:, 0]
    first, last = float(table.own[0]), float(table.own[-1])
    if own < first:
        return math.exp(logs[0]) * own / first
    if own > last:
        # half a limit back: steep enough to be more than the table's noise
        back = int(np.searchsorted(table.own, last - 0.5))
        power = (logs[-1] - logs[back]) / math.log(last / table.own[back])
        return float(math.exp(min(logs[-1] + power * math.log(own / last), 300.0)))
    places, shares = _lagrange(table.own, own)
    return float(math.exp(logs[places] @ shares))


@functools.lru_cache(maxsize=1024)
def _between_samples(n: int) -> tuple[Places, Float64Array]:
    """Places in the table and their weights for ``n`` samples: itself, or the nearest ones as even or odd as it.

    Even and odd numbers have medians of different kinds, so that their limits lie on two curves.
    """
    samples = _table().samples
    place = np.flatnonzero(samples == n)
    if place.size:
        return place, np.ones(1)
    alike = np.flatnonzero(samples % 2 == n % 2)
    places, weights = _lagrange(np.log(samples[alike]), math.log(n))
    return alike[places], weights


def _beyond_samples(n: int) -> tuple[Places, Float64Array]:
    """Places and weights for more samples than the table has: on a straight line in 1 / n."""
    samples = _table().samples
    places = np.flatnonzero(samples % 2 == n % 2)[-2:]
    before, last = samples[places]
    share = (1 / n - 1 / last) / (1 / before - 1 / last)
    return places, np.array([share, 1 - share])


def _lagrange(nodes: Float64Array, x: float) -> tuple[Places, Float64Array]:
    """The nodes nearest to ``x`` and their weights in the polynomial through them."""
    first = int(np.clip(np.searchsorted(nodes, x) - POINTS // 2, 0, nodes.size - POINTS))
    places = np.arange(first, first + POINTS)
    weights = np.ones(POINTS)
    for i in range(POINTS):
        for j in range(POINTS):
            if i != j:
                weights[i] *= (x - nodes[places[j]]) / (nodes[places[i]] - nodes[places[j]])
    return places, weights
