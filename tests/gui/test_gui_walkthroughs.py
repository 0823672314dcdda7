"""Each walk-through of MasterFlatMaker's manual, at the window, with what it makes."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from astropy.io import fits
from frame_files import Night
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QPlainTextEdit,
    QTableView,
    QTabWidget,
    QWidget,
)
from window_flows import (
    CTRL,
    click_title,
    column,
    entries,
    gate,
    menu,
    names,
    nodes,
    open_options,
    open_tab,
    pixels,
    select,
    selected,
    shown_texts,
    stack,
    start,
    statuses,
    tick,
)
from window_hand import Hand

from evenfield.cli.app import run_cli
from evenfield.gui import start as gui_start
from evenfield.gui.actions import MENUS
from evenfield.gui.manual import docs_folder
from evenfield.model.events import Progressed, StepStarted

FLAT = "master_flat_Ha_2026-03-14"


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """A folder to be filled."""
    return Night(tmp_path)


def show(hand: Hand, night: Night) -> None:
    """Drop the night and wait for its plan; products go into the folder ``out``."""
    hand.drop(night.folder)
    hand.settle()
    hand.write("Output folder", str(night.output))
    hand.settle()


def plain(hand: Hand) -> None:
    """Subtract nothing, reject nothing, leave the frames as bright as they are."""
    open_options(hand, "Combining")
    hand.choose("Subtract from flats", "None")
    hand.choose("Reject", "Nothing")
    hand.choose("Make frames equally bright", "No")
    hand.settle()


# Pick Files, the table, the levels.


@pytest.mark.parametrize("way", ["button", "menu"])
def test_pick_files(hand: Hand, night: Night, dialogs: dict[str, Any], way: str) -> None:
    """Files that are picked, all of a folder at once, are listed with what their headers say."""
    night.flats(3)
    night.dark_flats(2)
    night.lights(2)
    dialogs["files"] = sorted(night.folder.iterdir())
    if way == "button":
        hand.click("Add files")
    else:
        menu(hand, "File", "Add files ...")
    hand.settle()
    assert sorted(names(hand)) == sorted(path.name for path in night.folder.iterdir())
    told = dict(zip(names(hand), zip(column(hand, "Kind"), column(hand, "Exp."), column(hand, "Temp."), strict=True),
                    strict=True))  # fmt: skip
    assert told["flat_01.fits"] == ("flat", "2.00 s", "-10.0")
    assert told["light_01.fits"] == ("light", "60 s", "-10.0")
    assert "12 x 20" in hand.text_of("Equal in all frames") or "20 x 12" in hand.text_of("Equal in all frames")
    assert hand.text_of("Start the job") == "Make 1 master flat"


def test_open_a_folder(hand: Hand, night: Night, dialogs: dict[str, Any]) -> None:
    """A folder is enough: what lies below it is found as well."""
    night.flats(3)
    night.take("deeper/flat", 2)
    dialogs["folder"] = night.folder
    menu(hand, "File", "Add folder ...")
    hand.settle()
    assert len(names(hand)) == 5
    assert hand.text_of("Output folder") == str(night.folder / "masters")


def test_click_on_columns(hand: Hand, night: Night) -> None:
    """A click on a title sorts, a second one backwards, a third gives the default order back."""
    night.flats(3)
    night.take("slow", 1, EXPTIME=30.0)
    night.dark_flats(2, EXPTIME=7.0)
    show(hand, night)
    default = names(hand)
    click_title(hand, "Exp.")
    assert column(hand, "Exp.") == ["2.00 s", "2.00 s", "2.00 s", "7.00 s", "7.00 s", "30 s"]
    click_title(hand, "Exp.")
    assert column(hand, "Exp.") == ["30 s", "7.00 s", "7.00 s", "2.00 s", "2.00 s", "2.00 s"]
    click_title(hand, "Exp.")
    assert names(hand) == default
    click_title(hand, "Kind")
    assert column(hand, "Kind") == sorted(column(hand, "Kind"))


def test_average_adus(hand: Hand, night: Night) -> None:
    """Levels are those of the pixels, with their share of full scale, and the table sorts by them."""
    made = [*night.flats(1, level=30000.0), *night.flats(1, name="dim", level=9000.0),
            *night.flats(1, name="bright", level=50000.0)]  # fmt: skip
    show(hand, night)
    assert set(column(hand, "Level")) == {"-"}
    click_title(hand, "Level")
    hand.click("Measure levels")
    hand.until(lambda: not hand.session.measuring, "levels are measured")
    means = {path.name: pixels(path).mean() for path in made}
    assert dict(zip(names(hand), column(hand, "Level"), strict=True)) == {
        name: f"{mean:,.0f}  {100 * mean / 65535:.0f} %" for name, mean in means.items()
    }
    assert names(hand) == ["dim_01.fits", "flat_01.fits", "bright_01.fits"]


# Select, ignore type, Combine and why it is disabled.


def test_select_all_takes_only_flats(hand: Hand, night: Night) -> None:
    """Ctrl+A selects every file; the master is made of the flats, whatever else lies there."""
    flats = night.flats(4)
    night.lights(2)
    show(hand, night)
    table = hand.find("Frames", QTableView)
    table.setFocus()
    hand.key(Qt.Key.Key_A, table, held=CTRL)
    assert hand.text_of("Selection") == "6 of 6 selected"
    plain(hand)
    hand.click("Make from selection only")
    hand.settle()
    start(hand, "Make 1 master flat")
    np.testing.assert_allclose(pixels(night.output / f"{FLAT}.fits"), stack(flats).mean(axis=0), rtol=1e-6)


def test_combine_selected(hand: Hand, night: Night) -> None:
    """Only what is selected is combined; darks among the picked files still calibrate it."""
    flats = night.flats(5)
    darks = night.dark_flats(4)
    hand.drop(*flats, *darks)
    hand.settle()
    hand.write("Output folder", str(night.output))
    hand.settle()
    select(hand, "flat_01.fits", "flat_03.fits", "flat_04.fits")
    assert hand.text_of("Selection") == "3 of 9 selected"
    hand.click("Make from selection only")
    hand.settle()
    start(hand, "Make 1 master flat")
    result = next(one for one in hand.session.results if one.kind == "flat")
    assert [Path(one).name for one in result.inputs] == ["flat_01.fits", "flat_03.fits", "flat_04.fits"]
    assert "master_dark_flat_2.00s.fits" in str(result.masters)


def test_ignore_fits_file_type(hand: Hand, night: Night) -> None:
    """Files whose headers say Light become flats by the user's word."""
    made = night.take("picture", 4, kind="LIGHT", FILTER="Ha")
    hand.drop(*made)
    hand.settle()
    hand.write("Output folder", str(night.output))
    hand.settle()
    assert not hand.find("Start the job").isEnabled()
    assert "No flats among 4 files" in hand.reasons()
    open_options(hand)
    tick(hand, "Treat chosen files as flats")
    hand.settle()
    assert "--ignore-type" in hand.text_of("Same on the command line")
    start(hand, "Make 1 master flat")
    assert len(list(night.output.glob("master_flat*.fits"))) == 1


