"""No rejection: every valid sample is used."""

from __future__ import annotations

from evenfield.kernels.blocks import Doubles, Places, Results, Rules, Samples, Singles, Terms
from evenfield.kernels.cache import inner, part
from evenfield.kernels.columns import keep_valid
from evenfield.kernels.proving import measure_rows, prove_finite
from evenfield.kernels.shell import combine_by


@inner
def prove(block: Singles, width: int, _rules: Rules, _terms: Terms, _start: int) -> tuple[int, int]:
    """Settle all columns of finite samples."""
    n = block.rows.shape[0]
    measure_rows(block, width, 0, n)
    prove_finite(block, width)
    return 0, n


@part
def reject(chunk: Doubles, count: int, _rules: Rules, _terms: Terms, _places: Places) -> None:
    """Keep what is valid."""
    keep_valid(chunk, count)


_combine_pixels = combine_by(prove, reject)


def combine(samples: Samples, terms: Terms, rules: Rules, results: Results) -> None:
    """Combine all pixels of a band; see `evenfield.kernels.registry.CombineKernel`."""
    _combine_pixels(samples, terms, rules, results)
