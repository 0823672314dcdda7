"""``evenfield masters``: a master of every bias, dark, dark flat and flat set."""

from __future__ import annotations

from typing import Any

import click

from evenfield.cli.job import job_options, run_job


@click.command("masters")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@job_options(output="masters")
def command(**values: Any) -> int:
    """Make a master of every set of bias, darks, dark flats and flats in PATH..., needed by another or not.

    Bias, darks and dark flats are averaged as they are, never calibrated; flats are calibrated by what fits them and
    made equally bright. Existing masters that were made from the same frames are reused, others are never overwritten
    unless --overwrite is given.
    """
    return run_job("masters", values)
