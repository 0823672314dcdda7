"""The command line: one group, a module a command, and the one place where errors become exit codes."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import os
import sys
from typing import Any

import click

import evenfield
from evenfield.cli.screen import complain
from evenfield.errors import Cancelled, DocumentError, EvenfieldError, UsageError

COMMANDS = {
    "survey": "List the frames in folders, from their headers.",
    "flats": "Make master flats from folders of raw frames.",
    "masters": "Make a master of every set of bias, darks, dark flats and flats.",
    "calibrate": "Calibrate lights, with the masters that they need.",
    "examine": "Say whether flats, darks and lights will work, without making anything.",
    "library": "Keep masters, and use them wherever they fit.",
    "defects": "Write a map of the hot, cold and unstable pixels of masters.",
    "plan": "Show what would be made, and why; save it on request.",
    "run": "Make what a saved plan says.",
    "gui": "Open the window, which does the same.",
    "settings": "Show and change the preferences.",
    "explain": "Explain a plan, a finished master, or the code of a finding.",
    "demo": "Make a simulated night and its masters, and compare them with the truth.",
}
"""Command name -> its line in the help; the module of that name holds it as ``command``, imported when it is used."""

HOMES = {"gui": "evenfield.gui.command"}
"""Commands of other rooms. The window lies above the command line, which knows it by this name alone."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(HOMES.get(cmd_name, f"evenfield.cli.{cmd_name}")).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # The lines of the help stand above, so that no command has to be imported for it.
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(evenfield.__version__, prog_name="evenfield")
def cli() -> None:
    """Folders of raw astronomical frames to master flats, explained before they are made.

    \b
    evenfield survey NIGHT              what is there
    evenfield plan NIGHT -o masters     what would be made, and why
    evenfield flats NIGHT -o masters    make it
    evenfield calibrate NIGHT -o out    calibrated lights, and the masters they need
    """  # noqa: D301 - click takes the backspace as "do not wrap"


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    # Nothing here multiplies matrices, and idle threads of NumPy's library for that wait at full speed.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # What the modules and plans make stays to the end: looking for garbage among it finds nothing, again and again.
    gc.set_threshold(100_000, 20, 20)
    code = run_cli(_asked(sys.argv[1:] if arguments is None else arguments))
    # All is said and done: taking the interpreter apart would only cost time.
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _asked(arguments: list[str]) -> list[str]:
    """The arguments; without any the window opens, where there is a display and what draws it."""
    if arguments:
        return arguments
    window: Any = importlib.import_module(HOMES["gui"])
    return ["gui"] if window.can_open() else ["--help"]


def run_cli(arguments: list[str]) -> int:
    """Run the command line; returns 0, 1 (failed or refused), 2 (usage) or 130 (cancelled)."""
    try:
        code: Any = cli.main(args=arguments, prog_name="evenfield", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt, Cancelled):
        complain("cancelled")
        return 130
    except (UsageError, DocumentError) as error:
        complain(error)
        return 2
    except EvenfieldError as error:
        complain(error)
        if "--json" in arguments:
            # Whoever reads JSON gets JSON, also where the work could not begin.
            from evenfield.cli.path import error_report
            from evenfield.cli.screen import show_json
            from evenfield.store import to_json

            show_json(to_json(error_report(error)))
        return 1
    except BrokenPipeError:
        # The reader of our output has gone; nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code if isinstance(code, int) else 0
