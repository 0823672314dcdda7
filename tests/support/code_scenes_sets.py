"""Scenes of codes that show when the frames of a set are examined."""

from __future__ import annotations

from typing import Any

import numpy as np
from frame_files import Edit, Night
from numpy.typing import NDArray
from scene_parts import Scenes

SCENES = Scenes()

SHAPE = (96, 144)
ROWS, COLUMNS = np.indices(SHAPE)


def _times(factor: NDArray[Any]) -> Edit:
    """Light, above the bias of 500, times a factor."""
    return lambda pixels: np.rint(500 + (pixels.astype(float) - 500) * factor).astype(np.uint16)


def _plus(more: NDArray[Any] | float) -> Edit:
    return lambda pixels: np.rint(np.clip(pixels + more, 0, 65535)).astype(np.uint16)


@SCENES.add("level_drifts", "result")
def _level_drifts(night: Night) -> tuple[str, ...]:
    night.flats(3, shape=SHAPE)
    night.flats(3, name="later", shape=SHAPE, level=27000.0, start="2026-03-14T20:30:00")
    night.dark_flats(shape=SHAPE)
    return night.job()


@SCENES.add("pattern_apart", "result")
def _pattern_apart(night: Night) -> tuple[str, ...]:
    night.flats(6, shape=SHAPE)
    night.flats(1, name="cloud", shape=SHAPE, edit=_times(1.0 - 0.05 * (COLUMNS < 50)))
    night.dark_flats(shape=SHAPE)
    return night.job()


@SCENES.add("pattern_changes", "result")
def _pattern_changes(night: Night) -> tuple[str, ...]:
    night.flats(4, shape=SHAPE)
    night.flats(4, name="later", shape=SHAPE, edit=_times(1.0 - 0.05 * (COLUMNS < 50)), start="2026-03-14T20:30:00")
    night.dark_flats(shape=SHAPE)
    return night.job()


@SCENES.add("flicker_bands", "result")
def _flicker_bands(night: Night) -> tuple[str, ...]:
    for number in range(6):
        bands = _times(1.0 + 0.02 * np.sin(1.3 * ROWS + 2.0 * number))
        night.flats(1, name=f"flat_{number}", shape=SHAPE, edit=bands, start=f"2026-03-14T20:{10 * number:02d}:00")
    night.dark_flats(shape=SHAPE)
    return night.job()


@SCENES.add("weak_color", "result")
def _weak_color(night: Night) -> tuple[str, ...]:
    red = (ROWS % 2 == 0) & (COLUMNS % 2 == 0)
    rng = np.random.default_rng(1)

    def faint(pixels: NDArray[Any]) -> NDArray[Any]:
        return np.where(red, rng.normal(3500, 150, SHAPE), pixels).astype(np.uint16)

    night.flats(5, shape=SHAPE, edit=faint, BAYERPAT="RGGB", FILTER=None)
    night.dark_flats(shape=SHAPE, BAYERPAT="RGGB")
    return night.job()


@SCENES.add("light_leak", "result")
def _light_leak(night: Night) -> tuple[str, ...]:
    night.flats(5, shape=SHAPE)
    night.dark_flats(7, shape=SHAPE)
    night.dark_flats(1, name="leak", shape=SHAPE, edit=_plus(30.0 * (COLUMNS / SHAPE[1]) ** 2))
    return night.job()


@SCENES.add("level_unstable", "result")
def _level_unstable(night: Night) -> tuple[str, ...]:
    night.flats(5, shape=SHAPE)
    night.dark_flats(4, shape=SHAPE)
    night.dark_flats(4, name="later", shape=SHAPE, edit=_plus(12.0))
    return night.job()


@SCENES.add("amplifier_glow", "result")
def _amplifier_glow(night: Night) -> tuple[str, ...]:
    night.flats(5, shape=SHAPE)
    night.dark_flats(6, shape=SHAPE, edit=_plus(200.0 * np.exp(-(ROWS**2 + COLUMNS**2) / 20.0**2)))
    return night.job()


