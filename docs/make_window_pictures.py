"""Makes the pictures of the window for ``window.md``: ``python docs/make_window_pictures.py``.

The real window is shown on a display of its own (Xvfb) with the simulated messy night, brought from state to state,
and taken. Where there is no Xvfb the pictures are made without a display, which looks the same but for the letters.
``--size 1024x700``, ``--scale 1.5``, ``--look dark`` and ``--into FOLDER`` are for looking at other sizes.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

IMAGES = Path(__file__).parent / "images"

INSIDE = "EVENFIELD_PICTURES_INSIDE"
"""Set where the script runs again on the display that it asked for."""

NIGHT = Path(tempfile.gettempdir(), "night")
"""Seen in the pictures, so nothing in it may be of this computer."""

PATIENCE_S = 120.0

COLORS, GRAY_STEP = 80, 8
"""So many of the most frequent grays and colors a picture has, and grays in these steps: few, so it stays small."""

HELD_FRAMES, HELD_STEPS = 64, 3
"""Where reading and the run are stopped to be taken."""


def main(arguments: list[str]) -> int:
    """Find a display, or do without."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--scale", default="1")
    parser.add_argument("--look", default="light", choices=("light", "dark"))
    parser.add_argument("--into", default=str(IMAGES))
    chosen = parser.parse_args(arguments)
    if os.environ.get(INSIDE) == "1":
        return make_pictures(chosen)
    if importlib.util.find_spec("PySide6") is None:
        print('PySide6 is missing (pip install "evenfield[gui]"): the pictures of the window stay as they are.')
        return 0
    environment = {
        **os.environ,
        INSIDE: "1",
        "QT_SCALE_FACTOR": chosen.scale,
        "EVENFIELD_CONFIG": os.devnull,
    }
    command = [sys.executable, os.path.abspath(__file__), *arguments]
    server = shutil.which("xvfb-run")
    if server is None:
        print("There is no Xvfb (Debian, Ubuntu: apt-get install xvfb): the pictures are made without a display.")
        return subprocess.call(command, env={**environment, "QT_QPA_PLATFORM": "offscreen"})
    width, height = (round(int(side) * float(chosen.scale)) for side in chosen.size.split("x"))
    screen = f"-screen 0 {width}x{height}x24"
    return subprocess.call([server, "-a", "-s", screen, *command], env={**environment, "QT_QPA_PLATFORM": "xcb"})


def make_pictures(chosen: argparse.Namespace) -> int:
    """Bring the window into each state and take it."""
    into = Path(chosen.into).resolve()
    into.mkdir(parents=True, exist_ok=True)
    try:
        NIGHT.mkdir()
    except OSError as error:
        raise SystemExit(f"The night of the pictures is made in {NIGHT}: {error.strerror}.") from None
    try:
        with tempfile.TemporaryDirectory() as folder:
            studio = Studio(into, chosen.size, chosen.look, Path(folder))
            studio.take_all()
            studio.close()
    finally:
        shutil.rmtree(NIGHT)
    return 0


