"""How much of a dark is in a light, found from its hot pixels."""

from __future__ import annotations

import numpy as np
import pytest

from evenfield.calibrate.optimize import FEWEST_PIXELS, DarkPixels, find_dark_pixels, fit_dark

SHAPE = (300, 400)


def scene(
    seed: int, factor: float, *, hot_share: float = 0.02, n_darks: int = 20, other_dark: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A light, a master dark and a master bias: read noise 3 ADU, 1 e-/ADU, a gradient and stars in the light."""
    rng = np.random.default_rng(seed)
    bias = (500 + rng.normal(0, 1, SHAPE)).astype(np.float32)

    def signal() -> np.ndarray:
        found = np.full(SHAPE, 20.0)
        hot = rng.random(SHAPE) < hot_share
        found[hot] += rng.exponential(300, hot.sum())
        return found

    dark_signal = signal()
    light_dark = signal() if other_dark else dark_signal
    dark = (bias + dark_signal + rng.normal(0, np.sqrt((9 + dark_signal) / n_darks))).astype(np.float32)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    sky = 600 + 0.5 * x + 0.2 * y
    for _ in range(120):
        row, column, flux = rng.uniform(0, SHAPE[0]), rng.uniform(0, SHAPE[1]), rng.exponential(20000)
        near = np.s_[max(int(row) - 7, 0) : int(row) + 8, max(int(column) - 7, 0) : int(column) + 8]
        sky[near] += flux / 25 * np.exp(-((y[near] - row) ** 2 + (x[near] - column) ** 2) / 8)
    level = sky + factor * light_dark
    light = (bias + level + rng.normal(0, np.sqrt(9 + level))).astype(np.float32)
    return light, dark, bias


def pixels_of(dark: np.ndarray, bias: np.ndarray, cfa: str | None = None) -> DarkPixels:
    """The hot pixels of a dark."""
    return find_dark_pixels(dark, bias=bias, cfa=cfa)


@pytest.mark.parametrize("cfa", [None, "RGGB"])
@pytest.mark.parametrize("factor", [0.2, 0.7, 1.0, 1.8])
def test_the_factor_is_found_in_spite_of_stars_and_gradient(factor: float, cfa: str | None) -> None:
    """The factor is right within its own error and 1 %, whatever the sky holds, also beside neighbors of one color."""
    light, dark, bias = scene(3, factor)
    found = fit_dark(light, pixels=pixels_of(dark, bias, cfa), full_scale_adu=65535)
    assert abs(found.factor - factor) < max(4 * found.error, 0.003)
    assert found.error < 0.01
    assert found.correlates


def test_the_error_is_honest() -> None:
    """Over many skies the deviations scatter by the errors told."""
    ratios = []
    for seed in range(40):
        light, dark, bias = scene(100 + seed, 0.6)
        found = fit_dark(light, pixels=pixels_of(dark, bias))
        ratios.append((found.factor - 0.6) / found.error)
    assert abs(float(np.mean(ratios))) < 0.6
    assert 0.7 < float(np.std(ratios)) < 1.5


def test_a_noisy_master_does_not_make_it_small() -> None:
    """With a master of two darks the factor stays within 2 % of the truth on average."""
    found = [
        fit_dark(light, pixels=pixels_of(dark, bias)).factor
        for light, dark, bias in (scene(200 + seed, 1.0, n_darks=2) for seed in range(12))
    ]
    assert float(np.mean(found)) == pytest.approx(1.0, abs=0.02)


def test_a_foreign_dark_does_not_correlate() -> None:
    """A dark of another camera has nothing in common with the light: the factor is 0 within its error."""
    light, dark, bias = scene(5, 1.0, other_dark=True)
    found = fit_dark(light, pixels=pixels_of(dark, bias))
    assert found.factor < 0.02
    assert not found.correlates


def test_saturated_hot_pixels_take_no_part() -> None:
    """Hot pixels that the light cuts off do not pull the factor down."""
    light, dark, bias = scene(6, 1.0)
    found = fit_dark(np.minimum(light, 1500), pixels=pixels_of(dark, bias), full_scale_adu=1500)
    assert abs(found.factor - 1.0) < min(4 * found.error, 0.04)


def test_a_dark_without_hot_pixels_tells_nothing() -> None:
    """Too few hot pixels are not used."""
    _, dark, bias = scene(7, 1.0, hot_share=0.0)
    found = pixels_of(dark, bias)
    assert not found.usable
    assert found.rows.size < FEWEST_PIXELS


def test_a_glow_is_measured() -> None:
    """A glow in a corner is found by its brightness, a plain dark has none beyond chance."""
    _, dark, bias = scene(8, 1.0)
    plain = pixels_of(dark, bias)
    assert plain.glow_adu < 5 * plain.glow_noise_adu
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    dark += (30 * np.exp(-((SHAPE[0] - y) ** 2 + (SHAPE[1] - x) ** 2) / 5000)).astype(np.float32)
    glowing = pixels_of(dark, bias)
    assert glowing.glow_adu > 5
    assert glowing.glow_adu > 50 * glowing.glow_noise_adu


def test_ten_uncooled_nights() -> None:
    """Ten nights without cooling, stars and a gradient in each: 8 factors within 0.5 % of the truth, all within 1 %."""
    off = []
    for night in range(10):
        factor = float(np.random.default_rng(500 + night).uniform(0.3, 1.6))
        light, dark, bias = scene(300 + night, factor, hot_share=0.05)
        found = fit_dark(light, pixels=pixels_of(dark, bias), full_scale_adu=65535)
        off.append(abs(found.factor / factor - 1.0))
    assert sorted(off)[7] < 0.005
    assert max(off) < 0.01
