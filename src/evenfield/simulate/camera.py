"""A simulated camera as a value: size, converter, noise, dark current and patterns at one gain and offset setting."""

from __future__ import annotations

import dataclasses

from evenfield.errors import SettingsError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A camera at one gain and offset setting. ADU are those of the file, after ``sample_step``.

    Parameters
    ----------
    name : str
        What the header calls it.
    shape : (int, int)
        Rows and columns that see light; the file adds ``overscan_columns`` at the right.
    egain_e_per_adu : float
        Electrons per ADU of the file.
    read_noise_e : float
        Standard deviation of one readout, electrons.
    bias_adu : float
        The mean level of a bias frame, ADU.
    bias_pattern_adu : float
        The fixed pattern of the bias, rms in ADU: half of its variance by column, half by pixel.
    bias_drift_adu : float
        How far the whole bias level wanders from frame to frame, rms in ADU; overscan follows it.
    dark_e_per_s, dark_at_c, dark_doubling_c : float
        The dark current of an ordinary pixel at a temperature, and by how many degrees C it doubles.
    hot_share, hot_strength : float
        The share of hot pixels, and the mean of their (exponentially distributed) dark current in units of
        ``dark_e_per_s``.
    glow_e_per_s, glow_reach : float
        Amplifier glow in the top left corner, and the distance at which it fell to 1/e as a share of the diagonal. It
        does not depend on temperature.
    prnu : float
        The rms of the pixel response Q, relative.
    full_well_e : float
        What a pixel holds, electrons.
    bits, sample_step : int
        The converter, and what the driver multiplies its counts with: 14 and 4, or 12 and 16, are common.
    cfa : str, optional
        "RGGB" and the like, the colors of the top two rows; ``None`` is a mono camera.
    color_response : (float, float, float)
        What red, green and blue pixels keep of the light; ignored without ``cfa``.
    gain_setting, offset_setting : int
        What the header says.
    overscan_columns : int
        Columns at the right that are read without light or dark current.
    is_ccd : bool
        A CCD: the header has no gain or offset setting.
    cosmic_rays_per_s : float
        Hits a second on the whole sensor.
    pixel_um : float
        The size of a pixel, micrometres.
    seed : int
        Decides the fixed patterns: the serial number, so to speak.

    Raises
    ------
    SettingsError
        If a value is out of its range.
    """

    name: str
    shape: tuple[int, int]
    egain_e_per_adu: float = 1.0
    read_noise_e: float = 2.0
    bias_adu: float = 500.0
    bias_pattern_adu: float = 2.0
    bias_drift_adu: float = 0.0
    dark_e_per_s: float = 0.003
    dark_at_c: float = -10.0
    dark_doubling_c: float = 6.0
    hot_share: float = 0.001
    hot_strength: float = 300.0
    glow_e_per_s: float = 0.0
    glow_reach: float = 0.12
    prnu: float = 0.006
    full_well_e: float = 50000.0
    bits: int = 16
    sample_step: int = 1
    cfa: str | None = None
    color_response: tuple[float, float, float] = (0.6, 1.0, 0.75)
    gain_setting: int = 100
    offset_setting: int = 50
    overscan_columns: int = 0
    is_ccd: bool = False
    cosmic_rays_per_s: float = 0.0
    pixel_um: float = 3.76
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what no camera can be."""
        problems = [
            (min(self.shape) < 1, f"a shape of {self.shape}"),
            (not self.egain_e_per_adu > 0, f"{self.egain_e_per_adu} electrons per ADU"),
            (self.bits not in range(8, 17), f"a converter of {self.bits} bits"),
            (self.sample_step < 1 or self.top_adu > 65535, f"{self.bits} bits times {self.sample_step}: above 65535"),
            (not _is_pattern(self.cfa), f"the CFA pattern {self.cfa}"),
            (self.overscan_columns < 0, f"{self.overscan_columns} overscan columns"),
            (not 0 <= self.hot_share <= 1, f"a share of {self.hot_share} hot pixels"),
        ]
        for wrong, what in problems:
            if wrong:
                raise SettingsError(f"No camera '{self.name}' has {what}.", mend="Change that value of the camera.")

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Rows and columns of the file, overscan included."""
        return self.shape[0], self.shape[1] + self.overscan_columns

    @property
    def top_adu(self) -> int:
        """The greatest value that the file can hold: 65535, 65532 (14 bits x4), 65520 (12 bits x16)."""
        return int((2**self.bits - 1) * self.sample_step)

    def warmth(self, sensor_c: float) -> float:
        """The factor between the dark current at a temperature (degrees C) and that at ``dark_at_c``."""
        return float(2.0 ** ((sensor_c - self.dark_at_c) / self.dark_doubling_c))


def _is_pattern(cfa: str | None) -> bool:
    """True for no pattern, and for four (Bayer) or 36 (X-Trans) of the letters R, G, B."""
    return cfa is None or (len(cfa) in (4, 36) and not set(cfa) - set("RGB"))
