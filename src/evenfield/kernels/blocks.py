"""The values that kernels take and give, and the small block of samples on which they work."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.cache import load_numba
from evenfield.model.pixels import Float32Array, Float64Array

INT16: Final = 0
FLOAT32: Final = 1
FLOAT64: Final = 2

SINGLE_BYTES: Final = 49152
"""Size of a block of float32 samples: half of it is loaded and stored at once, which stays in the nearest cache."""
DOUBLE_BYTES: Final = 262144
"""Size of a chunk of float64 samples."""
LEAST_WIDTH: Final = 64
GREATEST_WIDTH: Final = 512
STRETCH: Final = 16384
"""Pixels that are proven before the rest of them is decided: their raw samples are then still near the processor."""
PADDING: Final = 8
"""Columns that no sample uses: rows a power of two apart would share the same few places of the cache."""


Places: TypeAlias = NDArray[np.int64]
"""Pixels of a band, by their place in it."""


class Samples(NamedTuple):
    """Raw samples (n_frames, n_pixels) in one of three arrays, named by ``sample``; the other two are empty.

    One kernel takes all three so that it is compiled once. A 16-bit sample's true value is the signed integer, its
    bytes swapped where ``swapped`` says so, plus ``bzero``.
    """

    int16s: NDArray[np.int16]
    float32s: Float32Array
    float64s: Float64Array
    sample: int
    swapped: bool
    bzero: float


class Terms(NamedTuple):
    """What calibrates the samples: ``(raw - shifts[frame] - subtract[which[frame]][pixel]) * scales[frame]``."""

    shifts: Float64Array
    scales: Float64Array
    subtract: Float32Array
    which: NDArray[np.int64]


class Rules(NamedTuple):
    """How samples are rejected and combined.

    ``limits`` (4, n_frames + 1) are, by the number of valid samples, the low and high limit, and the distances from the
    center within which nothing is rejected low and high. ``numbers`` are the
    rejection's own, ``table`` (n_frames + 1, anything) what it looks up by a number of samples. ``weights`` is empty or
    holds one weight a frame. ``steps`` are the `evenfield.kernels.sorting.sorting_steps` of the number of frames, and a
    row of the image has ``columns`` pixels. ``step`` is the quantum of the calibrated samples; columns whose standard
    deviation lies below ``dequantized`` are decided on dequantized samples (see `evenfield.kernels.dequantizing`).
    """

    by_median: bool
    limits: Float64Array
    numbers: Float64Array
    table: Float64Array
    weights: Float64Array
    steps: NDArray[np.int64]
    columns: int
    step: float
    dequantized: float


class Results(NamedTuple):
    """Where a kernel writes its results, one element a pixel (see `evenfield.model.pixels.Combined`).

    ``used`` is its ``count``, a name that a tuple has taken.
    """

    value: Float32Array
    noise: Float32Array
    used: NDArray[np.uint16]
    rejected_low: NDArray[np.uint16]
    rejected_high: NDArray[np.uint16]


class Singles(NamedTuple):
    """A block in float32, in which columns that lose nothing are found.

    ``rows`` (n_frames, width) are deviations from the first frame's calibrated sample ``first``, sorted by columns;
    ``weighted`` is their weighted total where there are weights. ``facts`` are rows of what is known of each column,
    named by the constants below; ``proven`` is 1 where the column is settled, and ``seeds`` are hashes of
    the columns' samples. ``total`` is a single number, and ``bits`` are its bits.
    """

    rows: Float32Array
    first: Float64Array
    weighted: Float64Array
    facts: Float32Array
    proven: NDArray[np.uint8]
    seeds: NDArray[np.uint32]
    total: Float64Array
    bits: NDArray[np.uint64]


RAW: Final = 0
BASE: Final = 1
NEXT: Final = 2
EXTRA: Final = 3
CENTER: Final = 4
TOTAL: Final = 5
SQUARES: Final = 6
ERROR: Final = 7
BOUND: Final = 8
SCATTER: Final = 9
CLAMPED: Final = 10
CLAMPED_SQUARES: Final = 11
FINITE: Final = 12
SPREAD: Final = 13
TRUE_CENTER: Final = 14
TRUE_TOTAL: Final = 15
TRUE_SQUARES: Final = 16
"""Rows of `Singles.facts`: the first frame's raw sample and what scales act on; the next frame's raw sample; how far
masters differ; the median; total and squares of the deviations from it; the error of a deviation; the least scatter at
which nothing is lost; the scatter; total and squares of clamped deviations; 0 where all samples are finite, else no
number; 1 where the column was dequantized, and median, total and squares of its true samples."""
N_FACTS: Final = 17


class Doubles(NamedTuple):
    """A chunk of columns in float64, in which the columns that are not settled are decided.

    ``rows`` (n_frames, width) are the calibrated samples, sorted, those that are not finite as +inf at the end;
    decisions are made on them. ``exact`` holds the same samples where ``rows`` were dequantized, else it is ``rows``.
    ``deviations`` are those of the columns at work from their centers, 0 for what is rejected, and ``facts``
    (12, width) what is known of those. ``valid`` counts each column's finite samples, of which those from ``first`` to
    ``last`` (exclusive) survive; ``active`` lists the columns at work (``columns`` too, as numbers that cannot be
    negative); ``words`` and ``masters`` are samples on their way to ``rows``. ``in_order`` keeps the order of the
    frames, ``order`` the frame of each sorted sample, where they are asked for, and ``marks`` what becomes of each
    sorted sample; ``spread`` is 1 where the column was dequantized. ``total`` and ``bits`` as in `Singles`.
    """

    rows: Float64Array
    exact: Float64Array
    deviations: Float64Array
    facts: Float64Array
    valid: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    active: NDArray[np.int64]
    columns: NDArray[np.uintp]
    words: NDArray[np.int16]
    masters: Float64Array
    in_order: Float64Array
    order: NDArray[np.int64]
    marks: NDArray[np.uint8]
    spread: NDArray[np.uint8]
    total: Float64Array
    bits: NDArray[np.uint64]


class Space(NamedTuple):
    """All the memory that a kernel works in, besides its results.

    ``places`` has room for the pixels of a stretch (by rows: of the band) that cannot be settled in float32;
    ``measured`` (2, pixels) for what `averaged` finds.
    """

    block: Singles
    chunk: Doubles
    places: Places
    measured: Float64Array


def new_space(rules: Rules, n_frames: int, *, n_pixels: int, keep_order: bool, by_rows: bool) -> Space:
    """Fresh memory to combine ``n_pixels`` pixels of ``n_frames`` frames.

    Kernels allocate nothing: without numba's own memory management they compile in two thirds of the time.
    """
    width = _width(SINGLE_BYTES // (4 * n_frames))
    total = np.empty(1, np.float64)
    block = Singles(
        np.empty((n_frames, width + PADDING), np.float32),
        np.empty(width, np.float64),
        np.empty(width, np.float64),
        np.empty((N_FACTS, width), np.float32),
        np.empty(width, np.uint8),
        np.empty(width, np.uint32),
        total,
        total.view(np.uint64),
    )
    narrow = _width(DOUBLE_BYTES // (8 * n_frames))
    rows = np.empty((n_frames, narrow + PADDING), np.float64)
    kept = n_frames if keep_order else 0
    chunk = Doubles(
        rows,
        np.empty_like(rows) if rules.dequantized > 0.0 else rows,
        np.empty_like(rows),
        np.empty((12, narrow), np.float64),
        np.empty(narrow, np.int64),
        np.empty(narrow, np.int64),
        np.empty(narrow, np.int64),
        np.empty(narrow, np.int64),
        np.empty(narrow, np.uintp),
        np.empty(narrow, np.int16),
        np.empty(narrow, np.float64),
        np.empty((kept, narrow + PADDING), np.float64),
        np.empty((kept, narrow), np.int64),
        np.empty((n_frames, narrow), np.uint8),
        np.zeros(narrow, np.uint8),
        total,
        total.view(np.uint64),
    )
    return Space(
        block,
        chunk,
        np.empty(n_pixels if by_rows else min(n_pixels, STRETCH), np.int64),
        np.empty((2, n_pixels if by_rows else 0), np.float64),
    )


def _width(wanted: int) -> int:
    return min(max(wanted, LEAST_WIDTH), GREATEST_WIDTH) // PADDING * PADDING


def numba_types() -> dict[str, Any]:
    """The numba types of all that kernels take: inputs are read-only, everything is C-contiguous."""
    types = load_numba().types

    def given(item: Any, dimensions: int) -> Any:
        return types.Array(item, dimensions, "C", readonly=True)

    def taken(item: Any, dimensions: int = 1) -> Any:
        return types.Array(item, dimensions, "C")

    number, single, whole = types.float64, types.float32, types.int64
    floats, wide = given(single, 2), given(number, 1)
    samples = [given(types.int16, 2), floats, given(number, 2), whole, types.boolean, number]
    terms = [wide, wide, floats, given(whole, 1)]
    tables = [given(number, 2), wide, given(number, 2), wide, given(whole, 2)]
    rules = [types.boolean, *tables, whole, number, number]
    results = [taken(single)] * 2 + [taken(types.uint16)] * 3
    sums = [taken(number), taken(types.uint64)]
    vectors, table = [taken(number)] * 2, taken(number, 2)
    singles = [taken(single, 2), *vectors, taken(single, 2), taken(types.uint8), taken(types.uint32), *sums]
    lists = [taken(whole)] * 4 + [taken(types.uintp), taken(types.int16), taken(number)]
    marks = [taken(types.uint8, 2), taken(types.uint8)]
    doubles = [table, table, table, table, *lists, table, taken(whole, 2), *marks, *sums]
    block, chunk = types.NamedTuple(singles, Singles), types.NamedTuple(doubles, Doubles)
    return {
        "samples": types.NamedTuple(samples, Samples),
        "terms": types.NamedTuple(terms, Terms),
        "rules": types.NamedTuple(rules, Rules),
        "results": types.NamedTuple(results, Results),
        "space": types.NamedTuple([block, chunk, taken(whole), table], Space),
    }
