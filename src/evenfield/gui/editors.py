"""The widgets of the options form that edit one value each; they tell of a value when it is complete."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFocusEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from evenfield.gui.forms import AGAINST_WORDS, REJECTION_WORDS, NumberField, rejection_numbers
from evenfield.gui.words import tr
from evenfield.model.literal import literal
from evenfield.model.rejections import REJECTIONS, Rejection, rejection_name

MOST_WHOLE = 2_000_000_000

Meaning: TypeAlias = Callable[[str], str]
"""What a text means that was typed."""


def full_path(text: str) -> str:
    """The whole of a path that was typed, so that the same command works in any folder."""
    return os.path.abspath(os.path.expanduser(text))


class NoWheel(QObject):
    """Keeps the wheel from changing values while somebody scrolls past them."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave the wheel to what scrolls."""
        if isinstance(event, QWheelEvent) and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


class Editor(QWidget):
    """One value. ``edited`` tells a new one, ``failed`` why what was typed is none."""

    edited = Signal(object)
    failed = Signal(str)

    def __init__(self, label: str) -> None:
        super().__init__()
        self.label = label
        self._calm = NoWheel(self)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        self.box = box

    def show_value(self, value: Any) -> None:
        """Show a value without telling of it."""
        raise NotImplementedError

    def named(self, widget: QWidget, name: str = "") -> QWidget:
        """Give a widget its accessible name, and the usual manners."""
        widget.setAccessibleName(f"{self.label}: {name}" if name else self.label)
        widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        if isinstance(widget, QComboBox | QSpinBox | QDoubleSpinBox):
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            widget.installEventFilter(self._calm)
        if isinstance(widget, QComboBox):
            widget.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            widget.setMinimumContentsLength(10)
        return widget


class ChoiceEditor(Editor):
    """One of several."""

    def __init__(self, label: str, choices: Sequence[tuple[Any, str]]) -> None:
        super().__init__(label)
        self._values = [value for value, _ in choices]
        self.combo = QComboBox()
        self.combo.addItems([tr(words) for _, words in choices])
        self.box.addWidget(self.named(self.combo))
        self.combo.activated.connect(lambda place: self.edited.emit(self._values[place]))

    def show_value(self, value: Any) -> None:
        """Show a value."""
        self.combo.setCurrentIndex(self._values.index(value))


