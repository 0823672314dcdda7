"""A simulated camera and nights with known truth: for the demo, the tests, the docs and curious users.

`simulate_night` writes an ordinary night, `simulate_messy_night` one as users really have it; `expose` takes a single
frame in memory.
"""

from __future__ import annotations

from evenfield.simulate.camera import Camera
from evenfield.simulate.exposure import expose
from evenfield.simulate.judgment import FlatJudgment, judge_flat
from evenfield.simulate.messy import MessyNight, messy_truth, simulate_messy_night
from evenfield.simulate.night import Night, night_truth, simulate_night
from evenfield.simulate.patterns import Patterns, camera_patterns, color_image, dark_rate
from evenfield.simulate.recipes import (
    FilterRecipe,
    NightRecipe,
    ccd_with_overscan,
    cmos_camera,
    example_night,
    osc_night,
)
from evenfield.simulate.scene import (
    DustMote,
    Lamp,
    Optics,
    Sky,
    gradient_image,
    illumination,
    lamp_for_level,
    sky_image,
)
from evenfield.simulate.truth import Truth, camera_truth

__all__ = [
    "Camera",
    "DustMote",
    "FilterRecipe",
    "FlatJudgment",
    "Lamp",
    "MessyNight",
    "Night",
    "NightRecipe",
    "Optics",
    "Patterns",
    "Sky",
    "Truth",
    "camera_patterns",
    "camera_truth",
    "ccd_with_overscan",
    "cmos_camera",
    "color_image",
    "dark_rate",
    "example_night",
    "expose",
    "gradient_image",
    "illumination",
    "judge_flat",
    "lamp_for_level",
    "messy_truth",
    "night_truth",
    "osc_night",
    "simulate_messy_night",
    "simulate_night",
    "sky_image",
]
