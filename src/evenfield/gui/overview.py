"""What is said of all rows together: counted once, beside the window's thread."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evenfield.gui.rows import COLUMNS, Row, folded, usual_values
from evenfield.gui.tree import ALL, Node, Section, summary, tree_sections
from evenfield.gui.words import count_words, tr
from evenfield.model.plan import Plan


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """The line above all, the tree, and the columns that need no place (`folded`) or mark a cell (`usual_values`)."""

    summary: str = ""
    sections: tuple[Section, ...] = ()
    folded: Mapping[str, str] = dataclasses.field(default_factory=dict)
    usual: Mapping[str, Any] = dataclasses.field(default_factory=dict)


_UNKNOWN: Final = {column.key: "?" for column in COLUMNS if column.folds}
"""Which columns are equal in all rows is known in the end: until then they take no place."""

NOTHING: Final = Overview(folded=_UNKNOWN)


def overview(plan: Plan, rows: Sequence[Row], *, job: str) -> Overview:
    """What is said of the rows of a plan."""
    return Overview(
        summary=summary(plan, rows, job=job),
        sections=tree_sections(plan, rows, job=job),
        folded=folded(rows),
        usual=usual_values(rows),
    )


def reading_overview(count: int) -> Overview:
    """What is said while headers are still read."""
    return Overview(
        summary=count_words(count, "{} file so far.", "{} files so far."),
        sections=(Section(tr("Frames"), (Node(id=ALL, title=tr("All files"), count=count),)),),
        folded=_UNKNOWN,
    )
