"""``evenfield demo``: a simulated night, its masters by the ordinary path, and how far they are from the truth."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evenfield.cli.path import Shown, plan_paths, run_plan_and_show
from evenfield.cli.screen import ProgressLine, remark, show
from evenfield.errors import UsageError
from evenfield.model.frame import FrameKind
from evenfield.model.report import Report, StepResult
from evenfield.model.settings import Settings
from evenfield.read import read_image
from evenfield.report.layout import table
from evenfield.report.save import report_file

if TYPE_CHECKING:
    from evenfield.simulate import Truth

RECORD = "night.txt"
"""The file beside the night that says which one it is; written when the night is complete."""


@click.command("demo")
@click.option("-o", "--output", default="evenfield-demo", show_default=True, metavar="DIR",
              help="Folder for the night and its masters.")  # fmt: skip
@click.option("--messy", is_flag=True, help="The night that users really have: 155 files, not all of them in order.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0), help="Another seed, another night.")
@click.option("--frames-only", is_flag=True, help="Write the night and stop.")
@click.option("-v", "--verbose", is_flag=True, help="Print every master and every finding, notes too.")
def command(output: str, messy: bool, seed: int, frames_only: bool, verbose: bool) -> int:
    """Write a simulated night as ordinary FITS files, make its master flats, and compare them with the known truth."""
    night, masters = os.path.join(output, "night"), os.path.join(output, "masters")
    truth = _night(output, night, messy=messy, seed=seed)
    if frames_only:
        show(f"Frames: {night}\n")
        return 0
    progress = ProgressLine(quiet=False)
    plan = plan_paths([night], calibration=[], output=masters, settings=Settings(), progress=progress)
    report = run_plan_and_show(plan, shown=Shown(verbose=verbose), progress=progress)
    lines = _beside_truth(report, truth)
    show("\n" + "\n".join(lines) + "\n" if lines else "")
    show(f"\nFrames:  {night}\nMasters: {masters}\nReport:  {report_file(plan)}\n")
    return report.exit_code


def _night(output: str, night: str, *, messy: bool, seed: int) -> dict[tuple[str, str], Truth]:
    """The night, written unless it is there already, and its truth by night and filter."""
    from evenfield.simulate import example_night, messy_truth, night_truth, simulate_messy_night, simulate_night

    wanted = f"{'messy' if messy else 'example'} night, seed {seed}\n"
    record = Path(output) / RECORD
    known = record.read_text(encoding="utf-8") if record.is_file() else ""
    if known and known != wanted:
        raise UsageError(f"{output} holds the {known.strip()}.", mend="Choose another folder with -o, or delete it.")
    if not known:
        if os.path.isdir(night):
            raise UsageError(f"{night} is there, but not complete.", mend="Delete it, or choose another -o.")
        remark(f"Simulating the {wanted.strip()}, about {78 if messy else 115} MB in {night} ...")
        try:
            (simulate_messy_night if messy else simulate_night)(night, seed=seed)
        except BaseException:
            shutil.rmtree(night, ignore_errors=True)
            raise
        record.write_text(wanted, encoding="utf-8")
    if messy:
        return messy_truth(seed=seed)
    recipe = example_night()
    return {(recipe.evening, name or ""): truth for name, truth in night_truth(recipe, seed=seed).items()}


def _beside_truth(report: Report, truth: dict[tuple[str, str], Truth]) -> list[str]:
    """A table of the master flats beside the truth: what was found, what noise alone would give."""
    from evenfield.simulate import judge_flat

    by_output = {path: result for result in report.results for path in result.outputs}
    rows = []
    for result in report.results:
        known = truth.get((str(result.group.get("night")), str(result.group.get("filter"))))
        if result.kind is not FrameKind.FLAT or known is None or not result.outputs:
            continue
        dark = by_output.get(result.masters.get("dark_flat", ""))
        judged = judge_flat(
            read_image(result.outputs[0]).pixels,
            truth=known,
            n_flats=len(result.inputs),
            n_dark_flats=len(dark.inputs) if dark is not None else 0,
        )
        rows.append(
            [
                _title(result),
                f"{100 * judged.rms:.3f} %",
                f"{100 * judged.expected_rms:.3f} %",
                f"{100 * judged.block:.4f} %",
                f"{100 * judged.expected_block:.4f} %",
                f"{judged.corner:.4f}",
                f"{judged.true_corner:.4f}",
            ]
        )
    if not rows:
        return []
    head = ["Beside the truth", "scatter", "by noise", "blocks", "by noise", "corner", "true"]
    return table(head, rows, right=(1, 2, 3, 4, 5, 6))


def _title(result: StepResult) -> str:
    return f"{result.group.get('filter')} {result.group.get('night')}"
