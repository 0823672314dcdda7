"""Scenes of codes about grouping, and about what is subtracted from flats."""

from __future__ import annotations

import numpy as np
from frame_files import Night
from scene_parts import Scenes

SCENES = Scenes()


@SCENES.add("small_group", "finding")
def _small_group(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(1, name="flat_R", FILTER="R")
    return night.job("--min-group", "3")


@SCENES.add("mixed_sizes", "finding")
def _mixed_sizes(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(1, name="flat_small", shape=(10, 10))
    return night.job("--no-grouping")


@SCENES.add("mixed_setup", "finding")
def _mixed_setup(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(1, name="flat_gain", GAIN=0)
    return night.job("--no-grouping")


@SCENES.add("filters_alike", "finding")
def _filters_alike(night: Night) -> tuple[str, ...]:
    night.flats(FILTER="R")
    night.flats(name="flat_small", FILTER="r")
    return night.job()


@SCENES.add("partly_unknown", "finding")
def _partly_unknown(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(name="flat_silent", GAIN=None)
    return night.job()


@SCENES.add("nights_apart", "finding")
def _nights_apart(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(name="flat_next", start="2026-03-15T20:00:00")
    night.dark_flats()
    return night.job()


@SCENES.add("nights_by_gaps", "finding")
def _nights_by_gaps(night: Night) -> tuple[str, ...]:
    night.flats(SITELONG=None)
    night.flats(name="flat_next", SITELONG=None, start="2026-03-15T20:00:00")
    return night.job()


@SCENES.add("time_unknown", "finding")
def _time_unknown(night: Night) -> tuple[str, ...]:
    night.flats(**{"DATE-OBS": None})
    return night.job()


@SCENES.add("uncalibrated", "finding")
def _uncalibrated(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats(GAIN=0)
    return night.job()


@SCENES.add("no_precalibration", "finding")
def _no_precalibration(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job("--no-precalibration")


@SCENES.add("no_calibration_fits", "finding")
def _no_calibration_fits(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(1, name="flat_long", EXPTIME=8.0)
    night.dark_flats()
    return night.job()


@SCENES.add("file_does_not_fit", "finding")
def _file_does_not_fit(night: Night) -> tuple[str, ...]:
    night.flats()
    (other,) = night.dark_flats(1, GAIN=0)
    return night.job("--calibrate-with", other)


@SCENES.add("calibration_left_out", "finding")
def _calibration_left_out(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    night.dark_flats(2, name="darkflat_gain", GAIN=0)
    return night.job()


@SCENES.add("mismatch_allowed", "finding")
def _mismatch_allowed(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats(GAIN=0)
    return night.job("--allow-mismatch", "gain_setting")


@SCENES.add("match_unknown", "finding")
def _match_unknown(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats(GAIN=None)
    return night.job()


@SCENES.add("not_compared", "finding")
def _not_compared(night: Night) -> tuple[str, ...]:
    night.flats(GAIN=None)
    night.dark_flats(GAIN=None)
    return night.job()


@SCENES.add("exposure_unknown", "finding")
def _exposure_unknown(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats(EXPTIME=None)
    return night.job()


@SCENES.add("temperature_unknown", "finding")
def _temperature_unknown(night: Night) -> tuple[str, ...]:
    night.flats(**{"CCD-TEMP": None})
    night.dark_flats()
    return night.job()


@SCENES.add("scaled_dark", "finding")
def _scaled_dark(night: Night) -> tuple[str, ...]:
    night.flats(INSTRUME="SBIG ST-8300")
    night.darks(INSTRUME="SBIG ST-8300")
    night.bias(INSTRUME="SBIG ST-8300")
    return night.job()


@SCENES.add("bias_on_unstable_sensor", "finding")
def _bias_on_unstable_sensor(night: Night) -> tuple[str, ...]:
    night.flats(INSTRUME="ZWO ASI1600MM Pro")
    night.bias(INSTRUME="ZWO ASI1600MM Pro")
    return night.job()


@SCENES.add("overscan_ignored", "finding")
def _overscan_ignored(night: Night) -> tuple[str, ...]:
    night.flats(BIASSEC="[1:4,1:12]")
    return night.job()


@SCENES.add("section_unknown", "finding")
def _section_unknown(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job("--trim", "header")


@SCENES.add("odd_trim", "finding")
def _odd_trim(night: Night) -> tuple[str, ...]:
    night.flats(BAYERPAT="RGGB")
    return night.job("--trim", "[2:20,*]")


@SCENES.add("few_frames", "finding")
def _few_frames(night: Night) -> tuple[str, ...]:
    night.flats(3)
    return night.job()


@SCENES.add("few_dark_frames", "finding")
def _few_dark_frames(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats(3)
    return night.job()


@SCENES.add("rejection_blind", "finding")
def _rejection_blind(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job("--limits", "nominal", "--reject", "sigma:3,3")


@SCENES.add("too_few_for_rejection", "finding")
def _too_few_for_rejection(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job("--reject", "minmax:3,3")


@SCENES.add("cfa_unknown", "finding")
def _cfa_unknown(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job("--per-cfa")


@SCENES.add("master_old", "finding")
def _master_old(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats(1, name="master", kind="Master Dark Flat", start="2024-03-14T20:00:00")
    return night.job()


@SCENES.add("raw_frames_fit", "finding")
def _raw_frames_fit(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats(**{"CCD-TEMP": -9.0})
    night.dark_flats(1, name="master", kind="Master Dark Flat")
    return night.job()


@SCENES.add("constant_bias_untold", "finding")
def _constant_bias_untold(night: Night) -> tuple[str, ...]:
    night.flats(OFFSET=None)
    return night.job("--bias", "64*offset_setting")


@SCENES.add("master_in_unit_range", "finding")
def _master_in_unit_range(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats(
        1, name="master", kind="Master Dark Flat", edit=lambda pixels: np.float32(pixels / 65535), BUNIT="normalized"
    )
    return night.job()


@SCENES.add("usage", "error")
def _usage(night: Night) -> tuple[str, ...]:
    night.flats(1)
    night.flats(1, name="flat_R", FILTER="R")
    return ("flats", "-o", str(night.output / "flat.fits"), str(night.folder))


@SCENES.add("small_group", "finding", variant="every_group")
def _small_group_every(night: Night) -> tuple[str, ...]:
    night.flats(2)
    return night.job("--min-group", "3")


@SCENES.add("uncalibrated", "finding", variant="two_settings")
def _uncalibrated_two_settings(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats(GAIN=0, **{"CCD-TEMP": 5.0})
    return night.job()


@SCENES.add("uncalibrated", "finding", variant="nothing_near")
def _uncalibrated_nothing_near(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job()


@SCENES.add("no_calibration_fits", "finding", variant="gain")
def _no_calibration_fits_gain(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(1, name="flat_long", EXPTIME=8.0)
    night.dark_flats()
    night.dark_flats(name="darkflat_long", EXPTIME=8.0, GAIN=0)
    return night.job()


@SCENES.add("usage", "error", variant="one_file_for_lights")
def _usage_one_file_for_lights(night: Night) -> tuple[str, ...]:
    night.lights()
    return ("calibrate", "-o", str(night.output / "light.fits"), str(night.folder))
