"""How much of a master dark is in a light: found from its own hot pixels, not from times.

A hot pixel stands out of its neighbors in the dark and, ``k`` times as much, in the light; neighbors take sky,
gradients and most of a star with them. ``k`` is the robust slope of the one against the other (Huber 1981, "Robust
Statistics", Wiley). The noise of the master dark would make the slope too small by ``var(noise) / mean(d^2)``, which is
put right (Fuller 1987, "Measurement Error Models", Wiley, section 1.1).
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.model.pixels import Float32Array, Float64Array

MOST_PIXELS: Final = 20_000
"""So many of the hottest pixels are looked at: more would not make ``k`` better known than its model is."""

FEWEST_PIXELS: Final = 200
"""With fewer, a factor is not trusted."""

THRESHOLDS: Final = (10.0, 5.0)
"""Scatters of the dark by which a pixel must stand out: the lower limit where too few reach the upper one."""

HUBER: Final = 1.345
"""Residuals beyond so many scatters count less: 95 % efficiency for normal noise."""

SATURATED_SHARE: Final = 0.95
"""Pixels that should reach so much of full scale take no part."""

MAD_FACTOR: Final = 1.4826
ROUNDS: Final = 20
BINS: Final = 12
"""Groups of pixels of like contrast, of which each tells the scatter of its residuals."""

MEDIAN_OF_EIGHT: Final = 0.17
"""Variance of the median of eight normal values, in units of theirs."""

SAMPLE: Final = 1 << 20
"""Pixels that tell location and scatter of a dark."""

GLOW_BLOCK: Final = 64
"""Rows and columns of the blocks whose medians tell a glow."""

_NEIGHBORS: Final = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DarkPixels:
    """The hot pixels of a master dark that tell how much of it is in a light.

    ``rows`` and ``columns`` (n,) are their places; ``contrast`` (n,) what they stand out of their neighbors by, ADU;
    ``noise_adu`` the scatter of the dark's other pixels; ``bias`` (9, n) the bias of each with its neighbors;
    ``distance`` that of neighbors of the same color; ``glow_adu`` by how much the brightest part of the dark lies above
    its middle, and ``glow_noise_adu`` what chance alone would make of that.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    contrast: Float64Array
    noise_adu: float
    bias: Float64Array
    distance: int
    glow_adu: float
    glow_noise_adu: float

    @property
    def usable(self) -> bool:
        """True where enough pixels stand out."""
        return self.rows.size >= FEWEST_PIXELS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DarkFit:
    """The factor of a dark for one light, with its standard error; ``n`` pixels told it."""

    factor: float
    error: float
    n: int

    @property
    def correlates(self) -> bool:
        """True where the factor is surely above 0."""
        return self.factor > max(3.0 * self.error, 0.02)


def find_dark_pixels(dark: Float32Array, *, bias: Float32Array, cfa: str | None = None) -> DarkPixels:
    """Choose the pixels of a master dark that tell how much of it is in a light.

    Parameters
    ----------
    dark, bias : float32 array (rows, columns)
        The masters, ADU; the dark still holds its bias.
    cfa : str, optional
        The pattern: neighbors are those of the same color.

    Returns
    -------
    DarkPixels
        Fewer than `FEWEST_PIXELS` where the dark signal is too weak.
    """
    signal = dark - bias
    distance = 1 if cfa in (None, "MONO") else (2 if len(cfa or "") == 4 else 6)
    level, noise = _core(signal)
    height, width = signal.shape
    inner = signal[distance : height - distance, distance : width - distance]
    chosen = np.empty((2, 0), np.int64)
    for threshold in THRESHOLDS:
        with np.errstate(invalid="ignore"):
            found = np.nonzero(inner > level + threshold * noise)
        chosen = np.array(found, np.int64) + distance
        if chosen.shape[1] >= FEWEST_PIXELS:
            break
    if chosen.shape[1] > 2 * MOST_PIXELS:
        # Only the hottest are of use, and each costs nine numbers.
        hottest = np.argpartition(-signal[chosen[0], chosen[1]], 2 * MOST_PIXELS)[: 2 * MOST_PIXELS]
        chosen = chosen[:, np.sort(hottest)]
    rows, columns = chosen
    patches = _patches(signal, rows, columns, distance)
    contrast = patches[0] - np.median(patches[1:], axis=0)
    good = np.isfinite(contrast) & (contrast > THRESHOLDS[-1] * noise)
    order = np.argsort(-contrast[good], kind="stable")[:MOST_PIXELS]
    rows, columns, contrast = rows[good][order], columns[good][order], contrast[good][order]
    glow, glow_noise = _glow(signal, noise)
    return DarkPixels(
        rows=rows,
        columns=columns,
        contrast=contrast,
        noise_adu=noise,
        bias=_patches(bias, rows, columns, distance),
        distance=distance,
        glow_adu=glow,
        glow_noise_adu=glow_noise,
    )


