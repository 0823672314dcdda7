"""The errors of this room, worded alike: ``"<path>: <reason>."`` and a mend."""

from __future__ import annotations

import errno
from typing import TypeVar

from evenfield.errors import EvenfieldError, ReadError

AnyReadError = TypeVar("AnyReadError", bound=ReadError)

LEAVE_OUT = "Leave the file out."
COPY_AGAIN = "Copy the file again from where it came, or leave it out."


def refusal(
    kind: type[AnyReadError], path: str, reason: str, *, mend: str = LEAVE_OUT, code: str | None = None
) -> AnyReadError:
    """An error of a kind about one file; ``reason`` is a phrase without a full stop."""
    return kind(f"{path}: {reason}.", mend=mend, code=code)


def reason_of(error: EvenfieldError, path: str) -> str:
    """The reason alone, without the path before it and the full stop behind it ("3 planes")."""
    return error.message.removeprefix(f"{path}: ").removesuffix(".")


def os_reason(error: OSError) -> tuple[str, str]:
    """The (reason, mend) of what the operating system said about a file or folder."""
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return "does not exist", "Check the path."
        case errno.EACCES | errno.EPERM:
            return "may not be read", "Give yourself the right to read it."
        case errno.ELOOP:
            return "is a link that leads in circles", "Remove the link."
        case errno.EMFILE | errno.ENFILE:
            return "too many files are open", "Raise the limit (ulimit -n), or use fewer frames."
        case _:
            return f"cannot be read ({error.strerror or error})", "Check the disk and the connection to it."


def os_refusal(error: OSError, path: str) -> ReadError:
    """The error for what the operating system said about a file (code "unreadable")."""
    reason, mend = os_reason(error)
    return refusal(ReadError, path, reason, mend=mend)


def megabytes(there: int, needed: int) -> str:
    """Two sizes as people compare them: "31 of 52 MB", "0.8 of 1.2 MB", "1440 of 2880 bytes"."""
    if needed < 100_000:
        return f"{there} of {needed} bytes"
    digits = 0 if needed >= 20_000_000 else 1
    here, whole = f"{there / 1e6:.{digits}f}", f"{needed / 1e6:.{digits}f}"
    # Two equal numbers would not say what is missing.
    return f"{here} of {whole} MB" if here != whole else f"{there} of {needed} bytes"
