"""The camera's noise from the scatter of equal frames, and the quantum of raw integers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from evenfield.combine.steps import step_of
from evenfield.examine.noise import LEAST_SPAN, fit_noise

N_FRAMES = 12
N_PIXELS = 60_000

F64 = NDArray[np.float64]


def transfer(
    low: float, high: float, *, read_adu: float, egain: float, seed: int = 1, n_pixels: int = N_PIXELS
) -> tuple[F64, F64]:
    """Level and variance of each pixel of simulated frames whose light runs from ``low`` to ``high`` ADU."""
    rng = np.random.default_rng(seed)
    light = np.linspace(low, high, n_pixels)
    frames = rng.poisson(light * egain, (N_FRAMES, n_pixels)) / egain + rng.normal(0.0, read_adu, (N_FRAMES, n_pixels))
    return frames.mean(axis=0), frames.var(axis=0, ddof=1)


@pytest.mark.parametrize(("read_adu", "egain"), [(40.0, 1.0), (60.0, 2.5), (90.0, 0.26)])
@pytest.mark.parametrize("seed", [1, 2])
def test_span_of_two_tells_read_noise_from_photon_noise(read_adu: float, egain: float, seed: int) -> None:
    """Where the brightest pixels are twice as bright as the faintest, both numbers come out within 5 %."""
    # Levels at which read noise is about half of the variance: elsewhere the data cannot tell it so well.
    middle = read_adu**2 * egain
    levels, variances = transfer(2 * middle / 3, 4 * middle / 3, read_adu=read_adu, egain=egain, seed=seed)
    found = fit_noise(levels, variances=variances)
    assert found.read_noise_adu == pytest.approx(read_adu, rel=0.05)
    assert found.egain_e_per_adu == pytest.approx(egain, rel=0.05)


def test_span_is_believed_over_the_header() -> None:
    """Where the data tell e-/ADU, a header that says something else does not count."""
    levels, variances = transfer(2000.0, 4000.0, read_adu=40.0, egain=1.0)
    found = fit_noise(levels, variances=variances, egain_e_per_adu=3.0)
    assert found == fit_noise(levels, variances=variances)
    assert found.egain_e_per_adu == pytest.approx(1.0, rel=0.05)


def test_one_level_takes_the_headers_number() -> None:
    """Pixels of one level cannot tell the two noises apart: e-/ADU is the header's, the rest is read noise."""
    levels, variances = transfer(3000.0, 3000.0 * (LEAST_SPAN - 0.2), read_adu=60.0, egain=1.5)
    found = fit_noise(levels, variances=variances, egain_e_per_adu=1.5)
    assert found.egain_e_per_adu == 1.5
    assert found.read_noise_adu == pytest.approx(60.0, rel=0.05)


def test_one_level_without_a_header_is_photon_noise() -> None:
    """Without a header's number all of the variance at one level is photon noise, and no read noise is made up."""
    levels, variances = transfer(20000.0, 20400.0, read_adu=0.0, egain=1.5)
    found = fit_noise(levels, variances=variances)
    assert found.egain_e_per_adu == pytest.approx(1.5, rel=0.02)
    assert found.read_noise_adu == 0.0


def test_header_below_what_the_noise_allows_is_raised() -> None:
    """A header's e-/ADU that asks for more photon noise than was seen gives no negative read variance."""
    levels, variances = transfer(20000.0, 20400.0, read_adu=0.0, egain=1.5)
    found = fit_noise(levels, variances=variances, egain_e_per_adu=0.5)
    assert found.egain_e_per_adu == pytest.approx(1.5, rel=0.02)
    assert found.read_noise_adu == 0.0


@pytest.mark.parametrize("egain", [None, 1.5])
def test_dark_frames_give_read_noise_only(egain: float | None) -> None:
    """Frames without light say nothing about e-/ADU, and the header's number is not passed off as measured."""
    rng = np.random.default_rng(5)
    variances = rng.normal(0.0, 7.0, (N_FRAMES, N_PIXELS)).var(axis=0, ddof=1)
    found = fit_noise(np.zeros(N_PIXELS), variances=variances, egain_e_per_adu=egain)
    assert found.egain_e_per_adu is None
    assert found.read_noise_adu == pytest.approx(7.0, rel=0.05)


