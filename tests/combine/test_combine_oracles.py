"""Combining against other programs' code, where they have the same definition; ccd's terms against the twin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from astropy.stats import mad_std, sigma_clip
from scipy import special, stats

from evenfield.combine import BandTerms, CombineRecipe, combine_band, combine_frames
from evenfield.model.pixels import Combined, Encoding
from evenfield.model.rejections import Ccd, Limits
from evenfield.testing.rejecting import reject_column
from evenfield.testing.rejecting_verdict import SampleTerms

FRAMES = [5, 8, 13, 30]


def hit_stack(n: int, *, pixels: int = 1500, seed: int = 1) -> np.ndarray:
    """Normal samples of noise 5 at level 3000, of which 4 % were hit and 2 % are low."""
    generator = np.random.default_rng(1000 * n + seed)
    stack = generator.normal(3000, 5, (n, pixels))
    stack[generator.random(stack.shape) < 0.04] += 90
    stack[generator.random(stack.shape) < 0.02] -= 70
    return stack


def assert_same(found: Combined, lost: np.ndarray, stack: np.ndarray, *, of: np.ndarray | None = None) -> None:
    """The mean of what the oracle kept, and its number of samples, in the columns ``of``, which are most."""
    columns = np.ones(stack.shape[1], bool) if of is None else of
    assert columns.mean() > 0.9
    kept = np.where(lost, np.nan, stack)[:, columns]
    np.testing.assert_array_equal(found.count[columns], np.count_nonzero(~lost[:, columns], axis=0))
    np.testing.assert_allclose(found.value[columns], np.nanmean(kept, axis=0), rtol=2e-7)


def std_1(x: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Standard deviation, ddof 1, of what is not NaN."""
    return np.nanstd(x, axis=axis, ddof=1)


def mad_14826(x: np.ndarray, axis: int | None = None) -> np.ndarray:
    """The MAD times 1.4826, where astropy has 1.482602218505602."""
    return mad_std(x, axis=axis, ignore_nan=True) * (1.4826 * stats.norm.ppf(0.75))


@pytest.mark.parametrize("n", FRAMES)
@pytest.mark.parametrize(("text", "scatter"), [("sigma:3,2", std_1), ("mad:9,8", mad_14826)])
def test_sigma_and_mad_agree_with_astropy(text: str, scatter: Any, n: int) -> None:
    """astropy's sigma_clip about the median to its end rejects the same, where it does not go below four samples."""
    stack = hit_stack(n)
    low, high = (float(limit) for limit in text.split(":")[1].split(","))
    # With an axis astropy keeps in mind what it rejected; without one the last bounds alone make its mask.
    clipped = sigma_clip(
        stack, sigma_lower=low, sigma_upper=high, cenfunc="median", stdfunc=scatter, maxiters=None, axis=0
    )
    lost = np.ma.getmaskarray(clipped)
    assert lost.any()
    assert_same(combine_frames(stack, reject=text, limits="nominal"), lost, stack, of=(~lost).sum(axis=0) > 3)


@pytest.mark.parametrize("n", FRAMES)
def test_zscore_agrees_with_astropy(n: int) -> None:
    """astropy's sigma_clip about the mean, once, with the standard deviation of ddof 0."""
    stack = hit_stack(n)
    lost = np.ma.getmaskarray(sigma_clip(stack, sigma=1.7, cenfunc="mean", maxiters=1, axis=0))
    assert lost.any()
    assert_same(combine_frames(stack, reject="zscore:1.7", limits="nominal"), lost, stack)


@pytest.mark.parametrize("n", FRAMES)
def test_zscore_and_minmax_agree_with_ccdproc(n: int) -> None:
    """ccdproc's clipping about the mean, and its dropping of the extremes: value and count."""
    ccdproc = pytest.importorskip("ccdproc")
    from astropy import units as u

    stack = hit_stack(n, pixels=600).reshape(n, 20, 30)
    for text in ("zscore:1.7", "minmax:1,2"):
        combiner = ccdproc.Combiner([ccdproc.CCDData(frame, unit=u.adu) for frame in stack])
        if text.startswith("minmax"):
            combiner.clip_extrema(nlow=1, nhigh=2)
        else:
            combiner.sigma_clipping(low_thresh=1.7, high_thresh=1.7, func="mean", dev_func="std")
        lost = np.ma.getmaskarray(combiner.data_arr)
        found = combine_frames(stack, reject=text, limits="nominal")
        np.testing.assert_array_equal(found.count, np.count_nonzero(~lost, axis=0))
        np.testing.assert_allclose(found.value, combiner.average_combine().data, rtol=2e-7)


@pytest.mark.parametrize("n", FRAMES)
def test_minmax_agrees_with_scipy(n: int) -> None:
    """SciPy's trimmed mean, which cuts as many from either end."""
    stack = hit_stack(n)
    cut = (n - 1) // 2
    found = combine_frames(stack, reject=f"minmax:{cut},{cut}")
    np.testing.assert_allclose(found.value, stats.trim_mean(stack, (cut + 0.5) / n, axis=0), rtol=2e-7)


