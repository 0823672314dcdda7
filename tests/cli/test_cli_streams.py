"""Exit codes, and what goes to stdout and what to stderr, on pipes and on terminals."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ESCAPE = "\x1b["


def test_exit_code_0(ev: Callable[..., Any], night: Path) -> None:
    """All done is 0."""
    assert ev("flats", night, "-o", "masters").code == 0


def test_exit_code_1_where_the_rest_was_still_made(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """A group that the rejection refuses is 1; the other group was still made."""
    shooter.take("few", 2, FILTER="R")
    outcome = ev("flats", night, "-o", "masters", "--reject", "extremes:2", "--json")
    assert outcome.code == 1
    status = {one["group"].get("filter"): one["status"] for one in outcome.json["results"] if one["kind"] == "flat"}
    assert status == {"Ha": "DONE", "R": "FAILED"}
    assert Path("masters/master_flat_Ha_2026-03-14.fits").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["flats"],
        ["flats", "NIGHT", "--no-such-option"],
        ["flats", "NIGHT", "--reject", "bogus"],
        ["flats", "NIGHT", "--reject", "sigma:1,2,3"],
        ["flats", "NIGHT", "--pedestal", "many"],
        ["flats", "NIGHT", "--pedestal", "1", "--no-precalibration"],
        ["flats", "NIGHT", "--group-by", "moon"],
        ["flats", "NIGHT", "--temperature-width", "51"],
        ["flats", "NIGHT", "--temperature-width", "0.05"],
        ["flats", "NIGHT", "--no-grouping", "--join", "night"],
        ["flats", "NIGHT", "--ignore-type"],
        ["flats", "NIGHT", "--set", "flat*kind"],
        ["flats", "NIGHT", "--set", "flat*:colour=red"],
        ["flats", "NIGHT", "--calibrate-with", "none.fits"],
        ["flats", "NIGHT", "--trim", "[1:2]"],
        ["flats", "NIGHT", "--memory", "lots"],
        ["flats", "NIGHT", "--threads", "0"],
        ["flats", "NIGHT", "--name", "{moon}"],
        ["flats", "NIGHT", "--move-inputs", "{moon}"],
        ["flats", "NIGHT", "--allow-mismatch", "moon"],
        ["flats", "NIGHT", "--quiet", "--verbose"],
        ["flats", "NIGHT", "--level", "scaled-max", "--output-type", "uint16"],
        ["calibrate", "NIGHT", "-o", "light.fits"],
        ["calibrate", "NIGHT", "--add-pedestal", "much"],
        ["plan", "calibrate"],
        ["plan", "flats"],
        ["run", "no-such-plan.json"],
        ["explain", "no-such.fits"],
        ["explain", "no_such_code"],
        ["survey"],
        ["survey", "NIGHT", "--json", "--csv"],
        ["no-such-command"],
    ],
    ids=" ".join,
)
def test_exit_code_2_is_for_usage(ev: Callable[..., Any], night: Path, arguments: list[str]) -> None:
    """What cannot be understood is 2; stdout stays empty, stderr says what is wrong; nothing is made."""
    outcome = ev(*(night if one == "NIGHT" else one for one in arguments))
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.strip()
    assert "Traceback" not in outcome.err
    assert not Path("masters").exists()


def test_usage_errors_also_with_json_stay_off_stdout(ev: Callable[..., Any], night: Path) -> None:
    """--json changes nothing about usage errors: stderr only."""
    outcome = ev("flats", night, "--json", "--reject", "bogus")
    assert (outcome.code, outcome.out) == (2, "")
    assert "bogus" in outcome.err


def test_survey_exit_codes(ev: Callable[..., Any], night: Path, alone: Path) -> None:
    """``survey`` is 0 though single files are unreadable, 1 if nothing could be read."""
    (night / "broken.fits").write_bytes(b"x")
    assert ev("survey", night).code == 0
    (alone / "broken.fits").write_bytes(b"x")
    assert ev("survey", alone).code == 1
    assert ev("survey", alone / "empty").code == 1


def test_survey_lists_no_files_without_an_image_suffix(ev: Callable[..., Any], night: Path) -> None:
    """Notes and pictures beside the frames are passed over, not called unreadable."""
    (night / "notes.txt").write_text("clouds")
    (night / "night.log").write_text("guiding")
    document = ev("survey", night, "--json").json
    assert len(document["frames"]) == 12
    assert document["unreadable"] == []


def test_nothing_but_the_result_on_a_piped_stdout(process: Callable[..., Any], night: Path) -> None:
    """With both streams piped there is no progress and no colour; stderr is empty (or tells of the first use)."""
    outcome = process("flats", night, "-o", "masters")
    assert outcome.code == 0
    assert outcome.lines[0].startswith("12 files: 12 used")
    assert ESCAPE not in outcome.out + outcome.err
    assert "\r" not in outcome.out + outcome.err
    assert outcome.err == "" or "compiling the kernels" in outcome.err


def test_json_on_a_piped_stdout_is_json_only(process: Callable[..., Any], night: Path) -> None:
    """A process that pipes --json gets one document."""
    outcome = process("flats", night, "-o", "masters", "--json")
    assert outcome.json["exit_code"] == 0


def test_quiet(ev: Callable[..., Any], night: Path) -> None:
    """--quiet prints nothing at all where all went well."""
    outcome = ev("flats", night, "-o", "masters", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert Path("masters/report.json").exists()


def test_quiet_still_tells_errors(ev: Callable[..., Any], alone: Path) -> None:
    """--quiet is silent about results, not about what went wrong."""
    outcome = ev("flats", alone, "-o", "masters", "--quiet")
    assert outcome.code == 1
    assert outcome.out == ""
    assert "No frames" in outcome.err


def test_quiet_tells_a_failed_master(ev: Callable[..., Any], night: Path) -> None:
    """A master that could not be made is an error, so --quiet tells it on stderr."""
    outcome = ev("flats", night, "-o", "masters", "--reject", "extremes:9", "--quiet")
    assert (outcome.code, outcome.out) == (1, "")
    assert "extremes" in outcome.err


def test_verbose_tells_more(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """--verbose prints the notes too."""
    shooter.take("other", 3, kind="DARKFLAT", GAIN=0)
    plain = ev("flats", night, "-o", "masters").out
    assert len(ev("flats", night, "-o", "masters", "--verbose").out) > len(plain)


def terminal(arguments: list[str], **env: str) -> str:
    """What a terminal shows of a command, colours and progress included."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TERM": "xterm", **env}
    code = "from evenfield.cli.app import main; main()"
    shown = b""
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stdin=subprocess.DEVNULL, stdout=follower,
                          stderr=follower, env=environment):  # fmt: skip
        os.close(follower)
        while True:
            try:
                piece = os.read(leader, 4096)
            except OSError:  # a terminal whose last program has ended
                break
            if not piece:
                break
            shown += piece
    os.close(leader)
    return shown.decode()


