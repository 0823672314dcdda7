"""Bands are read by several threads, each file from its beginning to its end."""

from __future__ import annotations

import threading

import pytest

from evenfield.errors import Cancelled
from evenfield.model.events import CancelToken
from evenfield.run.executors import ReadingOrder, work_through


def test_every_file_is_read_in_the_order_of_its_bands() -> None:
    """Whatever the threads, no file sees a band before the one above it."""
    cancel, lock = CancelToken(), threading.Lock()
    order, seen = ReadingOrder(cancel), {index: [] for index in range(5)}  # type: ignore[var-annotated]

    def read(band: int) -> None:
        with order.turn(band) as turn:
            for index, bands in seen.items():
                turn.wait_for(index)
                with lock:
                    bands.append(band)

    work_through(range(40), read, threads=4, cancel=cancel)
    assert all(bands == list(range(40)) for bands in seen.values())


def test_a_band_that_fails_holds_nobody_up() -> None:
    """The failure comes out; the bands behind it go on."""
    cancel = CancelToken()
    order = ReadingOrder(cancel)

    def read(band: int) -> None:
        with order.turn(band) as turn:
            for index in range(3):
                turn.wait_for(index)
                if band == 2 and index == 1:
                    raise ValueError("band 2")

    with pytest.raises(ValueError, match="band 2"):
        work_through(range(20), read, threads=3, cancel=cancel)


def test_a_cancelled_band_holds_nobody_up() -> None:
    """Who waits for a band that will never come notices that the run was cancelled."""
    cancel = CancelToken()
    order = ReadingOrder(cancel)
    cancel.cancel()
    with pytest.raises(Cancelled), order.turn(1) as turn:
        turn.wait_for(0)
