"""Every text of the window can be translated: it stands in the source as one text, can be gathered, and is replaced."""

from __future__ import annotations

import ast
import importlib.util
import re
import string
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import msgspec
import PySide6
import pytest
from PySide6.QtCore import QCoreApplication, QLocale, QModelIndex, Qt, QTranslator
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QTabBar,
    QTreeWidget,
    QWidget,
)
from window_checks import own_parts, shown
from window_hand import Hand, make_window
from window_states import STATES, views, window_in

import evenfield
from evenfield.gui.actions import COMMANDS
from evenfield.gui.outcome import how_made, measured_text, outcome_lines
from evenfield.gui.problems import window_words
from evenfield.gui.rows import kind_words, row_kind
from evenfield.gui.start import TRANSLATIONS, load_translation
from evenfield.gui.why import Block, Facts, Heading, Text, why_finding, why_frame, why_rows, why_step
from evenfield.gui.words import count_words, listed, mark, tr, translate_by
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.settings import setting_fields

GUI = Path(evenfield.__file__).parent / "gui"
MODULES = sorted(GUI.glob("*.py"))
SCRIPT = Path(__file__).parents[2] / "docs" / "make_translation.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that gathers texts."""
    if not SCRIPT.exists():
        pytest.skip("the script is not here: this is not a whole source tree")
    spec = importlib.util.spec_from_file_location("make_translation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The door


def test_texts_stay_as_they_are_without_a_language() -> None:
    """Without anybody who translates, every text is itself."""
    translate_by(str)
    assert tr("Select all") == mark("Select all") == "Select all"
    assert [count_words(count, "{} file", "{} files") for count in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]
    assert [listed(parts) for parts in ([], ["a"], ["a", "b"])] == ["", "a", "a and b"]


def test_texts_are_replaced_before_values_are_filled_in() -> None:
    """Numbers and parts go into the translation."""
    words = {"{} files": "{} Dateien", "{} and {}": "{} und {}", "nights": "Nächte"}
    translate_by(lambda text: words.get(text, text))
    try:
        assert count_words(3, "{} file", "{} files") == "3 Dateien"
        assert listed(["1", "2"]) == "1 und 2"
        assert tr("nights") == "Nächte"
    finally:
        translate_by(str)


# The source


def faults(source: str) -> list[str]:
    """Calls of the door with anything but a text as it stands, or a place in a table of such texts."""
    found = []
    for node in ast.walk(ast.parse(source)):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if not isinstance(node, ast.Call) or name not in ("tr", "mark", "count_words"):
            continue
        texts = node.args[1:] if name == "count_words" else node.args
        for one in texts:
            inner = one.value if isinstance(one, ast.Starred) else one
            literal = isinstance(inner, ast.Constant) and isinstance(inner.value, str) and inner.value.strip()
            table = isinstance(inner, ast.Name | ast.Attribute | ast.Subscript) and name != "mark"
            if not literal and not table and not _or_else(inner):
                found.append(f"{node.lineno}: {ast.unparse(node)}")
        if node.keywords or not texts:
            found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def _or_else(node: ast.expr) -> bool:
    """Whether this is ``TABLE.get(key, TABLE[other])``."""
    is_get = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get"
    return is_get and len(node.args) == 2 and isinstance(node.args[1], ast.Subscript)


@pytest.mark.parametrize("path", MODULES, ids=[path.name for path in MODULES])
def test_every_text_is_whole(path: Path) -> None:
    """No sentence is put together before it is translated; values are filled in afterwards."""
    if path.name != "words.py":
        assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ['tr(f"{n} files")', 'tr("a" + b)', 'tr("a" if x else "b")', 'tr("{}".format(n))', "mark(name)", 'tr("")',
     'count_words(n, f"{n} file", "{} files")', 'tr(text="a")', "tr(words())", 'tr("{}" % n)'],
)  # fmt: skip
def test_a_composed_text_is_found(source: str) -> None:
    """The search finds them, or it would prove nothing."""
    assert faults(source)
    assert not faults('tr("{} files").format(n); tr(self.title); tr(T[k]); count_words(n, *T[k]); mark("a")')


SENTENCE = re.compile(r"[A-Za-z]{2,}[,:;]? [a-z]{2,}")