def test_color_on_a_terminal(night: Path) -> None:
    """A terminal gets colours; every coloured word is a word, so nothing is said by colour alone."""
    shown = terminal(["flats", str(night), "-o", "masters"])
    assert "\x1b[32mworks\x1b[0m" in shown


def test_no_color(night: Path) -> None:
    """NO_COLOR takes the colours away; the words are the same."""
    shown = terminal(["flats", str(night), "-o", "masters"], NO_COLOR="1")
    assert "works" in shown
    assert not re.search(r"\x1b\[\d+m", shown)


def test_progress_on_a_terminal_only(night: Path) -> None:
    """A terminal sees the step at work; its line is wiped before the result."""
    shown = terminal(["flats", str(night), "-o", "masters"])
    assert "[2/2]" in shown
    assert "\r\x1b[2K" in shown


def test_ascii_output(process: Callable[..., Any], shooter: Any, tmp_path: Path) -> None:
    """An output that takes ASCII only gets ASCII; names and words beyond it never stop the work."""
    folder = tmp_path / "nächte α"
    folder.mkdir()
    shooter.folder = folder
    shooter.take("flaté", 5)
    outcome = process("flats", folder, "-o", tmp_path / "mästers", "--set", "*:camera=Kamera größer",
                      env={"PYTHONIOENCODING": "ascii"})  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert outcome.out.isascii()
    assert "1 master flat made" in outcome.out
    assert process("survey", folder, "--frames", env={"PYTHONIOENCODING": "ascii"}).out.isascii()


def test_ascii_json(process: Callable[..., Any], shooter: Any, tmp_path: Path) -> None:
    """JSON through an ASCII output still names the right files."""
    folder = tmp_path / "nächte α"
    folder.mkdir()
    shooter.folder = folder
    (path,) = shooter.take("flaté", 1)
    outcome = process("survey", folder, "--json", env={"PYTHONIOENCODING": "ascii"})
    assert outcome.json["frames"][0]["path"] == str(path)


def test_a_reader_that_goes_away(night: Path) -> None:
    """``evenfield survey | head -1`` ends without a traceback."""
    python, folder = shlex.quote(sys.executable), shlex.quote(str(night))
    command = f'{python} -c "from evenfield.cli.app import main; main()" survey {folder} --frames | head -1'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(["sh", "-c", command], capture_output=True, env=environment, timeout=60, check=False)
    assert b"12 files" in done.stdout
    assert b"Traceback" not in done.stderr


def test_help_loads_nothing_heavy(process: Callable[..., Any]) -> None:
    """--help and --version load neither numba nor astropy nor scipy, and name every command."""
    code = ("import sys\nfrom evenfield.cli.app import run_cli\nrun_cli(['--help'])\n"
            "print(sorted({'numba', 'astropy', 'scipy', 'dask'} & set(sys.modules)))")  # fmt: skip
    outcome = process(code=code)
    assert outcome.lines[-1] == "[]"
    for name in ("survey", "flats", "plan", "run", "explain", "demo"):
        assert f"\n  {name} " in outcome.out


def test_survey_loads_no_numba(process: Callable[..., Any], night: Path) -> None:
    """``evenfield survey`` loads neither numba nor dask."""
    code = ("import sys\nfrom evenfield.cli.app import run_cli\nrun_cli(['survey', sys.argv[1]])\n"
            "print(sorted({'numba', 'dask', 'scipy', 'astropy'} & set(sys.modules)))")  # fmt: skip
    assert process(night, code=code).lines[-1] == "[]"


@pytest.mark.parametrize("command", ["survey", "flats", "plan", "run", "explain", "demo"])
def test_every_command_has_a_help(ev: Callable[..., Any], command: str) -> None:
    """``--help`` of each command says what it does, and is 0."""
    outcome = ev(command, "--help")
    assert outcome.code == 0
    assert "Usage: evenfield" in outcome.out
