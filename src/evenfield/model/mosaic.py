"""The pixels of each color, or of each place, of a mosaic sensor, as strided slices."""

from __future__ import annotations

from typing import Final, TypeAlias

Cells: TypeAlias = tuple[tuple[slice, slice], ...]
"""The slices (rows, columns) that together select the pixels of one color."""

WHOLE: Final = ""
"""The name of the only "color" of a frame without a mosaic."""


def is_mosaic(cfa: str | None) -> bool:
    """Whether a pattern says that neighboring pixels see different colors."""
    return cfa is not None and cfa.upper() != "MONO"


def period_of(cfa: str | None) -> int:
    """After how many rows and columns a pattern repeats: 1 without a mosaic, 2 (Bayer) or 6 (X-Trans).

    Raises
    ------
    ValueError
        If the pattern has neither 4 nor 36 letters.
    """
    if cfa is None or not is_mosaic(cfa):
        return 1
    period = {4: 2, 36: 6}.get(len(cfa))
    if period is None or not cfa.isalpha():
        raise ValueError(f"'{cfa}' is no CFA pattern.")
    return period


def color_cells(cfa: str | None) -> dict[str, Cells]:
    """The slices that select each color's pixels, red, green and blue first.

    ``cfa`` is the pattern row by row from the top left pixel: 4 letters (Bayer) or 36 (X-Trans); equal letters are one
    color. ``None`` and "MONO" give one color, `WHOLE`.

    Raises
    ------
    ValueError
        If the pattern has neither 4 nor 36 letters.
    """
    period = period_of(cfa)
    if cfa is None or period == 1:
        return {WHOLE: ((slice(None), slice(None)),)}
    pattern = cfa.upper()
    letters = sorted(set(pattern), key=lambda letter: ("RGB".find(letter) % 4, letter))
    return {
        letter: tuple(
            (slice(place // period, None, period), slice(place % period, None, period))
            for place, found in enumerate(pattern)
            if found == letter
        )
        for letter in letters
    }


def plane_cells(cfa: str | None) -> dict[str, Cells]:
    """As `color_cells`, but the two greens of a Bayer pattern apart: R, G1, G2, B."""
    cells = color_cells(cfa)
    if period_of(cfa) != 2:
        return cells
    return {
        (name if len(places) == 1 else f"{name}{number}"): (place,)
        for name, places in cells.items()
        for number, place in enumerate(places, start=1)
    }
