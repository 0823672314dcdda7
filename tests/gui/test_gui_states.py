"""Every state that the window can be in: what it says then, what can be done, and that nothing is lost."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from frame_files import Night, cut
from PySide6.QtCore import QMimeData, QPoint, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QPalette
from window_flows import (
    entries,
    gate,
    menu,
    names,
    node,
    nodes,
    open_options,
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
)
from window_hand import Hand, make_window

import evenfield.simulate
import evenfield.survey
from evenfield.cli.app import run_cli
from evenfield.gui import start as gui_start
from evenfield.gui.session import Phase
from evenfield.model.events import Progressed

FLAT = "master_flat_Ha_2026-03-14"
DARK = "master_dark_flat_2.00s"
SUBPROCESS_S = 120.0


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """A folder to be filled."""
    return Night(tmp_path)


@pytest.fixture
def planned(hand: Hand, night: Night) -> Night:
    """A night of Ha that is shown and planned; products go into the folder ``out``."""
    night.flats(5)
    night.dark_flats(5)
    show(hand, night)
    return night


def show(hand: Hand, night: Night) -> None:
    """Drop the night and wait for its plan; products go into the folder ``out``."""
    hand.drop(night.folder)
    hand.settle()
    hand.write("Output folder", str(night.output))
    hand.settle()


@contextmanager
def another(folder: Path) -> Iterator[Hand]:
    """A hand at a further window, which remembers what is in a folder."""
    one = Hand(make_window(folder))
    try:
        yield one
    finally:
        one.close()


def left_in(folder: Path) -> list[str]:
    """The names of all files below a folder, hidden ones too."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def hashes(folder: Path) -> dict[str, str]:
    """The content of each product."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.fits")}


# Nothing yet; loading.


def test_empty(hand: Hand, night: Night, dialogs: dict[str, Any]) -> None:
    """An empty window says what to do, and offers a folder and the example."""
    assert hand.text_of("Notice") == ("Drop a night's folder here. evenfield finds the flats and what calibrates them.")
    assert hand.find("Open example night").isEnabled()
    assert hand.text_of("Selection") == "0 of 0 selected"
    night.flats(2)
    dialogs["folder"] = night.folder
    hand.click("Choose folder")
    hand.settle()
    assert len(names(hand)) == 2
    assert not hand.all("Notice")


@contextmanager
def slow_reading(monkeypatch: pytest.MonkeyPatch, *, held_at: int) -> Iterator[threading.Event]:
    """Headers are read up to one, which waits until the event that is given is set."""
    read_header, go_on, count = evenfield.survey.read_header, threading.Event(), [0]

    def read(path: str) -> Any:
        count[0] += 1
        if count[0] > held_at:
            assert go_on.wait(60.0), "nobody let the reader go on"
        return read_header(path)

    with monkeypatch.context() as patch:
        patch.setattr(evenfield.survey, "read_header", read)
        patch.setattr(evenfield.survey, "TELL_EVERY_S", 0.0)
        try:
            yield go_on
        finally:
            go_on.set()


def test_loading_and_stop(hand: Hand, night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows appear while headers are read; Stop keeps them, and Look again reads the rest."""
    night.flats(6)
    with slow_reading(monkeypatch, held_at=4) as go_on:
        hand.drop(night.folder)
        hand.until(lambda: len(names(hand)) == 4, "four rows are there")
        hand.until(lambda: "Reading 4 of 6" in hand.text_of("Notice"), "the progress is told")
        assert hand.text_of("Selection") == "0 of 4 selected"
        assert hand.reasons() == "The headers are still read."
        hand.click("Stop")
        go_on.set()
        hand.until(lambda: hand.session.phase is Phase.STOPPED, "reading has stopped")
    assert re.fullmatch(r"Stopped at \d of 6 files\.", hand.text_of("Notice"))
    assert len(names(hand)) >= 4
    assert "Look again" in hand.reasons()
    assert not hand.find("Start the job").isEnabled()
    hand.click("Look again at the folder")
    hand.settle()
    assert len(names(hand)) == 6
    assert hand.find("Start the job").isEnabled()


