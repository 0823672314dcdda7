"""The causes of flats that do not work, by name."""

from __future__ import annotations

import enum
from collections.abc import Mapping


class Cause(enum.StrEnum):
    """Why flats do not work; thirteen causes, and none."""

    FLAT_WITHOUT_DARK = "flat without bias or dark flat"
    LIGHT_WITHOUT_DARK = "light without dark"
    BIAS_TWICE = "bias subtracted twice"
    GAIN_MISMATCH = "gain mismatch"
    OFFSET_MISMATCH = "offset mismatch"
    EXPOSURE_MISMATCH = "exposure mismatch"
    FLAT_ROTATED = "flat rotated"
    FLAT_SHIFTED = "flat shifted"
    FLAT_FLIPPED = "flat row-flipped"
    DUST_MOVED = "dust moved"
    LIGHT_LEAK = "light leak"
    FLAT_NOT_LINEAR = "saturated or non-linear flat"
    STRAY_LIGHT = "stray light"
    NONE = "none"


def probability_key(cause: Cause) -> str:
    """The name of a cause's probability among measured values."""
    return f"cause_{cause.name.lower()}_probability"


def ranked_causes(measured: Mapping[str, float | None]) -> tuple[tuple[Cause, float], ...]:
    """The causes whose probabilities are among measured values, the likeliest first."""
    found = [(cause, measured.get(probability_key(cause))) for cause in Cause]
    return tuple(sorted(((cause, value) for cause, value in found if value is not None), key=lambda one: -one[1]))
