"""One exposure of a simulated camera: shot noise, cosmic rays, full well, read noise and converter.

The model of one pixel, in electrons until the converter::

    electrons = min(Poisson(t * (light * Q * C + dark(T) + glow)) + cosmic rays, full well)
    adu       = step * clip(round((bias + (electrons + read noise) / egain) / step), 0, 2**bits - 1)

Q is the pixel response and C the color response, both of the camera.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import UsageError
from evenfield.model.frame import FrameKind
from evenfield.model.pixels import Float32Array, Float64Array
from evenfield.simulate.camera import Camera
from evenfield.simulate.patterns import camera_patterns

# Exact Poisson draws cost 60-100 ns each; from this mean on, a normal draw with the same first three cumulants takes
# their place: the remaining difference (excess kurtosis 1/256) is far below what any test of a stack can see.
MANY_ELECTRONS: Final = 256.0
# Bands of this many pixels keep the float64 scratch arrays in the cache and the peak memory small.
BAND_PIXELS: Final = 65536
# Charge of a cosmic ray: a least value plus an exponential part; both far above the noise of a single frame.
COSMIC_LEAST_E: Final = 800.0
COSMIC_MEAN_E: Final = 2500.0


def expose(
    camera: Camera,
    *,
    kind: FrameKind,
    exposure_s: float,
    sensor_c: float = -10.0,
    light_e_per_s: float | Float64Array | Float32Array | None = None,
    rng: np.random.Generator,
) -> NDArray[np.uint16]:
    """Take one frame.

    Parameters
    ----------
    camera : Camera
    kind : FrameKind
        A flat or light needs light; in a bias, dark or dark flat, light that is given leaks in.
    exposure_s : float
        Seconds; 0 for a bias.
    sensor_c : float
        Temperature of the sensor, degrees C.
    light_e_per_s : float or array (rows, columns), optional
        The light that falls on the pixels, in electrons a second that a pixel of average response would collect: the
        camera's pixel and color response come on top.
    rng : numpy.random.Generator
        Decides shot noise, read noise, bias drift and cosmic rays.

    Returns
    -------
    uint16 array (rows, columns)
        ADU, of the camera's ``frame_shape``.

    Raises
    ------
    UsageError
        If the light is missing, negative, not finite or of another shape, or the exposure is negative.
    """
    light = _checked_light(camera, kind, exposure_s, light_e_per_s)
    patterns = camera_patterns(camera)
    rows, columns = camera.shape
    frame = np.empty(camera.frame_shape, dtype=np.uint16)
    warmth = camera.warmth(sensor_c)
    level_shift = camera.bias_drift_adu * rng.standard_normal()
    hit_row, hit_column, hit_e = _cosmic_rays(camera, exposure_s, rng)
    band_rows = max(1, BAND_PIXELS // columns)
    for start in range(0, rows, band_rows):
        band = slice(start, min(rows, start + band_rows))
        adu = rng.standard_normal((band.stop - start, camera.frame_shape[1]))
        adu *= camera.read_noise_e / camera.egain_e_per_adu
        adu += patterns.bias_adu[band]
        adu += level_shift
        if exposure_s > 0:
            mean_e = np.multiply(patterns.dark_e_per_s[band], warmth, dtype=np.float64)
            mean_e += patterns.glow_e_per_s[band]
            if light is not None:
                mean_e += (light if light.ndim == 0 else light[band]) * patterns.sensitivity[band]
            mean_e *= exposure_s
            electrons = _shot_noise(mean_e, rng)
            inside = (hit_row >= start) & (hit_row < band.stop)
            np.add.at(electrons, (hit_row[inside] - start, hit_column[inside]), hit_e[inside])
            np.minimum(electrons, camera.full_well_e, out=electrons)
            electrons /= camera.egain_e_per_adu
            adu[:, :columns] += electrons
        frame[band] = _digitized(camera, adu)
    return frame


def _checked_light(
    camera: Camera, kind: FrameKind, exposure_s: float, light: float | Float64Array | Float32Array | None
) -> Float64Array | Float32Array | None:
    """The light as an array (perhaps of no dimensions), or ``None``."""
    if not (math.isfinite(exposure_s) and exposure_s >= 0):
        raise UsageError(f"An exposure of {exposure_s} s is not possible.", mend="Give 0 or more seconds.")
    if light is None:
        if kind in (FrameKind.FLAT, FrameKind.LIGHT):
            raise UsageError(f"A {kind.words} needs light, and none was given.", mend="Pass light_e_per_s.")
        return None
    field = np.asarray(light)
    if field.ndim and field.shape != camera.shape:
        raise UsageError(f"The light has the shape {field.shape}, the camera '{camera.name}' {camera.shape}.")
    # A NaN makes the least value NaN, and NaN >= 0 is false.
    if not (field.min() >= 0 and np.isfinite(field.max())):
        raise UsageError("The light has pixels that are negative or not finite.", mend="It is 0 or more.")
    return field


def _shot_noise(mean_e: Float64Array, rng: np.random.Generator) -> Float64Array:
    """Whole electrons, Poisson distributed about their mean."""
    many = mean_e >= MANY_ELECTRONS
    if not many.any():
        return rng.poisson(mean_e).astype(np.float64)
    if many.all():
        return _many_electrons(mean_e, rng)
    electrons = np.empty_like(mean_e)
    electrons[many] = _many_electrons(mean_e[many], rng)
    electrons[~many] = rng.poisson(mean_e[~many])
    return electrons


def _many_electrons(mean_e: Float64Array, rng: np.random.Generator) -> Float64Array:
    """The Cornish-Fisher expansion of the Poisson distribution to its third cumulant (Fisher & Cornish 1960)."""
    z = rng.standard_normal(mean_e.shape)
    # (z^2 - 1)/6 has the variance 1/18 and rounding adds 1/12; taking both off makes the variance that of Poisson.
    electrons = np.sqrt(mean_e - 5.0 / 36.0)
    electrons *= z
    electrons += mean_e
    z *= z
    z -= 1.0
    z /= 6.0
    electrons += z
    return np.rint(electrons, out=electrons)


def _cosmic_rays(
    camera: Camera, exposure_s: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], Float64Array]:
    """Rows, columns and charges of the pixels that cosmic rays hit: short straight tracks."""
    found: list[tuple[int, int, float]] = []
    rows, columns = camera.shape
    for _ in range(int(rng.poisson(camera.cosmic_rays_per_s * exposure_s))):
        row, column = rng.uniform(0, rows), rng.uniform(0, columns)
        angle = rng.uniform(0, 2 * math.pi)
        length = int(rng.geometric(0.4))
        charge = (COSMIC_LEAST_E + rng.exponential(COSMIC_MEAN_E)) / math.sqrt(length)
        for step in range(length):
            at_row, at_column = int(row + step * math.sin(angle)), int(column + step * math.cos(angle))
            if 0 <= at_row < rows and 0 <= at_column < columns:
                found.append((at_row, at_column, charge))
    places = np.array([hit[:2] for hit in found], dtype=np.int64).reshape(-1, 2)
    return places[:, 0], places[:, 1], np.array([hit[2] for hit in found], dtype=np.float64)


def _digitized(camera: Camera, adu: Float64Array) -> NDArray[np.uint16]:
    """The converter: rounded to whole counts, cut off at both ends, multiplied by the driver's step."""
    adu /= camera.sample_step
    np.rint(adu, out=adu)
    np.clip(adu, 0.0, 2.0**camera.bits - 1.0, out=adu)
    counts = adu.astype(np.uint16)
    counts *= np.uint16(camera.sample_step)
    return counts
