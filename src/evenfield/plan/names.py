"""Names of products: from templates, safe on every system, and never the same twice."""

from __future__ import annotations

import datetime
import os
import re
import string
import unicodedata
from collections.abc import Sequence
from typing import Final

from evenfield.errors import SettingsError
from evenfield.model.frame import FrameInfo, FrameKind, exposure_text
from evenfield.model.groups import FrameGroup
from evenfield.model.templates import RESERVED

NAME_KEYS: Final = (
    "filter", "night", "camera", "binning", "gain", "offset", "exposure", "temperature", "rotator", "size",
)  # fmt: skip

CLASH_ORDER: Final = (
    "filter", "night", "exposure", "gain", "offset", "temperature", "binning", "size", "rotator", "readout", "camera",
    "cfa", "telescope", "focal",
)  # fmt: skip
"""The keys that are added, in this order, where two names would be the same."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.+=@-]+")
_SPECIAL: Final = {
    "α": "a",
    "β": "b",
    "ß": "ss",
    "ø": "o",
    "Ø": "O",
    "æ": "ae",
    "Æ": "AE",
    "ł": "l",
    "Ł": "L",
    "µ": "u",
}


def safe_piece(text: str) -> str:
    """A text as part of a file name: ASCII letters, digits and ``. + = @ -`` only.

    Accents are dropped, every other run of characters becomes one "-"; a filter name with a slash cannot leave its
    folder.
    """
    plain = "".join(_SPECIAL.get(char, char) for char in text)
    plain = unicodedata.normalize("NFKD", plain)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = _UNSAFE.sub("-", plain).strip("-. ")
    return plain[:60]


def check_template(template: str) -> None:
    """Refuse a template with unknown keys, folders or characters that some system does not allow.

    Raises
    ------
    SettingsError
    """
    try:
        keys = [key for _, key, _, _ in string.Formatter().parse(template) if key is not None]
    except ValueError as error:
        raise SettingsError(f"The name template '{template}' is broken: {error}.") from None
    for key in keys:
        if key not in NAME_KEYS:
            raise SettingsError(
                f"The name template does not know {{{key}}}.",
                mend="Known are " + ", ".join(f"{{{name}}}" for name in NAME_KEYS) + ".",
            )
    if re.search(r'[<>:"/\\|?*\x00-\x1f]', template):
        raise SettingsError(
            f"The name template '{template}' holds a character that no file name may have on every system.",
            mend='Leave out < > : " / \\ | ? *; choose the folder with -o.',
        )


def product_names(
    groups: Sequence[FrameGroup], *, template: str, extra: Sequence[str] = (), taken: Sequence[str] = ()
) -> tuple[str, ...]:
    """The stem of each group's product, all different, also where case does not count.

    Parameters
    ----------
    groups : sequence of FrameGroup
    template : str
        Such as "master_flat_{filter}_{night}"; a key without a value vanishes together with one "_".
    extra : sequence of str
        A suffix for each group, such as "_UNCALIBRATED"; "" for none.
    taken : sequence of str
        Names that others have already.
    """
    check_template(template)
    suffixes = list(extra) or [""] * len(groups)
    pieces = [name_pieces(group) for group in groups]
    stems = [_render(template, piece) for piece in pieces]
    for key in CLASH_ORDER:
        # The suffix says how a master turned out, not what it is: a name must not change when another turns out well.
        clashing = _clashing(stems)
        if not clashing:
            break
        for same in clashing:
            values = {pieces[index].get(key, "") for index in same}
            if len(values) > 1 and "{" + key + "}" not in template:
                for index in same:
                    if pieces[index].get(key):
                        stems[index] = f"{stems[index]}_{pieces[index][key]}"
    names = [stem + suffix for stem, suffix in zip(stems, suffixes, strict=True)]
    for same in _clashing(names):
        for number, index in enumerate(same[1:], start=2):
            names[index] = f"{stems[index]}_{number}{suffixes[index]}"
    return _all_different(names, taken)


def _all_different(names: list[str], others: Sequence[str]) -> tuple[str, ...]:
    # A numbered name may meet a name that has that number of its own: count on until none is the same.
    taken = {name.casefold() for name in others}
    made: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate.casefold() in taken:
            candidate = f"{name}-{number}"
            number += 1
        taken.add(candidate.casefold())
        made.append(candidate)
    return tuple(made)


def _clashing(names: Sequence[str]) -> list[list[int]]:
    found: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        found.setdefault(name.casefold(), []).append(index)
    return [same for same in found.values() if len(same) > 1]


def _render(template: str, pieces: dict[str, str]) -> str:
    text = template.removesuffix(".fits").removesuffix(".fit")
    for key in NAME_KEYS:
        value = pieces.get(key, "")
        if value:
            text = text.replace("{" + key + "}", value)
        else:
            text = text.replace("_{" + key + "}", "").replace("{" + key + "}_", "").replace("{" + key + "}", "")
    text = text.strip(" .") or "master_flat"
    return f"master_{text}" if RESERVED.match(text) else text


def name_pieces(group: FrameGroup) -> dict[str, str]:
    """What a group has to offer for each key of a name, safe for file names; unknown keys are missing."""
    key = group.key
    found: dict[str, str] = {}
    for name, source in (("filter", "filter"), ("night", "night"), ("camera", "camera"), ("readout", "readout_mode")):
        value = key.get(source)
        if value:
            found[name] = safe_piece(str(value))
    for name, source, mark in (("gain", "gain_setting", "gain"), ("offset", "offset_setting", "offset")):
        value = key.get(source)
        if isinstance(value, float):
            found[name] = f"{mark}{value:g}"
    for name, source in (("binning", "binning"), ("size", "shape")):
        value = key.get(source)
        if isinstance(value, tuple | list):
            a, b = value
            found[name] = f"{a}x{b}" if name == "binning" else f"{b}x{a}"
    exposure = group.exposure_s
    if exposure is not None:
        found["exposure"] = exposure_text(exposure).replace(" ", "")
    temperature = group.temperature_c
    if temperature is not None:
        found["temperature"] = f"{round(temperature):+d}C"
    rotator = key.get("rotator_deg")
    if isinstance(rotator, float):
        found["rotator"] = f"{rotator:.0f}deg"
    if key.get("cfa"):
        found["cfa"] = safe_piece(str(key["cfa"]))[:4]
    if key.get("telescope"):
        found["telescope"] = safe_piece(str(key["telescope"]))
    focal = key.get("focal_length_mm")
    if isinstance(focal, float):
        found["focal"] = f"{focal:g}mm"
    return {name: value for name, value in found.items() if value}


def dark_template(kind: FrameKind) -> str:
    """The name template of a bias, dark or dark flat master."""
    return "master_bias" if kind is FrameKind.BIAS else f"master_{kind.value}_{{exposure}}"


def target_folder(template: str, frame: FrameInfo, *, now: datetime.datetime) -> str:
    """The folder that a template means for one frame; a relative one lies beside the frame."""
    filled = template.format(
        date=now.strftime("%Y-%m-%d"), time=now.strftime("%H-%M-%S"), filter=safe_piece(frame.filter or "no filter")
    )
    return os.path.join(os.path.dirname(frame.path), os.path.expanduser(filled))
