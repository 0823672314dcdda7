"""Minmax: drop so many of the least and so many of the greatest samples."""

from __future__ import annotations

from evenfield.kernels.blocks import Doubles, Places, Results, Rules, Samples, Singles, Space, Terms
from evenfield.kernels.cache import inner, part
from evenfield.kernels.proving import measure_rows, prove_finite
from evenfield.kernels.shell import decide_by, prove_by


@inner
def prove(block: Singles, width: int, rules: Rules, _terms: Terms, _start: int) -> tuple[int, int]:
    """Settle all columns of finite samples; equal samples may change places, which changes no result."""
    n = block.rows.shape[0]
    first, last = int(rules.numbers[0]), n - int(rules.numbers[1])
    if rules.weights.size > 0 or last <= first:
        return 0, 0
    measure_rows(block, width, 0, n)
    prove_finite(block, width)
    measure_rows(block, width, first, last)
    return first, last


@part
def reject(chunk: Doubles, count: int, rules: Rules, _terms: Terms, _places: Places) -> None:
    """Drop both ends; nothing survives (so that the median takes over) where too few are valid."""
    first, last, valid = chunk.first, chunk.last, chunk.valid
    for i in range(count):
        first[i] = int(rules.numbers[0])
        last[i] = valid[i] - int(rules.numbers[1])


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
