"""File-name patterns that mean just the files they are made for, to paste after --set, --exclude and --use."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from evenfield.describe.overrides import fits_pattern, literal_of
from evenfield.model.frame import FrameInfo, FrameKind

MOST_FOLDERS: Final = 8
"""Folders that a pattern may name: deeper ones no one would paste. Also the most folders that get a pattern each."""

LEAST_RUN: Final = 2
"""So many files next to each other in the order of names may become one pattern."""


def pattern_for(paths: Sequence[str], *, frames: Sequence[FrameInfo], kind: FrameKind | None) -> str | None:
    """A pattern that matches all ``paths`` and no other frame, except frames that are of ``kind`` already.

    Tried in order: the common start of the names, their common end, both; then each with the folder in front, one
    more level each time. ``None`` where no pattern tells these files from the others.
    """
    chosen = set(paths)
    others = [frame.path for frame in frames if frame.path not in chosen and frame.kind is not kind]
    return _one_pattern(paths, others)


MANY: Final = 1000
"""Where more files are all that there is, "*" says so without a search."""


def exact_patterns(paths: Sequence[str], frames: Sequence[FrameInfo | str]) -> tuple[str, ...]:
    """Patterns that together match exactly ``paths`` among all frames; as few as are found without much search.

    Parameters
    ----------
    paths : sequence of str
        The files that are meant.
    frames : sequence of FrameInfo or str
        Every file that must not be met by accident, as frames or as paths; ``paths`` may be among them.

    Returns
    -------
    tuple of str
        One pattern where one tells the files from all others; else one a folder, then one for each run of names, then
        one a file, with as much of the path as is needed. Names that differ only in upper and lower case cannot be
        told apart, since patterns are compared without regard to case. Empty for no paths.
    """
    wanted = list(dict.fromkeys(paths))
    if not wanted:
        return ()
    chosen = set(wanted)
    everything = (one if isinstance(one, str) else one.path for one in frames)
    others = [path for path in dict.fromkeys(everything) if path not in chosen]
    if not others and len(wanted) > MANY:
        return ("*",)
    one = _one_pattern(wanted, others)
    if one is not None:
        return (one,)
    folders: dict[str, list[str]] = {}
    for path in wanted:
        folders.setdefault(os.path.dirname(path), []).append(path)
    found: list[str] = []
    if 1 < len(folders) <= MOST_FOLDERS:
        for folder, inside in list(folders.items()):
            pattern = _one_pattern(inside, others)
            if pattern is not None:
                found.append(pattern)
                del folders[folder]
    rest = [path for inside in folders.values() for path in inside]
    return tuple(dict.fromkeys([*found, *_by_runs(rest, others)]))


def fits_any(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A test whether a path fits one of many patterns; quick where most of them are plain names."""
    whole: set[str] = set()
    ends: dict[int, set[str]] = {}
    others: list[str] = []
    for pattern in patterns:
        literal = literal_of(pattern)
        if literal is None:
            others.append(pattern)
        elif literal.startswith("/") or ("/" in literal and pattern.strip()[1:2] == ":"):
            whole.add(literal)
        else:
            end = literal.removeprefix("./")
            ends.setdefault(end.count("/") + 1, set()).add(end)

    def fits(path: str) -> bool:
        plain = _plain(path)
        parts = plain.split("/")
        return (
            plain in whole
            or any("/".join(parts[-depth:]) in known for depth, known in ends.items() if len(parts) > depth)
            or any(fits_pattern(one, path) for one in others)
        )

    return fits


def _one_pattern(paths: Sequence[str], others: Sequence[str]) -> str | None:
    """The first of the candidates that fits all ``paths`` and none of the others."""
    for pattern in _patterns(paths):
        if all(fits_pattern(pattern, path) for path in paths) and not any(
            fits_pattern(pattern, path) for path in others
        ):
            return pattern
    return None


