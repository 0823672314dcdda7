"""A report or a plan as a text of 80 columns and about 25 lines, whatever the night."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final

from evenfield.model.catalogue import CATALOGUE
from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.frame import FrameKind
from evenfield.model.plan import Plan, Step
from evenfield.model.report import Report, StepResult, StepStatus, Verdict
from evenfield.model.wording import plural
from evenfield.plan.reasons import combine_words
from evenfield.report.counts import counts_line, reason_lines, used_setup
from evenfield.report.layout import WIDTH, indented, quoted, shortened

MOST_MASTERS: Final = 5
MOST_FINDINGS: Final = 4
NAME_WIDTH: Final = 32
"""Longer names get a line of their own."""

TIFF_WORDS: Final = {"16": "16-bit integers", "32": "32-bit floats, 0..1"}

Paint = Callable[[str, str], str]
"""Colors a text by a style name ("good", "warn", "bad", "dim"); the text alone says everything."""


def plain(text: str, style: str) -> str:
    """No color at all."""
    del style
    return text


def report_text(
    report: Report, *, plan: Plan, verbose: bool = False, paint: Paint = plain, more: str = "report.json"
) -> str:
    """The result of a run: what was found, what was made with its because, what needs attention, one closing line.

    ``more`` is the file in the output folder that tells more.
    """
    most = 10**6 if verbose else MOST_MASTERS
    lines = [counts_line(report.files), *reason_lines(report.files)]
    lines += _used_lines(used_setup(report.files, plan.frames))
    flats = [result for result in report.results if result.kind is FrameKind.FLAT]
    if flats:
        lines += ["", *_masters_head(report.output)]
        for result in flats[:most]:
            lines += _master_lines(result, plan.step(result.id), paint)
        if len(flats) > most:
            lines.append(f"  and {len(flats) - most} more: see {more}")
    lines += _shared_lines(plan)
    lights = [result for result in report.results if result.kind is FrameKind.LIGHT]
    if lights:
        lines += ["", f"{'Lights in ' + _folder(os.path.join(report.output, 'lights')):<36}lights median  dark x"]
        for result in lights[:most]:
            lines += _light_lines(result, paint)
        if len(lights) > most:
            lines.append(f"  and {len(lights) - most} more groups: see {more}")
    copies = sum(len(result.copies) for result in report.results)
    if copies:
        lines += ["", f"TIFF copies beside {plural(copies, 'product')}: {TIFF_WORDS[plan.settings.output.tiff]}."]
    findings = attention(report)
    lines += _finding_lines(findings, verbose=verbose, paint=paint)
    lines.append(_closing(report, findings, more))
    return "\n".join(lines) + "\n"


def plan_text(plan: Plan, *, verbose: bool = False, paint: Paint = plain) -> str:
    """What a run would do: the same text, with what will be made in the place of what was."""
    most = 10**6 if verbose else MOST_MASTERS
    lines = [counts_line(plan.files), *reason_lines(plan.files)]
    lines += _used_lines(used_setup(plan.files, plan.frames))
    flats = [step for step in plan.steps if step.kind is FrameKind.FLAT]
    if flats:
        lines += ["", f"{'To be made in ' + _folder(plan.output):<36}flats  state"]
        for step in flats[:most]:
            state = "cannot be made" if step.refused else "ready"
            style = "bad" if step.refused else "good"
            lines += _row(os.path.basename(step.output), f"{len(step.inputs):<7}{paint(state, style)}")
            lines += _calibration_lines(step)
        if len(flats) > most:
            lines.append(f"  and {len(flats) - most} more")
    lines += _shared_lines(plan)
    if plan.lights:
        lines += ["", f"{'Lights, to ' + _folder(os.path.join(plan.output, 'lights')):<36}lights state"]
        for light in plan.lights[:most]:
            state = paint("cannot be made", "bad") if light.refused else paint("ready", "good")
            lines += _row(light.id, f"{len(light.inputs):<7}{state}")
            for text in light.because[1:4]:
                lines += indented(text, by=4)
        if len(plan.lights) > most:
            lines.append(f"  and {len(plan.lights) - most} more groups")
    if plan.settings.output.tiff != "none":
        lines += ["", f"TIFF copies beside the products: {TIFF_WORDS[plan.settings.output.tiff]}."]
    findings = ordered_findings([*plan.findings, *_step_findings(plan)])
    lines += _finding_lines(findings, verbose=verbose, paint=paint)
    ready = sum(1 for step in flats if not step.refused)
    others = len(plan.steps) - len(flats)
    closing = f"{plural(ready, 'master flat')} can be made"
    if others:
        closing = (
            f"{closing}, with {plural(others, 'other master')}" if flats else f"{plural(others, 'master')} can be made"
        )
    if plan.lights:
        n = sum(len(light.inputs) for light in plan.lights if not light.refused)
        closing = f"{plural(n, 'light')} can be calibrated, with {plural(len(plan.steps), 'master')}"
    lines.append(f"{closing}.  Nothing made yet." if plan.all_steps else "Nothing can be made of these files.")
    return "\n".join(lines) + "\n"


def _step_findings(plan: Plan) -> list[Finding]:
    found: list[Finding] = []
    for step in plan.all_steps:
        found += step.findings
        if step.refused is not None:
            found.append(step.refused)
    return found


def _used_lines(setup: Sequence[str]) -> list[str]:
    return [f"Used: {setup[0].strip()}", *setup[1:]] if setup else []


def _shown_path(path: str) -> str:
    """A path as seen from the current folder, if it lies below it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if relative.startswith("..") else relative


