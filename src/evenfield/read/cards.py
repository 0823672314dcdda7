"""FITS header cards: 80 bytes each, read leniently, a bad card becoming a remark and never an error.

The forms are those of the FITS Standard 4.0 (section 4), with the CONTINUE convention for long texts and ESO's
HIERARCH keywords; beyond them, what camera programs write: lower case, texts without quotes, bytes that are no ASCII.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from evenfield.model.header import CardValue

CARD: Final = 80
BLOCK: Final = 2880

_END = re.compile(rb"END[ \0]{5}")
_KEYWORD = re.compile(r"[A-Z0-9_\-]{1,8}")
_PLAIN = re.compile(
    r"(?=[A-Z0-9_\- ]{8}= )(?!HISTORY |COMMENT |CONTINUE)([A-Z0-9_\-]+) *= *"
    r"(?:'([^']*)'|([+-]?[0-9]+)|([+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:E[+-]?[0-9]+)?)|([TF])) *(?:/|$)"
)
"""Cards laid out as FITS asks, nearly all there are: keyword, then text, whole number, number or logical."""

_LOOSE = re.compile(r"([A-Za-z0-9_\-]{1,16})\s*=")
_QUOTED = re.compile(r" *'((?:[^']|'')*)'")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[EeDd][+-]?[0-9]+)?|[+-]?(?:nan|inf)", re.IGNORECASE)
_TEXT_BYTES: Final = bytes(range(32, 127))

# Plain cards as they were parsed before: the frames of a night differ in very few of theirs.
_seen: dict[str, tuple[str, CardValue]] = {}
_MOST_SEEN: Final = 4096


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HeaderCards:
    """The cards of one header.

    ``cards`` are (keyword, value) in file order, without HISTORY and blank cards; ``history`` holds the texts of the
    HISTORY cards; ``remarks`` say what was odd.
    """

    cards: tuple[tuple[str, CardValue], ...]
    history: tuple[str, ...]
    remarks: tuple[str, ...]

    def first(self) -> dict[str, CardValue]:
        """All cards as a mapping; the first of equal keywords counts."""
        return dict(reversed(self.cards))


def find_end(data: bytes, start: int = 0) -> int:
    """The position of the END card in ``data``, or -1; ``start`` must be the position of a card."""
    for found in _END.finditer(data, start):
        if found.start() % CARD == 0:
            return found.start()
    return -1


def looks_like_text(data: bytes) -> bool:
    """Whether bytes may be part of a header: at least 95 % printable ASCII."""
    return len(data.translate(None, _TEXT_BYTES)) * 20 <= len(data)


def parse_cards(data: bytes) -> HeaderCards:
    """Parse the cards of a header, END and what follows it left out.

    Parameters
    ----------
    data : bytes
        Whole cards of 80 bytes.

    Returns
    -------
    HeaderCards
        Keywords in upper case, HIERARCH keywords without that word; texts stripped at the right; a value is None where
        the card leaves it undefined; what cannot be read as a number comes back as text.
    """
    cards: list[tuple[str, CardValue]] = []
    history: list[str] = []
    remarks: list[str] = []
    open_text: str | None = None  # a long text whose last piece ended with "&"
    for card in _split(data, remarks):
        if open_text is not None:
            if card.startswith("CONTINUE"):
                open_text = _continue(card, open_text, cards)
                continue
            cards[-1] = (cards[-1][0], open_text + "&")  # Nothing follows: the ampersand belongs to the text.
            open_text = None
        if (known := _seen.get(card)) is not None:
            cards.append(known)
            continue
        plain = _PLAIN.match(card)
        if plain is not None:
            keyword, value = _plain_card(card, plain)
        elif card.startswith("HISTORY "):
            history.append(card[8:].rstrip())
            continue
        elif card.startswith("        "):  # A comment, and as a rule a heading.
            continue
        else:
            keyword, value, remark = _other_card(card)
            if remark:
                remarks.append(f"{keyword}: {remark}" if keyword else remark)
            if not keyword:
                continue
        cards.append((keyword, value))
        if type(value) is str and value.endswith("&"):
            open_text = value[:-1]
    if open_text is not None:
        cards[-1] = (cards[-1][0], open_text + "&")
    return HeaderCards(cards=tuple(cards), history=tuple(history), remarks=tuple(remarks))


def parse_value(field: str) -> tuple[CardValue, str]:
    """The value of a card's value field (from column 11 on, its comment included) and a remark, "" if all is well."""
    quoted = _QUOTED.match(field)
    if quoted is not None:
        text = quoted[1].rstrip()
        return (text.replace("''", "'") if "'" in text else text), ""
    word = field.partition("/")[0].strip()
    if word.startswith("'"):
        return field.strip()[1:].replace("''", "'").rstrip(), "the text's closing quote is missing."
    if word == "T":
        return True, ""
    if word == "F":
        return False, ""
    if not word:
        return None, ""
    if _INTEGER.fullmatch(word):
        return int(word), ""
    if _FLOAT.fullmatch(word):
        return float(word.upper().replace("D", "E")), ""
    return word, f"the text {word} has no quotes."


