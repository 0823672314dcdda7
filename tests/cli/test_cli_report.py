"""The report for people: written by every command that makes something, whatever happened, unless it is not wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_checks import PageReader, page_faults

import evenfield.report.save
from evenfield.errors import WriteError


def page(folder: str = "masters") -> PageReader:
    """The page in a folder, in which nothing is wrong."""
    source = Path(folder, "report.html").read_text(encoding="utf-8")
    assert page_faults(source) == []
    return PageReader(source)


def test_page_text_and_json(ev: Callable[..., Any], night: Path) -> None:
    """``flats`` writes the page, and the text that --verbose prints; the last line leads to the page."""
    outcome = ev("flats", night, "-o", "masters", "-v")
    assert outcome.code == 0
    assert Path("masters/report.txt").read_text(encoding="utf-8") == outcome.out
    assert outcome.lines[-1].endswith("masters/report.html")
    found = page()
    assert found.text.startswith("This flat will work.")
    assert [one["alt"].partition(":")[0] for one in found.of("img")] == ["Master flat", "Master dark flat"]


def test_no_report(ev: Callable[..., Any], night: Path) -> None:
    """--no-report leaves the page and the text out, and the last line leads to the JSON."""
    outcome = ev("flats", night, "-o", "masters", "--no-report")
    assert outcome.code == 0
    assert outcome.lines[-1].endswith("masters/report.json")
    assert {path.name for path in Path("masters").glob("report.*")} == {"report.json"}


def test_reused_masters_are_shown_too(ev: Callable[..., Any], night: Path) -> None:
    """A second run that makes nothing shows the same pictures and levels."""
    ev("flats", night, "-o", "masters")
    first = page()
    assert ev("flats", night, "-o", "masters").code == 0
    again = page()
    assert [one["src"] for one in again.of("img")] == [one["src"] for one in first.of("img")]
    assert "Level of the frames" in again.text


@pytest.mark.parametrize("command", ["masters", "run"])
def test_other_commands(ev: Callable[..., Any], night: Path, command: str) -> None:
    """``masters`` and ``run`` write it as ``flats`` does."""
    if command == "run":
        assert ev("plan", "flats", night, "-o", "masters", "--save", "plan.json").code == 0
        outcome = ev("run", "plan.json")
    else:
        outcome = ev("masters", night, "-o", "masters")
    assert outcome.code == 0, outcome
    assert page().text.startswith("This flat will work.")


def test_lights_before_and_after(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """``calibrate`` shows the first light of each group as it was taken and calibrated, stretched by one rule."""
    shooter.take("light", 3, kind="LIGHT", EXPTIME=60.0)
    shooter.take("long", 5, kind="DARK", EXPTIME=60.0)
    outcome = ev("calibrate", night, "-o", "out")
    assert outcome.code == 0, outcome
    shown = [one["alt"] for one in page("out").of("img")]
    assert [one for one in shown if one.startswith(("Before", "After"))] == [
        "Before: light_01.fits as it was taken", "After: light_01.fits calibrated",
    ]  # fmt: skip


@pytest.mark.parametrize("target", ["siril", "pixinsight", "nina"])
def test_products_for_other_programs(ev: Callable[..., Any], night: Path, target: str) -> None:
    """Products in other formats and ranges have their pictures too."""
    assert ev("flats", night, "-o", "masters", "--for", target).code == 0
    assert len(page().of("img")) == 2


@pytest.mark.parametrize("option", ["--compress", "--maps"])
def test_packed_products_and_maps(ev: Callable[..., Any], night: Path, option: str) -> None:
    """Packed products are looked at as others; maps have their pictures."""
    assert ev("flats", night, "-o", "masters", option).code == 0
    assert len(page().of("img")) == (2 if option == "--compress" else 8)


def test_a_failed_run_has_its_page(ev: Callable[..., Any], night: Path) -> None:
    """Where a master could not be made the page says so first, and why."""
    Path("masters").mkdir()
    Path("masters/master_flat_Ha_2026-03-14.fits").write_bytes(b"somebody else's")
    assert ev("flats", night, "-o", "masters").code == 1
    text = page().text
    assert text.startswith("Ha 2026-03-14 could not be made.")
    assert "--overwrite" in text


def test_a_page_that_cannot_be_written(ev: Callable[..., Any], night: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The products are there all the same: a line on stderr, exit code 0, and the JSON is named."""

    def refuse(text: str, *, path: str) -> None:
        raise WriteError(f"{path}: the disk is full.")

    monkeypatch.setattr(evenfield.report.save, "save_text", refuse)
    Path("masters").mkdir()
    Path("masters/report.html").write_text("of an earlier run", encoding="utf-8")
    outcome = ev("flats", night, "-o", "masters")
    assert outcome.code == 0
    assert "the disk is full" in outcome.err
    assert outcome.lines[-1].endswith("masters/report.json")