def _folder(path: str) -> str:
    return shortened(_shown_path(path).rstrip("/\\") + "/", 22)


def _masters_head(output: str) -> list[str]:
    return [f"{'Master flats in ' + _folder(output):<36}flats  level      verdict"]


def _master_lines(result: StepResult, step: Step | None, paint: Paint) -> list[str]:
    name = result.id + ".fits" if not result.outputs else os.path.basename(result.outputs[0])
    used, left = len(result.inputs), len(result.excluded)
    count = f"{used}/{used + left}" if left else f"{used}"
    level, share = result.measured.get("level_adu"), result.measured.get("level_share")
    shown = "" if level is None else f"{level:>5.0f}"
    shown += "" if share is None else f" {100 * share:>3.0f}%"
    status = "" if result.status is StepStatus.DONE else f"{result.status.value} "
    if result.status in (StepStatus.DONE, StepStatus.REUSED):
        words = paint(result.verdict.value, VERDICT_STYLES[result.verdict]) + _verdict_reason(result)
    else:
        words, count, shown = paint(result.why, "bad"), "", ""
        status = paint(result.status.value, "bad") + ": "
        return [f"  {shortened(name, 45)}", *indented(f"{status}{words}", by=4)]
    return [*_row(name, f"{count:<7}{shown:<11}{status}{words}"), *_calibration_lines(step)]


def _light_lines(result: StepResult, paint: Paint) -> list[str]:
    """A line for each group of lights, and what was done to them."""
    made, left = len(result.outputs), len(result.excluded)
    if not made:
        status = paint(result.status.value, "bad")
        return [f"  {shortened(result.id, 45)}", *indented(f"{status}: {result.why}", by=4)]
    count = f"{made}/{made + left}" if left else f"{made}"
    median, factor = result.measured.get("median_adu"), result.measured.get("dark_factor")
    words = "" if median is None else f"{median:>6.0f}"
    words += "" if factor is None else f"  {factor:.4f}"
    status = "" if result.status is StepStatus.DONE else f" {result.status.value}"
    lines = _row(result.id, f"{count:<7}{words}{status}")
    for text in result.because[1:4]:
        lines += indented(text, by=4)
    return lines


def _row(name: str, rest: str) -> list[str]:
    """A line of the table of masters; a long name gets a line of its own."""
    if len(name) <= NAME_WIDTH:
        return [f"  {name:<{NAME_WIDTH + 2}}{rest}"]
    return [f"  {shortened(name, WIDTH - 2)}", f"  {'':<{NAME_WIDTH + 2}}{rest}"]


VERDICT_STYLES: Final = {
    Verdict.WORKS: "good",
    Verdict.CHECK: "warn",
    Verdict.WILL_NOT_WORK: "bad",
    Verdict.CANNOT_TELL: "warn",
}


def _verdict_reason(result: StepResult) -> str:
    if result.verdict is Verdict.WORKS:
        return ""
    deciding = next((one for one in result.findings if CATALOGUE[one.code].verdict is result.verdict), None)
    if deciding is None:
        return ""
    return f": {CATALOGUE[deciding.code].short}"


