"""``evenfield run``: make what a saved plan says."""

from __future__ import annotations

import click

from evenfield.cli.path import Shown, run_and_show, show_plan
from evenfield.cli.screen import ProgressLine
from evenfield.store import load_plan


@click.command("run")
@click.argument("plan_file", metavar="PLAN.json")
@click.option("--dry-run", is_flag=True, help="Show the plan and its explanation; make nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("-v", "--verbose", is_flag=True, help="Print every master and every finding, notes too.")
def command(plan_file: str, dry_run: bool, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Make what PLAN.json says; frames that have changed since are refused."""
    shown = Shown(json=as_json, quiet=quiet, verbose=verbose)
    plan = load_plan(plan_file)
    if dry_run:
        return show_plan(plan, shown=shown, explain=True)
    return run_and_show(plan, shown=shown, progress=ProgressLine(quiet=quiet or as_json))
