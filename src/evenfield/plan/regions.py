"""Overscan and trim: the regions in force for each frame, and the size that is left."""

from __future__ import annotations

import dataclasses

import msgspec

from evenfield.errors import SettingsError
from evenfield.model.frame import FrameInfo
from evenfield.model.sections import Region, section
from evenfield.model.settings import CalibrationSettings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """The regions of one frame in raw pixels; ``problem`` says why they cannot be told."""

    overscan: Region | None = None
    trim: Region | None = None
    problem: str = ""


def regions_of(frame: FrameInfo, *, settings: CalibrationSettings) -> Regions:
    """The overscan and trim regions of a frame, from the settings or, where they say "header", from its header."""
    try:
        return Regions(
            overscan=_region(settings.overscan, frame.overscan_section, frame, "BIASSEC"),
            trim=_region(settings.trim, frame.trim_section, frame, "TRIMSEC"),
        )
    except SettingsError as error:
        return Regions(problem=error.message)


def _region(asked: str | None, header: str | None, frame: FrameInfo, keyword: str) -> Region | None:
    if asked is None:
        return None
    text = asked
    if asked == "header":
        if header is None:
            raise SettingsError(f"The header names no {keyword}.")
        text = header
    return section(text, frame.setup.shape)


def trimmed(frame: FrameInfo, *, regions: Regions) -> FrameInfo:
    """The frame with the size that is left after trimming."""
    if regions.trim is None:
        return frame
    row_start, row_stop, col_start, col_stop = regions.trim
    shape = (row_stop - row_start, col_stop - col_start)
    return msgspec.structs.replace(frame, setup=msgspec.structs.replace(frame.setup, shape=shape))
