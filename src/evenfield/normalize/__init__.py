"""Two verbs, never confused: bring frames to a common level before combining; bring a master to level 1 after."""

from evenfield.normalize.bands import BandLevel, band_level, merge_levels
from evenfield.normalize.scales import frame_scales
from evenfield.normalize.unit import LevelResult, unit_level

__all__ = ["BandLevel", "LevelResult", "band_level", "frame_scales", "merge_levels", "unit_level"]
