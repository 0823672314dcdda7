"""What lies before the camera: the optics with their vignetting and dust, the flat lamp, and the sky with its stars."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from evenfield.errors import SettingsError
from evenfield.model.pixels import Float64Array
from evenfield.simulate.camera import Camera


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DustMote:
    """The shadow of a grain of dust: a soft-edged ring, darker than its hole.

    ``row`` and ``column`` are shares (0..1) of the frame's height and width, ``radius`` a share of its width; ``depth``
    is the share of light that the ring takes away.
    """

    row: float
    column: float
    radius: float
    depth: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Optics:
    """A telescope.

    Parameters
    ----------
    corner_loss : float
        The share of light that vignetting takes in the corner, 0..1.
    r4_part : float
        The part of that loss that grows with the fourth power of the distance from the center; the rest grows with
        the second.
    motes : tuple of DustMote
        Dust that every filter sees.
    telescope, focal_length_mm, rotator_deg
        What the header says.
    """

    corner_loss: float = 0.3
    r4_part: float = 0.5
    motes: tuple[DustMote, ...] = ()
    telescope: str = "Simulated refractor"
    focal_length_mm: float = 530.0
    rotator_deg: float = 93.4

    def __post_init__(self) -> None:
        """Refuse a corner that is brighter than the center or has no light."""
        if not (0 <= self.corner_loss < 1 and 0 <= self.r4_part <= 1):
            raise SettingsError(
                f"Vignetting cannot take {self.corner_loss} of the light with an r^4 part of {self.r4_part}.",
                mend="Give a loss from 0 to below 1 and a part from 0 to 1.",
            )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """A flat panel.

    Parameters
    ----------
    e_per_s : float
        Electrons a second in an average pixel, without a filter.
    drift : float
        The relative change of its level from the first to the last frame of a set.
    jitter : float
        The relative rms of its level from frame to frame.
    gradient, gradient_deg : float
        The relative difference between two opposite edges, and its direction (0: brighter to the right, 90: brighter
        downwards). A gradient of the lamp is in the flats, not in the lights.
    """

    e_per_s: float
    drift: float = 0.02
    jitter: float = 0.001
    gradient: float = 0.0
    gradient_deg: float = 0.0

    def levels(self, n_frames: int, *, rng: np.random.Generator) -> Float64Array:
        """The level of each frame of a set relative to ``e_per_s``, float64 (n_frames,)."""
        along = np.linspace(-0.5, 0.5, n_frames) if n_frames > 1 else np.zeros(n_frames)
        return 1.0 + self.drift * along + self.jitter * rng.standard_normal(n_frames)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """What the lights show: a sky with a gradient, and stars.

    Parameters
    ----------
    e_per_s : float
        Electrons a second in an average pixel, without a filter.
    gradient, gradient_deg : float
        As those of the lamp.
    curvature : float
        By how much the corners are brighter than the center, relative, growing with the square of the distance.
    n_stars : int
        How many stars.
    star_e_per_s : float
        The light of the faintest star, electrons a second over all its pixels, without a filter. N(>F) falls as 1/F.
    fwhm_px : float
        The width of a star at half its peak, pixels.
    seed : int
        Decides where the stars are.
    """

    e_per_s: float = 20.0
    gradient: float = 0.08
    gradient_deg: float = 35.0
    n_stars: int = 60
    star_e_per_s: float = 300.0
    fwhm_px: float = 2.6
    seed: int = 1
    curvature: float = 0.0


def illumination(optics: Optics, *, shape: tuple[int, int], motes: tuple[DustMote, ...] = ()) -> Float64Array:
    """Vignetting and dust.

    Parameters
    ----------
    optics : Optics
    shape : (int, int)
        Rows and columns.
    motes : tuple of DustMote
        Dust besides that of the optics, as that of one filter.

    Returns
    -------
    float64 array (rows, columns)
        The relative illumination V, mean 1. Without dust, the corner pixel has ``1 - corner_loss`` of the center.
    """
    y, x = _centered(shape)
    corner = y[0, 0] ** 2 + x[0, 0] ** 2
    r2 = (y * y + x * x) / (corner or 1.0)
    image: Float64Array = 1.0 - optics.corner_loss * ((1.0 - optics.r4_part) * r2 + optics.r4_part * r2 * r2)
    for mote in (*optics.motes, *motes):
        image *= 1.0 - _shadow(mote, shape)
    image /= image.mean()
    return image


def gradient_image(shape: tuple[int, int], *, gradient: float, direction_deg: float) -> Float64Array:
    """A plane of mean 1 that rises by ``gradient`` over the width (0 degrees) or downwards over the height (90)."""
    y, x = _centered(shape)
    rows, columns = shape
    along = math.cos(math.radians(direction_deg)) * x / columns + math.sin(math.radians(direction_deg)) * y / rows
    plane: Float64Array = 1.0 + gradient * along
    return plane


def sky_image(sky: Sky, *, shape: tuple[int, int], shift_px: tuple[float, float] = (0.0, 0.0)) -> Float64Array:
    """The sky and its stars before they pass the optics.

    Parameters
    ----------
    sky : Sky
    shape : (int, int)
        Rows and columns.
    shift_px : (float, float)
        By how many rows and columns the stars are displaced (dither).

    Returns
    -------
    float64 array (rows, columns)
        Electrons a second.
    """
    image = gradient_image(shape, gradient=sky.gradient, direction_deg=sky.gradient_deg)
    if sky.curvature:
        y, x = _centered(shape)
        r2 = (y * y + x * x) / (y[0, 0] ** 2 + x[0, 0] ** 2 or 1.0)
        image += sky.curvature * (r2 - r2.mean())
    image *= sky.e_per_s
    rng = np.random.default_rng(sky.seed)
    places = rng.uniform(size=(sky.n_stars, 2)) * shape + shift_px
    # A uniform share to the power -1 gives N(>F) ~ 1/F; the cap keeps one star from filling the frame.
    fluxes = sky.star_e_per_s / np.maximum(rng.uniform(size=sky.n_stars), 0.005)
    sigma = sky.fwhm_px / math.sqrt(8.0 * math.log(2.0))
    for (row, column), flux in zip(places, fluxes, strict=True):
        _add_star(image, row, column, flux, sigma)
    return image


def lamp_for_level(camera: Camera, *, level_adu: float, exposure_s: float, transmission: float = 1.0) -> Lamp:
    """The lamp that lifts the mean of a mono flat ``level_adu`` above its dark flat.

    Parameters
    ----------
    camera : Camera
    level_adu : float
        ADU above bias and dark signal; the green pixels of a color camera reach it where their response is 1.
    exposure_s : float
        Seconds.
    transmission : float
        Of the filter, 0..1.

    Returns
    -------
    Lamp
        With the default drift and no gradient.
    """
    return Lamp(e_per_s=level_adu * camera.egain_e_per_adu / (exposure_s * transmission))


def _centered(shape: tuple[int, int]) -> tuple[Float64Array, Float64Array]:
    """The distance of each row (a column vector) and column (a row vector) from the center, pixels."""
    rows, columns = shape
    y = np.arange(rows, dtype=np.float64)[:, None] - (rows - 1) / 2.0
    x = np.arange(columns, dtype=np.float64)[None, :] - (columns - 1) / 2.0
    return y, x


def _shadow(mote: DustMote, shape: tuple[int, int]) -> Float64Array:
    """The share of light that a mote takes from each pixel."""
    rows, columns = shape
    radius = mote.radius * columns
    y = np.arange(rows, dtype=np.float64)[:, None] - mote.row * (rows - 1)
    x = np.arange(columns, dtype=np.float64)[None, :] - mote.column * (columns - 1)
    distance = np.sqrt(y * y + x * x) / radius
    # Logistic edges: the outer at the radius; the hole of a mirror telescope's ring keeps a third of the shadow.
    with np.errstate(over="ignore"):
        outer = 1.0 / (1.0 + np.exp((distance - 1.0) / 0.06))
        hole = 1.0 / (1.0 + np.exp((distance - 0.4) / 0.06))
    shadow: Float64Array = mote.depth * (outer - 0.67 * hole)
    return np.maximum(shadow, 0.0)


def _add_star(image: Float64Array, row: float, column: float, flux: float, sigma: float) -> None:
    """Add one round Gaussian star, cut off at five sigma, where it lies inside the image."""
    reach = 5.0 * sigma + 1.0
    top, bottom = max(0, int(row - reach)), min(image.shape[0], int(row + reach) + 1)
    left, right = max(0, int(column - reach)), min(image.shape[1], int(column + reach) + 1)
    if top >= bottom or left >= right:
        return
    y = np.exp(-0.5 * ((np.arange(top, bottom) - row) / sigma) ** 2)
    x = np.exp(-0.5 * ((np.arange(left, right) - column) / sigma) ** 2)
    image[top:bottom, left:right] += flux / (2.0 * math.pi * sigma**2) * y[:, None] * x[None, :]