class Studio:
    """The window, and who brings it into its states."""

    def __init__(self, into: Path, size: str, look: str, folder: Path) -> None:
        from PySide6.QtCore import QSettings
        from PySide6.QtWidgets import QApplication

        from evenfield.gui.look import set_look
        from evenfield.gui.start import make_application
        from evenfield.gui.window import Window
        from evenfield.model.settings import Settings

        self.into, self.look = into, look
        self.app: QApplication = make_application()
        self.set_look: Callable[[str], None] = lambda look: set_look(self.app, look)
        self.set_look(look)
        memory = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
        self.window = Window(
            preferences=Settings(), preferences_path="~/.config/evenfield/settings.toml", trouble="", memory=memory
        )
        self.window.move(0, 0)
        width, height = (int(side) for side in size.split("x"))
        self.window.resize(width, height)
        self.window.show()
        self.wait(lambda: self.window.isVisible() and self.window.windowHandle().isExposed(), "the window is shown")

    # Waiting and taking.

    def wait(self, happened: Callable[[], Any], what: str) -> None:
        """Let the window work until something has happened."""
        end = time.monotonic() + PATIENCE_S
        while not happened():
            if time.monotonic() > end:
                raise SystemExit(f"Waited in vain until {what}.")
            self.app.processEvents()
            time.sleep(0.003)

    def settle(self) -> None:
        """Wait until everything that was asked for is done."""
        window = self.window
        calm = ("empty", "ready", "gone", "stopped")
        self.wait(lambda: window.session.phase.value in calm and not window.planner.busy, "it is planned")
        self.draw()

    def draw(self) -> None:
        """Let everything that waits to be drawn be drawn."""
        from PySide6.QtCore import QCoreApplication, QEvent

        for _ in range(6):
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            self.app.processEvents()
            time.sleep(0.01)

    def take(self, name: str, widget: Any = None) -> None:
        """Take what the screen shows, or one widget of it."""
        # No cursor blinks in a picture.
        focused = self.app.focusWidget()
        if focused is not None:
            focused.clearFocus()
        self.draw()
        real = os.environ["QT_QPA_PLATFORM"] == "xcb"
        pixels = self.window.screen().grabWindow(0) if real and widget is None else (widget or self.window).grab()
        save_small(pixels.toImage(), self.into / f"window-{name}.png")

    # The states.

    def take_all(self) -> None:
        """Every page and state, in the order in which a user meets them."""
        from PySide6.QtWidgets import QDialog

        from evenfield.simulate import simulate_messy_night

        simulate_messy_night(NIGHT, seed=1, overwrite=True)
        window = self.window
        self.draw()
        self.take("empty")
        with held_reading():
            window.session.add_paths([str(NIGHT)])
            self.wait(lambda: len(window.prepare.table.frames.shown) >= HELD_FRAMES, "rows appear")
            self.wait(lambda: window.session.reading_left_s() is not None, "the time left can be told")
            window.prepare.refresh()
            self.take("reading")
        self.settle()
        names = [name for name, state in window.prepare.tree.node_states().items() if "OIII" in name and state]
        window.prepare.tree.select_node(names[-1])
        self.take("ready")
        window.prepare.tree.select_node("all")
        window.do_options()
        self.take("options")
        window.do_picture()
        window.prepare.table.clearSelection()
        place = next(n for n, row in enumerate(window.prepare.table.frames.shown) if "FLAT_OIII_0010" in row.path)
        window.prepare.table.selectRow(place)
        self.wait(lambda: window.prepare.picture.view.picture is not None, "the picture is shown")
        self.take("picture")
        window.do_why()
        self.take("frame")
        with held_run():
            window.session.run()
            self.wait(lambda: len(window.session.results) == HELD_STEPS and self.progresses(), "masters are made")
            window.show_page(1)
            window.results.list.setCurrentRow(0)
            self.wait(lambda: window.results.picture.view.picture is not None, "the master is shown")
            self.take("run")
        self.wait(lambda: not window.session.running and not window.runner.busy, "the run ends")
        window.show_page(1)
        flats = [n for n, line in enumerate(window.results._lines) if line.result.kind == "flat"]
        window.results.list.setCurrentRow(flats[0])
        self.wait(lambda: window.results.picture.view.picture is not None, "the master is shown")
        self.take("results")
        window.results.tabs.setCurrentIndex(1)
        window.strip.open_log.setChecked(True)
        self.take("made")
        window.strip.open_log.setChecked(False)
        window.results.tabs.setCurrentIndex(0)
        window.show_page(0)
        self.set_look("dark" if self.look == "light" else "light")
        window.prepare.table.clearSelection()
        window.prepare.tree.select_node(names[-1])
        self.take("dark")
        self.set_look(self.look)
        window.do_preferences()
        self.draw()
        dialog = next(one for one in window.findChildren(QDialog) if one.isVisible())
        self.take("preferences", dialog)
        dialog.close()
        for path in NIGHT.rglob("*"):
            if path.is_file() and "FLAT" in path.name.upper():
                path.unlink()
        window.session.look_again()
        self.settle()
        self.take("no-flats")
        self.take_faults()

    def take_faults(self) -> None:
        """What the window says where something is wrong: a failed step, nothing readable, a folder that is gone."""
        from evenfield.simulate import simulate_messy_night

        window = self.window
        shutil.rmtree(NIGHT)
        simulate_messy_night(NIGHT, seed=1, overwrite=True)
        window.session.look_again()
        self.settle()
        for path in NIGHT.glob("2026-03-15/FLAT/FLAT_OIII_*.fits"):
            path.write_bytes(path.read_bytes()[:4000])
        window.session.run()
        self.wait(lambda: not window.session.running and not window.runner.busy, "the run ends")
        window.show_page(1)
        window.results.list.setCurrentRow(0)
        self.take("failed")
        for path in NIGHT.rglob("*.fits"):
            path.write_bytes(path.read_bytes()[:2000])
        shutil.rmtree(NIGHT / "masters", ignore_errors=True)
        window.show_page(0)
        window.session.look_again()
        self.settle()
        self.take("unreadable")
        shutil.rmtree(NIGHT)
        simulate_messy_night(NIGHT, seed=1, overwrite=True)
        window.session.look_again()
        self.settle()
        shutil.rmtree(NIGHT)
        window.session.look_again()
        self.settle()
        self.take("gone")
        NIGHT.mkdir()

    def progresses(self) -> bool:
        """Whether the run tells how fast it is."""
        state = self.window.session.run_state
        return state is not None and state.rate > 0

    def close(self) -> None:
        """Close the window."""
        self.window.session.cancel_run()
        self.wait(lambda: not self.window.session.running, "the run is cancelled")
        self.window.close()


