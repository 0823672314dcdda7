"""Resume: a product that is there already and was made from the same things is not made again."""

from __future__ import annotations

import os

from evenfield.errors import DocumentError, OutputExistsError, ReadError
from evenfield.model.plan import Step
from evenfield.model.report import Provenance
from evenfield.read import read_header
from evenfield.run.job import Job
from evenfield.run.provenance import from_history


def existing_product(step: Step, job: Job) -> Provenance | None:
    """The provenance of a product with this step's name and digest; ``None`` where the step has to be done.

    With --fresh such a product is made again.

    Raises
    ------
    OutputExistsError
        If another product, or another program's file, has the name, and overwriting was not asked for.
    """
    return existing_provenance(job.output_path(step), step.digest, job)


def existing_provenance(path: str, digest: str, job: Job) -> Provenance | None:
    """As `existing_product`, for a product of a path and digest."""
    if not os.path.lexists(path):
        return None
    try:
        header = read_header(path)
        if header.get("EVFDGST") == digest:
            if job.plan.settings.run.fresh:
                # The same product: to put it in the place of itself loses nothing.
                return None
            return from_history(header.history, path=path)
    except (ReadError, DocumentError):
        # Not ours, or damaged: then it is somebody else's file, and treated as such below.
        pass
    if job.plan.settings.output.overwrite:
        return None
    raise OutputExistsError(
        f"{os.path.basename(path)} exists, made from other frames or settings. It was left as it is.",
        mend="Choose another folder, or replace it with --overwrite.",
    )