def _calibration_lines(step: Step | None) -> list[str]:
    if step is None:
        return []
    lines = []
    for calibration in step.calibrations[:2]:
        lines += indented(calibration.title, by=4)
    if len(step.calibrations) > 2:
        lines.append(f"    and {len(step.calibrations) - 2} more exposures in the same way")
    return lines


def _shared_lines(plan: Plan) -> list[str]:
    lines = [line for note in plan.notes for line in indented(note, by=0)]
    recipes = {combine_words(step.recipe) for step in plan.steps if step.kind is FrameKind.FLAT}
    for words in sorted(recipes)[:2]:
        lines += indented(words, by=0)
    return lines


_RANK: Final = {FindingLevel.BLOCKER: 0, FindingLevel.WARNING: 1, FindingLevel.NOTE: 2}


def ordered_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Each finding once, the most serious first, those with a fix before the others."""
    once = {(one.code, one.subject, one.message): one for one in findings}
    return sorted(once.values(), key=lambda one: (_RANK[one.level], one.fix is None))


def attention(report: Report) -> list[Finding]:
    """All findings of a report, the most serious first."""
    found = [*report.findings]
    for result in report.results:
        found += attention_of(result)
    return ordered_findings(found)


def attention_of(result: StepResult) -> list[Finding]:
    """The findings of a step that are told beside its line."""
    # That a step was skipped is told in its line; the cause is the finding of the step it needs.
    return [one for one in result.findings if one.code != "needs_failed"]


def _finding_lines(findings: Sequence[Finding], *, verbose: bool, paint: Paint) -> list[str]:
    shown = [one for one in findings if verbose or one.level is not FindingLevel.NOTE]
    most = len(shown) if verbose else MOST_FINDINGS
    lines: list[str] = []
    for number, one in enumerate(shown[:most], start=1):
        head = f"{number} {one.level.value:<8} "
        style = {FindingLevel.BLOCKER: "bad", FindingLevel.WARNING: "warn", FindingLevel.NOTE: "dim"}[one.level]
        body = indented(f"{one.message} {mend_text(one)}", by=len(head))
        lines += [f"{number} {paint(f'{one.level.value:<8}', style)} {body[0].strip()}", *body[1:]]
    if len(shown) > most:
        lines.append(f"and {len(shown) - most} more: see --verbose")
    return ["", *lines] if lines else [""]


def mend_text(one: Finding) -> str:
    """What to do about a finding, with the arguments that do it."""
    if one.fix is None or quoted(one.fix) in one.mend:
        return one.mend
    return f"{one.mend.rstrip('.:')}: {quoted(one.fix)}"


def _closing(report: Report, findings: Sequence[Finding], more: str) -> str:
    flats = [result for result in report.results if result.kind is FrameKind.FLAT]
    made = sum(1 for result in flats if result.status is StepStatus.DONE)
    reused = sum(1 for result in flats if result.status is StepStatus.REUSED)
    failed = sum(1 for result in report.results if result.status is StepStatus.FAILED)
    skipped = sum(1 for result in report.results if result.status is StepStatus.SKIPPED)
    warnings = sum(1 for one in findings if one.level is FindingLevel.WARNING)
    what = "master flat"
    if not flats:
        what, made = "master", sum(1 for result in report.results if result.status is StepStatus.DONE)
        reused = sum(1 for result in report.results if result.status is StepStatus.REUSED)
    lights = [one for result in report.results for one in result.lights]
    if any(result.kind is FrameKind.LIGHT for result in report.results):
        what = "light"
        made = sum(1 for one in lights if one.status is StepStatus.DONE)
        reused = len(lights) - made
    text = f"{plural(made, what)} {'calibrated' if what == 'light' else 'made'} in {report.seconds:.1f} s"
    text += f", {reused} reused" if reused else ""
    text += f", {plural(failed, 'step')} failed" if failed else ""
    text += f", {skipped} skipped" if skipped else ""
    text += f", {plural(warnings, 'warning')}" if warnings else ""
    if any(result.status is StepStatus.CANCELLED for result in report.results):
        text += ", cancelled"
    where = os.path.join(_shown_path(report.output), more)
    line = f"{text}.  More: {where}"
    return line if len(line) <= WIDTH else f"{text}.\nMore: {where}"
