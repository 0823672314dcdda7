"""Which single flats are of no use: the decisions as named cases."""

from __future__ import annotations

import numpy as np
import pytest

from evenfield.examine.frames import FrameLevel, color_aims, judge_frames
from evenfield.examine.set_findings import bright_color_finding


def levels(*values: float | None, saturated: float | None = 0.0) -> list[FrameLevel]:
    """Frames of these levels, all with the same share of saturated pixels."""
    return [FrameLevel(level_adu=value, saturated=saturated) for value in values]


CASES = {
    "all alike": (levels(100, 101, 99, 100), {}),
    "one black": (levels(100, 100, 3, 100), {2: "bad_level"}),
    "just above a quarter": (levels(100, 100, 100, 25.1), {}),
    "exactly a quarter": (levels(100, 100, 100, 25.0), {}),
    "just below a quarter": (levels(100, 100, 100, 24.9), {3: "bad_level"}),
    "below zero": (levels(100, 100, 100, -5), {3: "bad_level"}),
    "no level at all": (levels(100, 100, 100, None), {3: "bad_level"}),
    "bright is not bad by itself": (levels(100, 100, 100, 900), {}),
    "three frames are not judged": (levels(100, 100, 1), {}),
    "four frames are": (levels(100, 100, 100, 1), {3: "bad_level"}),
    "no frames": ([], {}),
    "one per cent saturated": (
        [*levels(100, 100, 100), FrameLevel(level_adu=100, saturated=0.01)],
        {},
    ),
    "more than one per cent saturated": (
        [*levels(100, 100, 100), FrameLevel(level_adu=100, saturated=0.0101)],
        {3: "saturated_frame"},
    ),
    "wholly saturated": ([*levels(100, 100, 100), FrameLevel(level_adu=None, saturated=1.0)], {3: "saturated_frame"}),
    "saturation unknown": (levels(100, 100, 100, 100, saturated=None), {}),
    "a black and a saturated one": (
        [*levels(100, 100, 100, 2), FrameLevel(level_adu=300, saturated=0.5)],
        {3: "bad_level", 4: "saturated_frame"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_frames(name: str) -> None:
    """A level below a quarter of the median, or more than 1 % of saturated pixels, is bad from four frames on."""
    frames, wanted = CASES[name]
    judged = judge_frames(frames)
    assert {one.index: one.code for one in judged.bad} == wanted
    assert not judged.most_are_bad


MOSTLY = {
    "half remain": (levels(100, 100, 1, 1), False),
    "fewer than half remain": (levels(100, 100, 100, 100, 1), False),
    "all black alike": (levels(2, 2, 2, 2), False),
    "all saturated": (levels(100, 100, 100, 100, saturated=0.9), True),
    "two of five remain": (levels(100, 100, saturated=0.0) + levels(100, 100, 100, saturated=0.5), True),
    "no levels": (levels(None, None, None, None), True),
}


@pytest.mark.parametrize("name", MOSTLY)
def test_most_are_bad(name: str) -> None:
    """Only where fewer than half of the frames would remain are most of them bad."""
    frames, wanted = MOSTLY[name]
    assert judge_frames(frames).most_are_bad is wanted


def test_the_reason_tells_the_numbers() -> None:
    """The reason names the number that decided and what the others have."""
    (black,) = judge_frames(levels(8100, 8120, 12.4, 8090, 8105)).bad
    assert black.reason == "12 ADU above its calibration, the others about 8,100"
    (saturated,) = judge_frames([*levels(1, 1, 1), FrameLevel(level_adu=None, saturated=0.42)]).bad
    assert saturated.reason == "42 % of its pixels are saturated"


def test_each_color_has_its_aim() -> None:
    """Half of the way from the bias to saturation, color by color; the brightest alone may be too bright."""
    level = np.array([10000.0, 55000.0, 20000.0])
    aims = color_aims(("R", "G", "B"), level=level, below=np.array([1000.0]), full_scale_adu=65535.0)
    assert [one.word for one in aims] == ["red", "green", "blue"]
    assert aims[0].of_aim == pytest.approx(10000.0 / (0.5 * 64535.0))
    assert aims[1].of_full == pytest.approx(56000.0 / 65535.0)
    told = bright_color_finding("flats", aims)
    assert told is not None
    assert told.code == "too_bright"
    assert "green" in told.message
    assert bright_color_finding("flats", (aims[0], aims[2])) is None
    assert bright_color_finding("flats", aims[1:2]) is None
    assert color_aims(("R",), level=level[:1], below=np.array([0.0]), full_scale_adu=None) == ()
