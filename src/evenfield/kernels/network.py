"""The steps of the sorting network, which do not depend on the data.

Batcher, K. E. 1968, "Sorting networks and their applications", AFIPS 32, 307 (merge exchange; any number of rows).
What limits such a network is loading and storing rows, so its steps are taken together where they share rows: eight
rows are sorted in registers first, and where two layers of a merge meet, four rows take three steps at a time.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

FIRST_RUN: Final = 8
"""Rows that are sorted in registers before anything is merged."""


@functools.lru_cache(maxsize=16)
def sorting_steps(n: int) -> NDArray[np.int64]:
    """The steps that sort ``n`` rows, a read-only array (n_steps, 4) of row numbers.

    `evenfield.kernels.sorting.take_steps` takes them.
    """
    steps = [(first, -1, -1, -1) for first in range(0, n - FIRST_RUN + 1, FIRST_RUN)]
    done = n - n % FIRST_RUN
    half = 1
    while half < n:
        # Below FIRST_RUN only the rows that fill no run of their own are left to sort.
        begin = done if half < FIRST_RUN else 0
        step = half
        while step >= 1:
            joined = step // 2 if half >= FIRST_RUN and step > 1 else 0
            for block in range(begin, n, 2 * half):
                steps += _merge_layer((block, min(block + 2 * half, n)), half, step, joined)
            step = step // 4 if joined > 0 else step // 2
        half *= 2
    table = np.array(steps, np.int64).reshape(len(steps), 4)
    table.flags.writeable = False
    return table


def _merge_layer(rows: tuple[int, int], half: int, step: int, joined: int) -> Iterator[tuple[int, int, int, int]]:
    """One layer of a merge (distance ``step``), and the next (distance ``joined``) where that is not 0."""
    begin, end = rows
    apart = 0 if step == half else step
    # Of a layer, rows `apart + i` and `apart + i + step` are compared, `step` rows at a time.
    for first in range(begin + apart, end - step, 2 * step):
        for i in range(first, min(first + (joined or step), end - step)):
            if not joined:
                yield i, i + step, -1, -1
            elif i + step + joined < end:
                yield i, i + joined, i + step, i + step + joined
            else:
                # The fourth row is missing: what sorts behind all others need not be there.
                yield i, i + step, -1, -1
                yield i + joined, i + step, -1, -1
    if joined and apart:
        # What the next layer compares across two groups of four.
        for first in range(begin + joined, end - joined, 2 * step):
            yield from ((i, i + joined, -1, -1) for i in range(first, min(first + joined, end - joined)))
