"""A run from Python: events, cancelling, frames that fail on the way, the account of every file."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from evenfield import (
    CancelToken,
    CombineSettings,
    Plan,
    Report,
    Settings,
    StepStatus,
    load_plan,
    load_report,
    make_plan,
    read_provenance,
    rejection,
    run_plan,
    save_plan,
    survey_folders,
)
from evenfield.errors import DamagedFileError, WriteError
from evenfield.model.events import Event, Examining, Found, Progressed, StepEnded, StepStarted
from evenfield.simulate import Night, cmos_camera, example_night, simulate_night


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Two filters, six flats and six dark flats each, of 40 x 60 pixels."""
    whole = example_night()
    recipe = dataclasses.replace(
        whole,
        camera=cmos_camera(shape=(40, 60)),
        filters=tuple(dataclasses.replace(each, n_flats=6, n_lights=0) for each in whole.filters),
        n_dark_flats=6,
        n_bias=0,
        n_darks=0,
    )
    return simulate_night(tmp_path_factory.mktemp("run") / "night", recipe=recipe)


def plan_for(night: Night, output: Path, **parts: Any) -> Plan:
    """The plan of that night."""
    settings = Settings(**parts)
    return make_plan(survey_folders([night.folder], settings=settings), output=str(output), settings=settings)


def statuses(report: Report) -> dict[str, StepStatus]:
    """The status of each step."""
    return {one.id: one.status for one in report.results}


def test_events_tell_the_story(night: Night, tmp_path: Path) -> None:
    """Each step starts, progresses to all of its bytes, and ends; numbers count from 1."""
    told: list[Event] = []
    report = run_plan(plan_for(night, tmp_path), on_event=told.append)
    started = [one for one in told if isinstance(one, StepStarted)]
    ended = [one for one in told if isinstance(one, StepEnded)]
    assert [one.step for one in started] == [one.step for one in ended] == [one.id for one in report.results]
    assert [(one.index, one.total) for one in started] == [(index, 4) for index in range(1, 5)]
    assert {one.status for one in ended} == {"DONE"}
    for step in started:
        progress = [one for one in told if isinstance(one, Progressed) and one.step == step.step]
        assert [one.done for one in progress] == sorted(one.done for one in progress)
        assert progress[-1].done == progress[-1].total
    examined = [one for one in told if isinstance(one, Examining)]
    assert [(one.step, one.index, one.total) for one in examined] == [
        (one.step, one.index, one.total) for one in started
    ]
    assert told.index(examined[0]) > told.index(ended[-1])


def test_findings_are_told_as_they_turn_up(night: Night, tmp_path: Path) -> None:
    """A finding of a step is an event too."""
    settings = {"combine": CombineSettings(rejection=rejection("sigma:3,3"), limits="nominal")}
    told: list[Event] = []
    run_plan(plan_for(night, tmp_path, **settings), on_event=told.append)
    assert "rejection_blind" in {one.finding.code for one in told if isinstance(one, Found)}


@pytest.mark.parametrize("step", [0, 1, 3])
def test_cancel(night: Night, tmp_path: Path, step: int) -> None:
    """A token raised while a step works: that step and all later ones are CANCELLED, what was done stays whole."""
    plan = plan_for(night, tmp_path / "masters")
    token = CancelToken()
    wanted = plan.steps[step].id

    def stop(event: Event) -> None:
        if isinstance(event, Progressed) and event.step == wanted:
            token.cancel()

    report = run_plan(plan, on_event=stop, cancel=token)
    assert report.exit_code == 130
    found = list(statuses(report).values())
    assert found == [StepStatus.DONE] * step + [StepStatus.CANCELLED] * (4 - step)
    products = sorted((tmp_path / "masters").rglob("*.fits"))
    assert len(products) == step
    assert not [name for name in os.listdir(tmp_path / "masters") if "partial" in name]
    assert load_report(tmp_path / "masters" / "report.json") == report
    assert {use.use for use in report.files} <= {"used", "left_out"}


def test_cancelled_before_it_began(night: Night, tmp_path: Path) -> None:
    """A token that is raised already: nothing is made."""
    token = CancelToken()
    token.cancel()
    report = run_plan(plan_for(night, tmp_path / "masters"), cancel=token)
    assert set(statuses(report).values()) == {StepStatus.CANCELLED}
    assert not list((tmp_path / "masters").rglob("*.fits"))


def test_without_a_record(night: Night, tmp_path: Path) -> None:
    """``record=False`` writes products only."""
    run_plan(plan_for(night, tmp_path / "masters"), record=False)
    assert not list((tmp_path / "masters").glob("*.json"))
    assert len(list((tmp_path / "masters").rglob("*.fits"))) == 4


