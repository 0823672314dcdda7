"""After success, on request: the flats that were used go to another folder. No file is ever lost to a name clash."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from evenfield.errors import EvenfieldError
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameKind
from evenfield.model.plan import Plan
from evenfield.model.report import StepResult
from evenfield.model.wording import name_files
from evenfield.plan.names import target_folder
from evenfield.write import move_file


def move_inputs(plan: Plan, results: Sequence[StepResult]) -> tuple[tuple[tuple[str, str], ...], list[Finding]]:
    """Move the flats of all results; returns (from, to) of each, and findings about those that could not be moved."""
    template = plan.settings.output.move_inputs
    if template is None:
        return (), []
    now = datetime.datetime.now()
    frames = {frame.path: frame for frame in plan.frames}
    moved: list[tuple[str, str]] = []
    failed: dict[tuple[str, str, str], list[str]] = {}
    for result in results:
        if result.kind is not FrameKind.FLAT:
            continue
        for path in result.inputs:
            folder = target_folder(template, frames[path], now=now)
            try:
                moved.append((path, move_file(path, folder)))
            except EvenfieldError as error:
                failed.setdefault((folder, _reason(error), error.mend), []).append(path)
    told = []
    for (folder, reason, mend), paths in failed.items():
        text = f"{name_files(paths)} not moved to {folder}: {reason}"
        told.append(finding("move_failed", name_files(paths), text, mend=mend or None))
    return tuple(moved), told


def _reason(error: EvenfieldError) -> str:
    """What went wrong, without the names of the file, so that equal reasons are equal."""
    return error.message.rpartition(" cannot be written: ")[2].rpartition(" cannot be moved: ")[2]
