"""Minmax: drop so many of the least and so many of the greatest samples."""

from __future__ import annotations

from evenfield.kernels.blocks import Doubles, Places, Rules, Singles, Terms
from evenfield.kernels.compiling import inner, part
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


prove_pixels = prove_by(prove)
decide_pixels = decide_by(reject)
