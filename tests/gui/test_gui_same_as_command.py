"""The window holds no decision of its own: its plan is that of the command line it shows, to the byte."""

from __future__ import annotations

import json
import os
import random
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from option_hand import FIELDS, OptionHand, Places, make_places
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox
from window_hand import Hand, make_window

from evenfield.cli.path import plan_paths
from evenfield.cli.request import Request, arguments_of, request_of
from evenfield.cli.screen import ProgressLine
from evenfield.errors import EvenfieldError, UsageError
from evenfield.gui.output_bar import MOST_REASONS
from evenfield.model.settings import CombineSettings, OutputSettings, RunSettings, Settings
from evenfield.store import save_settings, to_json

SETS = 200
RUN_SEEDS = (2304, 2305)
"""Option sets with which something can be made, and which move no file."""
IN_A_CHUNK = 10

TYPED = ("memory", "whole or none", "pedestal", "rejection")
"""Fields whose texts are read where they are typed; what is no number is refused in other words there."""

OWN = Settings(combine=CombineSettings(method="median"), output=OutputSettings(maps=True), run=RunSettings(threads=1))
"""Preferences of a user."""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """Frames that nothing here changes."""
    return make_places(tmp_path_factory.mktemp("frames"))


@pytest.fixture(scope="module", params=["", "own preferences"])
def one_hand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, qapp: object) -> Iterator[Hand]:
    """A hand at one window for all sets, with or without preferences of the user's own."""
    folder = tmp_path_factory.mktemp("config")
    settings = OWN if request.param else Settings()
    hand = Hand(make_window(folder, settings=settings))
    # Nobody looks: painting would take most of the time.
    hand.window.setUpdatesEnabled(False)
    save_settings(settings, path=folder / "settings.toml")
    yield hand
    hand.close()


def by_command(text: str) -> str:
    """The plan of a command line as JSON; or why there is none."""
    name, *arguments = shlex.split(text)
    assert name == "evenfield"
    asked = request_of(arguments)
    try:
        plan = plan_paths(
            asked.paths, calibration=asked.calibration, output=asked.output, settings=asked.settings,
            progress=ProgressLine(quiet=True), job=asked.job,
        )  # fmt: skip
    except EvenfieldError as error:
        return str(error)
    return to_json(plan)


def by_window(hand: Hand) -> str:
    """The plan of the window as JSON; or why there is none."""
    refusal = hand.session.refusal
    if refusal is not None:
        return f"{refusal.message} {refusal.mend}"
    assert hand.session.plan is not None
    return to_json(hand.session.plan)


def begin(hand: Hand, seed: int, places: Places) -> OptionHand:
    """A new set of options: nothing changed yet, the night in the window."""
    rng = random.Random(seed)
    user = OptionHand(hand, rng, places)
    hand.session.edit(
        Request(paths=(str(places.night),), output=str(places.output), settings=hand.window.prepare.defaults), "Begin"
    )
    user.open()
    if hand.all("Reset all options"):
        hand.click("Reset all options")
    hand.settle()
    assert not user.form.errors()
    return user


def fill_in(user: OptionHand, seed: int) -> None:
    """Change some settings, the job, the folders, and ticks of frames and masters."""
    hand, rng = user.hand, user.rng
    if rng.random() < 0.5:
        words = rng.choice(("Master flats", "All masters", "Calibrated lights"))
        hand.choose("Job", words)
        user.done.append(words)
    if rng.random() < 0.3:
        name = rng.choice(("out 2", "it's $HOME", "flat.fits"))
        hand.write("Output folder", str(user.places.output.parent / name))
        user.done.append(name)
    if rng.random() < 0.3:
        user.write_lines("Calibration folders", str(user.places.calibration))
        user.done.append("calibration folder")
    keys = sorted(FIELDS)
    always = keys[seed % len(keys)]
    chosen = rng.sample([key for key in keys if key != always], rng.randint(3, 12))
    for key in (always, *chosen):
        if key == always:
            user.bring_out(key)
        if user.can_see(key):
            user.change(key)
    hand.settle()
    if rng.random() < 0.3:
        tick_a_frame(user)
    if rng.random() < 0.3:
        untick_a_master(user)


