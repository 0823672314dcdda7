"""No text is cut, nothing lies upon anything else, and every text can be read: in all states, sizes and looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QTableView, QTreeWidget, QWidget
from window_checks import (
    LEAST_CONTRAST,
    contrast,
    cut,
    hidden_parts,
    measured_contrast,
    overlaps,
    pale,
    pixels_of,
)
from window_hand import Hand
from window_states import STATES, longer, views, window_in

from evenfield.gui.look import DARK, LIGHT, set_look
from evenfield.gui.start import make_application
from evenfield.gui.words import tr

SIZES = ((1280, 800), (1024, 700))


def in_size(hand: Hand, width: int, height: int) -> None:
    """Give the window a size; it must be able to have it."""
    hand.window.resize(width, height)
    QApplication.processEvents()
    assert hand.window.size() == QSize(width, height), hand.window.minimumSizeHint()


def dialogs(hand: Hand) -> Iterator[QDialog]:
    """Every dialog of the window, each closed again."""
    window = hand.window
    for show in (window.do_preferences, window.do_about, window.do_manual, lambda: window.show_text("What was found.")):
        show()
        QApplication.processEvents()
        dialog = next(one for one in window.findChildren(QDialog) if one.isVisible())
        yield dialog
        dialog.close()
        QApplication.processEvents()


@pytest.mark.parametrize("long", [False, True], ids=["as it is", "longer"])
@pytest.mark.parametrize("state", STATES)
def test_nothing_is_cut(state: str, long: bool, messy_night: Path, tmp_path: Path, qapp: QApplication) -> None:
    """On every page and tab, in two sizes, with texts as they are and 40 % longer."""
    faults = []
    with window_in(state, messy_night, tmp_path, long=long) as hand:
        assert (tr("Select all") != "Select all") is long
        for size in SIZES:
            in_size(hand, *size)
            for view in views(hand):
                found = [*cut(hand.window), *overlaps(hand.window)]
                if size == (1280, 800) and not long:
                    # Nothing of the page has to be scrolled to; tables, lists and forms scroll within it.
                    found += hidden_parts(hand.window.pages.currentWidget())
                faults += [f"{size}, {view}: {fault}" for fault in found]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("long", [False, True], ids=["as it is", "longer"])
def test_nothing_is_cut_in_dialogs(long: bool, messy_night: Path, tmp_path: Path, qapp: QApplication) -> None:
    """Preferences, About, the manual, and the search for calibration frames."""
    faults = []
    with window_in("planned", messy_night, tmp_path, long=long) as hand:
        for dialog in dialogs(hand):
            faults += [f"{dialog.windowTitle()}: {fault}" for fault in [*cut(dialog), *overlaps(dialog)]]
    assert not faults, "\n".join(faults)


def test_columns_fit(messy_night: Path, tmp_path: Path, qapp: QApplication) -> None:
    """The table of the messy night needs no scrolling sideways at 1280, and the use of a frame can be read."""
    with window_in("planned", messy_night, tmp_path) as hand:
        in_size(hand, 1280, 800)
        table = hand.window.prepare.table
        assert not table.horizontalScrollBar().isVisible()
        use = len(table.frames.columns)
        wanted = table.fontMetrics().horizontalAdvance("flat of OIII_2026-03-14")
        assert table.columnWidth(use) > wanted


@pytest.mark.parametrize("state", ["planned", "no_flats", "failed"])
def test_what_is_elided_has_a_tooltip(state: str, messy_night: Path, tmp_path: Path, qapp: QApplication) -> None:
    """Cells of the table and lines of the tree may be shortened where the whole is told on request."""
    with window_in(state, messy_night, tmp_path) as hand:
        in_size(hand, 1024, 700)
        for view in (hand.window.prepare.table, hand.window.prepare.tree):
            for index in indexes(view):
                text = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
                room = view.visualRect(index).width() - 6
                if view.fontMetrics().horizontalAdvance(text) > room:
                    assert index.data(Qt.ItemDataRole.ToolTipRole), text


def indexes(view: QTableView | QTreeWidget) -> Iterator[QModelIndex]:
    """All cells of a view, of its first rows."""
    model = view.model()

    def below(parent: QModelIndex) -> Iterator[QModelIndex]:
        for row in range(min(model.rowCount(parent), 40)):
            for column in range(model.columnCount(parent)):
                yield model.index(row, column, parent)
            yield from below(model.index(row, 0, parent))

    return below(QModelIndex())


# Contrast


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_colors_of_the_looks(colors: dict[str, str]) -> None:
    """Every color of a text on every color that can lie behind it."""
    back = {"window", "base", "alternate", "button"}
    pairs = {(text, behind) for text in ("text", "disabled", "placeholder", "link") for behind in back}
    pairs |= {(text, behind) for text in ("bad", "warn", "note") for behind in ("window", "base", "notice")}
    pairs |= {("text", "notice"), ("text", "asks"), ("disabled", "asks"), ("highlighted", "highlight")}
    for text, behind in sorted(pairs):
        one, other = (np.array(QColor(colors[name]).getRgbF()[:3]) for name in (text, behind))
        assert contrast(one, other) >= LEAST_CONTRAST, (text, behind)
    for line in ("frame", "focus"):
        # What is no text may stand out less: WCAG 2.1, 1.4.11.
        for behind in ("window", "base"):
            one, other = (np.array(QColor(colors[name]).getRgbF()[:3]) for name in (line, behind))
            assert contrast(one, other) >= (3.0 if line == "focus" else 2.2), (line, behind)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_palettes_hold_the_colors(look: str, qapp: QApplication) -> None:
    """What Qt draws with: text on its background in every group of the palette."""
    app = make_application()
    set_look(app, look)
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    pairs = (
        (role.WindowText, role.Window), (role.Text, role.Base), (role.Text, role.AlternateBase),
        (role.ButtonText, role.Button), (role.PlaceholderText, role.Base), (role.HighlightedText, role.Highlight),
        (role.ToolTipText, role.ToolTipBase), (role.Link, role.Base),
    )  # fmt: skip
    for one in (group.Active, group.Inactive, group.Disabled):
        for text, behind in pairs:
            colors = (np.array(app.palette().color(one, which).getRgbF()[:3]) for which in (text, behind))
            assert contrast(*colors) >= LEAST_CONTRAST, (one, text, behind)
    set_look(app, "light")


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("state", ["empty", "chosen", "failed", "plan_from_file"])
def test_texts_stand_out(state: str, look: str, messy_night: Path, tmp_path: Path, qapp: QApplication) -> None:
    """Measured on the pixels of every label, button and field that is seen, disabled ones and placeholders too."""
    faults = []
    with window_in(state, messy_night, tmp_path, look=look) as hand:
        for view in views(hand):
            faults += [f"{view}: {fault}" for fault in pale(hand.window)]
        if state == "empty":
            for dialog in dialogs(hand):
                faults += [f"{dialog.windowTitle()}: {fault}" for fault in pale(dialog)]
    set_look(make_application(), "light")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_rows_stand_out(look: str, messy_night: Path, tmp_path: Path, qapp: QApplication) -> None:
    """Rows that need an answer, cells that differ, what is selected, and rows whose folder is gone."""
    with window_in("planned", messy_night, tmp_path, look=look) as hand:
        table = hand.window.prepare.table
        rows = table.frames.shown
        assert rows[0].asks
        place = next(n for n, row in enumerate(rows) if not row.asks)
        colors = set()
        for row in (0, place):
            table.scrollTo(table.frames.index(row, 1))
            pixels = row_pixels(table, row)
            assert measured_contrast(pixels) >= LEAST_CONTRAST
            colors.add(most(pixels))
        assert len(colors) == 2, "rows that need an answer look like the others"
        table.selectRow(place)
        assert measured_contrast(row_pixels(table, place)) >= LEAST_CONTRAST
        table.clearSelection()
        table.frames.gone = True
        table.viewport().update()
        assert measured_contrast(row_pixels(table, place)) >= LEAST_CONTRAST
    set_look(make_application(), "light")


def row_pixels(table: QTableView, row: int) -> np.ndarray:
    """The pixels of the name in a row."""
    QApplication.processEvents()
    place = table.visualRect(table.model().index(row, 1)).adjusted(3, 2, -3, -2)
    return pixels_of(table.viewport().grab(QRect(place)).toImage())


def most(pixels: np.ndarray) -> tuple[int, ...]:
    """The color that most pixels have."""
    colors, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    return tuple(int(value) for value in colors[counts.argmax()])


@pytest.mark.parametrize("look", ["light", "dark"])
def test_frames_of_fields_and_ticks_are_seen(look: str, messy_night: Path, tmp_path: Path, qapp: QApplication) -> None:
    """A field has an outline, and so has a tick that is not set: nobody takes them for nothing."""
    with window_in("planned", messy_night, tmp_path, look=look) as hand:
        field = hand.window.filter
        image = pixels_of(field.grab().toImage())
        middle = image[image.shape[0] // 2]
        assert max(contrast(middle[0] / 255, middle[place] / 255) for place in range(1, 6)) > 1.5
        table = hand.window.prepare.table
        place = table.visualRect(table.frames.index(0, 0))
        assert measured_contrast(pixels_of(table.viewport().grab(place).toImage())) > 1.5
    set_look(make_application(), "light")


# The checks themselves


def test_the_checks_find_faults(hand: Hand) -> None:
    """A text that does not fit, a button upon another one, one beside its page, and pale letters are found."""
    window = hand.window
    assert not cut(window)
    assert not overlaps(window)
    button = window.prepare.select_all
    button.setFixedWidth(30)
    QApplication.processEvents()
    assert any("Select all" in fault for fault in cut(window))
    one = QWidget(window.prepare.output)
    one.setGeometry(0, 0, 60, 40)
    one.show()
    assert overlaps(window)
    one.setGeometry(-300, 0, 60, 40)
    assert hidden_parts(window.prepare)
    assert not pale(window)
    window.prepare.selected.setStyleSheet("color: #c8c8c8")
    QApplication.processEvents()
    assert any("selected" in fault for fault in pale(window))


def test_longer_texts_are_longer() -> None:
    """By 40 % at least, and a place for a value stays one."""
    for text in ("Why?", "Select all", "Measure {} levels", "Drop a night's folder here."):
        assert len(longer(text)) >= 1.4 * len(text)
        assert longer(text).startswith(text)


def test_paths_wrap_and_are_copied_as_they_are(qapp: QApplication) -> None:
    """A long name is broken where its label ends; what is copied is the name."""
    from evenfield.gui.labels import plain_label

    name = "/home/astro/" + "a_long_name" * 18 + "/frame_0001.fits"
    label = plain_label(name)
    label.resize(200, label.heightForWidth(200))
    label.show()
    assert not cut(label)
    assert label.text() == name
    label.setSelection(0, len(QLabel.text(label)))
    label.copy()
    assert QApplication.clipboard().text() == name
    label.hide()
