"""Small documents: plans, reports and settings as text files."""

from __future__ import annotations

import os

from evenfield.write.atomic import new_file


def write_text(path: str | os.PathLike[str], text: str, *, overwrite: bool = True) -> str:
    """Write a text file, UTF-8 with the line ends of ``text``; it appears complete or not at all.

    Returns
    -------
    str
        The absolute path.

    Raises
    ------
    OutputExistsError
        If there is such a file and ``overwrite`` is false.
    WriteError
        If the folder or the disk does not take the file.
    """
    where = os.path.abspath(path)
    with new_file(where, overwrite=overwrite) as file:
        file.write(text.encode("utf-8"))
    return where
