"""Start of the window: whether it can be shown, preferences, look, and the event loop."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QSettings, QTranslator
from PySide6.QtWidgets import QApplication

from evenfield.cli.preferences import load_preferences, preferences_path
from evenfield.errors import EvenfieldError
from evenfield.gui.look import set_look
from evenfield.gui.window import Window
from evenfield.gui.words import tr, translate_by
from evenfield.model.settings import Settings

TRANSLATIONS: Final = Path(__file__).with_name("translations")
"""Where translations lie: "evenfield_de.qm" for German."""

SWITCH_S = 5e-5
"""So long a working thread may keep the window's thread waiting, seconds."""


def make_application() -> QApplication:
    """The program's one application object."""
    # Looking through all that a plan is made of takes many times as long as a frame of the screen, and finds nothing.
    gc.set_threshold(20_000, 5, 1_000_000)
    # Drawing the table asks Python for each cell, and each time the window's thread has to wait for its turn.
    sys.setswitchinterval(SWITCH_S)
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    translate_by(_translated)
    app.setApplicationName("evenfield")
    app.setApplicationDisplayName("evenfield")
    app.setDesktopFileName("evenfield")
    return app


def _translated(text: str) -> str:
    return QCoreApplication.translate("evenfield", text)


def load_translation(app: QApplication, *, locale: QLocale, folder: Path = TRANSLATIONS) -> bool:
    """Load the window's texts in a language, and Qt's own beside them; whether the window's are there."""
    own, of_qt = QTranslator(app), QTranslator(app)
    if not own.load(locale, "evenfield", "_", os.fspath(folder)):
        return False
    app.installTranslator(own)
    if of_qt.load(locale, "qtbase", "_", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        app.installTranslator(of_qt)
    return True


def make_window() -> Window:
    """A window with the preferences; where their file is broken, with the defaults, and it says so."""
    path = preferences_path()
    settings, trouble = Settings(), ""
    try:
        settings = load_preferences()
    except EvenfieldError as error:
        trouble = tr("{} The window starts with the defaults.").format(error)
    memory = QSettings(os.fspath(path.with_name("window.ini")), QSettings.Format.IniFormat)
    return Window(preferences=settings, preferences_path=os.fspath(path), trouble=trouble, memory=memory)


def run_window(paths: Sequence[str]) -> int:
    """Show the window and stay until it is closed; ``paths`` are opened in it."""
    app = make_application()
    load_translation(app, locale=QLocale())
    window = make_window()
    set_look(app, str(window.memory.value("look", "system")))
    window.show()
    if paths:
        window.add_paths([os.path.abspath(path) for path in paths])
    return app.exec()
