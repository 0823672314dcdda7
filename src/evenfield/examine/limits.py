"""The limits of the gross faults, with their sources."""

from typing import Final

SATURATED_FROM: Final = 60000 / 65535
"""Pixels from this share of full scale count as saturated (the Guide's 5.6: not the maximum, because of hot pixels)."""

SATURATED_SHARE: Final = 0.01
"""A flat with more than this share of saturated pixels is left out."""

DARK_SHARE: Final = 0.25
"""A flat whose level is below this share of its group's median is left out."""

LEAST_TO_LEAVE_OUT: Final = 4
"""Frames are left out by level in groups of at least so many: in smaller ones the median says little."""

AIM_SHARE: Final = 0.5
"""Flats are exposed to half of the way from the bias to saturation, where all sensors are linear."""

LOW_LIGHT: Final = 0.2
"""Levels below this share of full scale are low (the field aims at 0.5, MasterFlatMaker at 0.33 to 0.5)."""

TOO_BRIGHT: Final = 0.8
"""Levels above this share of full scale are where sensors leave their linear range."""

SATURATED_MASTER: Final = 0.001
"""More than this share of saturated samples in the frames combined deserves a look."""

WEAK: Final = 0.2
"""Pixels of a master flat below this share of its level are flagged (BANZAI masks them)."""

BAD_PIXELS: Final = 1e-3
"""More than this share of pixels at or below zero is more than a sensor's dead pixels."""

REST_ADU: Final = 100.0
"""The additive rest for which the effect on the corners is told."""
