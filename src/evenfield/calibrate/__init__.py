"""What is subtracted from, multiplied to and divided into a frame, and a view that does it while reading."""

from evenfield.calibrate.darks import scaled_dark
from evenfield.calibrate.frames import calibrate_frame
from evenfield.calibrate.views import CalibratedView

__all__ = ["CalibratedView", "calibrate_frame", "scaled_dark"]
