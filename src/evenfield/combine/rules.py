"""From a recipe to the numbers that a kernel takes: limits by the number of valid samples, steps, tables."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from evenfield.combine.limits import corrected_alpha, corrected_limits, inner_scatter_share, least_steps
from evenfield.model.pixels import Float64Array
from evenfield.model.rejections import (
    CORRECTED,
    DEQUANTIZE_BELOW,
    Averaged,
    Ccd,
    Esd,
    Extremes,
    Linear,
    MinMax,
    Percentile,
    Rcr,
    Rejection,
    Winsorized,
    ZScore,
)

if TYPE_CHECKING:
    from evenfield.combine.bands import CombineRecipe
    from evenfield.kernels.blocks import Rules

_NO_WEIGHTS = np.empty(0)

FEW_CLEAN: Final = 0.3
"""Where fewer columns than this share lose nothing, to look for them costs more than it saves."""


def kernel_rules(recipe: CombineRecipe, *, n_frames: int, columns: int) -> Rules:
    """What the kernel of the recipe's rejection has to know to combine ``n_frames`` frames of rows of ``columns``."""
    from evenfield.kernels.blocks import Rules
    from evenfield.kernels.inputs import read_only
    from evenfield.kernels.network import sorting_steps

    chosen = recipe.rejection
    corrected = recipe.limits == "corrected" and isinstance(chosen, (*CORRECTED, Esd))
    # What has limits of its own, and is decided on dequantized samples.
    spread = corrected and not isinstance(chosen, Esd)
    # The median knows no weights.
    by_median = recipe.method == "median"
    weights = _NO_WEIGHTS if recipe.weights is None or by_median else recipe.weights
    limits, numbers, table = _tables(chosen, corrected, n_frames)
    # What lies within the least distances is never rejected: a matter of integer data alone.
    limits = np.concatenate([limits[:2], limits[2:] * recipe.step])
    limits.flags.writeable = False
    if isinstance(chosen, Ccd | Winsorized):
        # Samples that were dequantized need no floor under their scatter.
        floor = 0.0 if corrected else recipe.step / math.sqrt(12.0)
        numbers = np.append(numbers, recipe.bias_adu if isinstance(chosen, Ccd) else floor)
        numbers.flags.writeable = False
    return Rules(
        by_median,
        limits,
        numbers,
        table,
        read_only(weights, np.float64),
        sorting_steps(n_frames),
        columns,
        float(recipe.step),
        DEQUANTIZE_BELOW * recipe.step if spread else 0.0,
        _most_lose(chosen, n_frames),
    )


def _most_lose(chosen: Rejection, n_frames: int) -> bool:
    """Whether most columns of clean samples lose some, if the limits keep their promise."""
    if isinstance(chosen, ZScore):
        low = high = chosen.limit
    elif isinstance(chosen, CORRECTED):
        low, high = chosen.low, chosen.high
    else:
        return False
    lost = 0.5 * (math.erfc(low / math.sqrt(2.0)) + math.erfc(high / math.sqrt(2.0)))
    return bool((1.0 - lost) ** n_frames < FEW_CLEAN)


@functools.lru_cache(maxsize=16)
def _tables(chosen: Rejection, corrected: bool, n_frames: int) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Limits and least steps by the number of valid samples (4, n_frames + 1), the rejection's numbers, its table."""
    limits = np.array([_limits(chosen, corrected, n) for n in range(n_frames + 1)]).T.copy()
    tables = (limits, np.array(_numbers(chosen), np.float64), _table(chosen, corrected, n_frames))
    for table in tables:
        table.flags.writeable = False
    return tables


def _limits(chosen: Rejection, corrected: bool, n: int) -> tuple[float, float, float, float]:
    if corrected and isinstance(chosen, CORRECTED):
        return *corrected_limits(chosen, n=n), *least_steps(chosen, n=n)
    if isinstance(chosen, ZScore):
        return chosen.limit, chosen.limit, 0.0, 0.0
    return getattr(chosen, "low", 0.0), getattr(chosen, "high", 0.0), 0.0, 0.0


def _numbers(chosen: Rejection) -> tuple[float, ...]:
    if isinstance(chosen, Extremes):
        return (float(chosen.times),)
    if isinstance(chosen, MinMax):
        return float(chosen.n_low), float(chosen.n_high)
    if isinstance(chosen, Esd):
        return (chosen.outliers,)
    if isinstance(chosen, Percentile):
        return (chosen.above,)
    if isinstance(chosen, Ccd):
        read, egain = chosen.read_noise_adu or 0.0, chosen.egain_e_per_adu
        return read * read, 0.0 if egain is None else 1.0 / egain, chosen.scale_noise * chosen.scale_noise
    return ()


def _table(chosen: Rejection, corrected: bool, n_frames: int) -> Float64Array:
    """What a kernel looks up by the number of samples, the row."""
    if isinstance(chosen, Averaged):
        return np.array([[inner_scatter_share(n) if n >= 3 else 1.0] for n in range(n_frames + 1)])
    if isinstance(chosen, Linear):
        return _by_samples(n_frames, lambda n: line_places(n, against=chosen.against))
    if isinstance(chosen, Esd):
        alphas = [corrected_alpha(chosen, n=n) if corrected else chosen.alpha for n in range(1, n_frames + 1)]
        return _by_samples(n_frames, lambda n: esd_lambdas(n, outliers=chosen.outliers, alpha=([1.0, *alphas])[n]))
    if isinstance(chosen, Rcr):
        return _by_samples(n_frames, lambda n: rcr_weights(n, limit=chosen.limit))
    return np.empty((0, 0))


def _by_samples(n_frames: int, row_of: Callable[[int], Float64Array]) -> Float64Array:
    rows = [row_of(n) for n in range(n_frames + 1)]
    table = np.zeros((n_frames + 1, max(row.size for row in rows)))
    for row, values in zip(table, rows, strict=True):
        row[: values.size] = values
    return table


def line_places(n: int, *, against: str) -> Float64Array:
    """Where the ``n`` sorted samples stand to which `linear` fits a line: their ranks or normal scores, mean 0.

    Normal scores are ``Phi^-1((i + 5/8)/(n + 1/4))`` (Blom 1958).
    """
    from scipy.special import ndtri

    ranks = np.arange(n, dtype=np.float64)
    return ranks - (n - 1) / 2 if against == "ranks" else np.asarray(ndtri((ranks + 0.625) / (n + 0.25)))


def esd_lambdas(n: int, *, outliers: float, alpha: float) -> Float64Array:
    """The critical values of the steps of `esd` for ``n`` samples (Rosner 1983, equation 2.5)."""
    from scipy.special import stdtrit

    left = n - np.arange(max(min(math.ceil(outliers * n), n - 2), 0), dtype=np.float64)
    t = stdtrit(left - 2, 1 - alpha / (2 * left))
    return np.asarray((left - 1) * t / np.sqrt((left - 2 + t * t) * left))


def rcr_weights(n: int, *, limit: float) -> Float64Array:
    """For `rcr`: the limit in standard deviations, and each small deviation's weight in the slope of the line."""
    from scipy.special import erfcinv, erfinv

    if n < 2:
        return np.zeros(1)
    share = math.erf(math.sqrt(0.5))
    places = math.sqrt(2) * erfinv((np.arange(math.ceil(share * (n - 1))) + share) / n)
    reach = math.sqrt(2) * float(erfcinv(min(limit / n, 1.0)))
    return np.concatenate([[reach], places / (places * places).sum(), [0.0, 0.0]])
