"""Settings: the one source for command line options, forms, the preferences file and the documentation.

Every field says in its `Meta` what it does, in which unit and range, and which option sets it. Contradictions are
refused when the value is built.
"""

import functools
import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, get_type_hints

import msgspec
from msgspec import Meta

from evenfield.errors import SettingsError
from evenfield.model.rejections import AutoRejection, Limits, Rejection
from evenfield.model.sections import section
from evenfield.model.setting_parts import ExamineSettings, RunSettings
from evenfield.model.setting_parts import Part as _Part
from evenfield.model.setting_parts import doc as _doc
from evenfield.model.targets import TARGETS
from evenfield.model.templates import check_move_template, check_rename

SCHEMA: Final = 1

GROUP_KEYS: Final = ("filter", "night", "rotator", "temperature", "exposure")
"""Keys by which flats may be grouped beside those that must be equal."""

PEDESTAL_SHARE: Final = 1e-4
"""The share of pixels that an automatic pedestal leaves below zero."""

MOST_OVERSCANS: Final = 4
"""Regions of overscan: sensors are read out through up to so many amplifiers."""

MASTER_AGE_DAYS: Final = {"bias": 365.0, "dark": 365.0, "dark_flat": 365.0, "flat": 30.0}
"""Kind -> days after which a ready master is old: sensors grow hot pixels, dust moves."""

CALIBRATION_KINDS: Final = ("dark_flat", "dark", "bias")

MISMATCH_KEYS: Final = (
    "exposure", "temperature", "camera", "binning", "origin", "readout_mode", "gain_setting", "offset_setting", "cfa",
    "row_order", "number_domain", "filter", "rotator", "optics",
)  # fmt: skip
"""Keys whose limit `--allow-mismatch` may widen. A different size can never be allowed."""


_BIAS: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(\*\s*\$?offset(?:_setting)?)?\s*", re.IGNORECASE)


