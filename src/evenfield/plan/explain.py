"""A plan, a step or the code of a finding in full sentences: every key that was compared, every master not taken."""

from __future__ import annotations

import difflib
import os
import textwrap
from collections.abc import Sequence
from typing import Final

from evenfield.combine.limits import corrected_limits
from evenfield.errors import UsageError
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.findings import Finding
from evenfield.model.plan import Calibration, FileUse, LightStep, Match, Plan, Recipe, Step, Telling
from evenfield.model.rejections import CORRECTED, rejection_text
from evenfield.model.sections import section_text
from evenfield.model.wording import plural
from evenfield.plan.search import search_lines

WIDTH: Final = 80
USES: Final = ("used", "not_needed", "left_out", "unreadable")
SHORT_SEARCH: Final = 3
"""Runners-up shown of each match, unless the whole search is asked for."""


def explain_plan(plan: Plan, *, step: str | None = None, search: bool = False) -> str:
    """A plan in words: what is made from what, why, what nearly matched, and what was left out.

    Parameters
    ----------
    plan : Plan
    step : str, optional
        The id of one step; without it the whole plan is explained.
    search : bool
        Name every calibration set that was looked at for each master flat, and what became of it.

    Returns
    -------
    str
        Lines of at most 80 columns, but for long paths.

    Raises
    ------
    UsageError
        If the plan has no such step.
    """
    if step is not None:
        light = next((one for one in plan.lights if one.id == step), None)
        if light is not None:
            return "\n".join(_light_lines(light, nearly=not search)) + "\n"
        return "\n".join(_step_lines(_step(plan, step), plan, search=search)) + "\n"
    lines = [_counts(plan.files)]
    for one in plan.steps:
        lines += ["", *_step_lines(one, plan, search=search)]
    for light in plan.lights:
        lines += ["", *_light_lines(light, nearly=not search)]
    lines += _left_out(plan)
    if plan.findings:
        lines += ["", "Findings about the whole"]
        lines += [line for one in plan.findings for line in _finding_lines(one)]
    for note in plan.notes:
        lines += ["", *_wrapped(note, 0)]
    return "\n".join(lines) + "\n"


def explain_code(code: str) -> str:
    """What the code of a finding means, what to do, and what it does to a verdict.

    Raises
    ------
    UsageError
        If there is no such code.
    """
    # Files say which key differs; the finding about them is one.
    entry = CATALOGUE.get("calibration_left_out" if code.endswith("_differs") else code)
    if entry is None:
        near = difflib.get_close_matches(code, CATALOGUE, n=3, cutoff=0.5)
        mend = f"Did you mean {' or '.join(near)}?" if near else "The codes stand in report.json and in the docs."
        raise UsageError(f"There is no finding '{code}'.", mend=mend)
    lines = [f"{entry.code} ({entry.level.value}): {entry.title}", *_wrapped(entry.meaning, 2)]
    lines += _wrapped(f"What to do: {entry.mend}", 2)
    if entry.verdict is not None:
        lines += _wrapped(f"A master with this finding is at best: {entry.verdict.value}", 2)
    return "\n".join(lines) + "\n"


def _step(plan: Plan, step: str) -> Step:
    found = plan.step(step)
    if found is not None:
        return found
    ids = [one.id for one in plan.all_steps]
    near = difflib.get_close_matches(step, ids, n=3, cutoff=0.3) or ids[:3]
    raise UsageError(f"The plan has no step '{step}'.", mend=f"It has {', '.join(near)}." if near else "")


def _counts(files: Sequence[FileUse]) -> str:
    counts = ", ".join(f"{sum(1 for one in files if one.use == use)} {use.replace('_', ' ')}" for use in USES)
    return f"{plural(len(files), 'file')}: {counts}"


def _input_lines(step: Step | LightStep, *, nearly: bool) -> list[str]:
    """What a step is, what it is made of and how its frames are calibrated."""
    lines = _wrapped(f"{step.id}: {step.title}", 0, hang=2)
    if step.refused is not None:
        lines += _wrapped(f"cannot be made: {step.refused.message} {step.refused.mend}", 2)
    for text in step.because:
        lines += _wrapped(f"- {text}", 2, hang=2)
    lines += _wrapped(f"Made of {plural(len(step.inputs), 'frame')}: {_range(step)}", 2)
    lines += _overscan_lines(step)
    if step.trim is not None:
        lines += _wrapped(f"Trimmed to {section_text(step.trim)}", 2)
    if isinstance(step, Step) and step.told_by is not None:
        lines += _telling_lines(step.told_by)
    for index, calibration in enumerate(step.calibrations):
        count = sum(1 for item in step.inputs if item.calibration == index)
        lines += _calibration_lines(calibration, count, nearly=nearly)
    return lines


def _telling_lines(telling: Telling) -> list[str]:
    """What tells a pedestal beside the flats, and when it is refused."""
    told = ["the noise of the flats"]
    lights = [item for one in telling.lights for item in one.inputs]
    if lights:
        told.append(f"the skies of {plural(len(lights), 'light')}, {lights[0].path} to {lights[-1].path}")
    if telling.darks and telling.darks_kind is not None:
        told.append(f"the read noise from {plural(len(telling.darks), telling.darks_kind.words)}")
    lines = _wrapped(f"The pedestal is told by {' and '.join(told)}", 2, hang=2)
    return lines + _wrapped("No master is made where it cannot be known to 2 %, or 3 ADU where that is more", 2, hang=2)


