"""The twins of the rejections against answers worked out by hand, published ones, and other programs' definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy.stats import mad_std, sigma_clip
from scipy import stats

from evenfield.errors import CombineError
from evenfield.model.rejections import Ccd, Esd, Linear, Mad, Percentile, Rcr, Rejection, Sigma, ZScore, rejection
from evenfield.testing import combine_reference
from evenfield.testing.rejecting import reject_column
from evenfield.testing.rejecting_repeated import ccd_noise, row_scatter, winsorized_std
from evenfield.testing.rejecting_singly import esd_limit, esd_steps
from evenfield.testing.rejecting_verdict import RowScatter, SampleTerms, Verdict

ROSNER = np.fromstring(
    """
    -0.25 0.68 0.94 1.15 1.20 1.26 1.26 1.34 1.38 1.43 1.49 1.49 1.55 1.56 1.58 1.65 1.69 1.70 1.76 1.77 1.81 1.91 1.94
    1.96 1.99 2.06 2.09 2.10 2.14 2.15 2.23 2.24 2.26 2.35 2.37 2.40 2.47 2.54 2.62 2.64 2.90 2.92 2.92 2.93 3.21 3.26
    3.30 3.59 3.68 4.30 4.64 5.34 5.42 6.01
    """,
    sep=" ",
)
"""NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.5.17.3, after Rosner 1983."""

TWENTY_TWO = np.array(
    [145, 125, 190, 135, 220, 130, 210, 3, 165, 165, 150, 350, 170, 180, 195, 440, 215, 135, 410, 40, 140, 175], float
)


def verdict(x: object, chosen: Rejection | str, **how: object) -> Verdict:
    """What the twin says of a column that does not lose all its samples."""
    chosen = rejection(chosen) if isinstance(chosen, str) else chosen
    found = reject_column(np.asarray(x, np.float64), chosen=chosen, **how)  # type: ignore[arg-type]
    assert found is not None
    return found


def outcome(x: object, chosen: Rejection | str, **how: object) -> tuple[list[float], list[float]]:
    """The samples rejected low and high, ascending."""
    values, found = np.asarray(x, np.float64), verdict(x, chosen, **how)
    return sorted(values[found.low].tolist()), sorted(values[found.high].tolist())


def test_esd_takes_rosners_steps() -> None:
    """The ten steps on Rosner's 54 points have the published R and lambda."""
    steps = esd_steps(ROSNER, most=10, alpha=0.05)
    published_r = [3.119, 2.943, 3.179, 2.810, 2.816, 2.848, 2.279, 2.310, 2.102, 2.067]
    published_limits = [3.159, 3.151, 3.144, 3.136, 3.128, 3.120, 3.112, 3.103, 3.094, 3.085]
    assert [round(step.deviation, 3) for step in steps] == published_r
    assert [round(step.limit, 3) for step in steps] == published_limits


@pytest.mark.parametrize("seed", range(3))
def test_esd_finds_rosners_three_outliers(seed: int) -> None:
    """Three of the 54 points go, though the first two steps stay below their limits; in any order of frames."""
    shuffled = np.random.default_rng(seed).permutation(ROSNER)
    assert outcome(shuffled, Esd(outliers=10 / 54, alpha=0.05)) == ([], [5.34, 5.42, 6.01])


def test_esd_of_the_22_numbers() -> None:
    """Up to 7 of the 22 numbers at 0.05: five go, and the mean of the rest is 167.352941."""
    assert outcome(TWENTY_TWO, "esd:0.3,0.05") == ([3, 40], [350, 410, 440])
    assert combine_reference(TWENTY_TWO[:, None], reject="esd", limits="nominal").value[0] == pytest.approx(
        167.352941, abs=5e-7
    )


def test_esd_limit_is_the_quantile_of_the_largest_of_two_sided_students() -> None:
    """Lambda from SciPy's own Student distribution, also with the least degree of freedom."""
    for n, i in ((54, 3), (10, 1), (10, 8), (3, 1)):
        t = stats.t.ppf(1 - 0.05 / (2 * (n - i + 1)), n - i - 1)
        expected = (n - i) * t / math.sqrt((n - i - 1 + t * t) * (n - i + 1))
        assert esd_limit(n, i, 0.05) == pytest.approx(expected, rel=1e-12)


def test_esd_touches_no_more_clean_columns_than_alpha() -> None:
    """Of clean normal columns of 25, about the share alpha loses a sample (Rosner: exact enough from 25 on)."""
    columns = 3000
    stack = np.random.default_rng(21).normal(size=(25, columns))
    touched = np.mean(combine_reference(stack, reject=Esd(outliers=0.1, alpha=0.05), limits="nominal").count < 25)
    assert abs(touched - 0.05) < 3 * math.sqrt(0.05 * 0.95 / columns)


