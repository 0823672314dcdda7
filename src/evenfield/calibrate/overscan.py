"""Overscan of several regions, or row by row: a source whose frame has lost what its overscan tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.polynomial import legendre

from evenfield.calibrate.views import SourceView
from evenfield.errors import ReadError
from evenfield.model.pixels import Float32Array, Float64Array, PixelSource, Tile
from evenfield.model.plan import OverscanPart
from evenfield.model.sections import Region

DEGREE: Final = 5
"""The degree of the polynomial along the rows: slow drifts of the electronics, not their noise."""

CLIP: Final = 3.0
ROUNDS: Final = 5
BAND_PIXELS: Final = 1 << 20


class OverscanView(SourceView):
    """The pixels of one source less its overscan, region by region, as a `PixelSource` of float32.

    Parameters
    ----------
    source : PixelSource
        The raw frame. It stays open until the view is closed.
    parts : sequence of OverscanPart
        What is measured where, and subtracted where; pixels outside of every target stay as they are.

    Raises
    ------
    ReadError
        If a region of overscan holds no values.
    """

    def __init__(self, source: PixelSource, parts: Sequence[OverscanPart]) -> None:
        super().__init__(source)
        self._parts = [(part.target, overscan_level(source, part)) for part in parts]

    def read(self, tile: Tile) -> Float32Array:
        """The band as a new float32 array."""
        band = self._source.read(tile)
        for (row_start, row_stop, col_start, col_stop), levels in self._parts:
            low, high = max(tile.start, row_start), min(tile.stop, row_stop)
            if low < high:
                level = levels[low - row_start : high - row_start, None].astype(np.float32)
                band[low - tile.start : high - tile.start, col_start:col_stop] -= level
        return band


def overscan_level(source: PixelSource, part: OverscanPart) -> Float64Array:
    """The overscan level of each row of a part's target, ADU: one median, or a curve through the medians of the rows.

    Raises
    ------
    ReadError
        If the overscan holds no values.
    """
    values = _region(source, part.source)
    n_rows = part.target[1] - part.target[0]
    if not np.isfinite(values).any():
        raise ReadError("The overscan region holds no values.", mend="Leave --overscan out.")
    if not part.rows:
        return np.full(n_rows, float(np.nanmedian(values)))
    rows = np.arange(part.source[0], part.source[1], dtype=np.float64)
    medians = np.nanmedian(values, axis=1).astype(np.float64)
    wanted = np.arange(part.target[0], part.target[1], dtype=np.float64)
    return row_curve(rows, medians, wanted)


def row_curve(rows: Float64Array, medians: Float64Array, wanted: Float64Array) -> Float64Array:
    """A Legendre polynomial through medians of rows, clipped at 3 scatters, at the rows that are wanted."""
    low, high = min(rows[0], wanted[0]), max(rows[-1], wanted[-1])

    def place(x: Float64Array) -> Float64Array:
        inside: Float64Array = (x - low) / max(float(high - low), 1.0) * 2.0 - 1.0
        return inside

    good = np.isfinite(medians)
    degree = min(DEGREE, max(int(good.sum()) // 10, 0))
    curve: Float64Array = np.full(wanted.size, float(np.nanmedian(medians)))
    for _ in range(ROUNDS):
        if good.sum() <= degree + 1:
            break
        series = legendre.legfit(place(rows[good]), medians[good], degree)
        rest = medians - legendre.legval(place(rows), series)
        curve = np.asarray(legendre.legval(place(wanted), series), np.float64)
        scatter = 1.4826 * float(np.nanmedian(np.abs(rest[good])))
        kept = np.isfinite(medians) & (np.abs(rest) <= CLIP * max(scatter, 1e-6))
        if bool((kept == good).all()):
            break
        good = kept
    return curve


def _region(source: PixelSource, region: Region) -> Float32Array:
    row_start, row_stop, col_start, col_stop = region
    height = max(1, BAND_PIXELS // source.shape[1])
    pieces = []
    for start in range(row_start - row_start % height, row_stop, height):
        tile = Tile(start=start, stop=min(start + height, source.shape[0]))
        low, high = max(tile.start, row_start), min(tile.stop, row_stop)
        band = source.read(tile)
        pieces.append(band[low - tile.start : high - tile.start, col_start:col_stop])
    return np.concatenate(pieces)
