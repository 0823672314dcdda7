"""What a person asks for, as a value: what the window edits, and the same on the command line, in both directions."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click
import msgspec

from evenfield.cli.options import settings_of
from evenfield.errors import UsageError
from evenfield.examination import EXAMINE
from evenfield.model.rejections import rejection_text
from evenfield.model.settings import Settings, setting_fields

JOBS: Final = {"flats": "masters", "masters": "masters", "calibrate": "calibrated", EXAMINE: "examined"}
"""Command -> the output folder where none is given; an examination writes its report there."""

_SWITCHES: Final = {
    ("select", "recursive"): "--no-recursive",
    ("select", "calibration_recursive"): "--calibration-no-recursive",
    ("examine", "after"): "--no-examine",
    ("output", "report"): "--no-report",
}
"""Settings that are on by default, and what turns them off."""

_KEYS: Final = {("group", "by"), ("group", "join"), ("group", "split"), ("calibration", "kinds")}
"""Settings that take several names in one argument."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One job: the command, the paths that it searches, further ones with calibration frames, and the settings."""

    job: str = "flats"
    paths: tuple[str, ...] = ()
    calibration: tuple[str, ...] = ()
    output: str = "masters"
    settings: Settings = Settings()


def arguments_of(request: Request) -> tuple[str, ...]:
    """The arguments that ask for the same: the command, its paths, and an option for whatever is not the default.

    `request_of` reads them back to an equal request.
    """
    return _all_arguments(request)


def _all_arguments(request: Request, fix: Sequence[str] = ()) -> tuple[str, ...]:
    found = [request.job]
    for folder in request.calibration:
        found += ["--calibration", folder]
    # Of equal options the last one counts: what mends comes behind what was.
    found += [*_setting_arguments(request.settings), *fix]
    found += ["-o", request.output] if request.output or request.job != EXAMINE else []
    return (*found, *_paths_behind(request.paths))


def _paths_behind(paths: Sequence[str]) -> tuple[str, ...]:
    # Behind the two dashes a path may begin with one.
    return ("--", *paths) if any(path.startswith("-") for path in paths) else tuple(paths)


def command_line(request: Request, *, own_defaults: bool = False) -> str:
    """The line for a shell; ``own_defaults`` where preferences would change what it says."""
    job, *others = arguments_of(request)
    plain = ["--no-preferences"] if own_defaults else []
    return shell_line(["evenfield", job, *plain, *others])


def shell_line(arguments: Sequence[str]) -> str:
    """Arguments as one line for a POSIX shell; whatever cannot be seen or copied in a name is spelled out."""
    return " ".join(map(_quoted, arguments))


def _quoted(text: str) -> str:
    if text.isprintable():
        return shlex.quote(text)
    # The shell itself cuts the line breaks at the end of what printf prints.
    inner = text.rstrip("\n")
    spelled = "".join(_spelled(sign) for sign in inner)
    if spelled.startswith("-"):
        spelled = f"\\055{spelled[1:]}"  # else it would be an option of printf
    return f"\"$(printf '{spelled}')\"" + (shlex.quote(text[len(inner) :]) if inner != text else "")


def _spelled(sign: str) -> str:
    """A sign as the shell's printf has it."""
    if sign == "%":
        return "%%"
    if sign.isprintable() and sign not in "'\"\\":
        return sign
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(sign))


def request_of(arguments: Sequence[str]) -> Request:
    """The request of such arguments; preferences take no part.

    Raises
    ------
    UsageError
        If the command or an option is not one of a job, or options contradict each other.
    """
    from evenfield.cli.app import cli

    job, *others = arguments or ("",)
    command = cli.get_command(click.Context(cli), job) if job in JOBS else None
    if command is None:
        raise UsageError(f"'{job}' is no job.", mend=f"Choose from {', '.join(JOBS)}.")
    try:
        values: dict[str, Any] = dict(command.make_context(job, ["--no-preferences", *others]).params)
    except click.exceptions.Exit as error:
        raise UsageError(f"'{job}' was asked for its help.", mend="Leave --help out.") from error
    except click.ClickException as error:
        raise UsageError(error.format_message(), mend=f"See evenfield {job} --help.") from error
    paths, calibration, output = values.pop("paths"), values.pop("calibration"), values.pop("output")
    settings = settings_of({name: value for name, value in values.items() if "__" in name or name.startswith("no_")
                            or name == "auto_precalibration"})  # fmt: skip
    return Request(job=job, paths=tuple(paths), calibration=tuple(calibration), output=output, settings=settings)


def with_fix(request: Request, fix: Sequence[str]) -> Request:
    """The request with the arguments of a finding's ``fix`` added, as if they had been typed behind its options.

    Raises
    ------
    UsageError
        As `request_of`.
    """
    return request_of(_all_arguments(request, fix))


def _setting_arguments(settings: Settings) -> Iterator[str]:
    for field in setting_fields():
        value = getattr(getattr(settings, field.part), field.name)
        if value != field.default:
            yield from _arguments(field.part, field.name, field.option, value)


def _arguments(part: str, name: str, option: str, value: Any) -> Iterator[str]:
    """The option of one setting that is not the default."""
    if (part, name) == ("calibration", "mode"):
        # The other modes follow from their files and number.
        if value == "none":
            yield "--no-precalibration"
        elif value == "inferred":
            yield "--pedestal=inferred"
    elif (part, name) in _SWITCHES:
        yield _SWITCHES[part, name]
    elif isinstance(value, bool):
        yield option
    elif (part, name) in _KEYS:
        yield from (option, ",".join(value))
    elif isinstance(value, tuple):
        for one in value:
            yield from (option, str(one))
    elif isinstance(value, msgspec.Struct):
        yield from (option, rejection_text(value))  # type: ignore[arg-type]
    else:
        # A float in full: what is read back must be the same number. Negative numbers must not look like options.
        yield f"{option}={value!r}" if isinstance(value, float) else f"{option}={value}"
