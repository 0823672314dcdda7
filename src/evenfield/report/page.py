"""The report as one page of HTML that holds all it shows: no script, and nothing that is loaded from anywhere.

The page is a pure function of plan, report and pictures. It is put together by `evenfield.report.html`, which escapes
whatever comes from headers and file names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from evenfield.model.frame import FrameKind
from evenfield.model.plan import ALGORITHM_VERSION, Plan
from evenfield.model.report import Report
from evenfield.report.counts import counts_line, used_setup
from evenfield.report.html import Child, Markup, joined, tag
from evenfield.report.over_time import over_time
from evenfield.report.page_files import files_section
from evenfield.report.page_parts import facts, section
from evenfield.report.page_products import lights_section, masters_section
from evenfield.report.page_verdicts import verdict_cards, what_to_do
from evenfield.report.pictures import Seen
from evenfield.report.words import headline
from evenfield.store import settings_text

STYLE: Final = Path(__file__).with_name("page.css")

POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What the page may load: its own pictures and style, else nothing."""

_SECTIONS: Final = {
    "verdicts": "Verdicts", "todo": "What to do", "lights": "Lights", "masters": "Masters", "files": "Files",
    "provenance": "How it was made",
}  # fmt: skip


_DATE: Final = re.compile(r"(\b\d{4}-\d\d-\d\d\b)")


def report_page(report: Report, *, plan: Plan, seen: Mapping[str, Seen] | None = None) -> str:
    """A run as HTML.

    Parameters
    ----------
    report : Report
    plan : Plan
        The plan that was run.
    seen : mapping, optional
        What `look_at` saw of the products, by the id of their step; without it there are no pictures.

    Returns
    -------
    str
        A whole page.
    """
    seen = {} if seen is None else seen
    plots = over_time(plan, report.results)
    parts = {
        "verdicts": verdict_cards(report, plan, seen),
        "todo": what_to_do(report),
        "lights": lights_section(report, seen, plots),
        "masters": masters_section(report, plan, seen, plots),
        "files": files_section(report, plan),
        "provenance": _provenance(report, plan),
    }
    if not any(one.kind is FrameKind.FLAT for one in report.results):
        # Where lights are the product they come first.
        parts = {"lights": parts.pop("lights"), **parts}
    there = {ident: part for ident, part in parts.items() if part is not None}
    title = headline(report)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="generator", content=f"evenfield {report.version}"),
        tag("title", f"{title} - evenfield report"),
        tag("link", rel="icon", href="data:,"),
        tag("style", Markup(_style())),
    )
    body = tag(
        "body",
        tag("header", tag("div", _top(report, plan, title, list(there)), class_="wrap"), class_="top"),
        tag("main", list(there.values()), class_="wrap"),
        tag("footer", tag("div", _closing(report), class_="wrap")),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _style() -> str:
    return STYLE.read_text(encoding="utf-8")


def _top(report: Report, plan: Plan, title: str, idents: list[str]) -> list[Child]:
    setup = " ".join(line.strip() for line in used_setup(report.files, plan.frames))
    lead = [f"{counts_line(report.files)}."] if report.files else []
    lead += [f"Used: {setup}."] if setup else []
    links = [tag("li", tag("a", _SECTIONS[ident], href=f"#{ident}")) for ident in idents]
    return [
        tag("p", "evenfield report", class_="mark"),
        tag("h1", _unbroken(title)),
        tag("p", " ".join(lead), class_="lead") if lead else None,
        tag("nav", tag("ul", links), class_="within", aria_label="Parts of this page"),
    ]


def _unbroken(title: str) -> Markup:
    """The title with its dates in one piece each."""
    pieces = _DATE.split(title)
    return joined([tag("span", one, class_="whole") if at % 2 else one for at, one in enumerate(pieces)])


def _provenance(report: Report, plan: Plan) -> Markup:
    memory = "" if report.peak_bytes is None else f"{report.peak_bytes / 1e6:,.0f} MB"
    rows: list[tuple[str, Child]] = [
        ("evenfield", f"{report.version}, algorithms of version {ALGORITHM_VERSION}"),
        ("plan", tag("code", report.plan_digest) if report.plan_digest else ""),
        ("products in", report.output),
        ("frames in", plan.root),
        ("time", f"{report.seconds:.1f} s" + (f", {memory} of memory at most" if memory else "")),
        ("exit code", report.exit_code),
    ]
    given = settings_text(plan.settings).strip()
    text, record, plan_file = (tag("code", name) for name in ("report.txt", "report.json", "plan.json"))
    beside = joined(
        "Beside this page, ", text, " and ", record, " say the same as text and for programs, and ", plan_file,
        " holds the plan. Each product keeps in its own header how it was made.",
    )  # fmt: skip
    return section(
        "provenance",
        "How it was made",
        tag("p", beside),
        facts([row for row in rows if row[1] != ""]),
        [tag("p", note) for note in plan.notes],
        tag("h3", "Settings other than the defaults"),
        tag("pre", given) if "\n" in given else tag("p", "None."),
    )


def _closing(report: Report) -> Markup:
    return tag(
        "p", f"Made by evenfield {report.version}. This page holds all it shows: it runs nothing and loads nothing."
    )
