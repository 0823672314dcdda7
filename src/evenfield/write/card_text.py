"""Header cards as the 80-byte lines of a FITS file.

The fixed format of the FITS Standard 4.0 (section 4.2), with the CONTINUE convention for texts that do not fit one card
and ESO's HIERARCH for keywords that FITS has no room for.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from evenfield.model.header import CardValue

Card: TypeAlias = tuple[str, CardValue, str]
"""(keyword, value, comment)."""

CARD: Final = 80
BLOCK: Final = 2880
_LINE: Final = 72  # of a commentary card, behind the keyword
_LONGEST_KEYWORD: Final = 40  # of a HIERARCH card: a number must fit behind it
_TEXT: Final = 68  # between the quotes of one card
_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}")
_LONG_KEYWORD = re.compile(r"[ -<>-~]+")  # printable, without the equals sign
_ASCII: Final = {
    "α": "a", "β": "b", "γ": "g", "δ": "d", "ε": "e", "λ": "l", "μ": "u", "µ": "u", "ν": "n", "π": "pi", "σ": "s",
    "τ": "t", "φ": "phi", "ω": "w", "Α": "A", "Β": "B", "Γ": "G", "Δ": "D", "Λ": "L", "Σ": "S", "Ω": "O",
    "°": "deg", "′": "'", "″": '"', "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE",
    "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ı": "i", "–": "-", "—": "-", "−": "-", "×": "x", "·": ".", "±": "+-",
    "‘": "'", "’": "'", "“": '"', "”": '"', "⁄": "/", "«": '"', "»": '"',
}  # fmt: skip
"""What is written for characters that FITS does not allow and that are no letter with an accent."""


def ascii_text(text: str) -> str:
    """The text in the printable ASCII that FITS allows: "Hα" is "Ha", "Orión" "Orion"; what has no likeness is "?"."""
    if text.isascii() and text.isprintable():
        return text
    pieces = []
    for character in text:
        if " " <= character <= "~":
            pieces.append(character)
        elif character in _ASCII:
            pieces.append(_ASCII[character])
        elif character.isspace():
            pieces.append(" ")
        else:
            parts = (part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
            pieces.extend(part if " " <= part <= "~" else _ASCII.get(part, "?") for part in parts)
    return "".join(pieces)


def header_bytes(cards: Iterable[Card], *, history: Iterable[str] = (), size: int = 0) -> bytes:
    """The header of cards and HISTORY texts: END and whole blocks of 2880 bytes included.

    A header of fewer blocks than ``size`` bytes is filled up with blank cards, which FITS allows anywhere.

    Numbers are written so that they read back equal; None, NaN and infinite numbers, which FITS cannot write, become
    cards without a value.
    """
    lines: list[str] = []
    for keyword, value, comment in cards:
        lines.extend(card_lines(keyword, value, comment))
    if any(line.startswith("CONTINUE") for line in lines):
        first = next(at for at, line in enumerate(lines) if line.startswith("CONTINUE")) - 1
        lines[first:first] = card_lines("LONGSTRN", "OGIP 1.0", "long texts go on in CONTINUE cards")
    for text in history:
        lines.extend(commentary_lines("HISTORY", text))
    blank = size // BLOCK - math.ceil((len(lines) + 1) * CARD / BLOCK)
    lines.extend([" " * CARD] * (blank * BLOCK // CARD))
    lines.append("END".ljust(CARD))
    data = "".join(lines).encode("ascii")
    return data.ljust(math.ceil(len(data) / BLOCK) * BLOCK)


def card_lines(keyword: str, value: CardValue, comment: str) -> Iterator[str]:
    """The lines of one card, 80 characters each.

    Raises
    ------
    ValueError
        If the keyword has characters that no card can hold.
    """
    name = keyword.upper().strip()
    if name in ("COMMENT", "HISTORY"):
        yield from commentary_lines(name, "" if value is None else str(value))
        return
    if _KEYWORD.fullmatch(name):
        head = f"{name:<8}= "
    elif _LONG_KEYWORD.fullmatch(name) and len(name) <= _LONGEST_KEYWORD:
        head = f"HIERARCH {name} = "
    else:
        raise ValueError(f"the keyword {keyword!r} cannot be written")
    if isinstance(value, str):
        yield from _text_lines(head, ascii_text(value), ascii_text(comment))
    else:
        yield _line(f"{head}{_number(value):>20}", ascii_text(comment))


def commentary_lines(keyword: str, text: str) -> Iterator[str]:
    """The lines of a HISTORY or COMMENT text, split after 72 characters; a blank text gives one line."""
    for row in text.split("\n"):
        plain = ascii_text(row).rstrip()
        for at in range(0, max(len(plain), 1), _LINE):
            yield f"{keyword:<8}{plain[at : at + _LINE]}".ljust(CARD)


def _number(value: bool | int | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, int):
        return str(int(value))
    if not math.isfinite(value):
        return ""
    text = repr(float(value)).upper()
    # FITS wants a decimal point in what is no whole number: 1E-05 would do, 1.0E-05 is what all programs read.
    mantissa, e, exponent = text.partition("E")
    return text if "." in mantissa else f"{mantissa}.0{e}{exponent}"


def _text_lines(head: str, text: str, comment: str) -> Iterator[str]:
    """A text card, with CONTINUE cards behind it if need be."""
    escaped = text.replace("'", "''")
    room = CARD - len(head) - 2
    if len(escaped) <= room:
        yield _line(f"{head}'{escaped:<8}'" if len(head) == 10 else f"{head}'{escaped}'", comment)
        return
    pieces = _pieces(escaped, first=room - 1)
    for number, piece in enumerate(pieces):
        start = head if number == 0 else "CONTINUE  "
        if number < len(pieces) - 1:
            yield f"{start}'{piece}&'".ljust(CARD)
        else:
            yield _line(f"{start}'{piece}'", comment)


def _pieces(escaped: str, *, first: int) -> list[str]:
    """Cut an escaped text into pieces; a doubled quote is never cut in two."""
    pieces, at, room = [], 0, first
    while at < len(escaped):
        stop = min(at + room, len(escaped))
        quotes = len(escaped[at:stop]) - len(escaped[at:stop].rstrip("'"))
        if stop < len(escaped) and quotes % 2:
            stop -= 1
        pieces.append(escaped[at:stop])
        at, room = stop, _TEXT - 1
    return pieces


def _line(text: str, comment: str) -> str:
    """A line of 80 characters with as much of the comment as there is room for."""
    if comment and len(text) < CARD - 4:
        text = f"{text:<30} / {comment}"
    return text[:CARD].ljust(CARD)
