"""``evenfield plan``: what would be made, and why; saved on request, to be run later."""

from __future__ import annotations

from typing import Any

import click

from evenfield.cli.options import settings_of, settings_options
from evenfield.cli.path import Shown, plan_paths, show_plan
from evenfield.cli.screen import ProgressLine, remark
from evenfield.errors import UsageError
from evenfield.store import save_plan

JOBS = ("flats", "masters", "calibrate")


@click.command("plan")
@click.argument("paths", nargs=-1, required=True, metavar="[flats|masters|calibrate] PATH...")
@click.option("-o", "--output", default="masters", show_default=True, metavar="OUT",
              help="Folder for the masters, or NAME.fits where one flat is made.")  # fmt: skip
@click.option("--calibration", multiple=True, metavar="DIR",
              help="Further folder or file with bias, darks or dark flats, raw or masters.")  # fmt: skip
@click.option("--save", metavar="FILE", help="Write the plan to this file, for 'evenfield run FILE'.")
@settings_options
@click.option("--dry-run", is_flag=True, help="The same, with the full explanation.")
@click.option("--show-search", is_flag=True, help="Show every calibration set that was looked at, and why (not).")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("-v", "--verbose", is_flag=True, help="Print every master and every finding, notes too.")
def command(
    paths: tuple[str, ...],
    output: str,
    calibration: tuple[str, ...],
    save: str | None,
    dry_run: bool,
    show_search: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **values: Any,
) -> int:
    """Plan a job for the frames in PATH... and show it; no pixel is read.

    The job is 'flats' (master flats and what they need, the default), 'masters' (a master of every bias, dark and
    dark flat set as well) or 'calibrate' (calibrated lights and the masters that they need).
    """
    job = "flats"
    if paths[0] in JOBS:
        job, paths = paths[0], paths[1:]
        if not paths:
            raise UsageError("No folder was given.", mend=f"evenfield plan {job} NIGHT -o masters")
    shown = Shown(json=as_json, quiet=quiet, verbose=verbose)
    settings = settings_of(values)
    progress = ProgressLine(quiet=quiet or as_json)
    plan = plan_paths(paths, calibration=calibration, output=output, settings=settings, progress=progress, job=job)
    if save is not None:
        save_plan(plan, path=save)
    code = show_plan(plan, shown=shown, explain=dry_run or show_search, search=show_search)
    if save is not None and plan.all_steps and not (quiet or as_json):
        remark(f"Plan saved: {save}. To make it: evenfield run {save}")
    return code
