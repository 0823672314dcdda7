"""What an earlier survey learned of files that have not changed since: one small file for each searched folder.

A file counts as unchanged only if its size, its times of writing and of change, its inode and its device are what they
were. Nothing is remembered of a file that was changed a moment ago: a clock too coarse would not show the next change.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import xxhash

import evenfield
from evenfield.model.frame import FrameInfo

CACHE_VARIABLE: Final = "EVENFIELD_SURVEY_CACHE"
"""Environment variable: the folder of what surveys remember, or "off"."""

KERNEL_CACHE_VARIABLE: Final = "EVENFIELD_KERNEL_CACHE"
"""Where only this one is set, its folder is used: whoever moved one cache wants none at the old place."""

MOST_FOLDERS: Final = 64
"""Searched folders that are remembered; beyond, those that were surveyed longest ago are forgotten."""

SETTLED_NS: Final = 3_000_000_000
"""Age from which a file is remembered. The coarsest clock, that of FAT, ticks every two seconds."""

_MAGIC: Final = b"evenfield survey 1 "


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What the system says of a file, by which a changed one is told."""

    size: int
    written_ns: int
    changed_ns: int
    inode: int
    device: int


class _Entry(msgspec.Struct, array_like=True):
    """A frame as its header alone describes it, and the number domain that its pixels told ("": none)."""

    state: _State
    frame: FrameInfo
    domain: str | None = None


class RememberedFrames:
    """The frames that earlier surveys of a folder described, and those that this one adds.

    Parameters
    ----------
    root : str
        The folder that all searched paths have in common: each has a memory of its own.
    """

    def __init__(self, root: str) -> None:
        self._began_ns = time.time_ns()
        self._file = _memory_file(root)
        self._entries = {} if self._file is None else _load(self._file)
        self._used: dict[str, _Entry] = {}
        self._states: dict[str, _State] = {}
        self._changed = False

    def recall(self, path: str) -> FrameInfo | None:
        """The frame at an absolute path as it was described, ``None`` where the file is new or has changed."""
        if self._file is None:
            return None
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            return None
        state = _State(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)
        entry = self._entries.get(path)
        if entry is not None and entry.state == state:
            self._used[path] = entry
            return entry.frame
        self._states[path] = state
        return None

    def remember(self, frame: FrameInfo) -> None:
        """Note a frame that was described just now, after `recall` had asked for it."""
        state = self._states.pop(frame.path, None)
        if state is None or (state.size, state.written_ns) != (frame.size_bytes, frame.mtime_ns):
            return
        # Windows has no time of change; what it calls so is that of creation.
        changed_ns = state.changed_ns if os.name == "posix" else state.written_ns
        if changed_ns + SETTLED_NS <= self._began_ns:
            self._used[frame.path] = _Entry(state, frame)
            self._changed = True

    def recall_domain(self, path: str) -> str | None:
        """The number domain that the pixels told, "" where they told none, ``None`` where that is not remembered."""
        entry = self._used.get(path)
        return None if entry is None else entry.domain

    def remember_domain(self, path: str, domain: str) -> None:
        """Note what the pixels of a frame told."""
        entry = self._used.get(path)
        if entry is not None:
            entry.domain = domain
            self._changed = True

    def save(self) -> None:
        """Write what is new; a memory that cannot be written is none, and no error."""
        if self._file is None or not self._changed:
            return
        # A header may hold what cannot be saved: then the next survey reads again.
        with contextlib.suppress(OSError, ValueError, TypeError, OverflowError):
            _write(self._file, _MAGIC + _version() + zlib.compress(msgspec.msgpack.encode(self._used), 1))
            _forget_oldest(self._file.parent)


def _memory_file(root: str) -> Path | None:
    """The file that remembers a folder; ``None`` where nothing is to be remembered."""
    wanted = os.environ.get(CACHE_VARIABLE, "")
    if wanted.lower() == "off":
        return None
    parent = wanted or os.environ.get(KERNEL_CACHE_VARIABLE)
    if parent:
        folder = Path(parent)
    else:
        import platformdirs

        folder = platformdirs.user_cache_path("evenfield")
    return folder / "surveys" / f"{xxhash.xxh3_64_hexdigest(os.fsencode(root))}.survey"


def _load(file: Path) -> dict[str, _Entry]:
    """The frames in a file by path; none if it is missing, damaged, or of another version."""
    try:
        data = file.read_bytes()
        head = _MAGIC + _version()
        if not data.startswith(head):
            return {}
        return msgspec.msgpack.decode(zlib.decompress(data[len(head) :]), type=dict[str, _Entry])
    except (OSError, ValueError, zlib.error, RecursionError):
        return {}


def _write(file: Path, data: bytes) -> None:
    """Write a file under a partial name and rename it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=file.parent, suffix=".partial")
    try:
        with open(handle, "wb") as out:
            out.write(data)
        os.replace(partial, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise


def _forget_oldest(folder: Path) -> None:
    """Keep the newest files; partial ones that a killed process left count too."""
    files = [entry for entry in os.scandir(folder) if entry.name.endswith((".survey", ".partial"))]
    files.sort(key=lambda entry: entry.stat().st_mtime_ns)
    for entry in files[:-MOST_FOLDERS]:
        os.unlink(entry.path)


@functools.cache
def _version() -> bytes:
    """A hash of all sources that decide what a header means: another reader's memory is no use."""
    hashed = xxhash.xxh3_64(evenfield.__version__.encode())
    for source in _sources():
        hashed.update(source.read_bytes())
    return hashed.hexdigest().encode()


def _sources() -> Iterator[Path]:
    package = Path(__file__).parent.parent
    for room in ("read", "describe"):
        yield from sorted((package / room).glob("*.py"))
    yield package / "model" / "frame.py"
    yield package / "survey.py"
