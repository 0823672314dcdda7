"""Findings as the window lists them: the most serious first, one line each, with the button that mends it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Final

from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.literal import literal

LEVELS: Final = (FindingLevel.BLOCKER, FindingLevel.WARNING, FindingLevel.NOTE)

SIGNS: Final = {FindingLevel.BLOCKER: "\u2715", FindingLevel.WARNING: "\u25b2", FindingLevel.NOTE: "\u2139"}
"""The shape of each level; the word stands beside it for screen readers."""

NEED_CALIBRATION: Final = frozenset(
    ("uncalibrated", "no_calibration_fits", "light_uncalibrated", "no_flat_fits", "flat_holds_bias", "flat_not_applied")
)
"""Codes that a further folder of calibration frames may mend."""

_KINDS: Final = {"flat": "flats", "light": "lights", "dark": "darks", "dark_flat": "dark flats", "bias": "bias frames"}

_BUTTONS: Final = {
    "--allow-mismatch": "Use anyway, recorded",
    "--overwrite": "Replace",
    "--keep-bad-frames": "Keep it",
    "--join": "Join {}s",
    "--split": "Split by {}",
    "--min-group": "Allow groups of {}",
    "--level": "Use level {}",
    "--output-type": "Write {}",
    "--add-pedestal": "Add a pedestal",
    "--use": "Use this instead",
    "--exclude": "Leave out",
}


_IN_THE_WINDOW: Final = (
    (r"use --set 'PATTERN:kind=\w+'", "select them and correct their kind under Why"),
    (r"(?:say so|say what it is|add it) with --set 'PATTERN:[^']*'", "select them and correct it under Why"),
    (r"with --set 'PATTERN:[^']*'", "under Why, for the frames selected"),
    (r"Give a folder with -o", "Choose an output folder"),
    (r"Give the folder with", "Add the folder with"),
    (r"Lower --min-group, or join groups with --join\.", "Lower the minimum of frames, or join groups, under Options."),
    (r"join the groups with --join or --no-grouping", "join the groups under Options"),
    (r" \(to join: --join \w+\)", ""),
    (r" To keep it: --keep-bad-frames\.", ""),
)
"""Words for the command line, and what stands in their place where there is a window."""


def window_words(text: str) -> str:
    """A message with the ways of the window instead of those of the command line."""
    for words, others in _IN_THE_WINDOW:
        text = re.sub(words, others, text)
    return text


def button_text(fix: Sequence[str]) -> str:
    """What the button of a fix says: "Treat as flats", "Join nights"."""
    option, _, value = fix[0].partition("=")
    value = value or (fix[1] if len(fix) > 1 else "")
    if option == "--set":
        field, _, new = value.rpartition(":")[2].partition("=")
        return f"Treat as {_KINDS.get(new, new)}" if field == "kind" else literal(f"Set {field} to {new}")
    known = _BUTTONS.get(option)
    return known.format(value) if known else literal(f"Apply {' '.join(fix)}")


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One line of the list. ``button`` is empty where no option mends it."""

    finding: Finding
    sign: str
    text: str
    button: str
    needs_calibration: bool


def problems(findings: Iterable[Finding]) -> list[Problem]:
    """The findings, each once, the most serious first; those that a button mends before the others."""
    unique = list(dict.fromkeys(findings))
    order = sorted(unique, key=lambda one: (LEVELS.index(one.level), one.fix is None))
    return [
        Problem(
            finding=one,
            sign=SIGNS[one.level],
            text=literal(window_words(f"{one.message} {one.mend}" if one.fix is None else one.message)),
            button=button_text(one.fix) if one.fix else "",
            needs_calibration=one.code in NEED_CALIBRATION,
        )
        for one in order
    ]
