"""The lower end of Prepare: where the products go, the same on the command line, and the button that starts."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QLineEdit, QPushButton, QSizePolicy, QVBoxLayout

from evenfield.gui.literal import literal
from evenfield.gui.session import Session
from evenfield.gui.tree import button_words
from evenfield.gui.why_view import plain_label
from evenfield.gui.words import tr

MOST_REASONS = 3


class OutputBar(QFrame):
    """``output_wanted`` (str) asks for another folder, ``started`` for the job, ``plan_left`` to leave a saved plan."""

    output_wanted = Signal(object)
    started = Signal()
    plan_left = Signal()

    def __init__(self) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 2, 0, 0)
        box.setSpacing(4)
        first = QHBoxLayout()
        first.addWidget(plain_label(tr("Output:"), wrap=False))
        self.output = QLineEdit()
        self.output.setAccessibleName(tr("Output folder"))
        self.output.setPlaceholderText(tr("folder for the products"))
        self.output.editingFinished.connect(self._done)
        first.addWidget(self.output, 1)
        self.browse = _button("...", tr("Choose output folder"))
        self.browse.setMaximumWidth(44)
        self.browse.clicked.connect(self._browse)
        first.addWidget(self.browse)
        self.inputs = plain_label("", wrap=False)
        first.addWidget(self.inputs)
        box.addLayout(first)
        second = QHBoxLayout()
        second.addWidget(plain_label(tr("Same on the command line:"), wrap=False))
        self.command = QLineEdit()
        self.command.setReadOnly(True)
        self.command.setAccessibleName(tr("Same on the command line"))
        second.addWidget(self.command, 1)
        self.copy = _button(tr("Copy"), tr("Copy the command line"))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.command.text()))
        self._known = ""
        second.addWidget(self.copy)
        box.addLayout(second)
        third = QHBoxLayout()
        self.reasons = plain_label("", name="reasons")
        self.reasons.setAccessibleName(tr("Why the job cannot be started"))
        self.reasons.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        third.addWidget(self.reasons, 1)
        self.leave = _button(tr("Leave this plan"), tr("Leave this plan"))
        self.leave.clicked.connect(self.plan_left)
        third.addWidget(self.leave)
        self.start = _button("", "")
        self.start.setObjectName("start")
        self.start.clicked.connect(self.started)
        third.addWidget(self.start, 0, Qt.AlignmentFlag.AlignVCenter)
        box.addLayout(third)

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
        self.leave.setVisible(session.plan_file is not None)
        left = len(session.frames_without_level()) if session.examining else 0
        words = button_words(session.plan, examining=session.examining, n_files=left)
        if session.examining and session.measuring:
            words = "Stop measuring"
        self.start.setText(tr(words))
        self.start.setAccessibleName(tr("Start the job"))
        self.start.setEnabled(not reasons)


def _button(text: str, name: str) -> QPushButton:
    button = QPushButton(text)
    button.setAccessibleName(name)
    return button
