"""The fields of the options form: one for each setting, in the sections that users of MasterFlatMaker know. No Qt."""

from __future__ import annotations

import dataclasses
import datetime
import os
import types
from collections.abc import Sequence
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from evenfield.model.plan import Plan, Step
from evenfield.model.rejections import REJECTIONS, Rejection, rejection_text
from evenfield.model.settings import SettingField, Settings, setting_fields
from evenfield.plan.names import target_folder

SECTIONS: Final = ("Calibration", "Combining", "Groups", "Files")

AUTOMATIC: Final = "automatic"


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field. ``editor`` names the widget; ``section`` and ``label`` are what the user reads.

    ``choices`` are (value, words); ``low`` and ``high`` the allowed range, both ends included unless ``open_low``.
    ``plain`` fields are always shown, the others behind "More".
    """

    part: str
    name: str
    label: str
    section: str
    editor: str
    option: str
    description: str
    choices: tuple[tuple[Any, str], ...] = ()
    low: float | None = None
    high: float | None = None
    plain: bool = False

    @property
    def key(self) -> str:
        """The setting's name, "combine.rejection"."""
        return f"{self.part}.{self.name}"


_LABELS: Final[dict[str, tuple[str, str, bool]]] = {
    # setting: label, section, always shown
    "calibration.mode": ("Subtract from flats", "Calibration", True),
    "calibration.pedestal_adu": ("Pedestal", "Calibration", True),
    "calibration.files": ("Fixed files", "Calibration", True),
    "select.calibration_recursive": ("Include subfolders of calibration folders", "Calibration", True),
    "calibration.kinds": ("Kinds used", "Calibration", True),
    "calibration.use": ("Chosen masters", "Calibration", False),
    "calibration.bias": ("Bias as a number", "Calibration", False),
    "calibration.dark_scale": ("Scale longer darks", "Calibration", False),
    "calibration.allow_mismatch": ("Differences accepted", "Calibration", False),
    "calibration.max_age": ("Ages remarked upon", "Calibration", False),
    "calibration.overscan": ("Overscan region", "Calibration", False),
    "calibration.overscan_fit": ("Overscan by", "Calibration", False),
    "calibration.trim": ("Trim to", "Calibration", False),
    "select.library": ("Library of masters", "Calibration", False),
    "light.cfa_flat": ("Flats of color cameras", "Calibration", False),
    "light.add_pedestal": ("Pedestal added to lights", "Calibration", False),
    "combine.method": ("Combine by", "Combining", True),
    "combine.rejection": ("Reject", "Combining", True),
    "combine.limits": ("Limits mean", "Combining", True),
    "combine.level": ("Level of the master", "Combining", True),
    "combine.scale": ("Make frames equally bright", "Combining", False),
    "combine.weights": ("Weights", "Combining", False),
    "combine.per_cfa": ("One level for each color", "Combining", False),
    "combine.keep_bad_frames": ("Keep flats that are too dark or saturated", "Combining", False),
    "combine.dark_method": ("Combine dark frames by", "Combining", False),
    "combine.dark_rejection": ("Reject in dark frames", "Combining", False),
    "group.by": ("Group by exactly", "Groups", False),
    "group.join": ("Group by", "Groups", True),
    "group.split": ("Group by", "Groups", True),
    "group.temperature_width": ("Width of a temperature group", "Groups", True),
    "group.min_group": ("Minimum frames of a group", "Groups", True),
    "group.no_grouping": ("One master of all", "Groups", False),
    "select.ignore_type": ("Treat chosen files as flats", "Files", True),
    "select.recursive": ("Include subfolders", "Files", True),
    "output.sample": ("Pixels written", "Files", True),
    "output.target": ("Written for", "Files", True),
    "output.move_inputs": ("Move flats used to", "Files", True),
    "output.name": ("Name of a master flat", "Files", False),
    "output.names": ("Names given by hand", "Files", False),
    "output.compress": ("Pack products without loss", "Files", False),
    "output.tiff": ("TIFF copies", "Files", False),
    "output.maps": ("Maps of noise and rejection", "Files", False),
    "output.report": ("Report with pictures", "Files", False),
    "output.overwrite": ("Replace other products", "Files", False),
    "output.hash": ("Hash of inputs", "Files", False),
    "select.overrides": ("Corrections to headers", "Files", False),
    "select.exclude": ("Files left out", "Files", False),
    "select.without": ("Masters not made", "Files", False),
    "run.memory_bytes": ("Memory", "Files", False),
    "run.threads": ("Threads", "Files", False),
    "run.strict": ("Refuse instead of warn", "Files", False),
    "run.fresh": ("Make again what is there", "Files", False),
}