def test_esd_stops_where_its_steps_end() -> None:
    """No step with fewer than three samples left, none without scatter; of equal distances the greater value goes."""
    assert outcome([1, 5], Esd(outliers=0.4)) == ([], [])
    assert outcome([5, 5, 5, 5, 5, 5, 5, 9], Esd(outliers=0.4)) == ([], [9])
    assert len(esd_steps(np.array([5.0] * 7 + [9.0]), most=4, alpha=0.05)) == 1
    steps = esd_steps(np.array([-8.0, -1, 0, 0, 1, 8]), most=2, alpha=0.05)
    assert [step.is_high for step in steps] == [True, False]
    assert len(esd_steps(np.arange(6.0), most=9, alpha=0.05)) == 4


def test_percentile_of_the_22_numbers() -> None:
    """Raised by 1000, with the shares that mean the same there: 0.3/0.4 rejects the same five, 1/1 three."""
    m, raised = 167.5, TWENTY_TWO + 1000
    same = Percentile(low=0.3 * m / (m + 1000), high=0.4 * m / (m + 1000))
    assert outcome(raised, same) == ([1003, 1040], [1350, 1410, 1440])
    ones = Percentile(low=m / (m + 1000), high=m / (m + 1000))
    assert outcome(raised, ones) == ([], [1350, 1410, 1440])
    assert combine_reference(raised[:, None], reject=ones, limits="nominal").value[0] == pytest.approx(1152.0, abs=1e-9)


def test_percentile_leaves_alone_what_its_shares_mean_nothing_for() -> None:
    """Nothing goes where the median is not above 10 s: dark levels, negative ones, and the 22 numbers as they are."""
    assert outcome(TWENTY_TWO, "percentile:0.3,0.4") == ([], [])
    assert outcome([-100.0, -101, -99, -100, -150], "percentile:0.2,0.1") == ([], [])
    x = np.array([100.0] * 15 + [110.2])  # s = 2.55
    assert outcome(x, "percentile:0.2,0.1") == ([], [110.2])
    assert outcome(x - 75, "percentile:0.2,0.1") == ([], [])


def test_percentile_keeps_ties() -> None:
    """A share of exactly the limit stays, also where rounding puts it just beyond; a median of exactly 10 s too."""
    x = [100.0] * 15 + [110.0]
    assert outcome(x, Percentile(high=0.1 * (1 - 1e-9))) == ([], [])
    assert outcome(x, Percentile(high=0.1 * (1 - 1e-5))) == ([], [110])
    at_ten = np.array([10.0, 10.0, 10.0 - math.sqrt(1.5), 10.0 + math.sqrt(1.5)])  # s = 1
    assert outcome(at_ten, "percentile:0.01,0.01") == ([], [])
    assert outcome(at_ten + 1e-3, "percentile:0.01,0.01") == ([at_ten[2] + 1e-3], [at_ten[3] + 1e-3])


def test_mad_repeats_on_the_survivors() -> None:
    """First s = 1.4826 * 1.5 takes 100, then s = 1.4826 takes 0, which is 1.349 s off, then the same s takes none."""
    assert outcome([0, 1, 2, 3, 4, 100], "mad:1.3,3") == ([0], [100])
    assert outcome([0, 1, 2, 3, 4, 100], "mad:1.4,3") == ([], [100])
    assert outcome([5, 5, 5, 5, 9], "mad:1,1") == ([], [])


@pytest.mark.parametrize("n", [7, 12, 30])
def test_zscore_sigma_and_mad_agree_with_astropy(n: int) -> None:
    """astropy's clipping with the same center, scatter and rounds rejects the same samples of 300 columns."""
    generator = np.random.default_rng(5)
    stack = generator.normal(100, 3, (n, 300))
    stack[generator.random(stack.shape) < 0.05] += 40
    compared = 0
    for chosen, sides, how in (
        (ZScore(limit=1.8), (1.8, 1.8), {"cenfunc": "mean", "stdfunc": np.nanstd, "maxiters": 1}),
        (Sigma(low=2.5, high=2.0), (2.5, 2.0), {"cenfunc": "median", "stdfunc": _std_1, "maxiters": None}),
        (Mad(low=4.0, high=3.0), (4.0, 3.0), {"cenfunc": "median", "stdfunc": _mad, "maxiters": None}),
    ):
        # With an axis astropy keeps in mind what it rejected; without one the last bounds alone make its mask.
        lost = np.ma.getmaskarray(sigma_clip(stack, sigma_lower=sides[0], sigma_upper=sides[1], axis=0, **how))
        for p in np.flatnonzero(np.count_nonzero(~lost, axis=0) > 3):  # astropy does not stop at three
            found = verdict(stack[:, p], chosen)
            if found.margin > 1e-5:
                np.testing.assert_array_equal(~found.kept, lost[:, p])
                compared += 1
    assert compared > 850


