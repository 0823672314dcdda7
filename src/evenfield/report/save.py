"""The report for people beside report.json: report.html with pictures, and report.txt with all that can be printed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from evenfield.errors import WriteError
from evenfield.model.plan import Plan
from evenfield.model.report import Report
from evenfield.report.examination import examination_text
from evenfield.report.text import report_text
from evenfield.store import save_report, save_text

if TYPE_CHECKING:
    from evenfield.report.pictures import Seen

PAGE: Final = "report.html"
TEXT: Final = "report.txt"
RECORD: Final = "report.json"


def save_report_page(report: Report, *, plan: Plan) -> str:
    """Write report.html and report.txt into the output folder, unless the settings say not to (--no-report).

    Returns
    -------
    str
        The name of the file that tells most: the page, or report.json.

    Raises
    ------
    WriteError
        If the folder or the disk does not take them.
    """
    if not plan.settings.output.report:
        return RECORD
    # The page brings numpy and reads the products: whoever wants none does not wait for it.
    from evenfield.report.page import report_page
    from evenfield.report.pictures import look_at

    seen = look_at(report, threads=plan.settings.run.threads)
    save_text(report_page(report, plan=plan, seen=seen), path=os.path.join(plan.output, PAGE))
    save_text(report_text(report, plan=plan, verbose=True, more=PAGE), path=os.path.join(plan.output, TEXT))
    return PAGE


def save_examination(report: Report, *, plan: Plan, folder: str, seen: Mapping[str, Seen]) -> None:
    """Write report.json, and unless the settings say not to report.html and report.txt, of an examination.

    ``seen`` is what was seen of its masters while they were there (`evenfield.report.pictures.look_at`).

    Raises
    ------
    WriteError
        If the folder or the disk does not take them.
    """
    from evenfield.report.page import report_page

    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise WriteError(
            f"The folder {folder} cannot be made: {error.strerror or error}.", mend="Choose another folder with -o."
        ) from None
    save_report(report, path=os.path.join(folder, RECORD))
    if plan.settings.output.report:
        save_text(report_page(report, plan=plan, seen=seen), path=os.path.join(folder, PAGE))
        save_text(examination_text(report, verbose=True), path=os.path.join(folder, TEXT))


def report_file(plan: Plan) -> str:
    """The report to open: the page where it was asked for and is there, else the JSON."""
    page = os.path.join(plan.output, PAGE)
    if plan.settings.output.report and os.path.exists(page):
        return page
    return os.path.join(plan.output, RECORD)