def test_time_left(hand: Hand, night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """While headers are read, the time that is left is told as soon as it can be."""
    night.flats(6)
    with slow_reading(monkeypatch, held_at=4):
        hand.drop(night.folder)
        hand.until(lambda: hand.session.progress == (4, 6), "four headers are read")
        began = time.perf_counter()
        hand.until(lambda: time.perf_counter() - began > 0.25, "some time has passed")
        hand.window.prepare.refresh()
        assert re.fullmatch(r"Reading 4 of 6, \d+ s left", hand.text_of("Notice"))
    hand.settle()


# Nothing that could be made.


def test_folder_without_flats(hand: Hand, night: Night) -> None:
    """Lights and darks alone: their numbers, the lights on request, and the selection as flats."""
    night.lights(4)
    night.darks(3)
    hand.drop(night.folder)
    hand.settle()
    assert hand.text_of("Notice").startswith("No flats among 7 files: 4 lights, 3 darks.")
    hand.click("Show lights")
    hand.until(lambda: len(names(hand)) == 4, "only the lights are shown")
    hand.click("Treat selection as flats")
    assert hand.text_of("Message") == "Nothing is selected. Select the files that are flats first."
    assert nodes(hand)["All files"] == "7"
    hand.click("Dismiss the message")
    select(hand, "light_01.fits", "light_02.fits", "light_03.fits")
    hand.click("Treat selection as flats")
    hand.settle()
    assert hand.text_of("Start the job") == "Make 1 master flat"
    menu(hand, "Edit", "Undo Treat as flats")
    hand.settle()
    assert hand.text_of("Notice").startswith("No flats among 7 files")


def test_nothing_readable(hand: Hand, night: Night) -> None:
    """Files that cannot be read: the reasons, counted."""
    for path in night.flats(3):
        cut(path, 1000)
    (night.folder / "empty.fits").write_bytes(b"")
    hand.drop(night.folder)
    hand.settle()
    notice = hand.text_of("Notice")
    assert re.search(r"3: .+; 1: .+\.", notice), notice
    assert nodes(hand)["Unreadable"] == "4"
    assert not hand.find("Start the job").isEnabled()
    assert hand.reasons()


def test_folder_gone(hand: Hand, planned: Night) -> None:
    """A folder that went away: its rows stay, grey, until it is there again."""
    away = planned.folder.with_name("away")
    planned.folder.rename(away)
    hand.click("Look again")
    hand.settle()
    assert hand.text_of("Notice") == "night/ cannot be reached."
    assert hand.reasons() == "The frames cannot be reached."
    assert len(names(hand)) == 10
    model = table(hand).model()
    color = model.index(0, 1).data(Qt.ItemDataRole.ForegroundRole)
    assert color == table(hand).palette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
    away.rename(planned.folder)
    hand.click("Look again at the folder")
    hand.settle()
    assert hand.find("Start the job").isEnabled()
    assert model.index(0, 1).data(Qt.ItemDataRole.ForegroundRole) is None


# No window at all.


def in_process(code: str, *arguments: str | Path, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own; an environment variable that is ``None`` is taken away."""
    known = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment}
    words = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=SUBPROCESS_S, check=False,
        env={key: value for key, value in known.items() if value is not None},
    )  # fmt: skip


MAIN = "from evenfield.cli.app import main; main()"


@pytest.mark.parametrize(("arguments", "code"), [(("gui",), 2), ((), 0)])
def test_missing_extra(arguments: tuple[str, ...], code: int) -> None:
    """Without PySide6 one sentence says how to install it; without arguments the help is shown in place of a window."""
    done = in_process(f"import sys; sys.modules['PySide6'] = None; {MAIN}", *arguments)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    if arguments:
        assert len(done.stderr.strip().splitlines()) == 1
        assert 'python3 -m pip install "evenfield[gui]"' in done.stderr
    else:
        assert "Usage: evenfield" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
@pytest.mark.parametrize(("arguments", "code"), [(("gui",), 2), ((), 0)])
def test_no_display(arguments: tuple[str, ...], code: int) -> None:
    """Without a display it says so and names the commands."""
    done = in_process(MAIN, *arguments, QT_QPA_PLATFORM=None, DISPLAY=None, WAYLAND_DISPLAY=None)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert ("no display" in done.stderr) if arguments else ("Usage: evenfield" in done.stdout)


# Preferences that are broken.


def test_broken_preferences(
    tmp_path: Path, night: Night, monkeypatch: pytest.MonkeyPatch, dialogs: dict[str, Any], qapp: object
) -> None:
    """The window says which line is broken, starts with the defaults, and its command line does not depend on it."""
    del qapp, dialogs
    path = tmp_path / "settings.toml"
    path.write_text('[combine]\nmethod = "median"\nlevel = = 3\n')
    monkeypatch.setenv("EVENFIELD_CONFIG", str(path))
    night.flats(3)
    window = gui_start.make_window()
    window.show()
    hand = Hand(window)
    try:
        assert "line 3" in hand.text_of("Message")
        assert "starts with the defaults" in hand.text_of("Message")
        show(hand, night)
        assert hand.session.request.settings.combine.method == "mean"
        command = hand.session.command
        assert run_cli([*_words(command), "-q"]) == 0
        assert path.read_text().endswith("= = 3\n")
        menu(hand, "File", "Preferences ...")
        hand.click("Save")
        hand.click("Close")
        assert "= =" not in path.read_text()
    finally:
        hand.close()


def _words(command: str) -> list[str]:
    import shlex

    return shlex.split(command)[1:]


# Runs that do not go well.


def test_failed_step(hand: Hand, night: Night) -> None:
    """A step that fails shows FAILED with its reason; the others are made."""
    night.flats(4)
    night.flats(4, name="oiii", FILTER="OIII", level=0.0)
    night.dark_flats(edit=lambda one: one + np.uint16(100))
    show(hand, night)
    open_options(hand)
    hand.choose("Level of the master", "Divided by its mean")
    hand.settle()
    start(hand)
    assert statuses(hand)[FLAT] == "DONE"
    assert statuses(hand)["master_flat_OIII_2026-03-14"] == "FAILED"
    lines = shown_texts(hand, "Masters and their verdicts").splitlines()
    assert "OIII" in lines[0]
    assert re.match(r".* FAILED: .{20}", lines[1])
    assert "1 not made" in hand.text_of("Summary of the results")
    assert (night.output / f"{FLAT}.fits").exists()


def test_folder_removed_before_the_run(hand: Hand, planned: Night) -> None:
    """Frames that went away between plan and run: the steps fail with their reason, and the window goes on."""
    shutil.rmtree(planned.folder)
    start(hand)
    assert set(statuses(hand).values()) <= {"FAILED", "SKIPPED"}
    assert "FAILED" in shown_texts(hand, "Masters and their verdicts")
    assert not list(planned.output.rglob("*.fits"))
    hand.click("Look again")
    hand.settle()
    assert hand.session.phase is Phase.GONE


def test_disk_full(hand: Hand, planned: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk has no room, nothing is begun and the need is told; with room again it works."""
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 0))
        start(hand)
    assert set(statuses(hand).values()) == {"FAILED"}
    assert "0.0 MB are free" in shown_texts(hand, "Masters and their verdicts")
    assert not list(planned.output.rglob("*.fits"))
    hand.click("Prepare")
    start(hand)
    assert set(statuses(hand).values()) == {"DONE"}


