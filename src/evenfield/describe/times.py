"""Points in time and places as headers write them, brought to ISO 8601 and to degrees east."""

from __future__ import annotations

import datetime
import functools
import math
import re
from typing import Final

from evenfield.describe.cards import Cards, shown, split_number
from evenfield.describe.dialects import KEYWORDS, MISSING_WORDS, Program

_MJD_EPOCH: Final = datetime.datetime(1858, 11, 17)
_JD_OF_MJD_0: Final = 2400000.5
# Days from 1858-11-17 to 1900-01-01 and 2200-01-01: what lies outside is no date of a digital frame.
_MJD_RANGE: Final = (15020.0, 124594.0)

_DATE_AND_CLOCK: Final = re.compile(r"([\d./-]+)(?:T|\s)\s*(\S.*)", re.ASCII)
_DATE: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", re.ASCII)
_OLD_DATE: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2})", re.ASCII)
_CLOCK: Final = re.compile(
    r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?\s*([AP]M)?(?:\s+[A-Z]{2,5})?", re.ASCII | re.IGNORECASE
)
_ZONE: Final = re.compile(r"(?<=[\d.])\s*(?:Z|UTC?|([+-])(\d{2}):?(\d{2}))$", re.ASCII | re.IGNORECASE)
_ANGLE_PARTS: Final = re.compile(r"\d+(?:\.\d*)?", re.ASCII)

# A place whose longitude and clock disagree by more than this many degrees has the wrong sign (zones reach about
# three hours from the sun's time, daylight saving included).
_CLOCK_TOLERANCE_DEG: Final = 52.5


class Moment:
    """A parsed time: ``wall`` (naive) and the zone its text gave in minutes east, ``None`` if it gave none."""

    __slots__ = ("wall", "zone_minutes")

    def __init__(self, wall: datetime.datetime, zone_minutes: int | None) -> None:
        self.wall = wall
        self.zone_minutes = zone_minutes

    @property
    def utc(self) -> datetime.datetime:
        """The time in UTC; a text without a zone is UTC already."""
        return self.wall - datetime.timedelta(minutes=self.zone_minutes or 0)


def moment(text: str) -> Moment | None:
    """A date with a time of day as headers write it; ``None`` if it is none.

    Understood are ISO 8601 with any number of digits of a second, a blank or "T" between date and time, "/" in the
    date, AM and PM, and a zone ("Z", "-0700", "+01:00").
    """
    found = _DATE_AND_CLOCK.fullmatch(text.strip())
    date = None if found is None else _date(found[1])
    if found is None or date is None:
        return None
    rest = found[2]
    zone = _ZONE.search(rest)
    minutes = None
    if zone is not None:
        rest = rest[: zone.start()]
        minutes = 0 if zone[1] is None else int(f"{zone[1]}1") * (int(zone[2]) * 60 + int(zone[3]))
    wall = _at(date, rest.strip())
    if wall is None or (minutes is not None and abs(minutes) > 15 * 60):
        return None
    return Moment(wall, minutes)


def iso_text(when: datetime.datetime) -> str:
    """ISO 8601 with milliseconds and no zone, "2017-09-08T22:48:01.984"; more digits are cut off."""
    return when.isoformat(timespec="milliseconds")


@functools.lru_cache(maxsize=64)
def _date(text: str) -> datetime.datetime | None:
    """Midnight of a date "2017-09-08", "2017/9/8", or "08/09/17" as FITS wrote it before 1998."""
    found = _DATE.fullmatch(text)
    if found is not None:
        year, month, day = int(found[1]), int(found[2]), int(found[3])
    else:
        found = _OLD_DATE.fullmatch(text)
        if found is None:
            return None
        day, month, year = int(found[1]), int(found[2]), int(found[3])
        # The old form means 1900 + year, but programs wrote it long after 2000.
        year += 2000 if year < 60 else 1900
    if not 1900 <= year < 2200:
        return None
    try:
        return datetime.datetime(year, month, day)
    except ValueError:
        return None


def _at(date: datetime.datetime, clock: str) -> datetime.datetime | None:
    """The date at a time of day, "22:48:01.984" or "03:38:32.770 PM"."""
    found = _CLOCK.fullmatch(clock)
    if found is None:
        return None
    hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3] or 0)
    microseconds = int((found[4] or "0")[:6].ljust(6, "0"))
    half = (found[5] or "").upper()
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half == "PM" else 0)
    # 24:00:00 and 23:59:60 occur where a program rounded.
    if hours > 24 or minutes > 59 or seconds > 60 or (hours == 24 and (minutes or seconds or microseconds)):
        return None
    return date + datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)


def take_times(cards: Cards) -> tuple[str | None, str | None, int | None]:
    """``taken_at`` (UTC), ``local_at``, and the minutes by which local time is ahead of UTC, each if known."""
    utc, zoned = _taken(cards)
    local = _local(cards)
    if local is None and zoned is not None and zoned.zone_minutes:
        local = zoned.wall
        cards.known["local_at"] = cards.known["taken_at"]
    ahead = None
    if utc is not None and local is not None:
        ahead = round((local - utc).total_seconds() / 60)
    return (
        None if utc is None else iso_text(utc),
        None if local is None else iso_text(local),
        ahead if ahead is not None and abs(ahead) <= 15 * 60 else None,
    )