def _split(data: bytes, remarks: list[str]) -> list[str]:
    """The cards before END as text; bytes that are no ASCII are decoded card by card and remarked on."""
    stop = find_end(data)
    data = data[: len(data) - len(data) % CARD if stop < 0 else stop]
    if b"\0" in data:
        data = data.replace(b"\0", b" ")
        remarks.append("The header holds zero bytes; they were read as blanks.")
    if data.isascii():
        text = data.decode("ascii")
        return [text[at : at + CARD] for at in range(0, len(text), CARD)]
    cards = []
    for at in range(0, len(data), CARD):
        piece = data[at : at + CARD]
        try:
            card = piece.decode("utf-8")
        except UnicodeDecodeError:
            card = piece.decode("latin-1")
        if not piece.isascii():
            remarks.append(f"Card {card[:8].rstrip()} holds characters that FITS does not allow.")
        cards.append(card)
    return cards


def _continue(card: str, open_text: str, cards: list[tuple[str, CardValue]]) -> str | None:
    """Join a CONTINUE card to the card before it; return the text if it is still open."""
    quoted = _QUOTED.match(card[8:])
    piece = quoted[1].rstrip().replace("''", "'") if quoted else card[8:].strip().strip("'")
    still_open = piece.endswith("&")
    whole = open_text + (piece[:-1] if still_open else piece)
    cards[-1] = (cards[-1][0], whole.rstrip() if not still_open else whole)
    return whole if still_open else None


def _plain_card(card: str, plain: re.Match[str]) -> tuple[str, CardValue]:
    """The (keyword, value) of a card that `_PLAIN` matches, noted for the next header unless the text may go on."""
    keyword, text, whole, number, logical = plain.groups()
    value: CardValue
    if text is not None:
        value = text.rstrip()
        if value.endswith("&"):
            return keyword, value
    elif whole is not None:
        value = int(whole)
    else:
        value = float(number) if number is not None else logical == "T"
    if len(_seen) >= _MOST_SEEN:
        _seen.clear()
    _seen[card] = keyword, value
    return keyword, value


def _other_card(card: str) -> tuple[str, CardValue, str]:
    """The (keyword, value, remark) of a card that is not of the plain form; an empty keyword if there is none."""
    keyword = card[:8].rstrip()
    if keyword in ("COMMENT", "CONTINUE", "END"):
        return keyword, card[8:].strip(), ""
    if card[8:10] == "= " and _KEYWORD.fullmatch(keyword):
        return keyword, *parse_value(card[10:])
    if card.startswith("HIERARCH") and "=" in card:
        name, _, field = card[8:].partition("=")
        return " ".join(name.upper().split()), *parse_value(field)
    loose = _LOOSE.match(card)
    if loose is not None:
        value, _ = parse_value(card[loose.end() :])
        return loose[1].upper(), value, "the card is not laid out as FITS asks."
    if _KEYWORD.fullmatch(keyword):
        return keyword, card[8:].strip(), ""
    return "", None, f"Card '{card.strip()}' could not be read."
