"""Pictures for pages: what is written as PNG is read back to the same shades."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from png_reader import shades_of

from evenfield.write.png import png_bytes


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 255)))
def test_round_trip(gray: np.ndarray) -> None:
    """Any picture comes back as it was."""
    np.testing.assert_array_equal(shades_of(png_bytes(gray)), gray)


def test_smooth_pictures_are_small() -> None:
    """A slope takes less than a twentieth of its pixels, which needs the filters."""
    y, x = np.mgrid[:200, :300]
    assert len(png_bytes(((x + y) % 256).astype(np.uint8))) < 200 * 300 / 20


def test_the_window_reads_it() -> None:
    """A reader that is not ours sees the same shades."""
    gui = pytest.importorskip("PySide6.QtGui")
    gray = np.random.default_rng(1).integers(0, 256, (7, 13)).astype(np.uint8)
    image = gui.QImage.fromData(png_bytes(gray))
    assert (image.height(), image.width()) == gray.shape
    assert [[image.pixelColor(x, y).red() for x in range(13)] for y in range(7)] == gray.tolist()
