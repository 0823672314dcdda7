"""Damaged headers: nothing raises, and no number is anything but finite."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from evenfield.describe.description import describe_frame
from evenfield.describe.dialects import BINNING_PAIRS, CALIBRATED_KEYWORDS, KEYWORDS, PROGRAM_KEYWORDS
from evenfield.model.frame import FrameInfo
from evenfield.model.header import CardValue, RawHeader

NAMES = sorted(
    {keyword for keywords in KEYWORDS.values() for keyword in keywords}
    | {keyword for pair in BINNING_PAIRS for keyword in pair}
    | set(PROGRAM_KEYWORDS)
    | set(CALIBRATED_KEYWORDS)
    | {"XBAYROFF", "YBAYROFF", "XORGSUBF", "YORGSUBF", "COLORCCD", "SBSTDVER", "BUNIT", "DATAMIN", "DATAMAX", "EVFBIAS"}
    | {"EVFDGST", "CALSTAT", "RLEVEL", "COMMENT", "HISTORY", "RDNOISE"}
)
TEXTS = [
    "nan",
    "inf",
    "-1",
    "1e999",
    "0",
    "",
    "N/A",
    "abc",
    "1_0",
    "RGGB",
    "2x0",
    "BOTTOM-UP",
    "N.I.N.A. 3",
    "MaxIm DL",
    "2024-13-45T99:99:99",
    "2199-12-31T24:00:00-1400",
    "11 C",
    "[9:1,*]",
    "Light",
    "٣",
    "9" * 400,
    "\ud800",
    "\x00",
]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**300, 10**320),
    st.floats(),
    st.sampled_from(TEXTS),
    st.text(),
)


def damaged(cards: tuple[tuple[str, CardValue], ...], path: str = "/a/b/c.fits") -> FrameInfo:
    return describe_frame(
        RawHeader(path=path, cards=cards, shape=(5, 6), sample="uint16", size_bytes=1, mtime_ns=1, header_hash="")
    )


def numbers_in(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in numbers_in(each)]
    if isinstance(value, list | tuple):
        return [number for each in value for number in numbers_in(each)]
    return [value] if isinstance(value, float) else []


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=25), st.text(max_size=30))
@example([(name, math.nan) for name in NAMES], "")
@example([(name, -math.inf) for name in NAMES], "/")
@example([(name, 10**400) for name in NAMES], "\\")
@example([(name, "") for name in NAMES], ".fits")
def test_no_card_can_break_a_description(cards: list[tuple[str, CardValue]], path: str) -> None:
    """Any values give finite or unknown fields, that can be saved and loaded, with a source for each known one."""
    frame = damaged(tuple(cards), path)
    assert all(math.isfinite(number) for number in numbers_in(msgspec.to_builtins(frame)))
    fields = {
        **{f: getattr(frame, f) for f in frame.__struct_fields__},
        **{f: getattr(frame.setup, f) for f in frame.setup.__struct_fields__},
    }
    assert all(fields[field] is not None for field in frame.known_from)
    if path.isprintable():
        assert msgspec.json.decode(msgspec.json.encode(frame), type=FrameInfo) == frame


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["EXPTIME", "CCD-TEMP", "GAIN", "EGAIN", "FOCALLEN", "PEDESTAL"]), st.sampled_from(TEXTS[:6]))
def test_what_is_not_understood_is_said(keyword: str, text: str) -> None:
    """A number that cannot be read leaves its field unknown, with a sentence that quotes it."""
    frame = damaged(((keyword, text),))
    said = any(f"{keyword} '{text}'" in problem for problem in frame.problems)
    understood = any(source == keyword for source in frame.known_from.values())
    assert said != understood or text in ("", "-1", "0")


CASES: list[tuple[str, CardValue, str, str]] = [
    ("EXPTIME", "abc", "exposure_s", "EXPTIME 'abc' is not a number"),
    ("EXPTIME", -3.0, "exposure_s", "EXPTIME -3.0 is below 0"),
    ("EXPTIME", math.nan, "exposure_s", "EXPTIME nan is not a finite number"),
    ("EXPTIME", "NaN", "exposure_s", "EXPTIME 'NaN' is not a finite number"),
    ("EXPTIME", True, "exposure_s", "EXPTIME True is not a number"),
    ("CCD-TEMP", -999.0, "sensor_c", "CCD-TEMP -999.0 is no temperature of a sensor"),
    ("CCD-TEMP", 5000.0, "sensor_c", "CCD-TEMP 5000.0 is no temperature of a sensor"),
    ("EGAIN", "High", "egain_e_per_adu", "EGAIN 'High' is not a number"),
    ("DATE-OBS", "yesterday", "taken_at", "DATE-OBS 'yesterday' is not a date and time"),
    ("DATE-OBS", "2015-06-04", "taken_at", "DATE-OBS '2015-06-04' has no time of day"),
    ("ROWORDER", "sideways", "row_order", "ROWORDER 'sideways' is neither TOP-DOWN nor BOTTOM-UP"),
    ("BINNING", "0x0", "binning", "BINNING '0x0' is not a binning"),
    ("BAYERPAT", "WXYZ", "cfa", "BAYERPAT 'WXYZ' is not a colour pattern"),
    ("BIASSEC", "left edge", "overscan_section", "BIASSEC 'left edge' is not a section of an image"),
    ("BUNIT", "Jy/beam", "number_domain", "BUNIT 'Jy/beam' is no unit that evenfield knows"),
    ("SITELONG", "north", "site_longitude_deg", "SITELONG 'north' is not a longitude"),
]


@pytest.mark.parametrize(("keyword", "value", "field", "sentence"), CASES)
def test_each_kind_of_damage_has_its_sentence(keyword: str, value: CardValue, field: str, sentence: str) -> None:
    """A damaged value leaves its field unknown, and the problem says which card and why."""
    frame = damaged(((keyword, value),))
    assert (getattr(frame, field) if hasattr(frame, field) else getattr(frame.setup, field)) is None
    assert field not in frame.known_from
    assert [problem for problem in frame.problems if sentence in problem]


def test_a_second_keyword_stands_in_for_a_damaged_one() -> None:
    """Where EXPTIME cannot be read, EXPOSURE serves, and the problem stays."""
    frame = damaged((("EXPTIME", "abc"), ("EXPOSURE", 30.0)))
    assert (frame.exposure_s, frame.known_from["exposure_s"], len(frame.problems)) == (30.0, "EXPOSURE", 1)
