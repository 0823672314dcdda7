"""``evenfield explain``: a plan, a finished master, or the code of a finding."""

from __future__ import annotations

import os

import click

from evenfield.cli.screen import show
from evenfield.errors import UsageError
from evenfield.plan.explain import explain_code, explain_plan
from evenfield.report.provenance import provenance_text
from evenfield.store import load_plan


@click.command("explain")
@click.argument("what", metavar="PLAN.json | MASTER.fits | CODE")
@click.argument("step", required=False)
@click.option("--show-search", is_flag=True, help="For each group, every calibration set that was looked at.")
def command(what: str, step: str | None, show_search: bool) -> int:
    """Explain a plan (or one STEP of it), how a master was made, or what the code of a finding means."""
    if not os.path.exists(what):
        if what.lower().endswith((".json", ".fits", ".fit", ".fts", ".xisf")) or os.sep in what:
            raise UsageError(f"{what} does not exist.")
        show(explain_code(what))
    elif what.lower().endswith(".json"):
        show(explain_plan(load_plan(what), step=step, search=show_search))
    else:
        from evenfield.run.provenance import read_provenance

        show(provenance_text(read_provenance(what), name=os.path.basename(what)))
    return 0
