"""Words: kinds in headers and names, filters, mosaics, times, longitudes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfield.describe.filters import BAYER_PATTERNS, filter_name
from evenfield.describe.kinds import kind_of_file, kind_of_folder, kind_of_word, master_by_name
from evenfield.describe.mosaics import mosaic_pattern, shifted, upside_down
from evenfield.describe.times import degrees_east, iso_text, moment

WORDS = {
    "light": ["LIGHT", "Light Frame", "Light Frame      ", "object", "science", "EXPOSE", "Tricolor Image", "SNAPSHOT"],
    "bias": ["BIAS", "Bias Frame", "offset", "zero", "ZERO FRAME"],
    "dark": ["DARK", "Dark Frame", " dark "],
    "flat": [
        "FLAT",
        "Flat Frame",
        "Flat Field",
        "FLATFIELD",
        "SKYFLAT",
        "domeflat",
        "twilight",
        "Dome Flat",
        "FLAT,SKY",
    ],
    "dark_flat": ["DARKFLAT", "DARK FLAT", "FLATDARK", "FLAT DARK", "Dark_flat", "Dark Flat Frame", "flat-dark"],
}


@pytest.mark.parametrize(("word", "kind"), [(word, kind) for kind, words in WORDS.items() for word in words])
def test_every_word_for_a_kind_is_understood(word: str, kind: str) -> None:
    """Every spelling of a kind means that kind, and "master" before it a master of that kind."""
    assert kind_of_word(word) == (kind, False)
    assert kind_of_word("Master " + word.strip()) == (kind, True)
    assert kind_of_word("master" + word.strip().lower()) == (kind, True)


@pytest.mark.parametrize("word", ["ARC", "Unknown kind", "Master", "darkness", "Other/Processed", "focus", "", "12"])
def test_a_word_that_is_no_kind_stays_unknown(word: str) -> None:
    """A word that names no kind gives none, and no master."""
    assert kind_of_word(word) == (None, False)


NAMES = [
    ("flatfield", "flat"),
    ("FLAT_Ha_0001", "flat"),
    ("flat01", "flat"),
    ("darkflat", "dark_flat"),
    ("flat-dark", "dark_flat"),
    ("dark_flats", "dark_flat"),
    ("DarkFlat_Ha_0.5s_001", "dark_flat"),
    ("Light_FlatDark_001", "light"),
    ("flat_Ha_dark_0001", "dark_flat"),
    ("darks for flats", "dark_flat"),
    ("masterflat", "flat"),
    ("MasterDarkFlat_1s", "dark_flat"),
    ("bias", "bias"),
    ("offset", "bias"),
    ("master_offset", "bias"),
    ("offsets_001", "bias"),
    ("lights", "light"),
    ("Light_1114", "light"),
    ("biases-Neg5-Vis.00000003.BIAS", "bias"),
    ("darks-expos1-Neg5-Vis.00000001.DARK", "dark"),
    ("M42_Dark_300s", "dark"),
    ("2024-01-01_FLAT_L_0001", "flat"),
    ("skyflat_V_3", "flat"),
    ("inflate", None),
    ("darkness", None),
    ("M42_darknebula", None),
    ("LDN_DarkNebula_01", None),
    ("Biasca", None),
    ("M42_Ha_300s_Gain100_Offset50_0001", None),
    ("", None),
    ("0001", None),
    ("moonlight", None),
]


@pytest.mark.parametrize(("name", "kind"), NAMES)
def test_a_file_name_tells_its_kind_by_whole_words(name: str, kind: str | None) -> None:
    """Whole words of a file's name count, parts of words and settings do not."""
    assert kind_of_file(name) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Flats", "flat"),
        ("Darks Near -5", "dark"),
        ("Darks Flats Lights", None),
        ("darks and flats", None),
        ("Bias Library", "bias"),
        ("dark_flats", "dark_flat"),
        ("flatdarks", "dark_flat"),
        ("home", None),
    ],
)
def test_a_folder_that_names_several_kinds_tells_none(name: str, kind: str | None) -> None:
    """A folder counts if it names one kind, and a list of kinds is not a dark flat."""
    assert kind_of_folder(name) == kind