class SwitchEditor(Editor):
    """Yes or no; the label is the tick's own."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.tick = QCheckBox(label)
        self.box.addWidget(self.named(self.tick))
        self.tick.clicked.connect(lambda on: self.edited.emit(bool(on)))

    def show_value(self, value: Any) -> None:
        """Show a value."""
        self.tick.setChecked(bool(value))


class TicksEditor(Editor):
    """Several of several; tells all that are ticked, in their order."""

    def __init__(self, label: str, choices: Sequence[tuple[str, str]], *, always: str = "") -> None:
        super().__init__(label)
        self.ticks: dict[str, QCheckBox] = {}
        if always:
            note = QLabel()
            note.setTextFormat(Qt.TextFormat.PlainText)
            note.setText(always)
            note.setWordWrap(True)
            self.box.addWidget(note)
        for key, words in choices:
            tick = QCheckBox(tr(words))
            self.named(tick, tr(words))
            tick.clicked.connect(self._clicked)
            self.ticks[key] = tick
            self.box.addWidget(tick)

    def _clicked(self) -> None:
        self.edited.emit(tuple(key for key, tick in self.ticks.items() if tick.isChecked()))

    def show_value(self, value: Any) -> None:
        """Show which are ticked."""
        for key, tick in self.ticks.items():
            tick.setChecked(key in value)


class NumberEditor(Editor):
    """A number with its range."""

    def __init__(self, label: str, low: float, high: float, *, whole: bool = False, suffix: str = "") -> None:
        super().__init__(label)
        self.spin = spin_box(low, high, whole=whole)
        self.spin.setSuffix(suffix)
        self.spin.setToolTip(tr("{} to {}").format(f"{low:g}", f"{high:g}"))
        self.box.addWidget(self.named(self.spin))
        self.spin.valueChanged.connect(self.edited.emit)

    def show_value(self, value: Any) -> None:
        """Show a value."""
        self.spin.blockSignals(True)
        self.spin.setValue(value)
        self.spin.blockSignals(False)


def spin_box(low: float, high: float, *, whole: bool) -> QSpinBox | QDoubleSpinBox:
    """A spin box that tells of a number when it is complete."""
    spin: QSpinBox | QDoubleSpinBox
    if whole:
        spin = QSpinBox()
        spin.setRange(int(low), int(min(high, MOST_WHOLE)))
    else:
        spin = QDoubleSpinBox()
        spin.setDecimals(4)
        spin.setRange(low, high)
        spin.setSingleStep(0.01 if high - low <= 1 else 0.5 if high - low <= 1000 else 10.0)
    spin.setKeyboardTracking(False)
    return spin


class LineEditor(Editor):
    """A text; where it may be unset, nothing means that."""

    def __init__(
        self, label: str, *, unset: Any = None, hint: str = "", browse: str = "", meant: Meaning = str.strip
    ) -> None:
        super().__init__(label)
        self._unset, self._meant = unset, meant
        self._known = ("", "")
        self.line = QLineEdit()
        self.line.setPlaceholderText(hint)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.named(self.line))
        if browse:
            button = QPushButton(tr("Choose ..."))
            self.named(button, tr("Choose"))
            button.clicked.connect(lambda: self._browse(browse))
            row.addWidget(button)
        self.box.addLayout(row)
        self.line.editingFinished.connect(self._done)

    def _done(self) -> None:
        if self.line.isModified():
            self.line.setModified(False)
            self.edited.emit(self._text() or self._unset)

    def _text(self) -> str:
        """What is meant by the text in the field."""
        shown, value = self._known
        text = self.line.text()
        if text == shown:
            return value
        return self._meant(text.strip()) if text.strip() else ""

    def _browse(self, title: str) -> None:
        folder = QFileDialog.getExistingDirectory(self, title, self.line.text())
        if folder:
            self.edited.emit(folder)

    def show_value(self, value: Any) -> None:
        """Show a value."""
        text = "" if value == self._unset or value is None else str(value)
        self._known = (literal(text), text)
        if literal(text) != self.line.text():
            self.line.setText(literal(text))
        self.line.setModified(False)


class NamesEditor(LineEditor):
    """Several names in one line, with commas between them; nothing means unset."""

    def _done(self) -> None:
        if self.line.isModified():
            self.line.setModified(False)
            names = tuple(part.strip() for part in self.line.text().split(",") if part.strip())
            self.edited.emit(names or None)

    def show_value(self, value: Any) -> None:
        """Show names."""
        super().show_value(", ".join(value or ()))


class _Lines(QPlainTextEdit):
    left = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """What was typed counts when the field is left."""
        super().focusOutEvent(event)
        self.left.emit()


class LinesEditor(Editor):
    """Several texts, one on each line; files can be chosen where ``pick`` names what for."""

    def __init__(
        self, label: str, *, hint: str = "", pick: str = "", folders: bool = False, meant: Meaning = str.strip
    ) -> None:
        super().__init__(label)
        self._meant = meant
        self._known: dict[str, str] = {}
        self.lines = _Lines()
        self.lines.setTabChangesFocus(True)
        self.lines.setPlaceholderText(hint)
        self.named(self.lines)
        self.lines.setFixedHeight(self.lines.fontMetrics().lineSpacing() * 3 + 12)
        self.box.addWidget(self.lines)
        self._value: tuple[str, ...] = ()
        self._folders = folders
        if pick:
            button = QPushButton(tr("Add folder ...") if folders else tr("Choose files ..."))
            self.named(button, button.text())
            button.clicked.connect(lambda: self._pick(pick))
            self.box.addWidget(button)
        self.lines.left.connect(self._done)

    def _texts(self) -> tuple[str, ...]:
        lines = self.lines.toPlainText().split("\n")
        return tuple(self._known.get(line) or self._meant(line.strip()) for line in lines if line.strip())

    def _done(self) -> None:
        texts = self._texts()
        if texts != self._value:
            self._value = texts
            self.edited.emit(texts)

    def _pick(self, title: str) -> None:
        if self._folders:
            one = QFileDialog.getExistingDirectory(self, title)
            names = [one] if one else []
        else:
            names, _ = QFileDialog.getOpenFileNames(self, title)
        if names:
            texts = (*self._texts(), *map(os.path.abspath, names))
            self.show_value(texts)
            self.edited.emit(texts)

    def show_value(self, value: Any) -> None:
        """Show a value."""
        self._value = tuple(value or ())
        # A name may hold a line break, or blanks at its ends: what stands there already means what it meant.
        self._known = {literal(text): text for text in self._value}
        if self._texts() != self._value:
            self.lines.setPlainText("\n".join(map(literal, self._value)))


class RejectionEditor(Editor):
    """A rejection by what it does, with the numbers that it takes."""

    def __init__(self, label: str, *, optional: bool) -> None:
        super().__init__(label)
        self._names: list[str | None] = [*([None] if optional else []), *REJECTION_WORDS]
        self.combo = QComboBox()
        self.combo.addItems([tr("As for flats") if name is None else tr(REJECTION_WORDS[name]) for name in self._names])
        self.box.addWidget(self.named(self.combo))
        self._numbers = QWidget()
        self._numbers_box = QVBoxLayout(self._numbers)
        self._numbers_box.setContentsMargins(0, 0, 0, 0)
        self._numbers_box.setSpacing(2)
        self.box.addWidget(self._numbers)
        self._shown: str | None = ""
        self._fields: dict[str, Editor] = {}
        self._value: Rejection | None = None
        self.combo.activated.connect(self._chosen)

    def _chosen(self, place: int) -> None:
        name = self._names[place]
        self.edited.emit(None if name is None else REJECTIONS[name]())

    def show_value(self, value: Any) -> None:
        """Show a rejection."""
        self._value = value
        name = None if value is None else rejection_name(value)
        self.combo.setCurrentIndex(self._names.index(name))
        if name != self._shown:
            self._shown = name
            self._make_fields(name)
        for field, editor in self._fields.items():
            editor.show_value(getattr(value, field))

    def _make_fields(self, name: str | None) -> None:
        for editor in self._fields.values():
            self._numbers_box.removeWidget(editor)
            editor.deleteLater()
        self._fields = {}
        # What is made later comes last for the Tab key, unless it is told its place.
        before: QWidget = self.combo
        for number in rejection_numbers(name) if name is not None else ():
            editor = self._field(number)
            editor.edited.connect(lambda told, field=number.name: self._number_edited(field, told))
            editor.failed.connect(self.failed)
            self._fields[number.name] = editor
            self._numbers_box.addWidget(editor)
            for widget in editor.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
                self.setTabOrder(before, widget)
                before = widget
        self._numbers.setVisible(bool(self._fields))

    def _field(self, number: NumberField) -> Editor:
        label = f"{self.label}: {tr(number.label)}"
        if number.words:
            editor: Editor = ChoiceEditor(label, [(word, AGAINST_WORDS[word]) for word in number.words])
        elif number.optional:
            editor = OptionalNumberEditor(
                label, number.low, number.high, hint=tr("measured"), open_low=number.open_ends
            )
        else:
            step = 0.0001 if number.open_ends else 0.0
            low, high = number.low, number.high
            # A limit may be anything above 0, a share anything between 0 and 1.
            high -= step if number.open_ends and high <= 1 else 0.0
            editor = NumberEditor(label, low + step, high, whole=number.whole)
            editor.spin.setPrefix(f"{tr(number.label)}: ")
        return editor

    def _number_edited(self, field: str, value: Any) -> None:
        if self._value is not None:
            import msgspec

            self.edited.emit(msgspec.structs.replace(self._value, **{field: value}))


def number_text(value: float) -> str:
    """A number with all its digits, and no more: "100", "511.25"."""
    return str(int(value)) if value == int(value) else repr(value)


class OptionalNumberEditor(Editor):
    """A number, or nothing; what nothing means stands in the field."""

    def __init__(
        self, label: str, low: float, high: float, *, hint: str, whole: bool = False, open_low: bool = False
    ) -> None:
        super().__init__(label)
        self._low, self._high, self._whole, self._open = low, high, whole, open_low
        self.line = QLineEdit()
        self.line.setPlaceholderText(f"{label.rpartition(': ')[2]}: {hint}")
        self.line.setToolTip(tr("{} to {}").format(f"{low:g}", f"{high:g}"))
        self.box.addWidget(self.named(self.line))
        self.line.editingFinished.connect(self._done)

    def _done(self) -> None:
        if not self.line.isModified():
            return
        self.line.setModified(False)
        text = self.line.text().strip().replace(",", ".")
        if not text:
            self.edited.emit(None)
            return
        try:
            value = int(text) if self._whole else float(text)
        except ValueError:
            value = float("nan")
        if not self._low <= value <= self._high or (self._open and value == self._low):
            told = tr("{}: '{}' is no number from {} to {}.")
            self.failed.emit(told.format(self.label, text, f"{self._low:g}", f"{self._high:g}"))
            return
        self.edited.emit(value)

    def show_value(self, value: Any) -> None:
        """Show a value."""
        self.line.setText("" if value is None else number_text(value))
        self.line.setModified(False)


class MemoryEditor(LineEditor):
    """A size, "2GiB"; nothing for automatic."""

    def __init__(self, label: str) -> None:
        super().__init__(label, hint=tr("automatic, such as 2GiB"))

    def _done(self) -> None:
        from evenfield.cli.options import memory_bytes
        from evenfield.errors import UsageError

        if not self.line.isModified():
            return
        self.line.setModified(False)
        text = self.line.text().strip()
        try:
            self.edited.emit(memory_bytes(text) if text else None)
        except UsageError as error:
            self.failed.emit(f"{self.label}: {error.message}")

    def show_value(self, value: Any) -> None:
        """Show a size, in GiB where that is exact."""
        size = value
        if value is not None:
            for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
                if value % (1 << power) == 0:
                    size = f"{value >> power}{unit}"
                    break
        super().show_value(size)
