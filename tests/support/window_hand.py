"""A user's hand at the window: widgets are found by their accessible names, and used with mouse and keys."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QWidget

from evenfield.cli.request import request_of
from evenfield.gui.look import set_look
from evenfield.gui.session import Phase
from evenfield.gui.start import make_application
from evenfield.gui.window import Window
from evenfield.model.settings import Settings

Found = TypeVar("Found", bound=QWidget)

PATIENCE_S = 60.0


_FROZEN = False


def _freeze() -> None:
    """Leave what was there before the first window out of the collections after each window."""
    global _FROZEN  # noqa: PLW0603 - once a process
    if not _FROZEN:
        _FROZEN = True
        gc.collect()
        gc.freeze()


def make_window(folder: Path, *, settings: Settings | None = None, trouble: str = "", look: str = "light") -> Window:
    """A window whose preferences and memory lie in a folder."""
    app = make_application()
    _freeze()
    set_look(app, look)
    memory = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
    path = str(folder / "settings.toml")
    window = Window(preferences=settings or Settings(), preferences_path=path, trouble=trouble, memory=memory)
    window.resize(1280, 800)
    window.show()
    app.processEvents()
    return window


class Hand:
    """What a user can do, and wait for."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.session = window.session

    # Waiting.

    def until(self, happened: Callable[[], bool], what: str, *, within_s: float = PATIENCE_S) -> None:
        """Let the window work until something has happened."""
        end = time.perf_counter() + within_s
        while not happened():
            assert time.perf_counter() < end, f"waited in vain until {what}"
            QApplication.processEvents()
            time.sleep(0.002)
        QApplication.processEvents()

    def settle(self, *, within_s: float = PATIENCE_S) -> None:
        """Wait until the plan is made, or cannot be."""
        QApplication.processEvents()
        calm = (Phase.READY, Phase.EMPTY, Phase.GONE, Phase.STOPPED)
        self.until(
            lambda: self.session.phase in calm and not self.window.planner.busy, "it is planned", within_s=within_s
        )
        # What was put off with a timer or a queued signal comes now.
        for _ in range(8):
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            QApplication.processEvents()

    def wait_for_run(self, *, within_s: float = PATIENCE_S) -> None:
        """Wait until the run has ended."""
        QApplication.processEvents()
        self.until(lambda: not self.session.running and not self.window.runner.busy, "the run ends", within_s=within_s)

    # Finding.

    def all(self, name: str, kind: type[Found] = QWidget) -> list[Found]:  # type: ignore[assignment]
        """The visible widgets whose accessible name is, or begins with, ``name``, in all windows."""
        tops = [top for top in QApplication.topLevelWidgets() if top.isVisible()]
        found: list[Found] = []
        for top in tops:
            for widget in [top, *top.findChildren(kind)]:
                said = widget.accessibleName()
                fits = said == name or said.startswith(f"{name}:")
                if isinstance(widget, kind) and fits and widget.isVisibleTo(top) and widget not in found:
                    found.append(widget)
        return found

    def find(self, name: str, kind: type[Found] = QWidget) -> Found:  # type: ignore[assignment]
        """The visible widget of this accessible name."""
        found = self.all(name, kind)
        assert found, f"nothing is called {name!r}"
        exact = [widget for widget in found if widget.accessibleName() == name]
        return (exact or found)[0]

    # Acting.

    def click(self, name: str) -> None:
        """Click on a widget."""
        widget = self.find(name)
        assert widget.isEnabled(), f"{name!r} is disabled"
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
        QApplication.processEvents()

    def key(self, key: Qt.Key, widget: QWidget | None = None, *, held: Qt.KeyboardModifier | None = None) -> None:
        """Press a key in the widget that has the focus."""
        target = widget or QApplication.focusWidget() or self.window
        QTest.keyClick(target, key, held or Qt.KeyboardModifier.NoModifier)
        QApplication.processEvents()

    def write(self, name: str, text: str) -> None:
        """Write a text into a field and leave it."""
        field = self.find(name)
        field.setFocus()
        QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClick(field, Qt.Key.Key_Delete)
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)
        field.clearFocus()
        QApplication.processEvents()

    def choose(self, name: str, text: str) -> None:
        """Choose an entry of a list."""
        combo = self.find(name, QComboBox)
        place = combo.findText(text)
        assert place >= 0, f"{name!r} has no {text!r}, but {[combo.itemText(n) for n in range(combo.count())]}"
        combo.setCurrentIndex(place)
        combo.activated.emit(place)
        QApplication.processEvents()

    def drop(self, *paths: Path) -> None:
        """Drop files or folders on the window."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        place = QPointF(self.window.rect().center())
        event = QDropEvent(
            place, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        self.window.dropEvent(event)
        QApplication.processEvents()

    def ask(self, arguments: Sequence[str]) -> None:
        """Bring the window to the request of a command line, as the changes of a user would."""
        self.session.edit(request_of(arguments), "Test")
        self.settle()

    def text_of(self, name: str) -> str:
        """The text that a widget shows."""
        widget: Any = self.find(name)
        return str(widget.toPlainText() if hasattr(widget, "toPlainText") else widget.text())

    def reasons(self) -> str:
        """Why the job cannot be started; nothing where it can."""
        label = self.all("Why the job cannot be started")
        return self.text_of("Why the job cannot be started") if label else ""

    def cell_center(self, row: int, column: int) -> QPoint:
        """The middle of a cell of the table of frames."""
        table = self.window.prepare.table
        return table.visualRect(table.frames.index(row, column)).center()

    def close(self) -> None:
        """Close the window."""
        if self.window.isVisible():
            self.window.session.cancel_run()
            self.until(lambda: not self.session.running, "the run is cancelled")
            self.window.close()
        self.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()
        # What Python still holds of widgets that Qt has deleted must go before their places in memory are used again.
        gc.collect()
