"""Raw bands and their terms, or a stack in memory, to one value, noise, count and rejections a pixel."""

from evenfield.combine.bands import BandTerms, CombineRecipe, combine_band
from evenfield.combine.frames import combine_frames

__all__ = ["BandTerms", "CombineRecipe", "combine_band", "combine_frames"]
