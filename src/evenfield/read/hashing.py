"""The hash of a whole file, taken from the bytes as they pass by on their way to the kernels."""

from __future__ import annotations

import threading
from typing import Protocol

import xxhash

from evenfield.errors import SettingsError
from evenfield.read.access import FileBytes

_CHUNK = 1 << 20


class _Hasher(Protocol):
    """What hashlib and xxhash objects have in common."""

    def update(self, data: memoryview | bytes, /) -> None:
        """Take more bytes."""
        ...

    def hexdigest(self) -> str:
        """The hash so far, hexadecimal."""
        ...


def new_hasher(kind: str) -> _Hasher:
    """A fresh hasher: "xxh3" (XXH3, 128 bits) or "sha256".

    Raises
    ------
    SettingsError
        For any other name.
    """
    if kind == "xxh3":
        return xxhash.xxh3_128()
    if kind == "sha256":
        import hashlib

        return hashlib.sha256()
    raise SettingsError(f"There is no content hash '{kind}'.", mend="Choose xxh3 or sha256.")


class ContentHash:
    """A hash that grows while a file is read in order, and reads by itself only what it has not seen.

    Bytes that do not follow on those already taken are ignored; `finish` reads them. So whatever the order of reading,
    the result is the hash of the file's bytes, and in the usual order nothing is read twice. Safe between threads.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._hasher = new_hasher(kind)
        self._position = 0
        self._text = ""
        self._lock = threading.Lock()

    def feed(self, file: FileBytes, at: int, data: memoryview | bytes) -> None:
        """Take bytes that were read at ``at``; at the first ones, read what lies before them (the header)."""
        with self._lock:
            if self._position == 0 < at:
                self._catch_up(file, at)
            if at == self._position and not self._text:
                self._hasher.update(data)
                self._position += len(data)

    def finish(self, file: FileBytes) -> str:
        """The hash of the whole file, "xxh3:..." or "sha256:..."."""
        with self._lock:
            if not self._text:
                self._catch_up(file, file.size)
                self._text = f"{self._kind}:{self._hasher.hexdigest()}"
            return self._text

    def _catch_up(self, file: FileBytes, stop: int) -> None:
        buffer = memoryview(bytearray(min(_CHUNK, max(stop - self._position, 1))))
        while self._position < stop:
            count = file.read_into(buffer[: min(len(buffer), stop - self._position)], self._position)
            if count == 0:
                break
            self._hasher.update(buffer[:count])
            self._position += count
