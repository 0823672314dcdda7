"""Every code of the catalogue turns up where its scene says, reads well, and goes where its fix is followed."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from code_scenes import NEVER, SCENES, VARIANTS, CodeScene

from evenfield.cli.path import error_report, nothing_report, plan_paths
from evenfield.cli.request import Request, request_of, with_fix
from evenfield.cli.screen import ProgressLine
from evenfield.errors import EvenfieldError
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.plan import FileUse, Plan
from evenfield.model.report import Report, StepStatus
from evenfield.run.run import run_plan

MOST_CHARACTERS = 300
MOST_FILES = 3

RUNS = ("result", "result_file", "error")
"""What shows only after running, or because that cannot begin."""

ALL = SCENES | VARIANTS


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a job showed: before it ran, and after."""

    plan: Plan | None = None
    report: Report | None = None

    @property
    def planned(self) -> list[Finding]:
        """The findings before anything ran."""
        if self.plan is None:
            return []
        steps = self.plan.all_steps
        return [
            *self.plan.findings,
            *(one for step in steps for one in (*step.findings, *([step.refused] if step.refused else []))),
        ]

    @property
    def reported(self) -> list[Finding]:
        """The findings of the report."""
        if self.report is None:
            return []
        return [*self.report.findings, *(one for result in self.report.results for one in result.findings)]

    def findings(self, scene: CodeScene) -> list[Finding]:
        """The findings of a scene's code, where the scene says that they show."""
        found = {"finding": self.planned, "result": self.reported, "error": self.reported}.get(scene.shows, [])
        return [one for one in found if one.code == scene.code]

    def files(self, scene: CodeScene) -> list[FileUse]:
        """The files that have a scene's code, where the scene says that they show."""
        uses: Sequence[FileUse] = ()
        if scene.shows == "file" and self.plan is not None:
            uses = self.plan.files
        if scene.shows == "result_file" and self.report is not None:
            uses = self.report.files
        return [one for one in uses if one.code == scene.code]


def see(request: Request, scene: CodeScene, folder: Path | None = None) -> Seen:
    """Plan a request, and run it where the scene asks for that; ``folder`` is changed in between."""
    try:
        plan = plan_paths(
            request.paths,
            calibration=request.calibration,
            output=request.output,
            settings=request.settings,
            progress=ProgressLine(quiet=True),
            job=request.job,
        )
        if scene.shows not in RUNS:
            return Seen(plan=plan)
        if scene.change is not None and folder is not None:
            scene.change(folder)
        return Seen(plan=plan, report=run_plan(plan) if plan.all_steps else nothing_report(plan))
    except EvenfieldError as error:
        if scene.shows != "error":
            raise
        return Seen(report=error_report(error))


def mended(request: Request, found: Finding, scene: CodeScene) -> Seen:
    """The job again with a finding's fix, in the same output folder; a product in the way is replaced, as asked."""
    assert found.fix is not None
    request = with_fix(request, found.fix)
    seen = see(request, scene)
    in_the_way = [one for one in seen.reported if one.code == "output_exists"]
    if in_the_way and found.code != "output_exists":
        assert in_the_way[0].fix is not None
        seen = see(with_fix(request, in_the_way[0].fix), scene)
    return seen


def readable(found: Finding) -> None:
    """A finding's message is one short text of sentences, its subject a name or a few."""
    assert found.message[:1].strip()
    assert found.message.endswith((".", "?", "!"))
    assert not found.message.endswith("..")
    assert len(found.message) <= MOST_CHARACTERS
    assert not re.search(r"\d e[+-]?\d|\de[+-]\d|\bnan\b|\binf\b", found.message)
    assert not re.search(r"(?<![\d.])1 (?:pixels|values|flats|lights|frames|files|days|masters)\b", found.message)
    assert found.mend.endswith((".", ":", "?"))
    assert len(re.findall(r"\.(?:fits?|fts|fz|tif|cr2|xisf)\b", found.subject)) <= MOST_FILES


def test_every_code_has_a_scene() -> None:
    """A new code needs a scene, or a reason why there is none; a code that is gone needs neither."""
    assert {*SCENES, *NEVER} == set(CATALOGUE)
    assert not SCENES.keys() & NEVER.keys()
    assert {scene.code for scene in VARIANTS.values()} <= SCENES.keys()


@pytest.mark.parametrize("name", ALL)
def test_the_code_shows(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real path gives the code where its scene says; its message reads well; its fix mends it."""
    scene = ALL[name]
    request = request_of(scene.build(tmp_path))
    if scene.arrange is not None:
        scene.arrange(monkeypatch)
    seen = see(request, scene, tmp_path)
    found = seen.findings(scene)
    assert found or seen.files(scene), [one.code for one in (*seen.planned, *seen.reported)]
    for one in found:
        readable(one)
    for one in [one for one in found if one.fix is not None]:
        again = mended(request, one, scene)
        assert one.subject not in {other.subject for other in again.findings(scene)}
        assert not [other for other in again.reported if other.level is FindingLevel.BLOCKER]
        if "--allow-mismatch" in (one.fix or ()):
            assert "mismatch_allowed" in {other.code for other in again.planned}


@pytest.mark.parametrize("name", [name for name, scene in ALL.items() if scene.shows == "result"])
def test_what_stops_a_step_is_told_aloud(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that FAILED has a finding of the highest level, which --quiet shows too; one that did not has none."""
    scene = ALL[name]
    request = request_of(scene.build(tmp_path))
    if scene.arrange is not None:
        scene.arrange(monkeypatch)
    report = see(request, scene, tmp_path).report
    assert report is not None
    for result in report.results:
        worst = [one.code for one in result.findings if one.level is FindingLevel.BLOCKER]
        stopped = result.status in (StepStatus.FAILED, StepStatus.SKIPPED)
        # A light, or a copy of a product, can be missing where the step itself is done.
        assert bool(worst) == stopped or name in ("light_failed", "output_exists/tiff"), (result.id, worst)


@pytest.mark.parametrize("name", ALL)
def test_the_scene_is_the_same_again(name: str, tmp_path: Path) -> None:
    """Two scenes of a code are equal to the byte, and lie in the folder that was given."""
    made = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        arguments = [one.replace(str(folder), "") for one in ALL[name].build(folder)]
        files = {os.path.relpath(path, folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        made.append((arguments, files))
    assert made[0] == made[1]
