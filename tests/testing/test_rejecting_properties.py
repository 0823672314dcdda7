"""What holds for the twins of all rejections, and the corrected limits on dequantized samples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evenfield.model.rejections import CORRECTED, DEQUANTIZE_BELOW, Ccd, Linear, Rejection, Sigma, Winsorized, rejection
from evenfield.testing import combine_reference
from evenfield.testing.rejecting import dequantized, reject_column
from evenfield.testing.rejecting_verdict import SampleTerms
from evenfield.testing.strategies import NAMES, float_stacks, rejections

COUNTS = ("count", "rejected_low", "rejected_high")
ANY_SCALE = tuple(name for name in NAMES if name != "ccd")
ANY_LEVEL = tuple(name for name in NAMES if name not in ("ccd", "percentile", "averaged"))


@settings(deadline=None, max_examples=100)
@given(float_stacks(max_frames=12, max_pixels=6), st.data())
def test_order_of_frames_does_not_matter(stack: np.ndarray, data: st.DataObject) -> None:
    """Shuffled frames give the same value and counts, but where a limit was met to rounding."""
    chosen = data.draw(rejections(stack.shape[0], among=NAMES))
    order = data.draw(st.permutations(range(stack.shape[0])))
    first, second = (
        combine_reference(stack, reject=chosen, limits="nominal"),
        combine_reference(stack[order], reject=chosen, limits="nominal"),
    )
    clear = first.margin > 1e-9
    for name in COUNTS:
        np.testing.assert_array_equal(getattr(first, name)[clear], getattr(second, name)[clear])
    np.testing.assert_allclose(second.value[clear], first.value[clear], rtol=1e-12, atol=1e-9)


@settings(deadline=None, max_examples=100)
@given(float_stacks(max_frames=12, max_pixels=6), st.data())
def test_scaled_samples_lose_the_same(stack: np.ndarray, data: st.DataObject) -> None:
    """Four times the samples have four times the value and lose the same; all but ccd, which knows a camera."""
    chosen = data.draw(rejections(stack.shape[0], among=ANY_SCALE))
    found, scaled = (
        combine_reference(stack, reject=chosen, limits="nominal"),
        combine_reference(4.0 * stack, reject=chosen, limits="nominal"),
    )
    for name in COUNTS:
        np.testing.assert_array_equal(getattr(found, name), getattr(scaled, name))
    np.testing.assert_array_equal(scaled.value, 4.0 * found.value)


@settings(deadline=None, max_examples=100)
@given(float_stacks(max_frames=12, max_pixels=6), st.data())
def test_mirrored_samples_lose_the_other_side(stack: np.ndarray, data: st.DataObject) -> None:
    """The negative samples lose low what the samples lose high, where the limits are alike and know no level."""
    chosen = data.draw(rejections(stack.shape[0], among=ANY_LEVEL))
    if "high" in chosen.__struct_fields__:
        chosen = type(chosen)(**{**_fields(chosen), "high": _fields(chosen)["low"]})
    if "n_high" in chosen.__struct_fields__ and chosen.n_low != chosen.n_high:  # type: ignore[union-attr]
        return
    found, mirrored = (
        combine_reference(stack, reject=chosen, limits="nominal"),
        combine_reference(-stack, reject=chosen, limits="nominal"),
    )
    clear = found.margin > 2e-6  # equal distances lose the greater value first
    np.testing.assert_array_equal(found.rejected_low[clear], mirrored.rejected_high[clear])
    np.testing.assert_array_equal(found.rejected_high[clear], mirrored.rejected_low[clear])


def _fields(chosen: Rejection) -> dict[str, object]:
    return {name: getattr(chosen, name) for name in chosen.__struct_fields__}


@settings(deadline=None, max_examples=100)
@given(float_stacks(max_frames=12, max_pixels=6, holes=False), st.data())
def test_survivors_and_rejected_are_all(stack: np.ndarray, data: st.DataObject) -> None:
    """Count and rejections add up to the frames, with either meaning of the limits; one sample always stays."""
    chosen = data.draw(rejections(stack.shape[0], among=NAMES))
    found = combine_reference(stack, reject=chosen, limits="nominal")
    total = found.count + found.rejected_low + found.rejected_high
    np.testing.assert_array_equal(total, stack.shape[0])
    assert (found.count > 0).all()
    assert np.isfinite(found.value).all()


def test_dequantizing_starts_from_splitmix64() -> None:
    """Bits that are the published increment of splitmix64 give the first published number, whose low half is mixed on.

    Every fourth rank takes a new number of lowbias32; its bytes are uniform.
    """
    first = np.array([0x9E3779B97F4A7C15], np.uint64).view(np.float64)  # -1.0e-140 or so: a sum like any other
    moved = dequantized(np.concatenate([first, np.zeros(2)]), step=2.0)
    seed = 0xE220A8397B1DCDAF & 0xFFFFFFFF
    for _ in range(2):  # two samples that are no whole part of a step away from the least one
        seed = seed * 0x85EBCA6B % 2**32
        seed ^= seed >> 13
    for rank in range(3):
        w = (seed + 0x9E3779B9) % 2**32  # of the first four ranks
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
            w = (w ^ w >> shift) * factor % 2**32
        byte = (w ^ w >> 16).to_bytes(4, "little")[rank]
        assert moved[rank] == pytest.approx((byte + 0.5) * 2.0**-7 - 1.0, abs=1e-15)
    many = dequantized(np.zeros(16384), step=2.0)
    values, counts = np.unique(many, return_counts=True)
    np.testing.assert_allclose(values, (np.arange(256) + 0.5) / 128 - 1.0, atol=1e-15)
    assert 64 - 5 * 8 < counts.min() <= counts.max() < 64 + 5 * 8


def test_dequantizing_depends_on_every_sample() -> None:
    """Columns of one sum are moved each in its own way, whatever the unit of the step."""
    columns = np.array([[500.0, 502.0, 504.0, 506.0], [500.0, 503.0, 503.0, 506.0], [501.0, 501.0, 504.0, 506.0]])
    for step in (1.0, 4.0, 0.25):
        moved = np.array([dequantized(column * step, step=step) - column * step for column in columns]) / step
        assert np.abs(moved[:, None] - moved[None]).max(axis=2)[~np.eye(3, dtype=bool)].min() > 0.01
        assert np.abs(moved).max() <= 0.5


def test_dequantizing_gives_normal_samples_back_their_continuum() -> None:
    """What is added is uniform within half a step; noise of 1.5 steps has its variance and twice that of rounding."""
    generator = np.random.default_rng(4)
    levels = generator.uniform(900, 1000, 4000)
    true = np.sort(np.round(generator.normal(levels, 1.5, (12, 4000))), axis=0)
    true += levels  # calibrated: else columns of the same sum have the same numbers
    moved = np.array([dequantized(x, step=1.0) for x in true.T]).T
    assert stats.kstest((moved - true).ravel() + 0.5, "uniform").pvalue > 0.01
    assert moved.var(axis=0, ddof=1).mean() == pytest.approx(1.5**2 + 1 / 6, rel=0.02)


@pytest.mark.parametrize("text", ["none", "extremes:1", "minmax:1,2", "percentile:0.01,0.01", "rcr"])
def test_limits_that_cannot_be_corrected_are_as_they_stand(text: str) -> None:
    """What has no table decides on the true samples, and the same in both modes."""
    stack = np.round(np.random.default_rng(6).normal(200, 2, (14, 60)))
    nominal = combine_reference(stack, reject=text, step=1.0, limits="nominal")
    corrected = combine_reference(stack, reject=text, step=1.0, limits="corrected")
    for field in dataclasses.fields(nominal):
        np.testing.assert_array_equal(getattr(nominal, field.name), getattr(corrected, field.name))


CORRECTABLE = ["zscore:2", "sigma:3,3", "mad:3,3", "winsorized:4,3", "averaged:3,3", "linear:4,3", "ccd:3,3,3,1"]


@pytest.mark.parametrize("text", [*CORRECTABLE, "linear:3,3,against=scores"])
def test_corrected_limits_keep_their_promise_for_few_samples(text: str) -> None:
    """Clean columns of 11 integers of noise 6 lose the normal share of their limits on each side, within the error."""
    chosen, columns = rejection(text), 4000
    generator = np.random.default_rng(41)
    levels = generator.uniform(1000, 1100, columns)
    if isinstance(chosen, Ccd):
        chosen = Ccd(low=chosen.low, high=chosen.high, read_noise_adu=float(np.hypot(6.0, 6**-0.5)))
    stack = np.round(levels + 6.0 * generator.normal(size=(11, columns)))
    found = combine_reference(stack, reject=chosen, step=1.0, limits="corrected")
    low, high = (chosen.limit,) * 2 if text.startswith("zscore") else (chosen.low, chosen.high)
    for lost, limit in ((found.rejected_low, low), (found.rejected_high, high)):
        promised = stats.norm.sf(limit)
        error = max(lost.std(), np.sqrt(11 * promised)) / np.sqrt(columns) / 11
        assert abs(lost.mean() / 11 - promised) < 4 * error + 0.1 * promised


def test_where_the_noise_is_many_steps_nothing_is_dequantized() -> None:
    """Columns of 8 steps and more are decided on their true samples; those of less are not."""
    generator = np.random.default_rng(9)
    stack = np.round(generator.normal(1000, 20, (10, 40)))
    for text in CORRECTABLE:
        chosen = rejection(text)
        with_step = combine_reference(stack, reject=chosen, step=1.0, limits="corrected")
        without = combine_reference(stack, reject=chosen, limits="corrected")
        np.testing.assert_array_equal(with_step.margin[stack.std(axis=0, ddof=1) >= DEQUANTIZE_BELOW], without.margin)
    fine = np.round(generator.normal(1000, 2, (10, 40)))
    with_step = combine_reference(fine, reject=Sigma(), step=1.0, limits="corrected")
    assert (with_step.margin != combine_reference(fine, reject=Sigma(), limits="corrected").margin).all()


def test_what_is_decided_on_dequantized_samples_is_done_to_the_true_ones() -> None:
    """As many of the least and greatest true samples go as were rejected low and high, and the mean is a true one."""
    x = np.array([7.0, 5, 6, 40, 5, 6, 7, 6, 5, 6, 7, 6])
    found = reject_column(x, chosen=Winsorized(low=4.0, high=3.0), step=1.0, corrected=True)
    assert found is not None
    assert x[found.high].tolist() == [40]
    assert not found.low.any()
    combined = combine_reference(x[:, None], reject="winsorized:4,3", step=1.0, limits="corrected")
    assert combined.value[0] == pytest.approx(6.0, abs=1e-12)


def test_samples_one_step_off_are_lost_no_more_than_promised() -> None:
    """Columns of mostly equal samples: limits of 2 lose at most the normal share of them, the textbook's more."""
    generator = np.random.default_rng(12)
    stack = np.where(generator.random((30, 60)) < 0.05, 6.0, 5.0)
    promised = 0.02275 * stack.size
    for text in ("winsorized:2,2", "sigma:2,2"):
        nominal = combine_reference(stack, reject=text, step=1.0, limits="nominal")
        corrected = combine_reference(stack, reject=text, step=1.0, limits="corrected")
        assert corrected.rejected_high.sum() <= promised < nominal.rejected_high.sum()


