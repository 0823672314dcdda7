"""``evenfield examine``: will these frames work, without making anything."""

from __future__ import annotations

from typing import Any

import click

from evenfield.cli.options import settings_of, settings_options
from evenfield.cli.path import Shown, cancel_on_signal, nothing_report, plan_survey, survey_paths
from evenfield.cli.screen import ProgressLine, complain, paint, show, show_json
from evenfield.examination import EXAMINE, examine_plan
from evenfield.model.report import StepStatus
from evenfield.read import keeping_files
from evenfield.report.examination import examination_text, statistics_csv
from evenfield.report.text import plan_text
from evenfield.store import to_json


@click.command("examine")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-o", "--output", metavar="OUT", default="", help="Folder for the report; without it, it is only shown.")
@click.option(
    "--calibration", multiple=True, metavar="DIR", help="Further folder or file with bias, darks, dark flats."
)
@settings_options
@click.option("--csv", "as_csv", is_flag=True, help="Print statistics of every frame and CFA plane, as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON and nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("-v", "--verbose", is_flag=True, help="Print every finding, notes too.")
def command(**values: Any) -> int:
    """Say whether the frames in PATH... will work: flats, darks, bias, and lights with their flats.

    One line a set: the verdict, the number that decided, and what to do. Nothing is made; with -o the report is
    written. Without lights it says which questions stay open, and which files would answer them. Exit code 1 if any set
    will not work.
    """
    paths, calibration, output = values.pop("paths"), values.pop("calibration"), values.pop("output")
    as_csv = values.pop("as_csv")
    shown = Shown(json=values.pop("as_json"), quiet=values.pop("quiet"), verbose=values.pop("verbose"))
    if as_csv and shown.json:
        raise click.UsageError("--json and --csv exclude each other.")
    settings = settings_of(values)
    progress = ProgressLine(quiet=shown.quiet or shown.json or as_csv)
    with keeping_files() as files:
        survey = survey_paths(
            paths, calibration=calibration, output=output, settings=settings, progress=progress.survey
        )
        progress.clear()
        plan = plan_survey(survey, output=output, settings=settings, job=EXAMINE)
        files.only(use.path for use in plan.files if use.use == "used")
        if not plan.all_steps:
            if shown.json:
                show_json(to_json(nothing_report(plan)))
            elif not shown.quiet:
                show(plan_text(plan, verbose=shown.verbose, paint=paint))
            return 1
        with cancel_on_signal() as cancel:
            report = examine_plan(plan, on_event=progress.event, cancel=cancel, statistics=as_csv)
            progress.clear()
    if shown.json:
        show_json(to_json(report))
    elif as_csv:
        show(statistics_csv(report))
    elif not shown.quiet:
        show(examination_text(report, verbose=shown.verbose, paint=paint))
    for result in report.results:
        if result.status is StepStatus.FAILED and shown.quiet:
            complain(result.why)
    return report.exit_code
