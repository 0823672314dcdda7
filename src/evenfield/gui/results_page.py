"""The page Results: masters with their verdicts, the picture, findings, and how each was made."""

from __future__ import annotations

import os

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFrame,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from evenfield.gui.flow import FlowLayout
from evenfield.gui.labels import named_button
from evenfield.gui.outcome import Line, how_made, outcome_lines, outcome_summary
from evenfield.gui.picture_reader import PictureReader
from evenfield.gui.picture_view import PicturePanel
from evenfield.gui.problems import problems
from evenfield.gui.problems_view import ProblemsView
from evenfield.gui.session import Session
from evenfield.gui.why import Text, why_finding
from evenfield.gui.why_view import WhyView, plain_label
from evenfield.gui.words import tr
from evenfield.model.findings import Finding
from evenfield.model.report import Report

_LINE = Qt.ItemDataRole.UserRole


class ResultsPage(QWidget):
    """The page; it fills while a run goes on."""

    mended = Signal(object)
    folder_wanted = Signal()

    def __init__(self, session: Session, reader: PictureReader) -> None:
        super().__init__()
        self.session = session
        self._lines: list[Line] = []
        self._report: Report | None = None
        self.summary = plain_label("", name="summary")
        self.summary.setAccessibleName(tr("Summary of the results"))
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Masters and their verdicts"))
        self.list.setWordWrap(True)
        self.list.setSpacing(2)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentItemChanged.connect(self._chosen)
        self.picture = PicturePanel(reader, with_profile=True)
        self.picture.blink.connect(self._step)
        self.problems = ProblemsView(tr("Findings"))
        self.problems.mended.connect(self.mended, Qt.ConnectionType.QueuedConnection)
        self.problems.asked.connect(self._explain)
        self.problems.folder_wanted.connect(self.folder_wanted)
        self.made = WhyView()
        self.made.setAccessibleName(tr("How it was made"))
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName(tr("About the product"))
        self.tabs.tabBar().setAccessibleName(tr("About the product"))
        self.tabs.addTab(self.problems, tr("Fin&dings"))
        self.tabs.addTab(self.made, tr("How it was &made"))
        self.folder = named_button(tr("Show in folder"))
        self.folder.clicked.connect(self.show_in_folder)
        self.report = named_button(tr("Open report"))
        self.report.clicked.connect(self.open_report)
        left = QWidget()
        box = QVBoxLayout(left)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.list, 1)
        line = QWidget()
        flow = FlowLayout(line)
        flow.addWidget(self.folder)
        flow.addWidget(self.report)
        box.addWidget(line)
        right = QSplitter(Qt.Orientation.Vertical)
        right.addWidget(self.tabs)
        charts = QScrollArea()
        charts.setWidgetResizable(True)
        charts.setFrameShape(QFrame.Shape.NoFrame)
        charts.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        charts.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        charts.setWidget(self.picture.charts)
        charts.setMinimumHeight(120)
        right.addWidget(charts)
        right.setStretchFactor(0, 1)
        right.setStretchFactor(1, 0)
        right.setChildrenCollapsible(False)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        for widget in (left, self.picture, right):
            self.splitter.addWidget(widget)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setSizes([290, 600, 370])
        left.setMinimumWidth(200)
        right.setSizes([300, 340])
        right.setMinimumWidth(max(240, self.tabs.tabBar().sizeHint().width() + 4))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(8, 4, 8, 4)
        outer.addWidget(self.summary)
        outer.addWidget(self.splitter, 1)
        session.run_changed.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is there of the run."""
        session = self.session
        lines = outcome_lines(session.results)
        if not lines:
            self.summary.setText(tr("Nothing was made yet. Results appear here while a job runs."))
        else:
            self.summary.setText(outcome_summary(session.results, session.report, examined=session.ran_examination))
        self.folder.setVisible(bool(lines))
        self.report.setVisible(session.report is not None)
        # The report brings findings that belong to no product; they come when the run ends.
        if lines != self._lines or session.report is not self._report:
            self._report = session.report
            self._fill(lines)
        if self.session.report is not None and self.list.currentItem() is None and lines:
            self.list.setCurrentRow(0)

    def _fill(self, lines: list[Line]) -> None:
        current = self._current()
        self._lines = lines
        self.list.blockSignals(True)
        self.list.clear()
        for line in lines:
            reason = f": {line.reason}" if line.reason else ""
            item = QListWidgetItem(f"{line.title}\n{line.sign} {line.word}{reason}")
            item.setData(_LINE, line)
            self.list.addItem(item)
            if current is not None and line.title == current.title:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)
        self._show(self._current())

    def _current(self) -> Line | None:
        item = self.list.currentItem()
        line: Line | None = item.data(_LINE) if item is not None else None
        return line

    def _chosen(self, item: QListWidgetItem | None, before: object) -> None:
        del before
        line = item.data(_LINE) if item is not None else None
        if line is not None:
            self._show(line)

    def _show(self, line: Line | None) -> None:
        if line is None:
            self.problems.show_problems([])
            self.made.show_blocks([Text(tr("Choose a product to see how it was made."))])
            self.picture.show_path(None)
            return
        report = self.session.report
        self.problems.show_problems(problems([*line.result.findings, *(report.findings if report else ())]))
        self.made.show_blocks(how_made(line))
        self.picture.show_path(line.path)

    def _step(self, by: int) -> None:
        place = self.list.currentRow() + by
        if 0 <= place < self.list.count():
            self.list.setCurrentRow(place)

    def _explain(self, told: Finding) -> None:
        self.tabs.setCurrentWidget(self.made)
        self.made.show_blocks(why_finding(told))

    def show_in_folder(self) -> None:
        """Open the folder of the chosen product."""
        line = self._current()
        path = line.path if line is not None and line.path else self.session.report_path()
        if path:
            QDesktopServices.openUrl(QUrl.fromLocalFile(os.path.dirname(path)))

    def open_report(self) -> None:
        """Open the report with the program that the desktop has for it."""
        if self.session.report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(self.session.report_path()))
