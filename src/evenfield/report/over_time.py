"""Level and temperature of the frames of a step over time, from the plan and the report alone."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Final

from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.plan import Plan
from evenfield.model.plots import Mark, Plot, Series
from evenfield.model.report import StepResult

_LEAST_FRAMES: Final = 2
_LEAST_C: Final = 1.0
"""Degrees that an axis of temperatures shows at least: a cooler's tenths are no event."""

_LEAST_LEVEL: Final = 0.02
"""Share of the mean level that an axis of levels shows at least."""

_HOURS_FROM_MIN: Final = 240.0

_Point = tuple[float, float]


def over_time(plan: Plan, results: Sequence[StepResult]) -> dict[str, tuple[Plot, ...]]:
    """For each step the plots of its frames' levels and temperatures, where two frames or more have time and value."""
    frames = {frame.path: frame for frame in plan.frames}
    return {result.id: tuple(_plots(result, frames)) for result in results}


def _plots(result: StepResult, frames: dict[str, FrameInfo]) -> list[Plot]:
    found = []
    if result.kind is FrameKind.LIGHT:
        levels = [(one.path, one.median_adu) for one in result.lights]
        what, label = "Median of the calibrated lights", "median, ADU"
    else:
        levels = list(zip(result.inputs, result.levels_adu, strict=False))
        what, label = "Level of the frames", "level above calibration, ADU"
    begin = _begin([frames.get(path) for path in result.inputs])
    if begin is None:
        return []
    known = [(path, value) for path, value in levels if value is not None]
    if len(known) >= _LEAST_FRAMES:
        mean = sum(value for _, value in known) / len(known)
        found += _plot(what, label, known, frames, begin, least_span=_LEAST_LEVEL * abs(mean), digits=0)
    warm = [
        (path, frame.sensor_c)
        for path in result.inputs
        if (frame := frames.get(path)) is not None and frame.sensor_c is not None
    ]
    if len(warm) >= _LEAST_FRAMES:
        wanted = {frame.set_c for path, _ in warm if (frame := frames.get(path)) is not None}
        marks = [Mark(axis="y", at=one, name=f"set {one:g} C") for one in wanted if one is not None]
        found += _plot(
            "Temperature of the sensor", "temperature, C", warm, frames, begin, least_span=_LEAST_C, digits=1,
            marks=marks if len(marks) == 1 else (),
        )  # fmt: skip
    return found


def _plot(
    title: str, label: str, values: Sequence[tuple[str, float]], frames: dict[str, FrameInfo],
    begin: datetime.datetime, *, least_span: float, digits: int, marks: Sequence[Mark] = (),
) -> list[Plot]:  # fmt: skip
    points: list[_Point] = []
    for path, value in values:
        frame = frames.get(path)
        at = None if frame is None else _time(frame.taken_at)
        if at is not None:
            points.append(((at - begin).total_seconds() / 60.0, value))
    if len(points) < _LEAST_FRAMES:
        return []
    points.sort()
    last = points[-1][0]
    in_hours = last > _HOURS_FROM_MIN
    share = 60.0 if in_hours else 1.0
    numbers = [value for _, value in points]
    says = (
        f"{len(points)} frames, from {min(numbers):,.{digits}f} to {max(numbers):,.{digits}f}; the first has "
        f"{numbers[0]:,.{digits}f}, the last {numbers[-1]:,.{digits}f}."
    )
    series = Series(
        name="frames",
        x=tuple(round(at / share, 3) for at, _ in points),
        y=tuple(float(f"{value:.6g}") for value in numbers),
        style="points",
    )
    return [
        Plot(
            title=title,
            x_label=f"{'hours' if in_hours else 'minutes'} since {begin:%Y-%m-%d %H:%M} UTC",
            y_label=label,
            series=(series,),
            says=says,
            marks=tuple(marks),
            y_least_span=least_span,
        )
    ]


def _begin(frames: Sequence[FrameInfo | None]) -> datetime.datetime | None:
    times = [at for frame in frames if frame is not None and (at := _time(frame.taken_at)) is not None]
    return min(times) if times else None


def _time(text: str | None) -> datetime.datetime | None:
    try:
        at = None if text is None else datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at is None or at.tzinfo is None else at.astimezone(datetime.UTC).replace(tzinfo=None)
