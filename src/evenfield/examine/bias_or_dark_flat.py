"""Is a master bias enough for these flats, or are dark flats needed? By the error of the light that bias would make.

With bias in the place of dark flats, D = (dark flat - bias) stays in the flat. A light at a pixel where the flat has
the level F is then wrong by -D/F against D/F at the center. D has three parts: a level c (dark current, a bias that
depends on the exposure), slow changes over the frame (amplifier glow), and pattern from pixel to pixel::

    level:    |c| (1/F_min - 1/F_center)  =  |c|/level * (1/V_min - 1)
    glow:     the greatest |G/F| of a cell, G the cell's D less c
    pattern:  rms(P/F), P the pixels' D less that of their cell, hot pixels left out and counted

Each counts where it exceeds 0.1 % and the noise that the master flat's pixels have anyway, whichever is larger. Hot
pixels are no reason by themselves: a light's own dark and its rejection deal with them.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import UsageError
from evenfield.examine.dark_sets import DarkSet
from evenfield.examine.transfer_cells import cell_grid, cell_moments
from evenfield.model.pixels import Float32Array, Float64Array

LEAST_EFFECT: Final = 1e-3
"""Errors up to this share of the light do not matter, however clearly they are seen."""

CONFIDENCE: Final = 0.95
"""Of the intervals: an answer is given where they lie on one side of the limit."""

KNOWN_NOISE: Final = 0.05
"""A noise that is said, not measured, may be wrong by this share."""

CENTER_SHARE: Final = 0.25
"""The center is the middle of the frame, this share of its sides."""

LOWEST_SHARE: Final = 0.005
"""The faintest level is that which this share of the cells does not reach: the corners, not a speck of dust."""


class DarkFlatAnswer(enum.StrEnum):
    """What was found."""

    BIAS_IS_ENOUGH = "bias is enough"
    DARK_FLATS_ARE_NEEDED = "dark flats are needed"
    CANNOT_TELL = "cannot tell"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An error in the corrected light, a share of it, with its interval (95 %), and ADU and z behind it."""

    share: float
    low: float
    high: float
    adu: float
    z: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlatLevels:
    """Levels of the flats above bias, ADU, and the noise of their master.

    ``center_adu``, ``lowest_adu``: one for each color. ``cells`` (float64, (n_cells,)) is the level of each cell where
    the master was given; ``None``: the glow is taken to lie where the flat is faintest. ``noise_share`` is relative,
    for a pixel.
    """

    center_adu: tuple[float, ...]
    lowest_adu: tuple[float, ...]
    noise_share: float
    cells: Float64Array | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DarkFlatChoice:
    """The answer, and what it rests on. ``hot_share`` is the share of hot pixels wrong by more than the limit.

    ``level.adu`` has its sign: positive where dark flats are brighter than bias. ``wander_adu`` is the scatter of the
    frames' levels (bias, dark flats), ``None`` where unknown; ``reason`` says why nothing can be told.
    """

    answer: DarkFlatAnswer
    limit_share: float
    noise_share: float
    level: Effect
    glow: Effect
    pattern: Effect
    hot_share: float
    wander_adu: tuple[float | None, float | None]
    reason: str = ""

    @property
    def parts(self) -> tuple[tuple[str, Effect], ...]:
        """The three effects with their names."""
        return ("level", self.level), ("glow", self.glow), ("pattern", self.pattern)


def flat_levels(master: NDArray[Any], *, noise_share: float, cfa: str | None = None) -> FlatLevels:
    """The levels of a master flat.

    Parameters
    ----------
    master : array (rows, columns)
        ADU above bias or dark flat, not yet brought to a level; NaN is no data.
    noise_share : float
        The relative noise of its pixels (`master_flat_noise`).
    cfa : str, optional

    Raises
    ------
    UsageError
        If it has no light.
    """
    grid = cell_grid((master.shape[0], master.shape[1]), cfa=cfa)
    moments = cell_moments(grid.cut(master))
    cells = np.where((moments.count > 0) & (moments.mean > 0), moments.mean, np.nan)
    rows, columns = grid.shape
    in_center = np.abs(grid.row - rows / 2.0) <= max(0.5 * CENTER_SHARE * rows, grid.side * grid.period)
    in_center &= np.abs(grid.column - columns / 2.0) <= max(0.5 * CENTER_SHARE * columns, grid.side * grid.period)
    center, lowest = [], []
    for color in range(len(grid.names)):
        mine = (grid.color == color) & np.isfinite(cells)
        if not (mine & in_center).any():
            raise UsageError("The master flat has no light at its center.")
        center.append(float(np.median(cells[mine & in_center])))
        lowest.append(float(np.quantile(cells[mine], LOWEST_SHARE)))
    return FlatLevels(center_adu=tuple(center), lowest_adu=tuple(lowest), noise_share=noise_share, cells=cells)


