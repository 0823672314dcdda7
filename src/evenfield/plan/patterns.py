"""File-name patterns that mean just the files they are made for, to paste after --set."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evenfield.describe.overrides import Override
from evenfield.model.frame import FrameInfo, FrameKind

MOST_FOLDERS: Final = 8
"""Folders that a pattern may name: deeper ones no one would paste."""


def pattern_for(paths: Sequence[str], *, frames: Sequence[FrameInfo], kind: FrameKind | None) -> str | None:
    """A pattern that matches all ``paths`` and no other frame, except frames that are of ``kind`` already.

    Tried in order: the common start of the names, their common end, both; then each with the folder in front, one
    more level each time. ``None`` where no pattern tells these files from the others.
    """
    chosen = set(paths)
    others = [frame.path for frame in frames if frame.path not in chosen and frame.kind is not kind]
    for pattern in _patterns(paths):
        override = Override(pattern=pattern, field="kind", value="flat")
        if all(override.fits(path) for path in paths) and not any(override.fits(path) for path in others):
            return pattern
    return None


def _patterns(paths: Sequence[str]) -> Iterator[str]:
    names = [os.path.basename(path) for path in paths]
    shapes = _shapes(names)
    yield from (shape for shape in shapes if shape != "*")
    folder = os.path.commonpath([os.path.dirname(path) for path in paths]).replace(os.sep, "/")
    parts = [part for part in folder.split("/") if part]
    for depth in range(1, min(len(parts), MOST_FOLDERS) + 1):
        front = "/".join(map(_escape, parts[-depth:]))
        yield from (f"{front}/{shape}" for shape in shapes)


def _shapes(names: Sequence[str]) -> list[str]:
    """The patterns of the names alone, the plainest first."""
    if len(names) == 1:
        return [_escape(names[0])]
    start = os.path.commonprefix(names)  # noqa: RUF071
    # A number that all names happen to share the first digits of is no part of the pattern.
    start = re.sub(r"[\s_.\-]*\d*$", "", start)
    end = os.path.commonprefix([name[::-1] for name in names])[::-1]  # noqa: RUF071
    end = re.sub(r"^\d+", "", end)
    found = [f"{_escape(start)}*"] if start else []
    if len(end) > len(os.path.splitext(end)[1]):
        found.append(f"*{_escape(end)}")
        if start:
            found.append(f"{_escape(start)}*{_escape(end)}")
    found.append("*")
    return found


def _escape(text: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in text)