_CHOICES: Final[dict[str, dict[Any, str]]] = {
    "calibration.mode": {
        "auto": "Best match from folder", "files": "Fixed file", "pedestal": "Pedestal", "none": "None",
    },
    "calibration.dark_scale": {
        "auto": "Automatic", "exposure": "By exposure", "optimize": "By the light's hot pixels", "none": "Never",
    },
    "calibration.overscan_fit": {"median": "One median", "rows": "A curve along rows"},
    "light.cfa_flat": {"separate": "Each color by its mean", "joint": "All by one mean"},
    "combine.method": {"mean": "Mean", "median": "Median"},
    "combine.limits": {
        "corrected": "The share of good samples kept", "nominal": "Multiples of the scatter (textbook)",
    },
    "combine.level": {
        "none": "As it is, ADU", "mean": "Divided by its mean", "median": "Divided by its median",
        "scaled-max": "Brightest pixel lifted to 1",
    },
    "combine.scale": {"auto": "Automatic", "mean": "By their means", "median": "By their medians", "none": "No"},
    "combine.weights": {"none": "Equal", "level": "By level"},
    "combine.dark_method": {None: "As for flats", "mean": "Mean", "median": "Median"},
    "output.sample": {"float32": "32-bit floats", "uint16": "16-bit integers"},
    "output.target": {
        "evenfield": "evenfield (FITS, ADU)", "pixinsight": "PixInsight (XISF)", "siril": "Siril (FITS, 0..1)",
        "app": "APP (FITS, 0..1)", "nina": "N.I.N.A. (FITS, 16 bit)",
    },
    "output.tiff": {"none": "None", "16": "16-bit", "32": "32-bit"},
    "output.hash": {"xxh3": "xxh3", "sha256": "SHA-256"},
}  # fmt: skip

REJECTION_WORDS: Final = {
    "auto": "Automatic",
    "none": "Nothing",
    "zscore": "Sigma clip, one pass (MasterFlatMaker)",
    "sigma": "Sigma clip, repeated",
    "extremes": "Min-max clip, all equal values (MasterFlatMaker)",
    "minmax": "Drop n lowest, n highest",
    "winsorized": "Winsorized sigma clip",
    "mad": "Sigma clip by the median deviation",
    "averaged": "Averaged sigma clip",
    "linear": "Linear fit clip",
    "percentile": "Percentile clip",
    "esd": "Extreme Studentized deviate",
    "rcr": "Robust Chauvenet rejection",
    "ccd": "By the camera's noise",
}
"""Name of a rejection -> what the form calls it."""

NUMBER_WORDS: Final = {
    "limit": "limit", "times": "times", "n_low": "lowest", "n_high": "highest", "low": "low", "high": "high",
    "above": "above", "against": "against", "outliers": "outliers", "alpha": "alpha",
    "read_noise_adu": "read noise, ADU", "egain_e_per_adu": "e-/ADU", "scale_noise": "noise of scales",
}  # fmt: skip
"""Field of a rejection -> its words in the form."""

