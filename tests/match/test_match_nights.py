"""Which night a frame belongs to."""

from __future__ import annotations

from typing import Any

from evenfield.match.nights import assign_nights
from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.testing.frames import frame_value


def at(name: str, taken: str, kind: FrameKind = FrameKind.FLAT, **fields: Any) -> FrameInfo:
    """A frame taken at a time."""
    return frame_value(f"{name}.fits", kind, taken_at=taken, **fields)


def nights(*frames: FrameInfo) -> list[str | None]:
    """The nights of frames, in their order."""
    found = assign_nights(frames).night
    return [found[frame.path] for frame in frames]


def test_noon_to_noon_local_time() -> None:
    """A night runs from local noon to local noon and is named by its evening, wherever the site is."""
    assert nights(
        at("dusk", "2026-03-14T18:00:00"),
        at("dawn", "2026-03-15T05:00:00"),
        at("next", "2026-03-15T18:00:00"),
    ) == ["2026-03-14", "2026-03-14", "2026-03-15"]
    # In Hawaii the evening of the 14th is the morning of the 15th in UTC.
    assert nights(at("dusk", "2026-03-15T05:00:00", site_longitude_deg=-155.0)) == ["2026-03-14"]


def test_local_time_of_the_header_where_no_place_is_known() -> None:
    """Without a longitude the header's local time decides, also where it is the only time."""
    assert nights(
        at("a", "2026-03-15T05:00:00", site_longitude_deg=None, local_at="2026-03-14T19:00:00"),
        at("b", "2026-03-15T05:00:00").__class__(
            path="/session/c.fits", kind=FrameKind.FLAT, setup=at("x", "").setup, local_at="2026-03-15T03:00:00"
        ),
    ) == ["2026-03-14", "2026-03-14"]


def test_an_unbroken_series_is_never_cut() -> None:
    """Flats that run across noon with gaps under an hour stay in the night in which they began."""
    series = [at(f"flat{hour}{half}", f"2026-03-15T{hour:02d}:{half}:00", site_longitude_deg=0.0)
              for hour in (10, 11, 12, 13) for half in ("00", "45")]  # fmt: skip
    assert set(nights(*series)) == {"2026-03-14"}
    # An hour without a frame ends the series.
    later = at("later", "2026-03-15T15:00:00", site_longitude_deg=0.0)
    assert nights(*series, later)[-1] == "2026-03-15"


def test_long_exposures_count_in_the_gap() -> None:
    """The gap begins where the exposure ends, also after a frame that outlasts the next one."""
    long = at("long", "2026-03-15T11:00:00", site_longitude_deg=0.0, exposure_s=3600.0)
    short = at("short", "2026-03-15T11:05:00", site_longitude_deg=0.0)
    after = at("after", "2026-03-15T12:50:00", site_longitude_deg=0.0)
    assert set(nights(long, short, after)) == {"2026-03-14"}


def test_darks_by_day_do_not_join_two_nights() -> None:
    """Darks taken all day bridge no gap: flats of two evenings are two nights, with or without a place."""
    for longitude in (0.0, None):
        frames = [
            at("flat1", "2026-03-14T19:00:00", site_longitude_deg=longitude),
            *(at(f"dark{hour}", f"2026-03-15T{hour:02d}:00:00", FrameKind.DARK, site_longitude_deg=longitude,
                 exposure_s=3500.0) for hour in range(24)),
            at("flat2", "2026-03-15T19:00:00", site_longitude_deg=longitude),
        ]  # fmt: skip
        found = nights(*frames)
        assert (found[0], found[-1]) == ("2026-03-14", "2026-03-15")


def test_gaps_of_more_than_six_hours_cut_where_no_place_is_known() -> None:
    """Without any place, more than 6 h without a frame begin another night, and it is counted."""
    frames = [
        at("a", "2026-03-14T20:00:00", site_longitude_deg=None),
        at("b", "2026-03-15T01:59:00", site_longitude_deg=None),
        at("c", "2026-03-15T04:00:00", site_longitude_deg=None),
        at("d", "2026-03-15T20:00:00", site_longitude_deg=None),
    ]
    assert nights(*frames) == ["2026-03-14"] * 3 + ["2026-03-15"]
    assert assign_nights(frames).cut_by_gaps == 4


def test_two_nights_never_get_one_name_by_accident() -> None:
    """Dawn and the next dusk of a far place, 12 h apart in one UTC day, stay two nights."""
    found = nights(
        at("dawn", "2026-03-15T14:00:00", site_longitude_deg=None),
        at("dusk", "2026-03-16T02:00:00", site_longitude_deg=None),
    )
    assert len(set(found)) == 2


def test_cameras_are_cut_apart() -> None:
    """Another camera that works through the day does not bridge the gap between two nights."""
    busy = [
        at(f"busy{hour}", f"2026-03-15T{hour:02d}:00:00", site_longitude_deg=None, camera="Other")
        for hour in range(0, 24, 4)
    ]
    first = at("first", "2026-03-14T20:00:00", site_longitude_deg=None)
    second = at("second", "2026-03-15T20:00:00", site_longitude_deg=None)
    found = assign_nights([first, *busy, second]).night
    assert found[first.path] != found[second.path]


def test_the_users_night_holds() -> None:
    """A night given by the user is kept, and does not pull others along."""
    given = at("given", "2026-03-15T10:00:00", night="my-night")
    other = at("other", "2026-03-15T10:01:00")
    assert nights(given, other) == ["my-night", "2026-03-14"]


def test_no_time_no_night() -> None:
    """A frame without any time has no night."""
    assert nights(frame_value("a.fits", taken_at=None)) == [None]
