"""Which of several flats fits the lights: by their dust, and by how much."""

from __future__ import annotations

import dataclasses

import dust_scenes
import numpy as np
import pytest
from dust_scenes import Ring

from evenfield.errors import UsageError
from evenfield.examine.best_flat import better_flat_finding, rank_flats
from evenfield.examine.relief import Relief, flat_relief, light_relief

SHAPE = (480, 720)


def night(seed: int) -> tuple[Relief, Relief, Relief, Relief]:
    """The lights; a flat of their dust; another of it with more noise; one in which the largest mote is elsewhere."""
    scene = dust_scenes.scene(seed, shape=SHAPE, radii=(15.0, 40.0), margin=60.0)  # type: ignore[arg-type]
    rng = np.random.default_rng([seed, 1])
    rings = sorted(scene.rings, key=lambda ring: -ring.radius)
    elsewhere = (dataclasses.replace(rings[0], row=SHAPE[0] - rings[0].row), *rings[1:])

    def flat(dust: tuple[Ring, ...], level_e: float) -> Relief:
        return flat_relief(np.ascontiguousarray(dust_scenes.master_flat(scene, dust, rng, level_e=level_e)))

    lights = light_relief([dust_scenes.light(scene, rng) for _ in range(2)])
    return lights, flat(scene.rings, 30000.0), flat(scene.rings, 8000.0), flat(elsewhere, 30000.0)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_the_flat_with_the_dust_of_the_lights_fits_best(seed: int) -> None:
    """Beyond 6 scatters, whatever the order in which the flats are given; the depth is that of a mote of 2 %."""
    lights, own, _, moved = night(seed)
    for flats, best in (((own, moved), 0), ((moved, own), 1)):
        first, second = rank_flats(flats, light=lights)
        assert (first.place, second.place) == (best, 1 - best)
        assert first.scatters == 0
        assert second.scatters > 6
        assert 0.01 < second.depth < 0.03
        told = better_flat_finding((first, second), titles=["old", "new"], chosen=1 - best, name="lights", fix=("-x",))
        assert told is not None
        assert told.fix == ("-x",)
        assert better_flat_finding((first, second), titles=["old", "new"], chosen=best, name="lights") is None


def test_flats_that_differ_by_noise_alone_fit_alike() -> None:
    """Which of the two comes first is chance: within 4 scatters in every one of 12 nights, and not always the same."""
    leads = []
    for seed in range(20, 32):
        lights, own, noisy, _ = night(seed)
        first, second = rank_flats((own, noisy), light=lights)
        leads.append(second.scatters if first.place == 0 else -second.scatters)
        assert better_flat_finding((first, second), titles=["a", "b"], chosen=second.place, name="lights") is None
    assert np.abs(leads).max() < 4
    assert min(leads) < 0 < max(leads)


def test_flats_of_another_size_are_refused() -> None:
    """Cells that do not lie on each other cannot be compared; nor can no flat."""
    lights, own, _, _ = night(1)
    other = flat_relief(np.full((240, 360), 100.0, np.float32))
    with pytest.raises(UsageError, match="do not match"):
        rank_flats((own, other), light=lights)
    with pytest.raises(UsageError, match="no flat"):
        rank_flats((), light=lights)
