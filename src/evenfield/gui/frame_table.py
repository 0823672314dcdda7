"""The table of frames: its model, which sorts and filters beside Qt, and its view, which keeps the selection."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QAction, QColor, QFont, QKeyEvent, QPalette
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from evenfield.gui.look import look_color
from evenfield.gui.overview import Overview
from evenfield.gui.rows import COLUMNS, Column, Row
from evenfield.gui.words import tr
from evenfield.model.literal import literal
from evenfield.model.survey import LevelMeasurement

Index = QModelIndex | QPersistentModelIndex

TICK: Final = 0
"""The column of the ticks."""

NARROW: Final = 46
"""The width of the column of levels while none is known, pixels."""

_PLAIN: Final = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
_TICKABLE: Final = _PLAIN | Qt.ItemFlag.ItemIsUserCheckable

_ALIGNED: Final = frozenset(("exposure", "temperature", "level"))

_ALIGNMENT: Final = {
    right: int((Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter)
    for right in (False, True)
}

NAMES: Final = (110, 156)
"""The least and the greatest width of the column of names, unless the user wants another, pixels."""


class FrameModel(QAbstractTableModel):
    """Rows in an order of their own: sorting and filtering rearrange a list, and Qt is told once."""

    ticked = Signal(object, bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._widget = parent
        self._rows: list[Row] = []
        self.shown: list[Row] = []
        self.columns: list[Column] = [column for column in COLUMNS if not column.folds]
        self.folded: Mapping[str, str] = {}
        self.pinned: set[str] = set()
        self.hidden: set[str] = set()
        self.gone = False
        self.measured = False
        self._usual: Mapping[str, Any] = {}
        self._nodes: Collection[str] | None = None
        self._words: list[str] = []
        self._sort: tuple[str, bool] | None = None
        self._by_path: dict[str, Row] | None = None

    # What is shown.

    def set_rows(self, rows: list[Row], said: Overview) -> None:
        """Show other rows, sorted and filtered as those before."""
        self.beginResetModel()
        self._rows, self._by_path = rows, None
        self.folded, self._usual = said.folded, said.usual
        self._choose_columns()
        self._arrange()
        self.endResetModel()

    def add_rows(self, new: Sequence[Row]) -> None:
        """Add rows at the end; they are sorted in when reading is done."""
        fitting = [row for row in new if self._fits(row)]
        if fitting:
            first = len(self.shown)
            self.beginInsertRows(QModelIndex(), first, first + len(fitting) - 1)
            self.shown.extend(fitting)
            self.endInsertRows()

    def set_filter(self, text: str, nodes: Collection[str] | None) -> None:
        """Show the rows that hold all words of a text and belong to one of the nodes (``None``: to any)."""
        self._words, self._nodes = text.casefold().split(), nodes
        self.beginResetModel()
        self._arrange()
        self.endResetModel()

    def set_pinned(self, key: str, pinned: bool) -> None:
        """Show a column even where all rows agree in it."""
        self.beginResetModel()
        (self.pinned.add if pinned else self.pinned.discard)(key)
        self._choose_columns()
        self.endResetModel()

    def set_hidden(self, key: str, hidden: bool) -> None:
        """Do not show a column."""
        self.beginResetModel()
        (self.hidden.add if hidden else self.hidden.discard)(key)
        self._choose_columns()
        self.endResetModel()

    def _choose_columns(self) -> None:
        self.columns = [
            column
            for column in COLUMNS
            if column.key not in self.hidden
            and (not column.folds or column.key not in self.folded or column.key in self.pinned)
        ]

    def _fits(self, row: Row) -> bool:
        if self._nodes is not None and row.node not in self._nodes:
            return bool(row.use and any(step in self._nodes for step in row.use.steps))
        return all(word in row.search for word in self._words)

    def _arrange(self) -> None:
        plain = self._nodes is None and not self._words
        shown = list(self._rows) if plain else [row for row in self._rows if self._fits(row)]
        if self._words and self._nodes is not None:
            shown = [row for row in shown if all(word in row.search for word in self._words)]
        if self._sort is not None:
            key, backwards = self._sort
            column = next(one for one in COLUMNS if one.key == key)
            valued = [(column.value(row), row.order, place, row) for place, row in enumerate(shown)]
            known = sorted((one for one in valued if one[0] is not None), reverse=backwards)
            shown = [one[3] for one in known] + [one[3] for one in valued if one[0] is None]
        self.shown = shown

    def level_measured(self, level: LevelMeasurement) -> None:
        """Take in a level; `draw_levels` shows it."""
        if self._by_path is None:
            self._by_path = {row.path: row for row in self._rows}
        self.measured = True
        row = self._by_path.get(level.path)
        if row is not None:
            row.level = level

    def sort_levels(self) -> None:
        """Show all levels, in their order where the rows are sorted by them."""
        if self._sort is not None and self._sort[0] == "level":
            self.beginResetModel()
            self._arrange()
            self.endResetModel()
        self.draw_levels()

    def sort_place(self) -> tuple[int, bool]:
        """The place of the column that sorts, and whether backwards; -1 for the default order."""
        key, backwards = self._sort or ("", False)
        return next((place + 1 for place, one in enumerate(self.columns) if one.key == key), -1), backwards

    def draw_levels(self) -> None:
        """Draw the levels anew."""
        place = next((number for number, one in enumerate(self.columns) if one.key == "level"), None)
        if place is not None and self.shown:
            self.dataChanged.emit(self.index(0, place + 1), self.index(len(self.shown) - 1, place + 1))

    # What Qt asks for.

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        """How many rows are shown."""
        return 0 if parent.isValid() else len(self.shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        """How many columns are shown, the ticks included."""
        return 0 if parent.isValid() else len(self.columns) + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The titles of the columns."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.AccessibleTextRole and section == TICK:
            return tr("Takes part")
        shows = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
        if role in shows and 0 < section <= len(self.columns):
            return tr(self.columns[section - 1].title)
        if role == Qt.ItemDataRole.TextAlignmentRole and 0 < section <= len(self.columns):
            return _ALIGNMENT[self.columns[section - 1].key in _ALIGNED]
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Ticks can be set where the user has something to say."""
        return _TICKABLE if index.column() == TICK and self._can_tick(self.shown[index.row()]) else _PLAIN

    @staticmethod
    def _can_tick(row: Row) -> bool:
        return row.takes_part or row.excluded

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Tick or untick a row."""
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != TICK:
            return False
        row = self.shown[index.row()]
        if not self._can_tick(row):
            return False
        self.ticked.emit([row], Qt.CheckState(value) == Qt.CheckState.Checked)
        return True

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell."""
        row = self.shown[index.row()]
        place = index.column()
        if place == TICK:
            return self._tick(row, role)
        column = self.columns[place - 1]
        if role == Qt.ItemDataRole.DisplayRole:
            text = column.text(row)
            return f"\u25b2 {text}" if row.asks and column.key == "name" else text
        if role == Qt.ItemDataRole.TextAlignmentRole and column.key in _ALIGNED:
            return _ALIGNMENT[True]
        if role == Qt.ItemDataRole.ToolTipRole:
            # A tooltip that looks like HTML would be taken for it.
            return f"<p style='white-space:pre-wrap'>{html.escape(self._tip(row, column))}</p>"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            text = f"{tr(column.title)}: {column.text(row)}"
            if row.asks and column.key == "name":
                return f"{text}, {tr('needs your answer')}"
            return f"{text}, {tr('differs from the others')}" if self._differs(row, column) else text
        if role == Qt.ItemDataRole.FontRole and self._differs(row, column):
            font = QFont(self._widget.font())
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.BackgroundRole and self._differs(row, column):
            color = QColor(self._widget.palette().color(QPalette.ColorRole.Highlight))
            color.setAlpha(60)
            return color
        if role == Qt.ItemDataRole.BackgroundRole and row.asks:
            return look_color("asks")
        if role == Qt.ItemDataRole.ForegroundRole and self.gone:
            return self._widget.palette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
        return None

    def _tick(self, row: Row, role: int) -> Any:
        if role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if row.takes_part else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return tr("takes part") if row.takes_part else tr("does not take part")
        return None

    def _differs(self, row: Row, column: Column) -> bool:
        return (
            column.folds
            and row.frame is not None
            and column.key not in self.folded
            and column.key in self._usual
            and column.value(row) != self._usual.get(column.key)
        )

    def _tip(self, row: Row, column: Column) -> str:
        return literal(row.path) if column.key == "name" else column.text(row)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; by the ticks or -1 means the default order."""
        backwards = order is Qt.SortOrder.DescendingOrder
        chosen = (self.columns[column - 1].key, backwards) if 0 < column <= len(self.columns) else None
        if chosen == self._sort:
            return
        self.beginResetModel()
        self._sort = chosen
        self._arrange()
        self.endResetModel()


class FrameTable(QTableView):
    """The view. Whatever the model does, the selection stays with its files."""

    selection_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frames = FrameModel(self)
        self.setModel(self.frames)
        self.setAccessibleName(tr("Frames"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        rows = self.verticalHeader()
        rows.setVisible(False)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + 8)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setStretchLastSection(True)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        head.customContextMenuRequested.connect(self._columns_menu_at)
        head.setSortIndicatorClearable(True)
        # A head that draws itself asks for the flags of every cell, to know whether its columns are selected.
        head.setSelectionModel(QItemSelectionModel(self.frames, self))
        self.setSortingEnabled(True)
        head.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._selected: set[str] = set()
        self._current: str | None = None
        self._restoring = False
        self._rows: list[Row] | None = None
        self.frames.modelAboutToBeReset.connect(self._remember)
        self.frames.modelReset.connect(self._restore)
        self.frames.dataChanged.connect(self._lay_columns)
        for changed in (self.selectionModel().selectionChanged, self.frames.modelReset, self.frames.rowsInserted):
            changed.connect(self._forget_rows)
        self.selectionModel().selectionChanged.connect(self._selection_changed)
        self.selectionModel().currentChanged.connect(self._selection_changed)
        self.widths: dict[str, int] = {}
        head.sectionResized.connect(self._resized)
        self._lay_columns()

    def selected_rows(self) -> list[Row]:
        """The selected rows that are shown, in their order."""
        if self._rows is None:
            selection = self.selectionModel().selection()
            parts = sorted((one.top(), one.bottom() + 1) for one in map(selection.at, range(selection.count())))
            found: list[Row] = []
            end = 0
            for first, stop in parts:
                found += self.frames.shown[max(first, end) : stop]
                end = max(end, stop)
            self._rows = found
        return self._rows

    def _forget_rows(self, *changed: object) -> None:
        del changed
        self._rows = None

    def current_row(self) -> Row | None:
        """The row with the keyboard's focus, where it is selected."""
        index = self.currentIndex()
        return self.frames.shown[index.row()] if index.isValid() and index.row() < len(self.frames.shown) else None

    def select_paths(self, paths: Iterable[str]) -> None:
        """Select these files, where they are shown."""
        self._selected = set(paths)
        self._select()

    def step(self, by: int) -> None:
        """Go to the next file, or the one before."""
        place = self.currentIndex().row() + by
        if 0 <= place < len(self.frames.shown):
            self.selectRow(place)
            self.scrollTo(self.frames.index(place, 1))

    def _remember(self) -> None:
        self._selected = {row.path for row in self.selected_rows()} | (self._selected & self._hidden_paths())
        row = self.current_row()
        self._current = None if row is None else row.path
        self._restoring = True

    def _show_sorting(self) -> None:
        """Columns come and go: the mark stays with the one that sorts."""
        place, backwards = self.frames.sort_place()
        head = self.horizontalHeader()
        if head.sortIndicatorSection() != place:
            head.blockSignals(True)
            head.setSortIndicator(place, Qt.SortOrder.DescendingOrder if backwards else Qt.SortOrder.AscendingOrder)
            head.blockSignals(False)

    def _hidden_paths(self) -> set[str]:
        return self._selected - {row.path for row in self.frames.shown} if self._selected else set()

    def _restore(self) -> None:
        self._lay_columns()
        self._show_sorting()
        self._select()
        self._restoring = False
        self.selection_changed.emit()

    def _select(self) -> None:
        last = self.frames.columnCount() - 1
        selection = QItemSelection()
        first: int | None = None
        current: int | None = None
        shown = self.frames.shown
        for place in range(len(shown) + 1):
            inside = place < len(shown) and shown[place].path in self._selected
            if place < len(shown) and shown[place].path == self._current:
                current = place
            if inside and first is None:
                first = place
            elif not inside and first is not None:
                selection.append(_range(self.frames, first, place - 1, last))
                first = None
        flags = QItemSelectionModel.SelectionFlag
        if current is not None:
            self.selectionModel().setCurrentIndex(self.frames.index(current, 1), flags.NoUpdate)
        self._rows = None
        self.selectionModel().select(selection, flags.ClearAndSelect)

    def _selection_changed(self, *changed: object) -> None:
        del changed
        if not self._restoring:
            # Who selects anew forgets what was selected and is not shown.
            self._selected = set()
            self.selection_changed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space ticks or unticks what is selected."""
        if event.key() == Qt.Key.Key_Space:
            rows = [row for row in self.selected_rows() if row.takes_part or row.excluded]
            if rows:
                self.frames.ticked.emit(rows, not rows[0].takes_part)
            return
        super().keyPressEvent(event)

    # Columns.

    def _lay_columns(self, *changed: object) -> None:
        del changed
        self.setColumnWidth(TICK, 28)
        em = max(1.0, self.fontMetrics().averageCharWidth() / 7)
        for place, column in enumerate(self.frames.columns):
            if column.key == "name":
                usual = self._name_width()
            else:
                usual = round(em * (NARROW if column.key == "level" and not self.frames.measured else column.width))
            self.setColumnWidth(place + 1, self.widths.get(column.key, usual))

    def _name_width(self) -> int:
        """As wide as the longest name that is shown, within `NAMES`."""
        if not self.frames.shown:
            return NAMES[1]
        longest = max((row.name for row in self.frames.shown), key=len)
        return max(NAMES[0], min(NAMES[1], self.fontMetrics().horizontalAdvance(f"\u25b2 {literal(longest)}") + 12))

    def _resized(self, section: int, old: int, new: int) -> None:
        del old
        # The last one takes what is left, whoever asks.
        if 0 < section < len(self.frames.columns) and not self._restoring and self.isVisible():
            self.widths[self.frames.columns[section - 1].key] = new

    def columns_menu(self) -> QMenu:
        """The menu that shows, hides and pins columns."""
        menu = QMenu(tr("Columns"), self)
        for column in COLUMNS:
            if column.key == "name":
                continue
            action = QAction(tr(column.title), menu)
            action.setCheckable(True)
            shown = column in self.frames.columns
            action.setChecked(shown)
            change = self._pin if column.folds else self._hide
            action.toggled.connect(lambda on, key=column.key, change=change: change(key, on))
            menu.addAction(action)
        return menu

    def _pin(self, key: str, on: bool) -> None:
        if key in self.frames.folded:
            self.frames.set_pinned(key, on)
        if on or key not in self.frames.folded:
            self.frames.set_hidden(key, not on)

    def _hide(self, key: str, on: bool) -> None:
        self.frames.set_hidden(key, not on)

    def _columns_menu_at(self, place: Any) -> None:
        self.columns_menu().popup(self.horizontalHeader().mapToGlobal(place))


def _range(model: FrameModel, first: int, last: int, column: int) -> Any:
    from PySide6.QtCore import QItemSelectionRange

    return QItemSelectionRange(model.index(first, 0), model.index(last, column))