def test_nothing_selected(hand: Hand) -> None:
    """Without files the button is disabled, and the reason stands beside it."""
    assert not hand.find("Start the job").isEnabled()
    assert hand.reasons() == "No folder was chosen."


def test_not_enough_files_for_min_max(hand: Hand, night: Night) -> None:
    """Min-max needs 2 n + 1 files: with 4 it takes n = 1, not n = 2, and says how many it needs."""
    night.flats(4)
    show(hand, night)
    open_options(hand)
    hand.choose("Reject", "Min-max clip, all equal values (MasterFlatMaker)")
    hand.settle()
    assert not hand.find("Start the job").isEnabled()
    why = hand.reasons()
    assert "4" in why
    assert "5" in why
    hand.write("Reject: times", "1")
    hand.settle()
    assert hand.find("Start the job").isEnabled()
    assert hand.reasons() == ""


def test_not_all_the_same_size(hand: Hand, night: Night) -> None:
    """Sizes make masters of their own; where one master of all is asked for, they are refused."""
    night.flats(3)
    night.flats(3, name="small", shape=(6, 10))
    show(hand, night)
    assert hand.text_of("Start the job") == "Make 2 master flats"
    open_options(hand, "Groups")
    tick(hand, "One master of all")
    hand.settle()
    assert not hand.find("Start the job").isEnabled()
    assert "size" in hand.reasons().lower()
    tick(hand, "One master of all")
    hand.settle()
    start(hand, "Make 2 master flats")
    assert sorted(pixels(path).shape for path in night.output.glob("master_flat*.fits")) == [(6, 10), (12, 20)]


