"""Labels and buttons as the window has them: texts are taken literally, none is cut, none takes more than it needs."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLabel, QMenu, QPushButton, QWidget

from evenfield.gui.words import tr

BREAK = "\u200b"
"""Where a line may end within a word; it is seen by nobody and never copied."""

LONG = 18
"""Words of more letters may be broken: names of files, paths."""

BUTTON_MARGIN = 22
"""What a button is wider than its text, pixels."""


def breakable(text: str) -> str:
    """The text with places where its long words may be broken: behind a separator, or else anywhere."""
    return re.sub(rf"\S{{{LONG},}}", _broken, text)


def _broken(match: re.Match[str]) -> str:
    parts = re.findall(rf"[^/\\_.\-]{{1,{LONG}}}[/\\_.\-]*|[/\\_.\-]{{1,{LONG}}}", match.group())
    return BREAK.join(parts)


class TextLabel(QLabel):
    """A label whose long words wrap too; it can be selected and copied, without the marks where lines may end."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def setText(self, text: str) -> None:
        """Show a text."""
        self._text = text
        super().setText(breakable(text) if self.wordWrap() and self.textFormat() is Qt.TextFormat.PlainText else text)
        if self.accessibleName():
            # A name hides the text from screen readers, so it is told beside it.
            self.setAccessibleDescription(text)

    def text(self) -> str:
        """The text as it was given."""
        return self._text

    def setWordWrap(self, on: bool) -> None:
        """Whether lines are broken."""
        super().setWordWrap(on)
        self.setText(self._text)

    def copy(self) -> None:
        """Copy what is selected."""
        QGuiApplication.clipboard().setText(self.selectedText().replace(BREAK, ""))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer to copy what is selected."""
        if self.hasSelectedText():
            menu = QMenu(self)
            menu.addAction(tr("Copy")).triggered.connect(self.copy)
            menu.popup(event.globalPos())


def plain_label(text: str = "", *, wrap: bool = True, name: str = "") -> QLabel:
    """A label that takes its text literally; it can be selected and copied."""
    label = TextLabel()
    label.setWordWrap(wrap)
    label.setText(text)
    if name:
        label.setObjectName(name)
    return label


def narrow(button: QPushButton) -> QPushButton:
    """The button, as wide as its text asks for."""
    width = button.fontMetrics().horizontalAdvance(button.text().replace("&", "")) + BUTTON_MARGIN
    button.setMinimumWidth(width)
    button.setMaximumWidth(width)
    return button


def named_button(text: str, name: str = "") -> QPushButton:
    """A button with its accessible name, which is its text unless another one says more."""
    button = QPushButton(text)
    button.setAccessibleName(name or text)
    return button
