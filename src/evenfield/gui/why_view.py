"""The account of a master or frame, drawn."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from evenfield.describe.override_values import OVERRIDE_FIELDS
from evenfield.gui.labels import TextLabel, breakable, plain_label
from evenfield.gui.rows import Row
from evenfield.gui.why import THE_SAME, Block, Compared, Facts, Heading, Instead, Text
from evenfield.gui.words import tr
from evenfield.model.frame import FrameKind

_MARKS = {True: "=", False: "\u2260", None: "?"}
_MARK_WORDS = {True: "agrees", False: "differs", None: "unknown"}

__all__ = ["WhyView", "plain_label"]


class WhyView(QScrollArea):
    """Blocks of `why`, and a strip to correct the frames that are selected.

    ``instead`` (arguments, what about) asks for another master, ``corrected`` (field, value) for another value of a
    field of the selected frames, ``left_out`` for the frames to be left out (True) or taken in again (False).
    """

    instead = Signal(object, str)
    corrected = Signal(str, str)
    left_out = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Why"))
        inside = QWidget()
        outer = QVBoxLayout(inside)
        outer.setContentsMargins(8, 6, 8, 8)
        self._blocks = QVBoxLayout()
        self._blocks.setSpacing(4)
        outer.addLayout(self._blocks)
        self.corrections = _Corrections()
        self.corrections.corrected.connect(self.corrected)
        self.corrections.left_out.connect(self.left_out)
        outer.addWidget(self.corrections)
        outer.addStretch(1)
        self.setWidget(inside)

    def show_blocks(self, blocks: Iterable[Block], rows: Sequence[Row] = ()) -> None:
        """Show an account; ``rows`` are the frames that can be corrected."""
        while (item := self._blocks.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for block in blocks:
            self._blocks.addWidget(self._drawn(block))
        self.corrections.show_rows(rows)
        self.verticalScrollBar().setValue(0)

    def text(self) -> str:
        """All that is shown, as text."""
        found = []
        for place in range(self._blocks.count()):
            item = self._blocks.itemAt(place)
            widget = item.widget() if item is not None else None
            labels = [widget] if isinstance(widget, QLabel) else widget.findChildren(QLabel) if widget else []
            found += [label.text() for label in labels if isinstance(label, QLabel)]
        return "\n".join(found)

    def _drawn(self, block: Block) -> QWidget:
        if isinstance(block, Heading):
            return plain_label(block.text, name="heading")
        if isinstance(block, Text):
            return plain_label(block.text)
        if isinstance(block, Compared):
            return _compared(block)
        if isinstance(block, Facts):
            return _facts(block)
        return self._button(block)

    def _button(self, block: Instead) -> QWidget:
        button = QPushButton(tr(block.text))
        button.setAccessibleName(f"{tr(block.text)}: {block.about}")
        button.clicked.connect(lambda: self.instead.emit(block.fix, block.about))
        return button


def _compared(block: Compared) -> QWidget:
    rows = []
    for key, here, there, agrees in block.lines:
        if not there:
            rows.append((_MARKS[agrees], key, here))
        elif there == THE_SAME:
            rows.append((_MARKS[agrees], key, f"{here}, {tr(THE_SAME)}"))
        else:
            rows.append((_MARKS[agrees], key, f"{here} {'=' if agrees else '/'} {there}"))
    label = _table(rows)
    label.setAccessibleDescription("; ".join(f"{key} {_MARK_WORDS[agrees]}" for key, _, _, agrees in block.lines))
    return label


def _facts(block: Facts) -> QWidget:
    return _table([(name, f"{value}  ({source})" if source else value) for name, value, source in block.lines])


def _table(rows: Sequence[Sequence[str]]) -> QLabel:
    """A table; its cells are escaped, so that nothing in them is taken for marks of its own."""
    cells = [
        "".join(f"<td style='padding-right:6px'>{html.escape(breakable(cell))}</td>" for cell in row) for row in rows
    ]
    label = TextLabel()
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setWordWrap(True)
    label.setText(f"<table cellspacing=0>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>")
    return label


class _Corrections(QFrame):
    """What the user may say about the selected frames."""

    corrected = Signal(str, str)
    left_out = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 8, 0, 0)
        self._title = plain_label("", name="heading")
        box.addWidget(self._title)
        row = QHBoxLayout()
        self.field = QComboBox()
        self.field.setAccessibleName(tr("Field to correct"))
        self.field.addItems(list(OVERRIDE_FIELDS))
        self.field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.field.setMinimumContentsLength(8)
        self.field.currentTextChanged.connect(self._field_chosen)
        self.value = QComboBox()
        self.value.setAccessibleName(tr("Corrected value"))
        self.value.setEditable(True)
        self.value.setMinimumContentsLength(6)
        self.value.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        line = self.value.lineEdit()
        if isinstance(line, QLineEdit):
            line.setAccessibleName(tr("Corrected value"))
        row.addWidget(self.field, 1)
        row.addWidget(self.value, 1)
        box.addLayout(row)
        self.apply = QPushButton(tr("Correct"))
        self.apply.setAccessibleName(tr("Correct the field of the selected frames"))
        self.apply.clicked.connect(lambda: self.corrected.emit(self.field.currentText(), self.value.currentText()))
        self.leave = QPushButton(tr("Leave out"))
        self.leave.setAccessibleName(tr("Leave the selected frames out"))
        self.leave.clicked.connect(lambda: self.left_out.emit(True))
        self.take = QPushButton(tr("Take in again"))
        self.take.setAccessibleName(tr("Take the selected frames in again"))
        self.take.clicked.connect(lambda: self.left_out.emit(False))
        buttons = QHBoxLayout()
        for button in (self.apply, self.leave, self.take):
            buttons.addWidget(button)
        box.addLayout(buttons)
        self._rows: list[Row] = []
        self._field_chosen(self.field.currentText())
        self.setVisible(False)

    def _field_chosen(self, field: str) -> None:
        self.value.clear()
        if field == "kind":
            self.value.addItems([kind.value for kind in FrameKind])
        self.value.setCurrentText(self._usual(field))

    def _usual(self, field: str) -> str:
        """The value that all the frames have; nothing where they differ."""
        values = {_value(row, field) for row in self._rows}
        return values.pop() if len(values) == 1 else ""

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Offer what fits these frames."""
        known = [row for row in rows if row.frame is not None]
        self._rows = known
        self._field_chosen(self.field.currentText())
        self.setVisible(bool(known))
        count = f"{len(known):,} selected files" if len(known) != 1 else "this file"
        self._title.setText(tr("Correct {}").format(count))
        self.leave.setVisible(any(not row.excluded for row in known))
        self.take.setVisible(any(row.excluded for row in known))


def _value(row: Row, field: str) -> str:
    frame = row.frame
    value = getattr(frame, field) if hasattr(frame, field) else getattr(getattr(frame, "setup", None), field, None)
    if isinstance(value, FrameKind):
        return value.value
    return f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else ""
