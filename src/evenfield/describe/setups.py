"""The sensor's setup as a header tells it: binning, region, camera, gain, mosaic, row order, number domain."""

from __future__ import annotations

import re
from typing import Final

from evenfield.describe.cards import Cards, clean_text, shown
from evenfield.describe.dialects import (
    BINNING_PAIRS,
    DOMAIN_WORDS,
    KEYWORDS,
    MISSING_WORDS,
    MONO_WORDS,
    NO_MOSAIC_WORDS,
    ROW_ORDERS,
    Program,
)
from evenfield.describe.filters import BAYER_PATTERNS, filter_name
from evenfield.describe.mosaics import mosaic_pattern, shifted, upside_down
from evenfield.model.frame import SensorSetup
from evenfield.model.header import RawHeader

_SERIAL: Final = re.compile(r"[\s,;(]+(?:S/?N|HW|FW|serial)\b.*$", re.IGNORECASE | re.DOTALL)
_TWO_NUMBERS: Final = re.compile(r"\s*(\d{1,3})\s*(?:[x*,X: ]\s*(\d{1,3}))?\s*", re.ASCII)
_EGAIN_UNITS: Final = {"": 1.0, "e-/adu": 1.0, "e/adu": 1.0, "electrons/adu": 1.0, "e-": 1.0}
# Above 20 e-/ADU no converter works; below it a gain with a fraction is no camera's setting.
_LARGEST_EGAIN: Final = 20.0


def take_setup(
    cards: Cards, *, header: RawHeader, programs: tuple[Program, ...], filter_cfa: str | None
) -> SensorSetup:
    """Everything that must be equal for frames to meet. ``filter_cfa`` is a mosaic that stood in the filter keyword."""
    row_order = _row_order(cards, programs)
    return SensorSetup(
        shape=header.shape,
        binning=_binning(cards),
        origin=_origin(cards),
        camera=_camera(cards),
        readout_mode=cards.text("readout_mode", KEYWORDS["readout_mode"]),
        gain_setting=_gain_setting(cards, programs),
        offset_setting=_setting(cards, "offset_setting", KEYWORDS["offset_setting"]),
        cfa=_cfa(cards, filter_cfa, rows=header.shape[0], row_order=row_order),
        row_order=row_order,
        number_domain=_number_domain(cards, header.sample),
    )


def take_egain(cards: Cards, *, programs: tuple[Program, ...]) -> float | None:
    """Electrons per ADU as the header gives them: EGAIN, else a GAIN that is no camera's setting."""
    for keyword in KEYWORDS["egain_e_per_adu"]:
        measured = cards.measured(keyword, units=_EGAIN_UNITS) if keyword in cards.values else None
        if measured is None:
            continue
        if measured[0] > 0:
            cards.known["egain_e_per_adu"] = keyword
            return measured[0]
        if measured[0] < 0:
            cards.problems.append(f"{keyword} {shown(cards.values[keyword])} is below 0.")
    measured = cards.measured("GAIN", units=_EGAIN_UNITS) if "egain" in _gain_meaning(cards, programs) else None
    if measured is None:
        return None
    cards.known["egain_e_per_adu"] = "GAIN"
    return measured[0]


def take_filter(cards: Cards) -> tuple[str | None, str | None]:
    """The filter's name, and the mosaic pattern where a program wrote that into the filter keyword."""
    for keyword in KEYWORDS["filter"]:
        value = cards.values.get(keyword)
        if value is None or isinstance(value, bool):
            continue
        text = clean_text(value)
        if text.upper() in BAYER_PATTERNS:
            cards.known["cfa"] = keyword
            return None, text.upper()
        name = None if text == "nan" else filter_name(text)
        if name is not None:
            cards.known["filter"] = keyword
            return name, None
    names, used = [], []
    for keyword in KEYWORDS["filter_wheels"]:
        value = cards.values.get(keyword)
        name = filter_name(clean_text(value)) if isinstance(value, str) else None
        if name is not None:
            names.append(name)
            used.append(keyword)
    if not names:
        return None, None
    cards.known["filter"] = "+".join(used)
    return "+".join(names), None


