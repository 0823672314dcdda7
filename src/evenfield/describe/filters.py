"""Filter names: one spelling for the names that are certain, every other name as it is written."""

from __future__ import annotations

import functools
import re
from typing import Final

from evenfield.describe.dialects import NO_FILTER_WORDS

NARROWBAND_SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    "Ha": ("ha", "halpha", "hα", "hydrogenalpha"),
    "Hb": ("hb", "hbeta", "hβ", "hydrogenbeta"),
    "OIII": ("oiii", "o3", "oxygeniii", "oxygen3"),
    "SII": ("sii", "s2", "sulfurii", "sulfur2", "sulphurii", "sulphur2"),
    "NII": ("nii", "n2", "nitrogenii", "nitrogen2"),
}
"""Canonical name -> its spellings in lower case without blanks, dashes, underscores and brackets."""

BROADBAND_SPELLINGS: Final = {
    "red": "Red", "green": "Green", "blue": "Blue", "luminance": "Luminance", "lum": "Luminance",
}  # fmt: skip
"""Whole words in lower case -> canonical name. Single letters stay: Johnson's R is not Sloan's r."""

BAYER_PATTERNS: Final = frozenset(("RGGB", "BGGR", "GRBG", "GBRG"))

_NARROWBAND: Final = {spelling: name for name, spellings in NARROWBAND_SPELLINGS.items() for spelling in spellings}
_SEPARATORS: Final = re.compile(r"[\s_\-\[\]]+")


@functools.lru_cache(maxsize=1024)
def filter_name(text: str) -> str | None:
    """The canonical name of a filter; ``None`` where the text says that there was none.

    "H-alpha", "H_alpha" and "Hα" are "Ha", "[O III]" is "OIII", "lum" is "Luminance"; every other name keeps its
    spelling, dashes and case, so that two different filters never meet under one name.
    """
    stripped = text.strip()
    lower = stripped.lower()
    if lower in NO_FILTER_WORDS:
        return None
    broadband = BROADBAND_SPELLINGS.get(lower)
    if broadband is not None:
        return broadband
    return _NARROWBAND.get(_SEPARATORS.sub("", lower), stripped)
