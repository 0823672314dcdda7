"""Every code that a finding or a left-out file can have: what it means, what to do, and what it does to a verdict."""

from __future__ import annotations

from typing import Final

from evenfield.model.codes import CodeEntry
from evenfield.model.codes_calibration import CODES_CALIBRATION
from evenfield.model.codes_causes import CODES_CAUSES
from evenfield.model.codes_correction import CODES_CORRECTION
from evenfield.model.codes_frames import CODES_FRAMES
from evenfield.model.codes_geometry import CODES_GEOMETRY
from evenfield.model.codes_products import CODES_PRODUCTS
from evenfield.model.codes_sets import CODES_SETS
from evenfield.model.codes_transfer import CODES_TRANSFER
from evenfield.model.findings import Finding, FindingLevel

CATALOGUE: Final[dict[str, CodeEntry]] = {
    entry.code: entry
    for entry in (
        *CODES_FRAMES,
        *CODES_CALIBRATION,
        *CODES_PRODUCTS,
        *CODES_SETS,
        *CODES_TRANSFER,
        *CODES_CORRECTION,
        *CODES_GEOMETRY,
        *CODES_CAUSES,
    )
}
"""Every code by name."""


def finding(
    code: str,
    subject: str,
    message: str,
    *,
    mend: str | None = None,
    fix: tuple[str, ...] | None = None,
    level: FindingLevel | None = None,
) -> Finding:
    """A finding of a code; its level and mend come from the catalogue unless given.

    Raises
    ------
    KeyError
        If the catalogue does not hold the code.
    """
    entry = CATALOGUE[code]
    return Finding(
        level=entry.level if level is None else level,
        code=code,
        subject=subject,
        message=message,
        mend=entry.mend if mend is None else mend,
        fix=fix,
    )
