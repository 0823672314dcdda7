"""Groups of frames, before anything is planned for them."""

from __future__ import annotations

import dataclasses
import functools

from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.plan import KeyValue


@dataclasses.dataclass(frozen=True, kw_only=True)
class FrameGroup:
    """Frames of one kind that make one master. ``key`` holds every key they share."""

    kind: FrameKind
    key: dict[str, KeyValue]
    frames: tuple[FrameInfo, ...]
    is_master: bool = False

    @functools.cached_property
    def exposures_s(self) -> tuple[float, ...]:
        """The known exposures, ascending, each once."""
        return tuple(sorted({frame.exposure_s for frame in self.frames if frame.exposure_s is not None}))

    @functools.cached_property
    def exposure_s(self) -> float | None:
        """The mean of the known exposures."""
        known = [frame.exposure_s for frame in self.frames if frame.exposure_s is not None]
        return sum(known) / len(known) if known else None

    @functools.cached_property
    def temperature_c(self) -> float | None:
        """The mean of the known temperatures, measured ones if there are any."""
        known = [frame.temperature_c for frame in self.frames if frame.temperature_c is not None]
        return sum(known) / len(known) if known else None
