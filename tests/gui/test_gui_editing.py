"""What a user changes in the window: selection, columns, corrections, ticks and names; each undone and redone."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from frame_files import Night
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QFont, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit, QListWidget
from window_flows import (
    CTRL,
    click_node,
    click_tick,
    click_title,
    column,
    entries,
    gate,
    menu,
    names,
    node,
    nodes,
    open_options,
    open_tab,
    rename,
    select,
    selected,
    shown_texts,
    start,
    statuses,
    table,
    tick,
    tick_node,
    ticks,
    titles,
    tree,
    write_name,
)
from window_hand import Hand

from evenfield.cli.app import run_cli
from evenfield.cli.request import JOBS, request_of
from evenfield.gui.actions import COMMANDS
from evenfield.gui.outcome import outcome_lines
from evenfield.model.events import StepEnded

FLAT = "master_flat_Ha_2026-03-14"
OIII = "master_flat_OIII_2026-03-14"
DARK = "master_dark_flat_2.00s"


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """A folder to be filled."""
    return Night(tmp_path)


@pytest.fixture
def planned(hand: Hand, night: Night) -> Night:
    """A night of Ha and OIII that is shown and planned; products go into the folder ``out``."""
    night.flats(4)
    night.flats(4, name="oiii", FILTER="OIII", start="2026-03-14T20:30:00")
    night.dark_flats(4)
    show(hand, night)
    return night


def show(hand: Hand, night: Night) -> None:
    """Drop the night and wait for its plan; products go into the folder ``out``."""
    hand.drop(night.folder)
    hand.settle()
    hand.write("Output folder", str(night.output))
    hand.settle()


def back_and_forth(hand: Hand, before: Any, after: Any) -> None:
    """Undo the last change and do it again: all is as before it, then as after it."""
    assert hand.session.request == after
    shown = (nodes(hand), ticks(hand), hand.text_of("Start the job"))
    undo = next(text for text in entries(hand, "Edit") if text.startswith("Undo"))
    menu(hand, "Edit", undo)
    hand.settle()
    assert hand.session.request == before
    redo = next(text for text in entries(hand, "Edit") if text.startswith("Redo"))
    assert redo.removeprefix("Redo ") == undo.removeprefix("Undo ")
    menu(hand, "Edit", redo)
    hand.settle()
    assert hand.session.request == after
    assert (nodes(hand), ticks(hand), hand.text_of("Start the job")) == shown


# Selection and order.


def test_selection_stays(hand: Hand, planned: Night) -> None:
    """Sorting, filtering, adding files and planning anew keep the selection."""
    chosen = ["flat_02.fits", "oiii_01.fits", "darkflat_03.fits"]
    select(hand, *chosen)
    assert sorted(selected(hand)) == sorted(chosen)
    for title in ("Name", "Name", "Kind", "Use"):
        click_title(hand, title)
        assert sorted(selected(hand)) == sorted(chosen)
    hand.find("Filter rows", QLineEdit).setText("oiii")
    hand.until(lambda: len(names(hand)) == 4, "the rows are filtered")
    assert selected(hand) == ["oiii_01.fits"]
    hand.find("Filter rows", QLineEdit).clear()
    hand.until(lambda: len(names(hand)) == 12, "all rows are shown")
    assert sorted(selected(hand)) == sorted(chosen)
    more = planned.beside("more")
    more.flats(2, name="sii", FILTER="SII")
    hand.drop(more.folder)
    hand.settle()
    assert len(names(hand)) == 14
    assert sorted(selected(hand)) == sorted(chosen)
    assert hand.text_of("Selection") == "3 of 14 selected"


def test_select_all_and_none(hand: Hand, planned: Night) -> None:
    """Buttons, the menu and Ctrl+A select all rows that are shown, or none."""
    hand.click("Select all")
    assert hand.text_of("Selection") == "12 of 12 selected"
    hand.click("Select none")
    assert hand.text_of("Selection") == "0 of 12 selected"
    menu(hand, "Edit", "Select all")
    assert len(selected(hand)) == 12
    menu(hand, "Edit", "Select none")
    assert selected(hand) == []
    hand.find("Filter rows", QLineEdit).setText("oiii")
    hand.until(lambda: len(names(hand)) == 4, "the rows are filtered")
    table(hand).setFocus()
    hand.key(Qt.Key.Key_A, table(hand), held=CTRL)
    assert hand.text_of("Selection") == "4 of 12 selected"
    assert "4 files selected" in hand.window.prepare.why.text()
    assert planned.folder.is_dir()


def test_default_order(hand: Hand, night: Night) -> None:
    """What needs an answer first, then by master, then by time, whatever the names; names in natural order."""
    night.take("flat_z", 2, start="2026-03-14T19:00:00")
    night.take("flat_a", 2, start="2026-03-14T21:00:00")
    night.take("FLAT_Ha", 2, kind="LIGHT", FILTER="Ha", start="2026-03-14T22:00:00")
    night.bias(2, start="2026-03-14T18:00:00")
    show(hand, night)
    shown = names(hand)
    assert shown[:2] == ["FLAT_Ha_01.fits", "FLAT_Ha_02.fits"]
    assert column(hand, "Name")[0].startswith("\u25b2")
    flats = [name for name in shown if name.startswith("flat_")]
    assert flats == ["flat_z_01.fits", "flat_z_02.fits", "flat_a_01.fits", "flat_a_02.fits"]
    assert [name.rpartition("_")[0] for name in shown[2:]] == ["flat_z"] * 2 + ["flat_a"] * 2 + ["bias"] * 2
    for path, new in (("flat_z_01", "x10"), ("flat_z_02", "x9"), ("flat_a_01", "x100"), ("flat_a_02", "X2")):
        (night.folder / f"{path}.fits").rename(night.folder / f"{new}.fits")
    hand.click("Look again")
    hand.settle()
    click_title(hand, "Name")
    assert [name for name in names(hand) if name[0] in "xX"] == ["X2.fits", "x9.fits", "x10.fits", "x100.fits"]


def test_node_selects_rows(hand: Hand, planned: Night) -> None:
    """A master of the tree shows the frames that go into it, and what calibrates it; All files shows all."""
    click_node(hand, OIII)
    assert sorted(names(hand)) == sorted(
        [f"oiii_0{n}.fits" for n in range(1, 5)] + [f"darkflat_0{n}.fits" for n in range(1, 5)]
    )
    assert "OIII" in hand.window.prepare.why.text()
    click_node(hand, "All files")
    assert len(names(hand)) == 12
    assert planned.folder.is_dir()


# Columns.


def test_folded_columns(hand: Hand, planned: Night) -> None:
    """A column that is equal everywhere stands above the table; it comes back, marked, when one row differs."""
    assert "Gain" not in titles(hand)
    assert "gain 100" in hand.text_of("Equal in all frames")
    more = planned.beside("more")
    more.flats(1, name="other", GAIN=200)
    hand.drop(more.folder)
    hand.settle()
    assert "Gain" in titles(hand)
    assert "gain" not in hand.text_of("Equal in all frames")
    gains = dict(zip(names(hand), column(hand, "Gain"), strict=True))
    assert gains.pop("other_01.fits") == "200"
    assert set(gains.values()) == {"100"}
    model, place = table(hand).model(), titles(hand).index("Gain")
    marked = {}
    for row, name in enumerate(names(hand)):
        font = model.index(row, place).data(Qt.ItemDataRole.FontRole)
        said = model.index(row, place).data(Qt.ItemDataRole.AccessibleTextRole)
        marked[name] = isinstance(font, QFont) and font.bold() and said.endswith("differs from the others")
    assert [name for name, mark in marked.items() if mark] == ["other_01.fits"]
    menu(hand, "Edit", "Undo Add folder")
    hand.settle()
    assert "Gain" not in titles(hand)


def test_pinned_and_hidden_columns(hand: Hand, planned: Night) -> None:
    """A folded column can be pinned; one that was hidden while it was unfolded can be pinned later."""
    menu(hand, "View", "Columns", "Camera")
    assert "Camera" in titles(hand)
    assert set(column(hand, "Camera")) == {"Test CMOS"}
    menu(hand, "View", "Columns", "Camera")
    assert "Camera" not in titles(hand)
    more = planned.beside("more")
    more.flats(1, name="other", GAIN=200)
    hand.drop(more.folder)
    hand.settle()
    menu(hand, "View", "Columns", "Gain")
    assert "Gain" not in titles(hand)
    menu(hand, "Edit", "Undo Add folder")
    hand.settle()
    menu(hand, "View", "Columns", "Gain")
    assert "Gain" in titles(hand)


def test_mark_of_sorting_stays(hand: Hand, planned: Night) -> None:
    """The mark stays at the column that sorts when another one comes back beside it."""
    click_title(hand, "Use")
    head = table(hand).horizontalHeader()
    assert head.sortIndicatorSection() == titles(hand).index("Use")
    order = column(hand, "Use")
    assert order == sorted(order)
    menu(hand, "View", "Columns", "Camera")
    assert head.sortIndicatorSection() == titles(hand).index("Use")
    assert column(hand, "Use") == order
    assert planned.folder.is_dir()


# Changes of what is made.


def test_make_from_selection_only(hand: Hand, planned: Night) -> None:
    """Only the selected files make masters; calibration frames are still found in the folder."""
    before = hand.session.request
    select(hand, "flat_01.fits", "flat_02.fits", "flat_03.fits")
    hand.click("Make from selection only")
    hand.settle()
    back_and_forth(hand, before, hand.session.request)
    start(hand, "Make 1 master flat")
    assert statuses(hand) == {DARK: "DONE", FLAT: "DONE"}
    (result,) = (one for one in hand.session.results if one.kind == "flat")
    assert [Path(path).name for path in result.inputs] == ["flat_01.fits", "flat_02.fits", "flat_03.fits"]
    assert planned.output.is_dir()


@pytest.mark.parametrize(("field", "value", "master"), [
    ("kind", "light", None), ("filter", "SII", "master_flat_SII_2026-03-14"), ("exposure_s", "2.05", FLAT),
    ("gain_setting", "101", f"{FLAT}_UNCALIBRATED"),
])  # fmt: skip
def test_corrected_fields(hand: Hand, planned: Night, field: str, value: str, master: str | None) -> None:
    """A field of the selected files is corrected, by patterns that mean these files only."""
    before = hand.session.request
    select(hand, *(f"flat_0{n}.fits" for n in range(1, 5)))
    open_tab(hand, "Why")
    hand.choose("Field to correct", field)
    hand.find("Corrected value", QComboBox).setCurrentText(value)
    hand.click("Correct the field of the selected frames")
    hand.settle()
    masters = [name for name in nodes(hand) if name.startswith("master_flat")]
    assert sorted(masters) == sorted([OIII, *([master] if master else [])])
    back_and_forth(hand, before, hand.session.request)
    said = request_of([*_words(hand.session.command)])
    assert said == hand.session.request
    assert planned.folder.is_dir()


def _words(command: str) -> list[str]:
    import shlex

    return shlex.split(command)[1:]


def test_wrong_correction(hand: Hand, planned: Night) -> None:
    """A value that a field cannot have is told, and nothing changes."""
    before = hand.session.request
    select(hand, "flat_01.fits")
    open_tab(hand, "Why")
    hand.choose("Field to correct", "exposure_s")
    hand.find("Corrected value", QComboBox).setCurrentText("long")
    hand.click("Correct the field of the selected frames")
    assert "long" in hand.text_of("Message")
    assert hand.session.request == before
    assert selected(hand) == ["flat_01.fits"]
    assert planned.folder.is_dir()


def test_untick_one_frame(hand: Hand, planned: Night) -> None:
    """A click on the tick leaves a frame out, another takes it in again."""
    before = hand.session.request
    click_tick(hand, "flat_03.fits")
    assert [name for name, on in ticks(hand).items() if not on] == ["flat_03.fits"]
    back_and_forth(hand, before, hand.session.request)
    click_tick(hand, "flat_03.fits")
    assert all(ticks(hand).values())
    assert hand.session.request.settings == before.settings
    assert planned.folder.is_dir()


def test_untick_many_frames(hand: Hand, planned: Night) -> None:
    """Space and the buttons of Why leave all selected frames out, or take them in again."""
    before = hand.session.request
    select(hand, "flat_01.fits", "flat_03.fits", "oiii_02.fits")
    QTest.keyClick(table(hand), Qt.Key.Key_Space)
    hand.settle()
    out = {name for name, on in ticks(hand).items() if not on}
    assert out == {"flat_01.fits", "flat_03.fits", "oiii_02.fits"}
    back_and_forth(hand, before, hand.session.request)
    assert set(selected(hand)) == out
    hand.click("Take the selected frames in again")
    hand.settle()
    assert all(ticks(hand).values())
    hand.click("Leave the selected frames out")
    hand.settle()
    assert {name for name, on in ticks(hand).items() if not on} == out
    start(hand, "Make 2 master flats")
    assert {one.id: len(one.inputs) for one in hand.session.results} == {DARK: 4, FLAT: 2, OIII: 3}
    assert planned.output.is_dir()


def test_untick_hundreds_of_frames(hand: Hand, night: Night) -> None:
    """Hundreds of frames are left out at once, every second one of them, and the command stays usable."""
    made = night.take("flat", 1)[0]
    raw = made.read_bytes()
    for number in range(2, 401):
        pixels = bytearray(raw)
        pixels[-number * 2] ^= 1
        (night.folder / f"flat_{number:03d}.fits").write_bytes(pixels)
    show(hand, night)
    assert len(names(hand)) == 400
    chosen = [name for name in names(hand) if re.search(r"[02468]\.fits", name)]
    hand.window.prepare.select_paths([str(night.folder / name) for name in chosen])
    QTest.keyClick(table(hand), Qt.Key.Key_Space)
    hand.settle()
    assert sorted(name for name, on in ticks(hand).items() if not on) == sorted(chosen)
    assert request_of(_words(hand.session.command)) == hand.session.request
    menu(hand, "Edit", "Undo Leave out")
    hand.settle()
    assert all(ticks(hand).values())


def test_untick_a_master(hand: Hand, planned: Night) -> None:
    """A master that is unticked is not made; it stays in the tree, to be ticked again."""
    before = hand.session.request
    tick_node(hand, OIII)
    assert nodes(hand)[OIII] == "\u25cb not wanted"
    assert hand.text_of("Start the job") == "Make 1 master flat"
    back_and_forth(hand, before, hand.session.request)
    start(hand)
    assert statuses(hand) == {DARK: "DONE", FLAT: "DONE"}
    hand.click("Prepare")
    tick_node(hand, OIII)
    assert hand.text_of("Start the job") == "Make 2 master flats"
    assert planned.output.is_dir()


def test_untick_all_masters(hand: Hand, planned: Night) -> None:
    """With nothing left to make the button says why, and the ticks are still there."""
    for name in (FLAT, OIII):
        tick_node(hand, name)
    assert not hand.find("Start the job").isEnabled()
    assert hand.reasons()
    assert nodes(hand)[FLAT] == nodes(hand)[OIII] == "\u25cb not wanted"
    tick_node(hand, FLAT)
    assert hand.text_of("Start the job") == "Make 1 master flat"
    assert planned.folder.is_dir()


def test_rename_a_master(hand: Hand, planned: Night) -> None:
    """A name is edited in the tree; the file has it, and the original name gives it up again."""
    before = hand.session.request
    rename(hand, FLAT, "flat of hydrogen")
    assert "flat of hydrogen" in nodes(hand)
    back_and_forth(hand, before, hand.session.request)
    assert "--rename" in hand.session.command
    start(hand)
    assert (planned.output / "flat of hydrogen.fits").exists()
    hand.click("Prepare")
    click_node(hand, "flat of hydrogen")
    place = tree(hand).visualItemRect(node(hand, "flat of hydrogen")).center()
    QTest.mouseDClick(tree(hand).viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    write_name(hand, FLAT)
    assert hand.session.request.settings.output.names == ()


@pytest.mark.parametrize("name", ["a/b", "what?", ""])
def test_bad_name(hand: Hand, planned: Night, name: str) -> None:
    """A name that cannot be is told; what was typed stays in the editor, to be mended."""
    before = hand.session.request
    rename(hand, FLAT, name) if name else _empty_name(hand)
    assert hand.text_of("Message")
    assert hand.session.request == before
    editor = hand.find("Name of the master", QLineEdit)
    assert editor.text() == name
    write_name(hand, "mended")
    assert "mended" in nodes(hand)
    assert planned.folder.is_dir()


def _empty_name(hand: Hand) -> None:
    click_node(hand, FLAT)
    QTest.keyClick(tree(hand), Qt.Key.Key_F2)
    editor = hand.find("Name of the master", QLineEdit)
    editor.selectAll()
    QTest.keyClick(editor, Qt.Key.Key_Delete)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    hand.settle()


def test_name_of_another(hand: Hand, planned: Night) -> None:
    """A name that another master has is told; the editor stays open, and Escape gives the old name back."""
    before = hand.session.request
    rename(hand, FLAT, OIII)
    assert hand.text_of("Message") == f"Another master is called {OIII}. Choose another name."
    editor = hand.find("Name of the master", QLineEdit)
    assert editor.text() == OIII
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    hand.settle()
    assert {FLAT, OIII} < set(nodes(hand))
    assert hand.session.request == before
    start(hand, "Make 2 master flats")
    assert planned.output.is_dir()


def test_use_this_instead(hand: Hand, night: Night) -> None:
    """A master that nearly matched is taken on request; the plan says so, and so does the command."""
    night.flats(4)
    night.dark_flats(4, GAIN=0)
    show(hand, night)
    before = hand.session.request
    click_node(hand, f"{FLAT}_UNCALIBRATED")
    open_tab(hand, "Why")
    why = hand.window.prepare.why.text()
    assert "Nearly matched" in why
    assert re.search(r"gain setting\n100 / 0", why)
    hand.click("Use this instead")
    hand.settle()
    assert hand.session.request != before
    back_and_forth(hand, before, hand.session.request)
    start(hand, "Make 1 master flat")
    assert statuses(hand) == {DARK: "DONE", FLAT: "DONE"}
    flat = next(one for one in hand.session.results if one.kind == "flat")
    assert "mismatch_allowed" in {one.code for one in flat.findings}
    assert "--use" in hand.session.command


def test_options_undone(hand: Hand, planned: Night) -> None:
    """Options, folders and the job are undone one by one, back to the empty window, and done again."""
    open_options(hand)
    hand.choose("Combine by", "Median")
    hand.settle()
    tick(hand, "Group by: Filter")
    hand.settle()
    hand.choose("Job", "All masters")
    hand.settle()
    last = hand.session.request
    undone = []
    while (text := entries(hand, "Edit")[0]) and not text.endswith("(nothing to undo)"):
        menu(hand, "Edit", text)
        hand.settle()
        undone.append(text)
    assert len(undone) == 5
    assert names(hand) == []
    assert hand.text_of("Notice").startswith("Drop a night's folder here.")
    for text in reversed(undone):
        menu(hand, "Edit", text.replace("Undo", "Redo", 1))
        hand.settle()
    assert hand.session.request == last
    assert hand.find("Combine by", QComboBox).currentText() == "Median"
    assert planned.folder.is_dir()


def test_reset_options(hand: Hand, planned: Night) -> None:
    """One option is reset, or all; what was said about single files stays."""
    click_tick(hand, "flat_03.fits")
    open_options(hand)
    hand.choose("Combine by", "Median")
    hand.choose("Pixels written", "16-bit integers")
    hand.settle()
    hand.click("Reset: Combine by")
    hand.settle()
    assert hand.find("Combine by", QComboBox).currentText() == "Mean"
    assert hand.session.request.settings.output.sample == "uint16"
    hand.choose("Combine by", "Median")
    hand.settle()
    hand.click("Reset all options")
    hand.settle()
    settings = hand.session.request.settings
    assert (settings.combine.method, settings.output.sample) == ("mean", "float32")
    assert not ticks(hand)["flat_03.fits"]
    assert planned.folder.is_dir()


# Levels.


def test_levels_of_a_selection(hand: Hand, planned: Night) -> None:
    """Levels of the selected frames alone are measured."""
    select(hand, "flat_01.fits", "flat_02.fits")
    assert hand.text_of("Measure levels") == "Measure 2 levels"
    hand.click("Measure levels")
    hand.until(lambda: not hand.session.measuring, "levels are measured")
    known = [name for name, level in zip(names(hand), column(hand, "Level"), strict=True) if level != "-"]
    assert sorted(known) == ["flat_01.fits", "flat_02.fits"]
    hand.click("Select none")
    assert hand.text_of("Measure levels") == "Measure 10 levels"
    assert planned.folder.is_dir()


def test_levels_stopped(hand: Hand, planned: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring is stopped with the same button; what is known stays."""
    import threading

    import evenfield.survey

    measure, go_on = evenfield.survey.measure_levels, threading.Event()

    def slow(frames: Any) -> Any:
        for number, level in enumerate(measure(frames)):
            yield level
            if number == 1:
                assert go_on.wait(60.0)

    monkeypatch.setattr(evenfield.survey, "measure_levels", slow)
    hand.click("Measure levels")
    hand.until(lambda: len(hand.session.levels) == 2, "two levels are known")
    assert hand.text_of("Measure levels") == "Stop measuring"
    hand.click("Measure levels")
    go_on.set()
    hand.until(lambda: not hand.session.measuring, "measuring has stopped")
    assert 2 <= len(hand.session.levels) <= 3
    assert sum(level != "-" for level in column(hand, "Level")) == len(hand.session.levels)
    assert hand.text_of("Measure levels") == f"Measure {12 - len(hand.session.levels)} levels"
    assert planned.folder.is_dir()