def test_disk_full_in_mid_file(hand: Hand, planned: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills while a file is written: that step fails, and no part of its file stays."""
    import errno

    from evenfield.write import fits_file

    stored = fits_file._stored

    def full(values: Any, *, sample: str) -> Iterator[Any]:
        yield next(iter(stored(values, sample=sample)))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(fits_file, "_stored", full)
        start(hand)
    assert statuses(hand) == {DARK: "FAILED", FLAT: "SKIPPED"}
    assert "the disk is full" in shown_texts(hand, "Masters and their verdicts")
    assert left_in(planned.output) == ["plan.json", "report.html", "report.json", "report.txt"]


def test_output_that_cannot_be_written(hand: Hand, planned: Night) -> None:
    """An output folder that cannot be made is told; another one, and the job can be started again."""
    (planned.top / "file").write_text("A file where a folder has to be.\n")
    hand.write("Output folder", str(planned.top / "file" / "out"))
    hand.settle()
    start(hand)
    assert "cannot be made" in hand.reasons()
    assert "cannot be made" in shown_texts(hand, "Problems")
    hand.write("Output folder", str(planned.output))
    hand.settle()
    assert hand.reasons() == ""
    start(hand)
    assert set(statuses(hand).values()) == {"DONE"}


def test_output_that_is_mended_outside(hand: Hand, planned: Night) -> None:
    """Where the folder is mended outside the window, a second look is enough."""
    blocked = planned.top / "file"
    blocked.write_text("A file where a folder has to be.\n")
    hand.write("Output folder", str(blocked))
    hand.settle()
    if hand.find("Start the job").isEnabled():
        start(hand)
    assert not hand.find("Start the job").isEnabled()
    blocked.unlink()
    hand.click("Look again")
    hand.settle()
    start(hand)
    assert set(statuses(hand).values()) == {"DONE"}


# Closing and killing.


def _answer(hand: Hand, button: str, pressed_s: dict[str, float]) -> None:
    """Press a button of the question that comes up, and keep when."""

    def press() -> None:
        if not hand.all(button):
            QTimer.singleShot(5, press)
            return
        pressed_s[button] = time.perf_counter()
        hand.click(button)

    QTimer.singleShot(0, press)


def test_close_in_mid_run(tmp_path: Path, night: Night, monkeypatch: pytest.MonkeyPatch, qapp: object) -> None:
    """Closing asks; "Go on" goes on; else it ends within two seconds, with nothing half-written."""
    del qapp
    night.flats(5)
    night.dark_flats(5)
    with another(tmp_path / "config") as hand:
        show(hand, night)
        with gate(monkeypatch, lambda event: isinstance(event, Progressed) and event.step == FLAT) as held:
            hand.click("Start the job")
            hand.until(held.reached.is_set, "the second step is under way")
            asked: dict[str, float] = {}
            _answer(hand, "Go on", asked)
            assert not hand.window.close()
            assert hand.window.isVisible()
            assert hand.session.running
            _answer(hand, "Cancel the run and close", asked)
            assert hand.window.close()
            assert time.perf_counter() - asked["Cancel the run and close"] < 2.0
            assert list(asked) == ["Go on", "Cancel the run and close"]
        assert not hand.window.runner._thread.is_alive()
    assert [name for name in left_in(night.output) if "partial" in name or "flat_Ha" in name] == []
    assert f"{DARK}.fits" in left_in(night.output)


def test_close_without_a_run(tmp_path: Path, qapp: object) -> None:
    """Nobody is asked where nothing runs."""
    del qapp
    with another(tmp_path / "config") as hand:
        assert hand.window.close()
        assert not hand.window.isVisible()


WINDOW_THAT_RUNS = """
import os, signal, sys, threading, time
from PySide6.QtCore import QTimer
from evenfield.gui import start
from evenfield.write import fits_file
make, stored, count = start.make_window, fits_file._stored, 0
closing = threading.Event()
def made():
    window = make()
    window.confirm_close = lambda: True
    def poll():
        if closing.is_set() or window.session.report is not None:
            window.close()
        elif not window.session.running and window.session.report is None and not window.session.reasons_against():
            window.prepare.start()
        QTimer.singleShot(5, poll)
    poll()
    return window
start.make_window = made
def half(pixels, *, sample):
    global count
    for chunk in stored(pixels, sample=sample):
        count += 1
        if count == 2:
            {act}
        yield chunk
fits_file._stored = half
from evenfield.cli.app import main
main(["gui", sys.argv[1]])
"""


def test_killed_in_mid_run(hand: Hand, planned: Night, tmp_path: Path) -> None:
    """A window that is killed while it writes a file: the next one reuses what was finished, and cleans up."""
    code = WINDOW_THAT_RUNS.format(act="os.kill(os.getpid(), signal.SIGKILL)")
    done = in_process(code, planned.folder, EVENFIELD_CONFIG=str(tmp_path / "other" / "settings.toml"))
    assert done.returncode == -signal.SIGKILL, done.stderr
    out = planned.folder / "masters"
    assert hashes(out).keys() == {f"{DARK}.fits"}
    assert any("partial" in name for name in left_in(out)), "a file was interrupted"
    start(hand)
    undisturbed = hashes(planned.output)
    hand.click("Prepare")
    hand.write("Output folder", str(out))
    hand.settle()
    start(hand)
    assert statuses(hand) == {DARK: "REUSED", FLAT: "DONE"}
    assert left_in(out) == sorted(
        [f"{DARK}.fits", f"{FLAT}.fits", "plan.json", "report.html", "report.json", "report.txt"]
    )
    assert hashes(out) == undisturbed


def test_closed_while_a_file_is_written(night: Night, tmp_path: Path) -> None:
    """A window that is closed while a file is written ends at once, and the file is whole or not there."""
    night.flats(5)
    night.dark_flats(5)
    code = WINDOW_THAT_RUNS.format(act="closing.set(); time.sleep(0.6)")
    done = in_process(code, night.folder, EVENFIELD_CONFIG=str(tmp_path / "settings.toml"))
    assert done.returncode == 0, done.stderr
    left = left_in(night.folder / "masters")
    assert [name for name in left if "partial" in name] == []
    assert f"{DARK}.fits" in left
    for path in (night.folder / "masters").rglob("*.fits"):
        assert np.isfinite(fits.getdata(path)).all()


# Several windows, the example, what is remembered.


def test_second_window(hand: Hand, night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two windows make the same masters into one folder at once: each ends well, and the files are whole."""
    night.flats(5)
    night.dark_flats(5)
    hand.drop(night.folder)
    hand.settle()
    out = night.folder / "masters"
    with gate(monkeypatch, lambda event: isinstance(event, Progressed) and event.step == FLAT) as held:
        hand.click("Start the job")
        hand.until(held.reached.is_set, "the first window is in its second step")
        code = WINDOW_THAT_RUNS.format(act="pass")
        done = in_process(code, night.folder, EVENFIELD_CONFIG=str(tmp_path / "config" / "settings.toml"))
        assert done.returncode == 0, done.stderr
        made = hashes(out)
        assert made.keys() == {f"{DARK}.fits", f"{FLAT}.fits"}
        held.opened.set()
        hand.wait_for_run()
    assert set(statuses(hand).values()) <= {"DONE", "REUSED"}
    assert hashes(out) == made
    assert [name for name in left_in(out) if "partial" in name] == []
    assert run_cli(["flats", str(night.folder), "-o", str(night.output), "-q"]) == 0
    assert made == hashes(night.output)


def test_example_night(hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example night is simulated once and opened; a disk that does not take it is told."""
    made: list[str] = []

    def simulate(folder: str, *, seed: int) -> None:
        made.append(folder)
        assert seed == 1
        if len(made) == 1:
            raise OSError(28, "No space left on device")
        small = Night(tmp_path)
        small.folder = Path(folder)
        small.flats(3)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(evenfield.simulate, "simulate_night", simulate)
    hand.click("Open example night")
    hand.until(lambda: "No space left" in hand.text_of("Message"), "the failure is told")
    for _ in range(2):
        hand.click("Open example night")
        hand.until(lambda: hand.session.phase is Phase.READY, "the example is planned")
        assert len(names(hand)) == 3
        assert not hand.all("Message")
        menu(hand, "File", "Remove all files from the list")
        hand.settle()
    assert len(made) == 2


def test_recent(hand: Hand, planned: Night, tmp_path: Path) -> None:
    """Recent folders can be opened again, the last one first; one that is gone says so."""
    other = planned.beside("other")
    other.flats(2, FILTER="OIII")
    hand.drop(other.folder)
    hand.settle()
    assert entries(hand, "File", "Recent") == [str(other.folder), str(planned.folder)]
    menu(hand, "File", "Remove all files from the list")
    hand.settle()
    assert names(hand) == []
    menu(hand, "File", "Recent", str(planned.folder))
    hand.settle()
    assert len(names(hand)) == 10
    with another(tmp_path / "config") as next_time:
        assert entries(next_time, "File", "Recent") == [str(planned.folder), str(other.folder)]
        shutil.rmtree(other.folder)
        menu(next_time, "File", "Recent", str(other.folder))
        next_time.settle()
        assert next_time.text_of("Notice") == "other/ cannot be reached."


def test_remembered(tmp_path: Path, night: Night, monkeypatch: pytest.MonkeyPatch, qapp: object) -> None:
    """Size and columns are as they were when the window was closed."""
    del qapp
    night.flats(3)
    with another(tmp_path / "config") as hand:
        show(hand, night)
        menu(hand, "View", "Columns", "Gain")
        menu(hand, "View", "Columns", "Temp.")
        hand.settle()
        table(hand).setColumnWidth(titles(hand).index("Name"), 231)
        assert "Gain" in titles(hand)
        assert "Temp." not in titles(hand)
    with another(tmp_path / "config") as again:
        again.drop(night.folder)
        again.settle()
        assert "Gain" in titles(again)
        assert "Temp." not in titles(again)
        assert table(again).columnWidth(titles(again).index("Name")) == 231
        menu(again, "View", "Columns", "Temp.")
        assert "Temp." in titles(again)
        again.window.resize(780, 700)
    monkeypatch.setenv("EVENFIELD_CONFIG", str(tmp_path / "config" / "settings.toml"))
    third = Hand(gui_start.make_window())
    third.window.show()
    assert (third.window.width(), third.window.height()) == (780, 700)
    third.close()


# Dropping, and plans in files.


def test_drop(hand: Hand, night: Night) -> None:
    """Files and folders can be dropped together; a text cannot."""
    flats = night.flats(3)
    other = night.beside("darks")
    other.dark_flats(3)
    hand.drop(flats[0], other.folder)
    hand.settle()
    assert sorted(names(hand)) == sorted(["flat_01.fits", *(path.name for path in other.folder.iterdir())])
    for urls, taken in ((True, True), (False, False)):
        data = QMimeData()
        if urls:
            from PySide6.QtCore import QUrl

            data.setUrls([QUrl.fromLocalFile(str(flats[0]))])
        else:
            data.setText("a text")
        event = QDragEnterEvent(
            QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        event.ignore()
        hand.window.dragEnterEvent(event)
        assert event.isAccepted() is taken


def test_save_open_and_leave_a_plan(hand: Hand, planned: Night, dialogs: dict[str, Any]) -> None:
    """A plan is saved, opened and run as it is; when it is left, all is as before it was opened."""
    tick_node(hand, FLAT)
    tick_node(hand, FLAT)
    before = hand.session.request
    plan = planned.top / "my plan.json"
    dialogs["save"] = plan
    menu(hand, "File", "Save plan ...")
    hand.choose("Job", "Examine only")
    hand.settle()
    dialogs["open"] = plan
    menu(hand, "File", "Open plan ...")
    hand.settle()
    assert hand.text_of("Same on the command line") == f"evenfield run '{plan}'"
    assert "is run as it is" in hand.reasons()
    assert hand.text_of("Start the job") == "Make 1 master flat"
    select(hand, "flat_01.fits")
    assert not hand.all("Make from selection only")
    assert not hand.all("Leave the selected frames out")
    # A change is refused in words, and undo waits.
    tick_node(hand, FLAT)
    assert "Leave this plan" in hand.text_of("Message")
    assert node(hand, FLAT).checkState(0) is Qt.CheckState.Checked
    assert "Undo (a saved plan is open)" in entries(hand, "Edit")
    start(hand, "Make 1 master flat")
    assert statuses(hand) == {DARK: "DONE", FLAT: "DONE"}
    hand.click("Prepare")
    hand.click("Leave this plan")
    hand.settle()
    assert hand.find("Job").currentText() == "Examine only"
    menu(hand, "Edit", "Undo Job")
    hand.settle()
    assert hand.session.request == before
    assert hand.text_of("Start the job") == "Make 1 master flat"
    assert node(hand, FLAT).flags() & Qt.ItemFlag.ItemIsEditable


def test_drop_a_plan_and_then_a_folder(hand: Hand, planned: Night, dialogs: dict[str, Any]) -> None:
    """A plan is opened when it is dropped; a folder that is dropped on it leaves the plan."""
    plan = planned.top / "plan.json"
    dialogs["save"] = plan
    menu(hand, "File", "Save plan ...")
    menu(hand, "File", "Remove all files from the list")
    hand.drop(plan)
    hand.settle()
    assert len(names(hand)) == 10
    other = planned.beside("other")
    other.flats(2, FILTER="OIII")
    hand.drop(other.folder)
    hand.settle()
    assert len(names(hand)) == 2
    assert not hand.all("Leave this plan")
    assert hand.find("Start the job").isEnabled()


def test_plan_with_changed_frames(hand: Hand, planned: Night, dialogs: dict[str, Any]) -> None:
    """Frames that were changed since the plan was saved are told when it is run, and nothing is made of them."""
    plan = planned.top / "plan.json"
    dialogs["save"] = plan
    menu(hand, "File", "Save plan ...")
    fits.setval(planned.folder / "flat_01.fits", "GAIN", value=101)
    hand.drop(plan)
    hand.settle()
    start(hand)
    result = next(one for one in hand.session.results if one.kind == "flat")
    assert "input_changed" in {one.code for one in result.findings}
    assert "flat_01.fits was written again" in shown_texts(hand, "Findings")
    assert (planned.output / f"{FLAT}.fits").exists() is (result.status.value == "DONE")
    assert result.status.value == "FAILED" or "flat_01.fits" not in [Path(one).name for one in result.inputs]


@pytest.mark.parametrize(("text", "word"), [("{", "plan"), ('{"schema": 1}', "plan"), ("", "plan")])
def test_file_that_is_no_plan(hand: Hand, planned: Night, dialogs: dict[str, Any], text: str, word: str) -> None:
    """A file that is no plan is refused in words, and what was shown stays."""
    broken = planned.top / "broken.json"
    broken.write_text(text)
    dialogs["open"] = broken
    menu(hand, "File", "Open plan ...")
    hand.settle()
    assert "broken.json" in hand.text_of("Message")
    assert word in hand.text_of("Message")
    assert len(names(hand)) == 10
    assert hand.find("Start the job").isEnabled()


def test_broken_plan_while_another_is_open(hand: Hand, planned: Night, dialogs: dict[str, Any]) -> None:
    """A broken plan changes nothing where a good one is open."""
    plan, broken = planned.top / "plan.json", planned.top / "broken.json"
    dialogs["save"] = plan
    menu(hand, "File", "Save plan ...")
    broken.write_text("{")
    for path in (plan, broken):
        hand.drop(path)
        hand.settle()
    assert "broken.json" in hand.text_of("Message")
    assert hand.text_of("Same on the command line") == f"evenfield run {plan}"
    start(hand, "Make 1 master flat")
    assert statuses(hand) == {DARK: "DONE", FLAT: "DONE"}


def test_no_plan_is_saved_for_refused_options(hand: Hand, planned: Night) -> None:
    """While options are refused there is no plan of them, so none can be saved."""
    assert "Save plan ..." in entries(hand, "File")
    open_options(hand)
    # It goes with files, not with folders.
    tick(hand, "Treat chosen files as flats")
    hand.settle()
    assert "goes with files" in hand.reasons()
    assert "Save plan ... (there is no plan for these options)" in entries(hand, "File")
    assert len(names(hand)) == 10


def test_corrections_wait_for_all_headers(hand: Hand, night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """While headers are read nobody can tell which files a pattern means, so nothing is left out by accident."""
    night.flats(6)
    with slow_reading(monkeypatch, held_at=4):
        hand.drop(night.folder)
        hand.until(lambda: len(names(hand)) == 4, "four rows are there")
        select(hand, "flat_01.fits", "flat_02.fits")
        before = hand.session.request
        hand.click("Leave the selected frames out")
        assert "Not all headers are read yet." in hand.text_of("Message")
        assert hand.session.request == before
    hand.settle()
    assert sorted(selected(hand)) == ["flat_01.fits", "flat_02.fits"]
    hand.click("Leave the selected frames out")
    hand.settle()
    assert [name for name, on in sorted(ticks(hand).items()) if not on] == ["flat_01.fits", "flat_02.fits"]
