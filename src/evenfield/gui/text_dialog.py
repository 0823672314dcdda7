"""A longer text in a window of its own."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from evenfield.gui.flow import FlowLayout
from evenfield.gui.words import tr
from evenfield.model.literal import literal


class TextDialog(QDialog):
    """Shows a text in letters of one width; it can be copied."""

    def __init__(self, parent: QWidget, title: str, text: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        box = QVBoxLayout(self)
        self.text = QPlainTextEdit("\n".join(map(literal, text.split("\n"))))
        self.text.setReadOnly(True)
        self.text.setAccessibleName(title)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        box.addWidget(self.text, 1)
        line = QWidget()
        flow = FlowLayout(line)
        for words, slot in (
            (tr("Copy"), lambda: QGuiApplication.clipboard().setText(self.text.toPlainText())),
            (tr("Close"), self.accept),
        ):
            button = QPushButton(words)
            button.setAccessibleName(words)
            button.setAutoDefault(False)
            button.clicked.connect(slot)
            flow.addWidget(button)
        box.addWidget(line)
        self.resize(760, 560)
