"""Which program took a frame, and whether a program has worked on it since."""

from __future__ import annotations

import re
from typing import Final

from evenfield.describe.cards import Cards, clean_text
from evenfield.describe.dialects import (
    CALIBRATED_KEYWORDS,
    FREE_PROGRAM_KEYWORDS,
    HISTORY_MARKS,
    INDI,
    MISSING_WORDS,
    OBSERVATORY,
    OBSERVATORY_KEYWORDS,
    PROGRAM_KEYWORDS,
    SBIG_EXTENSIONS,
    Program,
    known_program,
)
from evenfield.describe.kinds import kind_of_word
from evenfield.model.frame import FrameKind

_CHAIN: Final = re.compile(r"_(?:c|cc|cal|calibrated|preprocessed|r|reg|registered)(?:_(?:c|cc|d|r|lps))*", re.ASCII)
_PRODUCT_TAIL: Final = re.compile(_CHAIN.pattern + r"$", re.ASCII)
_PRODUCT_HEAD: Final = re.compile(r"(?:(?:r|bkg)_)*pp_", re.ASCII)
_NUMBERED: Final = re.compile(r"[-_ .]\d+$", re.ASCII)
_IMAGES: Final = re.compile(r"numberofimages\D{0,3}(\d{1,5})")
# MaxIm DL: B bias, D dark, F flat, in any order beside letters of other programs.
_CALIBRATION_STATE: Final = re.compile(r"(?=.*[BDF])[A-Z]{1,6}")
_NOT_DONE: Final = frozenset(("F", "NO", "OMIT", "SKIP", "FALSE"))


def programs_of(cards: Cards) -> tuple[Program, ...]:
    """Every program that the header names, the one that took the frame first; its keyword is noted as ``program``."""
    found: list[Program] = []
    values = cards.values
    for keyword in PROGRAM_KEYWORDS:
        text = values.get(keyword)
        if not isinstance(text, str):
            continue
        text = clean_text(text)
        program = known_program(text)
        if program is None:
            if keyword not in FREE_PROGRAM_KEYWORDS or text.lower() in MISSING_WORDS:
                continue
            # A program that is not in the table: nothing but its name is known.
            program = Program(name=text, amateur=False)
        if not found:
            cards.known["program"] = keyword
        found.append(program)
    frame = values.get("FRAME")
    if isinstance(frame, str) and kind_of_word(frame)[0] is not None:
        # INDI writes its name into a comment only, but no one else writes the kind to FRAME.
        if not found:
            cards.known["program"] = "FRAME"
        found.append(INDI)
    if "SBSTDVER" in values:
        found.append(SBIG_EXTENSIONS)
    if not found and not OBSERVATORY_KEYWORDS.isdisjoint(values):
        found.append(OBSERVATORY)
    return tuple(found)


def history_of(cards: Cards, *, history: tuple[str, ...]) -> str:
    """The header's history in lower case, wherever the reader put it."""
    lines = list(history)
    if "HISTORY" in cards.values:
        lines += [value for name, value in cards.all if name == "HISTORY" and isinstance(value, str)]
    return "\n".join(lines).lower()


def images_in_history(history: str) -> int | None:
    """How many images PixInsight's history says were integrated."""
    found = _IMAGES.search(history) if "numberofimages" in history else None
    return int(found[1]) if found is not None else None


def product_reason(
    cards: Cards, *, stem: str, kind: FrameKind | None, history: str, filter_name: str | None
) -> str | None:
    """Why a frame that is no master is not raw any more; ``None`` if nothing says so."""
    values = cards.values
    kind_text = values.get("FRAME")
    if isinstance(kind_text, str) and "processed" in kind_text.lower():
        return f"FRAME '{clean_text(kind_text)}'"
    if isinstance(values.get("EVFDGST"), str) and kind in (FrameKind.LIGHT, None):
        return "made by evenfield (EVFDGST)"
    for mark, reason in HISTORY_MARKS:
        if mark in history:
            return f"{reason} (HISTORY)"
    calibrated = values.get("CALSTAT")
    if isinstance(calibrated, str) and _CALIBRATION_STATE.fullmatch(calibrated.strip()):
        return f"calibrated already (CALSTAT '{clean_text(calibrated)}')"
    for keyword in CALIBRATED_KEYWORDS:
        text = values.get(keyword)
        done = text is True or (isinstance(text, str) and clean_text(text).upper() not in _NOT_DONE | {""})
        if done:
            return f"calibrated already ({keyword})"
    level = values.get("RLEVEL")
    if isinstance(level, int) and level > 0:
        return f"reduced by the observatory (RLEVEL {level})"
    if kind is FrameKind.LIGHT or kind is None:
        return _reason_in_name(stem, filter_name)
    return None


def _reason_in_name(stem: str, filter_name: str | None) -> str | None:
    """Why a file's name says that it is a product: PixInsight appends "_c", "_c_r", Siril puts "pp_" before."""
    head = _PRODUCT_HEAD.match(stem)
    if head is not None:
        return f"its name begins with '{head[0]}'"
    tail = _PRODUCT_TAIL.search(stem)
    if tail is None:
        return None
    if len(tail[0]) == 2:
        # One letter may be the filter, as in "M31_r" or "V1234_c".
        letter = tail[0][1]
        numbered = _NUMBERED.search(stem[: tail.start()]) is not None
        if filter_name is not None and filter_name[0].lower() == letter:
            return None
        if filter_name is None and letter != "c" and not numbered:
            return None
    return f"its name ends in '{tail[0]}'"
