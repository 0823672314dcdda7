"""The tile loop: bands of raw samples and their terms go to the kernels, values come back. The only one there is."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenfield.calibrate.darks import scaled_dark
from evenfield.combine.bands import BandTerms, CombineRecipe, combine_band
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
from evenfield.run.executors import work_through
from evenfield.tiles import BAND_PIXELS, Work, band_rows, bands

LEVEL_PIXELS = 4 * BAND_PIXELS
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
    """A combined stack: ``value`` float32 (rows, columns), and sums over all pixels."""

    value: Float32Array
    no_data: int
    rejected_low: int
    rejected_high: int
    samples: int
    mean_noise: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LoopControl:
    """How the loop works: memory, threads, and whom it tells. ``told`` is called with bytes read."""

    budget_bytes: int
    threads: int
    cancel: CancelToken
    told: Callable[[int], None]


def measure_level(
    source: PixelSource,
    *,
    subtraction: Subtraction | None,
    shift: float,
    saturation_adu: float | None,
    control: LoopControl,
) -> BandLevel:
    """The level of one frame above what is subtracted, its bands read in order, so that the file is hashed on the way.

    Raises
    ------
    ReadError
    """
    rows, columns = source.shape
    encoding = source.encoding
    height = max(1, LEVEL_PIXELS // columns)
    buffer = _buffers.array((height, columns), encoding)
    found: list[BandLevel] = []
    for tile in bands(rows, height=height):
        control.cancel.check()
        raw = buffer[: tile.rows]
        source.read_raw(tile, raw)
        subtract = None if subtraction is None else subtraction.read(tile)
        found.append(band_level(raw, encoding=encoding, shift=shift, subtract=subtract, saturation_adu=saturation_adu))
        control.told(raw.nbytes)
    return merge_levels(found)


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
    )
    height = band_rows(work, budget_bytes=control.budget_bytes)
    value = np.empty((rows, columns), np.float32)
    terms = (np.array(stack.shifts, np.float64), np.array(scales, np.float64), np.array(stack.which, np.int64))

    def do(tile: Tile) -> _BandSums:
        raw = _buffers.array((len(stack.sources), tile.rows * columns), encoding)
        _read_band(stack, tile, raw, encoding)
        subtract = _subtract_band(stack, tile)
        combined = combine_band(
            raw,
            encoding=encoding,
            terms=BandTerms(shifts=terms[0], scales=terms[1], subtract=subtract, which=terms[2]),
            recipe=recipe,
        )
        value[tile.start : tile.stop] = combined.value.reshape(tile.rows, columns)
        control.told(raw.nbytes)
        return _band_sums(combined, columns)

    sums = work_through(bands(rows, height=height), do, threads=control.threads, cancel=control.cancel)
    # Row by row, so that the sum does not depend on the height of the bands.
    noise_sums = np.concatenate([one.noise_row_sums for one in sums])
    known = sum(one.noise_count for one in sums)
    return CombinedMaster(
        value=value,
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
    finite = np.isfinite(noise)
    n_low = int(combined.rejected_low.sum(dtype=np.int64))
    n_high = int(combined.rejected_high.sum(dtype=np.int64))
    return _BandSums(
        no_data=int(np.count_nonzero(combined.count == 0)),
        rejected_low=n_low,
        rejected_high=n_high,
        samples=int(combined.count.sum(dtype=np.int64)) + n_low + n_high,
        noise_row_sums=np.where(finite, noise, np.float32(0)).sum(axis=1, dtype=np.float64),
        noise_count=int(np.count_nonzero(finite)),
    )


def _read_band(stack: Stack, tile: Tile, raw: NDArray[Any], encoding: Encoding) -> None:
    columns = stack.shape[1]
    for index, source in enumerate(stack.sources):
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


class _Buffers(threading.local):
    """One raw buffer a thread, used again and again: touching fresh memory costs more than reading into old."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, np.uint8)

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
