"""Pixels: images, tiles of them, and the two ends that give and take tiles."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Float32Array: TypeAlias = NDArray[np.float32]
Float64Array: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]


class Unit(enum.StrEnum):
    """The unit of pixel values."""

    ADU = "adu"
    ELECTRON = "electron"
    RELATIVE = "relative"


class PixelFlag(enum.IntFlag):
    """What is known to be wrong with a pixel."""

    NO_DATA = 1
    SATURATED = 2
    NOT_POSITIVE = 4
    WEAK = 8
    ALL_REJECTED = 16
    HOT = 32
    COLD = 64
    UNSTABLE = 128


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A band of whole rows: rows ``start`` (inclusive) to ``stop`` (exclusive)."""

    start: int
    stop: int

    @property
    def rows(self) -> int:
        """How many rows the band has."""
        return self.stop - self.start


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How the raw samples of a source are stored.

    ``dtype`` is "int16" (two bytes, either byte order, true value = signed integer + ``bzero``) or "float32" (decoded
    by the reader, native byte order, ``bzero`` 0). The kernels take these two only.
    """

    dtype: str
    swapped: bool = False
    bzero: float = 0.0

    @property
    def numpy_dtype(self) -> np.dtype[np.int16] | np.dtype[np.float32]:
        """The dtype of the buffers that hold raw tiles: native ``int16`` (bytes as on disk) or ``float32``."""
        return np.dtype(np.int16) if self.dtype == "int16" else np.dtype(np.float32)


FLOAT32_ENCODING = Encoding(dtype="float32")


@runtime_checkable
class PixelSource(Protocol):
    """Something that gives the pixels of one frame, band by band.

    A file, an array, a calibrated view and a test fake look alike. Sources may be read from several threads at once.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        ...

    @property
    def encoding(self) -> Encoding:
        """How `read_raw` stores its samples."""
        ...

    def read_raw(self, tile: Tile, out: NDArray[np.generic]) -> None:
        """Fill ``out`` (rows x columns, C order, dtype ``encoding.numpy_dtype``) with the band's raw samples."""
        ...

    def read(self, tile: Tile) -> Float32Array:
        """The band as a new float32 array of true values; blank samples are NaN."""
        ...

    def content_hash(self) -> str:
        """The hash of the whole file, "xxh3:..." or "sha256:..."; "" for what is no file."""
        ...

    def close(self) -> None:
        """Give back file handles and scratch space. Closing twice is allowed."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A whole image in memory. Arrays are read-only.

    ``pixels`` is float32 (rows, columns) in ``unit``; ``mask`` holds `PixelFlag` bits (uint8), ``noise`` the standard
    deviation of each pixel in the same unit; both may be missing. ``header`` holds the cards of the file, if it came
    from one. ``maps`` are arrays of the same shape, by the names of the extensions that they become.
    """

    pixels: Float32Array
    unit: Unit = Unit.ADU
    mask: NDArray[np.uint8] | None = None
    noise: Float32Array | None = None
    header: tuple[tuple[str, bool | int | float | str | None], ...] = ()
    maps: Mapping[str, NDArray[Any]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for array in (self.pixels, self.mask, self.noise, *self.maps.values()):
            if array is not None:
                array.flags.writeable = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """What combining a stack gives, one value a pixel.

    ``value`` and ``noise`` (the standard error of ``value``, from the scatter of the surviving samples; NaN where fewer
    than two survive) are float32; ``count`` (samples used), ``rejected_low`` and ``rejected_high`` are uint16. NaN
    samples count nowhere.
    """

    value: Float32Array
    noise: Float32Array
    count: NDArray[np.uint16]
    rejected_low: NDArray[np.uint16]
    rejected_high: NDArray[np.uint16]
