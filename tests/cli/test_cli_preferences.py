"""The preferences file: where it lies, what it decides, and what happens where it is broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits


@pytest.fixture
def preferences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A preferences file, named by EVENFIELD_CONFIG, that does not exist yet."""
    path = tmp_path / "preferences.toml"
    monkeypatch.setenv("EVENFIELD_CONFIG", str(path))
    return path


def recipe(ev: Callable[..., Any], night: Path, *more: str) -> dict[str, Any]:
    """The recipe that a plan gives the flats."""
    found: dict[str, Any] = ev("plan", night, "-o", "masters", "--json", *more).json["steps"][-1]["recipe"]
    return found


def test_preferences_are_the_defaults(ev: Callable[..., Any], night: Path, preferences: Path) -> None:
    """What the file names holds where no option says otherwise; the rest keeps its default."""
    preferences.write_text('[combine]\nrejection = "sigma:2.5,2"\nlevel = "median"\n')
    found = recipe(ev, night)
    assert found["rejection"] == {"type": "sigma", "low": 2.5, "high": 2.0}
    assert (found["level"], found["method"]) == ("median", "mean")


def test_options_beat_preferences(ev: Callable[..., Any], night: Path, preferences: Path) -> None:
    """An option on the command line wins."""
    preferences.write_text('[combine]\nrejection = "sigma:2.5,2"\nmethod = "median"\n')
    found = recipe(ev, night, "--reject", "zscore:1.5")
    assert found["rejection"] == {"type": "zscore", "limit": 1.5}
    assert found["method"] == "median"


def test_no_preferences(ev: Callable[..., Any], night: Path, preferences: Path) -> None:
    """--no-preferences ignores the file, even a broken one."""
    preferences.write_text("[[[ broken")
    assert recipe(ev, night, "--no-preferences")["rejection"]["type"] == "ccd"


def test_preferences_choose_the_calibration(ev: Callable[..., Any], night: Path, preferences: Path) -> None:
    """A pedestal of the preferences gives way to --auto-precalibration and to --no-precalibration."""
    preferences.write_text('[calibration]\nmode = "pedestal"\npedestal_adu = 500.0\n')

    def how(*more: str) -> str:
        steps = ev("plan", night, "-o", "masters", "--json", *more).json["steps"]
        found: str = steps[-1]["calibrations"][0]["how"]
        return found

    assert how() == "pedestal"
    assert how("--auto-precalibration") == "dark_flat"
    assert how("--no-precalibration") == "none"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[combine]\nmethod = "mean"\nlevel = \n', "line 3"),
        ("[combine\n", "line 1"),
        ('[combine]\nmethod = "mode"\n', "combine.method"),
        ('[combine]\nmoon = "full"\n', "moon"),
        ("[moon]\n", "moon"),
        ('[combine]\nrejection = "sigma:x"\n', "sigma:x"),
        ("[group]\ntemperature_width = 99.0\n", "temperature_width"),
        ('[run]\nthreads = "many"\n', "threads"),
    ],
)
def test_a_broken_file_is_named(ev: Callable[..., Any], night: Path, preferences: Path, text: str, told: str) -> None:
    """A broken file is a usage error that names the file and the line or key; nothing runs."""
    preferences.write_text(text)
    outcome = ev("flats", night, "-o", "masters")
    assert outcome.code == 2
    assert str(preferences) in outcome.err
    assert told in outcome.err
    assert outcome.out == ""
    assert not Path("masters").exists()


def test_overrides_beside_the_frames(ev: Callable[..., Any], shooter: Any, flats_of: Callable[..., Any]) -> None:
    """A small TOML file beside the frames corrects their headers; --set wins over it."""
    shooter.take("flat", 5, kind="Light Frame", FILTER="Luminance")
    (shooter.folder / "evenfield.toml").write_text('[[set]]\nfiles = "flat*"\nkind = "flat"\nfilter = "R"\n')
    (flat,) = flats_of(shooter.folder, "-o", "a")
    assert flat["group"]["filter"] == "R"
    (flat,) = flats_of(shooter.folder, "-o", "b", "--set", "*:filter=G")
    assert flat["group"]["filter"] == "G"
    assert fits.getheader(flat["outputs"][0])["FILTER"] == "G"


def test_a_broken_file_beside_the_frames_is_named(ev: Callable[..., Any], night: Path) -> None:
    """A broken file beside the frames is told with its place, whatever the command."""
    (night / "evenfield.toml").write_text('[[set]]\nfiles = "flat*"\nkind = "moon"\n')
    for command in (["survey"], ["flats", "-o", "masters"], ["plan", "-o", "masters"]):
        outcome = ev(*command, night)
        words = "".join((outcome.out + outcome.err).split())
        assert str(night / "evenfield.toml") in words
        assert "line1" in words
        assert "'moon'" in words
