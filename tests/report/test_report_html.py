"""Building HTML: whatever comes from outside is read, and never obeyed."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from evenfield.model.literal import literal
from evenfield.report.html import Markup, joined, tag, text


class Reader(HTMLParser):
    """What a browser would see: tags, attributes, text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.data.append(data)


@given(st.text(), st.text())
def test_any_text_is_shown_literally(inside: str, value: str) -> None:
    """A text between tags and one in an attribute come back as they are, signs that cannot be seen spelled out."""
    seen = Reader(tag("p", inside, title=value))
    assert seen.tags == [("p", {"title": literal(value)})]
    assert "".join(seen.data) == literal(inside)


def test_markup_passes_and_nothing_else_does() -> None:
    """What was built is not escaped again; a plain text with the same signs is."""
    inner = tag("b", "a < b")
    assert tag("p", inner, "<b>") == "<p><b>a &lt; b</b>&lt;b&gt;</p>"
    assert text("\"'") == "&quot;&#x27;"


def test_children_and_attributes() -> None:
    """Lists are opened, nothing is nothing, true is the bare name, underscores become dashes."""
    assert joined(None, [], ["a", [1, Markup("<br>")]]) == "a1<br>"
    assert tag("details", None, open=True, class_="x", aria_label=None, hidden=False, data_label=3) == (
        '<details open class="x" data-label="3"></details>'
    )
    assert tag("meta", name="a", content="b") == '<meta name="a" content="b">'
