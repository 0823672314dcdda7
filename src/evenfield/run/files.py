"""What became of every file, now that the steps have run."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from evenfield.model.frame import FrameKind
from evenfield.model.plan import FileUse, Plan
from evenfield.model.report import StepResult
from evenfield.run.job import ended_well


def final_uses(plan: Plan, results: Sequence[StepResult]) -> tuple[FileUse, ...]:
    """The plan's uses, with the frames that were left out while running, and those whose master was not made."""
    lights = {result.id for result in results if result.kind is FrameKind.LIGHT}
    excluded = {
        one.path: one for result in results if ended_well(result) or result.id in lights for one in result.excluded
    }
    made = {result.id for result in results if ended_well(result)}
    found = []
    for use in plan.files:
        out = excluded.get(use.path)
        if use.use != "used":
            found.append(use)
        elif out is not None:
            kind = "unreadable" if out.code == "frame_failed" else "left_out"
            found.append(msgspec.structs.replace(use, use=kind, code=out.code, reason=out.reason))
        elif not made.intersection(use.steps):
            what = "it was not calibrated" if lights.intersection(use.steps) else "its master was not made"
            found.append(msgspec.structs.replace(use, use="left_out", code="not_made", reason=what))
        else:
            found.append(use)
    return tuple(found)
