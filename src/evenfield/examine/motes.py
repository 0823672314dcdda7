"""Shadows one by one: which are there in the flat or the light only, and which lie elsewhere than the others say."""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import Final

import numpy as np

from evenfield.examine.dust import Shadow, find_dust
from evenfield.examine.overlay import LightCells, Overlay, Placing, fitted
from evenfield.examine.relief import Relief
from evenfield.model.pixels import BoolArray, Float32Array, Float64Array

LEAST_ALONE: Final = 7.0
"""Scatters by which a shadow must be expected to stand out of the light for its absence to be told."""

GONE_BELOW: Final = 0.6
"""A shadow with less than this share of the others' contrast is not where it was. Templates differ by up to a fifth."""

NEW_SCATTERS: Final = 12.0
"""Scatters by which a dark piece must stand out of what the flat explains: more than sky reaches by chance."""

NEW_DEPTH: Final = (0.002, 0.6)
"""Depths that dust can have; what is darker is an obstacle, what is fainter may be sky."""

LOOK_AROUND: Final = 2.0
"""A missing shadow is looked for within so many of its own sizes."""

PLACEMENTS: Final = 48
"""Random places at which templates are tried, to see how much the light scatters at their scale."""


class Fate(enum.StrEnum):
    """What became of a shadow between flat and light."""

    GONE = "in the flat only"
    NEW = "in the light only"
    MOVED = "displaced"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mote:
    """A shadow that does not lie as the others.

    ``row``, ``column`` are pixels of the light (where it is, or should be), ``radius_px``, ``depth`` its size and the
    share of light that it takes, ``scatters`` how surely. For a displaced one, ``shift_px`` says where the flat has it
    beside the light (rows down, columns right) and ``shift_error_px`` the standard errors.
    """

    fate: Fate
    row: float
    column: float
    radius_px: float
    depth: float
    scatters: float
    shift_px: tuple[float, float] | None = None
    shift_error_px: tuple[float, float] | None = None


def excess_noise(cells: LightCells, residual: Float32Array, *, seed: int = 1) -> tuple[float, float]:
    """How many times the scatter of white noise templates and their slopes meet in a residual; both at least 1.

    Sky structure, faint stars and clouds make a light rougher at the scale of shadows than its cells say. Templates are
    laid on random places of the light, away from nothing: most places have no shadow.
    """
    rng = np.random.default_rng(seed)
    levels: list[float] = []
    slopes: list[float] = []
    for shadow in cells.shadows[:8]:
        height, width = shadow.template.shape
        room = (residual.shape[0] - height, residual.shape[1] - width)
        if min(room) < 1:
            continue
        for _ in range(PLACEMENTS):
            top, left = int(rng.integers(room[0])), int(rng.integers(room[1]))
            box = (slice(top, top + height), slice(left, left + width))
            weight = cells.weights[box]
            weighted = residual[box] * weight
            for into, template in ((levels, shadow.template), (slopes, shadow.d_row), (slopes, shadow.d_column)):
                square = float((weight * template * template).sum())
                if square > 0:
                    into.append(float((weighted * template).sum()) / math.sqrt(square))
    return max(1.0, _scatter(levels)), max(1.0, _scatter(slopes))


def _scatter(values: list[float]) -> float:
    """The scatter from the outer tenth: a band of clouds or stray light over a small part of the frame counts too."""
    return float(np.quantile(np.abs(values), 0.9)) / 1.645 if len(values) >= 20 else 1.0


def follow_motes(
    cells: LightCells, overlay: Overlay, *, excess: tuple[float, float], chance: float, like: Relief, cut: BoolArray
) -> tuple[Mote, ...]:
    """The shadows that do not lie as the overlay says.

    Parameters
    ----------
    cells : LightCells
    overlay : Overlay
        Where the others lie.
    excess : (float, float)
        `excess_noise` of templates and slopes.
    chance : float
        Of one false alarm among all shadows.
    like : Relief
        The light's.
    cut : bool array (cell rows, cell columns)
        Where the flat has pieces that the frame's edge cuts: what the light shows there is not new.
    """
    cell_px = like.cell_px
    contrast = overlay.contrast if overlay.contrast > 0 else 1.0
    n_shadows = max(1, len(cells.shadows))
    limit = _normal_limit(chance / n_shadows)
    found: list[Mote] = []
    residual = cells.values - cells.model_of(overlay.placing, contrast=contrast)
    open_cells = LightCells(residual, weights=cells.weights, shadows=cells.shadows)
    for k in range(len(cells.shadows)):
        product, square = float(overlay.products[k]), float(overlay.squares[k])
        alone = contrast * math.sqrt(square) / excess[0]
        if alone < LEAST_ALONE:
            continue
        share = product / square / contrast
        if share < GONE_BELOW and (1.0 - share) * alone > limit:
            mote, placing = _missing(open_cells, k, overlay, excess, (1.0 - share) * alone, contrast, cell_px)
            _put_back(residual, cells, k, overlay.placing, placing, contrast)
        else:
            moved = _displaced(cells, k, overlay, excess, chance / n_shadows, cell_px)
            if moved is None:
                continue
            mote, placing = moved
            _put_back(residual, cells, k, overlay.placing, placing, contrast)
        found.append(mote)
    return (*found, *_new_ones(residual, cells, overlay.placing, excess[0], like, cut))


