"""What the tree at the left shows: the products that will be made, and the groups of files beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

from evenfield.gui.rows import Row
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.findings import FindingLevel
from evenfield.model.frame import FrameKind
from evenfield.model.literal import literal
from evenfield.model.plan import LightStep, Plan, Step
from evenfield.model.wording import plural

STATES: Final = {
    "ready": "\u25cf",
    "check": "\u25b2",
    "cannot be made": "\u2715",
    "not wanted": "\u25cb",
}
"""Word of a state -> the shape that stands beside it."""

ALL: Final = "all"
USES: Final = {"left_out": "Left out", "not_needed": "Not needed", "unreadable": "Unreadable"}


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """One line of the tree. ``id`` is that of a step, a use, or `ALL`; ``detail`` a second, smaller line.

    ``wanted`` is ``None`` where the node has no tick; ``step`` is the plan's step, where it is one.
    """

    id: str
    title: str
    detail: str = ""
    state: str = ""
    count: int = 0
    wanted: bool | None = None
    step: Step | LightStep | None = None
    marked: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """A heading of the tree and what stands under it."""

    title: str
    nodes: tuple[Node, ...]


def step_state(step: Step | LightStep) -> str:
    """A key of `STATES`."""
    if step.refused is not None:
        return "cannot be made"
    for one in step.findings:
        if one.level is not FindingLevel.NOTE or CATALOGUE[one.code].verdict is not None:
            return "check"
    return "ready"


def tree_sections(plan: Plan | None, rows: Sequence[Row], *, job: str) -> tuple[Section, ...]:
    """The sections of the tree, those without nodes left out."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.node] = counts.get(row.node, 0) + 1
    sections = []
    if plan is not None:
        sections.append(Section("Will be made", tuple(_products(plan, job))))
        uses = [
            Node(id=use, title=title, count=counts[use], marked=use == "left_out" and any(row.asks for row in rows))
            for use, title in USES.items()
            if counts.get(use)
        ]
    else:
        uses = [Node(id=key, title=key.capitalize(), count=count) for key, count in counts.items() if key]
    uses.append(Node(id=ALL, title="All files", count=len(rows)))
    sections.append(Section("Not in a master" if plan is not None else "Frames", tuple(uses)))
    return tuple(section for section in sections if section.nodes)


def _products(plan: Plan, job: str) -> Iterator[Node]:
    wanted_kinds = {"masters": tuple(FrameKind), "calibrate": (FrameKind.LIGHT,)}.get(job, (FrameKind.FLAT,))
    # What was asked for first, then what it needs.
    steps = sorted(plan.all_steps, key=lambda step: (step.kind not in wanted_kinds, step.kind is not FrameKind.FLAT))
    for step in steps:
        own = step.kind in wanted_kinds
        yield Node(
            id=step.id, title=literal(step.id), detail=_detail(step), state=step_state(step), count=len(step.inputs),
            wanted=True if own else None, step=step,
        )  # fmt: skip
    for name in plan.settings.select.without:
        yield Node(id=f"without {name}", title=literal(name), detail="unticked", state="not wanted", wanted=False)


def _detail(step: Step | LightStep) -> str:
    count = plural(len(step.inputs), step.kind.words)
    if isinstance(step, Step) and step.kind is not FrameKind.FLAT:
        return count
    minus = [master.title for one in step.calibrations for master in one.masters.values()]
    number = [one.pedestal_adu for one in step.calibrations if one.pedestal_adu is not None]
    if number:
        minus.append(f"{number[0]:g} ADU")
    listed = " and ".join(dict.fromkeys(minus)) or "nothing"
    flat = f", by {step.flat.title}" if isinstance(step, LightStep) and step.flat is not None else ""
    return f"{count} - {literal(listed)}{literal(flat)}"


def summary(plan: Plan | None, rows: Sequence[Row]) -> str:
    """The top line: "155 files, 2 nights, 2 filters. 3 master flats can be made. 20 files need your answer."."""
    nights = {row.night for row in rows if row.night and row.frame and row.frame.kind is not FrameKind.DARK}
    filters = {row.frame.filter for row in rows if row.frame is not None and row.frame.filter}
    counts = [_count(len(rows), "file")]
    counts += [_count(len(nights), "night")] if nights else []
    counts += [_count(len(filters), "filter")] if filters else []
    parts = [", ".join(counts) + "."]
    if plan is not None:
        parts.append(f"{_made(plan)} can be made.")
        asking = sum(1 for row in rows if row.asks)
        if asking:
            parts.append(f"{_count(asking, 'file')} {'needs' if asking == 1 else 'need'} your answer.")
    return "  ".join(parts)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def _made(plan: Plan) -> str:
    text = made_words(plan)
    return text[:1].upper() + text[1:]


def made_words(plan: Plan) -> str:
    """What a plan makes: "3 master flats", "5 masters", "24 calibrated lights", "nothing"."""
    lights = sum(len(step.inputs) for step in plan.lights if step.refused is None)
    steps = [step for step in plan.steps if step.refused is None]
    flats = [step for step in steps if step.kind is FrameKind.FLAT]
    if plan.lights:
        return _count(lights, "calibrated light") if lights else "nothing"
    if flats and not any(step.kind is not FrameKind.FLAT and not _needed(step, plan) for step in steps):
        return _count(len(flats), "master flat")
    return _count(len(steps), "master") if steps else "nothing"


def _needed(step: Step, plan: Plan) -> bool:
    return any(step.id in other.needs for other in plan.all_steps)


def button_words(plan: Plan | None, *, examining: bool, n_files: int) -> str:
    """The text of the button that starts the job, named by what it does."""
    if examining:
        return f"Measure {_count(n_files, 'level')}"
    if plan is None:
        return "Make masters"
    if plan.lights:
        lights = sum(len(step.inputs) for step in plan.lights if step.refused is None)
        return f"Calibrate {_count(lights, 'light')}"
    words = made_words(plan)
    return "Make masters" if words == "nothing" else f"Make {words}"
