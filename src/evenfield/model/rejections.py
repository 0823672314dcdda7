"""The rejections: each a small value of its own, and their text form "winsorized:4,3"."""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from evenfield.errors import SettingsError

Limit: TypeAlias = Annotated[float, Meta(gt=0, le=100)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=1000)]


class NoRejection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="none"):
    """Every sample is used."""


class AutoRejection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="auto"):
    """Chosen by kind and number of frames when the plan is made; see `auto_rejection`."""


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


class Percentile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="percentile"):
    """Once: reject what lies more than these shares of the median below or above it.

    Only where the median exceeds ``above`` standard deviations: shares of a level near 0 mean nothing.
    """

    low: Limit = 0.2
    high: Limit = 0.1
    above: Annotated[float, Meta(ge=0, le=1000)] = 10.0


class Sigma(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="sigma"):
    """Repeat on the survivors: beyond ``low`` or ``high`` standard deviations (ddof 1) from the median."""

    low: Limit = 3.0
    high: Limit = 3.0


class Mad(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="mad"):
    """As sigma, with 1.4826 times the median absolute deviation from the median."""

    low: Limit = 3.0
    high: Limit = 3.0


class Winsorized(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="winsorized"):
    """As sigma, with Huber's winsorized standard deviation."""

    low: Limit = 4.0
    high: Limit = 3.0


class Averaged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="averaged"):
    """As sigma, with a noise that is averaged over the row of the image and grows with the root of the median."""

    low: Limit = 4.0
    high: Limit = 3.0


class Linear(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="linear"):
    """Repeat: a straight line through the sorted samples; beyond so many mean absolute residuals from it.

    ``against`` are the ranks of the samples, or their normal scores, against which normal samples are a straight line.
    """

    low: Limit = 5.0
    high: Limit = 4.0
    against: Literal["ranks", "scores"] = "ranks"


class Esd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="esd"):
    """Generalized extreme Studentized deviate: up to the share ``outliers`` of the samples, at ``alpha`` a column."""

    outliers: Annotated[float, Meta(gt=0, lt=0.5)] = 0.3
    alpha: Annotated[float, Meta(gt=0, lt=1)] = 0.05


class Rcr(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="rcr"):
    """Robust Chauvenet rejection: one sample at a time, where fewer than ``limit`` so far away were expected."""

    limit: Annotated[float, Meta(gt=0, lt=1)] = 0.1


class Ccd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="ccd"):
    """As sigma, with the noise that the camera has at this level.

    ``read_noise_adu`` and ``egain_e_per_adu`` are taken from the headers, else measured from the frames themselves,
    where they are not given; ``scale_noise`` is the relative noise of the frames' scales.
    """

    low: Limit = 4.0
    high: Limit = 3.0
    read_noise_adu: Annotated[float, Meta(ge=0, le=65535)] | None = None
    egain_e_per_adu: Annotated[float, Meta(gt=0, le=10000)] | None = None
    scale_noise: Annotated[float, Meta(ge=0, le=1)] = 0.0


Rejection: TypeAlias = (
    NoRejection
    | AutoRejection
    | ZScore
    | Extremes
    | MinMax
    | Percentile
    | Sigma
    | Mad
    | Winsorized
    | Averaged
    | Linear
    | Esd
    | Rcr
    | Ccd
)

Limits: TypeAlias = Literal["corrected", "nominal"]
"""What the limits of a rejection mean: the share of clean samples that a normal distribution has beyond them, whatever
the number of frames ("corrected"), or multiples of the scatter that the samples have ("nominal", the textbook)."""

CORRECTED: Final = (ZScore, Sigma, Mad, Winsorized, Averaged, Linear, Ccd)
"""The rejections whose limits can be corrected for the number of frames."""

REJECTIONS: Final[dict[str, type[msgspec.Struct]]] = {
    "none": NoRejection,
    "auto": AutoRejection,
    "zscore": ZScore,
    "extremes": Extremes,
    "minmax": MinMax,
    "percentile": Percentile,
    "sigma": Sigma,
    "mad": Mad,
    "winsorized": Winsorized,
    "averaged": Averaged,
    "linear": Linear,
    "esd": Esd,
    "rcr": Rcr,
    "ccd": Ccd,
}


