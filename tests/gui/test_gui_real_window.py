"""The real program on a real display: it opens, draws, hears a key, and ends."""

from __future__ import annotations

import json
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

SCREEN = (2560, 1600)
"""Room for 1280 x 800 at scale 2."""

SIZES = ((1280, 800), (1024, 700))

CHECKED = """
import json, sys
from pathlib import Path
from PySide6.QtTest import QTest
from window_checks import cut, hidden_parts, overlaps, pale
from window_states import views, window_in
night, tmp, look, long, *sizes = *map(Path, sys.argv[1:3]), sys.argv[3], sys.argv[4] == "longer", *sys.argv[5:]
faults, seen = [], []
for state in ("empty", "failed", "chosen"):
    with window_in(state, night, tmp / state, look=look, long=long) as hand:
        window = hand.window
        assert QTest.qWaitForWindowExposed(window)
        for size in sizes:
            width, height = map(int, size.split("x"))
            window.resize(width, height)
            QTest.qWait(50)
            if window.size().toTuple() != (width, height):
                faults.append(f"{state}: {window.size().toTuple()} instead of {size}")
            for view in views(hand):
                found = [*cut(window), *overlaps(window), *pale(window)]
                if width == 1280 and not long:
                    found += hidden_parts(window.pages.currentWidget())
                faults += [f"{state}, {size}, {view}: {fault}" for fault in found]
                seen.append((state, size, view, window.devicePixelRatioF()))
from PySide6.QtGui import QGuiApplication
print(json.dumps({"faults": faults, "seen": seen, "platform": QGuiApplication.platformName()}))
"""
"""The checks of `test_gui_layout`, on a display."""

PROGRAM = "from evenfield.cli.app import main; main()"

PATIENCE_S = 60.0
USABLE_S = 2.0


def until(happened: Callable[[], object], what: str) -> None:
    """Wait until something has happened."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.02)


def colors(picture: np.ndarray) -> np.ndarray:
    """The colors of a picture, each once and as one number."""
    return np.unique(picture[::4, ::4].astype(np.int64) @ (65536, 256, 1))


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
    """A display; where it cannot be, the tests are skipped by name, or fail where all is required."""
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        if os.environ.get("EVENFIELD_REQUIRE_ALL") == "1":
            pytest.fail(ABSENT.format(", ".join(absent)))
        pytest.skip(ABSENT.format(", ".join(absent)))
    folder = tmp_path_factory.mktemp("display")
    # Two servers that start at once may choose the same number: then one of them is gone before it is asked anything.
    for _ in range(3):
        server, number = started_server()
        display = Display(folder, number)
        if number and display.ask("xdotool", "getdisplaygeometry") and server.poll() is None:
            break
        server.kill()
        server.wait(PATIENCE_S)
    else:
        pytest.fail("Xvfb did not start")
    yield display
    server.terminate()
    server.wait(PATIENCE_S)


def started_server() -> tuple[subprocess.Popen[bytes], str]:
    """An X server, and the number of its display."""
    reading, writing = os.pipe()
    screen = "{}x{}x24".format(*SCREEN)
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", screen, "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as number:
        return server, number.readline().strip()


def test_the_program_opens_a_folder(display: Display, messy_night: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`evenfield gui FOLDER`: a window that is drawn, hears keys, and ends with exit code 0."""
    began = time.monotonic()
    program = display.start("gui", str(messy_night))
    until(lambda: program.poll() is not None or display.window("evenfield - night"), "the window is there")
    assert program.poll() is None, program.communicate()[0]
    shown = time.monotonic() - began
    until(lambda: len(colors(display.picture())) > 50, "it is drawn")
    before = display.picture()
    assert before.shape == (SCREEN[1], SCREEN[0], 3)
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


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("words", ["as it is", "longer"])
@pytest.mark.parametrize("scale", ["1", "1.5", "2"])
def test_nothing_is_cut(scale: str, words: str, look: str, display: Display, messy_night: Path, tmp_path: Path) -> None:
    """All texts whole, nothing upon anything else, contrast at least 4.5: on a display, in both sizes and looks."""
    support = Path(__file__).parent.parent / "support"
    path = os.pathsep.join([str(support), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**display.environment, "QT_SCALE_FACTOR": scale, "PYTHONPATH": path}
    sizes = [f"{width}x{height}" for width, height in SIZES]
    command = [sys.executable, "-c", CHECKED, str(messy_night), str(tmp_path), look, words, *sizes]
    run = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=180)
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout.splitlines()[-1])
    assert answer["platform"] == "xcb"
    assert len(answer["seen"]) > 3 * len(sizes)
    assert {ratio for *_, ratio in answer["seen"]} == {float(scale)}
    assert not answer["faults"], "\n".join(answer["faults"])
