"""Stars in flats: as many as there are, and neither noise, hot pixels, cosmic rays nor dust that moved."""

from __future__ import annotations

import numpy as np
import pytest

from evenfield.examine.points import Points, moving_points
from evenfield.examine.set_findings import stars_finding
from evenfield.model.verdict_limits import verdict_limits

SHAPE = (400, 600)
ROWS, COLUMNS = np.indices(SHAPE)
VIGNETTE = 1.0 - 0.4 * ((ROWS - 200) ** 2 + (COLUMNS - 300) ** 2) / (200**2 + 300**2)


def flat(
    rng: np.random.Generator,
    *,
    level: float = 20000.0,
    stars: int = 0,
    rays: int = 0,
    mote: float | None = None,
    sigma: float = 1.3,
) -> np.ndarray:
    """A flat of 1 e-/ADU with stars of 40,000 electrons, cosmic rays, a mote."""
    light = level * VIGNETTE * (1.0 + 0.01 * np.random.default_rng(77).standard_normal(SHAPE))
    if mote is not None:
        light = light * (1.0 - 0.05 / (1.0 + np.exp(np.hypot(ROWS - 200, COLUMNS - mote) - 25.0)))
    for row, column in zip(rng.uniform(30, 370, stars), rng.uniform(30, 570, stars), strict=True):
        star = np.exp(-0.5 * ((ROWS - row) ** 2 + (COLUMNS - column) ** 2) / sigma**2)
        light = light + 40000.0 * star / (2 * np.pi * sigma**2)
    made = rng.poisson(light) + rng.normal(500.0, 5.0, SHAPE)
    made[tuple(rng.integers(30, 370, (2, rays)))] += 5000.0
    return made.astype(np.float32)


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_flats_without_stars_have_no_points(cfa: str | None) -> None:
    """Whatever their levels; hits of single pixels are no stars."""
    rng = np.random.default_rng(1)
    for level in (3000.0, 20000.0, 26000.0):
        for _ in range(4):
            found = moving_points(flat(rng, rays=6), flat(rng, level=level, rays=6), cfa=cfa)
            assert found == Points(first=0, second=0)


@pytest.mark.parametrize(("cfa", "sigma"), [(None, 1.3), (None, 2.0), ("RGGB", 2.2)])
def test_stars_are_counted(cfa: str | None, sigma: float) -> None:
    """Nearly all, in the flat that has them; two may lie on one another."""
    rng = np.random.default_rng(2)
    found = moving_points(flat(rng, stars=30, sigma=sigma), flat(rng, stars=12, sigma=sigma), cfa=cfa)
    assert found.first == pytest.approx(30, abs=3)
    assert found.second == pytest.approx(12, abs=2)


def test_dust_that_moved_is_no_star() -> None:
    """The rims of a mote at two places."""
    rng = np.random.default_rng(3)
    for _ in range(5):
        found = moving_points(flat(rng, mote=300.0), flat(rng, mote=330.0), cfa=None)
        assert max(found.first, found.second) <= 1


def test_stars_are_told_where_several_flats_have_them() -> None:
    """One flat with points, an airplane or a shower of particles, is not enough."""
    limits = verdict_limits(())
    assert stars_finding([9, 8, 0, 7], name="flats", rejects=True, limits=limits) is not None
    assert stars_finding([30, 2, 0, 1], name="flats", rejects=True, limits=limits) is None
    assert stars_finding([0, 0, 0, 0], name="flats", rejects=False, limits=limits) is None
