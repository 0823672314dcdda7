"""The parts of a run by themselves: workers, exit codes, the folders of moved inputs."""

from __future__ import annotations

import datetime
import threading
import time

import pytest

from evenfield import CancelToken, FrameInfo, FrameKind, SensorSetup, StepResult, StepStatus
from evenfield.errors import Cancelled, SettingsError
from evenfield.model.templates import check_move_template
from evenfield.run.executors import work_through
from evenfield.run.machine import budget_bytes, machine_bytes, n_threads
from evenfield.run.moving import target_folder
from evenfield.run.run import exit_code


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_answers_come_in_the_order_of_the_tasks(threads: int) -> None:
    """Whoever is quicker, the answers keep the order."""

    def slow_first(task: int) -> int:
        time.sleep(0.01 if task == 0 else 0.0)
        return task * task

    assert work_through(range(20), slow_first, threads=threads, cancel=CancelToken()) == [n * n for n in range(20)]


@pytest.mark.parametrize("threads", [1, 4])
def test_the_first_failure_is_raised(threads: int) -> None:
    """A failure ends the work, with the error of the task."""

    def fail_at_3(task: int) -> int:
        if task == 3:
            raise ValueError("three")
        return task

    with pytest.raises(ValueError, match="three"):
        work_through(range(8), fail_at_3, threads=threads, cancel=CancelToken())


@pytest.mark.parametrize("threads", [1, 3])
def test_cancel_between_tasks(threads: int) -> None:
    """A token raised by one task stops those not begun."""
    token = CancelToken()
    done: list[int] = []
    lock = threading.Lock()

    def stop_at_5(task: int) -> None:
        with lock:
            done.append(task)
        if task == 5:
            token.cancel()
        time.sleep(0.002)

    with pytest.raises(Cancelled):
        work_through(range(200), stop_at_5, threads=threads, cancel=token)
    assert len(done) < 50


def result(status: StepStatus) -> StepResult:
    """A result with a status."""
    return StepResult(id="x", status=status, kind=FrameKind.FLAT, title="x", group={})


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ([], 0),
        (["DONE"], 0),
        (["DONE", "REUSED"], 0),
        (["DONE", "FAILED"], 1),
        (["SKIPPED", "DONE"], 1),
        (["FAILED", "CANCELLED"], 130),
        (["DONE", "CANCELLED"], 130),
    ],
)
def test_exit_code(found: list[str], wanted: int) -> None:
    """130 where a step was cancelled, 1 where one failed or was skipped, else 0."""
    assert exit_code([result(StepStatus(one)) for one in found]) == wanted


NOW = datetime.datetime(2026, 3, 15, 6, 7, 8)


def frame(filter_name: str | None) -> FrameInfo:
    """A flat of a filter."""
    return FrameInfo(path="/night/a/f.fits", kind=FrameKind.FLAT, setup=SensorSetup(shape=(1, 1)), filter=filter_name)


@pytest.mark.parametrize(
    ("template", "filter_name", "wanted"),
    [
        ("done", "Ha", "/night/a/done"),
        ("../done", "Ha", "/night/a/../done"),
        ("/archive/{date}", "Ha", "/archive/2026-03-15"),
        ("{date}_{time}_{filter}", "Ha", "/night/a/2026-03-15_06-07-08_Ha"),
        ("x/{filter}", "../../etc", "/night/a/x/etc"),
        ("x/{filter}", "Hα 7nm", "/night/a/x/Ha-7nm"),
        ("x/{filter}", None, "/night/a/x/no-filter"),
    ],
)
def test_target_folder(template: str, filter_name: str | None, wanted: str) -> None:
    """Placeholders are filled in; a relative folder lies beside the frame; a filter's name cannot leave it."""
    assert target_folder(template, frame(filter_name), now=NOW) == wanted


@pytest.mark.parametrize("template", ["{moon}", "{", "{0}", "{date", "{date.year.x}", "{date!r:>{moon}}", "{}"])
def test_move_templates_that_are_refused(template: str) -> None:
    """Other placeholders are refused before anything runs."""
    with pytest.raises(SettingsError):
        check_move_template(template)


def test_machine() -> None:
    """The budget is a quarter of the machine's memory, the threads one a core, unless given."""
    assert budget_bytes(None) == machine_bytes() // 4
    assert machine_bytes() > 1 << 28
    assert budget_bytes(5) == 5
    assert n_threads(None) >= 1
    assert n_threads(7) == 7