def test_an_outlier_does_not_lift_the_least_distance() -> None:
    """Where one sample makes the noise look like many steps, it alone goes, and not those one step off."""
    x = np.array([1339.0] * 8 + [1340] * 3 + [1372])
    assert x.std(ddof=1) > DEQUANTIZE_BELOW
    found = reject_column(x, chosen=Sigma(low=3.0, high=2.0), step=1.0, corrected=True)
    assert found is not None
    assert x[found.high].tolist() == [1372]
    without = reject_column(x, chosen=Sigma(low=3.0, high=2.0), corrected=True)
    assert without is not None
    assert x[without.high].tolist() == [1340, 1340, 1340, 1372]


def test_ccd_terms_go_with_the_sorted_places() -> None:
    """Dequantized, each place has the terms of the true sample that stood there, whatever the order of the frames."""
    x = np.array([200.0, 203, 199, 240, 201, 202, 198, 236])
    far = np.array([0, 0, 0, 1, 0, 0, 0, 0.0])
    chosen = Ccd(low=3.0, high=3.0, read_noise_adu=4.0, egain_e_per_adu=1e4)
    for scales, levels in ((1.0 + 3.0 * far, 0.0 * far), (1.0 + 0.0 * far, 2.4e6 * far)):  # noise 16
        for order in (np.arange(8), np.arange(8)[::-1], np.array([3, 1, 7, 0, 2, 6, 5, 4])):
            terms = SampleTerms(scales=scales[order], levels=levels[order])
            found = reject_column(x[order], chosen=chosen, step=4.0, corrected=True, terms=terms)
            assert found is not None
            assert x[order][found.high].tolist() == [236]


def test_every_corrected_rejection_is_tested_here() -> None:
    """The list above names each of them."""
    assert {type(rejection(text)) for text in CORRECTABLE} == set(CORRECTED)
    assert Linear in CORRECTED
