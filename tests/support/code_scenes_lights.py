"""Scenes of codes about lights."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
from frame_files import Edit, Night, share, spoil_pixels
from numpy.typing import NDArray
from scene_parts import Scenes

SCENES = Scenes()

LARGE = (64, 64)
"""A frame with room for the 200 hot pixels that tell how much of a dark a light holds."""

OPTIMIZE = ("--dark-scale", "optimize")


def _calibrate(night: Night, *options: str) -> tuple[str, ...]:
    return night.job(*options, command="calibrate")


def _hot(adu: int, *, glow: int = 0) -> Edit:
    """An edit that adds 300 hot pixels, and a glow in the last 64 columns."""

    def edit(pixels: NDArray[Any]) -> NDArray[Any]:
        places = np.random.default_rng(7).choice(pixels.size, 300, replace=False)
        pixels.reshape(-1)[places] += np.uint16(adu)
        pixels[:, -64:] += np.uint16(glow)
        return pixels

    return edit


@SCENES.add("no_lights", "finding")
def _no_lights(night: Night) -> tuple[str, ...]:
    night.flats(1)
    return _calibrate(night)


@SCENES.add("lights_not_adu", "finding")
def _lights_not_adu(night: Night) -> tuple[str, ...]:
    night.lights(BUNIT="electron")
    return _calibrate(night)


@SCENES.add("light_uncalibrated", "finding")
def _light_uncalibrated(night: Night) -> tuple[str, ...]:
    night.lights()
    night.darks(GAIN=0)
    return _calibrate(night)


@SCENES.add("no_flat_fits", "finding")
def _no_flat_fits(night: Night) -> tuple[str, ...]:
    night.lights()
    night.darks()
    return _calibrate(night)


@SCENES.add("flat_not_applied", "finding")
def _flat_not_applied(night: Night) -> tuple[str, ...]:
    night.lights()
    night.flats()
    night.dark_flats()
    return _calibrate(night)


@SCENES.add("flat_holds_bias", "finding")
def _flat_holds_bias(night: Night) -> tuple[str, ...]:
    night.lights()
    night.darks()
    night.flats()
    return _calibrate(night)


@SCENES.add("flat_of_other_night", "finding")
def _flat_of_other_night(night: Night) -> tuple[str, ...]:
    night.lights()
    night.darks()
    night.flats(start="2026-03-10T20:00:00")
    night.dark_flats()
    return _calibrate(night)


@SCENES.add("dark_not_optimized", "finding")
def _dark_not_optimized(night: Night) -> tuple[str, ...]:
    night.lights()
    night.darks()
    return _calibrate(night, *OPTIMIZE)


@SCENES.add("dark_no_correlation", "result")
def _dark_no_correlation(night: Night) -> tuple[str, ...]:
    night.lights(shape=LARGE)
    night.darks(shape=LARGE, edit=_hot(1000))
    night.bias(shape=LARGE)
    return _calibrate(night, *OPTIMIZE)


@SCENES.add("dark_signal_too_weak", "result")
def _dark_signal_too_weak(night: Night) -> tuple[str, ...]:
    night.lights()
    night.darks()
    night.bias()
    return _calibrate(night, *OPTIMIZE)


@SCENES.add("amplifier_glow", "result")
def _amplifier_glow(night: Night) -> tuple[str, ...]:
    shape = (64, 192)
    night.lights(shape=shape, edit=_hot(500, glow=50), EXPTIME=30.0)
    night.darks(shape=shape, edit=_hot(1000, glow=100))
    night.bias(shape=shape)
    return _calibrate(night, *OPTIMIZE)


@SCENES.add("light_failed", "result")
def _light_failed(night: Night) -> tuple[str, ...]:
    spoil_pixels(night.lights(2)[0])
    night.darks()
    return _calibrate(night)


@SCENES.add("low_clipped", "result")
def _low_clipped(night: Night) -> tuple[str, ...]:
    night.lights(edit=share(0, 3))
    night.darks()
    return _calibrate(night)


@SCENES.add("mixed_scaling", "result")
def _mixed_scaling(night: Night) -> tuple[str, ...]:
    night.lights(edit=lambda pixels: pixels // 4 * 4)
    night.darks()
    return _calibrate(night)


@SCENES.add("noise_unknown", "result")
def _noise_unknown(night: Night) -> tuple[str, ...]:
    night.lights()
    night.darks()
    return _calibrate(night, "--maps")


@SCENES.add("values_clipped", "result")
def _values_clipped(night: Night) -> tuple[str, ...]:
    night.lights(sky=0)
    night.darks()
    return _calibrate(night, "--output-type", "uint16")


SIDES = (96, 144)


def _lamp(pixels: NDArray[Any]) -> NDArray[Any]:
    """Light that lacks red: half of it in one of four pixels."""
    pixels[::2, ::2] = 500 + (pixels[::2, ::2] - 500) // 2
    return pixels


@SCENES.add("color_shifted", "result")
def _color_shifted(night: Night) -> tuple[str, ...]:
    night.flats(5, shape=SIDES, edit=_lamp, BAYERPAT="RGGB")
    night.dark_flats(shape=SIDES, BAYERPAT="RGGB")
    night.lights(3, shape=SIDES, BAYERPAT="RGGB")
    night.darks(shape=SIDES, BAYERPAT="RGGB")
    return _calibrate(night, "--cfa-flat", "joint")


@SCENES.add("pedestal_needed", "result")
def _pedestal_needed(night: Night) -> tuple[str, ...]:
    night.flats(5, shape=SIDES)
    night.dark_flats(shape=SIDES)
    night.lights(3, shape=SIDES, sky=8)
    night.darks(shape=SIDES)
    return _calibrate(night, "--output-type", "uint16")


@SCENES.add("negative_pixels", "result")
def _negative_pixels(night: Night) -> tuple[str, ...]:
    night.lights(sky=-50)
    night.darks()
    return _calibrate(night)


@SCENES.add("output_exists", "result", variant="light")
def _output_exists_light(night: Night) -> tuple[str, ...]:
    (first,) = night.lights()
    night.darks()
    (night.output / "lights").mkdir(parents=True)
    shutil.copyfile(first, night.output / "lights" / "light_01_c.fits")
    return _calibrate(night)


@SCENES.add("odd_trim", "finding", variant="light")
def _odd_trim_light(night: Night) -> tuple[str, ...]:
    night.lights(BAYERPAT="RGGB")
    night.darks(BAYERPAT="RGGB")
    return _calibrate(night, "--trim", "[2:20,*]")


@SCENES.add("light_uncalibrated", "finding", variant="exposure")
def _light_uncalibrated_exposure(night: Night) -> tuple[str, ...]:
    night.lights()
    night.lights(name="light_short", EXPTIME=30.0)
    night.darks()
    return _calibrate(night)


@SCENES.add("mismatch_allowed", "finding", variant="flat")
def _mismatch_allowed_flat(night: Night) -> tuple[str, ...]:
    night.lights(FILTER="OIII")
    night.darks()
    night.flats()
    night.dark_flats()
    return _calibrate(night, "--allow-mismatch", "filter")
