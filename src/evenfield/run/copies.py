"""Copies of products as TIFF, made from the products themselves once they are there."""

from __future__ import annotations

import os
from typing import Final

import msgspec

from evenfield.errors import EvenfieldError
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.report import StepResult
from evenfield.model.wording import name_files
from evenfield.read import read_header, read_image
from evenfield.run.job import Job

OWN_CODES: Final = ("output_exists", "tiff_not_installed")
"""Errors that have an entry for copies; what else goes wrong is no fault of the product, which is there."""


def tiff_path(product: str) -> str:
    """The TIFF copy of a product: beside it, with another ending."""
    root, ending = os.path.splitext(product)
    return f"{os.path.splitext(root)[0] if ending == '.fz' else root}.tif"


def with_copies(result: StepResult, job: Job) -> StepResult:
    """The result with its TIFF copies, where they are asked for; one that cannot be made is told."""
    bits = job.plan.settings.output.tiff
    if bits == "none" or not result.outputs:
        return result
    made: list[str] = []
    failed: dict[tuple[str, str, str], list[str]] = {}
    for product in result.outputs:
        if job.cancel.cancelled:
            break
        path = tiff_path(product)
        try:
            _copy(product, path, bits=bits, job=job)
        except EvenfieldError as error:
            code = error.code if error.code in OWN_CODES else "tiff_failed"
            reason = error.message.removeprefix(f"{path} ")
            failed.setdefault((code, reason, error.mend), []).append(path)
        else:
            made.append(path)
    findings: list[Finding] = []
    for (code, reason, mend), paths in failed.items():
        text = f"{result.id}: no TIFF copy {name_files(paths)}: {reason}"
        fix = ("--overwrite",) if code == "output_exists" else None
        findings.append(finding(code, result.id, text, mend=mend or None, fix=fix))
    return msgspec.structs.replace(result, copies=tuple(made), findings=(*result.findings, *findings))


def _copy(product: str, path: str, *, bits: str, job: Job) -> None:
    from evenfield.write.tiff_file import read_tiff_about, write_tiff

    header = read_header(product)
    digest = str(header.get("EVFDGST") or "")
    about = {"product": os.path.basename(product), "digest": digest, "bits": bits}
    known = read_tiff_about(path) if os.path.exists(path) else {}
    same = known.get("digest") == digest and digest != ""
    if same and known.get("bits") == bits and not job.plan.settings.run.fresh:
        return
    image = read_image(product)
    # FITS begins at the bottom where nothing else is said, pictures at the top.
    pixels = image.pixels if header.get("ROWORDER") == "TOP-DOWN" else image.pixels[::-1]
    write_tiff(
        path,
        pixels=pixels,
        unit=image.unit,
        bits="16" if bits == "16" else "32",
        about=about,
        overwrite=same or job.plan.settings.output.overwrite,
    )