# What is taken out of the window.


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The local files and folders that the desktop is asked to open."""
    found: list[str] = []

    def take(url: QUrl) -> bool:
        found.append(url.toLocalFile())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", take)
    return found


def test_show_in_folder_and_open_report(hand: Hand, planned: Night, opened: list[str]) -> None:
    """The folder of the chosen product and the report are opened by the desktop."""
    start(hand)
    results = hand.find("Masters and their verdicts", QListWidget)
    for place in range(results.count()):
        results.setCurrentRow(place)
        hand.click("Show in folder")
        where = planned.output / "calibration" if "dark" in results.item(place).text() else planned.output
        assert opened[-1] == str(where)
    hand.click("Open report")
    assert opened[-1] == str(planned.output / "report.html")
    menu(hand, "Run", "Open report")
    assert len(opened) == results.count() + 2


def test_copy_the_command(hand: Hand, planned: Night) -> None:
    """The command is copied by its button and by the menu; run, it makes the same plan."""
    click_tick(hand, "flat_03.fits")
    hand.click("Copy the command line")
    copied = QGuiApplication.clipboard().text()
    assert copied == hand.text_of("Same on the command line")
    QGuiApplication.clipboard().clear()
    menu(hand, "Edit", "Copy the command line")
    assert QGuiApplication.clipboard().text() == copied
    assert run_cli([*_words(copied), "-q"]) == 0
    start(hand)
    assert set(statuses(hand).values()) == {"REUSED"}
    assert planned.output.is_dir()


def test_log_copied_and_saved(hand: Hand, planned: Night, dialogs: dict[str, Any]) -> None:
    """The log is copied and saved whole; a place that does not take it is told."""
    start(hand)
    hand.click("Show the log")
    log = hand.text_of("Log")
    assert "[3/3]" in log
    hand.click("Copy log")
    assert QGuiApplication.clipboard().text() == log
    dialogs["save"] = planned.top / "log.txt"
    hand.click("Save log ...")
    assert dialogs["save"].read_text() == f"{log}\n"
    dialogs["save"] = planned.top / "log.txt" / "deeper.txt"
    hand.click("Save log ...")
    assert "cannot be made" in hand.text_of("Message")


# Results.


def test_results_fill_while_a_run_goes_on(hand: Hand, planned: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each master is listed as soon as it is made, while Prepare can be used."""
    with gate(monkeypatch, lambda event: isinstance(event, StepEnded) and event.step == FLAT) as held:
        hand.click("Start the job")
        hand.until(held.reached.is_set, "the first flat is made")
        menu(hand, "View", "Results")
        hand.until(lambda: "so far" in hand.text_of("Summary of the results"), "results are told")
        results = hand.find("Masters and their verdicts", QListWidget)
        listed = [results.item(place).text().split("\n")[0] for place in range(results.count())]
        assert sorted(listed) == sorted([f"{DARK}.fits", f"{FLAT}.fits"])
        assert not hand.all("Open report")
        results.setCurrentRow(listed.index(f"{FLAT}.fits"))
        open_tab(hand, "How it was made")
        assert "flat_01.fits" in hand.window.results.made.text()
        hand.click("Prepare")
        click_tick(hand, "oiii_01.fits")
    hand.wait_for_run()
    assert results.count() == 3
    # What was changed during the run counts for the next one.
    assert {one.id: len(one.inputs) for one in hand.session.results}[OIII] == 4
    assert planned.output.is_dir()


