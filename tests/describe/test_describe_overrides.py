"""The user's corrections: parsing, matching, types, and evenfield.toml."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from evenfield.describe.description import describe_frame
from evenfield.describe.override_values import OVERRIDE_FIELDS
from evenfield.describe.overrides import Override, load_overrides, parse_override
from evenfield.errors import DocumentError, UsageError
from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.header import CardValue, RawHeader


def frame(*overrides: Override, path: str = "/data/Night1/FLAT_0001.fits", **cards: CardValue) -> FrameInfo:
    return describe_frame(
        RawHeader(
            path=path,
            cards=tuple(cards.items()),
            shape=(4, 4),
            sample="uint16",
            size_bytes=1,
            mtime_ns=1,
            header_hash="",
        ),
        overrides=overrides,
    )


def test_one_text_sets_several_fields() -> None:
    """Fields follow each other after commas, and commas within a value stay."""
    assert parse_override("flat*:kind=flat,gain_setting=100, filter=Ha,OIII") == (
        Override(pattern="flat*", field="kind", value="flat"),
        Override(pattern="flat*", field="gain_setting", value=100.0),
        Override(pattern="flat*", field="filter", value="Ha,OIII"),
    )


def test_a_drive_letter_is_part_of_the_pattern() -> None:
    """The pattern ends at the last colon before the first equals sign; colons in values do not count."""
    (drive,) = parse_override(r"C:\frames\flat*:taken_at=2026-03-14T22:48:01")
    assert drive.pattern == r"C:\frames\flat*"
    assert drive.value == "2026-03-14T22:48:01.000"
    assert drive.fits(r"C:\Frames\flat_1.fits")
    assert not drive.fits(r"D:\Frames\flat_1.fits")


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("flat*", True),
        ("FLAT_000?.fits", True),
        ("*", True),
        ("night1/*", True),
        ("*/Night1/flat*", True),
        ("./Night1/*", True),
        ("/data/*", True),
        ("flat", False),
        ("night2/*", False),
        ("Night1", False),
        ("ight1/*", False),
        ("dark*", False),
    ],
)
def test_patterns_are_about_the_name_or_the_end_of_the_path(pattern: str, fits: bool) -> None:
    """Without a slash the file's name must fit, with one the end of the path; case does not count."""
    assert Override(pattern=pattern, field="kind", value="flat").fits("/data/Night1/FLAT_0001.fits") is fits


def test_later_overrides_win_and_are_remembered() -> None:
    """The last fitting override decides, and the field says that the user set it."""
    done = frame(
        *parse_override("*:gain_setting=5"),
        *parse_override("flat*:gain_setting=100,kind=dark flat"),
        *parse_override("dark*:gain_setting=7"),
        IMAGETYP="LIGHT",
        GAIN=20,
    )
    assert (done.setup.gain_setting, done.kind, done.kind_by_name) == (100.0, FrameKind.DARK_FLAT, FrameKind.FLAT)
    assert (done.known_from["gain_setting"], done.known_from["kind"]) == ("user", "user")
    assert isinstance(done.kind, FrameKind)


def test_frames_that_do_not_fit_stay_as_they_are() -> None:
    """An override for other files changes nothing."""
    assert frame(*parse_override("dark*:kind=bias"), IMAGETYP="FLAT") == frame(IMAGETYP="FLAT")


VALUES: dict[str, tuple[str, Any]] = {
    "kind": ("Dark_Flat", "dark_flat"),
    "is_master": ("yes", True),
    "exposure_s": ("2.5", 2.5),
    "sensor_c": ("-10", -10.0),
    "set_c": ("-10.5", -10.5),
    "filter": ("h-alpha", "Ha"),
    "night": ("2026-03-14", "2026-03-14"),
    "gain_setting": ("100", 100.0),
    "offset_setting": ("0", 0.0),
    "binning": ("2x2", (2, 2)),
    "origin": ("8x16", (8, 16)),
    "camera": ("ASI1600", "ASI1600"),
    "cfa": ("bggr", "BGGR"),
    "row_order": ("bottom-up", "BOTTOM-UP"),
    "readout_mode": ("Mode 1", "Mode 1"),
    "number_domain": ("ADU", "adu"),
    "taken_at": ("2026-03-14T23:00:00+01:00", "2026-03-14T22:00:00.000"),
    "local_at": ("2026-03-14T23:00:00+01:00", "2026-03-14T23:00:00.000"),
    "site_longitude_deg": ("-70", -70.0),
    "rotator_deg": ("12", 12.0),
    "telescope": ("RC8", "RC8"),
    "focal_length_mm": ("530", 530.0),
    "f_number": ("5.6", 5.6),
    "target": ("M31", "M31"),
    "egain_e_per_adu": ("0.25", 0.25),
    "saturation_adu": ("65535", 65535.0),
    "pedestal_adu": ("-5", -5.0),
    "contains_bias": ("false", False),
}


