"""Lines of at most 80 columns: wrapping, tables, and the words that all texts share."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

WIDTH: Final = 80


def labeled(label: str, text: str, *, width: int = 12) -> list[str]:
    """Return "  left out    20 header says Light, ..." with its continuation lines under the text."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"  {label:<{width}}",
        subsequent_indent=" " * (width + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def listed(label: str, items: Sequence[str]) -> list[str]:
    """Items separated by commas after a label; a line ends between two items where that is possible."""
    # textwrap does not break at a no-break space.
    whole = [item.replace(" ", "\xa0") if len(item) < WIDTH // 2 else item for item in items]
    return [line.replace("\xa0", " ") for line in labeled(label, ", ".join(whole))]


def indented(text: str, *, by: int) -> list[str]:
    """A text wrapped to the width, every line indented; long words such as paths are left whole."""
    pad = " " * by
    return textwrap.wrap(
        text, WIDTH, initial_indent=pad, subsequent_indent=pad, break_long_words=False, break_on_hyphens=False
    )


def shortened(text: str, width: int) -> str:
    """A text of at most ``width`` characters, the middle left out where it is longer."""
    if len(text) <= width:
        return text
    head = (width - 3) // 2
    return f"{text[:head]}...{text[len(text) - (width - 3 - head) :]}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Rows as columns two blanks apart; the columns numbered in ``right`` are aligned to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    made = []
    for line in lines:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        made.append("  ".join(cells).rstrip())
    return made


def quoted(arguments: Sequence[str]) -> str:
    """Arguments to paste into a shell; double quotes, which every shell understands, where they are needed."""
    plain = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,+@%")
    return " ".join(text if text and set(text) <= plain else f'"{text}"' for text in arguments)
