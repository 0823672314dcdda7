"""Clusters of temperatures, exposures and angles."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfield.match.clusters import angle_clusters, exposure_clusters, mean_angle, temperature_clusters

TEMPERATURES = st.lists(st.floats(-40, 40).map(lambda value: round(value, 2)), min_size=1, max_size=60)
WIDTHS = st.sampled_from([0.1, 0.5, 1.0, 2.0, 5.0, 50.0])


def groups(values: list[float], labels: tuple[int, ...]) -> list[list[float]]:
    """The values of each label, ascending."""
    return [sorted(v for v, one in zip(values, labels, strict=True) if one == label) for label in sorted(set(labels))]


def test_nine_temperatures_make_three_groups() -> None:
    """The nine temperatures of MasterFlatMaker's manual are three groups of three at width 1."""
    values = [0.1, -9.9, -15.07, -0.1, -10, -15, 0, -10.2, -15.2]
    assert groups(values, temperature_clusters(values)) == [
        [-15.2, -15.07, -15],
        [-10.2, -10, -9.9],
        [-0.1, 0, 0.1],
    ]


@pytest.mark.parametrize("seed", range(10))
def test_slow_drift_does_not_shatter(seed: int) -> None:
    """41 temperatures from 0 to 10 in steps of 0.25, in any order: 4 to 7 groups, none of one, none wider than 2.5."""
    values = [0.25 * step for step in range(41)]
    random.Random(seed).shuffle(values)
    found = groups(values, temperature_clusters(values))
    assert 4 <= len(found) <= 7
    assert min(map(len, found)) > 1
    assert max(group[-1] - group[0] for group in found) <= 2.5


@given(TEMPERATURES, WIDTHS, st.randoms(use_true_random=False))
def test_temperature_clusters_are_runs_of_limited_width(
    values: list[float], width: float, shuffler: random.Random
) -> None:
    """At any width: clusters do not overlap, none spans more than 2.5 widths, gaps above a width always split."""
    labels = temperature_clusters(values, width_c=width)
    found = groups(values, labels)
    assert all(group[-1] - group[0] <= 2.5 * width * (1 + 1e-9) for group in found)
    ordered = sorted(zip(values, labels, strict=True))
    assert [label for _, label in ordered] == sorted(labels)
    for (low, first), (high, second) in itertools.pairwise(ordered):
        if high - low > width:
            assert first != second
        if high == low:
            assert first == second
    shuffled = values[:]
    shuffler.shuffle(shuffled)
    assert groups(shuffled, temperature_clusters(shuffled, width_c=width)) == found


@given(st.lists(st.floats(-10, 10).map(lambda value: round(value, 2)), min_size=2, max_size=40), WIDTHS)
def test_what_lies_within_one_width_stays_together(values: list[float], width: float) -> None:
    """Temperatures that span no more than a width are one group."""
    low = min(values)
    near = [low + (value - low) % width for value in values]
    if max(near) - min(near) <= width:
        assert set(temperature_clusters(near, width_c=width)) == {0}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([300.0, 300.1, 300.2], 1),
        ([2.0, 3.5], 2),
        ([2.0, 2.02, 1.99], 1),
        ([0.001, 0.004], 1),
        ([0.001, 0.02], 2),
        ([1.0, 1.015, 1.03, 1.045, 1.06, 1.075, 1.09], 2),
        ([5.0], 1),
        ([], 0),
    ],
)
def test_exposure_clusters(values: list[float], expected: int) -> None:
    """Exposures a driver rounds are one cluster; a series that creeps is cut where it would span 5 %."""
    assert len(set(exposure_clusters(values))) == expected


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=40))
def test_exposure_clusters_are_narrow(values: list[float]) -> None:
    """No cluster spans more than 5 % of its longest exposure or 5 ms."""
    for group in groups(values, exposure_clusters(values)):
        assert group[-1] - group[0] <= max(0.05 * group[-1], 0.005) * (1 + 1e-12)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([359.8, 0.1], 1),
        ([0.2, 180.1, 180.3, -0.3], 2),
        ([90.0, 91.5], 2),
        ([10 * step for step in range(36)], 36),
        ([0.5 * step for step in range(720)], None),
        ([], 0),
    ],
)
def test_angle_clusters(values: list[float], expected: int | None) -> None:
    """Angles across zero are neighbors; a field that turns all night does not become one group."""
    labels = angle_clusters(values)
    if expected is None:
        assert all(labels.count(label) <= 6 for label in set(labels))
    else:
        assert len(set(labels)) == expected


def test_mean_angle_across_zero() -> None:
    """The mean of 359.8 and 0.2 degrees is 0, not 180."""
    assert min(mean_angle([359.8, 0.2]), 360 - mean_angle([359.8, 0.2])) == pytest.approx(0, abs=1e-9)
    assert mean_angle([10.0, 20.0]) == pytest.approx(15.0)
