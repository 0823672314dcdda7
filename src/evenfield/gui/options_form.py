"""The options: a field for every setting, what it became, why it cannot be, and the way back to the default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from evenfield.errors import SettingsError
from evenfield.gui.editors import (
    ChoiceEditor,
    Editor,
    LineEditor,
    LinesEditor,
    MemoryEditor,
    NamesEditor,
    NumberEditor,
    OptionalNumberEditor,
    RejectionEditor,
    SwitchEditor,
    TicksEditor,
    full_path,
)
from evenfield.gui.forms import (
    GROUP_KEYS_SHOWN,
    KIND_CHOICES,
    SECTIONS,
    Field,
    became,
    changed_fields,
    form_fields,
    grouping,
    with_default,
)
from evenfield.gui.labels import plain_label
from evenfield.gui.words import tr
from evenfield.model.literal import literal
from evenfield.model.plan import Plan
from evenfield.model.settings import Settings

EXAMPLES = ("output.move_inputs", "output.name")
"""Templates: what they become is shown beside them."""

START_PEDESTAL = 100.0
"""The number that stands in the field when a pedestal is first asked for, ADU."""


class _Shown:
    """One field in the form: its editor and the lines about it."""

    def __init__(self, field: Field, editor: Editor) -> None:
        self.field, self.editor = field, editor
        self._last: tuple[str, str, bool] | None = None
        self.row = QFrame()
        self.row.setObjectName("field")
        box = QVBoxLayout(self.row)
        box.setContentsMargins(0, 2, 0, 4)
        box.setSpacing(2)
        head = QHBoxLayout()
        head.setSpacing(4)
        self.label = QLabel(tr(field.label))
        self.label.setWordWrap(True)
        first = editor.findChild(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
        if isinstance(first, QWidget):
            self.label.setBuddy(first)
        self.label.setToolTip(f"{field.description} ({field.option})")
        self.reset = QPushButton(tr("Reset"))
        self.reset.setAccessibleName(f"{tr('Reset')}: {tr(field.label)}")
        self.reset.setFlat(True)
        if not isinstance(editor, SwitchEditor):
            head.addWidget(self.label, 1)
        else:
            editor.tick.setToolTip(self.label.toolTip())
            head.addWidget(editor, 1)
        head.addWidget(self.reset, 0, Qt.AlignmentFlag.AlignTop)
        box.addLayout(head)
        if not isinstance(editor, SwitchEditor):
            box.addWidget(editor)
        self.note = _line()
        self.error = _line()
        self.error.setObjectName("error")
        box.addWidget(self.note)
        box.addWidget(self.error)

    def show(self, *, note: str, error: str, changed: bool) -> None:
        """Show what the value became, what is wrong with it, and whether it is the default."""
        if (note, error, changed) == self._last:
            return
        self._last = (note, error, changed)
        for line, text in ((self.note, note), (self.error, error)):
            line.setText(literal(text))
            line.setVisible(bool(text))
        self.reset.setVisible(changed)
        font = self.label.font()
        font.setBold(changed)
        mark = "\u25c6 " if changed else ""
        self.label.setFont(font)
        self.label.setText(mark + tr(self.field.label))
        if isinstance(self.editor, SwitchEditor):
            self.editor.tick.setFont(font)
            self.editor.tick.setText(mark + tr(self.field.label))


def _line() -> QLabel:
    line = QLabel()
    line.setTextFormat(Qt.TextFormat.PlainText)
    line.setWordWrap(True)
    line.setVisible(False)
    return line


class OptionsForm(QScrollArea):
    """A form over `Settings`. It holds no settings: it shows those it is given, and asks for others.

    ``wanted`` (Settings, str) asks for other settings, with the name of the change; ``refused`` (str, str) tells the
    key of a field and why its value cannot be, or that it can ("").
    """

    wanted = Signal(object, str)
    refused = Signal(str, str)
    folders_wanted = Signal(object)
    search_wanted = Signal()

    def __init__(self, *, with_folders: bool) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setObjectName("flat")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Options"))
        self._settings = Settings()
        self._defaults = Settings()
        self._errors: dict[str, str] = {}
        self._waiting: dict[str, tuple[Field, Any]] = {}
        self._shown: dict[str, _Shown] = {}
        self._more: dict[str, list[QWidget]] = {}
        self.folders: LinesEditor | None = None
        inside = QWidget()
        outer = QVBoxLayout(inside)
        outer.setContentsMargins(8, 4, 8, 8)
        self.fixed = plain_label("", name="reasons")
        self.fixed.setVisible(False)
        outer.addWidget(self.fixed)
        self._body = QWidget()
        self._body.setObjectName("options")
        outer.addWidget(self._body)
        self.more_buttons: list[QPushButton] = []
        self._box = QVBoxLayout(self._body)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(2)
        self.reset_all = QPushButton(tr("Reset all options"))
        self.reset_all.setAccessibleName(tr("Reset all options"))
        self.reset_all.clicked.connect(self._reset_all)
        self._box.addWidget(self.reset_all)
        for section in SECTIONS:
            self._add_section(section, with_folders=with_folders)
        self._box.addStretch(1)
        self.setWidget(inside)

    def _reset_all(self) -> None:
        for field in [self._shown[key].field for key in self._errors]:
            self._told(field, "")
        self.wanted.emit(self._reset_settings(), tr("Reset all options"))
        self._show_all()

    def _reset_settings(self) -> Settings:
        # What was said about single files is no option.
        kept = {name: getattr(self._settings.select, name) for name in ("overrides", "exclude", "without")}
        select = msgspec.structs.replace(self._defaults.select, **kept)
        return msgspec.structs.replace(self._defaults, select=select)

    # Making it.

    def _add_section(self, section: str, *, with_folders: bool) -> None:
        heading = QLabel(tr(section))
        heading.setObjectName("heading")
        self._box.addWidget(heading)
        hidden: list[QWidget] = []
        for field in form_fields():
            if field.section != section or field.key == "group.split":
                continue
            shown = _Shown(field, self._editor(field))
            self._shown[field.key] = shown
            shown.editor.edited.connect(lambda value, field=field: self._edited(field, value))
            shown.editor.failed.connect(lambda why, field=field: self._told(field, why))
            shown.reset.clicked.connect(lambda _=False, field=field: self._reset(field))
            self._box.addWidget(shown.row)
            if not field.plain:
                hidden.append(shown.row)
            if field.key == "calibration.files" and with_folders:
                self._add_folders()
        if hidden:
            button = QPushButton(tr("More options: {}").format(tr(section)))
            button.setAccessibleName(button.text())
            button.setCheckable(True)
            button.toggled.connect(lambda on, rows=hidden: [row.setVisible(on) for row in rows])
            for row in hidden:
                row.setVisible(False)
            self._more[section] = hidden
            self.more_buttons.append(button)
            self._box.addWidget(button)

    def _add_folders(self) -> None:
        label = QLabel(tr("Calibration folders"))
        self.folders = LinesEditor(tr("Calibration folders"), hint=tr("also the night's own"),
                                   pick=tr("Folder with bias, darks or dark flats"), folders=True,
                                   meant=full_path)  # fmt: skip
        self.folders.edited.connect(self.folders_wanted)
        search = QPushButton(tr("Show the search"))
        search.setAccessibleName(tr("Show the search"))
        search.clicked.connect(self.search_wanted)
        for widget in (label, self.folders, search):
            self._box.addWidget(widget)

    def _editor(self, field: Field) -> Editor:
        label = tr(field.label)
        kind = field.editor
        if kind in ("choice", "mode"):
            return ChoiceEditor(label, field.choices)
        if kind in ("switch", "ignore type"):
            return SwitchEditor(label)
        if kind == "pedestal":
            return OptionalNumberEditor(label, field.low or 0.0, field.high or 1e6, hint=tr("ADU"))
        if kind in ("number", "whole"):
            return NumberEditor(label, field.low or 0.0, field.high or 1e6, whole=kind == "whole")
        if kind == "whole or none":
            return OptionalNumberEditor(label, field.low or 0, field.high or 1e6, hint=tr("automatic"), whole=True)
        if kind == "rejection":
            return RejectionEditor(label, optional=field.name == "dark_rejection")
        if kind == "keys":
            return TicksEditor(label, GROUP_KEYS_SHOWN, always=tr("Size, binning and camera settings: always"))
        if kind == "kinds":
            return TicksEditor(label, KIND_CHOICES)
        if kind == "files":
            return LinesEditor(
                label, hint=tr("master files, one a line"), pick=tr("Files to subtract"), meant=full_path
            )
        if kind == "lines":
            return LinesEditor(label, hint=tr("one a line"))
        if kind == "names":
            return NamesEditor(label, hint=tr("such as filter, night"))
        if kind == "memory":
            return MemoryEditor(label)
        if kind == "folder":
            return LineEditor(label, browse=tr("Library of masters"), meant=full_path)
        if kind == "template":
            # A relative folder lies beside each flat: it stays as it is.
            chooser = tr("Folder for the flats used")
            return LineEditor(label, hint=tr("left in place"), browse=chooser, meant=os.path.expanduser)
        unset = None if kind == "text or none" else getattr(getattr(Settings(), field.part), field.name)
        return LineEditor(label, unset=unset, hint="" if unset is None else str(unset))

    # What is edited.

    def _edited(self, field: Field, value: Any) -> None:
        try:
            settings = _with(self._settings, field, value)
        except SettingsError as error:
            # The value waits: what it contradicts may be the next that changes.
            self._told_to_wait(field, value, str(error))
            return
        self._told(field, "")
        for other, waits in list(self._waiting.values()):
            try:
                settings = _with(settings, other, waits)
                self._told(other, "")
            except SettingsError as error:
                # It may be another reason than before.
                self._told_to_wait(other, waits, str(error))
        self._settings = settings
        self.wanted.emit(settings, tr(field.label))

    def _reset(self, field: Field) -> None:
        try:
            settings = with_default(self._settings, field, self._defaults)
        except SettingsError as error:
            self._told(field, str(error))
            return
        self._told(field, "")
        if settings != self._settings:
            self._settings = settings
            self.wanted.emit(settings, tr("Reset {}").format(tr(field.label)))
        self._show_all()

    def _told(self, field: Field, why: str) -> None:
        """Keep why a field's value cannot be; the form shows it until the value is another."""
        if why:
            self._errors[field.key] = why
        else:
            self._errors.pop(field.key, None)
        self._waiting.pop(field.key, None)
        self.refused.emit(field.key, f"{tr(field.label)}: {why}" if why else "")
        self._show_notes()

    def _told_to_wait(self, field: Field, value: Any, why: str) -> None:
        """Keep a value that contradicts others, and why, until they change."""
        if self._errors.get(field.key) != why:
            self._told(field, why)
        self._waiting[field.key] = (field, value)

    # What is shown.

    def set_fixed(self, why: str) -> None:
        """Where there is a reason against changes, show it and take none."""
        self.fixed.setText(why)
        self.fixed.setVisible(bool(why))
        self._body.setEnabled(not why)

    def show_settings(self, settings: Settings, defaults: Settings, plan: Plan | None) -> None:
        """Show settings, and what the automatic ones became in a plan."""
        before = {key: self._value(self._shown[key].field) for key in self._errors}
        others = settings != self._settings
        self._settings, self._defaults, self._plan = settings, defaults, plan
        for key, value in before.items():
            # Another value has come from elsewhere: what was wrong with the one that was typed is past.
            if self._value(self._shown[key].field) != value:
                self._told(self._shown[key].field, "")
        if others:
            self._forget_solved()
        self._show_all()

    _plan: Plan | None = None

    def _forget_solved(self) -> None:
        """Drop what contradicts nothing any more, since something else than this form changed the settings."""
        for field, value in list(self._waiting.values()):
            try:
                _with(self._settings, field, value)
                self._told(field, "")
            except SettingsError as error:
                self._told_to_wait(field, value, str(error))

    def _show_all(self) -> None:
        for key, shown in self._shown.items():
            if key not in self._errors:
                shown.editor.show_value(self._value(shown.field))
        self._show_notes()

    def _value(self, field: Field) -> Any:
        if field.editor == "keys":
            return self._settings.group.keys
        return getattr(getattr(self._settings, field.part), field.name)

    def _show_notes(self) -> None:
        changed = changed_fields(self._settings, self._defaults)
        if "group.split" in changed:
            changed.add("group.join")
        for key, shown in self._shown.items():
            outcome = became(self._plan, key) if self._is_automatic(key) else ""
            note = tr("Became: {}").format(outcome) if outcome else ""
            error = self._errors.get(key, "")
            shown.show(note=note, error=error, changed=key in changed or bool(error))
        mode = self._settings.calibration.mode
        self._show_row("calibration.pedestal_adu", mode == "pedestal")
        self._show_row("calibration.files", mode == "files" or "calibration.mode" in self._errors)
        self._show_row("calibration.kinds", mode == "auto")
        self.reset_all.setText(tr("Reset all options") if len(changed) != 1 else tr("Reset the changed option"))
        self.reset_all.setVisible(bool(changed or self._errors))

    def _show_row(self, key: str, visible: bool) -> None:
        self._shown[key].row.setVisible(visible or key in self._errors)

    def _is_automatic(self, key: str) -> bool:
        shown = self._shown[key]
        value = self._value(shown.field)
        tag = getattr(getattr(value, "__struct_config__", None), "tag", None)
        return value in ("auto", None) or tag == "auto" or key in EXAMPLES

    def errors(self) -> Mapping[str, str]:
        """Why values of fields cannot be, by key."""
        return self._errors

    def field_row(self, key: str) -> QWidget:
        """The widget of one setting, "combine.rejection"."""
        return self._shown[key].row


