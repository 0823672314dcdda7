"""Frames and surveys as values, without files: for tests of what is decided, and the strategies that draw them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from evenfield.model.frame import FrameInfo, FrameKind, SensorSetup
from evenfield.model.survey import Survey

ROOT: Final = "/session"

SETUP: Final = SensorSetup(
    shape=(416, 624),
    binning=(1, 1),
    origin=(0, 0),
    camera="Test CMOS",
    readout_mode="0",
    gain_setting=100.0,
    offset_setting=50.0,
    cfa="MONO",
    row_order="TOP-DOWN",
    number_domain="adu",
)
"""The setup of a frame of which nothing else is said."""

_SETUP_FIELDS: Final = frozenset(SensorSetup.__struct_fields__)
_FIELDS: Final[dict[FrameKind | None, dict[str, Any]]] = {
    FrameKind.FLAT: {"exposure_s": 2.0, "filter": "Ha"},
    FrameKind.DARK_FLAT: {"exposure_s": 2.0},
    FrameKind.DARK: {"exposure_s": 300.0},
    FrameKind.BIAS: {"exposure_s": 0.0},
    FrameKind.LIGHT: {"exposure_s": 300.0, "filter": "Ha"},
}


def frame_value(name: str, kind: FrameKind | None = FrameKind.FLAT, **fields: Any) -> FrameInfo:
    """A frame as if it had been surveyed, with usual values in every field that is not given.

    Parameters
    ----------
    name : str
        The path below `ROOT`, or an absolute path.
    kind : FrameKind or None
    **fields
        Fields of `FrameInfo` and, beside them, of its `SensorSetup`.
    """
    setup = msgspec.structs.replace(SETUP, **{key: fields.pop(key) for key in [*fields] if key in _SETUP_FIELDS})
    path = name if name.startswith("/") else f"{ROOT}/{name}"
    values: dict[str, Any] = {
        "taken_at": "2026-03-14T20:00:00.000",
        "site_longitude_deg": 10.0,
        "sensor_c": -10.0,
        "set_c": -10.0,
        "size_bytes": 522_720,
        "mtime_ns": 1_773_000_000_000_000_000,
        "header_hash": hashlib.blake2b(path.encode(), digest_size=16).hexdigest(),
        "known_from": {"kind": "IMAGETYP"},
        **_FIELDS.get(kind, {}),
        **fields,
    }
    return FrameInfo(path=path, kind=kind, setup=setup, **values)


def frame_values(name: str, count: int, kind: FrameKind | None = FrameKind.FLAT, **fields: Any) -> list[FrameInfo]:
    """``count`` frames that differ in name and minute only: "name_0001.fits" and so on."""
    day, _, clock = str(fields.pop("taken_at", "2026-03-14T20:00:00.000")).partition("T")
    hour = int(clock[:2])
    return [
        frame_value(
            f"{name}_{number:04d}.fits",
            kind,
            taken_at=f"{day}T{hour + number // 60:02d}:{number % 60:02d}:00.000",
            **fields,
        )
        for number in range(1, count + 1)
    ]


def survey_value(frames: Iterable[FrameInfo], **fields: Any) -> Survey:
    """A survey that found these frames below `ROOT`."""
    return Survey(root=ROOT, frames=tuple(frames), **fields)


_DAMAGED: Final[dict[str, st.SearchStrategy[Any]]] = {
    "camera": st.sampled_from([None, "Test CMOS", "Test CMOS", "SBIG ST-8"]),
    "shape": st.sampled_from([(416, 624), (416, 624), (416, 624), (208, 312)]),
    "binning": st.sampled_from([None, (1, 1), (1, 1), (2, 2)]),
    "origin": st.sampled_from([None, (0, 0), (0, 0), (8, 0)]),
    "readout_mode": st.sampled_from([None, "0", "0", "1"]),
    "gain_setting": st.sampled_from([None, 100.0, 100.0, 0.0]),
    "offset_setting": st.sampled_from([None, 50.0, 50.0, 10.0]),
    "cfa": st.sampled_from([None, "MONO", "MONO", "RGGB"]),
    "row_order": st.sampled_from([None, "TOP-DOWN", "TOP-DOWN", "BOTTOM-UP"]),
    "number_domain": st.sampled_from([None, "adu", "adu", "unit"]),
    "exposure_s": st.sampled_from([None, 0.0, 0.001, 0.004, 1.0, 2.0, 2.0, 2.05, 5.0, 60.0]),
    "sensor_c": st.sampled_from([None, -10.0, -10.0, -9.5, -6.0, 25.0]),
    "set_c": st.sampled_from([None, -10.0, -10.0, 0.0]),
    "filter": st.sampled_from([None, "Ha", "Ha", "HA", "H-a", "R", "r", "OIII", "S/II"]),
    "taken_at": st.sampled_from(
        [
            None,
            "2026-03-14T20:00:00.000",
            "2026-03-14T20:30:00.000",
            "2026-03-15T11:30:00.000",
            "2026-03-15T21:00:00.000",
        ]
    ),
    "site_longitude_deg": st.sampled_from([None, 10.0, 10.0]),
    "rotator_deg": st.sampled_from([None, None, 0.2, 359.9, 180.0]),
    "pedestal_adu": st.sampled_from([None, None, None, 0.0, 100.0]),
    "contains_bias": st.sampled_from([None, None, None, True, False]),
    "is_master": st.sampled_from([False, False, False, True]),
}
"""What headers may hold where they are whole, damaged, or of another camera; the usual value comes most often."""


@st.composite
def damaged_surveys(draw: st.DrawFn, *, max_sets: int = 7, max_frames: int = 4) -> Survey:
    """Surveys of sets of frames whose headers differ, lie and lack fields at random; some frames are copies."""
    frames: list[FrameInfo] = []
    for number in range(draw(st.integers(1, max_sets))):
        kind = draw(st.sampled_from([FrameKind.FLAT, FrameKind.FLAT, *FrameKind, None]))
        odd = draw(st.lists(st.sampled_from(sorted(_DAMAGED)), max_size=4, unique=True))
        fields = {key: draw(_DAMAGED[key]) for key in odd}
        for index in range(draw(st.integers(1, max_frames))):
            own = {}
            if draw(st.booleans()):
                key = draw(st.sampled_from(sorted(_DAMAGED)))
                own = {key: draw(_DAMAGED[key])}
            frames.append(frame_value(f"set{number}/frame_{index}.fits", kind, **{**fields, **own}))
    order = draw(st.permutations(frames))
    return survey_value(order)