GROUP_KEYS_SHOWN: Final = (
    ("filter", "Filter"), ("night", "Night"), ("rotator", "Rotator angle"), ("set_temperature", "Set temperature"),
    ("temperature", "Measured temperature"), ("exposure", "Exposure"),
)  # fmt: skip
"""Grouping keys with a tick of their own; size and camera settings always split."""

NO_GROUPS: Final = ("filter", "night", "rotator", "temperature")
"""All that flats are grouped by where nothing else is said."""

KIND_CHOICES: Final = (("dark_flat", "Dark flats"), ("dark", "Darks"), ("bias", "Bias"))

_SPECIAL: Final = {
    "calibration.mode": "mode", "calibration.pedestal_adu": "pedestal", "calibration.files": "files",
    "calibration.kinds": "kinds", "combine.rejection": "rejection", "combine.dark_rejection": "rejection",
    "group.join": "keys", "group.split": "keys", "group.by": "names", "run.memory_bytes": "memory",
    "select.library": "folder", "output.move_inputs": "template", "run.threads": "whole or none",
    "select.ignore_type": "ignore type",
}  # fmt: skip


def form_fields() -> tuple[Field, ...]:
    """Every setting's field, in the order in which the form has them.

    Raises
    ------
    KeyError
        If a setting has no place in the form.
    """
    known = {f"{one.part}.{one.name}": one for one in setting_fields()}
    missing = set(known) - set(_LABELS)
    if missing:
        raise KeyError(f"settings without a place in the form: {sorted(missing)}")
    return tuple(_field(known[key], *_LABELS[key]) for key in _LABELS if key in known)


def _field(one: SettingField, label: str, section: str, plain: bool) -> Field:
    key = f"{one.part}.{one.name}"
    hint = get_type_hints(type(getattr(Settings(), one.part)), include_extras=True)[one.name]
    low, high = _range(hint)
    return Field(
        part=one.part,
        name=one.name,
        label=label,
        section=section,
        editor=_SPECIAL.get(key) or _editor(key, hint),
        option=one.option,
        description=one.description,
        choices=tuple(_CHOICES.get(key, {}).items()),
        low=low,
        high=high,
        plain=plain,
    )


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if hasattr(hint, "__metadata__") else hint


def _editor(key: str, hint: Any) -> str:
    kind = _bare(hint)
    if key in _CHOICES:
        return "choice"
    if kind is bool:
        return "switch"
    if kind is float:
        return "number"
    if kind is int:
        return "whole"
    if get_origin(kind) is tuple:
        return "lines"
    if get_origin(kind) in (Union, types.UnionType) and str in get_args(kind):
        return "text or none"
    return "text"


def _range(hint: Any) -> tuple[float | None, float | None]:
    low = high = None
    for meta in _metas(hint):
        low = meta.ge if meta.ge is not None else meta.gt if meta.gt is not None else low
        high = meta.le if meta.le is not None else meta.lt if meta.lt is not None else high
    return low, high


def _metas(hint: Any) -> list[Meta]:
    found = [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, Meta)]
    for part in get_args(hint):
        if hasattr(part, "__metadata__") or get_origin(part) in (Union, types.UnionType):
            found += _metas(part)
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class NumberField:
    """A number of a rejection: its range, and whether it may be left open or is a word of a list."""

    name: str
    label: str
    whole: bool
    low: float
    high: float
    open_ends: bool
    optional: bool
    words: tuple[str, ...] = ()


def rejection_numbers(name: str) -> tuple[NumberField, ...]:
    """The numbers that a rejection takes."""
    kind = REJECTIONS[name]
    hints = get_type_hints(kind, include_extras=True)
    return tuple(_number(field, hints[field]) for field in kind.__struct_fields__)


