"""The fields that are one number or one text each: exposure, temperatures, angles, levels, sections."""

from __future__ import annotations

import re
from typing import Any, Final

from evenfield.describe.cards import Cards, shown
from evenfield.describe.dialects import CEILINGS, KEYWORDS, Program
from evenfield.describe.setups import take_egain

_KELVIN_FROM: Final = 150.0
_ZERO_C_IN_K: Final = 273.15
_TEMPERATURE_UNITS: Final = {
    "": 1.0, "c": 1.0, "°c": 1.0, "deg c": 1.0, "degc": 1.0, "deg": 1.0, "celsius": 1.0, "k": 1.0,
}  # fmt: skip
_SECONDS: Final = {"": 1.0, "s": 1.0, "sec": 1.0, "secs": 1.0, "seconds": 1.0, "ms": 1e-3}
_DEGREES: Final = {"": 1.0, "deg": 1.0, "°": 1.0, "degrees": 1.0}
_MILLIMETERS: Final = {"": 1.0, "mm": 1.0}
_F_NUMBERS: Final = {"": 1.0}
_SECTION: Final = re.compile(r"\[?[\d\s*]*:?[\d\s*]*,[\d\s*]*:?[\d\s*]*\]?", re.ASCII)


def take_numbers(cards: Cards, *, programs: tuple[Program, ...]) -> dict[str, Any]:
    """The fields that are one number each."""
    rotator = cards.number("rotator_deg", KEYWORDS["rotator_deg"], units=_DEGREES)
    optics = {
        "focal_length_mm": cards.number("focal_length_mm", KEYWORDS["focal_length_mm"], low=0.0, units=_MILLIMETERS),
        "f_number": cards.number("f_number", KEYWORDS["f_number"], low=0.0, units=_F_NUMBERS),
    }
    for field, value in optics.items():
        if not value:
            # 0 is what programs write that were not told.
            optics[field] = None
            cards.known.pop(field, None)
    return {
        "exposure_s": cards.number("exposure_s", KEYWORDS["exposure_s"], low=0.0, units=_SECONDS),
        "sensor_c": _temperature(cards, "sensor_c", programs),
        "set_c": _temperature(cards, "set_c", programs),
        "rotator_deg": None if rotator is None else rotator % 360.0,
        **optics,
        "focus_position": cards.number("focus_position", KEYWORDS["focus_position"]),
        "egain_e_per_adu": take_egain(cards, programs=programs),
        "pedestal_adu": _pedestal(cards, programs),
        "saturation_adu": _saturation(cards),
    }


def _temperature(cards: Cards, field: str, programs: tuple[Program, ...]) -> float | None:
    """A temperature in Celsius; numbers above 150 can only be Kelvin."""
    for keyword in KEYWORDS[field]:
        if keyword not in cards.values:
            continue
        measured = cards.measured(keyword, units=_TEMPERATURE_UNITS)
        if measured is None or any(measured[0] == program.no_temperature for program in programs):
            continue
        celsius, unit = measured
        if unit == "k" or celsius > _KELVIN_FROM:
            # Rounded, so that 271.0 K is -2.15 C and not -2.1499999999999773.
            celsius = round(celsius - _ZERO_C_IN_K, 6)
        if -150.0 <= celsius <= 100.0:
            cards.known[field] = keyword
            return celsius
        cards.problems.append(f"{keyword} {shown(cards.values[keyword])} is no temperature of a sensor.")
    return None


def _pedestal(cards: Cards, programs: tuple[Program, ...]) -> float | None:
    """The value that was added to the data, ADU.

    PixInsight writes that value; MaxIm DL and SBIG's extensions write what is to be added to come back to zero, its
    negative. A negative value is of the second sort whoever wrote it.
    """
    written = cards.number("pedestal_adu", KEYWORDS["pedestal_adu"])
    if not written:
        return written
    zero_based = any(program.zero_based for program in programs) and not any(program.rewrites for program in programs)
    return -written if zero_based or written < 0 else written


def _saturation(cards: Cards) -> float | None:
    """The level at which pixels saturate: SATURATE, else a DATAMAX that is a converter's ceiling."""
    level = cards.number("saturation_adu", KEYWORDS["saturation_adu"], low=0.0)
    if level:
        return level
    cards.known.pop("saturation_adu", None)
    # Beside DATAMIN, DATAMAX is the greatest value of this very image.
    if "DATAMAX" in cards.values and "DATAMIN" not in cards.values:
        measured = cards.measured("DATAMAX")
        if measured is not None and measured[0] in CEILINGS:
            cards.known["saturation_adu"] = "DATAMAX"
            return measured[0]
    return None


def take_texts(cards: Cards) -> dict[str, Any]:
    """The fields that are one text each."""
    side = cards.text("pier_side", KEYWORDS["pier_side"])
    if side is not None:
        side = "east" if "east" in side.lower() else "west" if "west" in side.lower() else None
        if side is None:
            del cards.known["pier_side"]
    return {
        "pier_side": side,
        "telescope": cards.text("telescope", KEYWORDS["telescope"]),
        "target": cards.text("target", KEYWORDS["target"]),
        "overscan_section": _section_text(cards, "overscan_section"),
        "trim_section": _section_text(cards, "trim_section"),
        "product_digest": cards.text("product_digest", ("EVFDGST",)),
    }


def _section_text(cards: Cards, field: str) -> str | None:
    """A section of the image as IRAF writes it, without blanks; one of zeros says that there is none."""
    for keyword in KEYWORDS[field]:
        text = cards.text(field, (keyword,))
        if text is None:
            continue
        if _SECTION.fullmatch(text) is None:
            cards.problems.append(f"{keyword} {shown(text)} is not a section of an image.")
        elif any(digit in text for digit in "123456789*"):
            return "".join(text.split())
        del cards.known[field]
    return None