def _gain_meaning(cards: Cards, programs: tuple[Program, ...]) -> str:
    """What GAIN holds: "setting", "egain", or "" where it is missing or no number.

    Capture programs write the camera's setting. Elsewhere GAIN is e-/ADU if it says so, or if it is at most 20 and
    has a fraction or comes from an observatory.
    """
    value = cards.values.get("GAIN")
    if isinstance(value, str):
        text = value.strip().lower()
        if "/" in text or text.endswith("e-"):
            return "egain"
        try:
            number = float(text)
        except ValueError:
            return "setting"
    elif isinstance(value, bool) or value is None:
        return "setting" if value is not None else ""
    else:
        number = value
    if any(program.amateur and program.name for program in programs) or not 0 < number <= _LARGEST_EGAIN:
        return "setting"
    observatory = any(not program.amateur for program in programs) or "BIASSEC" in cards.values
    return "egain" if observatory or number != int(number) else "setting"


def _gain_setting(cards: Cards, programs: tuple[Program, ...]) -> float | None:
    """The camera's gain setting, or its ISO speed."""
    if _gain_meaning(cards, programs) == "setting":
        setting = _setting(cards, "gain_setting", KEYWORDS["gain_setting"])
        if setting is not None:
            return setting
    for keyword in KEYWORDS["iso"]:
        value = cards.values.get(keyword)
        if isinstance(value, str) and value.strip()[:3].upper() == "ISO" and value.strip()[3:].strip().isdecimal():
            cards.known["gain_setting"] = keyword
            return float(value.strip()[3:].strip()[:9])
        speed = cards.number("gain_setting", (keyword,), low=0.0)
        if speed:
            return speed
    cards.known.pop("gain_setting", None)
    return None


def _setting(cards: Cards, field: str, keywords: tuple[str, ...]) -> float | None:
    """A gain or offset setting; -1 is how drivers say that they have none."""
    present = tuple(keyword for keyword in keywords if keyword in cards.values and cards.values[keyword] != -1)
    return cards.number(field, present, low=0.0) if present else None


def _binning(cards: Cards) -> tuple[int, int] | None:
    """(x, y), from a pair of keywords or from one text "2x2", "1 1", "2"."""
    for pair in BINNING_PAIRS:
        if pair[0] not in cards.values or pair[1] not in cards.values:
            continue
        x, y = (_whole(cards, keyword, low=1) for keyword in pair)
        if x is not None and y is not None:
            cards.known["binning"] = pair[0]
            return x, y
    for keyword in KEYWORDS["binning"]:
        value = cards.values.get(keyword)
        text = "" if value is None or isinstance(value, bool) else clean_text(value).removesuffix(".0")
        if text.lower() in MISSING_WORDS:
            continue
        found = _TWO_NUMBERS.fullmatch(text)
        if found is not None and int(found[1]) > 0 and int(found[2] or 1) > 0:
            cards.known["binning"] = keyword
            return int(found[1]), int(found[2] or found[1])
        cards.problems.append(f"{keyword} {shown(value)} is not a binning.")
    return None


def _whole(cards: Cards, keyword: str, *, low: int) -> int | None:
    """A keyword's value as a whole number from ``low`` to a million; anything else is a problem."""
    measured = cards.measured(keyword)
    if measured is None:
        return None
    if measured[0] != measured[0] // 1 or not low <= measured[0] <= 1_000_000:
        cards.problems.append(f"{keyword} {shown(cards.values[keyword])} is not a whole number from {low} on.")
        return None
    return int(measured[0])


def _origin(cards: Cards) -> tuple[int, int] | None:
    """(x, y) of the first pixel of the region read out, in binned pixels."""
    if "XORGSUBF" not in cards.values or "YORGSUBF" not in cards.values:
        return None
    x, y = _whole(cards, "XORGSUBF", low=0), _whole(cards, "YORGSUBF", low=0)
    if x is None or y is None:
        return None
    cards.known["origin"] = "XORGSUBF"
    return x, y


