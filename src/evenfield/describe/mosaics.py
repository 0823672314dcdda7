"""Arithmetic of colour filter mosaics: shifting a pattern, and the pattern of an upside-down file's first row."""

from __future__ import annotations

import re
from typing import Final

from evenfield.describe.filters import BAYER_PATTERNS

_XTRANS: Final = re.compile(r"[RGB]{36}")


def mosaic_pattern(text: str) -> str | None:
    """The canonical form of a pattern: one of the four Bayer patterns or 36 letters of X-Trans; else ``None``."""
    letters = "".join(text.upper().split())
    if letters in BAYER_PATTERNS or _XTRANS.fullmatch(letters):
        return letters
    return None


def shifted(pattern: str, *, x: int, y: int) -> str:
    """The pattern that begins ``x`` columns further right and ``y`` rows further down in the same mosaic."""
    side = 2 if len(pattern) == 4 else 6
    return "".join(
        pattern[((row + y) % side) * side + (column + x) % side] for row in range(side) for column in range(side)
    )


def upside_down(pattern: str, *, rows: int) -> str:
    """The pattern seen from the last of ``rows`` rows upwards.

    For a BOTTOM-UP file that is the pattern of its first stored row, if ``pattern`` is that of the picture's top row:
    with an even height RGGB becomes GBRG, with an odd one it stays; X-Trans begins with row (rows - 1) mod 6.
    """
    side = 2 if len(pattern) == 4 else 6
    last = rows - 1
    starts = [((last - row) % side) * side for row in range(side)]
    return "".join(pattern[start : start + side] for start in starts)
