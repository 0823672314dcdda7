"""Load and save plans, settings, surveys and reports: the only door for small documents."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from evenfield.errors import DocumentError, EvenfieldError, SettingsError, WriteError
from evenfield.model.frame import FrameInfo
from evenfield.model.plan import PLAN_SCHEMA, Plan
from evenfield.model.report import REPORT_SCHEMA, Provenance, Report
from evenfield.model.settings import Settings
from evenfield.write.document import write_text

T = TypeVar("T")


def to_json(value: object) -> str:
    """A value as indented JSON with a final newline; paths stay as they are, no value is lost."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def to_plain(value: object) -> Any:
    """A value as plain dictionaries, lists, texts and numbers."""
    return msgspec.to_builtins(value)


def save_plan(plan: Plan, *, path: str | os.PathLike[str]) -> None:
    """Write a plan as JSON; it appears complete or not at all.

    Raises
    ------
    WriteError
    """
    write_text(os.fspath(path), to_json(plan))


def load_plan(path: str | os.PathLike[str]) -> Plan:
    """Read a plan back. Unknown keys, wrong types and other schemas are refused.

    Raises
    ------
    DocumentError
    """
    data = _read(path, "plan")
    _check_schema(data, path, PLAN_SCHEMA, "plan")
    plan = _decode(data, Plan, path, "plan")
    _check_plan(plan, path)
    return plan


def _leaves(output: str) -> bool:
    """Whether a product's path, relative to the output folder, leads out of it."""
    return os.path.isabs(output) or any(piece in ("", ".", "..") or "\\" in piece for piece in output.split("/"))


def _check_plan(plan: Plan, path: str | os.PathLike[str]) -> None:
    """Refuse a plan that was changed by hand so that its steps no longer hang together."""
    known: set[str] = set()
    outputs: set[str] = set()
    for light in plan.lights:
        lost = not len(light.inputs) == len(light.outputs) == len(light.digests)
        lost = lost or len({output.casefold() for output in light.outputs}) < len(light.outputs)
        lost = lost or any(not 0 <= item.calibration < len(light.calibrations) for item in light.inputs)
        outside = [one for one in light.outputs if _leaves(one)]
        if lost or outside or not light.inputs:
            what = (
                f"its output {outside[0]} leaves the output folder" if outside else "its lights have lost their names"
            )
            raise DocumentError(f"{os.fspath(path)}: the step {light.id} cannot be run: {what}.")
    for step in plan.steps:
        missing = [need for need in step.needs if need not in known]
        problem = ""
        if step.id in known:
            problem = "its name occurs twice"
        elif missing:
            problem = f"it needs {missing[0]}, which no step before it makes"
        elif not step.inputs:
            problem = "it has no frames"
        elif step.output.casefold() in outputs:
            problem = f"another step writes {step.output} as well"
        elif _leaves(step.output):
            problem = f"its output {step.output} leaves the output folder"
        elif any(not 0 <= item.calibration < max(1, len(step.calibrations)) for item in step.inputs):
            problem = "a frame of it names a calibration that is not there"
        if problem:
            raise DocumentError(
                f"{os.fspath(path)} cannot be used: step {step.id}: {problem}.", mend="Make the plan again."
            )
        known.add(step.id)
        outputs.add(step.output.casefold())


def save_report(report: Report, *, path: str | os.PathLike[str]) -> None:
    """Write a report as JSON; it appears complete or not at all."""
    write_text(os.fspath(path), to_json(report))


def load_report(path: str | os.PathLike[str]) -> Report:
    """Read a report back.

    Raises
    ------
    DocumentError
    """
    data = _read(path, "report")
    _check_schema(data, path, REPORT_SCHEMA, "report")
    return _decode(data, Report, path, "report")


def frame_from(text: str, *, origin: str) -> FrameInfo:
    """A frame's description from its JSON.

    Raises
    ------
    DocumentError
    """
    return _decode(text.encode(), FrameInfo, origin, "description of a frame")


def decode_provenance(text: str, *, path: str) -> Provenance:
    """The provenance that a product's header holds.

    Raises
    ------
    DocumentError
    """
    return _decode(text.encode(), Provenance, path, "provenance")


