"""Copying a file: the copy appears complete or not at all."""

from __future__ import annotations

import os
from typing import Final

from evenfield.errors import WriteError
from evenfield.write.atomic import new_file

_CHUNK: Final = 1 << 20


def copy_file(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> str:
    """Copy a file under a name that is not taken; its time of change goes with it.

    Returns
    -------
    str
        The absolute path of the copy.

    Raises
    ------
    OutputExistsError
        If there is such a file.
    WriteError
        If the source cannot be read, or the folder or the disk does not take the copy.
    """
    where = os.path.abspath(target)
    try:
        with open(source, "rb") as file:
            status = os.fstat(file.fileno())
            with new_file(where, overwrite=False) as copy:
                while piece := file.read(_CHUNK):
                    copy.write(piece)
        os.utime(where, ns=(status.st_atime_ns, status.st_mtime_ns))
    except OSError as error:
        raise WriteError(f"{os.fspath(source)} cannot be copied: {error.strerror or error}.") from error
    return where
