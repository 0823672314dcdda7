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

from evenfield.gui.words import mark, tr
from evenfield.model.plan import Plan, Step
from evenfield.model.rejections import REJECTIONS, Rejection, rejection_text
from evenfield.model.settings import SettingField, Settings, setting_fields
from evenfield.plan.names import target_folder

SECTIONS: Final = (mark("Calibration"), mark("Combining"), mark("Groups"), mark("Files"))
"""The names of the sections, which are translated where they are shown."""


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
    "calibration.mode": (mark("Subtract from flats"), "Calibration", True),
    "calibration.pedestal_adu": (mark("Pedestal"), "Calibration", True),
    "calibration.files": (mark("Fixed files"), "Calibration", True),
    "select.calibration_recursive": (mark("Include subfolders of calibration folders"), "Calibration", True),
    "calibration.kinds": (mark("Kinds used"), "Calibration", True),
    "calibration.use": (mark("Chosen masters"), "Calibration", False),
    "calibration.bias": (mark("Bias as a number"), "Calibration", False),
    "calibration.dark_scale": (mark("Scale longer darks"), "Calibration", False),
    "calibration.allow_mismatch": (mark("Differences accepted"), "Calibration", False),
    "calibration.max_age": (mark("Ages remarked upon"), "Calibration", False),
    "calibration.overscan": (mark("Overscan region"), "Calibration", False),
    "calibration.overscan_fit": (mark("Overscan by"), "Calibration", False),
    "calibration.trim": (mark("Trim to"), "Calibration", False),
    "select.library": (mark("Library of masters"), "Calibration", False),
    "light.cfa_flat": (mark("Flats of color cameras"), "Calibration", False),
    "light.add_pedestal": (mark("Pedestal added to lights"), "Calibration", False),
    "combine.method": (mark("Combine by"), "Combining", True),
    "combine.rejection": (mark("Reject"), "Combining", True),
    "combine.limits": (mark("Limits mean"), "Combining", True),
    "combine.level": (mark("Level of the master"), "Combining", True),
    "combine.scale": (mark("Make frames equally bright"), "Combining", False),
    "combine.weights": (mark("Weights"), "Combining", False),
    "combine.per_cfa": (mark("One level for each color"), "Combining", False),
    "combine.keep_bad_frames": (mark("Keep flats that are too dark or saturated"), "Combining", False),
    "combine.dark_method": (mark("Combine dark frames by"), "Combining", False),
    "combine.dark_rejection": (mark("Reject in dark frames"), "Combining", False),
    "group.by": (mark("Group by exactly"), "Groups", False),
    "group.join": (mark("Group by"), "Groups", True),
    "group.split": (mark("Group by"), "Groups", True),
    "group.temperature_width": (mark("Width of a temperature group"), "Groups", True),
    "group.min_group": (mark("Minimum frames of a group"), "Groups", True),
    "group.no_grouping": (mark("One master of all"), "Groups", False),
    "select.ignore_type": (mark("Treat chosen files as flats"), "Files", True),
    "select.recursive": (mark("Include subfolders"), "Files", True),
    "output.sample": (mark("Pixels written"), "Files", True),
    "output.target": (mark("Written for"), "Files", True),
    "output.move_inputs": (mark("Move flats used to"), "Files", True),
    "output.name": (mark("Name of a master flat"), "Files", False),
    "output.names": (mark("Names given by hand"), "Files", False),
    "output.compress": (mark("Pack products without loss"), "Files", False),
    "output.tiff": (mark("TIFF copies"), "Files", False),
    "output.maps": (mark("Maps of noise and rejection"), "Files", False),
    "output.report": (mark("Report with pictures"), "Files", False),
    "output.overwrite": (mark("Replace other products"), "Files", False),
    "output.hash": (mark("Hash of inputs"), "Files", False),
    "select.overrides": (mark("Corrections to headers"), "Files", False),
    "select.exclude": (mark("Files left out"), "Files", False),
    "select.without": (mark("Masters not made"), "Files", False),
    "examine.after": (mark("Examine frames and masters"), "Files", False),
    "examine.lights": (mark("Lights examined in each set"), "Files", False),
    "examine.limits": (mark("Limits of verdicts"), "Files", False),
    "run.memory_bytes": (mark("Memory"), "Files", False),
    "run.threads": (mark("Threads"), "Files", False),
    "run.strict": (mark("Refuse instead of warn"), "Files", False),
    "run.fresh": (mark("Make again what is there"), "Files", False),
}

