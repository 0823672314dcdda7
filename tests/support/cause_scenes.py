"""Small nights with one fault each, of a strength in units of the detection limit: what `evidence` is measured from."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from dust_scenes import Ring, optics, placed, scattered
from numpy.typing import NDArray

from evenfield.examine.evidence import Frames
from evenfield.model.causes import Cause

F32 = NDArray[np.float32]

BIAS_ADU, READ_ADU, DARK_ADU, SKY_ADU, FLAT_ADU, TOP_ADU = 500.0, 3.0, 20.0, 1200.0, 20000.0, 65535.0
LIMITS: dict[Cause, float] = {
    Cause.FLAT_WITHOUT_DARK: 0.02,  # bias over flat: the exponent of the shade is known to 0.0042
    Cause.LIGHT_WITHOUT_DARK: 0.02,  # bias over sky, the same; its hot pixels show at any sky
    Cause.BIAS_TWICE: 0.02,  # bias over flat or sky
    Cause.GAIN_MISMATCH: 0.055,  # log of the gains' ratio: the share of hot pixels is known to 0.011
    Cause.OFFSET_MISMATCH: 0.022,  # offset over sky
    Cause.EXPOSURE_MISMATCH: 0.055,  # what is left of the dark's hot pixels
    Cause.FLAT_ROTATED: 0.18,  # degrees
    Cause.FLAT_SHIFTED: 0.5,  # pixels
    Cause.FLAT_FLIPPED: 1.0,  # no strength: a file is mirrored or not
    Cause.DUST_MOVED: 1.3,  # pixels that one mote moved
    Cause.LIGHT_LEAK: 1.4,  # ADU rms of a gradient that comes and goes: differences of 0.24 ADU are one error
    Cause.FLAT_NOT_LINEAR: 0.021,  # share of light lost at the flat's level; or 0.0005 of the pixels cut off
    Cause.STRAY_LIGHT: 3.8,  # ADU of an arc over a tenth of the frame: shades of 0.36 ADU are one error
    Cause.NONE: 0.0,
}
"""What strength 1 means: about five errors of the measure that shows the fault most, in frames of this size."""


@dataclasses.dataclass
class _Night:
    """The camera and what each kind of frame gets; a fault changes one of them."""

    rng: np.random.Generator
    shape: tuple[int, int]
    rings: tuple[Ring, ...]
    flat_rings: tuple[Ring, ...] = ()
    sky_adu: float = SKY_ADU
    flat_adu: float = FLAT_ADU
    dark_gain: float = 1.0
    dark_offset: float = 0.0
    dark_time: float = 1.0
    leak_adu: float = 0.0
    bend: float = 0.0
    top_adu: float = TOP_ADU
    arc_adu: float = 0.0

    def __post_init__(self) -> None:
        rows, columns = self.shape
        normal = self.rng.standard_normal
        self.pattern = 1.5 * normal(self.shape, dtype=np.float32) + 1.5 * normal((1, columns), dtype=np.float32)
        self.dark = np.full(self.shape, DARK_ADU, np.float32)
        hot = self.rng.choice(rows * columns, rows * columns // 1000, replace=False)
        self.dark.flat[hot] += (40 + 300 * self.rng.exponential(size=hot.size)).astype(np.float32)
        self.response = 1 + np.float32(0.006) * normal(self.shape, dtype=np.float32)
        self.flat_rings = self.rings

    def noise(self, mean: F32, n: int = 1, read: float = READ_ADU) -> F32:
        spread = np.sqrt((np.maximum(mean, 0) + np.float32(read**2)) / n)
        return mean + self.rng.standard_normal(self.shape, dtype=np.float32) * spread

    def bias_frame(self, n: int = 1) -> F32:
        return BIAS_ADU + self.pattern + self.noise(np.zeros(self.shape, np.float32), n)

    def dark_frame(self, n: int = 1) -> F32:
        leak = np.zeros(1, np.float32)
        if self.leak_adu:
            x = np.linspace(-1.7, 1.7, self.shape[1], dtype=np.float32)
            leak = np.float32(self.leak_adu * abs(self.rng.normal()) * (2 if n > 1 else 1)) * (x + 1.7)
        clean = self.noise(self.dark * np.float32(self.dark_time) + leak, n)
        return np.float32(BIAS_ADU + self.dark_offset) + self.pattern + np.float32(self.dark_gain) * clean

    def flat_frame(self, n: int = 1) -> F32:
        light = optics(self.flat_rings, self.shape) * self.response * np.float32(self.flat_adu)
        seen = self.noise(light, n)
        seen = seen * (1 - np.float32(self.bend / self.flat_adu) * seen)
        raw: F32 = np.minimum(seen + BIAS_ADU + self.pattern, np.float32(self.top_adu))
        return raw

    def sky_frame(self) -> F32:
        rows, columns = self.shape
        y, x = np.linspace(-0.5, 0.5, rows)[:, None], np.linspace(-0.5, 0.5, columns)[None, :]
        sky = (self.sky_adu * (1 + 0.08 * (0.8 * x + 0.6 * y))).astype(np.float32)
        for _ in range(40):
            row, column = self.rng.uniform(0, rows), self.rng.uniform(0, columns)
            box = (slice(max(0, int(row) - 9), int(row) + 10), slice(max(0, int(column) - 9), int(column) + 10))
            yy, xx = np.mgrid[box[0].start : min(rows, box[0].stop), box[1].start : min(columns, box[1].stop)]
            flux = 9000 / max(self.rng.uniform(), 0.01)
            sky[box] += (flux / 7.6 * np.exp(-0.5 * ((yy - row) ** 2 + (xx - column) ** 2) / 1.21)).astype(np.float32)
        if self.arc_adu:
            away = np.hypot(y * rows + 0.6 * rows, x * columns - 0.1 * columns) / rows
            sky += (self.arc_adu * np.exp(-0.5 * ((away - 0.8) / 0.06) ** 2)).astype(np.float32)
        return self.noise(sky * optics(self.rings, self.shape) * self.response + self.dark) + BIAS_ADU + self.pattern


def faulty_night(cause: Cause, strength: float, *, seed: int, shape: tuple[int, int] = (480, 640)) -> Frames:
    """Frames with one fault of a strength (1 to 10 times the limit)."""
    rng = np.random.default_rng(seed)
    night = _Night(rng, shape, scattered(rng, shape, n=6, radii=(18, 45), depth=0.03, margin=80))
    size = LIMITS[cause] * strength
    sign = float(rng.choice([-1, 1]))
    in_flat = bool(rng.integers(2))
    if cause is Cause.FLAT_WITHOUT_DARK or (cause is Cause.BIAS_TWICE and in_flat):
        night.flat_adu = BIAS_ADU / size
    elif cause in (Cause.LIGHT_WITHOUT_DARK, Cause.BIAS_TWICE):
        night.sky_adu = BIAS_ADU / size
    elif cause is Cause.GAIN_MISMATCH:
        night.dark_gain = math.exp(sign * size)
    elif cause is Cause.OFFSET_MISMATCH:
        night.dark_offset = -size * SKY_ADU if sign < 0 else min(size, 0.6) * SKY_ADU
    elif cause is Cause.EXPOSURE_MISMATCH:
        night.dark_time = 1 / (1 + sign * size)
    elif cause is Cause.FLAT_ROTATED:
        night.flat_rings = placed(night.rings, shape, angle_deg=sign * size)
    elif cause is Cause.FLAT_SHIFTED:
        way = rng.uniform(0, 2 * math.pi)
        night.flat_rings = placed(night.rings, shape, shift=(size * math.sin(way), size * math.cos(way)))
    elif cause is Cause.DUST_MOVED:
        way = rng.uniform(0, 2 * math.pi)
        moved = placed(night.rings[:1], shape, shift=(size * math.sin(way), size * math.cos(way)))
        night.flat_rings = moved + night.rings[1:]
    elif cause is Cause.LIGHT_LEAK:
        night.leak_adu = size
    elif cause is Cause.FLAT_NOT_LINEAR:
        night.bend = min(size, 0.3) if sign > 0 else 0.0
        if sign < 0:
            night.top_adu = float(np.quantile(night.flat_frame(), 1 - 0.0005 * strength))
    elif cause is Cause.STRAY_LIGHT:
        night.arc_adu = size
    return _taken(night, cause, in_flat)


def _taken(night: _Night, cause: Cause, in_flat: bool) -> Frames:
    """All frames of a night, calibrated as the fault has it."""
    bias, dark = night.bias_frame(20), night.dark_frame(16)
    raw_flats = [night.flat_frame() for _ in range(3)]
    flat = night.flat_frame(16)
    if cause is not Cause.FLAT_WITHOUT_DARK:
        flat = flat - bias * np.float32(2 if cause is Cause.BIAS_TWICE and in_flat else 1)
    raw_lights = [night.sky_frame() for _ in range(3)]
    lights = raw_lights
    if cause is not Cause.LIGHT_WITHOUT_DARK:
        taken = dark + bias if cause is Cause.BIAS_TWICE and not in_flat else dark
        lights = [light - taken for light in raw_lights]
    if cause is Cause.FLAT_FLIPPED:
        flat = np.ascontiguousarray(flat[::-1])
    return Frames(
        flat=flat, lights=lights, raw_flats=raw_flats, raw_lights=raw_lights, bias=bias, dark=dark,
        raw_biases=[np.rint(night.bias_frame()) for _ in range(2)],
        raw_darks=[np.rint(night.dark_frame()) for _ in range(4)],
    )  # fmt: skip
