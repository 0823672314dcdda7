"""Sigma: reject what lies more than some standard deviations from the median, again and again."""

from __future__ import annotations

from evenfield.kernels.blocks import Doubles, Places, Rules, Singles, Terms
from evenfield.kernels.columns import (
    LEAST_SURVIVORS,
    find_deviations,
    find_medians,
    start_rounds,
    take_deviations,
    trim_columns,
)
from evenfield.kernels.compiling import inner, part
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


prove_pixels = prove_by(prove)
decide_pixels = decide_by(reject)
