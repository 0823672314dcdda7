"""The level of a master flat that a division gives back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evenfield.errors import CombineError
from evenfield.normalize.trimmed import divisor_band, trimmed_means

XTRANS = "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"


@pytest.fixture
def flat() -> np.ndarray:
    """A flat with a gradient and noise."""
    rng = np.random.default_rng(1)
    return (20000 + 100 * np.arange(30)[None, :] + rng.normal(0, 50, (24, 30))).astype(np.float32)


def test_one_mean_is_that_of_scipy(flat: np.ndarray) -> None:
    """Without a mosaic it is the trimmed mean that SciPy computes, cut off by whole values."""
    for share in (0.0, 0.05, 0.2):
        found = trimmed_means(flat, share=share)
        assert found == {"": pytest.approx(stats.trim_mean(flat.astype(np.float64), share, axis=None), rel=1e-9)}


def test_each_color_has_its_own(flat: np.ndarray) -> None:
    """Both greens are one color; X-Trans colors are found by their 36 letters."""
    flat[0::2, 0::2] *= np.float32(0.5)
    found = trimmed_means(flat, cfa="RGGB")
    greens = np.concatenate([flat[0::2, 1::2].ravel(), flat[1::2, 0::2].ravel()])
    assert found["R"] == pytest.approx(stats.trim_mean(flat[0::2, 0::2].astype(np.float64), 0.05, axis=None), rel=1e-9)
    assert found["G"] == pytest.approx(stats.trim_mean(greens.astype(np.float64), 0.05), rel=1e-9)
    letters = np.array(list(XTRANS)).reshape(6, 6)
    mosaic = np.tile(letters, (4, 5))
    found = trimmed_means(flat, cfa=XTRANS)
    for letter in "RGB":
        values = flat[mosaic == letter].astype(np.float64)
        assert found[letter] == pytest.approx(stats.trim_mean(values, 0.05), rel=1e-9)


def test_what_cannot_be_divided_by_takes_no_part(flat: np.ndarray) -> None:
    """Zero, negative and missing pixels do not count; a flat without any other has no level."""
    wanted = trimmed_means(flat[2:])
    flat[0], flat[1] = np.nan, -5.0
    assert trimmed_means(flat) == wanted
    with pytest.raises(CombineError, match="no positive value"):
        trimmed_means(np.zeros((4, 4), np.float32))


@pytest.mark.parametrize("cfa", [None, "RGGB", "GBRG", XTRANS])
@pytest.mark.parametrize("height", [1, 5, 24])
def test_bands_of_the_divisor_are_those_of_the_whole(flat: np.ndarray, cfa: str | None, height: int) -> None:
    """Each pixel is divided by the mean of its own color, wherever a band begins; what is not positive is NaN."""
    flat[3, 4], flat[5, 6] = 0.0, np.nan
    means = trimmed_means(flat, cfa=cfa)
    parts = [
        divisor_band(flat[start : start + height], row_start=start, means=means, cfa=cfa)
        for start in range(0, 24, height)
    ]
    period = {None: 1, "RGGB": 2, "GBRG": 2, XTRANS: 6}[cfa]
    letters = np.array(list(cfa or "W")).reshape(period, period)
    mosaic = np.tile(letters, (24 // period, 30 // period))
    level = np.vectorize(lambda letter: means[letter if cfa else ""])(mosaic)
    wanted = np.where(flat > 0, flat / level, np.nan)
    np.testing.assert_allclose(np.vstack(parts), wanted, rtol=3e-7)
