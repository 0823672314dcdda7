"""The list of problems: sign, message, and the button that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal, SignalInstance
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from evenfield.gui.labels import narrow
from evenfield.gui.problems import LEVEL_WORDS, Problem
from evenfield.gui.why_view import plain_label
from evenfield.gui.words import tr
from evenfield.model.findings import Finding
from evenfield.model.literal import literal

MOST: Final = 60
"""Lines that are shown; a night with more has one cause many times."""


AT_ONCE: Final = 10
"""Lines that are made in one turn."""


class ProblemsView(QWidget):
    """``mended`` (Finding) asks for a finding's fix, ``asked`` (Finding) for its explanation, ``folder_wanted`` for a
    folder of calibration frames.
    """

    mended = Signal(object)
    asked = Signal(object)
    folder_wanted = Signal()

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title_text = title
        self.setAutoFillBackground(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        self.title = plain_label(title, name="heading")
        box.addWidget(self.title)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setAccessibleName(title)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        inside = QWidget()
        self._lines = QVBoxLayout(inside)
        self._lines.setContentsMargins(4, 2, 4, 2)
        self._lines.setSpacing(3)
        self._lines.addStretch(1)
        self._area.setWidget(inside)
        box.addWidget(self._area, 1)
        self._shown: list[Problem] | None = None
        self._waiting: list[Problem] = []
        self._before: QWidget = self._area
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._add_lines)

    def show_problems(self, found: Sequence[Problem]) -> None:
        """Show these; lines that stay are not made anew."""
        if list(found) == self._shown:
            return
        self._shown = list(found)
        self._later.stop()
        self.title.setText(f"{self._title_text} ({len(found)})")
        while self._lines.count() > 1:
            item = self._lines.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._before = self._area
        self._waiting = list(found[:MOST])
        self._add_lines()
        if not found:
            self._lines.insertWidget(0, plain_label(tr("Nothing needs attention.")))

    def _add_lines(self) -> None:
        """Add the next lines; where there are many, the window has its turn in between."""
        now, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        for one in now:
            line = self._line(one)
            self._lines.insertWidget(self._lines.count() - 1, line)
            # What is made later comes last for the Tab key, unless it is told its place.
            for button in line.findChildren(QPushButton):
                self.setTabOrder(self._before, button)
                self._before = button
        more = len(self._shown or ()) - MOST
        if self._waiting:
            self._later.start()
        elif more > 0:
            rest = plain_label(tr("and {} more, of the same kinds").format(more))
            self._lines.insertWidget(self._lines.count() - 1, rest)

    def _line(self, one: Problem) -> QWidget:
        line = QFrame()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        sign = plain_label(one.sign, wrap=False)
        sign.setObjectName(one.finding.level.value)
        sign.setAccessibleName(tr(LEVEL_WORDS[one.finding.level]))
        sign.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        # Signs of one width, so that all texts begin in one line.
        sign.setFixedWidth(sign.fontMetrics().height() + 2)
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        text = plain_label(one.text)
        for label in (sign, text):
            # On the line of the buttons' words.
            label.setContentsMargins(0, 4, 0, 0)
        row.addWidget(text, 1, Qt.AlignmentFlag.AlignTop)
        if one.button:
            row.addWidget(self._button(one.button, one.finding, self.mended), 0, Qt.AlignmentFlag.AlignTop)
        if one.needs_calibration:
            add = narrow(QPushButton(tr("Add calibration folder")))
            add.setAccessibleName(self._name(add.text(), one.finding))
            add.clicked.connect(self.folder_wanted)
            row.addWidget(add, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._button(tr("Why?"), one.finding, self.asked), 0, Qt.AlignmentFlag.AlignTop)
        return line

    @staticmethod
    def _name(text: str, told: Finding) -> str:
        """What a button does and to what: of one subject more than one thing can be said, so the message names it."""
        return f"{text}: {literal(told.message)}"

    def _button(self, text: str, told: Finding, signal: SignalInstance) -> QPushButton:
        # A value from outside may hold the sign that marks a key.
        button = narrow(QPushButton(text.replace("&", "&&")))
        button.setAccessibleName(self._name(text, told))
        button.clicked.connect(lambda: signal.emit(told))
        return button
