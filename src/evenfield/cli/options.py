"""The options of the job commands, each tied to a field of `Settings`, and arguments to settings."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from evenfield.cli.preferences import load_preferences
from evenfield.errors import DocumentError, UsageError
from evenfield.model.rejections import rejection
from evenfield.model.settings import Settings, setting_fields
from evenfield.store import settings_from, to_plain

Command = TypeVar("Command", bound=Callable[..., Any])

_FIELD = re.compile(r"\$\.(\w+)\.(\w+)")
_MEMORY = re.compile(r"^\s*([0-9]*\.?[0-9]+)\s*([kmgt]?)(i?)b?\s*$", re.IGNORECASE)


def memory_bytes(text: str) -> int:
    """The bytes of a size such as "2GiB", "500MB" or "1073741824".

    Raises
    ------
    UsageError
        If the text is no size.
    """
    match = _MEMORY.match(text)
    if match is None:
        raise UsageError(f"'{text}' is no size; write it as 2GiB, 500MB or 1073741824.")
    number, prefix, binary = match.groups()
    # "2G" means what people mean by it: 2 GiB.
    base = 1024 if binary or not text.strip().lower().endswith("b") else 1000
    power = " kmgt".index(prefix.lower()) if prefix else 0
    size = int(float(number) * base**power)
    if size < 1:
        raise UsageError("the memory budget must be more than 0.")
    return size


class _Memory(click.ParamType[int]):
    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return memory_bytes(str(value))
        except UsageError as error:
            self.fail(error.message, param, ctx)


class _Pedestal(click.ParamType[float | str]):
    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        if str(value).strip().lower() == INFERRED:
            return INFERRED
        try:
            return float(value)
        except ValueError:
            self.fail(f"'{value}' is no number of ADU, and not '{INFERRED}'.", param, ctx)


class _Names(click.ParamType[tuple[str, ...]]):
    name = "keys"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        del param, ctx
        if isinstance(value, tuple):
            return value
        return tuple(part.strip() for part in str(value).split(",") if part.strip())


_ONE_LIST = ("group__by", "calibration__kinds")
"""Options that are given once with several names: none at all is what was asked for, not that nothing was asked."""

INFERRED = "inferred"
"""In the place of the pedestal's number: it is told by pixels."""

MEMORY = _Memory()
PEDESTAL = _Pedestal()
NAMES = _Names()


def _help(part: str, name: str) -> str:
    return _descriptions()[part, name]


@functools.cache
def _descriptions() -> dict[tuple[str, str], str]:
    return {(one.part, one.name): one.description for one in setting_fields()}


