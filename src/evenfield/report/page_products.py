"""Lights before and after, the table of masters, and the plots, pictures and record of each product, folded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

from evenfield.model.frame import FrameInfo, FrameKind, exposure_text
from evenfield.model.plan import Excluded, Plan
from evenfield.model.plots import Plot
from evenfield.model.report import Report, StepResult, Verdict
from evenfield.model.wording import measured_text, plural
from evenfield.report.draw import plot_figure
from evenfield.report.html import Child, Markup, joined, tag
from evenfield.report.page_parts import facts, folded, picture_figure, section, table, word
from evenfield.report.page_verdicts import MOST_CARDS
from evenfield.report.pictures import Seen
from evenfield.report.words import STYLES, file_name, made, of_kind, short_name, without_name

_ORDER: Final = (FrameKind.FLAT, FrameKind.DARK_FLAT, FrameKind.DARK, FrameKind.BIAS)

Plots = Mapping[str, Sequence[Plot]]


def lights_section(report: Report, seen: Mapping[str, Seen], plots: Plots) -> Markup | None:
    """Each group of lights: what was done to them, the first one before and after, and how they went on."""
    groups = of_kind(report, FrameKind.LIGHT)
    if not groups:
        return None
    return section("lights", "The lights", [_lights(one, seen.get(one.id), plots, at) for at, one in enumerate(groups)])


def _lights(result: StepResult, seen: Seen | None, plots: Plots, number: int) -> Markup:
    left = len(result.excluded)
    # Of an examination nothing stays.
    done = "calibrated" if any(one.output for one in result.lights) else "examined"
    told = f"{plural(len(result.lights), 'light')} {done}" + (f", {left} left out" if left else "")
    judged = result.verdict in (Verdict.CHECK, Verdict.WILL_NOT_WORK)
    look = STYLES[result.verdict] if judged else "warn" if left else "good"
    look = look if made(result) else "bad"
    parts: list[Child] = [
        tag("div", tag("h3", short_name(result)),
            word(told if made(result) else result.why or "not made", look), class_="head"),
    ]  # fmt: skip
    parts += [tag("p", text[:1].upper() + text[1:] + ".") for text in result.because[1:]]
    if seen is not None and seen.pictures:
        name = os.path.basename(result.lights[0].path)
        parts.append(tag("h4", f"The first of them: {name}"))
        parts.append(tag("div", [picture_figure(one) for one in seen.pictures], class_="pair"))
    if seen is not None and seen.failed:
        parts.append(tag("p", seen.failed, class_="small"))
    drawn = [plot_figure(one, ident=f"l{number}-{at}") for at, one in enumerate([*plots.get(result.id, ())])]
    body: list[Child] = [tag("div", drawn, class_="plots") if drawn else None, facts(_measured(result))]
    if result.lights:
        rows = [
            [
                os.path.basename(one.path),
                one.status.value,
                "" if one.median_adu is None else f"{one.median_adu:,.1f}",
                "" if one.factor is None else f"{one.factor:.4f}",
                f"{one.pedestal_adu:g}",
                f"{one.negative:,}",
                f"{one.no_data:,}",
            ]
            for one in result.lights
        ]
        head = ("light", "status", "median ADU", "dark x", "pedestal ADU", "below zero", "no value")
        body.append(tag("h4", "Each light"))
        body.append(table(f"Lights of {short_name(result)}", head, rows, right=(2, 3, 4, 5, 6)))
    body += _excluded(result.excluded)
    return tag("article", *parts, folded("Plots, numbers, and each light", body), class_=f"card {look}")


def masters_section(report: Report, plan: Plan, seen: Mapping[str, Seen], plots: Plots) -> Markup | None:
    """The table of masters, flats first, and below it each of them folded."""
    masters = [one for kind in _ORDER for one in of_kind(report, kind)]
    if not masters:
        return None
    rows = [_row(one, plan, number) for number, one in enumerate(masters)]
    head = ("master", "kind", "frames", "level", "subtracted", "verdict")
    n_flats = sum(1 for one in masters if one.kind is FrameKind.FLAT)
    frames = {frame.path: frame for frame in plan.frames}
    each = [
        _master(one, seen.get(one.id), plots.get(one.id, ()), frames=frames, number=number,
                in_card=one.kind is FrameKind.FLAT and n_flats <= MOST_CARDS)
        for number, one in enumerate(masters)
    ]  # fmt: skip
    return section(
        "masters",
        "The masters",
        table("All masters, flats first; frames: used, and of how many", head, rows, right=(2, 3)),
        tag("h3", "Each master: plots, pictures, frames", class_="each"),
        each,
    )


def _row(result: StepResult, plan: Plan, number: int) -> list[Child]:
    used, left = len(result.inputs), len(result.excluded)
    level = result.measured.get("level_adu")
    if level is None:
        level = result.measured.get("mean_adu")
    share = result.measured.get("level_share")
    shown = "" if level is None else f"{level:,.0f} ADU" + ("" if share is None else f", {100 * share:.0f} %")
    step = plan.step(result.id)
    what = "; ".join(one.title for one in step.calibrations) if step is not None else ""
    name = tag("a", file_name(result), href=f"#m{number}")
    return [name, result.kind.words, f"{used} of {used + left}" if left else f"{used}", shown, what, _verdict(result)]


def _verdict(result: StepResult) -> Markup:
    if not made(result):
        return word(result.status.value.lower(), "bad")
    return word(result.verdict.value, STYLES[result.verdict])


def _master(
    result: StepResult, seen: Seen | None, over_time: Sequence[Plot], *, frames: Mapping[str, FrameInfo], number: int,
    in_card: bool,
) -> Markup:  # fmt: skip
    """All there is to know of one master, folded."""
    pictures = () if seen is None else seen.pictures[1 if in_card else 0 :]
    drawn = [*(seen.plots if seen is not None else ()), *result.plots, *over_time]
    body: list[Child] = [tag("p", without_name(result.why, result))] if result.why else []
    if pictures:
        body.append(tag("div", [picture_figure(one) for one in pictures], class_="pictures"))
    if seen is not None and seen.failed:
        body.append(tag("p", seen.failed, class_="small"))
    if drawn:
        figures = [plot_figure(one, ident=f"p{number}-{at}") for at, one in enumerate(drawn)]
        body.append(tag("div", figures, class_="plots"))
    if made(result) and result.kind is FrameKind.FLAT and not any("ejected" in one.title for one in pictures):
        body.append(tag("p", "Where samples were rejected is drawn when the masters are made with ",
                        tag("code", "--maps"), ".", class_="small"))  # fmt: skip
    if result.because:
        body.append(tag("h4", "How it was made"))
        body.append(tag("ul", [tag("li", text) for text in result.because]))
    measured = facts(_measured(result))
    if measured is not None:
        body += [tag("h4", "Measured"), measured]
    body += _frames(result, frames)
    body += _excluded(result.excluded)
    if result.outputs:
        body.append(tag("h4", "File"))
        body.append(tag("p", [tag("code", path) for path in (*result.outputs, *result.copies)]))
    head = joined(tag("span", file_name(result)), _verdict(result))
    return folded(head, body, ident=f"m{number}")


def _measured(result: StepResult) -> list[tuple[str, Child]]:
    return [measured_text(key, value) for key, value in result.measured.items() if value is not None]


def _frames(result: StepResult, frames: Mapping[str, FrameInfo]) -> list[Child]:
    """The frames of a master with their exposure, temperature, time and level."""
    if not result.inputs:
        return []
    levels = result.levels_adu or (None,) * len(result.inputs)
    rows = []
    for path, level in zip(result.inputs, levels, strict=False):
        frame = frames.get(path)
        rows.append([
            os.path.basename(path),
            "" if frame is None or frame.taken_at is None else frame.taken_at.replace("T", " "),
            "" if frame is None or frame.exposure_s is None else exposure_text(frame.exposure_s),
            "" if frame is None or frame.sensor_c is None else f"{frame.sensor_c:.1f} C",
            "" if level is None else f"{level:,.1f}",
        ])  # fmt: skip
    head = ("frame", "time, UTC", "exposure", "temperature", "level ADU")
    made_of = f"Made of {plural(len(rows), 'frame')}"
    return [folded(made_of, table(f"{made_of} ({file_name(result)})", head, rows, right=(2, 3, 4)))]


def _excluded(excluded: Sequence[Excluded]) -> list[Child]:
    if not excluded:
        return []
    rows = [[os.path.basename(one.path), one.reason] for one in excluded]
    title = f"Left out: {plural(len(rows), 'frame')}"
    return [folded(title, table(title, ("frame", "why"), rows))]
