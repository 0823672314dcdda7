"""The user's corrections to headers: ``flat*:kind=flat`` on the command line, ``evenfield.toml`` beside the frames."""

from __future__ import annotations

import fnmatch
import functools
import re
import tomllib
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from evenfield.describe.override_values import EXAMPLE, OVERRIDE_FIELDS, OverrideValue, field_value
from evenfield.errors import DocumentError, UsageError
from evenfield.model.frame import FrameInfo, FrameKind, SensorSetup

_NEXT_FIELD: Final = re.compile(r",(?=\s*[A-Za-z_]+\s*=)")
_FIELD_BEGINS: Final = re.compile(r":(?=\s*[A-Za-z_]+\s*=)")
_LITERAL: Final = re.compile(r"\[([^]!^-])\]|([^*?[\]])")
_SET_LINE: Final = re.compile(r"^\s*\[\[\s*set\s*\]\]", re.MULTILINE)
_SETUP_FIELDS: Final = frozenset(SensorSetup.__struct_fields__)


class Override(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One correction: in frames whose name fits ``pattern``, ``field`` is ``value``.

    ``pattern`` is a shell pattern, compared without regard to case to the file's name, or, if it holds a slash, to the
    end of the path. ``field`` is one of `override_values.OVERRIDE_FIELDS`; ``value`` may be given as text, and
    ``None`` (as text: "", "none" or "unknown") makes the field unknown.

    Raises
    ------
    UsageError
        If the pattern is empty, or the field or its value cannot be.
    """

    pattern: str
    field: str
    value: OverrideValue

    def __post_init__(self) -> None:
        """Bring the value to the field's type, or refuse it."""
        if not self.pattern.strip():
            raise UsageError("An override has an empty file pattern.", mend=f"Write it as in {EXAMPLE}.")
        msgspec.structs.force_setattr(self, "value", field_value(self.field, self.value))

    def fits(self, path: str) -> bool:
        """Whether the override is about the file at a path."""
        return fits_pattern(self.pattern, path)


def parse_override(text: str) -> tuple[Override, ...]:
    """The overrides that one text names: "flat*:kind=flat" or "flat*:kind=flat,gain_setting=100".

    The pattern ends at the first colon with a field and "=" behind it, so it may begin with a drive letter, and file
    names may hold "=".

    Raises
    ------
    UsageError
        If the text has no such form, or a field or value cannot be; it names the fields and an example.
    """
    head, equals, _ = text.partition("=")
    begins = _FIELD_BEGINS.search(text)
    colon = begins.start() if begins is not None else head.rfind(":")
    if not equals or colon < 0:
        raise UsageError(
            f"The override '{text}' is not of the form PATTERN:FIELD=VALUE.",
            mend=f"Write it as in {EXAMPLE}; fields are {', '.join(OVERRIDE_FIELDS)}.",
        )
    pattern = text[:colon].strip()
    found = []
    for part in _NEXT_FIELD.split(text[colon + 1 :]):
        field, _, value = part.partition("=")
        found.append(Override(pattern=pattern, field=field.strip(), value=value.strip()))
    return tuple(found)


def load_overrides(text: str, *, origin: str) -> tuple[Override, ...]:
    """The overrides in the text of an ``evenfield.toml``: tables ``[[set]]`` with ``files`` and fields.

    Parameters
    ----------
    text : str
        The file's text.
    origin : str
        The file's name, for messages.

    Raises
    ------
    DocumentError
        If the text is not TOML, or a table, key or value cannot be; the message names the file and the place.
    """
    mend = f'Write tables of the form [[set]], files = "flat*", kind = "flat"; fields are {", ".join(OVERRIDE_FIELDS)}.'
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DocumentError(f"{origin} is not valid TOML: {error}.", mend=mend) from None
    for key in document:
        if key != "set":
            raise DocumentError(f"{origin} has a key '{key}'; only [[set]] is known.", mend=mend)
    tables = document.get("set", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise DocumentError(f"{origin} has 'set' that is no [[set]] table.", mend=mend)
    lines = [text.count("\n", 0, found.end()) + 1 for found in _SET_LINE.finditer(text)]
    overrides: list[Override] = []
    for place, table in enumerate(tables):
        where = f"{origin}, line {lines[place]}" if len(lines) == len(tables) else f"{origin}, [[set]] {place + 1}"
        files = table.get("files")
        patterns = [files] if isinstance(files, str) else files
        if not isinstance(patterns, list) or not patterns or not all(isinstance(each, str) for each in patterns):
            raise DocumentError(f"{where}: 'files' is missing or no pattern.", mend=mend)
        fields = {key: value for key, value in table.items() if key != "files"}
        if not fields:
            raise DocumentError(f"{where}: nothing is set for '{patterns[0]}'.", mend=mend)
        for pattern in patterns:
            for field, value in fields.items():
                try:
                    overrides.append(Override(pattern=pattern, field=field, value=_from_toml(value)))
                except UsageError as error:
                    raise DocumentError(f"{where}: {error.message}", mend=mend) from None
    return tuple(overrides)


def apply_overrides(frame: FrameInfo, *, overrides: Sequence[Override]) -> FrameInfo:
    """The frame with the overrides that fit its path; later ones win, and ``known_from`` says "user"."""
    in_frame: dict[str, Any] = {}
    in_setup: dict[str, Any] = {}
    for override in overrides:
        if override.fits(frame.path):
            value: Any = override.value
            if override.field == "kind" and value is not None:
                value = FrameKind(value)
            (in_setup if override.field in _SETUP_FIELDS else in_frame)[override.field] = value
    if not in_frame and not in_setup:
        return frame
    known = {**frame.known_from, **dict.fromkeys((*in_frame, *in_setup), "user")}
    setup = msgspec.structs.replace(frame.setup, **in_setup) if in_setup else frame.setup
    return msgspec.structs.replace(frame, **in_frame, setup=setup, known_from=known)


def fits_pattern(pattern: str, path: str) -> bool:
    """Whether a path fits a shell pattern: its name alone, or its end where the pattern holds a slash."""
    whole = path.replace("\\", "/").lower()
    if "/" in pattern or "\\" in pattern:
        return _matcher(pattern)(whole)
    return _matcher(pattern)(whole.rpartition("/")[2])


def literal_of(pattern: str) -> str | None:
    """The one text, in lower case and with "/", that a pattern without wildcards means; ``None`` with wildcards."""
    lower = pattern.strip().lower().replace("\\", "/")
    pieces = list(_LITERAL.finditer(lower))
    if sum(piece.end() - piece.start() for piece in pieces) != len(lower):
        return None
    return "".join(piece[1] or piece[2] for piece in pieces)


# A selection of many files may be as many patterns.
@functools.lru_cache(maxsize=1 << 16)
def _matcher(pattern: str) -> Callable[[str], bool]:
    """The compiled form of a pattern."""
    lower = pattern.strip().lower().replace("\\", "/")
    if "/" in lower and not lower.startswith("/") and lower[1:2] != ":":
        lower = "*/" + lower.removeprefix("./")
    literal = literal_of(lower.removeprefix("*"))
    if literal is not None:
        return literal.__eq__ if not lower.startswith("*") else lambda text: text.endswith(literal)
    compiled = re.compile(fnmatch.translate(lower))
    return lambda text: compiled.match(text) is not None


def _from_toml(value: object) -> OverrideValue:
    """A TOML value as an override takes it: dates become text, lists of two numbers pairs."""
    if isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value):
        return (value[0], value[1])
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
