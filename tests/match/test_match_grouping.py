"""Which flats make one master."""

from __future__ import annotations

from typing import Any

import pytest

from evenfield.match.grouping import calibration_sets, group_flats
from evenfield.match.nights import assign_nights
from evenfield.model.frame import SETUP_KEYS, FrameInfo, FrameKind
from evenfield.model.groups import FrameGroup
from evenfield.model.settings import GroupSettings
from evenfield.testing.frames import frame_value, frame_values


def grouped(frames: list[FrameInfo], **settings: Any) -> tuple[FrameGroup, ...]:
    """The groups of flats."""
    return group_flats(frames, settings=GroupSettings(**settings), night_of=assign_nights(frames).night)


OTHER: dict[str, Any] = {
    "shape": (208, 312), "binning": (2, 2), "origin": (8, 8), "camera": "Other", "readout_mode": "1",
    "gain_setting": 0.0, "offset_setting": 10.0, "cfa": "RGGB", "row_order": "BOTTOM-UP", "number_domain": "unit",
    "telescope": "Other", "focal_length_mm": 400.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "unknown"), [*((key, False) for key in OTHER), *((key, True) for key in OTHER if key != "shape")]
)
def test_what_must_be_equal_always_splits(key: str, *, unknown: bool) -> None:
    """Each key that must be equal splits, also where it is unknown in part, and whatever keys are asked for."""
    fields = {key: None if unknown else OTHER[key]}
    usual = {"telescope": "Usual", "focal_length_mm": 800.0}
    frames = [*frame_values("a", 3, **usual), *frame_values("b", 3, **{**usual, **fields})]
    assert len(grouped(frames)) == 2
    assert len(grouped(frames, by=())) == 2
    assert set(SETUP_KEYS) <= set(OTHER)


BY_CHOICE: list[tuple[str, dict[str, Any], dict[str, Any], int]] = [
    ("filter", {"filter": "R"}, {}, 2),
    ("filter joined", {"filter": "R"}, {"join": ("filter",)}, 1),
    ("filter not asked for", {"filter": "R"}, {"by": ("night",)}, 1),
    ("filter by case", {"filter": "HA"}, {}, 2),
    ("no filter", {"filter": None}, {}, 2),
    ("night", {"taken_at": "2026-03-15T20:00:00"}, {}, 2),
    ("night joined", {"taken_at": "2026-03-15T20:00:00"}, {"join": ("night",)}, 1),
    ("rotator", {"rotator_deg": 95.0}, {}, 2),
    ("rotator within a degree", {"rotator_deg": 90.6}, {}, 1),
    ("rotator joined", {"rotator_deg": 95.0}, {"join": ("rotator",)}, 1),
    ("set temperature", {"set_c": 0.0}, {}, 2),
    ("set temperature joined", {"set_c": 0.0}, {"join": ("temperature",)}, 1),
    ("measured temperature", {"sensor_c": 0.0}, {}, 1),
    ("measured temperature split", {"sensor_c": 0.0}, {"split": ("temperature",)}, 2),
    ("measured temperature, wide", {"sensor_c": -5.0}, {"split": ("temperature",), "temperature_width": 10.0}, 1),
    ("exposure", {"exposure_s": 3.0}, {}, 1),
    ("exposure split", {"exposure_s": 3.0}, {"split": ("exposure",)}, 2),
    ("nothing asked for", {"filter": "R", "taken_at": "2026-03-15T20:00:00", "rotator_deg": 1.0}, {"by": ()}, 1),
]


@pytest.mark.parametrize(("fields", "settings", "expected"), [c[1:] for c in BY_CHOICE], ids=[c[0] for c in BY_CHOICE])
def test_keys_by_choice(fields: dict[str, Any], settings: dict[str, Any], expected: int) -> None:
    """The other keys split by default or on request, and join on request."""
    frames = [*frame_values("a", 3, rotator_deg=90.0), *frame_values("b", 3, **{"rotator_deg": 90.0, **fields})]
    assert len(grouped(frames, **settings)) == expected


def test_no_grouping_takes_all() -> None:
    """Without grouping there is one group, whose key holds what all share."""
    frames = [*frame_values("a", 3), *frame_values("b", 3, filter="R", gain_setting=0.0, set_c=5.0)]
    (group,) = grouped(frames, no_grouping=True)
    assert len(group.frames) == 6
    assert (group.key["filter"], group.key["gain_setting"], group.key["offset_setting"]) == ("Ha+R", None, 50.0)


def test_joined_nights_name_their_span() -> None:
    """A group of several nights is named by the first and the last."""
    frames = [*frame_values("a", 2), *frame_values("b", 2, taken_at="2026-03-16T20:00:00")]
    (group,) = grouped(frames, join=("night",))
    assert group.key["night"] == "2026-03-14_to_2026-03-16"


def test_rotator_angle_of_a_group_across_zero() -> None:
    """The angle of a group around 0 degrees is near 0, not near 180."""
    (group,) = grouped([frame_value("a.fits", rotator_deg=359.8), frame_value("b.fits", rotator_deg=0.1)])
    assert group.key["rotator_deg"] == pytest.approx(359.95)


def test_calibration_sets_do_not_split_by_night_or_filter() -> None:
    """Darks of two nights are one set; other exposure, gain or set temperature are others; masters stand alone."""
    dark = FrameKind.DARK
    frames = [
        *frame_values("a", 3, dark),
        *frame_values("b", 3, dark, taken_at="2026-03-20T20:00:00", filter="R"),
        *frame_values("c", 3, dark, exposure_s=60.0),
        *frame_values("d", 3, dark, gain_setting=0.0),
        *frame_values("e", 3, dark, set_c=0.0),
        *frame_values("f", 3, FrameKind.DARK_FLAT, exposure_s=300.0),
        *frame_values("g", 2, dark, is_master=True),
    ]
    sets = calibration_sets(frames, temperature_width=1.0)
    assert sorted(len(one.frames) for one in sets) == [1, 1, 3, 3, 3, 3, 6]
    assert sum(one.is_master for one in sets) == 2


def test_drifting_darks_become_sets_that_are_narrow() -> None:
    """Darks of an uncooled camera that warms by ten degrees make sets none of which spans more than 2.5 C."""
    frames = [
        frame_value(f"dark_{step:02d}.fits", FrameKind.DARK, sensor_c=15 + 0.25 * step, set_c=None)
        for step in range(41)
    ]
    sets = calibration_sets(frames, temperature_width=1.0)
    assert 4 <= len(sets) <= 7
    for one in sets:
        values = [frame.sensor_c for frame in one.frames if frame.sensor_c is not None]
        assert max(values) - min(values) <= 2.5
