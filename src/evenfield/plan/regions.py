"""Overscan and trim: the regions in force for each frame, and the sensor setup that is left."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import msgspec

from evenfield.errors import SettingsError
from evenfield.model.frame import FrameInfo
from evenfield.model.plan import OverscanPart
from evenfield.model.sections import Region, section, section_text
from evenfield.model.settings import CalibrationSettings

XTRANS_PERIOD: Final = 6
BAYER_PERIOD: Final = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """The regions of one frame in raw pixels.

    ``problem`` says why they cannot be used, ``code`` is that of the finding, ``section`` a trim that would do.
    """

    overscan: Region | None = None
    parts: tuple[OverscanPart, ...] = ()
    trim: Region | None = None
    problem: str = ""
    code: str = "section_unknown"
    section: str = ""


def regions_of(frame: FrameInfo, *, settings: CalibrationSettings) -> Regions:
    """The overscan and trim regions of a frame, from the settings or, where they say "header", from its header."""
    try:
        overscan, parts = _overscan(settings, frame)
        trim = _region(settings.trim, frame.trim_section, frame, "TRIMSEC")
    except SettingsError as error:
        return Regions(problem=error.message)
    found = _shifted_mosaic(frame, overscan, trim) or Regions(overscan=overscan, trim=trim)
    return dataclasses.replace(found, parts=parts)


def _overscan(settings: CalibrationSettings, frame: FrameInfo) -> tuple[Region | None, tuple[OverscanPart, ...]]:
    """The one region whose median is subtracted from all of the frame, or the parts where it is not as plain as that.

    Raises
    ------
    SettingsError
        If a region leaves the frame, or a curve along rows is asked for where the overscan lacks rows of its target.
    """
    rows, columns = frame.setup.shape
    named = settings.overscan_regions()
    if len(named) == 1 and named[0][1] is None and settings.overscan_fit == "median":
        return _region(named[0][0], frame.overscan_section, frame, "BIASSEC"), ()
    parts = []
    for text, target_text in named:
        source = _region(text, frame.overscan_section, frame, "BIASSEC")
        target = (0, rows, 0, columns) if target_text is None else section(target_text, frame.setup.shape)
        if source is None:
            continue
        by_rows = settings.overscan_fit == "rows"
        if by_rows and (source[0] > target[0] or source[1] < target[1]):
            raise SettingsError(
                f"The overscan {section_text(source)} has not all rows of {section_text(target)}: no curve along them "
                "can be drawn."
            )
        parts.append(OverscanPart(source=source, target=target, rows=by_rows))
    return None, tuple(parts)


def _region(asked: str | None, header: str | None, frame: FrameInfo, keyword: str) -> Region | None:
    if asked is None:
        return None
    text = asked
    if asked == "header":
        if header is None:
            raise SettingsError(f"The header names no {keyword}.")
        text = header
    return section(text, frame.setup.shape)


def _shifted_mosaic(frame: FrameInfo, overscan: Region | None, trim: Region | None) -> Regions | None:
    """A refusal where trimming would begin the picture inside a cell of its CFA mosaic."""
    cfa = frame.setup.cfa
    if trim is None or cfa in (None, "MONO"):
        return None
    period = BAYER_PERIOD if len(cfa or "") == BAYER_PERIOD**2 else XTRANS_PERIOD
    row_start, row_stop, col_start, col_stop = trim
    if row_start % period == 0 and col_start % period == 0:
        return None
    even = (math.ceil(row_start / period) * period, row_stop, math.ceil(col_start / period) * period, col_stop)
    better = section_text(even) if even[0] < row_stop and even[2] < col_stop else ""
    name = cfa if period == BAYER_PERIOD else "X-Trans"
    problem = f"the trim {section_text(trim)} would shift the {name} mosaic: it must begin a multiple of {period}"
    return Regions(overscan=overscan, trim=trim, problem=f"{problem} pixels inside.", code="odd_trim", section=better)


def trimmed(frame: FrameInfo, *, regions: Regions) -> FrameInfo:
    """The frame with the size that is left after trimming, and where on the sensor it begins."""
    if regions.trim is None:
        return frame
    row_start, row_stop, col_start, col_stop = regions.trim
    x, y = frame.setup.origin or (0, 0)
    setup = msgspec.structs.replace(
        frame.setup, shape=(row_stop - row_start, col_stop - col_start), origin=(x + col_start, y + row_start)
    )
    return msgspec.structs.replace(frame, setup=setup)


def disagreement(regions: list[Regions]) -> str:
    """What is wrong where the frames of one master are not all read in the same way, or ""."""
    problem = next((one.problem for one in regions if one.problem), "")
    if problem:
        return problem
    if len({(one.overscan, one.parts, one.trim) for one in regions}) > 1:
        return "the frames' headers name different overscan or trim regions."
    return ""
