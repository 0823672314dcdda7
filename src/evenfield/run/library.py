"""A library of masters: a folder of files, and a catalogue beside it that can be made anew from them at any time.

The files are the truth. The catalogue (SQLite) keeps what their headers say and the hashes of their content, so that a
listing reads no header and a check tells what was changed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from evenfield.describe.description import describe_frame
from evenfield.errors import DocumentError, ReadError, UsageError
from evenfield.model.frame import FrameInfo
from evenfield.read import list_files, open_source, read_header
from evenfield.store import frame_from, to_json
from evenfield.write.copy import copy_file

CATALOGUE: Final = "catalogue.sqlite"
"""The name of the catalogue in the library's folder."""

_SCHEMA: Final = 1
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS masters (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, content TEXT NOT NULL, frame TEXT NOT NULL
)
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One master of a library: its path in the folder, with "/", its description and the hash of its content."""

    path: str
    frame: FrameInfo
    content: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one file: ``what`` is "added", "there already", "removed", "refused", "missing", "changed",
    "new", "damaged" or "sound".
    """

    path: str
    what: str
    why: str = ""


def add_masters(folder: str, paths: Sequence[str]) -> tuple[Change, ...]:
    """Copy masters into a library and enter them into its catalogue; what is no master is refused, each for itself."""
    changes: list[Change] = []
    with _catalogue(folder) as base:
        known = {content: path for path, content in base.execute("SELECT path, content FROM masters")}
        changes += [_add(folder, path, base, known) for path in list_files(paths).files]
    return tuple(changes)


def _add(folder: str, path: str, base: sqlite3.Connection, known: dict[str, str]) -> Change:
    try:
        entry = _described(path)
    except ReadError as error:
        return Change(path=path, what="refused", why=error.message)
    if entry.frame.kind is None or not entry.frame.is_master:
        return Change(path=path, what="refused", why="its header does not call it a master")
    if entry.content in known and os.path.exists(os.path.join(folder, *known[entry.content].split("/"))):
        return Change(path=known[entry.content], what="there already")
    inside = f"{entry.frame.kind.value}/{os.path.basename(path)}"
    stem, suffix = os.path.splitext(inside)
    number = 2
    while os.path.lexists(os.path.join(folder, *inside.split("/"))):
        inside, number = f"{stem}_{number}{suffix}", number + 1
    copy_file(path, os.path.join(folder, *inside.split("/")))
    _enter(base, folder, inside, entry)
    known[entry.content] = inside
    return Change(path=inside, what="added")


def list_masters(folder: str) -> tuple[Entry, ...]:
    """The masters that a library's catalogue holds, in the order of their paths.

    Raises
    ------
    UsageError
        If there is no such library.
    """
    _check_there(folder)
    with _catalogue(folder) as base:
        rows = base.execute("SELECT path, frame, content FROM masters ORDER BY path").fetchall()
    return tuple(
        Entry(path=path, frame=frame_from(text, origin=CATALOGUE), content=content) for path, text, content in rows
    )


def remove_masters(folder: str, names: Sequence[str]) -> tuple[Change, ...]:
    """Delete masters from a library, named as `list_masters` names them.

    Raises
    ------
    UsageError
        If one of them is not in the library: then none is deleted.
    """
    _check_there(folder)
    with _catalogue(folder) as base:
        there = {path for (path,) in base.execute("SELECT path FROM masters")}
        for name in names:
            if name not in there:
                raise UsageError(f"The library has no '{name}'.", mend="See evenfield library list.")
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, *name.split("/")))
            base.execute("DELETE FROM masters WHERE path = ?", (name,))
    return tuple(Change(path=name, what="removed") for name in names)


def check_library(folder: str, *, rebuild: bool = False) -> tuple[Change, ...]:
    """Compare the files of a library with its catalogue, byte by byte; with ``rebuild`` make the catalogue anew.

    Raises
    ------
    UsageError
        If there is no such library.
    """
    _check_there(folder)
    changes = []
    with _catalogue(folder) as base:
        known = dict(base.execute("SELECT path, content FROM masters").fetchall())
        if rebuild:
            base.execute("DELETE FROM masters")
        for path in list_files([folder]).files:
            inside = os.path.relpath(path, folder).replace(os.sep, "/")
            before = known.pop(inside, None)
            try:
                entry = _described(path)
            except ReadError as error:
                changes.append(Change(path=inside, what="damaged", why=error.message))
                continue
            what = "new" if before is None else "sound" if before == entry.content else "changed"
            changes.append(Change(path=inside, what=what))
            if rebuild and entry.frame.is_master and entry.frame.kind is not None:
                _enter(base, folder, inside, entry)
        changes += [Change(path=path, what="missing") for path in known]
    return tuple(sorted(changes, key=lambda one: one.path))


def _described(path: str) -> Entry:
    """A file's description and the hash of its content."""
    frame = describe_frame(read_header(path))
    source = open_source(path)
    try:
        return Entry(path=path, frame=frame, content=source.content_hash())
    finally:
        source.close()


def _enter(base: sqlite3.Connection, folder: str, inside: str, entry: Entry) -> None:
    path = os.path.join(os.path.abspath(folder), *inside.split("/"))
    status = os.stat(path)
    frame = msgspec.structs.replace(entry.frame, path=path, mtime_ns=status.st_mtime_ns)
    base.execute(
        "INSERT OR REPLACE INTO masters VALUES (?, ?, ?, ?, ?)",
        (inside, status.st_size, status.st_mtime_ns, entry.content, to_json(frame)),
    )


def _check_there(folder: str) -> None:
    if not os.path.isdir(folder):
        raise UsageError(f"There is no library in {folder}.", mend="evenfield library add MASTER... --library FOLDER")


@contextlib.contextmanager
def _catalogue(folder: str) -> Iterator[sqlite3.Connection]:
    """The catalogue of a library, made where there is none; what is done with it is done whole or not at all.

    Raises
    ------
    DocumentError
        If it is damaged.
    """
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, CATALOGUE)
    base = sqlite3.connect(path, timeout=30.0)
    try:
        base.execute(_TABLE)
        base.execute(f"PRAGMA user_version = {_SCHEMA}")
        with base:
            yield base
    except sqlite3.DatabaseError as error:
        raise DocumentError(
            f"{path} is damaged ({error}).", mend="Delete it; 'evenfield library check --rebuild' makes it anew."
        ) from error
    finally:
        base.close()
