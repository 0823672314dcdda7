"""How values are handed to compiled code: as whole numbers of eight bytes, in the order and form that numba gives them.

An array is an address with its size, shape and strides, a named tuple its fields one after another; so a list of values
becomes one array of slots, and compiled code takes its address alone.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Slots: TypeAlias = NDArray[np.int64]


class ArrayLayout(NamedTuple):
    """A C-contiguous, aligned array; ``written`` where compiled code writes into it."""

    dtype: np.dtype[Any]
    dimensions: int
    written: bool


class TupleLayout(NamedTuple):
    """A named tuple of the type ``kind``."""

    kind: type
    fields: tuple[Layout, ...]


Layout: TypeAlias = ArrayLayout | TupleLayout | Literal["whole", "number"]
"""Of one value: an array, a named tuple, an integer or truth value, or a float."""

_NUMBER: Final = struct.Struct("=d")
_WHOLE: Final = struct.Struct("=q")


def given(dtype: str, dimensions: int = 1) -> ArrayLayout:
    """An array that compiled code only reads."""
    return ArrayLayout(np.dtype(dtype), dimensions, written=False)


def taken(dtype: str, dimensions: int = 1) -> ArrayLayout:
    """An array into which compiled code writes."""
    return ArrayLayout(np.dtype(dtype), dimensions, written=True)


def slots_of(values: Sequence[Any], layouts: Sequence[Layout]) -> Slots:
    """The slots of some values; they hold addresses, so the values must outlive them.

    Raises
    ------
    TypeError
        If a value is not what its layout says: compiled code looks at nothing and would write anywhere.
    """
    found: list[int] = []
    for value, layout in zip(values, layouts, strict=True):
        _put(found, value, layout)
    return np.array(found, np.int64)


def _put(found: list[int], value: Any, layout: Layout) -> None:
    if isinstance(layout, ArrayLayout):
        _check(value, layout)
        # numba keeps track of an array's owners in the first two.
        found += (0, 0, value.size, value.itemsize, value.__array_interface__["data"][0], *value.shape, *value.strides)
    elif isinstance(layout, TupleLayout):
        if not isinstance(value, tuple) or type(value) is not layout.kind:
            raise TypeError(f"A kernel takes {layout.kind.__name__}, not {type(value).__name__}.")
        for part, of_part in zip(value, layout.fields, strict=True):
            _put(found, part, of_part)
    elif layout == "whole":
        found.append(int(value))
    else:
        found.append(_WHOLE.unpack(_NUMBER.pack(value))[0])


def _check(array: Any, layout: ArrayLayout) -> None:
    if (
        not isinstance(array, np.ndarray)
        or array.dtype != layout.dtype
        or array.ndim != layout.dimensions
        or not array.flags.c_contiguous
        or not array.flags.aligned
        or not (array.flags.writeable or not layout.written)
    ):
        kind = f"{'writeable ' * layout.written}contiguous {layout.dtype} array of {layout.dimensions} dimensions"
        raise TypeError(f"A kernel takes a {kind}, not {array!r:.200}.")