def _taken(cards: Cards) -> tuple[datetime.datetime | None, Moment | None]:
    """The start of the exposure in UTC, and the moment as DATE-OBS wrote it."""
    for keyword in KEYWORDS["time"]:
        text = _time_text(cards, keyword)
        if text is None:
            continue
        when = moment(text)
        if when is not None:
            cards.known["taken_at"] = keyword
            return when.utc, when
        date = _date(text)
        if date is None:
            cards.problems.append(f"{keyword} {shown(text)} is not a date and time.")
            continue
        for clock_keyword in KEYWORDS["clock"]:
            clock = _time_text(cards, clock_keyword)
            at = None if clock is None else _at(date, _ZONE.sub("", clock))
            if at is not None:
                cards.known["taken_at"] = f"{keyword} and {clock_keyword}"
                return at, None
        cards.problems.append(f"{keyword} {shown(text)} has no time of day.")
    return _by_day_number(cards), None


def _by_day_number(cards: Cards) -> datetime.datetime | None:
    """The time that a modified or full Julian date tells."""
    for keyword in KEYWORDS["day_number"]:
        measured = cards.measured(keyword) if keyword in cards.values else None
        if measured is None:
            continue
        days = measured[0]
        if days > _JD_OF_MJD_0:
            days -= _JD_OF_MJD_0
        # A whole number of days is a date that lost its time.
        if _MJD_RANGE[0] < days < _MJD_RANGE[1] and not days.is_integer():
            cards.known["taken_at"] = keyword
            when = _MJD_EPOCH + datetime.timedelta(days=days)
            # Day numbers resolve some 10 microseconds: rounding keeps 04:17:00 from becoming 04:16:59.999.
            return when + datetime.timedelta(microseconds=500)
        if days:
            cards.problems.append(f"{keyword} {shown(cards.values[keyword])} is not a date and time.")
    return None


def _local(cards: Cards) -> datetime.datetime | None:
    """The local time at the start of the exposure."""
    for keyword in KEYWORDS["local_at"]:
        text = _time_text(cards, keyword)
        if text is None:
            continue
        when = moment(text)
        if when is not None:
            cards.known["local_at"] = keyword
            return when.wall
        cards.problems.append(f"{keyword} {shown(text)} is not a date and time.")
    return None


def _time_text(cards: Cards, keyword: str) -> str | None:
    """The text of a keyword, ``None`` where it is missing, no text, or says nothing."""
    value = cards.values.get(keyword)
    if not isinstance(value, str):
        return None
    text = value.strip()
    return None if text.lower() in MISSING_WORDS else text


def degrees_east(text: str) -> float | None:
    """A longitude in degrees from "-97 12 12", "97:12:12.5 W", "9.765"; ``None`` if it is none."""
    plain = split_number(text)
    if plain[0] is not None and not plain[1]:
        return plain[0] if math.isfinite(plain[0]) else None
    # Prism writes hundredths of a second as a fourth part.
    parts = _ANGLE_PARTS.findall(text)
    rest = _ANGLE_PARTS.sub("", text).upper()
    if not 1 <= len(parts) <= 4 or rest.strip(" +-:EWDHMS°'\"′″"):
        return None
    degrees: float = sum(float(part) / 60.0**place for place, part in enumerate(parts[:3]))
    return -degrees if ("-" in rest) != ("W" in rest) else degrees


def take_longitude(cards: Cards, *, programs: tuple[Program, ...], ahead_minutes: int | None) -> float | None:
    """The site's longitude in degrees, east positive, -180 to 180.

    OBSGEO-L is east by definition; the sign of the others is not: TheSkyX counts SITELONG westwards, and where the
    clock (``ahead_minutes``: local time minus UTC) fits the opposite sign only, that one is taken.
    """
    for keyword in KEYWORDS["site_longitude_deg"]:
        value = cards.values.get(keyword)
        if value is None or isinstance(value, bool):
            continue
        if isinstance(value, str):
            if value.strip().lower() in MISSING_WORDS:
                continue
            degrees = degrees_east(value)
        else:
            measured = cards.measured(keyword)
            if measured is None:
                continue
            degrees = measured[0]
        if degrees is None or not -360 <= degrees <= 360:
            cards.problems.append(f"{keyword} {shown(value)} is not a longitude.")
            continue
        if keyword == "SITELONG" and isinstance(value, str) and any(program.west_positive for program in programs):
            degrees = -degrees
        if keyword != "OBSGEO-L" and ahead_minutes is not None and _fits_only_mirrored(degrees, ahead_minutes):
            degrees = -degrees
        cards.known["site_longitude_deg"] = keyword
        return _half_turn(degrees)
    return None


def _fits_only_mirrored(degrees: float, ahead_minutes: int) -> bool:
    """Whether the clock contradicts a longitude and agrees with its mirror image."""
    clock_degrees = ahead_minutes / 4
    off = abs(_half_turn(degrees - clock_degrees))
    mirrored_off = abs(_half_turn(-degrees - clock_degrees))
    return off > _CLOCK_TOLERANCE_DEG >= mirrored_off


def _half_turn(degrees: float) -> float:
    """An angle brought to -180 .. 180, unchanged if it is there already."""
    return degrees if -180 <= degrees <= 180 else math.remainder(degrees, 360)
