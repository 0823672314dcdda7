"""The exposure that saturated flats should have had."""

from __future__ import annotations

import pytest

from evenfield.run.aim import Exposed, aim_mend


def flats(*levels: float | None, exposure_s: float | None = 20.0, saturated: bool = False) -> list[Exposed]:
    """Flats of these levels above their calibration."""
    return [Exposed(exposure_s=exposure_s, level_adu=level, saturated=saturated) for level in levels]


BAD = flats(50000.0, exposure_s=30.0, saturated=True)


@pytest.mark.parametrize(
    ("shots", "saturation", "below", "wanted"),
    [
        # Half way from 500 to 65500 is 33000; 32500 above the dark flat at 2321 ADU a second are 14 s.
        ([*flats(46428.0, 46428.0), *BAD], 65500.0, 500.0, "Aim near 33,000 ADU: about 14 s at this panel setting."),
        # Nothing else is known: the pixels that are not saturated have to tell.
        (BAD, 65500.0, 500.0, "Aim near 33,000 ADU: about 20 s at this panel setting."),
        ([*flats(None, 0.0), *BAD], 65500.0, 500.0, "Aim near 33,000 ADU: about 20 s at this panel setting."),
        (flats(1000.0, exposure_s=2.0), 4095.0, 95.0, "Aim near 2,100 ADU: about 4.00 s at this panel setting."),
        (flats(1000.0, exposure_s=None), 65535.0, 500.0, None),
        (flats(1000.0), None, 500.0, None),
        (flats(1000.0), 400.0, 500.0, None),
    ],
    ids=["the others", "itself", "others without light", "12 bits", "no exposure", "no saturation", "nonsense"],
)
def test_the_aim(shots: list[Exposed], saturation: float | None, below: float, wanted: str | None) -> None:
    """Half way to saturation, by the levels of the flats that are not saturated; unknown stays unsaid."""
    assert aim_mend(shots, saturation_adu=saturation, calibration_adu=below) == wanted
