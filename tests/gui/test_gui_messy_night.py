"""The messy night: four masters in at most six actions, equal to those of the command line."""

from __future__ import annotations

import hashlib
from pathlib import Path

from window_hand import Hand

from evenfield.cli.app import run_cli


def digests(folder: Path) -> dict[str, str]:
    """The content of every product in a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.fits"))
    }


def test_four_masters_in_six_actions(hand: Hand, messy_night: Path, tmp_path: Path) -> None:
    """Drop the folder, say where to, press the button, press one fix, press again."""
    out = tmp_path / "masters"
    actions = 0
    hand.drop(messy_night)
    hand.settle()
    actions += 1
    hand.write("Output folder", str(out))
    hand.settle()
    actions += 1
    assert hand.text_of("Start the job") == "Make 3 master flats"
    hand.click("Start the job")
    hand.wait_for_run()
    actions += 1
    hand.click("Prepare")
    actions += 1
    hand.click("Treat as flats")
    hand.settle()
    actions += 1
    assert hand.text_of("Start the job") == "Make 4 master flats"
    hand.click("Start the job")
    hand.wait_for_run()
    actions += 1
    assert actions <= 6
    assert hand.session.report is not None
    assert hand.session.report.exit_code == 0
    statuses = [result.status.value for result in hand.session.results if result.kind == "flat"]
    assert sorted(statuses) == ["DONE", "REUSED", "REUSED", "REUSED"]
    by_command = tmp_path / "by_command"
    for more in ([], ["--set", "FLAT_Ha*:kind=flat"]):
        assert run_cli(["flats", str(messy_night), "-o", str(by_command), "-q", *more]) == 0
    made = digests(out)
    assert len([name for name in made if "master_flat" in name]) == 4
    assert made == digests(by_command)
