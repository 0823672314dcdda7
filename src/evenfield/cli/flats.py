"""``evenfield flats``: master flats from folders of raw frames."""

from __future__ import annotations

from typing import Any

import click

from evenfield.cli.job import job_options, run_job


@click.command("flats")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@job_options(output="masters")
def command(**values: Any) -> int:
    """Make master flats from the raw frames in PATH...

    Bias, darks and dark flats found there, or in --calibration, become masters first; each flat is calibrated by what
    fits it, made equally bright, combined, examined and written. Existing masters that were made from the same frames
    are reused, others are never overwritten unless --overwrite is given.
    """
    return run_job("flats", values)
