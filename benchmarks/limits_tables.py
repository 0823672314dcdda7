"""What the corrected limits are worth, counted: the tables of docs/limits.md, for limits.py.

Everything is counted in columns of simulated samples, with seeds of their own, by rejections written from the
definitions alone (limits_columns.py); nothing of how the limits were found is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import limits_columns as columns
import numpy as np
from limits_columns import ESD, KNOWN, MAD, RANKS, SCORES, SIGMA, WINSORIZED, ZSCORE
from scipy import special, stats

from evenfield.combine.limits import BEYOND, corrected_alpha, corrected_limits, inner_scatter_share, least_steps
from evenfield.model import rejections as model

NAMES = {
    "zscore": ZSCORE,
    "sigma": SIGMA,
    "mad": MAD,
    "winsorized": WINSORIZED,
    "averaged, ccd": KNOWN,
    "linear": RANKS,
    "linear, scores": SCORES,
}
NUMBERS = (5, 6, 8, 10, 12, 15, 17, 20, 30, 50, 100, 200, 500)
LOSS = special.ndtr(-3.0)


def rejection_of(kind: int, low: float, high: float) -> model.Rejection:
    """The rejection of a kind with these nominal limits."""
    if kind == ZSCORE:
        return model.ZScore(limit=high)
    if kind in (RANKS, SCORES):
        return model.Linear(low=low, high=high, against="ranks" if kind == RANKS else "scores")
    types = {SIGMA: model.Sigma, MAD: model.Mad, WINSORIZED: model.Winsorized, KNOWN: model.Ccd}
    return types[kind](low=low, high=high)


def effective(kind: int, n: int, low: float, high: float, *, nominal: bool = False) -> tuple[float, float]:
    """The multiples beyond which samples go."""
    chosen = rejection_of(kind, low, high)
    limits = (low, high) if nominal else corrected_limits(chosen, n=n)
    return (high if nominal and kind == ZSCORE else limits[0]) * BEYOND, limits[1] * BEYOND


def abscissae(kind: int, n: int) -> np.ndarray:
    """What a line is fitted to, for each number of survivors up to ``n``, a row each, around 0."""
    table = np.zeros((n + 1, n))
    if kind in (RANKS, SCORES):
        for k in range(2, n + 1):
            ranks = np.arange(k) - (k - 1) / 2
            table[k, :k] = ranks if kind == RANKS else special.ndtri((np.arange(k) + 0.625) / (k + 0.25))
    return table


def esd_table(n: int, *, alpha: float, nominal: bool = False) -> np.ndarray:
    """Rosner's critical values, times the tie rule's factor, as the table of `keep_column`; up to 30 % outliers."""
    chosen = model.Esd(outliers=0.3, alpha=alpha)
    alpha = alpha if nominal else corrected_alpha(chosen, n=n)
    i = np.arange(1, min(math.ceil(chosen.outliers * n), n - 2) + 1)
    t = stats.t.ppf(1 - alpha / (2 * (n - i + 1)), n - i - 1)
    return ((n - i) * t / np.sqrt((n - i - 1 + t * t) * (n - i + 1)) * BEYOND)[None, :]


def count_loss(
    kind: int, n: int, limits: tuple[float, float], samples: float, *, seed: int, table: np.ndarray | None = None
) -> tuple[float, float, float]:
    """The shares of clean samples lost low and high, and of columns touched, among so many samples."""
    rng = np.random.default_rng(seed)
    table = abscissae(kind, n) if table is None else table
    total, left = np.zeros(3), math.ceil(samples / n)
    n_columns = left
    while left > 0:
        x = rng.standard_normal((min(left, max(1, 2_000_000 // n)), n))
        x.sort(axis=1)
        total += columns.count_rejected(kind, x, limits, table, 0.0, (0.0, 0.0))
        left -= x.shape[0]
    low, high, touched = total / n_columns
    return low / n, high / n, touched


def found_share(
    kind: int, n: int, outliers: tuple[float, ...], *, limits: tuple[float, float], table: np.ndarray, seed: int
) -> np.ndarray:
    """The share of columns in which each outlier, so many standard deviations too bright, is rejected."""
    rng = np.random.default_rng(seed)
    n_columns = max(4000, min(60_000, 3_000_000 // n))
    clean = rng.standard_normal((n_columns, n - len(outliers)))
    bright = rng.standard_normal((n_columns, len(outliers))) + np.array(outliers)
    return columns.count_found(kind, clean, bright, limits, table) / n_columns


def deleted_power(n: int, outlier: float) -> float:
    """The power of the deleted Studentized residual: the best that can be done about one outlier of known place."""
    limit = stats.t.ppf(1 - LOSS, n - 2)
    return float(stats.nct.sf(limit, n - 2, outlier / math.sqrt(1 + 1 / (n - 1))))


def print_row(cells: Iterable[object]) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def print_head(cells: Iterable[str]) -> None:
    cells = list(cells)
    print()
    print_row(cells)
    print("|" + "---|" * len(cells))


def short(value: float) -> str:
    """Four digits, or fewer where the number is large."""
    return f"{value:.4g}" if value < 1000 else f"{value:.0f}"


def print_limits() -> None:
    """The corrected limits by N for 3/3 and for 4/3."""
    for low, high in ((3.0, 3.0), (4.0, 3.0)):
        names = [name for name in NAMES if low == high or name != "zscore"]
        print_head([f"N at {low:g}/{high:g}", *names])
        for n in NUMBERS:
            cells = []
            for name in names:
                found = corrected_limits(rejection_of(NAMES[name], low, high), n=n)
                cells.append(short(found[1]) if low == high else f"{short(found[0])} / {short(found[1])}")
            print_row([n, *cells])


def print_losses() -> None:
    """The clean loss at 4/3 (zscore 3), low and high, nominal and corrected."""
    for nominal in (True, False):
        print_head(["N, nominal" if nominal else "N, corrected", *NAMES])
        for n in NUMBERS:
            cells = []
            for kind in NAMES.values():
                limits = effective(kind, n, 3.0 if kind == ZSCORE else 4.0, 3.0, nominal=nominal)
                low, high, _ = count_loss(kind, n, limits, 1e7, seed=n)
                cells.append(f"{1e6 * low:.0f} / {1e6 * high:.0f}")
            print_row([n, *cells])
    print_head(["N", "esd 0.05, nominal: columns touched", "corrected", "corrected: samples lost low / high"])
    for n in NUMBERS:
        tables = [esd_table(n, alpha=0.05, nominal=nominal) for nominal in (True, False)]
        found = [count_loss(ESD, n, (0.0, 0.0), 60_000.0 * n, seed=n, table=table) for table in tables]
        lost = f"{1e6 * found[1][0]:.0f} / {1e6 * found[1][1]:.0f}"
        print_row([n, f"{100 * found[0][2]:.2f} %", f"{100 * found[1][2]:.2f} %", lost])


def test_of(name: str, n: int) -> tuple[int, tuple[float, float], np.ndarray]:
    """Kind, limits and table at a clean loss of 0.135 % on each side; esd has that as well as one number can."""
    if name == "esd":
        return ESD, (0.0, 0.0), esd_table(n, alpha=min(2 * LOSS * n, 0.5))
    kind = NAMES[name]
    return kind, effective(kind, n, 3.0, 3.0), abscissae(kind, n)


def print_powers(outliers: tuple[float, ...]) -> None:
    """The share of outliers found by N at a clean loss of 0.135 % on the high side."""
    names = [*NAMES, "esd"]
    single = ["deleted test", "0.9 of it"] if len(outliers) == 1 else []
    title = " + ".join(f"{size:g}" for size in outliers) + " sigma"
    print_head([f"N, {title}", *names, *single])
    for n in NUMBERS:
        cells = []
        for name in names:
            kind, limits, table = test_of(name, n)
            found = found_share(kind, n, outliers, limits=limits, table=table, seed=n)
            cells.append(" / ".join(f"{share:.2f}" for share in found))
        if single:
            best = deleted_power(n, outliers[0])
            cells += [f"{best:.2f}", f"{0.9 * best:.2f}"]
        print_row([n, *cells])


def print_contaminated() -> None:
    """Each sample is an outlier with a chance of 5 %: how many are found, and how many clean samples are lost."""
    names = [*NAMES, "esd"]
    print_head(["5 % outliers: found / clean samples lost", *names])
    for n in (10, 30, 100):
        for size in (5.0, 10.0, 30.0):
            cells = []
            for name in names:
                kind, limits, table = test_of(name, n)
                cells.append("{:.0f} % / {:.2f} %".format(*contaminated(kind, n, size, limits, table)))
            print_row([f"N = {n}, {size:g} sigma", *cells])


def contaminated(kind: int, n: int, size: float, limits: tuple[float, float], table: np.ndarray) -> tuple[float, float]:
    """Per cent of the outliers that are found, and of the clean samples that are lost."""
    rng = np.random.default_rng(n)
    x = rng.standard_normal((2_000_000 // n, n))
    hit = rng.random(x.shape) < 0.05
    x[hit] += size
    order = np.argsort(x, axis=1)
    x, hit = np.take_along_axis(x, order, 1), np.take_along_axis(hit, order, 1)
    kept = columns.survivors(kind, x, limits, table)
    return 100 * float((~kept & hit).sum() / hit.sum()), 100 * float((~kept & ~hit).sum() / (~hit).sum())


def print_check() -> None:
    """Counted shares in units of what the limits promise, low and high, with the counting's own error."""
    pairs = ((2.0, 2.0), (3.0, 3.0), (4.0, 4.0), (4.0, 3.0), (2.4, 3.6), (2.0, 5.0), (5.0, 2.0))
    print_head(["N, low / high of the promise", *(f"{low:g}/{high:g}" for low, high in pairs), "worst, in errors"])
    for name, kind in NAMES.items():
        for n in (5, 6, 7, 9, 12, 17, 24, 37, 75, 140, 275, 450):
            cells, worst = [], 0.0
            for low, high in pairs:
                if kind == ZSCORE and low != high:
                    cells.append("")
                    continue
                samples = 4e6 if max(low, high) < 3.5 else 3e7
                counted = count_loss(kind, n, effective(kind, n, low, high), samples, seed=1_000_000 + n)
                text = []
                for limit, share in zip((low, high), counted[:2], strict=True):
                    promised = special.ndtr(-limit)
                    text.append(f"{share / promised:.3f}" if samples * promised > 100 else "-")
                    if samples * promised > 100:
                        worst = max(worst, abs(share - promised) / math.sqrt(promised / samples))
                cells.append(" / ".join(text))
            print_row([f"{name}, {n}", *cells, f"{worst:.1f}"])


