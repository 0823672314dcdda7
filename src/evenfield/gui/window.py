"""The window: two pages, a strip for the run, menus, and what moves between them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

import msgspec
from PySide6.QtCore import QMimeData, QSettings, Qt, QTimer, QUrl
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
)
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMainWindow,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

import evenfield
from evenfield.errors import EvenfieldError
from evenfield.examination import EXAMINE
from evenfield.gui.actions import COMMANDS, MENUS, Command
from evenfield.gui.example import example_folder, make_example
from evenfield.gui.flow import FlowLayout
from evenfield.gui.kept import keep, keep_recent, recent_folders, remember
from evenfield.gui.look import LOOKS, set_look
from evenfield.gui.manual import ManualDialog
from evenfield.gui.picture_reader import PictureReader
from evenfield.gui.preferences_dialog import PreferencesDialog
from evenfield.gui.prepare_page import PreparePage
from evenfield.gui.results_page import ResultsPage
from evenfield.gui.run_strip import RunStrip
from evenfield.gui.session import Session
from evenfield.gui.why_view import plain_label
from evenfield.gui.words import mark, tr
from evenfield.gui.worker import Outcome, Tell, Worker
from evenfield.model.events import CancelToken
from evenfield.model.findings import Finding
from evenfield.model.literal import literal
from evenfield.model.settings import Settings
from evenfield.run.machine import load_kernels_early
from evenfield.store import save_plan

JOB_WORDS = (
    ("flats", mark("Master flats")), ("masters", mark("All masters")), ("calibrate", mark("Calibrated lights")),
    (EXAMINE, mark("Examine only")),
)  # fmt: skip
"""Jobs and what the chooser calls them; each is a command."""

CLOSING_S = 1.7


class Window(QMainWindow):
    """The whole window.

    Parameters
    ----------
    preferences : Settings
        What the session starts with.
    preferences_path : str
        The file that the Preferences write.
    trouble : str
        Why the preferences file could not be used, or "".
    memory : QSettings
        Where the window keeps its size, recent folders and columns.
    """

    def __init__(self, *, preferences: Settings, preferences_path: str, trouble: str, memory: QSettings) -> None:
        super().__init__()
        self.memory = memory
        self._preferences, self._preferences_path, self._trouble = preferences, preferences_path, trouble
        self.planner, self.runner = Worker("plan", self), Worker("run", self)
        self.measurer, self.fetcher = Worker("levels", self), Worker("example", self)
        self.reader = PictureReader()
        self.session = Session(
            self.planner, self.runner, self.measurer, defaults=preferences,
            own_defaults=bool(trouble) or preferences != Settings(),
        )  # fmt: skip
        self.setObjectName("evenfield")
        self.setAccessibleName("evenfield")
        self.setAcceptDrops(True)
        self.prepare = PreparePage(self.session, self.reader, preferences)
        self.results = ResultsPage(self.session, self.reader)
        self.strip = RunStrip(self.session)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.prepare)
        self.pages.addWidget(self.results)
        self._make_top()
        self._lay_out()
        self._make_menus()
        self._connect()
        remember(self.memory, self, self.prepare, self.results)
        self._fill_recent()
        self.show_page(0)
        self.refresh()
        if trouble:
            self.tell(trouble)
        # What plans and runs need is loaded when the window stands.
        QTimer.singleShot(0, load_kernels_early)

    # Making it.

    def _make_top(self) -> None:
        self.top = QWidget()
        flow = FlowLayout(self.top)
        self.page_buttons: list[QPushButton] = []
        for place, text in enumerate((tr("&Prepare"), tr("Re&sults"))):
            button = QPushButton(text)
            button.setAccessibleName(text.replace("&", ""))
            button.setObjectName("page")
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, place=place: self.show_page(place))
            self.page_buttons.append(button)
            flow.addWidget(button)
        label = QLabel(tr("Job:"))
        flow.addWidget(label)
        self.job = QComboBox()
        label.setBuddy(self.job)
        self.job.setAccessibleName(tr("Job"))
        for job, words in JOB_WORDS:
            self.job.addItem(tr(words), job)
        self.job.activated.connect(lambda place: self.session.set_job(self.job.itemData(place)))
        flow.addWidget(self.job)
        for text, slot in (
            (tr("Add folder"), self.do_add_folder),
            (tr("Add files"), self.do_add_files),
            (tr("Look again"), self.do_look_again),
        ):
            button = QPushButton(text)
            button.setAccessibleName(text)
            button.clicked.connect(slot)
            flow.addWidget(button)
        self.filter = QLineEdit()
        self.filter.setAccessibleName(tr("Filter rows"))
        self.filter.setPlaceholderText(tr("Filter rows"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setMinimumWidth(140)
        self.filter.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        flow.addWidget(self.filter)
        # While somebody types, the table is arranged when he pauses.
        self._filter_timer = QTimer(self)
        self._filter_timer.setSingleShot(True)
        self._filter_timer.setInterval(120)
        self._filter_timer.timeout.connect(lambda: self.prepare.set_filter(self.filter.text()))
        self.filter.textChanged.connect(self._filter_timer.start)

    def _lay_out(self) -> None:
        self.message = QWidget()
        row = FlowLayout(self.message)
        self.message_text = plain_label("", name="error")
        self.message_text.setAccessibleName(tr("Message"))
        self.message_text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        hide = QPushButton(tr("Dismiss"))
        hide.setAccessibleName(tr("Dismiss the message"))
        hide.clicked.connect(self.message.hide)
        row.addWidget(self.message_text)
        row.addWidget(hide)
        self.message.hide()
        center = QWidget()
        box = QVBoxLayout(center)
        box.setContentsMargins(0, 6, 0, 0)
        box.setSpacing(2)
        head = QWidget()
        head_box = QVBoxLayout(head)
        head_box.setContentsMargins(8, 0, 8, 0)
        head_box.addWidget(self.top)
        head_box.addWidget(self.message)
        box.addWidget(head)
        box.addWidget(self.pages, 1)
        box.addWidget(self.strip)
        self.setCentralWidget(center)
        self.resize(1280, 800)

    def _make_menus(self) -> None:
        self.actions_by_name: dict[str, QAction] = {}
        self.menus = {name: self.menuBar().addMenu(tr(title)) for name, title in MENUS.items()}
        for command in COMMANDS:
            menu = self.menus[command.menu]
            if command.divider:
                menu.addSeparator()
            action = QAction(tr(command.text), self)
            if command.keys:
                action.setShortcut(QKeySequence(command.keys))
            action.triggered.connect(lambda _=False, name=command.name: getattr(self, f"do_{name}")())
            menu.addAction(action)
            self.actions_by_name[command.name] = action
            if command.name == "add_calibration":
                self.recent = menu.addMenu(tr("Recent"))
        view = self.menus["View"]
        view.addSeparator()
        self.columns = view.addMenu(tr("Columns"))
        self.columns.aboutToShow.connect(self._fill_columns)
        looks = view.addMenu(tr("Look"))
        group = QActionGroup(self)
        for look, words in zip(LOOKS, (tr("As the desktop"), tr("Light"), tr("Dark")), strict=True):
            action = QAction(words, self)
            action.setCheckable(True)
            action.setChecked(str(self.memory.value("look", "system")) == look)
            action.triggered.connect(lambda _=False, look=look: self.set_look(look))
            group.addAction(action)
            looks.addAction(action)

    def _fill_columns(self) -> None:
        self.columns.clear()
        menu = self.prepare.table.columns_menu()
        for action in menu.actions():
            action.setParent(self.columns)
            self.columns.addAction(action)

    def _connect(self) -> None:
        session = self.session
        session.changed.subscribe(self.refresh)
        session.run_changed.subscribe(self._run_changed)
        session.told.subscribe(self.tell)
        self._was_running = False
        self.prepare.folder_wanted.connect(self.do_add_calibration)
        self.prepare.example_wanted.connect(self.open_example)
        self.prepare.choose_wanted.connect(self.do_add_folder)
        self.prepare.told.connect(self.tell)
        self.prepare.filtered.connect(self.filter.setText)
        self.prepare.search_shown.connect(self.show_text)
        self.results.mended.connect(self._mend_result)
        self.results.folder_wanted.connect(self.do_add_calibration)
        self.strip.cancelled.connect(session.cancel_run)
        self.strip.told.connect(self.tell)

    # What is shown.

    def refresh(self) -> None:
        """Show the session's state."""
        session = self.session
        place = self.job.findData(session.request.job)
        self.job.setCurrentIndex(place)
        names = [os.path.basename(path.rstrip(os.sep)) or path for path in session.request.paths[:2]]
        more = " ..." if len(session.request.paths) > 2 else ""
        what = session.plan_file or ", ".join(names) + more
        # In a title "[*]" marks what is not saved; two of them are the sign itself.
        self.setWindowTitle(f"evenfield - {literal(what)}".replace("[*]", "[*][*]") if what else "evenfield")
        for command in COMMANDS:
            self._show_action(command)

    def _show_action(self, command: Command) -> None:
        action = self.actions_by_name[command.name]
        why = command.against(self.session)
        text = tr(command.text)
        if command.name == "undo" and not why:
            text = tr("Undo {}").format(self.session.undo_text)
        elif command.name == "redo" and not why:
            text = tr("Redo {}").format(self.session.redo_text)
        # What cannot be done says why where it stands.
        short = why if len(why) <= 60 else f"{why[:57]} ..."
        action.setText(literal(f"{text} ({short})" if why else text).replace("&", "&&"))
        action.setEnabled(not why)

    def _run_changed(self) -> None:
        running = self.session.running
        if running != self._was_running:
            self._was_running = running
            self.refresh()
            self.prepare.refresh()
            if not running and self.session.report is not None:
                self.show_page(1)

    def show_page(self, place: int) -> None:
        """Show Prepare (0) or Results (1)."""
        self.pages.setCurrentIndex(place)
        # What is filtered are the rows of Prepare.
        self.filter.setVisible(place == 0)
        for number, button in enumerate(self.page_buttons):
            button.setChecked(number == place)

    def tell(self, text: str) -> None:
        """Show a message under the top line until it is dismissed."""
        self.message_text.setText(literal(text))
        self.message.setVisible(bool(text))

    def set_look(self, look: str) -> None:
        """Use the dark or the light look."""
        self.memory.setValue("look", look)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            set_look(app, look)

    def show_text(self, text: str) -> None:
        """Show a longer text in a window of its own."""
        from evenfield.gui.text_dialog import TextDialog

        TextDialog(self, tr("The search for calibration frames"), text).open()

    # Files that are dropped.

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders may be dropped."""
        if _dropped(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add what was dropped."""
        paths = _dropped(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.add_paths(paths)

    def add_paths(self, paths: Sequence[str]) -> None:
        """Search further files and folders."""
        plans = [path for path in paths if path.lower().endswith(".json") and os.path.isfile(path)]
        if plans:
            self.open_plan(plans[0])
            return
        keep_recent(self.memory, [path for path in paths if os.path.isdir(path)])
        self._fill_recent()
        self.session.add_paths(paths)
        self.show_page(0)

    def _fill_recent(self) -> None:
        self.recent.clear()
        folders = recent_folders(self.memory)
        for folder in folders:
            action = QAction(literal(folder).replace("&", "&&"), self.recent)
            action.triggered.connect(lambda _=False, folder=folder: self.add_paths([folder]))
            self.recent.addAction(action)
        if not folders:
            empty = QAction(tr("No folders yet"), self.recent)
            empty.setEnabled(False)
            self.recent.addAction(empty)

    # The commands of the menus.

    def do_add_files(self) -> None:
        """Ask for files and add them."""
        names, _ = QFileDialog.getOpenFileNames(self, tr("Add files"), self._last_folder())
        if names:
            self.add_paths(names)

    def do_add_folder(self) -> None:
        """Ask for a folder and add it."""
        folder = QFileDialog.getExistingDirectory(self, tr("Add folder"), self._last_folder())
        if folder:
            self.add_paths([folder])

    def do_add_calibration(self) -> None:
        """Ask for a folder of calibration frames and search it too."""
        folder = QFileDialog.getExistingDirectory(self, tr("Add calibration folder"), self._last_folder())
        if folder:
            self.session.add_calibration(folder)

    def _last_folder(self) -> str:
        recent = recent_folders(self.memory)
        return os.path.dirname(recent[0]) if recent else ""

    def do_look_again(self) -> None:
        """Read the folders anew."""
        if self.session.plan_file is not None:
            self.open_plan(self.session.plan_file)
        elif self.session.request.paths:
            self.session.look_again()
        else:
            self.tell(tr("No folder was chosen yet."))

    def do_clear(self) -> None:
        """Remove all folders and files from the request."""
        self.session.set_paths((), tr("Remove all files"))

    def do_open_plan(self) -> None:
        """Ask for a saved plan and show it."""
        path, _ = QFileDialog.getOpenFileName(self, tr("Open plan"), self._last_folder(), tr("Plans (*.json)"))
        if path:
            self.open_plan(path)

    def open_plan(self, path: str) -> None:
        """Show a saved plan."""
        self.session.open_plan(os.path.abspath(path), self.tell)
        self.show_page(0)

    def do_save_plan(self) -> None:
        """Ask for a file and save the plan there."""
        path, _ = QFileDialog.getSaveFileName(self, tr("Save plan"), "plan.json", tr("Plans (*.json)"))
        if path:
            self.save_plan(path)

    def save_plan(self, path: str) -> None:
        """Save the plan."""
        if self.session.plan is None:
            return
        try:
            save_plan(self.session.plan, path=path)
        except EvenfieldError as error:
            self.tell(str(error))

    def do_preferences(self) -> None:
        """Show the preferences."""
        dialog = PreferencesDialog(self, self._preferences, self._preferences_path, trouble=self._trouble)
        dialog.saved.connect(self._preferences_saved)
        dialog.used.connect(self._use_preferences)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _preferences_saved(self, settings: Settings) -> None:
        self._preferences, self._trouble = settings, ""
        self.session.own_defaults = settings != Settings()
        self.prepare.refresh()

    def _use_preferences(self, settings: Settings) -> None:
        select = self.session.request.settings.select
        kept = {name: getattr(select, name) for name in ("overrides", "exclude", "without")}
        chosen = msgspec.structs.replace(settings, select=msgspec.structs.replace(settings.select, **kept))
        self.prepare.defaults = settings
        self.session.set_settings(chosen, tr("Use preferences"))

    def do_quit(self) -> None:
        """Close the window."""
        self.close()

    def do_undo(self) -> None:
        """Take the last change back."""
        self.session.undo()

    def do_redo(self) -> None:
        """Do again what was taken back."""
        self.session.redo()

    def do_select_all(self) -> None:
        """Select all rows that are shown."""
        self.prepare.table.selectAll()

    def do_select_none(self) -> None:
        """Select nothing."""
        self.prepare.table.clearSelection()

    def do_copy_command(self) -> None:
        """Copy the command line that does the same."""
        QApplication.clipboard().setText(self.session.command)

    def do_prepare(self) -> None:
        """Show the page Prepare."""
        self.show_page(0)

    def do_results(self) -> None:
        """Show the page Results."""
        self.show_page(1)

    def _show_tab(self, widget: QWidget) -> None:
        self.show_page(0)
        self.prepare.tabs.setCurrentWidget(widget)
        widget.setFocus()

    def do_why(self) -> None:
        """Show why things are as they are."""
        self._show_tab(self.prepare.why)

    def do_options(self) -> None:
        """Show the options."""
        self._show_tab(self.prepare.options)

    def do_picture(self) -> None:
        """Show the selected frame."""
        self._show_tab(self.prepare.picture)

    def do_filter(self) -> None:
        """Go to the field that filters rows."""
        self.show_page(0)
        self.filter.setFocus()
        self.filter.selectAll()

    def do_log(self) -> None:
        """Show or hide the log."""
        self.strip.open_log.toggle()

    def do_start(self) -> None:
        """Start the job."""
        self.prepare.start()

    def do_cancel(self) -> None:
        """Cancel the run."""
        self.session.cancel_run()

    def do_measure(self) -> None:
        """Measure levels."""
        self.prepare.measure_levels()

    def do_report(self) -> None:
        """Open the report."""
        self.results.open_report()

    def do_manual(self) -> None:
        """Show the manual."""
        self._open_manual("index.md")

    def do_masterflatmaker(self) -> None:
        """Show what is called what for users of MasterFlatMaker."""
        self._open_manual("from-masterflatmaker.md")

    def _open_manual(self, page: str) -> None:
        dialog = ManualDialog(self, page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def do_about(self) -> None:
        """Say what this is."""
        text = tr("evenfield {}\nMaster flats and calibrated frames, explained before they are made.").format(
            evenfield.__version__
        )
        box = QMessageBox(QMessageBox.Icon.NoIcon, tr("About evenfield"), text, parent=self)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    # The example night.

    def open_example(self) -> None:
        """Simulate the example night, unless it is there, and open it."""
        folder = example_folder()
        self.tell(tr("Making the example night, 115 MB, in {} ...").format(folder))

        def then(outcome: Outcome) -> None:
            if outcome.error is not None:
                self.tell(str(outcome.error))
            elif not outcome.cancelled:
                self.tell("")
                self.add_paths([folder])

        def work(tell: Tell, cancel: CancelToken) -> None:
            del tell, cancel
            make_example(folder)

        self.fetcher.submit(work, then=then)

    # Results.

    def _mend_result(self, told: Finding) -> None:
        try:
            self.session.apply_fix(told)
        except EvenfieldError as error:
            self.tell(str(error))
            return
        self.show_page(0)

    # Closing, and what is kept until the next start.

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask where a run is under way; nothing half-written is left behind."""
        if self.session.running and not self.confirm_close():
            event.ignore()
            return
        keep(self.memory, self, self.prepare, self.results)
        # The run first: it has a file to take back.
        workers = (self.runner, self.planner, self.measurer, self.fetcher)
        end = time.perf_counter() + CLOSING_S
        for worker in workers:
            worker.cancel()
        for worker in workers:
            worker.close(within_s=max(0.0, end - time.perf_counter()))
        self.reader.stop()
        event.accept()

    def confirm_close(self) -> bool:
        """Ask whether the run may be cancelled."""
        box = QMessageBox(
            QMessageBox.Icon.Question,
            tr("A run is under way"),
            tr("Cancel the run and close? Finished masters stay; nothing half-written is left behind."),
            parent=self,
        )
        close = box.addButton(tr("Cancel the run and close"), QMessageBox.ButtonRole.AcceptRole)
        box.addButton(tr("Go on"), QMessageBox.ButtonRole.RejectRole)
        for button in box.buttons():
            button.setAccessibleName(button.text())
        box.exec()
        return box.clickedButton() is close


def _dropped(data: QMimeData) -> list[str]:
    """The local files and folders that are dropped."""
    return [_local_path(url) for url in data.urls() if url.isLocalFile()] if data.hasUrls() else []


def _local_path(url: QUrl) -> str:
    """The path of a URL; a text of Qt cannot hold names that are no UTF-8, a URL can."""
    path = url.toLocalFile()
    if "\ufffd" not in path or os.name == "nt":
        return path
    return os.fsdecode(unquote_to_bytes(bytes(url.toEncoded().data()).removeprefix(b"file://")))
