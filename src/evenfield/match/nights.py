"""The night each frame belongs to: from local noon to local noon, named by the date of its evening."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Final

from evenfield.model.frame import FrameInfo

UNBROKEN: Final = datetime.timedelta(hours=1)
"""A series with smaller gaps is never cut, even by noon."""

NEW_NIGHT: Final = datetime.timedelta(hours=6)
"""Where no place is known, a larger gap begins another night."""

HALF_DAY: Final = datetime.timedelta(hours=12)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """The night of each frame by path ("2026-03-14"; ``None``: unknown), and whether gaps had to decide."""

    night: dict[str, str | None]
    cut_by_gaps: int


def assign_nights(frames: Sequence[FrameInfo]) -> Nights:
    """Give each frame its night.

    A night given by the user counts. Else local time decides: from the site's longitude, else from the header's local
    time; else the frames without a place are cut where more than 6 h pass without any of them. A series with gaps under
    1 h keeps the night of its first frame.
    """
    night: dict[str, str | None] = {frame.path: frame.night for frame in frames}
    placed: list[tuple[datetime.datetime, FrameInfo, str]] = []
    homeless: list[tuple[datetime.datetime, FrameInfo]] = []
    for frame in frames:
        if frame.night is not None or frame.taken_at is None:
            continue
        taken = datetime.datetime.fromisoformat(frame.taken_at)
        local = _local_time(frame, taken)
        if local is None:
            homeless.append((taken, frame))
        else:
            placed.append((taken, frame, (local - HALF_DAY).date().isoformat()))
    _name_placed(placed, night)
    _name_homeless(homeless, night)
    return Nights(night=night, cut_by_gaps=len(homeless))


def _local_time(frame: FrameInfo, taken: datetime.datetime) -> datetime.datetime | None:
    if frame.site_longitude_deg is not None:
        return taken + datetime.timedelta(hours=frame.site_longitude_deg / 15.0)
    if frame.local_at is not None:
        return datetime.datetime.fromisoformat(frame.local_at)
    return None


def _name_placed(placed: list[tuple[datetime.datetime, FrameInfo, str]], night: dict[str, str | None]) -> None:
    placed.sort(key=lambda item: (item[0], item[1].path))
    previous: datetime.datetime | None = None
    current = ""
    for taken, frame, own in placed:
        ended = previous is None or taken - previous >= UNBROKEN
        if ended or not current:
            current = own
        # Within an unbroken series the first frame's night holds, whatever noon says.
        night[frame.path] = current
        previous = taken + datetime.timedelta(seconds=frame.exposure_s or 0.0)


def _name_homeless(homeless: list[tuple[datetime.datetime, FrameInfo]], night: dict[str, str | None]) -> None:
    homeless.sort(key=lambda item: (item[0], item[1].path))
    previous: datetime.datetime | None = None
    current = ""
    for taken, frame in homeless:
        if previous is None or taken - previous > NEW_NIGHT:
            current = (taken - HALF_DAY).date().isoformat()
        night[frame.path] = current
        previous = taken + datetime.timedelta(seconds=frame.exposure_s or 0.0)
