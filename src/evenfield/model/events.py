"""What a run tells while it works, and how it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from evenfield.errors import Cancelled
from evenfield.model.findings import Finding
from evenfield.model.report import StepResult


class StepStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A step begins; ``index`` counts from 1."""

    step: str
    title: str
    index: int
    total: int


class Progressed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Part of a step is done; ``done`` and ``total`` count bytes to read."""

    step: str
    done: int
    total: int


class Found(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A finding turned up."""

    step: str
    finding: Finding


class StepEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A step is over; ``status`` is the text of its `StepStatus`."""

    step: str
    status: str
    seconds: float
    result: StepResult | None = None


class Examining(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """All is made, and what was read for a step is examined; ``index`` counts from 1."""

    step: str
    title: str
    index: int
    total: int


Event: TypeAlias = StepStarted | Progressed | Found | StepEnded | Examining
EventSink: TypeAlias = Callable[[Event], None]


class CancelToken:
    """A flag that one thread raises and the workers look at between bands."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """True once `cancel` was called."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `Cancelled` once `cancel` was called."""
        if self._event.is_set():
            raise Cancelled
