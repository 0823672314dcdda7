"""A scene for every code of the catalogue.

    scene = SCENES["uncalibrated"]
    request = request_of(scene.build(folder))

To add one, write a function into the module of its theme, with ``@SCENES.add(code, shows)`` above it; a code that can
show in other ways as well has them in `VARIANTS`, with ``variant="..."``.
"""

from __future__ import annotations

import code_scenes_calibration
import code_scenes_frames
import code_scenes_lights
import code_scenes_running
import code_scenes_sets
import code_scenes_verdicts
from scene_parts import CodeScene

__all__ = ["NEVER", "SCENES", "VARIANTS", "CodeScene"]

_ALL: dict[str, CodeScene] = {
    **code_scenes_frames.SCENES,
    **code_scenes_calibration.SCENES,
    **code_scenes_running.SCENES,
    **code_scenes_lights.SCENES,
    **code_scenes_sets.SCENES,
    **code_scenes_verdicts.SCENES,
}

SCENES: dict[str, CodeScene] = {name: scene for name, scene in _ALL.items() if name == scene.code}
"""The most telling scene of every code."""

VARIANTS: dict[str, CodeScene] = {name: scene for name, scene in _ALL.items() if name != scene.code}
"""Other ways in which a code shows or is mended, as "code/variant"."""

NEVER: dict[str, str] = {
    "plan": "It is said of a saved plan that was edited by hand (evenfield run), never of a job.",
}
"""Codes that no job shows, and why."""
