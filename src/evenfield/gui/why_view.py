"""The account of a master or frame, drawn."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from evenfield.describe.override_values import OVERRIDE_FIELDS
from evenfield.gui.labels import plain_label
from evenfield.gui.rows import Row
from evenfield.gui.why import THE_SAME, Block, Facts, Heading, Instead, Text
from evenfield.gui.words import count_words, tr
from evenfield.model.frame import FrameKind

_MARKS = {True: "=", False: "\u2260", None: "?"}

__all__ = ["WhyView", "plain_label"]


class WhyView(QWidget):
    """Blocks of `why`; below them what can be used instead, and a strip to correct the frames that are selected.

    ``instead`` (arguments, what about) asks for another master, ``corrected`` (field, value) for another value of a
    field of the selected frames, ``left_out`` for the frames to be left out (True) or taken in again (False).
    """

    instead = Signal(object, str)
    corrected = Signal(str, str)
    left_out = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Why"))
        box = QVBoxLayout(self)
        box.setContentsMargins(2, 2, 2, 4)
        box.setSpacing(4)
        self.page = QTextBrowser()
        self.page.setAccessibleName(tr("Explanation"))
        self.page.setObjectName("flat")
        self.page.setOpenLinks(False)
        self.page.setTabChangesFocus(True)
        self.setFocusProxy(self.page)
        box.addWidget(self.page, 1)
        self.others = _Others()
        self.others.chosen.connect(self.instead)
        box.addWidget(self.others)
        self.corrections = _Corrections()
        self.corrections.corrected.connect(self.corrected)
        self.corrections.left_out.connect(self.left_out)
        box.addWidget(self.corrections)

    def show_blocks(self, blocks: Iterable[Block], rows: Sequence[Row] = ()) -> None:
        """Show an account; ``rows`` are the frames that can be corrected."""
        blocks = list(blocks)
        self.page.setHtml("".join(map(_marked, blocks)))
        self.others.show_blocks([block for block in blocks if isinstance(block, Instead)])
        self.corrections.show_rows(rows)

    def text(self) -> str:
        """All that is shown, as text."""
        return self.page.toPlainText()


class _Others(QFrame):
    """Masters that nearly matched, and the button that takes one of them."""

    chosen = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self._blocks: list[Instead] = []
        box = QVBoxLayout(self)
        box.setContentsMargins(6, 0, 6, 0)
        self.choice = QComboBox()
        self.choice.setAccessibleName(tr("Nearly matched"))
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.setMinimumContentsLength(10)
        self.use = QPushButton(tr("Use this instead"))
        self.use.setAccessibleName(tr("Use this instead"))
        self.use.clicked.connect(self._use)
        box.addWidget(self.choice)
        box.addWidget(self.use)
        self.setVisible(False)

    def show_blocks(self, blocks: list[Instead]) -> None:
        """Offer these."""
        self._blocks = blocks
        self.choice.clear()
        self.choice.addItems([block.about for block in blocks])
        self.setVisible(bool(blocks))

    def _use(self) -> None:
        place = self.choice.currentIndex()
        if 0 <= place < len(self._blocks):
            self.chosen.emit(self._blocks[place].fix, self._blocks[place].about)


def _marked(block: Block) -> str:
    """A block with marks; what stands in it is escaped, so that nothing in it is taken for a mark of its own."""
    if isinstance(block, Heading):
        return f"<p style='margin:4px 0'><b>{html.escape(block.text)}</b></p>"
    if isinstance(block, Text):
        return f"<p style='margin:3px 0'>{html.escape(block.text)}</p>"
    if isinstance(block, Facts):
        return _table([(name, f"{value}  ({source})" if source else value) for name, value, source in block.lines])
    if isinstance(block, Instead):
        return ""
    rows = []
    for key, here, there, agrees in block.lines:
        if not there:
            rows.append((_MARKS[agrees], key, here))
        elif there == THE_SAME:
            rows.append((_MARKS[agrees], key, f"{here}, {tr(THE_SAME)}"))
        else:
            rows.append((_MARKS[agrees], key, f"{here} {'=' if agrees else '/'} {there}"))
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    cells = ["".join(f"<td style='padding-right:6px'>{html.escape(cell)}</td>" for cell in row) for row in rows]
    return f"<table cellspacing=0>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


class _Corrections(QFrame):
    """What the user may say about the selected frames."""

    corrected = Signal(str, str)
    left_out = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(6, 2, 6, 0)
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
        found = (_value(row, field) for row in self._rows)
        first = next(found, "")
        return first if all(one == first for one in found) else ""

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Offer what fits these frames."""
        known = [row for row in rows if row.frame is not None]
        self._rows = known
        self._field_chosen(self.field.currentText())
        self.setVisible(bool(known))
        self._title.setText(count_words(len(known), "Correct this file", "Correct {} selected files"))
        self.leave.setVisible(any(not row.excluded for row in known))
        self.take.setVisible(any(row.excluded for row in known))


def _value(row: Row, field: str) -> str:
    frame = row.frame
    value = getattr(frame, field) if hasattr(frame, field) else getattr(getattr(frame, "setup", None), field, None)
    if isinstance(value, FrameKind):
        return value.value
    return f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else ""
