"""The commands of the menus as data: what they are called, where they stand, and what stands against them. No Qt."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

from evenfield.examination import EXAMINE
from evenfield.gui.session import Phase, Session
from evenfield.gui.words import mark, tr


def _always(session: Session) -> str:
    del session
    return ""


def _undo(session: Session) -> str:
    if session.plan_file is not None:
        return tr("a saved plan is open")
    return "" if session.undo_text else tr("nothing to undo")


def _redo(session: Session) -> str:
    if session.plan_file is not None:
        return tr("a saved plan is open")
    return "" if session.redo_text else tr("nothing to redo")


def _planned(session: Session) -> str:
    if session.plan_file is None and session.request.job == EXAMINE:
        return tr("an examination has no plan to run later")
    if session.phase is not Phase.READY or session.refusal is not None:
        return tr("there is no plan for these options")
    return "" if session.plan is not None and session.plan.all_steps else tr("nothing is planned")


def _startable(session: Session) -> str:
    reasons = session.reasons_against()
    return reasons[0].rstrip(".") if reasons else ""


def _running(session: Session) -> str:
    return "" if session.running else tr("nothing runs")


def _frames(session: Session) -> str:
    return "" if session.rows else tr("no frames yet")


def _paths(session: Session) -> str:
    return "" if session.request.paths or session.plan_file is not None else tr("no folder yet")


def _report(session: Session) -> str:
    return "" if session.report is not None else tr("nothing was made yet")


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
    Command("add_files", mark("Add files ..."), "File", "Ctrl+O"),
    Command("add_folder", mark("Add folder ..."), "File", "Ctrl+Shift+O"),
    Command("add_calibration", mark("Add calibration folder ..."), "File"),
    Command("look_again", mark("Look again"), "File", "F5", _paths, divider=True),
    Command("clear", mark("Remove all files from the list"), "File", "", _paths),
    Command("open_plan", mark("Open plan ..."), "File", divider=True),
    Command("save_plan", mark("Save plan ..."), "File", "Ctrl+S", _planned),
    Command("preferences", mark("Preferences ..."), "File", "Ctrl+,", divider=True),
    Command("quit", mark("Quit"), "File", "Ctrl+Q", divider=True),
    Command("undo", mark("Undo"), "Edit", "Ctrl+Z", _undo),
    Command("redo", mark("Redo"), "Edit", "Ctrl+Shift+Z", _redo),
    Command("select_all", mark("Select all"), "Edit", "Ctrl+A", _frames, divider=True),
    Command("select_none", mark("Select none"), "Edit", "Ctrl+Shift+N", _frames),
    Command("copy_command", mark("Copy the command line"), "Edit", "Ctrl+Shift+C", _paths, divider=True),
    Command("prepare", mark("Prepare"), "View", "Ctrl+1"),
    Command("results", mark("Results"), "View", "Ctrl+2"),
    Command("why", mark("Why"), "View", "Ctrl+3", divider=True),
    Command("options", mark("Options"), "View", "Ctrl+4"),
    Command("picture", mark("Picture"), "View", "Ctrl+5"),
    Command("filter", mark("Filter rows"), "View", "Ctrl+F", divider=True),
    Command("log", mark("Log"), "View", "Ctrl+L"),
    Command("start", mark("Start the job"), "Run", "Ctrl+Return", _startable),
    Command("cancel", mark("Cancel the run"), "Run", "Ctrl+.", _running),
    Command("measure", mark("Measure levels"), "Run", "Ctrl+M", _frames, divider=True),
    Command("report", mark("Open report"), "Run", "", _report),
    Command("manual", mark("Manual"), "Help", "F1"),
    Command("masterflatmaker", mark("From MasterFlatMaker"), "Help"),
    Command("about", mark("About evenfield"), "Help", divider=True),
)
"""Every command of the menus, in order."""

MENUS: Final = {
    "File": mark("&File"), "Edit": mark("&Edit"), "View": mark("&View"), "Run": mark("&Run"), "Help": mark("&Help"),
}  # fmt: skip
"""Name of a menu -> its title."""
