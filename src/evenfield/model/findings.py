"""A finding: something the user should know, with what to do about it."""

from __future__ import annotations

import enum

import msgspec


class FindingLevel(enum.StrEnum):
    """How serious a finding is."""

    NOTE = "NOTE"
    WARNING = "WARNING"
    BLOCKER = "BLOCKER"


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that deserves attention: one finding a cause and group.

    Parameters
    ----------
    level : FindingLevel
    code : str
        A key of the catalogue (`evenfield.model.catalogue`).
    subject : str
        The file, group or master it is about; never more than three files by name.
    message : str
        What is the case, with the number that decided.
    mend : str
        What to do, one sentence.
    fix : tuple of str, optional
        The command line arguments that carry the mend out.
    """

    level: FindingLevel
    code: str
    subject: str
    message: str
    mend: str
    fix: tuple[str, ...] | None = None