def tick_a_frame(user: OptionHand) -> None:
    """Tick or untick some frames with the keyboard."""
    table = user.hand.window.prepare.table
    n_rows = table.frames.rowCount()
    if not n_rows:
        return
    for place in user.rng.sample(range(n_rows), min(3, n_rows)):
        held = Qt.KeyboardModifier.ControlModifier
        at = user.hand.cell_center(place, 1)
        table.scrollTo(table.frames.index(place, 1))
        at = user.hand.cell_center(place, 1)
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, held, at)
    user.done.append(f"ticks {[row.name for row in table.selected_rows()]}")
    QTest.keyClick(table, Qt.Key.Key_Space)
    user.hand.settle()


def untick_a_master(user: OptionHand) -> None:
    """Untick a master with the keyboard."""
    tree = user.hand.window.prepare.tree
    states = tree.node_states()
    if not states:
        return
    chosen = user.rng.choice(sorted(states))
    assert tree.select_node(chosen)
    user.done.append(f"untick {chosen}")
    tree.setFocus()
    QTest.keyClick(tree, Qt.Key.Key_Space)
    user.hand.settle()
    tree.select_node("all")


@pytest.mark.parametrize("chunk", range(SETS // IN_A_CHUNK // 2))
def test_the_plan_is_that_of_the_command(one_hand: Hand, places: Places, chunk: int) -> None:
    """Whatever is filled in, the plan equals that of the command that is shown; what was refused changes nothing."""
    own = one_hand.session.own_defaults
    for seed in range(1000 * own + chunk * IN_A_CHUNK, 1000 * own + (chunk + 1) * IN_A_CHUNK):
        user = begin(one_hand, seed, places)
        fill_in(user, seed)
        command = one_hand.text_of("Same on the command line")
        assert ("--no-preferences" in command) == own
        assert by_window(one_hand) == by_command(command), f"seed {seed}: {user.done}\n{command}"
        check_refused(user, seed)


def check_refused(user: OptionHand, seed: int) -> None:
    """What was refused says why beside its field and beside the button; the command line refuses it as well."""
    hand = user.hand
    reasons = hand.reasons()
    for place, (key, why) in enumerate(user.form.errors().items()):
        assert user.shown_error(key) == why, f"seed {seed}: {user.done}"
        assert not hand.find("Start the job").isEnabled()
        if place < MOST_REASONS:
            assert f"{FIELDS[key].label}: {why}".replace("\n", "\\n") in reasons
        if user.asked.get(key):
            arguments = [*arguments_of(hand.session.request), *user.asked[key]]
            told = refusal_of(arguments)
            assert told, f"seed {seed}: {why} {arguments}"
            if FIELDS[key].editor not in TYPED:
                assert told == why, f"seed {seed}: {user.done}"


def refusal_of(arguments: Sequence[str]) -> str:
    """Why the command line refuses arguments; empty where it does not."""
    try:
        request_of(arguments)
    except UsageError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with the command ``evenfield`` of this interpreter, as an installation has it."""
    folder = tmp_path_factory.mktemp("programs")
    script = folder / "evenfield"
    start = "import sys; from evenfield.cli.app import main; sys.exit(main(sys.argv[1:]))"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(start)} "$@"\n')
    script.chmod(0o755)
    return str(folder)


def in_a_shell(text: str, *, programs: str, preferences: str, folder: Path) -> str:
    """What a line for the shell prints, started in some folder; where it is refused, why."""
    known = {"PATH": os.pathsep.join((programs, os.environ["PATH"])), "EVENFIELD_CONFIG": preferences}
    done = subprocess.run(
        ["sh", "-c", text], capture_output=True, env=os.environ | known, cwd=folder, encoding="utf-8", check=False
    )
    return done.stdout or done.stderr.removeprefix("evenfield: ").strip()


@pytest.mark.skipif(os.name == "nt", reason="the command is written for a POSIX shell")
@pytest.mark.parametrize("seed", [*range(300, 304), *RUN_SEEDS])
def test_the_copied_command_runs_in_a_shell(
    one_hand: Hand, places: Places, seed: int, tmp_path: Path, programs: str
) -> None:
    """What Copy copies makes the same plan, elsewhere and with whatever preferences; run, it carries that plan out."""
    user = begin(one_hand, seed, places)
    fill_in(user, seed)
    for key in [*user.form.errors()]:
        one_hand.click(f"Reset: {FIELDS[key].label}")
    runs = seed in RUN_SEEDS
    if runs:
        one_hand.write("Output folder", str(tmp_path / "out"))
    one_hand.settle()
    one_hand.click("Copy the command line")
    copied = QApplication.clipboard().text()
    assert not runs or "--move-inputs" not in copied
    more = "--json" if runs else "--dry-run --json"
    preferences = one_hand.window._preferences_path
    printed = in_a_shell(f"{copied} {more}", programs=programs, preferences=preferences, folder=tmp_path)
    if runs:
        plan = one_hand.session.plan
        assert plan is not None
        assert plan.all_steps, user.done
        report = json.loads(printed)
        assert report["plan_digest"] == plan.digest
        assert report["results"]
    else:
        assert printed == by_window(one_hand)


@pytest.mark.skipif(os.name == "nt", reason="the command is written for a POSIX shell")
def test_what_is_examined_is_what_the_command_lists(
    one_hand: Hand, places: Places, tmp_path: Path, programs: str
) -> None:
    """The command of Examine only has the same sets, and the frames that are in none."""
    begin(one_hand, 0, places)
    one_hand.choose("Job", "Examine only")
    one_hand.settle()
    command = one_hand.text_of("Same on the command line")
    preferences = one_hand.window._preferences_path
    printed = in_a_shell(f"{command} --json", programs=programs, preferences=preferences, folder=tmp_path)
    plan = one_hand.session.plan
    assert plan is not None
    assert plan.all_steps
    report = json.loads(printed)
    assert [one["id"] for one in report["results"]] == [step.id for step in plan.all_steps]
    assert sorted(use["path"] for use in report["files"]) == sorted(row.path for row in one_hand.session.rows)


def test_a_refused_value_waits_for_what_it_contradicts(one_hand: Hand, places: Places) -> None:
    """It stays in its field with the reason beside it, and is in force as soon as the other one has changed."""
    user = begin(one_hand, 0, places)
    one_hand.choose("Pixels written", "16-bit integers")
    one_hand.choose("Level of the master", "Divided by its mean")
    one_hand.settle()
    why = "--level mean gives values near 1, which --output-type uint16 cannot hold."
    assert user.shown_error("combine.level").startswith(why)
    assert user.find("Level of the master", QComboBox).currentText() == "Divided by its mean"
    assert one_hand.session.request.settings.combine.level == "none"
    assert not one_hand.find("Start the job").isEnabled()
    assert why in one_hand.reasons()
    one_hand.choose("Pixels written", "32-bit floats")
    one_hand.settle()
    assert not user.shown_error("combine.level")
    assert one_hand.session.request.settings.combine.level == "mean"
    assert one_hand.find("Start the job").isEnabled()
    assert by_window(one_hand) == by_command(one_hand.text_of("Same on the command line"))


def test_the_reason_of_a_waiting_value_is_the_one_that_is_left(one_hand: Hand, places: Places) -> None:
    """Of two things that a value contradicts one is changed: the field tells the other, as the command line does."""
    user = begin(one_hand, 0, places)
    maps = user.find("Maps of noise and rejection", QCheckBox)
    if not maps.isChecked():  # preferences may have them
        maps.click()
    one_hand.choose("Level of the master", "Divided by its mean")
    one_hand.choose("Written for", "Siril (FITS, 0..1)")
    one_hand.settle()
    assert user.shown_error("output.target").startswith("--maps writes extensions in ADU")
    maps.click()
    one_hand.settle()
    assert user.shown_error("output.target").startswith("--level brings master flats to 1")
    assert not one_hand.find("Start the job").isEnabled()


def test_undo_ends_a_contradiction(one_hand: Hand, places: Places) -> None:
    """Where the other value is taken back, nothing is refused any more, and the field shows what is in force."""
    user = begin(one_hand, 0, places)
    one_hand.choose("Pixels written", "16-bit integers")
    one_hand.choose("Level of the master", "Divided by its mean")
    one_hand.window.do_undo()
    one_hand.settle()
    assert not user.shown_error("combine.level")
    assert user.find("Level of the master", QComboBox).currentText() == "As it is, ADU"
    assert one_hand.find("Start the job").isEnabled()


def test_folders_that_are_typed_mean_the_same_anywhere(
    one_hand: Hand, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative folders and the tilde are written out, so that the command works in any folder."""
    monkeypatch.chdir(places.night.parent)
    monkeypatch.setenv("HOME", str(places.night.parent))
    user = begin(one_hand, 0, places)
    one_hand.write("Library of masters", "library")
    one_hand.write("Output folder", "out")
    user.write_lines("Calibration folders", "~/more")
    one_hand.settle()
    monkeypatch.chdir("/")
    command = one_hand.text_of("Same on the command line")
    for name in ("library", "more", "out"):
        assert str(places.night.parent / name) in command
    assert by_window(one_hand) == by_command(command)
