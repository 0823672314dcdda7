"""The fit of what all skies share: errors that are true, near the least that is possible, and robust."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sky_scenes import SkyScene, drawn_cells

from evenfield.examine.cells import Cells
from evenfield.examine.laws import BOTH_RESTS, EXPONENT, FLAT_REST, LIGHT_REST, Law
from evenfield.examine.sky_fit import fit_again, fit_sky, sky_bound

SMALL = (480, 640)


def pulls(scene: SkyScene, *, law: Law, truth: tuple[float, ...], trials: int, **more: object) -> np.ndarray:
    """Deviations of the fitted numbers from the truth in units of their errors, (trials, numbers)."""
    found = []
    for trial in range(trials):
        lights, flats = drawn_cells(scene, np.random.default_rng([trial, 77]), **more)  # type: ignore[arg-type]
        fit = fit_sky([light[0] for light in lights], flat=flats[0], law=law)
        assert fit is not None
        found.append((fit.numbers - np.array(truth)) / np.sqrt(np.diag(fit.covariance)))
    return np.array(found)


def assert_honest(values: np.ndarray) -> None:
    """The mean of n pulls is 0 to 4/sqrt(n), their scatter 1 to 4/sqrt(2 n)."""
    n = values.size
    assert abs(values.mean()) < 4.0 / n**0.5
    assert abs(values.std() - 1.0) < 4.0 / (2.0 * n) ** 0.5


@pytest.mark.parametrize("lights", [1, 3])
@pytest.mark.parametrize(
    "scene",
    [
        SkyScene(shape=SMALL, loss=0.3),
        # A single flat of 4000 e-: its noise is as strong as that of the lights, and in the regressor.
        SkyScene(shape=SMALL, loss=0.3, flat_frames=1, flat_adu=4000.0),
    ],
    ids=["good flat", "noisy flat"],
)
def test_pulls_of_clean_flats(scene: SkyScene, lights: int) -> None:
    """A clean flat has the exponent 0 to within honest errors, however noisy it is."""
    assert_honest(pulls(scene, law=EXPONENT, truth=(0.0,), trials=30, lights=lights)[:, 0])


@pytest.mark.parametrize("rest", [0.05, -0.05])
def test_pulls_of_rests(rest: float) -> None:
    """The rest of a flat comes out to within honest errors."""
    scene = SkyScene(shape=SMALL, loss=0.3, flat_rest=rest)
    assert_honest(pulls(scene, law=FLAT_REST, truth=(scene.rest_adu,), trials=30, lights=2)[:, 0])


def test_pulls_of_both_rests() -> None:
    """Skies of several levels tell the rest of the flat from that of the lights, each with an honest error."""
    scene = SkyScene(shape=SMALL, loss=0.3, flat_rest=0.03, light_rest_adu=-12.0)
    both = pulls(scene, law=BOTH_RESTS, truth=(900.0, -12.0), trials=40, skies_e=(400.0, 900.0, 3000.0))
    assert_honest(both[:, 0])
    assert_honest(both[:, 1])


def test_rest_of_lights() -> None:
    """The rest of the lights comes out alone, where the flat holds none."""
    scene = SkyScene(shape=SMALL, loss=0.3, light_rest_adu=20.0)
    assert_honest(pulls(scene, law=LIGHT_REST, truth=(20.0,), trials=25, lights=2)[:, 0])


def test_bound_is_that_of_the_whole_problem() -> None:
    """The bound equals the inverse of Fisher's information of all unknowns at once, with the flat's common noise."""
    scene = SkyScene(shape=(300, 400), loss=0.3, flat_frames=1, flat_adu=6000.0)
    lights, flats = drawn_cells(scene, np.random.default_rng(4), lights=3)
    # The flat without its noise: the information is that of the truth.
    flat = dataclasses.replace(flats[0], value=flats[0].value.copy())
    x = np.polynomial.legendre.legvander(np.linspace(-1, 1, flat.grid.columns), 2)
    y = np.polynomial.legendre.legvander(np.linspace(-1, 1, flat.grid.rows), 2)
    basis = np.stack([np.outer(y[:, p], x[:, t - p]).ravel() for t in range(3) for p in range(t + 1)], axis=1)
    cells, n_lights = basis.shape[0], len(lights)
    common = (flat.error / flat.value).ravel() ** 2
    regressor = np.log(flat.value / flat.value.mean()).ravel()
    information = np.zeros((6 * n_lights + 1, 6 * n_lights + 1))
    values = [light[0].value.ravel() for light in lights]
    sky = [basis @ np.linalg.lstsq(basis, one, rcond=None)[0] for one in values]
    for cell in range(cells):
        design = np.zeros((n_lights, 6 * n_lights + 1))
        noise = np.full((n_lights, n_lights), common[cell])
        for k, light in enumerate(lights):
            design[k, 6 * k : 6 * k + 6] = basis[cell] / sky[k][cell]
            design[k, -1] = regressor[cell]
            noise[k, k] += (light[0].error.ravel()[cell] / sky[k][cell]) ** 2
        information += design.T @ np.linalg.inv(noise) @ design
    # The flat's noise in the regressor tells nothing: its share of the information is taken off.
    whole = np.linalg.inv(information)[-1, -1]
    plain = sum((sky[k] / light[0].error.ravel()) ** 2 for k, light in enumerate(lights))
    taken_off = float((common * plain / (1.0 + common * plain)).sum())
    expected = 1.0 / (1.0 / whole - taken_off)
    bound = sky_bound([light[0] for light in lights], flat=flat, law=EXPONENT)
    assert bound is not None
    # Weights are made for lights that are noisy in the same places; here they nearly are.
    assert bound[0, 0] ** 0.5 == pytest.approx(expected**0.5, rel=0.02)


@pytest.mark.parametrize("lights", [1, 5])
def test_errors_are_near_the_bound(lights: int) -> None:
    """What robustness costs: errors are at most 1.1 times the Cramer-Rao bound of the stated model."""
    scene = SkyScene(shape=SMALL, loss=0.3)
    drawn, flats = drawn_cells(scene, np.random.default_rng(9), lights=lights)
    of_color = [light[0] for light in drawn]
    fit = fit_sky(of_color, flat=flats[0], law=EXPONENT)
    bound = sky_bound(of_color, flat=flats[0], law=EXPONENT)
    assert fit is not None
    assert bound is not None
    assert 0.9 < (fit.covariance[0, 0] / bound[0, 0]) ** 0.5 < 1.1


def _with_sky(lights: list[tuple[Cells, ...]], factor: np.ndarray) -> list[Cells]:
    return [dataclasses.replace(light[0], value=light[0].value * factor) for light in lights]


def test_nebula_is_left_out() -> None:
    """A nebula over a third of the frame, up to 30 % of the sky, moves the exponent by less than 4 of its errors."""
    found = []
    for trial in range(6):
        scene = SkyScene(shape=(1200, 1600), loss=0.3, seed=trial)
        lights, flats = drawn_cells(scene, np.random.default_rng(trial), lights=3, block=16)
        y, x = np.mgrid[-1 : 1 : flats[0].grid.rows * 1j, -1 : 1 : flats[0].grid.columns * 1j]
        cloud = 1.0 + 0.3 * np.exp(-(((x - 0.4) / 0.3) ** 2 + ((y - 0.3) / 0.4) ** 2))
        fit = fit_sky(_with_sky(lights, cloud), flat=flats[0], law=EXPONENT)
        assert fit is not None
        assert 0.1 < fit.clipped_share < 0.65
        found.append(fit.numbers[0] / fit.covariance[0, 0] ** 0.5)
    assert np.abs(found).max() < 4.0


def test_cubic_sky_asks_for_a_higher_degree() -> None:
    """A sky that is no quadratic polynomial is met by one that it is, and the exponent stays honest."""
    found = []
    for trial in range(16):
        scene = SkyScene(shape=SMALL, loss=0.3)
        lights, flats = drawn_cells(scene, np.random.default_rng(trial), lights=3)
        y, x = np.mgrid[-1 : 1 : flats[0].grid.rows * 1j, -1 : 1 : flats[0].grid.columns * 1j]
        fit = fit_sky(_with_sky(lights, 1.0 + 0.03 * (x**3 - x * y * y)), flat=flats[0], law=EXPONENT)
        assert fit is not None
        assert fit.degree >= 3
        found.append(fit.numbers[0] / fit.covariance[0, 0] ** 0.5)
    assert_honest(np.array(found))


def test_flat_without_noise_map_has_the_larger_error() -> None:
    """Where the flat's noise is only known from above, the error of the exponent holds what that may do."""
    scene = SkyScene(shape=SMALL, loss=0.3, flat_frames=1, flat_adu=4000.0)
    lights, flats = drawn_cells(scene, np.random.default_rng(3), lights=4)
    known = fit_sky([light[0] for light in lights], flat=flats[0], law=EXPONENT)
    limit = dataclasses.replace(flats[0], error_is_limit=True)
    unknown = fit_sky([light[0] for light in lights], flat=limit, law=EXPONENT)
    assert known is not None
    assert unknown is not None
    assert unknown.covariance[0, 0] > known.covariance[0, 0]