def test_calibration_folder_that_is_not_there(hand: Hand, night: Night, dialogs: dict[str, Any]) -> None:
    """A calibration folder that does not exist is told by its name."""
    night.flats(3)
    show(hand, night)
    gone = night.top / "library"
    gone.mkdir()
    dialogs["folder"] = gone
    open_options(hand)
    hand.click("Calibration folders: Add folder ...")
    hand.settle()
    gone.rmdir()
    hand.click("Look again")
    hand.settle()
    assert "library" in shown_texts(hand, "Problems")


# Combine: the output's name, the console, Cancel.


def test_name_of_the_output_file(hand: Hand, night: Night) -> None:
    """The file gets the name that is asked for."""
    flats = night.flats(5)
    show(hand, night)
    plain(hand)
    wanted = night.top / "mine" / "my flat.fits"
    hand.write("Output folder", str(wanted))
    hand.settle()
    start(hand, "Make 1 master flat")
    np.testing.assert_allclose(pixels(wanted), stack(flats).mean(axis=0), rtol=1e-6)


def test_console(hand: Hand, night: Night) -> None:
    """The log tells each step and how it ended."""
    night.flats(5)
    night.dark_flats(5)
    show(hand, night)
    hand.click("Show the log")
    start(hand)
    log = hand.text_of("Log")
    assert "[1/2]" in log
    assert "[2/2]" in log
    assert log.count(": DONE") == 2
    assert str(night.output / "report.html") in log