def test_pixels_without_a_number_take_no_part() -> None:
    """NaN and infinite levels and variances change nothing."""
    levels, variances = transfer(2000.0, 4000.0, read_adu=40.0, egain=1.0)
    wanted = fit_noise(levels, variances=variances)
    more_levels = np.concatenate([levels, [np.nan, 3000.0, np.inf]])
    more_variances = np.concatenate([variances, [1e9, np.nan, 1e9]])
    assert fit_noise(more_levels, variances=more_variances) == wanted


def test_hot_pixels_do_not_count() -> None:
    """A pixel in two thousand whose variance is a million times too great does not move the answer by 5 %."""
    levels, variances = transfer(2000.0, 4000.0, read_adu=40.0, egain=1.0)
    variances[::2000] *= 1e6
    found = fit_noise(levels, variances=variances)
    assert found.read_noise_adu == pytest.approx(40.0, rel=0.05)
    assert found.egain_e_per_adu == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize("variance", [0.0, np.nan])
def test_where_nothing_is_known_there_is_no_noise(variance: float) -> None:
    """Without a finite pixel, or where no pixel ever changes (all saturated), the noise is 0, which rejects nothing."""
    found = fit_noise(np.full(500, 65000.0), variances=np.full(500, variance))
    assert (found.read_noise_adu, found.egain_e_per_adu) == (0.0, None)


def test_a_part_that_never_changes_does_not_spoil_the_rest() -> None:
    """Saturated pixels, a tenth of all, have no noise; that of the others is found all the same, and not below it."""
    levels, variances = transfer(2000.0, 40000.0, read_adu=40.0, egain=1.0)
    brightest = levels > np.quantile(levels, 0.9)
    variances[brightest] = 0.0
    found = fit_noise(levels, variances=variances)
    model = found.read_noise_adu**2 + levels / (found.egain_e_per_adu or np.inf)
    assert np.all(model[~brightest] > 0.95 * (40.0**2 + levels[~brightest]))


def test_no_group_of_pixels_is_noisier_than_the_model_says() -> None:
    """Where the variance grows faster than the level, the line is raised to the group that leaves it most."""
    levels, variances = transfer(2000.0, 40000.0, read_adu=10.0, egain=1.0)
    bent = variances * (1.0 + levels / 40000.0)
    found = fit_noise(levels, variances=bent)
    model = found.read_noise_adu**2 + levels / found.egain_e_per_adu
    true = (100.0 + levels) * (1.0 + levels / 40000.0)
    assert np.all(model > 0.93 * true)


@pytest.mark.parametrize("step", [1, 2, 4, 16, 64])
@pytest.mark.parametrize("start", [0, 3, 500])
def test_step_is_the_drivers_factor(step: int, start: int) -> None:
    """Numbers multiplied by a power of two show it, also above a number that was added."""
    counts = np.random.default_rng(1).integers(0, 4096, 5000)
    assert step_of((counts * step + start).astype(np.int64)) == step


def test_step_of_uint16_at_the_top_of_its_range() -> None:
    """16-bit unsigned numbers do not wrap round."""
    assert step_of(np.array([65532, 0, 32768, 65528], np.uint16)) == 4


def test_one_odd_difference_makes_the_step_one() -> None:
    """A single number off the grid shows that there is none."""
    values = np.arange(0, 4000, 4)
    values[77] += 1
    assert step_of(values) == 1


@pytest.mark.parametrize("values", [np.zeros(9, np.uint16), np.full((3, 3), 65535, np.uint16), np.empty(0, np.int16)])
def test_equal_numbers_have_the_step_one(values: NDArray[np.int64]) -> None:
    """Numbers without a difference, or none at all, have the quantum 1."""
    assert step_of(values) == 1
