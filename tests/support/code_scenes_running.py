"""Scenes of codes that show while masters are made."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from frame_files import Night, pixel, share, spoil_pixels
from scene_parts import Scenes

SCENES = Scenes()

PRODUCT = "master_flat_Ha_2026-03-14.fits"


def _full_disk(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 0))


def _write_again(folder: Path) -> None:
    (path,) = folder.rglob("flat_01.fits")
    fits.setval(path, "GAIN", value=101)


@SCENES.add("scaled_max", "result")
def _scaled_max(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    return night.job("--level", "scaled-max")


@SCENES.add("bad_level", "result")
def _bad_level(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(1, name="flat_off", level=1000.0)
    night.dark_flats()
    return night.job()


@SCENES.add("saturated_frame", "result")
def _saturated_frame(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(1, name="flat_bright", edit=share(65535, 24))
    night.dark_flats()
    return night.job()


@SCENES.add("most_frames_bad", "result")
def _most_frames_bad(night: Night) -> tuple[str, ...]:
    night.flats(2)
    night.flats(3, name="flat_bright", edit=share(65535, 24))
    night.dark_flats()
    return night.job()


@SCENES.add("frame_failed", "result")
def _frame_failed(night: Night) -> tuple[str, ...]:
    spoil_pixels(night.flats(6)[0])
    night.dark_flats()
    return night.job()


@SCENES.add("input_changed", "result", change=_write_again)
def _input_changed(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    return night.job()


@SCENES.add("low_light", "result")
def _low_light(night: Night) -> tuple[str, ...]:
    night.flats(level=5000.0)
    night.dark_flats()
    return night.job()


@SCENES.add("too_bright", "result")
def _too_bright(night: Night) -> tuple[str, ...]:
    night.flats(level=55000.0)
    night.dark_flats()
    return night.job()


@SCENES.add("saturated_pixels", "result")
def _saturated_pixels(night: Night) -> tuple[str, ...]:
    night.flats(edit=pixel(65535))
    night.dark_flats()
    return night.job()


@SCENES.add("level_not_positive", "result")
def _level_not_positive(night: Night) -> tuple[str, ...]:
    night.flats(level=0.0)
    night.dark_flats(edit=lambda pixels: pixels + np.uint16(100))
    return night.job()


@SCENES.add("pixels_not_positive", "result")
def _pixels_not_positive(night: Night) -> tuple[str, ...]:
    night.flats(edit=pixel(0))
    night.dark_flats()
    return night.job()


@SCENES.add("weak_pixels", "result")
def _weak_pixels(night: Night) -> tuple[str, ...]:
    night.flats(edit=pixel(3000))
    night.dark_flats()
    return night.job()


@SCENES.add("no_data_pixels", "result")
def _no_data_pixels(night: Night) -> tuple[str, ...]:
    night.flats(edit=lambda pixels: pixel(np.nan)(pixels.astype(np.float32)), BUNIT="adu")
    night.dark_flats()
    return night.job()


@SCENES.add("full_scale_unknown", "result")
def _full_scale_unknown(night: Night) -> tuple[str, ...]:
    night.flats(edit=np.float32, BUNIT="adu")
    night.dark_flats()
    return night.job()


@SCENES.add("output_exists", "result")
def _output_exists(night: Night) -> tuple[str, ...]:
    first = night.flats()[0]
    night.dark_flats()
    night.output.mkdir()
    shutil.copyfile(first, night.output / PRODUCT)
    return night.job()


@SCENES.add("does_not_fit", "result")
def _does_not_fit(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job("--output-type", "uint16", "--pedestal", "31000")


@SCENES.add("write_failed", "result")
def _write_failed(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    night.output.mkdir()
    (night.output / "calibration").write_text("A file where a folder has to be.\n")
    return night.job()


@SCENES.add("disk_space", "result", arrange=_full_disk)
def _disk_space(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    return night.job()


@SCENES.add("memory_budget", "result")
def _memory_budget(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    return night.job("--memory", "1MiB")


@SCENES.add("step_failed", "result")
def _step_failed(night: Night) -> tuple[str, ...]:
    night.flats(level=0.0)
    night.dark_flats(edit=lambda pixels: pixels + np.uint16(100))
    return night.job("--level", "mean")


@SCENES.add("needs_failed", "result")
def _needs_failed(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    return night.job("--dark-reject", "minmax:3,3")


@SCENES.add("tiff_failed", "result")
def _tiff_failed(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    (night.output / PRODUCT.replace(".fits", ".tif")).mkdir(parents=True)
    return night.job("--tiff", "16", "--overwrite")


@SCENES.add("tiff_not_installed", "result", arrange=lambda patch: patch.setitem(sys.modules, "tifffile", None))
def _tiff_not_installed(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    return night.job("--tiff", "16")


@SCENES.add("move_failed", "result")
def _move_failed(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    (night.folder / "done").write_text("A file where a folder has to be.\n")
    return night.job("--move-inputs", "done")


@SCENES.add("bad_level", "result", variant="several")
def _bad_level_several(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(2, name="flat_off", level=1000.0)
    night.dark_flats()
    return night.job()


@SCENES.add("few_frames", "result", variant="left")
def _few_frames_left(night: Night) -> tuple[str, ...]:
    night.flats(3)
    night.flats(2, name="flat_off", level=1000.0)
    night.dark_flats()
    return night.job()


@SCENES.add("output_exists", "result", variant="tiff")
def _output_exists_tiff(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    night.output.mkdir()
    (night.output / PRODUCT.replace(".fits", ".tif")).write_text("Somebody's picture.\n")
    return night.job("--tiff", "16")


@SCENES.add("write_failed", "error", variant="output")
def _write_failed_output(night: Night) -> tuple[str, ...]:
    night.flats()
    night.output.write_text("A file where a folder has to be.\n")
    return night.job()


@SCENES.add("few_dark_frames", "result", variant="left")
def _few_dark_frames_left(night: Night) -> tuple[str, ...]:
    night.flats()
    spoil_pixels(night.dark_flats()[0])
    return night.job()


@SCENES.add("unreadable", "result", variant="all_pixels")
def _unreadable_pixels(night: Night) -> tuple[str, ...]:
    for path in night.flats(2):
        spoil_pixels(path)
    return night.job()


@SCENES.add("full_scale_unknown", "result", variant="scaled_max")
def _full_scale_unknown_scaled_max(night: Night) -> tuple[str, ...]:
    night.flats(edit=np.float32, BUNIT="adu")
    night.dark_flats()
    return night.job("--level", "scaled-max")


@SCENES.add("level_not_positive", "result", variant="all_saturated")
def _level_not_positive_saturated(night: Night) -> tuple[str, ...]:
    night.flats(edit=share(65535, 240))
    night.dark_flats()
    return night.job()


@SCENES.add("needs_failed", "result", variant="several")
def _needs_failed_several(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    night.lights()
    night.darks()
    return night.job("--dark-reject", "minmax:3,3", command="calibrate")
