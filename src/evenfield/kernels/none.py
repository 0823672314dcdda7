"""No rejection: every valid sample is used."""

from __future__ import annotations

from evenfield.kernels.blocks import Doubles, Places, Results, Rules, Samples, Singles, Space, Terms
from evenfield.kernels.cache import inner, part
from evenfield.kernels.columns import keep_valid
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