@pytest.mark.parametrize("n", FRAMES)
def test_median_and_noise_agree_with_scipy(n: int) -> None:
    """SciPy's standard error of the mean, NumPy's median."""
    stack = hit_stack(n)
    np.testing.assert_allclose(combine_frames(stack).noise, stats.sem(stack, axis=0), rtol=2e-7)
    np.testing.assert_allclose(combine_frames(stack, method="median").value, np.median(stack, axis=0), rtol=2e-7)


@pytest.mark.parametrize("n", FRAMES)
def test_esd_agrees_with_students_quantiles_of_scipy(n: int) -> None:
    """Rosner's test on all columns at once: the steps by masking, the limits from SciPy's Student distribution."""
    stack = hit_stack(n)
    lost, kept = np.zeros(stack.shape, bool), stack.copy()
    places: list[np.ndarray] = []
    number = np.zeros(stack.shape[1], int)
    for i in range(1, min(math.ceil(0.3 * n), n - 2) + 1):
        away = np.abs(kept - np.nanmean(kept, axis=0))
        places.append(np.nanargmax(away, axis=0))
        p = 1 - 0.05 / (2 * (n - i + 1))
        t = stats.t.ppf(p, n - i - 1)
        limit = (n - i) * t / math.sqrt((n - i - 1 + t**2) * (n - i + 1))
        number[np.nanmax(away, axis=0) / np.nanstd(kept, axis=0, ddof=1) > limit] = i
        np.put_along_axis(kept, places[-1][None], np.nan, axis=0)
    for i, place in enumerate(places, start=1):
        columns = np.flatnonzero(number >= i)
        lost[place[columns], columns] = True
    assert lost.any()
    assert_same(combine_frames(stack, reject="esd:0.3,0.05", limits="nominal"), lost, stack)


@pytest.mark.parametrize("against", ["ranks", "scores"])
@pytest.mark.parametrize("n", FRAMES[1:])
def test_linear_agrees_with_numpy_polyfit(n: int, against: str) -> None:
    """A straight line by numpy.polyfit through the sorted survivors, renewed until none lies beyond its residuals."""
    stack = hit_stack(n, pixels=400)
    lost = np.zeros(stack.shape, bool)
    for column, marks in zip(stack.T, lost.T, strict=True):
        while np.count_nonzero(~marks) > 4:
            places = np.flatnonzero(~marks)[np.argsort(column[~marks])]
            t = np.arange(places.size)
            if against == "scores":
                t = stats.norm.ppf((t + 1 - 0.375) / (t.size + 0.25))
            y = column[places] - column[places].mean()
            residuals = y - np.polyval(np.polyfit(t, y, 1), t)
            d = np.abs(residuals).mean()
            bad = (residuals > 3 * d) | (residuals < -4 * d)
            if not bad.any():
                break
            marks[places[bad]] = True
    assert lost.any()
    assert_same(combine_frames(stack, reject=f"linear:4,3,against={against}", limits="nominal"), lost, stack)


@pytest.mark.parametrize("n", FRAMES)
def test_percentile_agrees_with_numpy(n: int) -> None:
    """Shares of the median, once: far from each limit and with a median far above 10 s, as NumPy counts them."""
    stack = hit_stack(n)
    m = np.median(stack, axis=0)
    lost = ((m - stack) / m > 0.01) | ((stack - m) / m > 0.02)
    assert lost.any()
    assert_same(combine_frames(stack, reject="percentile:0.01,0.02"), lost, stack)


@pytest.mark.parametrize("n", FRAMES)
def test_rcr_agrees_with_numpy_quantile(n: int) -> None:
    """Three phases, one worst sample at a time: NumPy's quantile for the 68.3 % deviation, SciPy's normal tail."""
    stack = hit_stack(n, pixels=400)
    one_sigma = special.erf(math.sqrt(0.5))
    lost = np.zeros(stack.shape, bool)
    for column, marks in zip(stack.T, lost.T, strict=True):
        for phase in range(3):
            while (size := np.count_nonzero(~marks)) > 3:
                x = column[~marks]
                center = x.mean() if phase == 2 else np.median(x)
                d = np.sort(np.abs(x - center))
                t = stats.norm.isf((1 - (np.arange(size) + one_sigma) / size) / 2)
                t = t[t < 1]
                line = np.linalg.lstsq(t[:, None], d[: t.size], rcond=None)[0][0]
                s = (line, np.quantile(d, one_sigma), x.std(ddof=1))[phase]
                if size * 2 * stats.norm.sf(d[-1] / s) >= 0.1:
                    break
                marks[np.nanargmax(np.where(marks, np.nan, np.abs(column - center)))] = True
    assert lost.any()
    assert_same(combine_frames(stack, reject="rcr:0.1"), lost, stack)


