"""A plot as inline SVG that needs no script: axes with ticks, a title and a description for those who do not see it.

All colors are classes of the page's style, so that one drawing serves by day, by night and on paper; lines differ in
their dashes too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from evenfield.model.plots import Mark, Plot, Series
from evenfield.report.html import Markup, joined, tag

WIDTH: Final = 420
HEIGHT: Final = 232
_LEFT: Final = 26
"""Room for the turned label and the gaps beside it; that of the numbers comes on top."""

_DIGIT: Final = 6.7
"""How wide a digit is at most, of the style's 11.5 pixels."""

_RIGHT: Final = 14
_TOP: Final = 10
_BOTTOM: Final = 40
_HIGH: Final = HEIGHT - _TOP - _BOTTOM

_TICKS: Final = 5
_MOST_POINTS: Final = 400
"""Points that are drawn of one series: of more, every second, third, ... one. A plot is 350 pixels wide."""

_ROOM: Final = 0.06
"""Free room above and below what is drawn, as a share of its range."""

_NARROWEST: Final = 1e-9
"""The least range of an axis, as a share of its greatest value: below, floats have no steps left."""

_LEAST_LOG: Final = 1e-300
"""What is smaller counts as nothing on a logarithmic axis: powers of ten below have no float."""

_MOST_DIGITS: Final = 5
_LARGE: Final = 1e10
"""Numbers with more digits behind the point, or as large, are written with a power of ten."""

_COLORS: Final = ("R", "G1", "G2", "B")


class _Axis:
    """One axis: what of it is shown, where a value lies, and its ticks."""

    def __init__(self, low: float, high: float, *, log: bool, length: int, start: float, turned: bool) -> None:
        self.log = log
        self._low, self._high = (math.log10(low), math.log10(high)) if log else (low, high)
        most = max(abs(self._low), abs(self._high))
        if not self._high - self._low > _NARROWEST * most:
            room = most * 1e-3 or 0.5
            self._low, self._high = self._low - room, self._high + room
        self._length, self._start, self._turned = length, start, turned

    def place(self, value: float) -> float:
        share = ((math.log10(value) if self.log else value) - self._low) / (self._high - self._low)
        return self._start + self._length * ((1.0 - share) if self._turned else share)

    def clamped(self, value: float) -> float:
        if self.log and value < _LEAST_LOG:
            return self._start
        return min(max(self.place(value), self._start), self._start + self._length)

    def holds(self, value: float) -> bool:
        if not math.isfinite(value) or (self.log and value < _LEAST_LOG):
            return False
        number = math.log10(value) if self.log else value
        reach = 1e-9 * (self._high - self._low)
        return self._low - reach <= number <= self._high + reach

    def ticks(self) -> list[tuple[float, str]]:
        if self.log:
            every = max(1, math.ceil((self._high - self._low) / _TICKS))
            whole = range(math.ceil(self._low - 1e-9), math.floor(self._high + 1e-9) + 1, every)
            return [(10.0**power, _power_text(power)) for power in whole]
        step = _tick_step((self._high - self._low) / _TICKS)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        first = math.ceil(self._low / step - 1e-9)
        last = math.floor(self._high / step + 1e-9)
        return [(number * step, _fixed_text(number * step, digits)) for number in range(first, last + 1)]


def _fixed_text(value: float, digits: int) -> str:
    return f"{value + 0.0:,.{digits}f}" if digits <= _MOST_DIGITS and abs(value) < _LARGE else f"{value:.3g}"


def _power_text(power: int) -> str:
    return f"{10**power:,}" if 0 <= power < 6 else f"1e{power}"


def _tick_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(one * power for one in (1.0, 2.0, 5.0, 10.0) if one * power >= rough * (1 - 1e-9))