def bias_or_dark_flats(dark_flats: DarkSet, *, bias: DarkSet, flat: FlatLevels) -> DarkFlatChoice:
    """Say whether bias is enough for these flats.

    Parameters
    ----------
    dark_flats, bias : DarkSet
        Of one shape and pattern.
    flat : FlatLevels

    Raises
    ------
    UsageError
        If shapes or patterns differ, or a set is empty.
    """
    grid = dark_flats.grid
    if (grid.shape, grid.period) != (bias.grid.shape, bias.grid.period):
        raise UsageError("Bias frames and dark flats have different shapes or patterns.")
    if not (dark_flats.n_frames and bias.n_frames):
        raise UsageError("There are no bias frames, or no dark flats.", mend="Take both to compare them.")
    if flat.cells is not None and flat.cells.size != grid.n_cells:
        raise UsageError("The master flat has another shape or pattern than its dark flats.")
    limit = max(LEAST_EFFECT, flat.noise_share)
    rest = dark_flats.mean() - bias.mean()
    moments = cell_moments(rest)
    there = moments.count > 0
    step = np.float64(dark_flats.pivot_adu - bias.pivot_adu)
    level_adu = float(np.median(moments.mean[there]) + step)
    light = np.full(grid.n_cells, min(flat.lowest_adu)) if flat.cells is None else flat.cells
    halves = None
    if dark_flats.has_halves and bias.has_halves:
        halves = [dark_flats.half(which) - bias.half(which) for which in (0, 1)]
    level, level_reason = _level_effect(level_adu, dark_flats, bias, flat)
    pattern, pattern_reason = _pattern_effect(rest, moments.left_out, halves, light, (dark_flats, bias))
    glow = _glow_effect(
        moments.mean, there & np.isfinite(light), light, halves, _cell_noise(moments.squares, moments.count)
    )
    hot = moments.left_out & there[:, None]
    far = np.abs(rest - moments.mean[:, None].astype(np.float32)) > (limit * light[:, None]).astype(np.float32)
    effects = (level, glow, pattern)
    answer = DarkFlatAnswer.CANNOT_TELL
    if any(effect.low > limit for effect in effects):
        answer = DarkFlatAnswer.DARK_FLATS_ARE_NEEDED
    elif all(effect.high < limit for effect in effects):
        answer = DarkFlatAnswer.BIAS_IS_ENOUGH
    reason = ""
    if answer is DarkFlatAnswer.CANNOT_TELL:
        open_ones = [
            name for name, effect in zip(("level", "glow", "pattern"), effects, strict=True) if effect.high >= limit
        ]
        reason = level_reason or pattern_reason or f"the {' and the '.join(open_ones)} may or may not exceed the limit"
    return DarkFlatChoice(
        answer=answer, limit_share=limit, noise_share=flat.noise_share, level=level, glow=glow, pattern=pattern,
        hot_share=float(np.count_nonzero(hot & far)) / max(int(moments.count.sum() + hot.sum()), 1),
        wander_adu=(bias.wander_adu, dark_flats.wander_adu), reason=reason,
    )  # fmt: skip


def _level_effect(level_adu: float, dark_flats: DarkSet, bias: DarkSet, flat: FlatLevels) -> tuple[Effect, str]:
    per_adu = max(1.0 / low - 1.0 / mid for low, mid in zip(flat.lowest_adu, flat.center_adu, strict=True))
    per_adu = max(per_adu, 0.0)
    errors = (dark_flats.level_error_adu, bias.level_error_adu)
    share = abs(level_adu) * per_adu
    if errors[0] is None or errors[1] is None:
        why = "single frames or masters do not tell how much their level wanders"
        return Effect(share=share, low=0.0, high=math.inf, adu=level_adu, z=None), why
    error = math.hypot(errors[0], errors[1])
    reach = error * _student(errors[0], errors[1], dark_flats.n_frames, bias.n_frames)
    return Effect(
        share=share, low=max(abs(level_adu) - reach, 0.0) * per_adu, high=(abs(level_adu) + reach) * per_adu,
        adu=level_adu, z=level_adu / error if error > 0 else None,
    ), ""  # fmt: skip


