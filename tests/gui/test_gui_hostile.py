"""Names and header values that try to be something else are shown as they are, everywhere in the window."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from frame_files import Night
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtGui import Qt as TextQt
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QTextEdit,
    QTreeWidget,
    QWidget,
)
from window_hand import Hand, make_window

from evenfield.gui.window import _dropped
from evenfield.model.literal import literal
from evenfield.store import to_json

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="no such names can be made here")

BOLD = "<b>bold<img src=x> &amp; R&D"
TURNED = "\u202eturned\u200f"
NAMES = (
    BOLD, "new\nline", "tab\there", TURNED, "long " + "x" * 200, "%s %n {} {0} 100%", "it's \"quoted\" `id` $HOME",
    "back\\slash", "[*] title", "emoji \U0001f319",
)  # fmt: skip
"""What stands in names of files; "/" cannot."""

BROKEN = os.fsdecode(b"no utf-8 \xff\xfe")
BROKEN_SHOWN = r"no utf-8 \xff\xfe"
FILTER = "<b>Ha</b> &B"
CAMERA = "<img src=x> {} %s &Cam"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Flats with such names in a folder of such a name, with such values in their headers."""
    folder = tmp_path_factory.mktemp("hostile")
    made = Night(folder)
    made.folder = folder / "<i>night<u> & [*]\n\u202e"
    values = {"FILTER": FILTER, "INSTRUME": CAMERA, "OBJECT": "<u>M 31</u> &x"}
    for place, name in enumerate((*NAMES, BROKEN)):
        (path,) = made.flats(1, start=f"2026-03-14T20:{place:02d}:00", **values)
        path.rename(path.with_name(f"{name[:190]}.fits"))
    made.take("odd <b>light & co", 2, kind="LIGHT", start="2026-03-14T20:30:00", **values)
    made.take("darkflat\t<b>", 3, kind="DARKFLAT", **(values | {"FILTER": None}))
    made.folder.joinpath("cut <b>short\n.fits").write_bytes(b"SIMPLE  = junk")
    return made.folder


@pytest.fixture
def shown(night: Path, tmp_path: Path, qapp: object) -> Iterator[Hand]:
    """A hand at a window with the night in it."""
    hand = Hand(make_window(tmp_path / "config"))
    hand.window.add_paths([str(night)])
    hand.settle()
    hand.write("Output folder", str(tmp_path / "out <b> & 'x'"))
    hand.settle()
    yield hand
    hand.close()


def interpreted(widget: QWidget) -> Iterator[str]:
    """The texts of a window that are drawn as something else than what stands there."""
    for label in widget.findChildren(QLabel):
        text, form = label.text(), label.textFormat()
        if form == Qt.TextFormat.RichText:
            # Only tables are drawn this way; what they say must still be there when it is drawn.
            document = QTextDocument()
            document.setHtml(text)
            if "<b>" in text or "<img" in text or "\ufffc" in document.toPlainText():
                yield text
        elif form != Qt.TextFormat.PlainText and TextQt.mightBeRichText(text):
            yield text
    for page in widget.findChildren(QTextEdit):
        if "\ufffc" in page.toPlainText():
            yield page.toPlainText()
    for one in [widget, *widget.findChildren(QWidget)]:
        tip = one.toolTip()
        if TextQt.mightBeRichText(tip) and not tip.startswith("<p style='white-space:pre-wrap'>"):
            yield tip


def all_texts(widget: QWidget) -> list[str]:
    """Every text that a window holds."""
    found = [label.text() for label in widget.findChildren(QLabel)]
    found += [button.text() for button in widget.findChildren(QAbstractButton)]
    found += [line.text() for line in widget.findChildren(QLineEdit)]
    found += [action.text() for action in widget.findChildren(QAction)]
    found += [one.accessibleName() for one in widget.findChildren(QWidget)]
    for text in widget.findChildren(QPlainTextEdit):
        found += text.toPlainText().split("\n")
    for tree in widget.findChildren(QTreeWidget):
        tops = [tree.topLevelItem(place) for place in range(tree.topLevelItemCount())]
        found += [top.child(place).text(0) for top in tops if top for place in range(top.childCount())]
    for listed in widget.findChildren(QListWidget):
        found += [part for place in range(listed.count()) for part in listed.item(place).text().split("\n")]
    return found


def check_window(hand: Hand) -> None:
    """Nothing in the window is interpreted, and no sign that cannot be seen stands in it."""
    assert not list(interpreted(hand.window))
    for text in all_texts(hand.window):
        assert not set(text.replace("\n", "")) & set("\t\r\u202e\u200f\ufffd"), ascii(text)


