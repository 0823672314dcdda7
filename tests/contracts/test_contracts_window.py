"""Promises about the window: nothing of the command line is missing in it, and its texts go through one door."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import click
import pytest

pytest.importorskip("PySide6")

from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLabel, QLineEdit, QPlainTextEdit, QWidget

import evenfield
from evenfield.cli.app import cli
from evenfield.gui.actions import COMMANDS, MENUS
from evenfield.gui.forms import SECTIONS, form_fields
from evenfield.gui.options_form import OptionsForm
from evenfield.gui.window import JOB_WORDS, Window
from evenfield.model.settings import Settings, setting_fields

GUI = Path(evenfield.__file__).parent / "gui"
MODULES = sorted(GUI.glob("*.py"))
SETTINGS = [f"{one.part}.{one.name}" for one in setting_fields()]

SHOWING = {
    "QLabel", "QPushButton", "QAction", "QCheckBox", "QRadioButton", "QGroupBox", "QMenu", "addMenu", "addAction",
    "setText", "setWindowTitle", "setAccessibleName", "setAccessibleDescription", "setToolTip", "setStatusTip",
    "setPlaceholderText", "setTitle", "addTab", "addItem", "addItems", "setHeaderLabels", "appendPlainText",
    "setPlainText", "setLabelText", "setPrefix", "setSuffix", "plain_label", "_button", "getExistingDirectory",
    "getOpenFileName", "getOpenFileNames", "getSaveFileName", "QMessageBox", "addButton", "setInformativeText",
}  # fmt: skip
"""What takes a text that the user reads, or hears."""

NO_TEXT = {"name", "keys"}
"""Keyword arguments of these that are no texts of the user's."""

NAMES = {"evenfield", "plan.json", "evenfield-log.txt"}
"""Names that are the same in every language."""


@pytest.fixture(scope="module", params=[True, False], ids=["options", "preferences"])
def form(request: pytest.FixtureRequest, qapp: object) -> Iterator[OptionsForm]:
    """The form of the options, and that of the preferences."""
    made = OptionsForm(with_folders=request.param)
    made.show_settings(Settings(), Settings(), None)
    yield made
    made.deleteLater()


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_has_its_field(form: OptionsForm, key: str) -> None:
    """With a label, in a section, and with an accessible name on whatever can be used in it."""
    field = next(one for one in form_fields() if one.key == key)
    assert field.section in SECTIONS
    assert field.label
    # One row of ticks edits both.
    row = form.field_row("group.join" if key == "group.split" else key)
    shown = [one.text() for one in row.findChildren(QLabel)]
    shown += [one.text() for one in row.findChildren(QAbstractButton)]
    assert any(field.label in text for text in shown)
    used: list[QWidget] = []
    for kind in (QAbstractButton, QComboBox, QAbstractSpinBox, QPlainTextEdit, QLineEdit):
        used += row.findChildren(kind)
    named = [one for one in used if not one.objectName().startswith("qt_")]
    assert named
    for one in named:
        assert field.label in one.accessibleName(), (key, type(one))


def test_every_job_is_a_command() -> None:
    """What the job chooser offers can be asked for on the command line, and only that."""
    for job, words in JOB_WORDS:
        assert cli.get_command(click.Context(cli), job) is not None
        assert words
    assert {job for job, _ in JOB_WORDS} == {"flats", "masters", "calibrate", "examine"}


@pytest.mark.parametrize("command", COMMANDS, ids=[one.name for one in COMMANDS])
def test_every_command_of_the_menus_has_its_method(command: object) -> None:
    """It is called "do_" and the command's name, is told in a sentence, and stands in one of the menus."""
    name, menu = command.name, command.menu  # type: ignore[attr-defined]
    method = getattr(Window, f"do_{name}")
    assert callable(method)
    assert method.__doc__
    assert menu in MENUS


def test_every_method_of_the_menus_has_its_command() -> None:
    """Whatever the window can do on request stands in a menu."""
    assert {name for name in dir(Window) if name.startswith("do_")} == {f"do_{one.name}" for one in COMMANDS}


def test_keys_mean_one_thing() -> None:
    """No two commands have the same keys."""
    keys = [one.keys for one in COMMANDS if one.keys]
    assert len(keys) == len(set(keys))


def called(node: ast.Call) -> str:
    """The name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def bare(node: ast.expr) -> Iterator[str]:
    """The words in an expression that did not go through ``tr``; calls are left to themselves."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if any(sign.isalpha() for sign in node.value):
            yield node.value
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.Constant):
                yield from bare(part)
    elif isinstance(node, ast.BinOp):
        yield from bare(node.left)
        yield from bare(node.right)
    elif isinstance(node, ast.IfExp):
        yield from bare(node.body)
        yield from bare(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for one in node.values:
            yield from bare(one)
    elif isinstance(node, ast.List | ast.Tuple):
        for one in node.elts:
            yield from bare(one)
    elif isinstance(node, ast.Call) and called(node) in ("literal", "format", "replace", "join"):
        function = [node.func.value] if isinstance(node.func, ast.Attribute) and called(node) == "format" else []
        for one in [*node.args[:1], *function]:
            yield from bare(one)


def untranslated(source: str) -> list[tuple[int, str]]:
    """Line and text of what a module shows without ``tr``."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and called(node) in SHOWING:
            given = [*node.args, *(one.value for one in node.keywords if one.arg not in NO_TEXT)]
            texts = [text for one in given for text in bare(one)]
            # Marks of a drawing are no words.
            found += [(node.lineno, text) for text in texts if text not in NAMES and not text.startswith("<")]
    return found


@pytest.mark.parametrize("path", MODULES, ids=[path.name for path in MODULES])
def test_every_text_goes_through_the_door(path: Path) -> None:
    """What the window shows can be translated: its words stand in ``tr(...)``."""
    assert untranslated(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ['QLabel("Open")', 'x.setText(f"{n} files")', 'x.setToolTip("a" if y else tr("b"))',
     'x.addItems(["one", tr("two")])', 'x.setText(literal("of all"))', 'x.setText("{} left".format(n))'],
)  # fmt: skip
def test_a_bare_text_is_found(source: str) -> None:
    """The search finds them, or it would prove nothing."""
    assert untranslated(source)
    assert not untranslated(
        'x.setText(tr("{} files").format(n)); plain_label(tr("Hi"), name="heading"); y.setText("-")'
    )


def labels(tree: ast.AST) -> Iterator[ast.Call]:
    """The labels that a module makes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) == "QLabel":
            yield node


@pytest.mark.parametrize("path", MODULES, ids=[path.name for path in MODULES])
def test_no_label_or_message_interprets_text_from_outside(path: Path) -> None:
    """Labels and messages hold constant texts, or say that theirs is plain; what is drawn with marks is escaped."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    escaping = [one.name for one in functions if "html.escape" in ast.unparse(one)]
    for function in functions:
        body = ast.unparse(function)
        if "RichText" in body or "setHtml" in body:
            assert "html.escape" in body or any(re.search(rf"\b{one}\b", body) for one in escaping), function.name
        if "QMessageBox(" in body and "PlainText" not in body:
            box = next(
                node for node in ast.walk(function) if isinstance(node, ast.Call) and called(node) == "QMessageBox"
            )
            words = [one for one in box.args if not isinstance(one, ast.Attribute)]
            assert all(isinstance(one, ast.Call) and called(one) == "tr" for one in words), function.name
        for label in labels(function):
            constant = all(isinstance(one, ast.Call) and called(one) == "tr" for one in label.args)
            assert constant or "PlainText" in body or "html.escape" in body, (function.name, ast.unparse(label))
