"""The tree of what will be made."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from evenfield.gui.tree import ALL, STATES, Node, Section
from evenfield.gui.words import tr

_NODE = Qt.ItemDataRole.UserRole
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class _Names(QStyledItemDelegate):
    """Makes the editors of names itself: those that Qt makes vanish without a word to Python."""

    newest: QLineEdit | None = None

    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        """An editor of one line."""
        del option, index
        editor = QLineEdit(parent)
        editor.setFrame(False)
        editor.setAccessibleName(tr("Name of the master"))
        self.newest = editor
        return editor


class ProductTree(QTreeWidget):
    """``chosen`` (Node or None) tells what is selected, ``wanted`` (str, bool) a tick, ``renamed`` (str, str) names."""

    chosen = Signal(object)
    wanted = Signal(str, bool)
    renamed = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Will be made"))
        self.setColumnCount(2)
        self.setHeaderLabels([tr("Will be made"), tr("State")])
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setIndentation(10)
        self.setUniformRowHeights(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setEditTriggers(QTreeWidget.EditTrigger.EditKeyPressed | QTreeWidget.EditTrigger.DoubleClicked)
        self.setHeaderHidden(True)
        head = self.header()
        head.setStretchLastSection(False)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        head.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        head.setResizeContentsPrecision(0)
        self._names = _Names(self)
        self.setItemDelegate(self._names)
        self._filling = False
        self._sections: tuple[Section, ...] = ()
        self.itemChanged.connect(self._changed)
        self.currentItemChanged.connect(self._current_changed)

    def edit(self, index: Any, trigger: Any = None, event: Any = None) -> Any:
        """Only names can be edited, not states."""
        if trigger is None:
            return super().edit(index)
        if index.column() != 0:
            return False
        return super().edit(index, trigger, event)

    def show_sections(self, sections: Sequence[Section]) -> None:
        """Show these; the selection stays where its node does."""
        if tuple(sections) == self._sections:
            return
        self._sections = tuple(sections)
        current = self.current_node()
        self._filling = True
        self.clear()
        again: QTreeWidgetItem | None = None
        for section in sections:
            top = QTreeWidgetItem([section.title])
            font = top.font(0)
            font.setBold(True)
            top.setFont(0, font)
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.addTopLevelItem(top)
            top.setFirstColumnSpanned(True)
            for node in section.nodes:
                item = self._item(node)
                top.addChild(item)
                # A name has the whole line; its state stands below, beside what it is made of.
                item.setFirstColumnSpanned(item.childCount() > 0)
                if current is not None and node.id == current.id:
                    again = item
        self.expandAll()
        if again is not None:
            self.setCurrentItem(again)
        self._filling = False
        if again is None and current is not None:
            self.chosen.emit(None)

    def _item(self, node: Node) -> QTreeWidgetItem:
        shape = STATES.get(node.state, "")
        text = f"{shape} {tr(node.state)}" if shape else f"{node.count:,}"
        title = f"\u25b2 {node.title}" if node.marked else node.title
        item = QTreeWidgetItem([title, "" if node.detail else text])
        item.setData(0, _NODE, node)
        tip = f"{title}\n{node.detail}\n{text}" if node.detail else f"{title}: {text}"
        item.setToolTip(0, f"<p style='white-space:pre-wrap'>{html.escape(tip)}</p>")
        item.setTextAlignment(1, _RIGHT)
        state = tr(node.state) if node.state else ""
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{node.title}, {node.detail or node.count}, {state}")
        if node.wanted is not None:
            item.setCheckState(0, Qt.CheckState.Checked if node.wanted else Qt.CheckState.Unchecked)
            if node.wanted:
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        if node.detail:
            below = QTreeWidgetItem([node.detail, text])
            below.setFlags(Qt.ItemFlag.ItemIsEnabled)
            below.setTextAlignment(1, _RIGHT)
            for column in (0, 1):
                below.setToolTip(column, item.toolTip(0))
            item.addChild(below)
        return item

    def drawBranches(self, painter: QPainter, rect: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
        """Nothing can be folded, so no arrow says so."""

    def current_node(self) -> Node | None:
        """The node that is selected."""
        item = self.currentItem()
        return item.data(0, _NODE) if item is not None else None

    def select_node(self, node_id: str) -> bool:
        """Select a node; whether it is there."""
        for item in self._items():
            if item.data(0, _NODE).id == node_id:
                self.setCurrentItem(item)
                return True
        return False

    def node_states(self) -> dict[str, str]:
        """Id of each product -> its state."""
        nodes = [item.data(0, _NODE) for item in self._items()]
        return {node.id: node.state for node in nodes if node.state}

    def _items(self) -> list[QTreeWidgetItem]:
        tops = [self.topLevelItem(place) for place in range(self.topLevelItemCount())]
        found = [top.child(place) for top in tops if top is not None for place in range(top.childCount())]
        return [item for item in found if item is not None]

    def _changed(self, item: QTreeWidgetItem, column: int) -> None:
        node = item.data(0, _NODE)
        if self._filling or node is None or column != 0:
            return
        # What is shown is no longer what was asked for; where the change is refused, the next look puts it right.
        self._sections = ()
        on = item.checkState(0) == Qt.CheckState.Checked
        if node.wanted is not None and on != node.wanted:
            self.wanted.emit(node.id, on)
        elif item.text(0) != node.title:
            self.renamed.emit(node.id, item.text(0).strip())

    def edit_again(self, node_id: str, typed: str) -> None:
        """Open the editor of a name once more, with what was typed in it."""
        for item in self._items():
            if item.data(0, _NODE).id == node_id:
                self._filling = True
                item.setText(0, item.data(0, _NODE).title)
                self._filling = False
                self.setCurrentItem(item)
                self.editItem(item, 0)
                editor = self._names.newest
                if editor is not None:
                    editor.setText(typed)
                    editor.selectAll()

    def _current_changed(self, item: QTreeWidgetItem | None, before: object) -> None:
        del before
        if not self._filling:
            node = item.data(0, _NODE) if item is not None else None
            self.chosen.emit(None if node is None or node.id == ALL else node)
