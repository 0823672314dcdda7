"""What a plan will cost: bytes to read and write, and the peak of memory. No seconds: those depend on the disk."""

from __future__ import annotations

import os
from typing import Final

import msgspec

from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.plan import LightStep, Plan, Step
from evenfield.tiles import INTERPRETER_BYTES, LIGHT_BYTES, SKY_BYTES, Work, peak_bytes

PLENTY: Final = 1 << 50
"""A budget that limits nothing: bands have a height from which on more is of no use."""


MAP_BYTES: Final = 22
"""Of each pixel of a master with its maps, as `evenfield.tiles.resident_bytes` has it."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What a run may take of the machine."""

    memory_bytes: int
    threads: int


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


def estimate_plan(plan: Plan, *, memory_bytes: int | None = None, threads: int | None = None) -> Estimate:
    """Estimate what a plan costs; steps that are refused cost nothing.

    Parameters
    ----------
    plan : Plan
    memory_bytes : int, optional
        The memory budget; by default that of the plan's settings, else as much as is of use.
    threads : int, optional
        Worker threads; by default those of the plan's settings, else one for each core.

    Raises
    ------
    MemoryBudgetError
        If the budget is too small for a single row of some step.
    """
    run = plan.settings.run
    memory = memory_bytes or run.memory_bytes or PLENTY
    workers = threads or run.threads or os.cpu_count() or 1
    frames = {frame.path: frame for frame in plan.frames}
    steps = tuple(
        _step_estimate(step, plan, frames, Machine(memory_bytes=memory, threads=workers))
        for step in plan.steps
        if step.refused is None
    )
    steps += tuple(
        _light_estimate(step, plan, frames, Machine(memory_bytes=memory, threads=workers))
        for step in plan.lights
        if step.refused is None
    )
    return Estimate(
        frames=sum(step.frames for step in steps),
        bytes_to_read=sum(step.bytes_to_read for step in steps),
        bytes_to_write=sum(step.bytes_to_write for step in steps),
        peak_bytes=max((step.peak_bytes for step in steps), default=0),
        steps=steps,
    )


def _light_estimate(step: LightStep, plan: Plan, frames: dict[str, FrameInfo], machine: Machine) -> StepEstimate:
    first = frames[os.path.normpath(os.path.join(plan.root, step.inputs[0].path))]
    rows, columns = first.setup.shape
    if step.trim is not None:
        rows, columns = step.trim[1] - step.trim[0], step.trim[3] - step.trim[2]
    masters = {ref.path or ref.step for one in step.calibrations for ref in one.masters.values()}
    n_masters = len(masters) + (step.flat is not None)
    written = (2 if step.recipe.sample == "uint16" else 4) + 2 * step.recipe.maps
    peak = INTERPRETER_BYTES + rows * columns * (4 * n_masters + LIGHT_BYTES * machine.threads)
    return StepEstimate(
        id=step.id,
        frames=len(step.inputs),
        bytes_to_read=sum(item.size_bytes for item in step.inputs) + 4 * n_masters * rows * columns,
        bytes_to_write=written * rows * columns * len(step.outputs),
        peak_bytes=min(peak, max(machine.memory_bytes, INTERPRETER_BYTES)),
    )


def _step_estimate(step: Step, plan: Plan, frames: dict[str, FrameInfo], machine: Machine) -> StepEstimate:
    first = frames[os.path.normpath(os.path.join(plan.root, step.inputs[0].path))]
    shape = first.setup.shape
    if step.trim is not None:
        shape = (step.trim[1] - step.trim[0], step.trim[3] - step.trim[2])
    plain = first.sample in ("int16", "uint16")
    # The level of a flat needs a reading of its own, its median one more.
    readings = 1
    if step.kind is FrameKind.FLAT:
        readings = 3 if step.recipe.scale == "median" else 2
    more = 0
    if step.told_by is not None:
        # Combined once before, and compared in pairs; and whatever tells beside.
        readings = 2 * readings + 1
        told = (*step.told_by.darks, *(item for one in step.told_by.lights for item in one.inputs))
        more = sum(item.size_bytes for item in told)
    ready = {ref.path for one in step.calibrations for ref in one.masters.values() if ref.path is not None}
    work = Work(
        n_frames=len(step.inputs),
        shape=shape,
        sample_bytes=2 if plain else 4,
        threads=machine.threads,
        n_masters=sum(1 for calibration in step.calibrations if calibration.masters),
        maps=step.recipe.maps or step.told_by is not None,
    )
    written = 2 if step.recipe.sample == "uint16" else 4
    peak = peak_bytes(work, budget_bytes=machine.memory_bytes)
    if step.told_by is not None and step.told_by.lights:
        # The flats as they are, with what combining tells of them, and at least one light beside them.
        peak = max(peak, INTERPRETER_BYTES + shape[0] * shape[1] * (MAP_BYTES + SKY_BYTES))
    return StepEstimate(
        id=step.id,
        frames=len(step.inputs),
        bytes_to_read=readings
        * (
            sum(item.size_bytes for item in step.inputs)
            + sum(frames[path].size_bytes for path in ready if path in frames)
        )
        + more,
        bytes_to_write=written * shape[0] * shape[1],
        peak_bytes=peak,
    )