def _student(first: float, second: float, n_first: int, n_second: int) -> float:
    """The quantile of Student's distribution for the difference of two means (Welch 1947, Biometrika 34, 28)."""
    from scipy.stats import t as student

    parts = first**4 / max(n_first - 1, 1) + second**4 / max(n_second - 1, 1)
    freedom = (first**2 + second**2) ** 2 / parts if parts > 0 else 1e6
    return float(student.ppf(0.5 + 0.5 * CONFIDENCE, freedom))


def _normal() -> float:
    from scipy.stats import norm

    return float(norm.ppf(0.5 + 0.5 * CONFIDENCE))


def _cell_noise(squares: Float64Array, count: Float64Array) -> Float64Array:
    """At most the standard error of each cell's mean, ADU: pattern counts as noise here."""
    return np.sqrt(squares / np.maximum(count - 1.0, 1.0) / np.maximum(count, 1.0))


def _glow_effect(
    cells: Float64Array, usable: NDArray[np.bool_], light: Float64Array, halves: list[Float32Array] | None,
    noise: Float64Array,
) -> Effect:  # fmt: skip
    """The greatest slow error. One half of the frames says where it lies, the other how great it is, and vice versa."""
    found, error, adu = [], [], []
    means = [cells, cells] if halves is None else [cell_moments(half).mean for half in halves]
    for where, what in (means, means[::-1]):
        place = (where - np.median(where[usable])) / light
        worst = int(np.argmax(np.where(usable, np.abs(place), -1.0)))
        value = float(what[worst] - np.median(what[usable]))
        adu.append(value)
        found.append(math.copysign(1.0, place[worst]) * value / float(light[worst]))
        # Each half has half the frames, and the two answers are averaged: the error is that of all frames.
        error.append(float(noise[worst]) / float(light[worst]))
    share, width = float(np.mean(found)), float(np.mean(error))
    reach = _normal() * width
    return Effect(
        share=max(share, 0.0), low=max(share - reach, 0.0), high=max(share + reach, 0.0), adu=float(np.mean(adu)),
        z=share / width if width > 0 else None,
    )  # fmt: skip


def _pattern_effect(
    rest: Float32Array, left_out: NDArray[np.bool_], halves: list[Float32Array] | None, light: Float64Array,
    sets: tuple[DarkSet, DarkSet],
) -> tuple[Effect, str]:  # fmt: skip
    """The rms from pixel to pixel: what two halves share, else what noise leaves unexplained."""
    count = np.maximum(rest.shape[1] - left_out.sum(axis=1).astype(np.float64), 0.0)
    usable = (count > 1) & np.isfinite(light)
    first, second = (rest, rest) if halves is None else halves
    per_cell = _products(first, second, left_out, count)[usable]
    level = light[usable]
    relative = per_cell / level**2
    square, error = float(relative.mean()), float(relative.std(ddof=1) / math.sqrt(relative.size))
    reason = ""
    low, high = square - _normal() * error, square + _normal() * error
    if halves is None:
        noises = [one.noise_adu for one in sets]
        if noises[0] is None or noises[1] is None:
            low, reason = 0.0, "pattern and noise of two masters look alike"
        else:
            noise = float(np.mean((noises[0] ** 2 + noises[1] ** 2) / level**2))
            doubt = _normal() * math.hypot(error, 2.0 * KNOWN_NOISE * noise)
            square -= noise
            low, high = square - doubt, square + doubt
    share = math.sqrt(max(square, 0.0))
    return Effect(
        share=share, low=math.sqrt(max(low, 0.0)), high=math.sqrt(max(high, 0.0)),
        adu=math.sqrt(max(float(per_cell.mean()), 0.0)) if halves is not None else share * float(level.mean()),
        z=square / error if error > 0 else None,
    ), reason  # fmt: skip


def _products(
    first: Float32Array, second: Float32Array, left_out: NDArray[np.bool_], count: Float64Array
) -> Float64Array:
    """The covariance of two images within each cell, without what is left out."""
    parts = []
    some = np.maximum(count, 1.0)
    for image in (first, second):
        kept = np.where(left_out, np.float32(0.0), image)
        mean = (kept.sum(axis=1, dtype=np.float64) / some).astype(np.float32)
        kept = np.where(left_out, np.float32(0.0), kept - mean[:, None])
        parts.append(kept)
    total = np.einsum("ij,ij->i", parts[0], parts[1], dtype=np.float64)
    return np.asarray(total / np.maximum(count - 1.0, 1.0), np.float64)
