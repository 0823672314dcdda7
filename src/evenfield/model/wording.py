"""The few words that sentences about frames share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final


def plural(count: int, noun: str) -> str:
    """A count with its noun: "1 flat", "20 flats", "1 bias frame", "2 dark flats of 2.00 s"."""
    head, of, rest = noun.partition(" of ")
    if head.endswith("bias"):
        head += " frame"
    if count != 1 and not head.endswith("s"):
        head += "s"
    return f"{count} {head}{of}{rest}"


def name_files(paths: Sequence[str]) -> str:
    """Up to three file names; of more, the first two and how many follow."""
    names = [os.path.basename(path) for path in paths]
    if len(names) <= 3:
        return ", ".join(names)
    return f"{', '.join(names[:2])} and {len(names) - 2} more"


_UNITS: Final = {"adu": "ADU", "s": "s", "c": "C", "deg": "degrees", "electron": "e-"}


def measured_text(key: str, value: float) -> tuple[str, str]:
    """A measured value as people read it: ("level", "30,960 ADU"), ("saturated", "0.13 %")."""
    words = key.split("_")
    unit = words.pop() if len(words) > 1 and words[-1] in (*_UNITS, "share") and "per" not in words else ""
    name = " ".join(words).replace("adu", "ADU")
    if unit == "share":
        return f"{name}, share", f"{100 * value:.3g} %"
    number = f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
    return name, f"{number} {_UNITS[unit]}" if unit else number
