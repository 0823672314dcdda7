"""Scenes of codes that show when the noise of flats, or lights with their flat, are examined."""

from __future__ import annotations

from typing import Any

import numpy as np
from frame_files import Edit, Night
from numpy.typing import NDArray
from scene_parts import Scenes

SCENES = Scenes()

SHAPE = (480, 640)
SMALL = (192, 256)
ROWS, COLUMNS = np.indices(SHAPE)
MIDDLE = (239.5, 319.5)
MOTES = ((80, 120), (140, 500), (240, 260), (300, 80), (360, 560), (400, 300), (180, 380))


def _dust(motes: tuple[tuple[float, float], ...] = MOTES, *, angle_deg: float = 0.0) -> NDArray[np.float64]:
    """What shadows with soft rims leave of the light, turned about the middle of the frame."""
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    left = np.ones(SHAPE)
    for row, column in motes:
        y, x = row - MIDDLE[0], column - MIDDLE[1]
        at = (MIDDLE[0] + c * y - s * x, MIDDLE[1] + s * y + c * x)
        distance = np.hypot(ROWS - at[0], COLUMNS - at[1])
        left -= 0.06 / (1.0 + np.exp((distance - 28.0) / 2.0))
    return left


VIGNETTE = 1.0 - 0.4 * (((ROWS - MIDDLE[0]) ** 2 + (COLUMNS - MIDDLE[1]) ** 2) / (MIDDLE[0] ** 2 + MIDDLE[1] ** 2)) ** 2
SHADE = VIGNETTE * _dust()


def _lit(level: float, shade: NDArray[np.float64], *, more: float = 0.0) -> Edit:
    """Light of a level behind a shade, above a bias of 500, 4 e-/ADU."""

    def edit(pixels: NDArray[Any]) -> NDArray[Any]:
        rng = np.random.default_rng(int(pixels.astype(np.int64).sum()))
        light = rng.poisson(level * shade * 4.0) / 4.0 + rng.normal(500.0, 5.0, SHAPE)
        return np.rint(light + more).clip(0, 65535).astype(np.uint16)

    return edit


def _with_lights(
    night: Night, *, flat: NDArray[np.float64] = SHADE, light: NDArray[np.float64] = SHADE, more: float = 0.0
) -> tuple[str, ...]:
    """Flats behind one shade, lights behind another; ``more`` ADU in the flats that their dark flats do not have."""
    night.flats(6, shape=SHAPE, edit=_lit(30000.0, flat, more=more))
    night.dark_flats(6, shape=SHAPE)
    night.darks(6, shape=SHAPE)
    night.take("light", 6, kind="LIGHT", EXPTIME=60.0, FILTER="Ha", shape=SHAPE, edit=_lit(6000.0, light))
    return night.job("--examine-lights", "6", command="calibrate")


@SCENES.add("other_flat_fits_better", "result")
def _other_flat_fits_better(night: Night) -> tuple[str, ...]:
    # The flats of the lights' own night were taken when the dust had moved; a master of the night before fits.
    night.flats(
        1, name="kept", kind="Master Flat", start="2026-03-12T20:00:00", shape=SHAPE,
        edit=lambda pixels: np.float32(np.float32(_lit(60000.0, SHADE)(pixels)) - 500.0),
    )  # fmt: skip
    return _with_lights(night, flat=VIGNETTE * _dust(tuple((row + 9, column - 12) for row, column in MOTES)))


@SCENES.add("egain_disagrees", "result")
def _egain_disagrees(night: Night) -> tuple[str, ...]:
    night.flats(6, shape=SMALL, EGAIN=2.5)
    night.dark_flats(6, shape=SMALL)
    return night.job()


@SCENES.add("not_linear", "result")
def _not_linear(night: Night) -> tuple[str, ...]:
    ramp = 0.2 + 0.8 * np.indices(SMALL)[1] / SMALL[1]

    def bent(pixels: NDArray[Any]) -> NDArray[Any]:
        rng = np.random.default_rng(int(pixels.astype(np.int64).sum()))
        light = rng.poisson(45000.0 * ramp) * 1.0
        return np.rint(light - 6e-6 * light**2 + rng.normal(500.0, 5.0, SMALL)).astype(np.uint16)

    night.flats(8, shape=SMALL, edit=bent)
    night.dark_flats(8, shape=SMALL)
    return night.job()


@SCENES.add("more_flats_help", "result")
def _more_flats_help(night: Night) -> tuple[str, ...]:
    night.flats(5, shape=SMALL, level=12000.0)
    night.dark_flats(5, shape=SMALL)
    night.darks(5, shape=SMALL)
    night.lights(2, shape=SMALL, sky=20000)
    return night.job(command="calibrate")


@SCENES.add("dark_flats_needed", "result")
def _dark_flats_needed(night: Night) -> tuple[str, ...]:
    night.flats(6, shape=SHAPE, edit=_lit(30000.0, SHADE, more=600.0))
    night.dark_flats(6, shape=SHAPE, edit=lambda pixels: pixels + np.uint16(600))
    night.bias(6, shape=SHAPE)
    return night.job("--calibration-kinds", "bias", command="masters")


@SCENES.add("bias_is_enough", "result")
def _bias_is_enough(night: Night) -> tuple[str, ...]:
    night.flats(6, shape=SHAPE, edit=_lit(30000.0, SHADE))
    night.dark_flats(6, shape=SHAPE)
    night.bias(6, shape=SHAPE)
    return night.job(command="masters")


