"""Threads that work through bands or frames in order, stopping at the first failure or when cancelled."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from evenfield.model.events import CancelToken

Task = TypeVar("Task")
Answer = TypeVar("Answer")


def work_through(
    tasks: Sequence[Task], do: Callable[[Task], Answer], *, threads: int, cancel: CancelToken
) -> list[Answer]:
    """Do every task in one of ``threads`` threads; the answers come in the order of the tasks.

    Raises
    ------
    Cancelled
        When the token was raised; tasks under way are finished first.
    Exception
        The first failure in the order of the tasks; tasks not begun by then are dropped.
    """
    if threads <= 1 or len(tasks) <= 1:
        return list(_one_by_one(tasks, do, cancel))

    def guarded(task: Task) -> Answer:
        cancel.check()
        return do(task)

    with ThreadPoolExecutor(max_workers=min(threads, len(tasks)), thread_name_prefix="evenfield") as pool:
        futures: list[Future[Answer]] = [pool.submit(guarded, task) for task in tasks]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            # From the last one on: a task that has begun may wait for those before it, so none may begin behind one
            # that was dropped.
            for future in reversed(futures):
                future.cancel()
    done = [future for future in futures if not future.cancelled()]
    for future in done:
        error = future.exception()
        if error is not None:
            raise error
    cancel.check()
    return [future.result() for future in futures]


def _one_by_one(tasks: Sequence[Task], do: Callable[[Task], Answer], cancel: CancelToken) -> Iterator[Answer]:
    for task in tasks:
        cancel.check()
        yield do(task)


class ReadingOrder:
    """Lets several threads read bands at once, but each file from its beginning to its end.

    The thread of band ``k`` may read file ``i`` once that of band ``k - 1`` has gone on to the next file; so files are
    hashed while they are read, the system reads ahead, and a thread that computes lets the next one read.
    """

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self._changed = threading.Condition()
        self._done: dict[int, int] = {}

    @contextlib.contextmanager
    def turn(self, band: int) -> Iterator[Turn]:
        """Reading one band. However it ends, the bands behind it do not wait for it any longer."""
        try:
            yield Turn(self, band)
        finally:
            with self._changed:
                self._done[band] = _ALL
                self._done.pop(band - 1, None)
                self._changed.notify_all()

    def wait(self, band: int, index: int) -> None:
        """Wait until the band before has read the file ``index``, and say that this one has read those before it."""
        with self._changed:
            self._done[band] = index
            self._changed.notify_all()
            # A band that was cancelled before its turn will never come.
            while band and not self._changed.wait_for(lambda: self._done.get(band - 1, 0) > index, timeout=_PATIENCE_S):
                self._cancel.check()


class Turn:
    """The turn of one band to read."""

    def __init__(self, order: ReadingOrder, band: int) -> None:
        self._order = order
        self._band = band

    def wait_for(self, index: int) -> None:
        """Call this before reading the file ``index``, in the order of the files."""
        self._order.wait(self._band, index)


_ALL = 1 << 62
_PATIENCE_S = 0.5
