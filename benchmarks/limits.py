"""Make and check the corrected limits of evenfield.combine.limits, and print the tables of docs/limits.md.

python benchmarks/limits.py --make      the table, src/evenfield/combine/limits_table.json (about 25 minutes)
python benchmarks/limits.py --refine    count what line fits of many samples lose through the kernels, correct the table
python benchmarks/limits.py --check     count what the limits lose in columns of their own
python benchmarks/limits.py --tables    the tables of docs/limits.md
python benchmarks/limits.py --steps     integer data: what dequantizing loses

How: N - 1 samples are drawn, and the last one is put at many places among them. Where it lies in units of the others'
standard deviation, around their mean, does not depend on their shape (Basu 1955): it is Student's t with N - 2 degrees
of freedom, times sqrt(1 + 1 / (N - 1)). So each draw gives a probability instead of yes or no, down to 1e-9.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time

import limits_columns as columns
import numpy as np
from limits_columns import KNOWN, MAD, RANKS, SCORES, SIGMA, WINSORIZED
from limits_tables import (
    abscissae,
    print_check,
    print_contaminated,
    print_limits,
    print_losses,
    print_powers,
    print_steps,
)
from scipy import special
from scipy.interpolate import CubicSpline, RectBivariateSpline, UnivariateSpline, make_smoothing_spline

import evenfield
from evenfield.combine.limits import TABLE

KINDS = {"sigma": SIGMA, "mad": MAD, "winsorized": WINSORIZED, "known": KNOWN, "ranks": RANKS, "scores": SCORES}
LINES = (RANKS, SCORES)

SAMPLES = [*range(4, 33), *(n + odd for n in (40, 52, 68, 90, 120, 160, 220, 300, 400, 500) for odd in (0, 1))]
"""Numbers of samples in the table: all small ones, then pairs, since even and odd numbers lie on two curves."""

LINE_SAMPLES = [*range(5, 15), 16, 18, 21, 25, 30, 40, 52, 68, 90, 120, 160, 220, 300, 400, 500]
"""Numbers of samples for which the limits of line fits are found; they know no even and odd, the others lie between."""

OWN = np.arange(2.0, 5.01, 0.25)
OTHER = np.array([2.0, 2.25, 2.5, 2.75, 3.0, 3.5, 4.0, 4.5, 5.0])
"""Nominal limits in the table, of the side itself and of the other one."""

OWN_NODES = np.array([1.6, 1.9, 2.2, 2.6, 3.0, 3.4, 3.8, 4.2, 4.6, 5.0, 5.4])
OTHER_NODES = np.array([1.75, 2.1, 2.5, 3.1, 3.9, 5.2])
"""What the limits promise at which the shares are found; the table's limits are interpolated between them."""

LINE_NODES = np.concatenate(([1.0, 1.3], np.linspace(1.6, 5.4, 20)))
"""The same for line fits of few and of many samples, whose limits bend more."""

SMOOTH_FROM = 40
"""From so many samples on the limits of line fits are smooth in the logarithm of their number."""

SCALE = 1_000_000
"""The table holds integers, logarithms times this."""

STEP, VARIANTS = 0.5, 64
"""Distance of the places where the last sample is put, in normal deviates, and how many sets of them, to fill it."""

CLUSTERED, CLUSTER_SHARE = 0.6, 0.6
CLUSTER_SCALES = np.array([0.6, 0.35, 0.2, 0.1, 0.05, 0.02, 0.008, 0.003, 0.001])
"""Few samples lose one to a high limit where others lie close together by chance: more of these are drawn."""


def tail_t(z: np.ndarray | float, n: int) -> np.ndarray:
    """Student's t, of n - 2 degrees of freedom, beyond which lies as much as beyond the normal deviate ``z``."""
    return -np.sign(z) * special.stdtrit(n - 2.0, special.ndtr(-np.abs(z)))


