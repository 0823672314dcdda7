"""The strip along the lower end: how far the run is, Cancel, and the log, which opens upward."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from evenfield.gui.flow import FlowLayout
from evenfield.gui.labels import named_button
from evenfield.gui.session import Session
from evenfield.gui.why_view import plain_label
from evenfield.gui.words import tr
from evenfield.model.literal import literal

LOG_HEIGHT = 150


class RunStrip(QFrame):
    """``cancelled`` asks for the run to be stopped; ``told`` shows a message."""

    cancelled = Signal()
    told = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setObjectName("strip")
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 3, 8, 3)
        box.setSpacing(3)
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setAccessibleName(tr("Log"))
        self.log.setMaximumBlockCount(20000)
        self.log.setFixedHeight(LOG_HEIGHT)
        self.log.setTabChangesFocus(True)
        self.log_line = QWidget()
        buttons = FlowLayout(self.log_line)
        copy = named_button(tr("Copy log"))
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.log.toPlainText()))
        save = named_button(tr("Save log ..."))
        save.clicked.connect(self._save)
        buttons.addWidget(copy)
        buttons.addWidget(save)
        box.addWidget(self.log)
        box.addWidget(self.log_line)
        line = QHBoxLayout()
        self.text = plain_label(tr("Ready."))
        self.text.setAccessibleName(tr("Progress"))
        line.addWidget(self.text, 1)
        self.bar = QProgressBar()
        self.bar.setAccessibleName(tr("Progress of the step"))
        self.bar.setRange(0, 1000)
        self.bar.setFixedWidth(160)
        line.addWidget(self.bar)
        self.cancel = named_button(tr("Cancel"))
        self.cancel.setAccessibleName(tr("Cancel the run"))
        self.cancel.clicked.connect(self.cancelled)
        line.addWidget(self.cancel)
        self.open_log = named_button(tr("Log"))
        self.open_log.setAccessibleName(tr("Show the log"))
        self.open_log.setCheckable(True)
        self.open_log.toggled.connect(self._show_log)
        line.addWidget(self.open_log)
        box.addLayout(line)
        self._show_log(False)
        session.run_changed.subscribe(self.refresh)
        session.logged.subscribe(lambda text: self.log.appendPlainText(literal(text)))
        self.refresh()

    def refresh(self) -> None:
        """Show how far the run is."""
        state = self.session.run_state
        self.bar.setVisible(state is not None)
        self.cancel.setVisible(state is not None)
        if state is None:
            report = self.session.report
            log = self.session.log
            self.text.setText(literal(log[-1]) if log else tr("Ready."))
            self.text.setToolTip("" if report is None else tr("The last run has ended."))
            return
        text = f"[{state.index}/{state.total}] {literal(state.title)}" if state.index else literal(state.title)
        if state.rate > 0:
            text += tr(", {} MB/s").format(f"{state.rate / 1e6:.0f}")
        if state.left_s is not None:
            text += tr(", {} s left in this step").format(f"{state.left_s:.0f}")
        self.text.setText(text)
        self.bar.setValue(round(1000 * state.share))

    def _show_log(self, on: bool) -> None:
        self.log.setVisible(on)
        self.log_line.setVisible(on)

    def _save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, tr("Save log"), "evenfield-log.txt")
        if path:
            self.save_log(path)

    def save_log(self, path: str) -> None:
        """Write the log into a file."""
        from evenfield.errors import EvenfieldError
        from evenfield.store import save_text

        try:
            save_text(self.log.toPlainText() + "\n", path=path)
        except EvenfieldError as error:
            self.told.emit(str(error))
