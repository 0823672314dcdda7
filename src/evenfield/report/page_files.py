"""What happened to every file: equal fates together, folded, so that thousands of files stay light."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from evenfield.model.catalogue import CATALOGUE
from evenfield.model.plan import FileUse, Plan
from evenfield.model.report import Report
from evenfield.model.wording import plural
from evenfield.report.html import Child, Markup, tag
from evenfield.report.page_parts import folded, names_list, section, table

_WORDS: Final = {
    "unreadable": "could not be read",
    "left_out": "left out",
    "used": "used",
    "not_needed": "not needed",
}
"""Use -> words, in the order in which they are told: first what may be a mistake."""

_MOST_MOVED: Final = 2000


def files_section(report: Report, plan: Plan) -> Markup | None:
    """Every file with what became of it and why."""
    if not report.files:
        return None
    parts: list[Child] = []
    for use, words in _WORDS.items():
        files = [one for one in report.files if one.use == use]
        if files:
            reasons = _by_reason(files)
            body = [_reason(reason, group, plan.root) for reason, group in reasons]
            parts.append(folded(f"{plural(len(files), 'file')} {words}", body))
    if report.moved:
        rows = [[os.path.basename(here), there] for here, there in report.moved[:_MOST_MOVED]]
        title = f"{plural(len(report.moved), 'file')} moved"
        parts.append(folded(title, table(title, ("file", "moved to"), rows)))
    return section("files", "What happened to every file", parts)


def _by_reason(files: Sequence[FileUse]) -> list[tuple[str, list[FileUse]]]:
    """Files of one reason together, the greatest group first."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[FileUse]] = {}
    for one in files:
        groups.setdefault((one.code, one.reason, one.steps), []).append(one)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return [(_text(code, reason, steps), group) for (code, reason, steps), group in ordered]


def _text(code: str, reason: str, steps: Sequence[str]) -> str:
    if code == "used":
        return f"for {', '.join(steps)}" if steps else "used"
    entry = CATALOGUE.get(code)
    return reason or (entry.short if entry is not None else code) or code


def _reason(reason: str, files: Sequence[FileUse], root: str) -> Markup:
    names = [_relative(one.path, root) for one in files]
    if len(files) == 1:
        return tag("p", tag("span", names[0], class_="mono"), f": {reason}")
    return tag("div", tag("h3", f"{len(files)}: {reason}"), names_list(names))


def _relative(path: str, root: str) -> str:
    """A path as seen from the folder that was searched, if it lies below it."""
    if root and path.startswith(root.rstrip("/\\") + os.sep):
        return path[len(root.rstrip("/\\")) + 1 :]
    return path