def test_masters_are_known_by_name() -> None:
    """Names that start with master, and those of MasterDarkMaker and Siril, are masters; single frames are not."""
    assert master_by_name("masterFlat-Ha")
    assert master_by_name("BIAS-SigmaClip2.0-20200518-1003-0.000s--1.0C-2x2")
    assert master_by_name("flat_stacked")
    assert not master_by_name("FLAT_0001")
    assert not master_by_name("the master of flats")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *[(text, "Ha") for text in ("Ha", "HA", "H-alpha", "H_alpha", "Halpha", "H alpha", "Hα", "h-Alpha")],
        *[(text, "OIII") for text in ("O3", "OIII", "O-III", "[OIII]", "oiii", "O III")],
        *[(text, "SII") for text in ("S2", "SII", "S-II", "[S II]", "Sulfur II")],
        *[(text, "NII") for text in ("N2", "NII", "[NII]")],
        *[(text, "Hb") for text in ("Hb", "H-beta", "Hβ", "HBETA")],
        ("RED", "Red"),
        ("green", "Green"),
        ("BLUE", "Blue"),
        ("lum", "Luminance"),
        ("luminance", "Luminance"),
        ("R", "R"),
        ("r", "r"),
        ("V ", "V"),
        ("sdss-r", "sdss-r"),
        ("sdssr", "sdssr"),
        ("Ha-7nm", "Ha-7nm"),
        ("L", "L"),
        ("", None),
        ("None", None),
        ("NoFilter", None),
        ("No Filter", None),
        ("N/A", None),
        ("Clear", "Clear"),
    ],
)
def test_filter_names_merge_only_where_certain(text: str, name: str | None) -> None:
    """Spellings of one filter become one name; every other name keeps its dashes and case."""
    assert filter_name(text) == name


@given(st.text(alphabet="abRGr-_ 1", min_size=1))
def test_naming_a_filter_twice_changes_nothing(text: str) -> None:
    """A canonical name is its own canonical name."""
    name = filter_name(text)
    assert name is None or filter_name(name) == name


def test_a_bottom_up_file_begins_with_the_last_row() -> None:
    """With an even height RGGB becomes GBRG, with an odd one it stays."""
    assert upside_down("RGGB", rows=4176) == "GBRG"
    assert upside_down("RGGB", rows=4177) == "RGGB"
    assert upside_down("GRBG", rows=2) == "BGGR"


XTRANS = "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"


@given(st.sampled_from([*sorted(BAYER_PATTERNS), XTRANS]), st.integers(1, 40), st.integers(-9, 9), st.integers(-9, 9))
def test_mosaics_follow_the_pixels(pattern: str, rows: int, x: int, y: int) -> None:
    """A flipped and shifted pattern gives each pixel the colour that it had in the picture."""
    side = 2 if len(pattern) == 4 else 6
    flipped = shifted(upside_down(pattern, rows=rows), x=x, y=y)
    for row in range(7):
        for column in range(7):
            true_row = (rows - 1 - (row + y)) % side
            true_column = (column + x) % side
            assert flipped[(row % side) * side + column % side] == pattern[true_row * side + true_column]


@pytest.mark.parametrize(("text", "pattern"), [("rggb ", "RGGB"), ("RGBG", None), ("INVALID", None), (XTRANS, XTRANS)])
def test_only_real_mosaics_count(text: str, pattern: str | None) -> None:
    """The four Bayer patterns and 36 letters are mosaics, anything else is none."""
    assert mosaic_pattern(text) == pattern


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2017-09-08T22:48:01.984", "2017-09-08T22:48:01.984"),
        ("2024-03-14T22:48:01.1234567", "2024-03-14T22:48:01.123"),
        ("2017-12-19T18:57:13.000-0700", "2017-12-20T01:57:13.000"),
        ("2017-12-19T18:57:13+05:30", "2017-12-19T13:27:13.000"),
        ("2017-12-19T18:57:13Z", "2017-12-19T18:57:13.000"),
        ("2017-12-19 18:57", "2017-12-19T18:57:00.000"),
        ("2020-04-17 03:38:32.770 PM DST", "2020-04-17T15:38:32.770"),
        ("2020-04-17 12:05:00 AM", "2020-04-17T00:05:00.000"),
        ("2017-12-31T23:59:60", "2018-01-01T00:00:00.000"),
        ("2017-12-31T24:00:00", "2018-01-01T00:00:00.000"),
        ("2017/9/8T2:08:01,5", "2017-09-08T02:08:01.500"),
    ],
)
def test_times_in_all_their_spellings(text: str, utc: str) -> None:
    """Zones are taken off, fractions cut at a millisecond, twelve-hour clocks and rounded midnights understood."""
    when = moment(text)
    assert when is not None
    assert iso_text(when.utc) == utc


@pytest.mark.parametrize(
    "text", ["N/A", "2017-02-30T00:00:00", "2017-09-08", "0000-00-00T00:00:00", "2017-09-08T25:00:00", ""]
)
def test_what_is_no_time_is_none(text: str) -> None:
    """Impossible dates, dates without a time and other texts give nothing."""
    assert moment(text) is None


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("-97 12 12", -97.20333333),
        ("97 12 12 W", -97.20333333),
        ("+75 42 00.00", 75.7),
        ("9.765", 9.765),
        ("-68:10:48:00", -68.18),
        ("-0 30 00", -0.5),
        ("Greenwich", None),
        ("nan", None),
        ("", None),
    ],
)
def test_longitudes_in_all_their_spellings(text: str, degrees: float | None) -> None:
    """Sexagesimal and decimal longitudes become degrees, also where only the minus sign of zero tells west."""
    found = degrees_east(text)
    assert found == (None if degrees is None else pytest.approx(degrees, abs=1e-8))
