"""The lower end of Prepare: where the products go, the same on the command line, and the button that starts."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QFrame, QGridLayout, QHBoxLayout, QLineEdit, QVBoxLayout

from evenfield.gui.labels import named_button, narrow
from evenfield.gui.session import Session
from evenfield.gui.tree import button_words
from evenfield.gui.why_view import plain_label
from evenfield.gui.words import tr
from evenfield.model.literal import literal

MOST_REASONS = 3


class OutputBar(QFrame):
    """``output_wanted`` (str) asks for another folder, ``started`` for the job, ``plan_left`` to leave a saved plan."""

    output_wanted = Signal(object)
    started = Signal()
    plan_left = Signal()

    def __init__(self) -> None:
        super().__init__()
        across = QHBoxLayout(self)
        across.setContentsMargins(0, 2, 0, 2)
        across.setSpacing(10)
        box = QVBoxLayout()
        box.setSpacing(4)
        across.addLayout(box, 1)
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        grid.addWidget(plain_label(tr("Output:"), wrap=False), 0, 0)
        self.output = QLineEdit()
        self.output.setAccessibleName(tr("Output folder"))
        self.output.setPlaceholderText(tr("folder for the products"))
        self.output.editingFinished.connect(self._done)
        grid.addWidget(self.output, 0, 1)
        self.browse = narrow(named_button("...", tr("Choose output folder")))
        self.browse.clicked.connect(self._browse)
        grid.addWidget(self.browse, 0, 2)
        self.inputs = plain_label("", wrap=False)
        grid.addWidget(self.inputs, 0, 3)
        grid.setColumnMinimumWidth(3, 80)
        grid.addWidget(plain_label(tr("Same on the command line:"), wrap=False), 1, 0)
        self.command = QLineEdit()
        self.command.setReadOnly(True)
        self.command.setAccessibleName(tr("Same on the command line"))
        grid.addWidget(self.command, 1, 1, 1, 2)
        self.copy = named_button(tr("Copy"), tr("Copy the command line"))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.command.text()))
        self._known = ""
        grid.addWidget(self.copy, 1, 3)
        box.addLayout(grid)
        self.reasons = plain_label("", name="reasons")
        self.reasons.setAccessibleName(tr("Why the job cannot be started"))
        self.reasons.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        box.addWidget(self.reasons)
        buttons = QVBoxLayout()
        buttons.setSpacing(4)
        buttons.addStretch(1)
        self.leave = named_button(tr("Leave this plan"), tr("Leave this plan"))
        self.leave.clicked.connect(self.plan_left)
        buttons.addWidget(self.leave)
        self.start = named_button("", "")
        self.start.setObjectName("start")
        self.start.clicked.connect(self.started)
        buttons.addWidget(self.start)
        across.addLayout(buttons)

    def _done(self) -> None:
        if self.output.isModified():
            self.output.setModified(False)
            text = self.output.text()
            self.output_wanted.emit(self._known if text == literal(self._known) else text)

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder for the products"), self.output.text())
        if folder:
            self.output_wanted.emit(folder)

    def show_session(self, session: Session) -> None:
        """Show where products go, the command, and whether the job can be started."""
        request = session.request
        self._known = request.output
        if self.output.text() != literal(self._known) and not self.output.isModified():
            self.output.setText(literal(self._known))
        moved = request.settings.output.move_inputs
        self.inputs.setText(
            tr("Inputs: left in place") if moved is None else tr("Inputs: moved to {}").format(literal(moved))
        )
        command = session.command
        if self.command.text() != command:
            self.command.setText(command)
            self.command.setCursorPosition(0)
        reasons = session.reasons_against()
        if session.plan_file is not None:
            note = tr("This plan was opened from a file and is run as it is; options cannot be changed.")
            shown = [note, *reasons]
        else:
            shown = reasons
        self.reasons.setText(literal("  ".join(shown[:MOST_REASONS])))
        self.reasons.setMaximumHeight(16777215 if shown else 0)
        self.leave.setVisible(session.plan_file is not None)
        self.start.setText(button_words(session.plan, job=session.request.job))
        self.start.setAccessibleName(tr("Start the job"))
        self.start.setEnabled(not reasons)
