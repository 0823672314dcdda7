"""The window in each of its states, and the gates that keep it there."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QTranslator
from PySide6.QtWidgets import QApplication
from window_hand import PATIENCE_S, Hand, make_window

from evenfield.model.events import Progressed, StepEnded
from evenfield.store import save_plan

HELD_FRAMES, HELD_STEPS = 60, 2
"""Where reading and a run are held."""


class Longer(QTranslator):
    """A language in which every text is longer by 40 % at least, of words as long as those of a text."""

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        return longer(text) if context == "evenfield" else ""


def longer(text: str) -> str:
    """A text that is longer by 40 %."""
    more = -(-len(text) * 2 // 5)
    filler = "".join(" " if place % 8 == 0 else "m" for place in range(more)) if len(text) > 8 else "m" * more
    return text + filler.rstrip() + "m" * (len(filler) - len(filler.rstrip()))


@contextmanager
def held_reading() -> Iterator[None]:
    """Keep reading from going on behind the first frames; what is read then comes at the end."""
    from evenfield.gui import planning

    gate, original = threading.Event(), planning.survey_paths

    def survey(*arguments: Any, progress: Callable[..., None], **more: Any) -> Any:
        room = HELD_FRAMES

        def told(done: int, total: int, found: Any) -> None:
            nonlocal room
            if not gate.is_set() and len(found) >= room:
                progress(HELD_FRAMES, total, found[:room])
                assert gate.wait(PATIENCE_S)
                found = found[room:]
            room -= len(found)
            progress(done, total, found)

        return original(*arguments, progress=told, **more)

    planning.survey_paths = survey  # type: ignore[assignment]
    try:
        yield
    finally:
        gate.set()
        planning.survey_paths = original


@contextmanager
def held_run() -> Iterator[None]:
    """Keep a run in the middle of a step, behind `HELD_STEPS` finished ones."""
    from evenfield.run import run

    gate, original = threading.Event(), run.run_plan

    def run_plan(*arguments: Any, on_event: Callable[[Any], None], **more: Any) -> Any:
        ended = []

        def told(event: Any) -> None:
            on_event(event)
            if isinstance(event, StepEnded):
                ended.append(event)
            elif isinstance(event, Progressed) and len(ended) == HELD_STEPS:
                assert gate.wait(PATIENCE_S)

        return original(*arguments, on_event=told, **more)

    run.run_plan = run_plan  # type: ignore[assignment]
    try:
        yield
    finally:
        gate.set()
        run.run_plan = original


# Each of these brings a new window into a state, and keeps it there until it is left.


@contextmanager
def empty(hand: Hand, night: Path, tmp: Path) -> Iterator[None]:
    yield


@contextmanager
def reading(hand: Hand, night: Path, tmp: Path) -> Iterator[None]:
    with held_reading():
        hand.window.add_paths([os.fspath(night)])
        hand.until(lambda: len(hand.window.prepare.table.frames.shown) == HELD_FRAMES, "rows appear")
        yield
    hand.settle()


@contextmanager
def planned(hand: Hand, night: Path, tmp: Path) -> Iterator[None]:
    hand.window.add_paths([os.fspath(night)])
    hand.session.set_output(os.fspath(tmp / "masters"))
    hand.settle()
    yield


@contextmanager
def chosen(hand: Hand, night: Path, tmp: Path) -> Iterator[None]:
    """A frame is selected, so that it can be corrected and seen."""
    with planned(hand, night, tmp):
        table = hand.window.prepare.table
        table.selectRow(next(n for n, row in enumerate(table.frames.shown) if row.takes_part))
        QApplication.processEvents()
        yield


@contextmanager
def no_flats(hand: Hand, night: Path, tmp: Path) -> Iterator[None]:
    copy = tmp / "darks"
    copy.mkdir()
    for path in sorted(night.rglob("*DARK*.fits"))[:6]:
        shutil.copy(path, copy)
    hand.window.add_paths([os.fspath(copy)])
    hand.settle()
    yield


@contextmanager
def nothing_readable(hand: Hand, night: Path, tmp: Path) -> Iterator[None]:
    folder = tmp / "broken"
    folder.mkdir()
    for number in range(3):
        (folder / f"flat_{number}.fits").write_bytes(b"no picture")
    hand.window.add_paths([os.fspath(folder)])
    hand.settle()
    yield


@contextmanager
def gone(hand: Hand, night: Path, tmp: Path) -> Iterator[None]:
    with no_flats(hand, night, tmp):
        shutil.rmtree(tmp / "darks")
        hand.window.do_look_again()
        hand.settle()
        yield


@contextmanager
def running(hand: Hand, night: Path, tmp: Path) -> Iterator[None]:
    with planned(hand, night, tmp), held_run():
        hand.window.do_start()
        hand.until(lambda: len(hand.session.results) == HELD_STEPS, "masters are made")
        hand.until(lambda: hand.session.run_state is not None and hand.session.run_state.rate > 0, "it goes on")
        yield
    hand.wait_for_run()


@contextmanager
def finished(hand: Hand, night: Path, tmp: Path) -> Iterator[None]:
    with planned(hand, night, tmp):
        hand.window.do_start()
        hand.wait_for_run()
        yield


@contextmanager
def failed(hand: Hand, night: Path, tmp: Path) -> Iterator[None]:
    copy = tmp / "copy"
    shutil.copytree(night, copy)
    with planned(hand, copy, tmp):
        # Files that vanish between the plan and the run.
        for path in copy.rglob("*DARK_3.50s*"):
            path.unlink()
        hand.window.do_start()
        hand.wait_for_run()
        yield


@contextmanager
def plan_from_file(hand: Hand, night: Path, tmp: Path) -> Iterator[None]:
    with planned(hand, night, tmp):
        assert hand.session.plan is not None
        save_plan(hand.session.plan, path=tmp / "plan.json")
        hand.window.open_plan(os.fspath(tmp / "plan.json"))
        hand.settle()
        yield


STATES = {
    one.__name__: one
    for one in (
        empty, reading, planned, chosen, no_flats, nothing_readable, gone, running, finished, failed, plan_from_file,
    )
}  # fmt: skip


@contextmanager
def window_in(state: str, night: Path, tmp: Path, *, long: bool = False, look: str = "light") -> Iterator[Hand]:
    """A window in a state; ``long``: in a language with longer texts."""
    tmp.mkdir(parents=True, exist_ok=True)
    translator = Longer()
    if long:
        QCoreApplication.installTranslator(translator)
    try:
        hand = Hand(make_window(tmp / "config", look=look))
        try:
            with STATES[state](hand, night, tmp):
                yield hand
        finally:
            hand.close()
    finally:
        if long:
            QCoreApplication.removeTranslator(translator)


def calm(hand: Hand) -> None:
    """Let pictures come and everything find its place."""
    panels = (hand.window.prepare.picture, hand.window.results.picture)
    hand.until(lambda: not any(panel.waits for panel in panels), "pictures are shown")
    for _ in range(3):
        QApplication.processEvents()


def views(hand: Hand) -> Iterator[str]:
    """Every page and tab, "More options" and the log opened; each is shown while its name is handed out."""
    window = hand.window
    tabs = window.prepare.tabs
    window.show_page(0)
    for place in range(tabs.count()):
        tabs.setCurrentIndex(place)
        calm(hand)
        yield f"Prepare, tab {place}"
    tabs.setCurrentWidget(window.prepare.options)
    for button in window.prepare.options.more_buttons:
        button.setChecked(True)
    calm(hand)
    yield "Prepare, more options"
    for button in window.prepare.options.more_buttons:
        button.setChecked(False)
    tabs.setCurrentIndex(0)
    window.show_page(1)
    if window.results.list.count():
        window.results.list.setCurrentRow(0)
    for place in range(window.results.tabs.count()):
        window.results.tabs.setCurrentIndex(place)
        calm(hand)
        yield f"Results, tab {place}"
    window.strip.open_log.setChecked(True)
    calm(hand)
    yield "Results, log open"
    window.strip.open_log.setChecked(False)
    window.show_page(0)
    calm(hand)
