"""Building HTML: whatever is not `Markup` is escaped, and signs that cannot be seen are spelled out."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Final, TypeAlias

from evenfield.model.literal import literal

_VOID: Final = frozenset(("br", "hr", "img", "input", "link", "meta", "col"))


class Markup(str):
    """Text that is HTML already: it came from `tag`, `text` or a constant of this room."""

    __slots__ = ()


Child: TypeAlias = "str | int | Iterable[Child] | None"


def text(value: str | int) -> Markup:
    """A text as it shall be read, also inside of quoted attributes."""
    return value if isinstance(value, Markup) else Markup(html.escape(literal(str(value)), quote=True))


def joined(*children: Child) -> Markup:
    """Children one after the other; ``None`` is nothing, and so is an empty list."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, str | int):
            parts.append(text(child))
        else:
            parts.append(joined(*child))
    return Markup("".join(parts))


def tag(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """An element. ``class_`` and ``for_`` lose their underscore, others become dashes; ``None`` and false are left out.

    Parameters
    ----------
    name : str
    *children : Markup, str, int, or lists of them
        Escaped unless they are `Markup`.
    **attributes : str, int or bool
        Always escaped; true gives the bare name.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(*children)}</{name}>")


def _attribute(key: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{text(value)}"'
