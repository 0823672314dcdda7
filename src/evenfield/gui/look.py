"""The dark and the light look: palettes with enough contrast, and the few rules beyond them."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

LIGHT: Final = {
    "window": "#f3f3f4", "base": "#ffffff", "alternate": "#f0f1f3", "text": "#1a1c1f", "button": "#e6e7ea",
    "disabled": "#5f646c", "highlight": "#1b5fae", "highlighted": "#ffffff", "link": "#0b55a0", "border": "#b9bdc4",
    "bad": "#a51d1d", "warn": "#7a4b00", "note": "#234f86", "notice": "#e4edf8", "placeholder": "#63686f",
    "asks": "#fdf1d8", "focus": "#1b5fae", "frame": "#9aa0a8",
}  # fmt: skip

DARK: Final = {
    "window": "#1f2124", "base": "#17191b", "alternate": "#1d2023", "text": "#e9eaec", "button": "#2b2f34",
    "disabled": "#b6bbc3", "highlight": "#2f6db5", "highlighted": "#ffffff", "link": "#86bdf5", "border": "#4a4f56",
    "bad": "#ff9d94", "warn": "#f2c063", "note": "#9cc7f7", "notice": "#26313d", "placeholder": "#9da3ab",
    "asks": "#3a2f17", "focus": "#6fb0f5", "frame": "#6a7078",
}  # fmt: skip

LOOKS: Final = ("system", "light", "dark")

_FRAMED: Final = (
    "QLineEdit",
    "QPlainTextEdit",
    "QAbstractSpinBox",
    "QTableView",
    "QTreeView",
    "QListView",
    "QCheckBox",
)
"""Widgets whose outline, or that of the ticks in them, must be seen: theirs is the color "frame"."""

_PROPERTY: Final = "evenfield_look"


def set_look(app: QApplication, look: str) -> None:
    """Give the program one of `LOOKS`; "system" is that of the desktop."""
    app.setStyle("Fusion")
    dark = look == "dark" or (look == "system" and _desktop_is_dark(app))
    colors = DARK if dark else LIGHT
    app.setProperty(_PROPERTY, "dark" if dark else "light")
    app.setPalette(_palette(colors))
    for name in _FRAMED:
        app.setPalette(_framed(colors), name)  # type: ignore[arg-type]  # it takes a str, whatever its stub says
    app.setStyleSheet(_rules(colors))


def look_color(name: str) -> QColor:
    """A color of the look that the program has now."""
    app = QApplication.instance()
    dark = app is not None and app.property(_PROPERTY) == "dark"
    return QColor((DARK if dark else LIGHT)[name])


def _desktop_is_dark(app: QApplication) -> bool:
    from PySide6.QtCore import Qt

    return app.styleHints().colorScheme() == Qt.ColorScheme.Dark


def _framed(colors: dict[str, str]) -> QPalette:
    # The style draws outlines in the color of the window made darker by 140 %: in the dark nobody would see them.
    palette = _palette(colors)
    palette.setColor(QPalette.ColorRole.Window, QColor(colors["frame"]).lighter(140))
    return palette


def _palette(colors: dict[str, str]) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for what, name in (
        (role.Window, "window"), (role.WindowText, "text"), (role.Base, "base"), (role.AlternateBase, "alternate"),
        (role.Text, "text"), (role.Button, "button"), (role.ButtonText, "text"), (role.ToolTipBase, "base"),
        (role.ToolTipText, "text"), (role.Highlight, "highlight"), (role.HighlightedText, "highlighted"),
        (role.Link, "link"), (role.PlaceholderText, "placeholder"), (role.Mid, "border"), (role.BrightText, "text"),
    ):  # fmt: skip
        palette.setColor(what, QColor(colors[name]))
    for what in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, what, QColor(colors["disabled"]))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(colors["border"]))
    palette.setColor(QPalette.ColorGroup.Disabled, role.HighlightedText, QColor(colors["text"]))
    return palette


def _rules(colors: dict[str, str]) -> str:
    return f"""
    QLabel#heading {{ font-weight: bold; }}
    QLabel#summary {{ font-weight: bold; font-size: 11pt; }}
    QLabel#BLOCKER, QLabel#error, QLabel#reasons {{ color: {colors["bad"]}; }}
    QLabel#WARNING {{ color: {colors["warn"]}; }}
    QLabel#NOTE {{ color: {colors["note"]}; }}
    QFrame#notice {{ background: {colors["notice"]}; border: 1px solid {colors["border"]}; border-radius: 4px; }}
    QTextBrowser#flat, QScrollArea#flat {{ border: 1px solid {colors["window"]}; }}
    QTextBrowser#flat:focus, QScrollArea#flat:focus,
    QAbstractItemView:focus, QScrollArea:focus, QPlainTextEdit:focus, QTextBrowser:focus {{
        border: 1px solid {colors["focus"]};
    }}
    QTreeView::item {{ padding: 2px 0; }}
    QFrame#strip {{ border-top: 1px solid {colors["border"]}; }}
    QPushButton#page {{
        background: {colors["button"]}; border: 1px solid {colors["frame"]}; border-radius: 4px; padding: 3px 16px;
    }}
    QPushButton#page:checked {{ background: {colors["highlight"]}; color: {colors["highlighted"]}; }}
    QPushButton#page:focus {{ border: 2px solid {colors["text"]}; padding: 2px 15px; }}
    QPushButton#start {{ font-weight: bold; padding: 6px 16px; }}
    QPushButton#start:enabled {{
        background: {colors["highlight"]}; color: {colors["highlighted"]}; border-radius: 4px;
    }}
    QPushButton#start:focus {{ border: 2px solid {colors["text"]}; }}
    """
