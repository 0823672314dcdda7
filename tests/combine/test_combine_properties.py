"""What must hold for every stack."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfield.combine import combine_frames
from evenfield.model.pixels import Combined
from evenfield.model.rejections import Averaged, Ccd
from evenfield.testing.strategies import float_stacks, integer_stacks, rejections

FIELDS = ("value", "noise", "count", "rejected_low", "rejected_high")
METHODS = st.sampled_from(["mean", "median"])


def assert_equal(one: Combined, other: Combined, where: Any = ...) -> None:
    """Bit-equal results (NaN equals NaN)."""
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name)[where], getattr(other, name)[where], err_msg=name)


@settings(deadline=None, max_examples=80)
@given(st.data(), st.one_of(float_stacks(), integer_stacks()), METHODS)
def test_order_of_frames_does_not_matter(data: st.DataObject, stack: Any, method: str) -> None:
    """Frames in another order: the same samples are rejected; float64 gives the same bits, 16 bits float32 rounding."""
    chosen = data.draw(rejections(stack.shape[0]))
    order = data.draw(st.permutations(range(stack.shape[0])))
    found = combine_frames(stack, method=method, reject=chosen)
    other = combine_frames(stack[order], method=method, reject=chosen)
    if stack.dtype == np.float64:
        assert_equal(found, other)
    for name in ("count", "rejected_low", "rejected_high"):
        np.testing.assert_array_equal(getattr(found, name), getattr(other, name), err_msg=name)
    np.testing.assert_allclose(found.value, other.value, rtol=2e-7, atol=2e-7 * 1e5)


@settings(deadline=None, max_examples=80)
@given(st.data(), float_stacks(), METHODS, st.sampled_from([2.0**-7, 0.5, 8.0, 1024.0]))
def test_scaling_scales(data: st.DataObject, stack: Any, method: str, factor: float) -> None:
    """All samples times a power of two: values and noise times it, the same samples rejected, to the last bit."""
    # The noise of a camera does not scale with its numbers.
    chosen = data.draw(rejections(stack.shape[0]).filter(lambda one: not isinstance(one, Ccd)))
    plain = combine_frames(stack, method=method, reject=chosen)
    scaled = combine_frames(stack * factor, method=method, reject=chosen)
    for name in FIELDS:
        times = np.float32(factor) if name in ("value", "noise") else 1
        np.testing.assert_array_equal(getattr(scaled, name), getattr(plain, name) * times, err_msg=name)


@settings(deadline=None, max_examples=80)
@given(st.data(), float_stacks(max_pixels=60), METHODS)
def test_every_tiling_gives_the_same_bits(data: st.DataObject, stack: Any, method: str) -> None:
    """A pixel's result depends on its own samples alone: cut anywhere, the parts are bit-equal to the whole.

    Only averaged depends on the whole row.
    """
    chosen = data.draw(rejections(stack.shape[0]).filter(lambda one: not isinstance(one, Averaged)))
    whole = combine_frames(stack, method=method, reject=chosen)
    cut = data.draw(st.integers(0, stack.shape[1]))
    for part in (slice(0, cut), slice(cut, stack.shape[1])):
        found = combine_frames(stack[:, part], method=method, reject=chosen)
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name)[part], err_msg=name)


@settings(deadline=None, max_examples=80)
@given(st.data(), float_stacks(holes=False), METHODS)
def test_nan_is_leaving_the_sample_out(data: st.DataObject, stack: Any, method: str) -> None:
    """A frame of NaN changes no bit of the result."""
    chosen = data.draw(rejections(stack.shape[0]))
    place = data.draw(st.integers(0, stack.shape[0]))
    blank = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    more = np.insert(stack, place, blank, axis=0)
    assert_equal(
        combine_frames(stack, method=method, reject=chosen), combine_frames(more, method=method, reject=chosen)
    )


@settings(deadline=None, max_examples=60)
@given(st.data(), float_stacks(holes=False))
def test_equal_weights_are_no_weights(data: st.DataObject, stack: Any) -> None:
    """Weights that are all equal give the plain mean to float32 rounding, and the same rejections."""
    chosen = data.draw(rejections(stack.shape[0]))
    plain = combine_frames(stack, reject=chosen)
    weighted = combine_frames(stack, reject=chosen, weights=np.full(stack.shape[0], 3.0))
    scale = float(np.abs(stack).max())
    np.testing.assert_allclose(weighted.value, plain.value, rtol=2e-7, atol=1e-13 * scale)
    np.testing.assert_allclose(weighted.noise, plain.noise, rtol=2e-7)
    for name in FIELDS[2:]:
        np.testing.assert_array_equal(getattr(weighted, name), getattr(plain, name))


@settings(deadline=None, max_examples=80)
@given(st.data(), st.one_of(float_stacks(), integer_stacks()))
def test_counts_add_up(data: st.DataObject, stack: Any) -> None:
    """Used and rejected samples are all valid ones, and a value lies within its samples."""
    chosen = data.draw(rejections(stack.shape[0]))
    found = combine_frames(stack, reject=chosen)
    valid = np.isfinite(stack)
    total = found.count.astype(int) + found.rejected_low + found.rejected_high
    np.testing.assert_array_equal(total, valid.sum(axis=0))
    some = valid.any(axis=0)
    least = np.where(valid, stack, np.inf).min(axis=0)[some].astype(np.float32)
    greatest = np.where(valid, stack, -np.inf).max(axis=0)[some].astype(np.float32)
    assert np.all(found.count[some] > 0)
    assert np.all((found.value[some] >= least) & (found.value[some] <= greatest))
    assert np.all(np.isnan(found.value[~some]))


@pytest.mark.parametrize("text", ["none", "winsorized:4,3"])
def test_threads_give_the_same_bits(text: str) -> None:
    """Eight calls on four threads at once give what one call gives."""
    stack = np.random.default_rng(1).normal(1000, 30, (15, 20000))
    expected = combine_frames(stack, reject=text)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: combine_frames(stack, reject=text), range(8)):
            assert_equal(found, expected)