def _std_1(x: np.ndarray, axis: int | None = None) -> np.ndarray:
    return np.nanstd(x, axis=axis, ddof=1)


def _mad(x: np.ndarray, axis: int | None = None) -> np.ndarray:
    # astropy takes 1.482602218505602, the definition 1.4826
    return mad_std(x, axis=axis, ignore_nan=True) * (1.4826 * stats.norm.ppf(0.75))


def test_winsorized_throws_away_the_known_share_of_clean_samples() -> None:
    """At 4/3 and N = 8, 0.872 % of clean samples are lost (simulated apart on 400000 columns, +- 0.006 %)."""
    columns = 5000
    found = combine_reference(
        np.random.default_rng(17).normal(size=(8, columns)), reject="winsorized:4,3", limits="nominal"
    )
    lost = (found.rejected_low + found.rejected_high) / 8
    assert abs(lost.mean() - 0.00872) < 3 * math.hypot(lost.std() / math.sqrt(columns), 0.00006)


def test_winsorized_std_of_normal_samples_is_their_standard_deviation() -> None:
    """1.134 undoes the clamping: over 20000 samples s is 1 within its own error, and no outlier of 5 % doubles it."""
    x = np.random.default_rng(8).normal(size=20000)
    assert winsorized_std(x, 0.0) == pytest.approx(1.0, abs=4 / math.sqrt(2 * 20000))
    assert winsorized_std(np.where(np.arange(20000) % 20 == 0, 1e6, x), 0.0) < 1.2


def test_winsorized_finds_the_only_sample_that_differs() -> None:
    """Each clamping shrinks s, to 1e-21 in the end but not to 0, at any level: the sample goes if s has no floor."""
    for level in (0.0, 2869.07540148):
        x = level + np.array([0.0] * 19 + [1.0])
        assert outcome(x, "winsorized:4,3") == ([], [level + 1.0])
        assert outcome(x, "winsorized:4,4", step=1.0) == ([], [])


def test_row_scatter_knows_a_noise_that_grows_with_the_level() -> None:
    """Poisson-like columns of any level give g, a row with a median below 0 its plain scatter; outliers do little."""
    generator = np.random.default_rng(31)
    levels = generator.uniform(50, 5000, 4000)
    row = levels + 0.7 * np.sqrt(levels) * generator.normal(size=(9, 4000))
    found = row_scatter(row)
    assert found is not None
    assert found.grows_with_level
    assert found.factor == pytest.approx(0.7, rel=4 / math.sqrt(2 * 4000 * 6))
    assert found.at(100.0) == pytest.approx(10 * found.factor)
    plain = row_scatter(generator.normal(0.0, 3.0, (12, 4000)))
    assert plain is not None
    assert not plain.grows_with_level
    assert plain.factor == plain.at(100.0) == pytest.approx(3.0, rel=4 / math.sqrt(2 * 4000 * 9))
    row[0, ::10] += 1000 * np.sqrt(levels[::10])
    hit = row_scatter(row)
    assert hit is not None
    assert hit.factor == pytest.approx(0.7, rel=0.06)


def test_row_scatter_needs_four_samples_of_a_column() -> None:
    """Columns of fewer take no part, and a row of such columns has no noise."""
    row = np.array([[8.0, 1.0], [9, 2], [11, 3], [12, np.nan], [10, np.inf]])
    assert row_scatter(row) == row_scatter(row[:, :1])
    assert row_scatter(row[:, 1:]) is None


def test_averaged_tests_each_column_with_the_noise_of_the_row() -> None:
    """With g = 2 a column of median 100 has s = 20: 159 stays and 161 goes at limit 3, whatever its own scatter."""
    row = RowScatter(factor=2.0, grows_with_level=True)
    x = [100, 100, 100, 100, 159, 41]
    assert outcome(x, "averaged:3,3", row=row) == ([], [])
    assert outcome([*x[:4], 161, 39], "averaged:3,3", row=row) == ([39], [161])
    assert outcome([*x[:4], 161, 39], "averaged:3,3") == ([], [])
    assert outcome([0, 0, 0, 5, 7], "averaged:3,3", row=RowScatter(factor=2.0, grows_with_level=False)) == ([], [7])


