"""Statistics of each plane of a frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfield.examine.planes import plane_statistics


def check(values: np.ndarray, one: object) -> None:
    """Against NumPy, on the values themselves."""
    median = np.median(values)
    assert one.mean == pytest.approx(values.mean(), rel=1e-12)  # type: ignore[attr-defined]
    assert one.median == median  # type: ignore[attr-defined]
    assert one.std == pytest.approx(values.std(), rel=1e-9, abs=1e-9)  # type: ignore[attr-defined]
    assert one.mad == np.median(np.abs(values - median))  # type: ignore[attr-defined]
    assert (one.minimum, one.maximum) == (values.min(), values.max())  # type: ignore[attr-defined]


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.sampled_from([3, 200, 60000]))
def test_whole_numbers(seed: int, rows: int, columns: int, top: int) -> None:
    """Mean, median, standard deviation, MAD and extremes are those of NumPy, of whole numbers and of others."""
    pixels = np.random.default_rng(seed).integers(0, top, (rows, columns)).astype(np.float32)
    (one,) = plane_statistics(pixels, cfa=None, saturation_adu=top - 1.0)
    check(pixels.astype(np.float64), one)
    assert one.low == np.count_nonzero(pixels == 0)
    assert one.high == np.count_nonzero(pixels == top - 1)
    (other,) = plane_statistics(pixels + np.float32(0.5), cfa="MONO")
    check(pixels.astype(np.float64) + 0.5, other)
    assert other.high is None


@pytest.mark.parametrize(
    ("cfa", "planes"), [("RGGB", ["R", "G1", "G2", "B"]), ("GBRG", ["R", "G1", "G2", "B"]), (None, [""])]
)
def test_planes(cfa: str | None, planes: list[str]) -> None:
    """Each plane holds the pixels of its place in the pattern, and no others."""
    pixels = np.arange(48, dtype=np.float32).reshape(6, 8)
    found = plane_statistics(pixels, cfa=cfa)
    assert [one.plane for one in found] == planes
    assert sum(one.pixels for one in found) == pixels.size
    if cfa == "GBRG":
        check(pixels[1::2, ::2].astype(float), found[0])


def test_xtrans() -> None:
    """An X-Trans frame has three planes, of 8, 20 and 8 pixels of 36."""
    cfa = "GBGGRGRGRBGBGBGGRGGRGGBGBGBRGRGRGGBG"
    pixels = np.ones((12, 12), np.float32)
    assert {one.plane: one.pixels for one in plane_statistics(pixels, cfa=cfa)} == {"R": 32, "G": 80, "B": 32}


def test_no_data_is_left_out() -> None:
    """NaN is counted and takes no part; a plane of nothing else has no statistics."""
    pixels = np.array([[np.nan, 2.0], [4.0, np.nan]], np.float32)
    (one,) = plane_statistics(pixels, cfa=None)
    assert (one.mean, one.no_data, one.pixels) == (3.0, 2, 4)
    (none,) = plane_statistics(np.full((2, 2), np.nan, np.float32), cfa=None)
    assert none.mean is none.median is none.mad is none.minimum is None
