"""The kernels against their plain NumPy twins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfield.combine import combine_frames
from evenfield.combine.frames import _step_of_stack
from evenfield.model.pixels import Combined
from evenfield.model.rejections import Limits, Rejection
from evenfield.testing import Reference, combine_reference
from evenfield.testing.strategies import float_stacks, integer_stacks, rejections

CLOSE = 1e-9
"""Nearer than this to a limit, the order of float64 sums may decide; the tie rule keeps exact ties far from it."""


def assert_agrees(found: Combined, twin: Reference, scale: float) -> None:
    """Decisions are equal, values and noise equal to float32 rounding, wherever no limit was met by chance.

    Noise is the root of a float32 sum of squares of up to N samples, each wrong by 2^-24 of itself.
    """
    clear = twin.margin > CLOSE
    for name in ("count", "rejected_low", "rejected_high"):
        np.testing.assert_array_equal(getattr(found, name)[clear], getattr(twin, name)[clear], err_msg=name)
    np.testing.assert_allclose(found.value[clear], twin.value[clear], rtol=2e-7, atol=2e-7 * scale, err_msg="value")
    np.testing.assert_allclose(found.noise[clear], twin.noise[clear], rtol=1e-5, atol=2e-7 * scale, err_msg="noise")


@st.composite
def cases(draw: st.DrawFn, stacks: st.SearchStrategy[Any]) -> tuple[Any, str, Rejection, Any, Limits]:
    """A stack, a method, a rejection that fits it, perhaps weights, and what the limits mean."""
    stack = draw(stacks)
    n = stack.shape[0]
    method = draw(st.sampled_from(["mean", "median"]))
    weights = None
    if method == "mean" and draw(st.booleans()):
        weights = draw(st.lists(st.sampled_from([0.0, 0.25, 1.0, 3.5]), min_size=n, max_size=n))
        weights[draw(st.integers(0, n - 1))] = 2.0
    return stack, method, draw(rejections(n)), weights, draw(st.sampled_from(["corrected", "nominal"]))


@settings(deadline=None, max_examples=250)
@given(cases(float_stacks()))
def test_float_stacks_agree_with_the_twin(case: tuple[Any, str, Rejection, Any, Limits]) -> None:
    """Normal samples with outliers, NaN and infinities: kernel and twin agree for every rejection and method."""
    stack, method, chosen, weights, limits = case
    found = combine_frames(stack, method=method, reject=chosen, weights=weights, limits=limits)
    twin = combine_reference(stack, method=method, reject=chosen, weights=weights, limits=limits)
    assert_agrees(found, twin, float(np.nanmax(np.abs(np.where(np.isfinite(stack), stack, 0.0)), initial=1.0)))


@settings(deadline=None, max_examples=250)
@given(cases(integer_stacks()))
def test_integer_stacks_agree_with_the_twin(case: tuple[Any, str, Rejection, Any, Limits]) -> None:
    """Integers of few values, full of ties and constant columns: kernel and twin agree, exact ties included."""
    stack, method, chosen, weights, limits = case
    found = combine_frames(stack, method=method, reject=chosen, weights=weights, limits=limits)
    step = float(_step_of_stack(stack))
    twin = combine_reference(stack, method=method, reject=chosen, weights=weights, step=step, limits=limits)
    assert_agrees(found, twin, float(stack.max()) + 1.0)


def test_averaged_beside_a_column_of_equal_samples() -> None:
    """A column without any scatter adds none to its row's noise, whether decided in float32 or in float64."""
    stack = np.random.default_rng(2).integers(1, 12, (10, 5))
    stack[:, 4] = 1
    found = [combine_frames(stack.astype(kind), reject="averaged:0.5,1.0") for kind in (np.uint16, np.int32)]
    twin = combine_reference(stack, reject="averaged:0.5,1.0", step=1.0, limits="corrected")
    for name in ("count", "rejected_low", "rejected_high"):
        assert getattr(found[0], name).tolist() == getattr(found[1], name).tolist() == getattr(twin, name).tolist()


@pytest.mark.parametrize("limits", ["corrected", "nominal"])
@pytest.mark.parametrize(
    "text",
    [
        "none",
        "zscore:2",
        "extremes:2",
        "minmax:2,3",
        "percentile:0.05,0.04",
        "sigma:2,2.5",
        "mad:3,2",
        "winsorized:3,2",
        "averaged:3,3",
        "linear:4,4",
        "linear:4,3,scores",
        "esd:0.2,0.05",
        "rcr:0.1",
        "ccd:3,2.5,read_noise_adu=10,egain_e_per_adu=1.1,scale_noise=0.001",
    ],
)
def test_a_hundred_frames_agree_with_the_twin(text: str, limits: Limits) -> None:
    """A long column, with outliers on both sides, is rejected and combined as the twin says."""
    generator = np.random.default_rng(7)
    stack = generator.normal(30000, 170, (100, 50))
    stack[generator.random(stack.shape) < 0.05] += 3000
    stack[generator.random(stack.shape) < 0.02] -= 2000
    found, twin = (
        combine_frames(stack, reject=text, limits=limits),
        combine_reference(stack, reject=text, limits=limits),
    )
    assert np.count_nonzero(twin.margin > CLOSE) >= 49
    assert_agrees(found, twin, 30000.0)


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">i2", "uint16", "int32", "uint32", "int64", ">f4", "float64"])
@pytest.mark.parametrize("layout", ["C", "F"])
def test_every_dtype_and_layout_is_taken(dtype: str, layout: str) -> None:
    """A stack of any real dtype, byte order and memory layout gives what its values as float64 give."""
    values = np.random.default_rng(3).integers(0, 120, (9, 5, 7))
    stack = np.asarray(values.astype(dtype), order="C" if layout == "C" else "F")
    found = combine_frames(stack, reject="sigma:2,2")
    expected = combine_frames(values.astype(np.float64), reject="sigma:2,2")
    assert found.value.shape == (5, 7)
    for name in ("count", "rejected_low", "rejected_high"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    # 16-bit integers and float32 are summed in float32.
    np.testing.assert_allclose(found.value, expected.value, rtol=2e-7)
    np.testing.assert_allclose(found.noise, expected.noise, rtol=2e-6)


def test_float64_samples_keep_their_precision() -> None:
    """Samples that differ by 1e-9 of their value are still told apart: the outlier among them is rejected."""
    stack = np.full((12, 1), 1.0) + 1e-9 * np.arange(12)[:, None]
    stack[5] = 1.0 + 1e-6
    found = combine_frames(stack, reject="winsorized:4,3")
    assert found.rejected_high.tolist() == [1]
    assert found.noise[0] == pytest.approx(np.delete(stack[:, 0], 5).std(ddof=1) / np.sqrt(11), rel=1e-6)