def test_cancel(hand: Hand, night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancel ends the run; what is finished stays, and nothing is half-written."""
    night.flats(5)
    night.dark_flats(5)
    show(hand, night)
    with gate(monkeypatch, lambda event: isinstance(event, Progressed) and event.step == FLAT) as held:
        hand.click("Start the job")
        hand.until(held.reached.is_set, "the second step is under way")
        assert "A run is under way." in hand.reasons()
        hand.click("Cancel the run")
        held.opened.set()
        hand.wait_for_run()
    assert statuses(hand) == {"master_dark_flat_2.00s": "DONE", FLAT: "CANCELLED"}
    left = sorted(path.name for path in night.output.rglob("*") if path.is_file())
    assert left == ["master_dark_flat_2.00s.fits", "plan.json", "report.html", "report.json", "report.txt"]
    hand.click("Prepare")
    start(hand)
    assert statuses(hand) == {"master_dark_flat_2.00s": "REUSED", FLAT: "DONE"}


# Groups.


def test_group_by_filter(hand: Hand, night: Night) -> None:
    """A master for each filter; without that tick one of all."""
    both = [*night.flats(3), *night.flats(3, name="oiii", FILTER="OIII")]
    show(hand, night)
    plain(hand)
    assert [name for name in nodes(hand) if name.startswith("master")] == [FLAT, "master_flat_OIII_2026-03-14"]
    tick(hand, "Group by: Filter")
    hand.settle()
    assert "--join filter" in hand.text_of("Same on the command line")
    start(hand, "Make 1 master flat")
    (made,) = night.output.glob("master_flat*.fits")
    np.testing.assert_allclose(pixels(made), stack(both).mean(axis=0), rtol=1e-6)


def test_group_by_temperature(hand: Hand, night: Night) -> None:
    """The manual's nine temperatures: one master, three groups of width 1, and more where the width is small."""
    for number, temperature in enumerate((0.1, -9.9, -15.07, -0.1, -10.0, -15.0, 0.0, -10.2, -15.2)):
        night.take(f"flat_{number}", 1, **{"CCD-TEMP": temperature})
    show(hand, night)
    open_options(hand)
    tick(hand, "Group by: Measured temperature")
    hand.settle()
    assert hand.text_of("Start the job") == "Make 3 master flats"
    hand.write("Width of a temperature group", "50")
    hand.settle()
    assert hand.text_of("Start the job") == "Make 1 master flat"
    hand.write("Width of a temperature group", "1")
    hand.settle()
    start(hand, "Make 3 master flats")
    counts = sorted(fits.getheader(path)["NCOMBINE"] for path in night.output.glob("master_flat*.fits"))
    assert counts == [3, 3, 3]


def test_minimum_group(hand: Hand, night: Night) -> None:
    """Groups that are too small are left out, and the files say so."""
    night.flats(5)
    night.flats(2, name="oiii", FILTER="OIII")
    show(hand, night)
    plain(hand)
    hand.write("Minimum frames of a group", "3")
    hand.settle()
    assert hand.text_of("Start the job") == "Make 1 master flat"
    uses = dict(zip(names(hand), column(hand, "Use"), strict=True))
    assert uses["oiii_01.fits"].startswith("left out")
    start(hand)
    assert [path.name for path in night.output.glob("master_flat*.fits")] == [f"{FLAT}.fits"]


# Precalibration.


def test_automatic_with_folder(hand: Hand, night: Night, dialogs: dict[str, Any]) -> None:
    """The best match of a folder is taken, below it where subfolders are included; the search can be read."""
    night.flats(5)
    library = night.beside("library")
    library.take("deeper/dark", 5, kind="DARKFLAT")
    library.take("wrong", 5, kind="DARKFLAT", EXPTIME=9.0)
    show(hand, night)
    assert nodes(hand)[f"{FLAT}_UNCALIBRATED"] == "\u25b2 check"
    open_options(hand)
    dialogs["folder"] = library.folder
    hand.click("Calibration folders: Add folder ...")
    hand.settle()
    assert nodes(hand)[FLAT] == "\u25cf ready"
    assert "master_dark_flat_2.00s" in nodes(hand)
    hand.click("Show the search")
    search = hand.find("The search for calibration frames", QPlainTextEdit).toPlainText()
    assert "9.00" in search
    hand.click("Close")
    tick(hand, "Include subfolders of calibration folders")
    hand.settle()
    assert "master_dark_flat_2.00s" not in nodes(hand)
    tick(hand, "Include subfolders of calibration folders")
    hand.settle()
    start(hand, "Make 1 master flat")
    assert statuses(hand) == {"master_dark_flat_2.00s": "DONE", FLAT: "DONE"}


def test_dark_and_bias_only(hand: Hand, night: Night) -> None:
    """The search takes the kinds that are ticked; without dark flats it is left with the bias."""
    night.flats(5)
    night.dark_flats(5)
    night.bias(5)
    show(hand, night)
    assert "master_dark_flat_2.00s" in nodes(hand)
    open_options(hand)
    tick(hand, "Kinds used: Dark flats")
    hand.settle()
    assert [name for name in nodes(hand) if name.startswith("master")] == [FLAT, "master_bias"]
    assert "--calibration-kinds dark,bias" in hand.text_of("Same on the command line")
    for kind in ("Darks", "Bias"):
        tick(hand, f"Kinds used: {kind}")
        hand.settle()
    # With none ticked nothing could be searched for: that is said, and nothing else changes.
    assert not hand.find("Start the job").isEnabled()
    assert "Kinds used" in hand.reasons()
    tick(hand, "Kinds used: Bias")
    hand.settle()
    assert hand.find("Start the job").isEnabled()


def test_fixed_file(hand: Hand, night: Night, dialogs: dict[str, Any]) -> None:
    """A fixed file is subtracted; asking for it before it is chosen says what is missing."""
    flats = night.flats(4)
    library = night.beside("library")
    fixed = library.take("master_dark", 1, kind="DARKFLAT")[0]
    show(hand, night)
    plain(hand)
    hand.choose("Subtract from flats", "Fixed file")
    hand.settle()
    assert "No file was chosen yet." in hand.reasons()
    dialogs["files"] = [fixed]
    hand.click("Fixed files: Choose files ...")
    hand.settle()
    assert hand.reasons() == ""
    assert hand.find("Subtract from flats", QComboBox).currentText() == "Fixed file"
    start(hand, "Make 1 master flat")
    expected = (stack(flats) - pixels(fixed)).mean(axis=0)
    np.testing.assert_allclose(pixels(night.output / f"{FLAT}.fits"), expected, rtol=1e-6)


def test_pedestal(hand: Hand, night: Night) -> None:
    """A number is subtracted from every flat."""
    flats = night.flats(4)
    show(hand, night)
    plain(hand)
    hand.choose("Subtract from flats", "Pedestal")
    hand.write("Pedestal", "512.5")
    hand.settle()
    assert "--pedestal=512.5" in hand.text_of("Same on the command line")
    start(hand, "Make 1 master flat")
    np.testing.assert_allclose(pixels(night.output / f"{FLAT}.fits"), stack(flats).mean(axis=0) - 512.5, rtol=1e-6)


def test_pedestal_told_by_pixels(hand: Hand, night: Night) -> None:
    """The pedestal may be left to the pixels: a choice without a number, and the plan says what will tell it."""
    night.flats(4)
    night.bias(4)
    show(hand, night)
    plain(hand)
    hand.choose("Subtract from flats", "Pedestal told by pixels")
    hand.settle()
    assert "--pedestal=inferred" in hand.text_of("Same on the command line")
    assert hand.session.plan is not None
    (step,) = hand.session.plan.steps
    assert step.calibrations[0].title == "minus a pedestal to be inferred from 4 flats"
    assert step.told_by is not None
    assert len(step.told_by.darks) == 4
    hand.choose("Subtract from flats", "Pedestal")
    hand.settle()
    assert "--pedestal=100" in hand.text_of("Same on the command line")


def test_pedestal_that_is_none(hand: Hand, night: Night) -> None:
    """A pedestal that is no number is told, stays in the field, and holds the button until it is mended."""
    night.flats(4)
    show(hand, night)
    plain(hand)
    hand.choose("Subtract from flats", "Pedestal")
    hand.write("Pedestal", "much")
    hand.settle()
    assert hand.text_of("Pedestal") == "much"
    assert "'much' is no number" in hand.reasons()
    hand.write("Pedestal", "500")
    hand.settle()
    assert hand.find("Start the job").isEnabled()


# The four ways to combine.


@pytest.mark.parametrize("way", ["mean", "median", "min-max", "sigma"])
def test_ways_to_combine(hand: Hand, night: Night, way: str) -> None:
    """Mean, median, min-max and sigma clip give what the manual defines."""
    night.flats(11)
    first = sorted(night.folder.iterdir())[0]
    with fits.open(first, mode="update") as one:
        one[0].data[3, 4] = 65000
    values = stack(sorted(night.folder.iterdir()))
    show(hand, night)
    plain(hand)
    if way == "median":
        hand.choose("Combine by", "Median")
        expected = np.median(values, axis=0)
    elif way == "min-max":
        hand.choose("Reject", "Min-max clip, all equal values (MasterFlatMaker)")
        hand.write("Reject: times", "1")
        ends = (values == values.min(axis=0)) | (values == values.max(axis=0))
        expected = np.ma.masked_array(values, ends).mean(axis=0).data
    elif way == "sigma":
        hand.choose("Reject", "Sigma clip, one pass (MasterFlatMaker)")
        hand.choose("Limits mean", "Multiples of the scatter (textbook)")
        hand.write("Reject: limit", "2")
        far = np.abs(values - values.mean(axis=0)) > 2 * values.std(axis=0)
        assert far.any()
        expected = np.ma.masked_array(values, far).mean(axis=0).data
    else:
        expected = values.mean(axis=0)
    hand.settle()
    start(hand, "Make 1 master flat")
    np.testing.assert_allclose(pixels(night.output / f"{FLAT}.fits"), expected, rtol=1e-6)


# Disposition, preferences, -g.


def test_disposition_of_input_files(hand: Hand, night: Night) -> None:
    """Flats that were used move to a folder with today's date and their filter; the example shows it before."""
    night.flats(3)
    night.lights(1)
    show(hand, night)
    open_options(hand)
    hand.write("Move flats used to", "done/{date}/{filter}")
    hand.settle()
    today = datetime.datetime.now().strftime("%Y-%m-%d")
    assert f"{today}/Ha" in shown_texts(hand, "Options")
    start(hand, "Make 1 master flat")
    moved = sorted(path.relative_to(night.folder).as_posix() for path in (night.folder / "done").rglob("*.fits"))
    assert [Path(path).name for path in moved] == ["flat_01.fits", "flat_02.fits", "flat_03.fits"]
    assert all(path.endswith(f"/Ha/{Path(path).name}") for path in moved)
    assert (night.folder / "light_01.fits").exists()


def test_disposition_with_a_slip(hand: Hand, night: Night) -> None:
    """A placeholder that does not exist is told, and nothing is moved."""
    night.flats(3)
    show(hand, night)
    open_options(hand)
    hand.write("Move flats used to", "done/{datum}")
    hand.settle()
    assert "{date}, {time} and {filter}" in hand.reasons()
    assert not hand.find("Start the job").isEnabled()
    hand.click("Reset: Move flats used to")
    hand.settle()
    assert hand.text_of("Move flats used to") == ""
    assert hand.find("Start the job").isEnabled()


def test_preferences(hand: Hand, night: Night, tmp_path: Path) -> None:
    """Preferences are what the next start begins with; they can be used at once as well."""
    night.flats(5)
    show(hand, night)
    menu(hand, "File", "Preferences ...")
    combine = hand.all("Combine by", QComboBox)[-1]
    combine.setCurrentIndex(combine.findText("Median"))
    combine.activated.emit(combine.currentIndex())
    hand.click("Save")
    assert hand.session.request.settings.combine.method == "mean"
    hand.click("Save and use now")
    hand.settle()
    assert hand.session.request.settings.combine.method == "median"
    assert 'method = "median"' in (tmp_path / "config" / "settings.toml").read_text()
    assert "--no-preferences" in hand.text_of("Same on the command line")


def test_preferences_at_the_start(tmp_path: Path, night: Night, monkeypatch: pytest.MonkeyPatch, qapp: object) -> None:
    """What the preferences file says, the window starts with, and the command line says the same."""
    del qapp
    monkeypatch.setenv("EVENFIELD_CONFIG", str(tmp_path / "settings.toml"))
    assert run_cli(["settings", "set", "--combine", "median"]) == 0
    night.flats(5)
    window = gui_start.make_window()
    window.show()
    hand = Hand(window)
    try:
        show(hand, night)
        open_tab(hand, "Options")
        assert hand.find("Combine by", QComboBox).currentText() == "Median"
        start(hand, "Make 1 master flat")
    finally:
        hand.close()


def test_open_with_files(night: Night, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, qapp: object) -> None:
    """``evenfield gui FILES`` opens the window with them; without arguments it opens empty."""
    del qapp
    night.flats(3)
    monkeypatch.setenv("EVENFIELD_CONFIG", str(tmp_path / "settings.toml"))
    seen: list[Hand] = []

    def make() -> object:
        window = real()
        seen.append(Hand(window))
        return window

    real = gui_start.make_window
    monkeypatch.setattr(gui_start, "make_window", make)
    monkeypatch.setattr(QApplication, "exec", lambda *_: 0)
    assert run_cli(["gui", str(night.folder)]) == 0
    hand = seen[0]
    try:
        hand.settle()
        assert len(names(hand)) == 3
    finally:
        hand.close()


def test_selection_and_count(hand: Hand, night: Night) -> None:
    """The number of selected rows stands below the table."""
    night.flats(5)
    show(hand, night)
    assert hand.text_of("Selection") == "0 of 5 selected"
    select(hand, "flat_02.fits", "flat_04.fits")
    assert selected(hand) == ["flat_02.fits", "flat_04.fits"]
    assert hand.text_of("Selection") == "2 of 5 selected"


def test_a_step_names_what_it_waits_for(hand: Hand, night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a run goes on, the strip tells the step, and Prepare stays readable."""
    night.flats(5)
    night.dark_flats(5)
    show(hand, night)
    with gate(monkeypatch, lambda event: isinstance(event, StepStarted) and event.index == 2) as held:
        hand.click("Start the job")
        hand.until(held.reached.is_set, "the second step begins")
        hand.until(lambda: "[2/2]" in hand.text_of("Progress"), "the strip tells the step")
        select(hand, "flat_01.fits")
        assert "flat_01.fits" in hand.window.prepare.why.text()
    hand.wait_for_run()


def test_page_for_users_of_masterflatmaker(hand: Hand, night: Night) -> None:
    """Every name in bold on the page is one that the window shows."""
    night.lights(2)
    hand.drop(night.folder)
    hand.settle()
    menu(hand, "View", "Options")
    open_options(hand, "Groups")
    menu(hand, "File", "Preferences ...")
    hand.click("Show the log")
    shown = set(MENUS)
    for top in QApplication.topLevelWidgets():
        for widget in [top, *top.findChildren(QWidget)]:
            said = widget.accessibleName()
            shown |= {said, said.partition(":")[0], said.rpartition(": ")[2]}
            shown |= {widget.text()} if isinstance(widget, QLabel | QAbstractButton) else set()
            if isinstance(widget, QComboBox):
                shown |= {widget.itemText(place) for place in range(widget.count())}
            if isinstance(widget, QTabWidget):
                shown |= {widget.tabText(place) for place in range(widget.count())}
    for name in MENUS:
        shown |= {text.partition(" (")[0] for text in entries(hand, name)}
    plain_names = {text.replace("&", "").removeprefix("\u25c6 ") for text in shown}
    page = (docs_folder() or Path()) / "from-masterflatmaker.md"
    section = page.read_text(encoding="utf-8").partition("## The window")[2]
    named = set(re.findall(r"\*\*(.+?)\*\*", section))
    assert len(named) > 40
    assert named - plain_names == set()


def test_options_of_the_page_exist() -> None:
    """Every option on the page is one of a command."""
    from evenfield.cli.app import COMMANDS, cli

    context = click.Context(cli)
    known: set[str] = set()
    for name in COMMANDS:
        command = cli.get_command(context, name)
        inner = command.commands.values() if isinstance(command, click.Group) else ()
        for one in (command, *inner):
            assert one is not None
            known |= {text for param in one.params for text in (*param.opts, *param.secondary_opts)}
    page = (docs_folder() or Path()) / "from-masterflatmaker.md"
    section = page.read_text(encoding="utf-8").partition("## The window")[2]
    spoken = {
        word for code in re.findall(r"`([^`]+)`", section) for word in re.findall(r"(?<!\S)--?[a-z][a-z-]*", code)
    }
    assert spoken - {"-g"} <= known
