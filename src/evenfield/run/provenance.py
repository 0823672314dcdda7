"""How a product was made, in and out of the HISTORY of its own header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evenfield.errors import DocumentError
from evenfield.model.report import Provenance
from evenfield.read import read_header
from evenfield.store import decode_provenance, encode_provenance

PREFIX: Final = "EVF1 "
"""Starts each line of HISTORY that holds a piece of the provenance; the number is that of the layout."""

END: Final = "|"
"""Ends each piece: headers strip blanks at the end of a line."""

PIECE: Final = 72 - len(PREFIX) - len(END)


def to_history(provenance: Provenance) -> tuple[str, ...]:
    """The lines of HISTORY: a few for people, then the whole provenance as JSON in pieces."""
    lines = [f"{provenance.title}: {len(provenance.inputs)} frames, evenfield {provenance.version}"]
    lines += [text for text in provenance.because if text.isascii()]
    text = encode_provenance(provenance)
    lines += [f"{PREFIX}{text[start : start + PIECE]}{END}" for start in range(0, len(text), PIECE)]
    return tuple(lines)


def from_history(history: Sequence[str], *, path: str) -> Provenance:
    """The provenance that a header's HISTORY holds.

    Raises
    ------
    DocumentError
        If there is none, or it is damaged.
    """
    pieces = [line.rstrip() for line in history if line.startswith(PREFIX)]
    if not pieces:
        raise DocumentError(f"{path} does not tell how it was made.", mend="Only evenfield's own products do.")
    if not all(piece.endswith(END) for piece in pieces):
        raise DocumentError(f"The provenance in {path} is damaged.")
    return decode_provenance("".join(piece[len(PREFIX) : -1] for piece in pieces), path=path)


def read_provenance(path: str) -> Provenance:
    """The provenance of a product, from its header.

    Raises
    ------
    ReadError, DocumentError
    """
    return from_history(read_header(path).history, path=path)