def _wandering(night: Night) -> tuple[str, ...]:
    night.flats(6, shape=SHAPE, edit=_lit(30000.0, SHADE))
    night.dark_flats(4, shape=SHAPE)
    for number, shift in enumerate((0, 500, 1000, 1500)):
        night.bias(1, name=f"bias_{number}", shape=SHAPE, edit=lambda pixels, shift=shift: pixels + np.uint16(shift))
    return night.job(command="masters")


SCENES.add("bias_or_dark_unclear", "result")(_wandering)
SCENES.add("level_wanders", "result")(_wandering)


@SCENES.add("under_corrected", "result")
def _under_corrected(night: Night) -> tuple[str, ...]:
    return _with_lights(night, more=2500.0)


@SCENES.add("over_corrected", "result")
def _over_corrected(night: Night) -> tuple[str, ...]:
    return _with_lights(night, more=-400.0, flat=SHADE**1.12)


@SCENES.add("correction_unknown", "result")
def _correction_unknown(night: Night) -> tuple[str, ...]:
    even = np.ones(SHAPE)
    return _with_lights(night, flat=even, light=even)


@SCENES.add("flat_place_unknown", "result")
def _flat_place_unknown(night: Night) -> tuple[str, ...]:
    return _with_lights(night, flat=VIGNETTE, light=VIGNETTE)


@SCENES.add("flat_rotated", "result")
def _flat_rotated(night: Night) -> tuple[str, ...]:
    return _with_lights(night, light=VIGNETTE * _dust(angle_deg=25.0))


@SCENES.add("flat_shifted", "result")
def _flat_shifted(night: Night) -> tuple[str, ...]:
    moved = tuple((row, column + 14) for row, column in MOTES)
    return _with_lights(night, light=VIGNETTE * _dust(moved))


@SCENES.add("flat_flipped", "result")
def _flat_flipped(night: Night) -> tuple[str, ...]:
    return _with_lights(night, light=VIGNETTE * _dust()[::-1])


@SCENES.add("dust_moved", "result")
def _dust_moved(night: Night) -> tuple[str, ...]:
    return _with_lights(night, light=VIGNETTE * _dust(MOTES[1:]))


def _sensor(bias: float = 500.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The pattern of a bias (columns differ) and what a dark of the lights' exposure adds: some hot pixels."""
    rng = np.random.default_rng(5)
    dark = np.full(SHAPE, 20.0)
    dark.flat[rng.choice(dark.size, 300, replace=False)] += rng.uniform(200.0, 2000.0, 300)
    return bias + rng.normal(0.0, 4.0, SHAPE[1])[None, :] + np.zeros(SHAPE), dark


def _exposed(mean: NDArray[np.float64]) -> Edit:
    """Electrons of a mean in ADU, 4 e-/ADU, read with 5 ADU of noise."""

    def edit(pixels: NDArray[Any]) -> NDArray[Any]:
        rng = np.random.default_rng(int(pixels.astype(np.int64).sum()))
        return np.rint(rng.normal(mean, np.sqrt(np.maximum(mean, 0.0) / 4.0 + 25.0))).clip(0, 65535).astype(np.uint16)

    return edit


def _with_dark_of(night: Night, *, dark_share: float, offset: float = 0.0, dark_flats: int = 6) -> tuple[str, ...]:
    """A night whose darks hold a share of the dark signal of the lights, above another offset."""
    bias, dark = _sensor()
    night.flats(6, shape=SHAPE, edit=_exposed(bias + 30000.0 * SHADE))
    night.dark_flats(dark_flats, shape=SHAPE, edit=_exposed(bias))
    night.darks(6, shape=SHAPE, edit=_exposed(bias + dark_share * dark + offset))
    lit = _exposed(bias + dark + 3000.0 * SHADE)
    night.take("light", 6, kind="LIGHT", EXPTIME=60.0, FILTER="Ha", shape=SHAPE, edit=lit)
    return night.job("--examine-lights", "6", command="calibrate")


@SCENES.add("cause_told", "result")
def _cause_told(night: Night) -> tuple[str, ...]:
    return _with_dark_of(night, dark_share=0.4)


@SCENES.add("cause_told", "result", variant="offset")
def _cause_told_offset(night: Night) -> tuple[str, ...]:
    return _with_dark_of(night, dark_share=1.0, offset=-400.0)


@SCENES.add("cause_pair", "result")
def _cause_pair(night: Night) -> tuple[str, ...]:
    return _with_dark_of(night, dark_share=0.4, dark_flats=1)


def _flats_only(night: Night) -> None:
    """Flats without dark flats that hold 3000 ADU beside light, and bright lights with their darks."""
    night.flats(6, shape=SHAPE, edit=_lit(30000.0, SHADE, more=2500.0))
    night.darks(6, shape=SHAPE)
    night.take("light", 6, kind="LIGHT", EXPTIME=60.0, FILTER="Ha", shape=SHAPE, edit=_lit(20000.0, SHADE))


@SCENES.add("pedestal_inferred", "result")
def _pedestal_inferred(night: Night) -> tuple[str, ...]:
    _flats_only(night)
    return night.job("--pedestal", "inferred", command="calibrate")


@SCENES.add("pedestal_can_be_inferred", "result")
def _pedestal_can_be_inferred(night: Night) -> tuple[str, ...]:
    _flats_only(night)
    return night.job("--examine-lights", "6", command="calibrate")


@SCENES.add("pedestal_not_inferred", "result")
def _pedestal_not_inferred(night: Night) -> tuple[str, ...]:
    night.flats(shape=SMALL)
    return night.job("--pedestal", "inferred")


@SCENES.add("pedestal_not_inferred", "result", variant="tiny")
def _pedestal_not_inferred_tiny(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job("--pedestal", "inferred")