def _with(settings: Settings, field: Field, value: Any) -> Settings:
    """The settings with another value; those that hang together change together."""
    if field.editor == "keys":
        return _replaced(settings, "group", **grouping(value, settings.group.by))
    if field.editor == "mode":
        return _with_mode(settings, value)
    mode: dict[str, Any]
    if field.editor == "pedestal":
        mode = {} if value is None else {"mode": "pedestal", "files": ()}
        return _replaced(settings, "calibration", pedestal_adu=value, **mode)
    if field.editor == "files":
        mode = {"mode": "files", "pedestal_adu": None} if value else {}
        return _replaced(settings, "calibration", files=value, **mode)
    return _replaced(settings, field.part, **{field.name: value})


def _with_mode(settings: Settings, mode: str) -> Settings:
    calibration = settings.calibration
    if mode == "files" and not calibration.files:
        raise SettingsError(tr("No file was chosen yet."), mend=tr("Choose it under Fixed files."))
    number = calibration.pedestal_adu if calibration.pedestal_adu is not None else START_PEDESTAL
    return _replaced(
        settings,
        "calibration",
        mode=mode,
        pedestal_adu=number if mode == "pedestal" else None,
        files=calibration.files if mode == "files" else (),
    )


def _replaced(settings: Settings, part: str, **values: Any) -> Settings:
    changed = msgspec.structs.replace(getattr(settings, part), **values)
    # Built anew, so that contradictions between the parts are refused as well.
    parts = {name: getattr(settings, name) for name in Settings.__struct_fields__}
    return Settings(**{**parts, part: changed})
