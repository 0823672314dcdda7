"""What all kernels do: find the columns of a block that lose nothing, and decide the others one chunk at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from evenfield.kernels.blocks import Results, Rules, Samples, Terms, new_doubles, new_singles
from evenfield.kernels.cache import part
from evenfield.kernels.columns import find_order, finish_columns
from evenfield.kernels.decoding import can_be_single, load_double, load_single
from evenfield.kernels.dequantizing import dequantize, gather_block, spread_block, sums_are_exact
from evenfield.kernels.proving import list_unproven, write_proven
from evenfield.kernels.sorting import take_steps


def combine_by(prove: Any, reject: Any, needs_order: bool = False) -> Any:
    """A compiled function that combines all pixels of a band by two functions of a rejection.

    ``prove(block, width, rules, terms, start)`` returns the range of sorted rows that is kept of each column of a block
    (empty: none can be settled) and says in `Singles.proven` for which columns that holds. ``reject(chunk, count, rules, terms,
    places)`` finds `Doubles.first` and ``last``; it may reorder ``exact`` and ``order``, which is there on request.
    """

    # A closure, because a kernel to which functions are handed as arguments cannot be kept in the cache folder.
    @part
    def combine_pixels(samples: Samples, terms: Terms, rules: Rules, results: Results) -> None:
        n_frames, n_pixels = terms.shifts.size, results.value.size
        has_order = needs_order or rules.weights.size > 0
        block, chunk = new_singles(n_frames), new_doubles(n_frames, has_order, rules.dequantized > 0.0)
        width, narrow = block.proven.size, chunk.valid.size
        # Columns that are left over are gathered from several blocks, so that chunks are full.
        places, n_left = np.empty(width + narrow, np.int64), 0
        single, exact = can_be_single(samples, terms), sums_are_exact(samples, terms)
        for start in range(0, n_pixels, width):
            size, some = min(width, n_pixels - start), False
            if single:
                load_single(samples, terms, rules.weights, start, size, block)
                take_steps(block.rows, rules.steps, size, np.float32(0.0))
                if rules.dequantized > 0.0:
                    spread_block(block, size, exact, rules)
                kept = prove(block, size, rules, terms, start)
                some = kept[1] > kept[0]
                if some:
                    if rules.dequantized > 0.0 and exact:
                        gather_block(block, size)
                    write_proven(block, rules, kept, start, size, results)
            n_left = list_unproven(block.proven, some, start, size, places, n_left)
            while n_left >= narrow or (n_left > 0 and start + size == n_pixels):
                count = min(narrow, n_left)
                load_double(samples, terms, rules.steps, places, count, chunk)
                if rules.dequantized > 0.0:
                    dequantize(chunk, count, rules, rules.steps)
                if has_order:
                    find_order(chunk, count)
                reject(chunk, count, rules, terms, places)
                finish_columns(chunk, count, rules, places, results)
                n_left -= count
                for i in range(n_left):
                    places[i] = places[count + i]

    return combine_pixels
