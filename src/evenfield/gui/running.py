"""A run as the window's thread for it does it: the products, then the report with pictures."""

from __future__ import annotations

from collections.abc import Callable

from evenfield.errors import WriteError
from evenfield.examination import examine_plan
from evenfield.gui.words import tr
from evenfield.model.events import CancelToken
from evenfield.model.plan import Plan
from evenfield.model.report import Report
from evenfield.report.save import save_report_page


def made_report(plan: Plan, tell: Callable[[object], None], cancel: CancelToken, *, examining: bool) -> Report:
    """Make what a plan says; a report that cannot be written is told, the products are there all the same.

    Of an examination the report is the product.
    """
    # It brings the kernels; it is loaded only now.
    from evenfield.run.machine import first_use
    from evenfield.run.run import run_plan

    if first_use(plan):
        tell(tr("First use: compiling kernels for this processor, about ten seconds, once."))
    if examining:
        return examine_plan(plan, on_event=tell, cancel=cancel)
    report = run_plan(plan, on_event=tell, cancel=cancel)
    try:
        save_report_page(report, plan=plan)
    except WriteError as error:
        tell(tr("The report with pictures could not be written: {}").format(error.message))
    return report
