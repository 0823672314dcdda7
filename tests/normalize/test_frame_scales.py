"""Bringing frames to a common level before they are combined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfield.errors import CombineError
from evenfield.normalize import frame_scales

LEVELS = st.lists(st.floats(1.0, 60000.0), min_size=1, max_size=20)


@settings(deadline=None, max_examples=60)
@given(LEVELS)
def test_scaled_levels_are_all_the_mean_level(levels: list[float]) -> None:
    """Level times factor is the mean of the levels, for every frame."""
    scales = frame_scales(levels)
    assert scales.dtype == np.float64
    np.testing.assert_allclose(np.array(levels) * scales, np.mean(levels), rtol=1e-12)


@pytest.mark.parametrize("method", ["mean", "median"])
def test_levels_of_a_stack_are_found_without_nan(method: str) -> None:
    """A stack gives the factors of its frames' levels; NaN pixels count nowhere."""
    stack = np.array([[[1.0, 2.0, 6.0]], [[2.0, np.nan, 4.0]]])
    levels = [3.0, 3.0] if method == "mean" else [2.0, 3.0]
    np.testing.assert_allclose(frame_scales(stack, method=method), frame_scales(levels))


@pytest.mark.parametrize("bad", [0.0, -3.0, np.nan, np.inf])
def test_a_level_that_cannot_be_scaled_is_named(bad: float) -> None:
    """A level that is not finite or not positive is refused with the frame's index."""
    with pytest.raises(CombineError, match="frame 2"):
        frame_scales([10.0, 11.0, bad, 12.0])


def test_a_blank_frame_of_a_stack_is_named() -> None:
    """A frame of NaN has no level; the refusal names it, and no warning is given."""
    stack = np.ones((3, 2, 2))
    stack[1] = np.nan
    with pytest.raises(CombineError, match="frame 1 is nan"):
        frame_scales(stack)


def test_unknown_methods_and_no_levels_are_refused() -> None:
    """What is no level is refused."""
    with pytest.raises(CombineError, match="'mode'"):
        frame_scales([1.0], method="mode")
    with pytest.raises(CombineError, match="no levels"):
        frame_scales([])
