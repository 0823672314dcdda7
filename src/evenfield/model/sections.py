"""FITS section texts, "[x1:x2,y1:y2]", and the array regions they mean."""

from __future__ import annotations

from typing import TypeAlias

from evenfield.errors import SettingsError

Region: TypeAlias = tuple[int, int, int, int]
"""(row_start, row_stop, col_start, col_stop): counted from 0, stops exclusive, rows in file order."""

_ANY = 2**31 - 1
_MEND = "Write it as [x1:x2,y1:y2], counted from 1, both ends included, x first; * stands for all, as in [2056:*,*]."


def section(text: str, shape: tuple[int, int] | None) -> Region:
    """The region that a FITS section means in an image of a shape.

    Parameters
    ----------
    text : str
        "[x1:x2,y1:y2]" as IRAF and FITS write it: counted from 1, both ends included, x (columns) first. ``*`` is a
        whole axis or, beside a colon, its end; a single number is one row or column. Brackets and blanks may be left
        out.
    shape : tuple of int or None
        (rows, columns) of the image; None where it is not known yet: then only the syntax is checked, and an open end
        is the largest number that fits 32 bits.

    Returns
    -------
    tuple of int
        (row_start, row_stop, col_start, col_stop), counted from 0, stops exclusive.

    Raises
    ------
    SettingsError
        If the text is no section, runs backwards or leaves the image.
    """
    inside = text.strip()
    if inside.startswith("[") and inside.endswith("]"):
        inside = inside[1:-1]
    parts = inside.split(",")
    if len(parts) != 2:
        raise SettingsError(f"The section '{text}' does not have two axes.", mend=_MEND)
    rows, columns = shape or (_ANY, _ANY)
    col_start, col_stop = _axis(parts[0].strip(), columns, text=text, name="x")
    row_start, row_stop = _axis(parts[1].strip(), rows, text=text, name="y")
    return row_start, row_stop, col_start, col_stop


def section_text(region: Region) -> str:
    """The FITS section of a region; `section` reads it back."""
    row_start, row_stop, col_start, col_stop = region
    return f"[{col_start + 1}:{col_stop},{row_start + 1}:{row_stop}]"


def _axis(part: str, length: int, *, text: str, name: str) -> tuple[int, int]:
    """The (start, stop) of one axis of a section."""
    if part == "*":
        return 0, length
    first, colon, last = (piece.strip() for piece in part.partition(":"))
    start = _end(first, 1, text=text)
    stop = _end(last, length, text=text) if colon else start
    if start < 1 or stop > length:
        raise SettingsError(f"The section '{text}' leaves the image, whose {name} runs from 1 to {length}.", mend=_MEND)
    if start > stop:
        raise SettingsError(f"The section '{text}' runs backwards in {name}, from {start} to {stop}.", mend=_MEND)
    return start - 1, stop


def _end(word: str, default: int, *, text: str) -> int:
    """One end of a range; ``*`` or nothing is the image's own end."""
    if word in ("*", ""):
        return default
    if not (word.isascii() and word.isdigit()):
        raise SettingsError(f"'{word}' in the section '{text}' is not a pixel number.", mend=_MEND)
    return int(word)
