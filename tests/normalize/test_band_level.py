"""The level of a calibrated frame from its raw bands."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfield.errors import CombineError
from evenfield.model.pixels import FLOAT32_ENCODING, Encoding
from evenfield.normalize import band_level, merge_levels
from evenfield.testing import level_reference

SWAPPED = Encoding(dtype="int16", swapped=True, bzero=32768.0)


def stored(values: np.ndarray) -> np.ndarray:
    """16-bit values as a FITS file holds them."""
    return (values - 32768).astype(np.int16).byteswap()


@settings(deadline=None, max_examples=80)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 7, 1023, 1024, 1025, 3000]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 0.0, 30000.0, 65535.0]),
)
def test_level_agrees_with_the_twin(seed: int, size: int, floats: bool, master: bool, saturation: float | None) -> None:
    """Sum, counts and extremes are those of plain NumPy, whatever is saturated or blank."""
    generator = np.random.default_rng(seed)
    values = np.round(generator.normal(30000, 300, size))
    subtract = generator.normal(300, 5, size).astype(np.float32) if master else None
    if subtract is not None:
        subtract[generator.random(size) < 0.1] = np.nan
    if floats:
        values[generator.random(size) < 0.2] = generator.choice([np.nan, np.inf])
    raw, encoding = (values.astype(np.float32), FLOAT32_ENCODING) if floats else (stored(values), SWAPPED)
    found = band_level(raw, encoding=encoding, shift=12.5, subtract=subtract, saturation_adu=saturation)
    twin = level_reference(values, shift=12.5, subtract=subtract, saturation_adu=saturation)
    total = twin.pop("sum")
    assert {name: getattr(found, name) for name in twin} == twin
    assert found.sum == pytest.approx(total, rel=1e-12, abs=1e-6)


def test_integers_are_summed_exactly() -> None:
    """Without a master the sum of integers is exact, and does not depend on how the frame was cut."""
    values = np.random.default_rng(2).integers(0, 65536, (50, 40)).astype(np.float64)
    whole = band_level(stored(values), encoding=SWAPPED, saturation_adu=60000)
    bands = [
        band_level(stored(values[rows : rows + 8]), encoding=SWAPPED, saturation_adu=60000) for rows in range(0, 50, 8)
    ]
    assert merge_levels(bands) == whole
    assert whole.sum == values[values < 60000].sum()
    assert whole.mean == values[values < 60000].mean()
    assert whole.count + whole.n_saturated == 2000


def test_a_band_without_samples_has_no_level() -> None:
    """Blank bands give no mean and no extremes, and merge with others."""
    blank = band_level(np.full((2, 3), np.nan, np.float32), encoding=FLOAT32_ENCODING)
    assert (blank.count, blank.n_blank, blank.mean, blank.minimum, blank.maximum) == (0, 6, None, None, None)
    some = band_level(np.array([4.0, 6.0], np.float32), encoding=FLOAT32_ENCODING)
    assert merge_levels([blank, some]) == dataclasses.replace(some, n_blank=6)
    assert merge_levels([]).mean is None


def test_masters_and_samples_that_do_not_fit_are_refused() -> None:
    """Another size or dtype never reaches the kernel."""
    with pytest.raises(CombineError, match="5 pixels"):
        band_level(np.zeros(6, np.int16), encoding=SWAPPED, subtract=np.zeros(5, np.float32))
    with pytest.raises(CombineError, match="uint16"):
        band_level(np.zeros(6, np.uint16), encoding=SWAPPED)
