"""The tools behind `make bench`: what they measure is what ran."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that runs and measures processes."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("measure")


def python(code: str) -> list[str]:
    """A command that runs some Python."""
    return [sys.executable, "-S", "-c", code]


def test_processor_time_and_peak_are_those_of_the_process(measure: ModuleType) -> None:
    """A process that works and holds memory is seen to; one that sleeps has taken no processor time."""
    busy = measure.run(python("import time; a = bytearray(300 << 20)\nwhile time.process_time() < 0.5: pass"))
    idle = measure.run(python("import time; time.sleep(0.5)"))
    assert busy.cpu_s >= 0.5
    assert busy.peak_bytes >= 300 << 20
    assert idle.wall_s >= 0.5
    assert idle.cpu_s < 0.4


def test_bytes_read_are_counted(measure: ModuleType, tmp_path: Path) -> None:
    """What a process reads is counted, a second reading too."""
    if not Path("/proc/self/io").exists():
        pytest.skip("this system does not tell what a process has read")
    file = tmp_path / "file"
    file.write_bytes(bytes(8_000_000))
    once, twice = (
        measure.run(python(f"for _ in range({times}): open({str(file)!r}, 'rb').read()")).read_bytes for times in (1, 2)
    )
    assert 8_000_000 <= once < 12_000_000
    assert twice - once == pytest.approx(8_000_000, abs=100_000)


def test_a_failing_program_is_told_with_its_words(measure: ModuleType) -> None:
    """A program that fails ends the measurement, and its last words are shown."""
    with pytest.raises(measure.CommandFailedError, match="no such star"):
        measure.run(python("raise SystemExit('no such star')"))


def test_turns_alternate_and_the_first_is_dropped(measure: ModuleType) -> None:
    """Programs take turns, and their first turn does not count."""
    order: list[str] = []

    def task(name: str, *walls: float) -> object:
        times = iter(walls)

        def run() -> object:
            order.append(name)
            return measure.Run(wall_s=next(times), cpu_s=1.0, peak_bytes=1, read_bytes=1)

        return run

    found = measure.alternate({"a": task("a", 9.0, 1.0, 3.0, 2.0), "b": task("b", 9.0, 4.0, 4.0, 5.0)}, runs=3)
    assert order == ["a", "b"] * 4
    assert found["a"].wall_s == 2.0
    assert found["b"].wall_s == 4.0


def test_dropped_files_are_read_again_whole(measure: ModuleType, tmp_path: Path) -> None:
    """Dropping files from the page cache changes none of their bytes."""
    file = tmp_path / "file"
    file.write_bytes(b"starlight" * 100_000)
    measure.cold([file])
    measure.warm([file])
    assert file.read_bytes() == b"starlight" * 100_000


def test_absent_programs_are_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is not installed has a reason that says how to get it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    peers = importlib.import_module("peers")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    for program in (peers.siril(), peers.ccdproc(), peers.master_flat_maker(), peers.cat()):
        assert program.missing
        assert program.label


def test_frames_for_surveys_have_headers_of_their_own(tmp_path: Path) -> None:
    """The frames that surveys are timed on are all different, so that no one looks like a copy of another."""
    command = [sys.executable, str(BENCHMARKS / "survey_frames.py"), str(tmp_path / "many"), "--count", "150"]
    subprocess.run(command, check=True)
    files = sorted((tmp_path / "many").rglob("*.fits"))
    assert len(files) == 150
    assert len({path.read_bytes()[:5760] for path in files}) == 150
    from evenfield.survey import survey_folders

    survey = survey_folders(tmp_path / "many")
    assert len(survey.frames) == 150
    assert not survey.unreadable
    assert not survey.copies
    assert not survey.findings
