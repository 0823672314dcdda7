"""File-name patterns that mean just the files they are made for, to paste after --set."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Sequence

from evenfield.model.frame import FrameInfo, FrameKind


def pattern_for(paths: Sequence[str], *, frames: Sequence[FrameInfo], kind: FrameKind | None) -> str:
    """A pattern that matches all ``paths`` and no other frame, except frames that are of ``kind`` already.

    Tried in order: the common start of the names, then with folders in front, one more each time.
    """
    chosen = set(paths)
    others = [frame.path for frame in frames if frame.path not in chosen and frame.kind is not kind]
    names = [os.path.basename(path) for path in paths]
    start = os.path.commonprefix(names).rstrip("0123456789").rstrip("_-. ") if len(names) > 1 else names[0]  # noqa: RUF071
    pattern = f"{_escape(start)}*" if len(names) > 1 else _escape(start)
    if not any(_matches(other, pattern) for other in others):
        return pattern
    folders = {os.path.dirname(path) for path in paths}
    if len(folders) == 1:
        parts = folders.pop().replace(os.sep, "/").split("/")
        for depth in range(1, len(parts)):
            longer = "/".join([*map(_escape, parts[-depth:]), pattern])
            if not any(_matches(other, longer) for other in others):
                return longer
    return pattern


def _escape(text: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in text)


def _matches(path: str, pattern: str) -> bool:
    if "/" in pattern:
        depth = pattern.count("/") + 1
        tail = "/".join(path.replace(os.sep, "/").split("/")[-depth:])
        return fnmatch.fnmatchcase(tail.casefold(), pattern.casefold())
    return fnmatch.fnmatchcase(os.path.basename(path).casefold(), pattern.casefold())