def print_steps() -> None:
    """Integer data: the share lost in units of the promise, for noises from 0.1 to 3 steps, levels spread evenly."""
    noises = (0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0)
    kinds = {**NAMES, "averaged, ccd": KNOWN}
    for limit in (2.0, 3.0, 4.0):
        print_head([f"{limit:g}/{limit:g}: noise in steps", *(f"{noise:g}" for noise in noises)])
        for name, kind in kinds.items():
            for n in (5, 8, 15, 30, 100):
                cells = [f"{step_share(kind, n, noise, limit):.2f}" for noise in noises]
                print_row([f"{name}, {n}", *cells])


def step_share(kind: int, n: int, noise: float, limit: float) -> float:
    """The share lost on a side in units of the promise, of integer samples around levels spread evenly."""
    rng = np.random.default_rng(n)
    n_columns = int((5e5 if limit < 2.5 else 2e6 if limit < 3.5 else 6e6) / n)
    x = np.rint(rng.uniform(1000.0, 31_000.0, (n_columns, 1)) + noise * rng.standard_normal((n_columns, n)))
    x.sort(axis=1)
    columns.dequantize_all(x)
    unit = 1.0
    if kind == KNOWN:
        # as averaged finds it: from the dequantized samples of all columns
        apart = x[:, 1:-1] - np.median(x, axis=1)[:, None]
        unit = math.sqrt((apart * apart).sum(axis=1).mean() / ((n - 1) * inner_scatter_share(n)))
    least = least_steps(rejection_of(kind, limit, limit), n=n)
    table, limits = abscissae(kind, n), effective(kind, n, limit, limit)
    low, high, _ = columns.count_rejected(kind, x / unit, limits, table, 0.0, (least[0] / unit, least[1] / unit))
    return (low + high) / 2 / x.size / float(special.ndtr(-limit))