def test_plan_survives_saving(night: Night, tmp_path: Path) -> None:
    """A plan that was saved and loaded is equal, and makes the same bytes."""
    plan = plan_for(night, tmp_path / "a")
    save_plan(plan, path=tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json") == plan
    run_plan(plan)
    first = [hashlib.sha256(path.read_bytes()).digest() for path in sorted((tmp_path / "a").rglob("*.fits"))]
    for path in (tmp_path / "a").rglob("*.fits"):
        path.unlink()
    run_plan(load_plan(tmp_path / "plan.json"))
    assert [hashlib.sha256(path.read_bytes()).digest() for path in sorted((tmp_path / "a").rglob("*.fits"))] == first


class Failing:
    """A source that fails from its n-th read of pixels on, as a card that is pulled out does."""

    def __init__(self, source: Any, reads: int) -> None:
        self._source, self._left = source, reads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def read_raw(self, tile: Any, out: Any) -> None:
        """Read a tile, or fail."""
        self._left -= 1
        if self._left < 0:
            raise DamagedFileError("gone", mend="Copy it again.")
        self._source.read_raw(tile, out)

    def read(self, tile: Any) -> Any:
        """Read a tile, or fail."""
        self._left -= 1
        if self._left < 0:
            raise DamagedFileError("gone", mend="Copy it again.")
        return self._source.read(tile)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make files of given names fail from their n-th read on."""

    def arrange(names: Sequence[str], *, reads: int) -> None:
        from evenfield.run import frames

        real = frames.open_source

        def opened(path: str, **how: Any) -> Any:
            source = real(path, **how)
            return Failing(source, reads) if os.path.basename(path) in names else source

        monkeypatch.setattr(frames, "open_source", opened)

    return arrange


@pytest.mark.parametrize("reads", [0, 1])
def test_a_frame_that_fails_on_the_way(night: Night, tmp_path: Path, failing: Any, reads: int) -> None:
    """A flat that fails while measured, or while combined, is left out and the rest is a master like any other."""
    failing(["FLAT_Ha_0003.fits"], reads=reads)
    report = run_plan(plan_for(night, tmp_path / "a"))
    assert report.exit_code == 0
    flat = next(one for one in report.results if one.id.startswith("master_flat_Ha"))
    assert (flat.status, len(flat.inputs)) == (StepStatus.DONE, 5)
    assert [one.code for one in flat.excluded] == ["frame_failed"]
    assert "frame_failed" in {one.code for one in flat.findings}
    (use,) = [one for one in report.files if one.path.endswith("FLAT_Ha_0003.fits")]
    assert use.use == "unreadable"
    # The pixels are those of the five others, scaled to the mean of all levels that were measured.
    told = read_provenance(flat.outputs[0])
    stack = [fits.getdata(night.folder / one.path).astype(np.float64) for one in told.inputs]
    dark = fits.getdata(flat.masters["dark_flat"]).astype(np.float64)
    scaled = [(frame - dark) * one.scale for frame, one in zip(stack, told.inputs, strict=True)]
    middle = np.median(scaled, axis=0)
    made = fits.getdata(flat.outputs[0])
    assert np.abs(made - middle).max() < 10 * np.std(scaled, axis=0).max()
    levels = np.array([one.level_adu for one in told.inputs])
    scales = np.array([one.scale for one in told.inputs])
    assert levels * scales == pytest.approx(np.full(5, (levels * scales)[0]))


def test_the_scales_are_those_of_the_frames_that_were_combined(night: Night, tmp_path: Path, failing: Any) -> None:
    """A frame that fails while combining leaves the mean of the levels too: mean(levels)/levels of what is in."""
    failing(["FLAT_Ha_0003.fits"], reads=1)
    report = run_plan(plan_for(night, tmp_path / "a"))
    flat = next(one for one in report.results if one.id.startswith("master_flat_Ha"))
    told = read_provenance(flat.outputs[0])
    levels = np.array([one.level_adu for one in told.inputs])
    assert [one.scale for one in told.inputs] == pytest.approx(levels.mean() / levels, rel=1e-12)


def test_all_frames_of_a_step_fail(night: Night, tmp_path: Path, failing: Any) -> None:
    """Where no frame can be read the step fails; the other filter is made; exit code 1."""
    failing([f"FLAT_Ha_{number:04d}.fits" for number in range(1, 7)], reads=0)
    report = run_plan(plan_for(night, tmp_path / "a"))
    assert report.exit_code == 1
    found = statuses(report)
    assert found["master_flat_Ha_2026-03-14"] is StepStatus.FAILED
    assert found["master_flat_OIII_2026-03-14"] is StepStatus.DONE


@pytest.mark.parametrize("reads", [0, 1, 2])
def test_a_dark_frame_that_fails(night: Night, tmp_path: Path, failing: Any, reads: int) -> None:
    """A dark flat that fails leaves a dark flat master of the others."""
    failing(["DARKFLAT_2.00s_0002.fits"], reads=reads)
    report = run_plan(plan_for(night, tmp_path / "a"))
    dark = report.results[0]
    assert dark.status is StepStatus.DONE
    assert len(dark.inputs) == (5 if reads == 0 else 6)


def test_a_fault_in_one_step_does_not_stop_the_others(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong in one step is a value in the report; what needs it is SKIPPED; the rest is made."""
    from evenfield.run import master

    real = master.combine_stack

    count = 0

    def first_fails(stack: Any, **how: Any) -> Any:
        nonlocal count
        count += 1
        if count == 1:
            raise ZeroDivisionError("oops")
        return real(stack, **how)

    monkeypatch.setattr(master, "combine_stack", first_fails)
    report = run_plan(plan_for(night, tmp_path / "a"))
    first, second, flat, other = report.results
    assert (first.status, second.status) == (StepStatus.FAILED, StepStatus.DONE)
    assert {flat.status, other.status} == {StepStatus.SKIPPED, StepStatus.DONE}
    assert "oops" in first.why
    assert report.exit_code == 1


def test_memory_error_is_told(night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without memory left fails the step with a mend."""
    from evenfield.run import master

    def full(*args: Any, **how: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(master, "combine_stack", full)
    report = run_plan(plan_for(night, tmp_path / "a"))
    assert report.results[0].findings[-1].code == "memory_budget"


def test_every_file_is_accounted_for_after_a_run(night: Night, tmp_path: Path, failing: Any) -> None:
    """The four counts add up to the files found, also when frames fail and steps are skipped."""
    failing(["FLAT_Ha_0001.fits", *(f"DARKFLAT_3.50s_{n:04d}.fits" for n in range(1, 7))], reads=0)
    report = run_plan(plan_for(night, tmp_path / "a"))
    counts = {use: sum(one.use == use for one in report.files) for use in
              ("used", "not_needed", "left_out", "unreadable")}  # fmt: skip
    assert sum(counts.values()) == len(report.files) == len(night.files)
    assert {one.path for one in report.files} == {str(path) for path in night.files}
    assert counts["unreadable"] == 1
    # The OIII flats and their dark flats made nothing.
    assert counts["left_out"] == 12


def test_output_that_cannot_be_made(night: Night, tmp_path: Path) -> None:
    """An output folder below a file is a WriteError with the mend."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="file"):
        run_plan(plan_for(night, tmp_path / "file" / "masters"))


def test_provenance_survives_the_header(night: Night, tmp_path: Path) -> None:
    """What the header tells is the whole provenance, also with long and foreign texts."""
    report = run_plan(plan_for(night, tmp_path / "a"))
    flat = next(one for one in report.results if one.kind == "flat")
    told = read_provenance(flat.outputs[0])
    assert told.id == flat.id
    assert told.measured == flat.measured
    assert (told.verdict, told.why) == (flat.verdict, flat.why)
    assert [os.path.join(night.folder, one.path) for one in told.inputs] == list(flat.inputs)
    assert told.plan_digest == report.plan_digest
    text = Path(flat.outputs[0]).read_bytes()
    assert str(tmp_path).encode() not in text, "no absolute path"


def test_header_and_report_give_the_same_verdict(night: Night, tmp_path: Path) -> None:
    """The verdict stands in the report and in the header alike."""
    report = run_plan(plan_for(night, tmp_path / "a"))
    for one in report.results:
        assert fits.getval(one.outputs[0], "EVFVERD") == one.verdict


def test_a_failed_examination_loses_nothing(night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made is written and reported; that it could not be examined is told."""

    def fails(job: object, **how: object) -> dict[str, object]:
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr("evenfield.run.run.examine_sets", fails)
    report = run_plan(plan_for(night, tmp_path))
    assert report.exit_code == 0
    assert {one.status for one in report.results} == {StepStatus.DONE}
    assert [one.message for one in report.findings if one.subject == "examination"] == [
        "What was made could not be examined: ZeroDivisionError: nothing to divide by."
    ]
    assert (tmp_path / "report.json").exists()
