"""Hot and unstable pixels of darks: as many as there are, and no steady ones."""

from __future__ import annotations

import numpy as np
import pytest

from evenfield.examine.unstable import count_hot, count_unstable

SHAPE = (300, 400)
N_HOT = 600


def darks(
    rng: np.random.Generator, *, n: int = 10, jumping: int = 0, cosmic: int = 8, warming: float = 0.0
) -> list[np.ndarray]:
    """Darks of 4 ADU noise and 1 e-/ADU with 600 hot pixels, cosmic rays, and pixels that jump by 60 ADU."""
    hot = np.zeros(SHAPE)
    places = rng.permutation(hot.size)
    hot.flat[places[:N_HOT]] = rng.uniform(200.0, 5000.0, N_HOT)
    frames = []
    for number in range(n):
        frame = 500.0 + rng.poisson(10.0 + hot * (1.0 + warming * number / n)) + rng.normal(0.0, 4.0, SHAPE)
        frame.flat[places[N_HOT : N_HOT + jumping]] += 60.0 * rng.integers(0, 2, jumping)
        frame[tuple(rng.integers(0, 300, (2, cosmic)))] += 1500.0
        frames.append(np.rint(frame).astype(np.float32))
    return frames


def test_hot_pixels_are_counted() -> None:
    """All of 600, but the few that lie side by side."""
    master = np.median(darks(np.random.default_rng(1)), axis=0).astype(np.float32)
    assert count_hot(master, cfa=None) == pytest.approx(N_HOT, abs=20)


@pytest.mark.parametrize("warming", [0.0, 0.03])
def test_steady_pixels_are_not_unstable(warming: float) -> None:
    """Shot noise of hot pixels, cosmic rays and some tenths of a degree make no pixel unstable."""
    rng = np.random.default_rng(2)
    for _ in range(5):
        frames = darks(rng, warming=warming)
        assert count_unstable(frames) <= 1


def test_unstable_pixels_are_counted() -> None:
    """Pixels that jump between two levels, nearly all: a few of ten frames may all lie on one."""
    frames = darks(np.random.default_rng(3), jumping=300)
    found = count_unstable(frames)
    assert found == pytest.approx(300, abs=15)


def test_few_frames_tell_nothing() -> None:
    """Four frames cannot tell an unstable pixel from cosmic rays."""
    frames = darks(np.random.default_rng(4), n=4)
    assert count_unstable(frames) is None