def plot_figure(plot: Plot, *, ident: str) -> Markup:
    """A plot with its title, legend and sentence; ``ident`` is unique on the page and begins the ids within."""
    body = _drawing(plot)
    if body is None:
        body = Markup("")
        says = f"{plot.says} There is nothing to draw." if plot.says else "There is nothing to draw."
    else:
        says = plot.says
        body = tag(
            "svg",
            tag("title", plot.title, id=f"{ident}-t"),
            tag("desc", f"{plot.y_label} over {plot.x_label}. {plot.says}", id=f"{ident}-d"),
            body,
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_labelledby=f"{ident}-t",
            aria_describedby=f"{ident}-d",
        )
    legend = None
    if len(plot.series) > 1:
        legend = tag("ul", [_legend_entry(one, number) for number, one in enumerate(plot.series)], class_="legend")
    return tag(
        "figure",
        tag("figcaption", tag("strong", plot.title), class_="above"),
        body,
        legend,
        tag("p", says, class_="says", aria_hidden="true" if body else None) if says else None,
        class_="plot",
    )


def _legend_entry(series: Series, number: int) -> Markup:
    sign = tag("line", x1=1, x2=21, y1=5, y2=5, class_=f"series {_color(series, number)}")
    if series.style == "points":
        sign = tag("circle", cx=11, cy=5, r=3, class_=f"dot {_color(series, number)}")
    return tag("li", tag("svg", sign, viewBox="0 0 22 10", width=22, height=10, aria_hidden="true"), " ", series.name)


def _color(series: Series, number: int) -> str:
    return f"color-{series.name}" if series.name in _COLORS else f"s{number % 6}"


def _drawing(plot: Plot) -> Markup | None:
    xs = [x for one in plot.series for x, y in zip(one.x, one.y, strict=True) if _shown(x, y, plot)]
    ys = [y for one in plot.series for x, y in zip(one.x, one.y, strict=True) if _shown(x, y, plot)]
    if not xs:
        return None
    for one in plot.series:
        if one.style == "steps" and len(one.x) > 1 and not plot.log_x:
            half = (one.x[1] - one.x[0]) / 2
            xs += [one.x[0] - half, one.x[-1] + half]
        for value, error in zip(one.y, one.error, strict=False):
            ends = (value - error, value + error)
            ys += [end for end in ends if math.isfinite(end) and (end >= _LEAST_LOG or not plot.log_y)]
    for mark in plot.marks:
        (xs if mark.axis == "x" else ys).append(mark.at)
    y = _Axis(*_y_range(plot, min(ys), max(ys)), log=plot.log_y, length=_HIGH, start=_TOP, turned=True)
    y_ticks = y.ticks()
    left = _LEFT + math.ceil(_DIGIT * max((len(label) for _, label in y_ticks), default=0))
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    x = _Axis(min(xs), max(xs), log=plot.log_x, length=right - left, start=left, turned=False)
    parts: list[Markup] = []
    for tick, label in y_ticks:
        at = _number(y.place(tick))
        parts.append(tag("line", x1=left, x2=right, y1=at, y2=at, class_="grid"))
        parts.append(tag("text", label, x=left - 6, y=at, dy="0.35em", text_anchor="end"))
    for tick, label in x.ticks():
        at = _number(x.place(tick))
        parts.append(tag("line", x1=at, x2=at, y1=bottom, y2=bottom + 4, class_="axis"))
        parts.append(tag("text", label, x=at, y=bottom + 17, text_anchor="middle"))
    parts.append(tag("line", x1=left, x2=right, y1=bottom, y2=bottom, class_="axis"))
    center, middle = (left + right) // 2, _TOP + _HIGH // 2
    parts.append(tag("text", plot.x_label, x=center, y=HEIGHT - 5, text_anchor="middle", class_="label"))
    turned = f"rotate(-90 11 {middle})"
    parts.append(tag("text", plot.y_label, x=11, y=middle, text_anchor="middle", transform=turned, class_="label"))
    for mark in plot.marks:
        parts += _mark(mark, x, y, left=left)
    for number, one in enumerate(plot.series):
        parts += _series(one, x, y, number=number)
    return joined(parts)


