"""The commands of the menus as data: what they are called, where they stand, and what stands against them. No Qt."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

from evenfield.gui.session import Phase, Session


def _always(session: Session) -> str:
    del session
    return ""


def _undo(session: Session) -> str:
    if session.plan_file is not None:
        return "a saved plan is open"
    return "" if session.undo_text else "nothing to undo"


def _redo(session: Session) -> str:
    if session.plan_file is not None:
        return "a saved plan is open"
    return "" if session.redo_text else "nothing to redo"


def _planned(session: Session) -> str:
    if session.phase is not Phase.READY or session.refusal is not None:
        return "there is no plan for these options"
    return "" if session.plan is not None and session.plan.all_steps else "nothing is planned"


def _startable(session: Session) -> str:
    reasons = session.reasons_against()
    return reasons[0].rstrip(".") if reasons else ""


def _running(session: Session) -> str:
    return "" if session.running else "nothing runs"


def _frames(session: Session) -> str:
    return "" if session.rows else "no frames yet"


def _paths(session: Session) -> str:
    return "" if session.request.paths or session.plan_file is not None else "no folder yet"


def _report(session: Session) -> str:
    return "" if session.report is not None else "nothing was made yet"


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """One command. ``against`` says why it cannot be used now, "" where it can; ``name`` is that of the window's
    method, without "do_".
    """

    name: str
    text: str
    menu: str
    keys: str = ""
    against: Callable[[Session], str] = _always
    divider: bool = False


COMMANDS: Final = (
    Command("add_files", "Add files ...", "File", "Ctrl+O"),
    Command("add_folder", "Add folder ...", "File", "Ctrl+Shift+O"),
    Command("add_calibration", "Add calibration folder ...", "File"),
    Command("look_again", "Look again", "File", "F5", _paths, divider=True),
    Command("clear", "Remove all files from the list", "File", "", _paths),
    Command("open_plan", "Open plan ...", "File", divider=True),
    Command("save_plan", "Save plan ...", "File", "Ctrl+S", _planned),
    Command("preferences", "Preferences ...", "File", "Ctrl+,", divider=True),
    Command("quit", "Quit", "File", "Ctrl+Q", divider=True),
    Command("undo", "Undo", "Edit", "Ctrl+Z", _undo),
    Command("redo", "Redo", "Edit", "Ctrl+Shift+Z", _redo),
    Command("select_all", "Select all", "Edit", "Ctrl+A", _frames, divider=True),
    Command("select_none", "Select none", "Edit", "Ctrl+Shift+N", _frames),
    Command("copy_command", "Copy the command line", "Edit", "Ctrl+Shift+C", _paths, divider=True),
    Command("prepare", "Prepare", "View", "Ctrl+1"),
    Command("results", "Results", "View", "Ctrl+2"),
    Command("why", "Why", "View", "Ctrl+3", divider=True),
    Command("options", "Options", "View", "Ctrl+4"),
    Command("picture", "Picture", "View", "Ctrl+5"),
    Command("filter", "Filter rows", "View", "Ctrl+F", divider=True),
    Command("log", "Log", "View", "Ctrl+L"),
    Command("start", "Start the job", "Run", "Ctrl+Return", _startable),
    Command("cancel", "Cancel the run", "Run", "Ctrl+.", _running),
    Command("measure", "Measure levels", "Run", "Ctrl+M", _frames, divider=True),
    Command("report", "Open report", "Run", "", _report),
    Command("manual", "Manual", "Help", "F1"),
    Command("masterflatmaker", "From MasterFlatMaker", "Help"),
    Command("about", "About evenfield", "Help", divider=True),
)
"""Every command of the menus, in order."""

MENUS: Final = ("File", "Edit", "View", "Run", "Help")
