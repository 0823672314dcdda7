"""The twins themselves, against answers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from evenfield.model.rejections import REJECTIONS, Sigma, ZScore, least_frames, rejection, rejection_text
from evenfield.testing import combine_reference
from evenfield.testing.rejecting_repeated import winsorized_std
from evenfield.testing.strategies import NAMES, float_stacks, integer_stacks, rejections


def test_margin_tells_how_near_a_limit_was() -> None:
    """The margin is the least relative distance to a limit with its 1e-6; infinite where nothing is tested."""
    stack = np.array([[0.0], [0.0], [0.0], [0.0], [1.0]])
    tie = combine_reference(stack, reject=ZScore(limit=2.0), limits="nominal")
    assert tie.margin[0] == pytest.approx(1e-6, rel=1e-6)
    assert tie.count[0] == 5
    far = combine_reference(stack, reject=ZScore(limit=1.0), limits="nominal")
    assert far.margin[0] == pytest.approx(0.5, abs=2e-6)
    assert far.rejected_high[0] == 1
    assert combine_reference(stack, reject="minmax:1,1", limits="nominal").margin[0] == math.inf
    assert combine_reference(stack[:3], reject=Sigma(), limits="nominal").margin[0] == math.inf


def test_winsorized_std_ends_where_the_clamped_samples_agree() -> None:
    """The result s is 1.134 times the standard deviation of the samples clamped at 1.5 s, to the tolerance."""
    x = np.random.default_rng(3).normal(100, 4, 4000)
    x[:80] += 300
    s = winsorized_std(x, 0.0)
    again = 1.134 * np.clip(x, np.median(x) - 1.5 * s, np.median(x) + 1.5 * s).std(ddof=1)
    assert again == pytest.approx(s, rel=1e-3)
    assert s == pytest.approx(4.0, rel=0.08)
    assert winsorized_std(np.full(9, 3.0), 0.25) == 0.25


def test_huber_constant_undoes_the_clamping() -> None:
    """A normal distribution clamped at 1.5 sigma has 1 / 1.13339 of its standard deviation."""
    inside = math.erf(1.5 / math.sqrt(2))
    density = math.exp(-1.125) / math.sqrt(2 * math.pi)
    variance = inside - 3.0 * density + 2.25 * (1 - inside)
    assert 1 / math.sqrt(variance) == pytest.approx(1.13339, abs=1e-5)


def test_reference_takes_any_shape() -> None:
    """A stack of pictures gives pictures, one of no pixels gives none."""
    stack = np.random.default_rng(1).normal(size=(6, 3, 4))
    found = combine_reference(stack, method="median")
    np.testing.assert_allclose(found.value, np.median(stack, axis=0))
    assert found.margin.shape == (3, 4)
    assert combine_reference(np.ones((2, 0))).value.shape == (0,)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_strategies_give_what_they_promise(data: st.DataObject) -> None:
    """Rejections fit the number of frames; integer stacks are 16 bit; float stacks without holes are finite."""
    n = data.draw(st.integers(1, 12))
    chosen = data.draw(rejections(n, among=NAMES))
    assert least_frames(chosen) <= n
    assert rejection(rejection_text(chosen)) == chosen
    integers = data.draw(integer_stacks(max_frames=5, max_pixels=6, span=3))
    assert integers.dtype == np.uint16
    assert np.ptp(integers.astype(int)) <= 3
    assert np.isfinite(data.draw(float_stacks(max_frames=5, max_pixels=6, holes=False))).all()


@pytest.mark.parametrize("name", NAMES)
def test_strategies_draw_every_rejection(name: str) -> None:
    """Each rejection but "auto" can be drawn, and only it where it is the only one asked for."""
    assert isinstance(find(rejections(9, among=[name]), lambda _: True), REJECTIONS[name])
    assert set(NAMES) == set(REJECTIONS) - {"auto"}
