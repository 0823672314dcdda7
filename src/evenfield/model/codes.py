"""One code that a finding or a left-out file can have, and what entries are written with."""

from __future__ import annotations

import msgspec

from evenfield.model.findings import FindingLevel
from evenfield.model.report import Verdict


class CodeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One code. ``verdict`` is what a master's verdict becomes at best when the finding is about it.

    ``short`` is the phrase of the file summary, where the code explains why a file was left out, and that beside the
    verdict in the table of masters, where it decided.
    """

    code: str
    title: str
    level: FindingLevel
    meaning: str
    mend: str
    verdict: Verdict | None = None
    short: str = ""


def entry(
    code: str, title: str, level: FindingLevel, *, meaning: str, mend: str, verdict: Verdict | None = None,
    short: str = "",
) -> CodeEntry:  # fmt: skip
    """An entry of the catalogue."""
    return CodeEntry(code=code, title=title, level=level, meaning=meaning, mend=mend, verdict=verdict, short=short)


NOTE, WARNING, BLOCKER = FindingLevel.NOTE, FindingLevel.WARNING, FindingLevel.BLOCKER
CHECK, WILL_NOT, CANNOT = Verdict.CHECK, Verdict.WILL_NOT_WORK, Verdict.CANNOT_TELL
