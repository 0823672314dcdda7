"""How much noise a master flat adds to a light, and what more flats would do about it.

A master of N flats less one of N_d dark flats has, at a pixel of level S (electrons) with read noise r, the variance ::

    (S + r^2 + q^2 g^2 / 12) / N  +  (r^2 + q^2 g^2 / 12) / N_d

relative to S^2. Combining with rejection is taken for a mean: at 3 sigma it costs less than 1 % of noise. Every light
that is divided by the same master gets the same noise at the same pixel, so that it does not fall with the number of
lights unless they are dithered.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np

from evenfield.errors import UsageError
from evenfield.examine.transfer_cells import cell_grid, cell_moments
from evenfield.examine.transfer_values import PhotonTransfer
from evenfield.model.pixels import Float32Array, Float64Array

CHANGED: Final = 5
"""So many times the median error of a cell's scatter, and it does not count: dust that moved, stars."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CameraNoise:
    """``egain_e_per_adu``, ``read_noise_e`` without the rounding, and the converter's step in ADU."""

    egain_e_per_adu: float
    read_noise_e: float
    step_adu: float = 1.0

    @property
    def floor_e2(self) -> float:
        """Variance of a sample without light, electrons squared."""
        return self.read_noise_e**2 + (self.step_adu * self.egain_e_per_adu) ** 2 / 12.0


def camera_noise(found: PhotonTransfer) -> CameraNoise | None:
    """The camera's noise as photon transfer found it, the mean over the colors; ``None`` where it does not tell."""
    egain, read = found.egain_e_per_adu, found.read_noise_e
    if egain is None or read is None:
        return None
    return CameraNoise(egain_e_per_adu=egain.value, read_noise_e=read.value, step_adu=found.step_adu or 0.0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MoreFlats:
    """What more flats would do. Shares are of one light's own noise.

    ``share_now`` and ``share_then`` are the noise that calibration by the flat adds, over the noise of a light (or of
    the mean of several that are not dithered); ``total_now`` and ``total_then`` the noise of the calibrated light over
    that of a perfectly flattened one.
    """

    n_flats: int
    n_more: int
    share_now: float
    share_then: float

    @property
    def total_now(self) -> float:
        """sqrt(1 + share^2)."""
        return math.hypot(1.0, self.share_now)

    @property
    def total_then(self) -> float:
        """The same with more flats."""
        return math.hypot(1.0, self.share_then)

    @property
    def sentence(self) -> str:
        """In words."""
        return (
            f"With {self.n_more} more flats the noise that the master flat adds falls from "
            f"{100 * self.share_now:.2g} % to {100 * self.share_then:.2g} % of the light's own noise."
        )


def master_flat_noise(
    camera: CameraNoise, *, level_adu: float | Float64Array, n_flats: int, n_dark_flats: int | None = None
) -> float:
    """The relative noise of a master flat's pixels: a share of the level.

    Parameters
    ----------
    camera : CameraNoise
    level_adu : float or array
        Level of the flats above bias and dark; of an array (levels over the frame) the rms of all is given; NaN and
        levels up to 0 are left out.
    n_flats : int
        Flats that were combined.
    n_dark_flats : int, optional
        Bias frames or dark flats behind what was subtracted; ``None`` for no noise from there.

    Raises
    ------
    UsageError
        If there is no flat or no level.
    """
    levels = np.asarray(level_adu, np.float64)
    signal = levels[np.isfinite(levels) & (levels > 0)] * camera.egain_e_per_adu
    if n_flats < 1 or (n_dark_flats is not None and n_dark_flats < 1) or not signal.size:
        raise UsageError(f"{n_flats} flats of {level_adu} ADU have no noise.", mend="Give one flat or more, and light.")
    variance = (signal + camera.floor_e2) / n_flats
    if n_dark_flats is not None:
        variance = variance + camera.floor_e2 / n_dark_flats
    return float(np.sqrt(np.mean(variance / signal**2)))


def more_flats(
    master_noise: float, *, camera: CameraNoise, sky_adu: float, n_flats: int, n_more: int, n_lights: int = 1
) -> MoreFlats:
    """What ``n_more`` flats (with as many more dark flats) would do to the noise that the master flat adds.

    Parameters
    ----------
    master_noise : float
        Relative noise of the master now, of `master_flat_noise` or measured.
    camera : CameraNoise
    sky_adu : float
        Level of the lights above bias and dark: sky, or whatever is bright.
    n_flats, n_more : int
        Flats there are, and more of them.
    n_lights : int
        Lights that are integrated without dithering; 1 for a single light and, about, for dithered ones.

    Raises
    ------
    UsageError
        If the sky has no level, or there is no flat or light.
    """
    if not sky_adu > 0 or n_flats < 1 or n_more < 0 or n_lights < 1:
        raise UsageError(f"A sky of {sky_adu} ADU, {n_flats} flats and {n_lights} lights tell nothing.")
    sky_e = sky_adu * camera.egain_e_per_adu
    light_noise = math.sqrt((sky_e + camera.floor_e2) / n_lights) / sky_e
    now = master_noise / light_noise
    return MoreFlats(
        n_flats=n_flats, n_more=n_more, share_now=now, share_then=now * math.sqrt(n_flats / (n_flats + n_more))
    )


def noise_between(first: Float32Array, *, second: Float32Array, cfa: str | None = None) -> float:
    """The relative noise of the mean of two masters, measured from their difference.

    Parameters
    ----------
    first, second : float32 array (rows, columns)
        Masters above bias and dark, each of half the frames: their mean has half the noise of their difference. NaN is
        no data.
    cfa : str, optional
        The pattern.

    Returns
    -------
    float
        The rms over cells of like light, each without its slow differences and its outliers. Noise of a master that was
        subtracted from both halves is not seen.
    """
    grid = cell_grid(first.shape, cfa=cfa)
    a, b = grid.cut(first), grid.cut(second)
    level = cell_moments(a).mean
    with np.errstate(divide="ignore", invalid="ignore"):
        usable = (level > 0) & (cell_moments(b).mean > 0)
        scale = float(np.median(cell_moments(b).mean[usable] / level[usable]))
        moments = cell_moments(a - b / np.float32(scale))
        relative = moments.squares / (moments.count - 1.0) / (2.0 * level) ** 2
    relative = relative[usable & (moments.count > 1)]
    usual = float(np.median(relative))
    spread = 1.4826 * float(np.median(np.abs(relative - usual)))
    kept = np.abs(relative - usual) <= CHANGED * max(spread, 1e-3 * usual)
    return float(np.sqrt(np.mean(relative[kept])))
