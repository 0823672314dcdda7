"""The small parts that all sections of the page are made of: signs, words in color, pictures, tables, folded parts."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Final

from evenfield.model.literal import literal
from evenfield.report.html import Child, Markup, joined, tag
from evenfield.report.layout import quoted
from evenfield.report.sketches import Picture

_SIGNS: Final = {
    # A tick in a circle, a triangle, a cross in a square, a question in a circle: told apart without color.
    "good": '<circle cx="8" cy="8" r="7" fill="currentColor"/>'
    '<path d="M4.6 8.3l2.3 2.3 4.5-4.9" fill="none" stroke="var(--card)" stroke-width="1.8"/>',
    "warn": '<path d="M8 1.2L15.4 14.4H.6z" fill="currentColor"/>'
    '<path d="M8 6v4.2M8 11.6v1.4" stroke="var(--card)" stroke-width="1.7"/>',
    "bad": '<rect x="1" y="1" width="14" height="14" rx="3" fill="currentColor"/>'
    '<path d="M4.8 4.8l6.4 6.4M11.2 4.8l-6.4 6.4" stroke="var(--card)" stroke-width="1.8"/>',
    "dim": '<circle cx="8" cy="8" r="6.4" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    '<path d="M6 6.4a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4M8 11v1.2" fill="none" stroke="currentColor" '
    'stroke-width="1.4"/>',
}


def word(text: str, style: str) -> Markup:
    """A verdict or level: a sign of its own shape, and the word."""
    sign = Markup(f'<svg viewBox="0 0 16 16" aria-hidden="true">{_SIGNS[style]}</svg>')
    return tag("span", sign, text, class_=f"word {style}")


def picture_figure(picture: Picture, *, caption: Child = None) -> Markup:
    """A picture with its caption; what is to be seen is the text in its place."""
    data = base64.b64encode(picture.png).decode("ascii")
    rows, columns = picture.shape
    image = tag(
        "img",
        src=Markup(f"data:image/png;base64,{data}"),
        width=columns,
        height=rows,
        alt=f"{picture.title}: {picture.says}",
        loading="lazy",
        decoding="async",
    )
    below = joined(tag("strong", picture.title), ". ", picture.note, "." if picture.note else "")
    return tag("figure", image, tag("figcaption", below if caption is None else caption))


def mend_line(mend: str, fix: Sequence[str] | None) -> Markup:
    """What to do, with the options that carry it out, unless it says them itself."""
    if fix is None or quoted(fix) in mend:
        return joined(mend)
    return joined(f"{mend.rstrip('.:')}: ", tag("code", quoted(fix)))


def folded(head: Child, *body: Child, open_: bool = False, ident: str | None = None) -> Markup:
    """A part that opens on demand, and is open on paper."""
    return tag("details", tag("summary", head), tag("div", *body, class_="body"), open=open_, id=ident)


def facts(rows: Iterable[tuple[str, Child]]) -> Markup | None:
    """Names and values, one line each."""
    lines = [joined(tag("dt", name), tag("dd", value)) for name, value in rows]
    return tag("dl", lines, class_="facts") if lines else None


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[Child]], *, right: Sequence[int] = (), stack: bool = True
) -> Markup:
    """A table whose first column names the row; columns of nothing are left out.

    On a phone each row is a block of its own, or the table scrolls.
    """
    rows = [list(row) for row in rows]
    kept = [at for at in range(len(head)) if not at or any(row[at] not in ("", None) for row in rows)]
    right = [kept.index(at) for at in right if at in kept]
    head, rows = [head[at] for at in kept], [[row[at] for at in kept] for row in rows]
    top = [tag("th", one, scope="col", class_="right" if at in right else None) for at, one in enumerate(head)]
    lines = []
    for row in rows:
        cells = [tag("th", row[0], scope="row")]
        cells += [
            tag("td", cell, data_label=head[at], class_="right" if at in right else None)
            for at, cell in enumerate(row[1:], start=1)
        ]
        lines.append(tag("tr", cells))
    made = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", top)),
        tag("tbody", lines),
        class_="stack" if stack else None,
    )
    # A part that scrolls must be reached by the keyboard too.
    return tag("div", made, class_="scroll", role="region", aria_label=caption, tabindex=0)


def names_list(names: Iterable[str]) -> Markup:
    """Names of files in columns."""
    return tag("ul", [tag("li", literal(name)) for name in names], class_="names")


def section(ident: str, title: str, *body: Child) -> Markup:
    """A part of the page with its heading."""
    return tag("section", tag("h2", title, id=f"{ident}-title"), *body, id=ident, aria_labelledby=f"{ident}-title")
