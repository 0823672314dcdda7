"""Sources that change what another source reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evenfield.calibrate.frames import calibrate_frame
from evenfield.model.calibration import CalibrationTerms
from evenfield.model.pixels import FLOAT32_ENCODING, Encoding, Float32Array, PixelSource, Tile


class SourceView(ABC):
    """What becomes of the pixels of one source, as a `PixelSource` of float32; no more is kept than one band.

    Parameters
    ----------
    source : PixelSource
        The raw frame. It stays open until the view is closed.
    """

    def __init__(self, source: PixelSource) -> None:
        self._source = source

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self._source.shape

    @property
    def encoding(self) -> Encoding:
        """The values of a view are float32."""
        return FLOAT32_ENCODING

    def read_raw(self, tile: Tile, out: NDArray[np.generic]) -> None:
        """Fill ``out`` (float32, rows x columns) with the band's values."""
        out[...] = self.read(tile)

    @abstractmethod
    def read(self, tile: Tile) -> Float32Array:
        """The band as a new float32 array."""

    def content_hash(self) -> str:
        """The hash of the raw file: the view adds nothing that is stored."""
        return self._source.content_hash()

    def close(self) -> None:
        """Close the source."""
        self._source.close()


class CalibratedView(SourceView):
    """The calibrated pixels of one source, as a `PixelSource` of its own.

    Parameters
    ----------
    source : PixelSource
        The raw frame. It stays open until the view is closed.
    terms_for : callable
        Gives the terms of a band; called from the thread that reads it.
    """

    def __init__(self, source: PixelSource, terms_for: Callable[[Tile], CalibrationTerms]) -> None:
        super().__init__(source)
        self._terms_for = terms_for

    def read(self, tile: Tile) -> Float32Array:
        """The band as a new float32 array of calibrated values."""
        return calibrate_frame(self._source.read(tile), terms=self._terms_for(tile))
