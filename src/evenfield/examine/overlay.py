"""How a flat's shadows lie on those of a light: a turn about the middle and a shift, fitted and judged piece by piece.

A shadow at place p of the light (pixels from the middle) lies in the flat at ``R(angle) p + shift``. With the contrast
``a`` (1 where nothing additive is left in either), the light's relief is ``a`` times the flat's picture at that place.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from evenfield.examine.dust import Shadow, blurred
from evenfield.examine.wavelets import smooth
from evenfield.model.pixels import Float32Array, Float64Array

STEPS: Final = 12
"""Steps of the fit at most; four are usual."""

OUTLIER_SHARE: Final = 0.1
"""The share of shadows that may have gone, for the weights of the fit."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """Where the flat lies: ``angle_deg`` (counterclockwise as seen with row 0 on top), shift in cells, mirrored or not.

    ``mirrored`` stands for rows in reverse order, done to the light's place before it is turned.
    """

    angle_deg: float = 0.0
    dy: float = 0.0
    dx: float = 0.0
    mirrored: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlay:
    """A placing with what the pieces say about it.

    ``score`` is the log likelihood over that of a light without any of the shadows; ``products`` are sums of light
    times template, ``squares`` of template squared (both over the light's variance), one a shadow. ``covariance`` is
    that of (angle in radians, dy, dx in cells); its variances are infinite where the shadows do not tell.
    """

    placing: Placing
    contrast: float
    score: float
    products: Float64Array
    squares: Float64Array
    covariance: Float64Array


_Place = TypeVar("_Place", Float64Array, np.float64)


class LightCells:
    """A light's relief with its weights, in cells, on which placings are tried."""

    def __init__(self, values: Float32Array, *, weights: Float32Array, shadows: tuple[Shadow, ...]) -> None:
        self.values, self.weights, self.shadows = values, weights, shadows
        self.middle = ((values.shape[0] - 1) / 2.0, (values.shape[1] - 1) / 2.0)

    def blurred(self, *, levels: int) -> LightCells:
        """The same after smoothing: placings are found from farther away, and less exactly."""
        known = (self.weights > 0).astype(np.float32)
        share = smooth(known, levels=levels)
        values = smooth(self.values * known, levels=levels)
        values /= np.where(share > 0.05, share, np.float32(1.0))
        weights = np.where(share > 0.3, self.weights, np.float32(0.0))
        return LightCells(values, weights=weights, shadows=tuple(blurred(s, levels=levels) for s in self.shadows))

    def sums(
        self, shadow: Shadow, placing: Placing, *, slopes: bool
    ) -> tuple[float, float, Float64Array, Float64Array]:
        """Product, square, product with the slopes and squares of template and slopes (index 0 is the template)."""
        box = self._box(shadow, placing)
        if box is None:
            return 0.0, 0.0, np.zeros(4), np.zeros((4, 4))
        light, weight = self.values[box], self.weights[box]
        rows, y, x = self._mapped(box, placing)
        size = 4 if slopes else 1
        model = np.empty((size, *light.shape))
        model[0] = _spline(shadow, y, x)
        if slopes:
            # Slopes need no more than straight lines between cells: they only say which way to go, and how far.
            d_row, d_column = _linear(shadow, shadow.d_row, y, x), _linear(shadow, shadow.d_column, y, x)
            # d(row)/d(angle) = -(column from the middle after the turn), d(column)/d(angle) = the row: see _turn.
            from_y, from_x = rows
            model[1] = -d_row * from_x + d_column * from_y
            model[2], model[3] = d_row, d_column
        flat = model.reshape(size, -1)
        weighted = flat * weight.reshape(-1)
        products = np.zeros(4)
        squares = np.zeros((4, 4))
        products[:size] = weighted @ light.reshape(-1)
        squares[:size, :size] = weighted @ flat.T
        return float(products[0]), float(squares[0, 0]), products, squares

    def model_of(self, placing: Placing, *, contrast: float, which: list[int] | None = None) -> Float32Array:
        """The shadows as the light should show them, float32 of its shape."""
        image = np.zeros_like(self.values)
        for k in range(len(self.shadows)) if which is None else which:
            box = self._box(self.shadows[k], placing)
            if box is not None:
                _, y, x = self._mapped(box, placing)
                image[box] += (contrast * _spline(self.shadows[k], y, x)).astype(np.float32)
        return image

    def place(self, shadow: Shadow, placing: Placing) -> tuple[float, float]:
        """Where the light should show a shadow of the flat, (row, column) in cells."""
        return _unturn(shadow.row - self.middle[0], shadow.column - self.middle[1], placing, self.middle)

    def flat_place(self, row: float, column: float, placing: Placing) -> tuple[float, float]:
        """Where the flat has what the light has at (row, column), in cells."""
        y, x = _turn(np.float64(row - self.middle[0]), np.float64(column - self.middle[1]), placing)
        return float(y) + self.middle[0] + placing.dy, float(x) + self.middle[1] + placing.dx

    def _box(self, shadow: Shadow, placing: Placing) -> tuple[slice, slice] | None:
        """The light's cells on which a shadow falls, or ``None``."""
        height, width = shadow.template.shape
        corners = [
            _unturn(shadow.top + y - self.middle[0], shadow.left + x - self.middle[1], placing, self.middle)
            for y in (0, height - 1)
            for x in (0, width - 1)
        ]
        top, bottom = min(c[0] for c in corners), max(c[0] for c in corners)
        left, right = min(c[1] for c in corners), max(c[1] for c in corners)
        rows = slice(max(0, math.floor(top)), min(self.values.shape[0], math.ceil(bottom) + 1))
        columns = slice(max(0, math.floor(left)), min(self.values.shape[1], math.ceil(right) + 1))
        return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None

    def _mapped(
        self, box: tuple[slice, slice], placing: Placing
    ) -> tuple[tuple[Float64Array, Float64Array], Float64Array, Float64Array]:
        """Turned places about the middle, and rows and columns in the flat, of the cells of a box."""
        y = np.arange(box[0].start, box[0].stop)[:, None] - self.middle[0]
        x = np.arange(box[1].start, box[1].stop)[None, :] - self.middle[1]
        turned = _turn(y, x, placing)
        return turned, turned[0] + self.middle[0] + placing.dy, turned[1] + self.middle[1] + placing.dx


def _turn(y: _Place, x: _Place, placing: Placing) -> tuple[_Place, _Place]:
    c, s = math.cos(math.radians(placing.angle_deg)), math.sin(math.radians(placing.angle_deg))
    if placing.mirrored:
        y = -y
    return y * c - x * s, y * s + x * c


def _unturn(y: float, x: float, placing: Placing, middle: tuple[float, float]) -> tuple[float, float]:
    c, s = math.cos(math.radians(placing.angle_deg)), math.sin(math.radians(placing.angle_deg))
    y, x = y - placing.dy, x - placing.dx
    y, x = y * c + x * s, -y * s + x * c
    return (-y if placing.mirrored else y) + middle[0], x + middle[1]


def _spline(shadow: Shadow, y: Float64Array, x: Float64Array) -> Float64Array:
    from scipy import ndimage

    found: Float64Array = ndimage.map_coordinates(
        shadow.spline, np.stack([y - shadow.top, x - shadow.left]), order=3, mode="constant", cval=0.0, prefilter=False
    )
    return found


def _linear(shadow: Shadow, image: Float32Array, y: Float64Array, x: Float64Array) -> Float64Array:
    from scipy import ndimage

    places = np.stack([y - shadow.top, x - shadow.left])
    found: Float64Array = ndimage.map_coordinates(image, places, order=1, mode="constant", cval=0.0)
    return found


def contrast_of(products: Float64Array, squares: Float64Array) -> float:
    """The contrast that most shadows agree on: the mean weighted by squares, those that have gone left out."""
    known = squares > 0
    if not known.any():
        return 0.0
    ratios, weights = products[known] / squares[known], squares[known]
    order = np.argsort(ratios)
    # The weighted median is safe where less than half have gone.
    contrast = float(ratios[order][np.searchsorted(np.cumsum(weights[order]), 0.5 * weights.sum())])
    for _ in range(10):
        apart = np.square(ratios - contrast) * weights
        share = 1.0 / (1.0 + np.exp(np.clip(0.5 * (apart - 16.0), -50.0, 50.0)))
        if not (share * weights).sum() > 0:
            break
        contrast = float((share * weights * ratios).sum() / (share * weights).sum())
    return min(max(contrast, 0.0), 5.0)


def presence(products: Float64Array, squares: Float64Array, contrast: float) -> Float64Array:
    """How surely each shadow is there (0..1), the share that may have gone taken into account."""
    gain_of_log = contrast * products - 0.5 * contrast**2 * squares
    odds = np.log(OUTLIER_SHARE / (1.0 - OUTLIER_SHARE)) - gain_of_log
    shares: Float64Array = 1.0 / (1.0 + np.exp(np.clip(odds, -50.0, 50.0)))
    return shares


def judged(cells: LightCells, placing: Placing) -> Overlay:
    """A placing as it is, without fitting it."""
    sums = [cells.sums(shadow, placing, slopes=False) for shadow in cells.shadows]
    products, squares = np.array([s[0] for s in sums]), np.array([s[1] for s in sums])
    return _overlay(placing, products, squares, np.full((3, 3), np.inf))


def fitted(cells: LightCells, placing: Placing, *, free: tuple[bool, bool, bool] = (True, True, True)) -> Overlay:
    """The placing near a given one at which the shadows lie best (Gauss-Newton), with its covariance.

    ``free`` says which of angle, dy and dx are fitted. Shadows that are not there do not count.
    """
    which = np.array([*np.flatnonzero(free) + 1])
    damping = 1.0
    best: Overlay | None = None
    for _ in range(STEPS):
        sums = [cells.sums(shadow, placing, slopes=True) for shadow in cells.shadows]
        products, squares = np.array([s[0] for s in sums]), np.array([s[1] for s in sums])
        contrast = contrast_of(products, squares)
        shares = presence(products, squares, contrast)
        slope, curve = np.zeros(4), np.zeros((4, 4))
        for share, (_, _, product, square) in zip(shares, sums, strict=True):
            slope += share * (product - contrast * square[0])
            curve += share * square
        covariance = _inverse(curve, which, contrast)
        now = _overlay(placing, products, squares, covariance)
        if best is not None and now.score < best.score - 1e-6:
            if damping < 0.1:
                return best
            damping *= 0.4
        else:
            best, base = now, (slope, curve, contrast)
        slope, curve, contrast = base
        step = _step(slope, curve, which, contrast) * damping
        at = best.placing
        placing = Placing(
            angle_deg=at.angle_deg + math.degrees(step[0]),
            dy=at.dy + float(step[1]),
            dx=at.dx + float(step[2]),
            mirrored=at.mirrored,
        )
        if np.abs(step[1:]).max() < 1e-3 and abs(step[0]) * max(cells.middle) < 1e-3:
            break
    assert best is not None
    return best


def _step(slope: Float64Array, curve: Float64Array, which: NDArray[np.int64], contrast: float) -> Float64Array:
    """One step of angle, dy, dx; the contrast is fitted beside them."""
    step = np.zeros(3)
    if contrast <= 0 or not which.size:
        return step
    used = np.array([0, *which])
    matrix = curve[np.ix_(used, used)] + np.diag(1e-9 * np.diag(curve)[used] + 1e-12)
    found = np.linalg.lstsq(matrix, slope[used], rcond=1e-10)[0][1:] / contrast
    step[which - 1] = found
    return step


def _inverse(curve: Float64Array, which: NDArray[np.int64], contrast: float) -> Float64Array:
    """The covariance of angle, dy and dx; 0 for what is held, infinite where nothing tells."""
    covariance = np.zeros((3, 3))
    if not which.size:
        return covariance
    used = np.array([0, *which])
    matrix = curve[np.ix_(used, used)]
    if contrast <= 0 or np.linalg.cond(matrix / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)) + 1e-300)) > 1e9:
        covariance[np.ix_(which - 1, which - 1)] = np.inf
        return covariance
    covariance[np.ix_(which - 1, which - 1)] = np.linalg.inv(matrix)[1:, 1:] / contrast**2
    return covariance


def _overlay(placing: Placing, products: Float64Array, squares: Float64Array, covariance: Float64Array) -> Overlay:
    contrast = contrast_of(products, squares)
    logs = contrast * products - 0.5 * contrast**2 * squares
    score = float(np.logaddexp(math.log(1.0 - OUTLIER_SHARE) + logs, math.log(OUTLIER_SHARE)).sum())
    return Overlay(
        placing=placing, contrast=contrast, score=score, products=products, squares=squares, covariance=covariance
    )