def _put_back(
    residual: Float32Array, cells: LightCells, k: int, was: Placing, now: Placing | None, contrast: float
) -> None:
    """Take a shadow's model out of a residual where it is not, and put it where it is."""
    residual += cells.model_of(was, contrast=contrast, which=[k])
    if now is not None:
        residual -= cells.model_of(now, contrast=contrast, which=[k])


def _normal_limit(chance: float) -> float:
    from scipy import special

    return -float(special.ndtri(chance))


def _mote(fate: Fate, cells: LightCells, shadow: Shadow, placing: Placing, scatters: float, cell_px: int) -> Mote:
    row, column = cells.place(shadow, placing)
    middle = (cell_px - 1) / 2.0
    return Mote(
        fate=fate, row=row * cell_px + middle, column=column * cell_px + middle, radius_px=shadow.radius * cell_px,
        depth=shadow.depth, scatters=scatters,
    )  # fmt: skip


def _missing(
    residual: LightCells, k: int, overlay: Overlay, excess: tuple[float, float], scatters: float, contrast: float,
    cell_px: int,
) -> tuple[Mote, Placing | None]:  # fmt: skip
    """A shadow that is not in its place: displaced if the light has its like nearby, else gone."""
    from scipy import signal

    shadow = residual.shadows[k]
    at = overlay.placing
    row, column = residual.place(shadow, at)
    # The window's picture of the shadow under the placing, from the flat; the light is the residual with it put back.
    model = residual.model_of(at, contrast=1.0, which=[k])
    height, width = shadow.template.shape
    half = int(0.75 * max(height, width))
    reach = int(LOOK_AROUND * max(height, width))
    box, core = _window(model.shape, row, column, half + reach), _window(model.shape, row, column, half)
    light = residual.values[box] + contrast * model[box]
    weight, template = residual.weights[box], model[core]
    products = signal.fftconvolve(light * weight, template[::-1, ::-1], mode="valid")
    squares = signal.fftconvolve(weight, np.square(template)[::-1, ::-1], mode="valid")
    tellable = squares > 0.5 * float(squares.max())
    surface = np.where(tellable, products / np.sqrt(np.maximum(squares, 1e-12)), 0.0) / excess[0]
    place = np.unravel_index(int(np.argmax(surface)), surface.shape)
    strength = float(products[place] / squares[place]) / contrast
    gone = _mote(Fate.GONE, residual, shadow, at, scatters, cell_px)
    if float(surface[place]) < LEAST_ALONE or not 0.5 < strength < 1.7:
        return gone, None
    dy = box[0].start + float(place[0]) - core[0].start
    dx = box[1].start + float(place[1]) - core[1].start
    moved = _shifted(at, -dy, -dx)
    whole = residual.values + contrast * model
    near = fitted(LightCells(whole, weights=residual.weights, shadows=(shadow,)), moved, free=(False, True, True))
    return _with_shift(gone, at, near, excess, cell_px), near.placing


def _shifted(placing: Placing, dy: float, dx: float) -> Placing:
    """A placing whose shadows stand in the light by (-dy, -dx) elsewhere: the shift in the flat's frame is turned."""
    c, s = math.cos(math.radians(placing.angle_deg)), math.sin(math.radians(placing.angle_deg))
    y = -dy if placing.mirrored else dy
    return dataclasses.replace(placing, dy=placing.dy + y * c - dx * s, dx=placing.dx + y * s + dx * c)


