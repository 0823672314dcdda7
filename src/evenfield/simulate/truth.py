"""The truth behind a set of simulated frames: what perfect masters would hold."""

from __future__ import annotations

import dataclasses

import numpy as np

from evenfield.model.pixels import Float32Array, Float64Array
from evenfield.simulate.camera import Camera
from evenfield.simulate.patterns import camera_patterns, dark_rate
from evenfield.simulate.scene import DustMote, Lamp, Optics, gradient_image, illumination


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """What the frames of one filter contain. Arrays are read-only.

    Parameters
    ----------
    camera : Camera
    illumination : float64 array (rows, columns)
        V: vignetting and dust, mean 1.
    response : float32 array (rows, columns)
        Q: the pixel response, mean 1.
    flat_field : float64 array (rows, columns)
        V * Q, what a light has to be divided by (besides its colors).
    lamp_light : float64 array (rows, columns)
        V times the lamp's gradient: the light of the lamp on the sensor, relative.
    flat_image : float64 array (rows, columns)
        ``lamp_light`` times Q and the color response: what a flat shows at a lamp level of 1.
    bias_adu : float32 array (rows, columns + overscan)
        The noiseless bias frame, ADU.
    dark_e_per_s : float32 array (rows, columns)
        Dark current and glow at the set point, electrons a second.
    lamp_adu : tuple of float
        For each flat in the order of its file name, what ``flat_image`` is multiplied with, in ADU above the dark flat.
    """

    camera: Camera
    illumination: Float64Array
    response: Float32Array
    flat_field: Float64Array
    lamp_light: Float64Array
    flat_image: Float64Array
    bias_adu: Float32Array
    dark_e_per_s: Float32Array
    lamp_adu: tuple[float, ...] = ()

    def dark_adu(self, exposure_s: float) -> Float64Array:
        """The dark signal (without bias) of an exposure at the set point, ADU, float64 (rows, columns)."""
        return self.dark_e_per_s.astype(np.float64) * (exposure_s / self.camera.egain_e_per_adu)


def camera_truth(
    camera: Camera,
    *,
    optics: Optics,
    lamp: Lamp,
    sensor_c: float,
    motes: tuple[DustMote, ...] = (),
    lamp_adu: tuple[float, ...] = (),
) -> Truth:
    """The truth of one filter on one night.

    Parameters
    ----------
    camera : Camera
    optics : Optics
    lamp : Lamp
        Only its gradient matters here.
    sensor_c : float
        The set point, degrees C.
    motes : tuple of DustMote
        Dust on the filter.
    lamp_adu : tuple of float
        The levels of the flats.

    Returns
    -------
    Truth
    """
    patterns = camera_patterns(camera)
    field = illumination(optics, shape=camera.shape, motes=motes)
    lamp_light = field * gradient_image(camera.shape, gradient=lamp.gradient, direction_deg=lamp.gradient_deg)
    truth = Truth(
        camera=camera,
        illumination=field,
        response=patterns.response,
        flat_field=field * patterns.response,
        lamp_light=lamp_light,
        flat_image=lamp_light * patterns.sensitivity,
        bias_adu=patterns.bias_adu,
        dark_e_per_s=dark_rate(camera, sensor_c=sensor_c),
        lamp_adu=lamp_adu,
    )
    for array in (truth.illumination, truth.flat_field, truth.lamp_light, truth.flat_image, truth.dark_e_per_s):
        array.flags.writeable = False
    return truth
