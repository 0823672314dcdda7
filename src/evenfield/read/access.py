"""Reading the bytes of one open file at any place, from several threads at once."""

from __future__ import annotations

import contextlib
import contextvars
import errno
import io
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final

from evenfield.errors import NotAnImageError
from evenfield.read.refusals import os_refusal, refusal

# O_NONBLOCK: opening a named pipe must not wait for a writer; on plain files it means nothing.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
HAS_PREADV = hasattr(os, "preadv") and hasattr(os, "pread")


class FileBytes:
    """An open file whose bytes are read by position.

    Parameters
    ----------
    descriptor : int
        An open file descriptor; it now belongs to this object, unless ``owner`` is given.
    path : str
        The name that errors show.
    owner : file object, optional
        The object that owns the descriptor and is closed in its place.

    Notes
    -----
    No memory maps: they count as memory in use, and a file that shrinks would kill the process. Where the system has no
    positioned reads (Windows), a lock, a seek and a read take their place.
    """

    def __init__(self, descriptor: int, *, path: str, owner: IO[bytes] | None = None) -> None:
        self.path = path
        self._descriptor = descriptor
        self._owner = owner
        self._lock = threading.Lock()
        self._closed = False
        status = os.fstat(descriptor)
        self.size = status.st_size
        self.mtime_ns = status.st_mtime_ns
        self.is_regular = stat.S_ISREG(status.st_mode)
        self._identity = _identity(status)
        self._raw = None if HAS_PREADV else io.FileIO(descriptor, "rb", closefd=False)

    def is_still_at(self, path: str) -> bool:
        """Whether this file, as it was when it was opened, still has that name."""
        try:
            return _identity(os.stat(path)) == self._identity
        except OSError:
            return False

    def read(self, at: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``at``; fewer only where the file ends."""
        if self._raw is None and not self._closed:
            try:
                found = os.pread(self._descriptor, count, at)
            except OSError as error:
                raise os_refusal(error, self.path) from error
            if len(found) == count or at + len(found) >= self.size:
                return found
        buffer = bytearray(count)
        return bytes(buffer[: self.read_into(memoryview(buffer), at)])

    def read_into(self, view: memoryview, at: int) -> int:
        """Fill ``view`` (bytes) from ``at``; return how many bytes there were."""
        if self._closed:
            raise ValueError(f"{self.path} is closed")
        done, total = 0, len(view)
        try:
            while done < total:
                step = self._read_once(view[done:], at + done)
                if step == 0:
                    break
                done += step
        except OSError as error:
            raise os_refusal(error, self.path) from error
        return done

    def _read_once(self, view: memoryview, at: int) -> int:
        if self._raw is None:
            return os.preadv(self._descriptor, [view], at)
        with self._lock:
            self._raw.seek(at)
            return self._raw.readinto(view) or 0

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        if self._closed:
            return
        self._closed = True
        if self._owner is not None:
            self._owner.close()
        else:
            os.close(self._descriptor)


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


class ByteStream(io.RawIOBase):
    """The bytes of a `FileBytes` as a stream with a position of its own, for what reads streams only.

    Closing the stream leaves the file open.
    """

    def __init__(self, file: FileBytes) -> None:
        super().__init__()
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, at: int, whence: int = os.SEEK_SET, /) -> int:
        """Move the position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._file.size}[whence]
        self._position = base + at
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer from the position on."""
        view = memoryview(buffer).cast("B")
        count = self._file.read_into(view, self._position)
        self._passed(self._position, view[:count])
        self._position += count
        return count

    def _passed(self, at: int, data: memoryview) -> None:
        """Called with all bytes that pass; nothing here."""


class KeptFiles:
    """Files that stay open after their headers were read, until whoever reads their pixels takes them.

    Opening is what costs most on a network drive, and a file that is still open is the one that was surveyed.
    """

    def __init__(self) -> None:
        self._files: dict[str, FileBytes] = {}
        self._most = min(MOST_KEPT, _files_allowed() // 2)

    def keep(self, file: FileBytes) -> bool:
        """Keep an open file, unless there are as many as may be."""
        if len(self._files) >= self._most or file.path in self._files:
            return False
        self._files[file.path] = file
        return True

    def take(self, path: str) -> FileBytes | None:
        """The file that was kept for a path, which now belongs to the caller; ``None`` if another one lies there."""
        file = self._files.pop(path, None)
        if file is None or file.is_still_at(path):
            return file
        file.close()
        return None

    def only(self, paths: Iterable[str]) -> None:
        """Keep no more files from now on, and close those that have none of these paths."""
        wanted, self._most = set(paths), 0
        for path in self._files.keys() - wanted:
            self._files.pop(path).close()

    def close(self) -> None:
        """Close what nobody took."""
        while self._files:
            self._files.popitem()[1].close()


MOST_KEPT: Final = 400
"""Files that `KeptFiles` holds, and no more than half of those that may be open."""

_kept: contextvars.ContextVar[KeptFiles | None] = contextvars.ContextVar("kept", default=None)


@contextlib.contextmanager
def keeping_files() -> Iterator[KeptFiles]:
    """Within, files whose headers are read stay open for those who read their pixels; what is left is closed."""
    kept = KeptFiles()
    token = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(token)
        kept.close()


def _files_allowed() -> int:
    """How many files may be open, once that limit is as high as it may go; 0 where open files cannot be renamed."""
    if os.name == "nt":
        return 0
    raise_file_limit()
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return MOST_KEPT * 2 if soft == resource.RLIM_INFINITY else soft
    return 0


def keep_or_close(file: FileBytes) -> None:
    """Be done with a file whose pixels may be read soon."""
    kept = _kept.get()
    if kept is None or not kept.keep(file):
        file.close()


def open_bytes(path: str) -> FileBytes:
    """Open a plain file for reading, or take the one that was kept open.

    Raises
    ------
    ReadError
        If the file is missing or may not be read.
    NotAnImageError
        If it is a folder, a pipe or a device.
    """
    kept = _kept.get()
    if kept is not None and (found := kept.take(path)) is not None:
        return found
    try:
        descriptor = _open(path)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise os_refusal(error, path) from error
        raise refusal(NotAnImageError, repr(path), "is no possible file name", mend="Check the path.") from error
    file = FileBytes(descriptor, path=path)
    if not file.is_regular:
        what = "a folder" if os.path.isdir(path) else "a pipe or a device"
        file.close()
        raise refusal(NotAnImageError, path, f"{what}, not a file", mend="Name a file.")
    return file


def _open(path: str) -> int:
    try:
        return os.open(path, _FLAGS)
    except OSError as error:
        # All frames of a stack are open at once, and the usual limit is 256 (macOS) or 1024.
        if error.errno != errno.EMFILE or not raise_file_limit():
            raise
        return os.open(path, _FLAGS)


def raise_file_limit() -> bool:
    """Raise this process's own limit of open files as far as it may go; false where that is not possible.

    Frames of a group are all open at once; systems allow 256 or 1024 files by default.
    """
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        if soft != resource.RLIM_INFINITY and wanted > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return True
    return False
