"""The rejections: each a small value of its own, and their text form "winsorized:4,3"."""

from __future__ import annotations

import math
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from evenfield.errors import SettingsError

Limit: TypeAlias = Annotated[float, Meta(gt=0, le=100)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=1000)]


class NoRejection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="none"):
    """Every sample is used."""


class AutoRejection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="auto"):
    """Chosen when the plan is made: below 5 frames the median; else winsorized, 3/3 for flats, 4/3 for dark ones."""


class ZScore(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="zscore"):
    """Once: reject what lies more than ``limit`` standard deviations (ddof 0) from the mean (MasterFlatMaker)."""

    limit: Limit = 2.0


class Extremes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="extremes"):
    """``times`` times: drop every instance of the least and of the greatest value (MasterFlatMaker's min-max clip)."""

    times: Annotated[int, Meta(ge=1, le=1000)] = 2


class MinMax(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="minmax"):
    """Drop the ``n_low`` least and the ``n_high`` greatest values."""

    n_low: Count = 1
    n_high: Count = 1


class Sigma(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="sigma"):
    """Repeat on the survivors: beyond ``low`` or ``high`` standard deviations (ddof 1) from the median."""

    low: Limit = 3.0
    high: Limit = 3.0


class Winsorized(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="winsorized"):
    """As sigma, with Huber's winsorized standard deviation."""

    low: Limit = 4.0
    high: Limit = 3.0


Rejection: TypeAlias = NoRejection | AutoRejection | ZScore | Extremes | MinMax | Sigma | Winsorized

REJECTIONS: Final[dict[str, type[msgspec.Struct]]] = {
    "none": NoRejection,
    "auto": AutoRejection,
    "zscore": ZScore,
    "extremes": Extremes,
    "minmax": MinMax,
    "sigma": Sigma,
    "winsorized": Winsorized,
}


def rejection(text: str) -> Rejection:
    """The rejection that a text names: "none", "auto", "sigma", "sigma:3,3", "extremes:2".

    Raises
    ------
    SettingsError
        If the name is unknown, or a number is missing its place or out of range.
    """
    name, _, rest = text.strip().partition(":")
    kind = REJECTIONS.get(name.strip().lower())
    if kind is None:
        raise SettingsError(f"There is no rejection '{name}'.", mend=f"Choose one of {', '.join(REJECTIONS)}.")
    fields = kind.__struct_fields__
    parts = [part.strip() for part in rest.split(",")] if rest.strip() else []
    if len(parts) > len(fields):
        takes = " and ".join(fields) if fields else "no numbers"
        raise SettingsError(f"Rejection '{text}' has {len(parts)} numbers; {name} takes {takes}.")
    values: dict[str, float | int] = {}
    for field, part in zip(fields, parts, strict=False):
        try:
            number = float(part)
        except ValueError:
            raise SettingsError(f"'{part}' in rejection '{text}' is not a number.") from None
        if not math.isfinite(number):
            raise SettingsError(f"'{part}' in rejection '{text}' is not a finite number.")
        values[field] = int(number) if number == int(number) else number
    try:
        made: Rejection = msgspec.convert({"type": name.strip().lower(), **values}, Rejection)
    except msgspec.ValidationError as error:
        raise SettingsError(f"Rejection '{text}': {error}.") from None
    return made


def rejection_text(chosen: Rejection) -> str:
    """The text form of a rejection, "winsorized:4,3"; `rejection` reads it back."""
    name = str(chosen.__struct_config__.tag)
    numbers = [f"{getattr(chosen, field):g}" for field in chosen.__struct_fields__]
    return f"{name}:{','.join(numbers)}" if numbers else name


def least_frames(chosen: Rejection) -> int:
    """The least number of frames with which a rejection may be asked for."""
    if isinstance(chosen, Extremes):
        return 2 * chosen.times + 1
    if isinstance(chosen, MinMax):
        return chosen.n_low + chosen.n_high + 1
    return 1
