"""How far a master may be from the frames it calibrates, with the source of each number."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from evenfield.model.settings import MISMATCH_KEYS, CalibrationSettings

EXPOSURE_SHARE: Final = 0.05
"""A dark flat fits within 5 % of the flat's exposure ..."""

EXPOSURE_LEAST_S: Final = 0.005
"""... or within 5 ms, whichever is larger."""

DARK_TEMPERATURE_C: Final = 3.0
"""Darks and dark flats: dark current doubles every 5 to 7 C, so 3 C are 40 % of it."""

BIAS_TEMPERATURE_C: Final = 10.0
"""Bias: no dark current in it; only the electronics drift."""

ROUNDING: Final = 1e-9
"""A difference of exactly a limit, such as 2.1 s from 2.0 s, fits in spite of binary fractions."""

GOOD_SET: Final = 5
"""Sets with at least so many frames come before smaller ones when a dark is scaled: outliers cannot be rejected in
fewer."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits in force. ``allowed`` maps a key to the limit a user set; ``None`` there allows any difference.

    ``overscan`` says that the overscan is subtracted from raw frames: of a ready master nobody knows whether it was.
    ``untold`` lets a set be taken whose exposure nobody knows.
    """

    allowed: dict[str, float | None]
    overscan: bool = False
    untold: bool = False

    @classmethod
    def of(cls, settings: CalibrationSettings) -> Limits:
        """The standard limits, with what the settings allow beyond them."""
        return cls(allowed=settings.mismatch_limits(), overscan=settings.overscan is not None)

    def widening(self) -> tuple[Limits, ...]:
        """These limits, then all that can be accepted but another exposure, then that as well: for sets asked for.

        The order lets a dark be scaled, where it may be, before it is subtracted as if it had the frames' exposure.
        """
        wide: dict[str, float | None] = dict.fromkeys(key for key in MISMATCH_KEYS if key != "number_domain")
        exposure = {key: limit for key, limit in self.allowed.items() if key in ("exposure", "number_domain")}
        most = {**wide, **exposure}
        if "exposure" not in exposure:
            most.pop("exposure")
        all_of_it = {**most, "exposure": None}
        return (
            self,
            dataclasses.replace(self, allowed=most),
            dataclasses.replace(self, allowed=all_of_it, untold=True),
        )

    def exposure_s(self, flat_s: float) -> float:
        """The greatest difference of exposure that fits, seconds, without what was allowed."""
        return max(EXPOSURE_SHARE * flat_s, EXPOSURE_LEAST_S)

    def temperature_c(self, role: str) -> float:
        """The greatest difference of temperature that fits, degrees Celsius, without what was allowed."""
        return BIAS_TEMPERATURE_C if role == "bias" else DARK_TEMPERATURE_C

    def allows(self, key: str, difference: float | None = None) -> bool:
        """Whether the user allowed this difference of this key."""
        if key not in self.allowed:
            return False
        limit = self.allowed[key]
        return limit is None or (difference is not None and difference <= limit + ROUNDING)


# INDI calls its CMOS cameras "ZWO CCD ASI...", so the makers of CMOS cameras are asked first.
_CMOS: Final = re.compile(
    r"\b(zwo|asi ?\d|qhy ?(5|16|17|18|22|24|26|27|28|29|36|41|42|46|53|60)|player ?one|touptek|svbony|altair|"
    r"canon|nikon|sony|fuji|pentax|olympus|cmos|imx ?\d|mallincam|omegon ve|horizon|apx|moravian c\d)",
    re.IGNORECASE,
)
_CCD: Final = re.compile(
    r"\b(sbig|st[lftix]?-?\d|qsi|fli\b|finger lakes|microline|proline|apogee|alta|aspen|kaf|icx\d|starlight|sxv|trius|"
    r"atik (?!horizon|apx|acis)|moravian g\d|ccd|qhy ?(8|9|10|11|12))",
    re.IGNORECASE,
)


def is_ccd(camera: str | None) -> bool:
    """Whether a camera's name says that its sensor is a CCD; unknown names do not."""
    if camera is None or _CMOS.search(camera):
        return False
    return bool(_CCD.search(camera))
