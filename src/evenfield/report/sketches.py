"""What can be drawn of a sketch: its picture, and histogram, radial profile and sections as plots. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.examine.sketch import Sketch, ring_means, sections
from evenfield.examine.stretch import NO_VALUE, Stretch, automatic, full_range, shades, statistics_of
from evenfield.model.pixels import Float32Array, Float64Array
from evenfield.model.plots import Plot, Series
from evenfield.write.png import png_bytes

BINS: Final = 100
_OUTER: Final = (0.0005, 0.9995)
"""The shares of the values between which a histogram is drawn: single hot pixels would squeeze all else."""

_SECTION_POINTS: Final = 160
"""Points of a section: one for two pixels of the plot."""

_LEAST_SPAN: Final = 0.5
"""Per cent of the level at the center that an axis shows at least."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture for the page: PNG, its (rows, columns), what it is, what is to be seen, and how it was made."""

    title: str
    png: bytes
    shape: tuple[int, int]
    says: str
    note: str = ""


def picture(
    sketch: Sketch, *, title: str, says: str, top_down: bool, background: float, stretch: Stretch | None = None
) -> Picture:
    """The cells as shades, with the automatic stretch of the window unless one is given."""
    if stretch is None:
        stretch = automatic(statistics_of(sketch.cells), background=background)
    gray = _gray(sketch, stretch, top_down)
    rows, columns = sketch.shape
    note = f"{columns} x {rows} pixels, black {number_text(stretch.black)}, white {number_text(stretch.white)} ADU"
    return Picture(title=title, png=png_bytes(gray), shape=(gray.shape[0], gray.shape[1]), says=says, note=note)


def count_picture(sketch: Sketch, *, title: str, says: str, top_down: bool) -> Picture:
    """The cells of a map of counts, on a straight line from their least to their greatest value."""
    found = statistics_of(sketch.cells)
    low, high = (0.0, found.greatest) if found.least >= 0 and found.least < 0.5 * found.greatest else (
        found.least, found.greatest
    )  # fmt: skip
    stretch = Stretch(black=low, white=high) if high > low else full_range(found)
    gray = _gray(sketch, stretch, top_down)
    note = f"black {stretch.black:,.3g}, white {stretch.white:,.3g}, means of blocks of pixels"
    return Picture(title=title, png=png_bytes(gray), shape=(gray.shape[0], gray.shape[1]), says=says, note=note)


def _gray(sketch: Sketch, stretch: Stretch, top_down: bool) -> NDArray[np.uint8]:
    """The cells as they are seen; what has no value is black, as dead pixels are."""
    gray = shades(sketch.cells if top_down else sketch.cells[::-1], stretch)
    gray[gray == NO_VALUE] = 0
    return gray


def histogram(sketch: Sketch, *, label: str) -> Plot:
    """How many pixels have which value, on a logarithmic axis; one line for each color of a mosaic."""
    values = sketch.values
    told = "No pixel has a value."
    series: list[Series] = []
    if values.size:
        low, middle, high = (float(one) for one in np.quantile(values, (_OUTER[0], 0.5, _OUTER[1])))
        if not high > low:
            low, high = low - 0.5, high + 0.5
        told = (
            f"Half of the pixels are below {number_text(middle)}; 99.9 % lie between {number_text(low)} and "
            f"{number_text(high)}."
        )
        told = f"{told} Sample of {values.size:,} pixels."
        groups = sketch.color_values or {"pixels": values}
        style = "line" if sketch.color_values else "steps"
        for name, some in groups.items():
            counts, edges = np.histogram(some, bins=BINS, range=(low, high))
            middles = (edges[:-1] + edges[1:]) / 2
            series.append(Series(name=name, x=_numbers(middles), y=_numbers(counts.astype(np.float64)), style=style))
    return Plot(
        title="Histogram", x_label=label, y_label="pixels of the sample", series=tuple(series), says=told, log_y=True
    )


