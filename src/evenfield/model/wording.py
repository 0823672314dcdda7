"""The few words that sentences about frames share."""

from __future__ import annotations

import os
from collections.abc import Sequence


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
