"""What the tree at the left shows: the products that will be made, and the groups of files beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

from evenfield.examination import EXAMINE
from evenfield.gui.rows import Row
from evenfield.gui.words import count_words, listed, mark, tr
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.findings import FindingLevel
from evenfield.model.frame import FrameKind
from evenfield.model.literal import literal
from evenfield.model.plan import LightStep, Plan, Step

STATES: Final = {
    mark("ready"): "\u25cf",
    mark("check"): "\u25b2",
    mark("cannot be made"): "\u2715",
    mark("not wanted"): "\u25cb",
}
"""State -> the shape that stands beside it; the state's name is translated where it is shown."""

ALL: Final = "all"
USES: Final = {
    "left_out": mark("Left out"), "not_needed": mark("Not needed"), "unreadable": mark("Unreadable"),
}  # fmt: skip
"""What becomes of files that are in no master -> the words for it."""

_COUNTS: Final = {
    FrameKind.BIAS: (mark("{} bias frame"), mark("{} bias frames")),
    FrameKind.DARK: (mark("{} dark"), mark("{} darks")),
    FrameKind.DARK_FLAT: (mark("{} dark flat"), mark("{} dark flats")),
    FrameKind.FLAT: (mark("{} flat"), mark("{} flats")),
    FrameKind.LIGHT: (mark("{} light"), mark("{} lights")),
}


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


def tree_sections(plan: Plan, rows: Sequence[Row], *, job: str) -> tuple[Section, ...]:
    """The sections of the tree, those without nodes left out."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.node] = counts.get(row.node, 0) + 1
    examining = job == EXAMINE
    products = Section(tr("Will be examined") if examining else tr("Will be made"), tuple(_products(plan, job)))
    uses = [
        Node(
            id=use, title=tr(title), count=counts[use],
            marked=use == "left_out" and any(row.asks for row in rows),
        )
        for use, title in USES.items()
        if counts.get(use)
    ]  # fmt: skip
    uses.append(Node(id=ALL, title=tr("All files"), count=len(rows)))
    others = Section(tr("Not examined") if examining else tr("Not in a master"), tuple(uses))
    return tuple(section for section in (products, others) if section.nodes)


def _products(plan: Plan, job: str) -> Iterator[Node]:
    every = tuple(FrameKind)
    wanted_kinds = {"masters": every, EXAMINE: every, "calibrate": (FrameKind.LIGHT,)}.get(job, (FrameKind.FLAT,))
    # What was asked for first, then what it needs.
    steps = sorted(plan.all_steps, key=lambda step: (step.kind not in wanted_kinds, step.kind is not FrameKind.FLAT))
    for step in steps:
        own = step.kind in wanted_kinds
        yield Node(
            id=step.id, title=literal(step.id), detail=_detail(step), state=step_state(step), count=len(step.inputs),
            wanted=True if own else None, step=step,
        )  # fmt: skip
    for name in plan.settings.select.without:
        yield Node(id=f"without {name}", title=literal(name), detail=tr("unticked"), state="not wanted", wanted=False)


def _detail(step: Step | LightStep) -> str:
    count = count_words(len(step.inputs), *_COUNTS[step.kind])
    if isinstance(step, Step) and step.kind is not FrameKind.FLAT:
        return count
    minus = [master.title for one in step.calibrations for master in one.masters.values()]
    number = [one.pedestal_adu for one in step.calibrations if one.pedestal_adu is not None]
    if any(one.how == "inferred" for one in step.calibrations):
        minus.append(tr("a pedestal told by pixels"))
    elif number:
        minus.append(tr("{} ADU").format(f"{number[0]:g}"))
    subtracted = f"{count} - {literal(listed(list(dict.fromkeys(minus))) or tr('nothing'))}"
    if isinstance(step, LightStep) and step.flat is not None:
        return tr("{}, by {}").format(subtracted, literal(step.flat.title))
    return subtracted


def summary(plan: Plan, rows: Sequence[Row], *, job: str) -> str:
    """The top line: "155 files, 2 nights, 2 filters. 3 master flats can be made. 20 files need your answer."."""
    nights = {row.night for row in rows if row.night and row.frame and row.frame.kind is not FrameKind.DARK}
    filters = {row.frame.filter for row in rows if row.frame is not None and row.frame.filter}
    counts = [count_words(len(rows), "{} file", "{} files")]
    counts += [count_words(len(nights), "{} night", "{} nights")] if nights else []
    counts += [count_words(len(filters), "{} filter", "{} filters")] if filters else []
    parts = [", ".join(counts) + "."]
    parts.append(_makeable(plan, job))
    asking = sum(1 for row in rows if row.asks)
    if asking:
        parts.append(count_words(asking, "{} file needs your answer.", "{} files need your answer."))
    return "  ".join(parts)


def _examined(plan: Plan) -> int:
    """How many sets an examination looks at."""
    return sum(1 for step in plan.all_steps if step.refused is None)


def _makeable(plan: Plan, job: str) -> str:
    if job == EXAMINE:
        sets = _examined(plan)
        return count_words(sets, "{} set can be examined.", "{} sets can be examined.")
    count, what = _made(plan)
    if not count:
        return tr("Nothing can be made.")
    if what == "lights":
        return count_words(count, "{} calibrated light can be made.", "{} calibrated lights can be made.")
    if what == "flats":
        return count_words(count, "{} master flat can be made.", "{} master flats can be made.")
    return count_words(count, "{} master can be made.", "{} masters can be made.")


def _made(plan: Plan) -> tuple[int, str]:
    """How many products a plan makes, and which: "lights", "flats" (what they need apart) or "masters"."""
    if plan.lights:
        return sum(len(step.inputs) for step in plan.lights if step.refused is None), "lights"
    steps = [step for step in plan.steps if step.refused is None]
    flats = [step for step in steps if step.kind is FrameKind.FLAT]
    if flats and not any(step.kind is not FrameKind.FLAT and not _needed(step, plan) for step in steps):
        return len(flats), "flats"
    return len(steps), "masters"


def _needed(step: Step, plan: Plan) -> bool:
    return any(step.id in other.needs for other in plan.all_steps)


def button_words(plan: Plan | None, *, job: str) -> str:
    """The text of the button that starts the job, named by what it does."""
    if job == EXAMINE:
        sets = _examined(plan) if plan is not None else 0
        return count_words(sets, "Examine {} set", "Examine {} sets") if sets else tr("Examine")
    count, what = _made(plan) if plan is not None else (0, "")
    if what == "lights":
        return count_words(count, "Calibrate {} light", "Calibrate {} lights")
    if not count:
        return tr("Make masters")
    if what == "flats":
        return count_words(count, "Make {} master flat", "Make {} master flats")
    return count_words(count, "Make {} master", "Make {} masters")
