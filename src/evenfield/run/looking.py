"""Looking at the frames of a step once more: whole, or in a few bands of rows."""

from __future__ import annotations

import contextlib
import os
from typing import Final

import numpy as np

from evenfield.errors import ReadError
from evenfield.examine.grids import GRID
from evenfield.model.mosaic import period_of
from evenfield.model.pixels import Float32Array, PixelSource, Tile
from evenfield.model.plan import Step, StepInput
from evenfield.model.report import StepResult
from evenfield.read import CroppedSource
from evenfield.run.frames import open_frame
from evenfield.run.job import Job

SAMPLED_ROWS: Final = 12
"""Rows of each band that is looked at where not all are: whole periods of every mosaic."""

WHOLE_ROWS: Final = 2 * GRID * SAMPLED_ROWS
"""Frames of no more rows are read whole."""


class Looking:
    """Reads the frames of a step as they are examined; bands of rows lie below each other without gaps."""

    def __init__(self, step: Step, job: Job, *, thorough: bool) -> None:
        self._step, self._job = step, job
        self.thorough = thorough
        pattern = step.group.get("cfa")
        self.cfa = str(pattern) if pattern else None

    def pixels(self, item: StepInput) -> Float32Array | None:
        """The pixels of one raw frame that are looked at; ``None`` where it cannot be read."""
        try:
            with contextlib.closing(open_frame(self._job.input_path(item), self._job)) as source:
                return self.rows(source)
        except ReadError:
            return None

    def rows(self, source: PixelSource, *, trimmed: bool = False) -> Float32Array:
        """All rows, or the bands of rows that are looked at; products are trimmed already."""
        whole = source if self._step.trim is None or trimmed else CroppedSource(source, self._step.trim)
        rows, columns = whole.shape
        if self.thorough or rows <= WHOLE_ROWS:
            return whole.read(Tile(start=0, stop=rows))
        period = period_of(self.cfa)
        starts = [int((number + 0.5) * rows / GRID - SAMPLED_ROWS / 2) // period * period for number in range(GRID)]
        made = np.empty((GRID * SAMPLED_ROWS, columns), np.float32)
        for number, start in enumerate(starts):
            tile = Tile(start=start, stop=start + SAMPLED_ROWS)
            made[number * SAMPLED_ROWS : (number + 1) * SAMPLED_ROWS] = whole.read(tile)
        return made


def taken_part(step: Step, result: StepResult, job: Job) -> list[StepInput]:
    """The frames that went into the master, in the order in which they were taken."""
    used = {os.path.normpath(path) for path in result.inputs}
    items = [item for item in step.inputs if not used or job.input_path(item) in used]
    return sorted(items, key=lambda item: (job.frame(item).taken_at or "", item.path))
