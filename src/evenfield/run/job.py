"""What all steps of a run share: the plan, where things lie, how to work, whom to tell."""

from __future__ import annotations

import dataclasses
import os

from evenfield.errors import InputChangedError
from evenfield.model.events import CancelToken, EventSink, Progressed
from evenfield.model.frame import FrameInfo
from evenfield.model.plan import Plan, Step, StepInput
from evenfield.model.report import StepResult, StepStatus
from evenfield.run.loop import LoopControl


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The surroundings of a run. ``results`` grows as steps end; ``frames`` maps absolute paths to frames."""

    plan: Plan
    frames: dict[str, FrameInfo]
    results: dict[str, StepResult]
    budget_bytes: int
    threads: int
    cancel: CancelToken
    tell: EventSink
    scratch: str | None = None

    def input_path(self, item: StepInput) -> str:
        """The absolute path of a step's input."""
        return os.path.normpath(os.path.join(self.plan.root, item.path))

    def output_path(self, step: Step) -> str:
        """The absolute path of a step's product."""
        return self.product_path(step.output)

    def product_path(self, output: str) -> str:
        """The absolute path of a product, given as the plan has it."""
        return os.path.join(self.plan.output, *output.split("/"))

    def frame(self, item: StepInput) -> FrameInfo:
        """What the survey said about a step's input."""
        return self.frames[self.input_path(item)]

    def control(self, step: Step, *, total_bytes: int) -> LoopControl:
        """The loop's control for one step, telling its progress."""
        done = 0

        def told(count: int) -> None:
            nonlocal done
            done = min(done + count, total_bytes)
            self.tell(Progressed(step=step.id, done=done, total=total_bytes))

        return LoopControl(
            budget_bytes=self.budget_bytes,
            threads=self.threads,
            cancel=self.cancel,
            told=told,
            maps=step.recipe.maps,
        )


def check_unchanged(item: StepInput, path: str) -> None:
    """Refuse a frame whose size or time is not what it was when the plan was made.

    Raises
    ------
    InputChangedError
    """
    name = os.path.basename(path)
    try:
        found = os.stat(path)
    except OSError as error:
        raise InputChangedError(
            f"{name} is gone since the plan was made ({error.strerror}).", mend="Make the plan again."
        ) from None
    if found.st_size != item.size_bytes:
        raise InputChangedError(
            f"{name} has changed since the plan was made: {found.st_size} bytes, planned {item.size_bytes}.",
            mend="Make the plan again.",
        )
    if found.st_mtime_ns != item.mtime_ns:
        raise InputChangedError(f"{name} was written again since the plan was made.", mend="Make the plan again.")


def ended_well(result: StepResult | None) -> bool:
    """Whether a step left a product."""
    return result is not None and result.status in (StepStatus.DONE, StepStatus.REUSED)