@contextmanager
def held_reading() -> Iterator[None]:
    """Stop the reading of headers after some files, so that it can be taken."""
    from evenfield.gui import planning

    gate, original = threading.Event(), planning.survey_paths

    def survey(*arguments: Any, progress: Callable[..., None], **more: Any) -> Any:
        room = HELD_FRAMES

        def told(done: int, total: int, found: Any) -> None:
            nonlocal room
            if not gate.is_set() and len(found) >= room:
                progress(HELD_FRAMES, total, found[:room])
                gate.wait(PATIENCE_S)
                found = found[room:]
            room -= len(found)
            progress(done, total, found)

        return original(*arguments, progress=told, **more)

    planning.survey_paths = survey
    try:
        yield
    finally:
        gate.set()
        planning.survey_paths = original


@contextmanager
def held_run() -> Iterator[None]:
    """Stop the run in the middle of a step, so that it can be taken."""
    from evenfield.model.events import Progressed, StepEnded
    from evenfield.run import run

    gate, original, ended = threading.Event(), run.run_plan, []

    def run_plan(*arguments: Any, on_event: Callable[[Any], None], **more: Any) -> Any:
        def told(event: Any) -> None:
            on_event(event)
            if isinstance(event, StepEnded):
                ended.append(event)
            elif isinstance(event, Progressed) and len(ended) == HELD_STEPS and 3 * event.done > event.total:
                gate.wait(PATIENCE_S)

        return original(*arguments, on_event=told, **more)

    run.run_plan = run_plan
    try:
        yield
    finally:
        gate.set()
        run.run_plan = original


def save_small(image: Any, path: Path) -> None:
    """Write a picture with few colors."""
    from PySide6.QtGui import QImage, QImageWriter

    few = image.convertToFormat(QImage.Format.Format_RGB32).convertToFormat(
        QImage.Format.Format_Indexed8, palette_of(image)
    )
    writer = QImageWriter(str(path), b"png")
    writer.setCompression(100)
    if not writer.write(few):
        raise SystemExit(f"{path} cannot be written: {writer.errorString()}.")


def palette_of(image: Any) -> list[int]:
    """The most frequent colors, rounded, and grays for what pictures hold."""
    from PySide6.QtGui import QImage, qRgb

    pixels = image.convertToFormat(QImage.Format.Format_RGB32)
    data = np.frombuffer(pixels.constBits(), np.uint32).reshape(pixels.height(), -1)[:, : pixels.width()] & 0xFFFFFF
    values, counts = np.unique(data, return_counts=True)
    ordered = values[np.argsort(-counts, kind="stable")]
    parts = np.stack([ordered >> 16, ordered >> 8 & 255, ordered & 255]).astype(int)
    colored = np.ptp(parts, axis=0) > 24
    frequent = [int(value) for value in (*ordered[~colored][:COLORS], *ordered[colored][:COLORS])]
    return [0xFF000000 | value for value in frequent] + [qRgb(one, one, one) for one in range(0, 256, GRAY_STEP)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
