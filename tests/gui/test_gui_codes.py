"""Every code of the catalogue at the window: it shows, its button mends it, and the plan is that of the command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from code_scenes import SCENES, VARIANTS, CodeScene
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from window_hand import Hand, make_window

from evenfield.cli.path import plan_paths
from evenfield.cli.request import Request, request_of, with_fix
from evenfield.cli.screen import ProgressLine
from evenfield.errors import EvenfieldError
from evenfield.gui.problems import button_text, window_words
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.findings import Finding
from evenfield.model.literal import literal
from evenfield.store import to_json

ALL = SCENES | VARIANTS

RUNS = ("result", "result_file", "error")
"""What shows only after running, or because that cannot begin."""


@pytest.fixture(scope="module")
def one_window(tmp_path_factory: pytest.TempPathFactory, qapp: object) -> Iterator[Hand]:
    """A hand at one window for all scenes."""
    hand = Hand(make_window(tmp_path_factory.mktemp("config")))
    yield hand
    hand.close()


def planned(request: Request) -> str:
    """The plan of a request on the command line as JSON; or why there is none."""
    try:
        plan = plan_paths(
            request.paths, calibration=request.calibration, output=request.output, settings=request.settings,
            progress=ProgressLine(quiet=True), job=request.job,
        )  # fmt: skip
    except EvenfieldError as error:
        return error.message
    return to_json(plan)


def by_window(hand: Hand) -> str:
    """The plan of the window as JSON; or why there is none."""
    if hand.session.refusal is not None:
        return hand.session.refusal.message
    assert hand.session.plan is not None
    return to_json(hand.session.plan)


def texts(part: QWidget) -> str:
    """What the labels of a part of the window say."""
    return "\n".join(label.text() for label in part.findChildren(QLabel))


def findings(hand: Hand, code: str) -> list[Finding]:
    """The findings of a code that the window knows: of the plan and, after a run, of the report."""
    told = [*hand.session.findings, *([hand.session.refusal] if hand.session.refusal else [])]
    report = hand.session.report
    if report is not None:
        told += [*report.findings, *(one for result in report.results for one in result.findings)]
    return list(dict.fromkeys(one for one in told if one.code == code))


def shown_problems(hand: Hand, scene: CodeScene) -> str:
    """All that the lists of findings say, of each product in turn where something was made."""
    if scene.shows != "result":
        return texts(hand.window.prepare.problems)
    page = hand.window.results
    found = []
    for place in range(page.list.count()):
        page.list.setCurrentRow(place)
        found.append(texts(page.problems))
    return "\n".join(found)


def check_it_shows(hand: Hand, scene: CodeScene) -> None:
    """The code is to be read where its scene says that it shows."""
    code = scene.code
    if scene.shows in ("file", "result_file"):
        if scene.shows == "result_file":
            check_not_made(hand)
            return
        uses = [row.use for row in hand.session.rows if row.use is not None and row.use.code == code]
        assert uses
        model = hand.window.prepare.table.frames
        column = len(model.columns)
        cells = [model.data(model.index(place, column)) for place in range(model.rowCount())]
        # All masters are masters: the narrow column leaves the word out.
        reasons = [CATALOGUE[code].short or use.reason.replace(" of master_flat_", " of ") for use in uses]
        words = {literal(reason) for reason in reasons}
        assert any(cell.endswith(tuple(words)) for cell in cells), (words, cells)
        return
    if scene.shows == "error":
        assert f"Failed: {findings(hand, code)[0].message}"[:60] in hand.window.strip.log.toPlainText() or (
            findings(hand, code)[0].message in hand.reasons()
        )
        return
    told = findings(hand, code)
    assert told
    shown = shown_problems(hand, scene)
    assert any(literal(window_words(one.message)) in shown for one in told)


def check_not_made(hand: Hand) -> None:
    """Where nothing at all can be made there is no run whose report could tell of files: the reasons do."""
    plan = hand.session.plan
    assert plan is not None
    assert not hand.find("Start the job").isEnabled()
    states = hand.window.prepare.tree.node_states()
    for step in plan.all_steps:
        assert step.refused is not None
        assert states[step.id] == "cannot be made"
        assert literal(step.refused.message) in hand.reasons()


def bring(hand: Hand, scene: CodeScene, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """Bring a scene into the window, and run it where it shows only then."""
    request = request_of(scene.build(folder))
    if scene.arrange is not None:
        scene.arrange(monkeypatch)
    hand.window.show_page(0)
    hand.session.report, hand.session.results = None, []
    hand.session.edit(request, "Scene")
    hand.settle()
    if scene.shows in RUNS:
        if scene.change is not None:
            scene.change(folder)
        if hand.find("Start the job").isEnabled():
            hand.click("Start the job")
            hand.wait_for_run()
    return request


@pytest.mark.parametrize("name", ALL)
def test_the_code_shows_and_its_button_mends_it(
    name: str, one_window: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be read; each of its buttons makes the plan that the command has with the finding's fix, without it."""
    scene, hand = ALL[name], one_window
    request = bring(hand, scene, tmp_path, monkeypatch)
    assert hand.session.request == request
    check_it_shows(hand, scene)
    if scene.shows == "result":
        check_results(hand, scene, request)
        return
    for one in findings(hand, scene.code):
        if one.fix is None:
            continue
        hand.session.edit(request, "Scene")
        hand.settle()
        hand.window.show_page(0)
        press(hand, one)
        hand.settle()
        assert hand.session.request == with_fix(request, one.fix)
        assert by_window(hand) == planned(with_fix(request, one.fix))
        assert one.subject not in {other.subject for other in findings(hand, scene.code)}
        if "--allow-mismatch" in one.fix:
            assert "mismatch_allowed" in {other.code for other in hand.session.findings}


def press(hand: Hand, told: Finding) -> None:
    """Press the button of a finding, by its accessible name."""
    assert told.fix is not None
    QApplication.processEvents()
    # It says what it does, and to what.
    name = f"{button_text(told.fix)}: {literal(told.message)}"
    found = [one for one in hand.all(name, QPushButton) if one.accessibleName() == name]
    assert found, f"no button is called {name!r}"
    found[0].click()


def check_results(hand: Hand, scene: CodeScene, request: Request) -> None:
    """The buttons of findings after a run: each mends what it stands beside, when it is run again."""
    told = [one for one in findings(hand, scene.code) if one.fix is not None]
    if not told:
        return
    page = hand.window.results
    fix = told[0].fix
    assert fix is not None
    for place in range(page.list.count()):
        page.list.setCurrentRow(place)
        if literal(window_words(told[0].message)) in texts(page.problems):
            break
    hand.window.show_page(1)
    press(hand, told[0])
    hand.settle()
    assert hand.session.request == with_fix(request, fix)
    assert by_window(hand) == planned(with_fix(request, fix))
    hand.click("Start the job")
    hand.wait_for_run()
    in_the_way = findings(hand, "output_exists")
    if in_the_way and scene.code != "output_exists":
        press_in_results(hand, in_the_way[0])
    assert told[0].subject not in {one.subject for one in findings(hand, scene.code)}


def press_in_results(hand: Hand, told: Finding) -> None:
    """Press the button of a finding on the page Results, and run again."""
    page = hand.window.results
    for place in range(page.list.count()):
        page.list.setCurrentRow(place)
        if literal(window_words(told.message)) in texts(page.problems):
            break
    press(hand, told)
    hand.settle()
    hand.click("Start the job")
    hand.wait_for_run()
