"""What the window remembers until its next start: its size, the columns, recent folders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow

from evenfield.gui.prepare_page import PreparePage
from evenfield.gui.results_page import ResultsPage

MOST_RECENT: Final = 8


def keep(memory: QSettings, window: QMainWindow, prepare: PreparePage, results: ResultsPage) -> None:
    """Write down how the window is."""
    memory.setValue("geometry", window.saveGeometry())
    memory.setValue("prepare", prepare.splitter.saveState())
    memory.setValue("results", results.splitter.saveState())
    frames = prepare.table.frames
    memory.setValue("columns/pinned", sorted(frames.pinned))
    memory.setValue("columns/hidden", sorted(frames.hidden))
    memory.setValue("columns/widths", [f"{key}={width}" for key, width in prepare.table.widths.items()])
    memory.sync()


def remember(memory: QSettings, window: QMainWindow, prepare: PreparePage, results: ResultsPage) -> None:
    """Make the window as it was."""
    for key, restore in (
        ("geometry", window.restoreGeometry),
        ("prepare", prepare.splitter.restoreState),
        ("results", results.splitter.restoreState),
    ):
        state = memory.value(key)
        if isinstance(state, QByteArray):
            restore(state)
    frames = prepare.table.frames
    frames.pinned = set(_texts(memory.value("columns/pinned")))
    frames.hidden = set(_texts(memory.value("columns/hidden"))) - {"name"}
    for text in _texts(memory.value("columns/widths")):
        key, _, width = text.partition("=")
        if width.isdigit():
            prepare.table.widths[key] = int(width)
    frames.set_rows(prepare.session.rows, prepare.session.overview)


def recent_folders(memory: QSettings) -> list[str]:
    """The folders that were opened last, the last one first."""
    return _texts(memory.value("recent"))


def keep_recent(memory: QSettings, folders: Sequence[str]) -> None:
    """Put folders in front of those that were opened last."""
    known = [path for path in recent_folders(memory) if path not in folders]
    memory.setValue("recent", [*folders, *known][:MOST_RECENT])


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(one) for one in value] if isinstance(value, list) else []
