"""Middle and scatter of numbers in steps of a converter are those of the light, not of the steps."""

from __future__ import annotations

import numpy as np
import pytest

from evenfield.examine.cores import core_of
from evenfield.examine.grids import frame_grid


def stepped(seed: int, *, noise: float, step: float, level: float = 505.0) -> np.ndarray:
    """Normal numbers of a level, rounded to a step, and one in a hundred far above."""
    rng = np.random.default_rng(seed)
    made = np.rint(rng.normal(level, noise, (200, 320)) / step) * step
    made[rng.random(made.shape) < 0.01] += 3000.0
    return made.astype(np.float32)


@pytest.mark.parametrize(("noise", "step"), [(10.0, 1.0), (7.0, 4.0), (8.0, 16.0), (20.0, 16.0)])
def test_the_steps_of_a_converter_do_not_shift_the_middle(noise: float, step: float) -> None:
    """The mean within a tenth of the noise; the scatter is that of the noise and the rounding."""
    middle, scatter = core_of(stepped(1, noise=noise, step=step))
    assert middle == pytest.approx(505.0, abs=0.1 * noise)
    assert scatter == pytest.approx(np.hypot(noise, step / np.sqrt(12.0)), rel=0.1)


def test_equal_numbers_have_no_scatter() -> None:
    """A constant, with or without values far off, and nothing at all."""
    assert core_of(np.full((50, 50), 7.0, np.float32)) == (7.0, 0.0)
    assert core_of(np.full(5, np.nan, np.float32))[1] == 0.0


@pytest.mark.parametrize("step", [4.0, 16.0])
def test_cells_of_numbers_in_steps_have_their_level(step: float) -> None:
    """Noise of half a step: most pixels are equal, and the mean of those that are not counts."""
    frames = [stepped(seed, noise=0.5 * step, step=step, level=500.0 + 0.3 * step) for seed in range(5)]
    levels = [float(frame_grid(frame, cfa=None).level[0]) for frame in frames]
    # The pixels that are far above count with eight scatters each, one in a hundred.
    assert np.mean(levels) == pytest.approx(500.0 + 0.3 * step + 0.01 * 8.0 * 0.6 * step, abs=0.06 * step)
