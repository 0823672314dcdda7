"""Threads that work through bands or frames in order, stopping at the first failure or when cancelled."""

from __future__ import annotations

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
            for future in futures:
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
