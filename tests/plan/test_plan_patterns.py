"""Patterns that mean exactly the files they are made for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfield.describe.overrides import fits_pattern, parse_override
from evenfield.plan.patterns import exact_patterns, fits_any

NIGHT = [f"/n/Ha/L_{number:04d}.fits" for number in range(1, 201)]


def meant(patterns: tuple[str, ...], paths: list[str]) -> list[str]:
    """The paths that fit one of the patterns."""
    return [path for path in paths if any(fits_pattern(one, path) for one in patterns)]


@pytest.mark.parametrize(
    ("wanted", "others", "patterns"),
    [
        (NIGHT, [], ("L*",)),
        (NIGHT[:1], NIGHT, ("L_0001.fits",)),
        (["/n/a/x_1.fits", "/n/a/x_2.fits"], ["/n/b/x_1.fits", "/n/b/x_2.fits"], ("a/x*",)),
        (["/n/a/x.fits"], ["/n/b/a/x.fits", "/m/n/a/x.fits"], ("/n/a/x.fits",)),
        (["/n/a/x.fits"], ["/n/b/x.fits"], ("a/x.fits",)),
        ([" x[1]|2?.fits "], ["x[1]|2?.fits"], ("[ ]x[[]1][|]2[?].fits[ ]",)),
        ([], NIGHT, ()),
    ],
    ids=["all", "one", "folder", "whole path", "two of one name", "signs", "none"],
)
def test_the_plainest_patterns_come_first(wanted: list[str], others: list[str], patterns: tuple[str, ...]) -> None:
    """Named cases: the start of names, the folder, the whole path, escaped signs."""
    found = exact_patterns(wanted, [*wanted, *others])
    assert found == patterns
    assert set(meant(found, [*wanted, *others])) == set(wanted)


def test_a_run_of_numbers_takes_few_patterns() -> None:
    """Files 13 to 120 of a series of 200 are a dozen patterns, not a hundred."""
    found = exact_patterns(NIGHT[12:120], NIGHT)
    assert meant(found, NIGHT) == NIGHT[12:120]
    assert len(found) < 20


PATHS = st.lists(
    st.builds(
        lambda folder, name: f"/{folder}/{name}",
        st.sampled_from(["n", "n/a", "m/a", "n/a b", "x:y"]),
        st.text("ab1_. *?[]!|=:α", min_size=1, max_size=5).filter(lambda name: name not in (".", "..")),
    ),
    unique=True, max_size=12,
)  # fmt: skip


@given(paths=PATHS, data=st.data())
def test_any_selection_is_met_exactly(paths: list[str], data: st.DataObject) -> None:
    """Whatever signs the names hold, the patterns fit the files selected and no others; also as corrections."""
    wanted = data.draw(st.lists(st.sampled_from(paths), unique=True)) if paths else []
    found = exact_patterns(wanted, paths)
    assert set(meant(found, paths)) == set(wanted)
    quick = fits_any(found)
    assert {path for path in paths if quick(path)} == set(wanted)
    for pattern in found:
        (override,) = parse_override(f"{pattern}:gain_setting=1")
        assert override.pattern == pattern


@pytest.mark.parametrize("select", ["every other", "the same name everywhere", "one folder of many", "one of many"])
def test_twenty_thousand_frames_are_quick(select: str) -> None:
    """The time grows with the number of frames, not with its square."""
    if select == "the same name everywhere":
        paths = [f"/n/{number:05d}/flat.fits" for number in range(20_000)]
    else:
        paths = [f"/n/{number // 100:03d}/L_{number % 100:03d}_{number}.fits" for number in range(20_000)]
    wanted = {
        "every other": paths[::2],
        "the same name everywhere": paths[::2],
        "one folder of many": paths[100:200],
        "one of many": paths[7:8],
    }[select]
    began = time.process_time()
    found = exact_patterns(wanted, paths)
    quick = fits_any(found)
    assert [path for path in paths if quick(path)] == wanted
    assert time.process_time() - began < 5.0
