"""``evenfield settings``: the preferences, which every command and the window start with."""

from __future__ import annotations

import difflib
from typing import Any

import click
import msgspec

from evenfield.cli.options import settings_of, settings_options
from evenfield.cli.preferences import load_preferences, preferences_path
from evenfield.cli.screen import show
from evenfield.errors import UsageError
from evenfield.model.settings import Settings, setting_fields
from evenfield.store import save_settings, settings_text


@click.group("settings")
def command() -> None:
    """Show and change the preferences, which commands and the window start with."""


@command.command("show")
def show_settings() -> int:
    """Print the preferences; what is not named has its default."""
    show(settings_text(load_preferences()))
    return 0


@command.command("path")
def path() -> int:
    """Print where the preferences file lies, whether it is there or not."""
    show(f"{preferences_path()}\n")
    return 0


@command.command("set")
@settings_options
def set_settings(**values: Any) -> int:
    """Change the preferences by the options of the commands, such as: settings set --combine median."""
    settings = settings_of(values)
    save_settings(settings, path=preferences_path())
    show(settings_text(settings))
    return 0


@command.command("reset")
@click.argument("names", nargs=-1, metavar="[NAME...]")
def reset(names: tuple[str, ...]) -> int:
    """Bring preferences back to their defaults: those named, such as combine.method, or all."""
    settings = load_preferences() if names else Settings()
    known = {f"{one.part}.{one.name}": one for one in setting_fields()}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
            mend = f"Did you mean {' or '.join(near)}?" if near else "The names stand in docs/settings.md."
            raise UsageError(f"There is no setting '{name}'.", mend=mend)
        one = known[name]
        part = msgspec.structs.replace(getattr(settings, one.part), **{one.name: one.default})
        settings = msgspec.structs.replace(settings, **{one.part: part})
    save_settings(settings, path=preferences_path())
    show(settings_text(settings))
    return 0
