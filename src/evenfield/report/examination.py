"""An examination as text and as CSV: one line a set, with the number that decided and what to do."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

from evenfield.model.catalogue import CATALOGUE
from evenfield.model.findings import FindingLevel
from evenfield.model.frame import FrameKind
from evenfield.model.report import FrameStatistics, OpenQuestion, Report, StepResult, Verdict
from evenfield.model.wording import plural
from evenfield.report.layout import indented, shortened
from evenfield.report.text import VERDICT_STYLES, Paint, mend_text, ordered_findings, plain

_RANK: Final = {Verdict.WILL_NOT_WORK: 0, Verdict.CHECK: 1, Verdict.CANNOT_TELL: 2, Verdict.WORKS: 3}
_NAME: Final = 34
_VERDICT: Final = 14

CSV_FIELDS: Final = tuple(name for name in FrameStatistics.__struct_fields__)


def worst_first(results: Sequence[StepResult]) -> list[StepResult]:
    """Flats and lights before dark frames, those that will not work before those that do."""
    last = {FrameKind.FLAT: 0, FrameKind.LIGHT: 0}
    return sorted(results, key=lambda one: (_RANK[one.verdict], last.get(one.kind, 1)))


def examination_text(report: Report, *, verbose: bool = False, paint: Paint = plain) -> str:
    """One line a set: verdict, deciding number and mend; then what stays open."""
    lines: list[str] = []
    for result in worst_first(report.results):
        name = f"{shortened(result.id, _NAME - 8)} ({len(result.inputs)})"
        head = f"{name:<{_NAME}}{paint(f'{result.verdict.value:<{_VERDICT}}', VERDICT_STYLES[result.verdict])}"
        why, mend = reason_of_verdict(result)
        text = f"{why} {mend}".strip()
        body = indented(text, by=4)
        lines += [head.rstrip(), *body]
        if verbose:
            for one in ordered_findings(result.findings):
                if one.message != result.why:
                    lines += indented(f"{one.level.value}: {one.message} {one.mend}", by=4)
    told = ordered_findings(report.findings)
    shown = [one for one in told if verbose or one.level is not FindingLevel.NOTE]
    for one in shown:
        lines += indented(f"{one.level.value}: {one.message} {mend_text(one)}", by=0)
    asked = list(dict.fromkeys(one for result in report.results for one in result.open))
    if asked:
        lines += ["", "Open, and what would answer it:"]
        for question in asked:
            lines += indented(f"{question.question} {open_needs(question)}", by=2)
    counts = {verdict: sum(1 for one in report.results if one.verdict is verdict) for verdict in _RANK}
    words = [f"{count} {verdict.value}" for verdict, count in counts.items() if count]
    lines += ["", f"{plural(len(report.results), 'set')} examined in {report.seconds:.1f} s: {', '.join(words)}."]
    return "\n".join(lines) + "\n"


def reason_of_verdict(result: StepResult) -> tuple[str, str]:
    """The sentence that decided, without the set's name before it, and what to do about it."""
    deciding = next(
        (one for one in result.findings if one.message == result.why and CATALOGUE[one.code].verdict is not None), None
    )
    if deciding is None:
        return result.why, ""
    mend = mend_text(deciding)
    why = deciding.message.removeprefix(f"{result.id}: ")
    # A file's name is written as it is.
    return why[:1].upper() + why[1:] if why.partition(" ")[0].isalpha() else why, mend


def open_needs(question: OpenQuestion) -> str:
    """What would answer a question, as a sentence."""
    text = question.needs
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def statistics_csv(report: Report) -> str:
    """A line of CSV for each frame and CFA plane, with a head line; unknown is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["set", *CSV_FIELDS])
    for result in report.results:
        for one in result.statistics:
            values = [getattr(one, name) for name in CSV_FIELDS]
            writer.writerow([result.id, *("" if value is None else value for value in values)])
    return out.getvalue()
