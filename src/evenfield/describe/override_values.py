"""The fields that a user may set, and how a text becomes the value of each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final, TypeAlias

from evenfield.describe.dialects import DOMAIN_WORDS, ROW_ORDERS
from evenfield.describe.filters import filter_name
from evenfield.describe.kinds import kind_of_word
from evenfield.describe.mosaics import mosaic_pattern
from evenfield.describe.times import iso_text, moment
from evenfield.errors import UsageError

OverrideValue: TypeAlias = bool | float | str | tuple[int, int] | None

EXAMPLE: Final = "flat*:kind=flat,gain_setting=100"

_UNSET: Final = frozenset(("", "none", "unknown"))
_FLAGS: Final = {"true": True, "yes": True, "t": True, "1": True, "false": False, "no": False, "f": False, "0": False}


def field_value(field: str, value: object) -> OverrideValue:
    """The value of a field, from a text or from a value of its own type; "", "none", "unknown" are ``None``.

    Raises
    ------
    UsageError
        If there is no such field, or it cannot have that value; the message names the fields, or what it takes.
    """
    convert = _FIELDS.get(field)
    if convert is None:
        raise UsageError(
            f"'{field}' is no field that can be set.",
            mend=f"Fields are {', '.join(OVERRIDE_FIELDS)}; write it as in {EXAMPLE}.",
        )
    if value is None or (isinstance(value, str) and value.strip().lower() in _UNSET):
        # A frame always is a master or not one: that cannot be unknown.
        return False if field == "is_master" else None
    try:
        return convert(value)
    except (ValueError, TypeError, OverflowError, KeyError):
        raise UsageError(
            f"'{value}' is no value of {field}: it takes {_TAKES[convert]}.", mend=f"Write it as in {EXAMPLE}."
        ) from None


def _kind(value: object) -> str:
    kind = kind_of_word(_text(value))[0]
    if kind is None:
        raise ValueError
    return kind.value


def _flag(value: object) -> bool:
    return value if isinstance(value, bool) else _FLAGS[_text(value).lower()]


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or "_" in str(value):
        raise ValueError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _not_negative(value: object) -> float:
    number = _number(value)
    if number < 0:
        raise ValueError
    return number


def _celsius(value: object) -> float:
    number = _number(value)
    if not -150 <= number <= 100:
        raise ValueError
    return number


def _pair(value: object, *, least: int) -> tuple[int, int]:
    if isinstance(value, tuple | list):
        parts = [int(each) for each in value]
    else:
        parts = [int(each) for each in re.split(r"[x,*\s]+", _text(value).lower())]
    if len(parts) == 1:
        parts *= 2
    if len(parts) != 2 or min(parts) < least:
        raise ValueError
    return parts[0], parts[1]


def _binning(value: object) -> tuple[int, int]:
    return _pair(value, least=1)


def _origin(value: object) -> tuple[int, int]:
    return _pair(value, least=0)


def _text(value: object) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise TypeError
    return str(value).strip()


def _filter(value: object) -> str | None:
    return filter_name(_text(value))


def _cfa(value: object) -> str:
    text = _text(value)
    pattern = "MONO" if text.lower() == "mono" else mosaic_pattern(text)
    if pattern is None:
        raise ValueError
    return pattern


def _row_order(value: object) -> str:
    order = ROW_ORDERS.get("".join(sign for sign in _text(value).lower() if sign.isalpha()))
    if order is None:
        raise ValueError
    return order


def _domain(value: object) -> str:
    domain = DOMAIN_WORDS.get(_text(value).lower())
    if domain is None:
        raise ValueError
    return domain


def _time(value: object) -> str:
    when = moment(_text(value))
    if when is None:
        raise ValueError
    return iso_text(when.utc)


def _local_time(value: object) -> str:
    when = moment(_text(value))
    if when is None:
        raise ValueError
    return iso_text(when.wall)


def _night(value: object) -> str:
    text = _text(value)
    # A date is usual; any short name that may stand in a file's name will do.
    if re.fullmatch(r"[\w.-]{1,40}", text) is None:
        raise ValueError
    return text


_FIELDS: Final[dict[str, Callable[[object], OverrideValue]]] = {
    "kind": _kind,
    "is_master": _flag,
    "exposure_s": _not_negative,
    "sensor_c": _celsius,
    "set_c": _celsius,
    "filter": _filter,
    "night": _night,
    "gain_setting": _not_negative,
    "offset_setting": _not_negative,
    "binning": _binning,
    "origin": _origin,
    "camera": _text,
    "cfa": _cfa,
    "row_order": _row_order,
    "readout_mode": _text,
    "number_domain": _domain,
    "taken_at": _time,
    "local_at": _local_time,
    "site_longitude_deg": _number,
    "rotator_deg": _number,
    "telescope": _text,
    "focal_length_mm": _not_negative,
    "f_number": _not_negative,
    "target": _text,
    "egain_e_per_adu": _not_negative,
    "saturation_adu": _not_negative,
    "pedestal_adu": _number,
    "contains_bias": _flag,
}

_TAKES: Final[dict[Callable[[object], OverrideValue], str]] = {
    _kind: "light, flat, dark, bias or dark_flat",
    _flag: "true or false",
    _not_negative: "a number from 0 on",
    _celsius: "degrees Celsius from -150 to 100",
    _filter: "a filter's name",
    _night: "the date of an evening, 2026-03-14, or a short name",
    _binning: "two whole numbers from 1 on, 2x2",
    _origin: "two whole numbers from 0 on, 0x0",
    _text: "a text",
    _cfa: "RGGB, BGGR, GRBG, GBRG, MONO or the 36 letters of an X-Trans pattern",
    _row_order: "TOP-DOWN or BOTTOM-UP",
    _domain: "adu, electron or unit",
    _time: "a date and time in UTC, 2026-03-14T22:48:01",
    _local_time: "a date and time, 2026-03-14T22:48:01",
    _number: "a number",
}

OVERRIDE_FIELDS: Final = tuple(_FIELDS)
"""The fields that an override may set."""
