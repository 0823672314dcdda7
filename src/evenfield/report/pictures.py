"""Looking at the products of a run, for its page: each is read once, in bands, and reduced to a sketch."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Final

from evenfield.describe.description import describe_frame
from evenfield.errors import EvenfieldError
from evenfield.examine.sketch import LONGEST, ReadRows, Sketch, sketch_frame
from evenfield.model.frame import FrameKind
from evenfield.model.pixels import Float32Array, PixelSource, Tile
from evenfield.model.plots import Plot
from evenfield.model.report import Report, StepResult, StepStatus
from evenfield.read import open_source
from evenfield.read.extensions import extension_names, open_extension
from evenfield.report.sketches import (
    Picture,
    count_picture,
    cross_sections,
    flat_says,
    histogram,
    picture,
    radial_profile,
)

ROOM_BYTES: Final = 4_500_000
"""Bytes that all pictures of a page have together at most, before they are packed: a page of a hundred masters must
open in a second.
"""

_SMALLEST: Final = 160
_LEVEL_OF_FLATS: Final = 0.5
_LEVEL_OF_SKY: Final = 0.25
"""Shades of the median, as in the window."""

_MAPS: Final = {
    "LOW": ("Rejected as too low", "how many samples of each pixel were rejected as too low"),
    "HIGH": ("Rejected as too high", "how many samples of each pixel were rejected as too high"),
    "USED": ("Samples used", "how many samples of each pixel were used"),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What there is to look at of one step: pictures, plots of pixels, and what could not be looked at, in words."""

    pictures: tuple[Picture, ...] = ()
    plots: tuple[Plot, ...] = ()
    failed: str = ""


def look_at(report: Report, *, threads: int | None = None) -> dict[str, Seen]:
    """The pictures and plots of every product of a report, by the id of its step.

    Parameters
    ----------
    report : Report
    threads : int, optional
        How many products are read at the same time; by default one a core, four at most.

    Returns
    -------
    dict
        A product that cannot be read any more is told in ``failed``; nothing is raised for it.
    """
    made = [one for one in report.results if one.status in (StepStatus.DONE, StepStatus.REUSED) and one.outputs]
    n_pictures = sum(2 if one.kind is FrameKind.LIGHT else 1 for one in made)
    longest = min(LONGEST, max(_SMALLEST, math.isqrt(round(1.5 * ROOM_BYTES / max(1, n_pictures)))))
    workers = min(4, threads or os.cpu_count() or 1, max(1, len(made)))
    with concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="pictures") as pool:
        found = pool.map(lambda one: _look(one, longest), made)
        return {result.id: seen for result, seen in zip(made, found, strict=True)}


def _look(result: StepResult, longest: int) -> Seen:
    """The pictures of one step; the boundary at which a file that cannot be read becomes a sentence."""
    try:
        if result.kind is FrameKind.LIGHT:
            return _light(result, longest)
        return _master(result, longest)
    except (EvenfieldError, OSError, ValueError, MemoryError) as error:
        return Seen(failed=f"Its picture could not be made: {error}")


def _master(result: StepResult, longest: int) -> Seen:
    path = result.outputs[0]
    sketch, top_down = _sketch(path, longest)
    is_flat = result.kind is FrameKind.FLAT
    says = f"{result.kind.words} master, stretched so that its noise is to be seen"
    if is_flat:
        says = flat_says(sketch, top_down=top_down)
    pictures = [
        picture(
            sketch,
            title=f"Master {result.kind.words}",
            says=says,
            top_down=top_down,
            background=_LEVEL_OF_FLATS if is_flat else _LEVEL_OF_SKY,
        )
    ]
    plots = [histogram(sketch, label="ADU"), radial_profile(sketch) if is_flat else None]
    plots.append(cross_sections(sketch, relative=is_flat, names=() if is_flat else ("across", "down")))
    pictures += _maps(path, longest, top_down)
    return Seen(pictures=tuple(pictures), plots=tuple(one for one in plots if one is not None))


def _light(result: StepResult, longest: int) -> Seen:
    """The first light of a group before and after, both stretched by the same rule."""
    first = result.lights[0]
    name = os.path.basename(first.path)
    pictures, failed = [], ""
    for path, title, says in (
        (first.path, "Before", f"{name} as it was taken"),
        (first.output, "After", f"{name} calibrated"),
    ):
        try:
            sketch, top_down = _sketch(path, longest)
        except EvenfieldError as error:
            failed = f"A picture could not be made: {error}"
            continue
        pictures.append(picture(sketch, title=title, says=says, top_down=top_down, background=_LEVEL_OF_SKY))
    return Seen(pictures=tuple(pictures), failed=failed)


def _maps(path: str, longest: int, top_down: bool) -> list[Picture]:
    names: Sequence[str] = ()
    with contextlib.suppress(EvenfieldError):
        names = extension_names(path)
    found = []
    for name, (title, says) in _MAPS.items():
        source = open_extension(path, name) if name in names else None
        if source is not None:
            with contextlib.closing(source):
                sketch = sketch_frame(_rows_of(source), shape=source.shape, longest=longest // 2)
            found.append(count_picture(sketch, title=title, says=says, top_down=top_down))
    return found


def _sketch(path: str, longest: int) -> tuple[Sketch, bool]:
    """A file in small, and whether its first row belongs on top."""
    with contextlib.closing(open_source(path)) as source:
        setup = describe_frame(source.header).setup if source.header is not None else None
        cfa = None if setup is None else setup.cfa
        sketch = sketch_frame(_rows_of(source), shape=source.shape, cfa=cfa, longest=longest)
    return sketch, setup is not None and setup.row_order == "TOP-DOWN"


def _rows_of(source: PixelSource) -> ReadRows:
    def read(start: int, stop: int) -> Float32Array:
        return source.read(Tile(start=start, stop=stop))

    return read
