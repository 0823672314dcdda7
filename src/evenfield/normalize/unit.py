"""After combining: bring a master flat to level 1, as a whole or each color of a mosaic for itself."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evenfield.errors import CombineError
from evenfield.model.pixels import BoolArray, Float32Array
from evenfield.normalize.mosaic import color_cells, usable_values

METHODS: Final = ("none", "mean", "median", "scaled-max")

CHUNK_ROWS: Final = 64
"""Rows computed in float64 at a time."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LevelResult:
    """A master flat brought to its level; color by color, ``pixels = (given + added_adu) * factors``.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
        The result: relative, level 1 (brightest pixel 1 for "scaled-max"); unchanged ADU for "none".
    method : str
        "none", "mean", "median" or "scaled-max".
    colors : tuple of str
        The colors, ("R", "G", "B"), or ("",) for a whole frame; the tuples below follow this order.
    levels : tuple of float
        The level found, ADU: mean or median, for "scaled-max" the maximum, for "none" the mean.
    factors : tuple of float
        What was multiplied.
    added_adu : tuple of float
        What was added before: 0 but for "scaled-max".
    rests : tuple of float
        The additive rest ``c = (1 - M) / M`` that "scaled-max" put in, relative to the brightest pixel of ``M`` times
        full scale; else 0. The flat ``V`` has become ``(V + c) / (1 + c)``.
    """

    pixels: Float32Array
    method: str
    colors: tuple[str, ...]
    levels: tuple[float, ...]
    factors: tuple[float, ...]
    added_adu: tuple[float, ...]
    rests: tuple[float, ...]

    @property
    def vignetting_left(self) -> float:
        """The greatest share of the vignetting, of any color, that dividing by this flat leaves: ``c / (1 + c)``."""
        return max(rest / (1.0 + rest) for rest in self.rests)


def unit_level(
    pixels: ArrayLike,
    *,
    method: str = "mean",
    cfa: str | None = None,
    full_scale_adu: float | None = None,
    flagged: BoolArray | None = None,
) -> LevelResult:
    """Bring a master flat to level 1.

    Parameters
    ----------
    pixels : real array (rows, columns)
        The master flat, ADU. NaN stays NaN and counts nowhere.
    method : str
        "mean" or "median" divides by that level; "scaled-max" adds a constant so that the brightest pixel reaches full
        scale and divides by full scale (it under-corrects: see `LevelResult.rests`); "none" changes nothing.
    cfa : str, optional
        The pattern of the top left pixels, "RGGB" or 36 letters: each color gets a level of its own, both greens one.
        ``None`` or "MONO" is one level for the frame.
    full_scale_adu : float, optional
        The value that is 1 on the 0..1 range; "scaled-max" must know it.
    flagged : bool array (rows, columns), optional
        Pixels that take no part in finding the level (hot, saturated); they are changed with the others.

    Returns
    -------
    LevelResult

    Raises
    ------
    CombineError
        If the method or pattern is unknown, shapes differ, full scale is missing or below the brightest pixel, or a
        level is missing or not positive.
    """
    given = np.asarray(pixels)
    _check(given, method, full_scale_adu, flagged)
    out = np.empty(given.shape, np.float32)
    changes: list[_Change] = []
    for color, cells in color_cells(cfa).items():
        values = list(usable_values(given, cells, flagged))
        change = _find_change(values, method, full_scale_adu, f" of color {color}" if color else "")
        for cell in cells:
            _apply(given[cell], change, out[cell])
        changes.append(change)
    return LevelResult(
        pixels=out,
        method=method,
        colors=tuple(color_cells(cfa)),
        levels=tuple(change.level for change in changes),
        factors=tuple(1.0 / change.divisor for change in changes),
        added_adu=tuple(change.added for change in changes),
        rests=tuple(change.rest for change in changes),
    )


def level_noise(noise: Float32Array, *, leveled: LevelResult, cfa: str | None = None) -> Float32Array:
    """The noise of a master flat after `unit_level`: what was added adds no noise, what was multiplied does.

    Parameters
    ----------
    noise : float32 array (rows, columns)
        Standard deviation of each pixel before, ADU.
    leveled : LevelResult
        What `unit_level` gave.
    cfa : str, optional
        The pattern that it was given; colors it did not tell apart share one factor.

    Returns
    -------
    float32 array (rows, columns)
    """
    cells = color_cells(cfa if len(leveled.colors) > 1 else None)
    out = np.empty_like(noise)
    for color, factor in zip(leveled.colors, leveled.factors, strict=True):
        for cell in cells[color]:
            out[cell] = noise[cell] * np.float32(factor)
    return out


class _Change(NamedTuple):
    level: float
    added: float = 0.0
    divisor: float = 1.0
    rest: float = 0.0


def _check(pixels: NDArray[Any], method: str, full_scale_adu: float | None, flagged: NDArray[np.bool_] | None) -> None:
    if method not in METHODS:
        raise CombineError(f"There is no level '{method}'.", mend=f"Choose one of {', '.join(METHODS)}.")
    if pixels.ndim != 2 or pixels.dtype.kind not in "iuf":
        raise CombineError(
            f"The master flat has {pixels.ndim} dimensions and dtype {pixels.dtype}.",
            mend="Pass a 2-D array of real numbers.",
        )
    if flagged is not None and (flagged.shape != pixels.shape or flagged.dtype != np.bool_):
        raise CombineError(
            f"The flags are {flagged.dtype} of shape {flagged.shape}, the master flat has shape {pixels.shape}.",
            mend="Pass one bool a pixel.",
        )
    if method == "scaled-max" and not (full_scale_adu is not None and 0 < full_scale_adu < math.inf):
        raise CombineError(
            "A scaled master flat needs to know the full scale.", mend="Pass full_scale_adu, 65535 for 16-bit data."
        )


def _find_change(values: list[NDArray[Any]], method: str, full_scale_adu: float | None, where: str) -> _Change:
    level = _level(values, method)
    if method == "none":
        return _Change(level)
    if not level > 0:
        raise CombineError(
            f"The level of the master flat{where} is {level:g} ADU; it cannot be brought to 1.",
            mend="Look whether too much was subtracted from the flats, or all pixels are flagged.",
        )
    if method != "scaled-max" or full_scale_adu is None:
        return _Change(level, divisor=level)
    if level > full_scale_adu:
        raise CombineError(
            f"The brightest pixel of the master flat{where}, {level:g} ADU, lies above full scale, {full_scale_adu:g}.",
            mend="Give the right full scale, or flag hot pixels.",
        )
    brightest = level / full_scale_adu
    return _Change(level, full_scale_adu - level, full_scale_adu, (1.0 - brightest) / brightest)


def _level(values: list[NDArray[Any]], method: str) -> float:
    count = sum(part.size for part in values)
    if count == 0:
        return math.nan
    if method == "median":
        return float(np.median(np.concatenate(values)))
    if method == "scaled-max":
        return float(max(part.max() for part in values if part.size))
    return float(sum(float(part.sum(dtype=np.float64)) for part in values) / count)


def _apply(given: NDArray[Any], change: _Change, out: Float32Array) -> None:
    for start in range(0, given.shape[0], CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        out[rows] = (given[rows].astype(np.float64) + change.added) / change.divisor
