"""Every widget in every state: it has a name, says why it cannot be used, and can be reached and used with keys."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QLabel, QMenu, QTabBar, QWidget
from window_checks import interactive, own_parts, page_buttons, shown, spoken, told
from window_hand import Hand
from window_states import STATES, held_run, views, window_in

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def tops(hand: Hand) -> Iterator[tuple[str, QWidget]]:
    """The window with each page and tab, and each dialog."""
    window = hand.window
    for view in views(hand):
        yield view, window
    for show in (window.do_preferences, window.do_about, window.do_manual, lambda: window.show_text("What was found.")):
        show()
        QApplication.processEvents()
        dialog = next(one for one in window.findChildren(QDialog) if one.isVisible())
        yield dialog.windowTitle(), dialog
        dialog.close()
        QApplication.processEvents()


def without_reason(hand: Hand, top: QWidget) -> list[str]:
    """The disabled widgets beside which no text says why."""
    output, options = hand.window.prepare.output, hand.window.prepare.options
    form = options.widget().findChild(QWidget, "options")
    texts: dict[QWidget, QLabel] = {output.start: output.reasons, form: options.fixed}
    found = []
    for widget in shown(top):
        parent = widget.parentWidget()
        if widget.isEnabled() or own_parts(widget) or (parent is not None and not parent.isEnabled()):
            continue
        reason = texts.get(widget)
        if reason is None or not reason.isVisibleTo(top) or len(reason.text()) < 10:
            found.append(f"{told(widget)} is disabled, and nothing says why")
    return found


def silent(top: QWidget) -> list[str]:
    """The widgets that can be used but have no name."""
    return [told(one) for one in interactive(top) if not spoken(one).strip()]


def twins(top: QWidget) -> list[str]:
    """The names that two buttons of a page have."""
    counts = Counter(spoken(one) for one in page_buttons(top))
    return [f"{count} buttons are called {name!r}" for name, count in counts.items() if count > 1]


def mnemonics(hand: Hand, top: QWidget) -> list[str]:
    """The letters that mean two things on a page."""
    texts = [one.text() for one in page_buttons(top)]
    for bar in (one for one in shown(top) if isinstance(one, QTabBar)):
        texts += [bar.tabText(place) for place in range(bar.count())]
    if top is hand.window:
        texts += [action.text() for action in hand.window.menuBar().actions()]
    letters = Counter(found.casefold() for text in texts for found in re.findall(r"&(\w)", text.replace("&&", "")))
    return [f"Alt+{letter} means {count} things" for letter, count in letters.items() if count > 1]


@pytest.mark.parametrize("state", STATES)
def test_all_widgets(state: str, messy_night: Path, tmp_path: Path, qapp: QApplication) -> None:
    """On all pages and tabs and in all dialogs of a state."""
    faults = []
    with window_in(state, messy_night, tmp_path) as hand:
        for view, top in tops(hand):
            found = [*without_reason(hand, top), *silent(top), *twins(top), *mnemonics(hand, top)]
            faults += [f"{view}: {fault}" for fault in found]
            assert interactive(top), view
        for action in hand.window.actions_by_name.values():
            if not action.isEnabled() and not re.search(r"\(.{5,}\)$", action.text()):
                faults.append(f"the menu's {action.text()!r} is disabled without a reason")
    assert not faults, "\n".join(faults)


def test_the_checks_find_faults(hand: Hand) -> None:
    """A button that is disabled, one without a name, two of one name, a letter that means two things."""
    window = hand.window
    button = window.prepare.select_all
    assert not without_reason(hand, window)
    button.setEnabled(False)
    assert any("Select all" in fault for fault in without_reason(hand, window))
    button.setEnabled(True)
    button.setAccessibleName("Select none")
    assert twins(window)
    button.setText("")
    button.setAccessibleName("")
    assert silent(window)
    button.setText("&File too")
    assert mnemonics(hand, window)


def test_shortcuts_are_unique(hand: Hand) -> None:
    """No key means two things, and every command of a menu stands in one."""
    window = hand.window
    keys = Counter(key.toString() for action in window.findChildren(QAction) for key in action.shortcuts())
    keys.update(one.key().toString() for one in window.findChildren(QShortcut))
    assert [key for key, count in keys.items() if count > 1] == []
    assert len(keys) > 15
    for menu in window.menus.values():
        texts = [action.text() for action in menu.actions() if not action.isSeparator()]
        assert len(set(texts)) == len(texts)
        assert isinstance(menu, QMenu)


# The keyboard


def chain(hand: Hand) -> list[QWidget]:
    """What Tab goes through, from the first widget of the window on."""
    window = hand.window
    usable = set(interactive(window))
    found: list[QWidget] = []
    one = window.nextInFocusChain()
    while one is not window and len(found) < 1000:
        if one in usable:
            found.append(one)
        one = one.nextInFocusChain()
    return found


def areas(hand: Hand) -> list[QWidget]:
    """The parts of the window in the order in which they are read."""
    window, prepare, results = hand.window, hand.window.prepare, hand.window.results
    if window.pages.currentIndex() == 0:
        table = prepare.table.parentWidget()
        parts = [prepare.notice, prepare.tree, table, prepare.problems, prepare.tabs, prepare.output]
    else:
        parts = [results.list.parentWidget(), results.picture, results.tabs, results.picture.charts]
    return [window.top, window.message, *parts, window.strip]


@pytest.mark.parametrize("state", ["planned", "chosen", "no_flats", "finished"])
def test_tab_follows_the_eye(state: str, messy_night: Path, tmp_path: Path, qapp: QApplication) -> None:
    """From above to below, from left to right, one part after the other; all that can be used is reached."""
    with window_in(state, messy_night, tmp_path) as hand:
        for view in views(hand):
            order = areas(hand)
            found = chain(hand)
            assert set(found) == set(interactive(hand.window)), view
            places = []
            for widget in found:
                place = next((n for n, area in enumerate(order) if area is widget or area.isAncestorOf(widget)), None)
                assert place is not None, f"{view}: {told(widget)} is in no part of the window"
                places.append(place)
            assert places == sorted(places), f"{view}: {[told(one) for one in found]}"
            for area in (hand.window.top, hand.window.prepare.output):
                inside = [one for one in found if area.isAncestorOf(one)]
                wanted = sorted(inside, key=lambda one: lines(area, one))
                assert inside == wanted or area is hand.window.prepare.output, view


def lines(area: QWidget, widget: QWidget) -> tuple[int, int]:
    """Where a widget stands: its line, and its place in it."""
    place = widget.mapTo(area, QPoint(0, 0))
    return place.y() // 20, place.x()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_focus_is_seen(look: str, messy_night: Path, tmp_path: Path, qapp: QApplication) -> None:
    """Whatever has the focus looks otherwise than without it."""
    with window_in("finished", messy_night, tmp_path, look=look) as hand:
        window = hand.window
        window.activateWindow()
        hand.until(window.isActiveWindow, "the window is active")
        for view in views(hand):
            for widget in interactive(window):
                widget.clearFocus()
                QApplication.processEvents()
                before = widget.grab().toImage()
                widget.setFocus(Qt.FocusReason.TabFocusReason)
                # As the Tab key does.
                window.setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)
                QApplication.processEvents()
                assert QApplication.focusWidget() in (widget, widget.focusProxy()), told(widget)
                assert widget.grab().toImage() != before, f"{view}: the focus of {told(widget)} is not seen"
    from evenfield.gui.look import set_look

    set_look(qapp, "light")


class Keys:
    """Somebody without a mouse."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        hand.window.activateWindow()
        hand.until(hand.window.isActiveWindow, "the window is active")

    def press(self, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key where the focus is."""
        QTest.keyClick(QApplication.focusWidget() or self.hand.window, key, held)
        QApplication.processEvents()

    def write(self, text: str) -> None:
        """Type a text where the focus is."""
        QTest.keyClicks(QApplication.focusWidget(), text)
        QApplication.processEvents()

    def go_to(self, name: str) -> QWidget:
        """Press Tab until the widget of this name has the focus."""
        for _ in range(300):
            focus = QApplication.focusWidget()
            if focus is not None and spoken(focus) == name:
                return focus
            self.press(Qt.Key.Key_Tab)
        raise AssertionError(f"Tab never comes to {name!r}")


def test_a_whole_run_by_keys(messy_night: Path, tmp_path: Path, qapp: QApplication) -> None:
    """Options, table, run, results, pictures, log, cancel and quit, with nothing but keys."""
    with window_in("planned", messy_night, tmp_path) as hand:
        window, session = hand.window, hand.session
        keys = Keys(hand)
        # An option.
        keys.press(Qt.Key.Key_4, CONTROL)
        assert window.prepare.tabs.currentWidget() is window.prepare.options
        combo = keys.go_to("Combine by")
        assert isinstance(combo, QComboBox)
        before = combo.currentText()
        keys.press(Qt.Key.Key_Down)
        hand.settle()
        assert combo.currentText() != before
        assert "--combine" in session.command
        keys.press(Qt.Key.Key_Z, CONTROL)
        hand.settle()
        assert "--combine" not in session.command
        # The table: find a frame, leave it out.
        keys.press(Qt.Key.Key_F, CONTROL)
        keys.write("FLAT_OIII_0010")
        table = window.prepare.table
        hand.until(lambda: len(table.frames.shown) == 2, "the rows are filtered")
        assert keys.go_to("Frames") is table
        keys.press(Qt.Key.Key_Down)
        hand.until(lambda: len(table.selected_rows()) == 1, "a row is selected")
        path = table.selected_rows()[0].path
        assert hand.text_of("Selection") == "1 of 155 selected"
        keys.press(Qt.Key.Key_Space)
        hand.settle()
        row = next(one for one in session.rows if one.path == path)
        assert row.excluded
        keys.press(Qt.Key.Key_F, CONTROL)
        keys.press(Qt.Key.Key_Delete)
        hand.until(lambda: len(table.frames.shown) == 155, "all rows are shown")
        # The run.
        keys.press(Qt.Key.Key_Return, CONTROL)
        hand.wait_for_run()
        assert session.report is not None
        assert session.report.exit_code == 0
        assert window.pages.currentIndex() == 1
        # The results: another master, and blinking.
        listed = keys.go_to("Masters and their verdicts")
        assert listed is window.results.list
        keys.press(Qt.Key.Key_Down)
        assert window.results.list.currentRow() == 1
        keys.go_to("Picture")
        keys.press(Qt.Key.Key_Right)
        assert window.results.list.currentRow() == 2
        keys.press(Qt.Key.Key_Left)
        assert window.results.list.currentRow() == 1
        keys.press(Qt.Key.Key_L, CONTROL)
        assert window.strip.log.isVisible()
        keys.go_to("Log")
        keys.press(Qt.Key.Key_L, CONTROL)
        assert not window.strip.log.isVisible()
        # Another run, which is cancelled.
        keys.press(Qt.Key.Key_1, CONTROL)
        keys.go_to("Output folder")
        keys.press(Qt.Key.Key_A, CONTROL)
        keys.write(os.fspath(tmp_path / "others"))
        keys.press(Qt.Key.Key_Return)
        hand.settle()
        with held_run():
            keys.press(Qt.Key.Key_Return, CONTROL)
            hand.until(lambda: session.run_state is not None and session.run_state.rate > 0, "it runs")
            assert window.strip.cancel.isVisible()
            keys.press(Qt.Key.Key_Period, CONTROL)
        hand.wait_for_run()
        assert session.report is not None
        assert session.report.exit_code == 130
        keys.press(Qt.Key.Key_Q, CONTROL)
        assert not window.isVisible()
