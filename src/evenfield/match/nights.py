"""The night each frame belongs to: from local noon to local noon, named by the date of its evening."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from evenfield.model.frame import DARK_KINDS, FrameInfo

UNBROKEN: Final = datetime.timedelta(hours=1)
"""A series with smaller gaps is never cut, even by noon."""

NEW_NIGHT: Final = datetime.timedelta(hours=6)
"""Where no place is known, a larger gap begins another night."""

HALF_DAY: Final = datetime.timedelta(hours=12)

_Timed: TypeAlias = tuple[datetime.datetime, FrameInfo]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """The night of each frame by path ("2026-03-14"; ``None``: unknown), and whether gaps had to decide.

    ``cut_by_gaps`` counts the frames that tell no place, ``homeless`` holds their paths.
    """

    night: dict[str, str | None]
    cut_by_gaps: int
    homeless: frozenset[str] = frozenset()


def assign_nights(frames: Sequence[FrameInfo]) -> Nights:
    """Give each frame its night.

    A night given by the user counts. Else local time decides: from the site's longitude, else from the header's local
    time; a series of one camera and kind with gaps under 1 h keeps the night of its first frame. Frames without a
    place are cut, camera by camera, where more than 6 h pass between them; darks and bias, which are taken by day as
    well, do not bridge the gap between two nights of flats and lights.
    """
    night: dict[str, str | None] = {frame.path: frame.night for frame in frames}
    placed: list[_Timed] = []
    homeless: list[_Timed] = []
    for frame in frames:
        if frame.night is not None:
            continue
        taken = _time(frame.taken_at)
        if taken is None:
            local = _time(frame.local_at)
            night[frame.path] = None if local is None else _evening(local)
        elif _local_time(frame, taken) is None:
            homeless.append((taken, frame))
        else:
            placed.append((taken, frame))
    for series in _series(placed, lambda frame: (frame.setup.camera, frame.kind)):
        _name_placed(series, night)
    for series in _series(homeless, lambda frame: (frame.setup.camera, frame.kind in DARK_KINDS)):
        _name_homeless(series, night)
    return Nights(night=night, cut_by_gaps=len(homeless), homeless=frozenset(frame.path for _, frame in homeless))


def _time(text: str | None) -> datetime.datetime | None:
    # Times are kept in UTC without a zone; one that names a zone all the same is brought to that.
    if text is None:
        return None
    found = datetime.datetime.fromisoformat(text)
    return found if found.tzinfo is None else found.astimezone(datetime.UTC).replace(tzinfo=None)


def _local_time(frame: FrameInfo, taken: datetime.datetime) -> datetime.datetime | None:
    if frame.site_longitude_deg is not None:
        return taken + datetime.timedelta(hours=frame.site_longitude_deg / 15.0)
    return _time(frame.local_at)


def _evening(local: datetime.datetime) -> str:
    return (local - HALF_DAY).date().isoformat()


def _series(timed: Iterable[_Timed], key: Callable[[FrameInfo], tuple[object, ...]]) -> list[list[_Timed]]:
    """The frames by key, each list in the order of time."""
    found: dict[tuple[object, ...], list[_Timed]] = {}
    for item in sorted(timed, key=lambda item: (item[0], item[1].path)):
        found.setdefault(key(item[1]), []).append(item)
    return list(found.values())


def _end(taken: datetime.datetime, frame: FrameInfo) -> datetime.datetime:
    return taken + datetime.timedelta(seconds=frame.exposure_s or 0.0)


def _name_placed(series: Sequence[_Timed], night: dict[str, str | None]) -> None:
    ended = datetime.datetime.min
    current = ""
    for taken, frame in series:
        if taken - ended >= UNBROKEN:
            # Within an unbroken series the first frame's night holds, whatever noon says.
            current = _evening(_local_time(frame, taken) or taken)
        night[frame.path] = current
        ended = max(ended, _end(taken, frame))


def _name_homeless(series: Sequence[_Timed], night: dict[str, str | None]) -> None:
    ended = datetime.datetime.min
    current = ""
    used: dict[str, int] = {}
    for taken, frame in series:
        if taken - ended > NEW_NIGHT:
            name = _evening(taken)
            used[name] = used.get(name, 0) + 1
            # Far from Greenwich, two nights can begin within one noon-to-noon of UTC: they stay apart.
            current = name if used[name] == 1 else f"{name}-{used[name]}"
        night[frame.path] = current
        ended = max(ended, _end(taken, frame))