def test_the_table_shows_names_and_values_as_they_are(shown: Hand, night: Path) -> None:
    """Every name stands in the table whole, with what cannot be seen spelled out; so does every tooltip."""
    model = shown.window.prepare.table.frames
    cells = {}
    for place in range(model.rowCount()):
        index = model.index(place, 1)
        cells[model.data(index)] = model.data(index, Qt.ItemDataRole.ToolTipRole)
    for name in (*NAMES, BROKEN_SHOWN):
        cell = f"{literal(name[:190])}.fits"
        fitting = [one for one in cells if one.endswith(cell)]
        assert len(fitting) == 1, ascii(cell)
        document = QTextDocument()
        document.setHtml(cells[fitting[0]])
        assert document.toPlainText() == literal(str(night / f"{name[:190]}.fits"))
    everything = [
        model.data(model.index(place, column))
        for place in range(model.rowCount())
        for column in range(1, model.columnCount())
    ]
    assert FILTER in everything
    assert CAMERA in shown.text_of("Equal in all frames")
    check_window(shown)


def test_the_account_of_each_frame_and_master_is_literal(shown: Hand) -> None:
    """Why, tree, problems, menus and title hold the values as they are, whatever is selected."""
    page, window = shown.window.prepare, shown.window
    page.tabs.setCurrentWidget(page.why)
    for place in range(page.table.frames.rowCount()):
        page.table.selectRow(place)
        row = page.table.selected_rows()[0]
        assert literal(row.name) in page.why.text()
        check_window(shown)
    for node in page.tree.node_states():
        assert page.tree.select_node(node)
        check_window(shown)
    # Two of these signs stand for one, in titles as in menus.
    assert "[*][*]" in window.windowTitle()
    assert "\n" not in window.windowTitle()
    assert "\u202e" not in window.windowTitle()
    recent = [action.text() for action in window.recent.actions()]
    assert any("<i>night<u> && [*]\\n\\u202e" in text for text in recent)


def test_buttons_and_fields_hold_values_without_changing_them(shown: Hand) -> None:
    """Files that are left out by hand stand in their field as patterns; to look at the field changes nothing."""
    page = shown.window.prepare
    page.table.selectAll()
    shown.click("Leave the selected frames out")
    shown.settle()
    before = shown.session.request
    assert before.settings.select.exclude
    page.tabs.setCurrentWidget(page.options)
    for field in page.options.findChildren(QPlainTextEdit):
        field.setFocus()
        field.clearFocus()
    QApplication.processEvents()
    assert shown.session.request == before
    check_window(shown)


def test_a_run_tells_of_such_names_literally(shown: Hand) -> None:
    """Log and results too."""
    assert shown.find("Start the job").isEnabled(), shown.text_of("Why the job cannot be started")
    shown.click("Start the job")
    shown.wait_for_run()
    assert shown.session.report is not None
    assert shown.session.results
    shown.window.strip.open_log.click()
    page = shown.window.results
    for place in range(page.list.count()):
        page.list.setCurrentRow(place)
        check_window(shown)
    assert "FAILED" not in "".join(all_texts(page))


def test_the_copied_command_works_in_a_shell(shown: Hand, night: Path, tmp_path: Path) -> None:
    """It names the same folder, so that the plan is the same; where a name is no UTF-8, both say that it cannot be."""
    odd = tmp_path / BROKEN
    odd.mkdir()
    odd.joinpath("<b>one.fits").write_bytes(next(night.glob("emoji*")).read_bytes())
    script = tmp_path / "evenfield"
    start = "import sys; from evenfield.cli.app import main; sys.exit(main(sys.argv[1:]))"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(start)} "$@"\n')
    script.chmod(0o755)
    known = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "EVENFIELD_CONFIG": str(tmp_path / "none.toml")}
    for path in (night, odd):
        shown.session.set_paths([str(path)], "Test")
        shown.settle()
        shown.click("Copy the command line")
        copied = QApplication.clipboard().text()
        assert copied.isprintable()
        done = subprocess.run(
            ["sh", "-c", f"{copied} --dry-run --json"], capture_output=True, env=os.environ | known, check=False
        )
        check_window(shown)
        refusal = shown.session.refusal
        if path is odd:
            assert refusal is not None
            assert BROKEN_SHOWN in refusal.message
            assert refusal.message in shown.text_of("Why the job cannot be started")
            assert refusal.message in done.stderr.decode()
        else:
            assert shown.session.plan is not None
            assert done.stdout.decode() == to_json(shown.session.plan), done.stderr


def test_a_dropped_folder_keeps_its_name(tmp_path: Path) -> None:
    """Also where that is no UTF-8, which a URL can hold and a text of Qt cannot."""
    data = QMimeData()
    for name in (*NAMES, BROKEN):
        full = os.fsencode(str(tmp_path / name))
        encoded = "".join(f"%{byte:02X}" if byte != ord("/") else "/" for byte in full)
        data.setUrls([QUrl.fromEncoded(f"file://{encoded}".encode())])
        assert _dropped(data) == [str(tmp_path / name)]


@pytest.mark.parametrize("text", [*NAMES, BROKEN])
def test_messages_and_pictures_take_any_text(shown: Hand, text: str) -> None:
    """Messages under the top line, and a picture of a file that is not there."""
    shown.window.tell(text)
    shown.window.prepare.told.emit(text)
    assert shown.window.message_text.text() == literal(text)
    picture = shown.window.prepare.picture
    picture.show_path(f"/nowhere/{text}")
    shown.until(lambda: not picture.waits, "the picture was tried")
    assert picture.view.words.startswith(literal(text))
    check_window(shown)