def _options() -> list[Callable[[Command], Command]]:
    opt = click.option
    return [
        opt("--recursive/--no-recursive", "select__recursive", default=None, help=_help("select", "recursive")),
        opt("--set", "select__overrides", multiple=True, metavar="PATTERN:FIELD=VALUE",
            help=_help("select", "overrides")),
        opt("--exclude", "select__exclude", multiple=True, metavar="PATTERN", help=_help("select", "exclude")),
        opt("--without", "select__without", multiple=True, metavar="NAME", help=_help("select", "without")),
        opt("--ignore-type", "select__ignore_type", is_flag=True, default=None, help=_help("select", "ignore_type")),
        opt("--calibration-recursive/--calibration-no-recursive", "select__calibration_recursive", default=None,
            help=_help("select", "calibration_recursive")),
        opt("--library", "select__library", metavar="FOLDER", help=_help("select", "library")),
        opt("--group-by", "group__by", type=NAMES, help=_help("group", "by")),
        opt("--join", "group__join", type=NAMES, multiple=True, help=_help("group", "join")),
        opt("--split", "group__split", type=NAMES, multiple=True, help=_help("group", "split")),
        opt("--temperature-width", "group__temperature_width", type=float, help=_help("group", "temperature_width")),
        opt("--min-group", "group__min_group", type=int, help=_help("group", "min_group")),
        opt("--no-grouping", "group__no_grouping", is_flag=True, default=None, help=_help("group", "no_grouping")),
        opt("--calibrate-with", "calibration__files", multiple=True, metavar="FILE",
            type=click.Path(exists=True, dir_okay=False), help=_help("calibration", "files")),
        opt("--pedestal", "calibration__pedestal_adu", type=PEDESTAL, metavar="ADU|inferred",
            help=_help("calibration", "pedestal_adu")),
        opt("--no-precalibration", "no_precalibration", is_flag=True, help="Subtract nothing from the flats."),
        opt("--auto-precalibration", "auto_precalibration", is_flag=True,
            help="Choose by best match, whatever the preferences say."),
        opt("--bias", "calibration__bias", metavar="ADU|K*offset_setting", help=_help("calibration", "bias")),
        opt("--calibration-kinds", "calibration__kinds", type=NAMES, help=_help("calibration", "kinds")),
        opt("--dark-scale", "calibration__dark_scale", type=click.Choice(["auto", "exposure", "optimize", "none"]),
            help=_help("calibration", "dark_scale")),
        opt("--max-age", "calibration__max_age", multiple=True, metavar="KIND:DAYS",
            help=_help("calibration", "max_age")),
        opt("--overscan", "calibration__overscan", metavar="SECTION[>SECTION][;...]",
            help=_help("calibration", "overscan")),
        opt("--overscan-fit", "calibration__overscan_fit", type=click.Choice(["median", "rows"]),
            help=_help("calibration", "overscan_fit")),
        opt("--trim", "calibration__trim", metavar="SECTION", help=_help("calibration", "trim")),
        opt("--allow-mismatch", "calibration__allow_mismatch", multiple=True, metavar="KEY[:LIMIT]",
            help=_help("calibration", "allow_mismatch")),
        opt("--use", "calibration__use", multiple=True, metavar="NAME=PATTERN", help=_help("calibration", "use")),
        opt("--combine", "combine__method", type=click.Choice(["mean", "median"]), help=_help("combine", "method")),
        opt("--reject", "combine__rejection", metavar="NAME[:NUMBERS]", help=_help("combine", "rejection")),
        opt("--limits", "combine__limits", type=click.Choice(["corrected", "nominal"]),
            help=_help("combine", "limits")),
        opt("--weights", "combine__weights", type=click.Choice(["none", "level"]), help=_help("combine", "weights")),
        opt("--dark-combine", "combine__dark_method", type=click.Choice(["mean", "median"]),
            help=_help("combine", "dark_method")),
        opt("--dark-reject", "combine__dark_rejection", metavar="NAME[:NUMBERS]",
            help=_help("combine", "dark_rejection")),
        opt("--scale", "combine__scale", type=click.Choice(["none", "mean", "median", "auto"]),
            help=_help("combine", "scale")),
        opt("--level", "combine__level", type=click.Choice(["none", "mean", "median", "scaled-max"]),
            help=_help("combine", "level")),
        opt("--per-cfa", "combine__per_cfa", is_flag=True, default=None, help=_help("combine", "per_cfa")),
        opt("--keep-bad-frames", "combine__keep_bad_frames", is_flag=True, default=None,
            help=_help("combine", "keep_bad_frames")),
        opt("--cfa-flat", "light__cfa_flat", type=click.Choice(["separate", "joint"]),
            help=_help("light", "cfa_flat")),
        opt("--add-pedestal", "light__add_pedestal", metavar="none|ADU|auto[:SHARE]",
            help=_help("light", "add_pedestal")),
        opt("--output-type", "output__sample", type=click.Choice(["float32", "uint16"]),
            help=_help("output", "sample")),
        opt("--for", "output__target", type=click.Choice(["evenfield", "pixinsight", "siril", "app", "nina"]),
            help=_help("output", "target")),
        opt("--compress", "output__compress", is_flag=True, default=None, help=_help("output", "compress")),
        opt("--tiff", "output__tiff", type=click.Choice(["none", "16", "32"]), help=_help("output", "tiff")),
        opt("--name", "output__name", metavar="TEMPLATE", help=_help("output", "name")),
        opt("--rename", "output__names", multiple=True, metavar="NAME=NEW", help=_help("output", "names")),
        opt("--overwrite", "output__overwrite", is_flag=True, default=None, help=_help("output", "overwrite")),
        opt("--hash", "output__hash", type=click.Choice(["xxh3", "sha256"]), help=_help("output", "hash")),
        opt("--maps", "output__maps", is_flag=True, default=None, help=_help("output", "maps")),
        opt("--report/--no-report", "output__report", default=None, help=_help("output", "report")),
        opt("--move-inputs", "output__move_inputs", metavar="FOLDER", help=_help("output", "move_inputs")),
        opt("--examine/--no-examine", "examine__after", default=None, help=_help("examine", "after")),
        opt("--examine-lights", "examine__lights", type=int, help=_help("examine", "lights")),
        opt("--verdict-limit", "examine__limits", multiple=True, metavar="NAME:NUMBER",
            help=_help("examine", "limits")),
        opt("--memory", "run__memory_bytes", type=MEMORY, metavar="SIZE", help=_help("run", "memory_bytes")),
        opt("--threads", "run__threads", type=int, help=_help("run", "threads")),
        opt("--strict", "run__strict", is_flag=True, default=None, help=_help("run", "strict")),
        opt("--fresh", "run__fresh", is_flag=True, default=None, help=_help("run", "fresh")),
        opt("--no-preferences", "no_preferences", is_flag=True, help="Ignore the preferences file."),
    ]  # fmt: skip


