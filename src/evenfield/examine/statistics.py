"""Statistics of a whole frame, piece by piece: nothing of its size is made. What is not finite is left out.

Pieces are the same however many threads share them out, and their sums are added in order: the answers are too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from evenfield.model.pixels import Float32Array

CHUNK: Final = 1 << 17
"""Samples taken at a time: they stay in the processor's cache."""

PIECE: Final = 8 * CHUNK
"""Samples that one thread takes."""

GUESS_STRIDE: Final = 257
"""Every so many samples are sorted to guess between which values the median lies: a prime, to meet all columns."""

Each: TypeAlias = Callable[[Sequence[Float32Array], Callable[[Float32Array], Any]], Sequence[Any]]
"""What does the same with several pieces, in threads or not, and returns the answers in their order."""


def one_by_one(pieces: Sequence[Float32Array], do: Callable[[Float32Array], Any]) -> Sequence[Any]:
    """The `Each` of a single thread."""
    return [do(piece) for piece in pieces]


def moments(pixels: Float32Array, *, each: Each = one_by_one) -> tuple[int, float | None, float | None]:
    """How many pixels are finite, their mean and standard deviation (ddof 0); ``None`` where none is."""
    # Squares are those of deviations from a value in the midst, so that they lose nothing to the level.
    pivot = _pivot(pixels)
    sums = each(_pieces(pixels), lambda piece: _piece_sums(piece, pivot))
    count, total, squares = (sum(parts) for parts in zip(*sums, strict=True)) if sums else (0, 0.0, 0.0)
    if not count:
        return 0, None, None
    return count, pivot + total / count, math.sqrt(max(squares - total * total / count, 0.0) / count)


def _piece_sums(piece: Float32Array, pivot: float) -> tuple[int, float, float]:
    count, total, squares = 0, 0.0, 0.0
    apart = np.empty(min(CHUNK, piece.size), np.float64)
    for values in _finite_chunks(piece):
        chunk = apart[: values.size]
        np.subtract(values, pivot, out=chunk, dtype=np.float64)
        count += values.size
        total += float(chunk.sum())
        # Not by a dot product: it wakes threads that then wait at full speed for more.
        squares += float(np.square(chunk, out=chunk).sum())
    return count, total, squares


def _pivot(pixels: Float32Array) -> float:
    some = _some(pixels)
    return float(some[some.size // 2]) if some.size else 0.0


def _some(pixels: Float32Array) -> Float32Array:
    """The finite ones of every so many samples, sorted."""
    some = pixels.reshape(-1)[::GUESS_STRIDE]
    return np.sort(some[np.isfinite(some)])


def count_between(
    pixels: Float32Array, low: float, high: float, *, closed: bool = True, each: Each = one_by_one
) -> int:
    """How many pixels lie above ``low`` (exclusive) and up to ``high``, which counts itself where ``closed``."""

    def count(piece: Float32Array) -> int:
        found = 0
        for values in _chunks(piece):
            if values.min() > high:
                # Of most masters nothing lies as low as what is looked for. NaN is above nothing.
                continue
            inside = values > low
            inside &= (values <= high) if closed else (values < high)
            found += int(np.count_nonzero(inside))
        return found

    return sum(each(_pieces(pixels), count))


def median_of(pixels: Float32Array, count: int, *, each: Each = one_by_one) -> float | None:
    """The median of the finite pixels, of which there are ``count``: the mean of the two in the middle.

    A sample of the pixels says between which values it must lie; only what lies there is collected and sorted.
    """
    if not count:
        return None
    low, high = _guess(pixels)

    def collect(piece: Float32Array) -> tuple[int, list[Float32Array]]:
        below, inside = 0, []
        for values in _finite_chunks(piece):
            reached = values >= low
            below += values.size - int(np.count_nonzero(reached))
            reached &= values <= high
            inside.append(values[reached])
        return below, inside

    found = each(_pieces(pixels), collect)
    below = sum(part[0] for part in found)
    middle = np.concatenate([values for part in found for values in part[1]])
    first, second = (count - 1) // 2 - below, count // 2 - below
    if first < 0 or second >= middle.size:
        # The sample misled; then all pixels are looked at.
        middle = np.concatenate(list(_finite_chunks(pixels)))
        first, second = (count - 1) // 2, count // 2
    middle = np.partition(middle, (first, second))
    return float(0.5 * (np.float64(middle[first]) + np.float64(middle[second])))


def _guess(pixels: Float32Array) -> tuple[float, float]:
    some = _some(pixels)
    if not some.size:
        return -math.inf, math.inf
    # Ten standard errors of the rank on either side.
    reach = math.ceil(5.0 * math.sqrt(some.size)) + 1
    low, high = some.size // 2 - reach, some.size // 2 + reach
    return float(some[low]) if low >= 0 else -math.inf, float(some[high]) if high < some.size else math.inf


def _pieces(pixels: Float32Array) -> list[Float32Array]:
    flat = pixels.reshape(-1)
    return [flat[start : start + PIECE] for start in range(0, flat.size, PIECE)]


def _chunks(pixels: Float32Array) -> Iterator[Float32Array]:
    flat = pixels.reshape(-1)
    for start in range(0, flat.size, CHUNK):
        yield flat[start : start + CHUNK]


def _finite_chunks(pixels: Float32Array) -> Iterator[Float32Array]:
    for values in _chunks(pixels):
        # A sum that is finite has finite terms, and costs less than to look at each.
        with np.errstate(over="ignore", invalid="ignore"):
            total = float(values.sum())
        if math.isfinite(total):
            yield values
        else:
            yield values[np.isfinite(values)]
