"""The level without light, where the noise of flats ends: the variance against the level, continued to nothing.

    variance = (level - pedestal)/g + r^2 - bow

``g`` is the e-/ADU and ``r`` the read noise (Janesick 2007, "Photon Transfer", SPIE). Vignetting gives one set of flats
a range of levels; sets of several levels give more. The line alone tells ``pedestal - g r^2``: without the read noise
the pedestal comes out too low by so much.

Sensors bend the line a little: charge that is there pushes the next away, so that bright pixels share their noise with
their neighbors (the brighter-fatter effect, Antilogus et al. 2014, JINST 9 C03048). Of an SBIG STL-1001E e-/ADU grow
by 1.3 % while the level grows by 6 %. A line through levels that lie close together takes the bow for another slope,
and its end is off by as large a share of the level. So the bow is fitted too, and known beforehand to `BOW` only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from evenfield.examine.cells import Grid, cell_grid, cell_sums
from evenfield.examine.rests import Measured
from evenfield.model.pixels import BoolArray, Float32Array, Float64Array

READ_VARIANCE_E2: Final = 20.0
"""The square of an unknown read noise, electrons: cameras have 1 to 8 e-, so it is 20 give or take 20."""

GROUPS: Final = 256
"""Groups of cells of like level that stand for a pair of flats."""

WILD: Final = 6.0
"""Cells whose variance lies so many scatters beside that of cells of like level take no part: rays, hot pixels."""

PIXEL_LIMIT: Final = 6.5
"""Pixels that differ by so many scatters between two flats were hit by a ray."""

BOW: Final = 0.05
"""What a bow may take of the variance at the middle level, give or take: thick CCDs lose 5 to 20 % at their full well,
and CMOS sensors some per cent."""

BENT: Final = 4.0
"""From so many times `BOW` on, where the error is as many times smaller, nothing may be read off the line's end."""

STEEP: Final = 10.0
"""A rise that is known to a tenth has an end whose error is even on both sides."""

BAND_PIXELS: Final = 1 << 20
MAD_FACTOR: Final = 1.4826


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NoisePoints:
    """Level and variance of single flats of one color, pedestal included, ADU and ADU squared, each float64 (n,).

    ``degrees`` are the degrees of freedom of each variance.
    """

    color: str
    level: Float64Array
    variance: Float64Array
    degrees: Float64Array


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NoiseLine:
    """Where a line through noise points ends.

    ``pedestal_adu`` with its error, of which the read noise's share is ``by_read_noise_adu`` and that of the unknown
    bow ``by_bow_adu``; e-/ADU; ``bent``: the points lie on too strong a bow, and the end of a line through them means
    nothing.
    """

    pedestal_adu: Measured
    by_read_noise_adu: float
    by_bow_adu: float
    egain_e_per_adu: float
    bent: bool


