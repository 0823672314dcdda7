"""A frame as its header describes it: kind, sensor setup, exposure, temperature, filter, time."""

from __future__ import annotations

import enum
from typing import Final

import msgspec


class FrameKind(enum.StrEnum):
    """What a frame was taken for. Unknown is ``None``, never a member."""

    BIAS = "bias"
    DARK = "dark"
    DARK_FLAT = "dark_flat"
    FLAT = "flat"
    LIGHT = "light"

    @property
    def words(self) -> str:
        """The kind as it is written in a sentence, "dark flat"."""
        return self.value.replace("_", " ")


DARK_KINDS: Final = (FrameKind.BIAS, FrameKind.DARK, FrameKind.DARK_FLAT)


class Difference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key in which two setups differ, or in which one of them is unknown.

    ``key`` is the field's name, ``here`` and ``there`` the two values as text (``None``: unknown).
    """

    key: str
    here: str | None
    there: str | None

    @property
    def unknown(self) -> bool:
        """True where one side is unknown: then it is neither equal nor different."""
        return self.here is None or self.there is None

    def __str__(self) -> str:
        """Return "gain setting 100, there 0"."""
        here = "unknown" if self.here is None else self.here
        there = "unknown" if self.there is None else self.there
        return f"{KEY_WORDS.get(self.key, self.key)} {here}, there {there}"


KEY_WORDS: Final[dict[str, str]] = {
    "shape": "size",
    "binning": "binning",
    "origin": "region",
    "camera": "camera",
    "readout_mode": "readout mode",
    "gain_setting": "gain setting",
    "offset_setting": "offset setting",
    "cfa": "CFA pattern",
    "row_order": "row order",
    "number_domain": "number domain",
    "exposure_s": "exposure",
    "sensor_c": "temperature",
    "set_c": "set temperature",
    "filter": "filter",
    "night": "night",
    "rotator_deg": "rotator angle",
    "telescope": "telescope",
    "focal_length_mm": "focal length",
}
"""Field name -> the words for it in sentences."""


class SensorSetup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The state of the sensor in which a frame was taken. Frames of different setups never meet.

    ``shape`` is (rows, columns), ``binning`` (x, y), ``origin`` the (x, y) of the first pixel of the region read out,
    in binned pixels; ``cfa`` the colour pattern at the first stored pixel ("RGGB", a 36-letter X-Trans pattern, or
    "MONO" where the header says so); ``row_order`` "TOP-DOWN" or "BOTTOM-UP"; ``number_domain`` "adu", "unit" (0..1)
    or "electron". ``None`` is unknown.
    """

    shape: tuple[int, int]
    binning: tuple[int, int] | None = None
    origin: tuple[int, int] | None = None
    camera: str | None = None
    readout_mode: str | None = None
    gain_setting: float | None = None
    offset_setting: float | None = None
    cfa: str | None = None
    row_order: str | None = None
    number_domain: str | None = None

    def differences(self, other: SensorSetup) -> tuple[Difference, ...]:
        """Every key in which the two setups are not known to be equal.

        A key unknown on both sides is left out; unknown on one side gives a `Difference` with ``unknown`` true.
        """
        found = []
        for key in SETUP_KEYS:
            here, there = getattr(self, key), getattr(other, key)
            if here != there:
                found.append(Difference(key=key, here=key_text(key, here), there=key_text(key, there)))
        return tuple(found)


SETUP_KEYS: Final = SensorSetup.__struct_fields__
"""The keys that must be equal for frames to meet (both known)."""


def key_text(key: str, value: object) -> str | None:
    """The text of one key's value: ``(4176, 6248)`` of "shape" is "6248 x 4176"; ``None`` stays ``None``."""
    if value is None:
        return None
    if key == "shape" and isinstance(value, tuple):
        return f"{value[1]} x {value[0]}"
    if key in ("binning", "origin") and isinstance(value, tuple):
        return f"{value[0]}x{value[1]}" if key == "binning" else f"{value[0]},{value[1]}"
    if key == "exposure_s" and isinstance(value, float):
        return exposure_text(value)
    if key in ("sensor_c", "set_c") and isinstance(value, float):
        return f"{value:.1f} C"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def exposure_text(exposure_s: float) -> str:
    """An exposure as people write it: "0.0032 s", "2.00 s", "300 s"."""
    if exposure_s == 0:
        return "0 s"
    if exposure_s < 0.1:
        return f"{exposure_s:.4g} s"
    if exposure_s < 10:
        return f"{exposure_s:.2f} s"
    return f"{exposure_s:.1f}".rstrip("0").rstrip(".") + " s"


class FrameInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is known of one frame without looking at its pixels.

    ``path`` is absolute. ``taken_at`` is ISO 8601, UTC. ``known_from`` maps a field to where its value came from: a
    keyword ("IMAGETYP"), "folder", "file name", "user", or "pixels". ``size_bytes``, ``mtime_ns`` and ``header_hash``
    (xxh3-128 of the header's bytes) are the frame's identity for plan and resume.
    """

    path: str
    kind: FrameKind | None
    is_master: bool = False
    setup: SensorSetup
    exposure_s: float | None = None
    sensor_c: float | None = None
    set_c: float | None = None
    filter: str | None = None
    taken_at: str | None = None
    local_at: str | None = None
    site_longitude_deg: float | None = None
    night: str | None = None
    rotator_deg: float | None = None
    pier_side: str | None = None
    telescope: str | None = None
    focal_length_mm: float | None = None
    f_number: float | None = None
    focus_position: float | None = None
    program: str | None = None
    target: str | None = None
    egain_e_per_adu: float | None = None
    pedestal_adu: float | None = None
    saturation_adu: float | None = None
    overscan_section: str | None = None
    trim_section: str | None = None
    n_combined: int | None = None
    contains_bias: bool | None = None
    kind_by_name: FrameKind | None = None
    sample: str = "uint16"
    product_digest: str | None = None
    known_from: dict[str, str] = {}
    problems: tuple[str, ...] = ()
    size_bytes: int = 0
    mtime_ns: int = 0
    header_hash: str = ""

    @property
    def temperature_c(self) -> float | None:
        """The measured temperature, else the set one."""
        return self.set_c if self.sensor_c is None else self.sensor_c

    @property
    def full_scale_adu(self) -> float | None:
        """The saturation level, ADU: from its header or the user, else the greatest number its type holds."""
        if self.saturation_adu is not None:
            return self.saturation_adu
        return {"uint16": 65535.0, "int16": 32767.0, "uint8": 255.0}.get(self.sample)