def test_averaged_takes_its_noise_from_one_row_of_the_image() -> None:
    """A picture's rows are told apart: the quiet one loses its outlier, which the noisy one would hide."""
    generator = np.random.default_rng(2)
    stack = 1000 + generator.normal(size=(8, 2, 200)) * np.array([1.0, 40.0])[:, None]
    stack[3, :, 7] = 1030
    found = combine_reference(stack, reject="averaged:5,5", limits="nominal")
    assert found.rejected_high[:, 7].tolist() == [1, 0]
    one_row = combine_reference(stack.reshape(8, 400), reject="averaged:5,5", limits="nominal")
    assert one_row.rejected_high[7] == 0


def test_linear_rejects_inside_the_sorted_samples() -> None:
    """The line through 0 1 4 5 12 14 17 leaves 5 the worst, -2.495 mean residuals off; without it all lie within 2."""
    x = [12, 0, 5, 1, 17, 4, 14]
    assert outcome(x, "linear:2,2") == ([5], [])
    slope, intercept = np.polyfit(np.arange(7), np.sort(x), 1)
    residuals = np.sort(x) - intercept - slope * np.arange(7)
    assert residuals[3] / np.abs(residuals).mean() == pytest.approx(-2.495, abs=5e-4)
    assert outcome(x, "linear:2.495,2") == ([5], [])
    assert outcome(x, "linear:2.496,2") == ([], [])


def test_linear_keeps_a_perfect_line_and_four_samples() -> None:
    """No residuals but rounding, no rejection, whatever the limits; five samples are tested, four are not."""
    assert outcome(np.arange(9), "linear:0.1,0.1") == ([], [])
    assert outcome(0.1 * np.arange(9) + 0.3, "linear:0.1,0.1") == ([], [])
    assert outcome([0, 1, 2, 3, 50], "linear:5,1.5") == ([], [50])
    assert outcome([0, 1, 2, 50], "linear:0.1,0.1") == ([], [])
    assert outcome(np.arange(9), Linear(low=1.2, high=1.2, against="scores")) != ([], [])


def test_repeated_rejections_test_four_samples_but_not_three() -> None:
    """Of 0 1 2 30 the last is 1.96 standard deviations off and goes; three samples stay, however far apart."""
    assert outcome([0, 1, 2, 30], "sigma:1,1.9") == ([], [30])
    assert outcome([0, 1, 30], "sigma:0.1,0.1") == ([], [])


