"""``evenfield library``: masters that are kept, and used wherever they fit."""

from __future__ import annotations

import click

from evenfield.cli.preferences import load_preferences
from evenfield.cli.screen import show
from evenfield.errors import UsageError
from evenfield.model.frame import exposure_text


@click.group("library")
def command() -> None:
    """Keep masters in a folder, with a catalogue beside them; --library FOLDER then uses them wherever they fit."""


_FOLDER = click.option("--library", "folder", metavar="FOLDER", help="The library's folder, if not in the preferences.")


def _folder(given: str | None) -> str:
    found = given or load_preferences().select.library
    if found is None:
        raise UsageError("Which library? No folder was given.", mend="Add --library FOLDER.")
    return found


@command.command("add")
@click.argument("paths", nargs=-1, required=True, metavar="MASTER...")
@_FOLDER
def add(paths: tuple[str, ...], folder: str | None) -> int:
    """Copy masters, or all masters of folders, into the library."""
    from evenfield.run.library import add_masters

    changes = add_masters(_folder(folder), paths)
    for one in changes:
        show(f"{one.what:<14} {one.path}{f': {one.why}' if one.why else ''}\n")
    return 1 if not changes or any(one.what == "refused" for one in changes) else 0


@command.command("list")
@_FOLDER
def listing(folder: str | None) -> int:
    """List the masters of the library, from its catalogue."""
    from evenfield.run.library import list_masters

    entries = list_masters(_folder(folder))
    for entry in entries:
        frame = entry.frame
        parts = [frame.kind.words if frame.kind else "", frame.setup.camera or "", frame.filter or ""]
        parts += [exposure_text(frame.exposure_s)] if frame.exposure_s else []
        parts += [f"{frame.temperature_c:+.0f} C"] if frame.temperature_c is not None else []
        parts += [f"gain {frame.setup.gain_setting:g}"] if frame.setup.gain_setting is not None else []
        parts += [(frame.taken_at or "")[:10], f"{frame.n_combined} frames" if frame.n_combined else ""]
        show(f"{entry.path}: {', '.join(part for part in parts if part)}\n")
    show(f"{len(entries)} masters.\n")
    return 0


@command.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@_FOLDER
def remove(names: tuple[str, ...], folder: str | None) -> int:
    """Delete masters from the library, named as the list names them."""
    from evenfield.run.library import remove_masters

    for one in remove_masters(_folder(folder), names):
        show(f"{one.what:<14} {one.path}\n")
    return 0


@command.command("check")
@click.option("--rebuild", is_flag=True, help="Make the catalogue anew from the files.")
@_FOLDER
def check(rebuild: bool, folder: str | None) -> int:
    """Compare every file with the catalogue, byte by byte."""
    from evenfield.run.library import check_library

    changes = check_library(_folder(folder), rebuild=rebuild)
    for one in changes:
        show(f"{one.what:<14} {one.path}{f': {one.why}' if one.why else ''}\n")
    bad = [one for one in changes if one.what not in ("sound", "new")] if rebuild else changes
    return 1 if any(one.what not in ("sound",) for one in bad) else 0
