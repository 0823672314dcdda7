"""The one door for texts of the window, so that they can be translated."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def tr(text: str) -> str:
    """The text in the user's language; numbers are put in afterwards, with ``format``."""
    return QCoreApplication.translate("evenfield", text)
