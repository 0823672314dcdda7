"""The two nights that users really have: right frames among wrong labels, wrong gains, copies and broken files."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path
from typing import Final

import numpy as np

from evenfield.errors import OutputExistsError, WriteError
from evenfield.model.frame import FrameKind
from evenfield.model.pixels import Float64Array
from evenfield.simulate.camera import Camera
from evenfield.simulate.night import file_exposure
from evenfield.simulate.recipes import FLAT_SHARE, SENSOR_DUST, cmos_camera
from evenfield.simulate.scene import DustMote, Lamp, Optics, Sky
from evenfield.simulate.session import LAMP_STREAM, Session, random_stream, write_shots
from evenfield.simulate.shot import IMAGE_TYPES, Light, Shot
from evenfield.simulate.truth import Truth, camera_truth

NIGHTS: Final = ("2026-03-14", "2026-03-15")
FLAT_EXPOSURE_S: Final = {"Ha": 2.0, "OIII": 3.5}
TRANSMISSION: Final = {"Ha": 0.070, "OIII": 0.040}
DARK_EXPOSURE_S: Final = 300.0
N_FLATS: Final = 20
SET_C: Final = -10.0
# Dust on the filters; on the second night a new grain has landed on the sensor window.
FILTER_DUST: Final = {
    "Ha": (DustMote(row=0.18, column=0.71, radius=0.060, depth=0.04),),
    "OIII": (DustMote(row=0.63, column=0.35, radius=0.055, depth=0.05),),
}
NEW_DUST: Final = DustMote(row=0.42, column=0.58, radius=0.020, depth=0.11)
# The panel is off: what is left is stray light.
BLACK_ADU: Final = 12.0
# Somebody held the exposure of the brightest filter: this share of the pixels is at the top of the converter.
SATURATED_SHARE: Final = 0.42
TRUNCATED_SHARE: Final = 0.6
WORDS: Final = IMAGE_TYPES["short, no dark flat"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MessyNight:
    """Two nights that were written, and what is wrong with them.

    Parameters
    ----------
    folder : Path
    seed : int
    files : tuple of Path
        All 155 files.
    truth : dict of (str, str) to Truth
        By date of the evening and filter name; ``lamp_adu`` in the order of the numbers in the file names.
    black, saturated : Path
        A flat with the panel off, and one with more than 38 % of its pixels at the top of the converter.
    mislabeled : tuple of Path
        Flats whose header says 'Light Frame'.
    other_gain : tuple of Path
        Darks of 2.00 s at gain setting 0, in one folder with those at 100.
    copy, copied : Path
        A second copy of a flat, byte for byte, and the first.
    truncated : Path
        A flat that ends after 60 % of its bytes.
    cube : Path
        A color picture: three planes of 8 bits.
    """

    folder: Path
    seed: int
    files: tuple[Path, ...]
    truth: dict[tuple[str, str], Truth]
    black: Path
    saturated: Path
    mislabeled: tuple[Path, ...]
    other_gain: tuple[Path, ...]
    copy: Path
    copied: Path
    truncated: Path
    cube: Path


def simulate_messy_night(folder: str | Path, *, seed: int = 1, overwrite: bool = False) -> MessyNight:
    """Write 155 files of the evenings of 2026-03-14 and 2026-03-15 (81 MB); the same seed gives the same bytes.

    Night 1 has lights, 20 flats of Ha (2.00 s) and OIII (3.50 s), 20 + 20 dark flats that the header calls DARK, 10
    darks of 300 s and 10 of 2.00 s at gain setting 0. Night 2 has lights, 20 flats of OIII (one black, one saturated),
    one more that is cut short, and 20 of Ha whose header says 'Light Frame'. Besides, there are a copy of a flat and a
    color picture.

    Parameters
    ----------
    folder : str or Path
        Made if absent; gets a folder a night, ``backup`` and ``preview.fits``.
    seed : int
        Not negative: decides noise, temperatures and lamp.
    overwrite : bool
        Replace files that exist.

    Returns
    -------
    MessyNight

    Raises
    ------
    WriteError
        If a file exists (and ``overwrite`` is false) or cannot be written.
    """
    root = Path(folder)
    camera = messy_camera()
    truth = messy_truth(seed=seed)
    files = write_shots(_messy_shots(camera, truth, seed), folder=root, seed=seed, overwrite=overwrite)
    first_flats, second_flats = (root / night / "FLAT" for night in NIGHTS)
    truncated = second_flats / f"FLAT_OIII_{N_FLATS + 1:04d}.fits"
    copied = first_flats / "FLAT_Ha_0007.fits"
    copy = root / "backup" / "FLAT_Ha_0007 - Copy.fits"
    cube = root / "preview.fits"
    for path in (copy, cube):
        if path.exists() and not overwrite:
            raise OutputExistsError(f"{path} exists.", mend="Choose another folder, or overwrite.")
    try:
        os.truncate(truncated, int(TRUNCATED_SHARE * truncated.stat().st_size))
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(copied, copy)
        cube.write_bytes(_cube_bytes(truth[NIGHTS[0], "Ha"].illumination))
    except OSError as error:
        raise WriteError(f"{root} cannot be written: {error}.", mend="Choose another folder.") from error
    return MessyNight(
        folder=root,
        seed=seed,
        files=(*files, copy, cube),
        truth=truth,
        black=second_flats / "FLAT_OIII_0001.fits",
        saturated=second_flats / "FLAT_OIII_0002.fits",
        mislabeled=tuple(second_flats / f"FLAT_Ha_{number:04d}.fits" for number in range(1, N_FLATS + 1)),
        other_gain=tuple(root / NIGHTS[0] / "DARK" / f"DARK_2.00s_{number:04d}.fits" for number in range(21, 31)),
        copy=copy,
        copied=copied,
        truncated=truncated,
        cube=cube,
    )


def messy_camera() -> Camera:
    """The camera of the messy night."""
    return cmos_camera(name="Simulated CMOS", shape=(416, 624))


def messy_truth(*, seed: int = 1) -> dict[tuple[str, str], Truth]:
    """The truth by night and filter, the levels of the black and the saturated flat among it; writes no file."""
    camera = messy_camera()
    level = FLAT_SHARE * camera.top_adu - camera.bias_adu
    lamp = Lamp(e_per_s=level * camera.egain_e_per_adu / (FLAT_EXPOSURE_S["Ha"] * TRANSMISSION["Ha"]))
    found: dict[tuple[str, str], Truth] = {}
    for at_night, night in enumerate(NIGHTS):
        optics = Optics(motes=SENSOR_DUST if at_night == 0 else (*SENSOR_DUST, NEW_DUST))
        for at_filter, name in enumerate(FLAT_EXPOSURE_S):
            # Night 2 has one more OIII flat, the one that will be cut short.
            n_flats = N_FLATS + (at_night == 1 and name == "OIII")
            rng = random_stream(seed, LAMP_STREAM, at_night, at_filter)
            levels = [float(level * relative) for relative in lamp.levels(n_flats, rng=rng)]
            made = camera_truth(camera, optics=optics, lamp=lamp, sensor_c=SET_C, motes=FILTER_DUST[name])
            if at_night == 1 and name == "OIII":
                levels[:2] = [BLACK_ADU, _saturating_level(made)]
            found[night, name] = dataclasses.replace(made, lamp_adu=tuple(levels))
    return found


def _saturating_level(truth: Truth) -> float:
    """The lamp level at which `SATURATED_SHARE` of the pixels reach the top of the converter."""
    room = truth.camera.top_adu - truth.bias_adu
    return float(np.quantile(room / truth.flat_image, SATURATED_SHARE))


def _messy_shots(camera: Camera, truth: dict[tuple[str, str], Truth], seed: int) -> list[Shot]:
    """All shots of both nights but for the copy and the cube."""
    session = Session(
        camera, optics=Optics(motes=SENSOR_DUST), set_c=SET_C, temperature_rms_c=0.08, longitude_deg=10.2, seed=seed
    )
    first, second = NIGHTS
    session.wait_until(first, hour_utc=20.5)
    _take_lights(session, first, truth)
    # Night 1: flats at dawn, on the next day's date; dark flats and darks follow before noon.
    session.wait_until(first, hour_utc=28.75)
    for name in FLAT_EXPOSURE_S:
        _take_flats(session, first, name, truth[first, name], WORDS[FrameKind.FLAT])
    for exposure_s in FLAT_EXPOSURE_S.values():
        _take_darks(session, camera, FrameKind.DARK_FLAT, exposure_s, range(1, 21))
    _take_darks(session, camera, FrameKind.DARK, DARK_EXPOSURE_S, range(1, 11))
    # The same sensor at gain setting 0: more electrons per ADU, more read noise, the same bias level.
    low_gain = dataclasses.replace(camera, gain_setting=0, egain_e_per_adu=0.78, read_noise_e=3.4)
    _take_darks(session, low_gain, FrameKind.DARK_FLAT, 2.0, range(21, 31))
    # Night 2: flats right after the lights, before midnight.
    session.wait_until(second, hour_utc=20.25)
    _take_lights(session, second, truth)
    _take_flats(session, second, "OIII", truth[second, "OIII"], WORDS[FrameKind.FLAT])
    _take_flats(session, second, "Ha", truth[second, "Ha"], "Light Frame")
    return session.shots


def _take_lights(session: Session, night: str, truth: dict[tuple[str, str], Truth]) -> None:
    """Three lights of each filter."""
    for name in FLAT_EXPOSURE_S:
        light = Light(truth=truth[night, name], filter=name, sky=Sky(), transmission=TRANSMISSION[name])
        for number in range(1, 4):
            session.take(
                f"{night}/LIGHT/NGC2359_{name}_{file_exposure(DARK_EXPOSURE_S)}_{number:04d}.fits",
                kind=FrameKind.LIGHT,
                image_type=WORDS[FrameKind.LIGHT],
                exposure_s=DARK_EXPOSURE_S,
                light=light,
            )


def _take_flats(session: Session, night: str, name: str, truth: Truth, image_type: str) -> None:
    """The flats of one filter, one for each lamp level."""
    for number, level in enumerate(truth.lamp_adu, start=1):
        session.take(
            f"{night}/FLAT/FLAT_{name}_{number:04d}.fits",
            kind=FrameKind.FLAT,
            image_type=image_type,
            exposure_s=FLAT_EXPOSURE_S[name],
            light=Light(truth=truth, filter=name, lamp_adu=level),
        )


def _take_darks(session: Session, camera: Camera, kind: FrameKind, exposure_s: float, numbers: range) -> None:
    """A set with the shutter closed; all of them in the folder of night 1."""
    for number in numbers:
        session.take(
            f"{NIGHTS[0]}/DARK/DARK_{file_exposure(exposure_s)}_{number:04d}.fits",
            kind=kind,
            image_type=WORDS[kind],
            exposure_s=exposure_s,
            camera=camera,
        )


def _cube_bytes(picture: Float64Array) -> bytes:
    """A FITS file of three 8-bit planes; the writer of products makes none, because evenfield combines none."""
    plane = np.clip(picture / picture.max() * 200.0, 0.0, 255.0)
    pixels = np.stack([plane, plane * 0.8, plane * 0.9]).astype(np.uint8)
    cards = ["SIMPLE  =                    T", f"BITPIX  = {8:20d}", f"NAXIS   = {3:20d}"]
    cards += [f"NAXIS{axis}  = {length:20d}" for axis, length in enumerate(reversed(pixels.shape), start=1)]
    cards += ["OBJECT  = 'preview '", "END"]
    header = "".join(card.ljust(80) for card in cards).encode("ascii")
    body = pixels.tobytes()
    return header.ljust(-(-len(header) // 2880) * 2880) + body.ljust(-(-len(body) // 2880) * 2880, b"\0")
