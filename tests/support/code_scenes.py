"""A scene for every code of the catalogue.

    scene = SCENES["uncalibrated"]
    request = request_of(scene.build(folder))

To add one, write a function into the module of its theme, with ``@SCENES.add(code, shows)`` above it.
"""

from __future__ import annotations

import code_scenes_calibration
import code_scenes_frames
import code_scenes_lights
import code_scenes_running
from scene_parts import CodeScene

__all__ = ["NEVER", "SCENES", "CodeScene"]

SCENES: dict[str, CodeScene] = {
    **code_scenes_frames.SCENES,
    **code_scenes_calibration.SCENES,
    **code_scenes_running.SCENES,
    **code_scenes_lights.SCENES,
}
"""Every scene by its code."""

NEVER: dict[str, str] = {
    "plan": "It is said of a saved plan that was edited by hand (evenfield run), never of a job.",
}
"""Codes that no job shows, and why."""
