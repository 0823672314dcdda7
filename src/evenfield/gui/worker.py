"""Work beside the window: a thread that does one task after the other, and tells the window's thread of it."""

from __future__ import annotations

import dataclasses
import functools
import queue
import threading
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from PySide6.QtCore import QObject, Qt, Signal, Slot

from evenfield.errors import Cancelled, EvenfieldError
from evenfield.gui.words import tr
from evenfield.model.events import CancelToken

Tell: TypeAlias = Callable[[object], None]
"""Hands a value over to the window's thread."""

Work: TypeAlias = Callable[[Tell, CancelToken], Any]
"""What is done in the worker's thread."""


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended: with a value, with an error, or cancelled."""

    value: Any = None
    error: EvenfieldError | None = None
    cancelled: bool = False


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One piece of work, and who is told of it in the window's thread."""

    work: Work
    then: Callable[[Outcome], None]
    told: Callable[[Any], None]
    cancel: CancelToken


_END: Final = None


class Worker(QObject):
    """One thread. A task that is submitted cancels those before it: only the newest counts."""

    _called = Signal(object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._newest: Task | None = None
        self._closed = False
        self._called.connect(self._call, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._loop, name=f"evenfield-{name}", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a task is under way or waits."""
        return self._newest is not None

    def submit(self, work: Work, *, then: Callable[[Outcome], None], told: Callable[[Any], None] | None = None) -> None:
        """Do ``work`` in the thread; ``then`` and ``told`` are called in the window's thread."""
        self.cancel()
        self._newest = Task(work=work, then=then, told=told or _nobody, cancel=CancelToken())
        self._tasks.put(self._newest)

    def cancel(self) -> None:
        """Ask the task under way to stop; nothing is told of it but that it was cancelled."""
        if self._newest is not None:
            self._newest.cancel.cancel()

    def close(self, *, within_s: float) -> bool:
        """Stop the thread; whether it ended in time."""
        self._closed = True
        self.cancel()
        self._tasks.put(_END)
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        while (task := self._tasks.get()) is not _END:
            outcome = _done(task, functools.partial(self._send, task))
            self._send(task, outcome)

    def _send(self, task: Task, value: object) -> None:
        if not self._closed:
            self._called.emit(task, value)

    @Slot(object, object)
    def _call(self, task: Task, value: object) -> None:
        # Of a task that a newer one has replaced nobody wants to know.
        if self._closed or task is not self._newest:
            return
        if isinstance(value, Outcome):
            self._newest = None
            task.then(value)
        else:
            task.told(value)


def _nobody(value: object) -> None:
    del value


def _done(task: Task, tell: Tell) -> Outcome:
    """The task's outcome; the boundary at which an error in a thread becomes a value."""
    if task.cancel.cancelled:
        return Outcome(cancelled=True)
    try:
        return Outcome(value=task.work(tell, task.cancel))
    except Cancelled:
        return Outcome(cancelled=True)
    except EvenfieldError as error:
        return Outcome(error=error)
    except Exception as error:  # nothing else would ever see it
        text = f"{type(error).__name__}: {error}."
        return Outcome(error=EvenfieldError(text, mend=tr("This is a fault of evenfield: report it.")))
