"""Preferences: the settings that every start begins with, in the form that the options have."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QPushButton, QVBoxLayout, QWidget

from evenfield.errors import EvenfieldError
from evenfield.gui.flow import FlowLayout
from evenfield.gui.options_form import OptionsForm
from evenfield.gui.why_view import plain_label
from evenfield.gui.words import tr
from evenfield.model.literal import literal
from evenfield.model.settings import Settings
from evenfield.store import save_settings


class PreferencesDialog(QDialog):
    """``saved`` (Settings) tells what was saved, ``used`` (Settings) that this session shall use it now."""

    saved = Signal(object)
    used = Signal(object)

    def __init__(self, parent: QWidget, settings: Settings, path: str, *, trouble: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Preferences"))
        self.setAccessibleName(tr("Preferences"))
        self._settings, self._path = settings, path
        self._errors: dict[str, str] = {}
        box = QVBoxLayout(self)
        box.addWidget(plain_label(tr("Defaults for the next start, and for the command line.")))
        box.addWidget(plain_label(tr("File: {}").format(literal(path))))
        self.told = plain_label(literal(trouble), name="error")
        self.told.setVisible(bool(trouble))
        box.addWidget(self.told)
        self.form = OptionsForm(with_folders=False)
        self.form.wanted.connect(self._changed)
        self.form.refused.connect(self._refused)
        box.addWidget(self.form, 1)
        line = QWidget()
        flow = FlowLayout(line)
        for text, slot in (
            (tr("Save"), self.save),
            (tr("Save and use now"), self.save_and_use),
            (tr("Close"), self.reject),
        ):
            button = QPushButton(text)
            button.setAccessibleName(text)
            button.setAutoDefault(False)
            button.clicked.connect(slot)
            flow.addWidget(button)
        box.addWidget(line)
        self.resize(460, 640)
        self._show()

    def _show(self) -> None:
        self.form.show_settings(self._settings, Settings(), None)

    def _changed(self, settings: Settings, what: str) -> None:
        del what
        self._settings = settings
        self._show()

    def _refused(self, key: str, why: str) -> None:
        if why:
            self._errors[key] = why
        else:
            self._errors.pop(key, None)

    def save(self) -> bool:
        """Write the file; whether that was possible."""
        if self._errors:
            self._tell(tr("Not saved: {}").format(next(iter(self._errors.values()))))
            return False
        try:
            save_settings(self._settings, path=self._path)
        except EvenfieldError as error:
            self._tell(str(error))
            return False
        self._tell(tr("Saved."))
        self.saved.emit(self._settings)
        return True

    def save_and_use(self) -> None:
        """Write the file, and use the settings in this session."""
        if self.save():
            self.used.emit(self._settings)
            self.accept()

    def _tell(self, text: str) -> None:
        self.told.setText(literal(text))
        self.told.setVisible(True)
