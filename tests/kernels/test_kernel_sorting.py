"""The sorting network."""

from __future__ import annotations

import numpy as np
import pytest

from evenfield.kernels.cache import compile_kernel, load_numba
from evenfield.kernels.sorting import sort_rows, sorting_steps
from evenfield.model.pixels import Float64Array


def sort(rows: Float64Array, width: int) -> None:
    """The compiled network: `sort_rows` itself may be called by kernels only."""
    types = load_numba().types
    compile_kernel(sort_rows, types.void(types.float64[:, ::1], types.int64, types.int64[:, ::1]))(
        rows, width, sorting_steps(rows.shape[0]).copy()
    )


@pytest.mark.parametrize("n", [*range(1, 40), 63, 64, 65, 100, 129])
def test_sort_rows_sorts_every_column(n: int) -> None:
    """Columns of any length come out sorted, infinities and ties included; columns beyond the width stay."""
    generator = np.random.default_rng(n)
    rows = np.round(generator.normal(0, 3, (n, 37)))
    rows[generator.random(rows.shape) < 0.1] = np.inf
    before = rows.copy()
    sort(rows, 33)
    np.testing.assert_array_equal(rows[:, :33], np.sort(before[:, :33], axis=0))
    np.testing.assert_array_equal(rows[:, 33:], before[:, 33:])


def test_sort_rows_orders_every_pattern_of_zeros_and_ones() -> None:
    """All 2^n columns of zeros and ones are sorted for n up to 10: by the zero-one principle so is everything."""
    for n in range(1, 11):
        rows = ((np.arange(2**n)[None, :] >> np.arange(n)[:, None]) & 1).astype(np.float64)
        expected = np.sort(rows, axis=0)
        sort(rows, 2**n)
        np.testing.assert_array_equal(rows, expected)