def _shown(x: float, y: float, plot: Plot) -> bool:
    if not (math.isfinite(x) and math.isfinite(y)):
        return False
    return not (plot.log_x and x < _LEAST_LOG) and not (plot.log_y and y < _LEAST_LOG)


def _y_range(plot: Plot, low: float, high: float) -> tuple[float, float]:
    if plot.log_y:
        return 10.0 ** math.floor(math.log10(low) + 1e-9), 10.0 ** math.ceil(math.log10(high) - 1e-9)
    if high - low < plot.y_least_span:
        middle = (low + high) / 2
        low, high = middle - plot.y_least_span / 2, middle + plot.y_least_span / 2
    if any(one.style == "steps" for one in plot.series):
        return min(low, 0.0), high + _ROOM * (high - low)
    return low - _ROOM * (high - low), high + _ROOM * (high - low)


def _mark(mark: Mark, x: _Axis, y: _Axis, *, left: int) -> list[Markup]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    if mark.axis == "x":
        at = x.place(mark.at)
        is_left = at < (left + right) / 2
        line = tag("line", x1=_number(at), x2=_number(at), y1=_TOP, y2=bottom, class_="mark")
        where, anchor = _number(at + 4 if is_left else at - 4), "start" if is_left else "end"
        return [line, tag("text", mark.name, x=where, y=_TOP + 11, text_anchor=anchor, class_="marked")]
    at = y.place(mark.at)
    line = tag("line", x1=left, x2=right, y1=_number(at), y2=_number(at), class_="mark")
    where = _number(at - 5 if at > _TOP + 20 else at + 14)
    return [line, tag("text", mark.name, x=right - 2, y=where, text_anchor="end", class_="marked")]


def _series(series: Series, x: _Axis, y: _Axis, *, number: int) -> list[Markup]:
    color = _color(series, number)
    if series.style == "steps":
        return [tag("path", d=_steps(series, x, y), class_=f"steps {color}")]
    every = max(1, math.ceil(len(series.x) / _MOST_POINTS))
    places = [
        (x.place(a), y.place(b)) if x.holds(a) and y.holds(b) else None
        for a, b in zip(series.x[::every], series.y[::every], strict=True)
    ]
    parts = []
    if series.error:
        bars = [
            f"M{_number(x.place(a))} {_number(y.place(b - e))}V{_number(y.place(b + e))}"
            for a, b, e in zip(series.x[::every], series.y[::every], series.error[::every], strict=True)
            if x.holds(a) and y.holds(b - e) and y.holds(b + e)
        ]
        parts.append(tag("path", d="".join(bars), class_=f"error {color}"))
    if series.style == "points":
        dots = "".join(f"M{_number(place[0])} {_number(place[1])}h0" for place in places if place is not None)
        parts.append(tag("path", d=dots, class_=f"points {color}"))
    else:
        parts.append(tag("path", d=_line(places), class_=f"series {color}"))
    return parts


def _line(places: Sequence[tuple[float, float] | None]) -> str:
    pieces, pen = [], "M"
    for place in places:
        if place is None:
            pen = "M"
            continue
        pieces.append(f"{pen}{_number(place[0])} {_number(place[1])}")
        pen = "L"
    return "".join(pieces)


def _steps(series: Series, x: _Axis, y: _Axis) -> str:
    """The outline of the bins, closed at the bottom of the plot."""
    bottom = HEIGHT - _BOTTOM
    half = (series.x[1] - series.x[0]) / 2 if len(series.x) > 1 else 0.5
    pieces = [f"M{_number(x.clamped(series.x[0] - half))} {bottom}"]
    for middle, value in zip(series.x, series.y, strict=True):
        top = y.place(value) if y.holds(value) else bottom
        pieces.append(f"V{_number(top)}H{_number(x.clamped(middle + half))}")
    return "".join([*pieces, f"V{bottom}Z"])


def _number(value: float) -> str:
    """A coordinate to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")
