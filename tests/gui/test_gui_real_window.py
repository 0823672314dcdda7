"""The real program on a real display: it opens, draws, hears a key, and ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from window_checks import pixels_of

TOOLS = ("Xvfb", "xdotool", "import")
ABSENT = "absent: {} (Debian, Ubuntu: apt-get install xvfb xdotool imagemagick)"

PROGRAM = "from evenfield.cli.app import main; main()"

PATIENCE_S = 60.0
USABLE_S = 2.0


def until(happened: Callable[[], object], what: str) -> None:
    """Wait until something has happened."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.02)


class Display:
    """A display of its own, with what can be seen and done on it."""

    def __init__(self, folder: Path, number: str) -> None:
        self.environment = {
            **os.environ,
            "DISPLAY": f":{number}",
            "QT_QPA_PLATFORM": "xcb",
            "EVENFIELD_CONFIG": str(folder / "settings.toml"),
        }
        self.folder = folder

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Start evenfield."""
        environment = {**self.environment, **more}
        command = [sys.executable, "-c", PROGRAM, *arguments]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def ask(self, *command: str) -> str:
        """What a tool of the display answers."""
        run = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=30)
        return run.stdout.strip()

    def window(self, title: str) -> str:
        """The window whose title holds these words, or nothing."""
        return self.ask("xdotool", "search", "--onlyvisible", "--name", title).split("\n")[-1]

    def picture(self) -> np.ndarray:
        """What the display shows."""
        path = self.folder / "screen.png"
        self.ask("import", "-window", "root", str(path))
        image = QImage(str(path))
        assert not image.isNull()
        return pixels_of(image)

    def press(self, keys: str) -> None:
        """Press keys in the window that is there."""
        self.ask("xdotool", "key", "--clearmodifiers", keys)

    def close(self, program: subprocess.Popen[str], title: str) -> None:
        """Close the window with its key; it ends well and says nothing."""
        self.ask("xdotool", "windowfocus", "--sync", self.window(title))
        self.press("ctrl+q")
        told, _ = program.communicate(timeout=PATIENCE_S)
        assert program.returncode == 0, told
        assert "Traceback" not in told


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    """A display of 1280 x 800; where it cannot be, the tests are skipped by name, or fail where all is required."""
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        if os.environ.get("EVENFIELD_REQUIRE_ALL") == "1":
            pytest.fail(ABSENT.format(", ".join(absent)))
        pytest.skip(ABSENT.format(", ".join(absent)))
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as number:
        chosen = number.readline().strip()
    assert chosen, "Xvfb did not start"
    yield Display(tmp_path_factory.mktemp("display"), chosen)
    server.terminate()
    server.wait(PATIENCE_S)


def test_the_program_opens_a_folder(display: Display, messy_night: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`evenfield gui FOLDER`: a window that is drawn, hears keys, and ends with exit code 0."""
    began = time.monotonic()
    program = display.start("gui", str(messy_night))
    until(lambda: program.poll() is not None or display.window("evenfield - night"), "the window is there")
    assert program.poll() is None, program.communicate()[0]
    shown = time.monotonic() - began
    until(lambda: len(np.unique(display.picture().reshape(-1, 3), axis=0)) > 50, "it is drawn")
    before = display.picture()
    assert before.shape == (800, 1280, 3)
    display.ask("xdotool", "windowfocus", "--sync", display.window("evenfield - night"))
    display.press("ctrl+2")
    until(lambda: bool((display.picture() != before).any()), "it hears a key")
    usable = time.monotonic() - began
    with capfd.disabled():
        print(f"\nwindow shown after {shown:.2f} s, a key answered after {usable:.2f} s (aim: {USABLE_S} s)")
    assert shown < 10 * USABLE_S
    display.close(program, "evenfield - night")


def test_without_arguments_the_window_opens(display: Display) -> None:
    """`evenfield` alone, where there is a display."""
    program = display.start()
    until(lambda: program.poll() is not None or display.window("^evenfield$"), "the window is there")
    assert program.poll() is None, program.communicate()[0]
    display.close(program, "^evenfield$")


def test_without_a_display_it_helps(display: Display) -> None:
    """`evenfield` alone, where there is none: the help of the command line; `evenfield gui` says what is missing."""
    none = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    program = display.start(**none)
    told, _ = program.communicate(timeout=PATIENCE_S)
    assert program.returncode in (0, 2)
    assert "Usage: evenfield" in told
    program = display.start("gui", **none)
    told, _ = program.communicate(timeout=PATIENCE_S)
    assert program.returncode == 2
    assert "There is no display" in told
