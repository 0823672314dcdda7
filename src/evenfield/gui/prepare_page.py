"""The page Prepare: what was found, what will be made and why, and the options; all in one view."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from evenfield.cli.request import Request
from evenfield.errors import EvenfieldError
from evenfield.gui import edits
from evenfield.gui.flow import FlowLayout
from evenfield.gui.frame_table import FrameTable
from evenfield.gui.labels import named_button
from evenfield.gui.notice_bar import NoticeBar
from evenfield.gui.options_form import OptionsForm
from evenfield.gui.output_bar import OutputBar
from evenfield.gui.picture_reader import PictureReader
from evenfield.gui.picture_view import PicturePanel
from evenfield.gui.problems import problems, window_words
from evenfield.gui.problems_view import ProblemsView
from evenfield.gui.rows import Row, folded_line, kind_words
from evenfield.gui.session import Phase, Session
from evenfield.gui.tree import Node
from evenfield.gui.tree_view import ProductTree
from evenfield.gui.why import Block, Text, why_finding, why_frame, why_rows, why_step
from evenfield.gui.why_view import WhyView, plain_label
from evenfield.gui.words import count_words, tr
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameInfo
from evenfield.model.literal import literal
from evenfield.model.settings import Settings

MANY_ROWS: Final = 2000
"""More selected rows than these are summed up when the table is drawn."""


class PreparePage(QWidget):
    """The page. ``folder_wanted`` asks for a folder of calibration frames; ``told`` shows a message."""

    folder_wanted = Signal()
    example_wanted = Signal()
    choose_wanted = Signal()
    told = Signal(object)

    def __init__(self, session: Session, reader: PictureReader, defaults: Settings) -> None:
        super().__init__()
        self._why_later = QTimer(self)
        self._why_later.setSingleShot(True)
        self._why_later.timeout.connect(lambda: self._show_why(self.table.selected_rows()))
        self.session = session
        self.defaults = defaults
        self.nodes: set[str] | None = None
        self._node: Node | None = None
        self._filter = ""
        # Of thousands of rows those without a level are counted when something has changed.
        self._counted_rows: list[Row] | None = None
        self._counted = (0, 0)
        self._to_measure = 0
        self._make_widgets(reader)
        self._lay_out()
        self._connect()
        self.refresh()
        self._rows_changed()

    # Making it.

    def _make_widgets(self, reader: PictureReader) -> None:
        self.summary = plain_label("", name="summary")
        self.summary.setAccessibleName(tr("Summary"))
        self.notice = NoticeBar()
        self.tree = ProductTree()
        self.folded = plain_label()
        self.folded.setAccessibleName(tr("Equal in all frames"))
        self.table = FrameTable()
        self.selected = plain_label("", wrap=False)
        self.selected.setAccessibleName(tr("Selection"))
        self.select_all = named_button(tr("Select all"))
        self.select_none = named_button(tr("Select none"))
        self.only = named_button(tr("Make from selection only"))
        self.measure = named_button(tr("Measure levels"))
        self.problems = ProblemsView(tr("Problems"))
        self.why = WhyView()
        self.options = OptionsForm(with_folders=True)
        self.picture = PicturePanel(reader)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName(tr("Details"))
        self.tabs.tabBar().setAccessibleName(tr("Details"))
        self.tabs.addTab(self.why, tr("&Why"))
        self.tabs.addTab(self.options, tr("&Options"))
        self.tabs.addTab(self.picture, tr("P&icture"))
        self.output = OutputBar()

    def _lay_out(self) -> None:
        middle = QWidget()
        box = QVBoxLayout(middle)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        box.addWidget(self.folded)
        box.addWidget(self.table, 1)
        line = QWidget()
        flow = FlowLayout(line)
        for widget in (self.selected, self.select_all, self.select_none, self.only, self.measure):
            flow.addWidget(widget)
        box.addWidget(line)
        lower = QSplitter(Qt.Orientation.Vertical)
        lower.addWidget(middle)
        lower.addWidget(self.problems)
        lower.setStretchFactor(0, 3)
        lower.setStretchFactor(1, 1)
        lower.setChildrenCollapsible(False)
        lower.setSizes([400, 170])
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        for part in (self.tree, lower, self.tabs):
            self.splitter.addWidget(part)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setSizes([244, 720, 292])
        self.tree.setMinimumWidth(170)
        # All tabs are seen, whatever the language.
        self.tabs.setMinimumWidth(max(230, self.tabs.tabBar().sizeHint().width() + 4))
        self.table.setMinimumWidth(260)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(8, 4, 8, 4)
        outer.setSpacing(4)
        outer.addWidget(self.summary)
        outer.addWidget(self.notice)
        outer.addWidget(self.splitter, 1)
        outer.addWidget(self.output)

    def _connect(self) -> None:
        session = self.session
        session.changed.subscribe(self.refresh)
        session.rows_changed.subscribe(self._rows_changed)
        session.rows_added.subscribe(self._rows_added)
        session.levels_changed.subscribe(self._level_measured)
        self.tree.chosen.connect(self._node_chosen)
        # The tree is made anew by these: not while it still tells of them.
        queued = Qt.ConnectionType.QueuedConnection
        self.tree.wanted.connect(self._edit_wanted, queued)
        self.tree.renamed.connect(self._rename, queued)
        self.table.selection_changed.connect(self._selection_changed)
        self.table.frames.ticked.connect(self._ticked, queued)
        self.select_all.clicked.connect(self.table.selectAll)
        self.select_none.clicked.connect(self.table.clearSelection)
        self.only.clicked.connect(self.make_from_selection)
        self.measure.clicked.connect(self.measure_levels)
        self.problems.mended.connect(self._mend, queued)
        self.problems.asked.connect(self._explain)
        self.problems.folder_wanted.connect(self.folder_wanted)
        self.why.instead.connect(self._instead, queued)
        self.why.corrected.connect(self._correct)
        self.why.left_out.connect(self._leave_out)
        self.options.wanted.connect(session.set_settings)
        self.options.refused.connect(self._refused)
        self.options.folders_wanted.connect(session.set_calibration)
        self.options.search_wanted.connect(self._show_search)
        self.picture.blink.connect(self.table.step)
        self.tabs.currentChanged.connect(self._selection_changed)
        self.output.output_wanted.connect(session.set_output)
        self.output.started.connect(self.start)
        self.output.plan_left.connect(session.leave_plan)
        notice = self.notice
        notice.stopped.connect(session.stop)
        notice.again.connect(session.look_again)
        notice.lights_wanted.connect(lambda: self.show_words(kind_words("light")))
        notice.flats_wanted.connect(self.treat_as_flats)
        notice.choose_wanted.connect(self.choose_wanted)
        notice.example_wanted.connect(self.example_wanted)

    # What is shown.

    def refresh(self) -> None:
        """Show the session's state."""
        session = self.session
        self.summary.setText("" if session.phase is Phase.EMPTY else session.overview.summary)
        self.summary.setVisible(session.phase is not Phase.EMPTY)
        self.notice.show_state(session)
        self.tree.show_sections(session.overview.sections)
        refusal = (session.refusal,) if session.refusal is not None else ()
        self.problems.show_problems(problems([*refusal, *session.findings]))
        self.options.show_settings(session.request.settings, self.defaults, session.plan)
        fixed = tr("This plan was opened from a file and is run as it is; options cannot be changed.")
        self.options.set_fixed(fixed if session.plan_file is not None else "")
        if self.options.folders is not None:
            self.options.folders.show_value(session.request.calibration)
        self.output.show_session(session)
        self.table.frames.gone = session.phase is Phase.GONE
        self.table.viewport().update()
        self._show_measure()

    def _rows_changed(self) -> None:
        self.table.frames.set_rows(self.session.rows, self.session.overview)
        self.folded.setText(folded_line(self.table.frames.folded))
        self.folded.setVisible(bool(self.folded.text()))

    def _level_measured(self, level: object) -> None:
        if level is None:
            self.table.frames.sort_levels()
            self._show_measure()
        else:
            self.table.frames.level_measured(level)  # type: ignore[arg-type]
            if len(self.session.levels) % 8 == 0:
                self.table.frames.draw_levels()

    def _show_measure(self) -> None:
        rows = self.table.selected_rows() or self.table.frames.shown
        known = (len(rows), len(self.session.levels))
        if rows is not self._counted_rows or known != self._counted:
            self._counted_rows, self._counted = rows, known
            self._to_measure = len(self.frames_to_measure())
        count = self._to_measure
        if self.session.measuring:
            self.measure.setText(tr("Stop measuring"))
        else:
            self.measure.setText(count_words(count, "Measure {} level", "Measure {} levels"))
        self.measure.setVisible(count > 0 or self.session.measuring)

    def _rows_added(self, new: Sequence[Row]) -> None:
        self.table.frames.add_rows(new)
        self._count_selected(len(self.table.selected_rows()))

    def _count_selected(self, count: int) -> None:
        self.selected.setText(tr("{} of {} selected").format(f"{count:,}", f"{len(self.session.rows):,}"))

    def _selection_changed(self, *changed: object) -> None:
        del changed
        rows = self.table.selected_rows()
        self._count_selected(len(rows))
        self.only.setVisible(bool(rows) and self.session.plan_file is None)
        self._show_measure()
        if len(rows) > MANY_ROWS:
            # What is said of so many is put together in a turn of its own.
            self._why_later.start()
        else:
            self._why_later.stop()
            self._show_why(rows)
        if self.tabs.currentWidget() is self.picture:
            row = self.table.current_row()
            known = row is not None and row.frame is not None and row in rows
            if known and row is not None:
                self.picture.show_path(row.path, row.frame)
            else:
                self.picture.show_path(None)

    def _show_why(self, rows: Sequence[Row]) -> None:
        self.why.show_blocks(self._blocks(rows), rows if self.session.plan_file is None else ())

    def _blocks(self, rows: Sequence[Row]) -> Iterator[Block]:
        if len(rows) == 1:
            yield from why_frame(rows[0], self.session.plan)
        elif rows:
            yield from why_rows(rows)
        elif self._node is not None and self._node.step is not None:
            yield from why_step(self._node.step)
        elif self.session.plan is None:
            yield Text(tr("Here stands why each master is made as it is, and what becomes of each frame."))
        else:
            yield Text(tr("Choose a master or a frame to see why it is as it is."))
            for note in self.session.plan.notes:
                yield Text(literal(window_words(note)))

    def _node_chosen(self, node: Node | None) -> None:
        self._node = node
        if node is None:
            self.nodes = None
        else:
            self.nodes = {node.id, *(node.step.needs if node.step is not None else ())}
        self.table.clearSelection()
        self._arrange()
        self.table.scrollToTop()
        self._show_why(())

    def set_filter(self, text: str) -> None:
        """Show the rows that hold these words."""
        self._filter = text
        self._arrange()

    def show_words(self, text: str) -> None:
        """Show all rows that hold a word."""
        self.tree.select_node("all")
        self.set_filter(text)
        self.filtered.emit(text)

    filtered = Signal(str)

    def _arrange(self) -> None:
        self.table.frames.set_filter(self._filter, self.nodes)

    def show_why_finding(self, told: Finding) -> None:
        """Explain a finding."""
        self.tabs.setCurrentWidget(self.why)
        self.why.show_blocks(why_finding(told))

    def _explain(self, told: Finding) -> None:
        self.show_why_finding(told)

    def _show_search(self) -> None:
        plan = self.session.plan
        if plan is None or not plan.all_steps:
            self.told.emit(tr("There is no plan whose search could be shown."))
            return
        from evenfield.plan.explain import explain_plan

        self.search_shown.emit(explain_plan(plan, search=True))

    search_shown = Signal(str)

    # What is edited.

    def _frames(self) -> Sequence[FrameInfo]:
        return self.session.survey.frames if self.session.survey is not None else ()

    def _try(self, change: Callable[[], Request], what: str) -> bool:
        """Ask for a changed request; where it cannot be, say why."""
        try:
            self.session.edit(change(), what)
        except EvenfieldError as error:
            self.told.emit(str(error))
            self.refresh()
            return False
        return True

    def _edit_wanted(self, name: str, on: bool) -> None:
        name = name.removeprefix("without ")
        self._try(lambda: edits.wanted(self.session.request, name, on), tr("Tick") if on else tr("Untick"))

    def _rename(self, name: str, new: str) -> None:
        others = {step.id.casefold() for step in (self.session.plan.steps if self.session.plan else ())} - {
            name.casefold()
        }
        if new.casefold() in others:
            self.told.emit(tr("Another master is called {}. Choose another name.").format(literal(new)))
        elif self._try(lambda: edits.renamed(self.session.request, name, new), tr("Rename")):
            return
        # What was typed can be mended, or left with Escape.
        self.tree.edit_again(name, new)

    def _ticked(self, rows: Sequence[Row], on: bool) -> None:
        change = edits.included if on else edits.excluded
        what = tr("Take in again") if on else tr("Leave out")
        if self._all_known():
            self._try(lambda: change(self.session.request, rows, self._frames()), what)

    def _all_known(self) -> bool:
        """Whether files can be named by patterns; says so where they cannot."""
        session = self.session
        if session.plan_file is not None or session.knows_all_files:
            return True
        reading = session.phase is Phase.READING
        self.told.emit(
            tr("Not all headers are read yet. Files can be left out and corrected when they are.") if reading
            else tr("Not all headers were read. Look again, then files can be left out and corrected.")
        )  # fmt: skip
        return False

    def _leave_out(self, out: bool) -> None:
        rows = [row for row in self.table.selected_rows() if row.excluded is not out]
        if rows:
            self._ticked(rows, not out)

    def _correct(self, field: str, value: str) -> None:
        rows = [row for row in self.table.selected_rows() if row.frame is not None]
        if rows and self._all_known():
            self._try(
                lambda: edits.corrected(self.session.request, rows, self._frames(), field, value),
                tr("Correct {}").format(field),
            )

    def _instead(self, fix: tuple[str, ...], about: str) -> None:
        from evenfield.cli.request import with_fix

        self._try(lambda: with_fix(self.session.request, fix), tr("Use {} instead").format(about))

    def _mend(self, told: Finding) -> None:
        try:
            self.session.apply_fix(told)
        except EvenfieldError as error:
            self.told.emit(str(error))

    def _refused(self, key: str, why: str) -> None:
        if why:
            self.session.field_errors[key] = why
        else:
            self.session.field_errors.pop(key, None)
        self.output.show_session(self.session)

    def make_from_selection(self) -> None:
        """Make products of the selected files only."""
        rows = self.table.selected_rows()
        if rows:
            self.session.edit(edits.from_selection(self.session.request, rows), tr("Make from selection only"))

    def treat_as_flats(self) -> None:
        """Take the selected frames as flats."""
        rows = [row for row in self.table.selected_rows() if row.frame is not None]
        if not rows:
            self.told.emit(tr("Nothing is selected. Select the files that are flats first."))
        else:
            self._try(
                lambda: edits.corrected(self.session.request, rows, self._frames(), "kind", "flat"),
                tr("Treat as flats"),
            )

    def frames_to_measure(self) -> list[FrameInfo]:
        """The selected frames, or all that are shown, whose level is not known yet."""
        rows = self.table.selected_rows() or self.table.frames.shown
        return [row.frame for row in rows if row.frame is not None and row.path not in self.session.levels]

    def measure_levels(self) -> None:
        """Measure levels, or stop doing so."""
        if self.session.measuring:
            self.session.stop_measuring()
            return
        frames = self.frames_to_measure()
        if frames:
            self.session.measure(frames)

    def start(self) -> None:
        """Start the job."""
        self.session.run()

    def select_paths(self, paths: Sequence[str]) -> None:
        """Select files."""
        self.table.select_paths(paths)
