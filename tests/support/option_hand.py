"""A hand that fills in the options form at random, with mouse and keys, and knows the arguments that mean the same."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from frame_files import Night
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QPlainTextEdit, QPushButton, QSpinBox, QWidget
from window_hand import Hand

from evenfield.gui.editors import TicksEditor
from evenfield.gui.forms import REJECTION_WORDS, Field, form_fields, grouping, rejection_numbers
from evenfield.gui.options_form import OptionsForm

FIELDS = {field.key: field for field in form_fields() if field.key != "group.split"}
"""Key of a setting -> its field; the ticks of "group.join" edit "group.split" as well."""


@dataclasses.dataclass(frozen=True)
class Places:
    """The frames of a test: two nights and files beside them, small but with something for every setting."""

    night: Path
    calibration: Path
    library: Path
    master: Path
    output: Path


def make_places(top: Path) -> Places:
    """Write the frames."""
    night = Night(top)
    night.flats(4, name="flat_Ha")
    night.flats(2, name="flat_Ha_warm", **{"CCD-TEMP": -7.0, "start": "2026-03-14T21:00:00"})
    night.flats(3, name="flat_OIII", FILTER="OIII", EXPTIME=3.5, start="2026-03-14T21:30:00")
    night.flats(2, name="flat_Ha_2nd", start="2026-03-16T20:00:00", ROTATANG=45.0)
    night.flats(2, name="odd_Ha", kind="LIGHT", start="2026-03-14T20:30:00")
    night.dark_flats(3)
    night.darks(2)
    night.bias(3)
    night.lights(2)
    beside = night.beside("more")
    beside.bias(2, name="bias_more", start="2026-03-10T20:00:00")
    beside.dark_flats(2, name="darkflat_3s", EXPTIME=3.5, start="2026-03-10T21:00:00")
    library = night.beside("library")
    (master,) = library.bias(1, name="master_bias", IMAGETYP="Master Bias", NCOMBINE=20)
    return Places(night.folder, beside.folder, library.folder, master, night.output)


def texts(places: Places) -> dict[str, tuple[str, ...]]:
    """What is typed into fields of text: values that can be, and some that cannot."""
    return {
        "calibration.files": (str(places.master),),
        "calibration.use": (
            "master_flat_Ha_2026-03-14=dark*", "master_flat_OIII_2026-03-14=darkflat_*|bias*", "nonsense",
        ),
        "calibration.bias": ("512", "64*offset_setting", "", "much"),
        "calibration.allow_mismatch": ("temperature:5", "exposure", "binning\ntemperature:8", "moon", "filter:x"),
        "calibration.max_age": ("bias:10", "dark:30\nflat:7", "", "soup:3"),
        "calibration.overscan": ("[1:4,*]", "[1:2,*]>[5:12,*];[3:4,*]>[13:20,*]", "header", "", "left edge"),
        "calibration.trim": ("[5:20,1:12]", "header", "", "[a:b]"),
        "select.library": (str(places.library), ""),
        "light.add_pedestal": ("100", "auto", "auto:0.001", "none", "", "some"),
        "group.by": ("filter", "filter, night", "exposure", "", "moon"),
        "output.move_inputs": ("used", "used/{date}/{filter}", "", "used/{moon}"),
        "output.name": ("flat_{filter}_{night}", "mf_{gain}_{exposure}", "", "{nothing}"),
        "output.names": ("master_flat_Ha_2026-03-14=ha flat", "master_flat_OIII_2026-03-14=100%", "a=b/c", ""),
        "select.overrides": (
            "odd_*:kind=flat", "flat_OIII*:filter=O III & more\n*:camera=My Camera", "*:gain=7", "*:moon=1", "",
        ),
        "select.exclude": ("flat_Ha_01*", "bias_*\ndark_01*", "with blank*", ""),
        "select.without": ("master_flat_Ha_2026-03-14", "master_flat_Ha_2026-03-16\nno such one", ""),
        "examine.lights": ("3", "", "0", "many"),
        "examine.limits": ("drift:0.1", "drift:0.1\npattern:0.01", "", "moon:1"),
        "run.memory_bytes": ("2GiB", "1500MB", "", "lots"),
        "run.threads": ("2", "", "0", "many"),
        "calibration.pedestal_adu": ("100", "511.25", "", "1234567.5", "x"),
    }  # fmt: skip


class OptionHand:
    """Uses the fields of the options form by their accessible names.

    ``done`` is what was done, in words, for the message of a test that fails; ``asked`` the arguments that ask for
    what was last given to a setting, empty where no argument does.
    """

    def __init__(self, hand: Hand, rng: random.Random, places: Places) -> None:
        self.hand, self.rng, self.places = hand, rng, places
        self.form: OptionsForm = hand.window.prepare.options
        self.texts = texts(places)
        self.done: list[str] = []
        self.asked: dict[str, list[str]] = {}

    def open(self) -> None:
        """Bring the form to the front, with all that stands behind "More options"."""
        self.hand.window.prepare.tabs.setCurrentWidget(self.form)
        QApplication.processEvents()
        for button in self.form.findChildren(QPushButton):
            if button.isCheckable() and not button.isChecked():
                button.click()
        QApplication.processEvents()

    def find(self, name: str, kind: type[QWidget] = QWidget) -> Any:
        """The visible widget of the form with this accessible name."""
        found = [one for one in self.form.findChildren(kind) if one.accessibleName() == name]
        shown = [one for one in found if one.isVisibleTo(self.form)]
        assert len(shown) == 1, f"{len(shown)} of {len(found)} widgets called {name!r} can be seen"
        return shown[0]

    def can_see(self, key: str) -> bool:
        """Whether a setting's field is shown now; some appear with the choice that they belong to."""
        return self.form.field_row(key).isVisibleTo(self.form)

    def bring_out(self, key: str) -> None:
        """Choose what a field appears with, where it has to be chosen."""
        words = {"calibration.pedestal_adu": "Pedestal", "calibration.files": "Fixed file"}.get(key)
        if words is not None:
            self._choose(FIELDS["calibration.mode"].label, words)
            self.asked["calibration.mode"] = []

    def change(self, key: str) -> None:
        """Give one setting a value at random."""
        field = FIELDS[key]
        act: Callable[[Field], str] = {
            "choice": self._choice, "mode": self._choice, "switch": self._switch, "ignore type": self._switch,
            "number": self._number, "whole": self._number, "rejection": self._rejection, "keys": self._ticks,
            "kinds": self._ticks, "files": self._lines, "lines": self._lines, "names": self._line,
        }.get(field.editor, self._line)  # fmt: skip
        self.done.append(f"{field.label}: {act(field)}")

    def _choice(self, field: Field) -> str:
        value, words = self.rng.choice(field.choices)
        modes = {"none": ["--no-precalibration"], "pedestal": ["--pedestal=100"], "inferred": ["--pedestal=inferred"]}
        self.asked[field.key] = modes.get(value, []) if field.editor == "mode" else [f"{field.option}={value}"]
        self._choose(field.label, words)
        return words

    def _choose(self, name: str, words: str) -> None:
        combo = self.find(name)
        place = combo.findText(words)
        assert place >= 0
        combo.setFocus()
        while combo.currentIndex() != place:
            # As the arrow keys do it, which tell of each entry on the way.
            QTest.keyClick(combo, Qt.Key.Key_Down if combo.currentIndex() < place else Qt.Key.Key_Up)
            if abs(combo.currentIndex() - place) > 1:
                combo.blockSignals(True)
                combo.setCurrentIndex(place - (1 if combo.currentIndex() < place else -1))
                combo.blockSignals(False)

    def _switch(self, field: Field) -> str:
        self.asked[field.key] = [field.option]
        self._tick(field.label)
        return "switched"

    def _tick(self, name: str) -> None:
        tick = self.find(name, QCheckBox)
        tick.setFocus()
        QTest.keyClick(tick, Qt.Key.Key_Space)

    def _number(self, field: Field) -> str:
        low, high = field.low or 0, field.high or 100
        return self._spin(field.label, low, min(high, low + 10))

    def _spin(self, name: str, low: float, high: float) -> str:
        spin = self.find(name)
        number = self.rng.uniform(low, high)
        text = str(round(number)) if isinstance(spin, QSpinBox) else f"{number:.{self.rng.choice((1, 4))}f}"
        spin.setFocus()
        spin.selectAll()
        QTest.keyClicks(spin, text)
        QTest.keyClick(spin, Qt.Key.Key_Return)
        return text

    def _rejection(self, field: Field) -> str:
        names = [None, *REJECTION_WORDS] if field.name == "dark_rejection" else list(REJECTION_WORDS)
        name = self.rng.choice(names)
        self._choose(field.label, "As for flats" if name is None else REJECTION_WORDS[name])
        told = str(name)
        for number in rejection_numbers(name) if name is not None else ():
            if self.rng.random() < 0.5:
                told += f", {number.name} {self._rejection_number(f'{field.label}: {number.label}', number)}"
        return told

    def _rejection_number(self, name: str, number: Any) -> str:
        if number.words:
            words = self.rng.choice(number.words)
            self._choose(name, words)
            return str(words)
        low, high = number.low, min(number.high, number.low + 5)
        if number.optional:
            text = self.rng.choice((f"{self.rng.uniform(low, high):.3f}", "", "soon"))
            self._write(name, text)
            return repr(text)
        return self._spin(name, low, high)

    def _ticks(self, field: Field) -> str:
        boxes = self.form.field_row(field.key).findChildren(QCheckBox)
        ticks = [one for one in boxes if self.rng.random() < 0.4]
        for tick in ticks:
            assert tick.accessibleName().startswith(f"{field.label}: ")
            self._tick(tick.accessibleName())
        editor = self.form.field_row(field.key).findChild(TicksEditor)
        assert isinstance(editor, TicksEditor)
        chosen = [key for key, tick in editor.ticks.items() if tick.isChecked()]
        self.asked[field.key] = [f"{field.option}={','.join(chosen)}"]
        if field.editor == "keys":
            by = self.hand.session.request.settings.group.by
            said = grouping(chosen, by)
            options = (("by", "--group-by"), ("join", "--join"), ("split", "--split"))
            self.asked[field.key] = [f"{option}={','.join(said[name])}" for name, option in options if said[name]]
        return ", ".join(tick.text() for tick in ticks)

    def _line(self, field: Field) -> str:
        text = self.rng.choice(self.texts[field.key])
        self.asked[field.key] = [f"{field.option}={text}"]
        self._write(field.label, text)
        return repr(text)

    def _write(self, name: str, text: str) -> None:
        line = self.find(name)
        line.setFocus()
        line.selectAll()
        QTest.keyClick(line, Qt.Key.Key_Delete)
        QTest.keyClicks(line, text)
        QTest.keyClick(line, Qt.Key.Key_Return)

    def _lines(self, field: Field) -> str:
        text = self.rng.choice(self.texts[field.key])
        self.asked[field.key] = [f"{field.option.split(',')[0]}={line}" for line in text.split("\n")]
        self.write_lines(field.label, text)
        return repr(text)

    def write_lines(self, name: str, text: str) -> None:
        """Write several lines into a field, and leave it."""
        lines = self.find(name, QPlainTextEdit)
        lines.setFocus()
        lines.selectAll()
        QTest.keyClick(lines, Qt.Key.Key_Delete)
        for place, line in enumerate(text.split("\n")):
            if place:
                QTest.keyClick(lines, Qt.Key.Key_Return)
            QTest.keyClicks(lines, line)
        lines.clearFocus()

    def shown_error(self, key: str) -> str:
        """The text that stands in red beside a field; empty where there is none."""
        for label in self.form.field_row(key).findChildren(QLabel):
            if label.objectName() == "error" and label.isVisibleTo(self.form):
                return label.text()
        return ""