class SelectSettings(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files take part."""

    recursive: Annotated[bool, _doc("Search folders with all that lies below them.", "--recursive")] = True
    overrides: Annotated[
        tuple[str, ...], _doc("Corrections to headers, PATTERN:FIELD=VALUE; later ones win.", "--set")
    ] = ()
    exclude: Annotated[tuple[str, ...], _doc("Files that take no part; PATTERN as in --set.", "--exclude")] = ()
    without: Annotated[
        tuple[str, ...],
        _doc(
            "A product that is not to be made, by the name of its step, such as master_flat_Ha_2026-03-14; what only "
            "it needs is not made either.",
            "--without",
        ),
    ] = ()
    ignore_type: Annotated[
        bool, _doc("Every file named is a flat, whatever its header says; refused with folders.", "--ignore-type")
    ] = False
    calibration_recursive: Annotated[
        bool, _doc("Search the calibration folders with all that lies below them.", "--calibration-recursive")
    ] = True
    library: Annotated[
        str | None,
        _doc("Folder of masters that are used wherever they fit; see evenfield library.", "--library"),
    ] = None

    def __post_init__(self) -> None:
        """Refuse what names nothing."""
        for option, texts in (("--exclude", self.exclude), ("--without", self.without)):
            if not all(text.strip() for text in texts):
                raise SettingsError(f"{option} is empty.", mend="Name what is left out, or leave the option out.")


class GroupSettings(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which flats make one master."""

    by: Annotated[
        tuple[str, ...] | None,
        _doc(
            "Keys that split flats beside those that must be equal: filter, night, rotator, temperature (measured), "
            "exposure. Unset: filter, night, rotator and the set temperature.",
            "--group-by",
        ),
    ] = None
    join: Annotated[tuple[str, ...], _doc("Keys to take away from the grouping.", "--join")] = ()
    split: Annotated[tuple[str, ...], _doc("Keys to add to the grouping.", "--split")] = ()
    temperature_width: Annotated[
        float, _doc("Width of a temperature group, degrees Celsius.", "--temperature-width", ge=0.1, le=50.0)
    ] = 1.0
    min_group: Annotated[int, _doc("Groups of fewer frames are left out.", "--min-group", ge=1, le=100000)] = 1
    no_grouping: Annotated[
        bool, _doc("One master from all selected flats; refused where sizes differ.", "--no-grouping")
    ] = False

    def __post_init__(self) -> None:
        """Refuse unknown keys and contradictions."""
        for name, keys in (("--group-by", self.by or ()), ("--join", self.join), ("--split", self.split)):
            for key in keys:
                if key not in GROUP_KEYS:
                    raise SettingsError(
                        f"{name} does not know the key '{key}'.", mend=f"Choose from {', '.join(GROUP_KEYS)}."
                    )
        both = sorted(set(self.join) & set(self.split))
        if both:
            raise SettingsError(f"'{both[0]}' stands in --join and in --split.", mend="Keep one of the two.")
        if self.no_grouping and (self.by or self.join or self.split):
            raise SettingsError("--no-grouping excludes --group-by, --join and --split.", mend="Keep one of them.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The grouping keys in force, with "set_temperature" among them by default."""
        base = ("filter", "night", "rotator", "set_temperature") if self.by is None else self.by
        gone = set(self.join) | ({"set_temperature"} if "temperature" in self.join else set())
        kept = [key for key in base if key not in gone]
        return tuple(dict.fromkeys([*kept, *self.split]))


class CalibrationSettings(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is subtracted from flats before they are combined."""

    mode: Annotated[
        Literal["auto", "files", "pedestal", "inferred", "none"],
        _doc(
            "auto: the best of dark flats, darks and bias that were found. files: the ones named. pedestal: a number. "
            "inferred: the number that the flats' noise and the lights' skies tell. none: nothing.",
            "--calibrate-with, --pedestal, --no-precalibration",
        ),
    ] = "auto"
    files: Annotated[
        tuple[str, ...], _doc("Master files to subtract; each group takes the one that fits.", "--calibrate-with")
    ] = ()
    pedestal_adu: Annotated[
        Annotated[float, Meta(ge=-1e6, le=1e6)] | None,
        _doc("The number to subtract, ADU; or 'inferred': from flats, the one that pixels tell.", "--pedestal"),
    ] = None
    bias: Annotated[
        str | None,
        _doc(
            "A bias that is one number, in the place of bias frames: ADU, or 64*offset_setting, which follows each "
            "frame's offset.",
            "--bias",
        ),
    ] = None
    kinds: Annotated[tuple[str, ...], _doc("Kinds that the automatic choice may use.", "--calibration-kinds")] = (
        CALIBRATION_KINDS
    )
    dark_scale: Annotated[
        Literal["auto", "exposure", "optimize", "none"],
        _doc(
            "Scale a longer dark, with a bias, where none of equal exposure fits. exposure: by the ratio of exposures. "
            "optimize: for lights, by what their own hot pixels say. auto: by exposure, for CCD cameras only.",
            "--dark-scale",
        ),
    ] = "auto"
    max_age: Annotated[
        tuple[str, ...],
        _doc(
            "KIND:DAYS, the age from which on a ready master is remarked upon; bias, dark and dark_flat 365 and flat "
            "30 by default.",
            "--max-age",
        ),
    ] = ()
    overscan: Annotated[
        str | None,
        _doc(
            "Subtract the median of this region from each frame: a FITS section, or 'header'. Up to four, each with "
            "what it is subtracted from: 'SOURCE>TARGET;SOURCE>TARGET'.",
            "--overscan",
        ),
    ] = None
    overscan_fit: Annotated[
        Literal["median", "rows"],
        _doc("One median for each region of overscan, or a curve along its rows.", "--overscan-fit"),
    ] = "median"
    trim: Annotated[str | None, _doc("Keep this region only: a FITS section, or 'header'.", "--trim")] = None
    allow_mismatch: Annotated[
        tuple[str, ...], _doc("KEY[:LIMIT], a mismatch to accept; recorded in the product.", "--allow-mismatch")
    ] = ()
    use: Annotated[
        tuple[str, ...],
        _doc(
            "NAME=PATTERN: for the step NAME, a master flat or lights, choose among the sets whose files all fit "
            "PATTERN (as in --set; several with | between them), and accept what differs; the last one for a NAME "
            "counts.",
            "--use",
        ),
    ] = ()

    def __post_init__(self) -> None:
        """Refuse unknown names and contradictions."""
        for kind in self.kinds:
            if kind not in CALIBRATION_KINDS:
                raise SettingsError(
                    f"--calibration-kinds does not know '{kind}'.", mend=f"Choose from {', '.join(CALIBRATION_KINDS)}."
                )
        if not self.kinds:
            raise SettingsError("--calibration-kinds is empty.", mend="Name a kind, or use --no-precalibration.")
        if (self.mode == "files") != bool(self.files):
            raise SettingsError("Mode 'files' and a list of files go together.", mend="Use --calibrate-with FILE.")
        if (self.mode == "pedestal") != (self.pedestal_adu is not None):
            raise SettingsError("Mode 'pedestal' and a number go together.", mend="Use --pedestal ADU.")
        self.age_limits()
        if self.bias is not None:
            self.bias_rule()
            if self.overscan is not None:
                raise SettingsError("--bias and --overscan would subtract the bias twice.", mend="Keep one of them.")
            if self.mode != "auto":
                raise SettingsError(
                    "--bias stands in the place of bias frames, which are not looked for here.",
                    mend="Leave out --bias, or --pedestal, --calibrate-with and --no-precalibration.",
                )
        if self.trim is not None and self.trim != "header":
            _check_section("--trim", self.trim)
        for source, target in self.overscan_regions():
            for text in (source, target):
                if text is not None and text != "header":
                    _check_section("--overscan", text)
        self.mismatch_limits()
        for text in self.use:
            name, _, pattern = text.partition("=")
            if not name.strip() or not all(one.strip() for one in pattern.split("|")):
                raise SettingsError(
                    f"--use {text} is not of the form NAME=PATTERN.",
                    mend="Write the name of a step and files, as in --use 'master_flat_Ha=dark_2s*'.",
                )

    def overscan_regions(self) -> tuple[tuple[str, str | None], ...]:
        """What --overscan names: sections or "header", each with the section that it is subtracted from."""
        if self.overscan is None:
            return ()
        found = []
        for piece in self.overscan.split(";"):
            source, arrow, target = piece.partition(">")
            found.append((source.strip(), target.strip() if arrow else None))
        if len(found) > MOST_OVERSCANS or (len(found) > 1 and any(target is None for _, target in found)):
            raise SettingsError(
                f"--overscan {self.overscan} cannot be used.",
                mend="Name up to four regions; several need a target each: "
                "'[1:20,*]>[41:1064,*];[21:40,*]>[1065:2088,*]'.",
            )
        return tuple(found)

    def age_limits(self) -> dict[str, float]:
        """Kind -> the greatest age of a ready master that is not remarked upon, days."""
        found = dict(MASTER_AGE_DAYS)
        for text in self.max_age:
            kind, _, days = text.partition(":")
            if kind not in found or not days.replace(".", "", 1).isdigit():
                raise SettingsError(
                    f"--max-age does not understand '{text}'.",
                    mend=f"Write KIND:DAYS with one of {', '.join(found)}.",
                )
            found[kind] = float(days)
        return found

    def bias_rule(self) -> tuple[float, bool]:
        """The number of --bias, ADU, and whether it is multiplied with the offset setting."""
        found = _BIAS.fullmatch(self.bias or "")
        if found is None or float(found[1]) > 1e6:
            raise SettingsError(
                f"--bias {self.bias} is no bias.", mend="Write ADU, such as 512, or '64*offset_setting'."
            )
        return float(found[1]), found[2] is not None

    def constant_bias(self, offset_setting: float | None) -> float | None:
        """The bias of a frame of this offset, ADU; ``None`` where none was given, or the offset is not known."""
        if self.bias is None:
            return None
        number, times_offset = self.bias_rule()
        if not times_offset:
            return number
        return None if offset_setting is None else number * offset_setting

    def mismatch_limits(self) -> dict[str, float | None]:
        """Allowed mismatches: key -> limit; ``None`` allows any difference.

        The limit of "exposure" is in seconds, of "temperature" in degrees Celsius.
        """
        found: dict[str, float | None] = {}
        for text in self.allow_mismatch:
            key, colon, limit = text.partition(":")
            if key not in MISMATCH_KEYS:
                raise SettingsError(
                    f"--allow-mismatch does not know '{key}'.", mend=f"Choose from {', '.join(MISMATCH_KEYS)}."
                )
            if not colon:
                found[key] = None
                continue
            try:
                found[key] = float(limit)
            except ValueError:
                raise SettingsError(f"The limit in --allow-mismatch {text} is not a number.") from None
            if not 0 <= found[key] < float("inf"):  # type: ignore[operator]
                raise SettingsError(f"The limit in --allow-mismatch {text} must be 0 or more.")
        return found


def _check_section(name: str, text: str) -> None:
    # Any shape will do: only the syntax is checked here, the size when a frame is known.
    try:
        section(text, shape=(1 << 31, 1 << 31))
    except SettingsError as error:
        raise SettingsError(f"{name}: {error.message}", mend=error.mend) from None


class CombineSettings(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How frames become one master."""

    method: Annotated[Literal["mean", "median"], _doc("Mean or median of what is not rejected.", "--combine")] = "mean"
    rejection: Annotated[Rejection, _doc("Which samples are rejected, NAME[:NUMBERS].", "--reject")] = AutoRejection()
    dark_method: Annotated[
        Literal["mean", "median"] | None, _doc("As --combine, for bias, darks and dark flats.", "--dark-combine")
    ] = None
    dark_rejection: Annotated[
        Rejection | None, _doc("As --reject, for bias, darks and dark flats.", "--dark-reject")
    ] = None
    limits: Annotated[
        Limits,
        _doc(
            "What limits mean. corrected: the share of good samples that a normal distribution has beyond them, with "
            "any number of frames. nominal: multiples of the scatter, as in textbooks.",
            "--limits",
        ),
    ] = "corrected"
    weights: Annotated[
        Literal["none", "level"],
        _doc("Weights of the mean. level: brighter flats count more, as their photon noise allows.", "--weights"),
    ] = "none"
    scale: Annotated[
        Literal["none", "mean", "median", "auto"],
        _doc(
            "Multiply frames to equal level before combining. auto: flats by the mean over unsaturated pixels, dark "
            "ones not at all.",
            "--scale",
        ),
    ] = "auto"
    level: Annotated[
        Literal["none", "mean", "median", "scaled-max"],
        _doc(
            "Bring the master to level 1 after combining: divide by its mean or median, or (scaled-max) add a constant "
            "so that the brightest pixel is 1, which always under-corrects.",
            "--level",
        ),
    ] = "none"
    per_cfa: Annotated[bool, _doc("One level for each CFA colour instead of one for the frame.", "--per-cfa")] = False
    keep_bad_frames: Annotated[bool, _doc("Keep flats that are far too dark or saturated.", "--keep-bad-frames")] = (
        False
    )


class OutputSettings(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written, and what becomes of the inputs."""

    sample: Annotated[Literal["float32", "uint16"], _doc("Type of the pixels written, in ADU.", "--output-type")] = (
        "float32"
    )
    target: Annotated[
        Literal["evenfield", "pixinsight", "siril", "app", "nina"],
        _doc(
            "The program that products are for. evenfield: FITS, ADU. pixinsight: XISF, 0..1. siril, app: FITS, 0..1. "
            "nina: FITS, uint16.",
            "--for",
        ),
    ] = "evenfield"
    compress: Annotated[
        bool,
        _doc("Pack products without loss: tile-compressed FITS (.fits.fz), or packed blocks in XISF.", "--compress"),
    ] = False
    tiff: Annotated[
        Literal["none", "16", "32"],
        _doc(
            "Write a TIFF copy beside each product, to look at it elsewhere: 16-bit integers or 32-bit floats (0..1).",
            "--tiff",
        ),
    ] = "none"
    name: Annotated[
        str,
        _doc(
            "Name of a master flat. Keys: {filter} {night} {camera} {binning} {gain} {offset} {exposure} {temperature} "
            "{rotator} {size}.",
            "--name",
        ),
    ] = "master_flat_{filter}_{night}"
    names: Annotated[
        tuple[str, ...],
        _doc(
            "NAME=NEW: the file name, without its ending, of one master in the place of the name it would have had; "
            "the last one for a NAME counts.",
            "--rename",
        ),
    ] = ()
    overwrite: Annotated[bool, _doc("Replace products made from other frames or settings.", "--overwrite")] = False
    hash: Annotated[Literal["xxh3", "sha256"], _doc("Content hash of inputs, kept in the products.", "--hash")] = "xxh3"
    maps: Annotated[
        bool,
        _doc(
            "Write extensions beside the pixels: noise of the value, samples used, samples rejected low and high.",
            "--maps",
        ),
    ] = False
    report: Annotated[
        bool,
        _doc("Write report.html, with pictures and plots, and report.txt beside report.json.", "--report"),
    ] = True
    move_inputs: Annotated[
        str | None,
        _doc(
            "After success, move the flats used to this folder; {date}, {time} and {filter} are filled in; a relative "
            "folder lies beside each input.",
            "--move-inputs",
        ),
    ] = None

    @property
    def suffix(self) -> str:
        """What the names of products end with."""
        suffix = TARGETS[self.target].suffix
        return f"{suffix}.fz" if self.compress and suffix == ".fits" else suffix

    @property
    def written_as(self) -> str:
        """The type of the pixels: what was asked for, unless the program that they are for takes one only."""
        return TARGETS[self.target].sample or self.sample

    def __post_init__(self) -> None:
        """Refuse a folder with unknown placeholders, which would be found out too late, and types that hold nothing."""
        if self.sample == "uint16" and TARGETS[self.target].scale != 1.0:
            raise SettingsError(
                f"--for {self.target} takes values of 0..1, which --output-type uint16 cannot hold.",
                mend="Leave --output-type out.",
            )
        if self.maps and TARGETS[self.target].scale != 1.0:
            raise SettingsError(
                f"--maps writes extensions in ADU, which --for {self.target} has no use for.",
                mend="Leave one of them out.",
            )
        if self.move_inputs is not None:
            check_move_template(self.move_inputs)
        for text in self.names:
            check_rename(text)


class LightSettings(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How lights are calibrated."""

    cfa_flat: Annotated[
        Literal["separate", "joint"],
        _doc(
            "What a master flat of a color camera is divided by first: the mean of each color, or one mean of all, "
            "which casts the color of the flat's light over the picture.",
            "--cfa-flat",
        ),
    ] = "separate"
    add_pedestal: Annotated[
        str,
        _doc(
            "A number added to calibrated lights and written to PEDESTAL: none, ADU, or auto[:SHARE], the least that "
            "leaves no more than this share of pixels (0.0001 by default) below zero.",
            "--add-pedestal",
        ),
    ] = "none"

    def __post_init__(self) -> None:
        """Refuse what is no pedestal."""
        self.pedestal_rule()

    def pedestal_rule(self) -> tuple[str, float]:
        """("none", 0), ("adu", ADU) or ("auto", share)."""
        word, colon, share = self.add_pedestal.strip().partition(":")
        try:
            if word in ("none", "auto") and (word == "auto" or not colon):
                value = float(share) if colon else PEDESTAL_SHARE
                if word == "auto" and not 0.0 < value < 1.0:
                    raise ValueError
                return (word, value) if word == "auto" else ("none", 0.0)
            value = float(self.add_pedestal)
        except ValueError:
            value = math.nan
        if not 0.0 <= value <= 65535.0:
            raise SettingsError(
                f"--add-pedestal {self.add_pedestal} is no pedestal.",
                mend="Write none, auto, auto:0.001 or ADU, 0 to 65535.",
            )
        return "adu", value


class Settings(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a job."""

    schema: int = SCHEMA
    select: SelectSettings = SelectSettings()
    group: GroupSettings = GroupSettings()
    calibration: CalibrationSettings = CalibrationSettings()
    combine: CombineSettings = CombineSettings()
    light: LightSettings = LightSettings()
    output: OutputSettings = OutputSettings()
    examine: ExamineSettings = ExamineSettings()
    run: RunSettings = RunSettings()

    def __post_init__(self) -> None:
        """Refuse contradictions between the parts."""
        if self.schema != SCHEMA:
            raise SettingsError(f"Settings of schema {self.schema} cannot be read; this version reads {SCHEMA}.")
        if self.combine.level != "none" and self.output.target != "evenfield":
            raise SettingsError(
                f"--level brings master flats to 1, --for {self.output.target} writes them in the range of lights.",
                mend="Leave --level out: all programs divide a master flat by its own level.",
            )
        if self.combine.level == "scaled-max" and self.output.sample == "uint16":
            raise SettingsError("--level scaled-max gives values of 0..1, which --output-type uint16 cannot hold.")
        if self.combine.level in ("mean", "median") and self.output.sample == "uint16":
            raise SettingsError(
                f"--level {self.combine.level} gives values near 1, which --output-type uint16 cannot hold.",
                mend="Use --level none or --output-type float32.",
            )
        if self.combine.weights == "level" and (self.combine.method == "median" or self.combine.scale == "none"):
            raise SettingsError(
                "--weights level goes with the mean of flats that are scaled to one level.",
                mend="Leave --combine median or --scale none out, or the weights.",
            )


class SettingField(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, for forms and documentation."""

    part: str
    name: str
    option: str
    description: str
    default: Any


def setting_fields() -> Iterator[SettingField]:
    """Every field of every part of `Settings`, in order."""
    return iter(_all_fields())


@functools.cache
def _all_fields() -> tuple[SettingField, ...]:
    return tuple(_each_field())


def _each_field() -> Iterator[SettingField]:
    defaults = Settings()
    for part in Settings.__struct_fields__[1:]:
        value = getattr(defaults, part)
        hints = get_type_hints(type(value), include_extras=True)
        for name in type(value).__struct_fields__:
            meta = next(item for item in hints[name].__metadata__ if isinstance(item, Meta))
            yield SettingField(
                part=part,
                name=name,
                option=str((meta.extra or {})["option"]),
                description=str(meta.description),
                default=getattr(value, name),
            )