def _window(shape: tuple[int, ...], row: float, column: float, half: int) -> tuple[slice, slice]:
    middle = (round(row), round(column))
    first, second = (
        slice(max(0, at - half), max(0, min(size, at + half + 1))) for at, size in zip(middle, shape, strict=True)
    )
    return first, second


def _displaced(
    cells: LightCells, k: int, overlay: Overlay, excess: tuple[float, float], chance: float, cell_px: int
) -> tuple[Mote, Placing] | None:
    """A shadow that is there, but not quite where the others say; ``None`` if it is."""
    from scipy import special

    shadow = cells.shadows[k]
    alone = LightCells(cells.values, weights=cells.weights, shadows=(shadow,))
    near = fitted(alone, overlay.placing, free=(False, True, True))
    apart = np.array([near.placing.dy - overlay.placing.dy, near.placing.dx - overlay.placing.dx])
    covariance = near.covariance[1:, 1:]
    if not np.isfinite(covariance).all():
        return None
    # Where the others lie is known no better than the overlay says.
    there = _spread(overlay.covariance, shadow, cells)
    square = float(apart @ np.linalg.solve((covariance + there) * excess[1] ** 2, apart))
    # Two numbers: the chance of a square beyond x is exp(-x / 2).
    if square < -2.0 * math.log(chance) or np.hypot(*apart) > max(shadow.template.shape):
        return None
    scatters = -float(special.ndtri(max(0.5 * math.exp(-0.5 * min(square, 1400.0)), 1e-300)))
    mote = _mote(Fate.MOVED, cells, shadow, near.placing, scatters, cell_px)
    return _with_shift(mote, overlay.placing, near, excess, cell_px), near.placing


def _spread(covariance: Float64Array, shadow: Shadow, cells: LightCells) -> Float64Array:
    """The covariance of a shadow's place that comes from that of angle and shift; 0 where they were not fitted."""
    if not np.isfinite(covariance).all():
        return np.zeros((2, 2))
    y, x = shadow.row - cells.middle[0], shadow.column - cells.middle[1]
    slopes = np.array([[-x, 1.0, 0.0], [y, 0.0, 1.0]])
    spread: Float64Array = slopes @ covariance @ slopes.T
    return spread


def _with_shift(mote: Mote, others: Placing, own: Overlay, excess: tuple[float, float], cell_px: int) -> Mote:
    errors = np.sqrt(np.diag(own.covariance)[1:]) * excess[1] * cell_px
    return dataclasses.replace(
        mote, fate=Fate.MOVED,
        shift_px=((own.placing.dy - others.dy) * cell_px, (own.placing.dx - others.dx) * cell_px),
        shift_error_px=(float(errors[0]), float(errors[1])),
    )  # fmt: skip


def _new_ones(
    residual: Float32Array, cells: LightCells, placing: Placing, noise: float, like: Relief, cut: BoolArray
) -> list[Mote]:
    """Dark pieces of the light that the flat does not have."""
    left = dataclasses.replace(
        like, values=np.where(cells.weights > 0, residual, np.float32(0.0)), weights=cells.weights
    )
    found = []
    for shadow in find_dust(left, least=NEW_SCATTERS * noise).shadows:
        height, width = shadow.template.shape
        box = (slice(max(0, shadow.top), shadow.top + height), slice(max(0, shadow.left), shadow.left + width))
        inside = shadow.template[max(0, -shadow.top) :, max(0, -shadow.left) :][
            : cells.weights[box].shape[0], : cells.weights[box].shape[1]
        ]
        scatters = math.sqrt(float((cells.weights[box] * np.square(inside)).sum())) / noise
        if not _in_flat(shadow, cells, placing, cut):
            continue
        if scatters > NEW_SCATTERS and NEW_DEPTH[0] < shadow.depth < NEW_DEPTH[1]:
            found.append(_mote(Fate.NEW, cells, shadow, Placing(), scatters, like.cell_px))
    return found


def _in_flat(shadow: Shadow, cells: LightCells, placing: Placing, cut: BoolArray) -> bool:
    """Whether a place of the light lies within the flat under a placing, and not on what the edge cuts off there."""
    y, x = cells.flat_place(shadow.row, shadow.column, placing)
    margin = max(shadow.template.shape) / 2.0
    rows, columns = cells.values.shape
    if not (margin <= y <= rows - 1 - margin and margin <= x <= columns - 1 - margin):
        return False
    return not cut[_window(cut.shape, y, x, math.ceil(margin))].any()