def test_fix_on_results(hand: Hand, planned: Night) -> None:
    """A finding of the results has its button: what stood in the way is replaced, and the run goes well."""
    planned.output.mkdir()
    (planned.output / f"{FLAT}.fits").write_bytes((planned.folder / "flat_01.fits").read_bytes())
    start(hand)
    assert statuses(hand)[FLAT] == "FAILED"
    results = hand.find("Masters and their verdicts", QListWidget)
    results.setCurrentRow(0)
    open_tab(hand, "Findings")
    assert f"{FLAT}.fits exists, made from other frames" in shown_texts(hand, "Findings")
    before = hand.session.request
    hand.click("Replace")
    hand.settle()
    assert hand.all("Start the job"), "Prepare is shown again"
    back_and_forth(hand, before, hand.session.request)
    start(hand)
    assert statuses(hand) == {DARK: "REUSED", FLAT: "DONE", OIII: "REUSED"}


# Jobs.


@pytest.mark.parametrize(("words", "job", "button"), [
    ("Master flats", "flats", "Make 2 master flats"), ("All masters", "masters", "Make 4 masters"),
    ("Calibrated lights", "calibrate", "Calibrate 2 lights"), ("Examine only", "examine", "Examine 5 sets"),
])  # fmt: skip
def test_jobs_equal_commands(hand: Hand, planned: Night, words: str, job: str, button: str) -> None:
    """Each job is a command: its button says what it does, and the copied command does the same."""
    planned.lights(2)
    planned.darks(4)
    planned.output.mkdir()
    hand.click("Look again")
    hand.settle()
    hand.choose("Job", words)
    hand.settle()
    assert hand.text_of("Start the job") == button
    command = hand.session.command
    assert _words(command)[0] == job
    hand.click("Start the job")
    hand.wait_for_run()
    if job == "examine":
        _same_examination(hand, planned, command)
        return
    made = {path.name: path.read_bytes() for path in planned.output.rglob("*.fits")}
    assert made
    other = planned.top / "other"
    again = [str(other) if word == str(planned.output) else word for word in _words(command)]
    assert run_cli([*again, "-q"]) == 0
    assert made == {path.name: path.read_bytes() for path in other.rglob("*.fits")}