@pytest.mark.parametrize("n", FRAMES)
def test_ccd_agrees_with_a_mask_of_the_whole_stack(n: int) -> None:
    """The camera's noise at the median of the survivors, all columns at once, until nothing goes."""
    stack = hit_stack(n)
    kept = stack.copy()
    while True:
        m = np.nanmedian(kept, axis=0)
        noise = np.sqrt(4.0**2 + np.maximum(m, 0.0) / 300 + (0.0005 * m) ** 2)
        beyond = (kept - m > 3 * noise) | (m - kept > 4 * noise)
        beyond &= np.count_nonzero(np.isfinite(kept), axis=0) > 3
        if not beyond.any():
            break
        kept[beyond] = np.nan
    lost = np.isnan(kept)
    assert lost.any()
    assert_same(combine_frames(stack, reject="ccd:4,3,4,300,0.0005", limits="nominal"), lost, stack)


@pytest.mark.parametrize("limits", ["nominal", "corrected"])
@pytest.mark.parametrize("step", [0.0, 1.0, 40.0])
def test_ccd_knows_each_samples_scale_and_subtracted_level(step: float, limits: Limits) -> None:
    """Raw frames of one lamp, shifted, dark subtracted and scaled apart: the twin rejects the same samples."""
    generator = np.random.default_rng(77)
    n, pixels = 12, 800
    masters = generator.normal([[300.0], [700.0]], 60.0, (2, pixels)).astype(np.float32)
    which = np.arange(n) % 3 - 1
    shifts, scales = generator.uniform(900, 1100, n), generator.uniform(0.4, 2.5, n)
    levels = shifts[:, None] + np.where(which[:, None] >= 0, masters[which], 0.0)
    light = 4000.0 / scales[:, None]
    raw = np.round(generator.normal(light + levels, np.sqrt(25 + (light + levels - 1000) / 2)))
    raw[generator.random(raw.shape) < 0.05] += 400
    chosen = Ccd(low=3.5, high=3.0, read_noise_adu=5.0, egain_e_per_adu=2.0, scale_noise=0.002)
    recipe = CombineRecipe(rejection=chosen, step=step, limits=limits, bias_adu=1000.0)
    terms = BandTerms(shifts=shifts, scales=scales, subtract=masters, which=which.astype(np.int64))
    encoding = Encoding(dtype="int16", swapped=False, bzero=32768.0)
    stored = (raw - 32768).astype(np.int16)
    found = combine_band(stored, encoding=encoding, terms=terms, recipe=recipe)
    samples, clear = (raw - levels) * scales[:, None], 0
    for p in range(pixels):
        known = SampleTerms(scales=scales, levels=levels[:, p], bias=1000.0)
        twin = reject_column(samples[:, p], chosen=chosen, step=step, corrected=limits == "corrected", terms=known)
        assert twin is not None
        if twin.margin > 1e-9:
            clear += 1
            assert (found.rejected_low[p], found.rejected_high[p]) == (twin.low.sum(), twin.high.sum())
            assert found.value[p] == pytest.approx(samples[twin.kept, p].mean(), rel=2e-7)
    assert clear > 0.99 * pixels
    assert found.rejected_high.sum() > 200


@pytest.mark.parametrize("n", FRAMES)
def test_averaged_agrees_with_simulated_shares(n: int) -> None:
    """A row's noise by NumPy, its share of the inner scatter simulated, and a loop over the whole row."""
    stack = hit_stack(n)
    x = np.random.default_rng(n).normal(size=(n, 400000 // n))
    share = _inner_squares(x).mean() / (n - 1)
    m = np.median(stack, axis=0)
    g = math.sqrt((_inner_squares(stack) / m).mean() / ((n - 1) * share))
    kept, near = stack.copy(), np.zeros(stack.shape[1], bool)
    while True:
        m = np.nanmedian(kept, axis=0)
        deviation = (kept - m) / (g * np.sqrt(m))
        near |= np.any((np.abs(deviation / 3.5 - 1) < 0.01) | (np.abs(deviation / -4.5 - 1) < 0.01), axis=0)
        beyond = ((deviation > 3.5) | (deviation < -4.5)) & (np.count_nonzero(np.isfinite(kept), axis=0) > 3)
        if not beyond.any():
            break
        kept[beyond] = np.nan
    lost = np.isnan(kept)
    assert lost.any()
    # The simulated share is good to 0.5 %: what lies within 1 % of a limit is left out.
    assert_same(combine_frames(stack, reject="averaged:4.5,3.5", limits="nominal"), lost, stack, of=~near)


def _inner_squares(stack: np.ndarray) -> np.ndarray:
    inner = np.sort(stack, axis=0)[1:-1]
    return np.asarray(((inner - np.median(stack, axis=0)) ** 2).sum(axis=0))
