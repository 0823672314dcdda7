"""How long the window's thread is kept from its events, and how many files it opens."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QTimer


class LoopWatch:
    """Between two turns of the event loop: the longest time, and the longest time that its thread was at work.

    The first depends on what else the machine does, the second on the window alone.
    """

    def __init__(self) -> None:
        self.timer = QTimer()
        self.timer.setInterval(0)
        self.timer.timeout.connect(self._turn)
        self.reset()
        self.timer.start()

    def reset(self) -> None:
        """Begin anew."""
        self._last_s, self._last_work_s = time.perf_counter(), time.thread_time()
        self.longest_s = self.longest_work_s = 0.0

    def _turn(self) -> None:
        now, work = time.perf_counter(), time.thread_time()
        self.longest_s = max(self.longest_s, now - self._last_s)
        self.longest_work_s = max(self.longest_work_s, work - self._last_work_s)
        self._last_s, self._last_work_s = now, work

    def stop(self) -> None:
        """End it."""
        self.timer.stop()


_WATCHED: dict[str, list[str]] = {}
_HOOKED = False


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event != "open" or not _WATCHED or threading.current_thread() is not threading.main_thread():
        return
    path = str(arguments[0])
    for folder, found in _WATCHED.items():
        if path.startswith(folder) and path.lower().endswith((".fits", ".fz", ".xisf", ".fit")):
            found.append(path)


@contextmanager
def frames_opened_here(folder: Path) -> Iterator[list[str]]:
    """The frames below a folder that this thread, the window's, opens meanwhile."""
    global _HOOKED  # noqa: PLW0603 - a hook cannot be taken away again
    if not _HOOKED:
        sys.addaudithook(_hook)
        _HOOKED = True
    found: list[str] = []
    _WATCHED[str(folder)] = found
    try:
        yield found
    finally:
        del _WATCHED[str(folder)]
