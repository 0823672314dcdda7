"""The manual: the pages of docs/, which the package brings along."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QPushButton, QTextBrowser, QVBoxLayout, QWidget

import evenfield
from evenfield.gui.flow import FlowLayout
from evenfield.gui.words import tr


def docs_folder() -> Path | None:
    """The folder of the pages: in the package, or beside it where evenfield runs from its sources."""
    package = Path(evenfield.__file__).parent
    for folder in (package / "docs", package.parents[1] / "docs"):
        if (folder / "index.md").is_file():
            return folder
    return None


class ManualDialog(QDialog):
    """A reader of the pages."""

    def __init__(self, parent: QWidget, page: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Manual"))
        self.setAccessibleName(tr("Manual"))
        box = QVBoxLayout(self)
        self.text = QTextBrowser()
        self.text.setAccessibleName(tr("Page"))
        self.text.setOpenLinks(False)
        self.text.anchorClicked.connect(self._follow)
        box.addWidget(self.text, 1)
        line = QWidget()
        flow = FlowLayout(line)
        for words, slot in ((tr("All pages"), lambda: self.open_page("index.md")), (tr("Close"), self.accept)):
            button = QPushButton(words)
            button.setAccessibleName(words)
            button.setAutoDefault(False)
            button.clicked.connect(slot)
            flow.addWidget(button)
        box.addWidget(line)
        self.resize(760, 620)
        self.open_page(page)

    def open_page(self, page: str) -> None:
        """Show a page of docs/."""
        folder = docs_folder()
        name, _, anchor = page.partition("#")
        if folder is None or not (folder / name).is_file():
            self.text.setPlainText(tr("The page {} is not installed.").format(name))
            return
        self.text.document().setBaseUrl(QUrl.fromLocalFile(f"{folder}/"))
        self.text.setMarkdown((folder / name).read_text(encoding="utf-8"))
        if anchor:
            self.text.scrollToAnchor(anchor)

    def _follow(self, url: QUrl) -> None:
        if url.isRelative() and url.path().endswith(".md"):
            self.open_page(url.toString())
        elif url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
