"""``evenfield flats``: master flats from folders of raw frames."""

from __future__ import annotations

from typing import Any

import click

from evenfield.cli.options import settings_of, settings_options
from evenfield.cli.path import Shown, plan_paths, run_and_show, show_found, show_plan
from evenfield.cli.screen import ProgressLine
from evenfield.read import keeping_files
from evenfield.run.machine import load_kernels_early


@click.command("flats")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-o", "--output", default="masters", show_default=True, metavar="OUT",
              help="Folder for the masters, or NAME.fits where one flat is made.")  # fmt: skip
@click.option("--calibration", multiple=True, metavar="DIR",
              help="Further folder or file with bias, darks or dark flats, raw or masters.")  # fmt: skip
@settings_options
@click.option("--dry-run", is_flag=True, help="Show the plan and its explanation; make nothing.")
@click.option("--show-search", is_flag=True, help="Show every calibration set that was looked at, and why (not).")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("-v", "--verbose", is_flag=True, help="Print every master and every finding, notes too.")
def command(
    paths: tuple[str, ...],
    output: str,
    calibration: tuple[str, ...],
    dry_run: bool,
    show_search: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **values: Any,
) -> int:
    """Make master flats from the raw frames in PATH...

    Bias, darks and dark flats found there, or in --calibration, become masters first; each flat is calibrated by what
    fits it, made equally bright, combined, examined and written. Existing masters that were made from the same frames
    are reused, others are never overwritten unless --overwrite is given.
    """
    shown = Shown(json=as_json, quiet=quiet, verbose=verbose)
    settings = settings_of(values)
    progress = ProgressLine(quiet=quiet or as_json)
    if not dry_run:
        load_kernels_early()
    with keeping_files() as files:
        plan = plan_paths(paths, calibration=calibration, output=output, settings=settings, progress=progress)
        # Products are read too, and replaced: none of them may stay open.
        files.only(use.path for use in plan.files if use.use == "used")
        if dry_run:
            return show_plan(plan, shown=shown, explain=True, search=show_search)
        if show_search:
            show_found(plan, shown=shown)
        return run_and_show(plan, shown=shown, progress=progress)
