"""The tile loop: bands of raw samples and their terms go to the kernels, values come back. The only one there is."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.calibrate.darks import scaled_dark
from evenfield.combine.bands import BandTerms, CombineRecipe, combine_band, new_combined
from evenfield.errors import ReadError
from evenfield.model.events import CancelToken
from evenfield.model.pixels import (
    FLOAT32_ENCODING,
    Combined,
    Encoding,
    Float32Array,
    Float64Array,
    PixelSource,
    Tile,
)
from evenfield.normalize.bands import BandLevel, band_level, merge_levels
from evenfield.run.executors import ReadingOrder, Turn, work_through
from evenfield.tiles import BAND_PIXELS, Work, band_rows, bands

MAPS: Final = {"noise": np.float32, "count": np.uint16, "rejected_low": np.uint16, "rejected_high": np.uint16}
"""The fields of `Combined` that are kept as maps, with their types."""

SUM_PIXELS: Final = 65536
"""So many 16-bit numbers have a sum of 32 bits."""

LEVEL_PIXELS: Final = 8 * BAND_PIXELS
"""Pixels of the bands in which a single frame is read for its level."""


class FrameFailedError(Exception):
    """Frame ``index`` of the stack could not be read; ``error`` says why."""

    def __init__(self, index: int, error: ReadError) -> None:
        super().__init__(str(error))
        self.index = index
        self.error = error


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subtraction:
    """What the dark masters say about some of the frames: ``first``, or ``bias + factor * (first - bias)``."""

    first: PixelSource
    bias: PixelSource | None = None
    factor: float = 1.0

    def read(self, tile: Tile) -> Float32Array:
        """The band to subtract, float32 (rows, columns), ADU."""
        if self.bias is None:
            return self.first.read(tile)
        return scaled_dark(self.first.read(tile), bias=self.bias.read(tile), factor=self.factor)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The frames of one master: sources, what is subtracted from each, and the factor that makes them comparable.

    ``which`` indexes ``subtractions`` for each frame, -1 for none; ``shifts`` are ADU.
    """

    sources: tuple[PixelSource, ...]
    subtractions: tuple[Subtraction, ...]
    which: tuple[int, ...]
    shifts: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.sources[0].shape

    @property
    def encoding(self) -> Encoding:
        """The encoding that all sources share; float32 where they differ."""
        encodings = {source.encoding for source in self.sources}
        return encodings.pop() if len(encodings) == 1 else FLOAT32_ENCODING

    def without(self, indices: Sequence[int]) -> Stack:
        """The stack without some frames."""
        keep = [index for index in range(len(self.sources)) if index not in set(indices)]
        return Stack(
            sources=tuple(self.sources[index] for index in keep),
            subtractions=self.subtractions,
            which=tuple(self.which[index] for index in keep),
            shifts=tuple(self.shifts[index] for index in keep),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CombinedMaster:
    """A combined stack: ``value`` float32 (rows, columns), the maps that were asked for, and sums over all pixels."""

    value: Float32Array
    maps: Mapping[str, NDArray[Any]]
    no_data: int
    rejected_low: int
    rejected_high: int
    samples: int
    mean_noise: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LoopControl:
    """How the loop works: memory, threads, whether it keeps maps, whom it tells. ``told`` is called with bytes read."""

    budget_bytes: int
    threads: int
    cancel: CancelToken
    told: Callable[[int], None]
    maps: bool = False


def measure_levels(
    stack: Stack, indices: Sequence[int], *, saturations: Sequence[float | None], control: LoopControl
) -> list[BandLevel | ReadError]:
    """The levels of some frames above what is subtracted, in the order of ``indices``, or why one cannot be read.

    The frames advance side by side, so that a band of a master is read once for all of them; each file is read in
    order, so that it is hashed on the way. ``saturations`` are those of the whole stack.
    """
    rows, columns = stack.shape
    height = max(1, LEVEL_PIXELS // columns)
    found: dict[int, list[BandLevel]] = {index: [] for index in indices}
    failed: dict[int, ReadError] = {}
    for tile in bands(rows, height=height):
        subtract: dict[int, Float32Array] = {}
        for index in indices:
            if index in failed:
                continue
            control.cancel.check()
            try:
                found[index].append(_measure_band(stack, index, tile, saturations[index], subtract))
            except ReadError as error:
                failed[index] = error
            control.told(tile.rows * columns * stack.sources[index].encoding.numpy_dtype.itemsize)
    return [failed[index] if index in failed else merge_levels(found[index]) for index in indices]


def _measure_band(
    stack: Stack, index: int, tile: Tile, saturation_adu: float | None, subtract: dict[int, Float32Array]
) -> BandLevel:
    """One band of one frame; ``subtract`` keeps the masters' bands for the frames that follow."""
    source, which = stack.sources[index], stack.which[index]
    raw = _buffers.array((tile.rows, stack.shape[1]), source.encoding)
    source.read_raw(tile, raw)
    if which >= 0 and which not in subtract:
        subtract[which] = stack.subtractions[which].read(tile)
    return band_level(
        raw,
        encoding=source.encoding,
        shift=stack.shifts[index],
        subtract=subtract.get(which),
        saturation_adu=saturation_adu,
    )


def combine_stack(
    stack: Stack, *, recipe: CombineRecipe, scales: Sequence[float], control: LoopControl
) -> CombinedMaster:
    """Combine a stack band by band in several threads. Bit-equal for every number of threads and height of bands.

    Raises
    ------
    FrameFailedError
        If a frame cannot be read; the caller decides whether to go on without it.
    MemoryBudgetError
        If the budget is too small for a single row.
    """
    rows, columns = stack.shape
    encoding = stack.encoding
    work = Work(
        n_frames=len(stack.sources),
        shape=stack.shape,
        sample_bytes=encoding.numpy_dtype.itemsize,
        threads=control.threads,
        n_masters=len(stack.subtractions),
        maps=control.maps,
    )
    height = band_rows(work, budget_bytes=control.budget_bytes)
    value = _buffers_of_masters.take((rows, columns))
    maps = {name: np.empty((rows, columns), kind) for name, kind in MAPS.items()} if control.maps else {}
    terms = (np.array(stack.shifts, np.float64), np.array(scales, np.float64), np.array(stack.which, np.int64))

    order = ReadingOrder(control.cancel)

    def do(tile: Tile) -> _BandSums:
        raw = _buffers.array((len(stack.sources), tile.rows * columns), encoding)
        with order.turn(tile.start // height) as turn:
            _read_band(stack, tile, raw, encoding, turn)
            subtract = _subtract_band(stack, tile)
        combined = combine_band(
            raw,
            encoding=encoding,
            terms=BandTerms(shifts=terms[0], scales=terms[1], subtract=subtract, which=terms[2]),
            recipe=recipe,
            columns=columns,
            out=_buffers.results(raw.shape[1]),
        )
        value[tile.start : tile.stop] = combined.value.reshape(tile.rows, columns)
        for name, kept in maps.items():
            kept[tile.start : tile.stop] = getattr(combined, name).reshape(tile.rows, columns)
        control.told(raw.nbytes)
        return _band_sums(combined, columns)

    sums = work_through(bands(rows, height=height), do, threads=control.threads, cancel=control.cancel)
    # Row by row, so that the sum does not depend on the height of the bands.
    noise_sums = np.concatenate([one.noise_row_sums for one in sums])
    known = sum(one.noise_count for one in sums)
    return CombinedMaster(
        value=value,
        maps=maps,
        no_data=sum(one.no_data for one in sums),
        rejected_low=sum(one.rejected_low for one in sums),
        rejected_high=sum(one.rejected_high for one in sums),
        samples=sum(one.samples for one in sums),
        mean_noise=float(noise_sums.sum()) / known if known else None,
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _BandSums:
    no_data: int
    rejected_low: int
    rejected_high: int
    samples: int
    noise_row_sums: Float64Array
    noise_count: int


def _band_sums(combined: Combined, columns: int) -> _BandSums:
    noise = combined.noise.reshape(-1, columns)
    row_sums = noise.sum(axis=1, dtype=np.float64)
    noise_count = noise.size
    if not np.isfinite(row_sums).all():
        finite = np.isfinite(noise)
        row_sums = np.where(finite, noise, np.float32(0)).sum(axis=1, dtype=np.float64)
        noise_count = int(np.count_nonzero(finite))
    n_low, n_high = _total(combined.rejected_low), _total(combined.rejected_high)
    return _BandSums(
        no_data=combined.count.size - int(np.count_nonzero(combined.count)),
        rejected_low=n_low,
        rejected_high=n_high,
        samples=_total(combined.count) + n_low + n_high,
        noise_row_sums=row_sums,
        noise_count=noise_count,
    )


def _total(counts: NDArray[np.uint16]) -> int:
    # 64-bit sums of 16-bit numbers are slow: pieces whose sum 32 bits are sure to hold are added up first.
    pieces = (counts[start : start + SUM_PIXELS] for start in range(0, counts.size, SUM_PIXELS))
    return sum(int(piece.sum(dtype=np.uint32)) for piece in pieces)


def _read_band(stack: Stack, tile: Tile, raw: NDArray[Any], encoding: Encoding, turn: Turn) -> None:
    columns = stack.shape[1]
    for index, source in enumerate(stack.sources):
        turn.wait_for(index)
        row = raw[index].reshape(tile.rows, columns)
        try:
            if source.encoding == encoding:
                source.read_raw(tile, row)
            else:
                row[:] = source.read(tile)
        except ReadError as error:
            raise FrameFailedError(index, error) from None


def _subtract_band(stack: Stack, tile: Tile) -> Float32Array | None:
    if not stack.subtractions:
        return None
    return np.stack([one.read(tile).reshape(-1) for one in stack.subtractions])


class _Masters:
    """The array of the last master that was written, for the next one of its shape: fresh memory costs time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spare: Float32Array | None = None

    def take(self, shape: tuple[int, int]) -> Float32Array:
        """An array to fill."""
        with self._lock:
            spare, self._spare = self._spare, None
        return spare if spare is not None and spare.shape == shape else np.empty(shape, np.float32)

    def give_back(self, array: Float32Array | None) -> None:
        """Take an array back that nobody looks at any more; ``None`` forgets the one that is there."""
        if array is not None:
            # The picture that was written made it read-only.
            array.flags.writeable = True
        with self._lock:
            self._spare = array


_buffers_of_masters = _Masters()


def done_with(master: CombinedMaster | None) -> None:
    """Let the next master have the memory of one that was written; ``None`` gives it back to the system."""
    _buffers_of_masters.give_back(None if master is None else master.value)


class _Buffers(threading.local):
    """One raw buffer a thread, used again and again: touching fresh memory costs more than reading into old."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, np.uint8)
        self._results: Combined | None = None

    def results(self, n_pixels: int) -> Combined:
        """Arrays for the results of a band, to be used before the next one is asked for."""
        if self._results is None or self._results.value.size < n_pixels:
            self._results = new_combined(n_pixels)
        if self._results.value.size == n_pixels:
            return self._results
        parts = {field.name: getattr(self._results, field.name)[:n_pixels] for field in dataclasses.fields(Combined)}
        return Combined(**parts)

    def array(self, shape: tuple[int, int], encoding: Encoding) -> NDArray[Any]:
        needed = shape[0] * shape[1] * encoding.numpy_dtype.itemsize
        if self._bytes.size < needed:
            self._bytes = np.empty(needed, np.uint8)
        return self._bytes[:needed].view(encoding.numpy_dtype).reshape(shape)


_buffers = _Buffers()


def measure_median(
    source: PixelSource, *, subtraction: Subtraction | None, shift: float, saturation_adu: float | None
) -> float | None:
    """The median of a calibrated frame over its unsaturated pixels, ADU; the whole frame is held for it.

    Raises
    ------
    ReadError
    """
    tile = Tile(start=0, stop=source.shape[0])
    pixels = source.read(tile).astype(np.float64)
    usable = np.isfinite(pixels)
    if saturation_adu is not None:
        usable &= pixels < saturation_adu
    pixels -= shift
    if subtraction is not None:
        pixels -= subtraction.read(tile)
        usable &= np.isfinite(pixels)
    values = pixels[usable]
    return float(np.median(values)) if values.size else None