def test_another_law_on_the_same_cells() -> None:
    """A second law is fitted to the cells that the first one used, and gives what a fit of its own gives."""
    scene = SkyScene(shape=SMALL, loss=0.3, flat_rest=0.02)
    lights, flats = drawn_cells(scene, np.random.default_rng(3), lights=2)
    of_color = [light[0] for light in lights]
    first = fit_sky(of_color, flat=flats[0], law=EXPONENT)
    alone = fit_sky(of_color, flat=flats[0], law=FLAT_REST)
    assert first is not None
    assert alone is not None
    again = fit_again(of_color, flat=flats[0], law=FLAT_REST, like=first)
    assert again is not None
    assert abs(again.numbers[0] - alone.numbers[0]) < 0.3 * alone.covariance[0, 0] ** 0.5


def test_nothing_to_tell() -> None:
    """Lights without a sky above 0 and flats without structure give no number."""
    lights, flats = drawn_cells(SkyScene(shape=SMALL), np.random.default_rng(3), lights=1)
    dark = dataclasses.replace(lights[0][0], value=-np.abs(lights[0][0].value))
    assert fit_sky([dark], flat=flats[0], law=EXPONENT) is None
    even = dataclasses.replace(flats[0], value=np.full(flats[0].value.shape, 20000.0))
    assert fit_sky([lights[0][0]], flat=even, law=EXPONENT) is None