def settings_options(command: Command) -> Command:
    """Add every option that sets a field of `Settings`."""
    for option in reversed(_options()):
        command = option(command)
    return command


def settings_of(values: dict[str, Any]) -> Settings:
    """The settings that options ask for, over the preferences; ``values`` loses the entries that were used.

    Raises
    ------
    UsageError
    """
    base = Settings() if values.pop("no_preferences") else load_preferences()
    data = to_plain(base)
    given = _given(values)
    for name, value in given.items():
        part, _, field = name.partition("__")
        data[part][field] = value
    _choose_mode(data, given, values)
    try:
        return settings_from(data, origin="options")
    except DocumentError as error:
        raise _named_by_option(error) from None


def _named_by_option(error: DocumentError) -> UsageError:
    """The error with the option in the place of the field's path."""
    found = _FIELD.search(error.message)
    if found is None:
        return UsageError(error.message.removeprefix("options: "), mend=error.mend)
    option = next(
        (one.option for one in setting_fields() if (one.part, one.name) == found.groups()), ".".join(found.groups())
    )
    what = error.message.removeprefix("options: ").partition(" - at")[0].replace("`", "")
    return UsageError(f"{option}: {what[:1].lower()}{what[1:]}.", mend="See evenfield flats --help.")


def _given(values: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name in [name for name in values if "__" in name]:
        value = values.pop(name)
        if value is None or (value == () and name not in _ONE_LIST):
            continue
        if name in ("group__join", "group__split"):
            value = tuple(key for keys in value for key in keys)
        if name in ("combine__rejection", "combine__dark_rejection"):
            value = to_plain(rejection(value))
        given[name] = value
    return given


def _choose_mode(data: dict[str, Any], given: dict[str, Any], values: dict[str, Any]) -> None:
    """One of the four ways to calibrate; two at once contradict each other."""
    asked = {
        "--no-precalibration": values.pop("no_precalibration"),
        "--auto-precalibration": values.pop("auto_precalibration"),
        "--pedestal": "calibration__pedestal_adu" in given,
        "--calibrate-with": "calibration__files" in given,
    }
    chosen = [name for name, is_asked in asked.items() if is_asked]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other.", mend="Keep one of them.")
    if not chosen:
        return
    modes = {
        "--no-precalibration": "none",
        "--auto-precalibration": "auto",
        "--pedestal": "pedestal",
        "--calibrate-with": "files",
    }
    part = data["calibration"]
    part["mode"] = modes[chosen[0]]
    if part["pedestal_adu"] == INFERRED:
        part["mode"] = INFERRED
    if part["mode"] != "pedestal":
        part["pedestal_adu"] = None
    if part["mode"] != "files":
        part["files"] = []
