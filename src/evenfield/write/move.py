"""Moving files into a folder without ever losing one."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Container, Iterator
from typing import Final

from evenfield.errors import OutputExistsError, WriteError
from evenfield.write.atomic import partial_name, publish, write_error

_PACKED: Final = (".gz", ".fz", ".bz2", ".z", ".xz")
_CODE: Final = "move_failed"


def move_file(
    source: str | os.PathLike[str], folder: str | os.PathLike[str], *, taken: Container[str] = frozenset()
) -> str:
    """Move a file into a folder; if its name is taken there, as "name (2).fit".

    Within a file system the file is renamed. Across two of them it is copied, and removed only when the copy is on the
    disk and has its size.

    Parameters
    ----------
    source : path-like
        The file. A link is moved as a link, to the same file.
    folder : path-like
        The folder; made if it is missing. If the file lies in it already, nothing happens.
    taken : container of str
        Absolute paths that are not to be used although nothing is there yet.

    Returns
    -------
    str
        The absolute path the file has now.

    Raises
    ------
    WriteError
        If it cannot be moved (code "move_failed"); it is where it was then.
    """
    origin, target_folder = os.path.abspath(source), os.path.abspath(folder)
    try:
        os.makedirs(target_folder, exist_ok=True)
        if os.path.samefile(os.path.dirname(origin), target_folder):
            return origin
        for target in _names(os.path.join(target_folder, os.path.basename(origin))):
            if target in taken or os.path.lexists(target):
                continue
            with contextlib.suppress(OutputExistsError):  # Someone was quicker: try the next name.
                _move(origin, target)
                return target
        raise AssertionError("the names are endless")
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not os.path.lexists(origin):
            message = f"{origin} cannot be moved: it does not exist."
            raise WriteError(message, mend="Check the path.", code=_CODE) from error
        cause = write_error(error, os.path.join(target_folder, os.path.basename(origin)))
        raise WriteError(f"{origin} was not moved: {cause.message}", mend=cause.mend, code=_CODE) from error


def _names(path: str) -> Iterator[str]:
    """The path, then "stem (2).suffix", "stem (3).suffix", ...; ".fits.gz" counts as one suffix."""
    yield path
    stem, suffix = os.path.splitext(path)
    if suffix.lower() in _PACKED:
        stem, inner = os.path.splitext(stem)
        suffix = inner + suffix
    number = 2
    while True:
        yield f"{stem} ({number}){suffix}"
        number += 1


def _move(origin: str, target: str) -> None:
    """Move to a name that is free; whoever takes it meanwhile keeps it."""
    if os.path.islink(origin):
        with _taken_means_exists(target):
            os.symlink(os.path.join(os.path.dirname(origin), os.readlink(origin)), target)
        os.unlink(origin)
        return
    try:
        publish(origin, target, overwrite=False)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_over(origin, target)


def _copy_over(origin: str, target: str) -> None:
    """Copy to another file system, then remove the origin."""
    partial = os.path.join(os.path.dirname(target), partial_name(os.path.basename(target)))
    try:
        with open(origin, "rb") as reading, open(partial, "xb") as writing:
            shutil.copyfileobj(reading, writing, 1 << 20)
            writing.flush()
            os.fsync(writing.fileno())
            if writing.tell() != os.fstat(reading.fileno()).st_size:
                raise OSError(f"the copy has {writing.tell()} bytes, not as many as the file")
        with contextlib.suppress(OSError):  # Times and rights are a courtesy; some file systems have none.
            shutil.copystat(origin, partial)
        publish(partial, target, overwrite=False)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(partial)
    try:
        os.unlink(origin)
    except OSError:
        os.unlink(target)
        raise


@contextlib.contextmanager
def _taken_means_exists(target: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise OutputExistsError(f"{target} exists.") from error
