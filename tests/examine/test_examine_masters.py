"""What is found in a finished master: measures against arithmetic, decisions as named cases, the verdict table."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from evenfield import Verdict
from evenfield.examine.masters import (
    MasterFacts,
    corner_ratio,
    examine_dark,
    examine_flat,
    percent,
    rest_effect,
    verdict_of,
)
from evenfield.model.catalogue import CATALOGUE, finding

SHAPE = (100, 200)
FINE = MasterFacts(name="m", level_adu=30000.0, full_scale_adu=65535.0, saturated=0.0)


def pixels(level: float = 30000.0, *, bad: int = 0, value: float = 0.0) -> Any:
    """A flat master, ``bad`` of its pixels of another value."""
    image = np.full(SHAPE, level, np.float32)
    image.reshape(-1)[:bad] = value
    return image


CASES: dict[str, tuple[Any, dict[str, Any], set[str]]] = {
    "fine": (pixels(), {}, set()),
    "low light": (pixels(), {"level_adu": 0.199 * 65535}, {"low_light"}),
    "just enough light": (pixels(), {"level_adu": 0.201 * 65535}, set()),
    "just not too bright": (pixels(), {"level_adu": 0.799 * 65535}, set()),
    "too bright": (pixels(), {"level_adu": 0.801 * 65535}, {"too_bright"}),
    "full scale unknown": (pixels(), {"full_scale_adu": None, "saturated": None}, {"full_scale_unknown"}),
    "nothing left": (pixels(-20.0), {"level_adu": -20.0}, {"level_not_positive"}),
    "level unknown": (pixels(), {"level_adu": None}, {"level_not_positive"}),
    "all NaN": (pixels(np.nan), {"level_adu": None}, {"level_not_positive", "no_data_pixels"}),
    "a few saturated": (pixels(), {"saturated": 0.001}, set()),
    "too many saturated": (pixels(), {"saturated": 0.0011}, {"saturated_pixels"}),
    "20 dead pixels of 20000": (pixels(bad=20), {}, set()),
    "21 dead pixels of 20000": (pixels(bad=21), {}, {"pixels_not_positive"}),
    "negative pixels": (pixels(bad=300, value=-5.0), {}, {"pixels_not_positive"}),
    "20 weak pixels": (pixels(bad=20, value=5000.0), {}, set()),
    "21 weak pixels": (pixels(bad=21, value=5000.0), {}, {"weak_pixels"}),
    "weak is below 0.2 of the level": (pixels(bad=300, value=6100.0), {}, set()),
    "one pixel without data": (pixels(bad=1, value=np.nan), {}, {"no_data_pixels"}),
}


@pytest.mark.parametrize("name", CASES)
def test_gross_faults(name: str) -> None:
    """Each gross fault has its limit and its code; what is fine has no finding."""
    image, changed, wanted = CASES[name]
    found = examine_flat(image, facts=dataclasses.replace(FINE, **changed))
    assert {one.code for one in found.findings} == wanted
    assert all(value is None or isinstance(value, float) for value in found.measured.values())
    assert all(value is None or np.isfinite(value) for value in found.measured.values())


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100 %"), (0.996, "100 %"), (0.99, "99 %"), (0.0042, "0.42 %"), (1e-4, "0.01 %")]
)
def test_shares_in_words(share: float, text: str) -> None:
    """Two digits of a share, never in powers of ten."""
    assert percent(share) == text


def test_pixels_are_counted_in_words() -> None:
    """One pixel is, several are, and all of them are 100 %."""
    (one,) = examine_flat(pixels(bad=1, value=np.nan), facts=FINE).findings
    (many,) = examine_dark(np.full((4, 4), np.nan, np.float32), name="d").findings
    assert one.message == "m: 1 pixel (0.005 %) is without a value."
    assert many.message == "d: 16 pixels (100 %) are without a value."


def test_measured_values() -> None:
    """Level, share, mean and counts are what they are called."""
    image = pixels(bad=3, value=np.nan)
    image[50, :4] = -1.0
    image[51, :5] = 10.0
    found = examine_flat(image, facts=FINE).measured
    assert found["level_adu"] == 30000.0
    assert found["level_share"] == pytest.approx(30000 / 65535)
    assert found["full_scale_adu"] == 65535.0
    assert found["mean_adu"] == pytest.approx(np.nanmean(image.astype(np.float64)))
    assert (found["no_data_pixels"], found["not_positive_pixels"], found["weak_pixels"]) == (3.0, 4.0, 5.0)


def test_corner_ratio() -> None:
    """The mean of the corners over that of the centre, boxes of a tenth of the sides."""
    image = np.ones(SHAPE, np.float32)
    image[:10, :20], image[:10, -20:], image[-10:, :20], image[-10:, -20:] = 0.5, 0.6, 0.7, 0.8
    image[45:55, 90:110] = 1.3
    assert corner_ratio(image) == pytest.approx(0.65 / 1.3)


@pytest.mark.parametrize("value", [np.nan, 0.0, -3.0])
def test_corner_ratio_that_is_none(value: float) -> None:
    """Without light in the centre there is no ratio."""
    assert corner_ratio(np.full(SHAPE, value, np.float32)) is None


def test_corner_ratio_of_a_tiny_image() -> None:
    """An image of one pixel has its corners in its centre."""
    assert corner_ratio(np.ones((1, 1), np.float32)) == 1.0


def test_rest_effect_is_theory() -> None:
    """A rest c in a flat V makes (V + c)/(1 + c): the corner of a light comes out V (1 + c)/(V + c) of the truth."""
    level, corner, rest = 20000.0, 0.7, 100.0
    flat_center, flat_corner = level + rest, corner * level + rest
    light_center, light_corner = 1000.0, corner * 1000.0
    corrected = (light_corner / flat_corner) / (light_center / flat_center)
    assert rest_effect(level, corner) == pytest.approx(1.0 - corrected)
    assert rest_effect(level, corner) == pytest.approx(rest / level * (1 / corner - 1), rel=0.02)


@pytest.mark.parametrize(("level", "ratio"), [(None, 0.7), (100.0, None), (0.0, 0.7), (-5.0, 0.7), (100.0, 0.0)])
def test_rest_effect_that_is_none(level: float | None, ratio: float | None) -> None:
    """Where level or corners are unknown or not positive there is no number."""
    assert rest_effect(level, ratio) is None


def test_examine_dark() -> None:
    """Mean, median and scatter of a dark master, NaN left out and told."""
    image = np.arange(200, dtype=np.float32).reshape(10, 20)
    image[0, 0] = np.nan
    found = examine_dark(image, name="master_bias")
    known = image[np.isfinite(image)].astype(np.float64)
    assert found.measured["mean_adu"] == pytest.approx(known.mean())
    assert found.measured["median_adu"] == pytest.approx(np.median(known))
    assert found.measured["std_adu"] == pytest.approx(known.std())
    assert [one.code for one in found.findings] == ["no_data_pixels"]


def test_examine_dark_without_data() -> None:
    """A dark of NaN only has no numbers."""
    found = examine_dark(np.full((4, 4), np.nan, np.float32), name="d").measured
    assert (found["mean_adu"], found["median_adu"], found["std_adu"]) == (None, None, None)


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_verdict_of_each_code(code: str) -> None:
    """One finding alone gives the verdict that the catalogue says, with its message as the reason; else it works."""
    wanted = CATALOGUE[code].verdict
    verdict, why = verdict_of((finding(code, "m", "the message"),), otherwise="level 48 %, 20 frames")
    assert verdict is (wanted or Verdict.WORKS)
    assert why == ("the message" if wanted else "level 48 %, 20 frames")


ORDER = {
    "nothing found": ((), Verdict.WORKS),
    "a note": (("second_copy",), Verdict.WORKS),
    "check": (("low_light",), Verdict.CHECK),
    "cannot tell": (("full_scale_unknown",), Verdict.CANNOT_TELL),
    "check before cannot tell": (("full_scale_unknown", "few_frames"), Verdict.CHECK),
    "will not work before all": (("few_frames", "full_scale_unknown", "level_not_positive"), Verdict.WILL_NOT_WORK),
    "uncalibrated is at best check": (("uncalibrated",), Verdict.CHECK),
    "uncalibrated and of no use": (("uncalibrated", "most_frames_bad"), Verdict.WILL_NOT_WORK),
}


@pytest.mark.parametrize("name", ORDER)
def test_verdict_of_several(name: str) -> None:
    """The worst finding decides."""
    codes, wanted = ORDER[name]
    found = tuple(finding(code, "m", f"because of {code}") for code in codes)
    assert verdict_of(found, otherwise="fine")[0] is wanted
