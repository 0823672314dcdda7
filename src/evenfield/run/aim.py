"""What exposure a flat should have had: half way from its calibration to saturation, by the levels measured."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence

from evenfield.examine.limits import AIM_SHARE
from evenfield.model.frame import exposure_text


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """A flat with its exposure and its level above its calibration; ``None`` is unknown."""

    exposure_s: float | None
    level_adu: float | None
    saturated: bool


def aim_mend(flats: Sequence[Exposed], *, saturation_adu: float | None, calibration_adu: float) -> str | None:
    """Return "Aim near 33,000 ADU: about 14 s at this panel setting."; ``None`` where that cannot be told.

    The level grows with the exposure. It is taken from the flats that are not saturated; where all are, from the
    pixels of those that are not.

    Parameters
    ----------
    flats : sequence of Exposed
        The saturated flats and the good ones of their group.
    saturation_adu : float or None
    calibration_adu : float
        The mean of what is subtracted: the level without light.
    """
    if saturation_adu is None or saturation_adu <= calibration_adu:
        return None
    aim = AIM_SHARE * (saturation_adu + calibration_adu)
    usable = [one for one in flats if (one.exposure_s or 0) > 0 and (one.level_adu or 0) > 0]
    good = [one for one in usable if not one.saturated] or usable
    if not good:
        return None
    rate = statistics.median((one.level_adu or 0.0) / (one.exposure_s or 1.0) for one in good)
    seconds = exposure_text(_rounded((aim - calibration_adu) / rate))
    return f"Aim near {round(aim, -3 if aim >= 10000 else -1):,.0f} ADU: about {seconds} at this panel setting."


def _rounded(seconds: float) -> float:
    """Two digits: the light of a panel is not known better."""
    return float(f"{seconds:.2g}")
