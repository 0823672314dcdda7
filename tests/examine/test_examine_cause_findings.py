"""Causes in words: when one is told, when two, when none, and with which mend."""

from __future__ import annotations

import dataclasses

from evenfield.examine.cause_findings import CLEAN_ODDS, ToldCause, is_wrong, tell_cause
from evenfield.examine.causes import rank_causes
from evenfield.examine.evidence import Contrast, Evidence
from evenfield.examine.geometry import Geometry, Lies
from evenfield.examine.residues import Measured
from evenfield.model.catalogue import finding
from evenfield.model.causes import Cause
from evenfield.model.findings import Finding, FindingLevel

WELL = Evidence(
    contrasts=(Contrast(light_adu=1000.0, flat_adu=20000.0, value=Measured(1.0, 0.01)),),
    bias_level_adu=500.0,
    dark_level_adu=520.0,
    flat_pattern=Measured(0.0, 0.1),
    light_pattern=Measured(0.0, 0.03),
    hot_share=Measured(0.0, 0.01),
    gain_of_flats=Measured(0.0, 0.03),
    noise_of_darks=Measured(0.0, 0.02),
    dark_spread=Measured(0.0, 1.2, size=0.0),
    saturation=Measured(0.0, 1e-4),
    bend=Measured(0.0, 0.01),
    stray=Measured(0.0, 1.2, size=0.0),
    turned=Measured(0.0, 1.0),
    shifted=Measured(0.0, 1.0),
    flipped=Measured(0.0, 1.0),
    moved_dust=Measured(0.0, 1.0),
)
OVER = finding("over_corrected", "flat", "flat: corners of your lights will be 2 % too bright.")


def seen(**changed: object) -> Evidence:
    return dataclasses.replace(WELL, **changed)  # type: ignore[arg-type]


def told(evidence: Evidence, *findings: Finding, geometry: Geometry | None = None) -> ToldCause:
    odds = {Cause.NONE: 1.0 if is_wrong(findings) else CLEAN_ODDS}
    ranking = rank_causes(evidence, odds=odds, structured_sky=True)
    return tell_cause(ranking, evidence=evidence, subject="flat", findings=findings, geometry=geometry)


def bright(light: float, value: float) -> tuple[Contrast, ...]:
    return (Contrast(light_adu=light, flat_adu=20000.0, value=Measured(value, 0.01)),)


def test_a_clean_night_gets_neither_finding_nor_question() -> None:
    """Measures within their errors say nothing."""
    assert told(WELL) == ToldCause(findings=())


def test_what_is_too_small_to_see_is_not_told() -> None:
    """A tenth more light in hot pixels than darks take away is sure, and no reason to worry; half as much again is."""
    assert told(seen(hot_share=Measured(0.1, 0.01))).findings == ()
    (found,) = told(seen(hot_share=Measured(0.5, 0.01))).findings
    assert (found.code, found.level) == ("cause_told", FindingLevel.WARNING)
    assert "1.5 times the light" in found.message
    assert "exposure and temperature" in found.mend


def test_faint_stray_light_and_nebulae_are_not_told_alone() -> None:
    """Shades of the sky that nothing else accompanies may be a nebula."""
    assert told(seen(stray=Measured(30.0, 1.2, size=20.0))).findings == ()


def test_a_light_without_dark_mends_what_corners_said() -> None:
    """The finding about corners gets the mend of the cause; the cause is told after it, with its probability."""
    evidence = seen(
        contrasts=bright(1520.0, 1000 / 1520), hot_share=Measured(1.0, 0.01), light_pattern=Measured(1.0, 0.03)
    )
    corners, cause = told(evidence, OVER).findings
    assert corners.code == "over_corrected"
    assert corners.message == OVER.message
    assert corners.mend.endswith("Calibrate the lights with a dark of their exposure.")
    assert corners.mend.startswith("No dark was subtracted from the lights")
    assert (cause.code, cause.level) == ("cause_told", FindingLevel.NOTE)
    assert "come out bright" in cause.message
    assert "more than 99 %" in cause.message


def test_two_causes_are_told_as_a_pair_with_what_would_tell() -> None:
    """Without raw darks a wrong exposure and a wrong gain look alike."""
    (found,) = told(seen(hot_share=Measured(0.5, 0.01), noise_of_darks=None)).findings
    assert found.code == "cause_pair"
    assert "exposure mismatch" in found.message
    assert "gain mismatch" in found.message
    assert "two raw darks" in found.mend


def test_where_less_is_known_a_question_stays_open() -> None:
    """Corners that are wrong, and no frame that would say why, leave a question that names what would answer it."""
    answer = told(Evidence(contrasts=bright(1000.0, 0.9)), OVER)
    assert answer.findings == (OVER,)
    (question,) = answer.open
    assert "offset mismatch" in question.question
    assert "raw darks" in question.needs


def test_a_rotated_flat_is_told_once() -> None:
    """Where geometry has said it, the cause is a remark with its probability and the angle to mend."""
    rotated = finding("flat_rotated", "flat", "flat: each dust shadow will have a bright twin.")
    geometry = Geometry(lies=Lies.TURNED, angle_deg=-25.0, scatters=20.0)
    first, cause = told(seen(turned=Measured(20.0, 1.0), contrasts=()), rotated, geometry=geometry).findings
    assert first == rotated
    assert (cause.code, cause.level) == ("cause_told", FindingLevel.NOTE)
    assert "25 degrees off" in cause.mend
