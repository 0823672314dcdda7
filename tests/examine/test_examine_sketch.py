"""Frames in small: cells, colors, rings and sections are what plain NumPy gives; large frames are read in part."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfield.examine.sketch import MOST_PIXELS, Sketch, bayer_places, ring_means, sections, sketch_frame
from evenfield.model.pixels import Float32Array

XTRANS = "GBGGRGRGRBGBGBGGRGGRGGBGBGBRGRGRGGBG"


def sketch_of(frame: Float32Array, *, cfa: str | None = None, longest: int = 480) -> Sketch:
    """A sketch of a frame in memory."""
    shape = (frame.shape[0], frame.shape[1])
    return sketch_frame(lambda start, stop: frame[start:stop], shape=shape, cfa=cfa, longest=longest)


def block_means(frame: Float32Array, step: int) -> Float32Array:
    """Means of whole blocks, by slices."""
    rows, columns = frame.shape[0] // step, math.ceil(frame.shape[1] / step)
    out = np.full((rows, columns), np.nan)
    for row in range(rows):
        for column in range(columns):
            block = frame[row * step : (row + 1) * step, column * step : (column + 1) * step]
            found = block[np.isfinite(block)]
            out[row, column] = found.mean(dtype=np.float64) if found.size else np.nan
    return out.astype(np.float32)


@given(
    rows=st.integers(1, 40), columns=st.integers(1, 60), longest=st.integers(5, 80), holes=st.booleans(),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_cells_are_means_of_blocks(rows: int, columns: int, longest: int, holes: bool, seed: int) -> None:
    """Each cell is the mean of the finite pixels of its block, NaN where there is none, for any size."""
    rng = np.random.default_rng(seed)
    frame = rng.normal(1000.0, 50.0, (rows, columns)).astype(np.float32)
    if holes:
        frame[rng.random(frame.shape) < 0.3] = np.nan
        frame[rng.random(frame.shape) < 0.1] = np.inf
    sketch = sketch_of(frame, longest=longest)
    step = max(1, math.ceil(max(rows, columns) / longest))
    wanted = block_means(frame, step)
    whole = sketch.cells[: wanted.shape[0]]
    # float32 sums of up to 40 rows: a few units in the last place of 1e5.
    np.testing.assert_allclose(whole, wanted, rtol=2e-6, equal_nan=True)
    assert np.isfinite(sketch.values).all()


@pytest.mark.parametrize("cfa", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_colors_are_kept_apart(cfa: str) -> None:
    """Each color of a Bayer mosaic has its own level in its own cells; all together have the mean of the four."""
    levels = {"R": 100.0, "G1": 200.0, "G2": 210.0, "B": 50.0}
    frame = np.empty((30, 44), np.float32)
    for color, (row, column) in bayer_places(cfa).items():
        frame[row::2, column::2] = levels[color]
    sketch = sketch_of(frame, cfa=cfa, longest=10)
    assert {color: set(np.unique(cells)) for color, cells in sketch.colors.items()} == {
        color: {level} for color, level in levels.items()
    }
    assert {color: set(np.unique(values)) for color, values in sketch.color_values.items()} == {
        color: {level} for color, level in levels.items()
    }
    np.testing.assert_allclose(sketch.cells, 140.0)
    assert sketch.center("R") == pytest.approx(100.0)


def test_an_xtrans_mosaic_leaves_no_pattern() -> None:
    """Cells of an X-Trans frame hold whole periods, so that an even light gives even cells."""
    levels = {"R": 100.0, "G": 300.0, "B": 50.0}
    period = np.array([levels[letter] for letter in XTRANS], np.float32).reshape(6, 6)
    sketch = sketch_of(np.tile(period, (20, 30)), cfa=XTRANS, longest=50)
    np.testing.assert_allclose(sketch.cells, period.mean(), rtol=1e-6)
    assert sketch.colors == {}


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_of_a_large_frame_some_rows_are_read(cfa: str | None) -> None:
    """A frame of 60 MP is read in part, evenly from top to bottom and in whole periods, and never beyond its end."""
    rows, columns = 6388, 9576
    asked: list[tuple[int, int]] = []

    def read(start: int, stop: int) -> Float32Array:
        asked.append((start, stop))
        return np.full((stop - start, columns), start, np.float32)

    sketch = sketch_frame(read, shape=(rows, columns), cfa=cfa)
    taken = sum(stop - start for start, stop in asked)
    period = 2 if cfa else 1
    assert taken * columns <= max(MOST_PIXELS, period * sketch.cells.shape[0] * columns)
    assert taken < rows / 5
    assert sketch.rows_read == pytest.approx(taken / rows)
    assert all(0 <= start < stop <= rows and start % 2 == 0 for start, stop in asked if cfa)
    gaps = np.diff([start for start, _ in asked])
    assert gaps.max() <= 2 * gaps.min()
    assert asked[-1][1] > rows - 2 * gaps.max()
    assert max(sketch.cells.shape) <= 480


def test_rings_of_a_known_light() -> None:
    """The radial profile of a light that falls with the square of the radius is that square, ring by ring."""
    shape = (300, 400)
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    radius = np.hypot(y - 150, x - 200) / 250
    frame = (1000 * (1 - 0.3 * radius**2)).astype(np.float32)
    where, means = ring_means(sketch_of(frame).cells, shape=shape, rings=40)
    # A ring's mean differs from its middle by no more than the light's change over half of its width.
    assert np.abs(means - 1000 * (1 - 0.3 * where**2)).max() < 0.6 * 1000 / 40 / 2
    assert sketch_of(frame).center() == pytest.approx(1000.0, rel=5e-3)


def test_rings_leave_out_what_has_no_value() -> None:
    """Pixels without a value count in no ring, and a ring of nothing else is NaN."""
    frame = np.full((100, 100), 7.0, np.float32)
    frame[40:60, 40:60] = np.nan
    _, means = ring_means(sketch_of(frame).cells, shape=(100, 100), rings=20)
    assert np.isnan(means[:2]).all()
    np.testing.assert_allclose(means[5:], 7.0)
    assert math.isnan(sketch_of(frame).center())


def test_sections_go_through_the_middle() -> None:
    """Of a plane that rises to the right and falls downwards, each section has its own slope."""
    y, x = np.mgrid[:80, :120].astype(np.float32)
    found = sections(sketch_of(100.0 + x - 0.5 * y).cells)
    ends = {name: values[-1] - values[0] for name, (_, values) in found.items()}
    assert ends["across"] == pytest.approx(119.0)
    assert ends["down"] == pytest.approx(-39.5)
    # A diagonal's three cells side by side lie within the frame: at its ends the mean is off by a third of a cell.
    assert ends["falling diagonal"] == pytest.approx(119.0 - 39.5, abs=0.7)
    assert ends["rising diagonal"] == pytest.approx(-119.0 - 39.5, abs=0.7)
    assert all(0 < place[0] < place[-1] < 1 for place, _ in found.values())
