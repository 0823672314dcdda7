"""What all kernels do: find the columns of a band that lose nothing, and decide the others one chunk at a time.

The two halves are kernels of their own, because two can be compiled at the same time.
"""

from __future__ import annotations

from typing import Any

from evenfield.kernels.blocks import Results, Rules, Samples, Space, Terms
from evenfield.kernels.columns import find_order, finish_columns
from evenfield.kernels.compiling import part
from evenfield.kernels.decoding import can_be_single, load_double, load_sorted
from evenfield.kernels.dequantizing import dequantize, gather_block, spread_block, sums_are_exact
from evenfield.kernels.proving import list_unproven, write_proven


def prove_by(prove: Any) -> Any:
    """A compiled function that combines the pixels from ``begin`` to ``end`` (exclusive) which lose nothing.

    It puts the others into places and returns their number.

    ``prove(block, width, rules, terms, start)`` returns the range of sorted rows that is kept of each column of a block
    (empty: none can be settled) and says in `Singles.proven` for which columns that holds.
    """

    @part
    def prove_all(
        samples: Samples, terms: Terms, rules: Rules, results: Results, space: Space, begin: int, end: int
    ) -> int:
        block, places, n_left = space.block, space.places, 0
        width = block.proven.size
        single, exact = can_be_single(samples, terms), sums_are_exact(samples, terms)
        for start in range(begin, end, width):
            size, some = min(width, end - start), False
            if single:
                load_sorted(samples, terms, rules, exact, start, size, block)
                if rules.dequantized > 0.0:
                    spread_block(block, size, exact, rules)
                kept = prove(block, size, rules, terms, start)
                some = kept[1] > kept[0]
                if some:
                    if rules.dequantized > 0.0 and exact:
                        gather_block(block, size)
                    write_proven(block, rules, kept, start, size, results)
            n_left = list_unproven(block.proven, some, start, size, places, n_left)
        return n_left

    return prove_all


def decide_by(reject: Any) -> Any:
    """A compiled function that combines the first ``n_left`` pixels of places in float64 and returns 0.

    ``reject(chunk, count, rules, terms, places)`` finds `Doubles.first` and ``last``; it may reorder ``exact`` and
    ``order``, which is there where there are weights.
    """

    @part
    def decide_all(samples: Samples, terms: Terms, rules: Rules, results: Results, space: Space, n_left: int) -> int:
        chunk = space.chunk
        narrow = chunk.valid.size
        for begin in range(0, n_left, narrow):
            count = min(narrow, n_left - begin)
            places = space.places[begin : begin + count]
            load_double(samples, terms, rules.steps, places, count, chunk)
            if rules.dequantized > 0.0:
                dequantize(chunk, count, rules, rules.steps)
            if rules.weights.size > 0:
                find_order(chunk, count)
            reject(chunk, count, rules, terms, places)
            finish_columns(chunk, count, rules, places, results)
        return 0

    return decide_all
