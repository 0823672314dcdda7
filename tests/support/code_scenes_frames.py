"""Scenes of codes about files and headers."""

from __future__ import annotations

import shutil
import sys

from frame_files import Night, cut, planes
from scene_parts import Scenes

SCENES = Scenes()


@SCENES.add("header_says_light", "finding")
def _header_says_light(night: Night) -> tuple[str, ...]:
    night.flats(kind="Light Frame", FILTER="Ha")
    night.dark_flats()
    return night.job()


@SCENES.add("name_contradicts", "finding")
def _name_contradicts(night: Night) -> tuple[str, ...]:
    night.flats()
    night.bias(kind="DARK")
    return night.job()


@SCENES.add("no_kind", "finding")
def _no_kind(night: Night) -> tuple[str, ...]:
    night.take("frame", 5, kind=None, FILTER="Ha")
    night.dark_flats()
    return night.job()


@SCENES.add("overrides_file", "finding")
def _overrides_file(night: Night) -> tuple[str, ...]:
    night.flats()
    (night.folder / "evenfield.toml").write_text('[[set]]\nfiles = "flat*"\nfilter = "OIII"\n')
    return night.job()


@SCENES.add("second_copy", "finding")
def _second_copy(night: Night) -> tuple[str, ...]:
    first = night.flats()[0]
    shutil.copyfile(first, first.with_name("flat_copy.fits"))
    return night.job()


@SCENES.add("processed", "file")
def _processed(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(1, name="flat_done", CALSTAT="BDF")
    return night.job()


@SCENES.add("bad_value", "finding")
def _bad_value(night: Night) -> tuple[str, ...]:
    night.flats(EXPTIME=-2.0)
    return night.job()


@SCENES.add("bad_overrides_file", "finding")
def _bad_overrides_file(night: Night) -> tuple[str, ...]:
    night.flats()
    (night.folder / "evenfield.toml").write_text("[[set]\n")
    return night.job()


@SCENES.add("named_file_not_used", "finding")
def _named_file_not_used(night: Night) -> tuple[str, ...]:
    night.flats()
    fits, other = *night.dark_flats(1), *night.dark_flats(1, name="darkflat_gain", GAIN=0)
    return night.job("--calibrate-with", fits, "--calibrate-with", other)


@SCENES.add("used", "file")
def _used(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job()


@SCENES.add("light", "file")
def _light(night: Night) -> tuple[str, ...]:
    night.flats()
    night.lights()
    return night.job()


@SCENES.add("spare", "file")
def _spare(night: Night) -> tuple[str, ...]:
    night.flats()
    night.darks(1)
    return night.job()


@SCENES.add("master_flat", "file")
def _master_flat(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(1, name="master", kind="Master Flat")
    return night.job()


@SCENES.add("flat_in_calibration", "file")
def _flat_in_calibration(night: Night) -> tuple[str, ...]:
    night.flats()
    other = night.beside("calibration")
    other.flats(1)
    return night.job("--calibration", other.folder)


@SCENES.add("not_planned", "file")
def _not_planned(night: Night) -> tuple[str, ...]:
    night.flats(2)
    return night.job("--min-group", "5")


@SCENES.add("not_made", "result_file")
def _not_made(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job("--reject", "minmax:3,3")


@SCENES.add("excluded", "file")
def _excluded(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job("--exclude", "flat_01*")


@SCENES.add("not_asked", "file")
def _not_asked(night: Night) -> tuple[str, ...]:
    night.flats()
    night.flats(name="flat_OIII", FILTER="OIII")
    return night.job("--without", "master_flat_OIII_2026-03-14")


@SCENES.add("without_unused", "finding")
def _without_unused(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job("--without", "master_flat_Hb_2026-03-14")


@SCENES.add("rename_unused", "finding")
def _rename_unused(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job("--rename", "master_flat_Hb_2026-03-14=hb")


@SCENES.add("use_unused", "finding")
def _use_unused(night: Night) -> tuple[str, ...]:
    night.flats()
    night.dark_flats()
    return night.job("--use", "master_flat_Ha_2026-03-14=nothing*")


@SCENES.add("override_unused", "finding")
def _override_unused(night: Night) -> tuple[str, ...]:
    night.flats()
    return night.job("--set", "nothing*:filter=R")


@SCENES.add("unreadable", "finding")
def _unreadable(night: Night) -> tuple[str, ...]:
    night.flats()
    return (*night.job(), str(night.folder.parent / "gone"))


@SCENES.add("truncated", "finding")
def _truncated(night: Night) -> tuple[str, ...]:
    cut(night.flats()[0], 3000)
    return night.job()


@SCENES.add("empty", "finding")
def _empty(night: Night) -> tuple[str, ...]:
    cut(night.flats()[0], 0)
    return night.job()


@SCENES.add("damaged", "finding")
def _damaged(night: Night) -> tuple[str, ...]:
    first = night.flats()[0]
    first.write_bytes(first.read_bytes().replace(b"NAXIS1  =                   20", b"NAXIS1  =                  -20"))
    return night.job()


@SCENES.add("not_an_image", "finding")
def _not_an_image(night: Night) -> tuple[str, ...]:
    night.flats()[0].write_text("No picture.\n")
    return night.job()


@SCENES.add("three_planes", "finding")
def _three_planes(night: Night) -> tuple[str, ...]:
    planes(night.flats()[0], 3)
    return night.job()


@SCENES.add("unsupported", "finding")
def _unsupported(night: Night) -> tuple[str, ...]:
    planes(night.flats()[0], 2)
    return night.job()


@SCENES.add("format_not_read_yet", "finding")
def _format_not_read_yet(night: Night) -> tuple[str, ...]:
    night.flats()
    (night.folder / "flat_09.tif").write_bytes(b"II*\0" + bytes(100))
    return night.job()


@SCENES.add("raw_not_installed", "finding", arrange=lambda patch: patch.setitem(sys.modules, "rawpy", None))
def _raw_not_installed(night: Night) -> tuple[str, ...]:
    night.flats()
    (night.folder / "flat_09.cr2").write_bytes(b"II*\0\x10\0\0\0CR" + bytes(100))
    return night.job()


@SCENES.add("no_frames", "finding")
def _no_frames(night: Night) -> tuple[str, ...]:
    night.folder.mkdir(parents=True)
    return night.job()


@SCENES.add("no_flats", "finding")
def _no_flats(night: Night) -> tuple[str, ...]:
    night.darks(1)
    return night.job()


@SCENES.add("header_says_light", "finding", variant="calibrate")
def _header_says_light_calibrate(night: Night) -> tuple[str, ...]:
    night.flats(kind="Light Frame", FILTER="Ha")
    night.lights()
    night.darks()
    return night.job(command="calibrate")


@SCENES.add("no_frames", "finding", variant="none_readable")
def _no_frames_readable(night: Night) -> tuple[str, ...]:
    for path in night.flats(2):
        cut(path, 0)
    return night.job()
