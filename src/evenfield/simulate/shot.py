"""One frame to be taken: the light that will fall on the sensor and the header that a capture program gives it."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Final, TypeAlias

from evenfield.model.frame import FrameKind
from evenfield.model.pixels import Float64Array
from evenfield.simulate.camera import Camera
from evenfield.simulate.scene import Optics, Sky, sky_image
from evenfield.simulate.truth import Truth

CAPTURE_PROGRAM: Final = "evenfield simulated camera 1"
TARGET: Final = "NGC 2359"

IMAGE_TYPES: Final[dict[str, dict[FrameKind, str]]] = {
    "short": {
        FrameKind.BIAS: "BIAS",
        FrameKind.DARK: "DARK",
        FrameKind.DARK_FLAT: "DARKFLAT",
        FrameKind.FLAT: "FLAT",
        FrameKind.LIGHT: "LIGHT",
    },
    "short, no dark flat": {
        FrameKind.BIAS: "BIAS",
        FrameKind.DARK: "DARK",
        FrameKind.DARK_FLAT: "DARK",
        FrameKind.FLAT: "FLAT",
        FrameKind.LIGHT: "LIGHT",
    },
    "frame": {
        FrameKind.BIAS: "Bias Frame",
        FrameKind.DARK: "Dark Frame",
        FrameKind.DARK_FLAT: "Dark Frame",
        FrameKind.FLAT: "Flat Field",
        FrameKind.LIGHT: "Light Frame",
    },
}
"""How programs write IMAGETYP: one short word, the same where dark flats are written as darks, and "... Frame"."""

Card: TypeAlias = tuple[str, bool | int | float | str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Light:
    """What falls on the sensor: the lamp at ``lamp_adu`` (see `Truth`), or a sky through a filter.

    ``filter`` is its name, ``None`` without a filter wheel; ``transmission`` (0..1) dims the sky only, because
    ``lamp_adu`` is what came through.
    """

    truth: Truth
    filter: str | None
    lamp_adu: float = 0.0
    sky: Sky | None = None
    transmission: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """One frame to be taken; ``path`` is relative, ``starts`` UTC, ``light`` ``None`` with the shutter closed."""

    path: str
    kind: FrameKind
    image_type: str
    camera: Camera
    optics: Optics
    exposure_s: float
    starts: datetime.datetime
    sensor_c: float
    set_c: float
    longitude_deg: float
    light: Light | None
    shift_px: tuple[float, float]

    def light_e_per_s(self) -> Float64Array | None:
        """The light on the sensor, float64 (rows, columns); ``None`` with the shutter closed."""
        light = self.light
        if light is None:
            return None
        if light.sky is not None:
            stars = sky_image(light.sky, shape=self.camera.shape, shift_px=self.shift_px)
            return stars * light.truth.illumination * light.transmission
        return light.truth.lamp_light * (light.lamp_adu * self.camera.egain_e_per_adu / self.exposure_s)

    def cards(self) -> tuple[Card, ...]:
        """The header's cards: keyword, value, comment."""
        # A clock in the time zone of the site, without summer time.
        local = self.starts + datetime.timedelta(hours=round(self.longitude_deg / 15.0))
        cards: list[Card] = [
            ("IMAGETYP", self.image_type, "Type of exposure"),
            ("EXPOSURE", float(self.exposure_s), "[s] Exposure duration"),
            ("EXPTIME", float(self.exposure_s), "[s] Exposure duration"),
            ("DATE-OBS", self.starts.isoformat(timespec="milliseconds"), "Time of observation (UTC)"),
            ("DATE-LOC", local.isoformat(timespec="milliseconds"), "Time of observation (local)"),
            *_camera_cards(self.camera),
            ("SET-TEMP", float(self.set_c), "[degC] CCD temperature setpoint"),
            ("CCD-TEMP", float(self.sensor_c), "[degC] CCD temperature"),
            ("TELESCOP", self.optics.telescope, "Name of telescope"),
            ("FOCALLEN", float(self.optics.focal_length_mm), "[mm] Focal length"),
            ("ROTATANG", float(self.optics.rotator_deg), "[deg] Rotator angle"),
            ("SITELONG", float(self.longitude_deg), "[deg] Observation site longitude"),
        ]
        if self.light is not None and self.light.filter is not None:
            cards.append(("FILTER", self.light.filter, "Active filter name"))
        if self.kind is FrameKind.LIGHT:
            cards.append(("OBJECT", TARGET, "Name of the object of interest"))
        cards.append(("ROWORDER", "TOP-DOWN", "FITS image orientation"))
        cards.append(("SWCREATE", CAPTURE_PROGRAM, "Software that created this file"))
        return tuple(cards)


def _camera_cards(camera: Camera) -> list[Card]:
    """The cards that depend on the camera only."""
    cards: list[Card] = [
        ("INSTRUME", camera.name, "Imaging instrument name"),
        ("XBINNING", 1, "X axis binning factor"),
        ("YBINNING", 1, "Y axis binning factor"),
        ("EGAIN", float(camera.egain_e_per_adu), "[e-/ADU] Electrons per A/D unit"),
        ("XPIXSZ", float(camera.pixel_um), "[um] Pixel X axis size"),
        ("YPIXSZ", float(camera.pixel_um), "[um] Pixel Y axis size"),
    ]
    if not camera.is_ccd:
        cards.append(("GAIN", camera.gain_setting, "Sensor gain"))
        cards.append(("OFFSET", camera.offset_setting, "Sensor gain offset"))
    if camera.cfa is not None:
        cards.append(("BAYERPAT", camera.cfa, "Sensor Bayer pattern"))
        cards.append(("XBAYROFF", 0, "Bayer pattern X axis offset"))
        cards.append(("YBAYROFF", 0, "Bayer pattern Y axis offset"))
    if camera.overscan_columns:
        rows, columns = camera.shape
        cards.append(("BIASSEC", f"[{columns + 1}:{camera.frame_shape[1]},1:{rows}]", "Overscan"))
        cards.append(("TRIMSEC", f"[1:{columns},1:{rows}]", "Region that sees light"))
    return cards