def radial_profile(sketch: Sketch) -> Plot | None:
    """The mean of rings around the center, in per cent of the level at the center; one line for each color."""
    series, told = [], []
    for name, cells in (sketch.colors or {"all pixels": sketch.cells}).items():
        center = sketch.center(name if sketch.colors else None)
        if not center > 0:
            continue
        radius, means = ring_means(cells, shape=sketch.shape)
        share = 100.0 * means / center
        series.append(Series(name=name, x=_numbers(100.0 * radius), y=_numbers(share)))
        known = share[np.isfinite(share)]
        if known.size:
            told.append(f"{known[-1]:.1f} %" + (f" ({name})" if sketch.colors else ""))
    if not series:
        return None
    return Plot(
        title="Radial profile",
        x_label="distance from the center, % of the half diagonal",
        y_label="% of the center",
        series=tuple(series),
        says=f"From 100 % at the center the light falls to {', '.join(told)} in the corners.",
        y_least_span=_LEAST_SPAN,
    )


def cross_sections(sketch: Sketch, *, relative: bool, names: Sequence[str] = ()) -> Plot | None:
    """Values along the rows, the columns and both diagonals; ``relative``: in per cent of the level at the center."""
    center = sketch.center() if relative else 100.0
    if not (center > 0 and math.isfinite(center)):
        return None
    series, ends = [], []
    for name, (place, values) in sections(sketch.cells).items():
        if names and name not in names:
            continue
        found = _thinned(values) * (100.0 / center)
        where = _thinned(place)
        series.append(Series(name=name, x=_numbers(100.0 * where), y=_numbers(found)))
        known = found[np.isfinite(found)]
        if known.size:
            ends.append(f"{name} from {number_text(known[0])} to {number_text(known[-1])}")
    if not ends:
        return None
    unit = "%" if relative else "ADU"
    return Plot(
        title="Sections through the center",
        x_label="from the first pixel to the last, % of the way",
        y_label="% of the center" if relative else "ADU",
        series=tuple(series),
        says=f"First and last value of each, {unit}: {'; '.join(ends)}.",
        y_least_span=_LEAST_SPAN if relative else 1.0,
    )


def flat_says(sketch: Sketch, *, top_down: bool) -> str:
    """What is to be seen on the picture of a flat: how dark its corners are."""
    center = sketch.center()
    if not center > 0:
        return "no light is to be seen in the middle"
    cells = sketch.cells if top_down else sketch.cells[::-1]
    high, wide = (max(1, side // 20) for side in cells.shape)
    boxes = {
        "top left": cells[:high, :wide],
        "top right": cells[:high, -wide:],
        "bottom left": cells[-high:, :wide],
        "bottom right": cells[-high:, -wide:],
    }
    shares = {name: 100.0 * _mean(box) / center for name, box in boxes.items()}
    words = [f"{share:.0f} % {name}" for name, share in shares.items() if math.isfinite(share)]
    return f"of the light at the center, the corners have {', '.join(words)}" if words else "the corners have no value"


def number_text(value: float) -> str:
    """A number with as many digits as people read: "30,961", "506.2", "0.0123"."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _mean(box: Float32Array) -> float:
    found = box[np.isfinite(box)]
    return float(found.mean(dtype=np.float64)) if found.size else math.nan


def _thinned(values: Float64Array) -> Float64Array:
    """Means of neighbors, so that no more than `_SECTION_POINTS` are left; a gap stays one."""
    every = math.ceil(values.size / _SECTION_POINTS)
    if every == 1:
        return values
    whole = values[: values.size // every * every].reshape(-1, every)
    return np.asarray(whole.mean(axis=1))


def _numbers(values: Float64Array) -> tuple[float, ...]:
    """Six digits each: nobody sees more, and the page is smaller."""
    return tuple(float(f"{value:.6g}") for value in values.tolist())
