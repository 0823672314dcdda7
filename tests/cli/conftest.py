"""A command line in process and as a process, and small frames with the headers that a test wants."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from frame_files import Shooter

from evenfield.cli.app import run_cli
from evenfield.simulate import MessyNight, simulate_messy_night

CODE = "import sys; from evenfield.cli.app import main; main()"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Stdout as one JSON document; anything beside it fails."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def lines(self) -> list[str]:
        """The lines of stdout."""
        return self.out.splitlines()


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and no preferences but those that a test writes."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("EVENFIELD_CONFIG", str(tmp_path / "no-such-preferences.toml"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    return folder


@pytest.fixture
def ev(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command in this process."""

    def run(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        code = run_cli([str(one) for one in arguments])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return run


@pytest.fixture
def process() -> Callable[..., Outcome]:
    """Run a command as a process of its own, its output piped; ``code`` replaces the program."""

    def run(*arguments: str | Path, env: dict[str, str] | None = None, code: str = CODE, **more: Any) -> Outcome:
        words = [sys.executable, "-W", "error", "-c", code, *(str(one) for one in arguments)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **(env or {})}
        done = subprocess.run(words, capture_output=True, env=environment, timeout=120, check=False, **more)
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def shooter(tmp_path: Path) -> Shooter:
    """A shooter into the folder ``night``."""
    return Shooter(tmp_path / "night")


@pytest.fixture
def night(shooter: Shooter) -> Path:
    """An ordinary night: six flats of Ha, six dark flats."""
    shooter.take("flat", 6)
    shooter.take("dark", 6, kind="DARKFLAT")
    return shooter.folder


@pytest.fixture(scope="session")
def messy(tmp_path_factory: pytest.TempPathFactory) -> MessyNight:
    """The night that users really have."""
    return simulate_messy_night(tmp_path_factory.mktemp("messy") / "night")


def made(outcome: Outcome, kind: str = "flat") -> list[dict[str, Any]]:
    """The results of one kind in a JSON report."""
    return [one for one in outcome.json["results"] if one["kind"] == kind]


@pytest.fixture
def flats_of(ev: Callable[..., Outcome]) -> Callable[..., list[dict[str, Any]]]:
    """Run ``flats --json``, which must succeed, and give the results of the flats."""

    def run(*arguments: str | Path) -> list[dict[str, Any]]:
        outcome = ev("flats", *arguments, "--json")
        assert outcome.code == 0, outcome
        return made(outcome)

    return run


@pytest.fixture
def codes() -> Callable[[Outcome], set[str]]:
    """The codes of all findings of a JSON report."""

    def collect(outcome: Outcome) -> set[str]:
        document = outcome.json
        found: Sequence[dict[str, Any]] = [
            *document["findings"], *(one for result in document["results"] for one in result["findings"])
        ]  # fmt: skip
        return {one["code"] for one in found}

    return collect
