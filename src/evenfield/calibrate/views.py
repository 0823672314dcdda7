"""A source that calibrates what another source reads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evenfield.calibrate.frames import calibrate_frame
from evenfield.model.calibration import CalibrationTerms
from evenfield.model.pixels import FLOAT32_ENCODING, Encoding, Float32Array, PixelSource, Tile


class CalibratedView:
    """The calibrated pixels of one source, as a `PixelSource` of its own; no more is kept than one band.

    Parameters
    ----------
    source : PixelSource
        The raw frame. It stays open until the view is closed.
    terms_for : callable
        Gives the terms of a band; called from the thread that reads it.
    """

    def __init__(self, source: PixelSource, terms_for: Callable[[Tile], CalibrationTerms]) -> None:
        self._source = source
        self._terms_for = terms_for

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self._source.shape

    @property
    def encoding(self) -> Encoding:
        """Calibrated values are float32."""
        return FLOAT32_ENCODING

    def read_raw(self, tile: Tile, out: NDArray[np.generic]) -> None:
        """Fill ``out`` (float32, rows x columns) with the band's calibrated values."""
        out[...] = self.read(tile)

    def read(self, tile: Tile) -> Float32Array:
        """The band as a new float32 array of calibrated values."""
        return calibrate_frame(self._source.read(tile), terms=self._terms_for(tile))

    def content_hash(self) -> str:
        """The hash of the raw file: the view adds nothing that is stored."""
        return self._source.content_hash()

    def close(self) -> None:
        """Close the source."""
        self._source.close()
