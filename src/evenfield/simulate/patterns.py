"""The fixed patterns of a simulated camera: bias, dark current, amplifier glow, pixel and color response."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from evenfield.model.pixels import Float32Array
from evenfield.simulate.camera import Camera


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patterns:
    """What a camera does to every frame in the same way; float32, read-only.

    ``bias_adu`` has the camera's ``frame_shape``; ``dark_e_per_s`` (at ``dark_at_c``, without glow), ``glow_e_per_s``,
    ``response`` (Q, mean 1) and ``sensitivity`` (Q times the color response) its ``shape``.
    """

    bias_adu: Float32Array
    dark_e_per_s: Float32Array
    glow_e_per_s: Float32Array
    response: Float32Array
    sensitivity: Float32Array


@functools.lru_cache(maxsize=2)  # a 26 MP camera takes 0.4 GB: keep the two that a night uses, no more
def camera_patterns(camera: Camera) -> Patterns:
    """The fixed patterns of a camera; the same for equal cameras, whatever is exposed.

    Parameters
    ----------
    camera : Camera

    Returns
    -------
    Patterns
    """
    # One stream a pattern: changing the strength of one leaves the others as they are.
    bias_rng, dark_rng, response_rng = (np.random.default_rng([camera.seed, stream]) for stream in range(3))
    response = response_rng.standard_normal(camera.shape, dtype=np.float32)
    response *= camera.prnu
    response += 1.0
    np.maximum(response, np.float32(0.05), out=response)
    response /= np.float32(response.mean(dtype=np.float64))
    sensitivity = response if camera.cfa is None else response * color_image(camera)
    made = Patterns(
        bias_adu=_bias_pattern(camera, bias_rng),
        dark_e_per_s=_dark_pattern(camera, dark_rng),
        glow_e_per_s=_glow(camera),
        response=response,
        sensitivity=sensitivity,
    )
    for field in dataclasses.fields(made):
        getattr(made, field.name).flags.writeable = False
    return made


def color_image(camera: Camera) -> Float32Array:
    """The color response of each pixel, float32 of the camera's ``shape``; 1 everywhere for a mono camera."""
    image = np.ones(camera.shape, dtype=np.float32)
    if camera.cfa is not None:
        side = math.isqrt(len(camera.cfa))
        for place, color in enumerate(camera.cfa):
            image[place // side :: side, place % side :: side] = camera.color_response["RGB".index(color)]
    return image


def dark_rate(camera: Camera, *, sensor_c: float) -> Float32Array:
    """The dark signal of each pixel at a temperature, glow included.

    Parameters
    ----------
    camera : Camera
    sensor_c : float
        Temperature of the sensor, degrees C.

    Returns
    -------
    float32 array (rows, columns)
        Electrons per second, of the camera's ``shape``.
    """
    patterns = camera_patterns(camera)
    return patterns.dark_e_per_s * np.float32(camera.warmth(sensor_c)) + patterns.glow_e_per_s


def _bias_pattern(camera: Camera, rng: np.random.Generator) -> Float32Array:
    """The bias of each pixel of the file: level, column pattern and pixel pattern; its mean is ``bias_adu``."""
    each = camera.bias_pattern_adu / math.sqrt(2.0)
    pattern = rng.standard_normal(camera.frame_shape, dtype=np.float32)
    pattern *= each
    pattern += each * rng.standard_normal(camera.frame_shape[1], dtype=np.float32)
    pattern += np.float32(camera.bias_adu - pattern.mean(dtype=np.float64))
    return pattern


def _dark_pattern(camera: Camera, rng: np.random.Generator) -> Float32Array:
    """The dark current of each pixel at the reference temperature, hot pixels included."""
    pattern = np.full(camera.shape, camera.dark_e_per_s, dtype=np.float32)
    n_hot = round(camera.hot_share * pattern.size)
    hot = rng.choice(pattern.size, size=n_hot, replace=False, shuffle=False)
    pattern.flat[hot] += (camera.dark_e_per_s * camera.hot_strength * rng.exponential(size=n_hot)).astype(np.float32)
    return pattern


def _glow(camera: Camera) -> Float32Array:
    """Amplifier glow: falls off exponentially with the distance from the top left corner."""
    rows, columns = camera.shape
    if camera.glow_e_per_s == 0:
        return np.zeros(camera.shape, dtype=np.float32)
    y = np.arange(rows, dtype=np.float32)[:, None]
    x = np.arange(columns, dtype=np.float32)[None, :]
    distance = np.sqrt(x * x + y * y)
    distance /= np.float32(-camera.glow_reach * math.hypot(rows, columns))
    glow: Float32Array = np.exp(distance, out=distance)
    glow *= np.float32(camera.glow_e_per_s)
    return glow
