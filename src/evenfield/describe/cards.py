"""Typed access to the cards of one header: numbers and texts, with what is wrong noted as sentences."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from evenfield.describe.dialects import MISSING_WORDS
from evenfield.model.header import CardValue, RawHeader

_NOT_FINITE = frozenset(("nan", "inf", "infinity"))
_PLAIN: Final = {"": 1.0}
_NUMBER = re.compile(r"\s*([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eEdD][+-]?\d+)?)\s*(.*?)\s*", re.DOTALL | re.ASCII)


def clean_text(value: CardValue) -> str:
    """A card's value as text that can be shown and saved: blanks stripped, unprintable signs dropped."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)
    text = text.strip()
    if not text.isprintable():
        text = "".join(sign for sign in text if sign.isprintable()).strip()
    return text


def shown(value: CardValue) -> str:
    """A card's value as it is quoted in a sentence, at most 40 signs of it."""
    text = clean_text(value)
    if len(text) > 40:
        text = text[:37] + "..."
    return f"'{text}'" if isinstance(value, str) else text


def split_number(text: str) -> tuple[float | None, str]:
    """The number at the beginning of a text and the unit after it: "11 C" is (11.0, "C").

    A decimal comma and Fortran's exponent "D" are understood. The number is ``None`` if there is none; "nan" and
    "inf" give that float, so that the caller can say so.
    """
    found = _NUMBER.fullmatch(text)
    if found is None:
        return (math.nan, "") if text.strip().lower().lstrip("+-") in _NOT_FINITE else (None, "")
    return float(found[1].replace(",", ".").replace("d", "e").replace("D", "e")), found[2]


class Cards:
    """The cards of one header as a mapping, what was taken from them (``known``) and what was wrong (``problems``)."""

    __slots__ = ("all", "known", "problems", "values")

    def __init__(self, header: RawHeader) -> None:
        self.all = header.cards
        # Backwards, so that the first of equal keywords stays; faster than `RawHeader.as_dict`.
        self.values = dict(reversed(header.cards))
        self.known: dict[str, str] = {}
        self.problems: list[str] = [clean_text(remark) for remark in header.remarks]

    def text(self, field: str, keywords: Sequence[str]) -> str | None:
        """The first of the keywords' texts that says something; numbers are taken as text."""
        values = self.values
        for keyword in keywords:
            if keyword not in values:
                continue
            value = values[keyword]
            if value is None or isinstance(value, bool):
                continue
            text = clean_text(value)
            lower = text.lower()
            if lower not in MISSING_WORDS and lower != "nan":
                self.known[field] = keyword
                return text
        return None

    def number(
        self,
        field: str,
        keywords: Sequence[str],
        *,
        low: float = -math.inf,
        high: float = math.inf,
        units: Mapping[str, float] = _PLAIN,
    ) -> float | None:
        """The first of the keywords' values that is a finite number from ``low`` to ``high``; others are problems.

        ``units`` maps the units that a text may carry (lower case) to the factor that brings them to the field's.
        """
        values = self.values
        for keyword in keywords:
            if keyword not in values:
                continue
            measured = self.measured(keyword, units=units)
            if measured is None:
                continue
            number = measured[0] * units[measured[1]]
            if low <= number <= high:
                self.known[field] = keyword
                return number
            limit = f"below {low:g}" if number < low else f"above {high:g}"
            self.problems.append(f"{keyword} {shown(values[keyword])} is {limit}.")
        return None

    def measured(self, keyword: str, *, units: Mapping[str, float] = _PLAIN) -> tuple[float, str] | None:
        """One keyword's value as a finite number and its unit in lower case ("" for plain numbers).

        ``None`` if the value is missing, and with a problem if it is no finite number in one of ``units``.
        """
        value = self.values.get(keyword)
        if value is None:
            return None
        number: float | None
        unit = ""
        if isinstance(value, bool):
            number = None
        elif isinstance(value, str):
            if value.strip().lower() in MISSING_WORDS:
                return None
            number, unit = split_number(value)
            unit = unit.lower()
            if unit not in units:
                number = None
        else:
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
        if number is None:
            self.problems.append(f"{keyword} {shown(value)} is not a number.")
            return None
        if not math.isfinite(number):
            self.problems.append(f"{keyword} {shown(value)} is not a finite number.")
            return None
        return number, unit