@SCENES.add("dark_apart", "result")
def _dark_apart(night: Night) -> tuple[str, ...]:
    hot = np.where(np.random.default_rng(1).random(SHAPE) < 0.02, 2000.0, 0.0)
    night.flats(5, shape=SHAPE)
    night.dark_flats(6, shape=SHAPE, edit=_plus(hot))
    night.dark_flats(1, name="warm", shape=SHAPE, edit=_plus(2.0 * hot))
    return night.job()


@SCENES.add("offset_too_low", "result")
def _offset_too_low(night: Night) -> tuple[str, ...]:
    night.flats(5, shape=SHAPE)
    night.dark_flats(6, shape=SHAPE, edit=_plus(-495.0))
    return night.job()


@SCENES.add("raw_altered", "result")
def _raw_altered(night: Night) -> tuple[str, ...]:
    night.flats(5, shape=SHAPE)
    night.dark_flats(6, shape=SHAPE, edit=lambda pixels: (pixels + np.roll(pixels, 1, axis=1)) // np.uint16(2))
    return night.job()


@SCENES.add("panel_in_dark_flats", "result")
def _panel_in_dark_flats(night: Night) -> tuple[str, ...]:
    vignette = 1.0 - 0.4 * ((ROWS - 48) ** 2 + (COLUMNS - 72) ** 2) / (48**2 + 72**2)
    night.flats(5, shape=SHAPE, edit=_times(vignette))
    night.dark_flats(6, shape=SHAPE, edit=_plus(300.0 * vignette))
    return night.job()


@SCENES.add("bias_drifts_with_exposure", "result")
def _bias_drifts_with_exposure(night: Night) -> tuple[str, ...]:
    night.flats(5, shape=SHAPE)
    night.bias(5, shape=SHAPE)
    night.dark_flats(5, shape=SHAPE, edit=_plus(25.0))
    night.darks(5, shape=SHAPE, edit=_plus(26.0))
    night.darks(5, name="longer", shape=SHAPE, edit=_plus(30.0), EXPTIME=300.0)
    return night.job(command="masters")


@SCENES.add("shutter_shadow", "result")
def _shutter_shadow(night: Night) -> tuple[str, ...]:
    r2 = ((ROWS - 47.5) ** 2 + (COLUMNS - 71.5) ** 2) / (47.5**2 + 71.5**2)
    for number, exposure in enumerate((0.2, 0.3, 0.5, 0.8, 1.3, 2.0)):
        shade = _times(1.0 - 0.02 * r2 / exposure)
        at = f"2026-03-14T20:{number:02d}:00"
        night.flats(1, name=f"flat_{number}", shape=SHAPE, edit=shade, start=at, EXPTIME=exposure)
    night.bias(5, shape=SHAPE)
    return night.job()


def _constant_edge(pixels: NDArray[Any]) -> NDArray[Any]:
    pixels[:, -16:] = 500
    return pixels


@SCENES.add("overscan_not_usable", "result")
def _overscan_not_usable(night: Night) -> tuple[str, ...]:
    night.flats(5, shape=SHAPE, edit=_constant_edge)
    night.dark_flats(5, shape=SHAPE, edit=_constant_edge)
    return night.job("--overscan", "[129:144,1:96]", "--trim", "[1:128,1:96]")


@SCENES.add("overscan_unfit", "result")
def _overscan_unfit(night: Night) -> tuple[str, ...]:
    night.flats(5, shape=SHAPE, edit=_constant_edge, BIASSEC="[129:144,1:96]")
    night.dark_flats(5, shape=SHAPE, edit=_constant_edge, BIASSEC="[129:144,1:96]")
    return night.job()


@SCENES.add("stars_in_flats", "result")
def _stars_in_flats(night: Night) -> tuple[str, ...]:
    for number in range(6):
        stars = sum(
            4000.0
            * np.exp(-0.5 * ((ROWS - 15 - 10 * k - number) ** 2 + (COLUMNS - 20 - 13 * k - 4 * number) ** 2) / 2.0)
            for k in range(7)
        )
        night.flats(1, name=f"sky_{number}", shape=SHAPE, edit=_plus(stars), start=f"2026-03-14T20:{number:02d}:00")
    night.dark_flats(shape=SHAPE)
    return night.job()