def places_of(kind: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the last sample among the others, and their probability; each variant fills the tail evenly."""
    # Below the others' mean too: a sample goes high from there where another one, higher still, has drawn it up.
    least = -6.0 if kind in LINES else -4.0
    shifts = (np.arange(VARIANTS)[:, None] + 0.5) / VARIANTS
    z = least + STEP * (np.arange(int((8.5 - least) / STEP)) + shifts)
    t = z if kind == KNOWN else tail_t(z, n)
    return t * math.sqrt(1 + 1 / (n - 1)), STEP * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def draw_others(kind: int, n: int, pool: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sorted other samples around their mean, in units of their scatter, and how much each draw counts."""
    x = rng.standard_normal((pool, n - 1))
    counts = np.ones(pool)
    if kind in (SIGMA, MAD, WINSORIZED) and n <= 20:
        scales = CLUSTER_SCALES[: 9 if n <= 8 else 6]
        rows = rng.random(pool) < CLUSTERED
        joins = (rng.random((pool, n - 1)) < CLUSTER_SHARE) & rows[:, None]
        joins[:, 0] = False
        near = x[:, :1] + rng.choice(scales, pool)[:, None] * x
        x = np.where(joins, near, x)
        columns.density_of_clusters(x, CLUSTER_SHARE, scales, counts)
        counts = 1 / (1 - CLUSTERED + CLUSTERED * counts)
    x -= x.mean(axis=1, keepdims=True)
    if kind != KNOWN:
        x /= x.std(axis=1, ddof=1, keepdims=True)
    x.sort(axis=1)
    return x, counts


def draw_chosen(
    kind: int, n: int, effort: tuple[int, int], rng: np.random.Generator, references: list
) -> tuple[np.ndarray, np.ndarray]:
    """Of a pool of others those that matter for rare rejections, chosen by chance; the less likely count more."""
    pool, chosen = effort
    others, counts = draw_others(kind, n, pool, rng)
    if chosen >= pool or not references:
        return others[:chosen], counts[:chosen]
    table, widening = abscissae(kind, n), math.sqrt(1 + 1 / (n - 1))
    score, nearest = 0.5 + 0.3 * counts, np.empty(pool)
    for z, low, high in references:
        sample = widening * float(z if kind == KNOWN else tail_t(z, n))
        columns.judge_shapes(kind, table, others, sample, (low, high), nearest)
        away = -np.maximum(nearest, 0.0) / widening
        share = counts * (special.ndtr(away) if kind == KNOWN else special.stdtr(n - 2.0, away))
        score += share / max(share.mean(), 1e-300)
    chance = score / score.sum()
    for _ in range(5):
        chance = np.minimum(1.0, chance * chosen / chance.sum())
    total = np.cumsum(chance) + rng.random()
    taken = np.flatnonzero(np.floor(total) > np.floor(total - chance))
    rng.shuffle(taken)
    return others[taken], counts[taken] / chance[taken]


def shares(
    kind: int,
    n: int,
    own: np.ndarray,
    other: np.ndarray | None,
    effort: tuple[int, int],
    *,
    seed: int,
    references: list,
) -> tuple[np.ndarray, np.ndarray]:
    """The share lost on one side by (own, other) limits, and its relative error; other None: both limits are equal."""
    rng, (places, weights), table = np.random.default_rng(seed), places_of(kind, n), abscissae(kind, n)
    sums = np.zeros((own.size, 1 if other is None else other.size))
    squares, second = np.zeros_like(sums), own[:0] if other is None else other
    pool, left = effort[0], effort[0]
    while left > 0:
        part = min(left, max(64, 4_000_000 // n))
        left -= part
        if effort[1] * part < pool:
            break
        others, counts = draw_chosen(kind, n, (part, effort[1] * part // pool), rng, references)
        if kind in LINES:
            columns.share_of_lines(table, others, counts, places, weights, own, second, sums, squares)
        else:
            columns.share_of_ranges(kind, others, counts, places, weights, own, second, sums, squares)
    drawn = pool if references else min(effort)
    return sums / drawn, error_of(sums, squares, drawn)


def counted_shares(
    kind: int, n: int, own: np.ndarray, other: np.ndarray | None, n_columns: int, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """As `shares`, for line fits, by counting in whole columns."""
    rng, table = np.random.default_rng(seed), abscissae(kind, n)
    sums = np.zeros((own.size, 1 if other is None else other.size))
    squares, second = np.zeros_like(sums), own[:0] if other is None else other
    for start in range(0, n_columns, 200_000):
        x = rng.standard_normal((min(200_000, n_columns - start), n))
        x.sort(axis=1)
        columns.count_of_lines(table, x, own, second, sums, squares)
    return sums / n_columns, error_of(sums, squares, n_columns)


def error_of(sums: np.ndarray, squares: np.ndarray, drawn: int) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.sqrt(np.maximum(squares - sums * sums / drawn, 0.0)) / sums


def candidates(kind: int, n: int) -> np.ndarray:
    """Limits among which those that keep a promise from 1.6 to 5.4 are looked for."""
    if kind == SIGMA:
        # Beyond sqrt(n) only columns whose other samples lean towards low values can lose one.
        t = tail_t(np.linspace(1.0, 6.5, 56), n)
        limits = math.sqrt(n) * t / np.sqrt(n - 2 + t * t)
        return np.concatenate((limits[limits < 0.9999 * math.sqrt(n)], math.sqrt(n) * np.geomspace(1.0, 1.6, 60)))
    if kind in LINES:
        # Residuals add up to 0, so that none exceeds n / 2 of d, and one reaches that whenever all others lie below the
        # line. A limit that promises less than this happens has to be larger: the pilot goes on beyond.
        return n / 2 / (1 + np.exp(-np.linspace(math.log(2.6 / n), 6.0, 100)))
    return np.geomspace(1.2, 8.0 if kind == KNOWN else 1e5 if n < 8 else 3000.0 if n < 14 else 60.0, 100)


class Pilot:
    """What equal limits promise, roughly: a curve from promised normal deviates to limits, continued at its end."""

    def __init__(self, kind: int, n: int) -> None:
        limits = candidates(kind, n)
        if kind in LINES and n <= COUNTED:
            found, error = counted_shares(kind, n, limits, None, 600_000, seed=n)
        else:
            drawn = int((2000 if kind in LINES else 10_000) * min(1.0, 60 / n)) + 500
            found, error = shares(kind, n, limits, None, (drawn, drawn), seed=n, references=[])
        seen = (found[:, 0] > 1e-9) & (error[:, 0] < 0.5)
        z, logs = np.maximum.accumulate(-special.ndtri(found[seen, 0])), np.log(limits[seen])
        rises = np.concatenate(([True], np.diff(z) > 1e-3))
        self.z, self.logs = z[rises], logs[rises]
        back = max(0, int(np.searchsorted(self.z, self.z[-1] - 0.4)) - 1)
        self.slope = (self.logs[-1] - self.logs[back]) / (self.z[-1] - self.z[back])

    def limit(self, z: np.ndarray | float) -> np.ndarray:
        beyond = np.maximum(np.asarray(z) - self.z[-1], 0.0)
        return np.exp(np.interp(z, self.z, self.logs) + self.slope * beyond)


COUNTED = 14
"""Up to this number of samples line fits are counted: what they lose at high limits lies inside of the column."""


def effort_of(kind: int, n: int) -> tuple[int, int]:
    """How many draws: in the pool, and chosen from it."""
    if kind == KNOWN:
        return 60_000, 60_000
    if kind in LINES:
        return (1_500_000, 60_000) if n < 40 else (300_000, 8000) if n < 150 else (60_000, 2500)
    if kind == SIGMA and n <= 8:
        return 800_000, 800_000
    if n < 60:
        return (1_500_000, 60_000) if kind != SIGMA and n > 20 else (500_000, 25_000)
    return (150_000, 10_000) if n < 200 else (50_000, 5000)


def deviates(found: np.ndarray, error: np.ndarray, logs: np.ndarray, *, smooth: bool) -> np.ndarray:
    """Normal deviates of shares; where a share was hardly seen, each column goes on as it went before.

    ``smooth``: errors of neighbors are independent, so that a curve through them is better than they are.
    """
    with np.errstate(all="ignore"):
        z = -special.ndtri(found)
    for b in range(z.shape[1]):
        seen = np.flatnonzero((found[:, b] > 0) & (error[:, b] < 0.35))
        last = seen[-1]
        back = seen[seen <= max(last - 2, 0)][-1]
        if smooth and seen.size > 5:
            sure = np.maximum(z[seen, b], 0.5) / np.maximum(error[seen, b], 1e-4)
            z[seen, b] = UnivariateSpline(logs[seen], z[seen, b], w=sure, s=0.7 * seen.size)(logs[seen])
        slope = max((z[last, b] - z[back, b]) / (logs[last] - logs[back]), 0.05)
        z[last + 1 :, b] = z[last, b] + slope * (logs[last + 1 :] - logs[last])
    return z


def solve(z: np.ndarray, own_nodes: np.ndarray, other_nodes: np.ndarray) -> np.ndarray:
    """Where between the nodes each pair of promises is kept on both sides; (own, other) of the table's promises."""
    surface = RectBivariateSpline(own_nodes, other_nodes, z, kx=3, ky=3, s=0)
    high, low = np.meshgrid(OWN, OWN, indexing="ij")
    a, b = high.copy(), low.copy()
    for _ in range(200):
        missing_a = high - surface.ev(a, np.clip(b, other_nodes[0], other_nodes[-1]))
        missing_b = low - surface.ev(b, np.clip(a, other_nodes[0], other_nodes[-1]))
        a = np.clip(a + 0.7 * missing_a, own_nodes[0], own_nodes[-1])
        b = np.clip(b + 0.7 * missing_b, own_nodes[0], own_nodes[-1])
    print(f" unsolved {max(abs(missing_a).max(), abs(missing_b).max()):.3f}", end="")
    return a


def find_shares(
    kind: int, n: int, own: np.ndarray, other: np.ndarray, factor: float, references: list
) -> tuple[np.ndarray, np.ndarray]:
    """The shares at all pairs of nodes, each part of them in the way that is cheapest for it."""
    # Scores take longest and are asked for least.
    factor *= 0.35 if kind == SCORES and n < 60 else 1.0
    pool, chosen = (int(factor * drawn) for drawn in effort_of(kind, n))
    seed = 1000 * kind + n
    if kind not in LINES:
        return shares(kind, n, own, other, (pool, chosen), seed=seed, references=references)
    split = 12 if n <= 8 or n >= 60 else 6
    common, rare = own[:split], own[split:]
    n_common = int(factor * (2_000_000 if n <= COUNTED else (12_000_000 if n < 60 else 25_000_000) / n))
    low, low_error = counted_shares(kind, n, common, other, n_common, seed=seed)
    if n <= COUNTED:
        high, high_error = counted_shares(kind, n, rare, other, int(factor * 20_000_000), seed=seed + 500)
    else:
        high, high_error = shares(kind, n, rare, other, (pool, chosen), seed=seed + 500, references=references)
    return np.concatenate((low, high)), np.concatenate((low_error, high_error))


def limits_of(kind: int, n: int) -> np.ndarray:
    """Logarithms of the limits (own, other) that keep the table's promises for ``n`` samples."""
    began = time.perf_counter()
    pilot = Pilot(kind, n)
    other = pilot.limit(OTHER_NODES)
    references = [(z, float(pilot.limit(z)), float(pilot.limit(z))) for z in (3.0, 4.0, 5.0)]
    # A first look at how far the limits have to go where the other side's is low.
    near = LINE_NODES if kind in LINES and (n <= 8 or n >= 60) else OWN_NODES
    far = np.concatenate((near, [5.9, 6.5, 7.2, 8.0]))
    found, error = find_shares(kind, n, pilot.limit(far), other, 0.06, references)
    z = deviates(found, error, np.log(pilot.limit(far)), smooth=False)
    furthest = np.interp(5.15, z[:, 0], far)
    own_nodes = np.concatenate((near, np.arange(5.9, furthest + 1.2, 0.6)))
    for place, wanted in ((0, 4.2), (0, 5.0), (2, 4.8)):
        reached = float(pilot.limit(np.interp(wanted, z[:, place], far)))
        references.append((4.0, float(other[place]), reached))
    own = pilot.limit(own_nodes)
    found, error = find_shares(kind, n, own, other, 1.0, references)
    logs = np.log(own)
    solved = solve(deviates(found, error, logs, smooth=kind in LINES), own_nodes, OTHER_NODES)
    corrected = CubicSpline(own_nodes, logs)(solved)
    rises = bool((np.diff(corrected, axis=0) > 0).all())
    worst = ", ".join(f"{e:.3f}" for e in (error[4, 3], error[7, 3], error[9, 3], error[9, 0]))
    print(f" {kind} N {n}: errors {worst}; rises {rises}; {time.perf_counter() - began:.1f} s", flush=True)
    return corrected


def smoothed(logs: np.ndarray) -> np.ndarray:
    """The table (samples, own, other) of a rejection with less noise in its rarest part: limits beyond 4 from 9 samples
    on become smooth in the logarithm of their number, even and odd ones apart.
    """
    numbers, out = np.array(SAMPLES), logs.copy()
    for odd in (0, 1):
        fitted = np.flatnonzero((numbers % 2 == odd) & (numbers >= 7))
        x, replaced = np.log(numbers[fitted]), fitted[numbers[fitted] >= 9]
        for i, j in np.ndindex(logs.shape[1:]):
            if OWN[i] > 4.0:
                out[replaced, i, j] = make_smoothing_spline(x, logs[fitted, i, j])(np.log(numbers[replaced]))
    return out


def smoothed_lines(logs: np.ndarray) -> np.ndarray:
    """The limits (`LINE_SAMPLES`, own, other) of a line fit with less noise: cubics of ln N from 40 samples on.

    What is left of each point beside its cubic is the noise of its draws, up to 0.7 % of a limit.
    """
    out, many = logs.copy(), np.flatnonzero(np.array(LINE_SAMPLES) >= SMOOTH_FROM)
    x = np.log(np.array(LINE_SAMPLES)[many])
    flat = logs[many].reshape(many.size, -1)
    out[many] = (np.vander(x, 4) @ np.polyfit(x, flat, 3)).reshape(logs[many].shape)
    return out


def inner_shares(n: int) -> float:
    """What `evenfield.combine.limits.inner_scatter_share` tells, by integration.

    Given the middle sample (two for even n), those on one side of it are independent normal samples cut off there.
    """

    def panels(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        nodes, weights = np.polynomial.legendre.leggauss(24)
        half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
        return (middle[:, None] + half[:, None] * nodes).ravel(), (half[:, None] * weights).ravel()

    def density(y: np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * y * y) / math.sqrt(2 * math.pi)

    aside = (n - 1) // 2
    reach = min(7.0, 11 * 1.2533 / math.sqrt(n) + 0.5)
    a, weights = panels(np.linspace(-reach, reach, 7))
    below = special.ndtr(a)
    total, squares = -aside * density(a) / below, aside * (1 - a * density(a) / below)
    for i, edge in enumerate(a):
        y, w = panels(np.linspace(-9.5, edge, 9))
        least = w * aside * (1 - special.ndtr(y) / below[i]).clip(0) ** (aside - 1) * density(y) / below[i]
        total[i] -= (least * y).sum()
        squares[i] -= (least * y * y).sum()
    ways = math.lgamma(n + 1) - 2 * math.lgamma(aside + 1)
    if n % 2:
        middle = np.exp(ways + aside * (np.log(below) + special.log_ndtr(-a))) * density(a)
        return float(2 * (weights * middle * (squares - 2 * a * total + (aside - 1) * a * a)).sum() / (n - 1))
    gap, gap_weights = panels(np.concatenate(([0], np.minimum(np.array([2, 6, 15, 40, 120]) / n, 8), [9])))
    a, total, squares = a[:, None], total[:, None], squares[:, None]
    middle = (
        np.exp(ways + aside * (np.log(below)[:, None] + special.log_ndtr(-a - gap))) * density(a) * density(a + gap)
    )
    m = a + gap / 2
    inner = 2 * (squares - 2 * m * total + (aside - 1) * m * m) + gap**2 / 2
    return float((weights[:, None] * gap_weights * middle * inner).sum() / (n - 1))


def make(names: list[str]) -> None:
    """Make the table of the named rejections; what is not named stays as it is."""
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {"limits": {}}
    table |= {"samples": SAMPLES, "own": OWN.tolist(), "other": OTHER.tolist(), "scale": SCALE}
    table["inner"] = [round(SCALE * inner_shares(n)) for n in SAMPLES]
    table["limits"]["zscore"] = [round(SCALE * math.log(tail_t(z, n))) for n in SAMPLES for z in OWN]
    others = [int(np.flatnonzero(z == OWN)[0]) for z in OTHER]
    for name in names:
        found = LINE_SAMPLES if KINDS[name] in LINES else SAMPLES
        logs = np.array([limits_of(KINDS[name], n)[:, others] for n in found])
        if found is LINE_SAMPLES:
            logs = smoothed_lines(logs)
        rows = logs if found is SAMPLES else of_all_samples(logs)
        if KINDS[name] in (MAD, WINSORIZED):
            rows = smoothed(rows)
        table["limits"][name] = np.rint(SCALE * rows).astype(int).ravel().tolist()
        TABLE.write_text(json.dumps(table, separators=(",", ":")) + "\n", encoding="ascii")
    print(f"{TABLE}: {TABLE.stat().st_size} bytes")


REFINED = [n for n in LINE_SAMPLES if n >= 160]
REFINED_OWN = OWN[OWN <= 4.5]
"""Where `refine` counts; beyond, the table has been found good, and counting would take hours."""


def counted_loss(name: str, n: int, limit: float) -> float:
    """What a line fit with two equal limits loses on a side through the kernels, in units of its promise."""
    promise = float(special.ndtr(-limit))
    rng, wanted = np.random.default_rng(int(1000 * limit) + n), min(4000 / promise, 3e8)
    lost = seen = 0
    while seen < wanted:
        stack = rng.standard_normal((n, 2_000_000 // n), dtype=np.float32)
        combined = evenfield.combine_frames(stack, reject=f"linear:{limit},{limit},{name}")
        lost += int(combined.rejected_low.sum()) + int(combined.rejected_high.sum())
        seen += stack.size
    return lost / (2 * promise * seen)


def refine(names: list[str]) -> None:
    """Correct the limits of line fits of many samples by what they lose.

    The logarithm of the share beyond ``z`` falls by about ``z + 1 / z`` for each 1 that ``z`` grows by, and the table
    tells how limits grow with it.
    """
    table = json.loads(TABLE.read_text())
    places = [SAMPLES.index(n) for n in LINE_SAMPLES]
    for name in names:
        logs = np.array(table["limits"][name]).reshape(len(SAMPLES), OWN.size, -1)[places] / SCALE
        for n in REFINED:
            loss = np.array([counted_loss(name, n, float(limit)) for limit in REFINED_OWN])
            print(f" {name} N {n}: lost " + " ".join(f"{one:.3f}" for one in loss), flush=True)
            more = np.zeros(OWN.size)
            more[: REFINED_OWN.size] = np.log(loss) / (REFINED_OWN + 1 / REFINED_OWN)
            found = logs[LINE_SAMPLES.index(n)]
            found += more[:, None] * np.gradient(found, OWN, axis=0)
        table = json.loads(TABLE.read_text())
        table["limits"][name] = np.rint(SCALE * of_all_samples(logs)).astype(int).ravel().tolist()
        TABLE.write_text(json.dumps(table, separators=(",", ":")) + "\n", encoding="ascii")


def of_all_samples(logs: np.ndarray) -> np.ndarray:
    """The limits of a line fit for all `SAMPLES`, of those for `LINE_SAMPLES`.

    Line fits stop at four survivors, so that the row of 4 samples is never asked for.
    """
    return np.asarray(CubicSpline(np.log(LINE_SAMPLES), logs)(np.log(np.clip(SAMPLES, 5, 500))))


def main() -> int:
    """Do what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make", nargs="*", choices=list(KINDS), metavar="NAME", help=", ".join(KINDS))
    parser.add_argument("--refine", nargs="*", choices=["ranks", "scores"], metavar="NAME", help="ranks, scores")
    for name in ("check", "tables", "steps"):
        parser.add_argument(f"--{name}", action="store_true")
    asked = parser.parse_args()
    if asked.make is not None:
        make(asked.make or list(KINDS))
    if asked.refine is not None:
        refine(asked.refine or ["ranks", "scores"])
    if asked.check:
        print_check()
    if asked.tables:
        print_limits()
        print_losses()
        print_powers((5.0,))
        print_powers((5.0, 10.0))
        print_powers((10.0, 10.0))
        print_contaminated()
    if asked.steps:
        print_steps()
    return 0


if __name__ == "__main__":
    sys.exit(main())