def test_linear_against_scores_finds_normal_samples_straight() -> None:
    """Normal quantiles lie on a line against Blom's scores, and nothing goes; against ranks their ends go."""
    n = 101
    x = stats.norm.ppf((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    assert outcome(x, Linear(low=1.5, high=1.5, against="scores")) == ([], [])
    low, high = outcome(x, Linear(low=3.0, high=3.0))
    assert low[0] == x[0]
    assert high[-1] == x[-1]


def test_linear_renews_ranks_and_line_on_the_survivors() -> None:
    """Two outliers of which the greater hides the other go one after the other; a fit written anew says the same."""
    x = np.array([*np.linspace(0, 1, 20), 30.0, 3.0]) + 0.01 * np.sin(np.arange(22))
    left, gone, rounds = np.sort(x), [], 0
    while left.size > 4:
        t = np.arange(left.size)
        residuals = left - np.polyval(np.polyfit(t, left, 1), t)
        bad = (residuals > 4 * np.abs(residuals).mean()) | (residuals < -5 * np.abs(residuals).mean())
        if not bad.any():
            break
        gone += left[bad].tolist()
        rounds += 1
        left = left[~bad]
    assert gone[0] == max(x)
    assert rounds > 1
    low, high = outcome(x, "linear:5,4")
    assert sorted(low + high) == sorted(gone)


def test_ccd_noise_is_that_of_the_camera() -> None:
    """s^2 = k^2 (r^2 + (m/k + D - B)/G) + (S m)^2, term by term, and no light below the bias level."""
    chosen = Ccd(read_noise_adu=3.0, egain_e_per_adu=2.0, scale_noise=0.01)
    terms = SampleTerms(scales=np.array([2.0, 0.5]), levels=np.array([50.0, 10.0]), bias=30.0)
    expected = [math.sqrt(4 * (9 + (100 + 50 - 30) / 2) + 4), math.sqrt(0.25 * (9 + (400 + 10 - 30) / 2) + 4)]
    np.testing.assert_allclose(ccd_noise(chosen, center=200.0, terms=terms), expected, rtol=1e-14)
    dark = ccd_noise(Ccd(read_noise_adu=3.0, egain_e_per_adu=2.0), center=-40.0, terms=SampleTerms.plain(1))
    assert dark.tolist() == [3.0]
    no_light = ccd_noise(Ccd(read_noise_adu=3.0), center=900.0, terms=SampleTerms.plain(1))
    assert no_light.tolist() == [3.0]
    no_reading = ccd_noise(Ccd(egain_e_per_adu=4.0), center=900.0, terms=SampleTerms.plain(1))
    assert no_reading.tolist() == [15.0]


def test_ccd_tests_each_sample_with_its_own_noise() -> None:
    """The sample of a frame that was scaled up fourfold may lie farther out; a sample between others may go alone."""
    x = [200, 200, 199, 201, 200, 240, 232]  # s^2 = 9 + 200/2: 3 s = 31.3
    assert outcome(x, "ccd:3,3,3,2") == ([], [232, 240])
    scales = np.array([1, 1, 1, 1, 1, 4, 1.0])
    terms = SampleTerms(scales=scales, levels=200 * (1 - 1 / scales))  # as much light in each frame
    assert outcome(x, "ccd:3,3,3,2", terms=terms) == ([], [232])
    assert outcome([*x[:5], 232, 240], "ccd:3,3,3,2", terms=terms) == ([], [240])
    assert outcome([*x[:5], 231, 231], "ccd:3,3,3,2") == ([], [])


def test_ccd_without_numbers_is_refused() -> None:
    """Neither read noise nor e-/ADU: a refusal that names both, however few the samples."""
    with pytest.raises(CombineError, match="read_noise_adu"):
        combine_reference(np.ones((2, 3)), reject="ccd", limits="nominal")


def test_rcr_fits_a_line_to_the_smaller_deviations() -> None:
    """In the first phase, s is the slope of the deviations against normal quantiles, below one sigma."""
    n = 5
    t = stats.norm.ppf((1 + (np.arange(3) + 0.6826894921370859) / n) / 2)
    near = np.array([0.0, 0.4, 0.7])
    s = float((t * near).sum() / (t * t).sum())
    z = stats.norm.isf(0.1 / n / 2)
    for factor, gone in ((1 - 1e-4, []), (1 + 1e-4, [1])):
        # the fourth sample keeps phase 2 wide; with 5 samples phase 3 can reject none
        x = np.array([0.0, 0.4, -0.7, -0.9 * z * s, factor * z * s])
        low, high = outcome(x, Rcr(limit=0.1))
        assert low == []
        assert len(high) == len(gone)


def test_rcr_second_phase_has_the_683_percentile() -> None:
    """Of seven deviations of 1 the line of the first phase is steeper than 1, but the percentile is 1 and decides."""
    n = 8
    z = stats.norm.isf(0.1 / n / 2)
    assert z > 7 / math.sqrt(8)  # so that the standard deviation of 8 samples rejects nothing
    assert outcome([-1, -1, -1, -1, 1, 1, 1, z * (1 - 1e-4)], "rcr:0.1") == ([], [])
    assert outcome([-1, -1, -1, -1, 1, 1, 1, z * (1 + 1e-4)], "rcr:0.1") == ([], [z * (1 + 1e-4)])


def test_rcr_takes_the_worst_one_by_one_down_to_three() -> None:
    """0 1 2 100: 100 goes, three stay; of equal distances the greater value goes first; equal samples lose nothing."""
    assert outcome([0, 1, 2, 100], "rcr") == ([], [100])
    assert outcome([0, 0, 0, 0, 0, 0, 0, 0], "rcr") == ([], [])
    both = [-90, -1, -0.5, 0, 0.5, 1, 90]
    assert outcome(both, "rcr:0.1") == ([-90], [90])
    assert outcome(TWENTY_TWO, "rcr") == ([3, 40], [350, 410, 440])


def test_rcr_third_phase_sees_what_has_no_percentile_deviation() -> None:
    """Where 68 % of the samples are equal, only the standard deviation is not zero, and it finds the outlier."""
    assert outcome([7] * 14 + [9], "rcr") == ([], [9])


def test_rcr_throws_away_the_share_of_clean_samples_that_another_program_found() -> None:
    """Of clean columns of 10, 8.3 % of the samples are lost (a compiled loop written apart, 40000 columns)."""
    columns = 2000
    found = combine_reference(np.random.default_rng(23).normal(size=(10, columns)), reject="rcr:0.1", limits="nominal")
    lost = (found.rejected_low + found.rejected_high) / 10
    assert abs(lost.mean() - 0.0830) < 3 * lost.std() / math.sqrt(columns)