def noise_points(
    first: Float32Array, *, second: Float32Array, cfa: str | None = None, block: int | None = None,
    bad: BoolArray | None = None,
) -> tuple[NoisePoints, ...]:  # fmt: skip
    """Level and variance of two flats of the same exposure, from their difference.

    Parameters
    ----------
    first, second : float32 arrays (rows, columns)
        Raw flats of about the same level, ADU. NaN takes no part.
    cfa, block
        As those of `cell_grid`.
    bad : bool array (rows, columns), optional
        Pixels to leave out, as saturated ones: True is bad.

    Returns
    -------
    tuple of NoisePoints
        One for each color. With ``a`` the ratio of the two levels, ``var(first - a second)/(1 + a^2)`` belongs to the
        level ``(first + a^2 second)/(1 + a^2)``: scaling keeps the pixels' response out of the difference.
    """
    grid = cell_grid(first.shape, cfa=cfa, block=block)
    ratios, scatters = _ratios(first, second, grid)
    shape = (grid.rows, grid.columns, grid.period, grid.period)
    sums = tuple(np.zeros(shape) for _ in range(4))
    across = slice(grid.left, grid.left + grid.columns * grid.block)
    height = max(1, BAND_PIXELS // (grid.block * grid.shape[1]))
    for start in range(0, grid.rows, height):
        stop = min(start + height, grid.rows)
        rows = slice(grid.top + start * grid.block, grid.top + stop * grid.block)
        one, other = first[rows, across], second[rows, across]
        ratio = np.tile(ratios, (one.shape[0] // grid.period, one.shape[1] // grid.period))
        limit = np.tile(scatters, (one.shape[0] // grid.period, one.shape[1] // grid.period)) * PIXEL_LIMIT
        apart = one - ratio * other
        with np.errstate(invalid="ignore"):
            good = np.isfinite(apart) & (np.abs(apart) < limit)
        if bad is not None:
            good &= ~bad[rows, across]
        apart = np.where(good, apart, np.float32(0.0))
        level = np.where(good, one + ratio**2 * other, np.float32(0.0))
        for part, terms in zip(sums, (good.astype(np.float32), apart, apart * apart, level), strict=True):
            part[start:stop] = cell_sums(terms.astype(np.float32), grid=grid)
    return tuple(_points_of(sums, grid, color, ratios) for color in grid.colors)


def joined(several: Sequence[tuple[NoisePoints, ...]]) -> tuple[NoisePoints, ...]:
    """The points of several pairs together, color by color."""
    return tuple(
        NoisePoints(
            color=same[0].color,
            level=np.concatenate([one.level for one in same]),
            variance=np.concatenate([one.variance for one in same]),
            degrees=np.concatenate([one.degrees for one in same]),
        )
        for same in zip(*several, strict=True)
    )


def fit_noise_line(points: NoisePoints, *, read_noise_adu: tuple[float, float] | None = None) -> NoiseLine | None:
    """Where the noise of flats ends.

    Parameters
    ----------
    points : NoisePoints
    read_noise_adu : (float, float), optional
        The read noise and its error, as two bias or dark frames tell it. Without it, `READ_VARIANCE_E2` stands in,
        and its uncertainty is in the error.

    Returns
    -------
    NoiseLine or None
        Weighted least squares; the variance of a variance v of k degrees is ``2 v^2/k``, v from the line itself.
        ``None`` where the line does not rise for sure.
    """
    if points.level.size < 8:
        return None
    center = float(np.average(points.level, weights=points.degrees))
    x = (points.level - center) / center
    line = _weighted(x, points, degree=1)
    if line is None:
        return None
    (_, rise), covariance = line
    if rise <= STEEP * float(covariance[1, 1]) ** 0.5:
        return None
    free = _weighted(x, points, degree=2)
    bent = False
    if free is not None:
        bow, error = abs(float(free[0][2])), float(free[1][2, 2]) ** 0.5
        bent = bow > BENT * error and bow > BENT * BOW * float(rise)
    expected = BOW * float(rise)
    known = _weighted(x, points, degree=2, bow=expected)
    if known is None:
        return None
    (a, b, c), covariance = known
    slope = float(b) / center
    if read_noise_adu is None:
        read, read_error = READ_VARIANCE_E2 * slope**2, READ_VARIANCE_E2 * slope**2
    else:
        read, read_error = read_noise_adu[0] ** 2, 2.0 * read_noise_adu[0] * read_noise_adu[1]
    # The variance comes down to r^2 at the pedestal: the root of a + b x + c x^2 = r^2 that is the line's where c is 0.
    under = float(b * b - 4.0 * c * (a - read))
    if under <= 0.0:
        return None
    end = float(2.0 * (read - a) / (b + under**0.5))
    steep = float(b + 2.0 * c * end)
    # What a, b, c and r^2 move it by.
    by = np.array([1.0, end, end * end]) * (-center / steep)
    by_read = abs(center / steep) * read_error
    error = (float(by @ covariance @ by) + by_read**2) ** 0.5
    return NoiseLine(
        pedestal_adu=Measured(value=center * (1.0 + end), error=error, bound=error),
        by_read_noise_adu=by_read,
        # What one standard deviation of the true bow moves the end by, in spite of what the points say of it.
        by_bow_adu=abs(float(by @ covariance[:, 2])) / expected,
        egain_e_per_adu=1.0 / slope,
        bent=bent,
    )


def _weighted(
    x: Float64Array, points: NoisePoints, *, degree: int, bow: float | None = None
) -> tuple[Float64Array, Float64Array] | None:
    """Coefficients and covariance of the variance as a polynomial of ``x``; that of ``x^2`` is 0 within ``bow``."""
    before = np.zeros((degree + 1, degree + 1))
    if bow is not None:
        before[2, 2] = bow**-2
    found, covariance = np.zeros(degree + 1), np.zeros((degree + 1, degree + 1))
    design = np.stack([x**power for power in range(degree + 1)], axis=1)
    model = np.full(x.size, float(np.average(points.variance, weights=points.degrees)))
    for _ in range(6):
        weights = points.degrees / (2.0 * model**2)
        matrix = (design * weights[:, None]).T @ design + before
        if np.linalg.cond(matrix) > 1e14:
            return None
        covariance = np.linalg.inv(matrix).astype(np.float64)
        found = covariance @ (design.T @ (weights * points.variance))
        model = np.maximum(design @ found, 0.05 * model)
    return found, covariance


def _places(grid: Grid) -> Iterator[tuple[int, int]]:
    yield from np.ndindex(grid.period, grid.period)


def _ratios(first: Float32Array, second: Float32Array, grid: Grid) -> tuple[Float32Array, Float32Array]:
    """For each place of the period, the ratio of levels and the scatter of the difference, float32 (period, period)."""
    step = max(1, round((first.size / len(grid.pattern) / 40_000) ** 0.5)) * grid.period
    ratios = np.ones((grid.period, grid.period), np.float32)
    scatters = np.ones_like(ratios)
    for color in grid.colors:
        places = [(y, x) for y, x in _places(grid) if grid.places(color)[y, x]]
        one = np.concatenate([first[y::step, x::step].ravel() for y, x in places]).astype(np.float64)
        other = np.concatenate([second[y::step, x::step].ravel() for y, x in places]).astype(np.float64)
        good = np.isfinite(one) & np.isfinite(other)
        one, other = one[good], other[good]
        ratio = float(np.median(one) / np.median(other)) if one.size and np.median(other) > 0 else 1.0
        apart = one - ratio * other
        # The scatter of the brighter half: noise grows with the level.
        bright = apart[one >= np.median(one)] if one.size else np.ones(1)
        scatter = MAD_FACTOR * float(np.median(np.abs(bright - np.median(bright))))
        for y, x in places:
            ratios[y, x], scatters[y, x] = ratio, max(scatter, 1e-6)
    return ratios, scatters


def _points_of(sums: tuple[Float64Array, ...], grid: Grid, color: str, ratios: Float32Array) -> NoisePoints:
    here = grid.places(color)
    count, total, squares, levels = (part[:, :, here].sum(axis=2).ravel() for part in sums)
    enough = count >= 16
    count, total, squares, levels = count[enough], total[enough], squares[enough], levels[enough]
    frames = 1.0 + float(ratios[here][0]) ** 2
    level = levels / count / frames
    variance = (squares - total**2 / count) / (count - 1.0) / frames
    order = np.argsort(level, kind="stable")
    rows = []
    for group in np.array_split(order, min(GROUPS, max(1, order.size // 8))):
        if not group.size:
            continue
        middle = float(np.median(variance[group]))
        kept = np.abs(variance[group] - middle) <= WILD * middle * np.sqrt(2.0 / (count[group] - 1.0))
        degrees = count[group][kept] - 1.0
        if degrees.size and middle > 0:
            rows.append((
                np.average(level[group][kept], weights=degrees),
                np.average(variance[group][kept], weights=degrees),
                degrees.sum(),
            ))  # fmt: skip
    table = np.array(rows, np.float64).reshape(-1, 3)
    return NoisePoints(color=color, level=table[:, 0], variance=table[:, 1], degrees=table[:, 2])