NO_TEXTS = {
    "command.py": "what the command line says",
    "look.py": "rules of style",
}
"""Modules whose sentences the window does not show."""

NO_TEXT = (
    "example night, seed 1", "python3 -m pip install", "is no picture", "settings without a place", "is not ready",
    "there is no pixel", "a file has a header", "margin:", "white-space", "padding-right", "<table", "not compared",
    " on both sides", "more image", " of master_", "whole or none", "text or none", "ignore type",
)  # fmt: skip
"""Parts of sentences that no user reads: mistakes of the program, marks of drawings, words of the planner."""


def sentences(path: Path) -> Iterator[str]:
    """The words of a module that do not go through the door."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("tr", "mark", "count_words"):
            passed |= {id(one) for one in node.args}
        elif isinstance(node, ast.Expr):
            passed.add(id(node.value))
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "_IN_THE_WINDOW":
            passed |= {id(one) for one in ast.walk(node)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    # A text of a table may be the name by which its line is found.
    marked = {node.value for node in texts if id(node) in passed}
    for node in texts:
        known = node.value in marked or any(part in node.value for part in NO_TEXT)
        if id(node) not in passed and not known and SENTENCE.search(node.value):
            yield f"{node.lineno}: {node.value}"


@pytest.mark.parametrize("path", MODULES, ids=[path.name for path in MODULES])
def test_no_sentence_passes_the_door_by(path: Path) -> None:
    """Whatever reads like a sentence is translated, unless it is known that nobody reads it in the window."""
    if path.name not in NO_TEXTS:
        assert list(sentences(path)) == []


# The window

DEFAULTS = {str(one.default) for one in setting_fields()}
"""Values of settings as they are typed."""

OPEN, SHUT = "\u27e6", "\u27e7"


class Bracketed(QTranslator):
    """A language in which every text stands in brackets; it keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        if context != "evenfield":
            return ""
        self.asked.add(text)
        return f"{OPEN}{text}{SHUT}"


@pytest.fixture
def language(qapp: QApplication) -> Iterator[Bracketed]:
    """Everything in brackets."""
    translator = Bracketed()
    QCoreApplication.installTranslator(translator)
    yield translator
    QCoreApplication.removeTranslator(translator)


def outside(text: str) -> str:
    """What of a text does not stand in brackets."""
    depth, kept = 0, []
    for sign in text.replace("\u200b", ""):
        depth += (sign == OPEN) - (sign == SHUT)
        kept.append(sign if depth == 0 and sign != SHUT else " ")
    assert depth == 0, text
    return "".join(kept)


def engine_texts(hand: Hand) -> list[str]:
    """Names, paths and sentences that come from below the window, the longest first."""
    session = hand.session
    found: set[str] = {window_words(text) for entry in CATALOGUE.values() for text in _of_entry(entry)}
    for one in (session.plan, session.survey, session.report, *session.results, *session.findings, session.refusal):
        found |= set(_texts(msgspec.to_builtins(one)))
    found |= {row.use.reason.replace(" of master_flat_", " of ").replace(" of master_", " of ")
              for row in session.rows if row.use is not None and row.use.use == "used"}  # fmt: skip
    found |= {session.command, session.request.output, *session.request.paths, session.plan_file or ""}
    found |= {window_words(text) for text in found}
    paths = [Path(text) for text in found if "/" in text]
    found |= {path.name for path in paths} | {str(path.parent) for path in paths} | {row.name for row in session.rows}
    # The menu has them without their full stop.
    found |= {text.removesuffix(".") for text in found}
    found |= {text[:1].upper() + text[1:] for text in found}
    return sorted((text for text in found if len(text) > 5), key=len, reverse=True)


def _of_entry(entry: Any) -> tuple[str, ...]:
    return (entry.title, entry.meaning, entry.mend, entry.short or "")


OF_ENGINE = {
    "id", "title", "message", "mend", "subject", "because", "why", "reason", "path", "output", "outputs", "notes",
    "inputs", "camera", "target", "program", "problems", "name", "fix", "steps",
}  # fmt: skip
"""Fields of the engine's values that hold names and sentences, not words of the window."""


def _texts(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _texts(one, name)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, key)
    elif isinstance(value, str) and key in OF_ENGINE:
        yield value