_CHOICES: Final[dict[str, dict[Any, str]]] = {
    "calibration.mode": {
        "auto": mark("Best match from folder"), "files": mark("Fixed file"), "pedestal": mark("Pedestal"),
        "inferred": mark("Pedestal told by pixels"), "none": mark("None"),
    },
    "calibration.dark_scale": {
        "auto": mark("Automatic"), "exposure": mark("By exposure"), "optimize": mark("By the light's hot pixels"),
        "none": mark("Never"),
    },
    "calibration.overscan_fit": {"median": mark("One median"), "rows": mark("A curve along rows")},
    "light.cfa_flat": {"separate": mark("Each color by its mean"), "joint": mark("All by one mean")},
    "combine.method": {"mean": mark("Mean"), "median": mark("Median")},
    "combine.limits": {
        "corrected": mark("The share of good samples kept"), "nominal": mark("Multiples of the scatter (textbook)"),
    },
    "combine.level": {
        "none": mark("As it is, ADU"), "mean": mark("Divided by its mean"), "median": mark("Divided by its median"),
        "scaled-max": mark("Brightest pixel lifted to 1"),
    },
    "combine.scale": {
        "auto": mark("Automatic"), "mean": mark("By their means"), "median": mark("By their medians"),
        "none": mark("No"),
    },
    "combine.weights": {"none": mark("Equal"), "level": mark("By level")},
    "combine.dark_method": {None: mark("As for flats"), "mean": mark("Mean"), "median": mark("Median")},
    "output.sample": {"float32": mark("32-bit floats"), "uint16": mark("16-bit integers")},
    "output.target": {
        "evenfield": mark("evenfield (FITS, ADU)"), "pixinsight": mark("PixInsight (XISF)"),
        "siril": mark("Siril (FITS, 0..1)"), "app": mark("APP (FITS, 0..1)"), "nina": mark("N.I.N.A. (FITS, 16 bit)"),
    },
    "output.tiff": {"none": mark("None"), "16": mark("16-bit"), "32": mark("32-bit")},
    "output.hash": {"xxh3": mark("xxh3"), "sha256": mark("SHA-256")},
}  # fmt: skip

REJECTION_WORDS: Final = {
    "auto": mark("Automatic"),
    "none": mark("Nothing"),
    "zscore": mark("Sigma clip, one pass (MasterFlatMaker)"),
    "sigma": mark("Sigma clip, repeated"),
    "extremes": mark("Min-max clip, all equal values (MasterFlatMaker)"),
    "minmax": mark("Drop n lowest, n highest"),
    "winsorized": mark("Winsorized sigma clip"),
    "mad": mark("Sigma clip by the median deviation"),
    "averaged": mark("Averaged sigma clip"),
    "linear": mark("Linear fit clip"),
    "percentile": mark("Percentile clip"),
    "esd": mark("Extreme Studentized deviate"),
    "rcr": mark("Robust Chauvenet rejection"),
    "ccd": mark("By the camera's noise"),
}
"""Name of a rejection -> what the form calls it."""

NUMBER_WORDS: Final = {
    "limit": mark("limit"), "times": mark("times"), "n_low": mark("lowest"), "n_high": mark("highest"),
    "low": mark("low"), "high": mark("high"), "above": mark("above"), "against": mark("against"),
    "outliers": mark("outliers"), "alpha": mark("alpha"), "read_noise_adu": mark("read noise, ADU"),
    "egain_e_per_adu": mark("e-/ADU"), "scale_noise": mark("noise of scales"),
}  # fmt: skip
"""Field of a rejection -> its words in the form."""

AGAINST_WORDS: Final = {"ranks": mark("ranks"), "scores": mark("scores")}
"""What a line is fitted against -> its words in the form."""

_OF_ALL: Final = {"mean": mark("mean of all"), "median": mark("median of all")}

_SCALES: Final = {"mean": mark("mean"), "median": mark("median"), "none": mark("none")}

GROUP_KEYS_SHOWN: Final = (
    ("filter", mark("Filter")), ("night", mark("Night")), ("rotator", mark("Rotator angle")),
    ("set_temperature", mark("Set temperature")), ("temperature", mark("Measured temperature")),
    ("exposure", mark("Exposure")),
)  # fmt: skip
"""Grouping keys with a tick of their own; size and camera settings always split."""

NO_GROUPS: Final = ("filter", "night", "rotator", "temperature")
"""All that flats are grouped by where nothing else is said."""

KIND_CHOICES: Final = (("dark_flat", mark("Dark flats")), ("dark", mark("Darks")), ("bias", mark("Bias")))

_SPECIAL: Final = {
    "calibration.mode": "mode", "calibration.pedestal_adu": "pedestal", "calibration.files": "files",
    "calibration.kinds": "kinds", "combine.rejection": "rejection", "combine.dark_rejection": "rejection",
    "group.join": "keys", "group.split": "keys", "group.by": "names", "run.memory_bytes": "memory",
    "select.library": "folder", "output.move_inputs": "template", "run.threads": "whole or none",
    "examine.lights": "whole or none",
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
        found = [tr(_SCALES[step.recipe.scale]) for step in flats]
    elif key == "calibration.mode":
        found = [one.title for step in flats for one in step.calibrations]
    elif key == "output.move_inputs" and flats and plan.settings.output.move_inputs is not None:
        found = [_moved_to(plan.settings.output.move_inputs, flats[0], plan)]
    elif key == "output.name":
        found = [step.output for step in flats]
    elif key == "run.memory_bytes":
        found = [tr("a quarter of the machine's")]
    elif key == "run.threads":
        found = [tr("one for each core")]
    elif key == "examine.lights":
        found = [tr("2 of each set")]
    return "; ".join(list(dict.fromkeys(found))[:3])


def _moved_to(template: str, step: Step, plan: Plan) -> str:
    """Where the first flat of a step would be moved to now."""
    path = os.path.normpath(os.path.join(plan.root, step.inputs[0].path))
    frame = next(one for one in plan.frames if one.path == path)
    return target_folder(template, frame, now=datetime.datetime.now())


def _rejection_words(chosen: Rejection, method: str) -> str:
    name, _, numbers = rejection_text(chosen).partition(":")
    if name == "none":
        return tr(_OF_ALL[method])
    return f"{tr(REJECTION_WORDS[name])} {numbers.replace(',', ' / ')}".strip()


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
