"""A session at the telescope: shots in the order of the clock, and the files that they become."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Final

import numpy as np

from evenfield.errors import UsageError
from evenfield.model.frame import FrameKind
from evenfield.simulate.camera import Camera
from evenfield.simulate.exposure import expose
from evenfield.simulate.scene import Optics
from evenfield.simulate.shot import Light, Shot

# The streams of random numbers of one seed; each is independent of how much the others use.
TEMPERATURE_STREAM: Final = 0
LAMP_STREAM: Final = 1
FRAME_STREAM: Final = 2
READOUT_S: Final = 1.5
# A locked cooler strays no further, whatever the rms.
FARTHEST_C: Final = 0.25


def random_stream(seed: int, *keys: int) -> np.random.Generator:
    """The random numbers of one purpose; `UsageError` if the seed is negative."""
    if seed < 0:
        raise UsageError(f"The seed {seed} is negative.", mend="Give 0 or more.")
    return np.random.default_rng([seed, *keys])


class Session:
    """A camera on a telescope, a clock and a cooler: collects the shots of one or more nights.

    Parameters
    ----------
    camera : Camera
    optics : Optics
    set_c, temperature_rms_c : float
        The cooler's set point and how well it holds it, degrees C.
    longitude_deg : float
        Of the site, degrees east.
    seed : int
        Decides the temperatures and the dither.
    """

    def __init__(
        self, camera: Camera, *, optics: Optics, set_c: float, temperature_rms_c: float, longitude_deg: float, seed: int
    ) -> None:
        self.shots: list[Shot] = []
        self._camera = camera
        self._optics = optics
        self._set_c = set_c
        self._temperature_rms_c = temperature_rms_c
        self._longitude_deg = longitude_deg
        self._now = datetime.datetime.min
        self._rng = random_stream(seed, TEMPERATURE_STREAM)

    def wait_until(self, evening: str, *, hour_utc: float) -> None:
        """Go on at that hour (UTC; above 24 on the morning after) of the night of a date, or now if it is past."""
        then = datetime.datetime.fromisoformat(evening) + datetime.timedelta(hours=hour_utc)
        self._now = max(self._now, then)

    def take(
        self,
        path: str,
        *,
        kind: FrameKind,
        image_type: str,
        exposure_s: float,
        light: Light | None = None,
        camera: Camera | None = None,
    ) -> None:
        """Add a shot; ``path`` is relative, ``camera`` replaces the session's (another gain setting)."""
        astray = float(np.clip(self._temperature_rms_c * self._rng.standard_normal(), -FARTHEST_C, FARTHEST_C))
        dither = self._rng.uniform(-8.0, 8.0, size=2)
        self.shots.append(
            Shot(
                path=path,
                kind=kind,
                image_type=image_type,
                camera=camera or self._camera,
                optics=self._optics,
                exposure_s=exposure_s,
                starts=self._now,
                sensor_c=round(self._set_c + astray, 1),  # drivers give one decimal
                set_c=self._set_c,
                longitude_deg=self._longitude_deg,
                light=light,
                shift_px=(float(dither[0]), float(dither[1])),
            )
        )
        self._now += datetime.timedelta(seconds=exposure_s + READOUT_S)


def write_shots(shots: list[Shot], *, folder: Path, seed: int, overwrite: bool = False) -> tuple[Path, ...]:
    """Expose the shots and write them below a folder.

    Parameters
    ----------
    shots : list of Shot
    folder : Path
        Made if absent.
    seed : int
        The noise of a frame depends on this and on its place in the list only.
    overwrite : bool
        Replace files that exist.

    Returns
    -------
    tuple of Path
        The files, in the order of the shots.

    Raises
    ------
    WriteError
        If a file exists (and ``overwrite`` is false) or cannot be written.
    """
    from evenfield.write.fits_file import write_image

    written = []
    for index, shot in enumerate(shots):
        frame = expose(
            shot.camera,
            kind=shot.kind,
            exposure_s=shot.exposure_s,
            sensor_c=shot.sensor_c,
            light_e_per_s=shot.light_e_per_s(),
            rng=random_stream(seed, FRAME_STREAM, index),
        )
        path = folder / shot.path
        write_image(path, image=frame, cards=shot.cards(), sample="uint16", overwrite=overwrite)
        written.append(path)
    return tuple(written)
