"""Changes of a request that the window offers: each gives the changed request. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from evenfield.cli.request import Request
from evenfield.describe.overrides import Override, parse_override
from evenfield.gui.rows import Row
from evenfield.model.frame import FrameInfo
from evenfield.plan.patterns import exact_patterns


def with_setting(request: Request, part: str, name: str, value: Any) -> Request:
    """The request with one setting changed.

    Raises
    ------
    SettingsError
    """
    changed = msgspec.structs.replace(getattr(request.settings, part), **{name: value})
    return msgspec.structs.replace(request, settings=msgspec.structs.replace(request.settings, **{part: changed}))


def corrected(request: Request, rows: Sequence[Row], frames: Sequence[FrameInfo], field: str, value: str) -> Request:
    """Correct a field of the headers of these frames.

    Raises
    ------
    UsageError
        If the field cannot have that value.
    """
    texts = [f"{pattern}:{field}={value}" for pattern in exact_patterns(_paths(rows), frames)]
    for text in texts:
        parse_override(text)
    known = [text for text in request.settings.select.overrides if text not in texts]
    return with_setting(request, "select", "overrides", (*known, *texts))


def excluded(request: Request, rows: Sequence[Row], frames: Sequence[FrameInfo]) -> Request:
    """Leave these frames out."""
    known = request.settings.select.exclude
    new = [one for one in exact_patterns(_paths(rows), frames) if one not in known]
    return with_setting(request, "select", "exclude", (*known, *new))


def included(request: Request, rows: Sequence[Row], frames: Sequence[FrameInfo]) -> Request:
    """Take frames in again that were left out; others that the same pattern left out stay so."""
    chosen = set(_paths(rows))
    kept: list[str] = []
    for text in request.settings.select.exclude:
        pattern = Override(pattern=text, field="kind", value="flat")
        fitting = [frame.path for frame in frames if pattern.fits(frame.path)]
        if not chosen.intersection(fitting):
            kept.append(text)
            continue
        rest = [path for path in fitting if path not in chosen]
        kept += [one for one in (exact_patterns(rest, frames) if rest else ()) if one not in kept]
    return with_setting(request, "select", "exclude", tuple(kept))


def wanted(request: Request, name: str, on: bool) -> Request:
    """Make a product, or do not."""
    known = tuple(one for one in request.settings.select.without if one != name)
    return with_setting(request, "select", "without", known if on else (*known, name))


def renamed(request: Request, name: str, new: str) -> Request:
    """Give a product another name.

    Raises
    ------
    SettingsError
        If the name cannot be.
    """
    kept = []
    first = name
    for text in request.settings.output.names:
        old, _, given = text.partition("=")
        if name in (given, old):
            first = old
        else:
            kept.append(text)
    names = kept if first == new else [*kept, f"{first}={new}"]
    return with_setting(request, "output", "names", tuple(names))


def from_selection(request: Request, rows: Sequence[Row]) -> Request:
    """Make products of these files only; what calibrates them is still looked for in all that was given."""
    chosen = set(_paths(rows))
    others = [path for path in request.paths if path not in chosen]
    calibration = tuple(dict.fromkeys([*request.calibration, *others]))
    return msgspec.structs.replace(request, paths=tuple(_paths(rows)), calibration=calibration)


def _paths(rows: Sequence[Row]) -> list[str]:
    return [row.path for row in rows]
