"""The line under the summary: what goes on, or what stands in the way, with what to do about it."""

from __future__ import annotations

import os

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from evenfield.gui.flow import FlowLayout
from evenfield.gui.session import Phase, Session
from evenfield.gui.why_view import plain_label
from evenfield.gui.words import tr
from evenfield.model.literal import literal


class NoticeBar(QFrame):
    """Empty: how to begin. Reading: how far. No flats, nothing readable, gone: what can be done."""

    stopped = Signal()
    again = Signal()
    lights_wanted = Signal()
    flats_wanted = Signal()
    choose_wanted = Signal()
    example_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notice")
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 6, 8, 6)
        self.text = plain_label()
        self.text.setAccessibleName(tr("Notice"))
        box.addWidget(self.text)
        line = QWidget()
        flow = FlowLayout(line)
        self._buttons: dict[str, QPushButton] = {}
        for key, text, signal in (
            ("choose", tr("Choose folder"), self.choose_wanted),
            ("example", tr("Open example night"), self.example_wanted),
            ("stop", tr("Stop"), self.stopped),
            ("again", tr("Look again at the folder"), self.again),
            ("lights", tr("Show lights"), self.lights_wanted),
            ("flats", tr("Treat selection as flats"), self.flats_wanted),
        ):
            button = QPushButton(text)
            button.setAccessibleName(text)
            button.clicked.connect(signal)
            flow.addWidget(button)
            self._buttons[key] = button
        self._line = line
        line.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        box.addWidget(line)

    def show_state(self, session: Session) -> None:
        """Show what the session is doing."""
        text, keys = _notice(session)
        self.text.setText(text)
        for key, button in self._buttons.items():
            button.setVisible(key in keys)
        self._line.setVisible(bool(keys))
        self.setVisible(bool(text))


def _notice(session: Session) -> tuple[str, tuple[str, ...]]:
    """The text, and the buttons that belong to it."""
    phase = session.phase
    if phase is Phase.EMPTY:
        text = tr("Drop a night's folder here. evenfield finds the flats and what calibrates them.")
        return text, ("choose", "example")
    if phase is Phase.READING:
        return _reading(session), ("stop",)
    if phase is Phase.STOPPED:
        done, total = session.progress
        return tr("Stopped at {} of {} files.").format(f"{done:,}", f"{total:,}"), ("again",)
    if phase is Phase.GONE:
        name = os.path.basename(session.request.paths[0].rstrip(os.sep)) + "/"
        return tr("{} cannot be reached.").format(literal(name)), ("again",)
    plan = session.plan
    if plan is not None and not plan.all_steps and plan.findings:
        first = plan.findings[0]
        if first.code == "no_flats":
            lights = any(row.frame is not None and row.frame.kind == "light" for row in session.rows)
            return literal(first.message), (*(("lights",) if lights else ()), "flats")
        if first.code == "no_frames" and session.rows:
            return f"{literal(first.message)} {_unreadable(session)}", ("again",)
        return literal(f"{first.message} {first.mend}"), ("again",)
    return "", ()


def _reading(session: Session) -> str:
    done, total = session.progress
    if not total:
        return tr("Looking for files ...")
    left = session.reading_left_s()
    text = tr("Reading {} of {}").format(f"{done:,}", f"{total:,}")
    return text if left is None else tr("{}, {} s left").format(text, f"{left:.0f}")


def _unreadable(session: Session) -> str:
    counts: dict[str, int] = {}
    for row in session.rows:
        if row.use is not None and row.use.use == "unreadable":
            counts[row.use.reason] = counts.get(row.use.reason, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])[:4]
    return literal("; ".join(f"{count:,}: {reason}" for reason, count in ordered)) + "."
