"""A file that appears complete under its name or not at all, whatever happens to the process meanwhile."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import platform
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from typing import IO, Final, cast

from evenfield.errors import OutputExistsError, WriteError

_PARTIAL = re.compile(r"\..*\.partial-([0-9]+)-([0-9a-f]{4})[0-9a-f]{8}")
_FOREIGN_AGE_S: Final = 24 * 3600.0
_LARGE: Final = 1 << 20
_KEEP_SIZE: Final = 1  # The size grows as bytes are written: a file that was cut off can be told from a whole one.
_NAME_PART: Final = 100  # Names may have 255 bytes on all usual file systems; the partial's own part needs some.


@contextlib.contextmanager
def new_file(path: str, *, overwrite: bool, durable: bool = True, size: int = 0) -> Iterator[IO[bytes]]:
    """A binary file to be filled, which takes its name when the block ends without an error.

    Until then it has a hidden name in the same folder, which is made if it is missing. The bytes of a durable file are
    on the disk before the name is given, so that not even a loss of power leaves half a file under it. Others are left
    to the system, which takes its time: what is made by the hundred and can be made again need not wait for the disk.

    Parameters
    ----------
    path : str
        The absolute path of the file.
    overwrite : bool
        Whether a file of that name may be replaced.
    durable : bool
        Whether to wait for the disk.
    size : int
        The bytes it is going to have, where that is known: room for them is asked for at once.

    Raises
    ------
    OutputExistsError
        If there is such a file and ``overwrite`` is false, also if it appeared meanwhile.
    WriteError
        If the folder or the disk does not take the file; nothing is left behind.
    """
    folder, name = os.path.split(path)
    if not overwrite and os.path.lexists(path):
        raise _exists(path)
    partial = os.path.join(folder, partial_name(name))
    try:
        os.makedirs(folder, exist_ok=True)
        with open(partial, "xb") as file:
            reserve(file.fileno(), size)
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        publish(partial, path, overwrite=overwrite, durable=durable)
    except OSError as error:
        raise write_error(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(partial)


def reserve(descriptor: int, size: int) -> None:
    """Ask for the room of a file that is going to be written, where the system has a cheap way to; a help, no promise.

    Raises
    ------
    OSError
        If the disk has no such room.
    """
    function = _fallocate() if size >= _LARGE else None
    if function is not None and function(descriptor, _KEEP_SIZE, 0, size) != 0:
        import ctypes

        code = ctypes.get_errno()
        if code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OSError(code, os.strerror(code))


@functools.cache
def _fallocate() -> Callable[[int, int, int, int], int] | None:
    """The system's own call: where a file system has none, Python's `os.posix_fallocate` would write the whole file."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    try:
        function = ctypes.CDLL(None, use_errno=True).fallocate64
    except (OSError, AttributeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return cast(Callable[[int, int, int, int], int], function)


def publish(partial: str, path: str, *, overwrite: bool, durable: bool = True) -> None:
    """Give a finished partial file its name.

    Raises
    ------
    OutputExistsError
        If another file has the name and ``overwrite`` is false.
    """
    if overwrite:
        os.replace(partial, path)
    else:
        _publish_exclusively(partial, path)
    if durable:
        _sync_folder(os.path.dirname(path))


def _publish_exclusively(partial: str, path: str) -> None:
    try:
        os.link(partial, path)  # The one call that gives a name and fails if it is taken.
    except FileExistsError:
        raise _exists(path) from None
    except (OSError, AttributeError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOENT):
            raise
        # No hard links here (FAT, some network drives): two calls, as near to each other as can be.
        if os.path.lexists(path):
            raise _exists(path) from None
        os.rename(partial, path)
    else:
        try:
            os.unlink(partial)
        except OSError:
            os.unlink(path)  # The file has both names and one cannot be taken away: it keeps the first.
            raise


def partial_name(name: str) -> str:
    """A hidden name for an unfinished file: ``.<name>.partial-<process>-<machine and random>``."""
    short = name.encode("utf-8", "surrogateescape")[:_NAME_PART].decode("utf-8", "ignore")
    return f".{short}.partial-{os.getpid()}-{_machine()}{secrets.token_hex(4)}"


def remove_stale_partials(folder: str | os.PathLike[str]) -> int:
    """Remove the unfinished files that killed processes left in a folder; return how many.

    Those of running processes stay, and those of other machines that share the folder until they are a day old.
    """
    removed = 0
    try:
        with os.scandir(folder) as entries:
            found = [(entry, match) for entry in entries if (match := _PARTIAL.fullmatch(entry.name))]
    except OSError:
        return 0
    for entry, match in found:
        with contextlib.suppress(OSError):
            old = time.time() - entry.stat(follow_symlinks=False).st_mtime > _FOREIGN_AGE_S
            is_ours = match[2] == _machine()
            if old if not is_ours else not _is_running(int(match[1])):
                os.unlink(entry.path)
                removed += 1
    return removed


def write_error(error: OSError, path: str) -> WriteError:
    """The error for what the operating system said while a file was written."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return WriteError(f"{path} cannot be written: the disk is full.", mend="Make room, or name another folder.")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            mend = "Name another folder, or give yourself the right to write there."
            return WriteError(f"{path} cannot be written: you may not write there.", mend=mend)
        case errno.ENOTDIR | errno.EEXIST:
            reason = "part of the path is a file, not a folder"
        case errno.EISDIR:
            reason = "a folder has that name"
        case errno.ENAMETOOLONG:
            reason = "the name is too long"
        case _:
            reason = error.strerror or str(error)
    return WriteError(f"{path} cannot be written: {reason}.", mend="Name another file or folder.")


def _exists(path: str) -> OutputExistsError:
    return OutputExistsError(f"{path} exists.", mend="Choose another name, or ask for it to be overwritten.")


def _machine() -> str:
    """Four digits that tell this machine from the others that may share a folder."""
    return hashlib.blake2b(platform.node().encode(), digest_size=2).hexdigest()


def _is_running(process: int) -> bool:
    """Whether a process of this machine is alive; where that cannot be asked for harmlessly, true."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _sync_folder(folder: str) -> None:
    """Have the folder's new entry on the disk, where folders can be opened for that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
