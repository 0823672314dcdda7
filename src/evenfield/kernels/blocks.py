"""The values that kernels take and give, and the small block of samples on which they work."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evenfield.kernels.layout import TupleLayout, given, taken
from evenfield.model.pixels import Float32Array, Float64Array

INT16: Final = 0
FLOAT32: Final = 1
FLOAT64: Final = 2

SINGLE_BYTES: Final = 196608
"""Size of a block of float32 samples: it stays in the second cache, and its rows are long enough for their loops."""
DOUBLE_BYTES: Final = 262144
"""Size of a chunk of float64 samples."""
LEAST_WIDTH: Final = 64
GREATEST_WIDTH: Final = 1024
STRETCH: Final = 16384
"""Pixels that are proven before the rest of them is decided: their raw samples are then still near the processor."""
PADDING: Final = 8
"""Columns that no sample uses: rows a power of two apart would share the same few places of the cache."""


LEVEL_WIDTH: Final = 1024
"""Samples of a frame taken at a time for its level. Sums run on across blocks, so their order does not hang on it."""
LEVEL_LANES: Final = 16
"""Running sums of a master's row: the processor adds them side by side, always the same pixel to the same sum."""


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
    holds one weight a frame. ``steps`` are the `evenfield.kernels.network.sorting_steps` of the number of frames, and a
    row of the image has ``columns`` pixels. ``step`` is the quantum of the calibrated samples; columns whose standard
    deviation lies below ``dequantized`` are decided on dequantized samples (see `evenfield.kernels.dequantizing`).
    Where ``decided``, nothing is proven first: all columns are decided.
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
    decided: bool


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

    ``rows`` (n_frames, width) are deviations from the first frame's calibrated sample ``first``, sorted by columns, and
    ``words`` the samples themselves where they are whole numbers that only need to be sorted; ``moved`` are those
    dequantized, in 256ths of a step above the least one; both have rows to spare up to a multiple of four.
    ``weighted`` is the columns' weighted total where there are weights. ``facts`` are rows of what is known of each
    column, named by the constants below; ``proven`` is 1 where the column is settled, and ``seeds`` are hashes of the
    columns' samples. ``total`` is a single number, and ``bits`` are its bits.
    """

    rows: Float32Array
    words: NDArray[np.int16]
    moved: NDArray[np.int16]
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
    frames, ``order`` the frame of each sorted sample, where they are asked for; ``column`` has room for the
    samples of one pixel and two more, and ``marks`` tells what becomes of each sorted sample; ``spread`` is 1
    where the column was dequantized. ``seeds``, ``total`` and ``bits`` as in `Singles`.
    """

    rows: Float64Array
    exact: Float64Array
    deviations: Float64Array
    facts: Float64Array
    valid: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    active: NDArray[np.int64]
    columns: NDArray[np.uint64]
    words: NDArray[np.int16]
    masters: Float64Array
    in_order: Float64Array
    order: NDArray[np.int64]
    column: Float64Array
    marks: NDArray[np.uint8]
    spread: NDArray[np.uint8]
    seeds: NDArray[np.uint32]
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

    Kernels allocate nothing.
    """
    width = _width(SINGLE_BYTES // (4 * n_frames))
    total = np.empty(1, np.float64)
    block = Singles(
        np.empty((n_frames, width + PADDING), np.float32),
        np.zeros((-(-n_frames // 4) * 4, width + PADDING), np.int16),
        np.empty((-(-n_frames // 4) * 4, width + PADDING), np.int16),
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
        np.empty(narrow, np.uint64),
        np.empty(narrow, np.int16),
        np.empty(narrow, np.float64),
        np.empty((kept, narrow + PADDING), np.float64),
        np.empty((kept, narrow), np.int64),
        np.empty(n_frames + 2, np.float64),
        np.empty((n_frames, narrow), np.uint8),
        np.zeros(narrow, np.uint8),
        np.empty(narrow, np.uint32),
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


SAMPLES: Final = TupleLayout(
    Samples, (given("int16", 2), given("float32", 2), given("float64", 2), "whole", "whole", "number")
)
TERMS: Final = TupleLayout(Terms, (given("float64"), given("float64"), given("float32", 2), given("int64")))
RULES: Final = TupleLayout(
    Rules,
    (
        "whole",
        given("float64", 2),
        given("float64"),
        given("float64", 2),
        given("float64"),
        given("int64", 2),
        "whole",
        "number",
        "number",
        "whole",
    ),
)
RESULTS: Final = TupleLayout(
    Results, (taken("float32"), taken("float32"), taken("uint16"), taken("uint16"), taken("uint16"))
)
_SINGLES: Final = TupleLayout(
    Singles,
    (
        taken("float32", 2),
        taken("int16", 2),
        taken("int16", 2),
        taken("float64"),
        taken("float64"),
        taken("float32", 2),
        taken("uint8"),
        taken("uint32"),
        taken("float64"),
        taken("uint64"),
    ),
)
_DOUBLES: Final = TupleLayout(
    Doubles,
    (
        taken("float64", 2),
        taken("float64", 2),
        taken("float64", 2),
        taken("float64", 2),
        taken("int64"),
        taken("int64"),
        taken("int64"),
        taken("int64"),
        taken("uint64"),
        taken("int16"),
        taken("float64"),
        taken("float64", 2),
        taken("int64", 2),
        taken("float64"),
        taken("uint8", 2),
        taken("uint8"),
        taken("uint32"),
        taken("float64"),
        taken("uint64"),
    ),
)
SPACE: Final = TupleLayout(Space, (_SINGLES, _DOUBLES, taken("int64"), taken("float64", 2)))
"""The layouts of what kernels take."""
