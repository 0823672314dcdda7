"""A survey as a table, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from typing import Any, Final

from evenfield.model.findings import Finding
from evenfield.model.frame import FrameInfo, exposure_text
from evenfield.model.survey import LevelMeasurement, Survey
from evenfield.model.wording import plural
from evenfield.report.layout import indented, labeled, quoted, shortened, table

SURVEY_SCHEMA: Final = 1

FRAME_FIELDS: Final = (
    "path", "kind", "is_master", "shape", "binning", "filter", "exposure_s", "sensor_c", "set_c", "gain_setting",
    "offset_setting", "camera", "cfa", "taken_at", "mean_adu", "level_share", "known_from",
)  # fmt: skip

SORT_KEYS: Final = ("name", "kind", "filter", "exposure", "temperature", "time", "gain", "size", "level")


def frame_row(frame: FrameInfo, *, level: LevelMeasurement | None = None) -> dict[str, Any]:
    """One frame as the JSON has it; unknown is ``None``."""
    setup = frame.setup
    return {
        "path": frame.path,
        "kind": frame.kind,
        "is_master": frame.is_master,
        "shape": setup.shape,
        "binning": setup.binning,
        "filter": frame.filter,
        "exposure_s": frame.exposure_s,
        "sensor_c": frame.sensor_c,
        "set_c": frame.set_c,
        "gain_setting": setup.gain_setting,
        "offset_setting": setup.offset_setting,
        "camera": setup.camera,
        "cfa": setup.cfa,
        "taken_at": None if frame.taken_at is None else f"{frame.taken_at}Z",
        "mean_adu": None if level is None else level.mean_adu,
        "level_share": None if level is None else level.share,
        "known_from": frame.known_from,
    }


def survey_document(survey: Survey, *, findings: Sequence[Finding], sort: str = "name") -> dict[str, Any]:
    """The survey as plain values, for JSON."""
    levels = {one.path: one for one in survey.levels}
    rows = [frame_row(frame, level=levels.get(frame.path)) for frame in sorted_frames(survey, sort=sort)]
    return {
        "schema": SURVEY_SCHEMA,
        "frames": rows,
        "sets": frame_sets(survey),
        "unreadable": [
            {"path": one.path, "code": one.code, "reason": one.reason, "mend": one.mend} for one in survey.unreadable
        ],
        "findings": list(findings),
    }


def sorted_frames(survey: Survey, *, sort: str) -> list[FrameInfo]:
    """The frames by one of `SORT_KEYS`, then by the order in which they were found; unknown values come last."""
    levels = {one.path: one.mean_adu for one in survey.levels}

    def value(frame: FrameInfo) -> Any:
        return {
            "name": None,
            "kind": frame.kind,
            "filter": frame.filter,
            "exposure": frame.exposure_s,
            "temperature": frame.temperature_c,
            "time": frame.taken_at,
            "gain": frame.setup.gain_setting,
            "size": frame.setup.shape,
            "level": levels.get(frame.path),
        }[sort]

    def key(frame: FrameInfo) -> tuple[bool, Any]:
        found = value(frame)
        return found is None, 0 if found is None else found

    return sorted(survey.frames, key=key)


def frame_sets(survey: Survey) -> list[dict[str, Any]]:
    """Frames that agree in kind, setup, filter and exposure, counted; temperatures as their range."""
    levels = {one.path: one.mean_adu for one in survey.levels}
    groups: dict[tuple[object, ...], list[FrameInfo]] = {}
    for frame in survey.frames:
        setup = frame.setup
        exposure = None if frame.exposure_s is None else round(frame.exposure_s, 2 if frame.exposure_s >= 1 else 5)
        key = (
            frame.kind, frame.is_master, setup.camera, setup.shape, setup.binning, frame.filter, exposure,
            setup.gain_setting, setup.offset_setting, frame.set_c,
        )  # fmt: skip
        groups.setdefault(key, []).append(frame)
    sets = []
    for frames in groups.values():
        first = frames[0]
        temperatures = [frame.sensor_c for frame in frames if frame.sensor_c is not None]
        known = [mean for frame in frames if (mean := levels.get(frame.path)) is not None]
        exposures = [frame.exposure_s for frame in frames if frame.exposure_s is not None]
        sets.append(
            {
                "kind": first.kind,
                "is_master": first.is_master,
                "count": len(frames),
                "shape": first.setup.shape,
                "binning": first.setup.binning,
                "filter": first.filter,
                "exposure_s": sum(exposures) / len(exposures) if exposures else None,
                "gain_setting": first.setup.gain_setting,
                "offset_setting": first.setup.offset_setting,
                "sensor_c": [min(temperatures), max(temperatures)] if temperatures else None,
                "set_c": first.set_c,
                "camera": first.setup.camera,
                "mean_adu": sum(known) / len(known) if known else None,
            }
        )
    return sorted(sets, key=lambda one: (str(one["kind"] or "~"), str(one["filter"] or ""), one["exposure_s"] or 0.0))


def survey_text(survey: Survey, *, findings: Sequence[Finding], sort: str = "name", frames: bool = False) -> str:
    """The survey as a table of sets, and of every frame on request."""
    sets = frame_sets(survey)
    readable = len(survey.frames)
    total = readable + len(survey.unreadable)
    lines = [f"{plural(total, 'file')}: {readable} frames in {plural(len(sets), 'set')}, "
             f"{len(survey.unreadable)} unreadable"]  # fmt: skip
    with_levels = bool(survey.levels)
    head = ["count", "kind", "filter", "exposure", "size", "bin", "gain", "offset", "temp C"]
    rows = [[str(one["count"]), *_columns(one, one["sensor_c"]), *_level(one, with_levels)] for one in sets]
    if rows:
        lines += ["", *table([*head, *(["level"] if with_levels else [])], rows, right=(0, 3, 6, 7))]
        cameras = sorted({str(one["camera"]) for one in sets if one["camera"]})
        if cameras:
            lines += ["", *labeled("", f"Camera: {', '.join(cameras)}", width=0)]
    if frames:
        lines += ["", *_frame_table(survey, sort, with_levels)]
    for one in survey.unreadable[:6]:
        lines += indented(f"unreadable: {os.path.basename(one.path)} ({one.reason})", by=2)
    if len(survey.unreadable) > 6:
        lines.append(f"  and {len(survey.unreadable) - 6} more unreadable files: see --json")
    for number, found in enumerate(findings, start=1):
        mend = found.mend if found.fix is None else f"{found.mend.rstrip('.:')}: {quoted(found.fix)}"
        body = indented(f"{found.message} {mend}", by=11)
        lines += [f"{number} {found.level.value:<8} {body[0].strip()}", *body[1:]]
    if survey.products_skipped:
        lines.append(f"{plural(survey.products_skipped, 'file')} not searched: evenfield's own products.")
    return "\n".join(lines) + "\n"


def _columns(one: dict[str, Any], temperature: Any) -> list[str]:
    rows, columns = one["shape"]
    kind = one["kind"].words if one["kind"] is not None else "?"
    low_high = "" if temperature is None else f"{temperature[0]:.1f}"
    if temperature is not None and round(temperature[0], 1) != round(temperature[1], 1):
        low_high += f"..{temperature[1]:.1f}"
    return [
        f"master {kind}" if one["is_master"] else kind,
        shortened(one["filter"] or "-", 12),
        "?" if one["exposure_s"] is None else exposure_text(one["exposure_s"]),
        f"{columns}x{rows}",
        "?" if one["binning"] is None else f"{one['binning'][0]}x{one['binning'][1]}",
        _number(one["gain_setting"]),
        _number(one["offset_setting"]),
        low_high or "?",
    ]


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def _level(one: dict[str, Any], wanted: bool) -> list[str]:
    if not wanted:
        return []
    return ["?" if one["mean_adu"] is None else f"{one['mean_adu']:.0f}"]


def _frame_table(survey: Survey, sort: str, with_levels: bool) -> list[str]:
    levels = {one.path: one.mean_adu for one in survey.levels}
    rows = []
    for frame in sorted_frames(survey, sort=sort):
        mean = levels.get(frame.path)
        kind = frame.kind.words if frame.kind is not None else "?"
        row = [
            shortened(os.path.basename(frame.path), 30),
            f"master {kind}" if frame.is_master else kind,
            shortened(frame.filter or "-", 10),
            "?" if frame.exposure_s is None else exposure_text(frame.exposure_s),
            "?" if frame.sensor_c is None else f"{frame.sensor_c:.1f}",
            _number(frame.setup.gain_setting),
        ]
        if with_levels:
            row.append("?" if mean is None else f"{mean:.0f}")
        rows.append(row)
    head = ["name", "kind", "filter", "exposure", "temp C", "gain", *(["level"] if with_levels else [])]
    return table(head, rows, right=(3, 4, 5, 6) if with_levels else (3, 4, 5))


def survey_csv(survey: Survey, *, sort: str = "name") -> str:
    """The frames as CSV with a head line; shapes and binnings as "rows x columns" texts, unknown empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    fields = [name for name in FRAME_FIELDS if name != "known_from"]
    writer.writerow(fields)
    levels = {one.path: one for one in survey.levels}
    for frame in sorted_frames(survey, sort=sort):
        row = frame_row(frame, level=levels.get(frame.path))
        writer.writerow([_cell(row[name]) for name in fields])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return value
