"""Photon transfer, second half: from level and variance of the cells to gain, read noise, saturation and linearity.

The model of the variance of one raw sample (ADU^2; Janesick 2007, "Photon Transfer", SPIE)::

    V = R + L / g        R = r^2 + q^2 / 12        flats:   sum of squares ~ V chi2(nu),  L = level - pedestal
                                                   darks:   sum of squares ~ R chi2(nu)

with g in e-/ADU, r the read noise in ADU, q the converter's step (Widrow & Kollar 2008, "Quantization Noise"), nu the
independent squares of a cell. R and 1/g are fitted to the cells of flats and of darks (bias or dark flats) together,
each cell with the weight nu / (2 V^2) of the model, repeated until it stands; so all levels of a vignetted frame count.

The Cramer-Rao bound of this model for N_f flats and N_d darks of n pixels whose means are unknown is the inverse of ::

    I = sum over pixels  (N_f - 1)/2 * v v^T / V^2,   v = (1, L)    +    n (N_d - 1)/2 * w w^T / R^2,   w = (1, 0)

`benchmarks/verdicts_transfer.py` computes it. Neighbors' covariances (charge that spreads: Antilogus et al. 2014, JINST
9, C03048) are not modeled: they make the variance bend downwards with the level, which ``curvature`` shows.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np

from evenfield.errors import UsageError
from evenfield.examine.transfer import TransferFrames
from evenfield.examine.transfer_fit import (
    WORTH_INFLATING,
    TransferCells,
    TransferFit,
    fit_cells,
    gather_cells,
    join_cells,
    leave_out_saturated,
)
from evenfield.examine.transfer_values import Measured, PhotonTransfer, PlaneTransfer, TransferPoint
from evenfield.model.pixels import Float64Array

LEAST_CELLS: Final = 8
"""Fewer cells than that tell no error from their own scatter."""

POINTS: Final = 16
"""Points of the curve that is handed out."""

LEAST_SPAN: Final = 1.25
"""Brightest over faintest level from which on the bend of the curve is asked for."""

HIDDEN: Final = 0.2
"""Read noise is not given where rounding makes it uncertain by more than this share."""


def measure_transfer(flats: TransferFrames, *, darks: TransferFrames | None = None) -> PhotonTransfer:
    """Gain, read noise, saturation and linearity of each color, from flats and, best, bias frames or dark flats.

    Parameters
    ----------
    flats : TransferFrames
        At least two flats of like level in succession.
    darks : TransferFrames, optional
        Two or more bias frames or dark flats of the same cells. They give the level to subtract and the read noise;
        without them, only flats of quite different levels tell the gain, and nothing tells the read noise.

    Raises
    ------
    UsageError
        If flats and darks have different shapes or patterns.
    """
    if darks is not None and (darks.grid.shape, darks.grid.period) != (flats.grid.shape, flats.grid.period):
        raise UsageError("Flats and dark frames have different shapes or patterns.")
    # What is spread over few values may seem to have a coarser step than it has.
    steps = [one.step_adu for one in (flats, darks) if one is not None and one.step_adu is not None]
    step = min(steps) if steps else None
    planes = tuple(_plane(flats, darks, color, step or 0.0) for color in range(len(flats.grid.names)))
    return PhotonTransfer(
        planes=planes, step_adu=step, n_flats=flats.n_frames, n_darks=0 if darks is None else darks.n_frames
    )


def _plane(flats: TransferFrames, darks: TransferFrames | None, color: int, step: float) -> PlaneTransfer:
    name = flats.grid.names[color]
    mine = flats.grid.color == color
    pedestal = np.zeros(mine.sum()) if darks is None else darks.mean_levels()[mine]
    flat = gather_cells(flats.runs(), mine=mine, pedestal_adu=pedestal)
    dark = gather_cells(() if darks is None else darks.runs(), mine=mine, pedestal_adu=pedestal)
    dark.level = np.zeros_like(dark.level)
    found = np.isfinite(pedestal)
    base = None if darks is None or not found.any() else float(pedestal[found].mean())
    if flat.variance.size < LEAST_CELLS:
        few = "there are no two flats of like level in succession"
        return dataclasses.replace(_nothing(name, few), pedestal_adu=base, read_noise_adu=_dark_only(dark, step))
    floor = float(np.average(dark.variance, weights=dark.freedom)) if dark.variance.size >= LEAST_CELLS else 0.0
    saturation, flat = leave_out_saturated(flat, floor_adu2=floor, base_adu=base or 0.0, piled_adu=flats.piled_adu)
    if flat.variance.size < LEAST_CELLS:
        return dataclasses.replace(
            _nothing(name, "all of the flats' pixels are saturated"),
            pedestal_adu=base, saturation_adu=saturation, read_noise_adu=_dark_only(dark, step),
        )  # fmt: skip
    span = float(np.quantile(flat.level, 0.99) / max(np.quantile(flat.level, 0.01), 1e-9))
    if base is None and span < LEAST_SPAN:
        few = "without bias frames or dark flats, flats of one level do not tell photon noise from read noise"
        return dataclasses.replace(_nothing(name, few), saturation_adu=saturation)
    both = join_cells(flat, second=dark) if dark.variance.size >= LEAST_CELLS else flat
    design = np.stack([both.read_share, both.level], axis=1)
    fit = fit_cells(both, design=design)
    slope = float(fit.parameters[1])
    if not slope > WORTH_INFLATING * math.sqrt(fit.covariance[1, 1]):
        few = "the noise of the flats does not grow with their level"
        return dataclasses.replace(
            _nothing(name, few), pedestal_adu=base, saturation_adu=saturation, read_noise_adu=_dark_only(dark, step)
        )
    covariance = fit.covariance + _level_covariance(fit, design, _level_error(flats, darks))
    egain = Measured(value=1.0 / slope, error=math.sqrt(covariance[1, 1]) / slope**2)
    read_adu, read_e, reason = None, None, ""
    if base is None:
        reason = "without bias frames or dark flats the level without light is unknown, and so is the read noise"
    else:
        read_adu, read_e, reason = _read_noise(fit.parameters, covariance, step)
    return PlaneTransfer(
        color=name, egain_e_per_adu=egain, read_noise_adu=read_adu, read_noise_e=read_e, pedestal_adu=base,
        level_adu=float(flat.level.mean()), lowest_adu=float(flat.level.min()), highest_adu=float(flat.level.max()),
        saturation_adu=saturation, curvature=_curvature(both, design, fit) if span >= LEAST_SPAN else None,
        scatter=fit.scatter, points=_points(flat, fit.parameters), reason=reason,
    )  # fmt: skip


def _nothing(name: str, reason: str) -> PlaneTransfer:
    return PlaneTransfer(
        color=name, egain_e_per_adu=None, read_noise_adu=None, read_noise_e=None, pedestal_adu=None, level_adu=None,
        lowest_adu=None, highest_adu=None, saturation_adu=None, curvature=None, scatter=None, points=(), reason=reason,
    )  # fmt: skip


def _level_error(flats: TransferFrames, darks: TransferFrames | None) -> float:
    """How uncertain the level above the pedestal is, because the bias wanders from frame to frame, ADU."""
    if darks is None or darks.n_frames < 2:
        return 0.0
    wander = float(np.nanstd(darks.levels_adu, ddof=1))
    return wander * math.sqrt(1.0 / darks.n_frames + 1.0 / flats.n_frames)


def _level_covariance(fit: TransferFit, design: Float64Array, error_adu: float) -> Float64Array:
    """What a common error of all levels adds to the covariance."""
    lit = design[:, 1] > 0
    information = design.T @ (design * fit.weights[:, None])
    shift = np.linalg.pinv(information) @ (design.T @ (fit.weights * lit * fit.parameters[1]))
    return np.asarray(error_adu**2 * np.outer(shift, shift), np.float64)


def _read_noise(
    parameters: Float64Array, covariance: Float64Array, step: float
) -> tuple[Measured | None, Measured | None, str]:
    """Read noise in ADU and electrons from R and 1/g, or why not."""
    start, slope = float(parameters[0]), float(parameters[1])
    square = start - step**2 / 12.0
    error2 = float(covariance[0, 0]) + _rounding_error(start, step) ** 2
    if not square > math.sqrt(error2):
        return None, None, "the read noise is too low to be told from rounding and photon noise"
    adu = math.sqrt(square)
    relative = math.sqrt(error2) / (2.0 * square)
    if _rounding_error(start, step) / (2.0 * square) > HIDDEN:
        return None, None, "the read noise is less than half a step of the converter"
    # r_e = sqrt(R - q^2/12) / (1/g)
    cross = -float(covariance[0, 1]) / (square * slope)
    in_e = math.sqrt(max(relative**2 + float(covariance[1, 1]) / slope**2 + cross, 0.0))
    return Measured(value=adu, error=adu * relative), Measured(value=adu / slope, error=adu / slope * in_e), ""


def _rounding_error(variance_adu2: float, step: float) -> float:
    """How far the variance without rounding may be from what is seen less step^2/12, ADU^2.

    Rounding adds step^2/12 but for at most step^2 (1/pi^2 + 4 s^2) exp(-2 pi^2 s^2), s the noise in steps: the first
    term of the series in the characteristic function of a normal distribution, at the worst phase (Widrow & Kollar
    2008, ch. 4). Every s^2 counts that could look like what is seen.
    """
    if step <= 0:
        return 0.0
    seen = max(variance_adu2 / step**2 - 1.0 / 12.0, 0.0)
    if seen > 1.0:
        return 0.0
    s2 = np.linspace(0.0, 1.5, 3001)
    most = (1.0 / math.pi**2 + 4.0 * s2) * np.exp(-2.0 * math.pi**2 * s2)
    apart = np.abs(s2 - seen)
    reach = float(np.max(apart[apart <= most], initial=0.0))
    at_seen = (1.0 / math.pi**2 + 4.0 * seen) * math.exp(-2.0 * math.pi**2 * seen)
    return float(step**2 * max(reach, at_seen))


def _dark_only(dark: TransferCells, step: float) -> Measured | None:
    """The read noise in ADU of dark frames alone."""
    if dark.variance.size < LEAST_CELLS:
        return None
    fit = fit_cells(dark, design=dark.read_share[:, None])
    parameters = np.array([fit.parameters[0], 1.0])
    found, _, _ = _read_noise(parameters, np.diag([float(fit.covariance[0, 0]), 0.0]), step)
    return found


def _curvature(cells: TransferCells, design: Float64Array, straight: TransferFit) -> Measured | None:
    """The bend of the curve at its top, as a share of the photon noise there."""
    highest = float(cells.level.max())
    more = np.concatenate([design, (design[:, 1:] ** 2) / highest], axis=1)
    fit = fit_cells(cells, design=more)
    slope = float(fit.parameters[1])
    if slope <= 0 or straight.parameters[1] <= 0:
        return None
    return Measured(value=float(fit.parameters[2]) / slope, error=math.sqrt(fit.covariance[2, 2]) / slope)


def _points(flat: TransferCells, parameters: Float64Array) -> tuple[TransferPoint, ...]:
    order = np.argsort(flat.level, kind="stable")
    made = []
    for part in np.array_split(order, min(POINTS, order.size)):
        weights = flat.freedom[part]
        level = float(np.average(flat.level[part], weights=weights))
        variance = float(np.average(flat.variance[part], weights=weights))
        share = float(np.average(flat.read_share[part], weights=weights))
        expected = float(parameters[0]) * share + float(parameters[1]) * level
        error = expected * math.sqrt(2.0 / float(weights.sum()))
        made.append(
            TransferPoint(
                level_adu=level,
                variance_adu2=variance,
                error_adu2=error,
                residual=variance / expected - 1.0,
                residual_error=error / expected,
            )
        )
    return tuple(made)
