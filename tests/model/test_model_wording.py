"""The catalogue of codes, the settings, and the few words that sentences share."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

import evenfield
from evenfield.errors import MemoryBudgetError, SettingsError
from evenfield.model.catalogue import CATALOGUE, finding
from evenfield.model.findings import FindingLevel
from evenfield.model.settings import CalibrationSettings, GroupSettings, Settings, setting_fields
from evenfield.model.wording import name_files, plural
from evenfield.tiles import Work, band_rows, bands, peak_bytes

SOURCE = Path(evenfield.__file__).parent


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (1, "flat", "1 flat"),
        (20, "flat", "20 flats"),
        (1, "bias", "1 bias frame"),
        (5, "bias", "5 bias frames"),
        (2, "dark of 300 s", "2 darks of 300 s"),
        (0, "dark flat of 2.00 s", "0 dark flats of 2.00 s"),
        (3, "bias of another camera", "3 bias frames of another camera"),
    ],
)
def test_counts_with_nouns(count: int, noun: str, text: str) -> None:
    """A count and its noun agree."""
    assert plural(count, noun) == text


def test_three_files_by_name_at_most() -> None:
    """Three files are named; of more, two and the number of the others."""
    assert name_files(["/a/1", "/a/2", "/a/3"]) == "1, 2, 3"
    assert name_files(["/a/1", "/a/2", "/a/3", "/a/4"]) == "1, 2 and 2 more"


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    """Each code with which the source makes a finding has its entry."""
    used = set()
    for path in SOURCE.rglob("*.py"):
        used |= set(re.findall(r'\bfinding\(\s*"([a-z_]+)"', path.read_text(encoding="utf-8")))
    assert len(used) > 20
    assert used <= set(CATALOGUE)


def test_entries_are_whole() -> None:
    """Every entry has a title, a meaning and a mend of whole sentences."""
    for code, entry in CATALOGUE.items():
        assert entry.code == code
        assert entry.title
        assert not entry.title.endswith(".")
        assert entry.meaning.endswith(".")
        assert entry.mend.endswith((".", ":"))


def test_findings_take_level_and_mend_from_the_catalogue() -> None:
    """A finding has its entry's level and mend, unless others are given; an unknown code is a fault."""
    told = finding("bad_level", "a.fits", "text")
    assert (told.level, told.mend) == (FindingLevel.WARNING, CATALOGUE["bad_level"].mend)
    assert finding("bad_level", "a", "b", mend="c", level=FindingLevel.NOTE).mend == "c"
    with pytest.raises(KeyError):
        finding("nonsense", "a", "b")


def test_settings_survive_json() -> None:
    """Settings come back from JSON as they were, each with option, description and default."""
    assert msgspec.json.decode(msgspec.json.encode(Settings()), type=Settings) == Settings()
    fields = list(setting_fields())
    assert all(one.option.startswith("--") and one.description.endswith(".") for one in fields)


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({}, ("filter", "night", "rotator", "set_temperature")),
        ({"join": ("night",)}, ("filter", "rotator", "set_temperature")),
        ({"join": ("temperature",)}, ("filter", "night", "rotator")),
        ({"split": ("exposure",)}, ("filter", "night", "rotator", "set_temperature", "exposure")),
        ({"by": ("night",)}, ("night",)),
        ({"by": (), "split": ("filter",)}, ("filter",)),
    ],
)
def test_grouping_keys(fields: dict[str, tuple[str, ...]], keys: tuple[str, ...]) -> None:
    """--group-by replaces, --join takes away, --split adds."""
    assert GroupSettings(**fields).keys == keys  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        {"by": ("colour",)},
        {"join": ("night",), "split": ("night",)},
        {"no_grouping": True, "split": ("night",)},
    ],
)
def test_contradicting_grouping(fields: dict[str, object]) -> None:
    """Unknown and contradicting keys are refused with a mend."""
    with pytest.raises(SettingsError) as caught:
        GroupSettings(**fields)  # type: ignore[arg-type]
    assert caught.value.mend


@pytest.mark.parametrize("text", ["shape", "exposure:x", "exposure:-1", "exposure:nan", "exposure:inf", ""])
def test_mismatches_that_cannot_be_allowed(text: str) -> None:
    """Unknown keys, size and impossible limits are refused."""
    with pytest.raises(SettingsError):
        CalibrationSettings(allow_mismatch=(text,))


def test_mismatch_limits() -> None:
    """A limit is a number; without one any difference is allowed."""
    found = CalibrationSettings(allow_mismatch=("exposure:2.5", "gain_setting"))
    assert found.mismatch_limits() == {"exposure": 2.5, "gain_setting": None}


@pytest.mark.parametrize("threads", [1, 2, 16])
@pytest.mark.parametrize("n_frames", [1, 30, 500])
@pytest.mark.parametrize("budget_mib", [1024, 4096])
def test_bands_stay_within_the_budget(threads: int, n_frames: int, budget_mib: int) -> None:
    """Bands cover every row once, and their expected peak is within the budget."""
    work = Work(n_frames=n_frames, shape=(4176, 6248), sample_bytes=2, threads=threads, n_masters=1)
    budget = budget_mib << 20
    height = band_rows(work, budget_bytes=budget)
    assert peak_bytes(work, budget_bytes=budget) <= budget
    rows = [row for tile in bands(4176, height=height) for row in range(tile.start, tile.stop)]
    assert rows == list(range(4176))


def test_a_budget_for_not_even_a_row() -> None:
    """Where not one row fits, the error names a budget that is enough."""
    work = Work(n_frames=30, shape=(4176, 6248), sample_bytes=2, threads=1)
    with pytest.raises(MemoryBudgetError) as caught:
        band_rows(work, budget_bytes=100 << 20)
    needed = int(re.search(r"--memory (\d+)MiB", caught.value.mend)[1])  # type: ignore[index]
    assert band_rows(work, budget_bytes=needed << 20) >= 1
