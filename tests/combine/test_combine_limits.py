"""The corrected limits: what a limit promises is what a rejection loses, whatever the number of samples."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from evenfield import combine_frames
from evenfield.combine.limits import corrected_limits, inner_scatter_share, least_steps
from evenfield.model.rejections import (
    CORRECTED,
    Averaged,
    Ccd,
    Esd,
    Linear,
    Mad,
    MinMax,
    Rejection,
    Sigma,
    Winsorized,
    ZScore,
)

BEYOND = 1.000001
TWO_SIDED = [Sigma, Mad, Winsorized, Averaged, Ccd, Linear]
NUMBERS = (4, 5, 6, 7, 8, 9, 13, 20, 21, 33, 34, 47, 75, 110, 143, 250, 499, 500, 501, 502, 3000)

Stack = NDArray[np.float64]


def scatter(x: Stack, alive: NDArray[np.bool_], center: Stack, kind: type) -> Stack:
    """The scatter of the survivors of each column, literally from the definition; ``x`` is (columns, n)."""
    samples = np.where(alive, x, np.nan)
    if kind in (Averaged, Ccd):
        return np.ones(x.shape[0])
    if kind is Sigma:
        return np.nanstd(samples, axis=1, ddof=1)
    if kind is Mad:
        return 1.4826 * np.nanmedian(np.abs(samples - center[:, None]), axis=1)
    found = np.nanstd(samples, axis=1, ddof=1)
    clamped, moving = samples.copy(), np.ones(x.shape[0], bool)
    for _ in range(50):
        reach = 1.5 * found[moving, None]
        middle = center[moving, None]
        clamped[moving] = np.clip(clamped[moving], middle - reach, middle + reach)
        new = 1.134 * np.nanstd(clamped[moving], axis=1, ddof=1)
        still = np.abs(new - found[moving]) > 5e-4 * found[moving]
        found[moving] = new
        moving[np.flatnonzero(moving)[~still]] = False
        if not moving.any():
            break
    return found


def lost(kind: type, limits: tuple[float, float], x: Stack) -> tuple[float, float]:
    """The shares of samples that a rejection takes low and high from columns (columns, n), all rounds of it."""
    low, high = limits[0] * BEYOND, limits[1] * BEYOND
    if kind is ZScore:
        apart = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
        return float((apart < -low).mean()), float((apart > high).mean())
    n_low, n_high, total = 0, 0, x.size
    alive = np.ones(x.shape, bool)
    while x.shape[0] > 0:
        center = np.nanmedian(np.where(alive, x, np.nan), axis=1)
        s = scatter(x, alive, center, kind)
        apart = x - center[:, None]
        below, above = alive & (apart < -low * s[:, None]), alive & (apart > high * s[:, None])
        n_low, n_high = n_low + int(below.sum()), n_high + int(above.sum())
        alive &= ~(below | above)
        on = (below | above).any(axis=1) & (alive.sum(axis=1) > 3)
        x, alive = x[on], alive[on]
    return n_low / total, n_high / total


def lost_on_lines(limits: tuple[float, float], x: Stack, against: str) -> tuple[float, float]:
    """The same for line fits, column by column."""
    n_low, n_high = 0, 0
    for column in np.sort(x, axis=1):
        left = column
        while left.size > 4:
            k = left.size
            t = np.arange(k) - (k - 1) / 2 if against == "ranks" else special.ndtri((np.arange(k) + 0.625) / (k + 0.25))
            residuals = left - left.mean() - t * ((left @ t) / (t @ t))
            d = np.abs(residuals).mean() * BEYOND
            below, above = residuals < -limits[0] * d, residuals > limits[1] * d
            if not (below | above).any():
                break
            n_low, n_high = n_low + int(below.sum()), n_high + int(above.sum())
            left = left[~(below | above)]
    return n_low / x.size, n_high / x.size


def made(kind: type, low: float, high: float) -> Rejection:
    """A rejection of this type with these nominal limits."""
    found: Rejection = ZScore(limit=high) if kind is ZScore else kind(low=low, high=high)
    return found


@pytest.mark.parametrize("n", [5, 8, 14, 37])
@pytest.mark.parametrize("kind", [ZScore, Sigma, Mad, Winsorized, Ccd], ids=lambda kind: kind.__name__)
def test_clean_samples_are_lost_as_often_as_promised(kind: type, n: int) -> None:
    """At limits 2 and 3 the counted shares, low and high apart, lie within 10 % and the counting's error of 1 - Phi."""
    samples = 600_000
    x = np.random.default_rng(n).standard_normal((samples // n, n))
    for low, high in ((2.0, 2.0), (3.0, 2.0)):
        if kind is ZScore and low != high:
            continue
        counted = lost(kind, corrected_limits(made(kind, low, high), n=n), x)
        for limit, share in zip((low, high), counted, strict=True):
            promised = float(special.ndtr(-limit))
            # rejected samples of a column come together: half as many again as independent ones would scatter
            error = 1.5 * math.sqrt(promised / samples)
            assert abs(share - promised) < 0.1 * promised + 3 * error, (low, high, limit, share / promised)


@pytest.mark.parametrize(("against", "n"), [("ranks", 9), ("ranks", 40), ("scores", 9), ("scores", 40)])
def test_lines_lose_clean_samples_as_often_as_promised(against: str, n: int) -> None:
    """At limits 2 and 2.5 the line fits lose, low and high, what is promised."""
    x = np.random.default_rng(n).standard_normal((150_000 // n, n))
    chosen = Linear(low=2.0, high=2.5, against=against)  # type: ignore[arg-type]
    counted = lost_on_lines(corrected_limits(chosen, n=n), x, against)
    for limit, share in zip((2.0, 2.5), counted, strict=True):
        promised = float(special.ndtr(-limit))
        # a line that tilts takes several samples of a column at once
        error = 3.0 * math.sqrt(promised / x.size)
        assert abs(share - promised) < 0.1 * promised + 3 * error, (limit, share / promised)


def test_nominal_winsorized_breaks_the_promise_that_the_corrected_one_keeps() -> None:
    """At 8 samples the textbook limits 4/3 lose 0.87 % of clean samples, the corrected ones 0.138 %."""
    x = np.random.default_rng(8).standard_normal((60_000, 8))
    nominal = sum(lost(Winsorized, (4.0, 3.0), x))
    corrected = sum(lost(Winsorized, corrected_limits(Winsorized(low=4.0, high=3.0), n=8), x))
    assert nominal == pytest.approx(0.0087, abs=0.0006)
    assert corrected == pytest.approx(0.00138, abs=0.00025)


@pytest.mark.parametrize("limit", [2.0, 2.6, 3.0, 4.1, 5.0])
def test_zscore_is_a_closed_form(limit: float) -> None:
    """Zscore's limit is that of Student's t of a sample against the others, to 1e-4, for any number of samples."""
    for n in (4, 5, 7, 18, 35, 97, 333, 500):
        t = float(-special.stdtrit(n - 2, special.ndtr(-limit)))
        low, high = corrected_limits(ZScore(limit=limit), n=n)
        assert low == high
        # in terms of t, since all limits of few samples lie just below sqrt(n - 1)
        k = high * BEYOND
        assert k * math.sqrt((n - 2) / (n - 1 - k * k)) == pytest.approx(t, rel=2e-3 if n < 6 else 1e-3)


def test_known_noise_has_a_closed_form_for_many_samples() -> None:
    """With the noise known and many samples, the median is as good as the truth: the limits are the nominal ones."""
    for limit in (2.5, 3.0, 4.0, 5.0):
        assert corrected_limits(Ccd(low=limit, high=limit), n=500)[1] == pytest.approx(limit, rel=4e-3)
    assert corrected_limits(Ccd(low=4, high=3), n=9) == corrected_limits(Averaged(low=4, high=3), n=9)


def test_the_sides_are_mirror_images() -> None:
    """Swapping the nominal limits swaps the corrected ones."""
    for kind in TWO_SIDED:
        for n in NUMBERS:
            low, high = corrected_limits(made(kind, 4.3, 2.4), n=n)
            assert corrected_limits(made(kind, 2.4, 4.3), n=n) == (high, low)


@pytest.mark.parametrize("kind", [ZScore, *TWO_SIDED], ids=lambda kind: kind.__name__)
def test_limits_grow_with_the_nominal_ones(kind: type) -> None:
    """A larger nominal limit never gives a smaller corrected one, inside the table, below and above it."""
    for n in NUMBERS:
        for other in (1.0, 2.9, 9.0):
            found = [corrected_limits(made(kind, other, own), n=n)[1] for own in np.geomspace(0.01, 100.0, 60)]
            assert all(math.isfinite(limit) and limit > 0 for limit in found)
            assert (np.diff(found) > 0).all() or kind is ZScore, (n, other)
            assert (np.diff(found) >= 0).all(), (n, other)


@pytest.mark.parametrize("kind", TWO_SIDED, ids=lambda kind: kind.__name__)
def test_limits_do_not_jump(kind: type) -> None:
    """A step of 0.02 in a nominal limit changes the corrected one by a few per cent at most: there are no seams."""
    for n in (5, 8, 29, 180):
        for other in (2.0, 3.1, 5.0):
            own = np.arange(1.8, 5.4, 0.02)
            logs = np.log([corrected_limits(made(kind, other, limit), n=n)[1] for limit in own])
            assert np.abs(np.diff(logs)).max() < 0.12, (n, other)


def test_many_samples_keep_the_limits_of_five_hundred() -> None:
    """Beyond the table, the limits are those of its last numbers, and at the seams they meet."""
    for kind in TWO_SIDED:
        chosen = made(kind, 4.0, 3.0)
        assert corrected_limits(chosen, n=2000) == corrected_limits(chosen, n=500)
        assert corrected_limits(chosen, n=2001) == corrected_limits(chosen, n=501)
        assert corrected_limits(chosen, n=500) == pytest.approx(corrected_limits(chosen, n=498), rel=5e-3)


def test_few_samples_keep_the_nominal_limits() -> None:
    """With three samples or fewer, and with four for a line, nothing is rejected and nothing corrected."""
    for kind in TWO_SIDED:
        assert corrected_limits(made(kind, 4.0, 3.0), n=3) == (4.0, 3.0)
    assert corrected_limits(Linear(low=4.0, high=3.0), n=4) == (4.0, 3.0)
    assert corrected_limits(ZScore(limit=2.5), n=0) == (2.5, 2.5)


@pytest.mark.parametrize("chosen", [Esd(), MinMax()])
def test_rejections_without_limits_are_refused(chosen: Rejection) -> None:
    """What has no limits that could be corrected is refused by name."""
    with pytest.raises(ValueError, match="cannot be corrected"):
        corrected_limits(chosen, n=9)
    with pytest.raises(ValueError, match="cannot be corrected"):
        least_steps(chosen, n=9)


def test_every_rejection_that_claims_it_can_be_corrected() -> None:
    """All types of CORRECTED give finite limits and least distances at their defaults for 0 to 520 samples."""
    for kind in CORRECTED:
        for n in range(521):
            chosen = kind()
            assert all(math.isfinite(limit) and limit > 0 for limit in corrected_limits(chosen, n=n))
            assert all(0 <= least <= 100 for least in least_steps(chosen, n=n))


def test_the_inner_share_makes_the_noise_unbiased() -> None:
    """Without the least and the greatest sample, the squares over (n - 1) and this share average to sigma^2."""
    rng = np.random.default_rng(1)
    for n in (4, 5, 6, 9, 20, 55, 180, 700):
        x = np.sort(rng.standard_normal((800_000 // n, n)), axis=1)
        squares = ((x[:, 1:-1] - np.median(x, axis=1)[:, None]) ** 2).sum(axis=1) / ((n - 1) * inner_scatter_share(n))
        assert squares.mean() == pytest.approx(1.0, abs=4 * squares.std() / math.sqrt(squares.size)), n


def test_the_inner_share_of_few_samples() -> None:
    """Four samples leave E[(x3 - x2)^2] / 6; three leave nothing; two are refused."""
    gaps = stats.norm.rvs(size=(400_000, 4), random_state=3)
    gaps.sort(axis=1)
    assert inner_scatter_share(4) == pytest.approx(float(((gaps[:, 2] - gaps[:, 1]) ** 2).mean()) / 6, rel=0.01)
    assert inner_scatter_share(3) == 0.0
    with pytest.raises(ValueError, match="2 samples"):
        inner_scatter_share(2)


def test_the_table_is_read_when_it_is_needed() -> None:
    """Importing the module reads no table and loads neither scipy nor numba."""
    code = (
        "import sys, evenfield.combine.limits as limits; "
        "assert limits._table.cache_info().misses == 0; "
        "assert 'scipy' not in sys.modules and 'numba' not in sys.modules; "
        "limits.inner_scatter_share(9); assert limits._table.cache_info().misses == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_table_is_small() -> None:
    """The table takes less than 300 kB."""
    from evenfield.combine.limits import TABLE

    assert TABLE.stat().st_size < 300_000


@pytest.mark.parametrize("text", ["sigma:3,3", "zscore:3", "winsorized:3,3", "ccd:3,3,read_noise_adu=2.0207"])
def test_integers_of_one_level_keep_the_promise(text: str) -> None:
    """Bias frames have one level and few different sums; what they lose is what the limits promise all the same.

    6 million samples: 8100 are promised on each side, uncertain by 1.1 %; four of that and 2 % for the table.
    """
    stack = np.rint(np.random.default_rng(6).normal(500.3, 2.0, (20, 300_000))).astype(np.uint16)
    found = combine_frames(stack, reject=text)
    promise = 0.5 * math.erfc(3 / math.sqrt(2.0))
    for side in (found.rejected_low, found.rejected_high):
        assert side.sum() / stack.size / promise == pytest.approx(1.0, abs=0.065)
