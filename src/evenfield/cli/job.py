"""What the commands that make something have in common: their options, and the way from paths to a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from evenfield.cli.options import settings_of, settings_options
from evenfield.cli.path import Shown, plan_paths, run_and_show, show_found, show_plan
from evenfield.cli.screen import ProgressLine
from evenfield.read import keeping_files
from evenfield.run.machine import load_kernels_early

Command = TypeVar("Command", bound=Callable[..., Any])


def job_options(*, output: str) -> Callable[[Command], Command]:
    """Add the options of a command that makes something; ``output`` is the folder where none is given."""
    options: list[Callable[[Command], Command]] = [
        click.option("-o", "--output", default=output, show_default=True, metavar="OUT",
                     help="Folder for the products, or NAME.fits where one flat is made."),
        click.option("--calibration", multiple=True, metavar="DIR",
                     help="Further folder or file with bias, darks or dark flats, raw or masters; for lights, also "
                     "flats."),
        settings_options,
        click.option("--dry-run", is_flag=True, help="Show the plan and its explanation; make nothing."),
        click.option("--show-search", is_flag=True,
                     help="Show every calibration set that was looked at, and why (not)."),
        click.option("--json", "as_json", is_flag=True, help="Print the report as JSON and nothing else."),
        click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors."),
        click.option("-v", "--verbose", is_flag=True, help="Print every product and every finding, notes too."),
    ]  # fmt: skip

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def run_job(job: str, values: dict[str, Any]) -> int:
    """Survey, plan, run and show; returns the exit code. ``values`` are those of the options and ``paths``."""
    paths, calibration, output = values.pop("paths"), values.pop("calibration"), values.pop("output")
    dry_run, show_search = values.pop("dry_run"), values.pop("show_search")
    shown = Shown(json=values.pop("as_json"), quiet=values.pop("quiet"), verbose=values.pop("verbose"))
    settings = settings_of(values)
    progress = ProgressLine(quiet=shown.quiet or shown.json)
    if not dry_run:
        load_kernels_early()
    with keeping_files() as files:
        plan = plan_paths(paths, calibration=calibration, output=output, settings=settings, progress=progress, job=job)
        # Products are read too, and replaced: none of them may stay open.
        files.only(use.path for use in plan.files if use.use == "used")
        if dry_run:
            return show_plan(plan, shown=shown, explain=True, search=show_search)
        if show_search:
            show_found(plan, shown=shown)
        return run_and_show(plan, shown=shown, progress=progress)
