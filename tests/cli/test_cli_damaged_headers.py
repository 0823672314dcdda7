"""Folders whose headers are damaged at random: every file is accounted for, and no mismatch is silent.

The damage makes values unknown (missing, malformed, NaN, out of range, cut off); it never makes a plausible lie, which
nobody could tell. ``EVENFIELD_DAMAGED_FOLDERS`` is how many folders are tried: a few hundred here, ten thousand in
``make acceptance``.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from evenfield import FrameKind, Plan, Settings, make_plan, survey_folders
from evenfield.errors import PlanError
from evenfield.plan.nothing import empty_plan

CASES = int(os.environ.get("EVENFIELD_DAMAGED_FOLDERS", "200"))
BATCH = 50

# Of each set: kind word, how many frames, exposure, gain setting, offset setting, binning, temperature, camera.
SETS: tuple[dict[str, Any], ...] = (
    {"IMAGETYP": "FLAT", "EXPTIME": 2.0, "FILTER": "Ha"},
    {"IMAGETYP": "FLAT", "EXPTIME": 5.0, "FILTER": "R"},
    {"IMAGETYP": "DARKFLAT", "EXPTIME": 2.0},
    {"IMAGETYP": "DARKFLAT", "EXPTIME": 2.0, "GAIN": 0},
    {"IMAGETYP": "DARKFLAT", "EXPTIME": 2.0, "OFFSET": 10},
    {"IMAGETYP": "DARKFLAT", "EXPTIME": 2.0, "CCD-TEMP": 5.0},
    {"IMAGETYP": "DARK", "EXPTIME": 5.0},
    {"IMAGETYP": "DARK", "EXPTIME": 5.0, "XBINNING": 2, "YBINNING": 2},
    {"IMAGETYP": "DARK", "EXPTIME": 60.0},
    {"IMAGETYP": "DARK", "EXPTIME": 5.0, "INSTRUME": "Another CMOS"},
    {"IMAGETYP": "BIAS", "EXPTIME": 0.0, "GAIN": 0},
    {"IMAGETYP": "BIAS", "EXPTIME": 0.0},
)
COMMON: dict[str, Any] = {"GAIN": 100, "OFFSET": 50, "XBINNING": 1, "YBINNING": 1, "CCD-TEMP": -10.0,
                          "INSTRUME": "Test CMOS"}  # fmt: skip
GARBAGE = ("'???'", "NaN", "nan", "-1E40", "'", "", "T", "'NaN'", "1E999", "(1, 2)")
CHECKED_BY = {
    "EXPTIME": {"exposure_unknown"},
    "GAIN": {"match_unknown"},
    "OFFSET": {"match_unknown"},
    "XBINNING": {"match_unknown"},
    "INSTRUME": {"match_unknown"},
    "CCD-TEMP": {"temperature_unknown"},
}
"""Keyword -> the findings of which one must stand where a master differs in its true value."""

WORDS = {"EXPTIME": "exposure", "GAIN": "gain setting", "OFFSET": "offset setting", "XBINNING": "binning",
         "INSTRUME": "camera", "CCD-TEMP": "temperature"}  # fmt: skip
"""Keyword -> what the match calls it among the things that are unknown."""


def write_frame(path: Path, truth: dict[str, Any], rng: random.Random, *, damaged: bool) -> None:
    """A frame with its true header, some cards of which are damaged."""
    header = fits.Header()
    header.update(truth)
    header["DATE-OBS"] = f"2026-03-14T2{rng.randrange(4)}:{rng.randrange(60):02d}:00"
    header["SITELONG"] = 0.0
    pixels = np.frombuffer(rng.randbytes(32), np.uint16).reshape(4, 4)
    fits.writeto(path, pixels, header)
    if not damaged:
        return
    data = bytearray(path.read_bytes())
    for keyword in rng.sample([*CHECKED_BY, "FILTER", "DATE-OBS", "SITELONG", "YBINNING"], rng.randrange(1, 5)):
        place = data.find(f"{keyword:<8}=".encode())
        if place < 0:
            continue
        missing, garbage = f"COMMENT {keyword} was here", f"{keyword:<8}= {rng.choice(GARBAGE):>20}"
        card = missing if rng.random() < 0.4 else garbage
        data[place : place + 80] = card.ljust(80).encode()
    if rng.random() < 0.05:
        data = data[: rng.randrange(len(data))]
    path.write_bytes(bytes(data))


def write_folder(folder: Path, rng: random.Random) -> dict[str, dict[str, Any]]:
    """A folder of some of the sets; path -> its true values. Whole sets are damaged together, or single frames."""
    folder.mkdir()
    truths: dict[str, dict[str, Any]] = {}
    chosen = [SETS[0], *rng.sample(SETS[1:], rng.randrange(1, 6))]
    for number, own in enumerate(chosen):
        truth = {**COMMON, **own}
        share = rng.choice([0.0, 0.3, 1.0])
        for index in range(rng.randrange(1, 4)):
            path = folder / f"frame_{number}_{index}.fits"
            write_frame(path, truth, rng, damaged=rng.random() < share)
            truths[str(path)] = truth
    return truths


def plan_of(folder: Path) -> Plan:
    """The plan for a folder, also where there is nothing to do."""
    survey = survey_folders([folder])
    try:
        return make_plan(survey, output=str(folder / "masters"))
    except PlanError as error:
        return empty_plan(survey, error=error, output=str(folder / "masters"), settings=Settings())


def check_accounts(plan: Plan, truths: dict[str, dict[str, Any]]) -> None:
    """Every file ends in exactly one of four uses; the four counts add up to the files found."""
    assert sorted(use.path for use in plan.files) == sorted(truths)
    assert {use.use for use in plan.files} <= {"used", "not_needed", "left_out", "unreadable"}
    assert all(use.reason and use.code for use in plan.files)
    for use in plan.files:
        assert bool(use.steps) == (use.use == "used"), use


def check_no_silent_mismatch(plan: Plan, truths: dict[str, dict[str, Any]]) -> int:
    """A master that truly differs from a flat it is subtracted from is told with the flat; returns how many were."""
    told_mismatches = 0
    for step in plan.steps:
        if step.kind is not FrameKind.FLAT or step.refused:
            continue
        told = {one.code for one in step.findings}
        for item in step.inputs:
            flat = truths[os.path.normpath(os.path.join(plan.root, item.path))]
            calibration = step.calibrations[item.calibration]
            assert calibration.match is not None or not calibration.masters
            unknown = calibration.match.unknown if calibration.match else ()
            for role, ref in calibration.masters.items():
                made = plan.step(ref.step or "")
                assert made is not None
                for part in made.inputs:
                    master = truths[os.path.normpath(os.path.join(plan.root, part.path))]
                    wrong = differing(flat, master, role)
                    told_mismatches += bool(wrong)
                    for keyword in wrong:
                        # Unknown on one side is a finding; on both sides, which is usual, at least the match says so.
                        assert told & CHECKED_BY[keyword] or WORDS[keyword] in unknown, (
                            f"{step.id}, {role}: {keyword} of {item.path} is {flat[keyword]}, of {part.path} "
                            f"{master[keyword]}; told: {sorted(told)}, unknown: {unknown}"
                        )
    return told_mismatches


def differing(flat: dict[str, Any], master: dict[str, Any], role: str) -> set[str]:
    """The keywords in which a master truly lies outside the limits for a flat."""
    wrong = {key for key in ("GAIN", "OFFSET", "XBINNING", "INSTRUME") if flat[key] != master[key]}
    if role == "dark_flat" and abs(flat["EXPTIME"] - master["EXPTIME"]) > max(0.05 * flat["EXPTIME"], 0.005):
        wrong.add("EXPTIME")
    if abs(flat["CCD-TEMP"] - master["CCD-TEMP"]) > (10.0 if role == "bias" else 3.0):
        wrong.add("CCD-TEMP")
    return wrong


@pytest.mark.parametrize("batch", range(max(1, CASES // BATCH)))
def test_damaged_headers(tmp_path: Path, batch: int) -> None:
    """No folder with damaged headers stops the plan, loses a file, or makes a mismatch that is not told."""
    planned = 0
    for number in range(BATCH):
        rng = random.Random(f"{batch}-{number}")
        folder = tmp_path / f"night{number}"
        truths = write_folder(folder, rng)
        plan = plan_of(folder)
        check_accounts(plan, truths)
        check_no_silent_mismatch(plan, truths)
        planned += bool(plan.steps)
    assert planned > BATCH / 2, "most folders do give a plan, so the test tests something"