def bare(text: str, known: list[str]) -> str:
    """The words of a text that are neither translated nor known to come from below; nothing where it is all right."""
    rest = outside(text).replace("&", "")
    for one in known:
        rest = rest.replace(one, " ")
    return " ".join(re.findall(r"[A-Za-z]{2,}", rest))


def texts_of(widget: QWidget) -> Iterator[str]:
    """The texts that a widget shows and tells; not what a user typed into it."""
    yield widget.accessibleName()
    if isinstance(widget, QLabel | QAbstractButton):
        yield widget.text()
    elif isinstance(widget, QLineEdit):
        # What may be typed is the same in every language.
        yield "" if widget.placeholderText() in DEFAULTS else widget.placeholderText()
    elif isinstance(widget, QPlainTextEdit):
        yield widget.placeholderText()
        yield widget.toPlainText()
    elif isinstance(widget, QAbstractSpinBox):
        yield widget.text()
    elif isinstance(widget, QTabBar):
        yield from (widget.tabText(place) for place in range(widget.count()))
    elif isinstance(widget, QListWidget):
        yield from (widget.item(place).text() for place in range(widget.count()))
    elif isinstance(widget, QComboBox) and not widget.isEditable():
        yield from (widget.itemText(place) for place in range(widget.count()))
    elif isinstance(widget, QTreeWidget):
        yield from cells(widget, QModelIndex())


def cells(tree: QTreeWidget, parent: QModelIndex) -> Iterator[str]:
    """The texts of a tree, and what is told of them."""
    model = tree.model()
    for row in range(model.rowCount(parent)):
        for column in range(model.columnCount(parent)):
            index = model.index(row, column, parent)
            yield from (str(index.data(role) or "") for role in (Qt.ItemDataRole.DisplayRole,
                                                                 Qt.ItemDataRole.AccessibleTextRole))  # fmt: skip
        yield from cells(tree, model.index(row, 0, parent))


def blocks_of(hand: Hand) -> Iterator[Block]:
    """Everything that can be explained."""
    session = hand.session
    for row in session.rows[:60:7]:
        yield from why_frame(row, session.plan)
    if len(session.rows) > 1:
        yield from why_rows(session.rows)
    for step in session.plan.all_steps if session.plan is not None else ():
        yield from why_step(step)
    for told in session.findings:
        yield from why_finding(told)
    for line in outcome_lines(session.results):
        yield from how_made(line)


def words_of(block: Block, measured: set[str]) -> Iterator[str]:
    """The texts of a block that are neither values nor the report's names of them."""
    if isinstance(block, Heading | Text):
        yield block.text
    elif isinstance(block, Facts):
        yield from (name for name, _, _ in block.lines if name not in measured)


def texts_in(top: QWidget, *, but: QWidget | None = None) -> Iterator[str]:
    """The texts of a window that is shown."""
    for widget in shown(top):
        if widget not in (top, but) and (isinstance(widget, QTabBar) or not own_parts(widget)):
            yield from texts_of(widget)


@pytest.mark.parametrize("state", STATES)
def test_every_text_is_translated(
    state: str, language: Bracketed, script: ModuleType, messy_night: Path, tmp_path: Path
) -> None:
    """On every page and tab; what is not are names, numbers, and sentences that come from below the window."""
    found: set[str] = set()
    with window_in(state, messy_night, tmp_path) as hand:
        known = engine_texts(hand)
        field = hand.window.prepare.why.corrections.field
        for view in views(hand):
            found |= {f"{view}: {text}" for text in texts_in(hand.window, but=field) if bare(text, known)}
        for command in COMMANDS:
            # Where a reason is long, the menu shows its beginning.
            texts = (command.against(hand.session), tr(command.text), hand.session.undo_text)
            found |= {text for text in texts if bare(text, known)}
        table = hand.window.prepare.table.frames
        for place in range(1, table.columnCount()):
            head = table.headerData(place, Qt.Orientation.Horizontal)
            found |= {head} if bare(head, known) else set()
        for row in hand.session.rows:
            found |= {text for text in (row_kind(row), row.use_words) if bare(text, known)}
        values = [one for result in hand.session.results for one in result.measured.items() if one[1] is not None]
        measured = {measured_text(key, value)[0] for key, value in values}
        for block in blocks_of(hand):
            found |= {text for text in words_of(block, measured) if bare(text, known)}
    assert not found, "\n".join(sorted(found))
    # Whatever asks for a translation asks for a text that is gathered.
    assert language.asked - set(script.window_texts()) == set()


