"""The sorting network."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from numpy.typing import NDArray

from evenfield.kernels.compiling import compile_entry, part
from evenfield.kernels.layout import Layout, given, taken
from evenfield.kernels.loading import Compiled, NativeFunction, address_of
from evenfield.kernels.network import sorting_steps
from evenfield.kernels.sorting import take_steps
from evenfield.model.pixels import Float64Array

LAYOUTS: tuple[Layout, ...] = (taken("float64", 2), given("int64", 2), "whole", "number", "whole")


@part
def sort_rows(rows: Float64Array, steps: NDArray[np.int64], width: int, zero: float, done: int) -> int:
    """The network as kernels use it."""
    take_steps(rows, steps, width, zero)
    return done


@functools.cache
def compiled() -> NativeFunction:
    """`sort_rows`, compiled once."""
    return NativeFunction(address_of(Compiled(*compile_entry(sort_rows, LAYOUTS, name="test_sort_rows"))), LAYOUTS)


def sort(rows: Float64Array, width: int) -> None:
    """Sort the first columns by the compiled network."""
    assert compiled()(rows, sorting_steps(rows.shape[0]), width, 0.0, 7) == 7


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
