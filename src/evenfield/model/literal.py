"""Names and messages from outside as they are: nothing in them may break a line or turn the direction of reading."""

from __future__ import annotations

import unicodedata


def literal(text: str) -> str:
    r"""The text with every sign that cannot be seen written as an escape: a newline becomes "\n", U+202E "\u202e".

    Controls, marks that turn the direction of reading, separators of lines and halves of characters are escaped; all
    else stays as it is. Nothing is cut.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(sign) if _hidden(sign) else sign for sign in text)


def _hidden(sign: str) -> bool:
    # Cc: controls; Cs: bytes of a name that is no UTF-8; Zl, Zp: separators of lines and paragraphs.
    if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp"):
        return True
    return sign in "\u061c\u200e\u200f\ufeff" or "\u202a" <= sign <= "\u202e" or "\u2066" <= sign <= "\u2069"


def _escaped(sign: str) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(sign) or f"\\u{ord(sign):04x}"
