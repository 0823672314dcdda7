"""The one door for every text of the window, so that it can be translated."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def tr(text: str) -> str:
    """The text in the language of the user; the text itself where there is no translation."""
    return QCoreApplication.translate("evenfield", text)
