"""Which files lie in the given folders: each once, in natural order, and what could not be looked at, with a reason."""

from __future__ import annotations

import dataclasses
import glob
import os
import re
import stat
from collections.abc import Iterable
from typing import Final

from evenfield.read.formats import IMAGE_SUFFIXES
from evenfield.read.refusals import os_reason

_DIGITS = re.compile(r"([0-9]+)")
_SYSTEM_FOLDERS: Final = frozenset({"__macosx", "$recycle.bin", "system volume information", "lost+found", "@eadir"})
_SYSTEM_FILES: Final = frozenset({"thumbs.db", "desktop.ini"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A path that could not be looked at; ``path`` is text that may be shown and saved."""

    path: str
    code: str
    reason: str
    mend: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What `list_files` found.

    ``files`` are absolute; ``ignored`` counts files inside folders that are no images by their names, ``skipped`` image
    files inside the folders to be skipped.
    """

    files: tuple[str, ...]
    problems: tuple[Problem, ...]
    ignored: int
    skipped: int


def list_files(
    paths: Iterable[str | os.PathLike[str]], *, recursive: bool = True, skip: Iterable[str | os.PathLike[str]] = ()
) -> Listing:
    """List the image files among paths.

    Parameters
    ----------
    paths : iterable of path-like
        Files and folders, and patterns that the shell left alone (``lights/*.fit``). A file named here is listed
        whatever its suffix; inside folders the suffix decides. Hidden and system files and folders are passed over.
    recursive : bool
        Whether folders inside folders are entered. Links to folders are followed, but no folder is entered twice.
    skip : iterable of path-like
        Folders not to be entered, such as those of the products; a folder of ``paths`` itself is always entered.

    Returns
    -------
    Listing
        The files in the order of ``paths``; in each folder in natural order ("flat_2" before "flat_10"), before those
        of the folders inside it. A file that is reached twice, also through a link, is listed once.
    """
    walk = _Walk(recursive=recursive, skip={_real(os.path.abspath(folder)) for folder in skip})
    for path in [paths] if isinstance(paths, str | os.PathLike) else paths:
        walk.add(os.path.expanduser(os.fspath(path)))
    return Listing(files=tuple(walk.files), problems=tuple(walk.problems), ignored=walk.ignored, skipped=walk.skipped)


def natural_key(name: str) -> tuple[list[str | int], str]:
    """A sort key by which numbers inside names count as numbers, and upper and lower case are alike."""
    pieces: list[str | int] = list(_DIGITS.split(name.lower()))
    pieces[1::2] = [int(digits) for digits in pieces[1::2]]
    return pieces, name


class _Walk:
    """The state of one listing."""

    def __init__(self, *, recursive: bool, skip: set[str]) -> None:
        self.files: list[str] = []
        self.problems: list[Problem] = []
        self.ignored = 0
        self.skipped = 0
        self._recursive = recursive
        self._skip = skip
        self._seen_files: set[str] = set()
        self._seen_folders: set[str] = set()

    def add(self, path: str) -> None:
        """Take one of the given paths."""
        try:
            mode = os.stat(path).st_mode
        except ValueError:
            self._problem(path, "is no possible file name", "Check the path.")
            return
        except OSError as error:
            self._add_missing(path, error)
            return
        where = os.path.abspath(path)
        if not _is_text(where):
            self._not_text(where)
        elif stat.S_ISDIR(mode):
            self._folder(where, _real(where), skipping=False)
        elif stat.S_ISREG(mode):
            self._file(where, _real(where))
        else:
            self._problem(where, "is a pipe or a device, not a file", "Name a file or a folder.")

    def _add_missing(self, path: str, error: OSError) -> None:
        if isinstance(error, FileNotFoundError) and not os.path.lexists(path) and glob.has_magic(path):
            found = sorted(glob.glob(path, recursive=True), key=natural_key)
            for match in found:
                self.add(match)
            if not found:
                self._problem(path, "matches no file", "Check the pattern.")
            return
        reason, mend = os_reason(error)
        if os.path.islink(path) and isinstance(error, FileNotFoundError):
            reason, mend = "is a link to something that does not exist", "Remove the link, or mend it."
        self._problem(path, reason, mend)

    def _folder(self, folder: str, real: str, *, skipping: bool) -> None:
        """List one folder, then those inside it. ``real`` is its path without links."""
        if real in self._seen_folders:
            return
        self._seen_folders.add(real)
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: natural_key(entry.name))
        except OSError as error:
            self._problem(folder, *os_reason(error))
            return
        inner: list[tuple[str, str]] = []
        for entry in found:
            if entry.name.startswith(".") or entry.name.lower() in _SYSTEM_FILES:
                continue
            path = os.path.join(folder, entry.name)
            link = entry.is_symlink()
            if _is_folder(entry):
                if self._recursive and entry.name.lower() not in _SYSTEM_FOLDERS:
                    inner.append((path, _real(path) if link else os.path.join(real, entry.name)))
            elif not entry.name.lower().endswith(IMAGE_SUFFIXES):
                self.ignored += not skipping
            elif skipping:
                self.skipped += 1
            elif not _is_text(path):
                self._not_text(path)
            elif link and not os.path.exists(path):
                self._problem(path, "is a link to something that does not exist", "Remove the link, or mend it.")
            else:
                self._file(path, _real(path) if link else os.path.join(real, entry.name))
        for path, real_path in inner:
            if _is_text(path):
                self._folder(path, real_path, skipping=skipping or real_path in self._skip)
            else:
                self._not_text(path)

    def _file(self, path: str, real: str) -> None:
        key = os.path.normcase(real)
        if key not in self._seen_files:
            self._seen_files.add(key)
            self.files.append(path)

    def _not_text(self, path: str) -> None:
        self._problem(path, "its name is not UTF-8", "Rename it.")

    def _problem(self, path: str, reason: str, mend: str) -> None:
        shown = os.fsencode(os.path.abspath(path) if "\0" not in path else path).decode("utf-8", "backslashreplace")
        problem = Problem(path=shown, code="unreadable", reason=reason, mend=mend)
        if problem not in self.problems:
            self.problems.append(problem)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link in a circle: it is told of where it would be read.
        return False


def _is_text(path: str) -> bool:
    """Whether a path is text that can be saved: a name that is no UTF-8 comes as lone surrogates."""
    if path.isascii():
        return True
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _real(path: str) -> str:
    return os.path.realpath(path)
