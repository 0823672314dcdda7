"""How a finished master was made, as a text, from its own header."""

from __future__ import annotations

from evenfield.model.report import Provenance
from evenfield.model.wording import plural
from evenfield.report.layout import indented, table


def provenance_text(provenance: Provenance, *, name: str) -> str:
    """What a product's header tells: inputs, what was subtracted, recipe, measurements, findings, verdict."""
    lines = [f"{name}: {provenance.title}, made by evenfield {provenance.version}"]
    lines += indented(f"verdict: {provenance.verdict.value} ({provenance.why})", by=2)
    lines += ["", "Because"]
    for text in provenance.because:
        lines += indented(f"- {text}", by=2)
    lines += ["", f"Made of {plural(len(provenance.inputs), 'frame')}"]
    rows = [
        [
            record.path,
            "" if record.level_adu is None else f"{record.level_adu:.1f}",
            f"{record.scale:.5f}",
            record.hash,
        ]
        for record in provenance.inputs
    ]
    lines += ["  " + line for line in table(["frame", "level ADU", "scale", "content"], rows, right=(1, 2))]
    if provenance.excluded:
        lines += ["", f"Left out: {plural(len(provenance.excluded), 'frame')}"]
        for one in provenance.excluded:
            lines += indented(f"{one.path}: {one.reason}", by=2)
    if provenance.masters:
        lines += ["", "Subtracted" if provenance.light is None else "Calibrated with"]
        for master in provenance.masters:
            factor = "" if master.factor is None else f", times {master.factor:.6g}"
            lines += indented(f"{master.role.replace('_', ' ')}: {master.name}{factor} ({master.hash})", by=2)
    lines += ["", "Measured"]
    lines += ["  " + line for line in table(
        ["what", "value"],
        [[key, "unknown" if value is None else f"{value:.6g}"] for key, value in provenance.measured.items()],
        right=(1,),
    )]  # fmt: skip
    if provenance.findings:
        lines += ["", "Findings"]
        for found in provenance.findings:
            lines += indented(f"{found.level.value} {found.code}: {found.message} {found.mend}", by=2)
    if provenance.changed_by_user:
        lines += ["", *indented(f"Given by the user: {', '.join(provenance.changed_by_user)}", by=0)]
    lines += ["", f"digest {provenance.digest}, plan {provenance.plan_digest}"]
    return "\n".join(lines) + "\n"
