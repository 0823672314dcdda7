"""The one door for every text of the window, so that it can be translated. No Qt.

Who draws the window says how texts are translated (`translate_by`); until then they stay as they are. A text reaches
`tr` as it stands in the source, with places for values (``{}``) that are filled in afterwards: only such a text can be
found by whoever translates. ``docs/make_translation.py`` gathers them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

_translated: Callable[[str], str] = str


def translate_by(translated: Callable[[str], str]) -> None:
    """From now on texts are what this function gives for them."""
    global _translated  # noqa: PLW0603 - there is one language at a time
    _translated = translated


def tr(text: str) -> str:
    """The text in the language of the user; the text itself where there is no translation."""
    return _translated(text)


def mark(text: str) -> str:
    """The text itself: it stands in a table, is to be translated, and goes through `tr` where it is shown."""
    return text


def count_words(count: int, one: str, many: str) -> str:
    """A number in words: ``count_words(1200, "{} file", "{} files")`` is "1,200 files"."""
    return tr(one if count == 1 else many).format(f"{count:,}")


def listed(parts: Sequence[str]) -> str:
    """Parts of a sentence, one after the other: "3 masters and 2 lights"; nothing for none."""
    return functools.reduce(lambda before, part: tr("{} and {}").format(before, part), parts) if parts else ""
