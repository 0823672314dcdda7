"""What the tests of the window's flows share: what is shown, what was made, and runs that stop where a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFileDialog,
    QLineEdit,
    QListWidget,
    QTableView,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)
from window_hand import Hand

import evenfield.run.run
from evenfield.model.events import CancelToken, Event

CTRL = Qt.KeyboardModifier.ControlModifier


# The table of frames.


def table(hand: Hand) -> QTableView:
    """The table of frames."""
    return hand.find("Frames", QTableView)


def titles(hand: Hand) -> list[str]:
    """The titles of the columns, that of the ticks included."""
    model = table(hand).model()
    found = [model.headerData(place, Qt.Orientation.Horizontal) for place in range(model.columnCount())]
    return [text or "" for text in found]


def column(hand: Hand, title: str) -> list[str]:
    """The texts of a column, from top to bottom."""
    model, place = table(hand).model(), titles(hand).index(title)
    return [model.index(row, place).data() for row in range(model.rowCount())]


def names(hand: Hand) -> list[str]:
    """The names of the frames as they are shown, without the mark of those that need an answer."""
    return [text.removeprefix("\u25b2 ") for text in column(hand, "Name")]


def selected(hand: Hand) -> list[str]:
    """The names of the selected frames."""
    shown = names(hand)
    return [shown[index.row()] for index in table(hand).selectionModel().selectedRows()]


def select(hand: Hand, *wanted: str) -> None:
    """Click on frames, all but the first with Ctrl held."""
    view = table(hand)
    for number, name in enumerate(wanted):
        index = view.model().index(names(hand).index(name), titles(hand).index("Name"))
        view.scrollTo(index)
        held = CTRL if number else Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, held, view.visualRect(index).center())
    QApplication.processEvents()


def click_title(hand: Hand, title: str) -> None:
    """Click on the title of a column."""
    view = table(hand)
    head, place = view.horizontalHeader(), titles(hand).index(title)
    view.scrollTo(view.model().index(0, place))
    spot = QPoint(head.sectionViewportPosition(place) + head.sectionSize(place) // 2, head.height() // 2)
    QTest.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, spot)
    QApplication.processEvents()


def ticks(hand: Hand) -> dict[str, bool]:
    """Name of a frame -> whether it takes part."""
    model = table(hand).model()
    states = [model.index(row, 0).data(Qt.ItemDataRole.CheckStateRole) for row in range(model.rowCount())]
    return {
        name: Qt.CheckState(state) == Qt.CheckState.Checked for name, state in zip(names(hand), states, strict=True)
    }


def click_tick(hand: Hand, name: str) -> None:
    """Click on the tick of a frame."""
    view = table(hand)
    _click_box(view, view.visualRect(view.model().index(names(hand).index(name), 0)))
    hand.settle()


def _click_box(view: QAbstractItemView, cell: QRect) -> None:
    # The box lies at the left end of its cell.
    spot = QPoint(cell.left() + 10, cell.center().y())
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, spot)
    QApplication.processEvents()


# The tree of masters.


def tree(hand: Hand) -> QTreeWidget:
    """The tree of what will be made."""
    return hand.find("Will be made", QTreeWidget)


def nodes(hand: Hand) -> dict[str, str]:
    """Name of each line of the tree -> its state or count."""
    found = {}
    for item in _items(hand):
        # The state of a product stands in the line below its name.
        below = item.child(0)
        found[item.text(0).removeprefix("\u25b2 ")] = item.text(1) if below is None else below.text(1)
    return found


def _items(hand: Hand) -> Iterator[QTreeWidgetItem]:
    root = tree(hand).invisibleRootItem()
    for place in range(root.childCount()):
        top = root.child(place)
        yield from (top.child(number) for number in range(top.childCount()))


def node(hand: Hand, name: str) -> QTreeWidgetItem:
    """A line of the tree."""
    return next(item for item in _items(hand) if item.text(0).removeprefix("\u25b2 ") == name)


def click_node(hand: Hand, name: str) -> None:
    """Click on a line of the tree."""
    view = tree(hand)
    item = node(hand, name)
    view.scrollToItem(item)
    spot = view.visualItemRect(item).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, spot)
    QApplication.processEvents()


def tick_node(hand: Hand, name: str) -> None:
    """Press Space on a master: make it, or do not."""
    click_node(hand, name)
    QTest.keyClick(tree(hand), Qt.Key.Key_Space)
    hand.settle()


def rename(hand: Hand, name: str, new: str) -> None:
    """Give a master another name in the tree."""
    click_node(hand, name)
    QTest.keyClick(tree(hand), Qt.Key.Key_F2)
    write_name(hand, new)


def write_name(hand: Hand, new: str) -> None:
    """Write a name into the editor that is open in the tree."""
    editor = hand.find("Name of the master", QLineEdit)
    editor.selectAll()
    QTest.keyClicks(editor, new)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    hand.settle()


# Tabs, menus, dialogs.


def open_tab(hand: Hand, title: str) -> None:
    """Turn to a tab at the right."""
    for name in ("Details", "About the product"):
        for tabs in hand.all(name, QTabWidget):
            for place in range(tabs.count()):
                if tabs.tabText(place).replace("&", "") == title:
                    tabs.setCurrentIndex(place)
                    QApplication.processEvents()
                    return
    raise AssertionError(f"no tab is called {title!r}")


def open_options(hand: Hand, *sections: str) -> None:
    """Turn to the options and open what is behind "More"."""
    open_tab(hand, "Options")
    for section in sections:
        hand.click(f"More options: {section}")


def menu(hand: Hand, *path: str) -> None:
    """Choose an entry of a menu, "File", "Open plan ..."."""
    entries = hand.window.menuBar().actions()
    for step in path[:-1]:
        inner = next(one for one in entries if one.text().replace("&", "") == step).menu()
        inner.aboutToShow.emit()
        entries = inner.actions()
    entry = next(one for one in entries if one.text().replace("&", "") == path[-1])
    assert entry.isEnabled(), f"{path} is disabled"
    entry.trigger()
    QApplication.processEvents()


def entries(hand: Hand, *path: str) -> list[str]:
    """The texts of a menu's entries."""
    found = hand.window.menuBar().actions()
    for step in path:
        inner = next(one for one in found if one.text().replace("&", "") == step).menu()
        inner.aboutToShow.emit()
        found = inner.actions()
    return [one.text().replace("&", "") for one in found if not one.isSeparator()]