def rejection(text: str) -> Rejection:
    """The rejection that a text names: "none", "sigma", "sigma:3,3", "extremes:2", "ccd:4,3,read_noise_adu=9".

    Values stand in the order of the fields or after the field's name.

    Raises
    ------
    SettingsError
        If the name is unknown, or a value is missing its place or out of range.
    """
    name, _, rest = text.strip().partition(":")
    name = name.strip().lower()
    kind = REJECTIONS.get(name)
    if kind is None:
        raise SettingsError(f"There is no rejection '{name}'.", mend=f"Choose one of {', '.join(REJECTIONS)}.")
    fields = kind.__struct_fields__
    parts = [part.strip() for part in rest.split(",")] if rest.strip() else []
    takes = " and ".join(fields) if fields else "no numbers"
    if len(parts) > len(fields):
        raise SettingsError(f"Rejection '{text}' has {len(parts)} numbers; {name} takes {takes}.")
    values: dict[str, float | int | str] = {}
    for place, part in enumerate(parts):
        field, named, value = part.partition("=")
        field, value = (field.strip(), value.strip()) if named else (fields[place], part)
        if field not in fields or field in values:
            raise SettingsError(f"Rejection '{text}': '{field}' has no place; {name} takes {takes}, each once.")
        values[field] = value if field in _WORDS else _number(value, text)
    try:
        made: Rejection = msgspec.convert({"type": name, **values}, Rejection)
    except msgspec.ValidationError as error:
        raise SettingsError(f"Rejection '{text}': {error}.") from None
    return made


_WORDS: Final = ("against",)
"""The fields whose values are words."""

_OPTIONS: Final = ("scale_noise", "above")
"""Numbers that are written with their names, and left out where they have their default."""


def _number(value: str, text: str) -> float | int:
    try:
        number = float(value)
    except ValueError:
        raise SettingsError(f"'{value}' in rejection '{text}' is not a number.") from None
    if not math.isfinite(number):
        raise SettingsError(f"'{value}' in rejection '{text}' is not a finite number.")
    return int(number) if number == int(number) else number


FEW: Final = 5
"""With fewer frames outliers cannot be told from noise, and the median is taken."""

SINGLE: Final = 12
"""Below, no rejection by a pixel's own scatter finds nine tenths of the outliers that the best test of one finds but
that test itself, `ZScore`: two outliers that hide each other are too rare in so few dark frames to matter."""

MANY: Final = 20
"""From here on `Winsorized` finds nine tenths of what the best test finds, and several outliers of a pixel as well.
These numbers are those of docs/limits.md."""


def auto_rejection(n_frames: int, *, kind: Literal["flat", "dark", "array"], limits: Limits) -> Rejection | None:
    """What "auto" becomes; ``None``: the median of all samples.

    Below 5 frames the median; from 20 frames on winsorized. Between them ccd for flats, whose light has a noise that
    all pixels tell together; for dark frames, whose noise differs from pixel to pixel, and for arrays of which nothing
    is known, zscore below 12 frames and then sigma, or with nominal limits, which leave these blind, winsorized. The
    limits are 3, low ones of dark frames 4.
    """
    if n_frames < FEW:
        return None
    low = 4.0 if kind == "dark" else 3.0
    if kind == "flat" and n_frames < MANY:
        return Ccd(low=low, high=3.0)
    if n_frames >= MANY or limits == "nominal":
        return Winsorized(low=low, high=3.0)
    return Sigma(low=low, high=3.0) if n_frames >= SINGLE else ZScore(limit=3.0)


def rejection_name(chosen: Rejection) -> str:
    """The name of a rejection: "winsorized"."""
    return str(chosen.__struct_config__.tag)


def rejection_text(chosen: Rejection) -> str:
    """The text form of a rejection, "winsorized:4,3"; `rejection` reads it back. Options not set are left out."""
    name = rejection_name(chosen)
    parts = []
    for field, default in zip(chosen.__struct_fields__[::-1], chosen.__struct_defaults__[::-1], strict=False):
        value = getattr(chosen, field)
        is_option = not isinstance(default, (int, float)) or field in _OPTIONS
        if is_option and value == default:
            continue
        shown = value if isinstance(value, str) else f"{value:g}"
        parts.append(f"{field}={shown}" if is_option else shown)
    return f"{name}:{','.join(parts[::-1])}" if parts else name


MEASURING_FRAMES: Final = 4
"""`Ccd` measures the noise of the frames without the least and the greatest sample of each pixel: fewer say nothing."""


def least_frames(chosen: Rejection) -> int:
    """The least number of frames with which a rejection may be asked for."""
    if isinstance(chosen, Extremes):
        return 2 * chosen.times + 1
    if isinstance(chosen, MinMax):
        return chosen.n_low + chosen.n_high + 1
    if isinstance(chosen, Ccd) and (chosen.read_noise_adu is None or chosen.egain_e_per_adu is None):
        return MEASURING_FRAMES
    return 1


DEQUANTIZE_BELOW: Final = 8.0
"""With corrected limits, integer samples whose standard deviation is less than so many steps are dequantized."""