def _patterns(paths: Sequence[str]) -> Iterator[str]:
    names = [os.path.basename(path) for path in paths]
    shapes = _shapes(names)
    yield from (shape for shape in shapes if shape != "*")
    try:
        folder = os.path.commonpath([os.path.dirname(path) for path in paths]).replace(os.sep, "/")
    except ValueError:  # several drives
        return
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


def _by_runs(paths: Sequence[str], others: Sequence[str]) -> list[str]:
    """Patterns for files that no single pattern tells from the others: the start of a run of names, or whole names."""
    # In the order of names, the files that a start of a name means lie side by side.
    rows = sorted([(_name(path), path, True) for path in paths] + [(_name(path), path, False) for path in others])
    found: list[str] = []
    single: list[str] = []
    first = 0
    for wanted, run in itertools.groupby(rows, key=lambda row: row[2]):
        items = [(name, path) for name, path, _ in run]
        if wanted:
            before = rows[first - 1][0] if first else None
            after = rows[first + len(items)][0] if first + len(items) < len(rows) else None
            _cover(items, before, after, found, single)
        first += len(items)
    return [*found, *_whole(single, [path for _, path, mine in rows if not mine])]


def _cover(
    run: Sequence[tuple[str, str]], before: str | None, after: str | None, found: list[str], single: list[str]
) -> None:
    """Cover a run of names by starts that neither neighbor shares; what cannot be covered goes to ``single``."""
    if len(run) < LEAST_RUN:
        single += [path for _, path in run]
        return
    start = os.path.commonprefix([run[0][0], run[-1][0]])  # noqa: RUF071
    if start and not any(name is not None and name.startswith(start) for name in (before, after)):
        written = os.path.basename(run[0][1])[: len(start)]
        found.append(f"{_escape(written if written.lower() == start else start)}*")
        return
    if start == run[-1][0]:
        # All names are the same, and a file beside them has it as well.
        single += [path for _, path in run]
        return
    length = len(start) + 1
    parts = [list(same) for _, same in itertools.groupby(run, key=lambda item: item[0][:length])]
    for index, part in enumerate(parts):
        previous = parts[index - 1][-1][0] if index else before
        following = parts[index + 1][0][0] if index + 1 < len(parts) else after
        _cover(part, previous, following, found, single)


def _whole(paths: Sequence[str], others: Sequence[str]) -> list[str]:
    """A pattern for each file: its name, with as many folders in front as tell it from the others."""
    found: list[str] = []
    names = {_name(path) for path in paths}
    alike = [_plain(path).split("/") for path in others if _name(path) in names]
    left = list(paths)
    depth = 1
    while left:
        taken = Counter("/".join(parts[-depth:]) for parts in alike)
        more = []
        for path in left:
            parts = path.replace("\\", "/").split("/")
            if depth >= len(parts):
                found.append(_escape("/".join(parts)))
            elif _plain("/".join(parts[-depth:])) in taken:
                more.append(path)
            else:
                found.append(_escape("/".join(parts[-depth:])))
        left, depth = more, depth + 1
    return found


def _plain(path: str) -> str:
    """A path as patterns are compared with it."""
    return path.replace("\\", "/").lower()


def _name(path: str) -> str:
    return _plain(path).rpartition("/")[2]


def _escape(text: str) -> str:
    """The text as a pattern: wildcards mean themselves, and so do the blanks at its ends, which would be cut off."""
    inner = text.strip()
    head, tail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :] if inner else ""
    middle = "".join(f"[{char}]" if char in "*?[|" else char for char in inner)
    # A colon in the second place would be taken for a drive's.
    middle = re.sub("^(.):(?!/)", r"\1[:]", middle)
    # One with a word and "=" behind it would be taken for the field of a correction.
    middle = re.sub(r":(?=\s*[A-Za-z_]+\s*=)", "[:]", middle)
    return f"{''.join(f'[{char}]' for char in head)}{middle}{''.join(f'[{char}]' for char in tail)}"
