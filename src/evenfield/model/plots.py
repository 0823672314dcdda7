"""A plot as values: what an examination hands over, and the report draws."""

from __future__ import annotations

import msgspec


class Series(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line or one set of points.

    ``x`` and ``y`` have equal lengths; NaN in ``y`` is a gap. ``error`` (empty, or as long) holds standard errors of
    ``y``. ``style`` is "line", "points", or "steps" (a histogram: ``x`` are the middles of bins of equal width).
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    error: tuple[float, ...] = ()
    style: str = "line"


class Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value of an axis ("x" or "y") that is marked by a line across the plot, with its name."""

    axis: str
    at: float
    name: str


class Plot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One plot: axes with their units, and what is drawn between them.

    ``says`` is the plot in a sentence, with its numbers, for those who do not see it; it stands below the plot too.
    ``log_x`` and ``log_y`` ask for logarithmic axes: what is not positive is left out. ``y_least_span`` is the least
    range that the y axis shows, in its unit, so that noise does not fill the height.
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    says: str
    marks: tuple[Mark, ...] = ()
    log_x: bool = False
    log_y: bool = False
    y_least_span: float = 0.0
