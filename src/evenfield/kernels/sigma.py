"""Sigma: reject what lies more than some standard deviations from the median, again and again."""

from __future__ import annotations

from evenfield.kernels.blocks import Doubles, Places, Results, Rules, Samples, Singles, Space, Terms
from evenfield.kernels.cache import inner, part
from evenfield.kernels.columns import (
    LEAST_SURVIVORS,
    find_deviations,
    find_medians,
    start_rounds,
    take_deviations,
    trim_columns,
)
from evenfield.kernels.proving import find_bounds, measure_rows, prove_by_scatter
from evenfield.kernels.shell import decide_by, prove_by


@inner
def prove(block: Singles, width: int, rules: Rules, _terms: Terms, _start: int) -> tuple[int, int]:
    """Settle the columns whose least and greatest samples lie within the limits."""
    n = block.rows.shape[0]
    measure_rows(block, width, 0, n)
    find_bounds(block, width, rules)
    prove_by_scatter(block, width, LEAST_SURVIVORS)
    return 0, n


@part
def reject(chunk: Doubles, count: int, rules: Rules, _terms: Terms, _places: Places) -> None:
    """Reject until nothing is rejected or three samples are left."""
    n_active = start_rounds(chunk, count, LEAST_SURVIVORS)
    while n_active > 0:
        find_medians(chunk, n_active)
        take_deviations(chunk.rows, chunk, n_active)
        find_deviations(chunk, n_active, 1.0)
        n_active = trim_columns(chunk, n_active, rules, LEAST_SURVIVORS)


_prove_all = prove_by(prove)
_decide_all = decide_by(reject)


def prove_pixels(
    samples: Samples, terms: Terms, rules: Rules, results: Results, space: Space, begin: int, end: int
) -> int:
    """Combine the pixels that lose nothing; see `evenfield.kernels.registry`."""
    return _prove_all(samples, terms, rules, results, space, begin, end)  # type: ignore[no-any-return]


def decide_pixels(samples: Samples, terms: Terms, rules: Rules, results: Results, space: Space, n_left: int) -> None:
    """Decide and combine the other pixels; see `evenfield.kernels.registry`."""
    _decide_all(samples, terms, rules, results, space, n_left)