def _same_examination(hand: Hand, planned: Night, command: str) -> None:
    """Nothing but the report is made, and the copied command says the same of every set."""
    assert {path.name for path in planned.output.iterdir()} == {"report.html", "report.json", "report.txt"}
    assert statuses(hand)
    assert hand.text_of("Summary of the results").startswith("5 sets examined, in ")
    other = planned.top / "other"
    again = [str(other) if word == str(planned.output) else word for word in _words(command)]
    assert run_cli([*again, "-q"]) == 0
    told, by_command = (json.loads((folder / "report.json").read_text()) for folder in (planned.output, other))
    for document in (told, by_command):
        assert document["results"]
        for one in document["results"]:
            one.pop("seconds")
    assert told["results"] == by_command["results"]
    assert not any(light["output"] for one in told["results"] for light in one.get("lights", ()))
    pictures = [line.path for line in outcome_lines(hand.session.results)]
    assert all(path is not None and os.path.exists(path) for path in pictures)


def test_output_follows_the_job(hand: Hand, night: Night) -> None:
    """The output folder is named after the job, as by the commands, until somebody chooses another one."""
    night.flats(3)
    hand.drop(night.folder)
    hand.settle()
    for words, job in (("Calibrated lights", "calibrate"), ("Examine only", "examine"), ("Master flats", "flats")):
        hand.choose("Job", words)
        hand.settle()
        assert hand.text_of("Output folder") == str(night.folder / JOBS[job])
    hand.write("Output folder", str(night.output))
    hand.settle()
    hand.choose("Job", "Calibrated lights")
    hand.settle()
    assert hand.text_of("Output folder") == str(night.output)
    for text in ("Undo Job", "Undo Output folder"):
        menu(hand, "Edit", text)
        hand.settle()
    hand.choose("Job", "Calibrated lights")
    hand.settle()
    assert hand.text_of("Output folder") == str(night.folder / "calibrated")


def test_levels_of_files_that_were_written_again(hand: Hand, planned: Night) -> None:
    """A level is forgotten when its file is written again, and only then."""
    hand.click("Measure levels")
    hand.until(lambda: not hand.session.measuring, "levels are measured")
    path = planned.folder / "flat_02.fits"
    path.write_bytes((planned.folder / "darkflat_01.fits").read_bytes())
    os.utime(path, ns=(1, 1))
    hand.click("Look again")
    hand.settle()
    unknown = [name for name, level in zip(names(hand), column(hand, "Level"), strict=True) if level == "-"]
    assert unknown == ["flat_02.fits"]


def test_an_examination_has_no_plan_to_save(hand: Hand, planned: Night) -> None:
    """A saved plan makes masters: that of an examination cannot be saved, and says why."""
    assert planned.folder.is_dir()
    save = next(one for one in COMMANDS if one.name == "save_plan")
    assert save.against(hand.session) == ""
    hand.choose("Job", "Examine only")
    hand.settle()
    assert save.against(hand.session) == "an examination has no plan to run later"
