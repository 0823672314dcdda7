"""The page in a real browser: the example night on a desk, on a phone, by night and on paper."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from browser import ABSENT, Page, browser, chromium

from evenfield import Plan, Report, make_plan, run_plan, survey_folders
from evenfield.model.catalogue import finding
from evenfield.model.frame import FrameKind
from evenfield.model.report import Verdict
from evenfield.report.page import report_page
from evenfield.report.pictures import look_at
from evenfield.report.save import PAGE, save_report_page
from evenfield.simulate import simulate_night

OPENS_S = 1.0
"""In how many seconds a page of a hundred masters is there."""

SLOW = 4.0
"""How much slower than a user's machine one may be that runs other things beside this test."""

# What is wider than the window although it does not scroll by itself.
WIDER = """
(() => {
  const scrolls = one => one.closest('.scroll, pre, svg') !== null;
  const wide = [...document.body.querySelectorAll('*')]
    .filter(one => !scrolls(one) && one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => one.tagName + '.' + one.className).slice(0, 5);
  return [document.documentElement.scrollWidth > innerWidth, ...wide];
})()
"""

# Texts that lie over each other within one drawing.
COVERED = """
[...document.querySelectorAll('.plot svg')].filter(one => one.checkVisibility()).flatMap(svg => {
  const boxes = [...svg.querySelectorAll('text:not(.marked)')].map(one => [one, one.getBoundingClientRect()]);
  return boxes.flatMap(([one, a], i) => boxes.slice(i + 1)
    .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
    .map(([other]) => one.textContent + ' / ' + other.textContent));
}).slice(0, 5)
"""

OPEN_ALL = "document.querySelectorAll('details').forEach(one => { one.open = true })"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser, or a skip that says what is absent."""
    program = chromium()
    if program is None:
        if os.environ.get("EVENFIELD_REQUIRE_ALL") == "1":
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    with browser(program, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Report]:
    """The example night with its lights, and its page."""
    folder = tmp_path_factory.mktemp("example")
    simulate_night(folder / "night")
    plan = make_plan(survey_folders([folder / "night"]), output=str(folder / "out"), job="calibrate")
    report = run_plan(plan)
    save_report_page(report, plan=plan)
    return plan, report


@pytest.fixture(scope="module")
def page(made: tuple[Plan, Report]) -> Path:
    """The page of the example night."""
    return Path(made[0].output, PAGE)


def test_no_error_and_no_request(tab: Page, page: Path) -> None:
    """Opening the page and all that is folded asks for nothing but the file itself; the console stays empty."""
    tab.show(page)
    tab.ask(OPEN_ALL)
    tab.picture(whole=True)
    assert tab.requests() == [page.resolve().as_uri()]
    assert tab.complaints() == []
    assert tab.ask("document.querySelector('h1').textContent") == "Both flats will work."


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 768, 390, 360])
def test_nothing_is_cut(tab: Page, page: Path, width: int, look: str) -> None:
    """On a desk, a tablet and a phone nothing is wider than the window, all of it opened; no text covers another."""
    tab.show(page, width=width, look=look)
    tab.ask(OPEN_ALL)
    assert tab.ask(WIDER) == [False]
    assert tab.ask(COVERED) == []


def test_the_answer_is_on_the_first_screen(tab: Page, page: Path) -> None:
    """Whether the flats will work, and why, is to be seen without scrolling, on a phone too."""
    for width, height in ((1280, 800), (390, 844)):
        tab.show(page, width=width, height=height)
        bottom = tab.ask("document.querySelector('.card .numbers').getBoundingClientRect().bottom")
        assert bottom < height


def test_light_and_dark(tab: Page, page: Path) -> None:
    """By night the page is dark and its texts light; by day the other way round."""
    shades = {}
    for look in ("light", "dark"):
        tab.show(page, look=look)
        colors = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        shades[look] = [sum(map(int, one[4:-1].split(","))) / 3 for one in tab.ask(colors)]
    assert shades["light"][0] > 200 > 60 > shades["light"][1]
    assert shades["dark"][0] < 60 < 200 < shades["dark"][1]


def test_on_paper_all_is_open(tab: Page, page: Path) -> None:
    """Printed, folded parts are open: every table and drawing has its size; the sheets hold it all."""
    tab.show(page, media="print", width=800)
    heights = (
        "[...document.querySelectorAll('details table, details svg[role]')].map(x => x.getBoundingClientRect().height)"
    )
    found = tab.ask(heights)
    assert len(found) > 20
    assert min(found) > 0
    assert tab.ask(WIDER) == [False]


def test_what_a_screen_reader_hears(tab: Page, page: Path) -> None:
    """Landmarks, headings, pictures, drawings and tables have their names in the tree that screen readers use."""
    tab.show(page)
    tab.ask(OPEN_ALL)
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    named: dict[str, list[str]] = {}
    for one in nodes:
        if not one.get("ignored"):
            named.setdefault(one["role"]["value"], []).append(one.get("name", {}).get("value", ""))
    assert {"banner", "main", "contentinfo", "navigation", "region"} <= set(named)
    for role in ("region", "navigation", "heading", "image", "table", "link"):
        assert named[role], role
        assert [name for name in named[role] if not name.strip()] == []
    assert "Histogram" in named["image"]
    assert any(
        name.startswith("Master flat: of the light at the center, the corners have 74 %") for name in named["image"]
    )


def test_the_keyboard_reaches_all(tab: Page, page: Path) -> None:
    """The tab key goes from link to folded part, and what has the focus is framed."""
    tab.show(page)
    reached = []
    for _ in range(12):
        for kind in ("keyDown", "keyUp"):
            tab.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(tab.ask("document.activeElement.tagName"))
        assert tab.ask("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2
    assert "A" in reached
    tab.ask("document.querySelector('summary').focus()")
    for kind in ("keyDown", "keyUp"):
        tab.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    assert tab.ask("document.querySelector('details').open") is True


def test_a_hundred_masters_open_in_a_second(
    tab: Page, made: tuple[Plan, Report], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page of a hundred masters with pictures and plots is there in a second."""
    plan, report = made
    flat = next(one for one in report.results if one.kind is FrameKind.FLAT)
    told = finding("low_light", "x", "x: 900 ADU, 2 % of full scale; aim at about 50 %.")
    many = tuple(
        msgspec.structs.replace(flat, id=f"flat_{n}", findings=(told,), verdict=Verdict.CHECK) for n in range(100)
    )
    report = msgspec.structs.replace(report, results=many)
    path = tmp_path / PAGE
    path.write_text(report_page(report, plan=plan, seen=look_at(report)), encoding="utf-8")
    seconds = min(tab.show(path) for _ in range(3))
    with capsys.disabled():
        print(f" [{path.stat().st_size / 1e6:.1f} MB, there in {seconds:.2f} s]", end="")
    assert seconds < OPENS_S * SLOW
    assert path.stat().st_size < 8_000_000
    assert tab.complaints() == []