def fit_dark(light: Float32Array, *, pixels: DarkPixels, full_scale_adu: float | None = None) -> DarkFit:
    """The factor by which a master dark fits a light.

    Parameters
    ----------
    light : float32 array (rows, columns)
        The raw light, ADU, its bias in it.
    pixels : DarkPixels
    full_scale_adu : float, optional
        Saturated pixels take no part.

    Returns
    -------
    DarkFit
        A factor of 0 where the light has nothing of the dark.
    """
    raw = _patches(light, pixels.rows, pixels.columns, pixels.distance)
    usable: NDArray[np.bool_] = np.asarray(np.isfinite(raw).all(axis=0))
    if full_scale_adu is None:
        return _slope(raw, usable, pixels)
    limit = SATURATED_SHARE * full_scale_adu
    usable &= raw[1:].max(axis=0) < limit
    dim: NDArray[np.bool_] = np.less(raw[0], limit)
    found = _slope(raw, usable & dim, pixels)
    # Who leaves out what is bright in the light keeps those of a bright pair whose noise was negative: it must be left
    # out by what it should be, not by what it is.
    for _ in range(ROUNDS):
        expected: Float64Array = np.median(raw[1:], axis=0) + found.factor * pixels.contrast
        below: NDArray[np.bool_] = np.less(expected, limit)
        before, found = found, _slope(raw, usable & below, pixels)
        if abs(found.factor - before.factor) < 0.1 * found.error:
            break
    return found


def _slope(raw: Float64Array, usable: NDArray[np.bool_], pixels: DarkPixels) -> DarkFit:
    """The robust slope of the light's contrasts over the dark's."""
    x = pixels.contrast[usable]
    if x.size < FEWEST_PIXELS:
        return DarkFit(factor=0.0, error=math.inf, n=int(x.size))
    patches = raw[:, usable] - pixels.bias[:, usable]
    y = patches[0] - np.median(patches[1:], axis=0)
    slope = _weighted_median(y / x, x)
    weights = np.ones_like(x)
    for _ in range(ROUNDS):
        scatter = _scatter_by_contrast(y - slope * x, x)
        standard = (y - slope * x) / scatter
        kept = np.minimum(1.0, HUBER / np.maximum(np.abs(standard), 1e-12))
        weights = kept / scatter**2
        new = float((weights * x * y).sum() / (weights * x * x).sum())
        settled = abs(new - slope) < 1e-6 * max(abs(new), 1e-3)
        slope = new
        if settled:
            break
    whole = float((weights * x * x).sum())
    residuals = y - slope * x
    error = math.sqrt(float(((weights * x * residuals) ** 2).sum())) / whole
    of_noise = pixels.noise_adu**2 * (1.0 + MEDIAN_OF_EIGHT) * float(weights.sum())
    inflation = whole / (whole - of_noise) if whole > 2.0 * of_noise else 1.0
    return DarkFit(factor=max(slope * inflation, 0.0), error=error * inflation, n=int(x.size))


def _patches(image: Float32Array, rows: NDArray[np.int64], columns: NDArray[np.int64], distance: int) -> Float64Array:
    """Each pixel and its eight neighbors of the same color, float64 (9, n)."""
    out = np.empty((9, rows.size), np.float64)
    out[0] = image[rows, columns]
    for index, (y, x) in enumerate(_NEIGHBORS, start=1):
        out[index] = image[rows + distance * y, columns + distance * x]
    return out


def _core(signal: Float32Array) -> tuple[float, float]:
    """The median of a frame, and the scatter of those of its pixels that are not hot: from what lies below it."""
    flat = signal.reshape(-1)
    some = flat[:: max(1, flat.size // SAMPLE)]
    some = some[np.isfinite(some)]
    if not some.size:
        return math.nan, math.nan
    middle = float(np.median(some))
    below = middle - some[some < middle]
    return middle, max(MAD_FACTOR * float(np.median(below)) if below.size else 0.0, 1e-6)


def _glow(signal: Float32Array, noise: float) -> tuple[float, float]:
    """How far the brightest block of a dark lies above the middle one, and the scatter of a block's median."""
    rows, columns = (length // GLOW_BLOCK * GLOW_BLOCK for length in signal.shape)
    if not rows or not columns:
        return 0.0, math.inf
    medians = []
    for start in range(0, rows, GLOW_BLOCK):
        band = signal[start : start + GLOW_BLOCK, :columns].reshape(GLOW_BLOCK, -1, GLOW_BLOCK)
        # Every second pixel is enough, and takes half as long.
        medians.append(np.nanmedian(band[:, :, ::2].transpose(1, 0, 2).reshape(columns // GLOW_BLOCK, -1), axis=1))
    blocks = np.concatenate(medians)
    top = float(np.nanpercentile(blocks, 99.0)) if blocks.size >= 100 else float(np.nanmax(blocks))
    return top - float(np.nanmedian(blocks)), 1.2533 * noise / math.sqrt(GLOW_BLOCK**2 / 2)


def _weighted_median(values: Float64Array, weights: Float64Array) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, 0.5 * reached[-1])])


def _scatter_by_contrast(residuals: Float64Array, contrast: Float64Array) -> Float64Array:
    """The scatter of residuals, which grows with the dark signal: robust, in groups of pixels of like contrast."""
    order = np.argsort(contrast)
    groups = np.array_split(order, min(BINS, max(1, residuals.size // 50)))
    centers = np.array([float(np.median(contrast[group])) for group in groups])
    scatters = np.array([MAD_FACTOR * float(np.median(np.abs(residuals[group]))) for group in groups])
    found: Float64Array = np.maximum(np.interp(contrast, centers, scatters), 1e-6)
    return found
