"""What a survey of folders found: frames, files that could not be read, and what was passed over."""

from __future__ import annotations

import msgspec

from evenfield.model.findings import Finding
from evenfield.model.frame import FrameInfo


class Unreadable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that cannot take part, with the reason in words."""

    path: str
    code: str
    reason: str
    mend: str = ""


class Copy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that holds the same bytes as another one."""

    path: str
    original: str


class LevelMeasurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mean level of one raw frame, ADU, and the share of full scale where the full scale is known."""

    path: str
    mean_adu: float | None
    share: float | None


class Survey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The frames found among given paths; headers only, unless levels were asked for.

    ``root`` is the folder that all searched paths have in common. ``calibration`` holds the paths of frames found only
    in the calibration folders; ``named`` those of files that were named one by one. ``products_skipped`` counts
    evenfield's own products and the files in folders left out, ``ignored`` files that are no images by their names.
    """

    root: str
    frames: tuple[FrameInfo, ...]
    calibration: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    copies: tuple[Copy, ...] = ()
    levels: tuple[LevelMeasurement, ...] = ()
    products_skipped: int = 0
    ignored: int = 0
    findings: tuple[Finding, ...] = ()
