"""A file's header as it was read, before anything is concluded from it."""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

CardValue: TypeAlias = bool | int | float | str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RawHeader:
    """The cards and the pixel layout of one image file.

    ``cards`` holds the cards of the image's own HDU first, then those of the primary HDU that it does not repeat, in
    file order, keywords in upper case, text values stripped at the right; the first of equal keywords counts.
    ``shape`` is (rows, columns). ``sample`` is the type of the stored numbers after BZERO: "uint8", "int16", "uint16",
    "int32", "uint32", "float32", "float64". ``remarks`` are sentences about what was odd while reading.
    """

    path: str
    cards: tuple[tuple[str, CardValue], ...]
    shape: tuple[int, int]
    sample: str
    size_bytes: int
    mtime_ns: int
    header_hash: str
    remarks: tuple[str, ...] = ()
    history: tuple[str, ...] = ()

    def get(self, keyword: str) -> CardValue:
        """The value of the first card with this keyword, or ``None``."""
        for name, value in self.cards:
            if name == keyword:
                return value
        return None

    def as_dict(self) -> dict[str, CardValue]:
        """All cards as a mapping; the first of equal keywords counts."""
        found: dict[str, CardValue] = {}
        for name, value in self.cards:
            found.setdefault(name, value)
        return found
