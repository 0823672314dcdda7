"""Statistics of a frame taken piece by piece."""

from __future__ import annotations

import numpy as np
import pytest

from evenfield.examine.statistics import CHUNK, count_between, median_of, moments

FRAMES = {
    "noise": lambda g: g.normal(1000, 5, (700, 501)),
    "quantized": lambda g: np.rint(g.normal(500, 1, (700, 501))),
    "constant": lambda g: np.full((700, 501), 7.0),
    "two halves": lambda g: np.repeat([0.0, 1000.0], 350)[:, None] + g.normal(0, 1, (700, 501)),
    "rows that rise": lambda g: np.arange(700.0)[:, None] + np.zeros((700, 501)),
    "few": lambda g: g.normal(0, 1, (1, 4)),
    "one": lambda g: np.full((1, 1), 3.0),
}


@pytest.mark.parametrize("holes", [False, True], ids=["whole", "holes"])
@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES.keys())
def test_pieces_give_what_the_whole_gives(make: object, holes: bool) -> None:
    """Count, mean, deviation and median are NumPy's over the finite pixels."""
    generator = np.random.default_rng(3)
    pixels = make(generator).astype(np.float32)  # type: ignore[operator]
    if holes and pixels.size > 4:
        pixels[generator.random(pixels.shape) < 0.3] = np.nan
        pixels[0, :3] = np.inf, -np.inf, np.nan
    values = pixels[np.isfinite(pixels)].astype(np.float64)
    count, mean, std = moments(pixels)
    assert count == values.size
    assert mean == pytest.approx(values.mean(), rel=1e-12)
    assert std == pytest.approx(values.std(), rel=1e-9, abs=1e-9)
    assert median_of(pixels, count) == np.median(values)
    assert count_between(pixels, -np.inf, mean or 0.0) == np.count_nonzero(values <= np.float32(mean))


def test_a_misled_guess_still_gives_the_median() -> None:
    """Where the pixels that are looked at first say nothing about the others, all are looked at."""
    pixels = np.zeros(3 * CHUNK, np.float32)
    pixels[:] = np.arange(pixels.size) % 5 + 100
    pixels[::257] = 0.0
    assert median_of(pixels.reshape(3, -1), pixels.size) == np.median(pixels)


def test_a_frame_without_pixels_has_no_statistics() -> None:
    """NaN everywhere gives None, not NaN."""
    pixels = np.full((3, 4), np.nan, np.float32)
    assert moments(pixels) == (0, None, None)
    assert median_of(pixels, 0) is None
