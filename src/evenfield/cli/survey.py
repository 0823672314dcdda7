"""``evenfield survey``: which frames lie in folders."""

from __future__ import annotations

import click

from evenfield.cli.screen import ProgressLine, show, show_json
from evenfield.model.settings import SelectSettings, Settings
from evenfield.plan.nothing import survey_findings
from evenfield.report.survey import SORT_KEYS, survey_csv, survey_document, survey_text
from evenfield.survey import survey_folders


@click.command("survey")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--recursive/--no-recursive", default=True, help="Search folders with all that lies below them.")
@click.option("--set", "overrides", multiple=True, metavar="PATTERN:FIELD=VALUE", help="Correct headers.")
@click.option("--sort", type=click.Choice(SORT_KEYS), default="name", help="Order of the frames.")
@click.option("--frames", is_flag=True, help="List every frame, not only the sets.")
@click.option("--levels", is_flag=True, help="Read the pixels too, and show the mean level of each frame.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a line of CSV for each frame.")
def command(
    paths: tuple[str, ...],
    recursive: bool,
    overrides: tuple[str, ...],
    sort: str,
    frames: bool,
    levels: bool,
    as_json: bool,
    as_csv: bool,
) -> int:
    """List the frames in PATH..., from their headers: kind, filter, exposure, temperature, settings.

    Exit code 1 if nothing could be read; single unreadable files are listed with their reason.
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other.")
    settings = Settings(select=SelectSettings(recursive=recursive, overrides=overrides))
    progress = ProgressLine(quiet=as_json or as_csv)
    survey = survey_folders(paths, settings=settings, levels=levels, progress=progress.survey)
    progress.clear()
    findings = survey_findings(survey, settings=settings)
    if as_json:
        from evenfield.store import to_json

        show_json(to_json(survey_document(survey, findings=[*survey.findings, *findings], sort=sort)))
    elif as_csv:
        show(survey_csv(survey, sort=sort))
    else:
        show(survey_text(survey, findings=[*survey.findings, *findings], sort=sort, frames=frames or sort != "name"))
    return 0 if survey.frames else 1
