"""What became of the files: the first lines of every text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from evenfield.model.catalogue import CATALOGUE
from evenfield.model.frame import FrameInfo, key_text
from evenfield.model.plan import FileUse
from evenfield.model.wording import plural
from evenfield.report.layout import labeled, listed

USES: Final = ("used", "not_needed", "left_out", "unreadable")
MOST_REASONS: Final = 6


def counts_line(files: Sequence[FileUse]) -> str:
    """Return "155 files: 98 used, 22 not needed, 33 left out, 2 unreadable"."""
    counts = {use: sum(1 for one in files if one.use == use) for use in USES}
    parts = ", ".join(f"{count} {use.replace('_', ' ')}" for use, count in counts.items())
    return f"{plural(len(files), 'file')}: {parts}"


def reason_lines(files: Sequence[FileUse]) -> list[str]:
    """For each use but "used": how many files, and why."""
    lines: list[str] = []
    for use, label in (("not_needed", "not needed"), ("left_out", "left out")):
        counts: dict[str, int] = {}
        for one in files:
            if one.use == use:
                phrase = _phrase(one)
                counts[phrase] = counts.get(phrase, 0) + 1
        if counts:
            ordered = sorted(counts.items(), key=lambda item: -item[1])
            # One more reason takes no more room than saying that there is one.
            most = MOST_REASONS if len(ordered) > MOST_REASONS + 1 else len(ordered)
            texts = [_counted(count, phrase, use) for phrase, count in ordered[:most]]
            rest = sum(count for _, count in ordered[most:])
            texts += [f"{rest} for other reasons"] if rest else []
            lines += listed(label, texts)
    unreadable = [one for one in files if one.use == "unreadable"]
    if unreadable:
        names = [f"{os.path.basename(one.path)} ({_short(one)})" for one in unreadable[:3]]
        names += [f"{len(unreadable) - 3} more"] if len(unreadable) > 3 else []
        lines += listed("unreadable", names)
    return lines


def _phrase(use: FileUse) -> str:
    entry = CATALOGUE.get(use.code)
    return entry.short if entry is not None and entry.short else use.reason


def _short(use: FileUse) -> str:
    entry = CATALOGUE.get(use.code)
    return entry.short if entry is not None and entry.short else use.reason


def _counted(count: int, phrase: str, use: str) -> str:
    # "12 lights", but "10 gain 0 (flats have 100)".
    return plural(count, phrase) if use == "not_needed" else f"{count} {phrase}"


def used_setup(files: Sequence[FileUse], frames: Sequence[FrameInfo]) -> list[str]:
    """Return "Used: ZWO ASI2600MM Pro, 6248 x 4176, 1x1, gain 100, offset 50, -10 C": what all frames used agree in."""
    used = {one.path for one in files if one.use == "used"}
    chosen = [frame for frame in frames if frame.path in used]
    if not chosen:
        return []
    parts: list[str] = []
    for key, words in (
        ("camera", "{}"),
        ("shape", "{}"),
        ("binning", "{}"),
        ("gain_setting", "gain {}"),
        ("offset_setting", "offset {}"),
        ("cfa", "{}"),
    ):
        values = {getattr(frame.setup, key) for frame in chosen}
        if len(values) == 1 and None not in values:
            parts.append(words.format(key_text(key, values.pop())))
    temperatures = [frame.temperature_c for frame in chosen if frame.temperature_c is not None]
    if temperatures and max(temperatures) - min(temperatures) <= 2.0:
        parts.append(f"{sum(temperatures) / len(temperatures):.0f} C")
    return labeled("", ", ".join(parts), width=0) if parts else []
