"""For tests, also those of users: plain NumPy twins of the kernels, and Hypothesis strategies in `testing.strategies`.

The twins are written from the definitions alone, one column at a time; they share no code with the kernels.
"""

from evenfield.testing.combining import Reference, combine_reference
from evenfield.testing.leveling import level_reference

__all__ = ["Reference", "combine_reference", "level_reference"]
