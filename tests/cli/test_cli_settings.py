"""``evenfield settings``: the preferences are shown, set and reset, and nothing else changes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfield.model.rejections import rejection
from evenfield.model.settings import (
    CalibrationSettings,
    CombineSettings,
    GroupSettings,
    OutputSettings,
    RunSettings,
    SelectSettings,
    Settings,
)
from evenfield.store import settings_from, settings_text


@pytest.fixture
def preferences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A preferences file, named by EVENFIELD_CONFIG, in a folder that does not exist yet."""
    path = tmp_path / "config" / "preferences.toml"
    monkeypatch.setenv("EVENFIELD_CONFIG", str(path))
    return path


def test_path_is_told_whether_the_file_is_there_or_not(ev: Callable[..., Any], preferences: Path) -> None:
    """`settings path` prints the file's place and makes nothing."""
    assert ev("settings", "path").out.strip() == str(preferences)
    assert not preferences.exists()


def test_what_is_set_is_shown_and_used(ev: Callable[..., Any], night: Path, preferences: Path) -> None:
    """`settings set` adds to what the file says; commands take it from there."""
    assert ev("settings", "set", "--combine", "median").code == 0
    assert ev("settings", "set", "--min-group", "2").code == 0
    told = ev("settings", "show").out
    assert tomllib.loads(told) == tomllib.loads(preferences.read_text(encoding="utf-8"))
    assert tomllib.loads(told) == {"schema": 1, "combine": {"method": "median"}, "group": {"min_group": 2}}
    plan = ev("plan", night, "-o", "masters", "--json").json
    assert {step["recipe"]["method"] for step in plan["steps"] if step["kind"] == "flat"} == {"median"}


def test_reset_takes_back_what_is_named_or_all(ev: Callable[..., Any], preferences: Path) -> None:
    """`settings reset NAME` leaves the others, `settings reset` nothing."""
    ev("settings", "set", "--combine", "median", "--min-group", "2")
    assert ev("settings", "reset", "combine.method").code == 0
    assert tomllib.loads(preferences.read_text(encoding="utf-8")) == {"schema": 1, "group": {"min_group": 2}}
    assert ev("settings", "reset").code == 0
    assert tomllib.loads(preferences.read_text(encoding="utf-8")) == {"schema": 1}


def test_a_name_that_does_not_exist_is_told_with_near_ones(ev: Callable[..., Any], preferences: Path) -> None:
    """Exit code 2, what is wrong, and what was meant."""
    done = ev("settings", "reset", "combine.metod")
    assert done.code == 2
    assert "combine.method" in done.err
    assert not preferences.exists()


def test_a_contradiction_changes_no_file(ev: Callable[..., Any], preferences: Path) -> None:
    """What cannot be together is refused before anything is written."""
    ev("settings", "set", "--combine", "median")
    before = preferences.read_bytes()
    done = ev("settings", "set", "--pedestal", "5", "--no-precalibration")
    assert done.code == 2
    assert preferences.read_bytes() == before


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
SETTINGS = st.builds(
    Settings,
    select=st.builds(SelectSettings, exclude=st.lists(TEXT, max_size=3).map(tuple), recursive=st.booleans()),
    group=st.builds(GroupSettings, temperature_width=st.floats(0.1, 50), min_group=st.integers(1, 100000)),
    calibration=st.builds(
        CalibrationSettings, mode=st.just("pedestal"), pedestal_adu=st.floats(-1e6, 1e6, allow_nan=False)
    ),
    combine=st.builds(
        CombineSettings,
        method=st.sampled_from(["mean", "median"]),
        rejection=st.sampled_from(["auto", "none", "sigma:2.5,3", "ccd:4,3,egain_e_per_adu=0.25"]).map(rejection),
        dark_rejection=st.sampled_from(["none", "minmax:2,1"]).map(rejection),
    ),
    output=st.builds(OutputSettings, name=TEXT),
    run=st.builds(RunSettings, memory_bytes=st.none() | st.integers(1, 2**62)),
)


@given(settings=SETTINGS)
def test_settings_are_read_back_as_they_were_written(settings: Settings) -> None:
    """The file says exactly the settings, whatever stands in their texts."""
    assert settings_from(tomllib.loads(settings_text(settings)), origin="test") == settings
