"""Sorting every column of a block at once: a network of compare-and-exchange steps over whole rows.

The steps (`evenfield.kernels.network.sorting_steps`) do not depend on the data, so each is one loop over neighboring
pixels that the compiler turns into SIMD code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.compiling import inner


@inner
def take_steps(rows: NDArray[Any], steps: NDArray[np.int64], width: int, zero: Any) -> None:
    """Sort the first ``width`` columns of ``rows`` by steps of the network; ``zero`` is of the rows' type."""
    for k in range(steps.shape[0]):
        a, b, c, d = steps[k, 0], steps[k, 1], steps[k, 2], steps[k, 3]
        if b < 0:
            sort_eight(rows, a, width)
        elif c < 0:
            exchange(rows, a, b, width, zero)
        else:
            exchange_four(rows, (a, b, c, d), width, zero)


@inner
def lesser(a: Any, b: Any) -> Any:
    """The lesser of two numbers, in the form that is one instruction."""
    return a if a < b else b


@inner
def greater(a: Any, b: Any) -> Any:
    """The greater of two numbers, in the form that is one instruction."""
    return a if b < a else b


# All rows are named by their number in one array: with an array for each row the compiler would have to prove that no
# two of them overlap, and gives up on SIMD code.


@inner
def exchange(rows: NDArray[Any], lower: int, upper: int, width: int, zero: Any) -> None:
    """Put the lesser of each pair of values into row ``lower``, the greater into row ``upper``."""
    for p in range(width):
        a = rows[lower, p]
        b = rows[upper, p]
        # Adding zero keeps the compiler from seeing that one of the two stores puts back what was there: it would then
        # store under a mask, which halves the speed. It also makes a plain zero of -0.0.
        rows[lower, p] = lesser(a, b) + zero
        rows[upper, p] = greater(a, b) + zero


@inner
def exchange_four(rows: NDArray[Any], four: tuple[int, int, int, int], width: int, zero: Any) -> None:
    """Exchange the first with the third row and the second with the fourth, then the two in the middle."""
    r0, r1, r2, r3 = four
    for p in range(width):
        a, b, c, d = rows[r0, p], rows[r1, p], rows[r2, p], rows[r3, p]
        a, c = lesser(a, c), greater(a, c)
        b, d = lesser(b, d), greater(b, d)
        b, c = lesser(b, c), greater(b, c)
        rows[r0, p] = a + zero
        rows[r1, p] = b + zero
        rows[r2, p] = c + zero
        rows[r3, p] = d + zero


@inner
def sort_eight(rows: NDArray[Any], r: int, width: int) -> None:
    """Sort the columns of the eight rows from row ``r`` on."""
    for p in range(width):
        a, b, c, d = rows[r, p], rows[r + 1, p], rows[r + 2, p], rows[r + 3, p]
        e, f, g, h = rows[r + 4, p], rows[r + 5, p], rows[r + 6, p], rows[r + 7, p]
        a, b, c, d = lesser(a, b), greater(a, b), lesser(c, d), greater(c, d)
        e, f, g, h = lesser(e, f), greater(e, f), lesser(g, h), greater(g, h)
        a, c, b, d = lesser(a, c), greater(a, c), lesser(b, d), greater(b, d)
        e, g, f, h = lesser(e, g), greater(e, g), lesser(f, h), greater(f, h)
        b, c, f, g = lesser(b, c), greater(b, c), lesser(f, g), greater(f, g)
        a, e, b, f = lesser(a, e), greater(a, e), lesser(b, f), greater(b, f)
        c, g, d, h = lesser(c, g), greater(c, g), lesser(d, h), greater(d, h)
        c, e, d, f = lesser(c, e), greater(c, e), lesser(d, f), greater(d, f)
        b, c, d, e, f, g = lesser(b, c), greater(b, c), lesser(d, e), greater(d, e), lesser(f, g), greater(f, g)
        rows[r, p] = a
        rows[r + 1, p] = b
        rows[r + 2, p] = c
        rows[r + 3, p] = d
        rows[r + 4, p] = e
        rows[r + 5, p] = f
        rows[r + 6, p] = g
        rows[r + 7, p] = h
