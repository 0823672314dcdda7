"""The first screen of the page: will these flats work, why, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from evenfield.model.catalogue import CATALOGUE
from evenfield.model.causes import Cause, ranked_causes
from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.frame import FrameKind
from evenfield.model.plan import Plan
from evenfield.model.report import Report, StepResult, Verdict
from evenfield.model.wording import plural
from evenfield.report.examination import open_needs
from evenfield.report.html import Child, Markup, joined, tag
from evenfield.report.page_parts import folded, mend_line, picture_figure, section, word
from evenfield.report.pictures import Seen
from evenfield.report.text import attention, attention_of
from evenfield.report.words import LEVEL_STYLES, STYLES, deciding, made, of_kind, short_name, without_name

MOST_CARDS: Final = 12
"""Flats that have a card each; of more, those that work are in the table of masters alone."""

MOST_MESSAGES: Final = 3
"""Findings of one kind that are told one by one; of more, the others are folded."""

MOST_CAUSES: Final = 4
"""Causes of one flat that are shown."""

LEAST_PROBABILITY: Final = 0.01
"""Causes that are less likely are not shown."""

_CARD_NUMBERS: Final = {
    "eta": "eta {:.4f}",
    "eta_error": "its error {:.4f}",
    "z": "z {:.1f}",
    "level_adu": "level {:,.0f} ADU",
    "level_share": "{:.0%} of full scale",
    "corner_ratio": "corners {:.1%} of the center",
    "saturated_share": "{:.2g} of the samples saturated",
    "mean_noise_adu": "noise {:,.3g} ADU a pixel",
}
"""The measured values that stand in small on a card where they are known, and how they are written."""


def verdict_cards(report: Report, plan: Plan, seen: Mapping[str, Seen]) -> Markup | None:
    """A card for each flat, the worst first: verdict, what it means, what to do, numbers, and its picture."""
    flats = of_kind(report, FrameKind.FLAT)
    if not flats:
        return None
    shown = flats if len(flats) <= MOST_CARDS else [one for one in flats if not _works(one)][:MOST_CARDS]
    rest = len(flats) - len(shown)
    more = None
    if rest:
        what = "work and are" if all(_works(one) for one in flats if one not in shown) else "are"
        more = tag(
            "p", f"{plural(rest, 'more flat')} {what} in the ", tag("a", "table of masters", href="#masters"), "."
        )
    cards = [_card(one, plan, seen.get(one.id)) for one in shown]
    return section("verdicts", "Will these flats work?", tag("div", cards, class_="cards") if cards else None, more)


def _works(result: StepResult) -> bool:
    return made(result) and result.verdict is Verdict.WORKS


def _card(result: StepResult, plan: Plan, seen: Seen | None) -> Markup:
    style = STYLES[result.verdict] if made(result) else "bad"
    says = result.verdict.value if made(result) else f"not made ({result.status.value.lower()})"
    found = deciding(result)
    parts: list[Child]
    if found is not None:
        parts = [
            tag("p", without_name(found.message, result), class_="eye"),
            tag("p", mend_line(found.mend, found.fix)),
        ]
    elif made(result):
        # Why it works is numbers: they come in small.
        parts = [tag("p", "No fault was found.", class_="eye"), _how(result, plan)]
    else:
        parts = [tag("p", result.why or "It was not made.", class_="eye")]
    told = {FindingLevel.WARNING, FindingLevel.BLOCKER}
    others = sum(1 for one in attention_of(result) if one is not found and one.level in told)
    if others:
        parts.append(tag("p", tag("a", f"{plural(others, 'further remark')} below", href="#todo")))
    parts.append(cause_bars(result))
    numbers = card_numbers(result)
    parts.append(tag("p", numbers, class_="numbers") if numbers else None)
    picture = seen.pictures[0] if seen is not None and seen.pictures else None
    inside = [tag("div", parts)]
    if picture is not None:
        inside.append(picture_figure(picture, caption="Auto stretch"))
    head = tag("div", tag("h3", short_name(result)), word(says, style), class_="head")
    return tag(
        "article", head, tag("div", inside, class_="inside seen" if picture else "inside"), class_=f"card {style}"
    )


def _how(result: StepResult, plan: Plan) -> Markup | None:
    step = plan.step(result.id)
    if step is None:
        return None
    titles = [calibration.title for calibration in step.calibrations[:2]]
    text = f"{plural(len(result.inputs), 'frame')}, {'; '.join(titles) or 'nothing subtracted'}."
    return tag("p", text)


def cause_bars(result: StepResult) -> Markup | None:
    """The likeliest causes of a flat that does not work, each with a bar; ``None`` where nothing asks for a cause."""
    ranked = ranked_causes(result.measured)
    if not ranked or ranked[0][0] is Cause.NONE or result.verdict is Verdict.WORKS:
        return None
    rows = [
        tag(
            "tr",
            tag("th", "none: chance alone" if cause is Cause.NONE else cause.value, scope="row"),
            tag("td", tag("progress", value=f"{probability:.3f}", aria_hidden="true")),
            tag("td", f"{100.0 * probability:.0f} %", class_="right"),
        )
        for cause, probability in ranked[:MOST_CAUSES]
        if probability >= LEAST_PROBABILITY
    ]
    return tag("table", tag("caption", "What it may be, by what the pixels show"), tag("tbody", rows), class_="causes")


def card_numbers(result: StepResult) -> str:
    """The numbers of a card in one line: "level 30,961 ADU, 47 % of full scale, corners 77.7 % of the center"."""
    parts = []
    for key, words in _CARD_NUMBERS.items():
        value = result.measured.get(key)
        if value is not None and not (key == "saturated_share" and value == 0):
            # As everywhere in the texts, a blank stands before the per cent.
            parts.append(words.format(value).replace("%", " %"))
    return " \u00b7 ".join(parts)


def what_to_do(report: Report) -> Markup | None:
    """Every finding, the most serious first, those of one code and mend together; notes are folded."""
    groups: dict[tuple[str, FindingLevel, str], list[Finding]] = {}
    for one in attention(report):
        groups.setdefault((one.code, one.level, one.mend), []).append(one)
    serious = [group for group in groups.values() if group[0].level is not FindingLevel.NOTE]
    notes = [group for group in groups.values() if group[0].level is FindingLevel.NOTE]
    asked = list(dict.fromkeys(one for result in report.results for one in result.open))
    if not serious and not notes and not asked:
        return None
    body = [tag("ol", [_entry(group) for group in serious], class_="todo") if serious else None]
    if not serious:
        body.append(tag("p", "Nothing needs to be done."))
    if notes:
        count = sum(len(group) for group in notes)
        body.append(folded(plural(count, "note"), tag("ol", [_entry(group) for group in notes], class_="todo")))
    if asked:
        body.append(tag("h3", "Open, and what would answer it"))
        body.append(tag("ul", [tag("li", tag("strong", one.question), " ", open_needs(one)) for one in asked]))
    return section("todo", "What to do", *body)


def _entry(group: Sequence[Finding]) -> Markup:
    first = group[0]
    entry = CATALOGUE.get(first.code)
    messages = [tag("li", one.message) for one in group[:MOST_MESSAGES]]
    if len(group) == 1:
        told = tag("p", first.message)
    else:
        told = tag("ul", messages, class_="plain")
        rest = group[MOST_MESSAGES:]
        if rest:
            told = joined(told, folded(f"{len(rest)} more", tag("ul", [tag("li", one.message) for one in rest])))
    fixes = list(dict.fromkeys(one.fix for one in group))
    title = first.code if entry is None else entry.title
    what = tag(
        "div",
        tag("h3", title if len(group) == 1 else f"{title} ({len(group)})"),
        told,
        [tag("p", tag("strong", mend_line(first.mend, fix))) for fix in fixes[:MOST_MESSAGES]],
        tag("p", entry.meaning, class_="small") if entry is not None else None,
        class_="what",
    )
    return tag("li", word(first.level.value.capitalize(), LEVEL_STYLES[first.level]), what)
