"""Reading the bytes of one open file at any place, from several threads at once."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import threading
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
        self._raw = None if HAS_PREADV else io.FileIO(descriptor, "rb", closefd=False)

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


def open_bytes(path: str) -> FileBytes:
    """Open a plain file for reading.

    Raises
    ------
    ReadError
        If the file is missing or may not be read.
    NotAnImageError
        If it is a folder, a pipe or a device.
    """
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
        if error.errno != errno.EMFILE or not _raise_file_limit():
            raise
        return os.open(path, _FLAGS)


def _raise_file_limit() -> bool:
    """Raise this process's own limit of open files as far as it may go; false where that is not possible."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        if wanted > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return True
    return False
