"""What a plan will cost: bytes to read and write, and the peak of memory. No seconds: those depend on the disk."""

from __future__ import annotations

import os

import msgspec

from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.plan import Plan, Step
from evenfield.tiles import Work, peak_bytes


class StepEstimate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The cost of one step, bytes."""

    id: str
    frames: int
    bytes_to_read: int
    bytes_to_write: int
    peak_bytes: int


class Estimate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The cost of a plan, bytes; ``peak_bytes`` is that of its most demanding step."""

    frames: int
    bytes_to_read: int
    bytes_to_write: int
    peak_bytes: int
    steps: tuple[StepEstimate, ...]


def estimate_plan(plan: Plan, *, memory_bytes: int, threads: int = 1) -> Estimate:
    """Estimate what a plan costs; steps that are refused cost nothing.

    Parameters
    ----------
    plan : Plan
    memory_bytes : int
        The memory budget.
    threads : int
        Worker threads.

    Raises
    ------
    MemoryBudgetError
        If the budget is too small for a single row of some step.
    """
    frames = {frame.path: frame for frame in plan.frames}
    steps = tuple(
        _step_estimate(step, plan, frames, memory_bytes, threads) for step in plan.steps if step.refused is None
    )
    return Estimate(
        frames=sum(step.frames for step in steps),
        bytes_to_read=sum(step.bytes_to_read for step in steps),
        bytes_to_write=sum(step.bytes_to_write for step in steps),
        peak_bytes=max((step.peak_bytes for step in steps), default=0),
        steps=steps,
    )


def _step_estimate(
    step: Step, plan: Plan, frames: dict[str, FrameInfo], memory_bytes: int, threads: int
) -> StepEstimate:
    first = frames[os.path.normpath(os.path.join(plan.root, step.inputs[0].path))]
    shape = first.setup.shape
    if step.trim is not None:
        shape = (step.trim[1] - step.trim[0], step.trim[3] - step.trim[2])
    plain = first.sample in ("int16", "uint16")
    # The level of a flat needs a reading of its own.
    readings = 2 if step.kind is FrameKind.FLAT else 1
    work = Work(
        n_frames=len(step.inputs),
        shape=shape,
        sample_bytes=2 if plain else 4,
        threads=threads,
        n_masters=sum(1 for calibration in step.calibrations if calibration.masters),
    )
    written = 2 if step.recipe.sample == "uint16" else 4
    return StepEstimate(
        id=step.id,
        frames=len(step.inputs),
        bytes_to_read=readings * sum(item.size_bytes for item in step.inputs),
        bytes_to_write=written * shape[0] * shape[1],
        peak_bytes=peak_bytes(work, budget_bytes=memory_bytes),
    )
