"""``evenfield gui``: the window."""

from __future__ import annotations

import importlib.util
import os
import sys

import click

from evenfield.errors import UsageError

INSTALL = 'python3 -m pip install "evenfield[gui]"'


def is_installed() -> bool:
    """Whether what draws the window is installed."""
    return importlib.util.find_spec("PySide6") is not None


def has_display() -> bool:
    """Whether there is a display to draw on. Qt would end the process where there is none."""
    if os.environ.get("QT_QPA_PLATFORM"):
        return True
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def can_open() -> bool:
    """Whether the window can be opened here."""
    return is_installed() and has_display()


@click.command("gui")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
def command(paths: tuple[str, ...]) -> int:
    """Open the window, with these folders, files or a saved plan in it."""
    if not is_installed():
        raise UsageError("The window needs PySide6, which is not installed.", mend=f"Install it: {INSTALL}.")
    if not has_display():
        raise UsageError(
            "There is no display to open a window on (DISPLAY and WAYLAND_DISPLAY are not set).",
            mend="Start it on a desktop; or use the commands, which do the same: evenfield --help.",
        )
    from evenfield.gui.start import run_window

    return run_window(paths)


def main() -> None:
    """The entry point that desktops start."""
    from evenfield.cli.app import main as run

    run(["gui", *sys.argv[1:]])