def answered_dialogs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the desktop's file dialogs answer: "folder", "files", "open" and "save"."""
    answers: dict[str, Any] = {"folder": "", "files": [], "open": "", "save": ""}
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(answers["folder"]))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(one) for one in answers["files"]], ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(answers["open"]), ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(answers["save"]), ""))
    return answers


def shown_texts(hand: Hand, name: str) -> str:
    """All texts inside a widget, a list among them."""
    widget = hand.find(name)
    if isinstance(widget, QListWidget):
        return "\n".join(widget.item(place).text() for place in range(widget.count()))
    inner: Iterable[Any] = widget.findChildren(QWidget)
    return "\n".join(one.text() for one in inner if hasattr(one, "text") and one.isVisibleTo(widget))


# Runs.


def start(hand: Hand, words: str = "") -> None:
    """Press the button that starts the job, which must say so, and wait for the end."""
    if words:
        assert hand.text_of("Start the job") == words
    hand.click("Start the job")
    hand.wait_for_run()


def statuses(hand: Hand) -> dict[str, str]:
    """Id of each step -> how it ended."""
    return {result.id: result.status.value for result in hand.session.results}


def pixels(path: Path) -> NDArray[Any]:
    """The pixels of a product, as floats."""
    return np.asarray(fits.getdata(path), np.float64)


def stack(paths: Iterable[Path]) -> NDArray[Any]:
    """The pixels of frames, one above the other."""
    return np.stack([pixels(path) for path in paths])


class Gate:
    """Holds a run at an event until the test lets it go on, or somebody cancels it."""

    def __init__(self, at: Callable[[Event], bool]) -> None:
        self.at = at
        self.run_plan = evenfield.run.run.run_plan
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, event: Event, cancel: CancelToken) -> None:
        if not self.reached.is_set() and self.at(event):
            self.reached.set()
            while not self.opened.wait(0.005) and not cancel.cancelled:
                pass


@contextmanager
def gate(monkeypatch: pytest.MonkeyPatch, at: Callable[[Event], bool]) -> Iterator[Gate]:
    """A run that is held in its own thread at the first event that ``at`` wants."""
    held = Gate(at)

    def gated(plan: Any, *, on_event: Callable[[Event], None], cancel: CancelToken) -> Any:
        def tell(event: Event) -> None:
            on_event(event)
            held(event, cancel)

        return held.run_plan(plan, on_event=tell, cancel=cancel)

    with monkeypatch.context() as patch:
        patch.setattr(evenfield.run.run, "run_plan", gated)
        try:
            yield held
        finally:
            held.opened.set()


def tick(hand: Hand, name: str) -> None:
    """Press Space on a tick."""
    widget = hand.find(name)
    assert widget.isEnabled(), f"{name!r} is disabled"
    widget.setFocus()
    QTest.keyClick(widget, Qt.Key.Key_Space)
    QApplication.processEvents()
