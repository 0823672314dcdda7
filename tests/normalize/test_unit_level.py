"""Bringing a master flat to level 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfield.errors import CombineError
from evenfield.normalize import unit_level

XTRANS = "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"


def flat(shape: tuple[int, int] = (13, 11), seed: int = 0) -> np.ndarray:
    """A master flat with vignetting, 20000 ADU in the middle."""
    rows, columns = np.indices(shape)
    radius2 = ((rows - shape[0] / 2) / shape[0]) ** 2 + ((columns - shape[1] / 2) / shape[1]) ** 2
    return (20000 * (1 - radius2) + np.random.default_rng(seed).normal(0, 50, shape)).astype(np.float32)


@pytest.mark.parametrize("method", ["mean", "median"])
def test_the_level_becomes_one(method: str) -> None:
    """Mean or median of the result is 1, the shape of the flat is untouched, NaN stays NaN and counts nowhere."""
    pixels = flat()
    pixels[3, 4] = np.nan
    result = unit_level(pixels, method=method)
    statistic = np.nanmean if method == "mean" else np.nanmedian
    assert statistic(result.pixels.astype(float)) == pytest.approx(1.0, abs=1e-6)
    assert result.levels == pytest.approx([float(statistic(pixels.astype(float)))])
    assert result.factors == pytest.approx([1 / result.levels[0]])
    assert (result.colors, result.added_adu, result.rests, result.vignetting_left) == (("",), (0.0,), (0.0,), 0.0)
    np.testing.assert_allclose(result.pixels, pixels / result.levels[0], rtol=1e-6)
    assert np.isnan(result.pixels[3, 4])
    assert result.pixels.dtype == np.float32


def test_none_changes_nothing() -> None:
    """Method "none" gives the pixels back, bit for bit, and tells their mean."""
    pixels = flat()
    result = unit_level(pixels, method="none", cfa="RGGB")
    np.testing.assert_array_equal(result.pixels, pixels)
    assert result.factors == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG", XTRANS])
@pytest.mark.parametrize("method", ["mean", "median"])
def test_each_color_gets_its_own_level(pattern: str, method: str) -> None:
    """Colors of very different strength are all brought to 1; both greens share one level; odd sizes too."""
    pixels = flat((19, 25))
    period = 2 if len(pattern) == 4 else 6
    letters = np.array(list(pattern)).reshape(period, period)
    color = letters[np.indices(pixels.shape)[0] % period, np.indices(pixels.shape)[1] % period]
    pixels *= np.select([color == "R", color == "G"], [0.4, 1.0], 0.7).astype(np.float32)
    result = unit_level(pixels, method=method, cfa=pattern)
    assert result.colors == ("R", "G", "B")
    for name, level in zip(result.colors, result.levels, strict=True):
        chosen = pixels[color == name].astype(float)
        expected = chosen.mean() if method == "mean" else np.median(chosen)
        assert level == pytest.approx(expected, rel=1e-6)
        np.testing.assert_allclose(result.pixels[color == name], chosen / level, rtol=1e-6)


def test_mono_is_no_pattern() -> None:
    """The header's word MONO is a whole frame, not four colors."""
    assert unit_level(flat(), cfa="MONO").colors == ("",)


@settings(deadline=None, max_examples=60)
@given(st.floats(0.05, 1.0), st.floats(0.1, 0.95))
def test_scaled_max_leaves_what_it_says(brightest: float, vignette: float) -> None:
    """V becomes (V + c) / (1 + c) with c = (1 - M) / M: the rest and the share of the vignetting left are true."""
    pixels = np.array([[1.0, vignette]]) * brightest * 65535.0
    result = unit_level(pixels, method="scaled-max", full_scale_adu=65535.0)
    c = (1 - brightest) / brightest
    assert result.rests[0] == pytest.approx(c, abs=1e-9)
    assert result.pixels[0, 0] == pytest.approx(1.0, abs=1e-6)
    assert result.pixels[0, 1] == pytest.approx((vignette + c) / (1 + c), rel=1e-6)
    left = 1 - (1 - float(result.pixels[0, 1])) / (1 - vignette)
    assert result.vignetting_left == pytest.approx(left, abs=2e-6)
    assert result.added_adu[0] == pytest.approx(65535.0 * (1 - brightest), abs=1e-6)


def test_scaled_max_of_known_levels() -> None:
    """M = 0.5 leaves half the vignetting, M = 0.8 has c = 0.25; each color of a mosaic gets its own constant."""
    pixels = np.array([[50.0, 80.0], [70.0, 100.0]])
    result = unit_level(pixels, method="scaled-max", cfa="RGGB", full_scale_adu=100.0)
    assert result.rests == pytest.approx((1.0, 0.25, 0.0))
    assert result.vignetting_left == pytest.approx(0.5)
    np.testing.assert_allclose(result.pixels, [[1.0, 1.0], [0.9, 1.0]])


def test_flagged_pixels_take_no_part() -> None:
    """One hot pixel at full scale would make c = 0; flagged, it does not, and it is changed with the others."""
    pixels = np.full((4, 4), 50.0)
    pixels[1, 2] = 100.0
    flagged = pixels > 60
    assert unit_level(pixels, method="scaled-max", full_scale_adu=100.0).rests == (0.0,)
    result = unit_level(pixels, method="scaled-max", full_scale_adu=100.0, flagged=flagged)
    assert result.rests == (1.0,)
    assert result.pixels[1, 2] == pytest.approx(1.5)
    assert unit_level(pixels, flagged=flagged).levels == (50.0,)


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "unknown method": (flat(), {"method": "max"}, "'max'"),
    "three planes": (np.ones((3, 4, 4)), {}, "3 dimensions"),
    "unknown pattern": (flat(), {"cfa": "RGB"}, "'RGB'"),
    "flags of another shape": (flat(), {"flagged": np.zeros((2, 2), bool)}, "shape \\(2, 2\\)"),
    "flags that are no bool": (flat(), {"flagged": np.zeros((13, 11), np.uint8)}, "uint8"),
    "unknown full scale": (flat(), {"method": "scaled-max"}, "full scale"),
    "above full scale": (flat(), {"method": "scaled-max", "full_scale_adu": 4095.0}, "above full scale, 4095"),
    "negative level": (-flat(), {}, "cannot be brought to 1"),
    "nothing but NaN": (np.full((4, 4), np.nan), {}, "nan ADU"),
    "a color that is zero": (np.array([[0.0, 1.0], [1.0, 1.0]]), {"cfa": "RGGB"}, "color R"),
}


@pytest.mark.parametrize(("pixels", "how", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_levels_that_cannot_be_found_are_refused(pixels: Any, how: dict[str, Any], words: str) -> None:
    """What cannot be brought to level 1 is refused with a reason and a mend."""
    with pytest.raises(CombineError, match=words) as caught:
        unit_level(pixels, **how)
    assert caught.value.mend