def _number(field: str, hint: Any) -> NumberField:
    bare = _bare(hint)
    if get_origin(bare) is Literal:
        return NumberField(field, NUMBER_WORDS[field], False, 0, 0, False, False, tuple(get_args(bare)))
    low, high = _range(hint)
    return NumberField(
        name=field,
        label=NUMBER_WORDS[field],
        whole=bare is int,
        low=low if low is not None else 0.0,
        high=high if high is not None else 1e6,
        open_ends=any(meta.gt is not None or meta.lt is not None for meta in _metas(hint)),
        optional=type(None) in get_args(bare),
    )


def grouping(checked: Sequence[str], by: tuple[str, ...] | None) -> dict[str, tuple[str, ...] | None]:
    """The values of ``by``, ``join`` and ``split`` for the keys that are ticked."""
    chosen = set(checked)
    plain = tuple(key for key, _ in GROUP_KEYS_SHOWN if key in chosen and key != "set_temperature")
    if by is not None:
        return {
            "by": plain or None,
            "join": () if plain else ("filter", "night", "rotator", "temperature"),
            "split": (),
        }
    join = [key for key in ("filter", "night", "rotator") if key not in chosen]
    split = tuple(key for key in ("temperature", "exposure") if key in chosen)
    if "set_temperature" not in chosen:
        if "temperature" in split:
            return {"by": plain, "join": (), "split": ()}
        join.append("temperature")
    return {"by": None, "join": tuple(join), "split": split}


def became(plan: Plan | None, key: str) -> str:
    """What an automatic setting became in a plan: "winsorized:3,3"; empty where nothing can be said."""
    if plan is None:
        return ""
    flats = [step for step in plan.steps if step.kind == "flat"]
    found: list[str] = []
    if key == "combine.rejection":
        found = [_rejection_words(step.recipe.rejection, step.recipe.method) for step in flats]
    elif key == "combine.dark_rejection":
        found = [_rejection_words(one.recipe.rejection, one.recipe.method) for one in plan.steps if one not in flats]
    elif key == "combine.scale":
        found = [step.recipe.scale for step in flats]
    elif key == "calibration.mode":
        found = [one.title for step in flats for one in step.calibrations]
    elif key == "output.move_inputs" and flats and plan.settings.output.move_inputs is not None:
        found = [_moved_to(plan.settings.output.move_inputs, flats[0], plan)]
    elif key == "output.name":
        found = [step.output for step in flats]
    elif key == "run.memory_bytes":
        found = ["a quarter of the machine's"]
    elif key == "run.threads":
        found = ["one for each core"]
    return "; ".join(list(dict.fromkeys(found))[:3])


def _moved_to(template: str, step: Step, plan: Plan) -> str:
    """Where the first flat of a step would be moved to now."""
    path = os.path.normpath(os.path.join(plan.root, step.inputs[0].path))
    frame = next(one for one in plan.frames if one.path == path)
    return target_folder(template, frame, now=datetime.datetime.now())


def _rejection_words(chosen: Rejection, method: str) -> str:
    name, _, numbers = rejection_text(chosen).partition(":")
    if name == "none":
        return f"{method} of all"
    return f"{REJECTION_WORDS[name]} {numbers.replace(',', ' / ')}".strip()


def changed_fields(settings: Settings, defaults: Settings) -> set[str]:
    """The keys of the settings that differ from the defaults."""
    return {
        f"{one.part}.{one.name}"
        for one in setting_fields()
        if getattr(getattr(settings, one.part), one.name) != getattr(getattr(defaults, one.part), one.name)
    }


def with_default(settings: Settings, field: Field, defaults: Settings) -> Settings:
    """The settings with one field as the defaults have it; what hangs together goes together."""
    together = {"mode": ("mode", "pedestal_adu", "files"), "join": ("join", "split", "by")}
    groups = {"pedestal_adu": "mode", "files": "mode", "split": "join", "by": "join"}
    names = together.get(groups.get(field.name, field.name), (field.name,))
    default = getattr(defaults, field.part)
    part = msgspec.structs.replace(getattr(settings, field.part), **{name: getattr(default, name) for name in names})
    return msgspec.structs.replace(settings, **{field.part: part})
