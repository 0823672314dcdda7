"""Results of a run as the page Results lists and explains them. No Qt."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from typing import Final

from evenfield.gui.rows import kind_words
from evenfield.gui.why import Block, Facts, Heading, Text
from evenfield.gui.words import count_words, listed, mark, tr
from evenfield.model.frame import DARK_KINDS
from evenfield.model.literal import literal
from evenfield.model.report import Report, StepResult, StepStatus, Verdict
from evenfield.model.wording import measured_text

_WORST_FIRST: Final = (Verdict.WILL_NOT_WORK, Verdict.CHECK, Verdict.CANNOT_TELL, Verdict.WORKS)

_SIGNS: Final = {
    Verdict.WORKS: "\u25cf", Verdict.CHECK: "\u25b2", Verdict.WILL_NOT_WORK: "\u2715", Verdict.CANNOT_TELL: "?",
}  # fmt: skip

VERDICT_WORDS: Final = {
    Verdict.WORKS: mark("works"), Verdict.CHECK: mark("check"), Verdict.WILL_NOT_WORK: mark("will not work"),
    Verdict.CANNOT_TELL: mark("cannot tell"),
}  # fmt: skip
"""Verdict -> its words in the window."""

STATUS_WORDS: Final[dict[str, str]] = {
    StepStatus.DONE: mark("DONE"), StepStatus.REUSED: mark("REUSED"), StepStatus.SKIPPED: mark("SKIPPED"),
    StepStatus.FAILED: mark("FAILED"), StepStatus.CANCELLED: mark("CANCELLED"),
}  # fmt: skip
"""How a step ended -> its words in the window."""

_NOT_MADE: Final = (StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED)

MOST_NAMES: Final = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of the list: ``path`` of the picture, ``word`` and ``reason`` of the verdict."""

    title: str
    sign: str
    word: str
    reason: str
    path: str | None
    result: StepResult


def outcome_lines(results: Sequence[StepResult]) -> list[Line]:
    """The results, the worst first; of lights each one has a line."""
    lines = []
    for result in sorted(results, key=_badness):
        word, sign = _word(result)
        reason = literal(result.why)
        if result.lights:
            for light in result.lights:
                made = light.status in (StepStatus.DONE, StepStatus.REUSED)
                title = literal(os.path.basename(light.output or light.path))
                lines.append(
                    Line(title, sign if made else "\u2715", word if made else tr(STATUS_WORDS[light.status]), reason,
                         (light.output or light.path) if made else None, result)
                )  # fmt: skip
            continue
        title = literal(os.path.basename(result.outputs[0]) if result.outputs else result.id)
        lines.append(Line(title, sign, word, reason, _picture(result), result))
    return lines


def _picture(result: StepResult) -> str | None:
    """The product; where its set was examined only, the first of its frames."""
    if result.outputs:
        return result.outputs[0]
    return result.inputs[0] if result.inputs and result.status not in _NOT_MADE else None


def _badness(result: StepResult) -> tuple[int, int, bool]:
    # Of equal ones, what was asked for stands before what it needs.
    needed = result.kind in DARK_KINDS
    if result.status in _NOT_MADE:
        return 0, _NOT_MADE.index(result.status), needed
    return 1, _WORST_FIRST.index(result.verdict), needed


def _word(result: StepResult) -> tuple[str, str]:
    if result.status in _NOT_MADE:
        return tr(STATUS_WORDS[result.status]), "\u2715"
    word = tr(VERDICT_WORDS[result.verdict])
    if result.status is StepStatus.REUSED:
        word = tr("{} (REUSED)").format(word)
    return word, _SIGNS[result.verdict]


def outcome_summary(results: Sequence[StepResult], report: Report | None, *, examined: bool = False) -> str:
    """The line above the list: "4 masters made, 3 of them REUSED, in 1.3 s."; or how many sets were examined."""
    made = [one for one in results if one.status not in _NOT_MADE]
    reused = sum(1 for one in made if one.status is StepStatus.REUSED)
    failed = len(results) - len(made)
    lights = sum(len(one.lights) for one in made)
    masters = sum(1 for one in made if not one.lights)
    products = [count_words(masters, "{} master", "{} masters")] if masters or not lights else []
    products += [count_words(lights, "{} light", "{} lights")] if lights else []
    if examined:
        parts = [count_words(len(made), "{} set examined", "{} sets examined")]
        parts += [tr("{} not examined").format(failed)] if failed else []
    else:
        parts = [tr("{} made").format(listed(products))]
        parts += [tr("{} REUSED").format(reused)] if reused else []
        parts += [tr("{} not made").format(failed)] if failed else []
    text = ", ".join(parts)
    return tr("{} so far.").format(text) if report is None else tr("{}, in {} s.").format(text, f"{report.seconds:.1f}")


def _role_words(role: str) -> str:
    """What a master was used as: "dark flat", "dark flat 2" where it is the second one."""
    kind, _, number = role.rpartition("_")
    if number.isdigit():
        return f"{kind_words(kind)} {number}"
    return kind_words(role)


def how_made(line: Line) -> Iterator[Block]:
    """How a product was made."""
    result = line.result
    yield Heading(line.title)
    yield Text(f"{line.word}: {line.reason}" if line.reason else line.word)
    for text in result.because:
        yield Text(literal(text[:1].upper() + text[1:]) + ".")
    if result.masters:
        yield Heading(tr("What was subtracted and divided"))
        yield Facts(
            tuple((_role_words(role), literal(os.path.basename(path)), "") for role, path in result.masters.items())
        )
    measured = tuple((*measured_text(key, value), "") for key, value in result.measured.items() if value is not None)
    if measured:
        yield Heading(tr("Measured"))
        yield Facts(measured)
    if result.excluded:
        yield Heading(tr("Left out"))
        for one in result.excluded[:MOST_NAMES]:
            yield Text(literal(f"{os.path.basename(one.path)}: {one.reason}"))
    if result.inputs:
        yield Heading(count_words(len(result.inputs), "Made of {} frame", "Made of {} frames"))
        first, last = (os.path.basename(result.inputs[place]) for place in (0, -1))
        yield Text(literal(first if len(result.inputs) == 1 else f"{first} ... {last}"))
