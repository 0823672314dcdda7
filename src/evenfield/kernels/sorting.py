"""Sorting every column of a block at once: a network of compare-and-exchange steps over whole rows.

The steps do not depend on the data, so each is one loop over neighboring pixels that the compiler turns into SIMD code.
Batcher, K. E. 1968, "Sorting networks and their applications", AFIPS 32, 307 (merge exchange; any number of rows).
"""

from __future__ import annotations

from evenfield.kernels.cache import inner
from evenfield.model.pixels import Float64Array


@inner
def sort_rows(rows: Float64Array, width: int) -> None:
    """Sort the first ``width`` columns of ``rows`` (n_frames, block width), least value in row 0; no NaN allowed."""
    n = rows.shape[0]
    half = 1
    while half < n:
        step = half
        while step >= 1:
            for j in range(step % half, n - step, 2 * step):
                for i in range(min(step, n - j - step)):
                    if (i + j) // (2 * half) == (i + j + step) // (2 * half):
                        exchange(rows[i + j, :width], rows[i + j + step, :width])
            step //= 2
        half *= 2


@inner
def exchange(lower: Float64Array, upper: Float64Array) -> None:
    """Put the lesser of each pair of values into ``lower``, the greater into ``upper``."""
    for p in range(lower.size):
        a = lower[p]
        b = upper[p]
        # Adding zero keeps the compiler from seeing that one of the two stores puts back what was there: it would then
        # store under a mask, which halves the speed. It also makes a plain zero of -0.0.
        lower[p] = (a if a < b else b) + 0.0
        upper[p] = (a if b < a else b) + 0.0