def _step_lines(step: Step, plan: Plan, *, search: bool) -> list[str]:
    lines = _input_lines(step, nearly=not search)
    if search:
        lines += [line for text in search_lines(plan, step=step) for line in _wrapped(text, 4, hang=9)]
    recipe = step.recipe
    lines += _wrapped(
        f"Combined: {recipe.method}, {rejection_text(recipe.rejection)}{_limits(recipe, len(step.inputs))}, "
        f"scale {recipe.scale}, level {recipe.level}"
        f"{' per CFA color' if recipe.per_cfa else ''}, written as {recipe.sample}",
        2,
    )
    for out in step.excluded:
        lines += _wrapped(f"left out: {out.path} ({out.reason})", 2, hang=2)
    for one in step.findings:
        lines += _finding_lines(one)
    lines += _wrapped(f"-> {step.output}, digest {step.digest}", 2)
    return lines


def _light_lines(step: LightStep, *, nearly: bool) -> list[str]:
    lines = _input_lines(step, nearly=nearly)
    if step.flat is not None:
        lines += _wrapped(f"All: divided by {step.flat.title}", 2, hang=2)
        lines += _wrapped(f"flat from {f'the step {step.flat.step}' if step.flat.step else step.flat.path}", 4, hang=2)
        lines += _match_lines(step.flat_match, nearly=nearly)
    recipe = step.recipe
    level = {"separate": "the mean of each color", "joint": "its mean"}.get(recipe.cfa_flat)
    if level is not None:
        lines += _wrapped(f"The flat is divided by {level}, 5 % left out at each end", 2)
    added = {"adu": f"{recipe.pedestal:g} ADU", "auto": f"so that at most {100 * recipe.pedestal:g} % are negative"}
    if recipe.add_pedestal in added:
        lines += _wrapped(f"Pedestal added: {added[recipe.add_pedestal]}", 2)
    for one in step.findings:
        lines += _finding_lines(one)
    lines += _wrapped(f"-> {step.outputs[0]}{' ...' if len(step.outputs) > 1 else ''}, written as {recipe.sample}", 2)
    return lines


def _overscan_lines(step: Step | LightStep) -> list[str]:
    if step.overscan is not None:
        return _wrapped(f"Overscan: the median of {section_text(step.overscan)} is subtracted from each frame", 2)
    lines = []
    for part in step.overscan_parts:
        how = "a curve along the rows" if part.rows else "the median"
        text = f"Overscan: {how} of {section_text(part.source)} is subtracted from {section_text(part.target)}"
        lines += _wrapped(text, 2)
    return lines


def _limits(recipe: Recipe, n: int) -> str:
    """What the limits of a rejection have become."""
    if not isinstance(recipe.rejection, CORRECTED):
        return ""
    if recipe.limits == "nominal":
        return " (nominal limits)"
    low, high = corrected_limits(recipe.rejection, n=n)
    both = f"{low:.2f}" if low == high else f"{low:.2f} and {high:.2f}"
    return f" (for {n} frames: {both})"


def _range(step: Step | LightStep) -> str:
    paths = [item.path for item in step.inputs]
    return paths[0] if len(paths) == 1 else f"{paths[0]} to {paths[-1]}"


def _calibration_lines(calibration: Calibration, count: int, *, nearly: bool) -> list[str]:
    lines = _wrapped(f"{plural(count, 'frame')}: {calibration.title}", 2, hang=2)
    for role, ref in calibration.masters.items():
        source = f"the step {ref.step}" if ref.step is not None else str(ref.path)
        lines += _wrapped(f"{role.replace('_', ' ')} from {source}", 4, hang=2)
    return lines + _match_lines(calibration.match, nearly=nearly)


def _match_lines(match: Match | None, *, nearly: bool) -> list[str]:
    lines: list[str] = []
    if match is None:
        return lines
    for reason in match.reasons:
        sign = "?" if reason.startswith("not compared") else "+"
        lines += _wrapped(f"{sign} {reason}", 6, hang=2)
    for unknown in match.unknown:
        lines += _wrapped(f"? {unknown}: known on one side only, or not at all", 6, hang=2)
    for allowed in match.allowed:
        lines += _wrapped(f"! allowed on request: {allowed}", 6, hang=2)
    shown = match.runners_up[:SHORT_SEARCH] if nearly else ()
    if shown:
        lines += _wrapped("Not taken, the nearest first:", 4)
    for one in shown:
        lines += _wrapped(f"{one.title}: {one.why}", 6, hang=2)
    return lines


def _left_out(plan: Plan) -> list[str]:
    lines: list[str] = []
    for use, title in (("left_out", "Left out"), ("not_needed", "Not needed"), ("unreadable", "Unreadable")):
        reasons: dict[str, list[str]] = {}
        for one in plan.files:
            if one.use == use:
                reasons.setdefault(one.reason, []).append(one.path)
        if reasons:
            lines += ["", title]
        for reason, paths in reasons.items():
            lines += _wrapped(f"{len(paths)}: {reason}", 2, hang=2)
            lines += [f"      {_below(path, plan.root)}" for path in paths[:3]]
            if len(paths) > 3:
                lines.append(f"      and {len(paths) - 3} more")
    return lines


def _below(path: str, root: str) -> str:
    """A path as seen from the plan's root, where it lies below it."""
    start = root.rstrip("/\\") + os.sep
    return path.removeprefix(start)


def _finding_lines(one: Finding) -> list[str]:
    text = f"{one.level.value} {one.code}: {one.message} {one.mend}"
    if one.fix is not None:
        text += " " + " ".join(f'"{part}"' if set(part) & set("* []?'") else part for part in one.fix)
    return _wrapped(text, 2, hang=2)


def _wrapped(text: str, by: int, *, hang: int = 0) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * by,
        subsequent_indent=" " * (by + hang),
        break_long_words=False,
        break_on_hyphens=False,
    )
