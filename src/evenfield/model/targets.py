"""The programs that products are written for: format, range and type of the pixels."""

from __future__ import annotations

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How products are written for a program.

    ``suffix`` decides the format, pixels are divided by ``scale``, and ``sample`` is the type of the pixels where the
    program takes one only.
    """

    suffix: str
    scale: float = 1.0
    sample: str | None = None


FULL_RANGE: Final = 65535.0
"""ADU that are 1 in the range 0..1: what programs divide 16-bit frames by."""

TARGETS: Final = {
    "evenfield": Target(suffix=".fits"),
    "pixinsight": Target(suffix=".xisf", scale=FULL_RANGE),
    "siril": Target(suffix=".fits", scale=FULL_RANGE),
    "app": Target(suffix=".fits", scale=FULL_RANGE),
    "nina": Target(suffix=".fits", sample="uint16"),
}
"""Target by name; see docs/programs.md."""
