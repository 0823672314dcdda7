"""``evenfield calibrate``: calibrated lights, with the masters that they need."""

from __future__ import annotations

from typing import Any

import click

from evenfield.cli.job import job_options, run_job


@click.command("calibrate")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@job_options(output="calibrated")
def command(**values: Any) -> int:
    """Calibrate the lights in PATH...: minus the dark or bias that fits, divided by the flat that fits.

    Masters are made first of the raw bias, darks, dark flats and flats found there or in --calibration; ready masters
    are taken as they are. Calibrated lights are written to OUT/lights as float32, nothing clipped; those that are there
    already, made from the same frames, are kept.
    """
    return run_job("calibrate", values)