def _camera(cards: Cards) -> str | None:
    """The camera's name without serial numbers and firmware versions, so that the same camera compares equal."""
    text = cards.text("camera", KEYWORDS["camera"])
    if text is None:
        return None
    return " ".join(_SERIAL.sub("", text).split()) or text


def _row_order(cards: Cards, programs: tuple[Program, ...]) -> str | None:
    """TOP-DOWN or BOTTOM-UP, from ROWORDER, else what the program always writes."""
    text = cards.text("row_order", KEYWORDS["row_order"])
    if text is not None:
        order = ROW_ORDERS.get("".join(sign for sign in text.lower() if sign.isalpha()))
        if order is not None:
            return order
        cards.problems.append(f"ROWORDER {shown(text)} is neither TOP-DOWN nor BOTTOM-UP.")
        del cards.known["row_order"]
        return None
    if not programs or any(program.rewrites for program in programs):
        return None
    order = programs[0].row_order
    if order is not None:
        cards.known["row_order"] = cards.known.get("program", "FRAME")
    return order


def _cfa(cards: Cards, filter_cfa: str | None, *, rows: int, row_order: str | None) -> str | None:
    """The mosaic at the first stored pixel, or "MONO" where the header says that there is none.

    Headers give the pattern of the picture's top row; in a BOTTOM-UP file that is the last one stored. The offsets
    XBAYROFF and YBAYROFF shift the pattern afterwards.
    """
    pattern = _pattern(cards, filter_cfa)
    if pattern is None or pattern == "MONO":
        return pattern
    if row_order == "BOTTOM-UP":
        pattern = upside_down(pattern, rows=rows)
    shifts = [0, 0]
    for place, keyword in enumerate(("XBAYROFF", "YBAYROFF")):
        measured = cards.measured(keyword) if keyword in cards.values else None
        if measured is not None and measured[0] == measured[0] // 1:
            shifts[place] = int(measured[0])
        elif measured is not None:
            cards.problems.append(f"{keyword} {shown(cards.values[keyword])} is not a whole number.")
    return shifted(pattern, x=shifts[0], y=shifts[1]) if shifts != [0, 0] else pattern


def _pattern(cards: Cards, filter_cfa: str | None) -> str | None:
    """The pattern as the header gives it, "MONO", or ``None``."""
    for keyword in KEYWORDS["cfa"]:
        value = cards.values.get(keyword)
        text = "" if value is None else clean_text(value)
        lower = text.lower()
        if lower in NO_MOSAIC_WORDS:
            continue
        pattern = "MONO" if lower in MONO_WORDS else mosaic_pattern(text)
        if pattern is not None:
            cards.known["cfa"] = keyword
            return pattern
        cards.problems.append(f"{keyword} {shown(value)} is not a colour pattern.")
    if filter_cfa is not None:
        return filter_cfa
    # COLORCCD is 0, False or missing; a missing one says nothing.
    if "COLORCCD" in cards.values and cards.values["COLORCCD"] in (0, "0"):
        cards.known["cfa"] = "COLORCCD"
        return "MONO"
    return None


def _number_domain(cards: Cards, sample: str) -> str | None:
    """The unit of the pixel values, from BUNIT, else ADU for integers; floats without BUNIT are unknown."""
    if "EVFSCALE" in cards.values and sample.startswith("float"):
        # Our own product in the range 0..1: what reads it gives ADU.
        cards.known["number_domain"] = "EVFSCALE"
        return "adu"
    text = cards.text("number_domain", ("BUNIT",))
    if text is not None:
        domain = DOMAIN_WORDS.get(text.lower())
        if domain is None:
            cards.problems.append(f"BUNIT {shown(text)} is no unit that evenfield knows.")
            del cards.known["number_domain"]
        return domain
    if sample.startswith("float"):
        return None
    cards.known["number_domain"] = "BITPIX"
    return "adu"