def test_every_text_of_dialogs_is_translated(language: Bracketed, messy_night: Path, tmp_path: Path) -> None:
    """Preferences, About, the manual but for its pages, and the search for calibration frames."""
    with window_in("planned", messy_night, tmp_path) as hand:
        window = hand.window
        known = [str(tmp_path), "settings.toml", evenfield.__version__]
        for show in (window.do_preferences, window.do_about, window.do_manual, lambda: window.show_text("1")):
            show()
            QApplication.processEvents()
            dialog = next(one for one in window.findChildren(QDialog) if one.isVisible())
            assert not bare(dialog.windowTitle(), known)
            # "OK" is Qt's own.
            assert [text for text in texts_in(dialog) if bare(text, known) not in ("", "OK")] == []
            dialog.close()
            QApplication.processEvents()


def test_words_of_the_menus_and_the_log(language: Bracketed, messy_night: Path, tmp_path: Path) -> None:
    """What is shown for a moment, or only after a change: progress, the log, what undo takes back, refusals."""
    with window_in("finished", messy_night, tmp_path) as hand:
        known = engine_texts(hand)
        lines = [outside(line) for line in hand.session.log]
        assert [line for line in lines if re.search("Started|Done|Report|DONE|WARNING|NOTE", line)] == []
        hand.session.set_job("calibrate")
        hand.settle()
        action = hand.window.actions_by_name["undo"].text()
        assert not bare(action, known)
        assert bare(action.replace(OPEN, "").replace(SHUT, ""), known) == "Undo Job"
        hand.window.prepare.show_words(kind_words("flat"))
        assert hand.window.prepare.table.frames.shown


# Translations


def test_a_translation_is_made_and_loaded(script: ModuleType, tmp_path: Path, qapp: QApplication) -> None:
    """From the gathered texts to a window in another language; what was translated stays when texts come and go."""
    path = tmp_path / "evenfield_de.ts"
    script.write_translation(path, "de")
    file = ElementTree.parse(path)
    sources = [one.findtext("source") for one in file.iter("message")]
    assert sources == list(script.window_texts())
    assert len(sources) > 400
    for message in file.iter("message"):
        translation = message.find("translation")
        assert translation is not None
        assert translation.attrib.pop("type") == "unfinished"
        translation.text = f"<{message.findtext('source')}>"
    file.write(path, encoding="utf-8")
    written = path.read_text(encoding="utf-8")
    script.write_translation(path, "de")
    assert written.split() == path.read_text(encoding="utf-8").partition("?>")[2].split()
    assert not load_translation(qapp, locale=QLocale("de"), folder=tmp_path)
    release = Path(PySide6.__file__).parent / "lrelease"
    if not release.exists():
        pytest.skip("lrelease is not installed")
    subprocess.run([release, "-silent", path], check=True, timeout=60)
    before = qapp.findChildren(QTranslator)
    assert load_translation(qapp, locale=QLocale("de"), folder=tmp_path)
    try:
        hand = Hand(make_window(tmp_path / "config"))
        assert hand.window.prepare.select_all.text() == "<Select all>"
        assert hand.window.prepare.summary.text() == ""
        assert hand.window.prepare.output.reasons.text() == "<No folder was chosen.>"
        hand.close()
    finally:
        for translator in set(qapp.findChildren(QTranslator)) - set(before):
            QCoreApplication.removeTranslator(translator)
            translator.setParent(None)


def test_translations_have_the_places_of_their_texts() -> None:
    """A translation takes the values that its text takes."""
    for path in TRANSLATIONS.glob("*.ts"):
        for message in ElementTree.parse(path).iter("message"):
            text, translated = message.findtext("source") or "", message.findtext("translation") or ""
            assert not translated or places(text) == places(translated), f"{path.name}: {text}"
    assert places("{} of {name}") == places("{name}: {}") != places("{}")


def places(text: str) -> list[str]:
    """The places for values in a text."""
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)
