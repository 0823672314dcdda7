"""Findings as the window lists them: the most serious first, one line each, with the button that mends it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Final

from evenfield.gui.words import mark, tr
from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.literal import literal

LEVELS: Final = (FindingLevel.BLOCKER, FindingLevel.WARNING, FindingLevel.NOTE)

SIGNS: Final = {FindingLevel.BLOCKER: "\u2715", FindingLevel.WARNING: "\u25b2", FindingLevel.NOTE: "\u2139"}
"""The shape of each level; the word stands beside it for screen readers."""

LEVEL_WORDS: Final = {
    FindingLevel.BLOCKER: mark("BLOCKER"), FindingLevel.WARNING: mark("WARNING"), FindingLevel.NOTE: mark("NOTE"),
}  # fmt: skip
"""What is said of each level."""

NEED_CALIBRATION: Final = frozenset(
    ("uncalibrated", "no_calibration_fits", "light_uncalibrated", "no_flat_fits", "flat_holds_bias", "flat_not_applied")
)
"""Codes that a further folder of calibration frames may mend."""

_TREAT: Final = {
    "flat": mark("Treat as flats"), "light": mark("Treat as lights"), "dark": mark("Treat as darks"),
    "dark_flat": mark("Treat as dark flats"), "bias": mark("Treat as bias frames"),
}  # fmt: skip

_JOIN: Final = {
    "filter": mark("Join filters"), "night": mark("Join nights"), "rotator": mark("Join rotators"),
    "temperature": mark("Join temperatures"), "exposure": mark("Join exposures"),
}  # fmt: skip

_SPLIT: Final = {
    "filter": mark("Split by filter"), "night": mark("Split by night"), "rotator": mark("Split by rotator"),
    "temperature": mark("Split by temperature"), "exposure": mark("Split by exposure"),
}  # fmt: skip

_BUTTONS: Final = {
    "--allow-mismatch": mark("Use anyway, recorded"),
    "--overwrite": mark("Replace"),
    "--keep-bad-frames": mark("Keep it"),
    "--min-group": mark("Allow groups of {}"),
    "--level": mark("Use level {}"),
    "--output-type": mark("Write {}"),
    "--add-pedestal": mark("Add a pedestal"),
    "--use": mark("Use this instead"),
    "--exclude": mark("Leave out"),
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
"""Words for the command line, and what stands in their place where there is a window. Both are parts of sentences that
the planner composed, which are not translated.
"""


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
        if field == "kind" and new in _TREAT:
            return tr(_TREAT[new])
        return tr("Set {} to {}").format(literal(field), literal(new))
    for keyed, known in (("--join", _JOIN), ("--split", _SPLIT)):
        if option == keyed and value in known:
            return tr(known[value])
    if option in _BUTTONS:
        return tr(_BUTTONS[option]).format(literal(value))
    return tr("Apply {}").format(literal(" ".join(fix)))


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
