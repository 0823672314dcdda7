"""The flat that lights are divided by."""

from __future__ import annotations

from typing import Any

import pytest

from evenfield.match.flats import FAR_AWAY, choose_flat, fit_flat, nights_apart
from evenfield.match.limits import Limits
from evenfield.model.frame import FrameKind
from evenfield.model.groups import FrameGroup
from evenfield.testing.frames import frame_value, frame_values

NONE = Limits(allowed={})


def lights(**fields: Any) -> FrameGroup:
    """Two lights of a night."""
    night = fields.pop("night", "2026-03-14")
    return FrameGroup(
        kind=FrameKind.LIGHT, key={"night": night}, frames=tuple(frame_values("light", 2, FrameKind.LIGHT, **fields))
    )


def flats(name: str = "flat", *, night: str | None = "2026-03-14", **fields: Any) -> FrameGroup:
    """Raw flats of a night."""
    return FrameGroup(kind=FrameKind.FLAT, key={"night": night}, frames=tuple(frame_values(name, 3, **fields)))


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        ("filter", {"filter": "R"}),
        ("filter", {"filter": None}),
        ("shape", {"shape": (208, 312)}),
        ("binning", {"binning": (2, 2)}),
        ("origin", {"origin": (8, 0)}),
        ("camera", {"camera": "Another"}),
        ("gain_setting", {"gain_setting": 0.0}),
        ("cfa", {"cfa": "RGGB"}),
        ("row_order", {"row_order": "BOTTOM-UP"}),
        ("telescope", {"telescope": "Another"}),
        ("rotator_deg", {"rotator_deg": 13.1}),
    ],
)
def test_what_forbids_a_flat(key: str, fields: dict[str, Any]) -> None:
    """Each key that puts vignetting or dust elsewhere forbids a flat, and names itself."""
    found = fit_flat(lights(telescope="Mine", rotator_deg=12.0), flats(**{"rotator_deg": 12.0, **fields}), limits=NONE)
    assert [one.key for one in found.against] == [key]


def test_what_a_flat_may_differ_in() -> None:
    """The offset was subtracted and the level is divided out; a rotator within 1 degree, also over 360, is the same."""
    fields = {"offset_setting": 10.0, "number_domain": "unit", "exposure_s": 7.0, "sensor_c": 20.0}
    found = fit_flat(lights(rotator_deg=359.6), flats(rotator_deg=0.4, **fields), limits=NONE)
    assert found.fits
    assert not found.unknown


def test_a_mismatch_may_be_allowed_and_is_told() -> None:
    """An allowed key no longer forbids, and stands in the match."""
    found = fit_flat(lights(rotator_deg=12.0), flats(rotator_deg=14.0), limits=Limits(allowed={"rotator": 5.0}))
    assert found.fits
    assert found.allowed == ("rotator angle 12.0 degrees, there 14.0 degrees",)
    assert not fit_flat(lights(rotator_deg=12.0), flats(rotator_deg=20.0), limits=Limits(allowed={"rotator": 5.0})).fits


def test_the_nearest_night_is_taken() -> None:
    """Of flats that fit equally well the one of the nearest night is taken, the others are told in that order."""
    near, far, same = flats("near", night="2026-03-16"), flats("far", night="2026-02-01"), flats("same")
    best, others = choose_flat(lights(), [far, near], limits=NONE)
    assert best is not None
    assert (best.group, best.days) == (near, 2)
    best, others = choose_flat(lights(), [far, near, same], limits=NONE)
    assert best is not None
    assert best.group is same
    assert [one.group for one in others] == [near, far]


def test_a_ready_master_of_the_same_night_comes_first() -> None:
    """A ready master flat is taken before raw flats of its night; one that still holds its bias never is."""
    ready = frame_value("master.fits", is_master=True, contains_bias=False, n_combined=30)
    group = FrameGroup(kind=FrameKind.FLAT, key={"night": "2026-03-14"}, frames=(ready,), is_master=True)
    best, _ = choose_flat(lights(), [flats(), group], limits=NONE)
    assert best is not None
    assert best.group is group
    biased = frame_value("master.fits", is_master=True, contains_bias=True)
    group = FrameGroup(kind=FrameKind.FLAT, key={"night": "2026-03-14"}, frames=(biased,), is_master=True)
    best, others = choose_flat(lights(), [group], limits=NONE)
    assert best is None
    assert [one.key for one in others[0].against] == ["bias"]


def test_nights_apart() -> None:
    """Days between nights; a master of several nights is as near as its nearer end, an unknown night far away."""
    assert nights_apart("2026-03-14", "2026-03-14") == 0
    assert nights_apart(None, None) == 0
    assert nights_apart("2026-03-14", "2026-02-28") == 14
    assert nights_apart("2026-03-14", "2026-03-10_to_2026-03-12") == 2
    assert nights_apart("2026-03-14", "2026-03-10_to_2026-03-20") == 0
    assert nights_apart("2026-03-14", None) == FAR_AWAY
