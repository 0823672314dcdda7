"""No rejection: every valid sample is used."""

from __future__ import annotations

from evenfield.kernels.blocks import Doubles, Places, Rules, Singles, Terms
from evenfield.kernels.columns import keep_valid
from evenfield.kernels.compiling import inner, part
from evenfield.kernels.proving import measure_rows, prove_finite
from evenfield.kernels.shell import decide_by, prove_by


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


prove_pixels = prove_by(prove)
decide_pixels = decide_by(reject)
