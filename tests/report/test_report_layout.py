"""Lines of at most 80 columns, and nothing lost by wrapping, shortening or quoting."""

from __future__ import annotations

import re
import shlex

from hypothesis import given
from hypothesis import strategies as st

from evenfield.model.plan import FileUse
from evenfield.report.counts import USES, counts_line, reason_lines
from evenfield.report.layout import WIDTH, indented, labeled, listed, quoted, shortened, table

WORDS = st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30), max_size=40)


@given(words=WORDS, by=st.integers(0, 20))
def test_indented(words: list[str], by: int) -> None:
    """A wrapped text keeps its words, its indent and its width."""
    text = " ".join(words)
    lines = indented(text, by=by)
    assert " ".join(line.strip() for line in lines).split() == text.split()
    assert all(len(line) <= WIDTH and line.startswith(" " * by) for line in lines)


@given(words=WORDS)
def test_listed(words: list[str]) -> None:
    """A list keeps its items and its width."""
    lines = listed("left out", words)
    assert all(len(line) <= WIDTH for line in lines)
    assert " ".join(lines).replace(" ", "") == (f"leftout{','.join(words)}" if words else "")


def test_listed_breaks_between_items() -> None:
    """An item of a few words is not torn apart at the end of a line."""
    items = [f"{number} gain 0 (flats have 100)" for number in range(10, 18)]
    lines = listed("left out", items)
    assert len(lines) > 2
    for item in items:
        assert any(item in line for line in lines)


def test_labeled() -> None:
    """Continuation lines stand under the text."""
    first, *rest = labeled("left out", "word " * 40)
    assert first.startswith("  left out    word")
    assert all(line.startswith(" " * 14 + "word") for line in rest)


@given(text=st.text(max_size=60), width=st.integers(10, 40))
def test_shortened(text: str, width: int) -> None:
    """Never longer than asked; the ends stay; what fits is unchanged."""
    found = shortened(text, width)
    assert len(found) <= width
    if len(text) <= width:
        assert found == text
    else:
        head, _, tail = found.partition("...")
        assert text.startswith(head)
        assert tail == "" or text.endswith(tail)


def test_table() -> None:
    """Columns are two blanks apart; numbers stand to the right; no line ends in blanks."""
    lines = table(["name", "n"], [["a", "1"], ["longer", "100"]], right=(1,))
    assert lines == ["name      n", "a         1", "longer  100"]


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\`$!'), max_size=20)))
def test_quoted(arguments: list[str]) -> None:
    """What is printed to paste means the same arguments to a shell."""
    assert shlex.split(quoted(arguments)) == arguments


FILE_USES = st.lists(
    st.builds(
        FileUse,
        path=st.just("/a/b.fits"),
        use=st.sampled_from(USES),
        code=st.sampled_from(["used", "light", "second_copy", "truncated", "gain_setting_differs"]),
        reason=st.sampled_from(["light", "dark of 300 s", "gain 0 (flats have 100)", "cut short: 1 of 2 MB"]),
    ),
    max_size=60,
)


@given(files=FILE_USES)
def test_counts_add_up(files: list[FileUse]) -> None:
    """The four counts of the first line add up to the files found; so do those of the reasons."""
    total, *parts = map(int, re.findall(r"\d+", counts_line(files)))
    assert total == len(files) == sum(parts)
    assert counts_line(files).endswith("unreadable")
    lines = reason_lines(files)
    assert all(len(line) <= WIDTH for line in lines)
    text = "\n".join(line for line in lines if not line.startswith("  unreadable"))
    labels = text.count("not needed ") + text.count("left out ")
    assert labels == len({one.use for one in files} & {"not_needed", "left_out"})