def encode_provenance(provenance: Provenance) -> str:
    """The provenance as one line of JSON, ASCII only, keys in the order of the fields."""
    import json

    return json.dumps(msgspec.to_builtins(provenance), separators=(",", ":"), ensure_ascii=True)


def load_settings(path: str | os.PathLike[str]) -> Settings:
    """Read settings from a TOML file; what it does not name keeps its default.

    Raises
    ------
    DocumentError
        Naming the line of broken TOML, or the key with an unknown name or wrong value.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise DocumentError(f"The settings file {path} does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"The settings file {path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise DocumentError(f"The settings file {path} is broken: {error}.", mend="Mend that line.") from None
    return settings_from(data, origin=os.fspath(path))


def settings_text(settings: Settings) -> str:
    """Settings as TOML that `load_settings` reads back; what has its default is left out."""
    from evenfield.model.rejections import rejection_text

    defaults = Settings()
    parts: list[str] = []
    for part in Settings.__struct_fields__[1:]:
        here, there = getattr(settings, part), getattr(defaults, part)
        lines = []
        for name in here.__struct_fields__:
            value = getattr(here, name)
            if value != getattr(there, name):
                plain = rejection_text(value) if isinstance(value, msgspec.Struct) else value  # type: ignore[arg-type]
                lines.append(f"{name} = {_toml(plain)}")
        if lines:
            parts.append("\n".join([f"[{part}]", *lines]))
    return "\n\n".join([f"schema = {settings.schema}", *parts]) + "\n"


def _toml(value: Any) -> str:
    """A value as TOML has it: its texts and numbers are those of JSON, but for "not a number", which no setting is."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, float):
        return repr(value)
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def save_settings(settings: Settings, *, path: str | os.PathLike[str]) -> None:
    """Write settings as TOML; the file appears complete or not at all, its folder is made.

    Raises
    ------
    WriteError
    """
    save_text(settings_text(settings), path=path)


def save_text(text: str, *, path: str | os.PathLike[str]) -> None:
    """Write a text file; it appears complete or not at all, its folder is made.

    Raises
    ------
    WriteError
    """
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise WriteError(f"{folder} cannot be made: {error.strerror or error}.") from None
    write_text(os.fspath(path), text)


def settings_from(data: dict[str, Any], *, origin: str) -> Settings:
    """Settings from plain values; rejections may be given as text ("winsorized:4,3").

    Raises
    ------
    DocumentError
    """
    from evenfield.model.rejections import rejection

    combine = data.get("combine")
    try:
        if isinstance(combine, dict):
            combine = dict(combine)
            for key in ("rejection", "dark_rejection"):
                if isinstance(combine.get(key), str):
                    combine[key] = msgspec.to_builtins(rejection(combine[key]))
            data = {**data, "combine": combine}
        return msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        raise DocumentError(f"{origin}: {error}.", mend="Correct or remove that key.") from None
    except SettingsError as error:
        raise DocumentError(f"{origin}: {error.message}", mend=error.mend) from None


def _read(path: str | os.PathLike[str], what: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise DocumentError(f"The {what} {path} does not exist.") from None
    except OSError as error:
        raise DocumentError(f"The {what} {path} cannot be read: {error.strerror or error}.") from None


def _check_schema(data: bytes, path: str | os.PathLike[str], expected: int, what: str) -> None:
    class _Head(msgspec.Struct):
        schema: int = 0

    try:
        head = msgspec.json.decode(data, type=_Head)
    except msgspec.DecodeError as error:
        raise DocumentError(f"{path} is no {what}: {error}.") from None
    if head.schema != expected:
        raise DocumentError(
            f"{path} is a {what} of schema {head.schema}; this version reads schema {expected}.",
            mend="Make it again with this version.",
        )


def _decode(data: bytes, kind: type[T], path: str | os.PathLike[str], what: str) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, EvenfieldError) as error:
        raise DocumentError(f"{path} is no {what} that can be used: {error}.") from None
