"""Whether one calibration set fits one flat: a table of cases."""

from __future__ import annotations

from typing import Any

import pytest

from evenfield.match.grouping import calibration_sets
from evenfield.match.limits import Limits, is_ccd
from evenfield.match.matching import Fit, choose, fit
from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.groups import FrameGroup
from evenfield.testing.frames import frame_value, frame_values

BIAS, DARK, DARK_FLAT = FrameKind.BIAS, FrameKind.DARK, FrameKind.DARK_FLAT


def one_set(kind: FrameKind, count: int = 20, name: str = "set", **fields: Any) -> FrameGroup:
    """The only set that some frames make."""
    (found,) = calibration_sets(frame_values(name, count, kind, **fields), temperature_width=1.0)
    return found


def compared(
    flat: dict[str, Any], kind: FrameKind, role: str, allowed: dict[str, float | None] | None = None, **fields: Any
) -> Fit:
    """How a flat and a set fit."""
    return fit(
        frame_value("flat.fits", **flat),
        group=one_set(kind, **fields),
        role=role,
        limits=Limits(allowed=allowed or {}),
    )


CASES: list[tuple[str, dict[str, Any], FrameKind, str, dict[str, Any], list[str], list[str]]] = [
    # name, the flat, kind and role of the set, the set, differences that forbid it, keys unknown
    ("the same", {}, DARK_FLAT, "dark_flat", {}, [], []),
    ("a dark of the flats' exposure", {}, DARK, "dark_flat", {"exposure_s": 2.0}, [], []),
    ("exposure 5 % away", {}, DARK_FLAT, "dark_flat", {"exposure_s": 2.1}, [], []),
    ("exposure 6 % away", {}, DARK_FLAT, "dark_flat", {"exposure_s": 2.12}, ["exposure_s"], []),
    ("short, 5 ms away", {"exposure_s": 0.001}, DARK_FLAT, "dark_flat", {"exposure_s": 0.006}, [], []),
    ("short, 10 ms away", {"exposure_s": 0.001}, DARK_FLAT, "dark_flat", {"exposure_s": 0.011}, ["exposure_s"], []),
    ("3 C away", {}, DARK_FLAT, "dark_flat", {"sensor_c": -7.0}, [], []),
    ("3.2 C away", {}, DARK_FLAT, "dark_flat", {"sensor_c": -6.8}, ["sensor_c"], []),
    ("bias may be 9 C away", {}, BIAS, "bias", {"sensor_c": -1.0}, [], []),
    ("bias 11 C away", {}, BIAS, "bias", {"sensor_c": 1.0}, ["sensor_c"], []),
    ("gain", {}, DARK_FLAT, "dark_flat", {"gain_setting": 0.0}, ["gain_setting"], []),
    ("offset", {}, DARK_FLAT, "dark_flat", {"offset_setting": 10.0}, ["offset_setting"], []),
    ("readout mode", {}, DARK_FLAT, "dark_flat", {"readout_mode": "1"}, ["readout_mode"], []),
    ("binning", {}, DARK_FLAT, "dark_flat", {"binning": (2, 2)}, ["binning"], []),
    ("size", {}, DARK_FLAT, "dark_flat", {"shape": (208, 312)}, ["shape"], []),
    ("region", {}, DARK_FLAT, "dark_flat", {"origin": (8, 8)}, ["origin"], []),
    ("CFA", {}, DARK_FLAT, "dark_flat", {"cfa": "RGGB"}, ["cfa"], []),
    ("row order", {}, DARK_FLAT, "dark_flat", {"row_order": "BOTTOM-UP"}, ["row_order"], []),
    ("0..1", {}, DARK_FLAT, "dark_flat", {"number_domain": "unit"}, ["number_domain"], []),
    ("number domain unknown on one side", {}, DARK_FLAT, "dark_flat", {"number_domain": None}, ["number_domain"], []),
    ("gain unknown on one side", {"gain_setting": None}, DARK_FLAT, "dark_flat", {}, [], ["gain_setting"]),
    ("gain unknown on both sides", {"gain_setting": None}, DARK_FLAT, "dark_flat", {"gain_setting": None}, [], []),
    ("temperature unknown", {"sensor_c": None, "set_c": None}, DARK_FLAT, "dark_flat", {}, [], ["sensor_c"]),
    ("exposure unknown, called dark flat", {"exposure_s": None}, DARK_FLAT, "dark_flat", {}, [], ["exposure_s"]),
    ("exposure unknown, called dark", {"exposure_s": None}, DARK, "dark_flat", {}, ["exposure_s"], []),
    ("exposure of a dark unknown", {}, DARK, "dark_flat", {"exposure_s": None}, ["exposure_s"], []),
    ("no exposure anywhere", {"exposure_s": None}, DARK, "dark_flat", {"exposure_s": None}, [], ["exposure_s"]),
    ("scaled: longer", {}, DARK, "dark", {"exposure_s": 60.0}, [], []),
    ("scaled: shorter", {"exposure_s": 23.0}, DARK, "dark", {"exposure_s": 20.0}, ["exposure_s"], []),
    ("scaled: exposure unknown", {}, DARK, "dark", {"exposure_s": None}, ["exposure_s"], []),
    ("bias has no exposure to compare", {"exposure_s": None}, BIAS, "bias", {"exposure_s": None}, [], []),
    ("filter and night do not count", {"filter": "R"}, DARK, "dark_flat",
     {"exposure_s": 2.0, "taken_at": "2025-12-01T20:00:00"}, [], []),
    ("bias already taken from the master", {}, DARK_FLAT, "dark_flat",
     {"is_master": True, "contains_bias": False, "count": 1}, ["bias"], []),
    ("bias already taken from both", {"contains_bias": False}, DARK_FLAT, "dark_flat",
     {"is_master": True, "contains_bias": False, "count": 1}, [], []),
    ("bias already taken from the flat", {"contains_bias": False}, BIAS, "bias", {}, ["bias"], []),
    ("scaled dark without bias", {}, DARK, "dark",
     {"is_master": True, "contains_bias": False, "count": 1, "exposure_s": 60.0}, ["bias"], []),
    ("pedestal", {"pedestal_adu": 0.0}, DARK_FLAT, "dark_flat", {"pedestal_adu": 100.0}, ["pedestal"], []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("flat", "kind", "role", "fields", "against", "unknown"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_what_fits(
    flat: dict[str, Any],
    kind: FrameKind,
    role: str,
    fields: dict[str, Any],
    against: list[str],
    unknown: list[str],
) -> None:
    """Known differences forbid a match, unknown ones are named, equal ones are silent."""
    found = compared(flat, kind, role, **fields)
    assert [difference.key for difference in found.against] == against
    assert list(found.unknown) == unknown
    assert found.fits == (not against)


@pytest.mark.parametrize(
    ("allowed", "fields", "fits"),
    [
        ({"exposure": None}, {"exposure_s": 60.0}, True),
        ({"exposure": 1.0}, {"exposure_s": 2.9}, True),
        ({"exposure": 1.0}, {"exposure_s": 3.1}, False),
        ({"temperature": 5.0}, {"sensor_c": -5.5}, True),
        ({"temperature": 5.0}, {"sensor_c": 0.0}, False),
        ({"gain_setting": None}, {"gain_setting": 0.0}, True),
        ({"offset_setting": 5.0}, {"offset_setting": 45.0}, True),
        ({"offset_setting": 5.0}, {"offset_setting": 10.0}, False),
        ({"gain_setting": None}, {"offset_setting": 10.0}, False),
        ({"shape": None}, {"shape": (208, 312)}, False),
        ({"number_domain": None}, {"number_domain": None}, True),
    ],
)
def test_allowed_mismatches(allowed: dict[str, float | None], fields: dict[str, Any], *, fits: bool) -> None:
    """What the user allows fits up to its limit and is recorded; another size never fits."""
    found = compared({}, DARK_FLAT, "dark_flat", allowed, **fields)
    assert found.fits == fits
    assert bool(found.allowed) == fits


def chosen(sets: list[FrameGroup], how: str = "dark_flat", flats: list[FrameInfo] | None = None) -> list[str]:
    """The names of the sets that are chosen."""
    found = choose(flats or frame_values("flat", 5), sets=sets, how=how, limits=Limits(allowed={}))
    return [] if found is None else [one.group.frames[0].path.rsplit("/", 1)[-1].split("_0")[0] for one in found.fits]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({}, {"sensor_c": -9.0}),
        ({"sensor_c": -9.9}, {"count": 1}),
        ({"kind": DARK_FLAT, "sensor_c": -9.0}, {"kind": DARK, "exposure_s": 2.0}),
        ({"sensor_c": -9.0}, {"gain_setting": None}),
        ({"count": 20}, {"count": 10}),
        ({"sensor_c": -8.0}, {"exposure_s": 2.09, "sensor_c": -7.9}),
    ],
    ids=["nearer", "single", "kind", "unknown", "more", "score"],
)
def test_which_of_two_is_taken(better: dict[str, Any], worse: dict[str, Any]) -> None:
    """Of sets that fit: the better known, not a single frame, called dark flat, nearer, of more frames."""
    sets = []
    for name, fields in (("zz", better), ("aa", worse)):
        given = dict(fields)
        sets.append(one_set(given.pop("kind", DARK_FLAT), given.pop("count", 20), name, **given))
    assert chosen(sets) == ["zz"]
    assert chosen(sets[::-1]) == ["zz"]


def test_a_scaled_dark_needs_a_bias_of_its_own_kind() -> None:
    """A longer dark is taken with a bias; without one there is nothing; the bias must fit the dark as well."""
    dark = one_set(DARK, name="dark", exposure_s=60.0)
    bias = one_set(BIAS, name="bias")
    assert chosen([dark, bias], "scaled_dark") == ["dark", "bias"]
    assert chosen([dark], "scaled_dark") == []
    # Both fit flats whose readout mode is unknown, but not each other.
    flats = frame_values("flat", 5, readout_mode=None)
    other = one_set(BIAS, name="other", readout_mode="1")
    assert chosen([dark, other], "scaled_dark", flats) == []
    assert chosen([dark, other, bias], "scaled_dark", flats) == ["dark", "bias"]


def test_unknowns_of_any_frame_count() -> None:
    """What is unknown of one flat is unknown of the match, though other flats are farther away."""
    flats = [frame_value("a.fits", sensor_c=-9.0), frame_value("b.fits", sensor_c=None, set_c=None)]
    found = choose(flats, sets=[one_set(DARK_FLAT)], how="dark_flat", limits=Limits(allowed={}))
    assert found is not None
    assert found.fits[0].unknown == ("sensor_c",)


@pytest.mark.parametrize(
    ("camera", "ccd"),
    [
        ("SBIG STL-1001E", True),
        ("QSI 583ws", True),
        ("Apogee Alta U16M", True),
        ("ZWO CCD ASI1600MM Pro", False),
        ("ZWO ASI2600MC", False),
        ("QHY268M", False),
        ("Atik Horizon", False),
        ("Some camera", False),
        (None, False),
    ],
)
def test_which_cameras_are_ccds(camera: str | None, *, ccd: bool) -> None:
    """A camera is a CCD only where its name says so; INDI's "ZWO CCD" names CMOS cameras."""
    assert is_ccd(camera) == ccd
