"""Stars in flats: every other flat is compared with the next one, a band of rows at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final

from evenfield.errors import ReadError
from evenfield.examine.points import MARGIN, moving_points, side_of
from evenfield.model.mosaic import period_of
from evenfield.model.pixels import PixelSource, Tile
from evenfield.model.plan import Step, StepInput
from evenfield.read import CroppedSource
from evenfield.run.executors import work_through
from evenfield.run.frames import open_frame
from evenfield.run.job import Job
from evenfield.run.looking import WHOLE_ROWS

PAIRS: Final = 4
"""Pairs of flats that are compared, evenly spread over the set."""

BAND_PIXELS: Final = 1 << 19
"""Pixels of each flat of a pair that are held at a time."""


def star_counts(step: Step, items: Sequence[StepInput], job: Job, *, thorough: bool) -> tuple[int, ...]:
    """The points of light of each flat that was compared with the next one, which has them not.

    Parameters
    ----------
    step : Step
        Of flats; ``items`` are its frames in the order in which they were taken.
    items : sequence of StepInput
    job : Job
    thorough : bool
        Else nothing is compared, unless the frames are so small that they are read whole anyway: bands show few stars.
    """
    if not items or not (thorough or job.frame(items[0]).setup.shape[0] <= WHOLE_ROWS):
        return ()
    pattern = step.group.get("cfa")
    cfa = str(pattern) if pattern else None
    pairs = [(items[at], items[at + 1]) for at in range(0, len(items) - 1, 2)]
    pairs = pairs[:: max(1, -(-len(pairs) // PAIRS))]
    counts: list[int] = []
    for pair in pairs:
        try:
            with contextlib.ExitStack() as stack:
                sources = []
                for item in pair:
                    source = open_frame(job.input_path(item), job)
                    stack.callback(source.close)
                    sources.append(source if step.trim is None else CroppedSource(source, step.trim))
                counts += _of_pair(sources[0], sources[1], cfa, job)
        except ReadError:
            continue
    return tuple(counts)


def _of_pair(first: PixelSource, second: PixelSource, cfa: str | None, job: Job) -> tuple[int, int]:
    rows, columns = first.shape
    period = period_of(cfa)
    margin = MARGIN * side_of(cfa)
    height = max(4 * margin, BAND_PIXELS // columns) // period * period
    # The rows at either end of a band are neighbors only; the next band begins so much earlier.
    tiles = [Tile(start=start, stop=min(start + height + 2 * margin, rows)) for start in range(0, rows, height)]

    def look_at(tile: Tile) -> tuple[int, int]:
        found = moving_points(first.read(tile), second.read(tile), cfa=cfa)
        return found.first, found.second

    found = work_through(
        [tile for tile in tiles if tile.rows > 2 * margin], look_at, threads=job.threads, cancel=job.cancel
    )
    return sum(one for one, _ in found), sum(other for _, other in found)