@pytest.mark.parametrize("field", OVERRIDE_FIELDS)
def test_every_field_can_be_set_and_cleared(field: str) -> None:
    """Each field takes its text form, arrives in the frame, can be saved, and can be made unknown."""
    text, expected = VALUES[field]
    (override,) = parse_override(f"*:{field}={text}")
    done = frame(override)
    found = getattr(done, field) if hasattr(done, field) else getattr(done.setup, field)
    assert found == expected
    assert type(found) is not str or override.value == expected
    assert done.known_from[field] == "user"
    assert msgspec.json.decode(msgspec.json.encode(override), type=Override) == override
    cleared = frame(override, *parse_override(f"*:{field}="))
    assert (getattr(cleared, field) if hasattr(cleared, field) else getattr(cleared.setup, field)) in (None, False)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("flat*", "PATTERN:FIELD=VALUE"),
        ("kind=flat", "PATTERN:FIELD=VALUE"),
        (":kind=flat", "empty file pattern"),
        ("*:colour=red", "'colour' is no field"),
        ("*:kind=arc", "light, flat, dark"),
        ("*:exposure_s=-1", "exposure_s"),
        ("*:exposure_s=nan", "exposure_s"),
        ("*:binning=0x1", "2x2"),
        ("*:binning=a", "2x2"),
        ("*:cfa=ABCD", "RGGB"),
        ("*:row_order=up", "TOP-DOWN"),
        ("*:number_domain=Jy", "adu"),
        ("*:taken_at=noon", "date and time"),
        ("*:sensor_c=300", "Celsius"),
        ("*:is_master=maybe", "true or false"),
        ("*:night=a/b", "evening"),
        ("*:gain_setting=1_0", "gain_setting"),
    ],
)
def test_what_cannot_be_set_is_refused_with_an_example(text: str, word: str) -> None:
    """A wrong form, field or value is a UsageError that says what it takes and shows an example."""
    with pytest.raises(UsageError) as refused:
        parse_override(text)
    assert word in str(refused.value)
    assert "flat*:kind=flat" in refused.value.mend


def test_an_unknown_field_names_all_fields() -> None:
    """The message about a wrong field lists those there are."""
    with pytest.raises(UsageError) as refused:
        parse_override("*:gian=1")
    assert all(field in refused.value.mend for field in OVERRIDE_FIELDS)


def test_naming_the_kind_lifts_a_processed_mark() -> None:
    """A product becomes a frame if the user names its kind, and the problem still tells."""
    marked = frame(path="/d/x_0001_c.fits", IMAGETYP="LIGHT")
    lifted = frame(*parse_override("x*:kind=light"), path="/d/x_0001_c.fits", IMAGETYP="LIGHT")
    assert marked.problems[0].startswith("processed: ")
    assert len(lifted.problems) == 1
    assert not lifted.problems[0].startswith("processed: ")
    assert "_c" in lifted.problems[0]


def test_a_toml_file_sets_the_same() -> None:
    """Tables of evenfield.toml give the overrides of the command line, in their order."""
    text = """
    [[set]]
    files = "flat*"
    kind = "flat"
    gain_setting = 100

    [[set]]
    files = ["dark*", "bias/*"]
    binning = [2, 2]
    taken_at = 2026-03-14T22:48:01
    """
    assert load_overrides(text, origin="evenfield.toml") == (
        *parse_override("flat*:kind=flat,gain_setting=100"),
        *parse_override("dark*:binning=2x2,taken_at=2026-03-14T22:48:01"),
        *parse_override("bias/*:binning=2x2,taken_at=2026-03-14T22:48:01"),
    )
    assert load_overrides("", origin="evenfield.toml") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[set]\n", ("not valid TOML", "line 1")),
        ("kind = 'flat'\n", ("a key 'kind'",)),
        ("set = 3\n", ("no [[set]] table",)),
        ("[[set]]\nkind = 'flat'\n", ("line 1", "'files'")),
        ("[[set]]\nfiles = 'a'\nkind = 'flat'\n\n[[set]]\nfiles = 'b'\ngian = 3\n", ("line 5", "'gian'")),
        ("[[set]]\nfiles = 'a'\nkind = 3\n", ("line 1", "'3' is no value of kind")),
        ("[[set]]\nfiles = 'a'\nbinning = [1, 'b']\n", ("line 1", "binning")),
        ("[[set]]\nfiles = 'a'\n", ("line 1", "nothing is set for 'a'")),
        ("[[set]]\nfiles = ''\nkind = 'flat'\n", ("line 1", "empty file pattern")),
    ],
)
def test_a_wrong_toml_file_is_refused_by_name_and_line(text: str, words: tuple[str, ...]) -> None:
    """The error names the file, the line or table, and the key."""
    with pytest.raises(DocumentError) as refused:
        load_overrides(text, origin="/data/evenfield.toml")
    assert all(word in refused.value.message for word in ("/data/evenfield.toml", *words))
