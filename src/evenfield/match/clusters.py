"""Clusters of numbers that ought to be one: temperatures, exposures, rotator angles."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

EXPOSURE_SHARE: Final = 0.02
"""Exposures closer than this share of their value belong together, as far as the cluster stays within 5 %."""

EXPOSURE_LEAST_S: Final = 0.005
"""Exposures closer than this belong together: shutters and drivers round to milliseconds."""

WIDEST: Final = 2.5
"""No temperature cluster is wider than this many widths."""


def temperature_clusters(values_c: Sequence[float], *, width_c: float = 1.0) -> tuple[int, ...]:
    """Number the temperature cluster of each value, clusters counted from 0 in ascending order.

    Values reach about one width to either side of their cluster's center. First the sorted values are cut where
    neighbors are more than a width apart; a run wider than two widths is a drift, and is cut by one-dimensional
    k-means into the fewest parts that are at most two widths wide. No part of a drift holds a single value if it can
    join a neighbor within 2.5 widths.

    Parameters
    ----------
    values_c : sequence of float
        Degrees Celsius, in any order.
    width_c : float
        0.1 to 50.
    """
    order = sorted(range(len(values_c)), key=lambda index: values_c[index])
    ordered = [values_c[index] for index in order]
    label = 0
    labels = [0] * len(ordered)
    for start, stop in _runs(ordered, width_c):
        for begin, end in _cut_drift(ordered[start:stop], width_c):
            for position in range(start + begin, start + end):
                labels[order[position]] = label
            label += 1
    return tuple(labels)


def _runs(ordered: Sequence[float], gap: float) -> list[tuple[int, int]]:
    cuts = [0]
    cuts += [i for i in range(1, len(ordered)) if ordered[i] - ordered[i - 1] > gap]
    cuts.append(len(ordered))
    return [(a, b) for a, b in itertools.pairwise(cuts) if b > a]


def _cut_drift(run: Sequence[float], width: float) -> list[tuple[int, int]]:
    spread = run[-1] - run[0]
    # The small excess keeps a spread of exactly two widths whole in spite of rounding.
    parts = max(1, math.ceil(spread / (2 * width) - 1e-9))
    while True:
        pieces = _k_means(run, parts)
        if all(run[b - 1] - run[a] <= WIDEST * width for a, b in pieces) or parts >= len(run):
            break
        parts += 1
    return _join_single(run, pieces, WIDEST * width)


def _k_means(run: Sequence[float], parts: int) -> list[tuple[int, int]]:
    if parts == 1:
        return [(0, len(run))]
    span = run[-1] - run[0]
    centers = [run[0] + span * (k + 0.5) / parts for k in range(parts)]
    cuts: list[int] = []
    for _ in range(100):
        walls = [(a + b) / 2 for a, b in itertools.pairwise(centers)]
        new = [0, *(_first_above(run, wall) for wall in walls), len(run)]
        if new == cuts:
            break
        cuts = new
        centers = [
            sum(run[a:b]) / (b - a) if b > a else center
            for (a, b), center in zip(itertools.pairwise(cuts), centers, strict=True)
        ]
        centers.sort()
    return [(a, b) for a, b in itertools.pairwise(cuts) if b > a]


def _first_above(run: Sequence[float], wall: float) -> int:
    low, high = 0, len(run)
    while low < high:
        middle = (low + high) // 2
        if run[middle] <= wall:
            low = middle + 1
        else:
            high = middle
    return low


def _join_single(run: Sequence[float], pieces: list[tuple[int, int]], widest: float) -> list[tuple[int, int]]:
    joined = list(pieces)
    index = 0
    while index < len(joined):
        a, b = joined[index]
        if b - a > 1 or len(joined) == 1:
            index += 1
            continue
        sides = [i for i in (index - 1, index + 1) if 0 <= i < len(joined)]
        spans = {i: run[max(b, joined[i][1]) - 1] - run[min(a, joined[i][0])] for i in sides}
        best = min(sides, key=lambda i: spans[i])
        if spans[best] > widest:
            index += 1
            continue
        low, high = min(index, best), max(index, best)
        joined[low : high + 1] = [(joined[low][0], joined[high][1])]
        index = 0
    return joined


def exposure_clusters(values_s: Sequence[float]) -> tuple[int, ...]:
    """Number the exposure cluster of each value, ascending from 0: 300.0, 300.1 and 300.2 s are one.

    Neighbors within 2 % or 0.005 s belong together, until the cluster would span more than 5 % or 0.005 s.
    """
    order = sorted(range(len(values_s)), key=lambda index: values_s[index])
    labels = [0] * len(values_s)
    label = -1
    first = previous = -math.inf
    for index in order:
        value = values_s[index]
        near = value - previous <= max(EXPOSURE_SHARE * value, EXPOSURE_LEAST_S)
        narrow = value - first <= max(0.05 * value, EXPOSURE_LEAST_S)
        if not (near and narrow):
            label += 1
            first = value
        previous = value
        labels[index] = label
    return tuple(labels)


def angle_clusters(values_deg: Sequence[float], *, width_deg: float = 1.0) -> tuple[int, ...]:
    """Number the rotator angle cluster of each value; 359.8 and 0.1 degrees are neighbors.

    Neighbors within the width belong together, until the cluster would span more than two widths: a field that turns
    all night does not become one group.
    """
    folded = [value % 360.0 for value in values_deg]
    order = _after_widest_gap(sorted(range(len(folded)), key=lambda index: folded[index]), folded)
    labels = [0] * len(folded)
    label = -1
    first = previous = -math.inf
    for index in order:
        value = folded[index]
        while value < previous:
            value += 360.0
        if value - previous > width_deg or value - first > 2 * width_deg:
            label += 1
            first = value
        previous = value
        labels[index] = label
    return tuple(labels)


def _after_widest_gap(order: list[int], folded: Sequence[float]) -> list[int]:
    """The same circle of angles, begun after its widest gap."""
    if len(order) < 2:
        return order
    gaps = [(folded[b] - folded[a]) % 360.0 for a, b in zip(order, order[1:] + order[:1], strict=True)]
    start = (gaps.index(max(gaps)) + 1) % len(order)
    return order[start:] + order[:start]


def mean_angle(values_deg: Sequence[float]) -> float:
    """The mean of angles that lie close together, 0 to 360 degrees: that of 359.8 and 0.2 is 0."""
    first = values_deg[0]
    # Deviations from the first angle, folded to -180..180, do not jump at 0.
    mean = first + sum(math.remainder(value - first, 360.0) for value in values_deg) / len(values_deg)
    return mean % 360.0
