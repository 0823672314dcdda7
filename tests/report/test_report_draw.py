"""Plots as SVG: axes with ticks, gaps, errors, and words for those who do not see them."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfield.model.plots import Mark, Plot, Series
from evenfield.report.draw import HEIGHT, WIDTH, plot_figure


def plot(*series: Series, **more: Any) -> Plot:
    """A plot of some series."""
    given = {"title": "A title", "x_label": "time, s", "y_label": "level, ADU", "says": "It rises.", **more}
    return Plot(series=series, **given)


def line(y: tuple[float, ...], **more: Any) -> Series:
    """A series over 0, 1, 2, ..."""
    return Series(name=more.pop("name", "a"), x=tuple(map(float, range(len(y)))), y=y, **more)


def drawn(one: Plot) -> ET.Element:
    """The figure, which must be well-formed XML too."""
    return ET.fromstring(plot_figure(one, ident="p"))


def labels(figure: ET.Element) -> list[str]:
    """All texts of the drawing."""
    return [found.text or "" for found in figure.iter("text")]


def path(figure: ET.Element, name: str) -> str:
    """The path of a class."""
    return next(found.attrib["d"] for found in figure.iter("path") if name in found.attrib["class"].split())


def test_it_has_a_name_and_a_description() -> None:
    """The drawing is one image with title and description, which tell axes, units and what is to be seen."""
    figure = drawn(plot(line((1.0, 2.0))))
    svg = figure.find("svg")
    assert svg is not None
    assert svg.attrib["role"] == "img"
    ids = [svg.attrib[f"aria-{one}"] for one in ("labelledby", "describedby")]
    told = [next(one.text for one in svg.iter() if one.attrib.get("id") == ident) for ident in ids]
    assert told == ["A title", "level, ADU over time, s. It rises."]
    assert {"time, s", "level, ADU"} <= set(labels(figure))


def test_ticks_are_round_numbers() -> None:
    """Ticks are multiples of 1, 2 or 5 with the digits that they need, thousands separated."""
    figure = drawn(plot(line((30_650.0, 31_237.0)), marks=(Mark(axis="y", at=31_000.0, name="aim"),)))
    shown = labels(figure)
    assert {"30,800", "31,000", "31,200"} <= set(shown)
    assert {"0.0", "0.2", "0.4", "1.0"} <= set(shown)
    assert "aim" in shown


def test_a_gap_is_a_gap() -> None:
    """NaN breaks the line; nothing is drawn through it."""
    assert path(drawn(plot(line((1.0, 2.0, math.nan, 3.0, 4.0)))), "series").count("M") == 2


def test_logarithmic_axes() -> None:
    """Powers of ten are the ticks, and what is not positive is left out."""
    figure = drawn(plot(line((0.0, 10.0, 1000.0, -5.0, 100.0)), log_y=True))
    assert {"10", "100", "1,000"} <= set(labels(figure))
    assert path(figure, "series").count("M") == 2


def test_errors_are_bars() -> None:
    """A standard error is a bar from y - e to y + e, within the drawing."""
    figure = drawn(plot(line((5.0, 6.0), error=(1.0, 0.5), style="points")))
    bars = re.findall(r"M([\d.]+) ([\d.]+)V([\d.]+)", path(figure, "error"))
    assert len(bars) == 2
    assert float(bars[0][1]) - float(bars[0][2]) == pytest.approx(2 * (float(bars[1][1]) - float(bars[1][2])), abs=0.3)


def test_colors_of_a_mosaic_and_a_legend() -> None:
    """Lines called R, G1, G2 and B have those colors, and several lines have a legend with their names."""
    figure = drawn(plot(*(line((1.0, 2.0), name=name) for name in ("R", "G1", "G2", "B"))))
    for name in ("R", "G1", "G2", "B"):
        assert path(figure, f"color-{name}")
    assert [("".join(one.itertext())).strip() for one in figure.iter("li")] == ["R", "G1", "G2", "B"]


@pytest.mark.parametrize("y", [(), (math.nan, math.nan), (math.inf,)])
def test_nothing_to_draw(y: tuple[float, ...]) -> None:
    """Without a single value there is a sentence in the place of the drawing."""
    figure = drawn(plot(line(y)))
    assert figure.find("svg") is None
    assert "There is nothing to draw." in "".join(figure.itertext())


NUMBERS = st.floats(-1e12, 1e12) | st.just(math.nan)


@given(
    st.lists(st.tuples(st.floats(-1e9, 1e9), NUMBERS), min_size=1, max_size=30),
    st.sampled_from(["line", "points", "steps"]),
    st.booleans(),
    st.booleans(),
)
def test_all_lies_within(points: list[tuple[float, float]], style: str, log_x: bool, log_y: bool) -> None:
    """Whatever the numbers, the drawing is well-formed and no coordinate lies outside."""
    series = Series(name="<a>", x=tuple(x for x, _ in points), y=tuple(y for _, y in points), style=style)
    if style == "steps":
        series = Series(name="<a>", x=tuple(map(float, range(1, len(points) + 1))), y=series.y, style=style)
    figure = drawn(plot(series, log_x=log_x, log_y=log_y))
    for one in figure.iter("path"):
        for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", one.attrib["d"]):
            assert -0.1 <= float(x) <= WIDTH + 0.1
            assert -0.1 <= float(y) <= HEIGHT + 0.1
    for text in figure.iter("text"):
        assert 0 <= float(text.attrib["x"]) <= WIDTH
