"""The plain NumPy twin of the level kernel."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def level_reference(
    values: ArrayLike, *, shift: float = 0.0, subtract: ArrayLike | None = None, saturation_adu: float | None = None
) -> dict[str, float | int | None]:
    """What `evenfield.normalize.band_level` finds, field by field, from true raw values (any shape)."""
    raw = np.asarray(values, dtype=np.float64)
    master = np.zeros(raw.shape) if subtract is None else np.asarray(subtract, dtype=np.float64).reshape(raw.shape)
    known = np.isfinite(raw)
    saturated = known & (raw >= (math.inf if saturation_adu is None else saturation_adu))
    used = known & ~saturated & np.isfinite(master)
    return {
        "sum": math.fsum(raw[used] - shift - master[used]),
        "count": int(used.sum()),
        "n_saturated": int(saturated.sum()),
        "n_blank": int((~used & ~saturated).sum()),
        "minimum": float(raw[known].min()) if known.any() else None,
        "maximum": float(raw[known].max()) if known.any() else None,
    }
