"""What goes where: results to stdout, progress and errors to stderr; color only where it is welcome."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from collections.abc import Sequence
from typing import TextIO

from evenfield.errors import EvenfieldError
from evenfield.model.events import Event, Examining, Progressed, StepEnded, StepStarted
from evenfield.model.frame import FrameInfo

_CODES = {"good": "32", "warn": "33", "bad": "31", "dim": "2"}

REFRESH_S = 0.1
"""Progress is drawn at most so often."""


def paint(text: str, style: str) -> str:
    """The text in color where stdout is a terminal that may be colored, else as it is."""
    if not _colored(sys.stdout):
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def _colored(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def show(text: str) -> None:
    """Write a result to stdout; characters that the output cannot take are replaced, never fatal."""
    _write(sys.stdout, text)


def show_json(text: str) -> None:
    """Write JSON to stdout; characters that the output cannot take become escapes, so that no text is lost."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = re.sub(r"[^\x00-\x7f]", lambda found: json.dumps(found.group())[1:-1], text)
    show(text)


def complain(error: EvenfieldError | str) -> None:
    """Write an error and its mend to stderr."""
    _write(sys.stderr, f"evenfield: {error}\n")


def remark(text: str) -> None:
    """Write a line of information to stderr."""
    _write(sys.stderr, f"{text}\n")


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, errors="replace").decode(encoding))
    stream.flush()


class ProgressLine:
    """One line on stderr that tells step, rate and time left; silent where stderr is no terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._on = not quiet and sys.stderr.isatty()
        self._lock = threading.Lock()
        self._title = ""
        self._began = self._drawn = time.perf_counter()
        self._done = 0

    def survey(self, done: int, total: int, found: Sequence[FrameInfo] = ()) -> None:
        """Tell how many headers were read."""
        del found
        self._draw(f"Reading headers {done:,} of {total:,}")

    def event(self, event: Event) -> None:
        """Take an event of the run, from any thread."""
        with self._lock:
            if isinstance(event, StepStarted):
                self._title = f"[{event.index}/{event.total}] {event.title}"
                self._began = time.perf_counter()
                self._draw(self._title, force=True)
            elif isinstance(event, Progressed):
                self._draw(self._progress(event))
            elif isinstance(event, Examining):
                self._draw(f"[{event.index}/{event.total}] examining {event.title}", force=True)
            elif isinstance(event, StepEnded):
                self.clear()

    def _progress(self, event: Progressed) -> str:
        seconds = time.perf_counter() - self._began
        share = event.done / event.total if event.total else 1.0
        rate = event.done / seconds / 1e6 if seconds > 0 else 0.0
        left = seconds * (1 - share) / share if share > 0 else 0.0
        return f"{self._title}: {100 * share:3.0f} %, {rate:.0f} MB/s, {left:.0f} s left"

    def _draw(self, text: str, *, force: bool = False) -> None:
        now = time.perf_counter()
        if not self._on or (now - self._drawn < REFRESH_S and not force):
            return
        self._drawn = now
        _write(sys.stderr, f"\r\x1b[2K{text[:79]}")

    def clear(self) -> None:
        """Remove the line."""
        if self._on:
            _write(sys.stderr, "\r\x1b[2K")
